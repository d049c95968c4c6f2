"""Correct Bias in a real QGIS: outputs, signs, coefficients, and one sentence for what cannot work."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.bias import positions
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from commonground.core.statistics.robust import nmad
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import Surface, wkt

GRID = Grid((500000.0, 30.0, 0.0, 7800000.0, 0.0, -30.0), 360, 300, wkt(32622))


def save(path, values, grid=GRID):
    with RasterWriter(str(path), grid) as writer:
        writer.write(np.asarray(values, dtype=np.float32))
    return str(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A reference, and secondaries with a plane and with a wave along 30 degrees."""
    folder = tmp_path_factory.mktemp("wörld of biases")
    row, col = np.mgrid[:300, :360]
    truth = Surface(3, shortest=300.0, slope=12)(col * 30.0, -row * 30.0)
    east, north = positions(GRID, row, col)
    noise = np.random.default_rng(1).normal(size=truth.shape) * 0.4
    s = east * math.sin(math.radians(30)) + north * math.cos(math.radians(30))
    return {"reference": save(folder / "reference.tif", truth),
            "tilted": save(folder / "tilted.tif", truth - (3.0 + 0.7 * east - 0.4 * north) + noise),
            "waved": save(folder / "waved.tif", truth - 1.5 * np.sin(2 * np.pi * s / 2.2) + noise),
            "slanted": save(folder / "slanted.tif", truth - (truth - 1000.0) / 50.0 + noise), "folder": folder}


def pixels(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_a_ramp_with_every_output(world, run_algorithm, tmp_path):
    outputs = {"OUTPUT": "corrécted.tif", "BIAS": "bias.tif", "REPORT": "report.html"}
    results = run_algorithm("correctbias", {
        "REFERENCE": world["reference"], "SECONDARY": world["tilted"],
        **{name: str(tmp_path / file) for name, file in outputs.items()}})
    found = json.loads(results["COEFFICIENTS"])
    assert list(found.values()) == pytest.approx([3.0, 0.7, -0.4], abs=0.01)
    assert list(found) == ["east^0 north^0 (m/km^0)", "east^1 north^0 (m/km^1)", "east^0 north^1 (m/km^1)"]
    assert results["MEDIAN_BEFORE"] == pytest.approx(3.0, abs=0.1) and abs(results["MEDIAN_AFTER"]) < 0.01
    assert results["NMAD_BEFORE"] > 1.5 and results["NMAD_AFTER"] == pytest.approx(0.4, abs=0.01)
    assert results["COUNT"] == 300 * 360 and results["VOIDED"] == 0
    out = pixels(tmp_path / "corrécted.tif")
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, pixels(world["tilted"]) + pixels(tmp_path / "bias.tif"), atol=1e-3)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Fitted bias" in report and "east^1 north^0" in report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bias.tif", "corrécted.tif", "report.html"]


@pytest.mark.parametrize("angle", [30.0, None])
def test_waves(world, run_algorithm, tmp_path, angle):
    results = run_algorithm("correctbias", {
        "REFERENCE": world["reference"], "SECONDARY": world["waved"], "KIND": "directional",
        **({"ANGLE": angle} if angle else {}), "OUTPUT": str(tmp_path / "out.tif"),
        "REPORT": str(tmp_path / "report.html")})
    found = json.loads(results["COEFFICIENTS"])
    assert found["azimuth (degrees)"] == pytest.approx(30.0, abs=0.2)
    assert found["wavelength 1 (km)"] == pytest.approx(2.2, rel=0.01)
    assert found["sine 1 (m)"] == pytest.approx(1.5, abs=0.05)
    assert results["NMAD_BEFORE"] > 1.0 and results["NMAD_AFTER"] == pytest.approx(0.4, abs=0.02)
    assert "data:image/png" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_bias_by_terrain(world, run_algorithm, tmp_path):
    results = run_algorithm("correctbias", {
        "REFERENCE": world["reference"], "SECONDARY": world["slanted"], "KIND": "terrain", "ATTRIBUTE": "elevation",
        "OUTPUT": str(tmp_path / "out.tif"), "REPORT": str(tmp_path / "report.html")})
    assert results["NMAD_AFTER"] == pytest.approx(0.4, abs=0.03) and results["NMAD_BEFORE"] > 0.8
    left = Dem.open(str(tmp_path / "out.tif")).read() - Dem.open(world["reference"]).read()
    assert abs(np.median(left)) < 0.02 and nmad(left) < 0.43


def test_cells_without_the_references_terrain_become_void(world, run_algorithm, tmp_path):
    heights = pixels(world["reference"])
    heights[100:120, 50:80] = np.nan
    holed = save(tmp_path / "holed.tif", heights)
    results = run_algorithm("correctbias", {
        "REFERENCE": holed, "SECONDARY": world["slanted"], "KIND": "terrain", "ATTRIBUTE": "elevation",
        "OUTPUT": str(tmp_path / "out.tif")})
    assert results["VOIDED"] == 600
    assert np.isnan(Dem.open(str(tmp_path / "out.tif")).read()[100:120, 50:80]).all()


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"KIND": "icp"}, "choose one of ramp, directional, terrain"),
    ({"ANGLE": 12.0}, "ANGLE is for KIND=directional"),
    ({"SECONDARY": "reference"}, "same file"),
    ({"OUTPUT": "tilted"}, "would overwrite SECONDARY"),
    ({"KIND": "directional"}, "No direction stands out"),
    ({"SECONDARY": "far"}, "share only 0 stable cells"),
])
def test_one_sentence_for_what_cannot_work(world, run_algorithm, tmp_path, changes, sentence):
    from qgis.core import QgsProcessingException

    away = Grid((900000.0, 30.0, 0.0, 7800000.0, 0.0, -30.0), 60, 60, GRID.crs)
    files = {**world, "far": save(world["folder"] / "far.tif", np.ones((60, 60)), away)}
    parameters = {"REFERENCE": "reference", "SECONDARY": "tilted", "OUTPUT": str(tmp_path / "out.tif"), **changes}
    for name in ("REFERENCE", "SECONDARY", "OUTPUT"):
        parameters[name] = files.get(parameters[name], parameters[name])
    with pytest.raises(QgsProcessingException, match=sentence):
        run_algorithm("correctbias", parameters)
    assert not list(tmp_path.iterdir())
