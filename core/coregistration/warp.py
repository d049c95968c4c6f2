"""The secondary moved by the shift field, once, from its original pixels."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from ..errors import CoregistrationError
from ..executors import run_in_order
from ..progress import Progress
from ..raster.cache import small_cache
from ..raster.dem import Dem, handed_on
from ..raster.grid import Grid
from ..raster.resampling import KERNELS, Resampler
from ..raster.writing import NODATA, RasterWriter
from .rotation import Motion, without_bias
from .shift_field import TAG, ShiftField

WINDOW = (1024, 1024)  # cells: so large that what is opened, and read beyond its edges, counts little
SMALLEST = 64  # cells: a side of a window
AHEAD = 4  # windows that are made or wait to be written: 4 MB each


def windows(grid: Grid, size: tuple = WINDOW) -> list[tuple]:
    """Windows `(row, col, height, width)` that cover a grid, row by row."""
    return [(row, col, min(size[0], grid.height - row), min(size[1], grid.width - col))
            for row in range(0, grid.height, size[0]) for col in range(0, grid.width, size[1])]


def warp(dem: Dem, field: ShiftField, grid: Grid, kernel: str, path: str, executor: Executor, progress: Progress,
         tags: dict | None = None) -> None:
    """Write `dem` moved by `field`, heights raised by dz, at the cells of `grid`: float32, nodata kept."""
    nodata = float(np.float32(dem.nodata)) if dem.nodata is not None else NODATA
    with RasterWriter(path, grid, nodata=nodata, names=("elevation",), tags=tags) as writer:
        in_windows(warped_window, (dem, field, grid, kernel), grid, writer, executor, progress)


def in_windows(function, arguments: tuple, grid: Grid, writer: RasterWriter, executor: Executor, progress: Progress,
               band: int = 1) -> None:
    """Write `function(*arguments, window)` of every window, a few at a time so that memory stays bounded."""
    dems = [each for each in arguments if isinstance(each, Dem)]
    # Of a finer DEM many cells lie in one: a window is read within a moment all the same.
    finer = max([1.0, *(grid.cell_size() / dem.grid.cell_size() for dem in dems)])
    todo = windows(grid, tuple(max(SMALLEST, int(side / finer)) for side in WINDOW))
    tasks = [(*arguments, window) for window in todo]
    with small_cache(*dems), handed_on(*dems):
        for window, values in zip(todo, run_in_order(executor, function, tasks, AHEAD, progress, "Warping")):
            writer.write(values, window[0], window[1], band)


def warped_window(dem: Dem, field: ShiftField, grid: Grid, kernel: str, window: tuple) -> np.ndarray:
    """One window of the warped DEM; self-contained so that any worker can make it."""
    with Resampler(dem, grid, kernel, field) as resampler:
        return resampler.window(*window)


def replay_tags(secondary: Dem, grid: Grid, kernel: str, motion: Motion | None = None) -> dict:
    """What a shift raster must remember so that the warp of `secondary` can be repeated to the last bit."""
    bias = {}
    if motion and "elevation" in motion.names:
        bias = {TAG + "ELEVATION_BIAS": f"{motion.bias!r} {motion.level!r}"}
    return {TAG + "RESAMPLING": kernel, **bias, **_grid_tags("SECONDARY", secondary.grid), **_grid_tags("OUTPUT", grid)}


def replayed(tags: dict, dem: Dem) -> tuple[Grid, str]:
    """`(grid, kernel)` for applying saved shifts to `dem`: the first run's where `dem` has the secondary's cells.

    Any other raster, an orthophoto say, keeps its own grid and takes the kernel of the first run.
    """
    kernel = tags.get("RESAMPLING", "cubic")
    if kernel not in KERNELS:
        raise CoregistrationError(f"The shift rasters name the resampling '{kernel}', which is none of "
                                  f"{', '.join(KERNELS)}: take them as SHIFT_RASTERS was written.")
    secondary, output = _grid_of(tags, "SECONDARY"), _grid_of(tags, "OUTPUT")
    if secondary is not None and output is not None and secondary.same_cells(dem.grid):
        return output, kernel
    return dem.grid, kernel


def unbiased(tags: dict, dem: Dem) -> Dem:
    """`dem` with its heights read as the first run read them: without an elevation bias that it found."""
    if "ELEVATION_BIAS" not in tags:
        return dem
    bias, level = (float(value) for value in tags["ELEVATION_BIAS"].split())
    return without_bias(dem, bias, level)


def _grid_tags(role: str, grid: Grid) -> dict:
    return {
        f"{TAG}{role}_GEOTRANSFORM": " ".join(repr(float(value)) for value in grid.geotransform),
        f"{TAG}{role}_SIZE": f"{grid.width} {grid.height}",
        f"{TAG}{role}_CRS": grid.crs,
    }


def _grid_of(tags: dict, role: str) -> Grid | None:
    try:
        geotransform = tuple(float(value) for value in tags[f"{role}_GEOTRANSFORM"].split())
        width, height = (int(value) for value in tags[f"{role}_SIZE"].split())
        return Grid(geotransform, width, height, tags[f"{role}_CRS"])
    except (KeyError, ValueError):
        return None
