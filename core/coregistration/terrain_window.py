"""What a fit needs of a piece of ground: stable reference cells, their gradient, and the secondary there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..raster.dem import Dem
from ..raster.masks import StableTerrain
from ..raster.resampling import CellMap
from .secondary import Lines, Splines, find_spikes, read_lines

SPARSE = 5_000  # cells that lead most of the way to a shift
LATER = ("rows", "cols", "thinned", "_cell", "_cell_of_line")  # made when asked for


@dataclass(frozen=True)
class Pair:
    """Two DEMs to be brought together, and where the ground is stable.

    The constants say how much ground a shift needs, and what it is counted in.
    """

    LEAST: ClassVar[int] = 50  # for one shift of all
    LEAST_IN_BLOCK: ClassVar[int] = 200
    LEAST_SHARE: ClassVar[float] = 0.02  # of the block's cells
    FINEST: ClassVar[float] = np.inf  # cells: of larger overlaps, means serve for the one shift of all
    UNIT: ClassVar[str] = "cells"

    reference: Dem
    secondary: Dem
    terrain: StableTerrain

    @property
    def rasters(self) -> tuple[Dem, ...]:
        """What is read from files."""
        return self.reference, self.secondary

    def window(self, window: tuple, starts: tuple = (), step: int = 1, phase: int = 0) -> TerrainWindow:
        """The stable ground of a window; see TerrainWindow."""
        return TerrainWindow(self, window, starts, step, phase)

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
    Every `step`-th row is kept, from `phase` on: rows are correlated, a fraction of them knows nearly as much.
    The secondary is at hand for shifts within REACH cells of none and of each of `starts` (m).
    """

    def __init__(self, pair: Pair, window: tuple, starts: tuple = (), step: int = 1, phase: int = 0):
        self._pair, self.step = pair, step
        self._lines = np.arange(window[0] + (phase - window[0]) % step, window[0] + window[2], step)
        self._columns = np.arange(window[1], window[1] + window[3])
        nothing = np.zeros(0, dtype=np.float32)
        self._keep(*(self._stable_cells(window) if self._lines.size else (nothing.astype(int), *[nothing] * 3)))
        self._secondary = None
        if self.heights.size:
            self._look_beneath(((0.0, 0.0), *starts))

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

    @property
    def level(self) -> TerrainWindow:
        """The window as if it were level: for ground that tells heights but no horizontal shift."""
        other = self.part(slice(None))
        other.gx = other.gy = np.zeros_like(self.gx)
        return other

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
        every = max(1, self.heights.size // SPARSE)
        if not isinstance(self._secondary, Lines):
            kept = np.arange(0, self.heights.size, every)
            return kept, self.part(kept)
        width = self._columns.size
        among = np.arange(self._lines.size) % every == 0
        line = self._place // width
        kept = np.flatnonzero(among.take(line))
        other = self.part(kept)
        other.step, other._lines = self.step * every, self._lines[::every]
        other._place = other._place - line.take(kept) // every * ((every - 1) * width)
        other._secondary = self._secondary.every(every)
        return kept, other

    def _stable_cells(self, window):
        row, col, _, width = window
        ground = read_lines(self._pair.reference, self._lines - 3, 7, col - 2, width + 4)
        spikes, _ = find_spikes(ground)
        ground.ravel()[spikes] = np.nan
        # From the second line above every kept one to the second below.
        lines = [ground[:, k] if len(ground) > 1 else ground[0, k:ground.shape[1] - 6 + k:self.step]
                 for k in range(1, 6)]
        grid = self._pair.reference.grid
        across, down = grid.cell_metres(self._lines)
        gx = _slope(*(lines[2][:, k:k + width] for k in (0, 1, 3, 4)), across)
        gy = _slope(*(lines[k][:, 2:-2] for k in (0, 1, 3, 4)), down)
        line = lines[2][:, 2:-2]
        good = np.isfinite(line + gx + gy)
        if not self._pair.terrain.everywhere:
            first = int(self._lines[0]) - row
            good &= self._pair.terrain.cover(grid.window(*window), slice(first, None, self.step))
        return np.flatnonzero(good), line, gx, gy

    def _look_beneath(self, starts: tuple) -> None:
        """Read the secondary where shifts from `starts` (m) will ask for it."""
        reference, secondary = self._pair.reference.grid, self._pair.secondary
        self._to_secondary = CellMap(reference, secondary.grid)
        if self._to_secondary.offset is not None:
            moves = np.concatenate([np.column_stack(np.broadcast_arrays(*self._moves(*start[:2]))) for start in starts])
            self._secondary = Lines(secondary, self._lines, self._columns, self._to_secondary.offset, moves)
        else:
            self._secondary = self._splines(starts)

    def _splines(self, starts: tuple) -> Splines:
        corners = self.part(_outermost(self.rows, self.cols))
        places = [corners.beneath(start[0], start[1]) for start in starts]
        return Splines(self._pair.secondary, *(np.concatenate([place[axis].ravel() for place in places])
                                               for axis in (0, 1)))

    def _moves(self, dx, dy):
        """Cells down and right that a shift (m) is on every line, float32 columns; a single one where they agree."""
        east, north = self._cell_of_line
        return tuple((metres / cell).astype(np.float32)[:, None] for metres, cell in ((dy, north), (dx, east)))

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
            # Whole lines cost less than a few of their cells.
            return self._secondary.at(*self._moves(dx, dy)).ravel().take(self._place)
        if isinstance(self._secondary, Lines):
            line, column = np.divmod(self._place, self._columns.size)
            east, north = self._cell
            return self._secondary.some(line, column, dy / north, dx / east)
        return self._secondary.scattered(*self.beneath(dx, dy))

    def beneath(self, dx, dy):
        """Cells of the secondary that a shift (m) puts beneath this window's cells."""
        east, north = self._cell
        return self._to_secondary(self.rows - dy / north, self.cols - dx / east)

    def under(self, field) -> tuple[TerrainWindow, np.ndarray]:
        """The window as it serves a fit from `field` (a Fit) on, and dh (m) after it; NaN where void."""
        if not isinstance(self._secondary, Lines):
            return self, self.residuals(field.at(self.rows, self.cols))
        dx, dy, lift = field.on_lattice(self._lines, self._columns)
        east, north = (metres[:, None] for metres in self._cell_of_line)
        heights = self._secondary.at((dy / north).astype(np.float32), (dx / east).astype(np.float32))
        heights += lift
        return self, self.heights - heights.ravel().take(self._place)

    def residuals(self, shift) -> np.ndarray:
        """dh = reference - secondary after the shift (dx, dy, dz), metres, NaN where void."""
        dh = self.heights - self.sample(shift[0], shift[1])
        dh -= shift[2]
        return dh

    def lattice_cells(self, window: tuple, side: int) -> np.ndarray:
        """In which cell of a lattice over `window`, `side` wide, each cell lies, row by row; -1 beyond."""
        row, col, height, width = window
        across = -(-width // side)
        down, right = numbered(self._lines - row, height, side), numbered(self._columns - col, width, side)
        return np.where((down[:, None] >= 0) & (right >= 0), down[:, None] * across + right, -1).take(self._place)

    def metres_from(self, row: float, col: float) -> tuple[np.ndarray, np.ndarray]:
        """The way east and north (m) from a fractional cell of the reference to each cell."""
        east, north = self._cell
        return (self.cols - col) * east, (self.rows - row) * north

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
    slope *= (0.125 / metres[:, None]).astype(np.float32)
    return slope


def numbered(places: np.ndarray, count: int, side: int) -> np.ndarray:
    """Every `side` places as one, -1 where they are not among the first `count`."""
    return np.where((places >= 0) & (places < count), places // side, -1).astype(int)


def row_step(window: tuple, cells: int) -> int:
    """Which rows to keep so that about `cells` of a window remain."""
    return max(1, round(window[2] * window[3] / cells))


def _outermost(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Indices of cells that reach as far as any along every side, and of a few between."""
    ends = [values.argmin() for values in (rows, cols)] + [values.argmax() for values in (rows, cols)]
    return np.concatenate([np.arange(0, rows.size, max(1, rows.size // 200)), ends])
