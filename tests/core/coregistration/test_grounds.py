"""What is kept of the blocks' ground between the passes: the same bits as read again, room or none."""

import errno
import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import grounds
from commonground.core.coregistration.block_layout import in_strips, lay_out
from commonground.core.coregistration.block_shifts import solve_strip
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.grounds import Grounds, Store, Survey, kept_grounds
from commonground.core.coregistration.solution import Solution
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import Inline, open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem, Reader
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import constant_field, drifting_field, make_world

START = np.array([4.0, -3.0, 0.5])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("ground"), drifting_field, size=600, slope=14, white=0.4)
    return Pair(world.reference, world.secondary, StableTerrain())


@pytest.fixture
def strips(pair):
    return in_strips(lay_out(pair.reference.grid, (0, 0, 600, 600), 130, 0.2), 3)


def starts(strip):
    return np.tile(START, (len(strip.blocks), 1))


def content(ground):
    return [ground.rows, ground.cols, ground.heights, ground.gx, ground.gy, ground.residuals(START),
            ground.residuals(START + 150)]


@pytest.mark.parametrize("step", [1, 5, 17])
def test_what_is_kept_is_what_is_read_again(pair, strips, step, monkeypatch):
    again, readings, read = Grounds(step, 3), [], Reader.stripes
    with kept_grounds(Inline(Silent()), step, 3) as kept:
        for strip in strips:
            kept.keep(strip, kept.first(pair, strip, starts(strip)))
        monkeypatch.setattr(Reader, "stripes", lambda *place: readings.append(place) or read(*place))
        for strip in strips:
            one = kept.again(pair, strip, starts(strip))
            assert not readings
            for mine, other in zip(content(one), content(again.again(pair, strip, starts(strip)))):
                np.testing.assert_array_equal(mine, other)
            readings.clear()
            row, col, height, width = strip.window
            assert one.rows.size > 0.3 * height * width / (step * (2 if step > 3 else 1))
            assert ((one.rows >= row) & (one.rows < row + height) & (one.cols >= col) & (one.cols < col + width)).all()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_field_does_not_depend_on_what_is_kept(pair, monkeypatch, workers):
    def nodes():
        with open_executor(workers) as executor:
            return coregister(pair, Settings(block_size=130), executor, Silent()).field.nodes

    kept = nodes()
    for room in (0, 150_000):
        monkeypatch.setattr(grounds, "ROOM", room)
        np.testing.assert_array_equal(nodes(), kept)


class Full(io.BytesIO):
    """A disk with room for so many bytes; it takes what it can, as files do, and then fails."""

    room = 400_000

    def write(self, data):
        data = memoryview(data).cast("B")
        if self.tell() >= self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:self.room - self.tell()])


def test_a_full_disk_costs_another_reading_no_more(pair, strips):
    full = Grounds(5, 0, Store(Full()))
    for strip in strips:
        full.keep(strip, full.first(pair, strip, starts(strip)))
    kept = [full.store.again(strip.window, pair) is not None for strip in strips]
    assert any(kept) and not all(kept)
    for strip in strips:
        again = Grounds(5, 0).again(pair, strip, starts(strip))
        for mine, other in zip(content(full.again(pair, strip, starts(strip))), content(again)):
            np.testing.assert_array_equal(mine, other)


def test_nothing_is_left_and_no_folder_is_needed(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_executor(2) as executor:
        found = coregister(pair, Settings(block_size=200), executor, Silent()).field.nodes
        assert os.listdir(tmp_path) == []
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        np.testing.assert_array_equal(coregister(pair, Settings(block_size=200), executor, Silent()).field.nodes, found)


def told(pair, strip, starts, grounds, how, words):
    return [(block.row, block.col, tuple(start), word) for block, start, word in zip(strip.blocks, starts, words)]


def test_results_come_in_the_order_of_the_blocks(pair):
    blocks = lay_out(pair.reference.grid, (0, 0, 600, 600), 130, 0.2)
    shifts = np.arange(3.0 * len(blocks)).reshape(-1, 3)
    words = [f"{block.row}/{block.col}" for block in blocks]
    with open_executor(2) as executor:
        found = Survey(pair, blocks, shifts, Grounds(1, 0), None).run(
            executor, told, lambda which: (words[which],), Silent(), "")
    assert [each for strip in found for each in strip] == [
        (block.row, block.col, tuple(shift), word) for block, shift, word in zip(blocks, shifts, words)]


def test_ground_is_kept_as_it_was_read_before_a_fit_wandered(tmp_path):
    """What looks further sees other spikes, of which others that read again do not know."""
    world = make_world(tmp_path, constant_field(*START), size=500, slope=14, white=0.6)
    heights, rng = world.secondary.read(), np.random.default_rng(5)
    some = rng.random(heights.shape) < 0.05
    heights[some] += rng.uniform(2, 20, some.sum()).astype(np.float32)
    with RasterWriter(str(tmp_path / "spikes.tif"), world.secondary.grid) as writer:
        writer.write(heights)
    spiky = Pair(world.reference, Dem.open(str(tmp_path / "spikes.tif")), StableTerrain())

    def wandering(windows, starts, cell):
        for window, start in zip(windows, starts):
            window.residuals(start + 8 * cell)
        return [Solution.failed(start, 1) for start in starts]

    strips = in_strips(lay_out(spiky.reference.grid, (0, 0, 500, 500), 250, 0.2), 2)
    with kept_grounds(Inline(Silent()), 10, 0) as kept:
        for strip in strips:
            solve_strip(spiky, strip, starts(strip), kept, None, wandering)
        for strip in strips:
            again = Grounds(10, 0).again(spiky, strip, starts(strip))
            for mine, other in zip(content(kept.again(spiky, strip, starts(strip))), content(again)):
                np.testing.assert_array_equal(mine, other)
