"""Errors that differ from cell to cell: the spread of dh as a function of slope and curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .robust import nmad

SLOPE_BINS, CURVATURE_BINS = 10, 5
LEAST_VALUES = 30


@dataclass(frozen=True)
class Spread:
    """NMAD of dh (m) `(slopes, curvatures)` at bin centres: slope in degrees, |curvature| in 1/100 m.

    `counts` of the same shape says on how many cells each rests. Hugonnet et al. 2022,
    doi 10.1109/JSTARS.2022.3188922.
    """

    slopes: np.ndarray
    curvatures: np.ndarray
    nmad: np.ndarray
    counts: np.ndarray

    def at(self, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """The spread (m) of cells of such slope and (signed) curvature, bilinear, flat beyond the outer bins.

        NaN where either is unknown.
        """
        row, row_part = _between(self.slopes, slope)
        col, col_part = _between(self.curvatures, np.abs(curvature))
        row_next = np.minimum(row + 1, self.slopes.size - 1)
        col_next = np.minimum(col + 1, self.curvatures.size - 1)
        lower = self.nmad[row, col] * (1 - col_part) + self.nmad[row, col_next] * col_part
        upper = self.nmad[row_next, col] * (1 - col_part) + self.nmad[row_next, col_next] * col_part
        return lower * (1 - row_part) + upper * row_part


def fit_spread(slope: np.ndarray, curvature: np.ndarray, dh: np.ndarray) -> Spread | None:
    """The spread of dh (m) by slope (degrees) and curvature, from flat arrays without voids.

    Bins hold equal shares of the cells; those of fewer than 30 take the NMAD of their slope. Scaled so that
    dh over the spread has an NMAD of one. None without enough cells, or where dh does not spread.
    """
    curvature = np.abs(curvature)
    if dh.size < LEAST_VALUES or not nmad(dh) > 0:
        return None
    slope_edges, curvature_edges = (_edges(values, bins) for values, bins in (
        (slope, SLOPE_BINS), (curvature, CURVATURE_BINS)))
    row = np.searchsorted(slope_edges[1:-1], slope, side="right")
    col = np.searchsorted(curvature_edges[1:-1], curvature, side="right")
    shape = slope_edges.size - 1, curvature_edges.size - 1
    by_bin, counts = np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    for index in np.ndindex(shape):
        inside = dh[(row == index[0]) & (col == index[1])]
        counts[index] = inside.size
        by_bin[index] = nmad(inside) if inside.size >= LEAST_VALUES else np.nan
    by_slope = np.array([nmad(dh[row == index]) for index in range(shape[0])])
    by_bin = np.where(by_bin > 0, by_bin, np.where(by_slope > 0, by_slope, nmad(dh))[:, None])
    centres = [np.array([np.median(values[place == index]) if np.any(place == index) else np.nan
                         for index in range(size)])
               for values, place, size in ((slope, row, shape[0]), (curvature, col, shape[1]))]
    spread = Spread(*centres, by_bin, counts)
    scale = nmad(dh / spread.at(slope, curvature))
    return Spread(*centres, by_bin * scale, counts)


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Edges of equal shares, each once: fewer bins where many values are the same."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    return edges if edges.size > 1 else np.array([edges[0], np.inf])


def _between(centres: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bin centre at or below each value, and the share of the way to the next, from 0 to 1."""
    values = np.asarray(values, dtype=float)
    if centres.size == 1:
        return np.zeros(values.shape, dtype=np.int64), np.where(np.isnan(values), np.nan, 0.0)
    index = np.clip(np.searchsorted(centres, values, side="right") - 1, 0, centres.size - 2)
    return index, np.clip((values - centres[index]) / (centres[index + 1] - centres[index]), 0.0, 1.0)
