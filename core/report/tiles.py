"""The tiles of two DEMs' overlap: differences, terrain, and which cells belong to which group."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import ClassVar

import numpy as np

from ..errors import RasterError
from ..executors import open_executor, run_in_order
from ..progress import Progress
from ..raster.dem import Dem, Reader
from ..raster.grid import Grid
from ..raster.masks import StableTerrain, values_at
from ..raster.resampling import Resampler
from ..statistics.terrain import curvature, facing, gradient, steepness
from ..statistics.variogram import cluster_cells

SAMPLE_LATTICE, SAMPLE_SIDE = 5, 96
MOST_WORKERS = 8
MOST_COVERS = 64
COVER = "land cover"
STABLE, REST = ("stable", 0), ("rest", 0)


@dataclass
class Tile:
    """A part of the overlap whose first cell is (row, col) of the reference's grid; all arrays `(rows, cols)`.

    `differences` hold dh before and after (m, NaN where void), `common` where all have a value, `stable` stable
    terrain; `slope` and `aspect` are degrees, `curvature` is 1/100 m.
    """

    row: int
    col: int
    heights: np.ndarray
    stable: np.ndarray
    differences: list
    common: np.ndarray
    terrain: dict = field(repr=False)

    AREAL: ClassVar[bool] = True
    """Whether a difference stands for the area of its cell."""

    @property
    def good(self) -> np.ndarray:
        """Stable cells with a difference."""
        return self.stable & self.common

    def layers(self) -> list:
        """Heights, stable terrain (1 or 0) and the differences, `(rows, cols)` each."""
        return [self.heights, self.stable.astype(np.float32), *self.differences]

    def pick(self, clusters: Clusters, places: np.ndarray) -> tuple:
        """The index here of some of the `clusters`' places (flat indices) that lie in this tile."""
        return clusters.rows.ravel()[places] - self.row, clusters.cols.ravel()[places] - self.col

    def inside(self, row: int, col: int, cover: np.ndarray) -> tuple[tuple, np.ndarray, np.ndarray]:
        """Where the differences lie in an area: their index, and the rows and columns of the grid.

        `cover` is True for the area's cells of a window within the tile that starts at (row, col).
        """
        height, width = cover.shape
        part = np.s_[row - self.row:row - self.row + height, col - self.col:col - self.col + width]
        rows, cols = np.nonzero(cover & self.common[part])
        return (rows + row - self.row, cols + col - self.col), rows + row, cols + col


@dataclass(frozen=True)
class Clusters:
    """Sampled places `rows`, `cols` of a grid (fractional cells), `(clusters, places)`, -1 where there is none.

    `spacing` (m) is the shortest distance worth a lag; `index` of the same shape tells points from cells.
    """

    rows: np.ndarray
    cols: np.ndarray
    spacing: float
    index: np.ndarray | None = None

    def distinct(self, chosen: np.ndarray) -> int:
        """How many different cells or points some of the places (True in a flat mask) are."""
        return int(chosen.sum()) if self.index is None else np.unique(self.index.ravel()[chosen]).size


class Tiles:
    """A DEM against one or two others, tile by tile on its own grid.

    `given` says that the others hold dh itself, and the DEM is only for terrain.
    """

    def __init__(self, reference: Dem, others: list, terrain: StableTerrain, kernel: str, window: tuple,
                 cover: Dem | None = None, side: int = 512, detail: bool = False, given: bool = False):
        self.grid, self.window, self.side = reference.grid, window, side
        self.resampled = [dem for dem in others if not dem.grid.same_cells(self.grid)]
        self._reference, self._others = reference, others
        self._terrain, self._kernel, self._cover = terrain, kernel, cover
        self._detail, self._given = detail, given

    @property
    def states(self) -> int:
        """How many differences there are: before, and after."""
        return len(self._others)

    def windows(self) -> list[tuple]:
        """Every tile's `(row, col, height, width)`, row by row."""
        return parted(self.window, self.side)

    def clusters(self, seed: int) -> Clusters:
        """The cells from which the errors' correlation is told."""
        rows, cols = cluster_cells(self.window[2:], seed)
        known = rows >= 0
        return Clusters(np.where(known, rows + self.window[0], -1), np.where(known, cols + self.window[1], -1),
                        self.grid.cell_size())

    def few(self) -> list[tuple]:
        """Small windows spread evenly over the overlap: enough to choose bins and classes by."""
        top, left, height, width = self.window
        return [(row, col, min(SAMPLE_SIDE, height), min(SAMPLE_SIDE, width))
                for row in _spread(top, height) for col in _spread(left, width)]

    def open(self, files: contextlib.ExitStack) -> Callable[[tuple], Tile]:
        """What reads the tile of a window, for one thread; its files are closed with `files`."""
        reference = files.enter_context(Reader(self._reference)).read
        others = [self._sampler(dem, files) for dem in self._others]
        return lambda window: self._tile(reference, others, *window)

    def _sampler(self, dem: Dem, files: contextlib.ExitStack) -> Callable:
        if dem not in self.resampled:
            return files.enter_context(Reader(dem)).read
        return files.enter_context(Resampler(dem, self.grid, self._kernel)).window

    def _tile(self, reference, others, row: int, col: int, height: int, width: int) -> Tile:
        window = self.grid.window(row, col, height, width)
        around = reference(row - 1, col - 1, height + 2, width + 2)
        heights = around[1:-1, 1:-1]
        differences = [read(row, col, height, width) for read in others]
        if not self._given:
            differences = [heights - other for other in differences]
        common = np.logical_and.reduce([np.isfinite(dh) for dh in differences])
        return Tile(row, col, heights, self._terrain.cover(window), differences, common,
                    shape_of(around, window, self._cover, self._detail))


class Crew:
    """Threads that read tiles, each with files of its own; use as a context manager.

    `workers` threads (0: one a processor, up to MOST_WORKERS) do the same whatever their number.
    """

    def __init__(self, tiles, workers: int = 0):
        self._tiles = tiles
        self._workers = min(workers or os.cpu_count() or 1, MOST_WORKERS)
        self._readers: SimpleQueue = SimpleQueue()

    def __enter__(self) -> Crew:
        with contextlib.ExitStack() as files:
            for _ in range(self._workers):
                self._readers.put(self._tiles.open(files))
            # Entered last, left first: files stay open as long as threads read.
            self._executor = files.enter_context(open_executor(self._workers))
            self._files = files.pop_all()
        return self

    def __exit__(self, *error) -> None:
        self._files.__exit__(*error)

    def read(self, windows: list, take: Callable, progress: Progress, message: str) -> Iterator[Tile]:
        """The tiles of `windows` in their order, once a thread has shown them to `take`."""
        def work(window):
            reader = self._readers.get()
            try:
                tile = reader(window)
            finally:
                self._readers.put(reader)
            take(tile)
            return tile

        return run_in_order(self._executor, work, [(window,) for window in windows], 2 * self._workers, progress,
                            message)


def parted(window: tuple, side: int) -> list[tuple]:
    """A window `(row, col, height, width)` in tiles of up to `side` cells, row by row."""
    top, left, height, width = window
    return [(row, col, min(side, top + height - row), min(side, left + width - col))
            for row in range(top, top + height, side) for col in range(left, left + width, side)]


def shape_of(around: np.ndarray, window: Grid, cover: Dem | None, detail: bool) -> dict:
    """The terrain of a window's cells, from heights with one cell around it."""
    east, north = gradient(around, window)
    shape = {"slope": steepness(east, north)}
    if detail:
        shape.update(aspect=facing(east, north), elevation=around[1:-1, 1:-1], curvature=curvature(around, window))
    if cover is not None:
        shape[COVER] = values_at(cover, window)
    return shape


def groups(tile: Tile, divisions: tuple) -> Iterator[tuple]:
    """`(key, cells)` of every group: STABLE, REST, and (by, class) of the stable cells; covers by their value."""
    good = tile.good
    yield STABLE, good
    yield REST, tile.common & ~tile.stable
    for division in divisions:
        place = division.of(tile.terrain[division.by])
        place[~good] = -1
        for index in range(len(division.names)):
            yield (division.by, index), place == index
    if COVER in tile.terrain:
        cover = np.where(good, tile.terrain[COVER], np.nan)
        values = np.unique(cover[np.isfinite(cover)])
        if values.size > MOST_COVERS:
            raise too_many_covers()
        for value in values:
            yield (COVER, float(value)), cover == value


def too_many_covers() -> RasterError:
    """What to say of a raster that holds no classes."""
    return RasterError(f"LANDCOVER has more than {MOST_COVERS} values: choose a classified raster.")


def _spread(start: int, length: int) -> list[int]:
    """Where the sample's windows begin along one axis."""
    last = max(length - SAMPLE_SIDE, 0)
    return sorted({start + round(last * part) for part in np.linspace(0, 1, SAMPLE_LATTICE)})
