"""The shift that makes dh scatter least: its NMAD, whatever the terrain's slopes and aspects."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..statistics.robust import NORMAL_MAD, nmad
from .nuth_kaab import vertical_precision
from .solution import Lattice, Solution, sandwich, sensitivity
from .terrain_window import SPARSE, TerrainWindow

ITERATIONS = 10
FEW = 4_000  # cells that lead into the valley
SETTLED = 0.01  # cells
SIDE = np.array([(i, j) for i in (-1.0, 0.0, 1.0) for j in (-1.0, 0.0, 1.0)])
NEAREST, FURTHEST = 0.05, 1.0  # cells between the places at which the scatter is compared
PHASES = 32  # of a cell, between which the spline's smoothing is interpolated
BAND = 0.25  # of the median |dh|: how much of it tells the density there


def dh_minimize(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """Minimise NMAD(dh) over (dx, dy); dz is the median dh.

    A simplex (Nelder & Mead 1965) finds the valley on a sample of the cells, parabolas through the NMAD's square on
    all of them its floor: misplaced terrain adds to the square as the shift's square. The NMAD itself, a quantile,
    is too ragged to be followed to the last bit, and its lowest place too uncertain (Kim & Pollard 1990).
    """
    from scipy.optimize import minimize

    start = np.array(start, dtype=float)
    sparse = window.at(start).part(slice(None, None, max(1, window.rows.size // FEW)))

    def scatter(place):
        value = nmad(sparse.residuals((*place, 0.0)))
        return value if np.isfinite(value) else np.inf

    simplex = start[:2] + cell * np.array([(-0.5, -0.3), (0.6, -0.2), (0.0, 0.6)])
    found = minimize(scatter, start[:2], method="Nelder-Mead",
                     options={"initial_simplex": simplex, "xatol": 0.05 * cell, "fatol": 0.0, "maxiter": 100})
    place = found.x
    window = window.at((*place, 0.0))
    for iteration in range(1, ITERATIONS + 1):
        valley = _valley(window, place, cell)
        if valley is None:
            break
        step, precision = valley
        place = place + step
        if np.hypot(*step) < SETTLED * cell:
            return _solved(window, place, *precision, found.nit + iteration)
    return Solution.failed(np.append(place, start[2]), found.nit + ITERATIONS)


def _valley(window, place, cell):
    """`(step to the lowest place, (curvature, scores, known))`, None where there is no valley."""
    steepness = np.sqrt(np.mean(window.gx**2 + window.gy**2)) if window.gx.size else 0.0
    apart = float(np.clip(0.5 * nmad(window.residuals((*place, 0.0))) / max(steepness, 1e-9),
                          NEAREST * cell, FURTHEST * cell))
    if not np.isfinite(apart):
        return None
    dh = np.stack([window.residuals((*(place + apart * side), 0.0)) for side in SIDE])
    known = np.isfinite(dh).all(axis=0)
    if known.sum() < 30:
        return None
    away = np.abs(dh[:, known] - np.median(dh[:, known], axis=1)[:, None])
    usual = np.median(away, axis=1)
    smoothed = _smoothing(window, place, apart, cell, known, dh[4])
    x, y = SIDE.T
    parabola = np.linalg.pinv(np.column_stack([np.ones(len(SIDE)), x, y, x * x, x * y, y * y]))
    _, bx, by, xx, xy, yy = parabola @ (usual**2 - smoothed)
    curvature = np.array([[2 * xx, xy], [xy, 2 * yy]])
    if not (np.linalg.eigvalsh(curvature) > 0).all():
        return None
    step = -np.linalg.solve(curvature, (bx, by)) * apart
    # What each cell adds to a median's square: its influence (Hampel 1974).
    density = np.mean(np.abs(away - usual[:, None]) < BAND * usual[:, None], axis=1) / (2 * BAND * usual + 1e-12)
    influence = (2 * usual / np.maximum(density, 1e-12))[:, None] * (0.5 - (away <= usual[:, None]))
    longest = np.hypot(*step)
    step *= min(1.0, 2 * apart / longest) if longest else 1.0
    return step, (curvature * known.sum(), (parabola[1:3] @ influence).T * apart, known)


def _smoothing(window, place, apart, cell, known, dh):
    """What interpolating the secondary's noise leaves of it in the squares, at each place.

    Halfway between cells white noise is smoothed, which would draw the shift there. How much of it the secondary has
    shows in dh: it goes against the secondary's own departures from the cells around.
    """
    every = max(1, known.size // SPARSE)
    some = window.part(slice(None, None, every))
    there = some.sample(*place)
    around = sum(some.sample(*(place + cell * np.array(way))) for way in ((1, 0), (-1, 0), (0, 1), (0, -1))) / 4
    rough, left = there - around, dh[::every] - np.nanmedian(dh)
    with np.errstate(invalid="ignore"):
        told = known[::every] & (np.abs(left) < 3 * nmad(left)) & (np.abs(rough) < 3 * nmad(rough))
    if told.sum() < 30:
        return 0.0
    gains = []
    for side in SIDE:
        row, col = (places[told] for places in some.beneath(*(place + apart * side)))
        gains.append(np.mean(_gain(row)[0] * _gain(col)[0]))
    (own_row, next_row), (own_col, next_col) = (_gain(places[told]) for places in some.beneath(*place))
    against = np.mean(own_row * own_col - 0.5 * (next_row * own_col + own_row * next_col))
    noise = max(-np.mean(left[told] * rough[told]) / against, 0.0)
    return noise / NORMAL_MAD**2 * np.array(gains)


def _gain(cells):
    """Variance of interpolated white noise at fractional cells, and its covariance with that a cell further on."""
    phase, own, along = _gains()
    part = np.mod(cells, 1.0)
    return np.interp(part, phase, own), np.interp(part, phase, along)


@lru_cache(maxsize=1)
def _gains():
    phase = np.arange(PHASES + 1) / PHASES
    weights = _cardinal(phase[:, None] + np.arange(-12, 13))
    return phase, (weights**2).sum(axis=1), (weights[:, 1:] * weights[:, :-1]).sum(axis=1)


def _cardinal(x):
    """The cubic cardinal spline: 1 at 0, 0 at all other whole numbers (Unser 1999)."""
    pole = np.sqrt(3.0) - 2.0
    total = np.zeros_like(x)
    for k in range(-16, 17):
        away = np.abs(x - k)
        spline = np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0.0) ** 3 / 6)
        total += np.sqrt(3.0) * pole ** abs(k) * spline
    return total


def _told(window, place) -> bool:
    """True where the terrain's slope is seen by both DEMs in every direction: the least of noise is a valley too."""
    some, slopes = window.slopes_beneath((*place, 0.0))
    both = np.isfinite(slopes).all(axis=1)
    own = np.column_stack([window.gx[some], window.gy[some]])
    level = np.ones((int(both.sum()), 1))
    return bool(sensitivity(np.hstack([own[both], level]), np.hstack([slopes[both], level])).any())


def _solved(window, place, curvature, scores, known, iteration) -> Solution:
    if not _told(window, place):
        return Solution.failed((*place, 0.0), iteration)
    dh = window.residuals((*place, 0.0))
    dz = float(np.nanmedian(dh))
    across, growth = sandwich(curvature, scores, Lattice.over(window.rows[known], window.cols[known]))
    told = np.isfinite(dh)
    upward, upward_growth = vertical_precision(dh[told] - dz, window.rows[told], window.cols[told])
    # On a hillside what is misplaced is lifted, too.
    hillside = np.array([window.gx[told].mean(), window.gy[told].mean()])
    upward += hillside @ across @ hillside
    return Solution(np.append(place, dz), np.sqrt(np.append(np.diag(across), upward)),
                    np.append(growth, upward_growth), iteration, True)
