"""Two passes against the direct sum and against the truth; the same bits for any window and band."""

import numpy as np
import pytest
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.raster import resampling, two_pass
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.net import Net
from commonground.core.raster.resampling import Resampler
from commonground.core.raster.two_pass import Ruled
from commonground.core.raster.writing import RasterWriter
from osgeo import osr

SIDE = 220
INNER = (slice(25, -25),) * 2


def utm():
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32622)
    return reference.ExportToWkt()


def grid(east=0.0, south=0.0, side=SIDE):
    return Grid((500000.0 + east, 10.0, 0.0, 7800000.0 - south, 0.0, -10.0), side, side, utm())


def surface(rows, cols):
    return 300 + 40 * np.sin(rows / 5.0 + cols / 11.0) + 30 * np.cos(cols / 4.0) + 20 * np.sin(rows / 3.5)


def written(path, heights):
    with RasterWriter(str(path), grid()) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(path))


@pytest.fixture
def hills(tmp_path):
    return written(tmp_path / "hills.tif", surface(*np.mgrid[:SIDE, :SIDE]))


@pytest.fixture
def holes(tmp_path):
    """Hills with voids of all sizes, down to single cells."""
    rng = np.random.default_rng(4)
    heights = surface(*np.mgrid[:SIDE, :SIDE])
    for size in (1, 1, 1, 2, 3, 10, 40):
        row, col = rng.integers(0, SIDE - size, 2)
        heights[row:row + size, col:col + size] = np.nan
    heights[rng.random(heights.shape) < 0.002] = np.nan
    return written(tmp_path / "holes.tif", heights)


def wavy(cells, period, step, on=None):
    """A field of waves, so many cells high; dz as well."""
    def shift(rows, cols):
        wave = np.sin(2 * np.pi * rows / period)[:, None] * np.cos(2 * np.pi * cols / period)
        return np.stack([10 * cells * wave + 33.0, 7 * cells * wave - 48.0, 2 * wave + 1.0])

    return ShiftField.from_function(on or grid(), step, shift)


def sampled(dem, field, two_pass, on=None):
    on = on or field.grid
    with Resampler(dem, on, "cubic", field) as resampler:
        resampler._two_pass = two_pass
        return resampler.window(0, 0, *on.shape)


@pytest.mark.parametrize(("cells", "period", "step"), [(0.4, 220, 8), (1.0, 220, 32), (0.5, 110, 16)])
def test_as_true_as_the_direct_sum(hills, cells, period, step):
    field = wavy(cells, period, step)
    assert 0.008 < field.net.strain < resampling.STRAIN
    rows, cols = (places.astype(float) for places in np.mgrid[:SIDE, :SIDE])
    down, right, lift = field.offsets(rows[:, :1], cols[:1])
    truth = surface(rows - down, cols - right) + lift
    two, direct = (sampled(hills, field, choice) for choice in (True, False))
    assert not np.array_equal(two, direct)
    error, usual = (np.sqrt(np.mean((found - truth)[INNER] ** 2)) for found in (two, direct))
    assert usual < 0.01 and error < 1.05 * usual
    assert np.abs(two - direct)[INNER].max() < np.abs(direct - truth)[INNER].max()


def test_voids_are_those_of_the_direct_sum(holes):
    field = wavy(0.5, 200, 16)
    two, direct = (sampled(holes, field, choice) for choice in (True, False))
    assert 0.03 < np.isnan(two).mean() < 0.5
    np.testing.assert_array_equal(np.isnan(two), np.isnan(direct))
    difference = np.abs(two - direct)[np.isfinite(two)]
    # Beside a void one may have found four valid cells where the other had to do with fewer.
    assert np.quantile(difference, 0.99) < 0.02 and difference.max() < 15


@pytest.mark.parametrize("step", [1, 7, 16, 300])
@pytest.mark.parametrize("apart", [(0.0, 0.0), (13.0, -46.0)])
def test_any_window_and_band_has_the_same_bits(holes, monkeypatch, step, apart):
    field = wavy(0.6, 210, step, grid(20.0, 30.0))
    on = grid(20.0 + apart[0], 30.0 + apart[1])
    whole = sampled(holes, field, True, on)
    rng = np.random.default_rng(step)
    with Resampler(holes, on, "cubic", field) as resampler:
        assert resampler._two_pass
        for cells in (1, 500, 9000, 2**17):
            monkeypatch.setattr(resampling, "BAND", cells)
            top, left = rng.integers(0, SIDE - 20, 2)
            height, width = rng.integers(1, SIDE - top), rng.integers(1, SIDE - left)
            part = resampler.window(int(top), int(left), int(height), int(width))
            np.testing.assert_array_equal(part, whole[top:top + height, left:left + width])


def test_many_whole_cells_within_a_window(hills):
    """A field that stretches the columns by a third, but hardly changes from line to line."""
    field = ShiftField.from_function(grid(), 16, lambda rows, cols: np.stack(
        [3.0 * cols + 0.1 * rows[:, None], -2.0 * cols + 0 * rows[:, None], 0 * cols + 0 * rows[:, None]]))
    two, direct = (sampled(hills, field, choice) for choice in (True, False))
    assert np.isfinite(two).mean() > 0.5
    np.testing.assert_allclose(two, direct, atol=0.3)
    assert np.sqrt(np.nanmean((two - direct) ** 2)) < 0.02


@pytest.mark.parametrize("stretch", [0.0, 0.3])
def test_flat_or_in_parts_of_lines_the_bits_are_the_same(holes, monkeypatch, stretch):
    field = ShiftField.from_function(grid(), 16, lambda rows, cols: np.stack(
        [10 * stretch * cols + 6 * np.sin(cols / 30.0) + 0.1 * rows[:, None],
         8 * np.sin(cols / 25.0) + 0.05 * rows[:, None], 0.01 * cols + 0 * rows[:, None]]))
    usual = sampled(holes, field, True)
    assert np.isfinite(usual).mean() > 0.5
    for slower in (0, SIDE):
        monkeypatch.setattr(two_pass, "SLOWER", slower)
        np.testing.assert_array_equal(sampled(holes, field, True), usual)


def test_what_lies_deep_in_voids_needs_no_mending(holes, monkeypatch):
    field = wavy(0.6, 210, 16)
    usual = sampled(holes, field, True)

    def nowhere(cells, count, step):
        return np.zeros(cells.size - (count - 1) * step, dtype=bool)

    monkeypatch.setattr(resampling, "_all_ahead", nowhere)
    np.testing.assert_array_equal(sampled(holes, field, True), usual)


def test_all_ahead():
    cells = np.random.default_rng(2).random(300) < 0.8
    for count, step in ((1, 7), (2, 1), (3, 10), (8, 1), (5, 3)):
        expected = np.all([cells[k * step:cells.size - (count - 1 - k) * step] for k in range(count)], axis=0)
        np.testing.assert_array_equal(resampling._all_ahead(cells, count, step), expected)


def test_where_shifts_change_much_from_line_to_line_the_sum_is_direct(hills):
    """A step of a cell and a half between two nodes."""
    field = ShiftField.from_function(grid(), 4, lambda rows, cols: np.stack(
        [np.where(rows < 100, 15.0, 0.0)[:, None] + 0 * cols, *np.zeros((2, rows.size, cols.size))]))
    assert field.net.strain > resampling.STRAIN
    with Resampler(hills, grid(), "cubic", field) as resampler:
        found = resampler.window(0, 0, SIDE, SIDE)
    np.testing.assert_array_equal(found, sampled(hills, field, False))


def test_whole_cells_return_the_pixels(hills):
    field = ShiftField.constant(grid(), (20.0, -30.0, 0.0))
    np.testing.assert_array_equal(sampled(hills, field, True)[3:, 2:], hills.read()[:-3, :-2])


def test_lines_run_straight_from_knot_to_knot():
    rng = np.random.default_rng(0)
    knots, bends = np.array([-7.5, 8.5, 24.5, 40.5]), rng.uniform(-6, 6, (4, 50)).astype(np.float32)
    values = rng.normal(size=(4, 50)).astype(np.float32)
    ruled = Ruled(knots + 100000, values, bends)
    found = ruled.rows(100000 - 20, 80)
    expected = np.stack([np.interp(np.arange(-20, 60), knots + bends[:, k], values[:, k]) for k in range(50)], axis=1)
    np.testing.assert_allclose(found.values, expected, atol=2e-5)
    np.testing.assert_array_equal(ruled.rows(100003, 9).values, found.values[23:32])
    assert (found.first, found.last) == (np.floor(found.values.min()), np.floor(found.values.max()))


def test_knots_that_bend_by_more_than_they_lie_apart():
    """Several pieces begin in some columns before they do in others."""
    rng = np.random.default_rng(3)
    knots, columns = np.arange(12) * 4.0 - 0.5, np.arange(60)
    bends = (9 * np.sin(columns / 8.0) + rng.uniform(-1.5, 1.5, (12, 60))).astype(np.float32)
    values = rng.normal(size=(12, 60)).astype(np.float32)
    ruled = Ruled(knots, values, bends)
    found = ruled.rows(-20, 90)
    expected = np.stack([np.interp(np.arange(-20, 70), knots + bends[:, k], values[:, k]) for k in columns], axis=1)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    for first, count in ((-20, 1), (-3, 17), (11, 30), (69, 1)):
        part = ruled.rows(first, count, 50)
        np.testing.assert_array_equal(part.values, found.values[first + 20:first + 20 + count])
        inside = part.values[:, :50]
        assert (part.first, part.last) == (np.floor(inside.min()), np.floor(inside.max()))


def test_a_net_says_the_same_along_lines_and_at_places():
    rng = np.random.default_rng(1)
    net = Net(rng.normal(size=(3, 6, 5)).astype(np.float32), (10.0, 12.5))
    cols = np.arange(50.0)
    rows, values = net.lines(12.0, 33.0, cols)
    assert rows[0] <= 12.0 and rows[-1] >= 33.0 and rows.size < 6
    np.testing.assert_allclose(net.offsets(rows[:, None], cols[None]), values, atol=1e-6)
    lowest, highest, leftmost, rightmost = net.reach(np.array([12.0, 33.0]), cols)
    down, right, _ = net.offsets(np.arange(12.0, 34.0)[:, None], cols[None])
    assert lowest <= down.min() and down.max() <= highest and leftmost <= right.min() and right.max() <= rightmost
    assert net.strain == pytest.approx(np.abs(np.diff(net.nodes[:2], axis=1)).max() / 10)
