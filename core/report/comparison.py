"""Two DEMs compared, before and after an alignment: the one model behind figures, HTML, JSON and CSV."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from statistics import NormalDist

import numpy as np

from ..coregistration.blocks import BlockShift
from ..errors import CoregistrationError, RasterError
from ..progress import Part, Progress, Silent
from ..raster.dem import Dem, Reader
from ..raster.grid import Grid, overlap_window
from ..raster.masks import StableTerrain
from ..raster.resampling import Resampler
from ..raster.writing import RasterWriter
from ..statistics.classes import classify
from ..statistics.robust import Summary, summarize_weighted
from ..statistics.streaming import Sketch
from ..statistics.terrain import slope
from .maps import Maps, MapSum
from .provenance import Source, describe, versions

TILE = 512
MAP_SIDE = 600
HISTOGRAM_BINS = 240
HISTOGRAM_SPREADS = 5.0
SCORE_REACH = 3.5


@dataclass(frozen=True)
class Pair:
    """Statistics of the same cells before and after the alignment (`after` None without one)."""

    before: Summary
    after: Summary | None = None


@dataclass(frozen=True)
class TerrainClass:
    """Stable cells whose `by` ("slope", degrees) lies in [low, high); the last class holds `high` too."""

    by: str
    low: float
    high: float
    pair: Pair

    @property
    def label(self) -> str:
        """The class as people write it, with a dash."""
        return f"{self.low:g}\u2013{self.high:g}°"


@dataclass(frozen=True)
class Histogram:
    """Counts of stable dh between `edges` (m), of which there is one more; what lies outside is left out."""

    edges: np.ndarray
    before: np.ndarray
    after: np.ndarray | None = None


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of stable dh (m) at `scores`, quantiles of the standard normal."""

    scores: np.ndarray
    before: np.ndarray
    after: np.ndarray | None = None


@dataclass(frozen=True)
class Comparison:
    """dh = reference - secondary, and reference - aligned where there is one, on the reference's grid.

    With an aligned DEM both are taken on the cells that both have. `stable` and `rest` part those cells by
    the stable terrain (`rest` is None where all is taken to be stable); `classes` part the stable ones by
    terrain; cells without a slope (beside voids and edges) are in none.
    """

    reference: Source
    secondary: Source
    aligned: Source | None
    stable: Pair
    rest: Pair | None
    classes: tuple
    histogram: Histogram
    quantiles: Quantiles
    maps: Maps
    blocks: tuple
    kernel: str
    resampled: tuple
    parameters: dict
    versions: dict
    started: str
    seconds: float

    @property
    def limit(self) -> float:
        """The dh (m) at the ends of the maps' colour scale: P95 of |dh| before, at most |median| + 3 NMAD."""
        before = self.stable.before
        spread = abs(before.median) + 3 * before.nmad
        return min(before.le95, spread) if spread > 0 and before.le95 > 0 else max(before.le95, spread, 1e-3)


def compare(reference: Dem, secondary: Dem, aligned: Dem | None = None, terrain: StableTerrain | None = None,
            edges: Sequence[float] = (0.0, 5.0, 15.0, 30.0, 90.0), kernel: str = "cubic",
            progress: Progress | None = None, *, blocks: Sequence[BlockShift] = (),
            parameters: dict | None = None, difference: str = "", difference_before: str = "") -> Comparison:
    """Compare DEMs on the reference's grid, tile by tile in two passes: memory does not grow with size.

    A DEM on another grid is sampled with `kernel`. `terrain` has its polygons in the reference's CRS. `edges`
    are those of the slope classes, degrees. `difference` is a file for dh (reference - aligned, or
    - secondary without one), float32 on the reference's grid; `difference_before` one for the secondary.
    `parameters` are named in the report as they are.
    Raises CoregistrationError where the DEMs have no stable cell in common, RasterError, OutputError.
    """
    began, started = time.perf_counter(), datetime.now(timezone.utc)
    progress = progress or Silent()
    refuse_same_file(reference, secondary, aligned)
    window = _overlap(reference, secondary)
    with contextlib.ExitStack() as files:
        tiles = _Tiles(files, reference, secondary, aligned, terrain or StableTerrain(), tuple(edges), kernel,
                       window)
        writers = {state: files.enter_context(RasterWriter(path, reference.grid, names=("dh",)))
                   for state, path in ((-1, difference), (0, difference_before)) if path}
        first = _first_pass(tiles, writers, Part(progress, 0.0, 0.5))
        _require_cells(first.sketches, reference, secondary, aligned)
        pairs, histogram, quantiles = _second_pass(tiles, first.sketches, Part(progress, 0.5, 0.95))
    progress.step(0.95, "Checksums")
    stable, rest, *classes = pairs
    return Comparison(
        reference=describe("reference", reference),
        secondary=describe("secondary", secondary),
        aligned=describe("aligned", aligned) if aligned else None,
        stable=stable,
        rest=rest if rest.before.count else None,
        classes=tuple(TerrainClass("slope", *row) for row in zip(edges, edges[1:], classes)),
        histogram=histogram,
        quantiles=quantiles,
        maps=first.maps.finish(),
        blocks=tuple(blocks),
        kernel=kernel,
        resampled=tuple(dem.name for dem in tiles.resampled),
        parameters=dict(parameters or {}),
        versions=versions(),
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.perf_counter() - began,
    )


def refuse_same_file(reference: Dem, secondary: Dem, aligned: Dem | None = None) -> None:
    """Raise CoregistrationError where two of the roles are played by one file and band."""
    named = {"REFERENCE": reference, "SECONDARY": secondary, "ALIGNED": aligned}
    seen: dict = {}
    for role, dem in named.items():
        if dem is None:
            continue
        key = os.path.realpath(dem.path), dem.band
        if key in seen:
            raise CoregistrationError(
                f"{role} and {seen[key]} are the same file ({dem.name}): choose two DEMs.")
        seen[key] = role


def _overlap(reference: Dem, secondary: Dem) -> tuple[int, int, int, int]:
    if reference.grid.rotated:
        raise RasterError(
            f"{reference.name} is rotated: warp it to a north-up grid before it serves as REFERENCE.")
    window = overlap_window(reference.grid, secondary.grid)
    if window is None:
        raise CoregistrationError(
            f"{reference.name} and {secondary.name} do not overlap: "
            "choose DEMs of the same place and check their CRSs."
        )
    return window


class _Tiles:
    """The tiles of the overlap: their differences, and masks of the groups stable, rest and slope classes."""

    def __init__(self, files: contextlib.ExitStack, reference: Dem, secondary: Dem, aligned: Dem | None,
                 terrain: StableTerrain, edges: tuple, kernel: str, window: tuple):
        self.grid, self.window, self.edges = reference.grid, window, edges
        self.resampled: list = []
        self._terrain, self._files, self._kernel = terrain, files, kernel
        self._reference = files.enter_context(Reader(reference)).read
        self._secondary = self._sampler(secondary)
        self._aligned = self._sampler(aligned) if aligned else None

    def _sampler(self, dem: Dem) -> Callable:
        if dem.grid.same_cells(self.grid):
            return self._files.enter_context(Reader(dem)).read
        self.resampled.append(dem)
        return self._files.enter_context(Resampler(dem, self.grid, self._kernel)).window

    @property
    def states(self) -> int:
        """How many differences there are: before, and after."""
        return 1 if self._aligned is None else 2

    def read(self, progress: Progress, message: str) -> Iterator[_Tile]:
        """Every tile in turn."""
        top, left, height, width = self.window
        corners = [(row, col) for row in range(top, top + height, TILE)
                   for col in range(left, left + width, TILE)]
        for done, (row, col) in enumerate(corners):
            progress.step(done / len(corners), message)
            yield self._tile(row, col, min(TILE, top + height - row), min(TILE, left + width - col))

    def _tile(self, row: int, col: int, height: int, width: int) -> _Tile:
        window = self.grid.window(row, col, height, width)
        around = self._reference(row - 1, col - 1, height + 2, width + 2)
        heights = around[1:-1, 1:-1]
        differences = [heights - self._secondary(row, col, height, width)]
        if self._aligned is not None:
            differences.append(heights - self._aligned(row, col, height, width))
        common = np.logical_and.reduce([np.isfinite(dh) for dh in differences])
        stable = self._terrain.cover(window)
        classes = classify(slope(around, window), self.edges)
        good = stable & common
        by_class = (good & (classes == index) for index in range(len(self.edges) - 1))
        groups = [good, common & ~stable, *by_class]
        return _Tile(row, col, heights, stable, differences, groups)


@dataclass(frozen=True)
class _Tile:
    row: int
    col: int
    heights: np.ndarray
    stable: np.ndarray
    differences: list
    groups: list


@dataclass
class _First:
    """What the first pass leaves: a sketch for each group and state, and the maps."""

    sketches: list
    maps: MapSum = field(repr=False)


def _first_pass(tiles: _Tiles, writers: dict, progress: Progress) -> _First:
    sketches = [[Sketch() for _ in range(tiles.states)] for _ in range(len(tiles.edges) + 1)]
    maps = MapSum(tiles.grid, tiles.window, tiles.states, MAP_SIDE)
    for tile in tiles.read(progress, "Comparing"):
        for group, row in zip(tile.groups, sketches):
            for dh, sketch in zip(tile.differences, row):
                sketch.add(dh[group])
        maps.add(tile.row, tile.col, tile.heights, tile.stable, tile.differences)
        for state, writer in writers.items():
            writer.write(tile.differences[state], tile.row, tile.col)
    return _First(sketches, maps)


def _require_cells(sketches: list, reference: Dem, secondary: Dem, aligned: Dem | None) -> None:
    stable, rest = (row[0].moments.count for row in sketches[:2])
    if stable:
        return
    if rest:
        raise CoregistrationError(
            f"None of the {rest} cells that {reference.name} and {secondary.name} share is stable terrain: "
            "check STABLE, UNSTABLE and MASK."
        )
    names = [dem.name for dem in (reference, secondary, aligned) if dem is not None]
    raise CoregistrationError(
        f"{', '.join(names[:-1])} and {names[-1]} have no cell with data in common: "
        "check that they cover the same place and are not all nodata."
    )


def _second_pass(tiles: _Tiles, sketches: list, progress: Progress) -> tuple[list, Histogram, Quantiles]:
    refined = [[sketch.refine() for sketch in row] for row in sketches]
    edges = _histogram_edges(sketches[0])
    counts = [np.zeros(HISTOGRAM_BINS, dtype=np.int64) for _ in range(tiles.states)]
    for tile in tiles.read(progress, "Computing statistics"):
        for group, row in zip(tile.groups, refined):
            for dh, part in zip(tile.differences, row):
                part.add(dh[group])
        for dh, count in zip(tile.differences, counts):
            count += np.histogram(dh[tile.groups[0]], bins=HISTOGRAM_BINS, range=(edges[0], edges[-1]))[0]
    scores = np.linspace(-SCORE_REACH, SCORE_REACH, 141)
    shares = [NormalDist().cdf(score) for score in scores]
    quantiles = Quantiles(scores, *(np.array(part.quantiles(shares)) for part in refined[0]))
    return [Pair(*(part.summary() for part in row)) for row in refined], Histogram(edges, *counts), quantiles


def _histogram_edges(sketches: list) -> np.ndarray:
    """Bins that hold what lies within some NMAD of each median."""
    rough = [summarize_weighted(*sketch.weighted(), sketch.moments) for sketch in sketches]
    reach = [HISTOGRAM_SPREADS * (part.nmad or part.std or 0.1) for part in rough]
    low = min(part.median - width for part, width in zip(rough, reach))
    high = max(part.median + width for part, width in zip(rough, reach))
    return np.linspace(low, high, HISTOGRAM_BINS + 1)
