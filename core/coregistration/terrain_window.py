"""What a fit needs of a piece of ground: stable reference cells, their gradient, and the secondary there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..raster.dem import Dem, Reader
from ..raster.masks import StableTerrain
from ..raster.resampling import CellMap
from ..statistics.robust import nmad

FOOTPRINT = 3  # cells round a position that a cubic B-spline draws on, with one to spare
REACH = 12  # cells that a shift may move from its start
PREFILTER_REACH = 12  # 0.27**12: a spline coefficient no longer feels what lies further off
SPIKE = 8.0  # NMADs of the bend: more is no terrain


@dataclass(frozen=True)
class Pair:
    """Two DEMs to be brought together, and where the ground is stable."""

    reference: Dem
    secondary: Dem
    terrain: StableTerrain

    def at_spacing_of_coarser(self) -> Pair:
        """The pair at the spacing of its coarser DEM, so that neither shows detail that the other cannot."""
        ratio = self.secondary.grid.cell_size() / self.reference.grid.cell_size()
        return Pair(self.reference.coarsened(int(ratio + 1e-6)), self.secondary.coarsened(int(1 / ratio + 1e-6)),
                    self.terrain)

    def coarsened(self, factor: int) -> Pair:
        """Both DEMs as means of `factor` x `factor` cells."""
        return Pair(self.reference.coarsened(factor), self.secondary.coarsened(factor), self.terrain)


class TerrainWindow:
    """Stable cells of a window of the reference, as flat arrays of length n, and the secondary beneath them.

    `rows`, `cols`: cells of the reference's grid; `heights` (m); `gx`, `gy`: dz/d(east), dz/d(north) (m/m).
    At most `limit` cells are kept, drawn with `seed`; `area` is the number of stable cells there were. The secondary
    is at hand for shifts within REACH cells of none and of each of `starts` (m).
    """

    def __init__(self, pair: Pair, window: tuple, starts: tuple = (), limit: int | None = None, seed: tuple = (0,)):
        self._pair = pair
        rows, cols, heights, gx, gy = self._stable_cells(window)
        self.area = rows.size
        if limit is not None and rows.size > limit:
            drawn = np.random.default_rng(seed).choice(rows.size, limit, replace=False)
            drawn.sort()
            rows, cols, heights, gx, gy = (values[drawn] for values in (rows, cols, heights, gx, gy))
        self.rows, self.cols, self.heights, self.gx, self.gy = rows, cols, heights, gx, gy
        if self.area:
            self._east, self._north = pair.reference.grid.cell_metres(rows)
            self._to_secondary = CellMap(pair.reference.grid, pair.secondary.grid)
            self._load_secondary(((0.0, 0.0), *starts))

    def _stable_cells(self, window):
        row, col, height, width = window
        with Reader(self._pair.reference) as reader:
            heights = reader.read(row - 1, col - 1, height + 2, width + 2)
        spikes, _ = find_spikes(heights)
        heights.ravel()[spikes] = np.nan
        ground = heights.astype(np.float64)
        rows, cols = np.arange(row, row + height), np.arange(col, col + width)
        east, north = self._pair.reference.grid.cell_metres(rows)
        gx = (ground[1:-1, 2:] - ground[1:-1, :-2]) / (2 * east[:, None])
        gy = (ground[2:, 1:-1] - ground[:-2, 1:-1]) / (2 * north[:, None])
        heights = ground[1:-1, 1:-1]
        good = np.isfinite(heights + gx + gy)
        good &= self._pair.terrain.cover(self._pair.reference.grid.window(row, col, height, width))
        at = np.nonzero(good)
        return rows[at[0]].astype(float), cols[at[1]].astype(float), heights[good], gx[good], gy[good]

    def _load_secondary(self, starts: tuple) -> None:
        from scipy import ndimage

        self._coefficients = None
        places = [self._beneath(start[0], start[1]) for start in starts]
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
            nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
            heights = heights[tuple(nearest)]
            void = ndimage.binary_dilation(void, iterations=FOOTPRINT - 1)
        spikes, typical = find_spikes(heights)
        heights.ravel()[spikes] = typical
        void.ravel()[spikes] = True
        self._void = void
        self._coefficients = ndimage.spline_filter(heights, order=3, output=np.float32, mode="nearest")

    def sample(self, dx, dy) -> np.ndarray:
        """Heights of the secondary at p - (dx, dy), metres, by cubic B-splines; NaN where void. Scalars or (n,)."""
        from scipy import ndimage

        found = np.full(self.rows.shape, np.nan)
        if self.area == 0 or self._coefficients is None:
            return found
        row, col = self._beneath(dx, dy)
        row, col = row - self._top, col - self._left
        height, width = self._coefficients.shape
        with np.errstate(invalid="ignore"):
            inside = (row >= 1) & (row <= height - 2) & (col >= 1) & (col <= width - 2)
        row, col = row[inside], col[inside]
        values = ndimage.map_coordinates(self._coefficients, (row, col), output=np.float64, order=3,
                                         prefilter=False, mode="nearest")
        values[self._void[np.rint(row).astype(int), np.rint(col).astype(int)]] = np.nan
        found[inside] = values
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

    def thin(self, stride: int) -> None:
        """Keep every `stride`-th row and column only."""
        kept = (self.rows % stride == 0) & (self.cols % stride == 0)
        for name in ("rows", "cols", "heights", "gx", "gy", "_east", "_north"):
            setattr(self, name, getattr(self, name)[kept])
        self.area = int(kept.sum())


def find_spikes(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Single cells far from all around them: their flat indices and the median of their 3 x 3 neighbourhoods.

    A spike would ring through the spline and tilt its neighbours' gradient, where no robust loss can tell it any more.
    """
    inner = heights[1:-1, 1:-1]
    bend = inner - 0.25 * (heights[:-2, 1:-1] + heights[2:, 1:-1] + heights[1:-1, :-2] + heights[1:-1, 2:])
    sample = bend.ravel()[::max(1, bend.size // 20_000)]
    limit = SPIKE * nmad(sample)
    with np.errstate(invalid="ignore"):
        row, col = np.nonzero(np.abs(bend) > limit)
    if not np.isfinite(limit) or limit == 0 or row.size == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=heights.dtype)
    around = np.stack([heights[row + i, col + j] for i in range(3) for j in range(3)])
    typical = np.median(around, axis=0)
    far = np.abs(heights[row + 1, col + 1] - typical) > limit
    index = (row[far] + 1) * heights.shape[1] + col[far] + 1
    return index, typical[far]
