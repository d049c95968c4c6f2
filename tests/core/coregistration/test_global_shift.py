"""The way from coarse to fine: far shifts, odd shapes, ground that repeats itself, and how often files are read."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.global_shift import SKETCH, global_shift, levels, searched, stable_window
from commonground.core.coregistration.lzd import lzd
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.errors import CoregistrationError
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem, Reader
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, constant_field, make_world, wkt


def written(folder, name, heights, grid):
    with RasterWriter(str(folder / f"{name}.tif"), grid, nodata=-9999.0) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(folder / f"{name}.tif"))


def strip_pair(folder, height, width, shift):
    """A pair of any shape, 10 m cells, without noise."""
    surface, grid = Surface(1, slope=14), Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), width, height, wkt(32622))
    row, col = np.mgrid[:height, :width]
    x, y = col * 10.0, -row * 10.0
    return Pair(written(folder, "one", surface(x, y), grid),
                written(folder, "two", surface(x + shift[0], y + shift[1]) - shift[2], grid), StableTerrain())


@pytest.mark.parametrize("cells", [(60.3, -60.7), (-12.0, 150.4), (0.3, -0.2)])
def test_the_search_ends_within_a_tenth_of_a_coarse_cell(tmp_path, cells):
    shift = (cells[0] * 10, cells[1] * 10, 7.0)
    world = make_world(tmp_path, constant_field(*shift), size=700, slope=14, white=0.4)
    pair = Pair(world.reference, world.secondary, StableTerrain())
    coarsest, *finer = levels(pair)
    assert (coarsest, finer) == (3, [1])
    np.testing.assert_allclose(searched(pair.coarsened(coarsest), 0), shift, atol=0.1 * 30)
    for few in ({}, {"cells": SKETCH}):
        np.testing.assert_allclose(global_shift(pair, lzd, 0, Silent(), **few).shift, shift, atol=0.1)


def test_short_relief_far_off(tmp_path):
    # Nothing longer than 30 cells, four of the coarsest level.
    shift = (603.0, -455.0, 5.0)
    world = make_world(tmp_path, constant_field(*shift), size=2000, white=0.4,
                       surface=Surface(4, shortest=60.0, longest=300.0, slope=20, waves=40))
    pair = Pair(world.reference, world.secondary, StableTerrain())
    assert levels(pair)[0] == 8
    np.testing.assert_allclose(global_shift(pair, lzd, 0, Silent()).shift, shift, atol=0.1)


@pytest.mark.parametrize("size", [200, 900])
def test_of_two_fits_as_good_the_nearer(tmp_path, size):
    def repeated(x, y):
        return 5 * np.sin(np.radians(18 * x / 10)) + 5 * np.cos(np.radians(18 * -y / 10))

    world = make_world(tmp_path, constant_field(10.0, 0.0, 0.5), size=size, surface=repeated, white=0.2)
    pair = Pair(world.reference, world.secondary, StableTerrain())
    np.testing.assert_allclose(global_shift(pair, lzd, 0, Silent()).shift, (10.0, 0.0, 0.5), atol=0.1)


@pytest.mark.parametrize("shape", [(20, 20), (24, 9000), (9000, 24), (100, 6000)])
def test_tiny_and_thin(tmp_path, shape):
    shift = (33.0, -12.0, 2.0)
    np.testing.assert_allclose(global_shift(strip_pair(tmp_path, *shape, shift), lzd, 0, Silent()).shift, shift,
                               atol=0.02)


def test_a_single_line_is_refused(tmp_path):
    with pytest.raises(CoregistrationError, match="Only 0 cells"):
        global_shift(strip_pair(tmp_path, 1, 5000, (0.0, 0.0, 0.0)), lzd, 0, Silent())


def test_a_small_patch_of_stable_ground_is_not_missed_by_few_rows(tmp_path):
    shift = (205.0, -107.0, 3.0)
    world = make_world(tmp_path, constant_field(*shift), size=1200, slope=14, white=0.3)
    stable = np.zeros((1200, 1200))
    stable[900:980, 300:420] = 1
    pair = Pair(world.reference, world.secondary,
                StableTerrain(mask=written(tmp_path, "stable", stable, world.reference.grid)))
    few = stable_window(pair, (np.array(shift),), 0, SKETCH)
    assert few.rows.size == stable_window(pair, (np.array(shift),), 0).rows.size > 400
    np.testing.assert_allclose(global_shift(pair, lzd, 0, Silent(), SKETCH).shift, shift, atol=1.0)


def test_means_are_read_once_and_leave_nothing(tmp_path, monkeypatch):
    before = gdal.ReadDirRecursive("/vsimem/")
    world = make_world(tmp_path, constant_field(40.0, 25.0, 1.0), size=600, slope=14)
    mask = written(tmp_path, "stable", np.ones((600, 600)), world.reference.grid)
    read, fill = {}, Reader._fill

    def counted(self, band, values, left, lines, how):
        read[self.dem.path] = read.get(self.dem.path, 0) + values.size * self.dem.factor**2
        return fill(self, band, values, left, lines, how)

    monkeypatch.setattr(Reader, "_fill", counted)
    coarse = Pair(world.reference, world.secondary, StableTerrain(mask=mask)).coarsened(3)
    np.testing.assert_allclose(searched(coarse, 0), (40.0, 25.0, 1.0), atol=0.5)
    for dem, least in ((world.reference, 0.95), (world.secondary, 0.95), (mask, 0.3)):
        assert least * 600**2 < read[dem.path] <= 600**2
    assert gdal.ReadDirRecursive("/vsimem/") == before
    with pytest.raises(CoregistrationError, match="stable terrain"):
        searched(Pair(world.reference, world.secondary, StableTerrain(mask=written(
            tmp_path, "nowhere", np.zeros((600, 600)), world.reference.grid))).coarsened(3), 0)
    assert gdal.ReadDirRecursive("/vsimem/") == before
