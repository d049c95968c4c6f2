"""Least height difference: robust least squares on the terrain's gradient (Rosenholm & Torlegard 1988)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .solution import Lattice, Precision, Solution, sandwich, sensitivity
from .terms import SIZES, Place, Terms
from .terrain_window import TerrainWindow

ITERATIONS = 20
STEADY = 6  # iterations after which cells may leave but not return: at a void's rim some would do so for ever
NEAR, STILL = 1e-2, 2e-3  # cells: steps that end the search on few cells, and on all
SMALL = 0.05  # cells: what such a step leaves, a tenth of it, does not show in how residuals scatter
MANY = 20_000  # cells: of more, a sample leads most of the way
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
    values, window = start, window.at(start)
    if window.heights.size > MANY:
        found, near = _descended(window.sparse, start, NEAR * cell, cell, terms, place)
        # Few cells that found no way must not lead the many astray.
        values = found if near else start
        window = window.at(values)
    values, fit = _descended(window, values, STILL * cell, cell, terms, place)
    return _solved(window, values, fit) if fit else Solution.failed(values, ITERATIONS)


@dataclass(frozen=True)
class _Fit:
    """What the last iteration has seen of the cells: `design`, `weighted` (k, n), dh and whether it counts (n,).

    `law` is how dh scatters (see Precision).
    """

    terms: Terms
    design: np.ndarray
    weighted: np.ndarray
    residuals: np.ndarray
    known: np.ndarray
    law: tuple
    iterations: int


def _descended(window: TerrainWindow, start: np.ndarray, least: float, cell: float, names: tuple,
               place: Place | None) -> tuple[np.ndarray, _Fit | None]:
    """`(values, the last fit or None)`, until steps move less than `least` (m)."""
    values = np.array(start, dtype=float)
    terms = Terms.at(window, names, place, values, cell)
    design = terms.instruments(window.gx, window.gy)
    sizes = np.append(np.ones(3), terms.sizes)
    precision = Precision(window.gx**2 + window.gy**2)
    known, length, last = np.ones(window.gx.shape, dtype=bool), np.inf, np.zeros(3)
    for iteration in range(1, ITERATIONS + 1):
        residuals = window.residuals(terms.moved(values))
        known = np.isfinite(residuals) & (known | (iteration <= STEADY))
        if np.count_nonzero(known) < 10 + len(terms.sizes):
            break
        centre = 0.0
        # After a small step there is nothing left in their centre, and little that changes how they scatter.
        if length > SMALL * cell:
            law, centre = precision.law_and_centre(residuals)
        weights = precision.weights(residuals, law, centre)
        weights[~known] = residuals[~known] = 0.0
        weighted = design * weights
        # Not by BLAS: QGIS brings its own, whose sums of float32 are poorer and have other bits.
        information, score = np.einsum("in,jn->ij", weighted, design), np.einsum("in,n->i", weighted, residuals)
        step = _least_squares(information / np.outer(sizes, sizes), score / sizes)
        # A step back of nearly the same length has gone too far: relief of a few cells is smoother in its gradient.
        if step[:2] @ last[:2] < -0.5 * (last[:2] @ last[:2]):
            step *= 0.5
        length = np.hypot(step[0], step[1])
        if length > LONGEST_STEP * cell:
            step *= LONGEST_STEP * cell / length
        # Steps shrink alike: it is the next one that need not be made.
        shrinks = min(1.0, length / max(np.hypot(last[0], last[1]), 1e-9)) if iteration > 1 else 1.0
        values, last = values + step / sizes, step
        if length * shrinks < least and (np.abs(step[2:]) < least).all():
            return values, _Fit(terms, design, weighted, residuals, known, law, iteration)
    return values, None


def _least_squares(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The shortest solution of a symmetric system: nothing in directions that are not told."""
    values, vectors = np.linalg.eigh(matrix)
    told = values > 1e-12 * values[-1]
    if told.all():
        return vectors @ (vectors.T @ right / values)
    return vectors[:, told] @ (vectors[:, told].T @ right / values[told])


def _solved(window: TerrainWindow, values: np.ndarray, fit: _Fit) -> Solution:
    # Noise in the reference's gradient inflates its square; the product with the secondary's own does not.
    some, slopes = window.slopes_beneath(fit.terms.moved(values))
    east, north = slopes.T
    told = np.flatnonzero(np.isfinite(east + north) & fit.known[some])
    some = some[told]
    other = fit.terms.some(some).design(east[told], north[told])
    seen = np.flatnonzero(fit.known)
    told = sensitivity(fit.weighted.take(some, axis=1).T, other.T) * (seen.size / max(some.size, 1))
    scores = (fit.weighted * fit.residuals).take(seen, axis=1)
    covariance, growth = sandwich(told, scores.T, Lattice.over(window.rows[seen], window.cols[seen]))
    growth = 1.0 + UNSEEN * (growth - 1.0)
    return Solution(values, np.sqrt(np.diag(covariance)), growth, fit.iterations, True, fit.law)
