"""A DEM against points: what TerrainWindow is for two DEMs, so that the same methods, sigmas and fields serve both.

The points have no gradient of their own, so the terrain's comes from the DEM, at p - d, and its noise is that of
the differences too. A gradient from the cells beside would hold the fit where it starts: moved, the height meets the
noise that the gradient has seen. At REACH cells to either side the correlation of interpolated white noise is
stationary, so that to first order the two share nothing, whatever the shift (an instrument, as errors-in-variables
problems want it; Fuller 1987); and the gradient is taken anew where a fit has led.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..errors import CoregistrationError
from ..executors import run_all
from ..progress import Progress
from ..raster.dem import Dem
from ..raster.masks import StableTerrain
from ..raster.resampling import CellMap
from .coregister import Coregistration, Settings, coregister
from .points import Points, on_stable
from .shift_field import ShiftField
from .solution import Lattice
from .terrain_window import Pair, TerrainWindow, lattice_numbers

REACH = 1.565  # cells: the first minimum of the autocorrelation of cubic B-spline interpolation
TANGENT = 0.05  # cells: a step that shows the spline's own derivative
MOST_POINTS = 60_000  # of a window: every so-manieth of more is taken
MOST_CELLS = 16_000_000  # of the DEM beneath a window: of more, means are taken


@dataclass(frozen=True)
class PointPair(Pair):
    """Points (the reference, already on stable terrain) and the DEM that is to be moved onto them."""

    LEAST: ClassVar[int] = 10
    LEAST_IN_BLOCK: ClassVar[int] = 30
    SAMPLE: ClassVar[int] = MOST_POINTS
    LEAST_SHARE: ClassVar[float] = 0.0
    FINEST: ClassVar[float] = MOST_CELLS
    UNIT: ClassVar[str] = "points"
    SIDE_BY_SIDE: ClassVar[int] = 1

    reference: Points

    @classmethod
    def of(cls, points: Points, secondary: Dem, terrain: StableTerrain) -> PointPair:
        """The stable ones of the points and the DEM. Raises CoregistrationError where they are too few."""
        stable = points.some(on_stable(points, terrain))
        if len(stable) < cls.LEAST:
            raise CoregistrationError(
                f"Only {len(stable)} of the {len(points)} points of {points.name} on {secondary.name} lie on stable "
                f"terrain: at least {cls.LEAST} are needed; widen the mask or the polygons, or add points.")
        return cls(stable, secondary, StableTerrain())

    @property
    def rasters(self) -> tuple[Dem, ...]:
        """What is read from files."""
        return (self.secondary,)

    def window(self, window: tuple, starts: tuple = (), step: int = 1, phase: int = 0,
               ends: tuple = ()) -> PointWindow:
        """The points of a window with the DEM's gradient beneath them; `step` is for cells, points are fewer."""
        return PointWindow(self, window, starts, phase).at(np.mean(starts, axis=0)[:2] if starts else (0.0, 0.0))

    def at_spacing_of_coarser(self) -> PointPair:
        """The pair as it is: points have no spacing."""
        return self


class PointWindow(TerrainWindow):
    """Points of a window of the grid, as flat arrays of length n, and the DEM beneath them.

    `rows`, `cols`: fractional cells; `heights` (m); `gx`, `gy`: the DEM's dz/d(east), dz/d(north) (m/m) beneath the
    points after the shift that `at` was told, NaN before. Every `step`-th point is kept, from `phase` on.
    """

    def __init__(self, pair: PointPair, window: tuple, starts: tuple = (), phase: int = 0, most: int = MOST_POINTS):
        points, grid = pair.reference, pair.reference.grid
        index = points.inside(window)
        self.step = max(1, -(-index.size // most))
        index = index[phase % self.step::self.step]
        self._positions, self.heights = (points.rows[index], points.cols[index]), points.heights[index]
        self.gx = self.gy = np.full(index.shape, np.nan)
        self._place = np.arange(index.size)
        self._secondary, self._pair = None, pair
        if index.size:
            self._pair = replace(pair, secondary=pair.secondary.coarsened(self._coarseness()))
            self._to_secondary = CellMap(grid, self._pair.secondary.grid)
            self._secondary = self._splines(((0.0, 0.0), *starts))

    @cached_property
    def rows(self) -> np.ndarray:
        """Fractional rows of the grid."""
        return self._positions[0][self._place]

    @cached_property
    def cols(self) -> np.ndarray:
        """Fractional columns of the grid."""
        return self._positions[1][self._place]

    def lattice_cells(self, windows: list[tuple], side: int, which: Iterable[int]) -> tuple[np.ndarray, int]:
        """As TerrainWindow.lattice_cells."""
        down, right, count = lattice_numbers(self.rows, self.cols, windows, side, which)
        return np.where((down >= 0) & (right >= 0), down + right, -1), count

    def lattice(self, known: np.ndarray) -> Lattice:
        """As TerrainWindow.lattice."""
        return Lattice.over(self.rows, self.cols, known)

    def packed(self) -> None:
        """Points are at hand anyway."""

    def _coarseness(self) -> int:
        """How many cells a side make one, so that the DEM beneath the points fits into memory."""
        cells = np.ptp(self.rows) * np.ptp(self.cols)
        return int(np.ceil(np.sqrt(max(cells / MOST_CELLS, 1.0)))) if cells > MOST_CELLS else 1

    def at(self, shift) -> PointWindow:
        """The points that have a gradient beneath them after `shift` (m), with that gradient."""
        return self._sloping(shift)[1]

    def under(self, field) -> tuple[PointWindow, np.ndarray]:
        """As TerrainWindow.under."""
        shift = field.at(self.rows, self.cols)
        kept, ground = self._sloping(shift)
        return ground, ground.residuals(shift[:, kept])

    def _sloping(self, shift) -> tuple[np.ndarray, PointWindow]:
        """The indices of the points that have a gradient beneath them after `shift` (m), and these points with it."""
        other = self.part(slice(None))
        if self.heights.size:
            other.gx, other.gy = self._gradient(shift, REACH)
        kept = np.flatnonzero(np.isfinite(other.gx + other.gy))
        return kept, other.part(kept)

    def secondary_gradient(self, shift) -> np.ndarray:
        """The derivative `(n, 2)` (m/m, east and north) of the DEM's height beneath each point by the shift."""
        return np.column_stack(self._gradient(shift, TANGENT))

    def _gradient(self, shift, cells: float) -> tuple[np.ndarray, np.ndarray]:
        reach = cells * self._pair.reference.grid.cell_size()
        dx, dy = shift[0], shift[1]
        return ((self.sample(dx - reach, dy) - self.sample(dx + reach, dy)) / (2 * reach),
                (self.sample(dx, dy - reach) - self.sample(dx, dy + reach)) / (2 * reach))


def coregister_points(pair: PointPair, settings: Settings, executor, progress: Progress) -> Coregistration:
    """Find the shift field that moves the DEM onto the points; see `coregister`.

    The sigma of a single window (the global shift, or one block) is about right where the window is wide against the
    distance over which noise is correlated (35 times: measured 1.0 in x and y, 1.5 in z), and too small by up to half
    where it is not (14 times); blocks pool what they know of it.
    Raises CoregistrationError where the points cannot tell a shift.
    """
    found = coregister(pair, settings, executor, progress)
    if not np.isfinite(found.sigma).all():
        raise CoregistrationError(
            f"The {len(pair.reference)} stable points of {pair.reference.name} lie too close together to tell how well "
            "a shift is known: spread them, or use METHOD=vertical_shift.")
    weakest, cell = float(found.sigma[:2].max()), pair.reference.grid.cell_size()
    if weakest > cell:
        progress.warn(f"The points tell the horizontal shift to {weakest:.1f} m only, more than a cell ({cell:.1f} m): "
                      "METHOD=vertical_shift is safer here.")
    return found


def differences(points: Points, dem: Dem, field: ShiftField, executor, progress: Progress) -> np.ndarray:
    """dh = point - DEM at the points before and after the field, `(2, n)` metres, NaN beside voids.

    Both are sampled alike, by cubic B-splines from the DEM's original cells.
    """
    pair = PointPair(points, dem, StableTerrain())
    tasks = [(pair, window, field) for window in points.tiles()]
    dh = np.full((2, len(points)), np.nan)
    for index, found in run_all(executor, _tile_differences, tasks, progress, "Residuals"):
        dh[:, index] = found
    return dh


def _tile_differences(pair: PointPair, window: tuple, field: ShiftField):
    index = pair.reference.inside(window)
    dx, dy, dz = field.at(pair.reference.rows[index], pair.reference.cols[index]).astype(float)
    corners = tuple((float(x), float(y)) for x in (dx.min(), dx.max()) for y in (dy.min(), dy.max()))
    ground = PointWindow(pair, window, corners, most=index.size)
    return index, np.stack([ground.heights - ground.sample(0.0, 0.0), ground.heights - ground.sample(dx, dy) - dz])
