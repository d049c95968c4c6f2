"""LAYOUT of all that write DEMs: the same cells in another arrangement."""

import sys
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import constant_field, make_world

core = pytest.importorskip("qgis.core")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("world"), constant_field(8.0, 5.0, 1.0), size=560, slope=14, white=0.2)


def invalid(path):
    validation = pytest.importorskip("osgeo_utils.samples.validate_cloud_optimized_geotiff")
    warnings, errors, _ = validation.validate(str(path), full_check=True)
    return warnings + errors


def test_blockwise_writes_each_layout(run_algorithm, world, tmp_path):
    made = {}
    for layout in ("plain", "overviews", "cog"):
        folder = tmp_path / layout
        folder.mkdir()
        run_algorithm("blockwisecoregister", {
            "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "BLOCK_SIZE": 0, "METHOD": "lzd",
            "LAYOUT": layout, "OUTPUT": str(folder / "out.tif"), "DIFFERENCE_AFTER": str(folder / "dh.tif")})
        assert sorted(path.name for path in folder.iterdir()) == ["dh.tif", "out.tif"]
        made[layout] = gdal.Open(str(folder / "out.tif"))
        for name in ("out.tif", "dh.tif"):
            assert (invalid(folder / name) == []) == (layout == "cog")
            dataset = gdal.Open(str(folder / name))
            assert (dataset.GetRasterBand(1).GetOverviewCount() > 0) == (layout != "plain")
    for layout in ("overviews", "cog"):
        np.testing.assert_array_equal(made[layout].ReadAsArray(), made["plain"].ReadAsArray())
        assert made[layout].GetRasterBand(1).GetDescription() == "elevation"


def test_apply_shifts_writes_a_cog(run_algorithm, world, tmp_path):
    run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "BLOCK_SIZE": 0, "METHOD": "lzd",
        "OUTPUT": str(tmp_path / "out.tif"), "SHIFT_RASTERS": str(tmp_path / "field.tif")})
    run_algorithm("applyshifts", {"INPUT": world.secondary.path, "SHIFT_RASTERS": str(tmp_path / "field.tif"),
                                  "LAYOUT": "cog", "OUTPUT": str(tmp_path / "again.tif")})
    assert invalid(tmp_path / "again.tif") == []
    np.testing.assert_array_equal(gdal.Open(str(tmp_path / "again.tif")).ReadAsArray(),
                                  gdal.Open(str(tmp_path / "out.tif")).ReadAsArray())


def test_a_format_without_layouts_is_told_before_the_run(provider, world, tmp_path):
    for name, parameters in (("blockwisecoregister", {"REFERENCE": world.reference.path,
                                                      "SECONDARY": world.secondary.path}),
                             ("applyshifts", {"INPUT": world.secondary.path, "SHIFT_RASTERS": world.reference.path}),
                             ("correctbias", {"REFERENCE": world.reference.path, "SECONDARY": world.secondary.path}),
                             ("propagateepochraster", {"INPUT": world.secondary.path,
                                                       **FRAMES["propagateepochraster"]})):
        algorithm = provider.algorithm(name).create()
        good, said = algorithm.checkParameterValues(
            {**parameters, "LAYOUT": "cog", "OUTPUT": str(tmp_path / "out.img")}, core.QgsProcessingContext())
        assert not good and "LAYOUT=cog is for GeoTIFFs" in said


def layouts(run, name, folder):
    """The raster `name` of `run(layout, folder)` in each layout, which is checked, opened."""
    made = {}
    for layout in ("plain", "overviews", "cog"):
        place = folder / layout
        place.mkdir()
        run(layout, place)
        assert not list(place.rglob(".*"))
        assert (invalid(place / name) == []) == (layout == "cog")
        made[layout] = gdal.Open(str(place / name))
        assert (made[layout].GetRasterBand(1).GetOverviewCount() > 0) == (layout != "plain")
        for key, value in made["plain"].GetMetadata().items():
            assert made[layout].GetMetadata()[key] == value or key == "COMMONGROUND_TILE", "which tells what it is of"
        np.testing.assert_array_equal(made[layout].ReadAsArray(), made["plain"].ReadAsArray())
        assert made[layout].GetRasterBand(1).DataType == made["plain"].GetRasterBand(1).DataType
    return made


@pytest.mark.parametrize("name", ["out.tif", "bias.tif"])
def test_correct_bias_writes_each_layout(run_algorithm, world, tmp_path, name):
    layouts(lambda layout, folder: run_algorithm("correctbias", {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "LAYOUT": layout,
        "OUTPUT": str(folder / "out.tif"), "BIAS": str(folder / "bias.tif")}), name, tmp_path)


@pytest.mark.parametrize("algorithm", ["coregisterseries", "coregistertiles"])
def test_many_dems_in_each_layout(run_algorithm, world, tmp_path, algorithm):
    def run(layout, folder):
        out = run_algorithm(algorithm, {"REFERENCE": world.reference.path, "SECONDARIES": [world.secondary.path],
                                        "BLOCK_SIZE": 0, "LAYOUT": layout, "OUTPUT": str(folder)})
        assert out.get("TILES_DONE", out.get("COUNT")) == 1

    layouts(run, "secondary_aligned.tif", tmp_path)


def test_tiles_of_another_layout_are_made_anew_and_then_stay(run_algorithm, world, tmp_path):
    def run(layout):
        return run_algorithm("coregistertiles", {
            "REFERENCE": world.reference.path, "SECONDARIES": [world.secondary.path], "BLOCK_SIZE": 0,
            "LAYOUT": layout, "OUTPUT": str(tmp_path)})["TILES_DONE"]

    assert [run("plain"), run("cog"), run("cog")] == [1, 1, 0]
    assert invalid(tmp_path / "secondary_aligned.tif") == []


FRAMES = {"reframeitrfraster": {"SOURCE_FRAME": "ITRF93", "TARGET_FRAME": "ITRF2014", "EPOCH": "1993.5"},
          "propagateepochraster": {"FRAME": "ITRF2014", "EPOCH": "2000", "TARGET_EPOCH": "2010"}}


@pytest.mark.parametrize("algorithm", FRAMES)
@pytest.mark.parametrize("heights", ["keep", "ellipsoidal"])
def test_moved_rasters_in_each_layout(run_algorithm, world, tmp_path, algorithm, heights):
    made = layouts(lambda layout, folder: run_algorithm(algorithm, {
        "INPUT": world.secondary.path, **FRAMES[algorithm], "HEIGHTS": heights, "LAYOUT": layout,
        "OUTPUT": str(folder / "out.tif")}), "out.tif", tmp_path)
    assert {dataset.GetGeoTransform() for dataset in made.values()} == {made["plain"].GetGeoTransform()}
    assert {dataset.GetSpatialRef().GetCoordinateEpoch() for dataset in made.values()} == {
        made["plain"].GetSpatialRef().GetCoordinateEpoch()}
    same = np.array_equal(made["cog"].ReadAsArray(), gdal.Open(world.secondary.path).ReadAsArray(), equal_nan=True)
    assert same == (heights == "keep")


def stored(path):
    """The bytes of a TIFF's tiles at full resolution, as they lie in the file."""
    dataset, content, blocks = gdal.Open(str(path)), Path(path).read_bytes(), []
    band = dataset.GetRasterBand(1)
    width, height = band.GetBlockSize()
    for down in range(-(-band.YSize // height)):
        for across in range(-(-band.XSize // width)):
            place, size = (int(band.GetMetadataItem(f"BLOCK_{what}_{across}_{down}", "TIFF") or 0)
                           for what in ("OFFSET", "SIZE"))
            blocks.append(content[place:place + size])
    return blocks


def reframe(run_algorithm, path, folder, layout):
    run_algorithm("reframeitrfraster", {"INPUT": str(path), **FRAMES["reframeitrfraster"], "HEIGHTS": "keep",
                                        "LAYOUT": layout, "OUTPUT": str(folder / "out.tif")})
    return folder / "out.tif"


@pytest.mark.parametrize("layout", ["plain", "overviews"])
def test_kept_heights_keep_their_bytes_unless_a_cog_is_asked_for(run_algorithm, world, tmp_path, layout):
    path = tmp_path / "lzw.tif"
    gdal.Translate(str(path), world.secondary.path, creationOptions=["COMPRESS=LZW", "TILED=YES"])
    out = reframe(run_algorithm, path, tmp_path, layout)
    assert stored(out) == stored(path) and len(stored(out)) == 9 and len(stored(out)[0]) > 1000


def test_overviews_that_a_raster_has_are_kept(run_algorithm, world, tmp_path):
    path = tmp_path / "own.tif"
    gdal.Translate(str(path), world.secondary.path, creationOptions=["TILED=YES"])
    gdal.Open(str(path), gdal.GA_Update).BuildOverviews("NEAREST", [4])
    for layout in ("overviews", "cog"):
        old, new = gdal.Open(str(path)), gdal.Open(str(reframe(run_algorithm, path, tmp_path, layout)))
        assert new.GetRasterBand(1).GetOverviewCount() == 1
        np.testing.assert_array_equal(*(each.GetRasterBand(1).GetOverview(0).ReadAsArray() for each in (old, new)))


@pytest.mark.parametrize("kind", ["Byte", "UInt16", "Int32", "Float64", "palette", "bits", "mask", "jpeg"])
def test_a_cog_holds_the_cells_of_any_kind_of_raster(run_algorithm, tmp_path, kind):
    """HEIGHTS=keep is for images and classes, too."""
    from osgeo import osr

    path, rng = tmp_path / "in.tif", np.random.default_rng(4)
    values = rng.integers(0, 2 if kind == "bits" else 200, (600, 700))
    code = gdal.GetDataTypeByName(kind) or gdal.GDT_Byte
    options = {"bits": ["NBITS=1"], "jpeg": ["COMPRESS=JPEG", "TILED=YES"]}.get(kind, [])
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 700, 600, 1, code, options)
    dataset.SetGeoTransform((500000, 10, 0, 4000000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    dataset.SetSpatialRef(reference)
    band = dataset.GetRasterBand(1)
    if kind == "palette":
        table = gdal.ColorTable()
        for entry in range(256):
            table.SetColorEntry(entry, (entry, 0, 255 - entry, 255))
        band.SetColorTable(table)
    band.WriteArray(values)
    if kind == "mask":
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        band.GetMaskBand().WriteArray(np.where(values > 100, 255, 0))
    dataset = band = None
    out = reframe(run_algorithm, path, tmp_path, "cog")
    assert invalid(out) == []
    datasets = gdal.Open(str(path)), gdal.Open(str(out))
    old, new = (each.GetRasterBand(1) for each in datasets)
    assert new.DataType == old.DataType and new.GetMaskFlags() == old.GetMaskFlags()
    np.testing.assert_array_equal(new.ReadAsArray(), old.ReadAsArray())
    np.testing.assert_array_equal(new.GetMaskBand().ReadAsArray(), old.GetMaskBand().ReadAsArray())
    if kind in ("palette", "bits"):
        assert set(np.unique(new.GetOverview(0).ReadAsArray())) <= set(np.unique(values))


def test_inputs_in_an_archive(run_algorithm, world, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "dems.zip", "w") as file:
        file.write(world.secondary.path, "secondary.tif")
    results = run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": f"/vsizip/{tmp_path}/dems.zip/secondary.tif",
        "BLOCK_SIZE": 0, "METHOD": "lzd", "OUTPUT": str(tmp_path / "out.tif")})
    assert (results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]) == pytest.approx((8, 5, 1), abs=0.1)
