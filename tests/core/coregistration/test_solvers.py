"""The methods one by one: signs, what is left without noise, and ground that tells no shift."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.block_shifts import METHODS
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.dh_minimize import _cardinal, _gain
from commonground.core.coregistration.global_shift import global_shift, stable_window
from commonground.core.coregistration.solution import sensitivity
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.masks import StableTerrain

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface, constant_field, make_world

SHIFTS = ((3.7, -2.2, 0.0), (1.0, 0.5, 0.0), (12.5, -7.5, 0.0))


class Lattices:
    """Octaves of cubic B-spline lattices down to `finest` metres, ridged or not: rough in another way than waves."""

    def __init__(self, seed, finest, steepness, ridged=False):
        rng = np.random.default_rng(seed)
        spacings = finest * 1.97 ** np.arange(7)
        self._octaves = [(s, s**0.85, rng.normal(size=(64, 64)), rng.uniform(0, 64, 2)) for s in spacings]
        self._ridged, self._gain = ridged, 1.0
        y, x = np.mgrid[:200, :200] * 10.0
        for _ in range(6):
            slopes = np.degrees(np.arctan(np.hypot(*np.gradient(self(x, y), 10.0))))
            self._gain *= np.tan(np.radians(steepness)) / np.tan(np.radians(slopes.mean()))

    def __call__(self, x, y):
        from scipy import ndimage

        total = np.zeros(np.shape(x))
        for spacing, amplitude, values, (down, right) in self._octaves:
            places = [(y / spacing + down) % 64, (x / spacing + right) % 64]
            height = ndimage.map_coordinates(values, places, order=3, prefilter=False, mode="grid-wrap")
            if self._ridged and spacing > 200:
                height = 1 - 1.5 * np.sqrt(height**2 + 0.01)
            total += amplitude * height
        return self._gain * total + 1000.0


ROUGH = {
    "waves of 60 m": lambda seed: Surface(seed, shortest=60.0, longest=3000.0, slope=22),
    "waves of 40 m, steep": lambda seed: Surface(seed, shortest=40.0, longest=3000.0, slope=34),
    "lattices": lambda seed: Lattices(seed, 30.0, 21),
    "ridges, steep": lambda seed: Lattices(seed, 30.0, 33, ridged=True),
}


def found(world, method, **settings):
    with open_executor(2) as executor:
        return coregister(Pair(world.reference, world.secondary, StableTerrain()),
                          Settings(method=method, block_size=0, **settings), executor, Silent())


@pytest.mark.parametrize("terrain", list(ROUGH))
@pytest.mark.parametrize("seed", [1, 2])
def test_subpixel_bias_is_below_a_thousandth_of_a_cell(tmp_path, terrain, seed):
    surface = ROUGH[terrain](seed)
    for number, shift in enumerate(SHIFTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = make_world(folder, constant_field(*shift), size=260, surface=surface)
        pair = Pair(world.reference, world.secondary, StableTerrain())
        window = stable_window(pair, (np.array(shift),), 0)
        assert 19 < np.degrees(np.arctan(np.hypot(window.gx, window.gy))).mean() < 37
        for method in ("lzd", "nuth_kaab"):
            solution = global_shift(pair, METHODS[method], 0, Silent())
            np.testing.assert_allclose(solution.shift, shift, atol=0.001 * 10)


@pytest.mark.parametrize("shift", [(7.3, 0, 0), (0, -6.1, 0), (0, 0, 3.3), (-12.5, 17.5, -2.0)])
def test_dh_minimize_signs_and_sizes(tmp_path, shift):
    world = make_world(tmp_path, constant_field(*shift), size=240, slope=15)
    np.testing.assert_allclose(found(world, "dh_minimize").shift, shift, atol=0.02)


@pytest.mark.parametrize("shift", [(7.3, 0, 0), (0, -6.1, 0), (0, 0, 3.3), (-12.5, 17.5, -2.0)])
def test_icp_signs_and_how_far_it_falls_short(tmp_path, shift):
    world = make_world(tmp_path, constant_field(*shift), size=240, surface=ROUGH["waves of 40 m, steep"](3))
    error = found(world, "icp").shift - shift
    assert np.abs(error).max() < 0.03 * 10
    # Its help says that it is no sub-pixel method: lzd meets a thousandth of a cell here.
    if shift[0] % 10:
        assert np.abs(error).max() > 0.002 * 10


def test_noise_draws_icp_to_whole_cells_and_its_sigma_knows(tmp_path):
    world = make_world(tmp_path, constant_field(7.0, -4.0, 1.0), size=300, slope=5, white=0.6)
    drawn, free = (found(world, method) for method in ("icp", "lzd"))
    assert drawn.shift[0] - 7.0 > 0.5 and abs(free.shift[0] - 7.0) < 0.15
    assert (np.abs(drawn.shift - (7.0, -4.0, 1.0)) < 3 * drawn.sigma).all()


def test_white_noise_does_not_draw_dh_minimize_between_the_cells(tmp_path):
    # Interpolated halfway between cells, noise scatters less: uncorrected, the least NMAD lay 0.5 m off here.
    off = []
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = make_world(folder, constant_field(7.0, -5.0, 1.0), size=300, slope=9, white=0.6, seed=seed)
        off.append(found(world, "dh_minimize").shift - (7.0, -5.0, 1.0))
    assert abs(np.mean(off, axis=0)[0]) < 0.12


def test_cells_that_come_and_go_do_not_keep_lzd_from_settling(tmp_path):
    # At a shift of just half a cell those at the rim did so by turns, and the shift went to and fro by 8 mm.
    world = make_world(tmp_path, constant_field(7.0, -5.0, 1.0), size=400, slope=9, white=0.6, seed=2)
    assert np.isfinite(found(world, "lzd").sigma).all()


def test_the_spline_and_its_smoothing():
    np.testing.assert_allclose(_cardinal(np.arange(-3.0, 4.0)), [0, 0, 0, 1, 0, 0, 0], atol=1e-9)
    noise = np.random.default_rng(0).normal(size=(4, 40000))
    from scipy import ndimage

    for part in (0.0, 0.3, 0.5):
        sampled = ndimage.shift(noise, (0, part), order=3, mode="grid-wrap")
        own, along = _gain(np.array([part]))
        assert np.var(sampled) == pytest.approx(own[0], abs=0.01)
        assert np.mean(sampled[:, 1:] * sampled[:, :-1]) == pytest.approx(along[0], abs=0.01)


GROUND = {
    "lake": lambda x, y: np.full(np.shape(x), 100.0),
    "plane": lambda x, y: 100 + 0.1 * x + 0.03 * y,
    "ridges all one way": lambda x, y: 100 + 30 * np.sin(x / 100.0),
}


@pytest.mark.parametrize("white", [0.0, 0.3])
@pytest.mark.parametrize("ground", list(GROUND))
@pytest.mark.parametrize("method", ["nuth_kaab", "lzd", "dh_minimize", "icp"])
def test_ground_that_tells_no_shift_is_refused(tmp_path, ground, method, white):
    world = make_world(tmp_path, constant_field(6, -4, 1), size=120, surface=GROUND[ground], white=white)
    with pytest.raises(CoregistrationError, match="No shift between"):
        found(world, method)


def test_products_of_noise_tell_nothing():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 5000, 3))
    assert not sensitivity(one, other).any()
    terrain = rng.normal(size=(5000, 3)) * 0.5
    assert np.linalg.eigvals(sensitivity(one + terrain, other + terrain)).real.min() > 0.15 * 5000


@pytest.mark.parametrize("apart", [1, 5, 12])
@pytest.mark.parametrize("told", [(3.0, 0.0), (0.0, 3.0), (0.0, 0.0)], ids=["east alone", "north alone", "neither"])
def test_noise_in_a_single_direction_is_no_terrain(told, apart):
    # Scaled by what noise shares by chance that direction hid: one in six was believed of noise alike over 5 cells.
    seen = sum(sensitivity(*designs(seed, told, apart)).any() for seed in range(100))
    assert seen <= 2
    assert all(sensitivity(*designs(seed, (1.0, 1.0), apart)).any() for seed in range(5))


def designs(seed, told, apart, cells=3000):
    """Those of two DEMs: gradients of terrain `told` times as large as noise, a mean of `apart` cells; and ones."""
    rng = np.random.default_rng(seed)
    terrain = rng.normal(size=(cells, 2)) * told
    noise = np.cumsum(rng.normal(size=(2, cells + apart, 2)), axis=1)
    noise = (noise[:, apart:] - noise[:, :-apart]) / np.sqrt(apart)
    return [np.column_stack([terrain + own, np.ones(cells)]) for own in noise]


def test_a_few_cells_that_weigh_most_do_not_hide_what_all_agree_on():
    # Without noise gentle cells weigh ten thousand times as much as steep ones.
    terrain = designs(0, (1.0, 1.0), 1)[0]
    weights = np.full((len(terrain), 1), 1e-4)
    weights[::300] = 1.0
    assert sensitivity(terrain * weights, terrain).any()


@pytest.mark.parametrize("ground", list(GROUND))
def test_the_least_of_noise_is_no_valley(tmp_path, ground):
    for seed in range(8):
        world = make_world(tmp_path, constant_field(6, -4, 1), size=80, surface=GROUND[ground], white=0.3, seed=seed)
        window = stable_window(Pair(world.reference, world.secondary, StableTerrain()), (), 0)
        assert not METHODS["dh_minimize"](window, np.zeros(3), 10.0).converged


@pytest.mark.parametrize("cells", [3.5, 4.0, 5.0])
def test_relief_of_a_few_cells_does_not_throw_lzd_to_and_fro(tmp_path, cells):
    # Its gradient is smoother than itself, so that every step goes too far: of less than five cells, for ever.
    for seed in range(4):
        surface = Surface(seed, shortest=9.8 * cells, longest=10.2 * cells, slope=15, waves=12)
        world = make_world(tmp_path, constant_field(7.0, -5.0, 1.0), size=160, surface=surface)
        window = stable_window(Pair(world.reference, world.secondary, StableTerrain()), (), 0)
        solution = METHODS["lzd"](window, np.zeros(3), 10.0)
        assert solution.converged
        np.testing.assert_allclose(solution.shift, (7.0, -5.0, 1.0), atol=0.01 * 10)
