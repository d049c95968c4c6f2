"""What residuals are worth: how they scatter where the terrain is steep, and about what; medians in no time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..statistics.robust import NORMAL_MAD as NMAD

TUKEY = 4.685  # 95 % efficient for Gaussian residuals (Huber & Ronchetti 2009)
SLOPE_GROUPS = 6
LOOK = 200  # residuals of a slope group that its typical spread is taken from
CENTRE = 1_000  # values: from so many a median is told that others lie about
FEW = 60  # residuals in all: fewer tell no more than one spread for all slopes
FAR = 1e9  # metres: a residual that weighs nothing


def tukey(standardised: np.ndarray) -> np.ndarray:
    """Tukey's biweight, 1 at 0 and 0 from 4.685 standard deviations; NaN weighs nothing."""
    inside = standardised * (1.0 / TUKEY)
    inside *= inside
    inside = np.subtract(1.0, inside, out=inside)
    inside = np.fmax(inside, 0.0, out=inside)
    inside *= inside
    return inside


class Precision:
    """What residuals are worth where their scatter grows with slope, as misfit and noise do (Hugonnet et al. 2022).

    `gradient2` (n,): the terrain's squared gradient beneath each residual, of one piece of ground or of several, one
    after the other, of `sizes`. Of each piece some cells, in SLOPE_GROUPS groups of like slope, tell the typical
    scatter: what is found for a piece does not depend on the others.
    """

    def __init__(self, gradient2: np.ndarray, sizes: Sequence[int] = ()):
        self._gradient2 = gradient2
        ends = np.cumsum([0, *(sizes or [gradient2.size])]).tolist()
        self._pieces = [slice(first, end) for first, end in zip(ends[:-1], ends[1:])]

    def laws(self, residuals: np.ndarray) -> np.ndarray:
        """The s0 and s1 of the variance s0 + s1 gradient2, `(2, pieces)`, robustly fitted, neither negative.

        NaN is left out.
        """
        return self._laws(self._seen(residuals))[0]

    def laws_and_centres(self, residuals: np.ndarray) -> np.ndarray:
        """The s0, the s1 and the residuals' robust centre, `(3, pieces)`; NaN is left out.

        The median alone would hold it towards one-sided outliers (ground that changed); a few weighted means do not.
        """
        seen = self._seen(residuals)
        laws, centres = self._laws(seen)
        s0, s1 = laws.astype(seen.dtype)[:, :, None, None]
        variance = s0 + s1 * self._steepness
        seen = np.where(np.isfinite(seen), seen, seen.dtype.type(FAR))
        for _ in range(3):
            weights = _tukey_over(seen - centres.astype(seen.dtype)[:, None, None], variance)
            totals = weights.sum(axis=(1, 2), dtype=float)
            weights *= seen
            sums = weights.sum(axis=(1, 2), dtype=float)
            np.divide(sums, totals, out=centres, where=totals > 0)
        return np.vstack([laws, centres])

    def variances(self, laws: np.ndarray) -> np.ndarray:
        """The variance at each cell (n,) by such laws."""
        variances = np.empty_like(self._gradient2)
        for piece, (s0, s1) in zip(self._pieces, laws[:2].T.tolist()):
            np.multiply(self._gradient2[piece], s1, out=variances[piece])
            variances[piece] += s0
        return variances

    def weights(self, residuals: np.ndarray, laws: np.ndarray) -> np.ndarray:
        """Tukey's weights about the centres, over the variances, by laws `(3, pieces)`; NaN weighs nothing."""
        away = np.empty_like(residuals)
        for piece, centre in zip(self._pieces, laws[2].tolist()):
            np.subtract(residuals[piece], centre, out=away[piece])
        return _tukey_over(away, self.variances(laws))

    @cached_property
    def _groups(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The cells that are looked at, `(pieces, groups, LOOK)`, and which of them do not exist, None if all do."""
        cells = np.zeros((len(self._pieces), SLOPE_GROUPS, LOOK), dtype=np.intp)
        missing = np.ones(cells.shape, dtype=bool)
        for place, piece in enumerate(self._pieces):
            size = piece.stop - piece.start
            count = min(LOOK, -(-size // SLOPE_GROUPS))
            some = np.arange(count * SLOPE_GROUPS) * size // max(count * SLOPE_GROUPS, 1) + piece.start
            # Halves of the precision order as well, and by counting.
            some = some[np.argsort(_halves(self._gradient2.take(some)), kind="stable")]
            cells[place, :, :count], missing[place, :, :count] = some.reshape(SLOPE_GROUPS, count), False
        return cells, missing if missing.any() else None

    @cached_property
    def _steepness(self) -> np.ndarray:
        cells, missing = self._groups
        steepness = self._gradient2.take(cells)
        if missing is not None:
            steepness[missing] = 0.0
        return steepness

    @cached_property
    def _typical(self) -> np.ndarray:
        missing = self._groups[1]
        counts = LOOK if missing is None else np.maximum(LOOK - np.count_nonzero(missing, axis=2), 1)
        return self._steepness.sum(axis=2, dtype=float) / counts

    def _seen(self, residuals: np.ndarray) -> np.ndarray:
        cells, missing = self._groups
        seen = residuals.take(cells)
        if missing is not None:
            seen[missing] = np.nan
        return seen

    def _laws(self, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the residuals of the groups; and their medians (pieces,)."""
        centres = np.array([median(piece) for piece in seen])
        apart = np.sort(_halves(np.abs(seen - centres.astype(seen.dtype)[:, None, None])), axis=2, kind="stable")
        counts = np.count_nonzero(apart < _INFINITE, axis=2)
        ranked = apart.reshape(-1, LOOK)[np.arange(counts.size), [(counts.ravel() - 1) // 2, counts.ravel() // 2]]
        deviations = NMAD * 0.5 * _numbers(ranked).sum(axis=0).reshape(counts.shape)
        known, groups = counts.sum(axis=1), np.count_nonzero(counts, axis=1)
        ranked = np.sort(np.where(counts > 0, deviations, np.inf), axis=1)
        usual = np.where(known > 0, ranked[np.arange(len(ranked)), groups // 2], 1.0)
        floor = np.maximum(usual * 1e-3, 1e-6) ** 2
        # Relative misfit: gentle and steep groups count alike, whatever their variance.
        told = (counts > 0) & (deviations > 0)
        precisions = np.zeros_like(deviations)
        np.power(deviations, -2.0, out=precisions, where=told)
        s0, s1 = _not_negative(precisions, self._typical * precisions)
        exact, few = ~told.any(axis=1), known < FEW
        s0 = np.where(few, usual**2, np.where(exact, 0.0, s0))
        return np.stack([np.where(known > 0, np.maximum(s0, floor), 1.0), np.where(few | exact, 0.0, s1)]), centres


def _tukey_over(away: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Tukey's biweight of numbers that scatter with such a variance, over the variance; uses up `away`."""
    away *= away
    away /= variance
    away *= -1.0 / TUKEY**2
    away += 1.0
    np.fmax(away, 0.0, out=away)
    away *= away
    away /= variance
    return away


def _not_negative(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The s, t >= 0 of least squares s a + t b = 1, of each row; anything where a row is zero."""
    both = np.stack([a, b])
    (aa, ab), (_, bb) = np.einsum("irg,jrg->ijr", both, both)
    a, b = both.sum(axis=2)
    determinant = aa * bb - ab * ab
    with np.errstate(divide="ignore", invalid="ignore"):
        s, t = (bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant
        alone, steep = a / aa, np.where(bb > 0, b / bb, 0.0)
    told = (determinant > 1e-12 * aa * bb) & (s >= 0) & (t >= 0)
    # Both sums are positive, so with one of them zero the other is not negative; the better of the two.
    level = a * alone >= b * steep
    return np.where(told, s, np.where(level, alone, 0.0)), np.where(told, t, np.where(level, 0.0, steep))


def median(values: np.ndarray) -> float:
    """The median of the numbers among values, to a two-thousandth of itself; NaN of none.

    Numbers of half the precision are sorted by counting, in a fraction of the time.
    """
    ranked = _halves(values).ravel()
    # Of numbers below zero the larger has the lower bits.
    ranked ^= (ranked >> 15) & _LOWER
    ranked.sort(kind="stable")
    # What is no number lies beyond both ends.
    first, end = ranked.searchsorted(_LEAST), ranked.searchsorted(_INFINITE, "right")
    if first == end:
        return np.nan
    low, high = _numbers(ranked[[(first + end - 1) // 2, (first + end) // 2]]).tolist()
    return 0.5 * (low + high)


def scatter(values: np.ndarray) -> float:
    """The NMAD of the numbers among some thousand values; NaN of none."""
    # Where a median is a little off, half of the values still lie as far from it.
    return NMAD * median(np.abs(values - median(values[::max(1, values.size // CENTRE)])))


_LOWER = np.int16(0x7FFF)
_INFINITE = np.float16(np.inf).view(np.int16)
_LEAST = np.float16(-np.inf).view(np.int16) ^ _LOWER


def _halves(numbers: np.ndarray) -> np.ndarray:
    """The bits of numbers in half precision, which rise with numbers from zero on; what is too large is infinite."""
    with np.errstate(over="ignore"):
        return numbers.astype(np.float16).view(np.int16)


def _numbers(ranked: np.ndarray) -> np.ndarray:
    """The numbers that such bits are, those below zero with their lower bits turned round."""
    return (ranked ^ ((ranked >> 15) & _LOWER)).view(np.float16).astype(float)
