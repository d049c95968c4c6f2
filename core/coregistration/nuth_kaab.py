"""Nuth & Kaab (2011): the cosine of aspect in dh / tan(slope)."""

from __future__ import annotations

import numpy as np

from ..statistics.robust import NORMAL_MAD as NMAD
from .solution import Lattice, Solution, sandwich, sensitivity
from .terrain_window import TerrainWindow

ITERATIONS = 30
ASPECT_BINS = 72
STEEPNESS = (np.tan(np.radians(2.0)), np.tan(np.radians(60.0)))
TRIM = 3.0  # NMADs: cells further off take no part


def nuth_kaab(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """Solve dh / tan(slope) = a cos(b - aspect) + c, doi 10.5194/tc-5-271-2011, until it stands still.

    With dx = a sin(b) and dy = a cos(b) the equation is linear: medians of 72 aspect bins, weighted by their counts,
    give it in closed form. The secondary is sampled anew in every iteration; dz is the median dh.
    """
    shift, near, _ = _descended(window.at(start).sparse, np.array(start, dtype=float), 1e-2 * cell)
    # Few cells that found no way must not lead the many astray.
    shift = shift if near else np.array(start, dtype=float)
    window = window.at(shift)
    shift, solved, iteration = _descended(window, shift, 1e-3 * cell)
    return _solved(window, shift, *solved, iteration) if solved else Solution.failed(shift, iteration)


def _descended(window: TerrainWindow, shift: np.ndarray, least: float):
    """`(shift, what its precision is judged by or None, iterations)`, until steps are shorter than `least` (m)."""
    steepness = np.hypot(window.gx, window.gy)
    sloping = (steepness > STEEPNESS[0]) & (steepness < STEEPNESS[1])
    # Aspect is the azimuth of steepest descent: the gradient is -tan(slope) (sin, cos) of it.
    sine, cosine = (-np.divide(g, steepness, out=np.zeros_like(g), where=sloping) for g in (window.gx, window.gy))
    bins = (np.arctan2(sine, cosine) % (2 * np.pi) * (ASPECT_BINS / (2 * np.pi))).astype(int) % ASPECT_BINS
    for iteration in range(1, ITERATIONS + 1):
        residuals = window.residuals(shift)
        centre, scale = _centre(residuals)
        with np.errstate(invalid="ignore"):
            used = sloping & (np.abs(residuals - centre) <= TRIM * scale)
        if used.sum() < 10 * 3:
            break
        target = (residuals[used] - centre) / steepness[used]
        step = _cosine(target, bins[used])
        if step is None:
            break
        shift += (*step, centre)
        if np.hypot(*step) < least and abs(centre) < least:
            return shift, (used, np.column_stack([sine, cosine])[used], steepness[used], target,
                           residuals - centre), iteration
    return shift, None, ITERATIONS


def _centre(residuals):
    known = residuals[np.isfinite(residuals)]
    if known.size == 0:
        return np.nan, np.nan
    centre = np.median(known)
    return centre, NMAD * np.median(np.abs(known - centre))


def _cosine(target: np.ndarray, bins: np.ndarray):
    """The (dx, dy) of the cosine through the bins' medians; None where aspects do not determine it."""
    order = np.lexsort((target, bins))
    counts = np.bincount(bins, minlength=ASPECT_BINS)
    filled = np.nonzero(counts)[0]
    ends = np.cumsum(counts)
    sorted_target = target[order]
    low, high = ends - counts + (counts - 1) // 2, ends - counts + counts // 2
    medians = 0.5 * (sorted_target[low[filled]] + sorted_target[high[filled]])
    angle = (filled + 0.5) * (2 * np.pi / ASPECT_BINS)
    design = np.column_stack([np.sin(angle), np.cos(angle), np.ones(filled.size)])
    root = np.sqrt(counts[filled])[:, None]
    solution, _, rank, _ = np.linalg.lstsq(design * root, medians * root[:, 0], rcond=1e-6)
    return solution[:2] if rank == 3 else None


def _solved(window, shift, used, downhill, steepness, target, residuals, iteration) -> Solution:
    """The shift with the sigma of the cosine and of the median, residuals held to 2 NMAD as the medians hold them."""
    bounded, inner = _bounded(target - np.median(target))
    some, slopes = window.slopes_beneath(shift)
    told = np.isfinite(slopes).all(axis=1) & used[some]
    seen = (np.cumsum(used) - 1)[some[told]]
    # The secondary's own gradient: that of the reference has the noise that chose the aspect.
    across = sensitivity(downhill[seen], -slopes[told] / steepness[seen, None])
    across = across * (inner * used.sum() / max(seen.size, 1))
    lattice = Lattice.over(window.rows[used], window.cols[used])
    across, growth = sandwich(across, downhill * bounded[:, None], lattice)
    known = np.isfinite(residuals)
    upward, upward_growth = vertical_precision(residuals[known], window.rows[known], window.cols[known])
    sigma = np.sqrt(np.append(np.diag(across), upward))
    return Solution(shift, sigma, np.append(growth, upward_growth), iteration, True)


def vertical_precision(residuals, rows, cols) -> tuple[float, float]:
    """Variance of the median of residuals about zero, and its growth by correlation over longer distances."""
    bounded, inner = _bounded(residuals)
    lattice = Lattice.over(rows, cols)
    variance, growth = sandwich(np.array([[residuals.size * inner]]), bounded[:, None], lattice)
    return float(variance[0, 0]), float(growth[0])


def _bounded(residuals):
    limit = 2 * NMAD * np.median(np.abs(residuals)) + 1e-12
    return np.clip(residuals, -limit, limit), np.mean(np.abs(residuals) < limit)
