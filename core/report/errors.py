"""Errors as they are: how much they spread on which terrain, how far they are alike, and what they lean towards.

All of it from one sample of stable cells in clusters (`variogram.cluster_cells`), gathered tile by tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..statistics.heteroscedasticity import Spread, fit_spread
from ..statistics.variogram import (
    Variogram,
    VariogramModel,
    empirical_variogram,
    fit_model,
)
from .point_tiles import PointTiles
from .tiles import Clusters, Tile, Tiles

ASPECT_BINS = 36
LEAST_IN_BIN = 20
STEEP_ENOUGH, TOO_STEEP = 3.0, 60.0


@dataclass(frozen=True)
class AspectCurve:
    """Medians of dh / tan(slope) (m) in bins of aspect (degrees), and the cosine through them.

    amplitude cos(direction - aspect) + constant: the shift to add to the secondary is amplitude sin(direction)
    east and amplitude cos(direction) north (m, degrees). Nuth and Kääb 2011, doi 10.5194/tc-5-271-2011.
    """

    aspects: np.ndarray
    medians: np.ndarray
    amplitude: float
    direction: float
    constant: float

    @property
    def shift(self) -> tuple[float, float]:
        """Metres to add to the secondary's position, east and north."""
        angle = np.radians(self.direction)
        return float(self.amplitude * np.sin(angle)), float(self.amplitude * np.cos(angle))


@dataclass(frozen=True)
class Errors:
    """The errors of `state` ("before" or "after"), dh less its median, on stable terrain.

    `spread` is their NMAD by slope and curvature, `variogram` that of dh over the spread with its `model` (None
    where there was too little to fit), `aspects` hold an AspectCurve before and, with an aligned DEM, after.
    """

    state: str
    cells: int
    spread: Spread
    variogram: Variogram
    model: VariogramModel | None
    aspects: tuple

    def sigma(self, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """The spread (m) of cells; where their slope is not known, that of the sample as a whole."""
        sigma = self.spread.at(slope, curvature)
        typical = float(np.average(self.spread.nmad, weights=np.maximum(self.spread.counts, 1)))
        return np.where(np.isfinite(sigma), sigma, typical)


class ErrorSample:
    """Stable cells or points in clusters: `add` every tile, then `finish`."""

    def __init__(self, tiles: Tiles | PointTiles, seed: int):
        self._grid, self._window, self._states = tiles.grid, tiles.window, tiles.states
        self._side, self._clusters = tiles.side, tiles.clusters(seed)
        self._tiles = _by_tile(self._clusters, tiles.window, tiles.side)
        self._found = np.full((tiles.states + 3, self._clusters.rows.size), np.nan, dtype=np.float32)

    def add(self, tile: Tile) -> None:
        """Take the sample's part of a tile."""
        index = self._tiles.get(((tile.row - self._window[0]) // self._side,
                                 (tile.col - self._window[1]) // self._side))
        if index is None:
            return
        place = tile.pick(self._clusters, index)
        good = tile.good[place]
        layers = *tile.differences, *(tile.terrain[name] for name in ("slope", "aspect", "curvature"))
        for found, layer in zip(self._found, layers):
            found[index[good]] = layer[place][good]

    def finish(self) -> Errors | None:
        """The errors of the last state; None where there is too little stable terrain, or no error."""
        *states, slope, aspect, curvature = self._found.astype(np.float64)
        dh = states[-1]
        known = np.isfinite(dh) & np.isfinite(slope) & np.isfinite(curvature)
        if not known.any():
            return None
        centred = dh - np.median(dh[known])
        spread = fit_spread(slope[known], curvature[known], centred[known])
        if spread is None:
            return None
        standard = np.where(known, centred / spread.at(slope, curvature), np.nan).reshape(self._clusters.rows.shape)
        longest = self._grid.cell_size() * math.hypot(*self._window[2:]) / 2
        cells = self._clusters.distinct(known)
        variogram = empirical_variogram(*self._metres(), standard, self._clusters.spacing, longest)
        curves = tuple(aspect_curve(state, slope, aspect) for state in states)
        return Errors("after" if self._states == 2 else "before", cells, spread, variogram,
                      fit_model(variogram, values=cells), curves)

    def _metres(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions on the ground about the overlap's middle, `(clusters, points)`."""
        row, col, height, width = self._window
        x, y = self._grid.map_of(self._clusters.rows, self._clusters.cols)
        centre_x, centre_y = self._grid.map_of(row + height / 2, col + width / 2)
        # One scale for each cluster, so that its distances are right wherever it lies.
        mx, my = self._grid.metres_per_unit(y[:, :1])
        return (x - centre_x) * mx, (y - centre_y) * my


def aspect_curve(dh: np.ndarray, slope: np.ndarray, aspect: np.ndarray) -> AspectCurve | None:
    """The curve of dh (m) over terrain of `slope` and `aspect` (degrees), flat arrays, NaN where unknown.

    None where fewer than a third of the aspects have cells between 3 and 60 degrees of slope.
    """
    good = np.isfinite(dh) & np.isfinite(aspect) & (slope > STEEP_ENOUGH) & (slope < TOO_STEEP)
    ratio = dh[good] / np.tan(np.radians(slope[good]))
    place = (aspect[good] / (360 / ASPECT_BINS)).astype(np.int64) % ASPECT_BINS
    counts = np.bincount(place, minlength=ASPECT_BINS)
    enough = np.flatnonzero(counts >= LEAST_IN_BIN)
    if enough.size < ASPECT_BINS // 3:
        return None
    medians = np.array([np.median(ratio[place == index]) for index in enough])
    aspects = (enough + 0.5) * 360 / ASPECT_BINS
    angle, weight = np.radians(aspects), np.sqrt(counts[enough])
    terms = np.stack([np.sin(angle), np.cos(angle), np.ones(angle.size)], axis=1)
    east, north, constant = np.linalg.lstsq(terms * weight[:, None], medians * weight, rcond=None)[0]
    return AspectCurve(aspects, medians, float(np.hypot(east, north)),
                       float(np.degrees(np.arctan2(east, north)) % 360), float(constant))


def _by_tile(clusters: Clusters, window: tuple, side: int) -> dict:
    """`(tile row, tile col)` -> flat indices of the places in it."""
    inside = np.flatnonzero(clusters.rows.ravel() >= -0.5)
    across = -(-window[3] // side)
    row, col = (np.floor(places.ravel()[inside] + 0.5).astype(np.int64) - start
                for places, start in zip((clusters.rows, clusters.cols), window))
    tile = row // side * across + col // side
    order = np.argsort(tile, kind="stable")
    inside, tile = inside[order], tile[order]
    numbers, starts = np.unique(tile, return_index=True)
    return {divmod(int(number), across): part for number, part in zip(numbers, np.split(inside, starts[1:]))}
