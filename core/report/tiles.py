"""The tiles of two DEMs' overlap: differences, terrain, and which cells belong to which group."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..errors import RasterError
from ..progress import Progress
from ..raster.dem import Dem, Reader
from ..raster.grid import Grid
from ..raster.masks import StableTerrain, values_at
from ..raster.resampling import Resampler
from ..statistics.terrain import curvature, facing, gradient, steepness

SAMPLE_LATTICE, SAMPLE_SIDE = 5, 96
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

    @property
    def good(self) -> np.ndarray:
        """Stable cells with a difference."""
        return self.stable & self.common


class Tiles:
    """A DEM against one or two others, tile by tile on its own grid; closed with `files`.

    `given` says that the others hold dh itself, and the DEM is only for terrain.
    """

    def __init__(self, files: contextlib.ExitStack, reference: Dem, others: list, terrain: StableTerrain,
                 kernel: str, window: tuple, cover: Dem | None = None, side: int = 512, detail: bool = False,
                 given: bool = False):
        self.grid, self.window, self.side = reference.grid, window, side
        self.resampled: list = []
        self._terrain, self._files, self._kernel, self._cover = terrain, files, kernel, cover
        self._detail, self._given = detail, given
        self._reference = files.enter_context(Reader(reference)).read
        self._others = [self._sampler(dem) for dem in others]

    def _sampler(self, dem: Dem) -> Callable:
        if dem.grid.same_cells(self.grid):
            return self._files.enter_context(Reader(dem)).read
        self.resampled.append(dem)
        return self._files.enter_context(Resampler(dem, self.grid, self._kernel)).window

    @property
    def states(self) -> int:
        """How many differences there are: before, and after."""
        return len(self._others)

    def read(self, progress: Progress, message: str) -> Iterator[Tile]:
        """Every tile in turn, row by row."""
        top, left, height, width = self.window
        corners = [(row, col) for row in range(top, top + height, self.side)
                   for col in range(left, left + width, self.side)]
        for done, (row, col) in enumerate(corners):
            progress.step(done / len(corners), message)
            yield self._tile(row, col, min(self.side, top + height - row), min(self.side, left + width - col))

    def sample(self) -> list[Tile]:
        """Small tiles spread evenly over the overlap: enough to choose bins and classes by."""
        top, left, height, width = self.window
        return [self._tile(row, col, min(SAMPLE_SIDE, height), min(SAMPLE_SIDE, width))
                for row in _spread(top, height) for col in _spread(left, width)]

    def _tile(self, row: int, col: int, height: int, width: int) -> Tile:
        window = self.grid.window(row, col, height, width)
        around = self._reference(row - 1, col - 1, height + 2, width + 2)
        heights = around[1:-1, 1:-1]
        differences = [read(row, col, height, width) for read in self._others]
        if not self._given:
            differences = [heights - other for other in differences]
        common = np.logical_and.reduce([np.isfinite(dh) for dh in differences])
        return Tile(row, col, heights, self._terrain.cover(window), differences, common,
                    self._shape(around, window))

    def _shape(self, around: np.ndarray, window: Grid) -> dict:
        east, north = gradient(around, window)
        shape = {"slope": steepness(east, north)}
        if self._detail:
            shape.update(aspect=facing(east, north), elevation=around[1:-1, 1:-1],
                         curvature=curvature(around, window))
        if self._cover is not None:
            shape[COVER] = values_at(self._cover, window)
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
            raise RasterError(f"LANDCOVER has more than {MOST_COVERS} values: choose a classified raster.")
        for value in values:
            yield (COVER, float(value)), cover == value


def _spread(start: int, length: int) -> list[int]:
    """Where the sample's windows begin along one axis."""
    last = max(length - SAMPLE_SIDE, 0)
    return sorted({start + round(last * part) for part in np.linspace(0, 1, SAMPLE_LATTICE)})
