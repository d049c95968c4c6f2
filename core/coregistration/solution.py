"""What every method returns, and the robust statistics that they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..statistics.robust import NORMAL_MAD as NMAD
from ..statistics.robust import nmad

TUKEY = 4.685  # 95 % efficient for Gaussian residuals (Huber & Ronchetti 2009)
TILES = 6


@dataclass(frozen=True)
class Solution:
    """A shift (dx, dy, dz), metres to add to the secondary, and how well it is known.

    `covariance` is 3 x 3 (m^2), from residuals that are correlated within a sixth of the window.
    """

    shift: np.ndarray
    covariance: np.ndarray
    iterations: int
    converged: bool


def tukey(standardised: np.ndarray) -> np.ndarray:
    """Tukey's biweight, 1 at 0 and 0 from 4.685 standard deviations; NaN weighs nothing."""
    inside = 1.0 - (standardised / TUKEY) ** 2
    return np.where(inside > 0, inside, 0.0) ** 2


def weigh(residuals: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Tukey's weights over the variance, about the residuals' own robust centre.

    The median alone would hold the centre towards one-sided outliers (ground that changed); a few weighted means do not.
    """
    sigma = np.sqrt(variance)
    centre = np.median(residuals)
    for _ in range(5):
        weights = tukey((residuals - centre) / sigma) / variance
        centre = np.average(residuals, weights=weights) if weights.any() else centre
    return tukey((residuals - centre) / sigma) / variance


def spread(residuals: np.ndarray, gradient2: np.ndarray) -> np.ndarray:
    """The residuals' variance at each cell as s0 + s1 |gradient|^2, robustly fitted (both terms non-negative).

    Horizontal misfit and noise grow with slope (Hugonnet et al. 2022); NaN residuals are left out.
    """
    from scipy.optimize import nnls

    known = np.isfinite(residuals)
    floor = max(nmad(residuals) * 1e-3, 1e-6) ** 2
    if known.sum() < 60:
        return np.full(residuals.shape, max(nmad(residuals) ** 2, floor) if known.any() else 1.0)
    edges = np.quantile(gradient2[known], np.linspace(0, 1, 7))
    group = np.clip(np.searchsorted(edges, gradient2[known], side="right") - 1, 0, 5)
    centred = residuals[known] - np.median(residuals[known])
    variances = np.array([(NMAD * np.median(np.abs(centred[group == k]))) ** 2 if (group == k).any() else 0.0
                          for k in range(6)])
    steepness = np.array([gradient2[known][group == k].mean() if (group == k).any() else 0.0 for k in range(6)])
    filled = variances > 0
    if not filled.any():
        return np.full(residuals.shape, floor)
    # Relative misfit: gentle and steep groups count alike, whatever their variance.
    design = np.column_stack([np.ones(filled.sum()), steepness[filled]]) / variances[filled, None]
    (s0, s1), _ = nnls(design, np.ones(filled.sum()))
    return np.maximum(s0 + s1 * gradient2, floor)


def tile_index(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Which of TILES x TILES tiles of their common extent each cell lies in."""
    def part(values):
        low, high = values.min(), values.max()
        return np.minimum((values - low) * TILES / max(high - low, 1.0), TILES - 1).astype(int)

    return part(rows) * TILES + part(cols)


def sandwich(information: np.ndarray, scores: np.ndarray, tiles: np.ndarray) -> np.ndarray:
    """Covariance from scores summed over tiles: honest where residuals are correlated within a tile.

    `information` (k, k), `scores` (n, k) with the sum zero at the solution, `tiles` (n,). Cluster-robust estimator
    of Liang & Zeger (1986) with the usual small-sample factor.
    """
    size = scores.shape[1]
    sums = np.stack([np.bincount(tiles, scores[:, k], TILES * TILES) for k in range(size)], axis=1)
    count = int((np.bincount(tiles, minlength=TILES * TILES) > 0).sum())
    if count <= size:
        return np.full((size, size), np.inf)
    inverse = np.linalg.pinv(information)
    return inverse @ (sums.T @ sums) @ inverse * count / (count - size)
