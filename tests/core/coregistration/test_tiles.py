"""Many tiles onto one reference: known shifts, nothing done twice, the same bits whoever does the work."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.coregister import Settings
from commonground.core.coregistration.folder_lock import LOCK, FolderLock
from commonground.core.coregistration.journal import Journal, fingerprint
from commonground.core.coregistration.shift_field import read_shift_rasters
from commonground.core.coregistration.tiles import (
    JOURNAL,
    Plan,
    TileFile,
    TileResult,
    align_tiles,
    mask_of,
    outputs,
    pooled,
)
from commonground.core.coregistration.warp import replayed, warp
from commonground.core.errors import OutputError, RasterError
from commonground.core.executors import open_executor
from commonground.core.progress import Cancelled, Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.masks import Polygons, StableTerrain
from commonground.core.raster.tile_files import members, rasters_in, unique_names
from commonground.core.statistics.robust import nmad
from osgeo import gdal, ogr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tile_worlds import CELL, ORIGIN, make_tiles

TESTS = Path(__file__).resolve().parents[2]

PLAN = Plan(Settings(block_size=70))
QUICK = Plan(Settings(block_size=0, method="lzd"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return make_tiles(tmp_path_factory.mktemp("world"))


def align(world, folder, plan=PLAN, terrain=None, workers=2, scheduler="", progress=None, tiles=None):
    if tiles is None:
        paths = rasters_in(str(world.folder))
        tiles = [TileFile(name, path) for name, path in zip(unique_names(paths), paths)]
    results = align_tiles(tiles, world.reference, terrain or StableTerrain(), plan, str(folder), workers, scheduler,
                          progress or Silent())
    return {result.name: result for result in results}


@pytest.fixture(scope="module")
def first(world, tmp_path_factory):
    """A finished run: its folder and results."""
    folder = tmp_path_factory.mktemp("first") / "out"
    return folder, align(world, folder)


@pytest.fixture
def copy(world, first, tmp_path):
    """A finished run and its world that a test may change."""
    shutil.copytree(world.folder.parent, tmp_path / "world")
    mine = replace_world(world, tmp_path / "world")
    align(mine, tmp_path / "out", QUICK)
    return mine, tmp_path / "out"


def replace_world(world, folder):
    return type(world)(Dem.open(str(folder / "reference.tif")), folder / "tiles", world.shifts)


def statuses(results):
    return {name: result.status for name, result in results.items()}


def bits(folder):
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.tif")}


def pixels(folder):
    """What other processes must find too; their files may word a CRS differently."""
    return {path.name: gdal.Open(str(path)).ReadAsArray().tobytes() for path in Path(folder).glob("*.tif")}


def test_each_tile_gets_its_own_shift_with_its_sign(first, world):
    _, results = first
    for name, shift in world.shifts.items():
        found = results[name]
        assert found.status == "done" and found.reason == ""
        assert (found.dx, found.dy, found.dz) == pytest.approx(shift, abs=0.1)
        errors = np.array([found.dx, found.dy, found.dz]) - shift
        assert (np.abs(errors) < 5 * np.array([found.sigma_dx, found.sigma_dy, found.sigma_dz])).all()
        assert found.nmad_after < 0.35 < found.nmad_before and abs(found.median_after) < 0.02
    assert results["empty"].status == results["far away"].status == "refused"
    assert "no stable cell" in results["empty"].reason and "do not overlap" in results["far away"].reason


def test_aligned_tiles_lie_on_the_references_cells_and_lose_no_ground(first, world):
    folder, _ = first
    reference = world.reference.read()
    for name, (dx, dy, _) in world.shifts.items():
        aligned, tile = Dem.open(outputs(str(folder), name)[-1]), Dem.open(str(world.folder / f"{name}.tif"))
        assert aligned.grid.aligned_with(world.reference.grid)
        row, col = (round(float(value)) for value in world.reference.grid.cell_of(*aligned.grid.map_of(0.0, 0.0)))
        heights = aligned.read()
        assert nmad(reference[row:row + heights.shape[0], col:col + heights.shape[1]] - heights) < 0.35
        inside = world.reference.grid.bounds()
        west, south, east, north = tile.grid.bounds()
        box = max(west + dx, inside[0]), max(south + dy, inside[1]), min(east + dx, inside[2]), \
            min(north + dy, inside[3])
        cells = (box[2] - box[0]) * (box[3] - box[1]) / CELL**2
        assert np.isfinite(heights).sum() == pytest.approx(cells, rel=0.012), "all of the tile, where it now lies"


def test_the_numbers_are_those_of_the_pixels(first, world):
    folder, results = first
    reference, before, after = world.reference.read(), [], []
    for name in world.shifts:
        aligned = Dem.open(outputs(str(folder), name)[-1])
        tile = Dem.open(str(world.folder / f"{name}.tif"))
        dh = []
        for dem in (tile, aligned):
            full = np.full(reference.shape, np.nan)
            row, col = (round(float(value)) for value in world.reference.grid.cell_of(*dem.grid.map_of(0.0, 0.0)))
            full[row:row + dem.grid.height, col:col + dem.grid.width] = dem.read()
            dh.append(reference - full)
        common = np.isfinite(dh[0] + dh[1])
        found = results[name]
        assert found.count == common.sum()
        for state, values in zip(("before", "after"), dh):
            assert getattr(found, f"nmad_{state}") == pytest.approx(nmad(values[common]), abs=1e-5)
            assert getattr(found, f"median_{state}") == pytest.approx(np.median(values[common]), abs=1e-5)
        before.append(dh[0][common])
        after.append(dh[1][common])
    numbers = pooled(list(results.values()))
    assert numbers["nmad_before"] == pytest.approx(nmad(np.concatenate(before)), rel=6e-3)
    assert numbers["nmad_after"] == pytest.approx(nmad(np.concatenate(after)), rel=6e-3)
    assert numbers["median_before"] == pytest.approx(np.median(np.concatenate(before)), abs=0.01)


def test_shift_rasters_replay_a_tile_to_the_last_bit(first, world, tmp_path):
    folder, results = first
    _, rasters, aligned = outputs(str(folder), "n0e2")
    tile = Dem.open(str(world.folder / "n0e2.tif"))
    field, tags = read_shift_rasters(rasters)
    grid, kernel = replayed(tags, tile)
    with open_executor(2) as executor:
        warp(tile, field, grid, kernel, str(tmp_path / "again.tif"), executor, Silent())
    np.testing.assert_array_equal(Dem.open(str(tmp_path / "again.tif")).read(), Dem.open(aligned).read())
    layer = ogr.Open(outputs(str(folder), "n0e2")[0])
    assert layer.GetLayer(0).GetFeatureCount() == results["n0e2"].blocks
    assert layer.GetLayer(0).GetSpatialRef().GetAuthorityCode(None) == "32622"


def test_any_number_of_workers_gives_the_same_bits(first, world, tmp_path):
    for workers in (1, 16):  # 16: more than tiles, so that all work on each in turn
        align(world, tmp_path / str(workers), workers=workers)
        assert bits(tmp_path / str(workers)) == bits(first[0])


def test_a_second_run_does_nothing(first, world):
    folder, results = first
    before = {path: path.stat().st_mtime_ns for path in folder.glob("n*")}
    again = align(world, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("n*")} == before and len(before) == 27
    for name, result in again.items():
        status = "unchanged" if name in world.shifts else "refused"
        assert result.status == status and result.reason == results[name].reason
    assert pooled(list(again.values())) == pooled(list(results.values()))


def test_what_changed_is_done_again_and_nothing_else(copy):
    world, folder = copy
    touched = world.folder / "n1e1.tif"
    os.utime(touched, ns=(1, 10**18))
    assert [name for name, status in statuses(align(world, folder, QUICK)).items() if status == "done"] == ["n1e1"]
    os.remove(outputs(str(folder), "n0e0")[1])
    assert [name for name, status in statuses(align(world, folder, QUICK)).items() if status == "done"] == ["n0e0"]
    (world.folder / "sub").mkdir()
    os.replace(world.folder / "n2e2.tif", world.folder / "sub" / "new.tif")
    assert [name for name, status in statuses(align(world, folder, QUICK)).items() if status == "done"] == ["new"]
    seen = gdal.Open(str(world.folder / "n1e0.tif"))
    seen.GetRasterBand(1).ComputeStatistics(False)
    del seen
    assert (world.folder / "n1e0.tif.aux.xml").exists()
    assert "done" not in statuses(align(world, folder, QUICK)).values(), "looking at a tile on a map does not change it"


def test_other_settings_or_another_reference_redo_all(copy):
    world, folder = copy
    other = replace(QUICK, settings=replace(QUICK.settings, seed=1))
    assert list(statuses(align(world, folder, other)).values()).count("done") == 9
    assert list(statuses(align(world, folder, other)).values()).count("unchanged") == 9
    assert list(statuses(align(world, folder, QUICK)).values()).count("done") == 9, "and back again"
    os.utime(world.reference.path, ns=(1, 10**18))
    assert list(statuses(align(world, folder, QUICK)).values()).count("done") == 9


def square(x, y, side):
    return ogr.CreateGeometryFromWkt(
        f"POLYGON(({x} {y},{x + side} {y},{x + side} {y - side},{x} {y - side},{x} {y}))").ExportToWkb()


def test_unstable_ground_concerns_the_tiles_that_it_meets(copy):
    world, folder = copy
    corner = Polygons((bytes(square(ORIGIN[0], ORIGIN[1], 300.0)),), world.reference.grid.crs)
    found = align(world, folder, QUICK, terrain=StableTerrain(unstable=corner))
    assert found["n0e0"].status == "done" and found["n2e2"].status == "unchanged"
    everywhere = StableTerrain(unstable=Polygons((bytes(square(ORIGIN[0] + 1000, ORIGIN[1] + 100, 9000.0)),),
                                                 world.reference.grid.crs))
    found = align(world, folder, QUICK, terrain=everywhere)
    assert found["n1e2"].status == "refused" and "stable" in found["n1e2"].reason
    assert not [path for path in outputs(str(folder), "n1e2") if os.path.exists(path)], "what no longer holds is gone"
    assert found["n0e0"].status == "done"


def test_stable_ground_elsewhere_refuses_a_tile(world, tmp_path):
    corner = Polygons((bytes(square(ORIGIN[0], ORIGIN[1], 800.0)),), world.reference.grid.crs)
    found = align(world, tmp_path / "out", terrain=StableTerrain(stable=corner))
    assert found["n0e0"].status == "done" and found["n0e0"].count < 10000 and found["n2e2"].status == "refused"


def test_a_file_that_is_no_raster_is_named_and_tried_again(copy):
    world, folder = copy
    broken = world.folder / "broken.tif"
    broken.write_bytes(b"II*\0 no tiff")
    found = align(world, folder, QUICK)
    assert found["broken"].status == "refused" and "cannot be opened" in found["broken"].reason
    shutil.copy(world.folder / "n0e0.tif", broken)
    assert align(world, folder, QUICK)["broken"].status == "done"


def test_files_of_one_name_keep_apart(world, tmp_path):
    for place in ("a", "b"):
        (tmp_path / "in" / place).mkdir(parents=True)
        shutil.copy(world.folder / ("n0e0.tif" if place == "a" else "n2e2.tif"), tmp_path / "in" / place / "DEM.tif")
    (tmp_path / "in" / "out").mkdir()
    shutil.copy(world.folder / "n0e0.tif", tmp_path / "in" / "out" / "left over.tif")
    paths = rasters_in(str(tmp_path / "in"), str(tmp_path / "in" / "out"))
    names = unique_names(paths)
    assert len(paths) == 2 and len(set(names)) == 2 and all(name.startswith("DEM_") for name in names)
    assert unique_names(paths[::-1]) == names[::-1], "whatever the order"
    found = align(world, tmp_path / "out", tiles=[TileFile(*pair) for pair in zip(names, paths)])
    assert sorted(round(result.dx) for result in found.values()) == [-7, 11]


def test_a_vrt_stands_for_its_members(world, tmp_path):
    parts = [str(world.folder / f"n0e{i}.tif") for i in range(3)]
    inner, outer, single = (str(tmp_path / name) for name in ("inner.vrt", "outer.vrt", "single.vrt"))
    gdal.BuildVRT(inner, parts[:2])
    gdal.BuildVRT(outer, [inner, parts[2]])
    gdal.BuildVRT(single, parts[:1])
    assert members(inner) == parts[:2] and sorted(members(outer)) == parts
    assert members(single) == [single] and members(parts[0]) == [parts[0]]


def test_inputs_are_never_overwritten(world, tmp_path):
    shutil.copy(world.folder / "n0e0.tif", tmp_path / "x.tif")
    shutil.copy(world.folder / "n0e1.tif", tmp_path / "x_aligned.tif")
    tiles = [TileFile("x", str(tmp_path / "x.tif")), TileFile("x_aligned", str(tmp_path / "x_aligned.tif"))]
    with pytest.raises(OutputError, match="choose another folder"):
        align(world, tmp_path, tiles=tiles)
    assert sorted(os.listdir(tmp_path)) == ["x.tif", "x_aligned.tif"]


def test_a_rotated_reference_is_refused(world, tmp_path):
    turned = gdal.GetDriverByName("GTiff").CreateCopy(str(tmp_path / "turned.tif"), gdal.Open(world.reference.path))
    turned.SetGeoTransform((500000, 10, 1, 7800000, 1, -10))
    turned = None
    with pytest.raises(RasterError, match="rotated"):
        align(type(world)(Dem.open(str(tmp_path / "turned.tif")), world.folder, {}), tmp_path / "out")


def test_tiles_in_other_crs_and_cells(world, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    gdal.Warp(str(folder / "degrees.tif"), str(world.folder / "n1e1.tif"), dstSRS="EPSG:4326", resampleAlg="cubic",
              dstNodata=-9999)
    gdal.Warp(str(folder / "fine.tif"), str(world.folder / "n2e1.tif"), xRes=5, yRes=5, resampleAlg="cubic")
    mine = type(world)(world.reference, folder, {})
    found = align(mine, tmp_path / "out")
    for name, same in (("degrees", "n1e1"), ("fine", "n2e1")):
        result = found[name]
        assert (result.dx, result.dy, result.dz) == pytest.approx(world.shifts[same], abs=0.5), name
        assert Dem.open(outputs(str(tmp_path / "out"), name)[-1]).grid.aligned_with(world.reference.grid)
    assert len(found["degrees"].footprint) > 20 and len(found["fine"].footprint) == 5
    found = align(mine, tmp_path / "own", replace(PLAN, grid="secondary"))
    assert Dem.open(outputs(str(tmp_path / "own"), "degrees")[-1]).grid.same_cells(
        Dem.open(str(folder / "degrees.tif")).grid)
    assert found["degrees"].nmad_after < found["degrees"].nmad_before


class TestJournal:
    def test_the_last_line_of_a_name_counts(self, tmp_path):
        path = str(tmp_path / "sub" / "j.jsonl")
        with Journal(path) as journal:
            journal.put("a", "1", {"x": 1.5, "y": float("nan")})
            journal.put("b", "2", {"x": 2.5})
            journal.put("a", "3", {"x": 3.5})
        assert len(Path(path).read_text().splitlines()) == 4
        with Journal(path) as journal:
            assert journal.get("a") == ("3", {"x": 3.5}) and journal.get("c") == ("", {})
        assert len(Path(path).read_text().splitlines()) == 3, "lines that no longer count are dropped"

    def test_a_torn_line_is_left_out(self, tmp_path):
        path = tmp_path / "j.jsonl"
        with Journal(str(path)) as journal:
            for name in "abc":
                journal.put(name, "k", {"x": float("nan")})
        path.write_bytes(path.read_bytes()[:-9])
        with Journal(str(path)) as journal:
            assert journal.get("b")[0] == "k" and journal.get("c") == ("", {})
            journal.put("c", "new", {})
        with Journal(str(path)) as journal:
            assert journal.get("c") == ("new", {})

    def test_another_file_is_not_taken_for_one(self, tmp_path):
        (tmp_path / "j.jsonl").write_text("dear diary\n")
        with pytest.raises(OutputError, match="no journal"):
            Journal(str(tmp_path / "j.jsonl"))
        assert (tmp_path / "j.jsonl").read_text() == "dear diary\n"

    def test_fingerprints_tell_what_differs(self):
        assert fingerprint(1, "a", [PLAN]) == fingerprint(1, "a", [Plan(Settings(block_size=70))])
        assert fingerprint(1, "a", [PLAN]) != fingerprint(1, "a", [replace(PLAN, kernel="nearest")])


class Impatient(Silent):
    """Cancels once some tiles are done."""

    def __init__(self, when):
        self._when, self.cancelled = when, 0.0

    def step(self, fraction, message=""):
        if fraction > self._when and not self.cancelled:
            self.cancelled = time.perf_counter()
        if self.cancelled:
            raise Cancelled


def test_cancelling_keeps_whole_tiles_and_is_quick(world, first, tmp_path):
    progress = Impatient(0.4)
    with pytest.raises(Cancelled):
        align(world, tmp_path / "out", progress=progress)
    assert time.perf_counter() - progress.cancelled < 1.0
    left = bits(tmp_path / "out")
    expected = bits(first[0])
    assert 0 < len(left) < len(expected) and all(expected[name] == content for name, content in left.items())
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]
    again = list(statuses(align(world, tmp_path / "out")).values())
    assert again.count("unchanged") > 1 and again.count("done") == 9 - again.count("unchanged")
    assert bits(tmp_path / "out") == expected


@pytest.fixture(scope="module")
def landslides(tmp_path_factory):
    """The same world with a hill of 8 m on a tenth of each tile that has been aligned."""
    world = make_tiles(tmp_path_factory.mktemp("landslides"), extra=False)
    for path in sorted(world.folder.iterdir()):
        dataset = gdal.Open(str(path), gdal.GA_Update)
        heights = dataset.ReadAsArray()
        heights[40:80, 40:80] -= np.where(heights[40:80, 40:80] > -9000, np.float32(8), np.float32(0))
        dataset.GetRasterBand(1).WriteArray(heights)
    return world


AUTO = replace(QUICK, auto_stable=True)


def test_stable_terrain_is_told_by_each_tile(landslides, tmp_path):
    out = tmp_path / "out"
    found = align(landslides, out, AUTO)
    given = align(landslides, tmp_path / "given", QUICK)
    for name, shift in landslides.shifts.items():
        result, mask = found[name], Dem.open(mask_of(str(out), name))
        assert result.status == "done" and "told automatically" in result.reason
        assert (result.dx, result.dy, result.dz) == pytest.approx(shift, abs=0.15)
        assert mask.grid.aligned_with(landslides.reference.grid)
        tile = Dem.open(str(landslides.folder / f"{name}.tif")).grid
        row, col = (round(float(value)) for value in tile.cell_of(*mask.grid.map_of(0.0, 0.0)))
        cells = mask.read() > 0
        rows, cols = np.mgrid[:cells.shape[0], :cells.shape[1]] + np.array([row, col])[:, None, None]
        # The tile's content moves by up to 1.6 cells: judged on the reference's cells, where it then lies.
        slid = (rows > 43) & (rows < 76) & (cols > 43) & (cols < 76)
        far = (rows < 30) | (rows > 90) | (cols < 30) | (cols > 90)
        assert cells[slid].mean() < 0.1 and cells[far].mean() > 0.85
        assert result.count < given[name].count and not os.path.exists(mask_of(str(tmp_path / "given"), name))
        assert result.nmad_after < given[name].nmad_after
    assert not [name for name in os.listdir(out) if name.startswith(".")]


def test_another_stable_terrain_is_another_result(landslides, tmp_path):
    out = tmp_path / "out"
    one = TileFile("n1e1", str(landslides.folder / "n1e1.tif"))

    def status(plan):
        return align(landslides, out, plan, tiles=[one])["n1e1"].status

    assert [status(QUICK), status(AUTO), status(AUTO)] == ["done", "done", "unchanged"]
    os.remove(mask_of(str(out), "n1e1"))
    assert status(AUTO) == "done" and os.path.exists(mask_of(str(out), "n1e1"))
    assert status(QUICK) == "done" and not os.path.exists(mask_of(str(out), "n1e1")), "no mask of another run stays"


def test_automatic_terrain_is_the_same_for_any_workers(landslides, tmp_path):
    for workers in (1, 16):
        align(landslides, tmp_path / str(workers), AUTO, workers=workers)
    assert bits(tmp_path / "1") == bits(tmp_path / "16") and len(bits(tmp_path / "1")) == 27


def test_the_aligned_tile_gets_its_layout(world, tmp_path):
    one = [TileFile("n1e1", str(world.folder / "n1e1.tif"))]
    for layout in ("plain", "overviews", "cog"):
        folder = tmp_path / layout
        assert align(world, folder, replace(QUICK, layout=layout), tiles=one)["n1e1"].status == "done"
        dataset = gdal.Open(outputs(str(folder), "n1e1")[-1])
        # Newer GDALs say so of any file that is laid out like one, a small plain one too.
        assert layout != "cog" or dataset.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE") == "COG"
        np.testing.assert_array_equal(dataset.ReadAsArray(), gdal.Open(
            outputs(str(tmp_path / "plain"), "n1e1")[-1]).ReadAsArray())
        assert align(world, folder, replace(QUICK, layout=layout), tiles=one)["n1e1"].status == "unchanged"


class TestOneRunAtATime:
    def test_the_second_is_refused_and_harms_nothing(self, world, tmp_path):
        out = tmp_path / "out"

        class Second(Silent):
            said = ""

            def step(self, fraction, message=""):
                if fraction > 0.3 and not self.said:
                    before = set(os.listdir(out))
                    with pytest.raises(OutputError, match="OUTPUT is in use: process") as error:
                        align(world, out, QUICK)
                    self.said = str(error.value)
                    assert before <= set(os.listdir(out)), "nor are the first one's hidden folders taken away"

        progress = Second()
        assert list(statuses(align(world, out, QUICK, workers=1, progress=progress)).values()).count("done") == 9
        assert str(os.getpid()) in progress.said and str(out) in progress.said and progress.said.count(". ") == 0
        assert not (out / LOCK).exists()
        assert list(statuses(align(world, out, QUICK)).values()).count("unchanged") == 9

    def test_another_process_is_refused(self, world, tmp_path):
        out = tmp_path / "out"
        script = SCRIPT.format(tests=str(TESTS), conftest=str(TESTS / "conftest.py"), here=str(Path(__file__).parent),
                               reference=world.reference.path, folder=str(world.folder), out=str(out))
        with FolderLock(str(out)):
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
            assert done.returncode and f"process {os.getpid()} on " in done.stderr
            assert os.listdir(out) == [LOCK]
        assert os.listdir(out) == []

    def test_a_failed_or_cancelled_run_lets_go(self, world, tmp_path):
        with pytest.raises(Cancelled):
            align(world, tmp_path, QUICK, progress=Impatient(0.4))
        with pytest.raises(ZeroDivisionError), FolderLock(str(tmp_path)):
            raise ZeroDivisionError
        assert not (tmp_path / LOCK).exists()

    @pytest.mark.parametrize("change", [{"pid": "dead"}, {"token": "of an earlier process"}, {"started": "1"}])
    def test_a_dead_run_is_taken_over(self, tmp_path, change):
        """Also where its process id is used again: by us, or by another."""
        with FolderLock(str(tmp_path)) as lock:
            known = json.loads((tmp_path / LOCK).read_text())
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            if "pid" in change:
                dead = subprocess.Popen([sys.executable, "-c", ""])
                dead.wait()
                change = {"pid": dead.pid}
            elif "started" in change:
                known["pid"] = child.pid
            (tmp_path / LOCK).write_text(json.dumps({**known, **change}))
            with FolderLock(str(tmp_path)):
                assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
                assert os.listdir(tmp_path) == [LOCK]
                with pytest.raises(OutputError), lock:
                    pass
        finally:
            child.communicate(b"\n")

    @pytest.mark.parametrize("content", [
        {"host": "elsewhere"}, {"host": "elsewhere", "pid": 1}, {"pid": os.getppid()}, {"pid": 1}])
    def test_a_run_that_may_live_is_respected(self, tmp_path, content):
        from commonground.core.coregistration import folder_lock

        pid = content.get("pid", 1)
        known = {"pid": pid, "host": platform.node(), "started": folder_lock._started(pid), "token": "x"}
        (tmp_path / LOCK).write_text(json.dumps({**known, **content}))
        with pytest.raises(OutputError, match=r"remove tiles\.lock"), FolderLock(str(tmp_path)):
            pass
        assert (tmp_path / LOCK).exists()

    @pytest.mark.parametrize("content", ["", "{\"pid\": 1", "[]"])
    def test_a_torn_lock_blocks_nobody(self, tmp_path, content):
        (tmp_path / LOCK).write_text(content)
        with FolderLock(str(tmp_path)):
            assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
        assert os.listdir(tmp_path) == []

    def test_of_many_that_find_a_dead_run_one_goes_on(self, tmp_path):
        for _ in range(20):
            (tmp_path / LOCK).write_text(json.dumps({"pid": os.getpid(), "host": platform.node(), "token": "old"}))
            held, refused, gate = [], [], threading.Barrier(6)

            def start(held=held, refused=refused, gate=gate):
                gate.wait()
                try:
                    lock = FolderLock(str(tmp_path)).__enter__()
                except OutputError as error:
                    refused.append(error)
                else:
                    held.append(lock)

            threads = [threading.Thread(target=start) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (len(held), len(refused)) == (1, 5)
            held[0].__exit__(None, None, None)
            assert os.listdir(tmp_path) == []

    def test_a_folder_that_cannot_be_made_is_one_sentence(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="Cannot write"), FolderLock(str(tmp_path / "file")):
            pass


SCRIPT = """
import runpy, sys
sys.path.insert(0, {tests!r})
runpy.run_path({conftest!r})
sys.path.insert(0, {here!r})
from pathlib import Path
from commonground.core.raster.dem import Dem
import test_tiles
world = test_tiles.make_tiles.__globals__["TileWorld"](Dem.open({reference!r}), Path({folder!r}), {{}})
test_tiles.align(world, {out!r}, workers=1)
"""


def test_a_killed_run_goes_on(world, first, tmp_path):
    out = tmp_path / "out"
    script = SCRIPT.format(tests=str(TESTS), conftest=str(TESTS / "conftest.py"), here=str(Path(__file__).parent),
                           reference=world.reference.path, folder=str(world.folder), out=str(out))
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        lines = (out / JOURNAL).read_text(encoding="utf-8").splitlines() if (out / JOURNAL).exists() else []
        if len(lines) > 3:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read()
    assert json.loads((out / LOCK).read_text())["pid"] == process.pid, "its lock is left, and blocks nobody"
    with open(out / JOURNAL, "a", encoding="utf-8") as file:
        file.write('{"name": "n9')
    (out / ".commonground-tiles-left").mkdir(exist_ok=True)
    again = statuses(align(world, out))
    assert list(again.values()).count("unchanged") >= 2 and "n9" not in again
    assert pixels(out) == pixels(first[0]) and not [name for name in os.listdir(out) if name.startswith(".")]


def test_a_cluster_gives_the_same_bits_even_if_a_worker_dies(world, first, tmp_path, cluster, monkeypatch):
    from commonground.core.coregistration import tiles

    address, workers = cluster
    monkeypatch.setattr(tiles, "LEAST_TASK", 30_000)  # several tasks of several tiles each

    class Killer(Silent):
        def step(self, fraction, message=""):
            if fraction > 0.3 and workers[0].poll() is None:
                workers[0].kill()

    found = align(world, tmp_path / "out", scheduler=address, progress=Killer())
    assert workers[0].poll() is not None and list(statuses(found).values()).count("done") == 9
    assert pixels(tmp_path / "out") == pixels(first[0])
    for name, result in first[1].items():
        assert (found[name].dx, found[name].sigma_dz, found[name].blocks_used, found[name].reason) == pytest.approx(
            (result.dx, result.sigma_dz, result.blocks_used, result.reason), nan_ok=True)
    assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".")]
    assert list(statuses(align(world, tmp_path / "out")).values()).count("unchanged") == 9


def test_tasks_for_a_cluster_are_large():
    from commonground.core.coregistration.tiles import LEAST_TASK, _batches

    class Job:
        def __init__(self, cells):
            self.place = (0, 0, 1, cells)

    sizes = [250_000] * 100 + [9_000_000, 40_000_000]
    batches = _batches({place: Job(size) for place, size in enumerate(sizes)}, LEAST_TASK)
    assert sorted(place for batch in batches for place in batch) == list(range(102))
    assert [len(batch) for batch in batches[:2]] == [1, 1] and batches[0] == [101], "the largest first"
    assert all(sum(sizes[place] for place in batch) >= LEAST_TASK for batch in batches[:-1])


def test_nothing_aligned_pools_nothing():
    assert pooled([TileResult("a", "a.tif", "refused", "no")]) == {}


def test_a_journal_line_tells_a_tile(first):
    lines = (first[0] / JOURNAL).read_text(encoding="utf-8").splitlines()
    entries = {entry["name"]: entry for entry in map(json.loads, lines[1:])}
    assert set(entries["n0e0"]) == {"name", "key", "content"} and len(lines) == 11, "9 done, 1 refused, the head"
    assert max(len(line) for line in lines) < 4000


def test_a_tile_of_a_larger_reference_costs_its_own_size(world, tmp_path):
    """Blocks, field and result are the tile's: a reference of a continent makes them no larger."""
    big = tmp_path / "big.vrt"
    gdal.Translate(str(big), world.reference.path, format="VRT")
    text = big.read_text().replace('rasterXSize="320"', 'rasterXSize="300000"', 1) \
        .replace('rasterYSize="320"', 'rasterYSize="200000"', 1)
    big.write_text(text)
    reference = Dem.open(str(big))
    assert reference.grid.shape == (200000, 300000)
    mine = type(world)(reference, world.folder, {})
    found = align(mine, tmp_path / "out", tiles=[TileFile("n1e1", str(world.folder / "n1e1.tif"))])
    assert (found["n1e1"].dx, found["n1e1"].dy, found["n1e1"].dz) == pytest.approx(world.shifts["n1e1"], abs=0.1)
    field, _ = read_shift_rasters(outputs(str(tmp_path / "out"), "n1e1")[1])
    assert field.grid.height < 120 and field.grid.width < 140

