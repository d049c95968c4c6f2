"""Saved fields: replayed to the last bit, interpolated from blocks, and read by stock GDAL."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.apply import apply_shifts
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.deformation_model import write_deformation_model
from commonground.core.coregistration.field_fit import field_from_blocks
from commonground.core.coregistration.shift_field import ShiftField, read_shift_rasters
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.coregistration.warp import replay_tags, replayed, warp
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from osgeo import gdal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import make_world, sine_field, wkt


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A coregistration with its aligned DEM and shift rasters on disk."""
    folder = tmp_path_factory.mktemp("run")
    world = make_world(folder, sine_field(8, 500, 1.5), size=500, white=0.3)
    with open_executor(2) as executor:
        found = coregister(Pair(world.reference, world.secondary, StableTerrain()), Settings(block_size=125), executor,
                           Silent())
        warp(world.secondary, found.field, world.reference.grid, "cubic", str(folder / "aligned.tif"), executor,
             Silent())
    found.field.write(str(folder / "shifts.tif"), replay_tags(world.secondary, world.reference.grid, "cubic"))
    return folder, world, found


def test_shift_rasters_replay_the_warp_bit_for_bit(run):
    folder, world, found = run
    field, tags = read_shift_rasters(str(folder / "shifts.tif"))
    np.testing.assert_array_equal(field.nodes, found.field.nodes)
    grid, kernel = replayed(tags, world.secondary)
    with open_executor(1) as executor:
        apply_shifts(world.secondary, field, grid, kernel, None, str(folder / "again.tif"), executor, Silent())
    first, again = (gdal.Open(str(folder / name)).ReadAsArray() for name in ("aligned.tif", "again.tif"))
    np.testing.assert_array_equal(first, again)


def test_blocks_interpolate_to_nearly_the_field(run):
    _, world, found = run
    field = field_from_blocks(found.blocks, world.reference.grid.crs)
    assert field.grid.bounds() == pytest.approx(world.reference.grid.bounds())
    for block in found.blocks:
        row, col = field.grid.cell_of(*block.centre)
        assert np.abs(field.at(row, col) - (block.dx, block.dy, block.dz))[:2].max() < 5.0


def test_gdal_and_proj_move_it_likewise(run):
    folder, world, found = run
    model = folder / "model.json"
    write_deformation_model(found.field, str(model), "test")
    operation = ("+proj=pipeline +step +proj=set +v_4=2010 "
                 f"+step +inv +proj=defmodel +model={model} +step +proj=set +v_4=2010")
    x0, y0, x1, y1 = world.reference.grid.bounds()
    warped = gdal.Warp("", world.secondary.path, format="MEM", outputBounds=(x0, y0, x1, y1), xRes=10, yRes=10,
                       coordinateOperation=operation, errorThreshold=0.001, resampleAlg="cubic",
                       warpOptions=["APPLY_VERTICAL_SHIFT=YES"], srcSRS="EPSG:32622", dstSRS="EPSG:32622")
    oracle = warped.ReadAsArray()
    ours = gdal.Open(str(folder / "aligned.tif")).ReadAsArray()
    inner = (slice(30, -30),) * 2
    horizontal = np.abs(oracle - ours)[inner]
    assert np.median(horizontal) < 0.02 and np.quantile(horizontal, 0.99) < 0.1


def test_the_field_at_nodes_and_beyond(tmp_path):
    grid = Grid((0.0, 10.0, 0.0, 1000.0, 0.0, -10.0), 37, 23, wkt(32622))
    field = ShiftField.from_function(grid, 8, lambda row, col: np.stack(
        [row[:, None] + 0 * col, 0 * row[:, None] + col, row[:, None] * 0 + col * 0 + 2]))
    rows, cols = np.mgrid[:23, :37].astype(float)
    np.testing.assert_allclose(field.at(rows, cols)[0], rows, atol=1e-5)
    np.testing.assert_allclose(field.at(rows, cols)[1], cols, atol=1e-5)
    down, right, dz = field.offsets(np.array([[10.0]]), np.array([[20.0]]))
    # dx = +10 m east moves what lies there one column to the right; dy = +20 m north two rows up.
    assert (down[0, 0], right[0, 0], dz[0, 0]) == pytest.approx((-2.0, 1.0, 2.0))
    assert np.isfinite(field.at(-500.0, 900.0)).all()


def test_images_keep_their_type_and_must_be_told(tmp_path):
    grid = Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 60, 50, wkt(32622))
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (3, 50, 60), dtype=np.uint8)
    path = str(tmp_path / "ortho.tif")
    with RasterWriter(path, grid, 3, None, data_type="Byte") as writer:
        for band in range(3):
            writer.write(colours[band], band=band + 1)
    field = ShiftField.constant(grid, (20.0, -10.0, 5.0))
    with open_executor(1) as executor:
        with pytest.raises(CoregistrationError, match="VERTICAL"):
            apply_shifts(Dem.open(path), field, grid, "cubic", None, str(tmp_path / "x.tif"), executor, Silent())
        assert not (tmp_path / "x.tif").exists()
        with pytest.raises(CoregistrationError, match="VERTICAL"):
            apply_shifts(Dem.open(path), field, grid, "cubic", True, str(tmp_path / "x.tif"), executor, Silent())
        apply_shifts(Dem.open(path), field, grid, "cubic", False, str(tmp_path / "moved.tif"), executor, Silent())
    moved = gdal.Open(str(tmp_path / "moved.tif")).ReadAsArray()
    assert moved.dtype == np.uint8
    # Two columns east, one row south.
    np.testing.assert_array_equal(moved[:, 1:, 2:], colours[:, :-1, :-2])


def test_foreign_shift_rasters(tmp_path):
    grid = Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 40, 30, wkt(32622))
    path = str(tmp_path / "three.tif")
    with RasterWriter(path, grid, 3, None) as writer:
        for band, value in enumerate((3.0, -2.0, 1.0), 1):
            writer.write(np.full((30, 40), value, np.float32), band=band)
    field, tags = read_shift_rasters(path)
    assert tags == {}
    np.testing.assert_allclose(field.at(5.0, 7.0), (3, -2, 1))
    with RasterWriter(str(tmp_path / "one.tif"), grid) as writer:
        writer.write(np.zeros((30, 40), np.float32))
    with pytest.raises(CoregistrationError, match="three bands"):
        read_shift_rasters(str(tmp_path / "one.tif"))


def test_an_integer_dem_is_raised_without_being_told(tmp_path):
    grid = Grid((500000.0, 10.0, 0.0, 7800000.0, 0.0, -10.0), 30, 20, wkt(32622))
    path = str(tmp_path / "whole metres.tif")
    with RasterWriter(path, grid, 1, -32768, data_type="Int16") as writer:
        writer.write(np.full((20, 30), 7, np.int16))
    with open_executor(1) as executor:
        apply_shifts(Dem.open(path), ShiftField.constant(grid, (0.0, 0.0, 1.5)), grid, "cubic", None,
                     str(tmp_path / "raised.tif"), executor, Silent())
    np.testing.assert_array_equal(Dem.open(str(tmp_path / "raised.tif")).read(), np.float32(8.5))
