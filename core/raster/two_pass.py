"""Cubic convolution in two passes: along the lines of the source, then down the columns (Catmull & Smith 1980).

The first pass moves every line of the source to the columns in which the second will look for it. Four and four cells
are weighed instead of four times four.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np


class Ruled:
    """Straight lines down the columns from knot to knot, the outermost values hold beyond.

    Column x has the values `values[k, x]` at the rows `knots[k] + bends[k, x]`.
    """

    def __init__(self, knots: np.ndarray, values: np.ndarray, bends: np.ndarray):
        self._only = values[:1, :1] if values.min() == values.max() else None
        # Rows are counted from whole rows near the knots, in numbers small enough for float32.
        starts = np.floor(knots)
        bends = bends + (knots - starts).astype(np.float32)[:, None]
        rise = np.diff(values, axis=0) / (np.diff(starts).astype(np.float32)[:, None] + np.diff(bends, axis=0))
        level = np.zeros_like(values[:1])
        self._rise = np.concatenate([rise, level])
        self._base = values - bends * self._rise
        self._values, self._bends = values, bends
        begin, settled = (np.ceil(starts + edge).astype(int) for edge in (bends.min(axis=1), bends.max(axis=1)))
        self._starts, self._begin, self._settled = starts.astype(int).tolist(), begin.tolist(), settled.tolist()

    def rows(self, first: int, count: int) -> Places:
        """Values at the rows `first`, `first` + 1, ..., float32."""
        if self._only is not None:
            return Places(self._only, self._only)
        lines = np.empty((count, self._values.shape[1]), dtype=np.float32)
        lines[:max(self._settled[0] - first, 0)] = self._values[0]
        turns = [0, count - 1]
        past = bisect_right(self._settled, first)
        for k in range(max(past - 1, 0), bisect_left(self._begin, first + count)):
            begin, settled = max(self._begin[k], first), max(self._settled[k], first)
            end = min([first + count, *self._settled[k + 1:k + 2]])
            rows = np.arange(begin - self._starts[k], end - self._starts[k], dtype=np.float32)[:, None]
            part = lines[begin - first:end - first]
            before = part[:settled - begin].copy()
            np.multiply(rows, self._rise[k], out=part)
            part += self._base[k]
            if len(before):
                np.copyto(part[:len(before)], before, where=rows[:len(before)] < self._bends[k])
            turns += range(max(begin - 1, first) - first, min(settled + 1, end) - first)
        return Places(lines, lines[turns])


class Places:
    """Fractional cells, `values` `(n, m)` or one for all `(1, 1)`; in `turns` are the extremes of each column.

    `first` and `last` are the least and the greatest whole cells among them.
    """

    def __init__(self, values: np.ndarray, turns: np.ndarray):
        self.values = values
        self._least, self._most = np.floor(turns.min(axis=0)), np.floor(turns.max(axis=0))
        self.first, self.last = int(self._least.min()), int(self._most.max())

    def runs(self, width: int):
        """`(whole, start, done, end)`: in which columns a whole cell occurs; up to `done` there were others before."""
        done = 0
        for whole in range(self.first, self.last + 1):
            inside = np.flatnonzero(np.broadcast_to((self._least <= whole) & (self._most >= whole), width))
            if inside.size:
                start, end = int(inside[0]), int(inside[-1]) + 1
                yield whole, start, min(max(start, done), end), end
                done = max(done, end)


def moved(source: np.ndarray, origin: tuple, down: Places, right: Places, heights: np.ndarray) -> None:
    """Fill `heights`, NaN where one of the cells that they come from is.

    Cell (r, c) is sought in `source` at the row `origin[0]` + r + `down[r, c]` and, of the source's line k, at the
    column `origin[1]` + c + `right[k, c]`.
    """
    sheared = np.empty((source.shape[0], heights.shape[1]), dtype=np.float32)
    _convolve(source, origin[1], right, sheared, axis=1)
    _convolve(sheared, origin[0], down, heights, axis=0)


def _convolve(source: np.ndarray, origin: int, places: Places, target: np.ndarray, axis: int) -> None:
    """Fill `target`, whose cell i along `axis` lies at `origin` + i + its place in `source`."""
    planes = _planes(source, 1 if axis else source.shape[1])
    for whole, start, done, end in places.runs(target.shape[1]):
        here, values = places.values[:, start:end], target[:, start:end]
        before = values[:, :done - start].copy()
        first = origin + whole
        if axis:
            cells = [plane[:, first + start:first + end] for plane in planes]
        else:
            cells = [plane[first:first + len(values), start:end] for plane in planes]
        _cubic(*cells, here - np.float32(whole), values)
        if before.size:
            shared = slice(done - start)
            np.copyto(values[:, shared], before, where=here[:, shared] < whole)


def _planes(cells: np.ndarray, step: int) -> list:
    """Of each cell its height, the rise to the one `step` further on, half the bend, and how that changes to there.

    Of the first cell and the last two along the axis not all are meant.
    """
    flat = cells.reshape(-1)
    rise, bend, twist = np.empty((3, flat.size), dtype=np.float32)
    np.subtract(flat[step:], flat[:-step], out=rise[:-step])
    inner = bend[step:-step]
    np.subtract(rise[step:-step], rise[:-2 * step], out=inner)
    inner *= np.float32(0.5)
    np.subtract(bend[2 * step:-step], bend[step:-2 * step], out=twist[step:-2 * step])
    return [plane.reshape(cells.shape) for plane in (flat, rise, bend, twist)]


def _cubic(height, rise, bend, twist, t, value) -> None:
    """Fill `value` with cubic convolution (Keys 1981, a = -0.5, as in GDAL) a fraction `t` beyond the cells."""
    np.multiply(twist, t, out=value)
    value += bend
    value *= t - np.float32(1)
    value += rise
    value *= t
    value += height
