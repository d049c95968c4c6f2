"""Means held in memory: which cells they are of, and that nothing of them remains."""

import numpy as np
import pytest
from commonground.core.errors import RasterError
from commonground.core.raster import means
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from osgeo import gdal, osr


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


@pytest.fixture
def ground(tmp_path):
    """Rough heights with voids, and their DEM."""
    rows, cols = np.mgrid[:203, :330]
    heights = (0.7 * cols - 0.4 * rows + np.random.default_rng(0).normal(size=rows.shape)).astype(np.float32)
    heights[20:90, 30:100] = np.nan
    heights[::7, ::5] = np.nan
    path = str(tmp_path / "ground.tif")
    grid = Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 330, 203, wkt(32622))
    with RasterWriter(path, grid, nodata=-9999.0) as writer:
        writer.write(heights)
    return heights, Dem.open(path)


def left_in_memory():
    return gdal.ReadDirRecursive("/vsimem/")


def of_lines(heights, factor, lines):
    height, width = (side // factor for side in heights.shape)
    cells = heights[:height * factor, :width * factor].reshape(height, factor, width, factor)[:, lines]
    known = np.isfinite(cells)
    with np.errstate(invalid="ignore"):
        return np.where(known, cells, 0).sum(axis=(1, 3)) / known.sum(axis=(1, 3))


@pytest.mark.parametrize("factor, lines", [
    (2, [0, 1]), (5, range(5)), (7, range(7)), (8, [0, 2, 4, 6]), (13, [0, 3, 6, 9, 12]), (18, [0, 4, 8, 12, 16]),
    (19, [1, 5, 9, 13, 17]), (39, [1, 10, 19, 28, 37]), (40, [4, 14, 24, 34])])
def test_of_all_lines_or_of_some_about_the_middle(ground, factor, lines):
    heights, dem = ground
    with means.held(dem.coarsened(factor)) as coarse:
        assert coarse.grid == dem.coarsened(factor).grid and coarse.name == dem.name and coarse.factor == 1
        found = coarse.read()
    expected = of_lines(heights, factor, list(lines))
    assert np.isnan(expected).any()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    # At most half a line off the middle, and a third of it more where voids lie unevenly, on a slope of 0.4.
    full = heights[:203 // factor * factor, :330 // factor * factor]
    near = np.abs(found - of_lines(full, factor, list(range(factor))))
    assert np.nanmedian(near) < 0.2 + 1.0 / factor and (factor > 7 or np.nanmax(near) < 1e-4)


@pytest.mark.parametrize("strip", [1, 500, 4000])
def test_the_same_in_pieces(ground, monkeypatch, strip):
    dem = ground[1].coarsened(6)
    whole = means._means(dem)
    monkeypatch.setattr(means, "STRIP", strip)
    np.testing.assert_allclose(means._means(dem), whole, rtol=1e-6)


def test_of_a_part_in_metres(ground):
    heights, dem = ground
    feet = gdal.Open(dem.path, gdal.GA_Update)
    feet.GetRasterBand(1).SetUnitType("ft")
    feet = None
    part = Dem.open(dem.path).coarsened(2).part(3, 5, 60, 120).coarsened(2)
    with means.held(part) as coarse:
        expected = of_lines(heights[6:126, 10:250], 4, [0, 1, 2, 3]) * 0.3048
        np.testing.assert_allclose(coarse.read(), expected, rtol=1e-5, atol=1e-4)
        assert coarse.grid == part.grid


def test_nothing_remains_whatever_happens(ground):
    dem = ground[1].coarsened(8)
    before = left_in_memory()
    with means.held(dem) as one, means.held(dem) as other:
        assert one.path != other.path
        np.testing.assert_array_equal(one.read(), other.read())
    with pytest.raises(ZeroDivisionError), means.held(dem):
        raise ZeroDivisionError
    with pytest.raises(RasterError), means.held(Dem(**{**vars(dem), "path": "/nowhere.tif"})):
        pass
    assert left_in_memory() == before


def test_what_is_not_coarsened_is_itself(ground):
    with means.held(ground[1]) as same:
        assert same is ground[1]
