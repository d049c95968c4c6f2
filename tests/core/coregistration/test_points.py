"""A DEM against points: known shifts found again from clouds, tracks and a handful, or refused in one sentence."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.block_layout import lay_out
from commonground.core.coregistration.block_shifts import solve_blocks
from commonground.core.coregistration.coregister import Settings
from commonground.core.coregistration.point_window import PointPair, coregister_points, differences
from commonground.core.coregistration.points import on_stable, place
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import Polygons, StableTerrain
from commonground.core.raster.writing import RasterWriter
from commonground.core.statistics.robust import nmad

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, constant_field, make_world, sine_field, wkt

TRUTH = np.array([13.7, -22.2, 1.5])


def scattered(world, count, seed=1):
    """Map coordinates at random on the DEM."""
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = world.secondary.grid.bounds()
    return rng.uniform(xmin, xmax, count), rng.uniform(ymin, ymax, count)


def tracks(world, count, spacing=20.0, seed=1):
    """Map coordinates along slightly inclined north-south lines, ascending and descending."""
    rng = np.random.default_rng(seed)
    xmin, ymin, xmax, ymax = world.secondary.grid.bounds()
    y = np.arange(ymin, ymax, spacing)
    lines = [(rng.uniform(xmin, xmax) + (y - (ymin + ymax) / 2) * np.tan(np.radians(-8 if k % 2 else 8)), y)
             for k in range(count)]
    x, y = (np.concatenate(part) for part in zip(*lines))
    inside = (x > xmin) & (x < xmax)
    return x[inside], y[inside]


def heights(world, surface, x, y, noise=0.0, seed=0):
    """True heights of the ground at map coordinates, with white noise (m)."""
    x0, _, _, y0, _, _ = world.secondary.grid.geotransform
    true = surface(x - x0 - 5.0, y - y0 + 5.0)
    return true + np.random.default_rng(seed).normal(size=true.shape) * noise


def cloud(world, surface, x, y, noise=0.0):
    return place("points", x, y, heights(world, surface, x, y, noise), world.secondary.grid.crs, world.secondary)


def solve(points, dem, terrain=None, **settings):
    settings = {"method": "lzd", "block_size": 0, **settings}
    with open_executor(2) as executor:
        return coregister_points(PointPair.of(points, dem, terrain or StableTerrain()), Settings(**settings), executor,
                                 Silent())


def dh(points, dem, field):
    with open_executor(2) as executor:
        return differences(points, dem, field, executor, Silent())


def world_of(folder, shift=TRUTH, slope=15, size=300, seed=3, **noise):
    surface = Surface(seed, slope=slope)
    return make_world(folder, constant_field(*shift), size=size, surface=surface, seed=seed, **noise), surface


@pytest.mark.parametrize("method", ["lzd", "nuth_kaab"])
@pytest.mark.parametrize("shift", [(7.3, 0, 0), (0, -6.1, 0), (0, 0, 3.3), (-12.5, 17.5, -2.0)])
def test_signs_and_subpixel_sizes(tmp_path, method, shift):
    world, surface = world_of(tmp_path, shift)
    found = solve(cloud(world, surface, *scattered(world, 3000)), world.secondary, method=method)
    np.testing.assert_allclose(found.shift, shift, atol=0.02)


def test_dh_is_point_minus_dem(tmp_path):
    world, surface = world_of(tmp_path, (0, 0, 2.5))
    points = cloud(world, surface, *scattered(world, 500))
    found = solve(points, world.secondary, method="vertical_shift")
    np.testing.assert_allclose(found.shift, (0, 0, 2.5), atol=0.02)
    before, after = dh(points, world.secondary, found.field)
    assert np.nanmedian(before) == pytest.approx(2.5, abs=0.02) and np.nanmedian(after) == pytest.approx(0, abs=0.02)


def test_many_cells(tmp_path):
    world, surface = world_of(tmp_path, (260.0, -310.0, 9.0), white=0.3)
    found = solve(cloud(world, surface, *scattered(world, 4000), 0.1), world.secondary)
    np.testing.assert_allclose(found.shift, (260.0, -310.0, 9.0), atol=0.3)


def test_noise_of_the_dem_does_not_hold_the_shift_where_it_starts(tmp_path):
    """Gradients noisier than the ground is steep: the mean over many draws is right, and it converges."""
    found = []
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world, surface = world_of(folder, (4.0, -3.0, 0.0), slope=4, white=1.0, seed=seed, size=250)
        found.append(solve(cloud(world, surface, *scattered(world, 8000)), world.secondary).shift)
    error = np.mean(found, axis=0) - (4.0, -3.0, 0.0)
    spread = np.std(found, axis=0)
    assert (np.abs(error) < 3 * spread / np.sqrt(8) + 0.02).all() and (np.abs(error[:2]) < 0.25).all()


def test_points_in_degrees_far_points_and_points_without_height(tmp_path):
    from pyproj import Transformer

    world, surface = world_of(tmp_path, white=0.2)
    x, y = scattered(world, 3000)
    z = heights(world, surface, x, y)
    z[::10] = np.nan
    lon, lat = Transformer.from_crs(32622, 4326, always_xy=True).transform(x, y)
    lon[:50] += 30.0
    points = place("icesat", lon, lat, z, wkt(4326), world.secondary)
    assert len(points) == 3000 - 300 - 45
    np.testing.assert_allclose(points.heights, z[points.source])
    np.testing.assert_allclose(solve(points, world.secondary).shift, TRUTH, atol=0.1)


def test_a_rotated_dem(tmp_path):
    """The DEM keeps its own rotated cells; shifts are still east and north."""
    surface = Surface(3, slope=15)
    angle = np.radians(25)
    turned = Grid((500000.0, 10 * np.cos(angle), 10 * np.sin(angle), 7800000.0, 10 * np.sin(angle),
                   -10 * np.cos(angle)), 300, 300, wkt(32622))
    x, y = turned.map_of(*np.mgrid[:300, :300])
    with RasterWriter(str(tmp_path / "turned.tif"), turned) as writer:
        writer.write((surface(x - 5e5 + 8.0, y - 7.8e6 - 5.0) - 1.0).astype(np.float32))
    dem = Dem.open(str(tmp_path / "turned.tif"))
    rng = np.random.default_rng(0)
    px, py = turned.map_of(rng.uniform(0, 299, 3000), rng.uniform(0, 299, 3000))
    points = place("gnss", px, py, surface(px - 5e5, py - 7.8e6), turned.crs, dem)
    np.testing.assert_allclose(solve(points, dem).shift, (8.0, -5.0, 1.0), atol=0.05)


def test_tracks_outliers_voids_and_change(tmp_path):
    world, surface = world_of(tmp_path, slope=18, white=0.4)
    values = world.secondary.read()
    values[100:160, 80:170] = np.nan
    values[200:240, 200:280] += 25.0
    with RasterWriter(str(tmp_path / "holed.tif"), world.secondary.grid) as writer:
        writer.write(values)
    dem = Dem.open(str(tmp_path / "holed.tif"))
    x, y = tracks(world, 25)
    z = heights(world, surface, x, y, 0.1)
    rng = np.random.default_rng(5)
    clouds = rng.random(z.size) < 0.05
    z[clouds] += rng.normal(60, 30, clouds.sum())
    points = place("tracks", x, y, z, dem.grid.crs, dem)
    found = solve(points, dem)
    np.testing.assert_allclose(found.shift, TRUTH, atol=0.35)
    after = dh(points, dem, found.field)[1]
    assert np.isnan(after).any() and nmad(after) < 0.8


def test_one_straight_track_knows_how_little_it_tells(tmp_path):
    world, surface = world_of(tmp_path, slope=12, white=0.4)
    y = np.arange(*world.secondary.grid.bounds()[1::2], 4.0)
    line = solve(cloud(world, surface, np.full(y.size, 501400.0), y, 0.1), world.secondary)
    full = solve(cloud(world, surface, *scattered(world, y.size), 0.1), world.secondary)
    assert (line.sigma[:2] > 1.2 * full.sigma[:2]).all()
    assert (np.abs(line.shift - TRUTH) < 4 * line.sigma + 0.05).all()


def test_a_handful_of_points(tmp_path):
    world, surface = world_of(tmp_path, slope=18, white=0.1)
    found = solve(cloud(world, surface, *scattered(world, 40), 0.03), world.secondary)
    assert (np.abs(found.shift - TRUTH) < 4 * found.sigma).all() and found.sigma.max() < 1.0
    with pytest.raises(CoregistrationError, match="Only 6 of the 6 points"):
        solve(cloud(world, surface, *scattered(world, 6)), world.secondary)


def test_points_elsewhere_or_on_no_stable_ground_are_refused(tmp_path):
    world, surface = world_of(tmp_path)
    x, y = scattered(world, 100)
    with pytest.raises(CoregistrationError, match="None of the 100 points"):
        place("far", x + 1e5, y, np.ones(100), world.secondary.grid.crs, world.secondary)
    with pytest.raises(CoregistrationError, match="None of the 100 points"):
        place("void", x, y, np.full(100, np.nan), world.secondary.grid.crs, world.secondary)
    with RasterWriter(str(tmp_path / "none.tif"), world.secondary.grid) as writer:
        writer.write(np.zeros((300, 300), np.float32))
    nowhere = StableTerrain(mask=Dem.open(str(tmp_path / "none.tif")))
    with pytest.raises(CoregistrationError, match="Only 0 of the 100 points"):
        solve(cloud(world, surface, x, y), world.secondary, nowhere)


def test_points_in_one_spot_are_refused(tmp_path):
    world, surface = world_of(tmp_path)
    x, y = np.full(40, 501500.0), np.full(40, 7798500.0)
    with pytest.raises(CoregistrationError):
        solve(cloud(world, surface, x, y), world.secondary)


def test_stable_terrain_is_that_of_the_points_cells(tmp_path):
    from osgeo import ogr

    world, surface = world_of(tmp_path, white=0.2)
    x, y = scattered(world, 4000)
    z = heights(world, surface, x, y)
    moved = x > 501500
    z[moved] += 12.0
    points = place("points", x, y, z, world.secondary.grid.crs, world.secondary)
    ring = "POLYGON((501500 7790000,600000 7790000,600000 7810000,501500 7810000,501500 7790000))"
    glacier = Polygons((bytes(ogr.CreateGeometryFromWkt(ring).ExportToWkb()),), world.secondary.grid.crs)
    terrain = StableTerrain(unstable=glacier)
    assert (on_stable(points, terrain) == ~moved[points.source]).mean() > 0.99
    np.testing.assert_allclose(solve(points, world.secondary, terrain).shift, TRUTH, atol=0.15)


def test_a_curved_field_is_followed_by_blocks(tmp_path):
    field = sine_field(9.0, 400.0, 1.5)
    surface = Surface(4, slope=14)
    world = make_world(tmp_path, field, size=400, surface=surface, white=0.3, seed=4)
    points = cloud(world, surface, *scattered(world, 30_000), 0.1)
    true = ShiftField.from_function(world.secondary.grid, 1,
                                    lambda row, col: np.stack(field(*np.meshgrid(row, col, indexing="ij"))))
    best = nmad(dh(points, world.secondary, true)[1])
    before, after = dh(points, world.secondary, solve(points, world.secondary, block_size=100).field)
    one = dh(points, world.secondary, solve(points, world.secondary).field)[1]
    assert nmad(after) < 1.1 * best
    assert nmad(one) > 1.5 * best and nmad(before) > 1.5 * best


def test_blocks_without_points_take_their_neighbours_shift(tmp_path):
    world, surface = world_of(tmp_path, slope=16, white=0.2)
    x, y = scattered(world, 4000)
    keep = ~((x < 501000) & (y > 7799000))
    found = solve(cloud(world, surface, x[keep], y[keep]), world.secondary, block_size=100, overlap=0.0)
    assert found.blocks[0].status == "filled" and found.blocks[0].n == 0
    np.testing.assert_allclose((found.blocks[0].dx, found.blocks[0].dy, found.blocks[0].dz), TRUTH, atol=0.6)
    assert sum(block.usable for block in found.blocks) >= 7


def test_same_bits_for_any_number_of_workers(tmp_path):
    world, surface = world_of(tmp_path, white=0.3)
    pair = PointPair.of(cloud(world, surface, *scattered(world, 6000)), world.secondary, StableTerrain())
    nodes = []
    for workers in (1, 3):
        with open_executor(workers) as executor:
            nodes.append(coregister_points(pair, Settings(method="lzd", block_size=100), executor,
                                           Silent()).field.nodes)
    np.testing.assert_array_equal(*nodes)


@pytest.mark.parametrize("method", ["lzd", "nuth_kaab"])
def test_sigmas_cover_the_truth(tmp_path, method):
    """Clouds and tracks, flat to steep, white and correlated noise: sigma neither boasts nor hides."""
    truth, off = np.array([7.0, -5.0, 1.0]), []
    for slope, white, correlated in ((5, 0.6, 0.0), (9, 0.4, 1.2), (18, 0.6, 0.0), (28, 0.4, 1.2)):
        folder = tmp_path / f"{slope}-{correlated}"
        folder.mkdir()
        surface = Surface(slope + 31, slope=slope)
        world = make_world(folder, constant_field(*truth), size=800, surface=surface, white=white,
                           correlated_noise=correlated, seed=slope + 31)
        blocks = lay_out(world.secondary.grid, (0, 0, 800, 800), 100, 0.0)
        for x, y in (scattered(world, 40_000, slope), tracks(world, 60, seed=slope)):
            pair = PointPair.of(cloud(world, surface, x, y, 0.1), world.secondary, StableTerrain())
            with open_executor(2) as executor:
                found = solve_blocks(pair, blocks, method, truth, 0, executor, Silent())
            off += [((b.dx - truth[0]) / b.sigma_dx, (b.dy - truth[1]) / b.sigma_dy, (b.dz - truth[2]) / b.sigma_dz)
                    for b in found if b.usable]
    off = np.abs(off)
    assert len(off) >= 400
    assert (np.mean(off < 3, axis=0) >= 0.95).all()
    assert (np.mean(off < 1, axis=0) >= 0.60).all() and (np.mean(off < 1, axis=0) <= 0.85).all()


def test_the_global_shift_is_as_honest(tmp_path):
    """One shift of all from a few points in each of many worlds that are wide against the noise's correlation."""
    off = []
    for seed in range(16):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world, surface = world_of(folder, slope=8 + seed % 3 * 8, size=400, seed=seed, white=0.5,
                                  correlated_noise=0.5 * (seed % 2))
        found = solve(cloud(world, surface, *scattered(world, 2000, seed), 0.1), world.secondary)
        off.append((found.shift - TRUTH) / found.sigma)
    off = np.abs(off)
    assert np.mean(off < 3) >= 0.95 and 0.55 <= np.mean(off < 1) <= 0.9
