"""Windows of a DEM: some of their lines, whatever the file, and files that are opened only once."""

import threading
from pathlib import Path

import numpy as np
import pytest
from commonground.core.raster import dem as dem_module
from commonground.core.raster.dem import Dem, Reader, handed_on, kept_open
from osgeo import gdal, osr

HEIGHT, WIDTH = 40, 30
TYPES = {"float": gdal.GDT_Float32, "double": gdal.GDT_Float64, "integer": gdal.GDT_Int16}
VOIDS = ("nodata", "NaN", "mask", "none")


def write(path, kind=gdal.GDT_Float32, voids="none", scaled=False):
    """`(raster, heights)`: a void in one of ten cells, and what heights are to be read, NaN where void."""
    rng = np.random.default_rng(5)
    raw = rng.integers(-2000, 3000, (HEIGHT, WIDTH)).astype(float)
    void = rng.random(raw.shape) < (0.1 if voids != "none" else 0.0)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32622)
    raster = gdal.GetDriverByName("GTiff").Create(str(path), WIDTH, HEIGHT, 1, kind)
    raster.SetGeoTransform((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0))
    raster.SetProjection(reference.ExportToWkt())
    band = raster.GetRasterBand(1)
    if scaled:
        band.SetScale(0.1)
        band.SetOffset(7.0)
    if voids == "nodata":
        band.SetNoDataValue(-9999)
    band.WriteArray(np.where(void, {"nodata": -9999, "NaN": np.nan}.get(voids, raw), raw))
    if voids == "mask":
        raster.CreateMaskBand(gdal.GMF_PER_DATASET)
        band.GetMaskBand().WriteArray(np.where(void, 0, 255).astype(np.uint8))
    band = raster = None
    return Dem.open(str(path)), np.where(void, np.nan, raw * 0.1 + 7.0 if scaled else raw)


LINES = (slice(2, None, 3), slice(0, 0), slice(None), np.array([0, 1, 5, 9, 10, 15]), np.array([3]),
         np.zeros(0, dtype=int), np.arange(0, 16, 5))
PLACES = {"inside": (5, 4, 16, 20), "above": (-7, 4, 16, 20), "below": (34, 4, 16, 20), "left": (5, -6, 16, 20),
          "right": (5, 21, 16, 20), "beyond all edges": (-2, -3, 50, 40), "beside": (5, 100, 16, 20)}


@pytest.mark.parametrize("place", list(PLACES.values()), ids=list(PLACES))
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("kind, voids", [(kind, voids) for kind in TYPES for voids in VOIDS
                                         if (kind, voids) != ("integer", "NaN")])
def test_some_lines_of_a_window_are_those_of_the_whole(tmp_path, monkeypatch, kind, voids, scaled, place):
    dem, heights = write(tmp_path / "dem.tif", TYPES[kind], voids, scaled)
    row, col, height, width = place
    around = np.pad(heights, 120, constant_values=np.nan)
    true = around[120 + row:120 + row + height, 120 + col:120 + col + width]
    with Reader(dem) as reader:
        whole = reader.read(*place)
        np.testing.assert_allclose(whole, true, rtol=1e-6)
        for apart in (dem_module.SKIPPED, 2 * width, 0):
            monkeypatch.setattr(dem_module, "SKIPPED", apart)
            for lines in LINES:
                np.testing.assert_array_equal(reader.read(*place, lines), whole[lines])


@pytest.mark.parametrize("voids", ["none", "nodata"])
def test_some_lines_of_means_are_those_of_the_whole(tmp_path, monkeypatch, voids):
    dem, _ = write(tmp_path / "dem.tif", voids=voids)
    coarse = dem.part(2, 1, 33, 27).coarsened(3)
    place = -1, -1, *(side + 2 for side in coarse.grid.shape)
    with Reader(coarse) as reader:
        whole = reader.read(*place)
        assert np.isfinite(whole).mean() > 0.5
        for apart in (dem_module.SKIPPED, 0):
            monkeypatch.setattr(dem_module, "SKIPPED", apart)
            for lines in (slice(1, None, 2), np.array([0, 2, 7, 8, 12])):
                np.testing.assert_array_equal(reader.read(*place, lines), whole[lines])


def test_lines_far_apart_are_not_read_with_all_between(tmp_path, monkeypatch):
    dem, read = write(tmp_path / "dem.tif")[0], []
    fill = Reader._fill
    monkeypatch.setattr(Reader, "_fill", lambda *place: read.append(place) or fill(*place))
    monkeypatch.setattr(dem_module, "SKIPPED", 3 * WIDTH)
    with Reader(dem) as reader:
        reader.read(0, 0, HEIGHT, WIDTH, np.array([1, 2, 5, 20, 24, 39]))
    assert [lines for _, _, _, _, lines, _ in read] == [range(1, 6), range(20, 25), range(39, 40)]


@pytest.mark.parametrize("voids", ["none", "nodata"])
@pytest.mark.parametrize("place", [
    (0, 5, 7, 4, 0, 40), (3, 1, 20, 6, 2, 9), (-7, 5, 9, 8, -3, 50), (30, 6, 4, 9, 20, 40), (2, 4, 1, 5, 3, 8),
    (-20, 3, 4, 2, 0, 9), (60, 3, 4, 2, 0, 9), (2, 3, 4, 2, 90, 9), (-2, 24, 3, 5, 4, 30)])
@pytest.mark.parametrize("kind", ["plain", "cog with overviews", "mosaic"])
def test_stripes_are_the_lines_of_the_raster(tmp_path, place, voids, kind):
    dem, _ = write(tmp_path / "dem.tif", voids=voids)
    if kind == "cog with overviews":
        dataset = gdal.Open(dem.path, gdal.GA_Update)
        dataset.BuildOverviews("AVERAGE", [2, 4])
        dataset = None
        # Not built in the COG itself: newer GDAL does not open one for that.
        cog = gdal.Translate(str(tmp_path / "cog.tif"), dem.path, format="COG",
                             creationOptions=["BLOCKSIZE=128", "OVERVIEWS=FORCE_USE_EXISTING"])
        assert cog.GetRasterBand(1).GetOverviewCount() == 2
        cog = None
        dem = Dem.open(str(tmp_path / "cog.tif"))
    elif kind == "mosaic":
        gdal.BuildVRT(str(tmp_path / "dem.vrt"), [dem.path]).FlushCache()
        dem = Dem.open(str(tmp_path / "dem.vrt"))
    top, period, count, deep, left, width = place
    lines = top + np.arange(deep)[:, None] + np.arange(count) * period
    with Reader(dem) as reader:
        whole = reader.read(-200, -200, 600, 600)
        found = reader.stripes(*place)
    np.testing.assert_array_equal(found, whole[lines + 200, left + 200:left + 200 + width])


@pytest.fixture
def opened(monkeypatch):
    """The files that are opened, by thread."""
    calls, usual = [], gdal.OpenEx
    monkeypatch.setattr(gdal, "OpenEx",
                        lambda path, *rest: calls.append((threading.get_ident(), path)) or usual(path, *rest))
    return calls


def look(dem):
    with Reader(dem) as reader:
        return reader.read(0, 0, 2, 2)


def test_a_file_is_opened_once_as_long_as_the_block_lasts(tmp_path, opened):
    one, other = (write(tmp_path / name)[0] for name in ("one.tif", "other.tif"))
    opened.clear()
    with kept_open():
        for dem in (one, other, one, one.part(3, 3, 9, 9), other):
            look(dem)
        with kept_open():
            look(one)
        look(one)
        assert len(opened) == 2
    for _ in range(2):
        look(one)
    assert len(opened) == 4


def test_what_is_written_after_the_block_is_seen(tmp_path):
    path = tmp_path / "dem.tif"
    dem, heights = write(path)
    with kept_open():
        before = look(dem)
    raster = gdal.OpenEx(str(path), gdal.OF_UPDATE)
    raster.GetRasterBand(1).WriteArray(heights + 5.0)
    raster = None
    with kept_open():
        np.testing.assert_array_equal(look(dem), before + 5.0)


def test_nothing_is_kept_after_an_error(tmp_path, opened):
    dem = write(tmp_path / "dem.tif")[0]
    for _ in range(2):
        opened.clear()
        with pytest.raises(ZeroDivisionError), kept_open():
            look(dem)
            raise ZeroDivisionError
        assert len(opened) == 1


def test_threads_do_not_share_what_is_open(tmp_path, opened):
    dem = write(tmp_path / "dem.tif")[0]
    opened.clear()
    together, datasets = threading.Barrier(2), []

    def work():
        with kept_open():
            together.wait()
            for _ in range(3):
                with Reader(dem) as reader:
                    datasets.append(reader._dataset)
                    reader.read(0, 0, 5, 5)
            together.wait()

    # A block of the caller's is no business of other threads.
    with kept_open():
        look(dem)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 3 and len({ident for ident, _ in opened}) == 3
    assert len(datasets) == 6 and len({id(dataset) for dataset in datasets}) == 2


def test_a_file_waits_open_for_the_next_reader_in_any_thread(tmp_path, opened):
    one, other = (write(tmp_path / name)[0] for name in ("one.tif", "other.tif"))
    opened.clear()
    with handed_on(one, one):
        for _ in range(3):
            look(one)
        thread = threading.Thread(target=look, args=(one,))
        thread.start()
        thread.join()
        assert len(opened) == 1
        look(other)
        look(other)
        assert len(opened) == 3
        with Reader(one) as first, Reader(one) as second:
            assert first._dataset is not second._dataset
    look(one)
    assert len(opened) == 5


def test_what_waits_open_is_closed_with_the_block(tmp_path):
    dem = write(tmp_path / "dem.tif")[0]

    def files():
        return [name for name in Path("/proc/self/fd").iterdir() if name.exists() and name.resolve() == Path(dem.path)]

    with pytest.raises(ZeroDivisionError), handed_on(dem):
        late = Reader(dem)
        look(dem)
        assert len(files()) == 2
        raise ZeroDivisionError
    assert len(files()) == 1
    late.close()
    late.close()
    assert not files()


def test_what_several_readers_share_is_not_handed_on(tmp_path):
    dem = write(tmp_path / "dem.tif")[0]
    with handed_on(dem):
        with kept_open():
            one, other = Reader(dem), Reader(dem)
            assert one._dataset is other._dataset
        one.close()
        other.close()
        with Reader(dem) as one, Reader(dem) as other:
            assert one._dataset is not other._dataset
