"""Numerical safety: long sums, any order, any number of threads, large coordinates, and laws that must hold."""

import math
import os
import sys
import threading
import time
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.apply import apply_shifts
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.coregistration.warp import warp
from commonground.core.executors import open_executor
from commonground.core.frames.catalogue import FRAMES
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from commonground.core.report.comparison import compare
from commonground.core.statistics.robust import nmad, summarize
from commonground.core.statistics.streaming import Bins, Sketch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import Surface, constant_field, make_world, sine_field, wkt

LONG = bool(os.environ.get("COMMONGROUND_LONG"))
EXAMPLES, VALUES = (400, 10_000_000) if LONG else (40, 3_000_000)


# Long sums

def streamed(values, pieces):
    """A Summary of values given in pieces."""
    sketch = Sketch(Bins.around(values[::97]))
    for piece in pieces:
        sketch.add(piece)
    refined = sketch.refine()
    for piece in pieces:
        refined.add(piece)
    return refined.summary()


def test_a_long_sum_of_float32_keeps_its_digits():
    """Millions of heights of 4000 m: a float32 sum would be off by metres."""
    rng = np.random.default_rng(1)
    values = (4000.0 + rng.normal(0, 0.1, VALUES)).astype(np.float32)
    truth = math.fsum(values.tolist()) / values.size
    naive = float(np.cumsum(values, dtype=np.float32)[-1]) / values.size
    assert abs(naive - truth) > 1.0
    summary = streamed(values, np.array_split(values, 40))
    assert abs(summary.mean - truth) < 1e-9
    assert summary.std == pytest.approx(0.1, rel=1e-2)
    assert abs(summarize(values).mean - truth) < 1e-9


def test_no_order_of_blocks_changes_a_digit():
    rng = np.random.default_rng(2)
    values = rng.standard_cauchy(400_000).astype(np.float32)
    pieces = np.array_split(values, 23)
    first = streamed(values, pieces)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(pieces))
        assert streamed(values, [pieces[index] for index in order]) == first


# Any number of threads

class Uneven:
    """Makes threads finish in another order each time."""

    def __init__(self, executor, seed):
        self._executor, self._rng, self._lock = executor, np.random.default_rng(seed), threading.Lock()

    def submit(self, function, *arguments):
        with self._lock:
            delay = self._rng.uniform(0.0, 0.01)
        return self._executor.submit(self._late, delay, function, *arguments)

    @staticmethod
    def _late(delay, function, *arguments):
        time.sleep(delay)
        return function(*arguments)


@pytest.mark.parametrize("method, field", [
    ("nuth_kaab", "smooth"), *([("lzd", "smooth"), ("lzd", "plane")] if LONG else [])])
def test_threads_and_their_order_change_no_bit(tmp_path, method, field):
    world = make_world(tmp_path, sine_field(6, 300), size=300, white=0.3)
    pair = Pair(world.reference, world.secondary, StableTerrain())
    seen = []
    for workers, seed in ((1, 0), (2, 1), (5, 2)):
        path = tmp_path / f"{workers}.tif"
        with open_executor(workers) as executor:
            uneven = Uneven(executor, seed)
            found = coregister(pair, Settings(method=method, block_size=100, field=field), uneven, Silent())
            warp(pair.secondary, found.field, pair.reference.grid, "cubic", str(path), uneven, Silent())
        model = compare(pair.reference, pair.secondary, Dem.open(str(path)), pair.terrain)
        seen.append((found.field.nodes.tobytes(), repr(found.blocks), path.read_bytes(), repr(model.stable)))
    assert seen[0] == seen[1] == seen[2]


# Large coordinates

def test_a_grid_far_north_of_its_origin_loses_nothing():
    """UTM northings near 9.3 million with cells of 0.1 m: positions to 1e-8 m, cells to a hundred-thousandth."""
    grid = Grid((699_999.95, 0.1, 0.0, 9_328_093.35, 0.0, -0.1), 100_000, 100_000, wkt(32633))
    rows, cols = np.meshgrid(np.linspace(0, 99_999, 300), np.linspace(0, 99_999, 300))
    row, col = grid.cell_of(*grid.map_of(rows, cols))
    assert np.abs(row - rows).max() < 1e-5 and np.abs(col - cols).max() < 1e-5
    part = grid.window(99_000, 99_000, 500, 500)
    assert part.same_cells(grid.window(99_000, 99_000, 500, 500)) and grid.aligned_with(part)
    _, y = part.map_of(0, 0)
    assert abs(float(y) - (9_328_093.35 - 99_000.5 * 0.1)) < 1e-8


def test_a_shift_is_found_far_north_in_cells_of_a_decimetre(tmp_path):
    """The same pair at the origin and at 9.3 million metres north: the shifts agree to a tenth of a millimetre."""
    surface = Surface(3, shortest=2.0, longest=40.0, slope=12.0)
    found = []
    for origin in ((0.0, 0.0), (699_999.95, 9_328_093.35)):
        folder = tmp_path / str(int(origin[1]))
        folder.mkdir()
        world = make_world(folder, constant_field(0.07, -0.04, 0.2), size=300, cell=0.1, surface=surface,
                           origin=origin, crs=32633)
        with open_executor(2) as executor:
            found.append(coregister(Pair(world.reference, world.secondary, StableTerrain()),
                                    Settings(block_size=0), executor, Silent()).shift)
    np.testing.assert_allclose(found[1], [0.07, -0.04, 0.2], atol=2e-3)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_heights_that_equal_nodata_by_chance_are_not_lost(tmp_path):
    """Whatever is computed may come to -9999 exactly; what is a height stays one."""
    path = str(tmp_path / "heights.tif")
    heights = np.full((4, 4), -9999.0, np.float32)
    heights[0, 0] = np.nan
    with RasterWriter(path, Grid((0, 1, 0, 0, 0, -1), 4, 4, wkt(32633))) as writer:
        writer.write(heights)
    read = Dem.open(path).read()
    assert np.isnan(read[0, 0]) and np.isfinite(read).sum() == 15
    np.testing.assert_allclose(read[1:], -9999.0, atol=1e-2)


# Laws

def moved(folder, dem, shift, name):
    """A DEM moved by one shift, on its own grid."""
    path = str(folder / name)
    with open_executor(1) as executor:
        apply_shifts(dem, ShiftField.constant(dem.grid, shift), dem.grid, "cubic", True, path, executor, Silent())
    return Dem.open(path)


@pytest.mark.parametrize("cells", [(1, 2), (-3, 5), (0, -7)])
def test_shift_and_back_by_whole_cells_changes_no_bit(tmp_path, cells):
    world = make_world(tmp_path, constant_field(0, 0, 0), size=80, cell=8.0)
    there = moved(tmp_path, world.reference, (8.0 * cells[0], 8.0 * cells[1], 0.0), "there.tif")
    back = moved(tmp_path, there, (-8.0 * cells[0], -8.0 * cells[1], 0.0), "back.tif").read()
    inner = (slice(16, -16), slice(16, -16))
    np.testing.assert_array_equal(back[inner], world.reference.read()[inner])


def test_shift_and_back_by_parts_of_a_cell_loses_little(tmp_path):
    """Twice cubic convolution, on slopes of ten degrees: centimetres at a tenth of the terrain's shortest wave."""
    world = make_world(tmp_path, constant_field(0, 0, 0), size=120, cell=5.0, surface=Surface(1, shortest=100.0))
    there = moved(tmp_path, world.reference, (2.3, -1.1, 0.7), "there.tif")
    back = moved(tmp_path, there, (-2.3, 1.1, -0.7), "back.tif").read()[12:-12, 12:-12]
    assert np.abs(back - world.reference.read()[12:-12, 12:-12]).max() < 0.02


hypothesis = pytest.importorskip("hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

LAW = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=not LONG)
NUMBERS = st.lists(st.floats(-1e4, 1e4, allow_nan=False), min_size=3, max_size=200).map(np.array)


@LAW
@given(NUMBERS, st.floats(-1e4, 1e4), st.floats(-1e3, 1e3), st.integers(0, 2**31))
def test_nmad_ignores_shift_and_order_and_follows_scale(values, shift, scale, seed):
    spread = nmad(values)
    slack = 1e-9 * (1.0 + np.abs(values).max() + abs(shift))
    assert abs(nmad(values + shift) - spread) <= slack
    assert abs(nmad(values * scale) - abs(scale) * spread) <= slack * (1.0 + abs(scale))
    assert nmad(np.random.default_rng(seed).permutation(values)) == spread
    assert spread >= 0.0 and nmad(np.repeat(values, 2)) <= 2 * spread + 1.4826 * np.ptp(values)


@LAW
@given(NUMBERS, st.integers(0, 2**31))
def test_a_summary_ignores_order(values, seed):
    one, other = (astuple(summarize(each)) for each in (values, np.random.default_rng(seed).permutation(values)))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


PLACES = st.tuples(st.floats(-180, 180), st.floats(-85, 85), st.floats(-500, 9000))
EPOCHS = st.floats(1985, 2045)
PLATES = ("NOAM", "EURA", "PCFC", "ANTA", "AUST")


@LAW
@given(PLACES, st.sampled_from(FRAMES), st.sampled_from(FRAMES), EPOCHS, EPOCHS,
       st.none() | st.sampled_from(PLATES) | st.tuples(*[st.floats(-0.1, 0.1)] * 3))
def test_reframe_and_back_is_where_it_was(place, source, target, first, second, motion):
    """To a tenth of a millimetre on the ground: a change of frame, a plate's motion in any frames, or a velocity.

    A velocity is one in the source frame, so that it is the same there and back only within one frame.
    """
    from commonground.core.frames.transform import FrameEpoch, PlateMotion, Velocity, displace

    if motion is None:
        second = first
    elif isinstance(motion, str):
        motion = PlateMotion("ITRF2014-PMM", motion)
    else:
        motion, target = Velocity(*motion), source
    there, back = FrameEpoch(source, first), FrameEpoch(target, second)
    out = displace(*(np.array([value]) for value in place), there, back, motion)
    home = displace(out.lon, out.lat, out.height, back, there, motion)
    metres = 111_320.0
    apart = ((home.lon[0] - place[0] + 180.0) % 360.0 - 180.0) * metres * math.cos(math.radians(place[1]))
    assert math.hypot(apart, (home.lat[0] - place[1]) * metres, home.height[0] - place[2]) < 1e-4


@LAW
@given(st.floats(0.001, 1000), st.floats(-1e7, 1e7), st.floats(-1e7, 1e7), st.integers(1, 10**6), st.booleans())
def test_cells_and_map_are_inverse(cell, x0, y0, size, upward):
    grid = Grid((x0, cell, 0.0, y0, 0.0, cell if upward else -cell), size, size, wkt(32633))
    places = np.array([0.0, size / 3, size - 1.0])
    row, col = grid.cell_of(*grid.map_of(places, places[::-1]))
    slack = 4 * np.spacing(max(abs(x0), abs(y0)) + size * cell) / cell + 1e-9 * size
    assert np.abs(row - places).max() <= slack and np.abs(col - places[::-1]).max() <= slack
