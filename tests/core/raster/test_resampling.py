"""A DEM on another grid: kernels, voids, moved by a field, other CRS."""

import numpy as np
import pytest
from commonground.core.raster import resampling
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.resampling import Resampler
from commonground.core.raster.writing import RasterWriter
from osgeo import gdal, osr


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


UTM = wkt(32622)


def write(path, heights, geotransform=(500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), crs=UTM):
    grid = Grid(geotransform, heights.shape[1], heights.shape[0], crs)
    with RasterWriter(str(path), grid) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(path))


def hills(rows, cols):
    return 100 + 40 * np.sin(rows / 9.0) + 30 * np.cos(cols / 11.0) + 0.02 * rows * cols / 10


def test_same_grid_returns_the_pixels(tmp_path):
    rows, cols = np.mgrid[:70, :90]
    dem = write(tmp_path / "réf érence.tif", hills(rows, cols))
    for kernel in resampling.KERNELS:
        with Resampler(dem, dem.grid, kernel) as resampler:
            np.testing.assert_array_equal(resampler.window(0, 0, 70, 90), dem.read())


@pytest.mark.parametrize(("kernel", "tolerance"), [("cubic", 0.03), ("bilinear", 0.3)])
def test_between_cells(tmp_path, kernel, tolerance):
    rows, cols = np.mgrid[:80, :80]
    dem = write(tmp_path / "a.tif", hills(rows, cols))
    shifted = Grid((500000.0 + 23.0, 10.0, 0.0, 7800000.0 - 37.0, 0.0, -10.0), 60, 60, UTM)
    with Resampler(dem, shifted, kernel) as resampler:
        found = resampler.window(0, 0, 60, 60)
    truth = hills(rows[:60, :60] + 3.7, cols[:60, :60] + 2.3)
    assert np.abs(found - truth).max() < tolerance


def test_windows_agree_bit_for_bit(tmp_path):
    rng = np.random.default_rng(1)
    heights = rng.normal(size=(120, 130)).astype(np.float32)
    heights[rng.random(heights.shape) < 0.1] = np.nan
    dem = write(tmp_path / "a.tif", heights)
    grid = Grid((500003.0, 10.0, 0.0, 7799996.0, 0.0, -10.0), 120, 110, UTM)
    with Resampler(dem, grid) as resampler:
        whole = resampler.window(0, 0, 110, 120)
        parts = np.vstack([resampler.window(top, 0, 37, 120) for top in (0, 37)])
    np.testing.assert_array_equal(whole[:74], parts)


def test_voids_neither_grow_nor_shrink(tmp_path):
    rows, cols = np.mgrid[:60, :60]
    heights = hills(rows, cols)
    heights[20:30, 20:35] = np.nan
    dem = write(tmp_path / "a.tif", heights)
    grid = Grid((500003.0, 10.0, 0.0, 7799996.0, 0.0, -10.0), 50, 50, UTM)
    with Resampler(dem, grid) as resampler:
        found = resampler.window(0, 0, 50, 50)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(heights[:50, :50]))
    assert np.nanmax(np.abs(found - hills(rows[:50, :50] + 0.4, cols[:50, :50] + 0.3))) < 5


def test_cubic_is_gdals_cubic(tmp_path):
    rows, cols = np.mgrid[:80, :80]
    dem = write(tmp_path / "a.tif", hills(rows, cols))
    bounds = (500100.0 + 3, 7799500.0 - 4, 500600.0 + 3, 7800000.0 - 104)
    warped = gdal.Warp("", dem.path, format="MEM", outputBounds=bounds, xRes=10, yRes=10, resampleAlg="cubic")
    grid = Grid(warped.GetGeoTransform(), warped.RasterXSize, warped.RasterYSize, UTM)
    with Resampler(dem, grid) as resampler:
        found = resampler.window(0, 0, *grid.shape)
    np.testing.assert_allclose(found[3:-3, 3:-3], warped.ReadAsArray()[3:-3, 3:-3], atol=2e-4)


def test_other_crs_and_degrees(tmp_path):
    from pyproj import Transformer

    geographic = Grid((-50.1, 0.0002, 0.0, 70.05, 0.0, -0.0001), 900, 800, wkt(4326))
    rows, cols = np.mgrid[:800, :900]
    lon, lat = geographic.map_of(rows, cols)

    def surface(x, y):
        return (x + 50) * 3000 + (y - 70) * 1000 + 30 * np.sin(x * 900) * np.cos(y * 1200)

    path = tmp_path / "degrees.tif"
    with RasterWriter(str(path), geographic) as writer:
        writer.write(surface(lon, lat).astype(np.float32))
    to_utm = Transformer.from_crs(4326, 32622, always_xy=True)
    x, y = to_utm.transform(-50.0, 70.01)
    grid = Grid((round(x), 15.0, 0.0, round(y), 0.0, -15.0), 100, 90, UTM)
    with Resampler(Dem.open(str(path)), grid) as resampler:
        found = resampler.window(0, 0, 90, 100)
    back = to_utm.transform(*grid.map_of(*np.mgrid[:90, :100]), direction="INVERSE")
    np.testing.assert_allclose(found, surface(*back), atol=0.02)


def test_a_finer_dem_is_averaged(tmp_path):
    rng = np.random.default_rng(3)
    dem = write(tmp_path / "fine.tif", rng.normal(size=(400, 400)), (500000.0, 2.0, 0.0, 7800000.0, 0.0, -2.0))
    grid = Grid((500000.0, 20.0, 0.0, 7800000.0, 0.0, -20.0), 40, 40, UTM)
    with Resampler(dem, grid) as resampler:
        found = resampler.window(0, 0, 40, 40)
    assert np.nanstd(found) < 0.2
    assert np.isfinite(found).all()


def test_outside_is_void(tmp_path):
    dem = write(tmp_path / "a.tif", np.ones((20, 20)))
    grid = Grid((500100.0, 10.0, 0.0, 7799900.0, 0.0, -10.0), 30, 30, UTM)
    with Resampler(dem, grid) as resampler:
        found = resampler.window(0, 0, 30, 30)
    assert np.isfinite(found[:10, :10]).all() and np.isnan(found[10:]).all() and np.isnan(found[:, 10:]).all()
