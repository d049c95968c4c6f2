"""The secondary beneath a window of ground: its heights between cells, whatever the shift."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np

from ..raster.dem import Dem, Reader
from ..raster.resampling import LAGRANGE, fractions, weighted_sum
from .precision import NMAD, median
from .stripes import StripeCut, Stripes

FOOTPRINT = 3  # cells round a position that a kernel draws on, with one to spare
NEARBY, REACH = 1, 12  # cells that a shift is expected to move from its start, and may
PREFILTER_REACH = 12  # 0.27**12: a spline coefficient no longer feels what lies further off
SPIKE = 8.0  # times a typical bend (as NMAD): more is no terrain
LOOK = 8, 600  # lines, and cells of them, that a typical bend is taken from
PIECE = 2**15  # cells that are looked at together: no more than a processor has at hand


class Lines:
    """A secondary whose cells step as the reference's do: whole lines are weighed at once.

    `stripes`, `columns`: those of the reference; `offset` `(down, right)`: cells from its grid to the secondary's;
    `moves` (n, 2): cells down and right that the fit may start from, the likeliest last. A fit that goes on is followed
    up to REACH cells. `ends`: see find_spikes, of the reference. Between cells runs the polynomial through six of them
    (Lagrange): on rough ground as true as a prefiltered cubic B-spline, without its memory.
    """

    def __init__(self, dem: Dem, stripes: Stripes, columns: np.ndarray, offset: tuple, moves: np.ndarray,
                 ends: tuple = ()):
        self._dem, self._stripes, self._columns, self._ends = dem, stripes, columns, ends
        # As they are packed: where one is all but whole, more digits would lead to another cell.
        self._moves = moves.astype(np.float32)
        self._whole = [math.floor(apart) for apart in offset]
        self._part = [np.float32(apart - floor) for apart, floor in zip(offset, self._whole)]

    @classmethod
    def over(cls, *place) -> Lines:
        """The heights of such a place, read from the file."""
        lines = cls(*place)
        lines._read(NEARBY)
        return lines

    def packed(self) -> tuple:
        """`(numbers, moves, heights)` from which `unpacked` makes the same again."""
        numbers = (self._reach, *self._heights.shape, *self._ends)
        return numbers, np.concatenate([self._first, self._moves.ravel()]), self._heights

    @classmethod
    def unpacked(cls, dem, stripes, columns, offset, numbers, moves, heights) -> Lines:
        """Those of flat arrays."""
        first, moves = moves[:2], moves[2:].reshape(-1, 2)
        reach, *shape = numbers[:4]
        lines = cls(dem, stripes, columns, offset, moves, tuple(numbers[4:]))
        lines._first, lines._reach, lines._heights = first, reach, heights.reshape(shape)
        return lines

    def _read(self, reach: int) -> None:
        self._reach, whole, margin = reach, self._whole, reach + FOOTPRINT
        least = [math.floor(-most) - margin for most in self._moves.max(axis=0)]
        most = [math.ceil(-least) + margin + 1 for least in self._moves.min(axis=0)]
        self._first = [part - np.float32(cells) for part, cells in zip(self._part, least)]
        left, width = int(self._columns[0]) + whole[1] + least[1], self._columns.size + most[1] - least[1]
        deep = self._stripes.thick + most[0] - least[0]
        self._heights = self._stripes.read(self._dem, whole[0] + least[0], deep, left, width)
        spikes, typical = find_spikes(self._heights, [end - self._columns[0] - least[1] for end in self._ends])
        self._heights.ravel()[spikes] = typical

    def at(self, down, right) -> np.ndarray:
        """Heights at all lines and columns, float32 `(lines, columns)`, NaN beside voids.

        `down`, `right`: cells that the secondary is moved by, one number for all or one for each line `(lines, 1)`.
        """
        (i, s), (j, t) = (fractions(place) for place in self._places(down, right))
        if not self._holds(i, j):
            return self.at(down, right) if self._read_on() else self._unknown()
        lines, across = LAGRANGE.shared(i, s), LAGRANGE.shared(j, t)
        if not (lines and across):
            return self._one_by_one(down, right)
        return self._weighed(lines, across)

    def steps(self, down, right) -> tuple[np.ndarray, np.ndarray] | None:
        """What heights rise by from the cell before to the one behind, along lines and down columns; moved as for `at`.

        float32 `(lines, columns)` each; None where that takes cells one by one.
        """
        (i, s), (j, t) = (fractions(place) for place in self._places(down, right))
        lines, across = LAGRANGE.shared(i, s), LAGRANGE.shared(j, t)
        if not (lines and across and all(self._holds(i + beyond, j + beyond) for beyond in (-1, 1))):
            return None
        return self._weighed(lines, _differences(*across)), self._weighed(_differences(*lines), across)

    def under(self, offsets) -> np.ndarray:
        """As `at`, where every cell is moved on its own, by hardly more or less than its neighbours.

        `offsets(columns)` gives cells down, cells to the right and metres up, float32 `(lines, columns)`, for columns
        beside the window, too. In two passes, down the columns of the secondary and along the lines (Catmull & Smith
        1980): six and six cells are weighed, not six times six.
        """
        # Cells have the index of the columns of the secondary that lie beneath them, to a cell or two.
        nearest = math.floor(self._first[1] - self._moves[-1, 1])
        inner = slice(nearest, nearest + self._columns.size)
        down, right, up = offsets(np.arange(self._heights.shape[2]) + (self._columns[0] - nearest))
        y, x = self._places(down, right)
        (i, s), (j, t) = fractions(_sheared(y, x - np.float32(nearest))), fractions(x[:, inner])
        if not self._holds(i, j):
            return self.under(offsets) if self._read_on() else self._unknown()
        lines, across = LAGRANGE.shared(i, s), LAGRANGE.shared(j, t)
        if not (lines and across):
            return self._one_by_one(down[:, inner], right[:, inner]) + up[:, inner]
        return self._weighed(lines, across) + up[:, inner]

    def _places(self, down, right):
        return (first - moved for first, moved in zip(self._first, (down, right)))

    def _holds(self, i, j) -> bool:
        """True where all that a kernel draws on has been read."""
        deep, _, width = self._heights.shape
        ends = deep - self._stripes.thick + 1, width - self._columns.size + 1
        return all(places.min() >= FOOTPRINT and places.max() < end - FOOTPRINT for places, end in zip((i, j), ends))

    def _read_on(self) -> bool:
        """Look further; False where that has been done."""
        if self._reach >= REACH:
            return False
        self._read(REACH)
        return True

    def _unknown(self) -> np.ndarray:
        return np.full((self._stripes.lines.size, self._columns.size), np.nan, dtype=np.float32)

    def _one_by_one(self, down, right) -> np.ndarray:
        shape = self._stripes.lines.size, self._columns.size
        line, column = (places.ravel() for places in np.indices(shape))
        found = self.some(line, column, *(np.broadcast_to(moved, shape).ravel() for moved in (down, right)))
        return found.reshape(shape)

    def _weighed(self, lines: tuple, across: tuple) -> np.ndarray:
        """Heights `(lines, columns)` by `(first, weights)` of the lines and of the cells along them."""
        heights, count, width = self._heights, self._stripes.lines.size, self._columns.size
        (top, weights), thick = lines, self._stripes.thick
        lines = [heights[k:k + thick].reshape(count, -1) for k in range(top, top + len(weights))]
        summed = weighted_sum(weights, lines)
        left, weights = across
        if weights[0].size > 1:
            return weighted_sum(weights, [summed[:, k:k + width] for k in range(left, left + len(weights))])
        # What runs from the end of a line into the next lies beyond the columns.
        found = np.correlate(summed.ravel(), np.array(weights, dtype=np.float32), "full")[len(weights) - 1:]
        return found.reshape(summed.shape)[:, left:left + width]

    def cut(self, cut: StripeCut, columns: slice) -> Lines:
        """The same for some stripes, lines and columns only."""
        other = copy.copy(self)
        other._stripes, other._columns = self._stripes.cut(cut), self._columns[columns]
        other._ends = tuple(end for end in self._ends if other._columns[0] < end <= other._columns[-1])
        left, right, _ = columns.indices(self._columns.size)
        beyond = self._heights.shape[2] - self._columns.size
        lines = len(self._heights) - self._stripes.thick + cut.thick
        other._heights = np.ascontiguousarray(self._heights[:lines, cut.stripes, left:right + beyond])
        return other

    def some(self, line: np.ndarray, column: np.ndarray, down, right) -> np.ndarray:
        """Heights at some cells, counted in the lines and columns; `down`, `right` (n,): cells they are moved by."""
        (i, s), (j, t) = (fractions(place) for place in self._places(down, right))
        deep, count, width = self._heights.shape
        within, stripe = np.divmod(line, count)
        i, j, bottom = i + within, j + column, deep - FOOTPRINT
        with np.errstate(invalid="ignore"):
            inside = (i >= FOOTPRINT) & (i < bottom) & (j >= FOOTPRINT) & (j < width - FOOTPRINT)
        if not inside.all() and self._read_on():
            return self.some(line, column, down, right)
        i, j = (np.where(inside, places, FOOTPRINT).astype(np.intp) for places in (i, j))
        # Seen so, the lines of one stripe lie `count` widths apart.
        heights = self._heights.reshape(deep, count * width)
        found = LAGRANGE.gathered(heights, i * (count * width) + stripe * width + j, s.astype(np.float32),
                                  t.astype(np.float32))
        found[~inside] = np.nan
        return found


def _differences(first: int, weights: list) -> tuple[int, list]:
    """Of weights those that tell the value one cell on less the value one cell back."""
    none = [0 * weights[0]] * 2
    return first - 1, [later - sooner for later, sooner in zip(none + weights, weights + none)]


def _sheared(y: np.ndarray, away: np.ndarray) -> np.ndarray:
    """The places `y` down, of cells `away` columns beside those of the secondary, at these columns themselves."""
    return y - away * np.gradient(y, axis=1)


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
        spikes, typical = find_spikes(heights[:, None])
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


def find_spikes(heights: np.ndarray, ends: Sequence = ()) -> tuple[np.ndarray, np.ndarray]:
    """Single cells far from all around them: their flat indices and the median of their 3 x 3 neighbourhoods.

    A spike would ring through a kernel and tilt its neighbours' gradient, where no robust loss can tell it any more.
    `heights` are `(lines, pieces, columns)`, line by line of several pieces of ground; what is usual is told from one
    of `ends` (columns) to the next.
    """
    (deep, pieces, width), flat = heights.shape, heights.reshape(-1)
    limits = _limits(heights.reshape(deep * pieces, width), ends)
    if not np.isfinite(limits).any():
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=heights.dtype)
    piece = max(1, PIECE // width) * width
    usual, beyond = np.tile(limits, piece // width), []
    with np.errstate(invalid="ignore"):
        for start in range(0, flat.size, piece):
            bends = _bends(flat[start:start + piece])
            beyond.append(np.flatnonzero(np.abs(bends, out=bends) > usual[1:1 + bends.size]) + (start + 1))
    place, down = np.concatenate(beyond), pieces * width
    above, below = np.where(place < down, 0, -down), np.where(place < flat.size - down, down, 0)
    around = np.stack([place + above, place, place + below])[:, None] + np.arange(-1, 2)[:, None]
    typical = np.sort(flat.take(around).reshape(9, -1), axis=0)[4]
    far = np.abs(flat.take(place) - typical) > limits[place % width] / 2
    return place[far], typical[far]


def _limits(lines: np.ndarray, ends: Sequence) -> np.ndarray:
    """What a bend must exceed to be looked at, by column; infinite where none is usual, and for the outermost."""
    limits = np.full(lines.shape[1], np.inf, dtype=np.float32)
    edges, some = [1, *ends, lines.shape[1] - 1], lines[::max(1, len(lines) // LOOK[0])]
    for left, right in zip(edges[:-1], edges[1:]):
        if some.size and right > left:
            bends = _bends(some[:, left - 1:right + 1])
            usual = median(np.abs(bends[:, ::max(1, bends.size // LOOK[1])]))
            if np.isfinite(usual) and usual > 0:
                limits[left:right] = SPIKE * NMAD * usual
    return limits


def _bends(heights: np.ndarray) -> np.ndarray:
    """How far each of a line's heights but the outermost lies below its two neighbours together."""
    steps = heights[..., 1:] - heights[..., :-1]
    return steps[..., 1:] - steps[..., :-1]
