"""How far errors are alike: the empirical variogram of a raster and the nested model fitted to it.

gamma(h) is half the mean square difference of values a distance h apart; it rises from the nugget (what single
cells have for themselves) to the sill. Sampled in clusters of log-spaced distances: every lag gets its share of
pairs, at a cost that does not grow with the raster.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

CENTRES, POINTS = 4096, 32
MOST_POINTS = 1_000_000
LAGS_PER_DOUBLING = 2
LEAST_PAIRS = 100
FORMS = ("spherical", "exponential", "gaussian")
GRID_RANGES = 20
SUBSTANTIAL = 6.0
DOWD_ERROR = 2.33  # times gamma over sqrt(values): the median of |normal| has 37 % of the efficiency of the mean square


@dataclass(frozen=True)
class Variogram:
    """gamma at mean distances `lags` (m), rising, each from so many `pairs`."""

    lags: np.ndarray
    gamma: np.ndarray
    pairs: np.ndarray


@dataclass(frozen=True)
class Component:
    """A part of the sill that is reached at `range` (m; exponential and gaussian: to 95 %)."""

    form: str
    sill: float
    range: float


@dataclass(frozen=True)
class VariogramModel:
    """A nugget and components that add up; `resolved` says whether the sill was reached within the lags."""

    nugget: float
    components: tuple
    resolved: bool = True

    @property
    def sill(self) -> float:
        """What gamma rises to: the variance."""
        return self.nugget + sum(part.sill for part in self.components)

    def gamma(self, distance: np.ndarray) -> np.ndarray:
        """gamma at distances (m) above zero."""
        return self.sill - self.covariance(distance)

    def covariance(self, distance: np.ndarray) -> np.ndarray:
        """What values at distances (m) have in common; the nugget is not part of it."""
        distance = np.asarray(distance, dtype=float)
        return sum((part.sill * (1 - _shape(part.form, distance / part.range)) for part in self.components),
                   np.zeros(distance.shape))


def cluster_cells(shape: tuple, seed: int = 0, centres: int = CENTRES,
                  points: int = POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Cells `(rows, cols)`, each `(centres, points + 1)`: random centres and cells around them.

    The distances from the centre are uniform in their logarithm, from one cell to half the diagonal; cells
    beyond the raster are -1.
    """
    generator = np.random.default_rng(seed)
    centre = np.stack([generator.integers(0, size, centres) for size in shape])[..., None]
    reach = max(math.hypot(*shape) / 2, 2.0)
    distance = np.exp(generator.uniform(0.0, math.log(reach), (centres, points)))
    angle = generator.uniform(0, 2 * np.pi, (centres, points))
    offsets = np.rint(np.stack([distance * np.sin(angle), distance * np.cos(angle)])).astype(np.int64)
    rows, cols = np.concatenate([centre, centre + offsets], axis=2)
    beyond = (rows < 0) | (rows >= shape[0]) | (cols < 0) | (cols >= shape[1])
    return np.where(beyond, -1, rows), np.where(beyond, -1, cols)


def cluster_points(east: np.ndarray, north: np.ndarray, seed: int = 0, centres: int = CENTRES,
                   points: int = POINTS) -> tuple[np.ndarray, float]:
    """Indices `(centres, points + 1)` of random points at positions (m) `(n,)` and others around them, -1 for none.

    As for cells, but each place drawn gives way to the point nearest to it; also the spacing of neighbours (m). Of
    more than MOST_POINTS a random share is taken.
    """
    from scipy.spatial import cKDTree

    generator = np.random.default_rng(seed)
    chosen = np.arange(east.size)
    if chosen.size > MOST_POINTS:
        chosen = np.sort(generator.choice(chosen, MOST_POINTS, replace=False))
    places = np.stack([east[chosen], north[chosen]], axis=1)
    tree = cKDTree(places)
    centre = generator.permutation(chosen.size)[:centres]
    reach = max(float(np.hypot(*np.ptp(places, axis=0))) / 2, 1e-3)
    apart = tree.query(places[centre], k=2)[0][:, -1]
    apart = apart[np.isfinite(apart) & (apart > 0)]
    spacing = min(float(np.median(apart)), reach) if apart.size else reach
    distance = spacing * (reach / spacing) ** generator.uniform(0, 1, (centre.size, points))
    angle = generator.uniform(0, 2 * np.pi, distance.shape)
    offsets = distance[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    missed, found = tree.query(places[centre][:, None, :] + offsets)
    found = np.sort(np.where(missed <= distance / 2, found, -1), axis=1)
    # Near a centre several places share one point: counted once, or few points would pass for many.
    again = np.diff(found, axis=1, prepend=-1) == 0
    found = np.where(again | (found == centre[:, None]) | (found < 0), -1, chosen[found])
    return np.concatenate([chosen[centre][:, None], found], axis=1), spacing


def empirical_variogram(east: np.ndarray, north: np.ndarray, values: np.ndarray, cell: float,
                        longest: float = math.inf) -> Variogram:
    """The variogram of values `(clusters, points)` at positions in metres, NaN where void.

    Pairs are taken within clusters only, up to `longest` (m): beyond half the extent too few places are
    compared. Dowd's robust estimator, 2 gamma = 2.198 median(|difference|)²
    (Dowd 1984, doi 10.1007/978-94-009-3699-7_6). `cell` (m) is the shortest lag; those with fewer than 100 pairs
    are left out.
    """
    distances, differences = [], []
    for index in range(values.shape[1] - 1):
        difference = np.abs(values[:, index + 1:] - values[:, index:index + 1])
        good = np.isfinite(difference)
        distance = np.hypot(east[:, index + 1:] - east[:, index:index + 1],
                            north[:, index + 1:] - north[:, index:index + 1])
        good &= (distance > 0) & (distance <= longest)
        distances.append(distance[good])
        differences.append(difference[good])
    distance, difference = np.concatenate(distances), np.concatenate(differences)
    if not distance.size:
        return Variogram(*np.zeros((3, 0)))
    lag = np.floor(LAGS_PER_DOUBLING * np.log2(distance / cell) + 0.5).astype(np.int64)
    lag = np.maximum(lag, 0)
    order = np.argsort(lag, kind="stable")
    lag, distance, difference = lag[order], distance[order], difference[order]
    parts = np.split(np.arange(lag.size), np.flatnonzero(np.diff(lag)) + 1)
    parts = [np.s_[part[0]:part[-1] + 1] for part in parts if part.size >= LEAST_PAIRS]
    return Variogram(np.array([distance[part].mean() for part in parts]),
                     np.array([2.198 / 2 * np.median(difference[part]) ** 2 for part in parts]),
                     np.array([part.stop - part.start for part in parts], dtype=np.int64))


def fit_model(variogram: Variogram, most: int = 2, values: float = math.inf) -> VariogramModel | None:
    """The nested model of a nugget and up to `most` components that fits best; None where there is nothing to fit.

    Sills follow from ranges by non-negative least squares, so all combinations on a grid of ranges are
    compared, the best is refined, and each component must earn its place (Bayesian information criterion): a
    range that is not there would make a mean over an area look far less sure. For the same reason no component may
    be smaller than what chance makes of so many different `values`. Misfits count relative to gamma.
    """
    good = variogram.gamma > 0
    lags, gamma = variogram.lags[good], variogram.gamma[good]
    if lags.size < 4:
        return None
    weight = np.sqrt(np.minimum(variogram.pairs[good] / np.median(variogram.pairs[good]), 1.0)) / gamma
    best, score = None, math.inf
    for count in range(most + 1):
        forms, ranges, misfit = _grid_search(lags, gamma, weight, count)
        if count:
            ranges, misfit = _refine(forms, ranges, lags, gamma, weight)
        if _too_small(forms, ranges, lags, gamma, weight, values):
            continue
        criterion = (lags.size * math.log(max(misfit, 1e-12) / lags.size)
                     + (2 * count + 1) * math.log(lags.size))
        if criterion < score - (SUBSTANTIAL if best else 0.0):
            best, score = (forms, ranges), criterion
    forms, ranges = best
    sills, _ = _sills(_basis(forms, ranges, lags), gamma, weight)
    parts = tuple(Component(form, float(sill), float(reach))
                  for form, sill, reach in zip(forms, sills[1:], ranges) if sill > 0)
    parts = tuple(sorted(parts, key=lambda part: part.range))
    return VariogramModel(float(sills[0]), parts, all(part.range < 0.99 * lags[-1] for part in parts))


def _too_small(forms: tuple, ranges: tuple, lags, gamma, weight, values: float) -> bool:
    """Whether a component is less than three standard errors of a gamma of so many values, by Dowd's estimator."""
    sills, _ = _sills(_basis(forms, ranges, lags), gamma, weight)
    return bool(np.any(sills[1:] < 3 * DOWD_ERROR / math.sqrt(values) * sills.sum()))


def _shape(form: str, x: np.ndarray) -> np.ndarray:
    """From 0 at x = 0 to 1; x is distance over range."""
    if form == "spherical":
        x = np.minimum(x, 1.0)
        return 1.5 * x - 0.5 * x**3
    return 1.0 - np.exp(-3.0 * (x if form == "exponential" else x * x))


def _basis(forms: tuple, ranges: tuple, lags: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(lags.size), *(_shape(form, lags / reach) for form, reach in zip(forms, ranges))], axis=1)


def _sills(basis: np.ndarray, gamma: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Nugget and sills, none negative, and the sum of squared relative misfits."""
    from scipy.optimize import nnls

    sills, misfit = nnls(basis * weight[:, None], gamma * weight)
    return sills, misfit**2


def _grid_search(lags, gamma, weight, count: int) -> tuple:
    ranges = np.exp(np.linspace(math.log(lags[0]), math.log(lags[-1]), GRID_RANGES))
    columns = {(form, reach): _shape(form, lags / reach) for form in FORMS for reach in ranges}
    best = None
    for forms in itertools.combinations_with_replacement(FORMS, count):
        for chosen in itertools.combinations(ranges, count):
            basis = np.stack([np.ones(lags.size), *(columns[pair] for pair in zip(forms, chosen))], axis=1)
            _, misfit = _sills(basis, gamma, weight)
            if best is None or misfit < best[2]:
                best = forms, chosen, misfit
    return best


def _refine(forms: tuple, ranges: tuple, lags, gamma, weight) -> tuple:
    from scipy.optimize import minimize

    def misfit(logarithms):
        return _sills(_basis(forms, np.exp(logarithms), lags), gamma, weight)[1]

    limits = [(math.log(lags[0] / 2), math.log(lags[-1]))] * len(ranges)
    found = minimize(misfit, np.log(ranges), method="Nelder-Mead", bounds=limits,
                     options={"xatol": 1e-3, "fatol": 1e-9, "maxiter": 200})
    return tuple(np.exp(found.x)), float(found.fun)
