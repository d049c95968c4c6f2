"""Runs that are interrupted: killed, out of disk, shut out, robbed of their input: nothing is lost."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import warp as warping
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.errors import OutputError, RasterError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.writing import HIDDEN, RasterWriter, Stage, write_text
from commonground.core.report.comparison import compare
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from hostile import Folder, checksums
from worlds import make_world, sine_field

ROOT = Path(__file__).resolve().parents[2]
LONG = bool(os.environ.get("COMMONGROUND_LONG"))
CHILD = str(Path(__file__).resolve().parent / "whole_run.py")
NAMES = ("aligned.tif", "field.tif", "dh.tif", "report.html")


# What must hold whatever happens

def whole(path: Path) -> bool:
    """True for a raster whose every cell can be read, and for a report with its end."""
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    dataset = gdal.Open(str(path))
    return dataset is not None and dataset.ReadAsArray() is not None


def visible(folder: Path) -> list:
    """The files under final names."""
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(HIDDEN)]


# Killed

@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_world(tmp_path_factory.mktemp("killed"), sine_field(6, 300), size=400, white=0.3)


def child(folder, world):
    return subprocess.Popen([sys.executable, CHILD, str(folder), world.reference.path, world.secondary.path],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate()
    assert process.returncode == 0 and out.rstrip().endswith("done"), err
    return out


@pytest.fixture(scope="module")
def undisturbed(world, tmp_path_factory):
    """A whole run: its folder and how long it took once it was ready (s)."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = child(folder, world)
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    finish(process)
    return folder, time.monotonic() - started


def test_killed_at_random_moments(world, undisturbed, tmp_path, tally):
    whole_folder, duration = undisturbed
    before = checksums(Path(world.reference.path).parent)
    rng = np.random.default_rng(20)
    moments = 20 if LONG else 2
    for number in range(moments):
        folder = tmp_path / str(number)
        folder.mkdir()
        older = number % 2 == 1
        if older:
            for name in NAMES:
                shutil.copy(whole_folder / name, folder / name)
        process = child(folder, world)
        assert process.stdout.readline() == "ready\n"
        # As many moments in the short end, where files are moved into place, as everywhere else.
        time.sleep(rng.uniform(0.0, duration) if number % 3 else rng.uniform(0.8, 1.0) * duration)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in visible(folder):
            assert path.name in NAMES and whole(path), f"{path.name} is half-written"
        if older:
            assert {path.name for path in visible(folder)} == set(NAMES), "an older result was lost"
        finish(child(folder, world))
        for name in ("aligned.tif", "field.tif", "dh.tif"):
            assert (folder / name).read_bytes() == (whole_folder / name).read_bytes()
        assert whole(folder / "report.html")
        tally("faults survived")
    assert checksums(Path(world.reference.path).parent) == before


@pytest.mark.skipif(not LONG, reason="make reliability")
def test_qgis_process_killed_at_random_moments(world, tmp_path, tally):
    pytest.importorskip("qgis.core")
    command = [str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", "run", "commonground:blockwisecoregister", "--",
               f"REFERENCE={world.reference.path}", f"SECONDARY={world.secondary.path}", "BLOCK_SIZE=100"]
    outputs = {"OUTPUT": "aligned.tif", "SHIFT_RASTERS": "field.tif", "DIFFERENCE_AFTER": "dh.tif",
               "REPORT": "report.html", "SHIFTS": "shifts.gpkg"}

    def start(folder):
        return subprocess.Popen([*command, *(f"{name}={folder / file}" for name, file in outputs.items())],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    started = time.monotonic()
    folder = tmp_path / "whole"
    folder.mkdir()
    process = start(folder)
    _, err = process.communicate()
    assert process.returncode == 0, err
    duration = time.monotonic() - started
    before = checksums(Path(world.reference.path).parent)
    rng = np.random.default_rng(6)
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = start(folder)
        time.sleep(rng.uniform(0.4, 1.0) * duration)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        for path in visible(folder):
            assert path.name in outputs.values(), path.name
            assert path.suffix == ".gpkg" or whole(path), f"{path.name} is half-written"
        process = start(folder)
        _, err = process.communicate()
        assert process.returncode == 0, err
        assert {path.name for path in visible(folder)} == set(outputs.values())
        tally("faults survived")
    assert checksums(Path(world.reference.path).parent) == before


# A disk without room, a folder that is shut

def mounted(folder: Path, options: str):
    """A small disk of its own, None where we may not mount."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True,
                          check=False)
    return None if done.returncode else folder


@pytest.fixture
def small_disk(tmp_path):
    folder = mounted(tmp_path / "small", "size=512k")
    if folder is None:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def shut_folder(tmp_path):
    folder = mounted(tmp_path / "shut", "size=512k")
    if folder is None:
        pytest.skip("mounting needs root")
    (folder / "older.tif").write_bytes(b"older")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def noise(size=600):
    """Cells that no codec makes small."""
    return np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)


def grid(world, size=600):
    from commonground.core.raster.grid import Grid

    return Grid(world.reference.grid.geotransform, size, size, world.reference.grid.crs)


@pytest.mark.parametrize("name", ["dh.tif", "dh.img", "dh.asc"])
@pytest.mark.parametrize("exceptions", [False, True], ids=["plain", "gdal-exceptions"])
def test_a_full_disk_refuses_a_raster(small_disk, world, name, exceptions, tally):
    older = small_disk / name
    older.write_bytes(b"older")
    if exceptions:
        gdal.UseExceptions()
    try:
        with pytest.raises(OutputError) as caught, RasterWriter(str(older), grid(world)) as writer:
            for row in range(0, 600, 100):
                writer.write(noise()[row:row + 100], row)
    finally:
        gdal.DontUseExceptions()
    assert "Cannot write" in str(caught.value) and HIDDEN not in str(caught.value).split(":")[0]
    assert older.read_bytes() == b"older" and os.listdir(small_disk) == [name]
    tally("faults survived")


@pytest.mark.parametrize("exceptions", [False, True], ids=["plain", "gdal-exceptions"])
def test_a_full_disk_refuses_a_raster_raised_as_a_whole(small_disk, tmp_path, world, exceptions, tally):
    """The head of the file has room, its cells have not."""
    from commonground.core.frames.transform import FrameEpoch
    from commonground.core.raster.translate import fit_move, write_moved

    with RasterWriter(str(tmp_path / "noise.tif"), grid(world)) as writer:
        writer.write(noise())
    dem = Dem.open(str(tmp_path / "noise.tif"))
    old, new = FrameEpoch("ITRF2000", 2010.0), FrameEpoch("ITRF2014", 2010.0)
    move = fit_move(dem, old, new, None)
    if exceptions:
        gdal.UseExceptions()
    try:
        with pytest.raises(OutputError, match="Cannot write") as caught:
            write_moved(dem, str(small_disk / "moved.tif"), move, "ellipsoidal", new, {})
    finally:
        gdal.DontUseExceptions()
    assert str(small_disk / "moved.tif") in str(caught.value) and os.listdir(small_disk) == []
    tally("faults survived")


def test_a_full_disk_refuses_a_text(small_disk, tally):
    (small_disk / "report.html").write_text("older")
    with pytest.raises(OutputError, match=r"report\.html: No space left on device\. Choose a disk with room"):
        write_text(str(small_disk / "report.html"), "x" * 2_000_000)
    assert (small_disk / "report.html").read_text() == "older" and os.listdir(small_disk) == ["report.html"]
    tally("faults survived")


@pytest.mark.parametrize("algorithm, output", [
    ("blockwisecoregister", "OUTPUT"), ("blockwisecoregister", "REPORT"), ("blockwisecoregister", "DIFFERENCE_AFTER"),
    ("nmadreport", "OUTPUT"), ("applyshifts", "OUTPUT"), ("reframeitrfraster", "OUTPUT"), ("correctbias", "OUTPUT"),
    ("reframeitrf", "OUTPUT"), ("coregisterseries", "TABLE"), ("importaltimetry", "OUTPUT")])
@pytest.mark.parametrize("place", ["full", "shut"])
def test_an_algorithm_says_that_it_cannot_write(algorithm, output, place, request, provider, tmp_path, tally):
    """A disk with no room at all, or one that is read-only; all other outputs have room elsewhere."""
    from runs import attempt

    disk = request.getfixturevalue("small_disk" if place == "full" else "shut_folder")
    if place == "full":
        with open(disk / "stone", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                continue
    there = os.listdir(disk)
    folder = Folder(tmp_path / "case")
    parameters = runs_of(folder)[algorithm]
    ending = Path(parameters[output]).name
    parameters[output] = str(disk / ending)
    before = folder.checksums()
    found = attempt(algorithm, parameters)
    assert found.bug is None, found.bug
    assert found.sentence and "annot" in found.sentence and str(disk) in found.sentence, found.sentence
    assert len(found.sentence.splitlines()) == 1
    assert os.listdir(disk) == there and folder.checksums() == before
    assert not [path for path in folder.outputs.rglob("*") if path.name.startswith(HIDDEN)]
    tally("faults survived")


def runs_of(folder: Folder) -> dict:
    """A good run of each algorithm that writes files."""
    pair = folder.pair()
    shifts = folder.raster("shifts.tif", np.zeros((4, 4), np.float32), bands=3,
                           transform=(400000, 960, 0, 3800000, 0, -960))
    frames = {"SOURCE_FRAME": "ITRF2000", "TARGET_FRAME": "ITRF2014", "EPOCH": "2000.13"}
    table = folder.file("table.csv", "lon,lat,h,time\n" + "-50,70,1000,2019-03-14T12:00:00\n" * 9)
    return {
        "blockwisecoregister": {**pair, "BLOCK_SIZE": 0, "OUTPUT": folder.out("aligned.tif"),
                                "REPORT": folder.out("report.html"), "DIFFERENCE_AFTER": folder.out("dh.tif")},
        "nmadreport": {**pair, "OUTPUT": folder.out("report.html"), "DIFFERENCE": folder.out("dh.tif")},
        "applyshifts": {"INPUT": pair["SECONDARY"], "SHIFT_RASTERS": shifts, "VERTICAL": True,
                        "OUTPUT": folder.out("moved.tif")},
        "reframeitrfraster": {**frames, "INPUT": pair["SECONDARY"], "OUTPUT": folder.out("moved.tif")},
        "correctbias": {**pair, "OUTPUT": folder.out("corrected.tif")},
        "reframeitrf": {**frames, "INPUT": folder.vector("points.gpkg", ["POINT Z (-117 34 100)"] * 50),
                        "OUTPUT": folder.out("moved.gpkg")},
        "coregisterseries": {"REFERENCE": pair["REFERENCE"], "SECONDARIES": [pair["SECONDARY"]], "BLOCK_SIZE": 0,
                             "OUTPUT": folder.out("series"), "TABLE": folder.out("table.csv"), "LOAD": False},
        "importaltimetry": {"INPUT": table, "OUTPUT": folder.out("points.gpkg"), "FRAME": "ITRF2014"},
    }


# An input that vanishes, shrinks or changes while it is read

class Saboteur(Silent):
    """Does something bad at a step of the progress."""

    def __init__(self, deed, at):
        self._deed, self._left = deed, at

    def step(self, fraction, message=""):
        self._left -= 1
        if self._left == 0:
            self._deed()


@pytest.mark.parametrize("deed", [lambda path: path.unlink(), lambda path: path.write_bytes(b""),
                                  lambda path: os.truncate(path, path.stat().st_size // 3)],
                         ids=["deleted", "emptied", "cut"])
@pytest.mark.parametrize("step", [1, 2])
def test_an_input_that_goes_while_it_is_read(world, tmp_path, deed, step, monkeypatch, tally):
    copy = tmp_path / "secondary.tif"
    shutil.copy(world.secondary.path, copy)
    dem, out = Dem.open(str(copy)), tmp_path / "out"
    field = ShiftField.constant(dem.grid, (1.0, 2.0, 3.0))
    monkeypatch.setattr(warping, "WINDOW", (64, 64))
    with pytest.raises(RasterError) as caught, open_executor(2) as executor, Stage() as stage:
        warping.warp(dem, field, dem.grid, "cubic", stage.path(str(out / "aligned.tif")), executor,
                     Saboteur(lambda: deed(copy), step))
        compare(world.reference, dem)
    assert "secondary.tif cannot be" in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert os.listdir(out) == []
    tally("faults survived")


# A thread that raises

def test_a_thread_that_raises(world, tmp_path, monkeypatch, tally):
    calls = []

    def broken(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise ZeroDivisionError("a bug in a thread")
        return np.zeros(arguments[-1][2:], np.float32)

    before = checksums(Path(world.reference.path).parent)
    monkeypatch.setattr(warping, "WINDOW", (64, 64))
    with pytest.raises(ZeroDivisionError, match="a bug in a thread"), open_executor(4) as executor, Stage() as stage, \
            RasterWriter(stage.path(str(tmp_path / "aligned.tif")), world.reference.grid) as writer:
        warping.in_windows(broken, (), world.reference.grid, writer, executor, Silent())
    assert os.listdir(tmp_path) == []
    assert checksums(Path(world.reference.path).parent) == before
    tally("faults survived")


def test_memory_that_is_not_there(world, tmp_path, tally):
    """A MemoryError is no sentence of ours, yet leaves nothing behind."""
    def greedy(*arguments):
        raise MemoryError

    with pytest.raises(MemoryError), open_executor(2) as executor, \
            RasterWriter(str(tmp_path / "aligned.tif"), world.reference.grid) as writer:
        warping.in_windows(greedy, (), world.reference.grid, writer, executor, Silent())
    assert os.listdir(tmp_path) == []
    tally("faults survived")


def test_what_told_of_an_older_raster_goes_with_it(world, tmp_path):
    """Statistics, overviews and masks beside a file would be taken for the new one's."""
    target = tmp_path / "dh.tif"
    for ending in ("", ".aux.xml", ".ovr", ".msk"):
        (tmp_path / f"dh.tif{ending}").write_bytes(b"older")
    with RasterWriter(str(target), grid(world, 50)) as writer:
        writer.write(noise(50))
    assert os.listdir(tmp_path) == ["dh.tif"] and whole(target)


def test_errors_of_the_machine_are_told_apart(tmp_path):
    """A file that the block itself could not read is no fault of the target."""
    from commonground.core.raster.writing import whole_file

    with pytest.raises(FileNotFoundError), whole_file(str(tmp_path / "a.txt")):
        open(tmp_path / "another.txt", encoding="utf-8").close()
    with pytest.raises(OutputError, match="No space left"), whole_file(str(tmp_path / "a.txt")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


