"""Robust statistics against closed forms, numpy and scipy."""

import math

import numpy as np
import pytest
from commonground.core.statistics.robust import DEFINITIONS, Summary, nmad, summarize
from scipy import stats

N = 1_000_000


def test_every_definition_is_a_field_and_the_other_way_round():
    assert [part.key for part in DEFINITIONS] == list(Summary.__dataclass_fields__)


def test_normal_sample_has_the_closed_forms():
    got = summarize(np.random.default_rng(1).normal(0.0, 2.0, N))
    known = {"nmad": 2.0, "std": 2.0, "rmse": 2.0, "mae": 2 * math.sqrt(2 / math.pi), "p68": 2 * 0.9945,
             "le90": 2 * 1.6449, "le95": 2 * 1.9600, "le90_width": 4 * 1.6449, "le95_width": 4 * 1.9600,
             "le90_about_mean": 2 * 1.6449, "le95_about_mean": 2 * 1.9600}
    for key, value in known.items():
        assert getattr(got, key) == pytest.approx(value, rel=5e-3), key
    assert got.outliers == pytest.approx(0.27, abs=0.02)
    assert abs(got.skewness) < 0.01


def test_laplace_sample_has_the_closed_forms():
    """Laplace of scale b: median |v| = b ln 2, STD = b sqrt(2), P(|v| < q) = 1 - exp(-q / b)."""
    got = summarize(np.random.default_rng(2).laplace(5.0, 3.0, N))
    assert got.median == pytest.approx(5.0, abs=0.02)
    assert got.nmad == pytest.approx(1.4826 * 3 * math.log(2), rel=5e-3)
    assert got.std == pytest.approx(3 * math.sqrt(2), rel=5e-3)
    assert got.le90_about_mean == pytest.approx(3 * math.log(10), rel=1e-2)


def test_gross_errors_move_the_std_and_hardly_the_nmad():
    rng = np.random.default_rng(3)
    clean, share = rng.normal(0.0, 1.0, N), 0.05
    dirty = np.where(rng.random(N) < share, 100.0, clean)
    # All gross errors lie on one side: the median is the normal quantile of 0.5 / (1 - share).
    got = summarize(dirty)
    assert got.median == pytest.approx(stats.norm.ppf(0.5 / (1 - share)), abs=5e-3)
    assert got.nmad == pytest.approx(1.07, abs=0.02)
    assert got.std == pytest.approx(math.sqrt(share * (1 - share)) * 100, rel=0.02)
    assert got.outliers == pytest.approx(100 * share + 0.2, abs=0.2)
    assert got.skewness > 3


def test_agrees_with_numpy_and_scipy():
    dh = np.random.default_rng(4).gamma(2.0, 3.0, 999) - 4.0
    got = summarize(dh)
    assert got.median == pytest.approx(np.median(dh), rel=1e-14)
    assert got.mean == pytest.approx(dh.mean(), rel=1e-12)
    assert got.std == pytest.approx(dh.std(), rel=1e-12)
    assert got.rmse == pytest.approx(np.sqrt((dh**2).mean()), rel=1e-12)
    assert got.mae == pytest.approx(np.abs(dh).mean(), rel=1e-12)
    assert got.nmad == pytest.approx(1.4826 * stats.median_abs_deviation(dh), rel=1e-12)
    assert got.skewness == pytest.approx(stats.skew(dh), rel=1e-10)
    assert [got.p68, got.le90, got.le95] == pytest.approx(np.percentile(np.abs(dh), [68, 90, 95]), rel=1e-12)
    assert got.le90_width == pytest.approx(np.subtract(*np.percentile(dh, [95, 5])), rel=1e-12)
    assert got.le95_width == pytest.approx(np.subtract(*np.percentile(dh, [97.5, 2.5])), rel=1e-12)
    assert [got.le90_about_mean, got.le95_about_mean] == pytest.approx(
        np.percentile(np.abs(dh - dh.mean()), [90, 95]), rel=1e-12)
    assert got.outliers == pytest.approx(100 * np.mean(np.abs(dh - np.median(dh)) > 3 * nmad(dh)), rel=1e-12)


def test_three_conventions_of_le90_differ_where_dh_is_off_zero():
    """A step of -34.9 m with 1 m noise: the textbook LE90 sees the step, the other two do not."""
    got = summarize(np.random.default_rng(5).normal(-34.9, 1.0, N))
    assert got.le90 == pytest.approx(34.9 + 1.2816, abs=0.02)
    assert got.le90_width == pytest.approx(3.290, abs=0.02)
    assert got.le90_about_mean == pytest.approx(1.645, abs=0.01)


def test_voids_are_left_out():
    assert summarize(np.array([[np.nan, 1.0], [3.0, np.inf]])) == summarize(np.array([1.0, 3.0]))
    assert nmad(np.array([np.nan, 1.0, 2.0, 4.0])) == pytest.approx(1.4826)


def test_without_cells_nothing_is_known():
    got = summarize(np.array([np.nan]))
    assert got.count == 0
    assert all(math.isnan(getattr(got, part.key)) for part in DEFINITIONS if part.key != "count")
    assert math.isnan(nmad(np.array([])))


def test_a_constant_has_no_spread_and_no_skewness():
    got = summarize(np.full(5, 2.5))
    assert (got.median, got.std, got.nmad, got.outliers) == (2.5, 0.0, 0.0, 0.0)
    assert math.isnan(got.skewness)
