"""ROTATION, TERMS and the slower methods as users call them, and what is said where they contradict."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal
from qgis.core import QgsProcessingException

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rigid_worlds import rigid_world
from worlds import Surface, constant_field, make_world

BIAS = 0.01


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terms")
    pair, _ = rigid_world(folder, Surface(5, slope=16), (6.0, -4.0, 1.0), (0, 0, 1e-3), bias=BIAS, size=200, white=0.2)
    return {"REFERENCE": pair.reference.path, "SECONDARY": pair.secondary.path}


def test_rotation_and_elevation_together_and_their_replay(run_algorithm, tmp_path, pair):
    out = {name: str(tmp_path / f"{name}.tif") for name in ("OUTPUT", "SHIFT_RASTERS")}
    report = str(tmp_path / "report.html")
    result = run_algorithm("blockwisecoregister", {
        **pair, **out, "REPORT": report, "METHOD": "lzd", "BLOCK_SIZE": 0, "ROTATION": True, "TERMS": ["elevation"]})
    assert result["NMAD_AFTER"] < 0.35 < result["NMAD_BEFORE"]
    told = Path(report).read_text(encoding="utf-8")
    assert "mrad" in told and "Elevation bias" in told and "rotation, elevation" in told
    run_algorithm("applyshifts", {"INPUT": pair["SECONDARY"], "SHIFT_RASTERS": out["SHIFT_RASTERS"],
                                  "OUTPUT": str(tmp_path / "again.tif")})
    first, second = (gdal.Open(path).ReadAsArray() for path in (out["OUTPUT"], str(tmp_path / "again.tif")))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("method", ["dh_minimize", "icp"])
def test_the_slower_methods(run_algorithm, tmp_path, method):
    world = make_world(tmp_path, constant_field(6, -4, 1), size=200, slope=16, white=0.2)
    result = run_algorithm("blockwisecoregister", {
        "REFERENCE": world.reference.path, "SECONDARY": world.secondary.path, "METHOD": method, "BLOCK_SIZE": 100,
        "OUTPUT": str(tmp_path / "out.tif")})
    assert abs(result["SHIFT_X"] - 6) < 0.3 and abs(result["SHIFT_Y"] + 4) < 0.3 and result["BLOCKS_USED"] == 4


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"TERMS": ["tilt"]}, "METHOD=lzd alone"),
    ({"TERMS": ["tilt"], "METHOD": "lzd", "ROTATION": True}, "either ROTATION or the term tilt"),
    ({"ROTATION": True, "METHOD": "vertical_shift"}, "moves sideways"),
])
def test_contradictions_are_said_before_anything_runs(run_algorithm, tmp_path, pair, changes, sentence):
    with pytest.raises(QgsProcessingException, match=sentence):
        run_algorithm("blockwisecoregister", {**pair, "METHOD": "nuth_kaab", **changes,
                                              "OUTPUT": str(tmp_path / "out.tif")})
