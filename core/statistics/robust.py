"""The numbers by which DEMs are judged, each under its definition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pieces import SCRATCH, pieces

NORMAL_MAD = 1.4826
OUTLIER_LIMIT = 3.0
UNIT_BITS = 1074  # the smallest float64 is 2**-1074


@dataclass(frozen=True)
class Definition:
    """A statistic as it is named, defined and given: `key` is its field in Summary, `unit` "m", "%" or ""."""

    key: str
    label: str
    text: str
    unit: str = "m"


DEFINITIONS = (
    Definition("count", "Count", "number of differences dh", ""),
    Definition("median", "Median", "median(dh)"),
    Definition("mean", "Mean", "sum(dh) / n"),
    Definition("std", "STD", "standard deviation, sqrt(sum((dh - mean)²) / n)"),
    Definition("nmad", "NMAD", "1.4826 · median(|dh - median(dh)|) (Höhle and Höhle 2009)"),
    Definition("rmse", "RMSE", "sqrt(sum(dh²) / n), about zero"),
    Definition("mae", "MAE", "sum(|dh|) / n, about zero"),
    Definition("p68", "P68", "68th percentile of |dh|"),
    Definition("le90", "LE90 (P90)", "90th percentile of |dh|: the textbook linear error, 1.645 σ if normal"),
    Definition("le95", "LE95 (P95)", "95th percentile of |dh|: the textbook linear error, 1.960 σ if normal"),
    Definition("le90_width", "LE90, full width",
               "95th - 5th percentile of dh (geoutils' linear error), 3.290 σ if normal"),
    Definition("le95_width", "LE95, full width",
               "97.5th - 2.5th percentile of dh (geoutils' linear error), 3.920 σ if normal"),
    Definition("le90_about_mean", "LE90 about the mean",
               "90th percentile of |dh - mean| (demcompare), 1.645 σ if normal"),
    Definition("le95_about_mean", "LE95 about the mean",
               "95th percentile of |dh - mean| (as demcompare's LE90), 1.960 σ if normal"),
    Definition("skewness", "Skewness", "sum((dh - mean)³) / (n · STD³); 0 if symmetric", ""),
    Definition("outliers", "Outliers", "share of dh with |dh - median| > 3 NMAD; 0.27 % if normal", "%"),
)


@dataclass(frozen=True)
class Summary:
    """The statistics of DEFINITIONS in their units; NaN where unknown."""

    count: int
    median: float = math.nan
    mean: float = math.nan
    std: float = math.nan
    nmad: float = math.nan
    rmse: float = math.nan
    mae: float = math.nan
    p68: float = math.nan
    le90: float = math.nan
    le95: float = math.nan
    le90_width: float = math.nan
    le95_width: float = math.nan
    le90_about_mean: float = math.nan
    le95_about_mean: float = math.nan
    skewness: float = math.nan
    outliers: float = math.nan


@dataclass(frozen=True)
class Moments:
    """Sums of powers as integers, in units of 2**-UNIT_BITS: adding them up is exact, so no order of blocks
    changes a digit."""

    count: int = 0
    first: int = 0
    second: int = 0
    third: int = 0
    absolute: int = 0

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """The sums of finite `values`, taken in float64."""
        sums = np.array([_sums(piece) for piece in pieces(values)]).reshape(-1, 4)
        return cls(np.size(values), *(_whole(math.fsum(column)) for column in sums.T))

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.first + other.first, self.second + other.second,
                       self.third + other.third, self.absolute + other.absolute)

    def _means(self) -> list:
        from fractions import Fraction

        return [Fraction(part, self.count << UNIT_BITS)
                for part in (self.first, self.second, self.third, self.absolute)]

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return float(self._means()[0])

    @property
    def mean_square(self) -> float:
        """The mean of the squares."""
        return float(self._means()[1])

    @property
    def mean_absolute(self) -> float:
        """The mean of the absolute values."""
        return float(self._means()[3])

    @property
    def variance(self) -> float:
        """The mean square distance from the mean, never negative."""
        mean, square, _, _ = self._means()
        return float(max(square - mean * mean, 0))

    @property
    def skewness(self) -> float:
        """The third central moment over the variance to the power 1.5; NaN for a constant."""
        variance = self.variance
        if variance == 0:
            return math.nan
        mean, square, cube, _ = self._means()
        return float(cube - 3 * mean * square + 2 * mean**3) / variance**1.5


def _sums(piece: np.ndarray) -> tuple:
    """The sums of the values, their squares, their cubes and their absolute values."""
    values, power = SCRATCH.double[:piece.size], SCRATCH.power[:piece.size]
    np.copyto(values, piece)
    first, second = np.einsum("i->", values), np.einsum("i->", np.multiply(values, values, out=power))
    third = np.einsum("i->", np.multiply(power, values, out=power))
    return first, second, third, np.einsum("i->", np.abs(values, out=values))


def _whole(value: float) -> int:
    """A float64 as an integer number of 2**-UNIT_BITS."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (UNIT_BITS + 1 - denominator.bit_length())


def finite(values: np.ndarray) -> np.ndarray:
    """The finite values, flat."""
    values = np.asarray(values).ravel()
    if np.isfinite(np.dot(values, values)):  # the quickest way to see that there is no void
        return values
    return values[np.isfinite(values)]


def nmad(values: np.ndarray) -> float:
    """The normalised median absolute deviation, 1.4826 median(|v - median(v)|).

    Voids (NaN) are left out; NaN without values. Höhle and Höhle 2009, doi 10.1016/j.isprsjprs.2009.02.003.
    """
    values = finite(values)
    return float(NORMAL_MAD * np.median(np.abs(values - np.median(values)))) if values.size else math.nan


def summarize(dh: np.ndarray) -> Summary:
    """The exact statistics of an array of any shape, NaN left out; for large rasters see `streaming`."""
    values = finite(dh).astype(np.float64)
    return summarize_weighted(values, np.ones(values.size, dtype=np.int64), Moments.of(values))


def summarize_weighted(values: np.ndarray, counts: np.ndarray, moments: Moments) -> Summary:
    """The statistics of `values` (float64, any order) that occur `counts` times and have these `moments`."""
    if moments.count == 0:
        return Summary(0)
    order = np.argsort(values, kind="stable")  # nearly sorted already: fast
    values, counts = values[order], counts[order]
    (median,) = quantiles(values, counts, (0.5,))
    deviation = np.abs(values - median)
    spread = NORMAL_MAD * quantiles(deviation, counts, (0.5,))[0]
    p68, le90, le95 = quantiles(np.abs(values), counts, (0.68, 0.90, 0.95))
    p2, p5, p95, p97 = quantiles(values, counts, (0.025, 0.05, 0.95, 0.975))
    mean = moments.mean
    about90, about95 = quantiles(np.abs(values - mean), counts, (0.90, 0.95))
    return Summary(
        count=moments.count, median=median, mean=mean, std=math.sqrt(moments.variance), nmad=spread,
        rmse=math.sqrt(moments.mean_square), mae=moments.mean_absolute,
        p68=p68, le90=le90, le95=le95, le90_width=p95 - p5, le95_width=p97 - p2,
        le90_about_mean=about90, le95_about_mean=about95, skewness=moments.skewness,
        outliers=100.0 * float(counts[deviation > OUTLIER_LIMIT * spread].sum()) / moments.count,
    )


def quantiles(values: np.ndarray, counts: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Quantiles of `values` that occur `counts` times; linear between two values, as numpy's default."""
    order = np.argsort(values, kind="stable")
    values, total = values[order], np.cumsum(counts[order])
    rank = np.asarray(shares) * (total[-1] - 1)
    below, above = (values[np.searchsorted(total, edge, side="right")]
                    for edge in (np.floor(rank), np.ceil(rank)))
    return [float(value) for value in below + (above - below) * (rank - np.floor(rank))]
