"""Sigmas that neither boast nor hide: blocks of known truth, flat to steep, under white and correlated noise."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.block_shifts import lay_out, solve_blocks
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.masks import StableTerrain

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import constant_field, make_world

TRUTH = np.array([7.0, -5.0, 1.0])
KINDS = [(slope, white, correlated) for slope in (4, 9, 18, 28) for white, correlated in ((0.6, 0.0), (0.4, 1.2))]


@pytest.mark.parametrize("method", ["nuth_kaab", "lzd"])
def test_sigmas_cover_the_truth(tmp_path, method):
    off = []
    for slope, white, correlated in KINDS:
        folder = tmp_path / f"{slope}-{correlated}"
        folder.mkdir()
        world = make_world(folder, constant_field(*TRUTH), size=800, slope=slope, seed=slope + 31, white=white,
                           correlated_noise=correlated)
        blocks = lay_out(world.reference.grid, (0, 0, 800, 800), 100, 0.0)
        with open_executor(2) as executor:
            found = solve_blocks(Pair(world.reference, world.secondary, StableTerrain()), blocks, method, TRUTH, 0,
                                 executor, Silent())
        off += [((b.dx - TRUTH[0]) / b.sigma_dx, (b.dy - TRUTH[1]) / b.sigma_dy, (b.dz - TRUTH[2]) / b.sigma_dz)
                for b in found if b.usable]
    off = np.abs(off)
    assert len(off) >= 440
    assert (np.mean(off < 3, axis=0) >= 0.95).all()
    assert (np.mean(off < 1, axis=0) >= 0.60).all() and (np.mean(off < 1, axis=0) <= 0.85).all()
