"""LAYOUT of Blockwise Coregister and Apply Shifts: the same cells in another arrangement."""

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
                             ("applyshifts", {"INPUT": world.secondary.path, "SHIFT_RASTERS": world.reference.path})):
        algorithm = provider.algorithm(name).create()
        good, said = algorithm.checkParameterValues(
            {**parameters, "LAYOUT": "cog", "OUTPUT": str(tmp_path / "out.img")}, core.QgsProcessingContext())
        assert not good and "LAYOUT=cog is for GeoTIFFs" in said


def test_inputs_in_an_archive(run_algorithm, world, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "dems.zip", "w") as file:
        file.write(world.secondary.path, "secondary.tif")
    results = run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": f"/vsizip/{tmp_path}/dems.zip/secondary.tif",
        "BLOCK_SIZE": 0, "METHOD": "lzd", "OUTPUT": str(tmp_path / "out.tif")})
    assert (results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]) == pytest.approx((8, 5, 1), abs=0.1)
