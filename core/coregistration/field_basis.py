"""What a shift field is made of: functions over a grid whose sum it is."""

from __future__ import annotations

import math

import numpy as np

from ..raster.grid import Grid
from .tensor_matrix import REACH, TensorMatrix

CELLS = 2**12  # at a time
INTERVALS = 8  # between knots, that are looked at together


class SplineBasis:
    """Tensor cubic B-splines every `spacing` cells over a grid."""

    def __init__(self, grid: Grid, spacing: float):
        self._grid, self._spacing, self._shape = grid, spacing, grid.shape
        self._down, self._across = (max(1, round(cells / spacing)) for cells in grid.shape)
        self.shape = self._down + 3, self._across + 3

    def part(self, window: tuple) -> SplineBasis:
        """As many splines as this basis has over a window of the grid `(row, col, height, width)`."""
        return SplineBasis(self._grid.window(*window), self._spacing)

    def most_telling(self, rows, cols, information, share: float) -> tuple:
        """The window with that `share` of the grid's cells in which the `information` (n,) at these cells sums to most.

        Looked for in steps of half its sides.
        """
        sides = [max(1, math.ceil(cells * math.sqrt(share))) for cells in self._shape]
        halves = [-(-2 * cells // side) for cells, side in zip(self._shape, sides)]
        down, right = (np.minimum((2 * places / side).astype(int), count - 1)
                       for places, side, count in zip((rows, cols), sides, halves))
        sums = np.bincount(down * halves[1] + right, information, halves[0] * halves[1]).reshape(halves)
        pairs = sums[:-1] + sums[1:]
        pairs = pairs[:, :-1] + pairs[:, 1:]
        best = np.unravel_index(np.argmax(pairs), pairs.shape)
        row, col = (min(place * side // 2, cells - side) for place, side, cells in zip(best, sides, self._shape))
        return int(row), int(col), *sides

    def down(self, rows):
        """The first of the four splines along a column that are not zero at scattered rows, and their values (n, 4)."""
        return self._axis(rows, 0)

    def across(self, cols):
        """The first of the four splines along a row that are not zero at scattered columns, and their values (n, 4)."""
        return self._axis(cols, 1)

    def at(self, rows, cols):
        """Sparse `(n, coefficients)` values at scattered cells."""
        from scipy import sparse

        (i, wi), (j, wj) = self.down(rows), self.across(cols)
        around = (np.arange(4)[:, None] * (self._across + 3) + np.arange(4)).ravel()
        columns = (i * (self._across + 3) + j)[:, None] + around
        weights = (wi[:, :, None] * wj[:, None, :]).reshape(len(rows), 16)
        pointers = np.arange(0, 16 * len(rows) + 1, 16)
        return sparse.csr_matrix((weights.ravel(), columns.ravel(), pointers), (len(rows), self.size))

    def squares(self, rows, cols) -> np.ndarray:
        """The sum of the squares of all functions at scattered cells, (n,)."""
        return (self.down(rows)[1] ** 2).sum(axis=1) * (self.across(cols)[1] ** 2).sum(axis=1)

    def on_lattice(self, coefficients, rows, cols):
        """Values at all pairs of rows and cols, `(k, rows, cols)`, of coefficients `(k, size)`."""
        planes = coefficients.reshape(-1, self._down + 3, self._across + 3)
        (i, down), (j, across) = self.down(rows), self.across(cols)
        # Not by BLAS, whose bits depend on its threads: a cluster's workers have one.
        lines = sum(planes[:, i + k] * down[:, k, None] for k in range(4))
        # Of columns side by side few coefficients tell: products with all cost less than fetching four for each.
        ends = np.flatnonzero(np.diff((j - j[0]) // INTERVALS)) + 1
        parts = [_products(lines, j[start:end], across[start:end])
                 for start, end in zip([0, *ends], [*ends, len(cols)])]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    @property
    def size(self) -> int:
        """How many coefficients a component has."""
        return (self._down + 3) * (self._across + 3)

    def penalty(self) -> TensorMatrix:
        """The penalty on bending (second differences), and weakly on tilt, which damps extrapolation."""
        down, across = ([_differences(places, order) for order in range(3)] for places in self.shape)
        terms = ((2, 0, 1.0), (0, 2, 1.0), (1, 1, 2.0), (1, 0, 1e-3), (0, 1, 1e-3))
        return TensorMatrix(sum(share * down[i][None, :, None, :, None] * across[j][:, None] for i, j, share in terms))

    def _axis(self, cells, axis):
        intervals = (self._down, self._across)[axis]
        u = np.minimum(np.maximum((np.asarray(cells) + 0.5) * (intervals / self._shape[axis]), 0), intervals)
        first = np.minimum(u.astype(int), intervals - 1)
        t = u - first
        rest = 1 - t
        weights = np.empty((len(t), 4))
        for k, cubic in enumerate((rest * rest * rest / 6, 2 / 3 - t * t * (1 - t / 2),
                                   2 / 3 - rest * rest * (1 - rest / 2), t * t * t / 6)):
            weights[:, k] = cubic
        return first, weights


def _differences(places: int, order: int) -> np.ndarray:
    """The squares of an axis's differences as what places share with those 0 to 3 further on, `(4, places)`."""
    taken = np.diff(np.eye(order + 1), order, axis=0)[0]
    shared = np.zeros((REACH, places))
    for first in range(order + 1):
        for second in range(first, order + 1):
            shared[second - first, first:first + places - order] += taken[first] * taken[second]
    return shared


def _products(lines: np.ndarray, first: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums `(k, rows, n)` of four columns of `lines` `(k, rows, coefficients)` from `first` (n,) on, weighted."""
    start, end = int(first.min()), int(first.max()) + 4
    table = np.zeros((end - start, len(first)))
    table[first - start + np.arange(4)[:, None], np.arange(len(first))] = weights.T
    return np.einsum("kli,ic->klc", lines[..., start:end], table)


class PolynomialBasis:
    """1 (constant) or 1, row, col (plane) over a grid, positions scaled to -1..1."""

    def __init__(self, grid: Grid, order: int):
        self._shape, self.size = grid.shape, 1 if order == 0 else 3

    def at(self, rows, cols):
        """Dense-as-sparse `(n, coefficients)` values at scattered cells."""
        from scipy import sparse

        terms = self._terms(np.asarray(rows, float), np.asarray(cols, float))
        return sparse.csr_matrix((terms.ravel(), np.tile(np.arange(self.size), len(terms)),
                                  np.arange(0, terms.size + 1, self.size)), terms.shape)

    def on_lattice(self, coefficients, rows, cols):
        """Values at all pairs of rows and cols, `(k, rows, cols)`, of coefficients `(k, size)`."""
        down, across = np.meshgrid(rows, cols, indexing="ij")
        return (coefficients @ self._terms(down.ravel(), across.ravel()).T).reshape(-1, *down.shape)

    def _terms(self, rows, cols):
        u, v = 2 * (rows + 0.5) / self._shape[0] - 1, 2 * (cols + 0.5) / self._shape[1] - 1
        return np.column_stack([np.ones_like(u), u, v])[:, :self.size]


class Cells:
    """A basis's functions at scattered cells, which are not kept where these are many: they would take more memory than
    all that the cells have to say.
    """

    def __init__(self, basis: SplineBasis | PolynomialBasis, rows, cols):
        self._basis, self._rows, self._cols = basis, rows, cols
        self._at_hand = None, None

    def values(self, coefficients: np.ndarray) -> np.ndarray:
        """The sums of the functions `(k, n)`, of coefficients `(k, size)`."""
        values = np.empty((len(coefficients), len(self._rows)))
        for start in range(0, len(self._rows), CELLS):
            if self._at_hand[0] != start:
                run = slice(start, start + CELLS)
                self._at_hand = start, self._basis.at(self._rows[run], self._cols[run])
            values[:, start:start + CELLS] = (self._at_hand[1] @ coefficients.T).T
        return values
