"""Iterative closest point: each height goes to the plane through the nearest cell of the other DEM."""

from __future__ import annotations

import numpy as np

from ..statistics.robust import nmad
from .precision import tukey
from .solution import Lattice, Solution, sandwich, sensitivity
from .terrain_window import TerrainWindow

ITERATIONS = 60
SETTLED = 5e-3  # cells
DRAWN = 0.85  # how much of the estimated pull towards whole cells stands in sigma
REACH = 2  # cells to each side among which the nearest is sought


def icp(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """Point to plane (Chen & Medioni 1992, doi 10.1016/0262-8856(92)90066-C), translations only.

    A height is joined to the cell of the secondary that is nearest in three dimensions, and the distances from the
    planes through these cells are made least, in turns. No sub-pixel method: planes miss the terrain's curvature
    (0.003 to 0.015 cells on rough terrain without noise, where `lzd` stays below 0.001), and noise, which tilts them,
    draws the shift to whole cells (0.6 m of it on cells of 10 m: 0.02 cells on slopes of 18 degrees, 0.2 on 4). Sigma
    holds that pull.
    """
    window = window.at(start).sparse
    shift = np.array(start, dtype=float)
    nodes = _Nodes(window, cell)
    for iteration in range(1, ITERATIONS + 1):
        gx, gy, misfit, away = nodes.nearest(shift)
        known = np.isfinite(gx + gy + misfit)
        if known.sum() < 30:
            break
        tilted = 1.0 / np.sqrt(1.0 + gx[known] ** 2 + gy[known] ** 2)
        design = np.column_stack([-gx, -gy, np.ones_like(gx)])[known] * tilted[:, None]
        distance = misfit[known] * tilted
        usual = max(nmad(distance), 1e-9)
        weights = tukey((distance - np.median(distance)) / usual)
        weighted = design * weights[:, None]
        step = np.linalg.lstsq(weighted.T @ design, weighted.T @ distance, rcond=1e-12)[0]
        length = np.hypot(step[0], step[1])
        # Cells that are nearest by turns would keep it going round.
        shift += step * min(1.0, cell / max(length, 1e-9)) * (0.5 if iteration > ITERATIONS / 3 else 1.0)
        if length < SETTLED * cell and abs(step[2]) < SETTLED * cell:
            solution = _solved(window, shift, design, weighted, distance, tilted, away, known, iteration)
            # What is nearest depends on noise, too: where little else decides, planes tell nothing.
            return solution if (solution.sigma[:2] < cell).all() else Solution.failed(shift, iteration)
    return Solution.failed(shift, ITERATIONS)


def _solved(window, shift, design, weighted, distance, tilted, away, known, iteration) -> Solution:
    # The other DEM's gradient: the noise of its own, squared, would be taken for terrain.
    other = np.column_stack([-window.gx[known], -window.gy[known], np.ones(known.sum())]) * tilted[:, None]
    told = sensitivity(weighted, other)
    lattice = Lattice.over(window.rows[known], window.cols[known])
    covariance, growth = sandwich(told, weighted * distance[:, None], lattice)
    # A plane tilted by noise draws the height to the cell that it stands on.
    drawn = weighted.T @ np.sum((design - other)[:, :2] * away[:, known].T, axis=1)
    drawn = np.linalg.lstsq(told, drawn, rcond=1e-12)[0]
    return Solution(shift, np.sqrt(np.diag(covariance) + (DRAWN * drawn) ** 2), growth, iteration, True)


class _Nodes:
    """The secondary's heights whole cells away from where each height of the window lies."""

    def __init__(self, window: TerrainWindow, cell: float):
        self._window, self._cell, self._heights = window, cell, {}

    def _at(self, i: int, j: int) -> np.ndarray:
        if (i, j) not in self._heights:
            self._heights[i, j] = self._window.sample(i * self._cell, j * self._cell)
        return self._heights[i, j]

    def nearest(self, shift: np.ndarray):
        """The nearest cell's gradient, how far above the plane through it each height lies, `(n,)`, and the way there.

        The way `(2, n)` is the cell's, east and north, from the height.
        """
        window, cell = self._window, self._cell
        middle = np.rint(shift[:2] / cell).astype(int)
        least = np.full(window.heights.shape, np.inf)
        gx, gy, misfit = (np.full(window.heights.shape, np.nan) for _ in range(3))
        way = np.zeros((2, window.heights.size))
        for i in range(middle[0] - REACH, middle[0] + REACH + 1):
            for j in range(middle[1] - REACH, middle[1] + REACH + 1):
                right, up = i * cell - shift[0], j * cell - shift[1]
                above = window.heights - shift[2] - self._at(i, j)
                away = right**2 + up**2 + above**2
                nearer = away < least
                if not nearer.any():
                    continue
                east = (self._at(i - 1, j) - self._at(i + 1, j))[nearer] / (2 * cell)
                north = (self._at(i, j - 1) - self._at(i, j + 1))[nearer] / (2 * cell)
                least[nearer], gx[nearer], gy[nearer] = away[nearer], east, north
                misfit[nearer] = above[nearer] - east * right - north * up
                way[:, nearer] = np.array([[right], [up]])
        return gx, gy, misfit, way
