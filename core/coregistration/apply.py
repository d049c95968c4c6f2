"""Saved shifts replayed on any raster of the same flight."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from ..errors import CoregistrationError
from ..progress import Part, Progress
from ..raster.dem import Dem, open_dataset
from ..raster.grid import Grid
from ..raster.resampling import Resampler
from ..raster.writing import NODATA, RasterWriter
from .shift_field import ShiftField
from .warp import in_windows, warp


def apply_shifts(dem: Dem, field: ShiftField, grid: Grid, kernel: str, vertical: bool | None, path: str,
                 executor: Executor, progress: Progress) -> None:
    """Write the raster of `dem` moved by `field` at the cells of `grid`.

    `vertical` adds dz to the values: a DEM of one band becomes float32. Without it every band keeps its type.
    None means true for a single band of floats or signed integers, as DEMs have; other rasters must be told.
    Raises CoregistrationError, OutputError.
    """
    if vertical is None:
        if dem.bands != 1 or not dem.data_type.startswith(("Float", "Int")):
            raise CoregistrationError(
                f"{dem.name} has {dem.bands} band(s) of {dem.data_type}: set VERTICAL to true if they are heights, "
                "to false for an image.")
        vertical = True
    if vertical and (dem.bands != 1 or dem.data_type == "Byte"):
        raise CoregistrationError(
            f"dz cannot be added to {dem.name}, which has {dem.bands} band(s) of {dem.data_type}: "
            "set VERTICAL to false.")
    if vertical:
        warp(dem, field, grid, kernel, path, executor, progress)
    else:
        _warp_bands(dem, field, grid, kernel, path, executor, progress)


def _warp_bands(dem, field, grid, kernel, path, executor, progress) -> None:
    source = open_dataset(dem.path)
    nodata = dem.nodata
    if nodata is None and dem.data_type.startswith("Float"):
        nodata = NODATA
    names = tuple(source.GetRasterBand(band).GetDescription() for band in range(1, dem.bands + 1))
    with RasterWriter(path, grid, dem.bands, nodata, names, source.GetMetadata(), dem.data_type) as writer:
        for band in range(1, dem.bands + 1):
            one = replace(dem, band=band, scale=1.0, offset=0.0,
                          nodata=source.GetRasterBand(band).GetNoDataValue())
            part = Part(progress, (band - 1) / dem.bands, band / dem.bands)
            writer.like(band, source.GetRasterBand(band))
            in_windows(_image_window, (one, field, grid, kernel, nodata), grid, writer, executor, part, band)


def _image_window(dem: Dem, field: ShiftField, grid: Grid, kernel: str, nodata, window: tuple) -> np.ndarray:
    with Resampler(dem, grid, kernel, field, vertical=False) as resampler:
        values = resampler.window(*window)
    if dem.data_type.startswith("Float"):
        return values
    from osgeo import gdal, gdal_array

    kind = gdal_array.GDALTypeCodeToNumericTypeCode(gdal.GetDataTypeByName(dem.data_type))
    limits = np.iinfo(kind)
    void = np.isnan(values)
    values = np.clip(np.rint(np.where(void, 0, values)), limits.min, limits.max).astype(kind)
    values[void] = 0 if nodata is None else kind(nodata)
    return values
