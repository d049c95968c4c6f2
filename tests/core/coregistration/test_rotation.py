"""Small rotations found and put back: the sign of each axis, large angles, sigmas, blocks that start from there."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.rotation import FINEST_STEP, global_motion, node_heights
from commonground.core.coregistration.terms import displacement, rotation_matrix
from commonground.core.errors import CoregistrationError
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.resampling import Resampler

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from rigid_worlds import HEIGHT, rigid_world, turned
from worlds import Surface

SHIFT = (4.0, -3.0, 2.0)


def solve(pair, **settings):
    with open_executor(2) as executor:
        return coregister(pair, Settings(**settings), executor, Silent())


def left(pair, truth, found):
    with Resampler(found.secondary, pair.reference.grid, "cubic", found.field) as resampler:
        return (truth - resampler.window(0, 0, *truth.shape))[10:-10, 10:-10]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_milliradian_about_each_axis_is_put_back(tmp_path, axis, sign):
    angles = np.zeros(3)
    angles[axis] = sign * 1e-3
    pair, truth = rigid_world(tmp_path, Surface(3, slope=18), SHIFT, angles, size=300)
    found = solve(pair, block_size=0, rotation=True)
    np.testing.assert_allclose(found.motion.rotation, angles, atol=1e-7)
    # The world turns about HEIGHT, the solution about the middle of the heights.
    arm = np.array([0.0, 0.0, found.motion.place.height - HEIGHT])
    np.testing.assert_allclose(found.shift, SHIFT + np.cross(angles, arm), atol=2e-3)
    with_rotation = np.sqrt(np.nanmean(left(pair, truth, found) ** 2))
    without = np.sqrt(np.nanmean(left(pair, truth, solve(pair, block_size=0, method="lzd")) ** 2))
    assert with_rotation < 0.012 and without > 20 * with_rotation


def test_large_angles_are_exact(tmp_path):
    angles = np.array([0.012, -0.008, 0.02])
    pair, truth = rigid_world(tmp_path, Surface(3, slope=18), (40.0, -30.0, 20.0), angles, size=300)
    found = solve(pair, block_size=0, rotation=True)
    np.testing.assert_allclose(found.motion.rotation, angles, atol=2e-6)
    # A node every eight cells leaves a turn of 15 mrad this much of the relief between.
    assert found.field.step == FINEST_STEP
    told = float(next(note for note in found.notes if "Relief" in note).split("within ")[1].split(" m")[0])
    assert 0.05 < told < 0.4
    assert np.sqrt(np.nanmean(left(pair, truth, found) ** 2)) < told


def test_the_rotation_matrix_and_the_displacement():
    for angles in ((0.0, 0.0, 0.0), (1e-9, 0.0, 0.0), (0.3, -0.2, 0.5)):
        np.testing.assert_allclose(rotation_matrix(np.array(angles)), turned(angles), atol=1e-12)
    # Right-handed about the up axis: what lies east goes north.
    np.testing.assert_allclose(rotation_matrix(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    angles, shift, start = np.array([0.01, 0.02, -0.03]), np.array([5.0, 6.0, 7.0]), np.array([100.0, -200.0, 30.0])
    arrived = turned(angles) @ start + shift
    np.testing.assert_allclose(displacement(shift, angles, arrived), arrived - start, atol=1e-9)


def test_sigmas_of_angles_cover_the_truth(tmp_path):
    angles, off = np.array([2e-4, -3e-4, 5e-4]), []
    for seed in range(6):
        folder = tmp_path / str(seed)
        folder.mkdir()
        pair, _ = rigid_world(folder, Surface(seed, slope=14), SHIFT, angles, size=240, white=0.5, seed=seed)
        motion = global_motion(pair, ("rotation",), 0, Silent())
        off.append((motion.rotation - angles) / motion.rotation_sigma)
    off = np.abs(off)
    assert (off < 3).all() and np.mean(off < 1) >= 0.5


def test_blocks_start_from_the_motion(tmp_path):
    angles = np.array([0.0, 0.0, 0.03])
    pair, _ = rigid_world(tmp_path, Surface(3, slope=18), SHIFT, angles, size=480, white=0.3)
    found = solve(pair, block_size=60, rotation=True)
    # 30 mrad move the corners by 10 cells, further than a block finds its way from the middle's shift.
    assert sum(block.usable for block in found.blocks) > 0.8 * len(found.blocks)
    grid, level = pair.reference.grid, found.motion.place.height
    off = [np.hypot(*(np.array([b.dx, b.dy]) - found.motion.at(grid, 60 * b.row + 29.5, 60 * b.col + 29.5, level)[:2]))
           for b in found.blocks if b.usable]
    assert np.median(off) < 2.0


def test_it_is_said_in_milliradians_and_seconds(tmp_path):
    pair, _ = rigid_world(tmp_path, Surface(3, slope=18), SHIFT, (1e-3, 0, 0), size=200)
    note = solve(pair, block_size=0, rotation=True).notes[1]
    assert "+1.000 (sigma" in note and "mrad" in note and "+206.3 / " in note and "arc seconds" in note


def test_nodes_carry_the_smoothed_terrain(tmp_path):
    pair, _ = rigid_world(tmp_path, lambda x, y: 1000 + 0.1 * x - 0.2 * y, size=100)
    heights, uneven = node_heights(pair.reference, 10)
    # A node lies between cells: half a cell before the first of its block. On a plane the smoothing changes nothing.
    np.testing.assert_allclose(heights[5, 5], 1000 + 0.1 * 495 + 0.2 * 495, atol=1e-3)
    assert heights.shape == (11, 11) and uneven < 15


def test_settings_that_contradict_are_refused(tmp_path):
    pair, _ = rigid_world(tmp_path, Surface(3, slope=18), size=60)
    for settings, word in (({"rotation": True, "method": "vertical_shift"}, "sideways"),
                           ({"rotation": True, "terms": ("tilt",), "method": "lzd"}, "tilt"),
                           ({"terms": ("elevation",), "method": "nuth_kaab"}, "METHOD=lzd")):
        with pytest.raises(CoregistrationError, match=word):
            solve(pair, **settings)


def test_terrain_that_cannot_tell_a_rotation_is_refused(tmp_path):
    pair, _ = rigid_world(tmp_path, lambda x, y: 1000.0 + 0.1 * x, size=120)
    with pytest.raises(CoregistrationError, match="No rotation between"):
        solve(pair, block_size=0, rotation=True)
