"""Least height difference: robust least squares on the terrain's gradient (Rosenholm & Torlegard 1988)."""

from __future__ import annotations

import numpy as np

from .solution import Lattice, Solution, sandwich, spread, weigh
from .terrain_window import SPARSE, TerrainWindow

ITERATIONS = 20
LONGEST_STEP = 3.0  # cells: beyond it the linearised terrain means little
UNSEEN = 1.7  # times what residuals show: growth by correlation that the fit absorbs (test_sigma.py, test_points.py)


def lzd(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """Solve dh = -gx dx - gy dy + dz for (dx, dy, dz) by iteratively re-weighted least squares (Tukey).

    The linear form of the Nuth & Kaab equation, each cell weighted by its information (Li et al. 2023,
    doi 10.5194/tc-17-5299-2023). The secondary is sampled anew in every iteration; `cell` (m) scales the steps.
    """
    shift, near, _ = _descended(window.at(start).sparse, np.array(start, dtype=float), 1e-2 * cell, cell)
    # Few cells that found no way must not lead the many astray.
    shift = shift if near else np.array(start, dtype=float)
    window = window.at(shift)
    shift, solved, iteration = _descended(window, shift, 3e-4 * cell, cell)
    return _solved(window, shift, *solved, iteration) if solved else Solution.failed(shift, iteration)


def _descended(window: TerrainWindow, shift: np.ndarray, least: float, cell: float):
    """`(shift, what its precision is judged by or None, iterations)`, until steps are shorter than `least` (m)."""
    design = np.column_stack([-window.gx, -window.gy, np.ones_like(window.gx)])
    gradient2 = window.gx**2 + window.gy**2
    for iteration in range(1, ITERATIONS + 1):
        residuals = window.residuals(shift)
        known = np.isfinite(residuals)
        if known.sum() < 10:
            break
        information, scores, weights = _equations(design[known], residuals[known], gradient2[known])
        step = np.linalg.lstsq(information, scores.sum(axis=0), rcond=1e-12)[0]
        length = np.hypot(step[0], step[1])
        if length > LONGEST_STEP * cell:
            step *= LONGEST_STEP * cell / length
        shift += step
        if length < least and abs(step[2]) < least:
            return shift, (design[known], scores, weights, known), iteration
    return shift, None, ITERATIONS


def _solved(window, shift, design, scores, weights, known, iteration) -> Solution:
    # Noise in the reference's gradient inflates its square; the product with the secondary's own does not.
    every = max(1, known.size // SPARSE)
    slopes = window.part(slice(None, None, every)).secondary_gradient(shift)
    told = np.isfinite(slopes).all(axis=1) & known[::every]
    seen = (np.cumsum(known) - 1)[::every][told]
    other = np.column_stack([-slopes[told], np.ones(seen.size)])
    sensitivity = (design[seen] * weights[seen, None]).T @ other * (known.sum() / max(seen.size, 1))
    lattice = Lattice.over(window.rows[known], window.cols[known])
    covariance, growth = sandwich(sensitivity, scores, lattice)
    growth = 1.0 + UNSEEN * (growth - 1.0)
    return Solution(shift, np.sqrt(np.diag(covariance)), growth, iteration, True)


def _equations(design, residuals, gradient2):
    """The 3 x 3 information, and the score and weight of every cell."""
    variance = spread(residuals, gradient2)
    weights = weigh(residuals, variance)
    weighted = design * weights[:, None]
    return weighted.T @ design, weighted * residuals[:, None], weights
