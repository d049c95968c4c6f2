"""Cubic convolution in two passes: along the lines of the source, then down the columns (Catmull & Smith 1980).

The first pass moves every line of the source to the columns in which the second will look for it. Four and four cells
are weighed instead of four times four.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

SLOWER = 3  # times what a cell of a flat array costs: one of parts of lines, which NumPy copies to a buffer first


class Ruled:
    """Straight lines down the columns from knot to knot, the outermost values hold beyond.

    Column x has the values `values[k, x]` at the rows `knots[k] + bends[k, x]`.
    """

    def __init__(self, knots: np.ndarray, values: np.ndarray, bends: np.ndarray):
        self._only = values[:1, :1] if values.min() == values.max() else None
        # Rows are counted from whole rows near the knots, in numbers small enough for float32.
        starts = np.floor(knots)
        bends = bends + (knots - starts).astype(np.float32)[:, None]
        # The piece before a knot has its number: the first lies before all, the last beyond all.
        self._rise, self._base = np.zeros((2, knots.size + 1, values.shape[1]), dtype=np.float32)
        rise, base = self._rise[1:], self._base[1:]
        np.subtract(values[1:], values[:-1], out=rise[:-1])
        rise[:-1] /= np.diff(starts).astype(np.float32)[:, None] + np.diff(bends, axis=0)
        np.multiply(bends, rise, out=base)
        np.subtract(values, base, out=base)
        self._base[0] = values[0]
        self._bends, self._starts = bends, np.concatenate([starts[:1], starts])
        self._begin, self._settled = (np.ceil(starts + edge).astype(int).tolist()
                                      for edge in (bends.min(axis=1), bends.max(axis=1)))

    def rows(self, first: int, count: int, width: int | None = None) -> Places:
        """Values at the rows `first`, `first` + 1, ..., as places; those of the first `width` columns matter."""
        values = self.lines(first, count)
        return Places(values, (values if self._only is not None else values[self._turns(first, count)])[:, :width])

    def lines(self, first: int, count: int) -> np.ndarray:
        """Values at the rows `first`, `first` + 1, ..., float32; `(1, 1)` where all are the same."""
        if self._only is not None:
            return self._only
        rows = np.arange(first, first + count)
        piece, last = (np.searchsorted(edges, rows, side="right") for edges in (self._settled, self._begin))
        lines = self._on(piece, rows)
        # Where a knot's row depends on the column, the next piece begins in some columns before it does in others.
        for ahead in range(1, int((last - piece).max()) + 1):
            bent = np.flatnonzero(last - piece >= ahead)
            later = piece[bent] + ahead
            begun = self._beyond(later, rows[bent]) >= self._bends[later - 1]
            lines[bent] = np.where(begun, self._on(later, rows[bent]), lines[bent])
        return lines

    def _on(self, piece: np.ndarray, rows: np.ndarray) -> np.ndarray:
        values = self._rise.take(piece, axis=0)
        values *= self._beyond(piece, rows)
        values += self._base.take(piece, axis=0)
        return values

    def _beyond(self, piece: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return (rows - self._starts[piece]).astype(np.float32)[:, None]

    def _turns(self, first: int, count: int) -> list[int]:
        """Which of the rows `first`, `first` + 1, ... hold the extremes of every column: the ends and round knots."""
        turns = {0, count - 1}
        for knot in range(bisect_left(self._settled, first), bisect_right(self._begin, first + count)):
            turns.update(range(max(self._begin[knot] - 1 - first, 0), min(self._settled[knot] + 1 - first, count)))
        return sorted(turns)


class Places:
    """Fractional cells, `values` `(n, m)` or one for all `(1, 1)`; in `turns` are the extremes of each column.

    `first` and `last` are the least and the greatest whole cells among them.
    """

    def __init__(self, values: np.ndarray, turns: np.ndarray):
        self.values = values
        self._least, self._most = np.floor(turns.min(axis=0)), np.floor(turns.max(axis=0))
        self.first, self.last = int(self._least.min()), int(self._most.max())

    def runs(self, width: int):
        """`(whole, start, end)`: between which columns a whole cell occurs, the least first."""
        for whole in range(self.first, self.last + 1):
            inside = np.flatnonzero(np.broadcast_to((self._least <= whole) & (self._most >= whole), width))
            if inside.size:
                yield whole, int(inside[0]), int(inside[-1]) + 1


def moved(source: np.ndarray, origin: tuple, down: Places, right: Places, shape: tuple) -> np.ndarray:
    """Heights of `shape` (n, width) in lines as long as the source's, NaN where a cell that they come from is.

    Cell (r, c) is sought in `source` at the row `origin[0]` + r + `down[r, c]` and, of the source's line k, at the
    column `origin[1]` + c + `right[k, c]`. What lies beyond `width` means nothing.
    """
    sheared, heights = np.empty_like(source), np.empty((shape[0], source.shape[1]), dtype=np.float32)
    # Sums run over what means nothing as well: chance numbers there could overflow.
    sheared[:, shape[1]:] = heights[:, shape[1]:] = 0
    _convolve(source, origin[1], 1, right, sheared, shape[1])
    _convolve(sheared, origin[0], source.shape[1], down, heights, shape[1])
    return heights


def _convolve(source: np.ndarray, origin: int, step: int, places: Places, target: np.ndarray, width: int) -> None:
    """Fill `target`, each of whose cells lies (`origin` + its place) * `step` flat cells further on in `source`.

    Arrays are worked on flat, from end to end, in all columns as long as a third of them is meant.
    """
    pitch = source.shape[1]
    planes, size = _planes(source.reshape(-1), step), target.size - (pitch - width)
    for whole, start, end in places.runs(width):
        first = (origin + whole) * step
        if SLOWER * (end - start) < width:
            row, col = divmod(first, pitch)
            cells = [plane.reshape(-1, pitch)[row:row + len(target), col + start:col + end] for plane in planes]
            here, values = places.values[:, start:end], target[:, start:end]
        else:
            cells = [plane[first:first + size] for plane in planes]
            here, values = places.values.reshape(-1)[:size], target.reshape(-1)[:size]
        t = here - np.float32(whole) if whole else here
        if whole == places.first:
            _cubic(*cells, t, values)
        else:
            found = np.empty_like(values)
            _cubic(*cells, t, found)
            np.copyto(values, found, where=t >= 0)


def _planes(cells: np.ndarray, step: int) -> tuple:
    """Of each cell its height, the rise to the one `step` further on, half the bend, and how that changes to there.

    Of the first `step` cells and the last two times as many not all are meant.
    """
    rise, bend, twist = np.empty((3, cells.size), dtype=np.float32)
    np.subtract(cells[step:], cells[:-step], out=rise[:-step])
    inner = bend[step:-step]
    np.subtract(rise[step:-step], rise[:-2 * step], out=inner)
    inner *= np.float32(0.5)
    np.subtract(bend[2 * step:-step], bend[step:-2 * step], out=twist[step:-2 * step])
    return cells, rise, bend, twist


def _cubic(height, rise, bend, twist, t, value) -> None:
    """Fill `value` with cubic convolution (Keys 1981, a = -0.5, as in GDAL) a fraction `t` beyond the cells."""
    np.multiply(twist, t, out=value)
    value += bend
    value *= t - np.float32(1)
    value += rise
    value *= t
    value += height
