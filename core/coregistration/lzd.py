"""Least height difference: robust least squares on the terrain's gradient (Rosenholm & Torlegard 1988)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .precision import Precision
from .solution import Lattice, Solution, sandwiches, sensitivities
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
    return lzd_together([window], [start], cell, terms)[0]


def lzd_together(windows: list[TerrainWindow], starts, cell: float, terms: tuple = ()) -> list[Solution]:
    """The solutions of `lzd` for several windows, each from its own start (m)."""
    more = np.zeros(sum(SIZES[name] for name in terms))
    places = [Place.of(window) if terms else None for window in windows]
    solutions = least_squares(windows, [np.concatenate([start, more]) for start in starts], cell, terms, places)
    return [replace(found, shift=found.shift[:3], sigma=found.sigma[:3], growth=found.growth[:3])
            for found in solutions]


def least_squares(windows: list[TerrainWindow], starts, cell: float, terms: tuple,
                  places: list[Place | None]) -> list[Solution]:
    """The shift and the terms about `places` of each window, from `starts` (windows, 3 + k); see `lzd` and `Terms`.

    Windows know nothing of each other, but what is done to all of their cells alike is done at once: of the few
    thousand cells of a block numpy's calls cost more than the work in them.
    """
    values = np.array(starts, dtype=float)
    windows = [window.at(start) for window, start in zip(windows, values)]
    many = [k for k, window in enumerate(windows) if window.heights.size > MANY]
    sparse = _descended([windows[k].sparse for k in many], values[many], NEAR * cell, cell, terms,
                        [places[k] for k in many])
    for k, fit in zip(many, sparse):
        # Few cells that found no way must not lead the many astray.
        if fit.settled:
            values[k] = fit.values
            windows[k] = windows[k].at(fit.values)
    fits = _descended(windows, values, STILL * cell, cell, terms, places)
    solved = iter(_solved([fit for fit in fits if fit.settled]))
    return [next(solved) if fit.settled else Solution.failed(fit.values, ITERATIONS) for fit in fits]


@dataclass(frozen=True)
class _Fit:
    """Where the search in a window has ended, and what its last iteration has seen of the cells.

    `weighted` (k, n): what dh is weighed by; `residuals`, `known` (n,): dh and whether it counts; `law`: how it
    scatters (see Precision). Where the search has not `settled`, only `values` mean anything.
    """

    values: np.ndarray
    settled: bool = False
    window: TerrainWindow | None = None
    terms: Terms | None = None
    weighted: np.ndarray | None = None
    residuals: np.ndarray | None = None
    known: np.ndarray | None = None
    law: tuple | None = None
    iterations: int = 0


def _descended(windows: list[TerrainWindow], starts: np.ndarray, least: float, cell: float, names: tuple,
               places: list[Place | None]) -> list[_Fit]:
    """Where the windows' searches end: settled where steps move less than `least` (m)."""
    if not windows:
        return []
    values, ends = starts.copy(), np.cumsum([0, *(window.heights.size for window in windows)]).tolist()
    parts = [slice(first, end) for first, end in zip(ends[:-1], ends[1:])]
    terms = [Terms.at(window, names, place, value, cell) for window, place, value in zip(windows, places, values)]
    gx, gy = (np.concatenate([getattr(window, slope) for window in windows]) for slope in ("gx", "gy"))
    precision = Precision(gx**2 + gy**2, np.diff(ends).tolist())
    design = np.concatenate([term.instruments(gx[part], gy[part]) for term, part in zip(terms, parts)], axis=1)
    sizes = np.stack([np.append(np.ones(3), term.sizes) for term in terms])
    known, residuals = np.ones(ends[-1], dtype=bool), np.empty_like(windows[0].heights, shape=ends[-1])
    laws, lengths, last = np.zeros((3, len(parts))), np.full(len(parts), np.inf), np.zeros_like(values)
    fits, going = [_Fit(value) for value in values], list(range(len(parts)))
    for iteration in range(1, ITERATIONS + 1):
        for k in going:
            residuals[parts[k]] = windows[k].residuals(terms[k].moved(values[k]))
        known = np.isfinite(residuals) & (known | (iteration <= STEADY))
        going = [k for k in going if np.count_nonzero(known[parts[k]]) >= 10 + len(terms[k].sizes)]
        if not going:
            break
        # After a small step there is nothing left in their centre, and little that changes how they scatter.
        laws[2] = 0.0
        if (far := lengths > SMALL * cell)[going].any():
            laws = np.where(far, precision.laws_and_centres(residuals), laws)
        weights = precision.weights(residuals, laws)
        unknown = ~known
        weights[unknown] = residuals[unknown] = 0.0
        weighted = design * weights
        # Not by BLAS: QGIS brings its own, whose sums of float32 are poorer and have other bits.
        information = np.stack([np.einsum("in,jn->ij", weighted[:, parts[k]], design[:, parts[k]]) for k in going])
        scores = np.stack([np.einsum("in,n->i", weighted[:, parts[k]], residuals[parts[k]]) for k in going])
        scale = sizes[going]
        step = _least_squares(information / (scale[:, :, None] * scale[:, None, :]), scores / scale)
        step, lengths[going], near = _taken(step, last[going], cell, iteration == 1)
        values[going] += step / scale
        last[going] = step
        near = (near < least) & (np.abs(step[:, 2:]) < least).all(axis=1)
        for k in (k for k, settled in zip(going, near) if settled):
            part = parts[k]
            fits[k] = _Fit(values[k], True, windows[k], terms[k], weighted[:, part], residuals[part], known[part],
                           tuple(laws[:2, k].tolist()), iteration)
        going = [k for k, settled in zip(going, near) if not settled]
        if not going:
            break
    return fits


def _taken(step: np.ndarray, last: np.ndarray, cell: float, first: bool) -> tuple:
    """Steps (n, k) as they are to be taken, how long (m) they are, and how long the next may be."""
    # A step back of nearly the same length has gone too far: relief of a few cells is smoother in its gradient.
    back = (step[:, :2] * last[:, :2]).sum(axis=1) < -0.5 * (last[:, :2] ** 2).sum(axis=1)
    step = step * np.where(back, 0.5, 1.0)[:, None]
    lengths, before = (np.hypot(each[:, 0], each[:, 1]) for each in (step, last))
    step *= np.minimum(1.0, LONGEST_STEP * cell / np.maximum(lengths, 1e-300))[:, None]
    # Steps shrink alike: it is the next one that need not be made.
    shrinks = 1.0 if first else np.minimum(1.0, lengths / np.maximum(before, 1e-9))
    return step, lengths, lengths * shrinks


def _least_squares(matrices: np.ndarray, rights: np.ndarray) -> np.ndarray:
    """The shortest solutions of symmetric systems: nothing in directions that are not told."""
    values, vectors = np.linalg.eigh(matrices)
    told = values > 1e-12 * values[:, -1:]
    along = np.einsum("nij,ni->nj", vectors, rights)
    return np.einsum("nij,nj->ni", vectors, np.divide(along, values, out=np.zeros_like(along), where=told))


def _solved(fits: list[_Fit]) -> list[Solution]:
    """The searches that have settled, with their precision."""
    if not fits:
        return []
    # Noise in the reference's gradient inflates its square; the product with the secondary's own does not.
    beneath = [_beneath(fit) for fit in fits]
    one, two = (np.concatenate(designs, axis=1) for designs in zip(*beneath))
    told = sensitivities(one, two, [design.shape[1] for design, _ in beneath])
    for matrix, fit, (_, design) in zip(told, fits, beneath):
        matrix *= np.count_nonzero(fit.known) / max(np.count_nonzero(design[2]), 1)
    lattice = Lattice.joined([fit.window.lattice(fit.known) for fit in fits])
    scores = np.concatenate([fit.weighted * fit.residuals for fit in fits], axis=1)
    covariances, growths = sandwiches(told, scores, np.concatenate([fit.known for fit in fits]), lattice)
    sigmas = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    return [Solution(fit.values, sigma, 1.0 + UNSEEN * (growth - 1.0), fit.iterations, True, fit.law)
            for fit, sigma, growth in zip(fits, sigmas, growths)]


def _beneath(fit: _Fit) -> tuple[np.ndarray, np.ndarray]:
    """Of cells of a window what dh is weighed by and the design from the secondary's gradient, zero where unknown."""
    some, slopes = fit.window.slopes_beneath(fit.terms.moved(fit.values))
    every = some.size == fit.known.size
    known, weighted = (fit.known, fit.weighted) if every else (fit.known[some], fit.weighted[:, some])
    east, north = slopes.T
    told = np.isfinite(east + north) & known
    slopes = (np.where(told, slope, slope.dtype.type(0)) for slope in (east, north))
    told = told.astype(weighted.dtype)
    return weighted * told, (fit.terms if every else fit.terms.some(some)).design(*slopes) * told
