"""Points with heights against a DEM, tile by tile: what `tiles` is for two DEMs, so that one report serves both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..coregistration.points import Points, place
from ..raster.dem import Dem, Reader
from ..raster.masks import StableTerrain
from ..raster.resampling import Resampler
from ..statistics.variogram import cluster_points
from .tiles import SAMPLE_LATTICE, Clusters, Tile, parted, shape_of


@dataclass(frozen=True)
class HeightPoints:
    """Heights (m) at map coordinates `x`, `y` in `crs` (WKT), flat arrays of one length, in the place of a DEM.

    `path` is the file that they come from, "" where it is no plain file. Heights that are not finite are left out.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    heights: np.ndarray
    crs: str
    path: str = ""

    def on(self, dem: Dem) -> Points:
        """Those that lie on the cells of `dem`. Raises CoregistrationError where there are none."""
        return place(self.name, self.x, self.y, self.heights, self.crs, dem)


@dataclass
class PointTile(Tile):
    """The n points of a tile: `stable`, `differences`, `common` and `terrain` are `(n,)`.

    `index` (rising) is each one's place among all points, `rows` and `cols` the cells of the DEM's grid that hold
    them. `heights` (m) and `ground` (stable terrain) are of the tile's cells, `(rows, cols)`.
    """

    index: np.ndarray
    rows: np.ndarray
    cols: np.ndarray
    ground: np.ndarray

    AREAL: ClassVar[bool] = False

    def pick(self, clusters: Clusters, places: np.ndarray) -> np.ndarray:
        """Which points here are some of the `clusters`' places; see Tile."""
        return np.searchsorted(self.index, clusters.index.ravel()[places])

    def layers(self) -> list:
        """Heights, stable terrain (1 or 0) and the mean difference in each cell, `(rows, cols)`."""
        return [self.heights, self.ground.astype(np.float32), *(self._means(dh) for dh in self.differences)]

    def _means(self, dh: np.ndarray) -> np.ndarray:
        shape = self.heights.shape
        cell = np.ravel_multi_index((self.rows - self.row, self.cols - self.col), shape)[self.common]
        count = np.bincount(cell, minlength=self.heights.size)
        means = np.full(count.shape, np.nan, dtype=np.float32)
        np.divide(np.bincount(cell, dh[self.common], self.heights.size), count, out=means, where=count > 0,
                  casting="same_kind")
        return means.reshape(shape)

    def inside(self, row: int, col: int, cover: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points with a difference lie in an area, and their cells; see Tile."""
        rows, cols = self.rows - row, self.cols - col
        near = (rows >= 0) & (rows < cover.shape[0]) & (cols >= 0) & (cols < cover.shape[1]) & self.common
        index = np.flatnonzero(near)
        index = index[cover[rows[index], cols[index]]]
        return index, self.rows[index], self.cols[index]


class PointTiles:
    """Points and one DEM, or one before and after an alignment, on the first DEM's grid; see Tiles.

    dh = point - DEM where the points are the `reference`, else DEM - point. The DEM is sampled at the points with
    `kernel`; the terrain of a point is that of the cell that holds it.
    """

    resampled = ()

    def __init__(self, points: Points, dems: list, reference: bool, terrain: StableTerrain, kernel: str,
                 cover: Dem | None = None, side: int = 512, detail: bool = False):
        self.grid, self.side, self.points = dems[0].grid, side, points
        self._dems, self._sign = dems, 1.0 if reference else -1.0
        self._terrain, self._kernel, self._cover, self._detail = terrain, kernel, cover, detail
        self._rows, self._cols = (np.floor(part + 0.5).astype(np.int32) for part in (points.rows, points.cols))
        top, left = int(self._rows.min()), int(self._cols.min())
        self.window = top, left, int(self._rows.max()) - top + 1, int(self._cols.max()) - left + 1

    @property
    def states(self) -> int:
        """How many differences there are: before, and after."""
        return len(self._dems)

    def windows(self) -> list[tuple]:
        """Every tile's `(row, col, height, width)`, row by row."""
        return parted(self.window, self.side)

    def clusters(self, seed: int) -> Clusters:
        """The points from which the errors' correlation is told."""
        east, north = self.grid.cell_metres(self.window[0] + self.window[2] / 2)
        index, spacing = cluster_points(self.points.cols * float(east), self.points.rows * float(north), seed)
        rows, cols = (np.where(index >= 0, part[index], -1) for part in (self.points.rows, self.points.cols))
        return Clusters(rows, cols, spacing, index)

    def few(self) -> list[tuple]:
        """Some of the tiles that hold points, spread evenly."""
        held = [window for window in self.windows() if self._held(*window).size]
        return held[::-(-len(held) // SAMPLE_LATTICE**2)]

    def open(self, files: contextlib.ExitStack) -> Callable[[tuple], PointTile]:
        """What reads the tile of a window, for one thread; its files are closed with `files`."""
        ground = files.enter_context(Reader(self._dems[0])).read
        samplers = [files.enter_context(Resampler(dem, self.grid, self._kernel)).at for dem in self._dems]
        return lambda window: self._tile(ground, samplers, *window)

    def _held(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """The points in the cells of a window."""
        first, last = np.searchsorted(self._rows, (row, row + height))
        cols = self._cols[first:last]
        return first + np.flatnonzero((cols >= col) & (cols < col + width))

    def _tile(self, ground, samplers, row: int, col: int, height: int, width: int) -> PointTile:
        window = self.grid.window(row, col, height, width)
        around = ground(row - 1, col - 1, height + 2, width + 2)
        index = self._held(row, col, height, width)
        rows, cols = self._rows[index], self._cols[index]
        at = rows - row, cols - col
        places, heights = (self.points.rows[index], self.points.cols[index]), self.points.heights[index]
        differences = [(self._sign * (heights - sample(*places))).astype(np.float32) for sample in samplers]
        stable = self._terrain.cover(window)
        shape = {name: values[at] for name, values in shape_of(around, window, self._cover, self._detail).items()}
        return PointTile(row, col, around[1:-1, 1:-1], stable[at], differences,
                         np.logical_and.reduce([np.isfinite(dh) for dh in differences]), shape, index, rows, cols,
                         stable)


class PointDifferences:
    """What each of n points differs by: `add` every tile.

    `source` (n,) tells the places of the points on the DEM among all, `dh` `(states, n)` is in metres, float32, NaN
    where unknown, `stable` (n,) marks those on stable terrain.
    """

    def __init__(self, tiles: PointTiles):
        self.source = tiles.points.source
        self.dh = np.full((tiles.states, len(tiles.points)), np.nan, dtype=np.float32)
        self.stable = np.zeros(len(tiles.points), dtype=bool)

    def add(self, tile: PointTile) -> None:
        """Take in a tile."""
        self.dh[:, tile.index] = tile.differences
        self.stable[tile.index] = tile.stable
