"""What every method returns, and the robust statistics that they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..statistics.robust import NORMAL_MAD as NMAD

TUKEY = 4.685  # 95 % efficient for Gaussian residuals (Huber & Ronchetti 2009)
SLOPE_GROUPS = 6
LOOK = 1_000  # residuals that a typical spread or centre is taken from
FAR = 1e9  # metres: a residual that weighs nothing
LATTICE = 24  # cells along a window's side
REACH = 0.5  # of a window's side: pairs further apart say nothing of correlation
TAPER = np.clip(2.0 - 2.0 / (REACH * LATTICE) * np.abs(np.arange(LATTICE)[:, None] - np.arange(LATTICE)), 0.0, 1.0)
TOLD = 5.0  # standard errors that the terrain's part in a direction must show,
AGREED = 0.6  # or this share of all products' sizes
NEIGHBOURS = 8  # cells along a line whose products are correlated
DEGENERATE = 1e7  # condition of a sensitivity beyond which rounding alone determines a shift
LONE = 0.55  # power of what exceeds twice: measured on single windows, 12 to 35 correlations wide (test_sigma.py)
SHORTFALL = 1.15**2  # what the fit itself has absorbed; measured on blocks of known truth (test_sigma.py)


@dataclass(frozen=True)
class Solution:
    """A shift (dx, dy, dz), metres to add to the secondary, and how well it is known.

    `sigma` (3,) in metres takes residuals as correlated over short distances only; times the root of `growth` (3,) it
    is honest about longer ones too (see `sandwich`). `law` is how its residuals scatter about zero (see `Precision`),
    where that has been found.
    """

    shift: np.ndarray
    sigma: np.ndarray
    growth: np.ndarray
    iterations: int
    converged: bool
    law: tuple | None = None

    @property
    def lone_sigma(self) -> np.ndarray:
        """The sigmas (m) of a window that stands alone, with no others to pool its growth with."""
        return self.sigma * np.sqrt(alone(self.growth))

    @classmethod
    def failed(cls, shift: np.ndarray, iterations: int) -> Solution:
        """No solution."""
        return cls(np.array(shift, dtype=float), np.full(3, np.inf), np.ones(3), iterations, False)


def alone(growth: np.ndarray) -> np.ndarray:
    """The growth that one window alone deserves: it has absorbed the more, the further correlation reaches."""
    return growth * np.maximum(growth / 2, 1.0) ** LONE


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

    `gradient2` (n,): the terrain's squared gradient beneath each residual. Some LOOK cells, in SLOPE_GROUPS groups of
    like slope, tell the typical scatter.
    """

    def __init__(self, gradient2: np.ndarray):
        self._gradient2 = gradient2

    @cached_property
    def _groups(self) -> np.ndarray:
        gradient2 = self._gradient2
        some = np.arange(0, gradient2.size, max(1, gradient2.size // LOOK))
        # Halves of the precision order as well, and by counting.
        some = some[np.argsort(_halves(gradient2.take(some)), kind="stable")]
        size = max(1, some.size // SLOPE_GROUPS)
        return some[:some.size // size * size].reshape(-1, size)

    @cached_property
    def _steepness(self) -> np.ndarray:
        return self._gradient2.take(self._groups)

    @cached_property
    def _typical(self) -> list[float]:
        return self._steepness.mean(axis=1, dtype=float).tolist()

    def law(self, residuals: np.ndarray) -> tuple[float, float]:
        """The (s0, s1) of the variance s0 + s1 gradient2, robustly fitted, neither negative; NaN is left out."""
        return self._law(residuals.take(self._groups))[0]

    def law_and_centre(self, residuals: np.ndarray) -> tuple[tuple[float, float], float]:
        """The law, and the residuals' robust centre; NaN is left out.

        The median alone would hold it towards one-sided outliers (ground that changed); a few weighted means do not.
        """
        seen = residuals.take(self._groups)
        (s0, s1), centre = self._law(seen)
        variance = s0 + s1 * self._steepness
        seen = np.where(np.isfinite(seen), seen, np.float32(FAR))
        for _ in range(3):
            weights = _tukey_over(seen - centre, variance)
            total = float(weights.sum())
            centre = float(np.einsum("ij,ij->", weights, seen)) / total if total > 0 else centre
        return (s0, s1), centre

    def _law(self, seen: np.ndarray) -> tuple[tuple[float, float], float]:
        """Of the residuals of the groups; and their median."""
        centre = median(seen)
        apart = np.sort(_halves(np.abs(seen - centre)), axis=1, kind="stable")
        counts = np.count_nonzero(apart < _INFINITE, axis=1)
        known = int(counts.sum())
        if not known:
            return (1.0, 0.0), centre
        rows = np.arange(len(apart))
        low, high = (_numbers(apart[rows, places]) for places in ((counts - 1) // 2, counts // 2))
        deviations = (NMAD * 0.5 * (low + high)).tolist()
        told = [(deviation, typical)
                for deviation, typical, count in zip(deviations, self._typical, counts.tolist()) if count]
        usual = sorted(deviation for deviation, _ in told)[len(told) // 2]
        floor = max(usual * 1e-3, 1e-6) ** 2
        if known < 60:
            return (max(usual**2, floor), 0.0), centre
        # Relative misfit: gentle and steep groups count alike, whatever their variance.
        precisions = [(deviation**-2.0, typical * deviation**-2.0) for deviation, typical in told if deviation > 0]
        if not precisions:
            return (floor, 0.0), centre
        s0, s1 = _not_negative(*zip(*precisions))
        return (max(s0, floor), s1), centre

    def variance(self, law: tuple) -> np.ndarray:
        """The variance at each cell by such a law."""
        s0, s1 = law
        return s0 + s1 * self._gradient2

    def weights(self, residuals: np.ndarray, law: tuple, centre: float) -> np.ndarray:
        """Tukey's weights about a centre, over the variance; NaN weighs nothing."""
        return _tukey_over(residuals - centre, self.variance(law))


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


def scatter(values: np.ndarray) -> float:
    """The NMAD of the numbers among some thousand values; NaN of none."""
    return NMAD * median(np.abs(values - median(values)))


def _not_negative(a: tuple, b: tuple) -> tuple[float, float]:
    """The s, t >= 0 of least squares s a + t b = 1."""
    aa, bb, ab = (sum(one * other for one, other in zip(*pair)) for pair in ((a, a), (b, b), (a, b)))
    a, b = sum(a), sum(b)
    determinant = aa * bb - ab * ab
    if determinant > 1e-12 * aa * bb:
        s, t = (bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant
        if min(s, t) >= 0:
            return s, t
    # Both sums are positive, so with one of them zero the other is not negative; the better of the two.
    alone, steep = a / aa, b / bb if bb > 0 else 0.0
    return (alone, 0.0) if a * alone >= b * steep else (0.0, steep)


@dataclass(frozen=True)
class Lattice:
    """Cells of a window gathered into LATTICE x LATTICE lattice cells, for what is correlated in space."""

    index: np.ndarray

    @classmethod
    def over(cls, rows: np.ndarray, cols: np.ndarray) -> Lattice:
        """The lattice over the cells' common extent."""
        def part(values):
            low, high = values.min(), values.max()
            return np.minimum((values - low) * LATTICE / max(high - low, 1.0), LATTICE - 1).astype(int)

        return cls(part(rows) * LATTICE + part(cols))

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """Sums of scores (n, k) over each lattice cell, `(LATTICE, LATTICE, k)`."""
        size = LATTICE * LATTICE
        return np.stack([np.bincount(self.index, column, size) for column in scores.T],
                        axis=1).reshape(LATTICE, LATTICE, -1)


def sensitivity(weighted: np.ndarray, other: np.ndarray) -> np.ndarray:
    """weighted^T other `(k, k)`, the derivative of the scores' sum; zero where noise alone may have made it.

    `other` (n, k) is the design from the other DEM: noise of one has nothing to do with noise of the other, so that in
    a direction which the terrain does not tell their products only scatter (a weak instrument; Stock & Yogo 2005).
    """
    one, two = (np.ascontiguousarray(values.T) for values in (weighted, other))
    total = np.einsum("in,jn->ij", one, two)
    sizes = [np.sqrt(np.einsum("in,in->i", values, values)) for values in (one, two)]
    if not np.isfinite(total).all() or not all((size > 0).all() for size in sizes):
        return np.zeros_like(total)
    vectors = np.linalg.svd(total / np.outer(*sizes))
    # The direction in which they are least alike. Neighbours share what a gradient is made of.
    products = (vectors[0][:, -1] / sizes[0]) @ one * ((vectors[2][-1] / sizes[1]) @ two)
    products = np.add.reduceat(products, np.arange(0, products.size, NEIGHBOURS))
    # A few cells that weigh most cannot show as many standard errors, but they agree.
    if products.sum() < min(TOLD * np.sqrt(products @ products), AGREED * np.abs(products).sum()):
        return np.zeros_like(total)
    return total


def sandwich(sensitivity: np.ndarray, scores: np.ndarray, lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of a shift from scores that are correlated in space: `(covariance, growth)`.

    `sensitivity` (k, k) is the derivative of the scores' sum by the parameters, `scores` (n, k) sum to zero at the
    solution. `covariance` takes scores as correlated within a lattice cell only; `growth` (k,) is the factor by which
    its diagonal grows when pairs of cells up to REACH of a window apart are counted too (Conley 1999, with the
    flat-topped weights of Politis & Romano 1995, corrected for the sum being held to zero). One window's
    growth is uncertain: pool it over windows.
    """
    sums = lattice.sums(scores)
    size = sums.shape[2]
    # Not those whose sum is not zero: a fit may be exact, as of a DEM and its copy.
    filled = np.bincount(lattice.index, minlength=LATTICE * LATTICE).reshape(LATTICE, LATTICE) > 0
    inverse = _inverse(sensitivity)
    if filled.sum() <= size or inverse is None:
        return np.full((size, size), np.inf), np.ones(size)
    flat = sums.reshape(-1, size)
    near = inverse @ (flat.T @ flat) @ inverse.T
    far = inverse @ _tapered(sums) @ inverse.T
    held = float(_tapered(filled[:, :, None].astype(float))[0, 0]) / filled.sum() ** 2
    growth = np.diag(far) / np.maximum(np.diag(near), 1e-300) / max(1.0 - held, 0.2)
    return near * SHORTFALL * filled.sum() / (filled.sum() - size), np.maximum(growth, 1.0)


def _inverse(sensitivity: np.ndarray) -> np.ndarray | None:
    """None where some direction is not told at all, as on a lake or a plane."""
    size = np.sqrt(np.abs(np.diag(sensitivity)))
    if not (size > 0).all():
        return None
    alike = sensitivity / np.outer(size, size)
    if not np.isfinite(alike).all():
        return None
    try:
        inverse = np.linalg.inv(alike)
    except np.linalg.LinAlgError:
        return None
    condition = np.abs(alike).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()
    return inverse / np.outer(size, size) if condition < DEGENERATE else None


def _tapered(sums: np.ndarray) -> np.ndarray:
    """Sum over pairs of lattice cells of their products, weighted by a flat-topped taper in each axis, `(k, k)`."""
    smoothed = TAPER @ (TAPER @ sums.reshape(LATTICE, -1)).reshape(sums.shape)
    size = sums.shape[2]
    return sums.reshape(-1, size).T @ smoothed.reshape(-1, size)
