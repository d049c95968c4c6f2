"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

import numpy as np

from ..errors import OutputError
from .grid import Grid

NODATA = -9999.0


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[str]:
    """A temporary name beside `path`, renamed to it when the block ends well and removed otherwise."""
    folder = prepare_folder(path)
    stem, extension = os.path.splitext(os.path.basename(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{stem}-", suffix=extension, dir=folder)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose a folder that can be written.") from error
    os.close(handle)
    try:
        yield temporary
        try:
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except OSError as error:
            raise OutputError(f"Cannot write {path}: {error.strerror}. Is it open elsewhere?") from error
    finally:
        for leftover in (temporary, temporary + ".aux.xml", temporary + ".ovr", temporary + ".msk"):
            if os.path.exists(leftover):
                os.remove(leftover)


class Stage:
    """Results of one run that appear together: use as a context manager.

    `path(target)` gives a file of the same name in a hidden folder beside the target. When the block ends well all are
    moved into place, otherwise all are removed and what was there before stays.
    """

    def __init__(self):
        self._folders: list = []

    def __enter__(self) -> Stage:
        return self

    def path(self, target: str) -> str:
        """Where to write `target` for now, "" for ""."""
        if not target:
            return ""
        folder = prepare_folder(target)
        try:
            self._folders.append((tempfile.mkdtemp(prefix=".commonground-", dir=folder), folder))
        except OSError as error:
            raise OutputError(
                f"Cannot write {target}: {error.strerror}. Choose a folder that can be written.") from error
        return os.path.join(self._folders[-1][0], os.path.basename(target))

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                for staged, folder in self._folders:
                    for name in sorted(os.listdir(staged)):
                        _move(os.path.join(staged, name), os.path.join(folder, name))
        finally:
            for staged, _ in self._folders:
                shutil.rmtree(staged, ignore_errors=True)


def _move(source: str, target: str) -> None:
    try:
        os.replace(source, target)
    except OSError as error:
        raise OutputError(f"Cannot write {target}: {error.strerror}. Is it open elsewhere?") from error


def prepare_folder(path: str) -> str:
    """The folder of `path`, made where it was missing. Raises OutputError."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose another folder.") from error
    if os.path.isdir(path):
        raise OutputError(f"Cannot write {path}: it is a folder. Give the file a name.")
    return folder


def write_text(path: str, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all."""
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


class RasterWriter:
    """A raster being written: use as a context manager; the file appears when the block ends well.

    float32 unless `data_type` (a GDAL name) says otherwise; NaN is written as `nodata`. GeoTIFFs are tiled and
    compressed; other formats are made from such a file at the end, by their extension.
    """

    def __init__(self, path: str, grid: Grid, bands: int = 1, nodata: float | None = NODATA,
                 names: tuple = (), tags: dict | None = None, data_type: str = "Float32"):
        self.path, self.grid, self.bands, self.nodata = path, grid, bands, nodata
        self.names, self.tags, self.data_type = names, tags or {}, data_type
        self._files = contextlib.ExitStack()

    def __enter__(self) -> RasterWriter:
        from osgeo import gdal

        self._driver = driver_of(self.path)
        holder = whole_file if self._driver == "GTiff" else _scratch
        self._temporary = self._files.enter_context(holder(self.path))
        self._dataset = gdal.GetDriverByName("GTiff").Create(
            self._temporary, self.grid.width, self.grid.height, self.bands,
            gdal.GetDataTypeByName(self.data_type), creation_options(),
        )
        if self._dataset is None:
            reason = gdal.GetLastErrorMsg()
            self._files.close()
            raise OutputError(f"Cannot write {self.path}: {reason}")
        self._describe()
        return self

    def _describe(self) -> None:
        from osgeo import osr

        self._dataset.SetGeoTransform(self.grid.geotransform)
        reference = osr.SpatialReference()
        reference.ImportFromWkt(self.grid.crs)
        self._dataset.SetSpatialRef(reference)
        self._dataset.SetMetadata({key: str(value) for key, value in self.tags.items()})
        for index in range(1, self.bands + 1):
            band = self._dataset.GetRasterBand(index)
            if self.nodata is not None:
                band.SetNoDataValue(self.nodata)
            if index <= len(self.names):
                band.SetDescription(self.names[index - 1])

    def write(self, values: np.ndarray, row: int = 0, col: int = 0, band: int = 1) -> None:
        """Put a window of values at cell (row, col)."""
        if self.nodata is not None and not np.isnan(self.nodata) and values.dtype.kind == "f":
            values = np.where(np.isnan(values), values.dtype.type(self.nodata), values)
        if self._dataset.GetRasterBand(band).WriteArray(values, col, row) != 0:
            from osgeo import gdal

            raise OutputError(f"Cannot write {self.path}: {gdal.GetLastErrorMsg() or 'is the disk full?'}")

    def unit(self, band: int, name: str) -> None:
        """Say what a band's values are measured in."""
        self._dataset.GetRasterBand(band).SetUnitType(name)

    def like(self, band: int, source) -> None:
        """Take a GDAL band's meaning: colours, unit, scale and offset."""
        target = self._dataset.GetRasterBand(band)
        target.SetColorInterpretation(source.GetColorInterpretation())
        target.SetUnitType(source.GetUnitType() or "")
        if source.GetScale() not in (None, 1.0) or source.GetOffset() not in (None, 0.0):
            target.SetScale(source.GetScale() or 1.0)
            target.SetOffset(source.GetOffset() or 0.0)

    def __exit__(self, kind, error, trace) -> None:
        from osgeo import gdal

        gdal.ErrorReset()
        if self._dataset is not None:
            self._dataset.FlushCache()
        self._dataset = None
        failed = gdal.GetLastErrorMsg() if gdal.GetLastErrorType() >= gdal.CE_Failure else ""
        if kind is None and failed:
            problem = OutputError(f"Cannot write {self.path}: {failed}")
            self._files.__exit__(OutputError, problem, None)
            raise problem
        if kind is None and self._driver != "GTiff":
            self._convert()
        self._files.__exit__(kind, error, trace)

    def _convert(self) -> None:
        from osgeo import gdal

        with whole_file(self.path) as temporary:
            if gdal.Translate(temporary, self._temporary, format=self._driver) is None:
                raise OutputError(f"Cannot write {self.path}: {gdal.GetLastErrorMsg()}")


@contextlib.contextmanager
def _scratch(path: str) -> Iterator[str]:
    """A temporary GeoTIFF beside `path` that is always removed."""
    folder = prepare_folder(path)
    with tempfile.TemporaryDirectory(prefix=".commonground-", dir=folder) as scratch:
        yield os.path.join(scratch, "whole.tif")


def creation_options() -> list[str]:
    """GeoTIFF creation options: tiled, ZSTD level 1 where this GDAL has it, else DEFLATE; BigTIFF when needed."""
    from osgeo import gdal

    has_zstd = "ZSTD" in gdal.GetDriverByName("GTiff").GetMetadataItem("DMD_CREATIONOPTIONLIST")
    codec = ["COMPRESS=ZSTD", "ZSTD_LEVEL=1"] if has_zstd else ["COMPRESS=DEFLATE", "ZLEVEL=1"]
    return ["TILED=YES", "BIGTIFF=IF_SAFER", "PREDICTOR=2", *codec]


def driver_of(path: str) -> str:
    """The GDAL driver that writes a file of this name. Raises OutputError."""
    from osgeo import gdal

    extension = os.path.splitext(path)[1].lower().lstrip(".")
    if extension in ("tif", "tiff", ""):
        return "GTiff"
    for index in range(gdal.GetDriverCount()):
        driver = gdal.GetDriver(index)
        known = (driver.GetMetadataItem(gdal.DMD_EXTENSIONS) or "").lower().split()
        if extension in known and driver.GetMetadataItem(gdal.DCAP_RASTER) and (
            driver.GetMetadataItem(gdal.DCAP_CREATECOPY) or driver.GetMetadataItem(gdal.DCAP_CREATE)
        ):
            return driver.ShortName
    raise OutputError(f"Cannot write {path}: no raster format has the extension .{extension}. Use .tif.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
