"""Elevations in files: described once, read window by window."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from ..errors import RasterError
from .grid import Grid, crs_name

FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us-ft": 1200 / 3937, "us survey foot": 1200 / 3937,
        "ussurveyfoot": 1200 / 3937, "ftus": 1200 / 3937}


@dataclass(frozen=True)
class Dem:
    """One band of elevations: a path and what is needed to read it anywhere, on any machine.

    Heights are read in metres (scale, offset and feet applied), void cells as NaN. `factor` > 1 reads means of
    `factor` x `factor` cells, so that a finer DEM can be sampled at a coarser one's spacing.
    """

    path: str
    band: int
    grid: Grid
    nodata: float | None
    scale: float
    offset: float
    data_type: str
    bands: int
    factor: int = 1

    @classmethod
    def open(cls, path: str, band: int = 1, crs: str = "", colours: bool = False) -> Dem:
        """Describe a raster; `crs` (WKT) replaces what the file says, `colours` allows images. Raises RasterError."""
        dataset = open_dataset(path)
        if not 1 <= band <= dataset.RasterCount:
            raise RasterError(f"{_name(path)} has {dataset.RasterCount} band(s), not a band {band}.")
        geotransform = dataset.GetGeoTransform(can_return_null=True)
        if geotransform is None:
            raise RasterError(f"{_name(path)} has no georeference: give it a geotransform (Georeferencer) first.")
        wkt = crs or _wkt(dataset)
        if not wkt:
            raise RasterError(
                f"{_name(path)} has no coordinate reference system: assign one (Layer > Set CRS) and run again."
            )
        source = dataset.GetRasterBand(band)
        if not colours and (source.GetColorTable() is not None or source.DataType in _complex_types()):
            raise RasterError(f"{_name(path)} holds colours or complex numbers, not elevations: choose a DEM.")
        if geotransform[1] * geotransform[5] - geotransform[2] * geotransform[4] == 0:
            raise RasterError(f"{_name(path)} has cells without area: mend its georeference first.")
        feet = FEET.get((source.GetUnitType() or "").strip().lower(), 1.0)
        scale, offset = source.GetScale(), source.GetOffset()
        from osgeo import gdal

        dem = cls(
            path=path,
            band=band,
            grid=Grid(tuple(geotransform), dataset.RasterXSize, dataset.RasterYSize, wkt),
            nodata=source.GetNoDataValue(),
            scale=(1.0 if scale is None else scale) * feet,
            offset=(0.0 if offset is None else offset) * feet,
            data_type=gdal.GetDataTypeName(source.DataType),
            bands=dataset.RasterCount,
        )
        dem.grid.cell_size()
        return dem

    @property
    def name(self) -> str:
        """The file's name, for people."""
        return _name(self.path)

    @property
    def crs_name(self) -> str:
        """The CRS as people name it."""
        return crs_name(self.grid.crs)

    def coarsened(self, factor: int) -> Dem:
        """This DEM read as means of `factor` x `factor` cells."""
        if factor <= 1:
            return self
        return Dem(self.path, self.band, self.grid.coarsened(factor), self.nodata, self.scale, self.offset,
                   self.data_type, self.bands, self.factor * factor)

    def read(self, row: int = 0, col: int = 0, height: int | None = None, width: int | None = None) -> np.ndarray:
        """One window, float32; for many windows use `Reader`."""
        with Reader(self) as reader:
            return reader.read(row, col, self.grid.height if height is None else height,
                               self.grid.width if width is None else width)


class Reader:
    """An open DEM. GDAL handles belong to one thread: open one reader in each."""

    def __init__(self, dem: Dem):
        self.dem = dem
        self._dataset = open_dataset(dem.path)
        self._band = self._dataset.GetRasterBand(dem.band)
        self._masked = _has_mask(self._band)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._band = self._dataset = None

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Heights of a window, float32 `(height, width)`, NaN where void or beyond the raster."""
        grid = self.dem.grid
        heights = np.full((height, width), np.nan, dtype=np.float32)
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + height, grid.height), min(col + width, grid.width)
        if bottom > top and right > left:
            heights[top - row:bottom - row, left - col:right - col] = self._inside(top, left, bottom, right)
        return heights

    def _inside(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        from osgeo import gdal

        factor = self.dem.factor
        window = {"xoff": left * factor, "yoff": top * factor,
                  "win_xsize": (right - left) * factor, "win_ysize": (bottom - top) * factor,
                  "buf_xsize": right - left, "buf_ysize": bottom - top}
        if factor > 1:
            window["resample_alg"] = gdal.GRIORA_Average
        values = self._band.ReadAsArray(**window)
        if values is None:
            raise RasterError(f"{self.dem.name} cannot be read (damaged file?): {gdal.GetLastErrorMsg()}")
        void = self._void(values)
        heights = values.astype(np.float32, copy=values.dtype == np.float32)
        if self.dem.scale != 1.0 or self.dem.offset != 0.0:
            heights = (values * self.dem.scale + self.dem.offset).astype(np.float32)
        if self._masked:
            window["resample_alg"] = gdal.GRIORA_NearestNeighbour
            void |= self._band.GetMaskBand().ReadAsArray(**window) == 0
        heights[void] = np.nan
        return heights

    def _void(self, values: np.ndarray) -> np.ndarray:
        void = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
        nodata = self.dem.nodata
        if nodata is not None and not np.isnan(nodata):
            void |= values == (np.float32(nodata) if values.dtype == np.float32 else nodata)
        return void


def open_dataset(path: str):
    """A GDAL dataset for reading. Raises RasterError with GDAL's own reason."""
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_READONLY)
    except RuntimeError as error:
        raise RasterError(f"{_name(path)} cannot be opened as a raster: {error}") from error
    finally:
        gdal.PopErrorHandler()
    if dataset is None:
        raise RasterError(f"{_name(path)} cannot be opened as a raster: {gdal.GetLastErrorMsg() or 'no such file'}")
    if dataset.RasterCount == 0:
        raise RasterError(f"{_name(path)} has no band: choose one of its subdatasets.")
    return dataset


def _has_mask(band) -> bool:
    from osgeo import gdal

    flags = band.GetMaskFlags()
    return not flags & (gdal.GMF_ALL_VALID | gdal.GMF_NODATA)


def _wkt(dataset) -> str:
    reference = dataset.GetSpatialRef()
    return reference.ExportToWkt(["FORMAT=WKT2_2018"]) if reference is not None else ""


def _complex_types() -> tuple:
    from osgeo import gdal

    return gdal.GDT_CInt16, gdal.GDT_CInt32, gdal.GDT_CFloat32, gdal.GDT_CFloat64


def _name(path: str) -> str:
    return os.path.basename(path.rstrip("/")) or path
