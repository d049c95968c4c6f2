"""Blockwise Coregister and Apply Shifts in a real QGIS: outputs, signs, and one sentence for what cannot work."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from commonground.core.statistics.robust import nmad
from osgeo import gdal, ogr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import constant_field, make_world, sine_field

FIELDS = ["row", "col", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", "n", "nmad_before", "nmad_after",
          "slope", "iterations", "status", "reason"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("wörld of hills"), sine_field(9, 450, 1.5), size=420, slope=12, white=0.3)


@pytest.fixture(scope="module")
def run(world, run_algorithm, tmp_path_factory):
    """One full run with every output, in a folder with blanks and marks."""
    folder = tmp_path_factory.mktemp("résults of a run")
    outputs = {"OUTPUT": "aligned.tif", "SHIFTS": "shifts.gpkg", "SHIFT_RASTERS": "field.tif",
               "SHIFT_MODEL": "model.json", "DIFFERENCE_BEFORE": "before.tif", "DIFFERENCE_AFTER": "after.tif",
               "REPORT": "report.html"}
    results = run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "BLOCK_SIZE": 140,
        **{name: str(folder / file) for name, file in outputs.items()}})
    return folder, results


def pixels(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_every_output_is_there_and_true(run, world):
    folder, results = run
    aligned = pixels(folder / "aligned.tif")
    assert aligned.dtype == np.float32
    assert gdal.Open(str(folder / "aligned.tif")).GetGeoTransform() == world.reference.grid.geotransform
    assert "TILED" not in gdal.Info(str(folder / "aligned.tif")) and gdal.Open(
        str(folder / "aligned.tif")).GetRasterBand(1).GetBlockSize() == [256, 256]
    np.testing.assert_allclose(Dem.open(str(folder / "after.tif")).read(),
                               world.reference.read() - Dem.open(str(folder / "aligned.tif")).read(), atol=1e-4)
    np.testing.assert_allclose(Dem.open(str(folder / "before.tif")).read(),
                               world.reference.read() - world.secondary.read(), atol=1e-4)
    assert results["NMAD_AFTER"] < 0.6 * results["NMAD_BEFORE"]
    assert abs(results["MEDIAN_AFTER"]) < 0.02
    assert results["BLOCKS"] == results["BLOCKS_USED"] == 9
    assert results["NMAD_AFTER"] == pytest.approx(
        nmad(Dem.open(str(folder / "after.tif")).read()[np.isfinite(Dem.open(str(folder / "before.tif")).read())]),
        abs=1e-3)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "data:image/png" in report and "Global shift" in report
    assert not [name for name in folder.iterdir() if name.name.startswith(".")]


def test_shifts_have_the_contracts_fields(run):
    folder, _ = run
    dataset = ogr.Open(str(folder / "shifts.gpkg"))
    layer = dataset.GetLayer(0)
    names = [layer.GetLayerDefn().GetFieldDefn(i).GetName() for i in range(layer.GetLayerDefn().GetFieldCount())]
    assert names == FIELDS and layer.GetFeatureCount() == 9
    first = layer.GetNextFeature()
    assert (first["row"], first["col"], first["status"]) == (0, 0, "used")
    assert first["sigma_dx"] > 0 and first["n"] > 10000
    assert layer.GetSpatialRef().GetAuthorityCode(None) == "32622"


def test_apply_shifts_repeats_the_output_bit_for_bit(run, world, run_algorithm):
    folder, _ = run
    run_algorithm("applyshifts", {"INPUT": world.secondary.path, "SHIFT_RASTERS": str(folder / "field.tif"),
                                  "OUTPUT": str(folder / "again.tif")})
    np.testing.assert_array_equal(pixels(folder / "again.tif"), pixels(folder / "aligned.tif"))


def test_apply_shifts_interpolates_the_layer(run, world, run_algorithm):
    folder, _ = run
    run_algorithm("applyshifts", {"INPUT": world.secondary.path, "SHIFTS": str(folder / "shifts.gpkg"),
                                  "OUTPUT": str(folder / "smooth.tif")})
    left = world.reference.read() - Dem.open(str(folder / "smooth.tif")).read()
    before = world.reference.read() - world.secondary.read()
    assert nmad(left) < 0.9 * nmad(before)


def test_one_global_shift_with_its_sign(run_algorithm, tmp_path):
    world = make_world(tmp_path, constant_field(14.0, -7.0, 2.0), size=250, slope=14, white=0.2)
    results = run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "BLOCK_SIZE": 0,
        "OUTPUT": str(tmp_path / "out.tif")})
    assert (results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]) == pytest.approx((14, -7, 2), abs=0.1)
    assert "SHIFTS" not in results


def test_the_secondarys_grid_by_choice(run_algorithm, tmp_path, world):
    shifted = tmp_path / "other grid.tif"
    gdal.Warp(str(shifted), world.secondary.path, xRes=12, yRes=12, resampleAlg="cubic")
    run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": str(shifted), "BLOCK_SIZE": 140, "GRID": "secondary",
        "OUTPUT": str(tmp_path / "out.tif")})
    assert gdal.Open(str(tmp_path / "out.tif")).GetGeoTransform() == gdal.Open(str(shifted)).GetGeoTransform()


def raster(path, heights, world, crs=None):
    grid = world.reference.grid
    grid = Grid(grid.geotransform, heights.shape[1], heights.shape[0], grid.crs)
    with RasterWriter(str(path), grid) as writer:
        writer.write(heights.astype(np.float32))
    return str(path)


@pytest.fixture
def bad(tmp_path, world):
    """Inputs that cannot work, by name."""
    plain = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "no crs.tif"), 50, 50)
    plain.SetGeoTransform(world.reference.grid.geotransform)
    plain.GetRasterBand(1).WriteArray(np.random.default_rng(0).normal(size=(50, 50)))
    del plain
    far = Grid((900000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 50, 50, world.reference.grid.crs)
    with RasterWriter(str(tmp_path / "far.tif"), far) as writer:
        writer.write(np.ones((50, 50), np.float32))
    raster(tmp_path / "void.tif", np.full((100, 100), np.nan), world)
    (tmp_path / "file").write_text("in the way")
    return tmp_path


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"SECONDARY": "no crs.tif"}, "no coordinate reference system"),
    ({"SECONDARY": "far.tif"}, "do not overlap"),
    ({"SECONDARY": "void.tif"}, "no stable cell with heights in both"),
    ({"REFERENCE": "void.tif"}, "Only 0 cells"),
    ({"SECONDARY": None}, "same file"),
    ({"OUTPUT": "file/out.tif"}, "Cannot write"),
    ({"METHOD": "nuth"}, "choose one of nuth_kaab, lzd, dh_minimize, icp, vertical_shift"),
    ({"BLOCK_SIZE": 5}, "at least 16 cells"),
    ({"OVERLAP": 0.7}, "OVERLAP"),
    ({"SCHEDULER": "tcp://127.0.0.1:1"}, "SCHEDULER|scheduler"),
])
def test_what_cannot_work_is_said_in_one_sentence(run_algorithm, world, bad, changes, sentence):
    from qgis.core import QgsProcessingException

    parameters = {"REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "BLOCK_SIZE": 140,
                  "OUTPUT": "out.tif", **changes}
    if parameters["SECONDARY"] is None:
        parameters["SECONDARY"] = world.reference.path
    for name in ("REFERENCE", "SECONDARY", "OUTPUT"):
        if not Path(parameters[name]).is_absolute():
            parameters[name] = str(bad / parameters[name])
    before = sorted(bad.rglob("*"))
    with pytest.raises(QgsProcessingException, match=sentence) as error:
        run_algorithm("blockwisecoregister", parameters)
    assert "Traceback" not in str(error.value)
    assert sorted(bad.rglob("*")) == before


def test_an_input_is_never_overwritten(run_algorithm, world):
    from qgis.core import QgsProcessingException

    with pytest.raises(QgsProcessingException, match="overwrite"):
        run_algorithm("blockwisecoregister", {"REFERENCE": world.reference.path, "SECONDARY": world.secondary.path,
                                              "OUTPUT": world.secondary.path})


def test_cancelling_leaves_nothing(provider, world, tmp_path):
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    class Impatient(QgsProcessingFeedback):
        def setProgress(self, value):
            super().setProgress(value)
            if value > 40:
                self.cancel()

        def setProgressText(self, text):
            if "Shift field" in text:
                self.cancel()

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("commonground:blockwisecoregister")
    results, good = algorithm.run({"REFERENCE": world.reference.path, "SECONDARY": world.secondary.path,
                                   "BLOCK_SIZE": 140, "OUTPUT": str(tmp_path / "out.tif"),
                                   "SHIFTS": str(tmp_path / "shifts.gpkg")},
                                  QgsProcessingContext(), Impatient())
    assert good and results == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("changes", "sentence"), [
    ({}, "Give SHIFT_RASTERS or SHIFTS"),
    ({"SHIFT_RASTERS": "field.tif", "SHIFTS": "shifts.gpkg"}, "not both"),
    ({"SHIFT_RASTERS": "aligned.tif"}, "three bands"),
])
def test_apply_shifts_says_what_it_needs(run, run_algorithm, world, tmp_path, changes, sentence):
    from qgis.core import QgsProcessingException

    folder, _ = run
    parameters = {"INPUT": world.secondary.path, "OUTPUT": str(tmp_path / "out.tif"),
                  **{name: str(folder / file) for name, file in changes.items()}}
    with pytest.raises(QgsProcessingException, match=sentence):
        run_algorithm("applyshifts", parameters)
    assert not (tmp_path / "out.tif").exists()


def test_real_pair_gains_on_crops(run_algorithm, tmp_path):
    data = Path(__file__).resolve().parents[2] / "demo" / "data" / "los_angeles"
    for name, window in (("north", (0, 0, 500, 500)), ("south", (350, 400, 550, 500))):
        for file in ("glo30", "nasadem"):
            gdal.Translate(str(tmp_path / f"{file}-{name}.tif"), str(data / f"{file}.tif"), srcWin=window)
        results = run_algorithm("blockwisecoregister", {
            "REFERENCE": str(tmp_path / f"glo30-{name}.tif"), "SECONDARY": str(tmp_path / f"nasadem-{name}.tif"),
            "BLOCK_SIZE": 250, "OUTPUT": str(tmp_path / f"{name}.tif")})
        assert results["NMAD_AFTER"] < results["NMAD_BEFORE"]
        assert abs(results["MEDIAN_AFTER"]) < 0.1
