"""How far a shift field and an aligned DEM are from the exact truth of a world."""

from __future__ import annotations

import house  # noqa: F401
import numpy as np
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.coregistration.warp import warped_window, windows
from commonground.core.raster.dem import Dem, Reader
from worlds import World

KERNEL = "cubic"
SAMPLES = 500  # places along the longer side at which fields are compared


def true_field(world: World) -> ShiftField:
    """The truth as nodes so dense that what lies between them is exact to a millimetre (a step: to a cell)."""
    step = {"curved": 16, "constant": 16, "planar": 16, "sine": 2, "step": 1}[world.field.__name__]

    def at(rows, cols):
        return np.stack(world.field(*world.positions(*np.meshgrid(rows, cols, indexing="ij"))))

    return ShiftField.from_function(Dem.open(world.path("reference")).grid, step, at)


def plane_field(world: World, planes) -> ShiftField:
    """xDEM's planes, functions of the secondary's position, as a field over the reference's: d(p) = plane(p - d(p))."""
    grid = Dem.open(world.path("reference")).grid
    a, b, c = np.array(planes).T[:, :, None, None]

    def at(rows, cols):
        x, y = grid.map_of(*np.meshgrid(rows, cols, indexing="ij"))
        dx = dy = 0.0
        for _ in range(10):
            dx, dy, dz = a * (x - dx) + b * (y - dy) + c
        return np.stack([dx, dy, dz])

    return ShiftField.from_function(grid, 16, at)


def field_rmse(world: World, field: ShiftField) -> list:
    """RMSE of dx, dy, dz (m) over the whole reference."""
    stride = max(1, max(world.shape) // SAMPLES)
    rows, cols = np.meshgrid(*(np.arange(stride // 2, cells, stride, dtype=float) for cells in world.shape),
                             indexing="ij")
    error = field.at(rows, cols) - np.stack(world.field(*world.positions(rows, cols)))
    return np.sqrt((error.astype(float) ** 2).mean(axis=(1, 2))).tolist()


def block_rmse(world: World, blocks) -> list:
    """RMSE of block shifts (rows x, y, dx, dy, dz; map coordinates) against the true field at their centres."""
    grid = Dem.open(world.path("reference")).grid
    blocks = np.array(blocks, dtype=float)
    truth = np.stack(world.field(blocks[:, 0] - grid.geotransform[0], blocks[:, 1] - grid.geotransform[3]), axis=1)
    return np.sqrt(np.nanmean((blocks[:, 2:5] - truth) ** 2, axis=0)).tolist()


def clean_rmse(world: World, field: ShiftField) -> float:
    """RMSE (m) to the true surface of the noise-free secondary warped by a field."""
    total = count = 0.0
    with Reader(Dem.open(world.path("truth"))) as truth:
        for window, values in _warped(world, "clean", field):
            error = (values - truth.read(*window)).astype(float)
            known = np.isfinite(error)
            total, count = total + (error[known] ** 2).sum(), count + known.sum()
    return float(np.sqrt(total / count))


def dh_by_field(world: World, field: ShiftField) -> tuple:
    """(NMAD, median) of reference - secondary warped by a field, on stable terrain."""
    return _dh(world, lambda: _warped(world, "secondary", field))


def dh_of_raster(world: World, path: str) -> tuple:
    """(NMAD, median) of reference - a raster on the same grid, on stable terrain."""
    def read():
        with Reader(Dem.open(path)) as reader:
            for window in windows(reader.dem.grid):
                yield window, reader.read(*window)

    return _dh(world, read)


def _warped(world, layer, field):
    dem = Dem.open(world.path(layer))
    for window in windows(field.grid):
        yield window, warped_window(dem, field, field.grid, KERNEL, window)


def _dh(world, parts) -> tuple:
    """Exact, all values in memory: the referee does not lean on the statistics that it measures beside."""
    values = []
    with Reader(Dem.open(world.path("reference"))) as reference, Reader(Dem.open(world.path("stable"))) as stable:
        for window, heights in parts():
            dh = (reference.read(*window) - heights)[stable.read(*window) > 0]
            values.append(dh[np.isfinite(dh)])
    values = np.concatenate(values)
    median = float(np.median(values))
    return 1.4826 * float(np.median(np.abs(values - np.float32(median)))), median
