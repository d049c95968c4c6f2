"""The sigma of an area's mean: against the full double sum, and against simulated fields."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.statistics.uncertainty import effective_samples, sigma_of_mean
from commonground.core.statistics.variogram import (
    Component,
    VariogramModel,
    cluster_cells,
    empirical_variogram,
    fit_model,
)

sys.path.append(str(Path(__file__).resolve().parents[2]))
from fields import FieldMaker


def lattice(values, factor):
    rows, cols = (side // factor for side in values.shape)
    return values.reshape(rows, factor, cols, factor).sum(axis=(1, 3))


def sigma(model, spread, mask, factor):
    parts = (lattice(part, factor) for part in (spread * mask, mask.astype(float), spread**2 * mask))
    spread_sum, counts, squares = parts
    return sigma_of_mean(spread_sum, counts, squares, model, float(factor), float(factor))


def blob(size):
    rows, cols = np.mgrid[:size, :size] / size - 0.5
    return (np.hypot(rows, cols * 1.4) < 0.42) & ~(np.hypot(rows - 0.1, cols) < 0.12)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_equals_the_double_sum_over_all_cells(factor):
    model = VariogramModel(0.3, (Component("spherical", 1.0, 12.0), Component("exponential", 0.5, 60.0)))
    mask = blob(60)
    spread = np.random.default_rng(1).uniform(0.5, 2.0, mask.shape) * mask
    row, col = np.nonzero(mask)
    covariance = model.covariance(np.hypot(row[:, None] - row, col[:, None] - col))
    covariance[np.diag_indices(row.size)] += model.nugget
    weight = spread[mask]
    exact = np.sqrt(weight @ covariance @ weight) / row.size
    assert sigma(model, spread, mask, factor) == pytest.approx(exact, rel=0.01)


def test_independent_cells_give_the_standard_error():
    mask = blob(60)
    model = VariogramModel(1.0, ())
    got = sigma(model, np.full(mask.shape, 2.0), mask, 2)
    assert got == pytest.approx(2.0 / np.sqrt(mask.sum()))


def test_fully_correlated_errors_do_not_average_out():
    mask = blob(60)
    model = VariogramModel(0.0, (Component("gaussian", 1.0, 1e6),))
    got = sigma(model, np.full(mask.shape, 2.0), mask, 2)
    assert got == pytest.approx(2.0, rel=1e-6)
    parts = (lattice(part, 2) for part in (2.0 * mask, mask.astype(float), 4.0 * mask))
    assert effective_samples(*parts, model, got) == pytest.approx(1.0, rel=1e-6)


def test_an_area_much_larger_than_the_range():
    """N_eff = A / integral of the correlation, pi a² / 5 for a spherical model of range a (Rolstad et al. 2009)."""
    model = VariogramModel(0.0, (Component("spherical", 1.0, 50.0),))
    cells = np.full((40, 40), 1e6)
    got = sigma_of_mean(cells, cells, cells, model, 1000.0, 1000.0)
    assert effective_samples(cells, cells, cells, model, got) == pytest.approx(
        (40e3) ** 2 / (np.pi * 50.0**2 / 5), rel=0.05)


def test_coverage_of_the_95_percent_interval():
    """500 fields, each with the variogram told from itself: the interval about the mean holds the true mean, 0."""
    truth = VariogramModel(0.2, (Component("spherical", 0.8, 14.0),))
    make, rng, mask = FieldMaker(truth, (180, 180)), np.random.default_rng(5), np.zeros((180, 180), dtype=bool)
    mask[40:104, 50:114] = blob(64)
    held = 0
    for seed in range(500):
        field = make(rng)
        rows, cols = cluster_cells(field.shape, seed, 400, 12)
        values = np.where(rows >= 0, field[rows, cols], np.nan)
        model = fit_model(empirical_variogram(cols.astype(float), rows.astype(float), values, 1.0), most=1)
        held += abs(field[mask].mean()) < 1.96 * sigma(model, np.ones(field.shape), mask, 2)
    assert 0.90 <= held / 500 <= 0.98
