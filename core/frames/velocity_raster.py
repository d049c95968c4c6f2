"""A user's velocities from a raster: bands east, north and, where there is a third, up, in m/yr."""

from __future__ import annotations

import numpy as np

from ..errors import RasterError
from ..raster.dem import Dem, Reader
from ..raster.grid import reproject

_TILE = 512


class VelocityRaster:
    """Velocities sampled bilinearly; NaN outside the raster and beside its voids. Raises RasterError."""

    def __init__(self, path: str, crs: str = ""):
        first = Dem.open(path, crs=crs)
        if first.bands < 2:
            raise RasterError(f"{first.name} has one band: a velocity raster needs the bands east and north "
                              "(and up, where known) in m/yr.")
        self._bands = [Dem.open(path, band, crs) for band in range(1, min(first.bands, 3) + 1)]
        self._readers = [Reader(band) for band in self._bands]

    def at(self, x, y, crs: str):
        """`(east, north, up)` in m/yr at map positions of a CRS (WKT), each (n,)."""
        grid = self._bands[0].grid
        row, col = grid.cell_of(*reproject(x, y, crs, grid.crs))
        values = np.full((3, row.size), np.nan)
        values[2] = 0.0 if len(self._bands) == 2 else np.nan
        # The outer edge belongs to the raster, and to whoever has the same extent.
        half = 0.5 + 1e-6
        inside = (row > -half) & (row < grid.height - 1 + half) & (col > -half) & (col < grid.width - 1 + half)
        row = np.clip(np.where(inside, row, 0.0), 0.0, grid.height - 1.0)
        col = np.clip(np.where(inside, col, 0.0), 0.0, grid.width - 1.0)
        across = -(-grid.width // _TILE)
        tile = np.where(inside, (row // _TILE).astype(int) * across + (col // _TILE).astype(int), -1)
        for number in np.unique(tile[inside]):
            here = tile == number
            top, left = number // across * _TILE, number % across * _TILE
            for band, reader in enumerate(self._readers):
                window = reader.read(int(top), int(left), _TILE + 1, _TILE + 1).astype(float)
                values[band, here] = _bilinear(window, row[here] - top, col[here] - left)
        return tuple(values)


def _bilinear(window, row, col):
    """Bilinear values; a neighbour of weight zero does not count: the last row and column are reached."""
    top, left = np.floor(row).astype(int), np.floor(col).astype(int)
    down, right = row - top, col - left
    total = np.zeros(row.shape)
    for i, j, weight in ((0, 0, (1 - down) * (1 - right)), (0, 1, (1 - down) * right),
                         (1, 0, down * (1 - right)), (1, 1, down * right)):
        cell = window[np.minimum(top + i, _TILE), np.minimum(left + j, _TILE)]
        total += np.where(weight > 0, weight * cell, 0.0)
    return total
