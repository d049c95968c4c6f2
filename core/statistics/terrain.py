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
    east, north = 2 * across[1:-1], 2 * down[:, 1:-1]
    east += across[:-2]
    east += across[2:]
    east *= 1 / (8 * east_step)
    north += down[:, :-2]
    north += down[:, 2:]
    north *= 1 / (8 * north_step)
    void = 0 * (east + north + heights[1:-1, 1:-1])  # NaN spreads, zero changes nothing
    east += void
    north += void
    return east, north


def curvature(heights: np.ndarray, window: Grid) -> np.ndarray:
    """Curvature in 1/100 m, positive where the ground is convex (ridges); arguments and voids as for `gradient`.

    Minus a hundred times the Laplacian, as Zevenbergen and Thorne 1987, doi 10.1002/esp.3290120107.
    """
    steps = window.cell_metres(np.arange(window.height))
    east_step, north_step = (step.astype(np.float32)[:, None] for step in steps)
    twice = 2 * heights[1:-1, 1:-1]
    east = (heights[1:-1, 2:] + heights[1:-1, :-2] - twice) / east_step**2
    north = (heights[2:, 1:-1] + heights[:-2, 1:-1] - twice) / north_step**2
    return -100.0 * (east + north)


def slope(heights: np.ndarray, window: Grid) -> np.ndarray:
    """Degrees from the horizontal; arguments and voids as for `gradient`."""
    return steepness(*gradient(heights, window))


def aspect(heights: np.ndarray, window: Grid) -> np.ndarray:
    """The compass direction downhill, degrees clockwise from north in [0, 360); NaN where level too."""
    return facing(*gradient(heights, window))


def steepness(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """The slope of a gradient, degrees."""
    tangent = east * east
    tangent += north * north
    np.arctan(np.sqrt(tangent, out=tangent), out=tangent)
    return np.multiply(tangent, np.float32(180 / np.pi), out=tangent)


def facing(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """The aspect of a gradient, degrees; see `aspect`."""
    level = (east == 0) & (north == 0)
    return np.where(level, np.nan, np.degrees(np.arctan2(-east, -north)) % 360.0)


def hillshade(heights: np.ndarray, window: Grid, azimuth: float = 315.0,
              altitude: float = 45.0) -> np.ndarray:
    """Light from 0 to 1 that falls on the ground from `azimuth` and `altitude`, degrees; see `gradient`."""
    east, north = gradient(heights, window)
    azimuth, altitude = np.radians(azimuth), np.radians(altitude)
    towards = east * np.sin(azimuth) + north * np.cos(azimuth)
    return np.clip((np.sin(altitude) - np.cos(altitude) * towards) / np.sqrt(1 + east**2 + north**2), 0, 1)
