"""Fields of more blocks than a band is kept for: as the band tells them, whatever the ground, in little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import multilevel
from commonground.core.coregistration.cell_forms import Quadratic
from commonground.core.coregistration.field_basis import SplineBasis
from commonground.core.coregistration.lattice_solvers import Banded, Multilevel
from commonground.core.coregistration.normal_equations import NormalEquations
from commonground.core.coregistration.tensor_matrix import TensorMatrix, pairs
from commonground.core.raster.grid import Grid

CELL = 62.5  # of a lattice, in cells of the raster: eight to a block
GROUNDS = ("alike", "contrasts", "plains", "holes", "a patch", "slopes")
MEMORY = """
import sys
sys.path[:0] = {paths!r}
import conftest
from test_multilevel import ground_of
from commonground.core.coregistration.field_system import FieldSystem
import numpy as np
import scipy.sparse
basis, data = ground_of("contrasts", (64, 64))
open("/proc/self/clear_refs", "w").write("5")
def kilobytes(key):
    return int(next(line for line in open("/proc/self/status") if line.startswith(key)).split()[1])
before = kilobytes("VmRSS")
FieldSystem(basis, data, True).solve(np.ones(len(data.rows)), (0.1, 0.1))
print(kilobytes("VmHWM") - before)
"""


def ground_of(kind: str, blocks: tuple, count: int = 5):
    """`(basis, data)`: blocks down and across, 64 cells each with `count` pixels, a knot every half block."""
    rng = np.random.default_rng(0)
    rows, cols = ((places.ravel() + rng.uniform(0.3, 0.7, places.size)) * CELL - 0.5
                  for places in np.indices((8 * blocks[0], 8 * blocks[1])))
    u, v = rows / rows.max(), cols / cols.max()
    slopes, information, known = 0.3 * rng.normal(size=(rows.size, count, 2)), np.full(rows.size, 1e3), u >= 0
    if kind == "contrasts":
        information *= 10 ** (3 * np.sin(7 * u + 3) * np.cos(5 * v))
    if kind == "plains":
        slopes[np.sin(9 * u) + np.sin(11 * v) < 0.5] *= 1e-3
    if kind == "holes":
        known = np.sin(13 * u) + np.sin(11 * v + 1) > 0
    if kind == "a patch":
        known = (abs(u - 0.3) < 0.1) & (abs(v - 0.6) < 0.1)
    if kind == "slopes":
        # Hardly anything tells of shifts along the contours, which turn from place to place.
        turned = 3 * u + 2 * v**2
        slopes = 0.5 * np.stack([np.cos(turned), np.sin(turned)], axis=1)[:, None] + 1e-3 * slopes
    design = np.concatenate([-slopes, np.ones((*slopes.shape[:2], 1))], axis=2)
    M = (design.transpose(0, 2, 1) @ design) * (information / count)[:, None, None]
    field = np.stack([5 * np.sin(5 * u + v), -3 * np.cos(6 * v), np.sin(4 * u) * np.sin(5 * v)], axis=1)
    noise = (design * (rng.normal(size=(rows.size, count)) * np.sqrt(information / count)[:, None])[:, :, None]).sum(1)
    b = (M @ field[:, :, None])[:, :, 0] + noise
    height, width = (round(8 * CELL * number) for number in blocks)
    basis = SplineBasis(Grid((0.0, 10.0, 0.0, 0.0, 0.0, -10.0), width, height, ""), 4 * CELL)
    _, group = np.unique((rows // (8 * CELL) * blocks[1] + cols // (8 * CELL))[known], return_inverse=True)
    return basis, Quadratic(rows[known], cols[known], M[known], b[known], group, np.full(known.sum(), 3900.0),
                            np.zeros((0, 5)))


def equations_of(kind, blocks):
    """The matrix, right side, penalty and each component's typical information."""
    basis, data = ground_of(kind, blocks)
    shared, right = NormalEquations(basis, data, (0, 1, 2)).of(np.ones(len(data.rows)))
    own = [place for place, (i, j) in enumerate(pairs(3)) if i == j]
    return (TensorMatrix(shared), right, basis.penalty()), shared[own, 0, 0].mean(axis=(1, 2))


@pytest.mark.parametrize("blocks", [(6, 8), (2, 24)])
@pytest.mark.parametrize("kind", GROUNDS)
def test_it_is_within_a_millimetre_of_the_band(monkeypatch, kind, blocks):
    equations, usual = equations_of(kind, blocks)
    band, levels = Banded(*equations), Multilevel(*equations)
    monkeypatch.setattr(Banded, "solved_last", None)  # not even where it would not come to rest
    for horizontal, vertical in ((1e-6, 1e-6), (1e-2, 1e-2), (1.0, 1e-3), (1e-6, 1e6), (1e2, 1e2), (1e6, 1e6)):
        penalties = usual * [horizontal, horizontal, vertical]
        expected = band.solved(penalties, 1e-9 * usual)
        assert np.abs(levels.solved(penalties, 1e-9 * usual) - expected).max() < 1e-3



def test_where_it_does_not_come_to_rest_the_band_decides(monkeypatch):
    equations, usual = equations_of("contrasts", (4, 5))
    monkeypatch.setattr(multilevel, "MOST", 3)
    expected = Banded(*equations).solved(0.1 * usual, 1e-9 * usual)
    np.testing.assert_array_equal(Multilevel(*equations).solved(0.1 * usual, 1e-9 * usual), expected)


def test_nothing_told_is_no_shift():
    (matrix, right, penalty), usual = equations_of("alike", (4, 5))
    assert not Multilevel(matrix, np.zeros_like(right), penalty).solved(usual, usual).any()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux' /proc")
def test_four_thousand_blocks_take_less_than_their_forms_and_a_tenth_of_the_band():
    here = Path(__file__).resolve()
    code = MEMORY.format(paths=[str(here.parent), str(here.parents[2])])
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    band = 8 * 9 * 131**2 * (3 * 131 + 4)
    assert int(found.stdout) * 1024 < band / 10
