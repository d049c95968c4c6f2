"""Stable terrain from polygons and masks, on the mask's own grid and on others."""

import numpy as np
import pytest
from commonground.core.raster import masks
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import Polygons, StableTerrain
from commonground.core.raster.writing import RasterWriter
from osgeo import ogr, osr


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


GRID = Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 60, 40, wkt(32622))


@pytest.fixture
def mask(tmp_path):
    """Left half zero, right half 7, one void cell."""
    values = np.zeros((40, 60), np.float32)
    values[:, 30:] = 7
    values[5, 50] = np.nan
    with RasterWriter(str(tmp_path / "mask.tif"), GRID) as writer:
        writer.write(values)
    return Dem.open(str(tmp_path / "mask.tif"))


def test_non_zero_cells_with_data_are_stable(mask):
    cells = StableTerrain(mask=mask).cover(GRID)
    assert not cells[:, :30].any() and cells[:, 30:].sum() == 40 * 30 - 1 and not cells[5, 50]


def test_windows_and_beyond_the_edge(mask):
    cells = StableTerrain(mask=mask).cover(GRID.window(-3, 25, 10, 50))
    assert not cells[:3].any() and not cells[:, :5].any() and not cells[:, 35:].any()
    assert cells[3:, 5:35].sum() == 7 * 30 - 1


def test_another_grid_takes_the_cell_beneath_in_strips(mask, monkeypatch):
    coarse = Grid((500000.0, 35.0, 0.0, 7800000.0, 0.0, -35.0), 17, 11, GRID.crs)
    whole = StableTerrain(mask=mask).cover(coarse)
    expected = (np.arange(17) * 35 + 17.5 > 300)[None, :].repeat(11, axis=0)
    expected[1, 14] = False  # the void cell
    np.testing.assert_array_equal(whole, expected)
    monkeypatch.setattr(masks, "STRIP_CELLS", 300)
    np.testing.assert_array_equal(StableTerrain(mask=mask).cover(coarse), whole)


def test_polygons_in_another_crs():
    ring = "POLYGON((500100 7799900, 500300 7799900, 500300 7799700, 500100 7799700, 500100 7799900))"
    wkb = bytes(ogr.CreateGeometryFromWkt(ring).ExportToWkb())
    here = Polygons((wkb,), wkt(32622))
    away = here.in_crs(wkt(4326)).in_crs(wkt(32622))
    expected = np.zeros(GRID.shape, bool)
    expected[10:30, 10:30] = True
    for areas in (here, away):
        np.testing.assert_array_equal(areas.cover(GRID), expected)
        np.testing.assert_array_equal(StableTerrain(unstable=areas).cover(GRID), ~expected)
