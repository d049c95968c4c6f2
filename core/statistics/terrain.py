"""Slope, aspect and shading of a window of heights, in metres on the ground whatever the CRS."""

from __future__ import annotations

import numpy as np

from ..raster.grid import Grid


def gradient(heights: np.ndarray, window: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Rise per metre towards east and towards north, float32 `(rows, cols)` of `window` (not rotated).

    `heights` holds the window and one cell around it, `(rows + 2, cols + 2)`, metres. NaN where one of the
    3 x 3 cells is void: a slope from fewer would mean something else.
    Horn 1981, doi 10.1109/PROC.1981.11918.
    """
    steps = window.cell_metres(np.arange(window.height))
    east_step, north_step = (step.astype(np.float32)[:, None] for step in steps)
    across = heights[:, 2:] - heights[:, :-2]
    down = heights[2:, :] - heights[:-2, :]
    centre_void = np.where(np.isnan(heights[1:-1, 1:-1]), np.float32(np.nan), np.float32(0))
    east = (across[:-2] + 2 * across[1:-1] + across[2:]) / (8 * east_step) + centre_void
    north = (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / (8 * north_step) + centre_void
    void = np.isnan(east) | np.isnan(north)
    east[void], north[void] = np.nan, np.nan
    return east, north


def slope(heights: np.ndarray, window: Grid) -> np.ndarray:
    """Degrees from the horizontal; arguments and voids as for `gradient`."""
    return np.degrees(np.arctan(np.hypot(*gradient(heights, window))))


def aspect(heights: np.ndarray, window: Grid) -> np.ndarray:
    """The compass direction downhill, degrees clockwise from north in [0, 360); NaN where level too."""
    east, north = gradient(heights, window)
    level = (east == 0) & (north == 0)
    return np.where(level, np.nan, np.degrees(np.arctan2(-east, -north)) % 360.0)


def hillshade(heights: np.ndarray, window: Grid, azimuth: float = 315.0,
              altitude: float = 45.0) -> np.ndarray:
    """Light from 0 to 1 that falls on the ground from `azimuth` and `altitude`, degrees; see `gradient`."""
    east, north = gradient(heights, window)
    azimuth, altitude = np.radians(azimuth), np.radians(altitude)
    towards = east * np.sin(azimuth) + north * np.cos(azimuth)
    return np.clip((np.sin(altitude) - np.cos(altitude) * towards) / np.sqrt(1 + east**2 + north**2), 0, 1)
