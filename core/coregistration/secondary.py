"""The secondary beneath a window of ground: its heights between cells, whatever the shift."""

from __future__ import annotations

import copy
import math

import numpy as np

from ..raster.dem import ALL, Dem, Reader
from ..raster.resampling import LAGRANGE, fractions
from .solution import scatter

FOOTPRINT = 3  # cells round a position that a kernel draws on, with one to spare
NEARBY, REACH = 3, 12  # cells that a shift is expected to move from its start, and may
PREFILTER_REACH = 12  # 0.27**12: a spline coefficient no longer feels what lies further off
SPIKE = 8.0  # NMADs of the bend: more is no terrain
LOOK = 2_500  # cells that a typical bend is taken from


class Lines:
    """A secondary whose cells step as the reference's do: whole lines are weighed at once.

    `lines`, `columns`: those of the reference, each evenly spaced; `offset` `(down, right)`: cells from its grid to the
    secondary's; `moves` (n, 2): cells down and right that the fit may start from. A fit that goes on is followed up to
    REACH cells. Between cells runs the polynomial through six of them (Lagrange): on rough ground as true as a
    prefiltered cubic B-spline, without its memory.
    """

    def __init__(self, dem: Dem, lines: np.ndarray, columns: np.ndarray, offset: tuple, moves: np.ndarray):
        self._dem, self._lines, self._columns, self._moves = dem, lines, columns, moves
        self._shape = lines.size, columns.size
        self._whole = [math.floor(apart) for apart in offset]
        self._part = [np.float32(apart - floor) for apart, floor in zip(offset, self._whole)]
        self._read(NEARBY)

    def _read(self, reach: int) -> None:
        self._reach, lines, whole = reach, self._lines, self._whole
        least = [math.floor(-most) - reach - FOOTPRINT for most in self._moves.max(axis=0)]
        most = [math.ceil(-least) + reach + FOOTPRINT + 1 for least in self._moves.min(axis=0)]
        self._before = [-cells for cells in least]
        tops, beneath = lines + (whole[0] + least[0]), most[0] - least[0] + 1
        left, width = int(self._columns[0]) + whole[1] + least[1], self._columns.size + most[1] - least[1]
        heights = read_lines(self._dem, tops, beneath, left, width)
        spikes, typical = find_spikes(heights)
        heights.ravel()[spikes] = typical
        self._step = beneath if len(heights) > 1 else int(lines[1] - lines[0]) if lines.size > 1 else 1
        # Beyond a group's own lines lies the ground of another one.
        self._group = beneath if len(heights) > 1 else None
        self._heights = heights.reshape(-1, width)

    def at(self, down, right) -> np.ndarray:
        """Heights at all lines and columns, float32 `(lines, columns)`, NaN beside voids.

        `down`, `right`: cells that the secondary is moved by; one for all, one for each line, or one for each cell.
        """
        (i, s), (j, t) = (fractions(part + np.float32(before) - moved) for part, before, moved in
                          zip(self._part, self._before, (down, right)))
        values = np.empty(self._shape, dtype=np.float32)
        lines = self._group or self._heights.shape[0] - (self._shape[0] - 1) * self._step
        for places, end in ((i, lines), (j, self._heights.shape[1] - self._shape[1] + 1)):
            if not (places.min() >= FOOTPRINT and places.max() < end - FOOTPRINT):
                if self._reach < REACH:
                    self._read(REACH)
                    return self.at(down, right)
                values.fill(np.nan)
                return values
        LAGRANGE.beside(self._heights, i, j, s, t, values, self._step)
        return values

    def every(self, step: int) -> Lines:
        """The same for every `step`-th line only."""
        other = copy.copy(self)
        other._lines = self._lines[::step]
        other._shape = other._lines.size, self._shape[1]
        other._step = self._step * step
        return other

    def some(self, line: np.ndarray, column: np.ndarray, down, right) -> np.ndarray:
        """Heights at some cells, counted in the lines and columns; `down`, `right` (n,) as for `at`."""
        (i, s), (j, t) = (fractions(part + before - moved) for part, before, moved in
                          zip(self._part, self._before, (down, right)))
        first = line * self._step
        i, j = i + first, j + column
        height, width = self._heights.shape
        top, bottom = (first, first + self._group) if self._group else (0, height)
        with np.errstate(invalid="ignore"):
            inside = (i >= top + FOOTPRINT) & (i < bottom - FOOTPRINT) & (j >= FOOTPRINT) & (j < width - FOOTPRINT)
        if self._reach < REACH and not inside.all():
            self._read(REACH)
            return self.some(line, column, down, right)
        index = (np.where(inside, i, FOOTPRINT) * width + np.where(inside, j, FOOTPRINT)).astype(np.intp)
        found = LAGRANGE.gathered(self._heights, index, s.astype(np.float32), t.astype(np.float32))
        found[~inside] = np.nan
        return found


class Splines:
    """A secondary of any grid, sampled at scattered places by prefiltered cubic B-splines.

    `row`, `col`: fractional cells of the secondary that the fit will look near, NaN where unknown.
    """

    def __init__(self, dem: Dem, row: np.ndarray, col: np.ndarray):
        from scipy import ndimage

        self._coefficients = None
        known = np.isfinite(row + col)
        if not known.any():
            return
        reach = PREFILTER_REACH + REACH
        self._top = max(int(row[known].min()) - reach, -1)
        self._left = max(int(col[known].min()) - reach, -1)
        bottom = min(int(row[known].max()) + reach + 1, dem.grid.height + 1)
        right = min(int(col[known].max()) + reach + 1, dem.grid.width + 1)
        if bottom - self._top < 4 or right - self._left < 4:
            return
        with Reader(dem) as reader:
            heights = reader.read(self._top, self._left, bottom - self._top, right - self._left)
        void = np.isnan(heights)
        if void.all():
            return
        if void.any():
            _fill(heights, void)
            for axis in (0, 1):
                void = ndimage.maximum_filter1d(void, 2 * FOOTPRINT - 1, axis=axis)
        spikes, typical = find_spikes(heights)
        heights.ravel()[spikes] = typical
        self._void = void
        self._coefficients = ndimage.spline_filter(heights, order=3, output=np.float32, mode="nearest")

    def scattered(self, row, col) -> np.ndarray:
        """Heights at fractional cells of the secondary; NaN beside voids and out of reach."""
        from scipy import ndimage

        if self._coefficients is None:
            return np.full(row.shape, np.nan)
        row, col = row - self._top, col - self._left
        height, width = self._coefficients.shape
        with np.errstate(invalid="ignore"):
            outside = ~((row >= 1) & (row <= height - 2) & (col >= 1) & (col <= width - 2))
        if outside.any():
            row[outside] = col[outside] = 1.0
        found = ndimage.map_coordinates(self._coefficients, (row, col), output=np.float64, order=3, prefilter=False,
                                        mode="nearest")
        found[self._void.ravel()[(row + 0.5).astype(np.intp) * width + (col + 0.5).astype(np.intp)]] = np.nan
        found[outside] = np.nan
        return found


def _fill(heights: np.ndarray, void: np.ndarray) -> None:
    """Bridge voids along the rows, so that the spline does not ring at their rims."""
    flat, gaps = heights.ravel(), np.flatnonzero(void)
    known = np.flatnonzero(~void)
    flat[gaps] = np.interp(gaps, known, flat[known])


def read_lines(dem: Dem, tops: np.ndarray, count: int, left: int, width: int) -> np.ndarray:
    """`count` lines from each of the evenly spaced `tops` on, `(groups, lines, width)`.

    Where the groups meet there is a single one, of all lines from the first to the last.
    """
    height, meet = int(tops[-1] - tops[0]) + count, tops.size < 2 or tops[1] - tops[0] <= count
    lines = ALL if meet else (tops[:, None] - tops[0] + np.arange(count)).ravel()
    with Reader(dem) as reader:
        return reader.read(int(tops[0]), left, height, width, lines).reshape(1 if meet else tops.size, -1, width)


def find_spikes(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Single cells far from all around them: their flat indices and the median of their 3 x 3 neighbourhoods.

    A spike would ring through a kernel and tilt its neighbours' gradient, where no robust loss can tell it any more.
    `heights` are `(..., lines, columns)`, the last two axes of one piece each.
    """
    bend = heights[..., :-2, 1:-1] + heights[..., 2:, 1:-1]
    bend += heights[..., 1:-1, :-2]
    bend += heights[..., 1:-1, 2:]
    bend *= np.float32(-0.25)
    bend += heights[..., 1:-1, 1:-1]
    limit = SPIKE * scatter(bend.ravel()[::max(1, bend.size // LOOK)])
    if not np.isfinite(limit) or limit == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=heights.dtype)
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero(np.abs(bend, out=bend) > limit)
    *piece, row, col = np.unravel_index(beyond, bend.shape)
    around = np.stack([heights[(*piece, row + i, col + j)] for i in range(3) for j in range(3)])
    typical = np.sort(around, axis=0)[4]
    far = np.abs(heights[(*piece, row + 1, col + 1)] - typical) > limit
    place = np.ravel_multi_index((*piece, row + 1, col + 1), heights.shape)
    return place[far], typical[far]
