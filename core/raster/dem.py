"""Elevations in files: described once, read window by window."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..errors import RasterError
from ..gdal_calls import attempted
from .grid import Grid, crs_name
from .turns import Reading

FILL = 1e30
"""Floats beyond this are no quantity of the ground but fill values whose nodata got lost."""
ALL = slice(None)  # lines
FAR = 128  # lines from one stripe to the next: at least half a tile, as a rule
SKIPPED = 2_000  # cells between two lines: fewer are read with them, sooner than by another call
_FOOT, _SURVEY_FOOT = 0.3048, 1200 / 3937
METRES = {"ft": _FOOT, "foot": _FOOT, "feet": _FOOT, "us-ft": _SURVEY_FOOT, "us survey foot": _SURVEY_FOOT,
          "ussurveyfoot": _SURVEY_FOOT, "ftus": _SURVEY_FOOT, "mm": 1e-3, "millimetre": 1e-3, "millimeter": 1e-3,
          "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "dm": 0.1, "decimetre": 0.1, "decimeter": 0.1,
          "km": 1000.0, "kilometre": 1000.0, "kilometer": 1000.0}
"""Metres per unit of height, by its name in lower case; whatever else a band says is taken as it is."""
_kept = threading.local()
_waiting: list[dict[tuple, list]] = []
_lock = threading.Lock()


@dataclass(frozen=True)
class Dem:
    """One band of elevations: a path and what is needed to read it anywhere, on any machine.

    Heights are read in metres (scale, offset and unit applied), void cells as NaN. `factor` > 1 reads means of
    `factor` x `factor` cells, so that a finer DEM can be sampled at a coarser one's spacing. `origin` is the file's
    (row, col) at which the grid starts.
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
    origin: tuple = (0, 0)

    @classmethod
    def open(cls, path: str, band: int = 1, crs: str = "", colours: bool = False) -> Dem:
        """Describe a raster; `crs` (WKT) replaces what the file says, `colours` allows images. Raises RasterError."""
        from osgeo import gdal

        dataset = open_dataset(path)
        if not 1 <= band <= dataset.RasterCount:
            raise RasterError(f"{_name(path)} has {dataset.RasterCount} band(s), not a band {band}.")
        geotransform, damage = attempted(dataset.GetGeoTransform, can_return_null=True)
        if damage:
            raise RasterError(f"{_name(path)} cannot be read (damaged file?): {damage}")
        if geotransform is None:
            raise RasterError(f"{_name(path)} has no georeference: give it a geotransform (Georeferencer) first.")
        if not np.isfinite(geotransform).all():
            raise RasterError(f"{_name(path)} has a georeference that is not a number: mend it (Georeferencer) first.")
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
        metres = _metres(dataset, source, bool(crs))
        scale, offset = source.GetScale(), source.GetOffset()
        if scale is not None and (scale == 0 or not np.isfinite([scale, offset or 0.0]).all()):
            raise RasterError(f"{_name(path)} has a scale of {scale:g} and an offset of {offset or 0.0:g}: such cells "
                              "hold no heights; mend them (gdal_translate -a_scale 1 -a_offset 0).")
        dem = cls(
            path=path,
            band=band,
            grid=Grid(tuple(geotransform), dataset.RasterXSize, dataset.RasterYSize, wkt),
            nodata=source.GetNoDataValue(),
            scale=(1.0 if scale is None else scale) * metres,
            offset=(0.0 if offset is None else offset) * metres,
            data_type=gdal.GetDataTypeName(source.DataType),
            bands=dataset.RasterCount,
        )
        try:
            dem.grid.check()
        except RasterError as error:
            raise RasterError(f"{dem.name} cannot be placed: {error}") from error
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
        return replace(self, grid=self.grid.coarsened(factor), factor=self.factor * factor)

    def part(self, row: int, col: int, height: int, width: int) -> Dem:
        """A window of this DEM as one of its own: beyond it all is void."""
        origin = self.origin[0] + row * self.factor, self.origin[1] + col * self.factor
        return replace(self, grid=self.grid.window(row, col, height, width), origin=origin)

    def read(self, row: int = 0, col: int = 0, height: int | None = None, width: int | None = None) -> np.ndarray:
        """One window, float32; for many windows use `Reader`."""
        with Reader(self) as reader:
            return reader.read(row, col, self.grid.height if height is None else height,
                               self.grid.width if width is None else width)


class Reader:
    """An open DEM. GDAL handles belong to one thread: open one reader in each."""

    def __init__(self, dem: Dem):
        self.dem = dem
        (self._dataset, self._band, self._masked), self._alone = _opened(dem)
        # Of other formats, mosaics say, it is not certain which lines a coarser reading takes.
        self._exact = dem.factor == 1 and self._dataset.GetDriver().ShortName == "GTiff"

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        found, self._dataset, self._band = (self._dataset, self._band, self._masked), None, None
        if found[0] is not None and self._alone:
            _hand_on((self.dem.path, self.dem.band), found)

    def read(self, row: int, col: int, height: int, width: int, lines=ALL) -> np.ndarray:
        """Heights of a window, float32 `(height, width)`, NaN where void or beyond the raster.

        Of the window's rows only `lines` (a slice or rising indices) are kept; those far apart are read one by one.
        """
        grid = self.dem.grid
        top, left = max(row, 0), max(col, 0)
        bottom, right = min(row + height, grid.height), min(col + width, grid.width)
        if lines is ALL:
            return self._whole(top, left, bottom, right, (row, col, height, width))
        lines = np.arange(row, row + height)[lines]
        heights = np.full((lines.size, width), np.nan, dtype=np.float32)
        first, last = np.searchsorted(lines, (top, bottom))
        if last > first and right > left:
            inside = lines[first:last]
            heights[first:last, left - col:right - col] = self._lines(left, right, inside)
        return heights

    def _lines(self, left: int, right: int, lines: np.ndarray) -> np.ndarray:
        steps = np.diff(lines)
        if self._exact and lines.size > 1 and steps[0] > 1 and (steps == steps[0]).all():
            return self._inside(left, right, [range(int(lines[0]), int(lines[-1]) + 1, int(steps[0]))])
        ends = np.flatnonzero((steps - 1) * (right - left) > SKIPPED)
        starts, ends = lines[[0, *(ends + 1)]], lines[[*ends, -1]] + 1
        values = self._inside(left, right, [range(*run) for run in zip(starts.tolist(), ends.tolist())])
        if len(values) == lines.size:
            return values
        # Where among all that was read: what lies between the runs was not.
        run = np.searchsorted(starts, lines, side="right") - 1
        return values[lines - starts[run] + (np.cumsum(ends - starts) - (ends - starts))[run]]

    def stripes(self, top: int, period: int, count: int, deep: int, left: int, width: int) -> np.ndarray:
        """Heights `(deep, count, width)`, as by `read`: lines `top`, `top` + `period`, ..., then those below, ..."""
        # Of stripes far apart each goes through many tiles, which had better be read once.
        if not self._exact or period > FAR:
            lines = top + np.arange(deep)[:, None] + np.arange(count) * period
            rising = np.unique(lines)
            heights = self.read(int(rising[0]), left, int(rising[-1] - rising[0]) + 1, width, rising - rising[0])
            return heights[np.searchsorted(rising, lines)]
        grid = self.dem.grid
        first, beyond = max(left, 0), min(left + width, grid.width)
        # Of each row of lines those that lie in the raster.
        inside = [slice(max(0, -(line // period)), max(0, min(count, -((line - grid.height) // period))))
                  for line in range(top, top + deep)]
        runs = [range(line, line + count * period, period)[some] for line, some in zip(range(top, top + deep), inside)]
        size = sum(map(len, runs))
        if size == deep * count and beyond - first == width:
            return self._inside(first, beyond, runs).reshape(deep, count, width)
        heights = np.full((deep, count, width), np.nan, dtype=np.float32)
        if size and beyond > first:
            values, done = self._inside(first, beyond, [run for run in runs if run]), 0
            for row, some, run in zip(heights, inside, runs):
                row[some, first - left:beyond - left] = values[done:done + len(run)]
                done += len(run)
        return heights

    def _whole(self, top: int, left: int, bottom: int, right: int, window: tuple) -> np.ndarray:
        row, col, height, width = window
        if (bottom - top, right - left) == (height, width):
            return self._inside(left, right, [range(top, bottom)])
        heights = np.full((height, width), np.nan, dtype=np.float32)
        if bottom > top and right > left:
            heights[top - row:bottom - row, left - col:right - col] = self._inside(left, right, [range(top, bottom)])
        return heights

    def _inside(self, left: int, right: int, runs: list[range]) -> np.ndarray:
        """Heights of `runs` of lines, one below the other."""
        values = self._cells(self._band, left, right, runs, average=True)
        void = self._void(values)
        if self._masked:
            masked = self._cells(self._band.GetMaskBand(), left, right, runs, average=False) == 0
            void = masked if void is None else void | masked
        if self.dem.scale != 1.0 or self.dem.offset != 0.0:
            values = values * self.dem.scale + self.dem.offset
        heights = values.astype(np.float32, copy=False)
        if void is not None:
            np.copyto(heights, np.nan, where=void)
        return heights

    def _cells(self, band, left: int, right: int, runs: list[range], average: bool) -> np.ndarray:
        """What a band holds, as it is; of a coarser DEM means, or single cells."""
        from osgeo import gdal, gdal_array

        kind = gdal_array.GDALTypeCodeToNumericTypeCode(band.DataType)
        values = np.empty((sum(map(len, runs)), right - left), dtype=kind)
        how = gdal.GRIORA_Average if average and self.dem.factor > 1 else gdal.GRIORA_NearestNeighbour
        done = 0
        for run in runs:
            for lines in self._in_one_go(run):
                self._fill(band, values[done:done + len(lines)], left, lines, how)
                done += len(lines)
        return values

    def _in_one_go(self, lines: range) -> list[range]:
        """The parts of evenly spaced lines that GDAL reads as one: it takes the middle one of those that it skips."""
        if lines.step == 1 or len(lines) == 1:
            return [lines]
        over, under = lines.step // 2, self.dem.grid.height - lines.step + lines.step // 2
        start = next((k for k, line in enumerate(lines) if line >= over), len(lines))
        end = next((k for k in range(len(lines), start, -1) if lines[k - 1] <= under), start)
        alone = [lines[k:k + 1] for k in (*range(start), *range(end, len(lines)))]
        return [*alone[:start], *([lines[start:end]] if end > start else []), *alone[start:]]

    def _fill(self, band, values: np.ndarray, left: int, lines: range, how: int) -> None:
        """Read lines, several of a range with steps in one go."""
        from osgeo import gdal

        factor, (first_row, first_col) = self.dem.factor, self.dem.origin
        skipped = lines.step if len(lines) > 1 else 1
        place = {"xoff": first_col + left * factor, "yoff": first_row + (lines[0] - skipped // 2) * factor,
                 "win_xsize": values.shape[1] * factor, "win_ysize": len(lines) * skipped * factor}
        try:
            with Reading():
                filled = band.ReadAsArray(**place, buf_obj=values, resample_alg=how)
        except RuntimeError as error:
            raise RasterError(f"{self.dem.name} cannot be read (damaged file?): {error}") from error
        if filled is None:
            raise RasterError(f"{self.dem.name} cannot be read (damaged file?): {gdal.GetLastErrorMsg()}")

    def _void(self, values: np.ndarray) -> np.ndarray | None:
        """Which cells hold no height, but for those that are NaN already; None where all do."""
        nodata = self.dem.nodata
        if nodata is not None and values.dtype == np.float32:
            nodata = np.float32(nodata)
        least, most = (values.min(), values.max()) if values.size else (0, 0)
        void = None
        # NaN is neither below nor above.
        if not (least > -FILL and most < FILL):
            void = np.abs(values) >= FILL
        if nodata is not None and not (nodata < least or most < nodata):
            marked = values == nodata
            void = marked if void is None else void | marked
        return void


@contextlib.contextmanager
def kept_open() -> Iterator[None]:
    """As long as the block lasts, Readers of this thread open each file only once."""
    if getattr(_kept, "files", None) is not None:
        yield
        return
    _kept.files = {}
    try:
        yield
    finally:
        files, _kept.files = _kept.files, None
        for key, found in files.items():
            _hand_on(key, found)


@contextlib.contextmanager
def handed_on(*dems: Dem) -> Iterator[None]:
    """As long as the block lasts, a file of `dems` that a Reader is done with waits open for the next, in any thread.

    What GDAL has read and decoded goes with the dataset, and neighbouring windows share tiles.
    """
    files: dict[tuple, list] = {(dem.path, dem.band): [] for dem in dems}
    with _lock:
        _waiting.append(files)
    try:
        yield
    finally:
        with _lock:
            _waiting[:] = [others for others in _waiting if others is not files]


def _opened(dem: Dem) -> tuple:
    """`((dataset, band, whether it has a mask of its own), whether nobody else reads from it)`."""
    files, key = getattr(_kept, "files", None), (dem.path, dem.band)
    if files is None:
        return _waited(key) or _open(dem), True
    if key not in files:
        files[key] = _waited(key) or _open(dem)
    return files[key], False


def _open(dem: Dem) -> tuple:
    dataset = open_dataset(dem.path)
    band = dataset.GetRasterBand(dem.band)
    return dataset, band, _has_mask(band, dem.name)


def _waited(key: tuple) -> tuple | None:
    with _lock:
        return next((files[key].pop() for files in _waiting if files.get(key)), None)


def _hand_on(key: tuple, found: tuple) -> None:
    with _lock:
        for files in _waiting:
            if key in files:
                files[key].append(found)
                return


def open_dataset(path: str):
    """A GDAL dataset for reading. Raises RasterError with GDAL's own reason."""
    from osgeo import gdal

    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dataset = gdal.OpenEx(path, gdal.OF_RASTER | gdal.OF_READONLY | gdal.OF_VERBOSE_ERROR)
    except RuntimeError as error:
        raise RasterError(f"{_name(path)} cannot be opened as a raster: {error}") from error
    finally:
        gdal.PopErrorHandler()
    if dataset is None:
        raise RasterError(f"{_name(path)} cannot be opened as a raster: {gdal.GetLastErrorMsg() or 'no such file'}")
    if dataset.RasterCount == 0:
        raise RasterError(f"{_name(path)} has no band: choose one of its subdatasets.")
    return dataset


def _metres(dataset, band, replaced: bool) -> float:
    """Metres per unit of the band's values: by its own unit, else by the vertical axis of the file's CRS."""
    unit = (band.GetUnitType() or "").strip().lower()
    reference = dataset.GetSpatialRef()
    if unit or replaced or reference is None or not reference.IsVertical():
        return METRES.get(unit, 1.0)
    return reference.GetTargetLinearUnits("VERT_CS")


def _has_mask(band, name: str) -> bool:
    from osgeo import gdal

    flags, damage = attempted(band.GetMaskFlags)
    if flags is None:
        raise RasterError(f"{name} cannot be read (damaged file?): {damage}")
    return not flags & (gdal.GMF_ALL_VALID | gdal.GMF_NODATA)


def _wkt(dataset) -> str:
    reference = dataset.GetSpatialRef()
    text = reference.ExportToWkt(["FORMAT=WKT2_2018"]) if reference is not None else ""
    # GDAL gives bytes where a damaged header's names are no UTF-8.
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _complex_types() -> tuple:
    from osgeo import gdal

    return gdal.GDT_CInt16, gdal.GDT_CInt32, gdal.GDT_CFloat32, gdal.GDT_CFloat64


def _name(path: str) -> str:
    return os.path.basename(path.rstrip("/")) or path
