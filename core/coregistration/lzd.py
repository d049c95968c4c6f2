"""Least height difference: robust least squares on the terrain's gradient (Rosenholm & Torlegard 1988)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .solution import Lattice, Solution, sandwich, sensitivity, spread, weigh
from .terms import SIZES, Place, Terms
from .terrain_window import SPARSE, TerrainWindow

ITERATIONS = 20
STEADY = 6  # iterations after which cells may leave but not return: at a void's rim some would do so for ever
LONGEST_STEP = 3.0  # cells: beyond it the linearised terrain means little
UNSEEN = 1.7  # times what residuals show: growth by correlation that the fit absorbs (test_sigma.py, test_points.py)


def lzd(window: TerrainWindow, start: np.ndarray, cell: float, terms: tuple = ()) -> Solution:
    """Solve dh = -gx dx - gy dy + dz for (dx, dy, dz) by iteratively re-weighted least squares (Tukey).

    The linear form of the Nuth & Kaab equation, each cell weighted by its information (Li et al. 2023,
    doi 10.5194/tc-17-5299-2023). The secondary is sampled anew in every iteration; `cell` (m) scales the steps.
    `terms` (names of TERMS) are solved beside the shift, so that they do not leak into it, and are not returned.
    """
    values = np.concatenate([start, np.zeros(sum(SIZES[name] for name in terms))])
    solution = least_squares(window, values, cell, terms, Place.of(window) if terms else None)
    return replace(solution, shift=solution.shift[:3], sigma=solution.sigma[:3], growth=solution.growth[:3])


def least_squares(window: TerrainWindow, start: np.ndarray, cell: float, terms: tuple,
                  place: Place | None) -> Solution:
    """The shift and the terms about `place` together, from `start` (3 + k,); see `lzd` and `Terms`."""
    values, near, _ = _descended(window.at(start).sparse, start, 1e-2 * cell, cell, terms, place)
    # Few cells that found no way must not lead the many astray.
    values = values if near else start
    window = window.at(values)
    values, solved, iteration = _descended(window, values, 3e-4 * cell, cell, terms, place)
    return _solved(window, values, *solved, iteration) if solved else Solution.failed(values, iteration)


def _descended(window: TerrainWindow, start: np.ndarray, least: float, cell: float, names: tuple,
               place: Place | None):
    """`(values, what their precision is judged by or None, iterations)`, until steps move less than `least` (m)."""
    values = np.array(start, dtype=float)
    terms = Terms.at(window, names, place, values, cell)
    design = np.asfortranarray(terms.instruments(window.gx, window.gy))
    sizes = np.append(np.ones(3), terms.sizes)
    gradient2 = window.gx**2 + window.gy**2
    known = np.ones(gradient2.shape, dtype=bool)
    for iteration in range(1, ITERATIONS + 1):
        residuals = window.residuals(terms.moved(values))
        known = np.isfinite(residuals) & (known | (iteration <= STEADY))
        if known.sum() < 10 + len(terms.sizes):
            break
        seen = np.flatnonzero(known)
        # Column by column: sums over cells then run along memory.
        columns = design.T.take(seen, axis=1).T
        information, scores, weights = _equations(columns, residuals[seen], gradient2[seen])
        step = np.linalg.lstsq(information / np.outer(sizes, sizes), scores.sum(axis=0) / sizes, rcond=1e-12)[0]
        length = np.hypot(step[0], step[1])
        if length > LONGEST_STEP * cell:
            step *= LONGEST_STEP * cell / length
        values += step / sizes
        if length < least and (np.abs(step[2:]) < least).all():
            return values, (terms, columns, scores, weights, known), iteration
    return values, None, ITERATIONS


def _solved(window, values, terms, design, scores, weights, known, iteration) -> Solution:
    # Noise in the reference's gradient inflates its square; the product with the secondary's own does not.
    every = max(1, known.size // SPARSE)
    moved = terms.moved(values)[..., ::every] if terms.names else values
    slopes = window.part(slice(None, None, every)).secondary_gradient(moved)
    told = np.isfinite(slopes).all(axis=1) & known[::every]
    seen = (np.cumsum(known) - 1)[::every][told]
    other = terms.design(slopes[:, 0], slopes[:, 1], every)[told]
    told = sensitivity(design[seen] * weights[seen, None], other) * (known.sum() / max(seen.size, 1))
    covariance, growth = sandwich(told, scores, Lattice.over(window.rows[known], window.cols[known]))
    growth = 1.0 + UNSEEN * (growth - 1.0)
    return Solution(values, np.sqrt(np.diag(covariance)), growth, iteration, True)


def _equations(design, residuals, gradient2):
    """The information `(k, k)`, and the score and weight of every cell."""
    variance = spread(residuals, gradient2)
    weights = weigh(residuals, variance)
    weighted = design * weights[:, None]
    return weighted.T @ design, weighted * residuals[:, None], weights
