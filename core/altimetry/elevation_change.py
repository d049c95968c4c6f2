"""Elevation change between two sets of points in one frame and at one epoch.

Change = after - before: a surface that sinks has a negative change. Where the two sets do not touch the same spots,
the surface between them is taken from the denser set: a plane through its points near a point of the sparser one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..frames.transform import geocentric
from ..progress import Silent

PLANE, NEAREST = "plane", "nearest"
NEIGHBOURS = 12
"""Points of the denser set, at most, that make a plane: more reach further, where the ground is no plane any more."""
FEWEST = 5
_CHUNK = 20_000
_SOME, _FEW = 4000, 20
"""Points, at most and at least, from which the noise of the sparser set is told."""


@dataclass(frozen=True)
class PointSet:
    """Points in one frame at one epoch, arrays (n,).

    lon, lat: degrees; height: ellipsoidal m; year: decimal year of the measurement, sigma: m; NaN where unknown.
    """

    lon: np.ndarray
    lat: np.ndarray
    height: np.ndarray
    year: np.ndarray
    sigma: np.ndarray


@dataclass(frozen=True)
class Changes:
    """Pairs, arrays (n,), one for each paired point of the sparser set.

    index: of that point; dh: m, after - before; sigma_dh: m; dt: years between the measurements, after - before;
    before, after: heights (m) at the point; distance: to the nearest point of the denser set, m; count: points used;
    slope: of the plane, degrees (NaN without one); year_before, year_after: decimal years. NaN where unknown.
    """

    index: np.ndarray
    dh: np.ndarray
    sigma_dh: np.ndarray
    dt: np.ndarray
    before: np.ndarray
    after: np.ndarray
    distance: np.ndarray
    count: np.ndarray
    slope: np.ndarray
    year_before: np.ndarray
    year_after: np.ndarray

    @property
    def rate(self) -> np.ndarray:
        """dh/dt in m/yr, NaN where the measurements are not apart in time."""
        return self.dh / self._apart

    @property
    def sigma_rate(self) -> np.ndarray:
        """The standard deviation of the rate, m/yr; times are taken as exact."""
        return self.sigma_dh / np.abs(self._apart)

    @property
    def _apart(self):
        return np.where(np.abs(self.dt) > 1e-6, self.dt, np.nan)


def sparser_is_before(before: PointSet, after: PointSet) -> bool:
    """Whether the pairs lie at the points of `before`; otherwise at those of `after`."""
    return before.height.size < after.height.size


def elevation_changes(before: PointSet, after: PointSet, distance: float, slope: str = PLANE,
                      progress=None) -> Iterator[Changes]:
    """Pair two sets: the changes at the points of the sparser one, some thousands at a time.

    distance: m, within which points of the denser set are used. slope: PLANE takes the denser set's height at the
    point from a least-squares plane through its (up to 12) nearest points there; points where these do not hold a
    plane (too few, or all on a line beside the point) have no pair. NEAREST takes the nearest height as it is.

    The variance of a change by plane is s^2 l + r^2 + sigma^2: s the scatter about the plane, l the leverage of the
    point (s^2 l: of the plane at the point), r^2 = s^2 less the denser set's own noise where that is known (the
    roughness of the ground), sigma the sparser point's. Where that is unknown, s^2 stands for r^2 + sigma^2 or, if
    it is larger, half the variance of the change from point to neighbour, over the whole set: the sparser points can
    be the noisier ones. By the nearest point it is the sum of both variances, and says nothing about the slope.

    On ground with a radius of curvature C (m) a plane through points within R m is off by about R^2 / (4 C).
    """
    progress = progress or Silent()
    pairing = _Pairing(before, after, distance, slope)
    size = pairing.sparse.height.size
    for first in range(0, size, _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, size))
        yield pairing.at(rows)
        progress.step((rows[-1] + 1) / size, "Pairing points")


class _Pairing:
    """Pairs at points of the sparser set."""

    def __init__(self, before, after, distance, slope):
        from scipy.spatial import cKDTree

        self._at_before = sparser_is_before(before, after)
        self.sparse, self._dense = (before, after) if self._at_before else (after, before)
        self._good = np.flatnonzero(np.isfinite(self._dense.height))
        self._tree = cKDTree(_surface(self._dense.lon[self._good], self._dense.lat[self._good]))
        self._distance, self._plane, self._own_variance = distance, slope == PLANE, 0.0
        if self._plane and np.isnan(self.sparse.sigma).any():
            self._own_variance = self._between_neighbours()

    def at(self, rows) -> Changes:
        """The changes at the points `rows` (n,) that have a pair."""
        sparse, dense = self.sparse, self._dense
        apart, near = self._tree.query(_surface(sparse.lon[rows], sparse.lat[rows]),
                                       np.arange(1, (NEIGHBOURS if self._plane else 1) + 1),
                                       distance_upper_bound=self._distance)
        used = np.isfinite(apart)
        near = self._good[np.where(used, near, 0)]
        height, variance, degrees = (_by_plane(sparse, dense, rows, near, used, self._own_variance) if self._plane
                                     else _by_nearest(sparse, dense, rows, near, used))
        year = _mean(dense.year[near], used)
        paired = np.isfinite(height) & np.isfinite(sparse.height[rows])
        return _changes(self._at_before, sparse, rows, height, variance, degrees, year, apart, used)[paired]

    def _between_neighbours(self) -> float:
        """Half the variance of the change from a point to its neighbour (m^2), of some points, by NMAD."""
        from scipy.spatial import cKDTree

        from ..statistics.robust import nmad

        lon, lat = self.sparse.lon, self.sparse.lat
        some = np.unique(np.linspace(0, lon.size - 1, min(_SOME, lon.size)).astype(int))
        places = _surface(lon, lat)
        # The second nearest: the nearest is the point itself.
        apart, other = cKDTree(places).query(places[some], [2], distance_upper_bound=self._distance)
        some, other = some[np.isfinite(apart[:, 0])], other[np.isfinite(apart[:, 0]), 0]
        change = np.full(lon.size, np.nan)
        for changes in map(self.at, (some, other)):
            change[changes.index] = changes.dh
        steps = change[some] - change[other]
        steps = steps[np.isfinite(steps)]
        return nmad(steps) ** 2 / 2.0 if steps.size >= _FEW else 0.0


class _Rows(dict):
    """Columns of the changes by name; `[mask]` gives Changes of some rows."""

    def __getitem__(self, mask) -> Changes:
        return Changes(**{name: values[mask] for name, values in self.items()})


def _changes(at_before, sparse, rows, height, variance, degrees, year, apart, used):
    own, own_year = sparse.height[rows], sparse.year[rows]
    heights, years = ((own, height), (own_year, year)) if at_before else ((height, own), (year, own_year))
    return _Rows(index=rows, dh=heights[1] - heights[0], sigma_dh=np.sqrt(variance), dt=years[1] - years[0],
                 before=heights[0], after=heights[1], distance=apart[:, 0], count=used.sum(axis=1), slope=degrees,
                 year_before=years[0], year_after=years[1])


def _by_nearest(sparse, dense, rows, near, used):
    found = used[:, 0]
    height = np.where(found, dense.height[near[:, 0]], np.nan)
    return height, sparse.sigma[rows] ** 2 + dense.sigma[near[:, 0]] ** 2, np.full(rows.size, np.nan)


def _by_plane(sparse, dense, rows, near, used, own_variance):
    """Height and variance of the difference at points (m,), and slope, of planes through neighbours (m, k).

    own_variance: m^2, the least that stands for the sparser set's unknown noise.
    """
    weights = used.astype(float)
    count = weights.sum(axis=1)
    x, y = _offsets(sparse.lon[rows, None], sparse.lat[rows, None], dense.lon[near], dense.lat[near])
    # Heights relative to the nearest keep the products small and the sums exact.
    base = dense.height[near[:, 0]]
    z = (dense.height[near] - base[:, None]) * weights
    design = np.stack([weights, x * weights, y * weights], axis=2)
    normal = np.einsum("mki,mkj->mij", design, design)
    scale = np.sqrt(np.maximum(np.einsum("mii->mi", normal), 1e-12))
    scaled = normal / (scale[:, :, None] * scale[:, None, :])
    solvable = (count >= FEWEST) & (np.linalg.cond(scaled) < 1e10)
    scaled[~solvable] = np.eye(3)
    inverse = np.linalg.inv(scaled) / (scale[:, :, None] * scale[:, None, :])
    coefficients = np.einsum("mij,mkj,mk->mi", inverse, design, z)
    residuals = z - np.einsum("mki,mi->mk", design, coefficients)
    scatter = (residuals ** 2).sum(axis=1) / np.maximum(count - 3, 1)
    leverage = inverse[:, 0, 0]
    # More variance than a single point has means that the plane is drawn out beyond its points.
    solvable &= leverage <= 1.0
    noise = _mean(dense.sigma[near] ** 2, used)
    roughness = np.where(np.isfinite(noise), np.maximum(scatter - noise, 0.0), scatter)
    own = sparse.sigma[rows] ** 2
    variance = scatter * leverage + np.where(np.isfinite(own), roughness + own, np.maximum(scatter, own_variance))
    height = np.where(solvable, base + coefficients[:, 0], np.nan)
    return height, variance, np.degrees(np.arctan(np.hypot(coefficients[:, 1], coefficients[:, 2])))


def _mean(values, used):
    """Mean over the neighbours used, NaN where one is unknown or there is none."""
    count = used.sum(axis=1)
    total = np.where(used, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _surface(lon, lat):
    """Points (n, 3) on the ellipsoid, m: their chords are their distances, at poles and antimeridian, too."""
    return np.column_stack(geocentric(lon, lat, np.zeros(np.shape(lon))))


def _offsets(lon0, lat0, lon, lat):
    """East and north (m) of positions in the tangent plane at others."""
    dx, dy, dz = (b - a for a, b in zip(geocentric(lon0, lat0, 0.0), geocentric(lon, lat, 0.0)))
    lam, phi = np.radians(lon0), np.radians(lat0)
    radial = np.cos(lam) * dx + np.sin(lam) * dy
    return -np.sin(lam) * dx + np.cos(lam) * dy, -np.sin(phi) * radial + np.cos(phi) * dz
