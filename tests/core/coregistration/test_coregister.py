"""Known fields found again: signs, sizes, shapes, grids, CRSs, and the blocks that cannot tell."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.block_shifts import METHODS
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Cancelled, Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.resampling import Resampler
from commonground.core.raster.writing import RasterWriter
from commonground.core.statistics.robust import nmad

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, constant_field, make_world, sine_field, wkt


def solve(world, terrain=None, **settings):
    with open_executor(2) as executor:
        return coregister(Pair(world.reference, world.secondary, terrain or StableTerrain()), Settings(**settings),
                          executor, Silent())


def left(world, field, dem=None):
    """Residual heights after warping `dem` by `field`, edges left out."""
    with Resampler(dem or world.secondary, world.reference.grid, "cubic", field) as resampler:
        aligned = resampler.window(0, 0, *world.reference.grid.shape)
    return (world.reference.read() - aligned)[20:-20, 20:-20]


def true_field(world, field):
    return ShiftField.from_function(world.reference.grid, 1,
                                    lambda row, col: np.stack(field(*np.meshgrid(row, col, indexing="ij"))))


@pytest.mark.parametrize("method", ["nuth_kaab", "lzd"])
@pytest.mark.parametrize("shift", [(7.3, 0, 0), (0, -6.1, 0), (0, 0, 3.3), (-12.5, 17.5, -2.0)])
def test_signs_and_sizes(tmp_path, method, shift):
    world = make_world(tmp_path, constant_field(*shift), size=240, slope=15)
    found = solve(world, method=method, block_size=0)
    np.testing.assert_allclose(found.shift, shift, atol=0.02)
    np.testing.assert_allclose(found.field.at(100.0, 50.0), shift, atol=0.02)


def test_vertical_shift_moves_heights_alone(tmp_path):
    world = make_world(tmp_path, constant_field(0, 0, -4.2), size=300)
    found = solve(world, method="vertical_shift", block_size=100)
    np.testing.assert_allclose(found.field.at(150.0, 150.0), (0, 0, -4.2), atol=0.01)
    assert all(block.dx == 0 and block.dy == 0 for block in found.blocks)


def test_subpixel_bias_is_small_without_noise(tmp_path):
    surface = Surface(5, shortest=60.0, longest=3000.0, slope=25)
    for shift in ((3.7, -2.2, 0.0), (1.0, 0.5, 0.0), (12.5, -7.5, 0.0)):
        world = make_world(tmp_path, constant_field(*shift), size=300, surface=surface)
        np.testing.assert_allclose(solve(world, method="lzd", block_size=0).shift, shift, atol=0.01)


def test_many_cells(tmp_path):
    world = make_world(tmp_path, constant_field(560.0, -470.0, 9.0), size=500, slope=12, white=0.3)
    np.testing.assert_allclose(solve(world, block_size=0).shift, (560.0, -470.0, 9.0), atol=0.2)


def test_a_sine_field_comes_within_a_tenth_of_the_truth(tmp_path):
    field = sine_field(amplitude=10.0, period=600.0)
    world = make_world(tmp_path, field, size=1200, slope=10, white=0.5, correlated_noise=1.0)
    truth = nmad(left(world, true_field(world, field)))
    smooth = nmad(left(world, solve(world, block_size=200).field))
    plane = nmad(left(world, solve(world, block_size=200, field="plane").field))
    before = nmad(left(world, ShiftField.constant(world.reference.grid, (0, 0, 0))))
    assert smooth < 1.1 * truth
    assert plane > 1.4 * truth
    assert before > 1.4 * truth


def test_a_plane_is_found_as_a_plane(tmp_path):
    def field(row, col):
        return 5 + row / 50.0, -3 + col / 60.0, 1 - row / 300.0

    world = make_world(tmp_path, field, size=600, white=0.3)
    for kind in ("plane", "smooth"):
        found = solve(world, block_size=150, field=kind).field
        rows, cols = np.mgrid[30:570:60, 30:570:60].astype(float)
        assert np.abs(found.at(rows, cols) - np.stack(field(rows, cols)))[:2].max() < 0.6
        assert np.abs(found.at(rows, cols) - np.stack(field(rows, cols)))[2].max() < 0.1


def test_same_bits_for_any_number_of_workers(tmp_path):
    world = make_world(tmp_path, sine_field(6, 400), size=400, white=0.5)
    fields = []
    for workers in (1, 3):
        with open_executor(workers) as executor:
            fields.append(coregister(Pair(world.reference, world.secondary, StableTerrain()),
                                     Settings(block_size=130), executor, Silent()).field.nodes)
    np.testing.assert_array_equal(*fields)


def test_other_grid_crs_and_cell_size(tmp_path):
    from pyproj import Transformer

    surface = Surface(2, slope=14)
    to_utm = Transformer.from_crs(4326, 32622, always_xy=True)
    x0, y0 = 500000.0, 7800000.0
    reference_grid = Grid((x0, 20.0, 0.0, y0, 0.0, -20.0), 300, 300, wkt(32622))
    x, y = reference_grid.map_of(*np.mgrid[:300, :300])
    lon, lat = to_utm.transform([x0 - 500, x0 + 6800], [y0 + 500, y0 - 6800], direction="INVERSE")
    degrees = Grid((lon[0], (lon[1] - lon[0]) / 500, 0.0, lat[0], 0.0, (lat[1] - lat[0]) / 400), 500, 400, wkt(4326))
    qx, qy = to_utm.transform(*degrees.map_of(*np.mgrid[:400, :500]))
    shift = np.array([14.0, -9.0, 2.5])
    for name, grid, heights in (("ref", reference_grid, surface(x - x0, y - y0)),
                                ("sec", degrees, surface(qx - x0 + shift[0], qy - y0 + shift[1]) - shift[2])):
        with RasterWriter(str(tmp_path / f"{name}.tif"), grid) as writer:
            writer.write(heights.astype(np.float32))
    with open_executor(2) as executor:
        pair = Pair(Dem.open(str(tmp_path / "ref.tif")), Dem.open(str(tmp_path / "sec.tif")), StableTerrain())
        found = coregister(pair, Settings(block_size=150), executor, Silent())
        # The same the other way round, solved in degrees: the opposite shift, still in metres.
        back = coregister(Pair(pair.secondary, pair.reference, StableTerrain()), Settings(block_size=0), executor,
                          Silent())
    np.testing.assert_allclose(found.shift, shift, atol=0.1)
    # Grid north turns by the meridian convergence, under a tenth of a degree here.
    np.testing.assert_allclose(back.shift, -shift, atol=0.15)


@pytest.fixture(scope="module")
def holed(tmp_path_factory):
    """A world whose secondary has nothing in one block."""
    folder = tmp_path_factory.mktemp("holed")
    world = make_world(folder, constant_field(6, -4, 1), size=450, slope=15, white=0.3)
    heights = world.secondary.read()
    heights[:150, :150] = np.nan
    with RasterWriter(str(folder / "holed.tif"), world.secondary.grid) as writer:
        writer.write(heights)
    world.secondary = Dem.open(str(folder / "holed.tif"))
    return world


def test_a_block_without_data_is_filled_not_fatal(holed):
    found = solve(holed, block_size=150, overlap=0.0)
    corner = found.blocks[0]
    assert corner.status == "filled" and "no stable terrain" in corner.reason and corner.n == 0
    np.testing.assert_allclose((corner.dx, corner.dy, corner.dz), (6, -4, 1), atol=0.4)
    assert sum(block.usable for block in found.blocks) == 8


def test_flat_ground_is_not_believed(tmp_path):
    rough = Surface(4, slope=15)

    def surface(x, y):
        return np.where(x < 2000, 1000.0, rough(x, y))

    world = make_world(tmp_path, constant_field(6, -4, 1), size=400, surface=surface, white=0.5,
                       correlated_noise=1.0)
    found = solve(world, block_size=100, overlap=0.0)
    flat = [block for block in found.blocks if block.col == 0]
    assert not any(block.usable for block in flat)
    assert all(block.reason for block in flat)
    assert all(block.usable for block in found.blocks if block.col == 3)
    rows, cols = np.mgrid[20:380:40, 20:380:40].astype(float)
    np.testing.assert_allclose(found.field.at(rows, cols)[0], 6, atol=1.5)


def test_outliers_and_real_change(tmp_path):
    world = make_world(tmp_path, constant_field(6, -4, 1), size=400, slope=12, white=0.5)
    heights = world.secondary.read()
    rng = np.random.default_rng(7)
    gross = rng.random(heights.shape) < 0.05
    heights[gross] += rng.normal(-30, 20, gross.sum()).astype(np.float32)
    heights[100:220, 100:240] += 20
    with RasterWriter(str(tmp_path / "changed.tif"), world.secondary.grid) as writer:
        writer.write(heights)
    world.secondary = Dem.open(str(tmp_path / "changed.tif"))
    found = solve(world, block_size=200, method="lzd")
    rows, cols = np.mgrid[20:380:40, 20:380:40].astype(float)
    error = found.field.at(rows, cols) - np.array([6, -4, 1])[:, None, None]
    assert np.abs(error[:2]).max() < 0.6 and np.abs(error[2]).max() < 0.2


def test_a_mask_says_what_is_stable(tmp_path):
    world = make_world(tmp_path, constant_field(6, -4, 1), size=300, slope=12, white=0.2)
    heights = world.secondary.read()
    heights[:, :180] += 8
    with RasterWriter(str(tmp_path / "moved.tif"), world.secondary.grid) as writer:
        writer.write(heights)
    world.secondary = Dem.open(str(tmp_path / "moved.tif"))
    marks = np.zeros((300, 300), dtype=np.float32)
    marks[:, 190:] = 3
    with RasterWriter(str(tmp_path / "mask.tif"), world.reference.grid) as writer:
        writer.write(marks)
    terrain = StableTerrain(mask=Dem.open(str(tmp_path / "mask.tif")))
    np.testing.assert_allclose(solve(world, terrain, block_size=0).shift, (6, -4, 1), atol=0.1)


def test_no_overlap_and_no_stable_cell_are_refused(tmp_path):
    (tmp_path / "far").mkdir()
    world = make_world(tmp_path, constant_field(0, 0, 0), size=100)
    far = make_world(tmp_path / "far", constant_field(0, 0, 0), size=100, origin=(900000.0, 7800000.0))
    with open_executor(1) as executor:
        with pytest.raises(CoregistrationError, match="do not overlap"):
            coregister(Pair(world.reference, far.secondary, StableTerrain()), Settings(), executor, Silent())
        with RasterWriter(str(tmp_path / "none.tif"), world.reference.grid) as writer:
            writer.write(np.zeros((100, 100), np.float32))
        nowhere = StableTerrain(mask=Dem.open(str(tmp_path / "none.tif")))
        with pytest.raises(CoregistrationError, match="stable"):
            coregister(Pair(world.reference, world.secondary, nowhere), Settings(), executor, Silent())


def test_cancelling_stops(tmp_path):
    world = make_world(tmp_path, constant_field(1, 1, 1), size=200)

    class Impatient(Silent):
        def step(self, fraction, message=""):
            if fraction > 0.3:
                raise Cancelled

    with open_executor(1) as executor, pytest.raises(Cancelled):
        coregister(Pair(world.reference, world.secondary, StableTerrain()), Settings(block_size=60), executor,
                   Impatient())


def test_methods_are_those_of_the_surface():
    assert list(METHODS) == ["nuth_kaab", "lzd", "dh_minimize", "icp", "vertical_shift"]


def test_the_median_is_levelled_where_residuals_are_skewed(tmp_path):
    world = make_world(tmp_path, constant_field(6, -4, 1), size=300, slope=12, white=0.2)
    heights = world.secondary.read()
    heights += np.random.default_rng(3).gamma(1.0, 1.5, heights.shape).astype(np.float32)
    with RasterWriter(str(tmp_path / "skewed.tif"), world.secondary.grid) as writer:
        writer.write(heights)
    world.secondary = Dem.open(str(tmp_path / "skewed.tif"))
    for field in ("smooth", "plane", "constant"):
        assert abs(np.nanmedian(left(world, solve(world, block_size=150, field=field).field))) < 0.02
