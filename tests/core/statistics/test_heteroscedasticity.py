"""A spread that grows with slope and curvature is found again."""

import numpy as np
import pytest
from commonground.core.statistics.heteroscedasticity import fit_spread
from commonground.core.statistics.robust import nmad

RNG = np.random.default_rng(3)
SLOPE, CURVATURE = RNG.gamma(2.0, 7.0, 120_000), RNG.normal(0, 2, 120_000)
TRUE = 0.6 + 2.0 * np.tan(np.radians(np.minimum(SLOPE, 50))) + 0.2 * np.abs(CURVATURE)
DH = RNG.normal(0, 1, SLOPE.size) * TRUE


def test_spread_follows_the_terrain():
    spread = fit_spread(SLOPE, CURVATURE, DH)
    slope, curvature = np.array([3.0, 12.0, 25.0, 12.0]), np.array([0.5, -1.0, 1.0, 4.0])
    truth = 0.6 + 2.0 * np.tan(np.radians(slope)) + 0.2 * np.abs(curvature)
    np.testing.assert_allclose(spread.at(slope, curvature), truth, rtol=0.08)
    assert spread.counts.sum() == SLOPE.size


def test_standardised_dh_has_a_spread_of_one_everywhere():
    standard = DH / fit_spread(SLOPE, CURVATURE, DH).at(SLOPE, CURVATURE)
    assert nmad(standard) == pytest.approx(1.0, abs=1e-3)
    for low, high in ((0, 5), (5, 15), (15, 30)):
        inside = (low <= SLOPE) & (high > SLOPE)
        assert nmad(standard[inside]) == pytest.approx(1.0, abs=0.06)


def test_signs_of_curvature_do_not_matter_and_unknown_stays_unknown():
    spread = fit_spread(SLOPE, CURVATURE, DH)
    assert spread.at(np.array([10.0]), np.array([2.0])) == spread.at(np.array([10.0]), np.array([-2.0]))
    assert np.isnan(spread.at(np.array([np.nan, 5.0]), np.array([0.0, np.nan]))).all()


def test_a_plane_has_one_bin():
    spread = fit_spread(np.full(5000, 4.0), np.zeros(5000), RNG.normal(0, 2, 5000))
    assert spread.nmad.shape == (1, 1) and spread.at(4.0, 0.0) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("dh", [np.zeros(1000), np.ones(10)])
def test_nothing_to_tell(dh):
    assert fit_spread(np.linspace(0, 20, dh.size), np.linspace(0, 2, dh.size), dh) is None
