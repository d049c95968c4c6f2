"""GDAL's cache: small while rasters are read in windows, as it was afterwards."""

import numpy as np
import pytest
from commonground.core.raster.cache import ENOUGH, LINES, small_cache
from commonground.core.raster.dem import Dem
from osgeo import gdal, osr


@pytest.fixture
def usual():
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(500 * 2**20)
    yield 500 * 2**20
    gdal.SetCacheMax(before)


def raster(path, width, options):
    made = gdal.GetDriverByName("GTiff").Create(str(path), width, 8, 1, gdal.GDT_Float32, options)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32622)
    made.SetSpatialRef(reference)
    made.SetGeoTransform((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0))
    made.GetRasterBand(1).WriteArray(np.zeros((8, width), dtype=np.float32))
    del made
    return Dem.open(str(path))


def test_it_is_small_as_long_as_the_block_lasts(tmp_path, usual):
    dem = raster(tmp_path / "tiled.tif", 600, ["TILED=YES"])
    with small_cache(dem):
        assert gdal.GetCacheMax() == ENOUGH
        with small_cache():
            assert gdal.GetCacheMax() == ENOUGH
        assert gdal.GetCacheMax() == ENOUGH
    assert gdal.GetCacheMax() == usual


def test_it_comes_back_after_an_error(usual):
    with pytest.raises(ZeroDivisionError), small_cache():
        1 / 0  # noqa: B018
    assert gdal.GetCacheMax() == usual


def test_wide_strips_that_windows_share_fit_in(tmp_path, usual):
    wide = raster(tmp_path / "strips.tif", 40_000, [])
    with small_cache(wide):
        assert gdal.GetCacheMax() == LINES * 40_000 * 4
    with small_cache(wide, wide, wide, wide):
        assert gdal.GetCacheMax() == usual


def test_what_somebody_has_set_stands(usual):
    gdal.SetConfigOption("GDAL_CACHEMAX", "300")
    try:
        with small_cache():
            assert gdal.GetCacheMax() == usual
    finally:
        gdal.SetConfigOption("GDAL_CACHEMAX", None)
