"""The secondary beneath a window: whole lines, some cells, stripes of lines, and what is out of reach."""

import numpy as np
import pytest
from commonground.core.coregistration.secondary import NEARBY, REACH, Lines, find_spikes
from commonground.core.coregistration.stripes import Stripes
from commonground.core.coregistration.terrain_window import PACKED, Pair
from commonground.core.raster.dem import Dem, Reader
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from osgeo import osr

CELL = 10.0


def plane(path, shape=(620, 60)):
    """Heights that tell their place: 3 m a row, 0.1 m a column."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32622)
    rows, cols = np.mgrid[:shape[0], :shape[1]]
    grid = Grid((500000.0, CELL, 0.0, 7800000.0, 0.0, -CELL), shape[1], shape[0], reference.ExportToWkt())
    with RasterWriter(str(path), grid) as writer:
        writer.write((3.0 * rows + 0.1 * cols).astype(np.float32))
    return Dem.open(str(path))


@pytest.fixture
def pair(tmp_path):
    return Pair(plane(tmp_path / "reference.tif"), plane(tmp_path / "secondary.tif"), StableTerrain())


def expected(ground, dx, dy):
    """A shift north takes its height from further south: rows grow."""
    return 3.0 * (ground.rows + dy / CELL) + 0.1 * (ground.cols - dx / CELL)


@pytest.mark.parametrize("step", [1, 4, 120], ids=["every line", "every fourth", "lines far apart"])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (23.0, -37.0), (-4.2, 101.3)])
def test_the_height_is_that_of_the_place(pair, step, shift):
    ground = pair.window((0, 0, 620, 60), (), step)
    inside = np.isfinite(ground.sample(*shift))
    assert inside.mean() > 0.5
    for part in (ground, ground.sparse, ground.part(np.flatnonzero(inside)[::7])):
        found, true = part.sample(*shift), expected(part, *shift)
        known = np.isfinite(found)
        np.testing.assert_allclose(found[known], true[known], atol=2e-3)
        each = part.sample(np.full(part.rows.shape, shift[0]), np.full(part.rows.shape, shift[1]))
        known = np.isfinite(each)
        assert known.any()
        np.testing.assert_allclose(each[known], true[known], atol=2e-3)


@pytest.mark.parametrize("shift", [(0.0, 300.0), (0.0, -300.0), (300.0, 0.0)])
def test_out_of_reach_is_unknown_never_the_ground_of_another_stripe(pair, shift):
    ground = pair.window((0, 0, 620, 60), (), 120)
    for part in (ground, thinned(ground, 2), ground.part(slice(None, None, 3))):
        for moved in (shift, tuple(np.full(part.rows.shape, axis) for axis in shift)):
            found, true = part.sample(*moved), expected(part, *shift)
            known = np.isfinite(found)
            np.testing.assert_allclose(found[known], true[known], atol=2e-3)


def thinned(ground, every):
    """A window with about one of `every` cells, as `sparse` makes them of large ones."""
    return ground.fewer(ground.rows.size // every)[1]


COLUMNS, OFFSET = np.arange(25, 35), (0.3, -0.6)
STRIPES = {"one": Stripes(30, 560, 1, 560, 1), "thick": Stripes(30, 56, 10, 14, 1), "thin": Stripes(30, 120, 5, 1, 1)}


def lines_of(dem, stripes, moves=((0.0, 0.0),)):
    return Lines.over(dem, STRIPES[stripes], COLUMNS, OFFSET, np.array(moves))


def true_heights(rows, down, right):
    return 3.0 * (rows[:, None] + OFFSET[0] - down) + 0.1 * (COLUMNS + OFFSET[1] - right)


def whole(lines, rows, down, right):
    return lines.at(np.float64(down), np.float64(right))


def by_lines(lines, rows, down, right):
    """The same with a number for each line."""
    return lines.at(*(np.full((rows.size, 1), moved, dtype=np.float32) for moved in (down, right)))


def each(lines, rows, down, right):
    """The same cell by cell."""
    shape = rows.size, COLUMNS.size
    line, column = (places.ravel() for places in np.indices(shape))
    down, right = (np.full(line.shape, moved) for moved in (down, right))
    return lines.some(line, column, down, right).reshape(shape)


def under(lines, rows, down, right):
    """The same under a field."""
    return lines.under(lambda columns: tuple(np.full((rows.size, columns.size), moved, dtype=np.float32)
                                             for moved in (down, right, 0.0)))


LOOKS = [whole, by_lines, each, under]


def cuts(stripes):
    """All of the stripes, some, and thinner ones."""
    return [stripes.meeting(0, 10000), stripes.thinned(3), stripes.meeting(200, 150)]


@pytest.fixture
def readings(monkeypatch):
    """What is read from files."""
    found, read = [], Reader.stripes
    monkeypatch.setattr(Reader, "stripes", lambda *place: found.append(place) or read(*place))
    return found


@pytest.mark.parametrize("stripes", STRIPES)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cut", range(3))
def test_a_fit_that_wanders_is_followed(tmp_path, readings, stripes, look, cut):
    dem, cut = plane(tmp_path / "secondary.tif"), cuts(STRIPES[stripes])[cut]
    lines, rows = lines_of(dem, stripes).cut(cut, slice(None)), STRIPES[stripes].cut(cut).lines
    for count, (down, right) in ((1, (NEARBY - 0.8, 0.4 - NEARBY)), (2, (REACH - 0.8, 0.7)), (2, (-4.6, 0.7 - REACH))):
        found = look(lines, rows, down, right)
        assert len(readings) == count
        np.testing.assert_allclose(found, true_heights(rows, down, right), atol=2e-3)
        foreseen = lines_of(dem, stripes, ((0.0, 0.0), (down, right))).cut(cut, slice(None))
        readings.pop()
        np.testing.assert_allclose(found, look(foreseen, rows, down, right), atol=1e-3)
        assert len(readings) == count


@pytest.mark.parametrize("stripes", STRIPES)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("away", [(REACH + 3, 0), (-REACH - 3, 0), (0, REACH + 3), (0, -REACH - 3)])
def test_beyond_its_reach_nothing_is_known(tmp_path, stripes, look, away):
    lines, rows = lines_of(plane(tmp_path / "secondary.tif"), stripes), STRIPES[stripes].lines
    found, true = look(lines, rows, *away), true_heights(rows, *away)
    known = np.isfinite(found)
    # Cell by cell, some still lie above what was read for others.
    assert not known.all() if look is each else not known.any()
    np.testing.assert_allclose(found[known], true[known], atol=2e-3)


@pytest.mark.parametrize("stripes", STRIPES)
def test_what_is_packed_is_the_same_unpacked(tmp_path, readings, stripes):
    dem = plane(tmp_path / "secondary.tif")
    lines, rows = lines_of(dem, stripes), STRIPES[stripes].lines
    again = Lines.unpacked(dem, STRIPES[stripes], COLUMNS, OFFSET, *(np.ravel(part) for part in lines.packed()))
    for look in LOOKS:
        for move in ((0.3, -0.4), (REACH - 2.0, 0.0)):
            np.testing.assert_array_equal(look(again, rows, *move), look(lines, rows, *move))


def test_what_is_packed_begins_at_the_same_cell_where_a_start_is_all_but_whole(tmp_path):
    dem, stripes = plane(tmp_path / "secondary.tif"), STRIPES["thick"]
    lines = Lines.over(dem, stripes, COLUMNS, (0.0, 0.0), np.array([[0.0, 0.0], [0.2, 1 + 1e-12]]))
    numbers, moves, heights = lines.packed()
    again = Lines.unpacked(dem, stripes, COLUMNS, (0.0, 0.0), numbers, moves.astype(PACKED[1]), heights.ravel())
    asked = []

    def offsets(columns):
        asked.append(columns[0])
        return tuple(np.full((stripes.lines.size, columns.size), moved, dtype=np.float32) for moved in (0.1, 0.2, 0.0))

    np.testing.assert_array_equal(again.under(offsets), lines.under(offsets))
    assert len(set(asked)) == 1


def test_rises_are_those_of_the_plane(tmp_path):
    across, down = lines_of(plane(tmp_path / "secondary.tif"), "thick").steps(np.float64(0.3), np.float64(-0.7))
    np.testing.assert_allclose(across, 0.2, atol=2e-3)
    np.testing.assert_allclose(down, 6.0, atol=2e-3)


@pytest.mark.parametrize("stripes", STRIPES)
def test_rises_at_the_end_of_its_reach_are_right_or_not_told(tmp_path, stripes):
    lines, told = lines_of(plane(tmp_path / "secondary.tif"), stripes), []
    for move in np.arange(-2.5, 2.6, 0.25):
        for down, right in ((move, 0.3), (0.2, move), (move, -move)):
            found = lines.steps(np.float64(down), np.float64(right))
            told.append(found is not None)
            if found:
                np.testing.assert_allclose(found[0], 0.2, atol=2e-3)
                np.testing.assert_allclose(found[1], 6.0, atol=2e-3)
    assert any(told) and not all(told)


def test_under_a_field_that_bends_heights_are_those_of_cell_by_cell(tmp_path):
    """Curved ground, a field that is stretched and turns; two passes against six times six cells."""
    rows, cols = np.mgrid[:620, :60]
    heights = 40 * np.sin(rows / 9.0) * np.cos(cols / 7.0) + 30 * np.sin(cols / 5.0)
    grid = plane(tmp_path / "grid.tif").grid
    with RasterWriter(str(tmp_path / "hills.tif"), grid) as writer:
        writer.write(heights.astype(np.float32))
    dem, stripes = Dem.open(str(tmp_path / "hills.tif")), STRIPES["thick"]

    def offsets(columns):
        line, column = np.meshgrid(stripes.lines, columns, indexing="ij")
        down, right = 0.6 * np.sin(line / 60 + column / 40), 0.5 * np.cos(line / 50 - column / 45)
        return tuple(each.astype(np.float32) for each in (down, right, 0.01 * column))

    lines = Lines.over(dem, stripes, COLUMNS, OFFSET, np.zeros((1, 2)))
    down, right, up = offsets(COLUMNS)
    line, column = (places.ravel() for places in np.indices(down.shape))
    expected = lines.some(line, column, down.ravel(), right.ravel()).reshape(down.shape) + up
    np.testing.assert_allclose(lines.under(offsets), expected, atol=0.02)
    assert np.abs(lines.at(np.float64(0), np.float64(0)) - expected).max() > 2


def test_a_spike_is_found_in_its_own_piece_of_ground():
    heights = np.random.default_rng(0).normal(0, 1, (6, 4, 50)).astype(np.float32)
    heights += np.arange(4, dtype=np.float32)[:, None] * 1000
    heights[3, 2, 20] += 500
    heights[0, 1, 7] -= 500
    heights[5, 3, 49] += 500  # at the end of its line nothing tells
    place, typical = find_spikes(heights)
    assert sorted(place) == sorted(np.ravel_multi_index(([3, 0], [2, 1], [20, 7]), heights.shape))
    np.testing.assert_allclose(typical, heights[..., 30].mean(axis=0)[[1, 2]][np.argsort(place)[::1]], atol=5)


@pytest.mark.parametrize("step", [1, 3, 4, 24])
@pytest.mark.parametrize("place", [(0, 600, 0), (137, 600, 5), (450, 100, 0), (7, 9, 3), (3, 1, 0)])
def test_stripes_cover_their_window_alike_wherever_it_begins(step, place):
    top, height, phase = place
    stripes = Stripes.over(top, height, step, phase)
    lines = stripes.lines
    assert len(set(lines)) == lines.size == stripes.count * stripes.thick
    inside = lines[(lines >= top) & (lines < top + height)]
    assert abs(inside.size - height / step) <= stripes.thick + 1
    assert ((stripes.top - phase) % stripes.period) == 0
    if inside.size:
        part = stripes.cut(stripes.meeting(top, height)).lines
        assert set(inside) <= set(part)
