"""Stable terrain told by the DEMs themselves, on worlds whose change is known: found, and nothing else taken for it."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import stable_terrain
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.stable_terrain import find_stable_terrain, narrowed, write_stable_terrain
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import Polygons, StableTerrain, open_mask
from commonground.core.raster.writing import RasterWriter
from osgeo import ogr
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, correlated, make_world, sine_field, wkt

SIZE, CELL = 500, 20.0


@dataclass
class Changed:
    """A pair, where it truly changed, where both have heights, and the true field."""

    pair: Pair
    changed: np.ndarray
    both: np.ndarray
    field: np.ndarray
    folder: Path

    def judged(self, workers=2, name="mask.tif", pair=None):
        with open_executor(workers) as executor:
            return find_stable_terrain(pair or self.pair, str(self.folder / name), 0, executor, Silent())

    def rates(self, found):
        """Shares of the changed cells that were found, and of the stable ones that were lost."""
        left = found.mask.read() > 0
        changed, stable = self.changed & self.both, ~self.changed & self.both
        return (~left & changed).sum() / max(changed.sum(), 1), (~left & stable).sum() / stable.sum()


def patches(rng, share=0.10, scale=25):
    """Distance to the rim (cells) inside patches that take this share of the ground, 0 outside."""
    noise = correlated(rng, (SIZE, SIZE), scale)
    return ndimage.distance_transform_edt(noise > np.quantile(noise, 1 - share))


def glacier():
    """A tongue of a tenth of the ground, 1 along its axis and thinning out to nothing at its margins."""
    down, across = np.mgrid[:SIZE, :SIZE] / SIZE
    middle, half = 0.5 + 0.12 * np.sin(5 * down), 0.10 - 0.05 * down
    return np.clip(1 - np.abs(across - middle) / half, 0, 1) * (down < 0.8)


def write(path, heights, grid, **options):
    with RasterWriter(str(path), grid, **options) as writer:
        writer.write(heights)
    return Dem.open(str(path))


def world_with(folder, change, seed, slope=15, amplitude=15.0, period=600.0):
    """A curved field of +-15 m and +-2 m up, noise 0.6 + 3 tan(slope), half of it correlated, and voids."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    surface = Surface(seed, shortest=8 * CELL, longest=400 * CELL, slope=slope)
    world = make_world(folder, sine_field(amplitude, period), size=SIZE, cell=CELL, surface=surface)
    secondary, reference = world.clean.read().astype(float), world.truth + 0.2 * rng.normal(size=(SIZE, SIZE))
    north, east = np.gradient(secondary, CELL)
    noise = np.sqrt(0.5) * rng.normal(size=(SIZE, SIZE))
    for share, length in ((0.25, 3), (0.15, 15), (0.10, 60)):
        noise += np.sqrt(share) * correlated(rng, (SIZE, SIZE), length)
    secondary += (0.6 + 3.0 * np.hypot(east, north)) * noise + change
    for heights in (reference, secondary):
        gaps = correlated(rng, (SIZE, SIZE), 12)
        heights[gaps > np.quantile(gaps, 0.97)] = np.nan
    grid = world.reference.grid
    pair = Pair(write(folder / "reference.tif", reference.astype(np.float32), grid),
                write(folder / "secondary.tif", secondary.astype(np.float32), grid), StableTerrain())
    return Changed(pair, change != 0, np.isfinite(reference + secondary), world.field, folder)


CHANGES = {
    "growth of 20 m": lambda rng: np.where(patches(rng) > 0, 20.0, 0.0),
    "loss of 8 m": lambda rng: np.where(patches(rng) > 0, -8.0, 0.0),
    "loss that fades out at its rims": lambda rng: -12.0 * np.clip(patches(rng) / 10, 0, 1),
    "a glacier that thins towards its margins": lambda rng: -25.0 * np.minimum(1.0, 1.5 * glacier()),
    "one mine of a tenth of the ground": lambda rng: np.where(patches(rng, 0.10, 90) > 0, -15.0, 0.0),
    "small patches": lambda rng: np.where(patches(rng, 0.10, 12) > 0, 8.0, 0.0),
}


@pytest.mark.parametrize("kind, slope", zip(CHANGES, [8, 22, 15, 12, 18, 15]))
def test_change_is_found_and_little_else(tmp_path, kind, slope):
    seed = 500 + 10 * list(CHANGES).index(kind) + slope
    world = world_with(tmp_path, CHANGES[kind](np.random.default_rng(seed)), seed, slope)
    found = world.judged()
    hit, lost = world.rates(found)
    assert hit >= 0.90 and lost <= 0.08, (hit, lost)
    assert f"{found.changed:.1%}" in found.note and found.cell == CELL


@pytest.mark.parametrize("scale, amount, slope", [(25, -8.0, 22), (12, 8.0, 15)])
def test_a_quarter_of_the_ground_may_have_changed(tmp_path, scale, amount, slope):
    seed = 925 + scale + slope
    change = np.where(patches(np.random.default_rng(seed), 0.25, scale) > 0, amount, 0.0)
    world = world_with(tmp_path, change, seed, slope)
    hit, lost = world.rates(world.judged())
    assert hit >= 0.95 and lost <= 0.15, (hit, lost)


@pytest.mark.parametrize("slope", [8, 22])
def test_a_shift_that_differs_in_each_corner_is_no_change(tmp_path, slope):
    world = world_with(tmp_path, np.zeros((SIZE, SIZE)), 77 + slope, slope)
    found = world.judged()
    assert found.changed < 0.02 and world.rates(found)[1] < 0.03


def test_terrain_without_any_noise_is_kept(tmp_path):
    """What is left of the shift on slopes and towards the edges is no change, however quiet the rest is."""
    folder = tmp_path / "clean"
    folder.mkdir()
    surface = Surface(9, shortest=8 * CELL, longest=400 * CELL, slope=15)
    world = make_world(folder, sine_field(6.0, 1500.0), size=SIZE, cell=CELL, surface=surface)
    pair = Pair(world.reference, world.clean, StableTerrain())
    with open_executor(2) as executor:
        assert find_stable_terrain(pair, str(folder / "mask.tif"), 0, executor, Silent()).changed < 0.06
        same = Pair(world.reference, write(folder / "same.tif", world.reference.read(), world.reference.grid),
                    StableTerrain())
        assert find_stable_terrain(same, str(folder / "mask.tif"), 0, executor, Silent()).changed == 0.0


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    rng = np.random.default_rng(4)
    change = np.where(patches(rng, 0.12, 90) > 0, 20.0, 0.0)
    return world_with(tmp_path_factory.mktemp("grown"), change, 4, 8, period=1500.0)


def test_the_field_is_as_good_as_with_the_true_mask(grown):
    truth = write(grown.folder / "truth.tif", (~grown.changed).astype(np.uint8), grown.pair.reference.grid, nodata=None,
                  data_type="Byte")
    left = {}
    for name, mask in (("none", None), ("auto", grown.judged().mask), ("true", open_mask(truth.path))):
        pair = replace(grown.pair, terrain=StableTerrain(mask=mask))
        with open_executor(2) as executor:
            found = coregister(pair, Settings(method="lzd", block_size=125), executor, Silent())
        rows, cols = np.mgrid[8:SIZE - 8:8, 8:SIZE - 8:8]
        error = found.field.at(rows, cols) - grown.field[:, 8:SIZE - 8:8, 8:SIZE - 8:8]
        left[name] = np.sqrt((error**2).mean(axis=(1, 2)))
    assert (left["auto"] <= 1.05 * left["true"] + 0.02).all(), left
    assert np.hypot(*left["auto"][:2]) < 0.98 * np.hypot(*left["none"][:2]), left


def test_any_number_of_workers_gives_the_same_bits(grown):
    one, three = grown.judged(1, "one.tif"), grown.judged(3, "three.tif")
    np.testing.assert_array_equal(one.mask.read(), three.mask.read())
    assert one.mask.grid.same_cells(grown.pair.reference.grid) and one.mask.data_type == "Byte"
    assert set(np.unique(one.mask.read())) == {0.0, 1.0}


def test_large_rasters_are_judged_by_means_of_cells(grown, monkeypatch):
    """500 cells in threes and a ragged rest, which takes the verdict beside it."""
    monkeypatch.setattr(stable_terrain, "ANALYSED", 30_000)
    found = grown.judged(name="coarse.tif")
    assert found.cell == 3 * CELL and found.mask.grid.same_cells(grown.pair.reference.grid)
    hit, lost = grown.rates(found)
    assert hit >= 0.95 and lost <= 0.08
    assert found.mask.read()[-2:].any() and found.mask.read()[:, -2:].any()


def test_given_terrain_is_narrowed_never_replaced(grown):
    grid = grown.pair.reference.grid
    west, south, east, north = grid.bounds()
    ring = ogr.CreateGeometryFromWkt(f"POLYGON(({west} {south}, {west} {north - 2000}, {east} {north - 2000}, "
                                     f"{east} {south}, {west} {south}))")
    fine = np.ones(grid.shape, dtype=np.uint8)
    fine[:, 100:140] = 0
    mask = open_mask(write(grown.folder / "user.tif", fine, grid, nodata=None, data_type="Byte").path)
    given = StableTerrain(stable=Polygons((bytes(ring.ExportToWkb()),), grid.crs), mask=mask)
    found = grown.judged(name="narrow.tif", pair=replace(grown.pair, terrain=given))
    left = found.mask.read() > 0
    assert not left[:100].any() and not left[:, 100:140].any() and left[100:, 140:].any()
    assert not (left & grown.changed & grown.both)[110:].sum() > 0.1 * (grown.changed & grown.both)[110:].sum()
    assert narrowed(grown.pair, found.mask).terrain == StableTerrain(mask=found.mask)


def test_what_is_used_can_be_written_without_the_automatic_part(grown):
    grid = grown.pair.reference.grid
    path = str(grown.folder / "everything.tif")
    write_stable_terrain(StableTerrain(), grid, path, Silent())
    assert (Dem.open(path).read() == 1).all()


def test_cliffs_are_left_out(tmp_path):
    rows = np.arange(300)[:, None] + np.zeros(300)
    cols = np.zeros(300)[:, None] + np.arange(300)
    ground = 40 * np.sin(rows / 9) * np.cos(cols / 13) + np.where(cols > 150, 250.0 + 2.0 * (cols > 152), 0.0)
    ground += np.random.default_rng(1).normal(0, 0.5, ground.shape)
    grid = Grid((500000.0, 20.0, 0.0, 7800000.0, 0.0, -20.0), 300, 300, wkt(32622))
    pair = Pair(write(tmp_path / "a.tif", ground.astype(np.float32), grid),
                write(tmp_path / "b.tif", (ground + np.random.default_rng(2).normal(0, 0.5, ground.shape)).astype(
                    np.float32), grid), StableTerrain())
    with open_executor(1) as executor:
        found = find_stable_terrain(pair, str(tmp_path / "mask.tif"), 0, executor, Silent())
    assert not found.mask.read()[1:-1, 150:152].any() and found.steep > 0.005
    assert found.mask.read()[:, :145].mean() > 0.95


def test_dems_that_do_not_meet_are_refused(grown, tmp_path):
    grid = grown.pair.reference.grid
    far = replace(grid, geotransform=(grid.geotransform[0] + 1e5, *grid.geotransform[1:]))
    apart = replace(grown.pair, secondary=write(tmp_path / "far.tif", grown.pair.secondary.read(), far))
    with pytest.raises(CoregistrationError, match="do not overlap"):
        grown.judged(name="never.tif", pair=apart)
    assert not (grown.folder / "never.tif").exists()
