"""Heights at points, as a reference for a DEM: where they lie among its cells, and how it differs from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CoregistrationError
from ..raster.dem import Dem
from ..raster.grid import Grid, reproject
from ..raster.masks import StableTerrain

TILE = 512


@dataclass(frozen=True)
class Points:
    """Heights (m) of n points at fractional cells `rows`, `cols` of a north-up `grid`, ordered by row.

    `source` (n,) is each one's place among the points that they were made of. Cells of `factor` x `factor` make the
    grid coarser, never the points.
    """

    name: str
    grid: Grid
    rows: np.ndarray
    cols: np.ndarray
    heights: np.ndarray
    source: np.ndarray
    factor: int = 1

    def __len__(self) -> int:
        return self.rows.size

    def coarsened(self, factor: int) -> Points:
        """The same points on cells of `factor` x `factor` of these."""
        if factor <= 1:
            return self
        return replace(self, grid=self.grid.coarsened(factor), rows=(self.rows + 0.5) / factor - 0.5,
                       cols=(self.cols + 0.5) / factor - 0.5, factor=self.factor * factor)

    def some(self, chosen: np.ndarray) -> Points:
        """Only the chosen ones (True in a mask, or rising indices)."""
        return replace(self, rows=self.rows[chosen], cols=self.cols[chosen], heights=self.heights[chosen],
                       source=self.source[chosen])

    def inside(self, window: tuple) -> np.ndarray:
        """Indices of the points within the cells of a window."""
        row, col, height, width = window
        first, last = np.searchsorted(self.rows, (row - 0.5, row + height - 0.5))
        cols = self.cols[first:last]
        return first + np.flatnonzero((cols >= col - 0.5) & (cols < col + width - 0.5))

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Their mean in each cell of a window, float32 `(height, width)`, NaN where there is none."""
        index = self.inside((row, col, height, width))
        cell = (np.floor(self.rows[index] + 0.5).astype(int) - row) * width \
            + np.floor(self.cols[index] + 0.5).astype(int) - col
        count = np.bincount(cell, minlength=height * width)
        total = np.bincount(cell, self.heights[index], height * width)
        means = np.full(count.shape, np.nan, dtype=np.float32)
        np.divide(total, count, out=means, where=count > 0, casting="same_kind")
        return means.reshape(height, width)

    def tiles(self) -> Iterator[tuple]:
        """Windows of the grid, TILE cells wide, that hold points."""
        across = -(-self.grid.width // TILE)
        down, right = (np.floor((cells + 0.5) / TILE).astype(int) for cells in (self.rows, self.cols))
        labels = down * across + right
        for label in np.unique(labels).tolist():
            row, col = label // across * TILE, label % across * TILE
            yield row, col, min(TILE, self.grid.height - row), min(TILE, self.grid.width - col)


def place(name: str, x: np.ndarray, y: np.ndarray, heights: np.ndarray, crs: str, dem: Dem) -> Points:
    """The points (map coordinates in `crs`, WKT) that lie on the cells of `dem`; heights stay as they are.

    Points without a finite height or outside the DEM are left out. Raises CoregistrationError where none remains.
    """
    grid = north_up(dem.grid)
    x, y = reproject(x, y, crs, grid.crs)
    with np.errstate(invalid="ignore"):
        row, col = grid.cell_of(x, y)
        own_row, own_col = dem.grid.cell_of(x, y)
        inside = ((own_row >= -0.5) & (own_row < dem.grid.height - 0.5)
                  & (own_col >= -0.5) & (own_col < dem.grid.width - 0.5) & np.isfinite(heights))
    source = np.flatnonzero(inside)
    if not source.size:
        raise CoregistrationError(
            f"None of the {heights.size} points of {name} has a height and lies on {dem.name}: check the CRSs, the "
            "extents and the field that holds the heights.")
    source = source[np.argsort(row[source], kind="stable")]
    return Points(name, grid, row[source], col[source], heights[source].astype(float), source)


def north_up(grid: Grid) -> Grid:
    """`grid` itself, or for a rotated one the north-up grid of the same cell size that holds it."""
    if not grid.rotated:
        return grid
    _, dxc, dxr, _, dyc, dyr = grid.geotransform
    step = float(np.sqrt(abs(dxc * dyr - dxr * dyc)))
    xmin, ymin, xmax, ymax = grid.bounds()
    return Grid((xmin, step, 0.0, ymax, 0.0, -step), max(1, int(np.ceil((xmax - xmin) / step))),
                max(1, int(np.ceil((ymax - ymin) / step))), grid.crs)


def on_stable(points: Points, terrain: StableTerrain) -> np.ndarray:
    """True for the points whose cell is stable terrain (polygons in the CRS of the points' grid)."""
    stable = np.ones(len(points), dtype=bool)
    if terrain.everywhere:
        return stable
    for row, col, height, width in points.tiles():
        index = points.inside((row, col, height, width))
        cover = terrain.cover(points.grid.window(row, col, height, width))
        stable[index] = cover[np.floor(points.rows[index] + 0.5).astype(int) - row,
                              np.floor(points.cols[index] + 0.5).astype(int) - col]
    return stable
