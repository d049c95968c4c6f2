"""The same statistics for rasters of any size: two passes, constant memory, whatever the order of the blocks.

Threads may add blocks to one sketch at a time: what they add up is whole numbers, so no order changes a bit.

The first pass (`Sketch`) counts values in narrow bins of one width around the bulk, as a sample shows it, and in
wide ones that grow with the value beyond. That brackets every order statistic; the second pass (`Refined`) keeps
the values of the bins inside the brackets, or splits those bins where the values are many.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .pieces import SCRATCH, pieces
from .robust import NORMAL_MAD, OUTLIER_LIMIT, Moments, Summary, finite, quantiles, summarize_weighted

BULK_BINS = 1 << 14
TAIL_BITS = 12
BINS = BULK_BINS + (1 << TAIL_BITS)
RESOLUTION = 4e-6  # metres: how wide the parts of a bin are,
FEWEST = 128  # or narrower, for values that hardly differ,
FINE_BINS = 1 << 18  # or wider, for no more parts than this in all,
ROUGH_BINS = 1 << 16  # or than this where cells are only counted
KEPT_VALUES = 1 << 16
SIGN = np.uint32(1 << 31)
# As bits, a negative float32, one beyond the bulk, and no number are all greater than what lies in the bulk.
BEYOND = np.float32(BULK_BINS).view(np.uint32)
# A float32 position in the bulk is good to 0.004 of a bin.
SLACK = 0.01


@dataclass(frozen=True)
class Bins:
    """BULK_BINS bins of equal width (m) from `start`, and after them the tails' bins for all beyond.

    Those are told by the leading TAIL_BITS of a float32, eight bins to each power of two.
    """

    start: float
    width: float

    @classmethod
    def around(cls, sample: np.ndarray) -> Bins:
        """Bins for values (m) like those of a sample; with any other they only cost more memory or digits."""
        sample = finite(sample)
        low, high = np.percentile(sample, (1.0, 99.0)) if sample.size else (-1.0, 1.0)
        reach = max(high - low, 1e-3 * max(abs(low), abs(high), 1e-3))
        return cls(float(low - reach / 2), float((high - low + reach) / BULK_BINS))

    def place(self, values: np.ndarray) -> np.ndarray:
        """The bin of each of up to PIECE values (float32), in scratch memory; of NaN one that no number has."""
        position = self._position(values)
        beyond = np.flatnonzero(position.view(np.uint32) >= BEYOND)
        position[beyond] = 0
        place = _whole(position)
        place[beyond] = BULK_BINS + _tail_place(values[beyond])
        return place

    def look_up(self, marks: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The mark (BULK_BINS,) of each of up to PIECE values, faster than by `place`: beyond the bulk any end's."""
        with np.errstate(invalid="ignore"):
            return np.take(marks, _whole(self._position(values)), mode="clip")

    def _position(self, values: np.ndarray) -> np.ndarray:
        position = SCRATCH.single[:values.size]
        with np.errstate(over="ignore"):
            np.subtract(values, np.float32(self.start), out=position)
            return np.multiply(position, np.float32(1.0 / self.width), out=position)

    def range(self, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest value of bins."""
        bins = np.asarray(bins)
        low = float(np.float32(self.start)) + bins * self.width
        high = low + self.width
        tail = bins >= BULK_BINS
        low[tail], high[tail] = _tail_range(bins[tail] - BULK_BINS)
        return low, high


class Sketch:
    """First pass over values (metres): `add` every block, then `refine`."""

    def __init__(self, bins: Bins):
        self.bins = bins
        self.counts = np.zeros(BINS, dtype=np.int64)
        self.moments = Moments()
        self._lock = threading.Lock()

    def add(self, values: np.ndarray) -> None:
        """Count a block; voids (NaN) are left out."""
        for piece in map(finite, pieces(_single(values))):
            counts, moments = np.bincount(self.bins.place(piece), minlength=BINS), Moments.of(piece)
            with self._lock:
                self.counts += counts
                self.moments = self.moments + moments

    def weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """The middle of each occupied bin and its count: a first look, good to a bin's width."""
        bins = np.flatnonzero(self.counts)
        low, high = self.bins.range(bins)
        return (low + high) / 2, self.counts[bins]

    def refine(self) -> Refined:
        """The second pass."""
        return Refined(self)


class Refined:
    """Second pass over the same values: `add` every block again, then `summary`."""

    def __init__(self, sketch: Sketch):
        self._sketch = sketch
        self._lock = threading.Lock()
        self._wanted, exact = _wanted(sketch)
        self._row = np.full(BINS, -1, dtype=np.intp)
        self._row[self._wanted] = np.arange(self._wanted.size)
        self._marks = self._row[:BULK_BINS] >= 0
        self._marks[[0, -1]] |= (self._row[BULK_BINS:] >= 0).any()
        self._low, high = sketch.bins.range(self._wanted)
        self._width = high - self._low
        most = np.where(exact, FINE_BINS, ROUGH_BINS) // max(1, self._wanted.size)
        parts = np.maximum(np.ceil(self._width / RESOLUTION), FEWEST)
        self._parts = np.maximum(np.minimum(parts, most), 1).astype(np.intp)
        self._first = np.cumsum(self._parts) - self._parts
        self._near: list = []
        self._waiting = 0
        self._kept: list = []
        self._keeps = sketch.counts[self._wanted].sum() <= KEPT_VALUES
        self.counts = np.zeros(0 if self._keeps else self._parts.sum(), dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count a block; voids (NaN) are left out."""
        for piece in pieces(_single(values)):
            # A void looks like an end of the bulk.
            near = finite(piece[np.flatnonzero(self._sketch.bins.look_up(self._marks, piece))])
            with self._lock:
                self._near.append(near)
                self._waiting += near.size
                if self._waiting > KEPT_VALUES:
                    self._sort_out()

    def _sort_out(self) -> None:
        """Keep of the values seen what lies in wanted bins, or count it in parts of these where it is too much."""
        for values in pieces(np.concatenate([np.empty(0, dtype=np.float32), *self._near])):
            row = self._row[self._sketch.bins.place(values)]
            wanted = row >= 0
            values, row = values[wanted], row[wanted]
            if self._keeps:
                self._kept.append(values)
                continue
            part = (values - self._low[row]) * (self._parts / self._width)[row]
            part = np.minimum(np.maximum(part, 0).astype(np.intp), self._parts[row] - 1)
            self.counts += np.bincount(self._first[row] + part, minlength=self.counts.size)
        self._near, self._waiting = [], 0

    def summary(self) -> Summary:
        """The statistics of `robust.summarize`, to RESOLUTION or 2e-8 of the bulk's width, whichever is more."""
        return summarize_weighted(*self._weighted(), self._sketch.moments)

    def quantiles(self, shares: Sequence[float]) -> list[float]:
        """Quantiles, good to a bin's width, and those of the summary as there; NaN without values."""
        values, counts = self._weighted()
        return quantiles(values, counts, shares) if values.size else [math.nan] * len(shares)

    def _weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """The middle of each occupied bin, coarse or fine, and its count; single values where few are kept."""
        self._sort_out()
        coarse = self._sketch.counts.copy()
        coarse[self._wanted] = 0
        rough = np.flatnonzero(coarse)
        low, high = self._sketch.bins.range(rough)
        values, counts = [(low + high) / 2], [coarse[rough]]
        fine = np.flatnonzero(self.counts)
        row = np.searchsorted(self._first, fine, side="right") - 1
        middle = self._low[row] + self._width[row] * ((fine - self._first[row] + 0.5) / self._parts[row])
        values.append(middle.astype(np.float32))  # where a part holds but one number, that number
        counts.append(self.counts[fine])
        kept = np.concatenate([np.empty(0), *self._kept])
        return np.concatenate([*values, kept]), np.concatenate([*counts, np.ones(kept.size, dtype=np.int64)])


def _single(values: np.ndarray) -> np.ndarray:
    return np.asarray(values).astype(np.float32, copy=False)


def _whole(position: np.ndarray) -> np.ndarray:
    """Positions as whole numbers in scratch memory, towards zero, negative ones as very large."""
    # Two steps that processors have instructions for take half the time of one that they have not.
    short, whole = SCRATCH.short[:position.size], SCRATCH.whole[:position.size]
    np.copyto(short, position, casting="unsafe")
    np.copyto(whole, short.view(np.uint32), casting="unsafe")
    return whole


def _tail_place(values: np.ndarray) -> np.ndarray:
    """Leading bits of float32, in the order of the numbers: negative ones inverted, the others with the sign set."""
    bits = np.ascontiguousarray(values)
    keys = bits.view(np.uint32) ^ ((bits.view(np.int32) >> 31).view(np.uint32) | SIGN)
    return (keys >> np.uint32(32 - TAIL_BITS)).astype(np.int64)


def _tail_range(prefix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest float32 (as float64) whose key starts with `prefix`."""
    rest = 32 - TAIL_BITS
    low = (np.asarray(prefix, dtype=np.int64) << rest).astype(np.uint32)
    return _number(low), _number(low | np.uint32((1 << rest) - 1))


def _number(keys: np.ndarray) -> np.ndarray:
    bits = np.where(keys & SIGN, keys ^ SIGN, ~keys)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def _wanted(sketch: Sketch) -> tuple[np.ndarray, np.ndarray]:
    """The occupied bins that hold, or may hold, an order statistic of the summary or the limit of its outliers.

    The second array tells the former from those in which cells are only counted.
    """
    bins = np.flatnonzero(sketch.counts)
    if not bins.size:
        return bins, np.zeros(0, dtype=bool)
    counts = sketch.counts[bins]
    low, high = sketch.bins.range(bins)
    slack = SLACK * sketch.bins.width
    low, high = low - slack, high + slack
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
    counted = (greatest >= limit[0]) & (least <= limit[1])
    return bins[wanted | counted], wanted[wanted | counted]


def _distance(low, high, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest |v - c| for v in [low, high] and c in [first, last]."""
    least = np.maximum(np.maximum(low - last, first - high), 0.0)
    return least, np.maximum(high - first, last - low)


def _order_statistic(values, counts, share: float, rounding) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(counts[order])
    return float(values[order][np.searchsorted(total, rounding(share * (total[-1] - 1)), side="right")])
