"""What is fuzzed: each target takes bytes and returns quietly; whatever it raises is a bug.

A CommonGroundError is what the product promises for nonsense, and is no bug. tools/fuzz.py runs these under atheris,
test_fuzz.py under hypothesis; corpus/ holds the inputs that once broke something.
"""

from __future__ import annotations

import faulthandler
import functools
import os
import tempfile
import traceback
import uuid
from pathlib import Path

import numpy as np
from commonground.core.errors import CommonGroundError

LIBRARY_CRASHES: list = []
"""Signals that killed libhdf5 in a child; they are counted, for the product cannot mend them."""
CORPUS = Path(__file__).resolve().parent / "corpus"
MOST_CELLS = 1 << 16


def expected_failures(target):
    """The target without the failures that users are told of."""
    @functools.wraps(target)
    def quiet(data: bytes) -> None:
        try:
            target(data)
        except CommonGroundError as error:
            assert str(error).strip(), "a failure without a sentence"
            assert len(str(error).splitlines()) == 1, f"a failure of several lines: {error!r}"

    return quiet


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@expected_failures
def epochs(data: bytes) -> None:
    """Epochs as texts: one alone, and the same in a column."""
    from commonground.core.frames.epochs import EARLIEST, LATEST, parse_epoch, parse_epochs

    text = _text(data)
    years, bad = parse_epochs([text, "2018.5", None])
    assert bad[2] and not bad[1] and years[1] == 2018.5
    assert bad[0] == np.isnan(years[0])
    if bad[0]:
        try:
            parse_epoch(text)
        except CommonGroundError:
            return
        raise AssertionError(f"{text!r} is an epoch alone, but not in a column")
    year = parse_epoch(text)
    assert EARLIEST <= year <= LATEST and year == years[0]


@expected_failures
def frames(data: bytes) -> None:
    """Names of frames, and CRSs that may name one."""
    from commonground.core.frames.catalogue import FRAMES, frame, frame_of_crs

    text = _text(data)
    found = frame_of_crs(text, text) if len(text) < 2000 else None
    assert found is None or found.name in FRAMES
    assert frame(text).name in FRAMES


@expected_failures
def classes(data: bytes) -> None:
    """Slope classes as texts."""
    from commonground.core.statistics.classes import parse_edges

    edges = parse_edges(_text(data))
    assert len(edges) >= 2 and list(edges) == sorted(set(edges))


@expected_failures
def geometries(data: bytes) -> None:
    """Well-known binary."""
    from commonground.core.frames.wkb import Vertices

    vertices = Vertices([bytes(data)])
    assert vertices.replaced(vertices.xyz) == [bytes(data)]


@functools.cache
def _seed(kind: str) -> bytes:
    """A good file of that kind, to be damaged."""
    import sys

    sys.path.insert(0, str(CORPUS.parents[1]))
    import granules
    from hostile import Folder, hills

    with tempfile.TemporaryDirectory() as home:
        folder = Folder(Path(home) / "seed")
        if kind in ("plain", "tiled"):
            options = ["TILED=YES", "COMPRESS=DEFLATE", "BLOCKXSIZE=16", "BLOCKYSIZE=16"] if kind == "tiled" else []
            path = folder.raster("seed.tif", hills(20, 24), nodata=-9999, unit="ft", scale=0.5, offset=3.0,
                                 options=options)
        elif kind == "shifts":
            from commonground.core.coregistration.shift_field import ShiftField
            from commonground.core.raster.dem import Dem

            path = folder.out("seed.tif")
            ShiftField.constant(Dem.open(folder.raster("dem.tif", hills(20, 24))).grid, (1, 2, 3)).write(path, {})
        elif kind == "hdf5":
            path = granules.atl06(folder.out("seed.h5"), beams=("gt1l",), count=5)
        elif kind == "qfit":
            shot = [12345, 69123456, 310654321, 1500250, 900, 1100, 359999, -1500, 2500, 34, 7, 145449250]
            path = granules.qfit(folder.out("seed.qi"), [shot] * 3, 12, ">")
        else:
            path = {1: granules.lvis1, 2: granules.lvis2}[int(kind[-1])](folder.out("seed.TXT"))
        return Path(path).read_bytes()


def damaged(kind: str, data: bytes) -> bytes:
    """The good file with `data`'s commands done to it: (place, byte) pairs; the last byte may cut it."""
    content = bytearray(_seed(kind))
    for start in range(0, len(data) - 3, 4):
        place = int.from_bytes(data[start:start + 3], "little") % len(content)
        content[place] = data[start + 3]
    if len(data) % 4 == 1:
        content = content[:len(content) * data[-1] // 255]
    return bytes(content)


def _opened(content: bytes) -> None:
    """Open as a DEM and read a window of it."""
    from commonground.core.raster.dem import Dem, Reader
    from osgeo import gdal

    path = f"/vsimem/{uuid.uuid4().hex}.tif"
    gdal.FileFromMemBuffer(path, content)
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dem = Dem.open(path)
        assert np.isfinite(dem.grid.geotransform).all() and dem.scale and np.isfinite(dem.scale)
        width = min(dem.grid.width, 256)
        height = max(min(dem.grid.height, MOST_CELLS // width), 1)
        if _block_cells(path) > 1 << 22:
            return  # one block of so many cells is memory that a fuzzer has not
        with Reader(dem) as reader:
            heights = reader.read(-1, -1, height + 2, width + 2)
        assert heights.dtype == np.float32 and heights.shape == (height + 2, width + 2)
        assert not np.isinf(heights).any()
    finally:
        gdal.PopErrorHandler()
        _forget(path)


def _forget(path: str) -> None:
    from osgeo import gdal

    for name in (path, path + ".aux.xml"):
        if gdal.VSIStatL(name):  # GDAL may raise where it shall remove what is not there
            gdal.Unlink(name)


def _block_cells(path: str) -> int:
    from commonground.core.raster.dem import open_dataset

    dataset = open_dataset(path)
    width, height = dataset.GetRasterBand(1).GetBlockSize()
    return width * height


@expected_failures
def dems(data: bytes) -> None:
    """GeoTIFFs whose bytes were changed."""
    _opened(damaged("tiled" if data[:1] > b"\x80" else "plain", data[1:]))


@expected_failures
def raw_dems(data: bytes) -> None:
    """Any bytes as a raster."""
    _opened(bytes(data))


@expected_failures
def shift_tags(data: bytes) -> None:
    """Shift rasters whose tags were changed."""
    from commonground.core.coregistration.shift_field import TAG, read_shift_rasters
    from commonground.core.coregistration.warp import replayed
    from commonground.core.raster.dem import Dem
    from osgeo import gdal

    path = f"/vsimem/{uuid.uuid4().hex}.tif"
    gdal.FileFromMemBuffer(path, _seed("shifts"))
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        dataset = gdal.Open(path, gdal.GA_Update)
        for part in _text(data).replace("\0", "").split(";"):
            name, equals, value = part.partition("=")
            if equals and name.isidentifier() and name.isascii():
                dataset.SetMetadataItem(TAG + name, value)
        dataset = None
        field, tags = read_shift_rasters(path)
        assert np.isfinite(field.at(np.arange(5.0), np.arange(5.0))).all()
        replayed(tags, Dem.open(path))
    finally:
        gdal.PopErrorHandler()
        _forget(path)


def _imported(name: str, content: bytes, product: str) -> None:
    """Read all points of a file."""
    from commonground.core.altimetry.products import open_source
    from commonground.core.altimetry.source import Selection, Tally, fields_of, read_points
    from commonground.core.progress import Silent

    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as home:
        path = os.path.join(home, name)
        with open(path, "wb") as file:
            file.write(content)
        source, tally = open_source(path, product), Tally()
        fields_of([source], Selection())
        for points in read_points(source, Selection(everything=True), tally, Silent()):
            assert np.isfinite(points.lon).all() and (np.abs(points.lat) <= 90).all()
            assert np.isfinite(points.height).all() and np.isfinite(points.fields["epoch"]).all()


@expected_failures
def tables(data: bytes) -> None:
    """Tables: rows below a good header, or any bytes at all."""
    header = b"lon,lat,h,time,note\n-50,70,1000,2019-03-14T12:00:00,x\n"
    _imported("table.csv", bytes(data[1:]) if data[:1] > b"\xc0" else header + bytes(data[1:]), "CSV")


@expected_failures
def qfit(data: bytes) -> None:
    """qfit files whose bytes were changed."""
    _imported("BLATM1B_20060522_145449.qi", damaged("qfit", data), "BLATM1B")


@expected_failures
def lvis(data: bytes) -> None:
    """LVIS texts of both versions whose bytes were changed."""
    kind = "lvis1" if data[:1] < b"\x80" else "lvis2"
    _imported("ILVIS2_GL2013_1114_R1406_043900.TXT", damaged(kind, data[1:]), "ILVIS2")


@expected_failures
def hdf5(data: bytes) -> None:
    """ICESat-2 files whose bytes were changed, in a process of its own: libhdf5 itself can be killed by such files."""
    content = damaged("hdf5", data)
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        status = 1
        try:
            expected_failures(lambda content: _imported("ATL06_20190314120000_0001.h5", content, "ATL06"))(content)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        LIBRARY_CRASHES.append(os.WTERMSIG(status))
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "see the traceback above"


TARGETS = {target.__name__: target for target in (epochs, frames, classes, geometries, dems, raw_dems, shift_tags,
                                                  tables, qfit, lvis, hdf5)}
