"""Many runs, one after the other and at once: nothing grows, nobody hears another's answer."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from hostile import EAST, UP, Folder, checksums, hills

pytest.importorskip("qgis.core")
ROOT = Path(__file__).resolve().parents[2]
LONG = bool(os.environ.get("COMMONGROUND_LONG"))
RUNS, AT_ONCE = (200, 8) if LONG else (8, 4)


def memory() -> float:
    """Resident memory of this process, MB, after what can be let go is let go."""
    import ctypes
    import gc

    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def links() -> list:
    """What this process has open."""
    return sorted(os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())


def open_files() -> int:
    """Open files of this process."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_many_runs_leave_nothing_in_memory(run_algorithm, tmp_path, tally):
    from qgis.core import QgsVectorLayer

    folder = Folder(tmp_path)
    pair = folder.pair()
    frames = {"SOURCE_FRAME": "ITRF2000", "TARGET_FRAME": "ITRF2014", "EPOCH": "2000.13"}
    # As a layer: of a path QGIS keeps a connection open for a minute after every run, of native algorithms too.
    points = QgsVectorLayer(folder.vector("points.gpkg", ["POINT Z (-117 34 100)"] * 50), "points", "ogr")
    kinds = [
        ("blockwisecoregister", {**pair, "BLOCK_SIZE": 48, "OUTPUT": folder.out("aligned.tif"),
                                 "SHIFTS": folder.out("shifts.gpkg"), "REPORT": folder.out("report.html")}),
        ("nmadreport", {**pair, "OUTPUT": folder.out("nmad.html"), "DIFFERENCE": folder.out("dh.tif")}),
        ("reframeitrf", {**frames, "INPUT": points, "OUTPUT": folder.out("moved.gpkg")}),
        ("reframeitrfraster", {**frames, "INPUT": pair["REFERENCE"], "OUTPUT": folder.out("moved.tif")}),
    ]
    warm = max(4, RUNS // 4)
    for number in range(RUNS + warm):
        if number == warm:
            before = memory(), open_files()
        name, parameters = kinds[number % len(kinds)]
        run_algorithm(name, parameters)
    after = memory(), open_files()
    growth = after[0] / before[0] - 1
    tally("runs for leaks", RUNS)
    tally("largest growth of memory over the runs (%)", 100 * growth)
    tally("leaks found", int(growth > 0.05) + int(after[1] > before[1]))
    assert growth < 0.05, f"{before[0]:.0f} MB became {after[0]:.0f} MB in {RUNS} runs"
    assert after[1] <= before[1], f"files stay open: {links()}"
    assert not [path for path in folder.outputs.iterdir() if path.name.startswith(".")]


def jobs(folder):
    """Runs whose answers differ: name, parameters, and the number that tells them apart."""
    made = []
    reference = folder.reference()
    for index in range(AT_ONCE):
        secondary = folder.raster(f"secondary{index}.tif", hills(east=EAST + index, up=UP - index))
        if index % 2:
            made.append(("nmadreport", {"REFERENCE": reference, "SECONDARY": secondary,
                                        "OUTPUT": folder.out(f"{index}.html"),
                                        "DIFFERENCE": folder.out(f"{index}.tif")}, "MEDIAN"))
        else:
            made.append(("blockwisecoregister", {"REFERENCE": reference, "SECONDARY": secondary, "BLOCK_SIZE": 48,
                                                 "OUTPUT": folder.out(f"{index}.tif"),
                                                 "REPORT": folder.out(f"{index}.html")}, "SHIFT_Z"))
    return made


def test_several_at_once_in_qgis_do_not_hear_each_other(run_algorithm, tmp_path, tally):
    from qgis.core import QgsApplication, QgsProcessingAlgRunnerTask, QgsProcessingContext, QgsProcessingFeedback

    alone, together = Folder(tmp_path / "alone"), Folder(tmp_path / "together")
    expected = [run_algorithm(name, parameters)[key] for name, parameters, key in jobs(alone)]
    assert len({round(value, 1) for value in expected}) == AT_ONCE
    answers, kept = {}, []
    for index, (name, parameters, key) in enumerate(jobs(together)):
        context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"commonground:{name}")
        task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
        task.executed.connect(lambda good, results, index=index, key=key: answers.__setitem__(
            index, results.get(key) if good else None))
        kept.append((context, feedback, algorithm, task))
    for *_, task in kept:
        QgsApplication.taskManager().addTask(task)
    deadline = time.monotonic() + 300
    while len(answers) < len(kept) and time.monotonic() < deadline:
        QgsApplication.processEvents()
        time.sleep(0.01)
    assert [answers.get(index) for index in range(AT_ONCE)] == expected, [each[1].textLog()[-300:] for each in kept]
    for index in range(AT_ONCE):
        path = Path(f"{index}.tif")
        assert (together.outputs / path).read_bytes() == (alone.outputs / path).read_bytes()
    tally("faults survived")


@pytest.mark.skipif(not LONG, reason="make reliability")
def test_four_qgis_processes_on_the_same_inputs(tmp_path, tally):
    folder = Folder(tmp_path)
    pair = folder.pair()
    before = checksums(folder.inputs)

    def start(index):
        out = folder.outputs / str(index)
        out.mkdir()
        return subprocess.Popen(
            [str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", "run", "commonground:blockwisecoregister", "--",
             *(f"{name}={path}" for name, path in pair.items()), "BLOCK_SIZE=48", f"OUTPUT={out / 'aligned.tif'}",
             f"SHIFTS={out / 'shifts.gpkg'}", f"REPORT={out / 'report.html'}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    for process in [start(index) for index in range(4)]:
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert len({(folder.outputs / str(index) / "aligned.tif").read_bytes() for index in range(4)}) == 1
    assert checksums(folder.inputs) == before
    assert not [path for path in folder.outputs.rglob("*") if path.name.startswith(".commonground-")]
    tally("faults survived")


@pytest.mark.skipif(not LONG, reason="make reliability")
def test_a_million_features(run_algorithm, tmp_path, tally):
    """A layer of a million points: all arrive, in memory that does not grow with them."""
    from osgeo import ogr
    from test_cancel import points

    folder, count = Folder(tmp_path), 1_000_000
    rng = np.random.default_rng(0)
    path = points(folder, "million.gpkg", rng.uniform(-120, -100, count), rng.uniform(35, 45, count),
                  np.zeros(count), 7912)
    before = memory()
    results = run_algorithm("reframeitrf", {"INPUT": path, "SOURCE_FRAME": "ITRF93", "TARGET_FRAME": "ITRF2014",
                                            "EPOCH": "1993.5", "OUTPUT": folder.out("moved.gpkg")})
    assert results["COUNT"] == count
    assert ogr.Open(folder.out("moved.gpkg")).GetLayer(0).GetFeatureCount() == count
    assert memory() - before < 300
    tally("inputs tried")


