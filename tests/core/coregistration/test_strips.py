"""Blocks side by side whose ground is read as one: what each says is what it says alone."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import block_layout
from commonground.core.coregistration.block_layout import Block, in_strips, lay_out
from commonground.core.coregistration.block_shifts import solve_strip
from commonground.core.coregistration.cell_forms import LEAST, Gathering, Quadratic, of_groups
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.grounds import Grounds
from commonground.core.coregistration.lzd import lzd, lzd_together
from commonground.core.coregistration.precision import Precision
from commonground.core.coregistration.secondary import find_spikes
from commonground.core.coregistration.solution import LATTICE, Lattice
from commonground.core.coregistration.terrain_window import Pair, TerrainWindow
from commonground.core.executors import Inline
from commonground.core.progress import Silent
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.resampling import CellMap

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import drifting_field, make_world

START = np.array([4.0, -3.0, 0.5])
HOW = Gathering(31, 3)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("strips"), drifting_field, size=600, slope=14, white=0.4)
    return Pair(world.reference, world.secondary, StableTerrain())


@pytest.fixture(scope="module")
def strip(pair):
    """The second of three rows of blocks that do not divide the raster evenly."""
    return in_strips(lay_out(pair.reference.grid, (0, 0, 600, 600), 230, 0.1), 8)[1]


def ground_of(pair, strip, step):
    return Grounds(step, 2).first(pair, strip, np.tile(START, (len(strip.blocks), 1)))


def test_strips_are_blocks_side_by_side(pair, monkeypatch):
    blocks = lay_out(pair.reference.grid, (0, 0, 600, 600), 60, 0.1)
    monkeypatch.setattr(block_layout, "STRIP", 5 * 60 * 60)
    for most, sizes in ((8, [5, 5]), (4, [4, 4, 2]), (1, [1] * 10)):
        strips = in_strips(blocks, most)
        assert [block for strip in strips for block in strip.blocks] == blocks
        assert [len(strip.blocks) for strip in strips] == sizes * 10
    first = in_strips(blocks, 8)[0]
    assert first.window == (0, 0, 60, 300) and first.wider == (0, 0, 66, 306) and first.ends == (60, 120, 180, 240)
    # Large ones, and those with a gap between, go alone.
    assert [len(strip.blocks) for strip in in_strips(blocks[:2] + blocks[3:5], 8)] == [2, 2]
    large = [Block(0, col, (0, 0, 999, 999), ()) for col in range(2)]
    assert [len(strip.blocks) for strip in in_strips(large, 8)] == [1, 1]
    assert in_strips([], 8) == []


@pytest.mark.parametrize("step", [1, 5, 24])
def test_a_block_of_a_strip_has_the_strips_ground(pair, strip, step):
    whole = ground_of(pair, strip, step)
    where = {place: number for number, place in enumerate(zip(whole.rows, whole.cols))}
    for block in strip.blocks:
        part = whole.within(block.wider)
        row, col, height, width = block.wider
        inside = (whole.rows >= row) & (whole.rows < row + height) & (whole.cols >= col) & (whole.cols < col + width)
        assert part.rows.size == inside.sum() > 0.8 * height * width / (step * (2 if step > 3 else 1))
        index = np.array([where[place] for place in zip(part.rows, part.cols)])
        for name in ("heights", "gx", "gy"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[index])
        np.testing.assert_array_equal(part.residuals(START), whole.residuals(START)[index])


def drifting(rows, cols, _):
    return np.stack([START[0] + rows / 900, START[1] - cols / 800, START[2] + rows * 0])


def same_forms(one, other):
    assert len(one.rows) == len(other.rows) > 90
    for name in ("rows", "cols", "group", "counts"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)
    for name in ("M", "b"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("telling", [(True, True, True), (True, False, True)])
@pytest.mark.parametrize("law", [None, (0.2, 3.0)])
def test_the_forms_of_a_strip_are_those_of_its_blocks(pair, strip, law, telling):
    ground = ground_of(pair, strip, 5)
    residuals, windows = ground.residuals(START), [block.window for block in strip.blocks]
    # Of the last block too few pixels are left, which has no say then.
    last = np.flatnonzero(ground.cols >= windows[-1][1])
    residuals[last[LEAST - 1:]] = np.nan

    def laws(count):
        return None if law is None else np.tile(law, (count, 1)).T

    together = Quadratic.of([(ground, residuals, range(3))], windows, drifting, HOW, 0.3, laws(3), telling)
    alone = [Quadratic.of([(ground, residuals, [0])], [window], drifting, HOW, 0.3, laws(1), (tells,))
             for window, tells in zip(windows, telling)]
    assert alone[-1] is None
    joined = Quadratic.joined([form and form.packed() for form in alone])
    same_forms(together, joined)
    same_forms(Quadratic.joined([together.packed()]), together)
    # Blocks that have some ground each, the overlap for which the next speaks among it.
    parts = []
    for place, block in enumerate(strip.blocks):
        part = ground.within(block.wider)
        dh = part.residuals(START)
        if place == 2:
            dh[np.flatnonzero(part.cols >= windows[-1][1])[LEAST - 1:]] = np.nan
        parts.append((part, dh, [place]))
    same_forms(Quadratic.of(parts, windows, drifting, HOW, 0.3, laws(3), telling), together)
    assert sorted(set(together.group)) == [0, 1]
    mute = together.M[together.group == 1][:, :2]
    assert (mute == 0).all() == (not telling[1])
    index, total = together.sample[:, 0].astype(int), together.sample[:, 4]
    assert set(index) <= set(range(len(together.rows))) and np.isfinite(total).all()


def test_each_block_of_a_strip_has_a_shift_of_its_own_in_the_forms(pair, strip):
    ground = ground_of(pair, strip, 5)
    windows, shifts = [block.window for block in strip.blocks], START[:, None] + np.arange(9.0).reshape(3, 3)
    parts = [(ground, ground.residuals(shift), [place]) for place, shift in enumerate(shifts.T)]
    together = Quadratic.of(parts, windows, lambda _, __, window: shifts[:, window], HOW)
    alone = [Quadratic.of([(ground, ground.residuals(shift), [0])], [window],
                          lambda rows, _, __, shift=shift: np.tile(shift[:, None], len(rows)), HOW)
             for window, shift in zip(windows, shifts.T)]
    same_forms(together, Quadratic.joined([form.packed() for form in alone]))
    # What rejected blocks have said is left out.
    for told in ([True, False, True], [False, True, True], [True, True, True]):
        kept = of_groups(together.packed(), told)
        same_forms(Quadratic.joined([kept, together.packed()]),
                   Quadratic.joined([form.packed() for form, said in zip(alone, told) if said] + [together.packed()]))
        part = Quadratic.joined([kept])
        middle = part.rows[part.sample[:, 0].astype(int)], part.cols[part.sample[:, 0].astype(int)]
        assert {tuple(place) for place in np.transpose(middle)} <= set(zip(part.rows, part.cols))
        assert part.sample[:, 0].max() == len(part.rows) - 1 and part.group.max() == sum(told) - 1
    assert of_groups(together.packed(), [False] * 3) is None and of_groups(None, [True] * 3) is None


def test_none_where_no_window_has_pixels(pair, strip):
    ground = ground_of(pair, strip, 5)
    nothing = np.full(ground.heights.shape, np.nan, dtype=np.float32)
    windows = [block.window for block in strip.blocks]
    assert Quadratic.of([(ground, nothing, range(3))], windows, None, HOW) is None


def test_groups_stay_apart_when_strips_are_joined(pair):
    strips = in_strips(lay_out(pair.reference.grid, (0, 0, 600, 600), 230, 0.1), 2)
    parts = []
    for strip in strips:
        ground, windows = ground_of(pair, strip, 5), [block.window for block in strip.blocks]
        parts.append(Quadratic.of([(ground, ground.residuals(START), range(len(windows)))], windows,
                                  lambda rows, _, __: np.zeros((3, len(rows))), HOW))
    joined = Quadratic.joined([None, *(part.packed() for part in parts), None])
    blocks = [block for strip in strips for block in strip.blocks]
    assert sorted(set(joined.group)) == list(range(len(blocks)))
    for number, block in enumerate(blocks):
        row, col, height, width = block.window
        mine = joined.group == number
        assert ((joined.rows >= row) & (joined.rows < row + height))[mine].all()
        assert ((joined.cols >= col) & (joined.cols < col + width))[mine].all()
    rows = np.concatenate([part.rows[part.sample[:, 0].astype(int)] for part in parts])
    np.testing.assert_array_equal(joined.rows[joined.sample[:, 0].astype(int)], rows)


@pytest.mark.parametrize("terms", [(), ("tilt", "elevation")], ids=["shift", "with terms"])
@pytest.mark.parametrize("void", [False, True], ids=["all", "a void beneath"])
def test_least_squares_of_a_strip_are_those_of_each_block(pair, strip, terms, void, monkeypatch):
    windows = [ground_of(pair, strip, 5).within(block.wider) for block in strip.blocks]
    starts = START + np.array([[0, 0, 0], [9, -7, 1], [-4, 2, 0]])
    if void:
        residuals, gone = TerrainWindow.residuals, windows[1]
        monkeypatch.setattr(TerrainWindow, "residuals", lambda self, shift: (
            residuals(self, shift) * (np.nan if self is gone else 1)))
    together = lzd_together(windows, starts, 10.0, terms)
    assert [each.converged for each in together] == [True, not void, True]
    for window, start, one in zip(windows, starts, together):
        other = lzd(window, start, 10.0, terms)
        assert one.converged == other.converged
        if one.converged:
            assert one.iterations == other.iterations
            np.testing.assert_allclose(one.shift, other.shift, atol=2e-5)
            np.testing.assert_allclose(one.sigma, other.sigma, rtol=1e-4)
            np.testing.assert_allclose(one.growth, other.growth, rtol=1e-3)
            np.testing.assert_allclose(one.law, other.law, rtol=1e-4)


@pytest.mark.parametrize("step", [1, 5, 24])
def test_lattices_lie_over_the_cells_that_are_known(pair, strip, step):
    """By lines and columns or cell by cell: those of a block of which a corner alone is known, and of all."""
    windows = [ground_of(pair, strip, step).within(block.wider) for block in strip.blocks]
    lattices = []
    for window in windows:
        middle = window.rows.mean(), window.cols.mean()
        for known in ((window.rows < middle[0]) & (window.cols > middle[1]), np.ones(window.rows.size, dtype=bool)):
            lattices.append((window.lattice(known), known))
            expected = Lattice.over(window.rows[known], window.cols[known])
            np.testing.assert_array_equal(lattices[-1][0].index[known], expected.index)
            np.testing.assert_array_equal(Lattice.over(window.rows, window.cols, known).index, lattices[-1][0].index)
    joined = Lattice.joined([lattice for lattice, _ in lattices])
    counts = joined.sums(np.concatenate([known for _, known in lattices])[None].astype(float))
    assert counts.shape == (len(lattices), LATTICE, LATTICE, 1)
    np.testing.assert_array_equal(counts.sum(axis=(1, 2, 3)), [known.sum() for _, known in lattices])


def test_how_pieces_of_ground_scatter_is_told_piece_by_piece():
    rng = np.random.default_rng(8)
    sizes = [3000, 40, 0, 7, 5000]
    steep = rng.exponential(0.1, sum(sizes)).astype(np.float32)
    dh = rng.normal(np.repeat([1.0, 2, 3, 4, 5], sizes), np.sqrt(0.3 + 4 * steep)).astype(np.float32)
    dh[rng.random(dh.size) < 0.1] = np.nan
    together = Precision(steep, sizes)
    laws = together.laws_and_centres(dh)
    weights = together.weights(dh, laws)
    for place, (end, size) in enumerate(zip(np.cumsum(sizes), sizes)):
        if size:
            piece = slice(end - size, end)
            alone = Precision(steep[piece])
            np.testing.assert_array_equal(alone.laws_and_centres(dh[piece])[:, 0], laws[:, place])
            np.testing.assert_array_equal(alone.laws(dh[piece])[:, 0], laws[:2, place])
            np.testing.assert_array_equal(alone.weights(dh[piece], laws[:, [place]]), weights[piece])
    np.testing.assert_allclose(laws[:2, [0, 4]], [[0.3] * 2, [4] * 2], rtol=0.35)
    np.testing.assert_allclose(laws[2, [0, 4]], [1, 5], atol=0.06)
    # A few tell one scatter for all slopes.
    assert (laws[1, [1, 3]] == 0).all() and (laws[0, [1, 3]] > 0.1).all()
    assert np.isnan(weights).sum() == 0 and (weights[np.isnan(dh)] == 0).all()


def test_a_spike_is_told_from_the_ground_of_its_own_block():
    """Beside a lake no mountain is made of spikes, and beside a mountain the lake's are found."""
    rng = np.random.default_rng(3)
    heights = rng.normal(0, 1, (5, 6, 90)).astype(np.float32)
    heights[:, :, :30] *= 0.01
    heights[:, :, 60:] *= 300
    for line, piece, col in ((2, 1, 10), (3, 4, 45), (0, 5, 29)):
        heights[line, piece, col] += 40
    place, _ = find_spikes(heights, [30, 60])
    assert sorted(place) == sorted(np.ravel_multi_index(([2, 3, 0], [1, 4, 5], [10, 45, 29]), heights.shape))
    assert find_spikes(heights)[0].size > 20
    for left, right in ((0, 30), (30, 60), (60, 90)):
        alone = np.ascontiguousarray(heights[:, :, left:right])
        found = np.stack(np.unravel_index(find_spikes(alone)[0], alone.shape))
        mine = np.stack(np.unravel_index(place, heights.shape))
        mine = mine[:, (mine[2] > left) & (mine[2] < right - 1)] - [[0], [0], [left]]
        np.testing.assert_array_equal(found, mine)


@pytest.mark.parametrize("lake", [0.0, np.nan])
def test_where_nothing_bends_there_is_no_spike(lake):
    heights = np.random.default_rng(3).normal(0, 1, (5, 6, 60)).astype(np.float32)
    heights[:, :, :30] = lake
    heights[2, 2, 10] = heights[2, 2, 45] = 50
    assert find_spikes(heights, [30])[0].tolist() == [np.ravel_multi_index((2, 2, 45), heights.shape)]
    for shape in ((5, 6, 2), (5, 6, 0), (0, 6, 60)):
        assert find_spikes(np.ones(shape, dtype=np.float32))[0].size == 0


@pytest.mark.parametrize("lines", [True, False], ids=["whole lines", "scattered cells"])
@pytest.mark.parametrize("apart", [0.0, 3.0], ids=["the same starts", "others"])
def test_a_strip_is_sampled_as_a_whole_only_where_its_blocks_have_it_from_there(pair, strip, monkeypatch, lines, apart):
    if not lines:
        monkeypatch.setattr(CellMap, "offset", None)
    asked, sample = [], TerrainWindow.sample
    monkeypatch.setattr(TerrainWindow, "sample",
                        lambda self, dx, dy: asked.append((self.heights.size, dx)) or sample(self, dx, dy))
    starts = START + apart * np.arange(len(strip.blocks))[:, None]
    ground = ground_of(pair, strip, 5)
    asked.clear()
    solve_strip(pair, strip, starts, Grounds(5, 2), None, "vertical_shift")
    whole = {dx for size, dx in asked if size == ground.heights.size}
    assert whole == ({0.0, START[0]} if lines and not apart else {0.0} if lines else set())


def test_together_or_alone_blocks_find_the_same(pair, monkeypatch):
    def found():
        return coregister(pair, Settings(block_size=150), Inline(Silent()), Silent())

    together = found()
    monkeypatch.setattr(Pair, "SIDE_BY_SIDE", 1)
    alone = found()
    for one, other in zip(together.blocks, alone.blocks):
        assert (one.row, one.col, one.status) == (other.row, other.col, other.status)
        # Every second cell of a line may be the others.
        np.testing.assert_allclose((one.dx, one.dy, one.dz), (other.dx, other.dy, other.dz), atol=0.15)
    assert np.abs(together.field.nodes - alone.field.nodes).mean() < 0.02
