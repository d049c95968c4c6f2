"""Pictures of a raster of any size: means over squares of cells, gathered tile by tile."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..raster.grid import Grid, is_geographic
from ..statistics.terrain import hillshade


@dataclass(frozen=True)
class Maps:
    """Arrays `(rows, cols)` with north up and west left, each element the mean of `factor` x `factor` cells.

    `before` and `after` hold dh in metres (`after` None without an aligned DEM), `shade` light from 0 to 1,
    `stable` the share of stable cells; NaN where void. `extent` is `(west, east, south, north)` in `unit`,
    "km" or "°"; `aspect` how much longer a unit is northwards than eastwards. `grid` is the elements' own.
    """

    before: np.ndarray
    after: np.ndarray | None
    shade: np.ndarray
    stable: np.ndarray
    extent: tuple
    unit: str
    aspect: float
    factor: int
    grid: Grid


class MapSum:
    """Maps being gathered: `add` every tile of `window` once, then `finish`."""

    def __init__(self, grid: Grid, window: tuple, states: int, side: int):
        row, col, height, width = window
        self.factor = max(1, math.ceil(max(height, width) / side))
        self._row, self._col, self._states = row, col, states
        self._window = grid.window(row, col, height, width)
        shape = math.ceil(height / self.factor), math.ceil(width / self.factor)
        self._sums = np.zeros((states + 2, *shape))
        self._counts = np.zeros((states + 2, *shape))

    def add(self, row: int, col: int, layers: list) -> None:
        """Take in a tile whose first cell is (row, col) of the grid: heights, stable terrain and differences."""
        rows, first_row = _starts(row - self._row, layers[0].shape[0], self.factor)
        cols, first_col = _starts(col - self._col, layers[0].shape[1], self.factor)
        place = np.s_[first_row:first_row + rows.size, first_col:first_col + cols.size]
        for layer, values in enumerate(layers):
            good = np.isfinite(values)
            if good.all():
                counts = np.outer(np.diff(rows, append=values.shape[0]), np.diff(cols, append=values.shape[1]))
            else:
                values, counts = np.where(good, values, 0), _gather(good.view(np.uint8), rows, cols)
            self._sums[layer][place] += _gather(values, rows, cols)
            self._counts[layer][place] += counts

    def finish(self) -> Maps:
        """The maps."""
        means = np.full(self._sums.shape, np.nan)
        np.divide(self._sums, self._counts, out=means, where=self._counts > 0)
        heights, stable, *differences = (layer.astype(np.float32) for layer in means)
        coarse = self._coarse(heights.shape)
        shade = hillshade(np.pad(heights, 1, mode="edge"), coarse)
        flip = np.s_[::-1 if coarse.geotransform[5] > 0 else 1, ::-1 if coarse.geotransform[1] < 0 else 1]
        coarse = _north_up(coarse)
        extent, unit, aspect = _extent(coarse)
        before, after = differences if self._states == 2 else (differences[0], None)
        return Maps(before[flip], None if after is None else after[flip], shade[flip], stable[flip],
                    extent, unit, aspect, self.factor, coarse)

    def _coarse(self, shape: tuple) -> Grid:
        x0, dxc, dxr, y0, dyc, dyr = self._window.geotransform
        scaled = (x0, dxc * self.factor, dxr * self.factor, y0, dyc * self.factor, dyr * self.factor)
        return Grid(scaled, shape[1], shape[0], self._window.crs)


def _starts(offset: int, length: int, factor: int) -> tuple[np.ndarray, int]:
    """Where in a stretch of cells each square begins, and which square is the first."""
    squares = (offset + np.arange(length)) // factor
    return np.flatnonzero(np.diff(squares, prepend=squares[0] - 1)), int(squares[0])


def _gather(values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Sums over rectangles of cells, float64."""
    ends = [*rows[1:], len(values)]
    bands = np.stack([values[start:end].sum(axis=0, dtype=np.float64) for start, end in zip(rows, ends)])
    return np.add.reduceat(bands, cols, axis=1)


def _north_up(grid: Grid) -> Grid:
    """The same cells, counted from the north-west."""
    west, _, _, north = grid.bounds()
    _, width, _, _, _, height = grid.geotransform
    return replace(grid, geotransform=(west, abs(width), 0.0, north, 0.0, -abs(height)))


def _extent(grid: Grid) -> tuple[tuple, str, float]:
    west, south, east, north = grid.bounds()
    mx, my = (float(metres) for metres in grid.metres_per_unit((south + north) / 2))
    if is_geographic(grid.crs):
        return (west, east, south, north), "°", my / mx
    return tuple(edge * mx / 1000 for edge in (west, east, south, north)), "km", 1.0
