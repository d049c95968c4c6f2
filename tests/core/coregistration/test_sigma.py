"""Sigmas that neither boast nor hide: blocks of known truth, flat to steep, under white and correlated noise."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.block_layout import lay_out
from commonground.core.coregistration.block_shifts import METHODS, solve_blocks
from commonground.core.coregistration.global_shift import global_shift
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.masks import StableTerrain

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import constant_field, make_world

TRUTH = np.array([7.0, -5.0, 1.0])
KINDS = [(slope, white, correlated) for slope in (4, 9, 18, 28) for white, correlated in ((0.6, 0.0), (0.4, 1.2))]


# The slower two on fewer blocks, and from some way off: where a search starts must not show.
@pytest.mark.parametrize("method, size, start", [("nuth_kaab", 800, (0, 0, 0)), ("lzd", 800, (0, 0, 0)),
                                                 ("dh_minimize", 400, (2.5, -3, 0.5)), ("icp", 500, (2.5, -3, 0.5))])
def test_sigmas_cover_the_truth(tmp_path, method, size, start):
    off = []
    for slope, white, correlated in KINDS:
        folder = tmp_path / f"{slope}-{correlated}"
        folder.mkdir()
        world = make_world(folder, constant_field(*TRUTH), size=size, slope=slope, seed=slope + 31, white=white,
                           correlated_noise=correlated)
        blocks = lay_out(world.reference.grid, (0, 0, size, size), 100, 0.0)
        with open_executor(2) as executor:
            found = solve_blocks(Pair(world.reference, world.secondary, StableTerrain()), blocks, method,
                                 TRUTH + start, 0, executor, Silent())
        off += [((b.dx - TRUTH[0]) / b.sigma_dx, (b.dy - TRUTH[1]) / b.sigma_dy, (b.dz - TRUTH[2]) / b.sigma_dz)
                for b in found if b.usable]
    off = np.abs(off)
    assert len(off) >= 0.85 * len(KINDS) * (size // 100) ** 2
    assert (np.mean(off < 3, axis=0) >= 0.95).all()
    assert (np.mean(off < 1, axis=0) >= 0.60).all() and (np.mean(off < 1, axis=0) <= 0.85).all()


@pytest.mark.parametrize("method", ["nuth_kaab", "lzd"])
def test_a_window_that_stands_alone_is_honest_too(tmp_path, method):
    # Narrow against the correlation of its noise (12 to 30 times), with no others to learn its growth from.
    off = []
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = make_world(folder, constant_field(*TRUTH), size=(100, 160, 240)[seed % 3], slope=(7, 14)[seed % 2],
                           seed=seed + 300, white=0.3, correlated_noise=1.0)
        solution = global_shift(Pair(world.reference, world.secondary, StableTerrain()), METHODS[method], 0, Silent())
        off.append((solution.shift - TRUTH) / solution.lone_sigma)
    off = np.abs(off)
    # The sigma that blocks share, of one window: 1.1 to 2.2 times too small.
    assert np.mean(off < 3) >= 0.9 and np.mean(off < 1) >= 0.5
    assert 0.5 < np.sqrt(np.mean(off**2)) < 1.6
