"""GDAL's cache: small while rasters are read in windows, as it was afterwards."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.bias import Ramp, correct, draw
from commonground.core.coregistration.stable_terrain import find_stable_terrain
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import open_executor
from commonground.core.frames.transform import FrameEpoch
from commonground.core.progress import Silent
from commonground.core.raster.cache import ENOUGH, LINES, small_cache
from commonground.core.raster.dem import Dem
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.translate import fit_move, write_moved
from commonground.core.raster.writing import arrange
from osgeo import gdal, osr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import constant_field, make_world


@pytest.fixture
def usual():
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(500 * 2**20)
    yield 500 * 2**20
    gdal.SetCacheMax(before)


def raster(path, width, options, bands=1):
    made = gdal.GetDriverByName("GTiff").Create(str(path), width, 8, bands, gdal.GDT_Float32, options)
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


def test_wide_tiles_of_several_bands_fit_in(tmp_path, usual):
    with small_cache(raster(tmp_path / "bands.tif", 15_000, ["TILED=YES"], bands=3)):
        assert gdal.GetCacheMax() == LINES * 15_000 * 4 * 3


class Watch(Silent):
    """GDAL's cache whenever somebody reports progress."""

    def __init__(self):
        self.seen = set()

    def step(self, fraction, message=""):
        self.seen.add(gdal.GetCacheMax())


def moved(pair, path, progress, **options):
    frames = FrameEpoch("ITRF2000", 2000.0), FrameEpoch("ITRF2014", 2000.0)
    write_moved(pair.secondary, path, fit_move(pair.secondary, *frames), "ellipsoidal", frames[1], {}, progress,
                **options)


def found(pair, path, progress):
    with open_executor(1) as executor:
        find_stable_terrain(pair, path, 0, executor, progress)


def drawn(pair, path, progress):
    draw(pair, "", progress)


def corrected(pair, path, progress):
    with open_executor(1) as executor:
        correct(pair, Ramp({(0, 0): 1.0}), "", path, "", executor, progress)


def arranged(pair, path, progress):
    moved(pair, path, Silent())
    arrange(path, "cog", progress)


@pytest.mark.parametrize("run", [found, drawn, corrected, moved, arranged])
def test_whoever_reads_whole_rasters_keeps_it_small(tmp_path, usual, run):
    world, watch = make_world(tmp_path, constant_field(3.0, -2.0, 1.0), size=300), Watch()
    run(Pair(world.reference, world.secondary, StableTerrain()), str(tmp_path / "out.tif"), watch)
    assert watch.seen and watch.seen <= {ENOUGH} and gdal.GetCacheMax() == usual


def test_what_somebody_has_set_stands(usual):
    gdal.SetConfigOption("GDAL_CACHEMAX", "300")
    try:
        with small_cache():
            assert gdal.GetCacheMax() == usual
    finally:
        gdal.SetConfigOption("GDAL_CACHEMAX", None)
