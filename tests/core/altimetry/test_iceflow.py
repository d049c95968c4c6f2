"""The same files through nsidc-iceflow (NSIDC's own library, MIT): equal to 0.1 mm where it is right.

Runs where it is installed: python3 -m venv build/iceflow/venv && build/iceflow/venv/bin/pip install nsidc-iceflow
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.altimetry.products import open_source
from commonground.core.altimetry.source import Selection, Tally, read_points
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace
from commonground.core.progress import Silent

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

import granules  # noqa: E402

PYTHON = ROOT / "build" / "iceflow" / "venv" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="nsidc-iceflow is not installed under build/iceflow/venv")
TENTH_MM, DEGREE = 1e-4, 111_320.0

SCRIPT = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from nsidc.iceflow.data.atm1b import atm1b_data
from nsidc.iceflow.data.glah06 import VARIABLES, glah06_data
from nsidc.iceflow.data.ilvis2 import ilvis2_data
from nsidc.iceflow.itrf.converter import transform_itrf
def answer(path, target, epoch, plate):
    name = Path(path).name
    if name == "variables":
        return [variable.lstrip("/") for _, variable in VARIABLES]
    reader = glah06_data if name.startswith("GLAH06") else ilvis2_data if name.startswith("ILVIS2") else atm1b_data
    try:
        data = reader(Path(path))
        if target:
            data = transform_itrf(data, target, epoch or None, plate or None)
    except RuntimeError as error:
        return {"error": str(error)}
    table = data.reset_index()
    result = {key: table[key].tolist() for key in ("longitude", "latitude", "elevation", "ITRF")}
    return {**result, "time": [value.isoformat() for value in table["utc_datetime"]]}
for line in sys.stdin:
    print("RESULT" + json.dumps(answer(*json.loads(line))), flush=True)
"""


@pytest.fixture(scope="module")
def iceflow():
    """`iceflow(path, target, epoch, plate)`: what nsidc-iceflow makes of a file; one process, as it starts slowly."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    with subprocess.Popen([PYTHON, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=environment) as process:
        def ask(path, target="", epoch="", plate=""):
            process.stdin.write(json.dumps([str(path), target, epoch, plate]) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                if line.startswith("RESULT"):
                    return json.loads(line[len("RESULT"):])
            raise RuntimeError("nsidc-iceflow stopped: its own message is above")

        yield ask
        process.stdin.close()


def ours(path):
    (points,), source = read(path)
    return points, source


def read(path):
    source = open_source(path)
    return list(read_points(source, Selection(), Tally(), Silent())), source


def same(lon, lat, height, theirs, tolerance=TENTH_MM):
    np.testing.assert_allclose(height, theirs["elevation"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(lat, theirs["latitude"], rtol=0, atol=TENTH_MM / DEGREE)
    np.testing.assert_allclose(lon, theirs["longitude"], rtol=0, atol=TENTH_MM / DEGREE)


def same_times(points, theirs, tolerance):
    """Whole microseconds of both."""
    off = points.fields["time"] - np.array(theirs["time"], "M8[us]")
    assert np.abs(off.astype(int)).max() <= tolerance


def qfit(tmp_path, frame="itrf93", name="BLATM1B_19930623_191503.qi"):
    row = np.arange(30)
    raw = np.zeros((30, 10), dtype=int)
    raw[:, 1], raw[:, 2] = 69_123_456 + 100 * row, 310_654_321 + 77 * row
    raw[:, 3], raw[:, 9] = 950_250 + 11 * row, 191503007 + 100 * row
    return granules.qfit(tmp_path / name, raw, 10, header=f"930623_aa_{frame}_l12")


class TestReading:
    def test_qfit(self, iceflow, tmp_path):
        path = qfit(tmp_path)
        theirs, (points, source) = iceflow(path), ours(path)
        same(points.lon, points.lat, points.height, theirs)
        same_times(points, theirs, 1)
        assert set(theirs["ITRF"]) == {source.frame} == {"ITRF93"}

    def test_atm_hdf5(self, iceflow, tmp_path):
        path = granules.atm(tmp_path / "ILATM1B_20140430_110310.ATM4BT4.h5", frame="ITRF08")
        theirs, (points, source) = iceflow(path), ours(path)
        same(points.lon, points.lat, points.height, theirs)
        same_times(points, theirs, 1)
        assert set(theirs["ITRF"]) == {source.frame} == {"ITRF2008"}

    @pytest.mark.parametrize("make, name, frame", [
        (granules.lvis1, "ILVIS2_GL2013_1114_R1406_043900.TXT", "ITRF2000"),
        (granules.lvis2, "ILVIS2_GL2017_0906_R1803_043900.TXT", "ITRF2008")])
    def test_lvis(self, iceflow, tmp_path, make, name, frame):
        path = make(tmp_path / name)
        theirs, (points, source) = iceflow(path), ours(path)
        same(points.lon, points.lat, points.height, theirs)
        same_times(points, theirs, 1)
        assert set(theirs["ITRF"]) == {source.frame} == {frame}

    def test_glas_stays_on_topex_there(self, iceflow, tmp_path):
        """Explained: iceflow leaves GLAS on T/P (0.7124 m here) and the saturation correction (0.5 m) aside."""
        path = granules.glah06(tmp_path / "GLAH06_634_2131_002_0084_4_01_0001.H5", more=iceflow("variables"))
        theirs, (points, source) = iceflow(path), ours(path)
        assert set(theirs["ITRF"]) == {source.frame} == {"ITRF2008"}
        # Recommended keeps rows 4 and 5 of their seven, and row 6, which has no saturation correction.
        np.testing.assert_allclose(points.height[:2], np.array(theirs["elevation"])[4:6] + 0.5 - 0.7124, atol=1e-4)
        assert points.height[2] == pytest.approx(theirs["elevation"][6] - 0.7124, abs=1e-4)
        same_times(points, {"time": theirs["time"][4:7]}, 1)

    def test_heights_above_2048_m_are_rounded_there(self, iceflow, tmp_path):
        """Explained: iceflow keeps qfit heights in single precision, steps of 0.24 mm above 2048 m."""
        row = [1, 69_123_456, 310_654_321, 2_900_333, 0, 0, 0, 0, 0, 191503007]
        path = granules.qfit(tmp_path / "BLATM1B_19930623_191503.qi", [row], 10, header="x_itrf93_x")
        points, _ = ours(path)
        assert points.height[0] == 2900.333
        assert iceflow(path)["elevation"][0] == float(np.float32(2900.333)) != 2900.333

    def test_midnight_is_missed_there(self, iceflow, tmp_path):
        """Explained: iceflow puts shots after midnight a day too early."""
        rows = [[1, 69_000_000, 310_000_000, 1000, 0, 0, 0, 0, 0, clock] for clock in (235959000, 500)]
        path = granules.qfit(tmp_path / "BLATM1B_19930623_235900.qi", rows, 10, header="x_itrf93_x")
        points, _ = ours(path)
        theirs = np.array(iceflow(path)["time"], "M8[us]")
        off = points.fields["time"] - theirs
        assert off.astype("m8[s]").astype(int).tolist() == [0, 86400]


class TestReframing:
    """Import and reframe, as the chain does it, with the epochs of iceflow: whole seconds."""

    @pytest.mark.parametrize("frame, name", [("itrf93", "BLATM1B_19930623_191503.qi"),
                                             ("itrf05", "BLATM1B_20060522_145449.qi")])
    @pytest.mark.parametrize("epoch", ["", "2018.5"])
    def test_to_itrf2014(self, iceflow, tmp_path, frame, name, epoch):
        path = qfit(tmp_path, frame, name)
        theirs, (points, source) = iceflow(path, "ITRF2014", epoch, "NOAM" if epoch else ""), ours(path)
        epochs = points.fields["epoch"]
        moved = displace(points.lon, points.lat, points.height, FrameEpoch(source.frame, epochs),
                         FrameEpoch("ITRF2014", float(epoch) if epoch else epochs),
                         PlateMotion("ITRF2014-PMM", "NOAM") if epoch else None)
        same(moved.lon, moved.lat, moved.height, theirs)

    def test_one_frame_two_epochs_is_impossible_there(self, iceflow, tmp_path):
        """Explained: iceflow looks for a step from ITRF2014 to itself; here the motion alone is applied."""
        path = qfit(tmp_path, "itrf2014")
        assert ours(path)[1].frame == "ITRF2014"
        error = iceflow(path, "ITRF2014", "2018.5", "NOAM")["error"]
        assert "transformation between ITRF2014 and ITRF2014" in error

    def test_two_digit_itrf14_is_unknown_there(self, iceflow, tmp_path):
        """Explained: public trajectory names end in itrf14, which iceflow does not spell out."""
        path = qfit(tmp_path, "itrf14")
        assert ours(path)[1].frame == "ITRF2014"
        assert "between ITRF14 and ITRF2008" in iceflow(path, "ITRF2008")["error"]
