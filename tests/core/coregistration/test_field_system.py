"""The normal equations of a field as naive sums say, solved by either solver, and the search for the stiffness."""

import numpy as np
import pytest
from commonground.core.coregistration import field_system, lattice_solvers, normal_equations
from commonground.core.coregistration.cell_forms import Quadratic
from commonground.core.coregistration.field_basis import PolynomialBasis, SplineBasis
from commonground.core.coregistration.field_system import (
    COARSE,
    FINE,
    FIRST,
    MIDDLING,
    SOFTEST,
    STIFFEST,
    FieldSystem,
    _sought,
)
from commonground.core.coregistration.field_system import system_of as system_of_basis
from commonground.core.coregistration.normal_equations import NormalEquations
from commonground.core.raster.grid import Grid

WIDE, TALL, THIN = ((60, 90), (90, 50), (8, 200))


def grid(shape):
    return Grid((0.0, 10.0, 0.0, 0.0, 0.0, -10.0), shape[1], shape[0], "")


BASES = {
    "splines, wide": SplineBasis(grid(WIDE), 15.0),
    "splines, tall": SplineBasis(grid(TALL), 15.0),
    "splines, a strip": SplineBasis(grid(THIN), 20.0),
    "one piece": SplineBasis(grid(WIDE), 500.0),
    "plane": PolynomialBasis(grid(WIDE), 1),
    "constant": PolynomialBasis(grid(WIDE), 0),
}


def cells_of(basis, seed=0, count=150):
    """Cells at random places, in random order, some in the same place, as their forms."""
    rng = np.random.default_rng(seed)
    rows, cols = (rng.uniform(0, cells - 1, count) for cells in basis._shape)
    rows[:10], cols[:10] = rows[10], cols[10]
    design = rng.normal(size=(count, 7, 3))
    M = design.transpose(0, 2, 1) @ design
    return Quadratic(rows, cols, M, rng.normal(size=(count, 3)), np.arange(count) % 9, np.full(count, 7.0),
                     np.zeros((0, 5)))


def penalty_of(basis):
    """Squares of second differences, and weakly of first ones, each difference written out."""
    if isinstance(basis, PolynomialBasis):
        return np.zeros((basis.size,) * 2)
    eyes = [np.eye(places) for places in basis.shape]
    down, across = ([np.diff(eye, order, axis=0) for order in range(3)] for eye in eyes)
    return sum(times * np.kron(down[i], across[j]).T @ np.kron(down[i], across[j])
               for i, j, times in ((2, 0, 1.0), (0, 2, 1.0), (1, 1, 2.0), (1, 0, 1e-3), (0, 1, 1e-3)))


@pytest.mark.parametrize("largest", [0, 10**9])
@pytest.mark.parametrize("horizontal", [True, False])
@pytest.mark.parametrize("name", list(BASES))
def test_the_solution_is_that_of_the_sums_over_all_cells(monkeypatch, name, horizontal, largest):
    monkeypatch.setattr(lattice_solvers, "LARGEST_BAND", largest)
    monkeypatch.setattr(normal_equations, "SLOTS", 50)  # several lines of pieces one after the other
    basis = BASES[name]
    data = cells_of(basis)
    axes = [0, 1, 2] if horizontal else [2]
    weights = np.random.default_rng(1).uniform(0, 2, len(data.rows))
    weights[::5] = 0.0
    functions = basis.at(data.rows, data.cols).toarray()
    size = basis.size * len(axes)
    whole = np.einsum("c,cij,ck,cl->kilj", weights, data.M[:, axes][:, :, axes], functions, functions)
    whole = whole.reshape(size, size)
    right = np.einsum("c,ck,ci->ki", weights, functions, data.b[:, axes]).ravel()
    stiffness = np.array([0.3, 0.3, 20.0])
    usual = [np.diag(whole)[place::len(axes)].mean() for place in range(len(axes))]
    for place, axis in enumerate(axes):
        own = slice(place, None, len(axes))
        # The penalty is relative to each component's own information.
        whole[own, own] += usual[place] * (stiffness[axis] * penalty_of(basis) + 1e-9 * np.eye(basis.size))
    coefficients = np.zeros((3, basis.size))
    coefficients[axes] = np.linalg.solve(whole, right).reshape(-1, len(axes)).T
    found = system_of_basis(basis, data, horizontal).solve(weights, (0.3, 20.0))
    near = 1e-6 if largest else 1e-4 / np.abs(coefficients).max()
    np.testing.assert_allclose(found, coefficients, atol=near * np.abs(coefficients).max())


def test_parts_of_the_cells_say_what_they_say_alone():
    basis = BASES["splines, wide"]
    data = cells_of(basis)
    weights = np.random.default_rng(1).uniform(0, 2, len(data.rows))
    parts = [data.group < 2, data.group == 5]
    for found, part in zip(NormalEquations(basis, data, (0, 1, 2)).of_parts(weights, parts)[1:], parts):
        for one, other in zip(found, NormalEquations(basis, data, (0, 1, 2)).of(weights * part)):
            np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("blocks", [101, 102, 121, 144])
@pytest.mark.parametrize("size", [10, 100])
def test_a_part_of_many_blocks_tells_their_stiffness_on_rasters_of_any_size(monkeypatch, blocks, size):
    # Of some hundred cells a side a share of 100/101 is all of them.
    places = np.divmod(np.random.default_rng(3).permutation(12**2)[:blocks], 12)
    system, count = system_of(places, np.ones(blocks), 12, size, max(size / 2, 8.0))
    found = system.cross_validated(np.ones(count))
    monkeypatch.setattr(field_system, "MANY", blocks)
    whole = system.cross_validated(np.ones(count))
    assert np.abs(np.log10(np.divide(found, whole))).max() <= np.log10(COARSE)


def system_of(places, steep, across, size, spacing, each=8):
    """`(system, cells)` of blocks at `places` (rows, cols), their information `steep` (n,) times as much."""
    rng = np.random.default_rng(3)
    rows, cols = ((place[:, None] * size + rng.uniform(0, size - 1, (steep.size, each))).ravel() for place in places)
    design = rng.normal(size=(rows.size, 7, 3))
    M = design.transpose(0, 2, 1) @ design * np.repeat(steep, each)[:, None, None]
    field = np.column_stack([np.sin(rows / (2 * size)), np.cos(cols / (2 * size)), rows * 0])
    b = (M @ field[:, :, None])[:, :, 0] + 0.1 * rng.normal(size=field.shape)
    data = Quadratic(rows, cols, M, b, np.repeat(np.arange(steep.size), each), np.full(rows.size, 7.0),
                     np.zeros((0, 5)))
    basis = SplineBasis(grid((across * size,) * 2), spacing)
    return FieldSystem(basis, data, True), rows.size


def test_a_lonely_summit_does_not_speak_for_all():
    # The part of most information has a single block: none to foretell it by.
    rows, cols = np.indices((60, 60))
    coast = np.maximum(abs(rows - 29.5), abs(cols - 29.5)) > 24
    known = coast | ((rows == 30) & (cols == 30))
    system, count = system_of((rows[known], cols[known]), np.where(coast[known], 1.0, 1e4), 60, 20, 60.0)
    for stiffness in system.cross_validated(np.ones(count)):
        assert SOFTEST <= stiffness <= STIFFEST


STARTS = [SOFTEST, 3e-6, 1e-3, FIRST, 40.0, 1e5, STIFFEST]
STEPS = [FINE, MIDDLING, COARSE]


def watched(misfit):
    """A misfit of the stiffness's decimal logarithm, of a single group, and the stiffnesses that it was asked for."""
    asked = []

    def of(stiffness):
        asked.append(stiffness)
        return np.array([misfit(np.log10(stiffness))])

    return of, asked


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("least", [-4.3, -1.0, 0.2, 3.7])
def test_the_search_climbs_to_the_least_misfit_from_any_start(start, step, least):
    misfit, asked = watched(lambda place: (place - least) ** 2)
    found = _sought(start, step, misfit)
    if SOFTEST * step <= 10**least <= STIFFEST / step:
        assert abs(np.log10(found) - least) <= np.log10(step) / 2 + 1e-9
    assert len(asked) == len(set(asked)) <= 3 + np.ceil(abs(np.log10(start) - least) / np.log10(step))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("softer", [1, -1])
def test_the_search_stays_between_the_softest_and_the_stiffest(start, step, softer):
    misfit, asked = watched(lambda place: softer * place)
    found = _sought(start, step, misfit)
    end = SOFTEST if softer > 0 else STIFFEST
    assert abs(np.log10(found / end)) < np.log10(step) + 1e-9
    assert min(asked) >= SOFTEST * 0.999 and max(asked) <= STIFFEST * 1.001


@pytest.mark.parametrize("groups, expected", [(40, 1.0), (10, 1e-3)])
def test_of_equals_the_stiffest_where_groups_tell_an_error(groups, expected):
    noise = np.random.default_rng(2).normal(size=(10, groups))
    noise -= noise.mean(axis=1, keepdims=True)

    def misfit(stiffness):
        # Up to 1 hardly more than at a thousandth, and less so than blocks differ.
        place = round(np.log10(stiffness))
        return noise[place] + 1e-3 * abs(place + 3) + (100.0 if place > 0 else 0.0)

    assert _sought(1e-3, 10.0, misfit) == pytest.approx(expected)
