"""A shift in height alone."""

from __future__ import annotations

import numpy as np

from ..statistics.robust import NORMAL_MAD as NMAD
from .solution import Solution, sandwich, tile_index
from .terrain_window import TerrainWindow


def vertical_shift(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """dz = median(dh); the horizontal shift stays as it starts."""
    residuals = window.residuals(start)
    known = np.isfinite(residuals)
    if known.sum() < 10:
        return Solution(np.array(start, dtype=float), np.full((3, 3), np.inf), 1, False)
    centre = np.median(residuals[known])
    off = residuals[known] - centre
    limit = 2 * NMAD * np.median(np.abs(off)) + 1e-12
    information = np.array([[np.sum(np.abs(off) < limit)]], dtype=float)
    tiles = tile_index(window.rows[known], window.cols[known])
    covariance = np.zeros((3, 3))
    covariance[2, 2] = sandwich(information, np.clip(off, -limit, limit)[:, None], tiles)[0, 0]
    return Solution(np.array([start[0], start[1], start[2] + centre]), covariance, 1, True)
