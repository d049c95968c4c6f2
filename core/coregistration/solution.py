"""What every method returns, and how well a shift is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


@dataclass(frozen=True)
class Lattice:
    """Cells gathered into LATTICE x LATTICE lattice cells, for what is correlated in space.

    `index` (n,): in which of them each lies; of several windows one after the other, `windows` of them.
    """

    index: np.ndarray
    windows: int = 1

    @classmethod
    def over(cls, rows: np.ndarray, cols: np.ndarray, known=slice(None)) -> Lattice:
        """The lattice over the common extent of the cells, or of those of them that are `known` (n,)."""
        return cls(lattice_parts(rows, rows[known]) * LATTICE + lattice_parts(cols, cols[known]))

    @classmethod
    def joined(cls, lattices: list[Lattice]) -> Lattice:
        """Those of several windows."""
        return cls(np.concatenate([each.index + k * LATTICE**2 for k, each in enumerate(lattices)]), len(lattices))

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """Sums of scores (k, n) over each lattice cell, `(windows, LATTICE, LATTICE, k)`."""
        size = self.windows * LATTICE**2
        return np.stack([np.bincount(self.index, row, size) for row in scores],
                        axis=1).reshape(self.windows, LATTICE, LATTICE, -1)


def lattice_parts(places: np.ndarray, extent: np.ndarray) -> np.ndarray:
    """In which of LATTICE parts of the `extent` of some places along an axis each of `places` lies, or lies next to."""
    low, high = extent.min(), extent.max()
    return np.clip((places - low) * LATTICE / max(high - low, 1.0), 0, LATTICE - 1).astype(int)


def sensitivity(weighted: np.ndarray, other: np.ndarray) -> np.ndarray:
    """weighted^T other `(k, k)`, the derivative of the scores' sum; zero where noise alone may have made it.

    `other` (n, k) is the design from the other DEM: noise of one has nothing to do with noise of the other, so that in
    a direction which the terrain does not tell their products only scatter (a weak instrument; Stock & Yogo 2005).
    """
    return sensitivities(*(np.ascontiguousarray(values.T) for values in (weighted, other)), [len(other)])[0]


def sensitivities(weighted: np.ndarray, other: np.ndarray, sizes: list[int]) -> np.ndarray:
    """The `sensitivity` of each of several windows, `(windows, k, k)`, whose cells stand one after the other.

    `weighted`, `other` (k, n): of `sizes` cells of each window.
    """
    ends = np.cumsum([0, *sizes]).tolist()
    totals, lengths = np.empty((len(sizes), len(other), len(other))), np.empty((2, len(sizes), len(other)))
    for place, (first, end) in enumerate(zip(ends[:-1], ends[1:])):
        one, two = weighted[:, first:end], other[:, first:end]
        # Not by BLAS: QGIS brings its own, whose sums of float32 are poorer and have other bits.
        totals[place] = np.einsum("in,jn->ij", one, two)
        lengths[:, place] = np.einsum("in,in->i", one, one), np.einsum("in,in->i", two, two)
    lengths = np.sqrt(lengths)
    told = np.isfinite(totals).all(axis=(1, 2)) & (lengths > 0).all(axis=(0, 2))
    totals[~told], lengths[:, ~told] = 0.0, 1.0
    left, _, right = np.linalg.svd(totals / (lengths[0, :, :, None] * lengths[1, :, None]))
    left, right = ((each / length).astype(weighted.dtype)
                   for each, length in ((left[:, :, -1], lengths[0]), (right[:, -1], lengths[1])))
    for place in np.flatnonzero(told):
        cells = slice(ends[place], ends[place + 1])
        # The direction in which they are least alike. Neighbours share what a gradient is made of.
        products = (np.einsum("i,in->n", left[place], weighted[:, cells])
                    * np.einsum("i,in->n", right[place], other[:, cells]))
        products = np.add.reduceat(products, np.arange(0, products.size, NEIGHBOURS))
        # A few cells that weigh most cannot show as many standard errors, but they agree.
        if products.sum() < min(TOLD * np.sqrt((products**2).sum()), AGREED * np.abs(products).sum()):
            totals[place] = 0.0
    return totals


def sandwich(sensitivity: np.ndarray, scores: np.ndarray, lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of a shift from scores that are correlated in space: `(covariance, growth)`.

    `sensitivity` (k, k) is the derivative of the scores' sum by the parameters, `scores` (n, k) sum to zero at the
    solution. `covariance` takes scores as correlated within a lattice cell only; `growth` (k,) is the factor by which
    its diagonal grows when pairs of cells up to REACH of a window apart are counted too (Conley 1999, with the
    flat-topped weights of Politis & Romano 1995, corrected for the sum being held to zero). One window's
    growth is uncertain: pool it over windows.
    """
    covariance, growth = sandwiches(sensitivity[None], scores.T, np.ones(len(scores), dtype=bool), lattice)
    return covariance[0], growth[0]


def sandwiches(sensitivities: np.ndarray, scores: np.ndarray, known: np.ndarray,
               lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    """The `sandwich` of each window of a lattice: `(covariances (windows, k, k), growths (windows, k))`.

    `scores` (k, n) are zero where they are not `known` (n,).
    """
    sums, size = lattice.sums(scores), len(scores)
    # Not those whose sum is not zero: a fit may be exact, as of a DEM and its copy.
    filled = (lattice.sums(known[None]) > 0).astype(float)
    count = filled.sum(axis=(1, 2, 3))
    flat = sums.reshape(len(sums), -1, size)
    near, far = flat.transpose(0, 2, 1) @ flat, _tapered(sums)
    held = _tapered(filled)[:, 0, 0] / np.maximum(count, 1) ** 2
    covariances, growths = np.full(near.shape, np.inf), np.ones((len(sums), size))
    for place, inverse in enumerate(map(_inverse, sensitivities)):
        if inverse is None or count[place] <= size:
            continue
        own, wider = (inverse @ part[place] @ inverse.T for part in (near, far))
        growth = np.diag(wider) / np.maximum(np.diag(own), 1e-300) / max(1.0 - held[place], 0.2)
        covariances[place] = own * SHORTFALL * count[place] / (count[place] - size)
        growths[place] = np.maximum(growth, 1.0)
    return covariances, growths


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
    """Of each window, over pairs of lattice cells, the sum of their products, weighted by a flat-topped taper in each
    axis, `(windows, k, k)`."""
    count, size = len(sums), sums.shape[3]
    smoothed = TAPER @ (TAPER @ sums.reshape(count, LATTICE, -1)).reshape(count * LATTICE, LATTICE, size)
    return sums.reshape(count, -1, size).transpose(0, 2, 1) @ smoothed.reshape(count, -1, size)
