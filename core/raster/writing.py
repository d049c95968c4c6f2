"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator

import numpy as np

from ..errors import OutputError
from ..gdal_calls import attempted
from ..progress import Cancelled, Progress
from .cache import small_cache
from .dem import Dem
from .grid import Grid

NODATA = -9999.0
HIDDEN = ".commonground-"
"""How the names of folders begin in which results wait to be whole; one that a killed run left can be deleted."""
SIDECARS = (".aux.xml", ".ovr", ".msk", ".msk.ovr")
LAYOUTS = ("plain", "overviews", "cog")
SMALLEST_OVERVIEW = 256
LINES = 256  # are marked and written at once: a row of tiles, small enough for the processor's cache


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[str]:
    """A temporary name beside `path`, renamed to it when the block ends well and removed otherwise."""
    if is_virtual(path):
        with _whole_virtual(path) as temporary:
            yield temporary
        return
    folder = prepare_folder(path)
    stem, extension = os.path.splitext(os.path.basename(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=f"{HIDDEN}{stem}-", suffix=extension, dir=folder)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose a folder that can be written.") from error
    os.close(handle)
    try:
        try:
            yield temporary
            os.chmod(temporary, 0o666 & ~_umask())
        except OSError as error:
            if error.filename not in (None, temporary):
                raise
            raise OutputError(f"Cannot write {shown(path)}: {error.strerror}. Choose a disk with room, and a folder "
                              "that can be written.") from error
        _move(temporary, path)
    finally:
        for leftover in (temporary, *(temporary + ending for ending in SIDECARS)):
            if os.path.exists(leftover):
                os.remove(leftover)


@contextlib.contextmanager
def _whole_virtual(path: str) -> Iterator[str]:
    folder = f"{os.path.dirname(path)}/{HIDDEN}{secrets.token_hex(16)}"
    temporary = f"{folder}/{os.path.basename(path)}"
    try:
        yield temporary
        _rename_virtual(temporary, path)
    finally:
        remove_folder(folder)


def _rename_virtual(source: str, target: str) -> None:
    from osgeo import gdal

    if attempted(gdal.Rename, source, target)[0] != 0:
        raise OutputError(f"Cannot write {target}: GDAL cannot rename files there. Choose a folder of this machine.")


def is_virtual(path: str) -> bool:
    """True for a file that only GDAL sees: in memory, in an archive, on a server."""
    return path.startswith("/vsi")


class Stage:
    """Results of one run that appear together: use as a context manager.

    `path(target)` gives a file of the same name in a hidden folder beside the target. When the block ends well all are
    moved into place, in the order in which they were named; otherwise all are removed and what was there before
    stays. `prefix` is that of the hidden folders.
    """

    def __init__(self, prefix: str = HIDDEN):
        self._prefix = prefix
        self._folders: list = []

    def __enter__(self) -> Stage:
        return self

    def path(self, target: str) -> str:
        """Where to write `target` for now, "" for ""."""
        if not target:
            return ""
        folder = prepare_folder(target)
        if is_virtual(target):
            self._folders.append((f"{folder}/{self._prefix}{secrets.token_hex(16)}", folder))
            return f"{self._folders[-1][0]}/{os.path.basename(target)}"
        try:
            self._folders.append((tempfile.mkdtemp(prefix=self._prefix, dir=folder), folder))
        except OSError as error:
            raise OutputError(
                f"Cannot write {target}: {error.strerror}. Choose a folder that can be written.") from error
        return os.path.join(self._folders[-1][0], os.path.basename(target))

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                for staged, folder in self._folders:
                    for name in _names_in(staged):
                        _move(os.path.join(staged, name), os.path.join(folder, name))
        finally:
            for staged, _ in self._folders:
                remove_folder(staged)


def _names_in(folder: str) -> list[str]:
    if not is_virtual(folder):
        return sorted(os.listdir(folder))
    from osgeo import gdal

    return sorted(name for name in gdal.ReadDir(folder) or () if name not in (".", ".."))


def remove_folder(folder: str) -> None:
    """Remove a folder, of GDAL's memory too, and all that is in it; one that is not there is no failure."""
    if not is_virtual(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return
    from osgeo import gdal

    attempted(gdal.RmdirRecursive, folder)


def _move(source: str, target: str) -> None:
    if is_virtual(target):
        _rename_virtual(source, target)
        return
    try:
        for stale in (target + ending for ending in SIDECARS):
            # Those of the new raster follow it: they were staged in the same folder, under later names.
            if not target.endswith(SIDECARS) and os.path.exists(stale):
                os.remove(stale)
        os.replace(source, target)
    except OSError as error:
        raise OutputError(f"Cannot write {shown(target)}: {error.strerror}. Is it open elsewhere?") from error


def shown(path: str) -> str:
    """A path as the user knows it: without the hidden folder in which it waits to be whole."""
    folder, name = os.path.split(path)
    home, last = os.path.split(folder)
    return os.path.join(home, name) if last.startswith(HIDDEN) else path


def prepare_folder(path: str) -> str:
    """The folder of `path`, made where it was missing. Raises OutputError."""
    if is_virtual(path):
        return os.path.dirname(path)
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose another folder.") from error
    if os.path.isdir(path):
        raise OutputError(f"Cannot write {path}: it is a folder. Give the file a name.")
    return folder


def write_text(path: str, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all. Raises OutputError."""
    if is_virtual(path):
        _write_virtual(path, text.encode("utf-8"))
        return
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)


def _write_virtual(path: str, content: bytes) -> None:
    from osgeo import gdal

    with whole_file(path) as temporary:
        file, reason = attempted(gdal.VSIFOpenL, temporary, "wb")
        if file:
            written, reason = attempted(gdal.VSIFWriteL, content, 1, len(content), file)
            gdal.VSIFCloseL(file)
        if not file or written != len(content):
            raise OutputError(f"Cannot write {path}: {reason or 'nothing can be written there'}.")


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
        holder = whole_file if self._driver == "GTiff" else scratch_file
        self._temporary = self._files.enter_context(holder(self.path))
        self._dataset, reason = attempted(
            gdal.GetDriverByName("GTiff").Create, self._temporary, self.grid.width, self.grid.height, self.bands,
            gdal.GetDataTypeByName(self.data_type), creation_options(self.data_type),
        )
        if self._dataset is None:
            self._files.close()
            raise OutputError(f"Cannot write {shown(self.path)}: {reason}")
        self._describe()
        return self

    def _describe(self) -> None:
        from osgeo import osr

        self._dataset.SetGeoTransform(self.grid.geotransform)
        reference = osr.SpatialReference()
        reference.ImportFromWkt(self.grid.crs)
        if reference.IsVertical() and reference.GetTargetLinearUnits("VERT_CS") != 1.0:
            # What is written is metres: a vertical axis in feet would make readers convert it again.
            reference.StripVertical()
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
        target = self._dataset.GetRasterBand(band)
        marks = self.nodata is not None and not np.isnan(self.nodata) and values.dtype.kind == "f"
        for top in range(0, len(values), LINES):
            part = values[top:top + LINES]
            if marks:
                part = _marked(part, values.dtype.type(self.nodata))
            failed, reason = attempted(target.WriteArray, part, col, row + top)
            if failed != 0:
                raise OutputError(f"Cannot write {shown(self.path)}: {reason or 'is the disk full?'}")

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
        _, failed = attempted(self._dataset.FlushCache)
        self._close()
        failed = failed or (gdal.GetLastErrorMsg() if gdal.GetLastErrorType() >= gdal.CE_Failure else "")
        if kind is None and failed:
            problem = OutputError(f"Cannot write {shown(self.path)}: {failed}")
            self._files.__exit__(OutputError, problem, None)
            raise problem
        if kind is None and self._driver != "GTiff":
            self._convert()
        self._files.__exit__(kind, error, trace)

    def _close(self) -> None:
        """Closing is where a full disk shows last; as an exception of a destructor it would be lost."""
        from osgeo import gdal

        raises = gdal.GetUseExceptions()
        gdal.DontUseExceptions()
        self._dataset = None
        if raises:
            gdal.UseExceptions()

    def _convert(self) -> None:
        from osgeo import gdal

        with whole_file(self.path) as temporary:
            made, reason = attempted(gdal.Translate, temporary, self._temporary, format=self._driver)
            if made is None:
                raise OutputError(f"Cannot write {shown(self.path)}: {reason}")


@contextlib.contextmanager
def scratch_file(path: str) -> Iterator[str]:
    """A temporary GeoTIFF beside `path` that is always removed."""
    if is_virtual(path):
        folder = f"/vsimem/{HIDDEN}{secrets.token_hex(16)}"
        try:
            yield f"{folder}/whole.tif"
        finally:
            remove_folder(folder)
        return
    folder = prepare_folder(path)
    try:
        holder = tempfile.TemporaryDirectory(prefix=HIDDEN, dir=folder)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose a folder that can be written.") from error
    with holder as scratch:
        yield os.path.join(scratch, "whole.tif")


def _marked(values: np.ndarray, mark) -> np.ndarray:
    """Voids get the mark; a height that comes to it by chance gives way to its neighbour among the floats."""
    least = values.min(initial=np.inf)
    # NaN is contagious: the minimum finds it in a sixth of the time that a mask takes.
    void = np.isnan(values) if np.isnan(least) else None
    if void is not None:
        least = np.fmin.reduce(values, axis=None)
    if least <= mark:
        values = np.where(values == mark, np.nextafter(mark, type(mark)(np.inf)), values)
    if void is not None:
        values = values.copy()
        np.copyto(values, mark, where=void)
    return values


def creation_options(data_type: str = "Float32") -> list[str]:
    """GeoTIFF creation options: tiled, ZSTD level 1 where this GDAL has it, else DEFLATE; BigTIFF when needed.

    Of the predictors the one that costs this codec the least time: measured on float32 terrain, ZSTD takes 7 ns a
    pixel with 2 and 14 with 3, DEFLATE 36 and 25.
    """
    if _has_zstd("GTiff"):
        codec = ["COMPRESS=ZSTD", "ZSTD_LEVEL=1", "PREDICTOR=2"]
    else:
        codec = ["COMPRESS=DEFLATE", "ZLEVEL=1", f"PREDICTOR={3 if data_type.startswith('Float') else 2}"]
    return ["TILED=YES", "BIGTIFF=IF_SAFER", *codec]


def _has_zstd(driver: str) -> bool:
    from osgeo import gdal

    return "ZSTD" in gdal.GetDriverByName(driver).GetMetadataItem("DMD_CREATIONOPTIONLIST")


def require_layout(path: str, layout: str) -> None:
    """Raise OutputError where a file of this name cannot have this layout."""
    if layout != "plain" and driver_of(path) != "GTiff":
        raise OutputError(f"LAYOUT={layout} is for GeoTIFFs: name the file .tif, or choose LAYOUT=plain.")


def arrange(path: str, layout: str, progress: Progress, resampling: str = "AVERAGE") -> None:
    """Give the finished GeoTIFF `path` the `layout`: one of LAYOUTS.

    `overviews` are added inside the file, each half the one before, where it has none; `cog` rewrites it as a Cloud
    Optimized GeoTIFF.
    `resampling` is what makes them: NEAREST where values must not mix. Raises OutputError, Cancelled.
    """
    require_layout(path, layout)
    if layout == "plain":
        return
    with small_cache(Dem.open(path, colours=True)):
        (_make_cog if layout == "cog" else _add_overviews)(path, resampling, progress)


def _add_overviews(path: str, resampling: str, progress: Progress) -> None:
    from osgeo import gdal

    dataset, reason = attempted(gdal.OpenEx, path, gdal.OF_RASTER | gdal.OF_UPDATE)
    if dataset is None:
        raise OutputError(f"Cannot add overviews to {shown(path)}: {reason}")
    if dataset.GetRasterBand(1).GetOverviewCount():
        return
    side, levels = max(dataset.RasterXSize, dataset.RasterYSize), []
    while side > SMALLEST_OVERVIEW << len(levels):
        levels.append(2 << len(levels))
    watch = GdalProgress(progress, "Overviews")
    if not levels:
        return
    failed, reason = attempted(dataset.BuildOverviews, resampling, levels, callback=watch)
    if failed != 0:
        watch.failed(OutputError(f"Cannot add overviews to {shown(path)}: {reason}"))


def _make_cog(path: str, resampling: str, progress: Progress) -> None:
    from osgeo import gdal

    codec = ["COMPRESS=ZSTD", "LEVEL=1", "PREDICTOR=STANDARD"]
    if not _has_zstd("COG"):
        codec = ["COMPRESS=DEFLATE", "LEVEL=1", "PREDICTOR=YES"]
    watch = GdalProgress(progress, "Cloud Optimized GeoTIFF")
    with whole_file(path) as temporary:
        source = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_READONLY)
        if source.GetRasterBand(1).GetMetadataItem("NBITS", "IMAGE_STRUCTURE"):
            codec = codec[:-1]  # no predictor knows cells that end inside a byte
        made, reason = attempted(
            gdal.GetDriverByName("COG").CreateCopy, temporary, source, 0,
            [*codec, "BIGTIFF=IF_SAFER", f"RESAMPLING={resampling}"], callback=watch)
        if made is None:
            watch.failed(OutputError(f"Cannot write {shown(path)}: {reason}"))
        source = made = None  # Windows renames no file that is open


class GdalProgress:
    """Core's progress as the callback of a GDAL function, which it stops when the user cancels."""

    def __init__(self, progress: Progress, message: str):
        self._progress, self._message = progress, message
        self._cancelled: Cancelled | None = None

    def __call__(self, fraction: float, _message, _data) -> int:
        """1 to go on, 0 to stop."""
        try:
            self._progress.step(fraction, self._message)
        except Cancelled as cancelled:
            self._cancelled = cancelled
        return 0 if self._cancelled else 1

    def failed(self, error: Exception) -> None:
        """Raise Cancelled where that is why the function gave up, else `error`."""
        raise self._cancelled or error


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
    raise OutputError(f"Cannot write {shown(path)}: no raster format has the extension .{extension}. Use .tif.")


def _umask() -> int:
    # For the moment between, other threads had better make private files than public ones.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
