"""What a fit needs of a piece of ground: stable reference cells, their gradient, and the secondary there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..raster.dem import Dem
from ..raster.masks import StableTerrain
from ..raster.resampling import CellMap
from .secondary import Lines, Splines, find_spikes
from .solution import LATTICE, Lattice, lattice_parts
from .stripes import StripeCut, Stripes

SPARSE = 5_000  # cells that lead most of the way to a shift
PACKED = int, np.float32, np.int32, np.float32, np.float32, np.float32, np.float32
"""The kinds of what TerrainWindow.packed gives."""
LATER = ("rows", "cols", "thinned", "_cell", "_cell_of_line", "_cell_everywhere", "_sampled")  # made when asked for


@dataclass(frozen=True)
class Pair:
    """Two DEMs to be brought together, and where the ground is stable.

    The constants say how much ground a shift needs, and what it is counted in.
    """

    LEAST: ClassVar[int] = 50  # for one shift of all
    LEAST_IN_BLOCK: ClassVar[int] = 200
    SAMPLE: ClassVar[int] = 15_000  # that a block's shift is told from
    LEAST_SHARE: ClassVar[float] = 0.02  # of the block's cells
    FINEST: ClassVar[float] = np.inf  # cells: of larger overlaps, means serve for the one shift of all
    UNIT: ClassVar[str] = "cells"
    SIDE_BY_SIDE: ClassVar[int] = 4  # blocks whose ground is read as one: whoever cancels waits for them

    reference: Dem
    secondary: Dem
    terrain: StableTerrain

    @property
    def rasters(self) -> tuple[Dem, ...]:
        """What is aligned."""
        return self.reference, self.secondary

    @property
    def read(self) -> tuple[Dem, ...]:
        """What is read from files."""
        return (*self.rasters, *(mask for mask in (self.terrain.mask,) if mask))

    def window(self, window: tuple, starts: tuple = (), step: int = 1, phase: int = 0,
               ends: tuple = ()) -> TerrainWindow:
        """The stable ground of a window; see TerrainWindow."""
        return TerrainWindow(self, window, starts, Stripes.over(window[0], window[2], step, phase), ends)

    def at_spacing_of_coarser(self) -> Pair:
        """The pair at the spacing of its coarser DEM, so that neither shows detail that the other cannot."""
        ratio = self.secondary.grid.cell_size() / self.reference.grid.cell_size()
        return Pair(self.reference.coarsened(int(ratio + 1e-6)), self.secondary.coarsened(int(1 / ratio + 1e-6)),
                    self.terrain)

    def coarsened(self, factor: int) -> Pair:
        """Both DEMs as means of `factor` x `factor` cells."""
        return replace(self, reference=self.reference.coarsened(factor), secondary=self.secondary.coarsened(factor))


class TerrainWindow:
    """Stable cells of a window of the reference, as flat arrays of length n, and the secondary beneath them.

    `rows`, `cols`: cells of the reference's grid; `heights` (m); `gx`, `gy`: dz/d(east), dz/d(north) (m/m).
    Only cells of the lines of `stripes` are kept: neighbours are correlated, a fraction of them knows nearly as much.
    The secondary is at hand for shifts within REACH cells of none and of each of `starts` (m). `ends`: columns where
    one kind of ground may end and another begin.
    """

    def __init__(self, pair: Pair, window: tuple, starts: tuple, stripes: Stripes, ends: tuple = ()):
        self._pair, self._stripes = pair, stripes
        self.step = stripes.step * stripes.across
        self._lines, self._columns = stripes.lines, np.arange(window[1], window[1] + window[3])
        nothing = np.zeros(0, dtype=np.float32)
        self._keep(*(self._stable_cells(window, ends) if self._lines.size else (nothing.astype(int), *[nothing] * 3)))
        self._secondary = None
        if self.heights.size:
            self._look_beneath(((0.0, 0.0), *starts), ends)

    def _keep(self, place, heights, gx, gy) -> None:
        """Take the cells at `place`, flat indices over kept lines and columns, from dense arrays."""
        self._place = place
        self.heights, self.gx, self.gy = (values.ravel().take(place) for values in (heights, gx, gy))

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the reference's grid."""
        return self._lines.astype(float).take(self._place // self._columns.size)

    @cached_property
    def cols(self) -> np.ndarray:
        """Columns of the reference's grid."""
        width = self._columns.size
        return (self._place - self._place // width * width + self._columns[0]).astype(float)

    @cached_property
    def _cell(self) -> tuple[np.ndarray, np.ndarray]:
        """Metres east and north from each cell to the next."""
        return self._pair.reference.grid.cell_metres(self.rows)

    def at(self, shift) -> TerrainWindow:
        """The window as it serves a fit from `shift` on: the reference's gradient is the same for all."""
        return self

    def part(self, cells) -> TerrainWindow:
        """The same window with some of its cells only (a slice or index array)."""
        other = object.__new__(type(self))
        other.__dict__.update({name: values for name, values in self.__dict__.items() if name not in LATER})
        for name in ("_place", "heights", "gx", "gy"):
            setattr(other, name, getattr(self, name)[cells])
        return other

    @property
    def sparse(self) -> TerrainWindow:
        """Enough of the window for what need not be exact."""
        return self.thinned[1]

    @cached_property
    def thinned(self) -> tuple[np.ndarray, TerrainWindow]:
        """About SPARSE cells of the same window, and their indices."""
        return self.fewer(SPARSE)

    def fewer(self, cells: int) -> tuple[np.ndarray, TerrainWindow]:
        """About so many cells of the same window, if it has more, and their indices."""
        every = max(1, self.heights.size // cells)
        if every == 1:
            return np.arange(self.heights.size), self
        if not isinstance(self._secondary, Lines):
            kept = np.arange(0, self.heights.size, every)
            return kept, self.part(kept)
        kept, other = self._cut(self._stripes.thinned(every))
        other.step = other._stripes.step * other._stripes.across
        return kept, other

    def within(self, window: tuple) -> TerrainWindow:
        """The part of it that lies in another window."""
        row, col, height, width = window
        if not isinstance(self._secondary, Lines):
            return self.part(np.flatnonzero(self.lattice_cells([window], max(height, width), [0])[0] >= 0))
        left = col - int(self._columns[0])
        return self._cut(self._stripes.meeting(row, height), (row, row + height), slice(left, left + width))[1]

    def _cut(self, cut: StripeCut, rows: tuple = (-np.inf, np.inf),
             columns: slice = slice(None)) -> tuple[np.ndarray, TerrainWindow]:
        """The cells of some stripes, of the grid's rows from one to before another, of columns; and their indices."""
        chosen = np.arange(self._lines.size).reshape(self._stripes.thick, -1)[:cut.thick, cut.stripes].ravel()
        lines = self._lines[chosen]
        inside = np.flatnonzero((lines >= rows[0]) & (lines < rows[1]))
        width, (left, right, _) = self._columns.size, columns.indices(self._columns.size)
        # Places rise: those of a line lie together.
        begins = chosen[inside] * width + left
        first, end = self._place.searchsorted(begins), self._place.searchsorted(begins + (right - left))
        counts = end - first
        kept = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        other = self.part(kept)
        other._place -= np.repeat(begins - inside * (right - left), counts)
        other._stripes, other._lines, other._columns = self._stripes.cut(cut), lines, self._columns[columns]
        other._secondary = self._secondary.cut(cut, columns)
        other._sampled = {shift: heights.take(kept) for shift, heights in self._sampled.items()}
        return kept, other

    def packed(self) -> tuple | None:
        """Arrays of the kinds PACKED from which `unpacked` makes the window again; None where that would not pay."""
        if self.heights.size and not isinstance(self._secondary, Lines):
            return None
        secondary = self._secondary.packed() if self.heights.size else ((), np.empty(0), np.empty(0))
        stripes, columns = self._stripes, self._columns
        numbers = (*astuple(stripes), columns[0], columns.size, *secondary[0])
        parts = numbers, secondary[1], self._place, self.heights, self.gx, self.gy, secondary[2]
        return tuple(np.ascontiguousarray(part, dtype=kind).ravel() for part, kind in zip(parts, PACKED))

    @classmethod
    def unpacked(cls, pair: Pair, arrays: list) -> TerrainWindow:
        """The window of such arrays."""
        numbers, moves, place, heights, gx, gy, beneath = arrays
        *stripes, left, width = numbers[:7].tolist()
        window = object.__new__(cls)
        window._pair, window._stripes = pair, Stripes(*stripes)
        window._lines, window._columns = window._stripes.lines, np.arange(left, left + width)
        window.step = window._stripes.step * window._stripes.across
        window._place, window.heights, window.gx, window.gy = place.astype(np.intp), heights, gx, gy
        window._secondary = None
        if heights.size:
            window._to_secondary = CellMap(pair.reference.grid, pair.secondary.grid)
            window._secondary = Lines.unpacked(pair.secondary, window._stripes, window._columns,
                                               window._to_secondary.offset, numbers[7:].tolist(), moves, beneath)
        return window

    def _stable_cells(self, window, ends):
        row, col, height, width = window
        stripes, grid, lines = self._stripes, self._pair.reference.grid, self._lines
        ground = stripes.read(self._pair.reference, -2, stripes.thick + 4, col - 2, width + 4)
        spikes, _ = find_spikes(ground, [end - col + 2 for end in ends])
        ground.ravel()[spikes] = np.nan
        # From the second line above every kept one to the second below.
        around = [ground[k:k + stripes.thick].reshape(lines.size, -1) for k in range(5)]
        across, down = (metres[:, None] for metres in grid.cell_metres(lines))
        gx = _slope(*(around[2][:, k:k + width] for k in (0, 1, 3, 4)), across)
        gy = _slope(*(around[k][:, 2:-2] for k in (0, 1, 3, 4)), down)
        line = around[2][:, 2:-2]
        inside = np.flatnonzero((lines >= row) & (lines < row + height))
        inside = inside[np.argsort(lines[inside])]
        good = np.zeros(line.shape, dtype=bool)
        some = slice(None, None, stripes.across)
        good[inside, some] = np.isfinite(line + gx + gy)[inside, some]
        if not self._pair.terrain.everywhere:
            good[inside] &= self._pair.terrain.cover(grid.window(*window), lines[inside] - row)
        return np.flatnonzero(good), line, gx, gy

    def _look_beneath(self, starts: tuple, ends: tuple) -> None:
        """Read the secondary where shifts from `starts` (m) will ask for it."""
        reference, secondary = self._pair.reference.grid, self._pair.secondary
        self._to_secondary = CellMap(reference, secondary.grid)
        if self._to_secondary.offset is not None:
            moves = np.concatenate([np.stack(self._moves(*start[:2]), axis=-1).reshape(-1, 2) for start in starts])
            self._secondary = Lines.over(secondary, self._stripes, self._columns, self._to_secondary.offset, moves,
                                         ends)
        else:
            self._secondary = self._splines(starts)

    def _splines(self, starts: tuple) -> Splines:
        corners = self.part(_outermost(self.rows, self.cols))
        places = [corners.beneath(start[0], start[1]) for start in starts]
        return Splines(self._pair.secondary, *(np.concatenate([place[axis].ravel() for place in places])
                                               for axis in (0, 1)))

    def _moves(self, dx, dy):
        """Cells down and right that a shift (m) is: numbers where the same on all lines, else float32 columns."""
        if self._cell_everywhere:
            east, north = self._cell_everywhere
            return np.float64(dy / north), np.float64(dx / east)
        east, north = self._cell_of_line
        return tuple((metres / cell).astype(np.float32)[:, None] for metres, cell in ((dy, north), (dx, east)))

    @cached_property
    def _sampled(self) -> dict:
        """Heights beneath the window by the shift (m) that they were asked for: the first two, and the last."""
        return {}

    @cached_property
    def _cell_everywhere(self) -> tuple[float, float] | None:
        """Metres east and north from one cell to the next where that is the same on all lines."""
        east, north = self._cell_of_line
        return (float(east[0]), float(north[0])) if east.size == 1 else None

    @cached_property
    def _cell_of_line(self) -> tuple[np.ndarray, np.ndarray]:
        """Metres east and north from one cell to the next on every line; a single one where they agree."""
        east, north = self._pair.reference.grid.cell_metres(self._lines)
        return (east[:1], north[:1]) if np.ptp(east) == np.ptp(north) == 0 else (east, north)

    def sample(self, dx, dy) -> np.ndarray:
        """Heights of the secondary at p - (dx, dy), metres; NaN where void. Scalars or (n,)."""
        if self._secondary is None:
            return np.full_like(self.heights, np.nan)
        if isinstance(self._secondary, Lines) and np.ndim(dx) == np.ndim(dy) == 0:
            # Whole lines cost less than a few of their cells. Fits begin where others have looked.
            heights = self._sampled.get((dx, dy))
            if heights is None:
                heights = self._secondary.at(*self._moves(dx, dy)).ravel().take(self._place)
                if len(self._sampled) > 2:
                    self._sampled.popitem()
                self._sampled[dx, dy] = heights
            return heights
        if isinstance(self._secondary, Lines):
            line, column = np.divmod(self._place, self._columns.size)
            east, north = self._cell
            return self._secondary.some(line, column, dy / north, dx / east)
        return self._secondary.scattered(*self.beneath(dx, dy))

    def remember(self, shift) -> None:
        """Sample at once what all parts of the window will ask for, where they inherit it."""
        if isinstance(self._secondary, Lines):
            self.sample(shift[0], shift[1])

    def beneath(self, dx, dy):
        """Cells of the secondary that a shift (m) puts beneath this window's cells."""
        east, north = self._cell
        return self._to_secondary(self.rows - dy / north, self.cols - dx / east)

    def under(self, field) -> tuple[TerrainWindow, np.ndarray]:
        """The window as it serves a fit from `field` (a Fit) on, and dh (m) after it; NaN where void."""
        if not isinstance(self._secondary, Lines):
            return self, self.residuals(field.at(self.rows, self.cols))
        east, north = (metres[:, None] for metres in self._cell_of_line)

        def offsets(columns):
            dx, dy, dz = field.on_lattice(self._lines, columns)
            return tuple(each.astype(np.float32) for each in (dy / north, dx / east, dz))

        return self, self.heights - self._secondary.under(offsets).ravel().take(self._place)

    def residuals(self, shift) -> np.ndarray:
        """dh = reference - secondary after the shift (dx, dy, dz), metres, NaN where void."""
        dh = self.heights - self.sample(shift[0], shift[1])
        dh -= shift[2]
        return dh

    def lattice_cells(self, windows: list[tuple], side: int, which: Iterable[int]) -> tuple[np.ndarray, int]:
        """In which cell of lattices over windows side by side, `side` wide, each cell lies; how many a window has.

        They are numbered window by window and row by row; -1 is beyond those windows `which` are asked for.
        """
        down, right, count = lattice_numbers(self._lines, self._columns, windows, side, which)
        cells = down[:, None] + right
        cells[down < 0] = cells[:, right < 0] = -1
        return cells.take(self._place), count

    def lattice(self, known: np.ndarray) -> Lattice:
        """The lattice over the extent of the cells that are `known` (n,)."""
        filled = np.zeros((self._lines.size, self._columns.size), dtype=bool)
        filled.ravel()[self._place] = known
        down, right = (lattice_parts(places, places[filled.any(axis=axis)])
                       for axis, places in ((1, self._lines), (0, self._columns)))
        return Lattice((down[:, None] * LATTICE + right).take(self._place))

    def metres_from(self, row: float, col: float) -> tuple[np.ndarray, np.ndarray]:
        """The way east and north (m) from a fractional cell of the reference to each cell."""
        east, north = self._cell
        return (self.cols - col) * east, (self.rows - row) * north

    def slopes_beneath(self, shift) -> tuple[np.ndarray, np.ndarray]:
        """Some of the cells (indices), and the secondary's gradient `(n, 2)` (m/m, east and north) beneath each."""
        if isinstance(self._secondary, Lines) and np.ndim(shift[0]) == np.ndim(shift[1]) == 0:
            steps = self._secondary.steps(*self._moves(shift[0], shift[1]))
            if steps:
                slopes = [(step / (2 * metres[:, None])).ravel().take(self._place)
                          for step, metres in zip(steps, self._cell_of_line)]
                return np.arange(self.heights.size), np.stack(slopes).T
        some, thin = self.thinned
        return some, thin.secondary_gradient(shift if np.ndim(shift[0]) == 0 else shift[:, some])

    def secondary_gradient(self, shift) -> np.ndarray:
        """The secondary's gradient `(n, 2)` (m/m, east and north) beneath each cell, by central differences."""
        cell = self._pair.reference.grid.cell_size()
        dx, dy = shift[0], shift[1]
        east = self.sample(dx - cell, dy) - self.sample(dx + cell, dy)
        north = self.sample(dx, dy - cell) - self.sample(dx, dy + cell)
        return np.column_stack([east, north]) / (2 * cell)


def _slope(before2, before, after, after2, metres) -> np.ndarray:
    """The derivative from the cells to either side, smoothed by half a cell.

    What a kernel falsifies, the finest detail, has little part in it: on the roughest ground the bias is a third of
    what central differences leave, and noise has less part too.
    """
    slope = after - before
    slope *= 2
    slope += after2
    slope -= before2
    slope *= (0.125 / metres).astype(np.float32)
    return slope


def lattice_numbers(rows: np.ndarray, cols: np.ndarray, windows: list[tuple], side: int,
                    which: Iterable[int]) -> tuple[np.ndarray, np.ndarray, int]:
    """What rows and columns add to the number of a lattice cell, -1 beyond; and how many a window has."""
    row, _, height, _ = windows[0]
    across = -(-max(width for *_, width in windows) // side)
    count = across * -(-height // side)
    down = np.where((rows >= row) & (rows < row + height), (rows - row) // side * across, -1).astype(int)
    right = np.full(cols.shape, -1)
    for place in which:
        _, col, _, width = windows[place]
        inside = (cols >= col) & (cols < col + width)
        right[inside] = place * count + (cols[inside] - col) // side
    return down, right, count


def row_step(window: tuple, cells: int) -> int:
    """Which rows to keep so that about `cells` of a window remain."""
    return max(1, round(window[2] * window[3] / cells))


def _outermost(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Indices of cells that reach as far as any along every side, and of a few between."""
    ends = [values.argmin() for values in (rows, cols)] + [values.argmax() for values in (rows, cols)]
    return np.concatenate([np.arange(0, rows.size, max(1, rows.size // 200)), ends])
