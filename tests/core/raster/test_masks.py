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


FINER = Grid((500003.0, 4.0, 0.0, 7800011.0, 0.0, -4.0), 130, 110, GRID.crs)
DEGREES = Grid((-51.0005, 2e-4, 0.0, 70.3065, 0.0, -7e-5), 90, 70, wkt(4326))
AREAS = {"stable": ((500080, 7799950), (500420, 7799900), (500210, 7799620)),
         "unstable": ((500150, 7799880), (500300, 7799860), (500250, 7799700))}


def area(corners, crs):
    ring = ", ".join(f"{x} {y}" for x, y in (*corners, corners[0]))
    return Polygons((bytes(ogr.CreateGeometryFromWkt(f"POLYGON(({ring}))").ExportToWkb()),), wkt(32622)).in_crs(crs)


@pytest.mark.parametrize("strip", [4_000_000, 300])
@pytest.mark.parametrize("grid", [GRID, GRID.window(-3, 25, 30, 50), FINER, DEGREES],
                         ids=["the mask's own", "a window", "a finer one", "degrees"])
@pytest.mark.parametrize("parts", [("stable",), ("unstable",), ("mask",), ("stable", "unstable", "mask"), ()])
def test_some_lines_are_those_of_the_whole(mask, monkeypatch, parts, grid, strip):
    monkeypatch.setattr(masks, "STRIP_CELLS", strip)
    terrain = StableTerrain(**{part: area(AREAS[part], grid.crs) if part in AREAS else mask for part in parts})
    whole = terrain.cover(grid)
    assert whole.shape == grid.shape and (whole.any() and not whole.all() if parts else whole.all())
    for lines in (slice(None), slice(2, None, 3), slice(7, 20, 4), slice(5, 5), slice(1, None, 25)):
        np.testing.assert_array_equal(terrain.cover(grid, lines), whole[lines])
