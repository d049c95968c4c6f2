"""What the cells of a lattice say: sums over their pixels, in whatever order these come."""

import numpy as np
import pytest
from commonground.core.coregistration.cell_forms import _sums


def naive(cell, rows, cols, design, weights, residuals):
    """Cell by cell, pixel by pixel."""
    found = []
    for number in sorted(set(cell.tolist())):
        here = np.flatnonzero(cell == number)
        M, b = np.zeros((3, 3)), np.zeros(3)
        for pixel in here:
            M += weights[pixel] * np.outer(design[:, pixel], design[:, pixel])
            b += weights[pixel] * design[:, pixel] * residuals[pixel]
        found.append((rows[here].mean(), cols[here].mean(), M, b, here.size))
    return [np.array(each) for each in zip(*found)]


ORDERS = {"runs": lambda cell, rng: np.argsort(cell // 4 * 1000 + np.arange(cell.size) % 7 * 10 + cell, kind="stable"),
          "any order": lambda cell, rng: rng.permutation(cell.size),
          "by cell": lambda cell, rng: np.argsort(cell),
          "backwards": lambda cell, rng: np.argsort(-cell)}


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 400])
def test_sums_are_those_of_each_pixel(order, kind, count):
    rng = np.random.default_rng(4)
    cell = rng.integers(0, 12, count) * 3  # of which some are empty
    order = ORDERS[order](cell, rng)
    cell, rows, cols = cell[order], rng.uniform(0, 90, count), rng.uniform(0, 70, count)
    design = np.stack([*rng.normal(size=(2, count)), np.ones(count)]).astype(kind)
    weights, residuals = (values.astype(kind) for values in (rng.uniform(0, 2, count), rng.normal(size=count)))
    weights[::7] = 0.0
    filled, *sums = _sums(cell, rows, cols, design, weights, residuals)
    np.testing.assert_array_equal(filled, np.unique(cell))
    for found, true in zip(sums, naive(cell, rows, cols, design, weights, residuals)):
        np.testing.assert_allclose(found, true, rtol=1e-5, atol=1e-4 if kind is np.float32 else 1e-9)
