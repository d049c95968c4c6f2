"""Slope and aspect of planes whose inclination is known, on the ground of any CRS."""

import numpy as np
import pytest
from commonground.core.raster.grid import Grid
from commonground.core.statistics.terrain import aspect, gradient, hillshade, slope
from osgeo import osr


def grid(code, geotransform, shape=(6, 8)):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return Grid(geotransform, shape[1], shape[0], reference.ExportToWkt())


METRES = grid(32611, (400000.0, 10.0, 0.0, 3800000.0, 0.0, -20.0))


def plane(window, east, north, metres=(1.0, 1.0)):
    """Heights of a plane that rises by `east` and `north` per metre, with one cell around the window."""
    rows, cols = np.mgrid[-1:window.height + 1, -1:window.width + 1]
    x, y = window.map_of(rows, cols)
    x0, y0 = window.map_of(window.height / 2, window.width / 2)
    return (300 + east * (x - x0) * metres[0] + north * (y - y0) * metres[1]).astype(np.float32)


def test_gradient_of_a_plane_has_the_right_signs():
    east, north = gradient(plane(METRES, 0.2, -0.1), METRES)
    np.testing.assert_allclose(east, 0.2, atol=1e-5)
    np.testing.assert_allclose(north, -0.1, atol=1e-5)


def test_south_up_grid_gives_the_same():
    window = grid(32611, (400000.0, 10.0, 0.0, 3800000.0, 0.0, 20.0))
    np.testing.assert_allclose(gradient(plane(window, 0.2, -0.1), window)[1], -0.1, atol=1e-5)


@pytest.mark.parametrize("east, north, downhill",
                         [(0, -1, 0), (-1, 0, 90), (0, 1, 180), (1, 0, 270), (-1, -1, 45)])
def test_aspect_points_downhill_clockwise_from_north(east, north, downhill):
    np.testing.assert_allclose(aspect(plane(METRES, 0.1 * east, 0.1 * north), METRES), downhill, atol=1e-2)


def test_level_ground_has_slope_and_no_aspect():
    level = plane(METRES, 0.0, 0.0)
    assert np.all(slope(level, METRES) == 0)
    assert np.all(np.isnan(aspect(level, METRES)))


def test_slope_in_degrees():
    np.testing.assert_allclose(slope(plane(METRES, np.tan(np.radians(30)), 0.0), METRES), 30.0, atol=1e-3)


def test_feet_are_made_metres():
    window = grid(2229, (6500000.0, 30.0, 0.0, 1900000.0, 0.0, -30.0))
    foot = 1200 / 3937
    got = slope(plane(window, 0.5, 0.0, (foot, foot)), window)
    np.testing.assert_allclose(got, np.degrees(np.arctan(0.5)), atol=1e-3)


def test_degrees_are_made_metres_row_by_row():
    """WGS 84 at 60 N: a degree is 55.80 km east and 111.41 km north (Helmert's formulae, GRS 80/WGS 84)."""
    cell = 1 / 3600
    window = grid(4326, (10.0, cell, 0.0, 60.0 + 3 * cell, 0.0, -cell))
    east, north = gradient(plane(window, 0.3, 0.2, (55800.0, 111412.0)), window)
    np.testing.assert_allclose(east, 0.3, rtol=2e-4)
    np.testing.assert_allclose(north, 0.2, rtol=2e-4)
    tall = grid(4326, (10.0, 0.5, 0.0, 60.0, 0.0, -0.5), (60, 8))
    ramp = np.tile(np.arange(10, dtype=np.float32), (62, 1))
    steep = gradient(ramp, tall)[0][:, 0]
    latitude = 60.0 - 0.5 * (np.arange(60) + 0.5)
    w = np.sqrt(1 - 0.00669437999 * np.sin(np.radians(latitude)) ** 2)
    along = 0.5 * np.pi / 180 * 6378137.0 / w * np.cos(np.radians(latitude))
    np.testing.assert_allclose(steep, 1 / along, rtol=1e-5)


def test_a_void_spoils_its_neighbours_only():
    heights = plane(METRES, 0.1, 0.0)
    heights[3, 4] = np.nan
    void = np.isnan(slope(heights, METRES))
    assert np.array_equal(np.argwhere(void), [[r, c] for r in (1, 2, 3) for c in (2, 3, 4)])


def test_light_falls_on_slopes_that_face_it():
    facing, away = (hillshade(plane(METRES, -0.5 * k, 0.5 * k), METRES).mean() for k in (-1, 1))
    level = hillshade(plane(METRES, 0.0, 0.0), METRES).mean()
    assert facing > level > away
    assert level == pytest.approx(np.sin(np.radians(45)), abs=1e-6)
