"""A shift in height alone."""

from __future__ import annotations

import numpy as np

from .nuth_kaab import vertical_precision
from .solution import Solution
from .terrain_window import TerrainWindow


def vertical_shift(window: TerrainWindow, start: np.ndarray, cell: float) -> Solution:
    """dz = median(dh); the horizontal shift stays as it starts."""
    residuals = window.residuals(start)
    known = np.isfinite(residuals)
    if known.sum() < 10:
        return Solution.failed(start, 1)
    centre = np.median(residuals[known])
    variance, growth = vertical_precision(residuals[known] - centre, window.rows[known], window.cols[known])
    shift = np.array([start[0], start[1], start[2] + centre])
    return Solution(shift, np.array([0.0, 0.0, np.sqrt(variance)]), np.array([1.0, 1.0, growth]), 1, True)
