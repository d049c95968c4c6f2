"""A tilt or a bias that grows with elevation, solved beside the shift: found, kept out of it, and replayed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.apply import apply_shifts
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.shift_field import read_shift_rasters
from commonground.core.coregistration.warp import replay_tags, replayed, unbiased, warp
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.resampling import Resampler

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from rigid_worlds import HEIGHT, rigid_world
from worlds import Surface

SHIFT = (6.0, -4.0, 1.0)


def solve(pair, **settings):
    with open_executor(2) as executor:
        return coregister(pair, Settings(method="lzd", **settings), executor, Silent())


def left(pair, truth, found):
    with Resampler(found.secondary, pair.reference.grid, "cubic", found.field) as resampler:
        return (truth - resampler.window(0, 0, *truth.shape))[10:-10, 10:-10]


class Slope:
    """Rough ground on a hillside: with one aspect prevailing, a tilt or an elevation bias passes for a shift."""

    def __init__(self, seed):
        self._rough = Surface(seed, shortest=80.0, longest=1500.0, slope=12)

    def __call__(self, x, y):
        return self._rough(x, y) + 0.25 * x + 0.15 * y


@pytest.mark.parametrize("tilt", [(1e-3, 0.0), (0.0, 1e-3), (-5e-4, 8e-4)])
def test_a_tilt_is_found_and_taken_out(tmp_path, tilt):
    pair, truth = rigid_world(tmp_path, Slope(2), SHIFT, tilt=tilt, size=300, white=0.3)
    with_term, without = (solve(pair, block_size=0, terms=terms) for terms in (("tilt",), ()))
    np.testing.assert_allclose(with_term.motion.tilt, tilt, atol=4 * with_term.motion.tilt_sigma.max())
    np.testing.assert_allclose(with_term.motion.tilt, tilt, atol=2e-5)
    np.testing.assert_allclose(with_term.shift, SHIFT, atol=0.03)
    assert np.abs(without.shift - SHIFT)[:2].max() > 3 * np.abs(with_term.shift - SHIFT)[:2].max()
    assert np.abs(np.nanmedian(left(pair, truth, with_term)[:, :40])) < 0.03
    assert "Tilt towards east / north" in with_term.notes[1]


@pytest.mark.parametrize("bias", [0.01, -0.005])
@pytest.mark.parametrize("block_size", [0, 100])
def test_an_elevation_bias_is_found_and_taken_from_the_heights(tmp_path, bias, block_size):
    pair, truth = rigid_world(tmp_path, Slope(5), SHIFT, bias=bias, size=300, white=0.3)
    with_term, without = (solve(pair, block_size=block_size, terms=terms) for terms in (("elevation",), ()))
    assert with_term.motion.bias == pytest.approx(bias, abs=max(4 * with_term.motion.bias_sigma, 1e-5))
    assert with_term.motion.bias == pytest.approx(bias, abs=1e-4)
    # The world's bias is nothing at HEIGHT, the solution's in the middle of the heights.
    rise = bias * (with_term.motion.place.height - HEIGHT)
    np.testing.assert_allclose(with_term.shift, SHIFT + np.array([0, 0, rise]), atol=0.04)
    assert np.abs(without.shift - SHIFT)[:2].max() > 2 * np.abs(with_term.shift - SHIFT)[:2].max()
    after = left(pair, truth, with_term)
    assert abs(np.nanmedian(after)) < 0.02 and np.abs(np.nanmedian(after[:, :40])) < 0.06
    assert (with_term.secondary.scale, pair.secondary.scale) == (pytest.approx(1 + bias, abs=1e-4), 1.0)


def test_equal_noise_leaves_no_bias(tmp_path):
    # Heights of one DEM alone would be regressed on their own noise: 1 m of it on 6 m of relief feigns 0.03.
    surface = Surface(1, shortest=100.0, longest=900.0, slope=4)
    pair, _ = rigid_world(tmp_path, surface, SHIFT, size=300, white=1.0)
    found = solve(pair, block_size=0, terms=("elevation",))
    assert abs(found.motion.bias) < 4 * found.motion.bias_sigma < 0.01


def test_terms_keep_blocks_right(tmp_path):
    pair, _ = rigid_world(tmp_path, Slope(7), SHIFT, tilt=(1.5e-3, -1e-3), size=400, white=0.3)
    with_term, without = (solve(pair, block_size=100, terms=terms) for terms in (("tilt",), ()))
    error = [np.sqrt(np.mean([(b.dx - SHIFT[0]) ** 2 + (b.dy - SHIFT[1]) ** 2 for b in found.blocks if b.usable]))
             for found in (with_term, without)]
    assert error[0] < 0.7 * error[1]


def test_the_bias_is_replayed_to_the_last_bit(tmp_path):
    pair, _ = rigid_world(tmp_path, Slope(5), SHIFT, bias=0.01, size=200, white=0.3)
    found = solve(pair, block_size=100, terms=("elevation",))
    grid, first, second, shifts = (pair.reference.grid, *(str(tmp_path / f"{name}.tif")
                                                          for name in ("first", "second", "shifts")))
    with open_executor(2) as executor:
        warp(found.secondary, found.field, grid, "cubic", first, executor, Silent())
        found.field.write(shifts, replay_tags(pair.secondary, grid, "cubic", found.motion))
        field, tags = read_shift_rasters(shifts)
        dem = Dem.open(pair.secondary.path)
        grid, kernel = replayed(tags, dem)
        apply_shifts(unbiased(tags, dem), field, grid, kernel, True, second, executor, Silent())
    np.testing.assert_array_equal(Dem.open(first).read(), Dem.open(second).read())
    assert unbiased({}, dem) is dem
