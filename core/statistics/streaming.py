"""The same statistics for rasters of any size: two passes, constant memory, whatever the order of the blocks.

A float32's bits, read as an integer, sort like the number. The first pass (`Sketch`) counts values by the
upper 16 of them, 128 bins to each power of two. That brackets every order statistic; the second pass
(`Refined`) splits only the bins inside the brackets, down to single float32 values where few are needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .robust import NORMAL_MAD, OUTLIER_LIMIT, Moments, Summary, finite, quantiles, summarize_weighted

COARSE_BITS = 16
FINE_BINS = 1 << 18
SIGN = np.uint32(1 << 31)
LOWER = np.uint32((1 << COARSE_BITS) - 1)


class Sketch:
    """First pass over values (metres): `add` every block, then `refine`."""

    def __init__(self):
        self.counts = np.zeros(1 << COARSE_BITS, dtype=np.int64)
        self.moments = Moments()

    def add(self, values: np.ndarray) -> None:
        """Count a block; voids (NaN) are left out."""
        values = finite(values).astype(np.float32, copy=False)
        if values.size:
            self.counts += np.bincount(_keys(values) >> COARSE_BITS, minlength=self.counts.size)
            self.moments = self.moments + Moments.of(values)

    def merge(self, other: Sketch) -> None:
        """Take in what another sketch has counted."""
        self.counts += other.counts
        self.moments = self.moments + other.moments

    def weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """The middle of each occupied bin and its count: a first look, good to about 0.4 % of a value."""
        bins = np.flatnonzero(self.counts)
        low, high = _range(bins, COARSE_BITS)
        return (low + high) / 2, self.counts[bins]

    def refine(self) -> Refined:
        """The second pass."""
        return Refined(self)


class Refined:
    """Second pass over the same values: `add` every block again, then `summary`."""

    def __init__(self, sketch: Sketch):
        self._sketch = sketch
        self._bins = _wanted(sketch)
        self.bits = _bits_for(self._bins.size)
        self._start = np.full(1 << COARSE_BITS, -1, dtype=np.int32)
        self._start[self._bins] = np.arange(self._bins.size) << self.bits
        self.counts = np.zeros(self._bins.size << self.bits, dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count a block; voids (NaN) are left out."""
        keys = _keys(finite(values).astype(np.float32, copy=False))
        start = self._start[keys >> COARSE_BITS]
        inside = np.flatnonzero(start >= 0)
        fine = (keys[inside] & LOWER) >> np.uint32(COARSE_BITS - self.bits)
        self.counts += np.bincount(start[inside] + fine.astype(np.int32), minlength=self.counts.size)

    def merge(self, other: Refined) -> None:
        """Take in what another second pass, of the same sketch, has counted."""
        self.counts += other.counts

    def summary(self) -> Summary:
        """The statistics, within a ten-thousandth of those of `robust.summarize`, mostly much closer."""
        return summarize_weighted(*self._weighted(), self._sketch.moments)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Quantiles, good to 0.4 % of their value, and those of the summary as there; NaN without values."""
        values, counts = self._weighted()
        return quantiles(values, counts, shares) if values.size else [math.nan] * len(shares)

    def _weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """The middle of each occupied bin, coarse or fine, and its count."""
        coarse = self._sketch.counts.copy()
        coarse[self._bins] = 0
        rough, fine = np.flatnonzero(coarse), np.flatnonzero(self.counts)
        prefix = (self._bins[fine >> self.bits] << self.bits) + (fine & ((1 << self.bits) - 1))
        parts = _range(rough, COARSE_BITS), _range(prefix, COARSE_BITS + self.bits)
        values = np.concatenate([(low + high) / 2 for low, high in parts])
        return values, np.concatenate([coarse[rough], self.counts[fine]])


def _keys(values: np.ndarray) -> np.ndarray:
    """float32 as uint32 in the same order: negative numbers inverted, the others with the sign bit set."""
    bits = np.ascontiguousarray(values)
    return bits.view(np.uint32) ^ ((bits.view(np.int32) >> 31).view(np.uint32) | SIGN)


def _range(prefix: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest float32 (as float64) whose key starts with `prefix`, of so many bits."""
    rest = 32 - bits
    low = (np.asarray(prefix, dtype=np.int64) << rest).astype(np.uint32)
    return _number(low), _number(low | np.uint32((1 << rest) - 1))


def _number(keys: np.ndarray) -> np.ndarray:
    bits = np.where(keys & SIGN, keys ^ SIGN, ~keys)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def _bits_for(bins: int) -> int:
    """How finely `bins` bins can be split within FINE_BINS; 16 bits are single numbers."""
    bits = COARSE_BITS
    while bits > 0 and bins << bits > FINE_BINS:
        bits -= 1
    return bits


def _wanted(sketch: Sketch) -> np.ndarray:
    """The occupied bins that hold, or may hold, an order statistic of the summary."""
    bins = np.flatnonzero(sketch.counts)
    if not bins.size:
        return bins
    counts = sketch.counts[bins]
    low, high = _range(bins, COARSE_BITS)
    wanted = np.zeros(bins.size, dtype=bool)

    def bracket(least, greatest, share):
        """Mark what may hold a quantile of numbers known to lie in [least, greatest]; its own bounds."""
        bounds = (_order_statistic(least, counts, share, np.floor),
                  _order_statistic(greatest, counts, share, np.ceil))
        wanted[(greatest >= bounds[0]) & (least <= bounds[1])] = True
        return bounds

    median = bracket(low, high, 0.5)
    for share in (0.025, 0.05, 0.95, 0.975):
        bracket(low, high, share)
    for share in (0.68, 0.90, 0.95):
        bracket(*_distance(low, high, 0.0, 0.0), share)
    for share in (0.90, 0.95):
        bracket(*_distance(low, high, sketch.moments.mean, sketch.moments.mean), share)
    least, greatest = _distance(low, high, *median)
    limit = [OUTLIER_LIMIT * NORMAL_MAD * bound for bound in bracket(least, greatest, 0.5)]
    wanted[(greatest >= limit[0]) & (least <= limit[1])] = True
    return bins[wanted]


def _distance(low, high, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest |v - c| for v in [low, high] and c in [first, last]."""
    least = np.maximum(np.maximum(low - last, first - high), 0.0)
    return least, np.maximum(high - first, last - low)


def _order_statistic(values, counts, share: float, rounding) -> float:
    order = np.argsort(values)
    total = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(total, rounding(share * (total[-1] - 1)), side="right")])
