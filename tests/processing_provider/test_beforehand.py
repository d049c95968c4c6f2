"""What is known beforehand, and the automatic stable terrain, through Blockwise Coregister in a real QGIS."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import reproject
from commonground.core.raster.writing import RasterWriter
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import constant_field, correlated, make_world, wkt

core = pytest.importorskip("qgis.core")

class Log(core.QgsProcessingFeedback):
    """Keeps what is said."""

    def __init__(self):
        super().__init__()
        self.infos, self.warnings = [], []

    def pushInfo(self, text):
        self.infos.append(text)

    def pushWarning(self, text):
        self.warnings.append(text)


@pytest.fixture(scope="module")
def australia(tmp_path_factory):
    """One ground at -23.5, 135: 20 years of the Australian plate are 1.3 m. Cells of 4 m, noise 0.2 m on each DEM."""
    return make_world(tmp_path_factory.mktemp("austrália"), constant_field(0, 0, 0), size=400, cell=4.0, slope=14,
                      seed=5, white=0.2, crs=32753, origin=(498000.0, 7401000.0))


@pytest.fixture(scope="module")
def moved(australia, run_algorithm):
    """The secondary where its ground lay 20 years before, by our own reframing: nothing resampled."""
    path = str(Path(australia.secondary.path).with_name("of 2000.tif"))
    run_algorithm("reframeitrfraster", {
        "INPUT": australia.secondary.path, "SOURCE_FRAME": "ITRF2014", "TARGET_FRAME": "ITRF2000", "EPOCH": "2020.0",
        "TARGET_EPOCH": "2000.0", "OUTPUT": path})
    return path


def run(run_algorithm, folder, **parameters):
    log, files = Log(), {"OUTPUT": "aligned.tif", "JSON": "numbers.json", "REPORT": "report.html"}
    folder.mkdir(exist_ok=True)
    results = run_algorithm("blockwisecoregister", {
        "BLOCK_SIZE": 0, **{name: str(folder / file) for name, file in files.items()}, **parameters}, feedback=log)
    beforehand = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))["beforehand"]
    return results, log, beforehand, (folder / "report.html").read_text(encoding="utf-8")


def test_twenty_years_on_a_plate_are_named_and_found(australia, moved, run_algorithm, tmp_path):
    """The moved file's own tags tell its frame and epoch; the reference's are the user's word."""
    results, log, known, report = run(run_algorithm, tmp_path, REFERENCE=australia.reference.path, SECONDARY=moved,
                                      REFERENCE_FRAME="ITRF2014", REFERENCE_EPOCH="2020-01-01", METHOD="lzd")
    assert (known["secondary"]["frame"], known["secondary"]["epoch"]) == ("ITRF2000", 2000.0)
    assert (known["reference"]["frame"], known["reference"]["epoch"]) == ("ITRF2014", 2020.0)
    (step,) = known["steps"]
    grid = australia.reference.grid
    lon, lat = reproject(*grid.map_of(199.5, 199.5), grid.crs, wkt(4326))
    truth = displace(float(lon), float(lat), 0.0, FrameEpoch("ITRF2000", 2000.0), FrameEpoch("ITRF2014", 2020.0),
                     PlateMotion("ITRF2014-PMM", "AUST"))
    np.testing.assert_allclose(step["shift"], [truth.east, truth.north, truth.up], atol=2e-3)
    assert step["shift"][1] > 1.0, "to add to what was observed 20 years ago: northward"
    found = np.array([results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]])
    assert (np.abs(found - step["shift"]) <= 3 * np.array(known["sigma"])).all() and max(known["sigma"]) < 0.05
    np.testing.assert_allclose(known["unexplained"], found - step["shift"], atol=1e-9)
    assert "The terrain agrees" in known["verdict"] and "The terrain agrees" in report
    assert "What was known beforehand" in report and "on plate AUST" in report and "What no step explains" in report
    (warning,) = [line for line in log.warnings if line.startswith("Known beforehand")]
    assert f"y {step['shift'][1]:+.3f} m" in warning and "ITRF2000 at 2000" in warning
    assert not any("Frame unknown" in line for line in log.infos)
    aligned = Dem.open(results["OUTPUT"]).read()
    assert abs(np.nanmedian(australia.reference.read() - aligned)) < 0.02, "by the terrain, not by the step besides"


def test_frames_named_the_wrong_way_round_are_seen(australia, moved, run_algorithm, tmp_path):
    _, _, known, report = run(run_algorithm, tmp_path, REFERENCE=australia.reference.path, SECONDARY=moved,
                              REFERENCE_FRAME="ITRF2014", REFERENCE_EPOCH="2000", SECONDARY_FRAME="ITRF2014",
                              SECONDARY_EPOCH="2020", METHOD="lzd")
    assert "the opposite" in known["verdict"] and "the opposite" in report


def test_what_is_unknown_is_said_and_no_size_is_guessed(australia, run_algorithm, tmp_path):
    _, log, known, report = run(run_algorithm, tmp_path, REFERENCE=australia.reference.path, REFERENCE_FRAME="",
                                SECONDARY=australia.secondary.path)
    assert known["steps"] == [] and known["verdict"] == ""
    said = " ".join(log.infos)
    for parameter in ("REFERENCE_FRAME", "SECONDARY_FRAME", "REFERENCE_EPOCH", "SECONDARY_EPOCH"):
        assert parameter in said and parameter in report
    assert "cm a year (plate AUST" in said and "compound CRS" in said and "Predicted" not in report
    assert not [line for line in log.warnings if "beforehand" in line]


def test_an_epoch_that_is_none_is_one_sentence(australia, run_algorithm, tmp_path):
    with pytest.raises(core.QgsProcessingException, match="last summer"):
        run(run_algorithm, tmp_path, REFERENCE=australia.reference.path, SECONDARY=australia.secondary.path,
            SECONDARY_EPOCH="last summer")


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A forest of 15 m has grown on a tenth of the ground."""
    folder = tmp_path_factory.mktemp("forêt")
    world = make_world(folder, constant_field(9, -6, 1), size=320, slope=12, seed=8, white=0.6)
    noise = correlated(np.random.default_rng(1), (320, 320), 20)
    trees = noise > np.quantile(noise, 0.9)
    path = str(folder / "grown.tif")
    with RasterWriter(path, world.reference.grid) as writer:
        writer.write((world.secondary.read() + 15.0 * trees).astype(np.float32))
    return world, path, trees


def test_automatic_stable_terrain_and_the_mask_that_was_used(grown, run_algorithm, tmp_path):
    world, path, trees = grown
    common = {"REFERENCE": world.reference.path, "SECONDARY": path, "BLOCK_SIZE": 160, "STABLE_MASK": str(
        tmp_path / "used.tif")}
    with_it, log, _, report = run(run_algorithm, tmp_path / "with", AUTO_STABLE=True, **common)
    used = gdal.Open(common["STABLE_MASK"])
    assert used.GetGeoTransform() == world.reference.grid.geotransform and used.ReadAsArray().dtype == np.uint8
    left = used.ReadAsArray() == 1
    # The forest stands 9 m east and 6 m south of where the reference would have it: a cell at its rim.
    assert left[trees].mean() < 0.05 and left[~trees].mean() > 0.9
    assert any("told automatically" in line for line in log.infos) and "told automatically" in report
    assert "stable terrain automatic" in report
    without, _, _, report = run(run_algorithm, tmp_path / "without", **common)
    assert (gdal.Open(common["STABLE_MASK"]).ReadAsArray() == 1).all() and "told automatically" not in report
    assert with_it["NMAD_AFTER"] < without["NMAD_AFTER"]
    assert not [file for file in (tmp_path / "with").iterdir() if file.name.startswith(".")]
