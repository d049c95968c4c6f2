"""The secondary beneath a window: whole lines, some cells, groups of lines, and what is out of reach."""

import numpy as np
import pytest
from commonground.core.coregistration import secondary
from commonground.core.coregistration.secondary import NEARBY, REACH, Lines
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.raster.dem import Dem
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


@pytest.mark.parametrize("step", [1, 4, 120], ids=["every line", "every fourth", "groups of lines"])
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
def test_out_of_reach_is_unknown_never_the_ground_of_another_group(pair, shift):
    ground = pair.window((0, 0, 620, 60), (), 120)
    for part in (ground, thinned(ground, 2), ground.part(slice(None, None, 3))):
        for moved in (shift, tuple(np.full(part.rows.shape, axis) for axis in shift)):
            found, true = part.sample(*moved), expected(part, *shift)
            known = np.isfinite(found)
            np.testing.assert_allclose(found[known], true[known], atol=2e-3)


def thinned(ground, every):
    """A window with every so-manieth of its lines, as `sparse` makes them of large ones."""
    from commonground.core.coregistration import terrain_window

    usual = terrain_window.SPARSE
    terrain_window.SPARSE = ground.rows.size // every
    try:
        return ground.sparse
    finally:
        terrain_window.SPARSE = usual


COLUMNS, OFFSET = np.arange(25, 35), (0.3, -0.6)


def lines_of(dem, step, moves=((0.0, 0.0),)):
    return Lines(dem, np.arange(30, 590, step), COLUMNS, OFFSET, np.array(moves))


def true_heights(rows, down, right):
    return 3.0 * (rows + OFFSET[0] - down) + 0.1 * (COLUMNS + OFFSET[1] - right)


def whole(lines, down, right):
    return lines.at(np.array([[np.float32(down)]]), np.array([[np.float32(right)]]))


def each(lines, down, right):
    """The same cell by cell."""
    shape = whole(lines, 0, 0).shape
    line, column = (places.ravel() for places in np.indices(shape))
    down, right = (np.full(line.shape, moved) for moved in (down, right))
    return lines.some(line, column, down, right).reshape(shape)


@pytest.mark.parametrize("step", [1, 4, 120])
@pytest.mark.parametrize("look", [whole, each])
@pytest.mark.parametrize("every", [1, 3])
def test_a_fit_that_wanders_is_followed(tmp_path, monkeypatch, step, look, every):
    dem, readings, read = plane(tmp_path / "secondary.tif"), [], secondary.read_lines
    monkeypatch.setattr(secondary, "read_lines", lambda *place: readings.append(place) or read(*place))
    lines = lines_of(dem, step).every(every)
    rows = np.arange(30, 590, step)[::every, None]
    for count, (down, right) in ((1, (NEARBY - 0.8, 0.4 - NEARBY)), (2, (REACH - 0.8, 0.7)), (2, (-4.6, 0.7 - REACH))):
        found = look(lines, down, right)
        assert len(readings) == count
        np.testing.assert_allclose(found, true_heights(rows, down, right), atol=2e-3)
        foreseen = lines_of(dem, step, ((0.0, 0.0), (down, right))).every(every)
        readings.pop()
        np.testing.assert_allclose(found, look(foreseen, down, right), atol=1e-3)
        assert len(readings) == count


@pytest.mark.parametrize("step", [1, 4, 120])
@pytest.mark.parametrize("look", [whole, each])
@pytest.mark.parametrize("away", [(REACH + 2, 0), (-REACH - 2, 0), (0, REACH + 2), (0, -REACH - 2)])
def test_beyond_its_reach_nothing_is_known(tmp_path, step, look, away):
    lines = lines_of(plane(tmp_path / "secondary.tif"), step)
    true = true_heights(np.arange(30, 590, step)[:, None], *away)
    for every in (2, 1):
        found = look(lines.every(every), *away)
        known = np.isfinite(found)
        # Cell by cell, some still lie above what was read for others.
        assert not known.any() if look is whole else not known.all()
        np.testing.assert_allclose(found[known], true[::every][known], atol=2e-3)
