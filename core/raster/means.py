"""Means of many cells, held in memory: a coarse look at a raster for a single reading of it."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import RasterError
from ..gdal_calls import attempted
from .dem import Dem, Reader
from .grid import Grid
from .writing import remove_folder

LINES = 4  # of a row of means, at least: relief so fine that they miss it has little part in them
STRIP = 1_000_000  # cells read at once


@contextlib.contextmanager
def held(dem: Dem) -> Iterator[Dem]:
    """A coarsened DEM whose means are made once and read from memory as long as the block lasts.

    A mean is void where all that it looks at is. A DEM that is not coarsened is itself.
    """
    if dem.factor == 1:
        yield dem
        return
    with in_memory(_means(dem), dem.grid, dem.name) as means:
        yield means


@contextlib.contextmanager
def in_memory(values: np.ndarray, grid: Grid, name: str) -> Iterator[Dem]:
    """float32 values `(height, width)`, NaN where void, as a raster that lasts as long as the block."""
    from osgeo import gdal

    folder = f"/vsimem/{secrets.token_hex(16)}"
    path = f"{folder}/{name}"
    try:
        canvas, reason = attempted(
            gdal.GetDriverByName("GTiff").Create, path, grid.width, grid.height, 1, gdal.GDT_Float32)
        if canvas is None:
            raise RasterError(f"{name} cannot be held in memory: {reason}")
        canvas.WriteArray(values)
        canvas = None
        yield Dem(path, 1, grid, nodata=None, scale=1.0, offset=0.0, data_type="Float32", bands=1)
    finally:
        remove_folder(folder)  # and not the file alone: GDAL 3.10 keeps its folder


def _means(dem: Dem) -> np.ndarray:
    """float32 `(height, width)`, NaN where the lines hold no height."""
    factor, (height, width) = dem.factor, dem.grid.shape
    # Its place on the ground is of no matter to a reader.
    cells = replace(dem, grid=replace(dem.grid, height=height * factor, width=width * factor), factor=1)
    every = max(1, factor // LINES)
    lines = np.arange((factor - 1) % every // 2, factor, every)
    means = np.empty((height, width), dtype=np.float32)
    across = max(1, min(width, STRIP // factor**2))
    down = max(1, STRIP // (factor**2 * across))
    with Reader(cells) as reader:
        for row, col in itertools.product(range(0, height, down), range(0, width, across)):
            part = means[row:row + down, col:col + across]
            chosen = (np.arange(len(part))[:, None] * factor + lines).ravel()
            heights = reader.read(*(factor * place for place in (row, col, *part.shape)), chosen)
            part[:] = _mean(heights.reshape(len(part), lines.size, -1, factor))
    return means


def _mean(cells: np.ndarray) -> np.ndarray:
    """Means over the second and the last axis, of the cells that are known."""
    total = cells.sum(axis=1).sum(axis=2)
    broken = np.isnan(total)
    total /= np.float32(cells.shape[1] * cells.shape[3])
    if broken.any():
        row, col = np.nonzero(broken)
        some = cells[row, :, col].reshape(row.size, -1)
        known = ~np.isnan(some)
        count = known.sum(axis=1)
        total[row, col] = np.where(known, some, np.float32(0)).sum(axis=1) / np.where(count, count, np.nan)
    return total
