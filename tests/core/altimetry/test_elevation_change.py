"""Elevation change: signs, slopes, uncertainties that hold, and pairs that are not made."""

import numpy as np
import pytest
from commonground.core.altimetry import elevation_change
from commonground.core.altimetry.elevation_change import NEAREST, PLANE, Changes, PointSet, elevation_changes
from commonground.core.progress import Cancelled, Silent

LON, LAT = -50.0, 69.0
EAST = 111320.0 * np.cos(np.radians(LAT)) * 1.0026  # metres a degree of longitude on the ellipsoid, about


def points(x, y, height, year=2018.5, sigma=np.nan, lon=LON, lat=LAT):
    """Points at metres east and north of a place."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    full = [np.broadcast_to(np.asarray(value, float), x.shape).copy() for value in (height, year, sigma)]
    return PointSet(lon + x / EAST, lat + y / 111550.0, *full)


def changes(before, after, distance=100.0, slope=PLANE):
    parts = list(elevation_changes(before, after, distance, slope))
    return Changes(**{name: np.concatenate([getattr(part, name) for part in parts])
                      for name in Changes.__dataclass_fields__})


def plane(x, y):
    return 500.0 + 0.3 * x - 0.2 * y


def grid(step=20.0, half=300.0):
    x, y = np.meshgrid(np.arange(-half, half + 1, step), np.arange(-half, half + 1, step))
    return x.ravel(), y.ravel()


class TestSign:
    @pytest.mark.parametrize("dense_first", [True, False])
    def test_sinking_is_negative(self, dense_first):
        x, y = grid()
        few = np.array([3.0, -57.0]), np.array([-11.0, 44.0])
        dense, sparse = (x, y), few
        where = (dense, sparse) if dense_first else (sparse, dense)
        before = points(*where[0], plane(*where[0]), 1993.5)
        after = points(*where[1], plane(*where[1]) - 2.5, 2018.5)
        found = changes(before, after)
        np.testing.assert_allclose(found.dh, -2.5, atol=1e-3)
        np.testing.assert_allclose(found.dt, 25.0)
        np.testing.assert_allclose(found.rate, -0.1, atol=1e-4)
        np.testing.assert_allclose(found.after - found.before, found.dh)
        assert found.year_before[0] == 1993.5 and found.year_after[0] == 2018.5
        np.testing.assert_allclose(found.slope, np.degrees(np.arctan(np.hypot(0.3, 0.2))), atol=0.05)

    def test_nearest_keeps_the_slope(self):
        before, after = points([0.0, 500.0], [0.0, 0.0], [500.0, 1.0]), points([10.0], [0.0], [plane(10.0, 0.0)])
        found = changes(before, after, slope=NEAREST)
        assert found.dh[0] == pytest.approx(3.0) and np.isnan(found.slope[0]) and found.count[0] == 1
        assert found.distance[0] == pytest.approx(10.0, abs=0.05)


class TestPairs:
    def test_beyond_the_distance(self):
        x, y = grid()
        found = changes(points(x, y, plane(x, y)), points([0.0, 450.0], [0.0, 0.0], [1.0, 1.0]))
        assert found.index.tolist() == [0]

    def test_a_line_makes_no_plane_beside_it(self):
        along = np.arange(-200.0, 201.0, 20.0)
        rng = np.random.default_rng(1)
        x = rng.normal(0, 1.0, along.size)
        track = points(x, along, plane(x, along))
        found = changes(track, points([0.0, 60.0], [5.0, 5.0], plane(np.array([0.0, 60.0]), 5.0)))
        assert found.index.tolist() == [0] and found.dh[0] == pytest.approx(0.0, abs=0.02)

    def test_exactly_on_a_line(self):
        along = np.arange(-200.0, 201.0, 20.0)
        assert changes(points(0.0, along, along), points([5.0], [5.0], [0.0])).dh.size == 0

    def test_too_few(self):
        x, y = np.array([0.0, 10.0, 0.0, -10.0]), np.array([10.0, 0.0, -10.0, 0.0])
        assert changes(points(x, y, 0.0), points([0.0], [0.0], [0.0])).dh.size == 0

    def test_missing_heights_are_not_used(self):
        x, y = grid()
        height = plane(x, y)
        height[::3] = np.nan
        found = changes(points(x, y, height), points([0.0, 1.0], [0.0, 1.0], [plane(0.0, 0.0), np.nan]))
        assert found.index.tolist() == [0] and found.dh[0] == pytest.approx(0.0, abs=1e-3)

    @pytest.mark.parametrize("lon, lat", [(180.0, 10.0), (0.0, 89.99), (-180.0, -75.0)])
    def test_antimeridian_and_pole(self, lon, lat):
        rng = np.random.default_rng(4)
        east, north = rng.uniform(-150, 150, (2, 400))
        lam, phi = np.radians([lon, lat])
        up = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
        axes = np.array([[-np.sin(lam), np.cos(lam), 0],
                         [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)]])
        from commonground.core.frames.transform import geocentric, geodetic

        xyz = np.array(geocentric(lon, lat, 0.0)) + np.outer(east, axes[0]) + np.outer(north, axes[1]) + 0 * up
        where = geodetic(*xyz.T)[:2]
        height = 0.2 * east + 0.1 * north
        cut = [values[:380] for values in where], [values[380:] for values in where]
        gap = np.nan
        before = PointSet(*cut[0], height[:380], np.full(380, gap), np.full(380, gap))
        after = PointSet(*cut[1], height[380:] + 1.0, np.full(20, gap), np.full(20, gap))
        found = changes(before, after, 60.0)
        assert found.dh.size >= 15
        np.testing.assert_allclose(found.dh, 1.0, atol=1e-2)

    def test_rates_need_time_between(self):
        x, y = grid()
        found = changes(points(x, y, 0.0, 2018.0), points([0.0], [0.0], [1.0], 2018.0))
        assert np.isnan(found.rate).all() and np.isnan(found.sigma_rate).all() and found.dh[0] == pytest.approx(1.0)

    def test_chunks_and_cancel(self, monkeypatch):
        class Stop(Silent):
            def step(self, fraction, message=""):
                raise Cancelled

        x, y = grid()
        before, after = points(x, y, plane(x, y)), points(x[:50], y[:50], plane(x[:50], y[:50]) + 1)
        whole = changes(before, after)
        monkeypatch.setattr(elevation_change, "_CHUNK", 7)
        np.testing.assert_array_equal(changes(before, after).dh, whole.dh)
        with pytest.raises(Cancelled):
            list(elevation_changes(before, after, 100.0, progress=Stop()))


class TestUncertainty:
    """The standard deviation that is told against the errors that are made, over many worlds."""

    @pytest.mark.parametrize("known", [True, False])
    @pytest.mark.parametrize("roughness", [0.0, 0.3])
    def test_sigma_is_what_happens(self, known, roughness):
        rng = np.random.default_rng(11)
        dense_sigma, sparse_sigma = 0.15, 0.25 if known else 0.0
        x, y = grid(25.0, 60.0)
        errors, told = [], []
        for _ in range(1500):
            dense = plane(x, y) + rng.normal(0, np.hypot(dense_sigma, roughness), x.size)
            sparse = plane(13.0, -7.0) + rng.normal(0, np.hypot(sparse_sigma, roughness))
            found = changes(points(x, y, dense, sigma=dense_sigma if known else np.nan),
                            points([13.0], [-7.0], [sparse], sigma=sparse_sigma if known else np.nan), 80.0)
            errors.append(found.dh[0])
            told.append(found.sigma_dh[0])
        made, said = np.std(errors), np.sqrt(np.mean(np.square(told)))
        assert abs(np.mean(errors)) < 4 * made / np.sqrt(1500)
        if known:
            assert said == pytest.approx(made, rel=0.07)
        else:
            # What is unknown is taken as large as the scatter: never too small.
            assert made * 0.95 < said < np.sqrt(made ** 2 + dense_sigma ** 2) * 1.07

    def test_nearest_is_the_sum_of_both(self):
        found = changes(points([0.0, 500.0], [0.0, 0.0], 1.0, 2000.0, 0.3), points([1.0], [0.0], [2.0], 2010.0, 0.4),
                        slope=NEAREST)
        assert found.sigma_dh[0] == pytest.approx(0.5) and found.sigma_rate[0] == pytest.approx(0.05)

    @pytest.mark.parametrize("dense_noise, sparse_noise, roughness, known", [
        (0.1, 0.2, 0.0, True), (0.2, 0.05, 0.0, True), (0.05, 0.05, 0.3, True),
        # What is unknown is measured: the sparser points can be four times as noisy as the denser ones.
        (0.1, 0.1, 0.0, False), (0.1, 0.2, 0.0, False), (0.05, 0.2, 0.0, False), (0.05, 0.05, 0.3, False)])
    @pytest.mark.parametrize("dense_first", [True, False])
    def test_sigma_covers(self, dense_noise, sparse_noise, roughness, known, dense_first):
        """Of 500 pairs on a tilted plane, 1 sigma holds the truth in 60 to 85 %, 3 sigma in 95 % at least."""
        rng = np.random.default_rng(23)
        dense, sparse = rng.uniform(-600, 600, (2, 4000)), rng.uniform(-500, 500, (2, 500))
        rate, years = -0.35, (1994.4, 2019.9)
        fall = rate * (years[1] - years[0])
        sets = []
        for (x, y), noise in ((dense, dense_noise), (sparse, sparse_noise)):
            is_after = dense_first == (x.size == 500)
            height = plane(x, y) + rng.normal(0, np.hypot(noise, roughness), x.size) + fall * is_after
            sets.append(points(x, y, height, years[is_after], noise if known else np.nan))
        found = changes(*(sets if dense_first else sets[::-1]))
        assert found.dh.size == 500
        for value, truth, sigma in ((found.dh, fall, found.sigma_dh), (found.rate, rate, found.sigma_rate)):
            off = np.abs(value - truth) / sigma
            assert 0.60 <= np.mean(off < 1) <= 0.85 and np.mean(off < 3) >= 0.95
            assert np.median(value) == pytest.approx(truth, abs=4 * np.median(sigma) / np.sqrt(500))

    def test_a_curved_ground_is_missed_by_what_is_said(self):
        """R^2 / (4 C): the docstring's figure for a plane on curved ground."""
        rng = np.random.default_rng(2)
        x, y = rng.uniform(-600, 600, (2, 4000))
        radius = 2000.0
        dense = points(x, y, (x ** 2 + y ** 2) / (2 * radius))
        here = rng.uniform(-400, 400, (2, 300))
        sparse = points(*here, (here[0] ** 2 + here[1] ** 2) / (2 * radius))
        found = changes(dense, sparse)
        reach = np.sqrt(12 / (np.pi * 4000 / 1200 ** 2))
        assert np.mean(found.dh) == pytest.approx(-reach ** 2 / (4 * radius), rel=0.1)
