"""What a fit needs of a piece of ground: stable reference cells, their gradient, and the secondary there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..raster.dem import Dem, Reader
from ..raster.masks import StableTerrain
from ..raster.resampling import CellMap
from ..statistics.robust import nmad

FOOTPRINT = 3  # cells round a position that a cubic B-spline draws on, with one to spare
REACH = 12  # cells that a shift may move from its start
PREFILTER_REACH = 12  # 0.27**12: a spline coefficient no longer feels what lies further off
SPIKE = 8.0  # NMADs of the bend: more is no terrain
SPARSE = 10_000  # cells that lead most of the way to a shift
LOOK = 20_000  # cells that a typical spread is taken from


@dataclass(frozen=True)
class Pair:
    """Two DEMs to be brought together, and where the ground is stable.

    The constants say how much ground a shift needs, and what it is counted in.
    """

    LEAST: ClassVar[int] = 50  # for one shift of all
    LEAST_IN_BLOCK: ClassVar[int] = 200
    LEAST_SHARE: ClassVar[float] = 0.02  # of the block's cells
    FINEST: ClassVar[int] = 2_000_000  # cells: of larger overlaps, means serve for the one shift of all
    UNIT: ClassVar[str] = "cells"

    reference: Dem
    secondary: Dem
    terrain: StableTerrain

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
        self.rows, self.cols, self.heights, self.gx, self.gy = self._stable_cells(window, step, phase)
        self._coefficients = None
        if self.rows.size:
            self._east, self._north = pair.reference.grid.cell_metres(self.rows)
            self._to_secondary = CellMap(pair.reference.grid, pair.secondary.grid)
            self._load_secondary(((0.0, 0.0), *starts))

    def at(self, shift) -> TerrainWindow:
        """The window as it serves a fit from `shift` on: the reference's gradient is the same for all."""
        return self

    def part(self, cells) -> TerrainWindow:
        """The same window with some of its cells only (a slice or index array)."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name in ("rows", "cols", "heights", "gx", "gy", "_east", "_north"):
            setattr(other, name, getattr(self, name)[cells])
        return other

    @property
    def sparse(self) -> TerrainWindow:
        """About SPARSE cells of the same window, for what needs no more."""
        return self.part(slice(None, None, max(1, self.rows.size // SPARSE)))

    def _stable_cells(self, window, step, phase):
        row, col, height, width = window
        with Reader(self._pair.reference) as reader:
            ground = reader.read(row - 1, col - 1, height + 2, width + 2)
        spikes, _ = find_spikes(ground)
        ground.ravel()[spikes] = np.nan
        kept = np.arange((phase - row) % step, height, step)
        grid = self._pair.reference.grid
        east, north = grid.cell_metres(row + kept)
        line = ground[kept + 1]
        gx = (line[:, 2:] - line[:, :-2]) * (0.5 / east[:, None]).astype(np.float32)
        gy = (ground[kept + 2, 1:-1] - ground[kept, 1:-1]) * (0.5 / north[:, None]).astype(np.float32)
        good = np.isfinite(line[:, 1:-1] + gx + gy)
        if not self._pair.terrain.everywhere:
            good &= self._pair.terrain.cover(grid.window(row, col, height, width))[kept]
        index = np.flatnonzero(good)
        lines, cols = np.divmod(index, width)
        values = (line[:, 1:-1].ravel()[index], gx.ravel()[index], gy.ravel()[index])
        return (row + kept[lines].astype(float), col + cols.astype(float), *(v.astype(np.float64) for v in values))

    def _load_secondary(self, starts: tuple) -> None:
        from scipy import ndimage

        corners = self.part(_outermost(self.rows, self.cols))
        places = [corners._beneath(start[0], start[1]) for start in starts]
        row, col = (np.concatenate([place[axis].ravel() for place in places]) for axis in (0, 1))
        known = np.isfinite(row + col)
        size = self._pair.secondary.grid
        if not known.any():
            return
        reach = PREFILTER_REACH + REACH
        self._top = max(int(row[known].min()) - reach, -1)
        self._left = max(int(col[known].min()) - reach, -1)
        bottom = min(int(row[known].max()) + reach + 1, size.height + 1)
        right = min(int(col[known].max()) + reach + 1, size.width + 1)
        if bottom - self._top < 4 or right - self._left < 4:
            return
        with Reader(self._pair.secondary) as reader:
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
        void.ravel()[spikes] = True
        self._void = void
        self._coefficients = ndimage.spline_filter(heights, order=3, output=np.float32, mode="nearest")

    def sample(self, dx, dy) -> np.ndarray:
        """Heights of the secondary at p - (dx, dy), metres, by cubic B-splines; NaN where void. Scalars or (n,)."""
        from scipy import ndimage

        if self._coefficients is None:
            return np.full(self.rows.shape, np.nan)
        row, col = self._beneath(dx, dy)
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

    def _beneath(self, dx, dy):
        """Cells of the secondary that a shift (m) puts beneath this window's cells."""
        return self._to_secondary(self.rows - dy / self._north, self.cols - dx / self._east)

    def residuals(self, shift) -> np.ndarray:
        """dh = reference - secondary after the shift (dx, dy, dz), metres, NaN where void."""
        return self.heights - self.sample(shift[0], shift[1]) - shift[2]

    def secondary_gradient(self, shift) -> np.ndarray:
        """The secondary's gradient `(n, 2)` (m/m, east and north) beneath each cell, by central differences."""
        cell = self._pair.reference.grid.cell_size()
        dx, dy = shift[0], shift[1]
        east = self.sample(dx - cell, dy) - self.sample(dx + cell, dy)
        north = self.sample(dx, dy - cell) - self.sample(dx, dy + cell)
        return np.column_stack([east, north]) / (2 * cell)


def row_step(window: tuple, cells: int) -> int:
    """Which rows to keep so that about `cells` of a window remain."""
    return max(1, round(window[2] * window[3] / cells))


def _outermost(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Indices of cells that reach as far as any along every side, and of a few between."""
    ends = [values.argmin() for values in (rows, cols)] + [values.argmax() for values in (rows, cols)]
    return np.concatenate([np.arange(0, rows.size, max(1, rows.size // 200)), ends])


def _fill(heights: np.ndarray, void: np.ndarray) -> None:
    """Bridge voids along the rows, so that the spline does not ring at their rims."""
    flat, gaps = heights.ravel(), np.flatnonzero(void)
    known = np.flatnonzero(~void)
    flat[gaps] = np.interp(gaps, known, flat[known])


def find_spikes(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Single cells far from all around them: their flat indices and the median of their 3 x 3 neighbourhoods.

    A spike would ring through the spline and tilt its neighbours' gradient, where no robust loss can tell it any more.
    """
    bend = heights[:-2, 1:-1] + heights[2:, 1:-1]
    bend += heights[1:-1, :-2]
    bend += heights[1:-1, 2:]
    bend *= np.float32(-0.25)
    bend += heights[1:-1, 1:-1]
    limit = SPIKE * nmad(bend.ravel()[::max(1, bend.size // LOOK)])
    if not np.isfinite(limit) or limit == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=heights.dtype)
    with np.errstate(invalid="ignore"):
        index = np.flatnonzero(np.abs(bend, out=bend) > limit)
    row, col = np.divmod(index, bend.shape[1])
    around = np.stack([heights[row + i, col + j] for i in range(3) for j in range(3)])
    typical = np.median(around, axis=0)
    far = np.abs(heights[row + 1, col + 1] - typical) > limit
    return (row[far] + 1) * heights.shape[1] + col[far] + 1, typical[far]
