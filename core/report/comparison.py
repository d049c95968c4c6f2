"""Two DEMs compared, before and after an alignment: the one model behind figures, HTML, JSON and CSV."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from statistics import NormalDist

import numpy as np

from ..coregistration.blocks import BlockShift
from ..errors import CoregistrationError, RasterError
from ..progress import Part, Progress, Silent
from ..raster.cache import small_cache
from ..raster.dem import Dem
from ..raster.grid import overlap_window
from ..raster.masks import Polygons, StableTerrain
from ..raster.writing import RasterWriter
from ..statistics.classes import by_aspect, by_curvature, by_elevation, by_slope
from ..statistics.robust import Summary, finite, summarize_weighted
from ..statistics.streaming import Bins, Sketch
from ..statistics.vertical_datum import VerticalDatum, judge
from .errors import Errors, ErrorSample
from .expectation import Expectation
from .maps import Maps, MapSum
from .point_tiles import HeightPoints, PointDifferences, PointTiles
from .provenance import Source, describe, describe_points, versions
from .tiles import COVER, MOST_COVERS, REST, STABLE, Crew, Tile, Tiles, groups, too_many_covers
from .zones import Zones

TILE = 512
MAP_SIDE = 600
POINT_MAP_SIDE = 150  # larger elements, so that points can be seen
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
    """Stable cells whose `by` lies in [low, high); the last class holds `high` too.

    `by` is "slope" or "aspect" (degrees), "elevation" (m), "curvature" (1/100 m) or "land cover" (low = high =
    the raster's value); `label` is the class as people write it.
    """

    by: str
    low: float
    high: float
    pair: Pair
    label: str


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
    terrain; cells without a slope (beside voids and edges) are in none. `errors` (where asked for) tell how
    dh spreads and how far it is correlated, `zones` (ZoneChange) the change of polygons; `beforehand` what was known
    of the pair before it was compared.
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
    datum: VerticalDatum
    errors: Errors | None
    zones: tuple
    blocks: tuple
    kernel: str
    resampled: tuple
    parameters: dict
    versions: dict
    started: str
    seconds: float
    beforehand: Expectation | None = None
    residuals: PointDifferences | None = None

    @property
    def counted(self) -> str:
        """What there are differences of: "cells" or "points"."""
        return "points" if self.reference.points or self.secondary.points else "cells"

    @property
    def terrain(self) -> str:
        """Whose slope, aspect, elevation and curvature part the classes: "reference" or "secondary"."""
        return "secondary" if self.reference.points else "reference"

    @property
    def given(self) -> bool:
        """True where dh was given, not computed."""
        return self.secondary.role == "difference"

    @property
    def limit(self) -> float:
        """The dh (m) at the ends of the maps' colour scale: P95 of |dh| before, at most |median| + 3 NMAD."""
        before = self.stable.before
        spread = abs(before.median) + 3 * before.nmad
        return min(before.le95, spread) if spread > 0 and before.le95 > 0 else max(before.le95, spread, 1e-3)


def compare(reference: Dem | HeightPoints, secondary: Dem | HeightPoints, aligned: Dem | None = None,
            terrain: StableTerrain | None = None, edges: Sequence[float] = (0.0, 5.0, 15.0, 30.0, 90.0),
            kernel: str = "cubic", progress: Progress | None = None, *, blocks: Sequence[BlockShift] = (),
            parameters: dict | None = None, difference: str = "", difference_before: str = "",
            detail: bool = False, cover: Dem | None = None, zones: Polygons | None = None,
            seed: int = 0, given: bool = False, workers: int = 0) -> Comparison:
    """Compare DEMs on the reference's grid, tile by tile in two passes: memory does not grow with size.

    A DEM on another grid is sampled with `kernel`. One of the two may be points: then the grid and the terrain are
    the DEM's, and the DEM is sampled at each point. `terrain` and `zones` have their polygons in the CRS of that
    grid. `edges` are those of the slope classes, degrees. `difference` is a file for dh (reference - aligned, or
    - secondary without one), float32 on the grid; `difference_before` one for the secondary; neither with points.
    `parameters` are named in the report as they are. `detail` adds classes of aspect, elevation and curvature and
    the analysis of errors from a sample drawn with `seed`, `cover` classes of a land-cover raster, and `zones` (with
    `detail`) the change of each of these polygons. `given` says that `secondary` holds dh itself and `reference` is
    only for terrain; then there can be no `aligned`. `workers` threads (0: one a processor) share the work; their
    number changes no bit of the result.
    Raises CoregistrationError where there is no stable cell or point in common, RasterError, OutputError.
    """
    began, started = time.perf_counter(), datetime.now(timezone.utc)
    progress = progress or Silent()
    refuse_same_file(reference, secondary, aligned)
    if given and aligned is not None:
        raise CoregistrationError("A difference has no aligned DEM: leave ALIGNED empty.")
    tiles = _tiles(reference, secondary, aligned, terrain or StableTerrain(), kernel, cover, detail, given)
    with contextlib.ExitStack() as files:
        writers = {state: files.enter_context(RasterWriter(path, tiles.grid, names=("dh",)))
                   for state, path in ((-1, difference), (0, difference_before)) if path}
        files.enter_context(small_cache(*(dem for dem in (reference, secondary, aligned) if isinstance(dem, Dem))))
        crew = files.enter_context(Crew(tiles, workers))
        divisions, bins = _prepare(tiles, crew, edges, detail)
        sample = ErrorSample(tiles, seed) if detail else None
        residuals = PointDifferences(tiles) if isinstance(tiles, PointTiles) else None
        extras = [extra for extra in (sample, residuals) if extra is not None]
        sketches, map_sum = _first_pass(tiles, crew, divisions, bins, extras, writers, Part(progress, 0.0, 0.5))
        _require_cells(sketches, [part.name for part in (reference, secondary, aligned) if part is not None])
        errors = sample.finish() if sample else None
        changes = Zones(zones, tiles.grid, tiles.window, errors) if zones else None
        pairs, histogram, quantiles = _second_pass(tiles, crew, divisions, sketches, (changes,) if changes else (),
                                                   Part(progress, 0.5, 0.95))
    progress.step(0.95, "Checksums")
    maps = map_sum.finish()
    stable = pairs[STABLE]
    datum = judge(stable.before, np.where(maps.stable >= 0.5, maps.before, np.nan), maps.grid)
    if datum.size is not None:
        progress.warn(datum.verdict)
    if changes and changes.outside:
        progress.warn(f"{changes.outside} of the ZONES reach beyond the DEMs: "
                      "their areas and volumes are those of the parts inside.")
    return Comparison(
        reference=_described("reference", reference, tiles),
        secondary=_described("difference" if given else "secondary", secondary, tiles),
        aligned=describe("aligned", aligned) if aligned else None,
        stable=stable,
        rest=pairs[REST] if pairs[REST].before.count else None,
        classes=_classes(divisions, pairs),
        histogram=histogram,
        quantiles=quantiles,
        maps=maps,
        datum=datum,
        errors=errors,
        zones=changes.finish() if changes else (),
        blocks=tuple(blocks),
        kernel=kernel,
        resampled=tuple(dem.name for dem in tiles.resampled),
        parameters=dict(parameters or {}),
        versions=versions(),
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.perf_counter() - began,
        residuals=residuals,
    )


def _tiles(reference, secondary, aligned: Dem | None, terrain: StableTerrain, kernel: str, cover: Dem | None,
           detail: bool, given: bool) -> Tiles | PointTiles:
    if isinstance(secondary, HeightPoints):
        if given or aligned is not None:
            raise CoregistrationError("Points as the secondary are no raster of differences, and have no aligned DEM.")
        _require_north_up(reference)
        return PointTiles(secondary.on(reference), [reference], False, terrain, kernel, cover, TILE, detail)
    others = [dem for dem in (secondary, aligned) if dem is not None]
    if isinstance(reference, HeightPoints):
        if given:
            raise CoregistrationError("A raster of differences has the terrain of a DEM, not of points.")
        _require_north_up(secondary)
        return PointTiles(reference.on(secondary), others, True, terrain, kernel, cover, TILE, detail)
    return Tiles(reference, others, terrain, kernel, _overlap(reference, secondary), cover, TILE, detail, given)


def _described(role: str, part: Dem | HeightPoints, tiles: Tiles | PointTiles) -> Source:
    if isinstance(part, HeightPoints):
        return describe_points(role, part.name, part.crs, part.path, len(tiles.points))
    return describe(role, part)


def _prepare(tiles: Tiles, crew: Crew, edges: Sequence[float], detail: bool) -> tuple[tuple, list]:
    """The divisions of terrain, and bins for each difference, as a sample of the overlap suggests."""
    sample = list(crew.read(tiles.few(), lambda tile: None, Silent(), ""))
    bins = [Bins.around(np.concatenate([tile.differences[state][tile.common] for tile in sample]))
            for state in range(tiles.states)]
    divisions = (by_slope(edges),)
    if detail:
        elevation, curvature = (np.concatenate([finite(tile.terrain[name]) for tile in sample])
                                for name in ("elevation", "curvature"))
        divisions += by_aspect(), by_elevation(elevation), by_curvature(curvature)
    return divisions, bins


def refuse_same_file(reference: Dem, secondary: Dem, aligned: Dem | None = None) -> None:
    """Raise CoregistrationError where two of the roles are played by one file and band."""
    seen: dict = {}
    for role, dem in (("REFERENCE", reference), ("SECONDARY", secondary), ("ALIGNED", aligned)):
        if not isinstance(dem, Dem):
            continue
        key = os.path.realpath(dem.path), dem.band
        if key in seen:
            raise CoregistrationError(
                f"{role} and {seen[key]} are the same file ({dem.name}): choose two DEMs.")
        seen[key] = role


def _require_north_up(dem: Dem) -> None:
    if dem.grid.rotated:
        raise RasterError(
            f"{dem.name} is rotated: warp it to a north-up grid before its grid serves the comparison.")


def _overlap(reference: Dem, secondary: Dem) -> tuple[int, int, int, int]:
    _require_north_up(reference)
    window = overlap_window(reference.grid, secondary.grid)
    if window is None:
        raise CoregistrationError(
            f"{reference.name} and {secondary.name} do not overlap: "
            "choose DEMs of the same place and check their CRSs."
        )
    return window


def _first_pass(tiles: Tiles, crew: Crew, divisions: tuple, bins: list, extras: list, writers: dict,
                progress: Progress) -> tuple[dict, MapSum]:
    """A sketch for each group of cells and state, and the maps; `extras` take every tile too."""
    sketches = Sketches(divisions, bins)
    side = POINT_MAP_SIDE if isinstance(tiles, PointTiles) else MAP_SIDE
    maps = MapSum(tiles.grid, tiles.window, tiles.states, side)
    for tile in crew.read(tiles.windows(), sketches.add, progress, "Comparing"):
        maps.add(tile.row, tile.col, tile.layers())
        for extra in extras:
            extra.add(tile)
        for state, writer in writers.items():
            writer.write(tile.differences[state], tile.row, tile.col)
    return sketches.rows, maps


class Sketches:
    """A sketch for each group of cells and each difference: `rows` by group."""

    def __init__(self, divisions: tuple, bins: list):
        self._divisions, self._bins, self._lock = divisions, bins, threading.Lock()
        keys = [STABLE, REST, *((part.by, index) for part in divisions for index in range(len(part.names)))]
        self.rows = {key: [Sketch(part) for part in bins] for key in keys}

    def add(self, tile: Tile) -> None:
        """Take in a tile, in any thread. Raises RasterError where there are too many land covers."""
        for key, cells in groups(tile, self._divisions):
            for dh, sketch in zip(tile.differences, self._row(key)):
                sketch.add(dh[cells])

    def _row(self, key: tuple) -> list:
        with self._lock:
            if key not in self.rows:
                if sum(by == COVER for by, _ in self.rows) == MOST_COVERS:
                    raise too_many_covers()
                self.rows[key] = [Sketch(part) for part in self._bins]
            return self.rows[key]


def _require_cells(sketches: dict, names: list) -> None:
    stable, rest = (sketches[key][0].moments.count for key in (STABLE, REST))
    if stable:
        return
    if rest:
        raise CoregistrationError(
            f"None of the {rest} cells or points that {' and '.join(names[:2])} share is stable terrain: "
            "check STABLE, UNSTABLE and MASK."
        )
    raise CoregistrationError(
        f"{', '.join(names[:-1])} and {names[-1]} have no cell with data in common: "
        "check that they cover the same place and are not all nodata."
    )


def _second_pass(tiles: Tiles, crew: Crew, divisions: tuple, sketches: dict, extras: tuple,
                 progress: Progress) -> tuple[dict, Histogram, Quantiles]:
    refined = {key: [sketch.refine() for sketch in row] for key, row in sketches.items()}
    edges = _histogram_edges(sketches[STABLE])
    counts = [np.zeros(HISTOGRAM_BINS, dtype=np.int64) for _ in range(tiles.states)]

    def refine(tile):
        for key, cells in groups(tile, divisions):
            for dh, part in zip(tile.differences, refined[key]):
                part.add(dh[cells])

    for tile in crew.read(tiles.windows(), refine, progress, "Computing statistics"):
        for dh, count in zip(tile.differences, counts):
            count += np.histogram(dh[tile.good], bins=HISTOGRAM_BINS, range=(edges[0], edges[-1]))[0]
        for extra in extras:
            extra.add(tile)
    scores = np.linspace(-SCORE_REACH, SCORE_REACH, 141)
    shares = [NormalDist().cdf(score) for score in scores]
    quantiles = Quantiles(scores, *(np.array(part.quantiles(shares)) for part in refined[STABLE]))
    pairs = {key: Pair(*(part.summary() for part in row)) for key, row in refined.items()}
    return pairs, Histogram(edges, *counts), quantiles


def _classes(divisions: tuple, pairs: dict) -> tuple:
    """The terrain classes in the order of their divisions, and then covers by their value."""
    made = [TerrainClass(part.by, low, high, pairs[part.by, index], part.names[index])
            for part in divisions for index, (low, high) in enumerate(zip(part.edges, part.edges[1:]))]
    values = sorted(value for by, value in pairs if by == COVER)
    return tuple(made + [TerrainClass(COVER, value, value, pairs[COVER, value], f"{value:g}")
                         for value in values])


def _histogram_edges(sketches: list) -> np.ndarray:
    """Bins that hold what lies within some NMAD of each median."""
    rough = [summarize_weighted(*sketch.weighted(), sketch.moments) for sketch in sketches]
    reach = [HISTOGRAM_SPREADS * (part.nmad or part.std or 0.1) for part in rough]
    low = min(part.median - width for part, width in zip(rough, reach))
    high = max(part.median + width for part, width in zip(rough, reach))
    return np.linspace(low, high, HISTOGRAM_BINS + 1)
