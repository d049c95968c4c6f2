"""Mean elevation change and volume change of areas, each with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import VectorError
from ..raster.grid import Grid
from ..raster.masks import Polygons
from ..statistics.robust import Summary, summarize, summarize_weighted
from ..statistics.streaming import Bins, Sketch
from ..statistics.uncertainty import effective_samples, sigma_of_mean
from .errors import Errors
from .tiles import Tile

LATTICE = 96
KEPT = 1 << 20  # values of a polygon


@dataclass(frozen=True)
class ZoneChange:
    """dh = reference - secondary (or - aligned) over one polygon; NaN where unknown.

    `count` cells have a difference, `cover` is their share (%) of the polygon's cells in the overlap, which
    measure `area` (m²). `mean` is the mean dh (m), weighted by the cells' areas, and `mean_sigma` one standard
    deviation of it: from errors that differ with the terrain and are correlated, worth `n_eff` independent
    cells. `volume` is mean times area (m³): voids are taken to have changed as the rest.
    """

    count: int = 0
    area: float = 0.0
    cover: float = 0.0
    median: float = math.nan
    nmad: float = math.nan
    mean: float = math.nan
    mean_sigma: float = math.nan
    n_eff: float = math.nan
    volume: float = math.nan
    volume_sigma: float = math.nan


class Zones:
    """The polygons of a layer, in the reference's CRS: `add` every tile in reading order, then `finish`.

    Only zones that the current row of tiles touches are held in memory.
    """

    def __init__(self, polygons: Polygons, grid: Grid, window: tuple, errors: Errors | None):
        self._polygons, self._grid, self._errors = polygons, grid, errors
        boxes = [_cells(wkb, grid) for wkb in polygons.wkb]
        top, left, height, width = window
        self.outside = sum(box[0] < top - 1 or box[1] < left - 1 or box[2] > top + height + 1
                           or box[3] > left + width + 1 for box in boxes)
        # What lies beyond the overlap must not make the lattice of a zone coarser.
        self._boxes = [(max(box[0], top), max(box[1], left), min(box[2], top + height), min(box[3], left + width))
                       for box in boxes]
        self._open: dict = {}
        self._done: dict = {}

    def add(self, tile: Tile) -> None:
        """Take in a tile."""
        self._close(tile.row)
        rows, cols = tile.heights.shape
        for index, (top, left, bottom, right) in enumerate(self._boxes):
            if index in self._done:
                continue
            first_row, last_row = max(top, tile.row), min(bottom, tile.row + rows)
            first_col, last_col = max(left, tile.col), min(right, tile.col + cols)
            if first_row < last_row and first_col < last_col:
                if index not in self._open:
                    self._open[index] = _ZoneSum(self._boxes[index], self._grid, self._errors)
                window = first_row, first_col, last_row - first_row, last_col - first_col
                inside = Polygons((self._polygons.wkb[index],), self._polygons.crs).cover(
                    self._grid.window(*window))
                if inside.any():
                    self._open[index].add(tile, window, inside)

    def _close(self, row: int) -> None:
        """Let go of zones that end above this row of tiles."""
        for index in [index for index in self._open if self._boxes[index][2] <= row]:
            self._done[index] = self._open.pop(index).finish()

    def finish(self) -> tuple:
        """A ZoneChange for each polygon, in their order."""
        self._done.update({index: zone.finish() for index, zone in self._open.items()})
        self._open.clear()
        return tuple(self._done.get(index, ZoneChange()) for index in range(len(self._boxes)))


class _ZoneSum:
    """One polygon being gathered, on a lattice of up to LATTICE x LATTICE elements."""

    def __init__(self, box: tuple, grid: Grid, errors: Errors | None):
        self._box, self._grid, self._errors = box, grid, errors
        self._factor = max(1, math.ceil(max(box[2] - box[0], box[3] - box[1]) / LATTICE))
        shape = tuple(math.ceil((box[side + 2] - box[side]) / self._factor) for side in (0, 1))
        self._spread, self._squares, self._counts = np.zeros((3, *shape))
        self._values = _Values()
        self._area = self._measured = self._volume = 0.0
        self._cells = self._filled = 0

    def add(self, tile: Tile, window: tuple, cover: np.ndarray) -> None:
        row, col = window[:2]
        east, north = self._grid.cell_metres(row + np.arange(window[2]))
        by_row = np.abs(east * north) * np.ones(window[2])
        self._area += float(by_row @ cover.sum(axis=1))
        self._cells += int(cover.sum())
        index, rows, cols = tile.inside(row, col, cover)
        if not rows.size:
            return
        dh, area = tile.differences[-1][index], by_row[rows - row] if tile.AREAL else np.ones(rows.size)
        filled = np.zeros(cover.shape, dtype=bool)
        filled[rows - row, cols - col] = True
        self._filled += int(filled.sum())
        self._measured += float(area.sum())
        self._volume += float((dh * area).sum())
        self._values.add(dh)
        if self._errors is not None:
            sigma = self._errors.sigma(tile.terrain["slope"][index], tile.terrain["curvature"][index])
            place = (rows - self._box[0]) // self._factor, (cols - self._box[1]) // self._factor
            flat = np.ravel_multi_index(place, self._counts.shape)
            for layer, weights in ((self._spread, sigma), (self._squares, sigma**2), (self._counts, None)):
                layer += np.bincount(flat, weights, layer.size).reshape(layer.shape)

    def finish(self) -> ZoneChange:
        if not self._measured:
            return ZoneChange(area=self._area)
        summary = self._values.summary()
        mean = self._volume / self._measured
        sigma = n_eff = math.nan
        if self._errors is not None and self._errors.model is not None:
            middle = (self._box[0] + self._box[2]) / 2
            width, height = (abs(float(step)) * self._factor for step in self._grid.cell_metres(middle))
            lattice = self._spread, self._counts, self._squares, self._errors.model
            sigma = sigma_of_mean(*lattice, height, width)
            n_eff = effective_samples(*lattice, sigma) if sigma > 0 else math.nan
        return ZoneChange(summary.count, self._area, 100.0 * self._filled / self._cells, summary.median,
                          summary.nmad, mean, sigma, n_eff, mean * self._area, sigma * self._area)


class _Values:
    """Values of one polygon: all while they are few, then counted in bins that suit those.

    A glacier may have changed by far more than the scene, whose bins would be too coarse for it.
    """

    def __init__(self):
        self._kept: list = []
        self._sketch: Sketch | None = None

    def add(self, values: np.ndarray) -> None:
        if self._sketch is not None:
            self._sketch.add(values)
            return
        self._kept.append(values)
        if sum(part.size for part in self._kept) > KEPT:
            kept, self._kept = np.concatenate(self._kept), []
            self._sketch = Sketch(Bins.around(kept))
            self._sketch.add(kept)

    def summary(self) -> Summary:
        if self._sketch is None:
            return summarize(np.concatenate(self._kept))
        return summarize_weighted(*self._sketch.weighted(), self._sketch.moments)


def _cells(wkb: bytes, grid: Grid) -> tuple[int, int, int, int]:
    """The cells `(top, left, bottom, right)` that hold a polygon; the last two are one beyond."""
    from osgeo import ogr

    geometry = ogr.CreateGeometryFromWkb(wkb)
    if geometry is None or geometry.IsEmpty():
        raise VectorError("ZONES has a feature whose geometry cannot be read: repair the layer (Fix geometries).")
    west, east, south, north = geometry.GetEnvelope()
    rows, cols = grid.cell_of(np.array([west, east]), np.array([south, north]))
    return (math.floor(rows.min() + 0.5), math.floor(cols.min() + 0.5),
            math.ceil(rows.max() + 0.5) + 1, math.ceil(cols.max() + 0.5) + 1)
