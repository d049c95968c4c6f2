"""Rasters as files: codecs, layouts, files that only GDAL sees."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.coregistration.warp import warp
from commonground.core.errors import OutputError, RasterError
from commonground.core.executors import open_executor
from commonground.core.progress import Cancelled, Silent
from commonground.core.raster import writing
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.tile_files import members, rasters_in
from commonground.core.raster.writing import RasterWriter, Stage, arrange, creation_options, write_text
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import constant_field, make_world, wkt

SIDE = 1300
KINDS = ("Float32", "Float64", "Int16", "Byte")


def grid(side=SIDE):
    return Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), side, side, wkt(32622))


def heights(kind="Float32", side=SIDE):
    row, col = np.mgrid[:side, :side]
    values = 100 + 80 * np.sin(row / 90) * np.cos(col / 70)
    if not kind.startswith("Float"):
        return np.rint(values).astype({"Int16": np.int16, "Byte": np.uint8}[kind])
    values[200:320, 100:1100] = np.nan
    return values.astype({"Float32": np.float32, "Float64": np.float64}[kind])


def write(path, kind="Float32", side=SIDE):
    with RasterWriter(str(path), grid(side), nodata=0 if kind == "Byte" else -9999, data_type=kind) as writer:
        for row in range(0, side, 256):
            writer.write(heights(kind, side)[row:row + 256], row)
    return str(path)


def invalid(path):
    """What GDAL's own rules find wrong with a Cloud Optimized GeoTIFF."""
    validation = pytest.importorskip("osgeo_utils.samples.validate_cloud_optimized_geotiff")
    warnings, errors, _ = validation.validate(path, full_check=True)
    return warnings + errors


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_cog_is_valid_and_holds_the_same_values(tmp_path, kind, place):
    path = str(tmp_path / "é cog.tif") if place == "disk" else "/vsimem/cogs/é cog.tif"
    write(path, kind)
    plain, size = gdal.Open(path), None
    before, size = plain.ReadAsArray(), plain.GetRasterBand(1).GetBlockSize()
    assert size == [256, 256] and plain.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "ZSTD"
    plain = None
    assert invalid(path), "a plain file is none"
    arrange(path, "cog", Silent())
    assert invalid(path) == []
    cog = gdal.Open(path)
    np.testing.assert_array_equal(cog.ReadAsArray(), before)
    assert cog.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE") == "COG" and cog.GetRasterBand(1).GetOverviewCount() >= 1
    assert cog.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "ZSTD"
    assert cog.GetGeoTransform() == grid().geotransform and cog.GetSpatialRef().GetAuthorityCode(None) == "32622"
    cog = None
    if place == "disk":
        assert os.listdir(tmp_path) == ["é cog.tif"]
    else:
        assert gdal.ReadDir("/vsimem/cogs") == ["é cog.tif"]
        gdal.Unlink(path)


def test_overviews_are_means_inside_the_file(tmp_path):
    path = write(tmp_path / "o.tif")
    arrange(path, "overviews", Silent())
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert [band.GetOverview(i).XSize for i in range(band.GetOverviewCount())] == [650, 325, 163]
    fine, coarse = heights(), band.GetOverview(0).ReadAsArray()
    np.testing.assert_allclose(coarse[0, :5], fine[:2, :10].reshape(2, 5, 2).mean(axis=(0, 2)), rtol=1e-6)
    assert coarse[130, 300] == -9999, "nodata takes no part"
    assert os.listdir(tmp_path) == ["o.tif"]
    small = write(tmp_path / "small.tif", side=200)
    arrange(small, "overviews", Silent())
    dataset = gdal.Open(small)
    assert dataset.GetRasterBand(1).GetOverviewCount() == 0


def test_overviews_of_classes_do_not_mix(tmp_path):
    path = write(tmp_path / "o.tif", "Byte")
    arrange(path, "overviews", Silent(), "NEAREST")
    dataset = gdal.Open(path)
    np.testing.assert_array_equal(dataset.GetRasterBand(1).GetOverview(0).ReadAsArray(), heights("Byte")[::2, ::2])


def test_only_geotiffs_have_layouts(tmp_path):
    with pytest.raises(OutputError, match=r"name the file \.tif"):
        arrange(str(tmp_path / "x.img"), "cog", Silent())


@pytest.fixture(params=[False, True], ids=["plain", "gdal-exceptions"])
def told(request):
    """QGIS' Processing tells GDAL to raise, from 3.40 on."""
    if request.param:
        gdal.UseExceptions()
    yield
    gdal.DontUseExceptions()


@pytest.mark.parametrize("layout", ["overviews", "cog"])
def test_a_layout_can_be_cancelled(tmp_path, layout, told):
    path = write(tmp_path / "c.tif")

    class Impatient(Silent):
        def step(self, fraction, message=""):
            raise Cancelled

    with pytest.raises(Cancelled):
        arrange(path, layout, Impatient())
    assert os.listdir(tmp_path) == ["c.tif"]


def test_the_fallback_codec_is_deflate_with_the_predictor_that_suits(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_has_zstd", lambda driver: False)
    for kind, predictor in (("Float32", "3"), ("Int16", "2")):
        assert f"PREDICTOR={predictor}" in creation_options(kind) and "COMPRESS=DEFLATE" in creation_options(kind)
        path = write(tmp_path / f"{kind}.tif", kind)
        assert gdal.Open(path).GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "DEFLATE"
        arrange(path, "cog", Silent())
        assert invalid(path) == []
        np.testing.assert_array_equal(
            gdal.Open(path).ReadAsArray(), np.where(np.isnan(heights(kind)), -9999, heights(kind)))


def test_nan_becomes_nodata_and_the_callers_array_stays(tmp_path):
    values = heights()
    copy = values.copy()
    with RasterWriter(str(tmp_path / "n.tif"), grid()) as writer:
        writer.write(values)
    np.testing.assert_array_equal(values, copy)
    stored = gdal.Open(str(tmp_path / "n.tif")).ReadAsArray()
    assert (stored[np.isnan(copy)] == -9999).all() and not np.isnan(stored).any()
    np.testing.assert_array_equal(stored[~np.isnan(copy)], copy[~np.isnan(copy)])


@pytest.mark.parametrize("mark", [-9999.0, 0.0, np.float32(-3.4028235e38), 1e20])
def test_voids_alone_get_the_mark(tmp_path, mark):
    """Over several bands of lines: without voids, with some, all void; and heights that come to it by chance."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 5, (4 * writing.LINES + 50, 70)).astype(np.float32)
    values[writing.LINES + 5:2 * writing.LINES, 3:9] = np.nan
    values[2 * writing.LINES:3 * writing.LINES] = np.nan
    for row in (7, writing.LINES + 9):
        values[row, 20] = mark
    with RasterWriter(str(tmp_path / "a.tif"), Grid(grid().geotransform, 70, len(values), wkt(32622)),
                      nodata=float(mark)) as writer:
        writer.write(values)
    found = gdal.Open(str(tmp_path / "a.tif")).ReadAsArray()
    np.testing.assert_array_equal(found == np.float32(mark), np.isnan(values))
    np.testing.assert_allclose(found[~np.isnan(values)], values[~np.isnan(values)], rtol=1e-6, atol=1e-30)


def test_a_raster_of_more_than_four_gigabytes_is_a_bigtiff(tmp_path):
    assert "BIGTIFF=IF_SAFER" in creation_options()
    path = str(tmp_path / "big.tif")
    options = [*creation_options(), "SPARSE_OK=TRUE"]
    gdal.GetDriverByName("GTiff").Create(path, 40000, 40000, 1, gdal.GDT_Float32, options)
    with open(path, "rb") as file:
        assert file.read(4) == b"II+\0"


class TestVirtualPaths:
    @pytest.fixture
    def world(self, tmp_path):
        return make_world(tmp_path, constant_field(14.0, -7.0, 2.0), size=200, slope=14, white=0.2)

    def aligned(self, reference, secondary, path):
        pair = Pair(Dem.open(reference), Dem.open(secondary), StableTerrain())
        with open_executor(2) as executor:
            found = coregister(pair, Settings(block_size=100), executor, Silent())
            warp(pair.secondary, found.field, pair.reference.grid, "cubic", path, executor, Silent())
        return found.field.nodes, Dem.open(path).read()

    def test_archives_and_memory_are_read_and_written_as_files_are(self, world, tmp_path):
        archive = tmp_path / "dems.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(world.reference.path, "in/reference.tif")
        content = Path(world.secondary.path).read_bytes()
        gdal.FileFromMemBuffer("/vsimem/in/secondary.tif", content)
        nodes, here = self.aligned(world.reference.path, world.secondary.path, str(tmp_path / "out.tif"))
        found, there = self.aligned(f"/vsizip/{archive}/in/reference.tif", "/vsimem/in/secondary.tif",
                                    "/vsimem/out/aligned.tif")
        np.testing.assert_array_equal(found, nodes)
        np.testing.assert_array_equal(there, here)
        assert gdal.ReadDir("/vsimem/out") == ["aligned.tif"]
        assert rasters_in(f"/vsizip/{archive}") == [f"/vsizip/{archive}/in/reference.tif"]
        assert members("/vsimem/in/secondary.tif") == ["/vsimem/in/secondary.tif"]

    def test_a_missing_member_is_one_sentence(self, world, tmp_path):
        with pytest.raises(RasterError, match=r"nothing\.tif cannot be opened"):
            Dem.open(f"/vsizip/{tmp_path}/dems.zip/nothing.tif")

    def test_a_server_is_read(self, world, tmp_path):
        server = subprocess.Popen([sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"], cwd=tmp_path,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = server.stdout.readline().split(" port ")[1].split()[0]
            dem = Dem.open(f"/vsicurl/http://127.0.0.1:{port}/secondary.tif")
            np.testing.assert_array_equal(dem.read(), world.secondary.read())
            assert dem.name == "secondary.tif"
            nodes, here = self.aligned(world.reference.path, world.secondary.path, str(tmp_path / "out.tif"))
            found, there = self.aligned(world.reference.path, dem.path, str(tmp_path / "served.tif"))
            np.testing.assert_array_equal(found, nodes)
            np.testing.assert_array_equal(there, here)
        finally:
            server.kill()
            server.wait()

    def test_results_of_one_run_appear_together_in_memory(self):
        with pytest.raises(ZeroDivisionError), Stage() as stage:
            write(stage.path("/vsimem/stage/a.tif"), side=64)
            raise ZeroDivisionError
        assert not gdal.ReadDir("/vsimem/stage")
        with Stage() as stage:
            write(stage.path("/vsimem/stage/a.tif"), side=64)
            write_text(stage.path("/vsimem/stage/é.html"), "grüß")
        assert sorted(gdal.ReadDir("/vsimem/stage")) == ["a.tif", "é.html"]
        file = gdal.VSIFOpenL("/vsimem/stage/é.html", "rb")
        assert gdal.VSIFReadL(1, 100, file).decode() == "grüß"
        gdal.VSIFCloseL(file)
        gdal.RmdirRecursive("/vsimem/stage")

    def test_in_memory_whatever_gdal_is_told(self, told):
        with Stage() as stage:
            write(stage.path("/vsimem/told/a.tif"), side=64)
            write_text(stage.path("/vsimem/told/é.html"), "grüß")
        assert sorted(gdal.ReadDir("/vsimem/told")) == ["a.tif", "é.html"]
        for name in ("a.tif", "é.html"):
            gdal.Unlink(f"/vsimem/told/{name}")

    def test_other_formats_in_memory(self):
        write("/vsimem/formats/x.img", side=64)
        assert gdal.Open("/vsimem/formats/x.img").GetDriver().ShortName == "HFA"
        assert gdal.ReadDir("/vsimem/formats") == ["x.img"]
        gdal.RmdirRecursive("/vsimem/formats")

    def test_what_cannot_be_written_is_one_sentence(self, tmp_path, told):
        with pytest.raises(OutputError, match="Cannot write"):
            write(f"/vsizip/{tmp_path}/no.zip/x.tif", side=64)
        with pytest.raises(OutputError, match="Cannot write"):
            write_text("/vsicurl/http://127.0.0.1:9/x.html", "x")
