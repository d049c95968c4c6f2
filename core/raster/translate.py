"""A raster moved as a whole: a new origin and a height plane, the cells themselves untouched.

Between frames and epochs a raster of 100 km is displaced by the same amount everywhere to some millimetres,
and its heights by a plane to a micrometre. So the geotransform is translated and nothing is resampled:
bilinear resampling of a 2 m DEM costs centimetres, a translation nothing. What is left is measured, and
refused beyond a tolerance, unless resampling is allowed: see drift.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..errors import EpochError, OutputError, PlateError, RasterError
from ..gdal_calls import attempted
from ..progress import Cancelled, Part, Progress, Silent
from .cache import small_cache
from .dem import Dem, Reader, open_dataset
from .writing import arrange, creation_options, driver_of, prepare_folder, shown

ELLIPSOIDAL, GEOID, KEEP = HEIGHTS = ("ellipsoidal", "geoid", "keep")
TAG = "COMMONGROUND_"
SAME_EPOCH = 1e-4
FORMATS_WITH_EPOCH = ("GTiff", "COG", "GPKG", "VRT")
NODES = 5
_SAMPLE = 16
_PIECE = 1 << 22
_LINES = 256
_WIDER = {"Byte": "Float32", "Int8": "Float32", "Int16": "Float32", "UInt16": "Float32", "Float32": "Float32"}


@dataclass(frozen=True)
class Move:
    """How a raster is moved, and how well that describes the displacement of its cells.

    dx, dy: map units, to add to the origin. plane: `(c, r, k)` of dh = c + r * row + k * col in m, rows and
    columns as fractions of the raster from 0 to 1. east, north, up: mean displacement, m. max_residual: the
    largest horizontal distance in m of a true displacement from (dx, dy), on 5 x 5 positions over the
    raster, edges included. plate: code or "". lon, lat, height: the middle of the raster, degrees and m.
    motion: the PlateMotion, or the Velocity in the middle. arrows: (lon, lat, east, north) of the 25 positions.
    """

    dx: float
    dy: float
    plane: tuple
    east: float
    north: float
    up: float
    max_residual: float
    plate: str
    lon: float
    lat: float
    height: float
    motion: object = None
    arrows: tuple = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Nodes:
    """Displacements on a regular net over a raster, edges included; all (count * count,), row by row.

    rows, cols: fractions of the raster from 0 to 1. lon, lat, height: degrees and m, before the move. dx, dy: map
    units; east, north, up: m. plates: codes; motion: as given, or the Velocity of every node.
    """

    rows: np.ndarray
    cols: np.ndarray
    y: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    height: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    east: np.ndarray
    north: np.ndarray
    up: np.ndarray
    plates: np.ndarray
    motion: object


def displaced_nodes(dem: Dem, source, target, motion=None, count: int = NODES) -> Nodes:
    """The displacement of a DEM between two FrameEpochs on count x count positions, through the full chain.

    motion: PlateMotion, Velocity, VelocityRaster or None. Raises RasterError where a part of the raster cannot be
    placed on the Earth or has no velocity, PlateError where it lies on several plates or on none that the model has.
    """
    from ..frames.map_positions import MapPositions
    from ..frames.transform import displace, motion_plates

    grid = dem.grid
    fractions = np.linspace(0.0, 1.0, count)
    rows, cols = (values.ravel() for values in np.meshgrid(fractions, fractions, indexing="ij"))
    x, y = grid.map_of(rows * grid.height - 0.5, cols * grid.width - 0.5)
    positions = MapPositions(grid.crs)
    before = positions.geographic(x, y, np.full(x.shape, _typical_height(dem)))
    if not np.isfinite(np.array(before)).all():
        raise RasterError(f"Parts of {dem.name} lie outside its projection: cut it to where there is ground "
                          "first.")
    motion = _velocities(dem, motion, x, y)
    plates = motion_plates(before[0], before[1], motion)
    _check_plates(dem, plates, motion)
    moved = displace(*before, source, target, motion, plates)
    dx, dy, _ = positions.shift(before, (moved.lon, moved.lat, moved.height))
    return Nodes(rows, cols, y, *before, dx, dy, moved.east, moved.north, moved.up, plates, motion)


def fit_move(dem: Dem, source, target, motion=None) -> Move:
    """The Move of a DEM between two FrameEpochs; arguments and errors are those of displaced_nodes."""
    from ..frames.transform import Velocity

    nodes = displaced_nodes(dem, source, target, motion)
    dx, dy = float(nodes.dx.mean()), float(nodes.dy.mean())
    mx, my = dem.grid.metres_per_unit(nodes.y)
    residual = np.hypot((nodes.dx - dx) * mx, (nodes.dy - dy) * my)
    system = np.column_stack([np.ones_like(nodes.rows), nodes.rows, nodes.cols])
    plane = np.linalg.lstsq(system, nodes.up, rcond=None)[0]
    middle = nodes.rows.size // 2
    lon, lat, height = (float(values[middle]) for values in (nodes.lon, nodes.lat, nodes.height))
    motion = nodes.motion
    if isinstance(motion, Velocity):
        motion = Velocity(*(float(np.broadcast_to(rate, nodes.rows.shape)[middle])
                            for rate in (motion.east, motion.north, motion.up)))
    return Move(dx, dy, tuple(plane.tolist()), float(nodes.east.mean()), float(nodes.north.mean()),
                float(nodes.up.mean()), float(residual.max()), str(nodes.plates[middle]), lon, lat, height, motion,
                (nodes.lon, nodes.lat, nodes.east, nodes.north))


def _velocities(dem: Dem, motion, x, y):
    """A VelocityRaster as the Velocity of each position; any other motion as it is."""
    from ..frames.transform import Velocity
    from ..frames.velocity_raster import VelocityRaster

    if not isinstance(motion, VelocityRaster):
        return motion
    rates = np.array(motion.at(x, y, dem.grid.crs))
    if not np.isfinite(rates).all():
        raise RasterError(f"The velocity raster has no velocity for parts of {dem.name}: fill or extend it, or cut "
                          "the DEM to it.")
    return Velocity(*rates)


def _check_plates(dem: Dem, plates: np.ndarray, motion) -> None:
    from ..frames.transform import PlateMotion

    if not isinstance(motion, PlateMotion):
        return
    codes = sorted(set(map(str, plates)))
    if "" in codes:
        raise PlateError(f"{dem.name} lies at least partly on no plate of {motion.model}: choose another "
                         "MODEL, e.g. GSRM2.1 or NNR-MORVEL56, name a PLATE, or give a velocity "
                         "(MODEL=VELOCITY).")
    if len(codes) > 1:
        raise PlateError(f"{dem.name} lies on several plates ({', '.join(codes)}): name one with PLATE, give "
                         "a local velocity (MODEL=VELOCITY), or cut the raster along the boundary.")


def _typical_height(dem: Dem) -> float:
    """The median height in m of some small windows, 0 where all are void (1000 m matter by 0.1 mm)."""
    grid = dem.grid
    samples = []
    with Reader(dem) as reader:
        for row in np.linspace(0, max(grid.height - _SAMPLE, 0), NODES).astype(int).tolist():
            for col in np.linspace(0, max(grid.width - _SAMPLE, 0), NODES).astype(int).tolist():
                samples.append(reader.read(row, col, _SAMPLE, _SAMPLE).ravel())
    heights = np.concatenate(samples)
    heights = heights[np.isfinite(heights) & (np.abs(heights) < 1e5)]
    return float(np.median(heights)) if heights.size else 0.0


def default_tolerance(dem: Dem) -> float:
    """A twentieth of a cell, m."""
    return dem.grid.cell_size() / 20.0


def check_residual(dem: Dem, move: Move, tolerance: float) -> None:
    """Raise RasterError where one translation does not describe the displacement to `tolerance` (m)."""
    if move.max_residual > tolerance:
        raise RasterError(
            f"The displacement varies by {move.max_residual:.3g} m over {dem.name}, more than "
            f"TOLERANCE={tolerance:.3g} m: cut the raster into tiles and move each, or allow a larger "
            "TOLERANCE, or let it be resampled with WARP=true.")


def check_not_moved(dem: Dem, source) -> None:
    """Raise EpochError where the raster's own tags name another frame or epoch than `source`."""
    tags = open_dataset(dem.path).GetMetadata()
    frame, epoch = tags.get(f"{TAG}TARGET_FRAME"), tags.get(f"{TAG}TARGET_EPOCH")
    if not frame or not epoch:
        return
    if frame != source.frame or abs(float(epoch) - source.epoch) > SAME_EPOCH:
        raise EpochError(f"{dem.name} was already moved to {frame} at {epoch} (its tags say so), not "
                         f"{source.frame} at {source.epoch:.10g}: give that frame and epoch, or take the "
                         "original raster.")


def check_heights(dem: Dem, heights: str) -> None:
    """Raise RasterError where `heights` does not fit the vertical datum or the kind of values."""
    from pyproj import CRS

    if heights == KEEP:
        return
    dataset = open_dataset(dem.path)
    if dem.bands > 1 and dataset.GetRasterBand(1).GetColorInterpretation() not in (0, 1):
        raise RasterError(f"{dem.name} holds colours, not elevations: use HEIGHTS=keep.")
    crs = CRS.from_wkt(dem.grid.crs)
    if not crs.is_compound:
        return
    vertical = crs.sub_crs_list[1].name
    if "EGM" not in vertical.upper():
        raise RasterError(f"The heights of {dem.name} are levelled ({vertical}) and do not follow the "
                          "ellipsoid: use HEIGHTS=keep.")
    if heights == ELLIPSOIDAL:
        raise RasterError(f"The heights of {dem.name} count from a geoid ({vertical}): use HEIGHTS=geoid, or "
                          "keep.")


def write_moved(dem: Dem, path: str, move: Move, heights: str, target, tags: dict,
                progress: Progress | None = None, drift=None, layout: str = "plain") -> None:
    """Write the raster of `dem`, moved, as `path`; `target` is the FrameEpoch that it is in then.

    HEIGHTS `keep`: values, data type, nodata, masks, overviews, scale, tags stay as they are, bit by bit.
    Otherwise dh is added to band 1, and integers become floating point. With a Drift, the cells are resampled
    by what it says. A `layout` other than plain (see writing.arrange) is made of the finished file: the cells keep
    their values, a cog stores them anew. The file appears when it is whole. Raises OutputError.
    """
    run = progress or Silent()
    progress = Part(run, 0.0, 1.0 if layout == "plain" else 0.8)
    driver, folder = driver_of(path), prepare_folder(path)
    with small_cache(dem), _scratch_folder(folder, path) as scratch:
        whole = os.path.join(scratch, os.path.basename(path))
        reference = target_reference(dem.grid.crs, target)
        if reference.GetCoordinateEpoch() and driver not in FORMATS_WITH_EPOCH:
            progress.warn(f"{driver} files do not keep the coordinate epoch: write a GeoTIFF to have it in "
                          "the file.")
        described = _Description(_moved_origin(dem, move), reference, {
            f"{TAG}{key}": str(value) for key, value in tags.items()})
        if heights != KEEP or drift is not None:
            tif = whole if driver == "GTiff" else os.path.join(scratch, "moved.tif")
            if drift is None:
                _write_heights(dem, tif, move, described, progress)
            else:
                drift.write(dem, tif, heights != KEEP, progress)
                _redescribe(tif, described)
            if tif != whole:
                _convert(open_dataset(tif), whole, driver, progress)
                os.remove(tif)
        elif driver == "GTiff" and _is_plain_tiff(dem.path):
            _copy_files(dem.path, whole, progress)
            _redescribe(whole, described)
        else:
            _convert(_virtual(dem.path, described), whole, driver, progress)
        if layout != "plain":
            arrange(whole, layout, Part(run, 0.8, 1.0), _overview_kernel(whole))
        _check_written(whole, described, path)
        _move_files(scratch, folder, path)


def _overview_kernel(path: str) -> str:
    """What makes overviews: numbers of a colour table have no mean."""
    dataset = open_dataset(path)  # a band outlives its dataset only as a dangling pointer
    return "AVERAGE" if dataset.GetRasterBand(1).GetColorTable() is None else "NEAREST"


def target_reference(wkt: str, target):
    """The result's spatial reference, with epoch: the target's if the CRS names one, else its own."""
    from osgeo import osr

    from ..frames.catalogue import sibling_code

    reference = osr.SpatialReference()
    reference.ImportFromWkt(wkt)
    code = sibling_code(reference.GetAuthorityCode(None) or "", target.frame) \
        if reference.GetAuthorityName(None) == "EPSG" else None
    if code:
        sibling = osr.SpatialReference()
        reference = sibling if attempted(sibling.ImportFromEPSG, code)[0] == 0 else reference
    # GDAL forgets that the WGS 84 ensemble is dynamic once it has been WKT.
    if reference.IsDynamic() or reference.GetAttrValue("DATUM") == "WGS_1984":
        reference.SetCoordinateEpoch(float(target.epoch))
    return reference


@dataclass(frozen=True)
class _Description:
    """What of a file is new: geotransform, spatial reference, tags."""

    geotransform: tuple
    reference: object
    tags: dict

    def put(self, dataset) -> None:
        dataset.SetGeoTransform(self.geotransform)
        dataset.SetSpatialRef(self.reference)
        dataset.SetMetadata({**dataset.GetMetadata(), **self.tags})


def _moved_origin(dem: Dem, move: Move) -> tuple:
    x, *across, y, down_x, down_y = dem.grid.geotransform
    return (x + move.dx, *across, y + move.dy, down_x, down_y)


def _is_plain_tiff(path: str) -> bool:
    return os.path.isfile(path) and open_dataset(path).GetDriver().ShortName in ("GTiff", "COG")


def _copy_files(source: str, target: str, progress: Progress) -> None:
    """The TIFF and what belongs to it (external overviews, masks, statistics)."""
    pairs = [(source + ending, target + ending) for ending in ("", ".ovr", ".msk", ".msk.ovr", ".aux.xml")]
    pairs = [(old, new) for old, new in pairs if os.path.isfile(old)]
    total, done = sum(os.path.getsize(old) for old, _ in pairs), 0
    # One buffer for all: fresh memory for each piece would cost more than the copy.
    piece = memoryview(bytearray(_PIECE))
    for old, new in pairs:
        try:
            with open(old, "rb", buffering=0) as reading, open(new, "wb", buffering=0) as writing:
                while count := reading.readinto(piece):
                    done += _write_all(writing, piece[:count])
                    progress.step(done / total, "Copying the cells")
        except OSError as error:
            raise OutputError(f"Cannot write {target}: {error.strerror}.") from error


def _write_all(file, data) -> int:
    """Write all of a memoryview to an unbuffered file, which may take less at once; its length."""
    written = 0
    while written < len(data):
        written += file.write(data[written:])
    return written


def _redescribe(path: str, described: _Description) -> None:
    from osgeo import gdal

    known = gdal.GetDriverByName("GTiff").GetMetadataItem("DMD_OPENOPTIONLIST")
    options = ["IGNORE_COG_LAYOUT_BREAK=YES"] if "IGNORE_COG_LAYOUT_BREAK" in known else []
    dataset, reason = attempted(gdal.OpenEx, path, gdal.OF_RASTER | gdal.OF_UPDATE, open_options=options)
    if dataset is None:
        raise OutputError(f"Cannot write {shown(path)}: {reason}")
    described.put(dataset)
    _, failed = attempted(dataset.FlushCache)
    if failed:
        dataset = None  # Windows removes no file that is open
        raise OutputError(f"Cannot write {shown(path)}: {failed}")


def _virtual(path: str, described: _Description):
    from osgeo import gdal

    dataset = gdal.Translate("", open_dataset(path), format="VRT")
    described.put(dataset)
    return dataset


def _convert(dataset, path: str, driver: str, progress: Progress) -> None:
    from osgeo import gdal

    stopped = []

    def told(fraction, _message, _data):
        try:
            progress.step(fraction, "Writing the raster")
        except Cancelled as cancelled:
            stopped.append(cancelled)
        return 0 if stopped else 1

    options = []
    if driver == "GTiff":
        # PREDICTOR does not suit every data type; COPY_SRC_OVERVIEWS keeps overviews where there are some.
        options = [option for option in creation_options() if not option.startswith("PREDICTOR")]
        options += ["COPY_SRC_OVERVIEWS=YES"] if dataset.GetRasterBand(1).GetOverviewCount() else []
    result, reason = attempted(gdal.GetDriverByName(driver).CreateCopy, path, dataset, 0, options, callback=told)
    if stopped:
        raise stopped[0]
    if result is None:
        raise OutputError(f"Cannot write {shown(path)}: {reason}")
    _, failed = attempted(result.FlushCache)
    if failed:
        result = None  # Windows removes no file that is open
        raise OutputError(f"Cannot write {shown(path)}: {failed}")


def _write_heights(dem: Dem, path: str, move: Move, described: _Description, progress: Progress) -> None:
    """A GeoTIFF with dh added to band 1; all else as in the source."""
    from osgeo import gdal

    source = open_dataset(dem.path)
    data_type = gdal.GetDataTypeByName(_WIDER.get(dem.data_type, "Float64"))
    options = [option for option in creation_options() if not option.startswith("PREDICTOR")] + [
        "PREDICTOR=3"
    ]
    result, reason = attempted(
        gdal.GetDriverByName("GTiff").Create, path, dem.grid.width, dem.grid.height, dem.bands, data_type, options
    )
    if result is None:
        raise OutputError(f"Cannot write {shown(path)}: {reason}")
    try:
        _copy_description(source, result)
        described.put(result)
        masked = source.GetRasterBand(1).GetMaskFlags() == gdal.GMF_PER_DATASET
        if masked:
            result.CreateMaskBand(gdal.GMF_PER_DATASET)
        width, height = dem.grid.width, dem.grid.height
        for row in range(0, height, _LINES):
            lines = min(_LINES, height - row)
            progress.step(row / height, "Writing the raster")
            for number in range(1, dem.bands + 1):
                band = source.GetRasterBand(number)
                values, reason = attempted(band.ReadAsArray, 0, row, width, lines)
                if values is None:
                    raise RasterError(f"{dem.name} cannot be read (damaged file?): {reason}")
                if number == 1:
                    values = _raised(values, band.GetNoDataValue(), _plane(dem, move, row, lines) / dem.scale)
                _put(result.GetRasterBand(number), values, row, path)
            if masked:
                _put(result.GetRasterBand(1).GetMaskBand(), source.GetRasterBand(1).GetMaskBand().ReadAsArray(
                    0, row, width, lines), row, path)
        _, failed = attempted(result.FlushCache)
        if failed:
            raise OutputError(f"Cannot write {shown(path)}: {failed}")
        first = source.GetRasterBand(1)
        factors = [round(width / first.GetOverview(number).XSize) for number in range(first.GetOverviewCount())]
        if factors:
            failed, reason = attempted(result.BuildOverviews, "AVERAGE", factors)
            if failed != 0:
                raise OutputError(f"Cannot write {shown(path)}: {reason}")
    finally:
        result = None  # Windows removes no file that is open, and a traceback would keep it so


def _put(band, values, row, path) -> None:
    failed, reason = attempted(band.WriteArray, values, 0, row)
    if failed != 0:
        raise OutputError(f"Cannot write {shown(path)}: {reason or 'is the disk full?'}")


def _plane(dem: Dem, move: Move, row: int, lines: int) -> np.ndarray:
    """dh in m at the cell centres of some lines, (lines, width)."""
    constant, down, across = move.plane
    rows = (np.arange(row, row + lines) + 0.5) / dem.grid.height
    cols = (np.arange(dem.grid.width) + 0.5) / dem.grid.width
    return constant + down * rows[:, None] + across * cols[None, :]


def _raised(values: np.ndarray, nodata: float | None, lift: np.ndarray) -> np.ndarray:
    """Values plus lift, in the floating point type that holds the values; nodata stays."""
    raised = values + lift.astype(np.result_type(values.dtype, np.float32))
    if nodata is not None:
        void = values == (np.float32(nodata) if values.dtype == np.float32 else nodata)
        np.copyto(raised, values, where=void)
    return raised


def _copy_description(source, result) -> None:
    """Tags, nodata, scale, units, names; not the statistics, which no longer hold."""
    for domain in source.GetMetadataDomainList() or []:
        if domain not in ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "COLOR_PROFILE"):
            result.SetMetadata(source.GetMetadata(domain), domain)
    for number in range(1, source.RasterCount + 1):
        old, new = source.GetRasterBand(number), result.GetRasterBand(number)
        new.SetMetadata(
            {key: value for key, value in old.GetMetadata().items() if not key.startswith("STATISTICS_")}
        )
        new.SetDescription(old.GetDescription())
        new.SetColorInterpretation(old.GetColorInterpretation())
        new.SetUnitType(old.GetUnitType() or "")
        for value, put in ((old.GetNoDataValue(), new.SetNoDataValue), (old.GetScale(), new.SetScale),
                           (old.GetOffset(), new.SetOffset)):
            if value is not None:
                put(value)


def _check_written(written: str, described: _Description, path: str) -> None:
    """A sidecar of the source, or the format, may overrule what was written: look."""
    dataset = open_dataset(written)
    found = np.array(dataset.GetGeoTransform())
    expected = np.array(described.geotransform)
    # Formats that keep positions as text round them; a thousandth of a cell is no move.
    slack = 1e-3 * (np.abs(expected[[1, 2, 4, 5]]).max())
    if not np.allclose(found[[0, 3]], expected[[0, 3]], rtol=0.0, atol=slack):
        raise OutputError(f"Cannot write {path}: the file does not keep the new position. Write a GeoTIFF "
                          "instead.")


@contextlib.contextmanager
def _scratch_folder(folder: str, path: str) -> Iterator[str]:
    try:
        scratch = tempfile.mkdtemp(prefix=".commonground-", dir=folder)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Choose a folder that "
                          "can be written.") from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _move_files(scratch: str, folder: str, path: str) -> None:
    """Bring the files in place; what belonged to an older file of that name goes."""
    names = os.listdir(scratch)
    base = os.path.basename(path)
    try:
        for ending in (".ovr", ".msk", ".msk.ovr", ".aux.xml"):
            stale = os.path.join(folder, base + ending)
            if base + ending not in names and os.path.exists(stale):
                os.remove(stale)
        for name in sorted(names):
            os.replace(os.path.join(scratch, name), os.path.join(folder, name))
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror}. Is it open elsewhere?") from error
