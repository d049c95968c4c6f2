"""Variograms of simulated fields come back; the sample covers every lag and can be repeated."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.statistics.variogram import (
    Component,
    Variogram,
    VariogramModel,
    cluster_cells,
    empirical_variogram,
    fit_model,
)

sys.path.append(str(Path(__file__).resolve().parents[2]))
from fields import FieldMaker

SPHERICAL = VariogramModel(0.0, (Component("spherical", 4.0, 30.0),))
NESTED = VariogramModel(1.0, (Component("spherical", 2.0, 12.0), Component("spherical", 2.0, 70.0)))


def estimate(field, seed, centres=1024, points=24):
    rows, cols = cluster_cells(field.shape, seed, centres, points)
    values = np.where(rows >= 0, field[rows, cols], np.nan)
    return empirical_variogram(cols.astype(float), rows.astype(float), values, 1.0,
                               np.hypot(*field.shape) / 2)


@pytest.mark.parametrize("truth", [
    SPHERICAL, VariogramModel(0.0, (Component("exponential", 4.0, 40.0),)),
    VariogramModel(0.0, (Component("gaussian", 4.0, 20.0),))])
def test_sill_and_range_of_fifty_fields(truth):
    make, rng = FieldMaker(truth, (260, 260)), np.random.default_rng(2)
    found = [fit_model(estimate(make(rng), seed)) for seed in range(50)]
    assert np.median([model.sill for model in found]) == pytest.approx(4.0, rel=0.1)
    assert np.median([model.components[-1].range for model in found]) == pytest.approx(
        truth.components[0].range, rel=0.1)


def test_a_nested_model_has_both_ranges():
    make, rng = FieldMaker(NESTED, (320, 320)), np.random.default_rng(2)
    found = [fit_model(estimate(make(rng), seed)) for seed in range(30)]
    both = [model for model in found if len(model.components) == 2]
    assert len(both) > 20
    assert np.median([model.sill for model in found]) == pytest.approx(5.0, rel=0.1)
    assert np.median([model.nugget for model in both]) == pytest.approx(1.0, abs=0.2)
    assert np.median([model.components[0].range for model in both]) == pytest.approx(12.0, rel=0.15)
    assert np.median([model.components[1].range for model in both]) == pytest.approx(70.0, rel=0.15)


def test_white_noise_is_all_nugget():
    variogram = estimate(np.random.default_rng(0).normal(0, 2, (200, 200)), 0, 4096)
    np.testing.assert_allclose(variogram.gamma, 4.0, rtol=0.12)
    assert variogram.lags[-1] < 142


@pytest.mark.parametrize("seed", range(8))
def test_no_correlation_is_seen_in_white_noise(seed):
    """A range that is not there would make means over areas look twenty times less sure."""
    model = fit_model(estimate(np.random.default_rng(seed).normal(0, 2, (120, 150)), seed, 4096, 32))
    assert model.components == () and model.nugget == pytest.approx(4.0, rel=0.05)


def test_outliers_do_not_rule():
    rng = np.random.default_rng(1)
    field = FieldMaker(SPHERICAL, (260, 260))(rng)
    dirty = np.where(rng.random(field.shape) < 0.03, field + 100, field)
    clean = estimate(field, 0, 4096).gamma
    np.testing.assert_allclose(estimate(dirty, 0, 4096).gamma, clean, rtol=0.25)


def test_the_model_says_what_its_formulas_say():
    model = VariogramModel(0.5, (Component("spherical", 2.0, 10.0), Component("exponential", 1.0, 30.0),
                                 Component("gaussian", 1.0, 20.0)))
    assert model.sill == 4.5
    h = 4.0
    expected = (0.5 + 2.0 * (1.5 * 0.4 - 0.5 * 0.4**3) + (1 - np.exp(-3 * h / 30)) + (1 - np.exp(-3 * (h / 20) ** 2)))
    assert model.gamma(np.array([h]))[0] == pytest.approx(expected)
    assert model.covariance(np.array([0.0]))[0] == pytest.approx(4.0)
    assert model.covariance(np.array([1e6]))[0] == pytest.approx(0.0, abs=1e-12)


def test_every_lag_has_pairs_and_seeds_repeat():
    rows, cols = cluster_cells((3000, 5000), 4)
    again = cluster_cells((3000, 5000), 4)
    assert np.array_equal(rows, again[0]) and np.array_equal(cols, again[1])
    assert not np.array_equal(rows, cluster_cells((3000, 5000), 5)[0])
    assert rows.max() < 3000 and cols.max() < 5000 and ((rows == -1) == (cols == -1)).all()
    variogram = empirical_variogram(cols * 10.0, rows * 10.0, np.where(rows >= 0, 0.0, np.nan), 10.0, 29000.0)
    assert variogram.lags[0] < 15 and 29000 > variogram.lags[-1] > 20000
    assert np.all(np.diff(variogram.lags) > 0) and variogram.pairs.min() >= 100


def test_too_little_is_no_model():
    empty = empirical_variogram(np.zeros((5, 3)), np.zeros((5, 3)), np.full((5, 3), np.nan), 1.0)
    assert empty.lags.size == 0 and fit_model(empty) is None
    flat = Variogram(np.arange(1.0, 9.0), np.zeros(8), np.full(8, 1000))
    assert fit_model(flat) is None


def test_an_unreached_sill_is_said():
    lags = np.geomspace(1, 100, 14)
    model = fit_model(Variogram(lags, 0.01 * lags, np.full(14, 1000)))
    assert not model.resolved
    reached = Variogram(lags, SPHERICAL.gamma(lags), np.full(14, 1000))
    assert fit_model(reached).resolved
