"""Coregister Tiles in a real QGIS: outputs, what is not done again, what is said."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tile_worlds import make_tiles

core = pytest.importorskip("qgis.core")
ROOT = Path(__file__).resolve().parents[2]
PROCESS = Path("/usr/bin/qgis_process.bin")
FIELDS = ["tile", "status", "reason", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", "blocks", "blocks_used",
          "count", "nmad_before", "nmad_after", "median_before", "median_after", "seconds", "aligned"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_tiles(tmp_path_factory.mktemp("wörld of tiles"))


@pytest.fixture(scope="module")
def run(run_algorithm, world, tmp_path_factory):
    """The folder of a first run, and its results."""
    folder = tmp_path_factory.mktemp("tiles out")
    return folder, run_algorithm("coregistertiles", parameters(world, folder))


def parameters(world, folder, **changes):
    return {"REFERENCE": world.reference.path, "FOLDER": str(world.folder), "BLOCK_SIZE": 70,
            "OUTPUT": str(folder / "out"), "SUMMARY": str(folder / "summary.gpkg"),
            "REPORT": str(folder / "report.html"), **changes}


def rows(path):
    dataset = ogr.Open(str(path))
    layer = dataset.GetLayer(0)
    names = [layer.GetLayerDefn().GetFieldDefn(i).GetName() for i in range(layer.GetLayerDefn().GetFieldCount())]
    assert names == FIELDS
    found = {}
    for feature in layer:
        geometry = feature.GetGeometryRef()
        found[feature["tile"]] = {**feature.items(), "box": geometry.GetEnvelope() if geometry else None}
    return found


def test_every_tile_arrives_and_the_others_are_named(run, world):
    folder, out = run
    assert (out["TILES"], out["TILES_DONE"], out["TILES_UNCHANGED"], out["TILES_REFUSED"]) == (11, 9, 0, 2)
    assert out["NMAD_AFTER"] < 0.35 < 1.0 < out["NMAD_BEFORE"]
    found = rows(folder / "summary.gpkg")
    for name, shift in world.shifts.items():
        row = found[name]
        assert [row["dx"], row["dy"], row["dz"]] == pytest.approx(shift, abs=0.1), "metres to add to the tile"
        assert row["status"] == "done" and 0 < row["sigma_dx"] < 0.1 and row["blocks_used"] > 1
        assert row["nmad_after"] < row["nmad_before"] and abs(row["median_after"]) < 0.05 and row["seconds"] > 0
        assert Path(row["aligned"]).is_file()
    assert "no stable cell" in found["empty"]["reason"] and found["empty"]["status"] == "refused"
    assert "do not overlap" in found["far away"]["reason"] and found["far away"]["dx"] is None
    assert found["n0e0"]["box"] == pytest.approx((500000, 501050, 7798900, 7800000))
    assert not [name for name in os.listdir(folder / "out") if name.startswith(".")]


def test_the_report_shows_the_tiles(run):
    text = (run[0] / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image/png") == 2 and "far away" in text and "n2e2" in text and "Worst tiles" in text
    assert "<script" not in text


def test_a_second_run_does_nothing(run, run_algorithm, world):
    folder, first = run
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("n*")}
    again = run_algorithm("coregistertiles", parameters(world, folder))
    assert (again["TILES_DONE"], again["TILES_UNCHANGED"], again["TILES_REFUSED"]) == (0, 9, 2)
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").glob("n*")} == before and len(before) == 27
    assert again["NMAD_AFTER"] == first["NMAD_AFTER"]
    assert {row["status"] for row in rows(folder / "summary.gpkg").values()} == {"unchanged", "refused"}


def test_a_list_and_a_vrt_are_their_files(run_algorithm, world, tmp_path, run):
    names = ["n0e0.tif", "n1e1.tif"]
    paths = [str(world.folder / name) for name in names]
    mosaic = tmp_path / "mosaic.vrt"
    gdal.BuildVRT(str(mosaic), paths)
    layers = [core.QgsRasterLayer(path, Path(path).stem) for path in paths]
    for number, given in enumerate((paths, layers, [str(mosaic)])):
        out = run_algorithm("coregistertiles", {
            "REFERENCE": world.reference.path, "SECONDARIES": given, "BLOCK_SIZE": 70,
            "OUTPUT": str(tmp_path / str(number)), "SUMMARY": "memory:"})
        assert (out["TILES"], out["TILES_DONE"]) == (2, 2) and out["SUMMARY"].featureCount() == 2
        for name in ("n0e0", "n1e1"):
            made = (tmp_path / str(number) / f"{name}_aligned.tif")
            np.testing.assert_array_equal(pixels(made), pixels(run[0] / "out" / made.name))


def pixels(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_tiles_keep_their_own_grid_by_choice(run_algorithm, world, tmp_path):
    (tmp_path / "in").mkdir()
    gdal.Warp(str(tmp_path / "in" / "coarser.tif"), str(world.folder / "n1e1.tif"), xRes=12, yRes=12,
              resampleAlg="cubic")
    out = run_algorithm("coregistertiles", parameters(world, tmp_path, FOLDER=str(tmp_path / "in"),
                                                      GRID="secondary", BLOCK_SIZE=0))
    assert out["TILES_DONE"] == 1
    assert gdal.Open(str(tmp_path / "out" / "coarser_aligned.tif")).GetGeoTransform() \
        == gdal.Open(str(tmp_path / "in" / "coarser.tif")).GetGeoTransform()


def test_stable_terrain_is_found_where_it_is_asked_for(run_algorithm, world, tmp_path):
    out = run_algorithm("coregistertiles", parameters(world, tmp_path, AUTO_STABLE=True, BLOCK_SIZE=0))
    assert (out["TILES_DONE"], out["TILES_REFUSED"]) == (9, 2)
    reason = rows(tmp_path / "summary.gpkg")["n0e0"]["reason"]
    assert re.search(r"told automatically, by cells of 10 m: \d+\.\d% of the given terrain left out", reason)
    assert set(np.unique(pixels(tmp_path / "out" / "n0e0_stable.tif"))) == {0, 1}
    assert "automatic" in (tmp_path / "report.html").read_text(encoding="utf-8")
    again = parameters(world, tmp_path, AUTO_STABLE=True, BLOCK_SIZE=0)
    assert run_algorithm("coregistertiles", again)["TILES_UNCHANGED"] == 9
    again["AUTO_STABLE"] = False
    assert run_algorithm("coregistertiles", again)["TILES_DONE"] == 9
    assert not list((tmp_path / "out").glob("*_stable.tif"))


def test_a_folder_in_use_is_one_sentence(run_algorithm, world, tmp_path):
    from commonground.core.coregistration.folder_lock import FolderLock

    busy = pytest.raises(core.QgsProcessingException, match="OUTPUT is in use")
    with FolderLock(str(tmp_path / "out")), busy as error:
        run_algorithm("coregistertiles", parameters(world, tmp_path))
    assert "Traceback" not in str(error.value) and not (tmp_path / "summary.gpkg").exists()
    assert run_algorithm("coregistertiles", parameters(world, tmp_path, BLOCK_SIZE=0))["TILES_DONE"] == 9


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"FOLDER": None}, "Give SECONDARIES or FOLDER"),
    ({"FOLDER": "nowhere"}, "there is no folder"),
    ({"FOLDER": "empty"}, "There is no tile"),
    ({"BLOCK_SIZE": 5}, "at least 16 cells"),
    ({"SCHEDULER": "tcp://127.0.0.1:1"}, "scheduler|SCHEDULER"),
])
def test_what_cannot_work_is_one_sentence(run_algorithm, world, tmp_path, changes, sentence):
    (tmp_path / "empty").mkdir()
    if changes.get("FOLDER"):
        changes = {"FOLDER": str(tmp_path / changes["FOLDER"])}
    with pytest.raises(core.QgsProcessingException, match=sentence) as error:
        run_algorithm("coregistertiles", parameters(world, tmp_path, **changes))
    assert "Traceback" not in str(error.value) and not (tmp_path / "summary.gpkg").exists()


def test_cancelling_leaves_whole_tiles_and_the_next_run_goes_on(provider, run_algorithm, world, tmp_path):
    class Impatient(core.QgsProcessingFeedback):
        def setProgress(self, value):
            super().setProgress(value)
            if value > 40:
                self.cancel()

    algorithm = core.QgsApplication.processingRegistry().createAlgorithmById("commonground:coregistertiles")
    results, good = algorithm.run(parameters(world, tmp_path, BLOCK_SIZE=0), core.QgsProcessingContext(), Impatient())
    assert good and results == {} and not (tmp_path / "summary.gpkg").exists()
    out = tmp_path / "out"
    done = len([line for line in (out / "tiles.jsonl").read_text(encoding="utf-8").splitlines()[1:]
                if json.loads(line)["content"]["status"] == "done"])
    assert 0 < done < 9 and not [name for name in os.listdir(out) if name.startswith(".")]
    assert all(gdal.Open(str(path)).ReadAsArray() is not None for path in out.glob("*.tif"))
    again = run_algorithm("coregistertiles", parameters(world, tmp_path, BLOCK_SIZE=0))
    assert (again["TILES_DONE"], again["TILES_UNCHANGED"]) == (9 - done, done)


def test_the_summary_is_styled_by_status(provider, run):
    from commonground.processing_provider import styling

    layer = core.QgsVectorLayer(str(run[0] / "summary.gpkg"), "summary")
    context = core.QgsProcessingContext()
    context.setProject(core.QgsProject.instance())
    context.addLayerToLoadOnCompletion(layer.source(), core.QgsProcessingContext.LayerDetails("s", context.project()))
    styling.style_tiles(context, layer.source())
    details = context.layerToLoadOnCompletionDetails(layer.source())
    details.postProcessor().postProcessLayer(layer, context, core.QgsProcessingFeedback())
    assert [category.value() for category in layer.renderer().categories()] == ["done", "unchanged", "refused"]
    expression = core.QgsExpression(layer.labeling().settings().fieldName)
    scope = core.QgsExpressionContext()
    labels = {}
    for feature in layer.getFeatures():
        scope.setFeature(feature)
        scope.setFields(layer.fields())
        labels[feature["tile"]] = expression.evaluate(scope)
    assert re.fullmatch(r"n0e0\n\d\.\d\d → 0\.\d\d m", labels["n0e0"]) and labels["empty"] == "empty"


@pytest.mark.skipif(not PROCESS.exists(), reason="qgis_process is not installed")
def test_qgis_process_runs_it(world, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "commonground").symlink_to(ROOT)
    profile = tmp_path / "profile" / "profiles" / "default" / "QGIS"
    profile.mkdir(parents=True)
    (profile / "QGIS3.ini").write_text("[PythonPlugins]\ncommonground=true\n", encoding="utf-8")
    environment = {**os.environ, "QGIS_PLUGINPATH": str(plugins), "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore",
                   "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"), "QT_QPA_PLATFORM": "offscreen"}
    arguments = [f"{name}={value}" for name, value in parameters(world, tmp_path, BLOCK_SIZE=0).items()]
    done = subprocess.run([str(PROCESS), "--json", "run", "commonground:coregistertiles", "--", *arguments],
                          env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["results"]
    assert (found["TILES"], found["TILES_DONE"], found["TILES_REFUSED"]) == (11, 9, 2)
    assert rows(tmp_path / "summary.gpkg")["n0e0"]["status"] == "done"
