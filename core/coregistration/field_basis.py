"""What a shift field is made of: functions over a grid whose sum it is."""

from __future__ import annotations

import math

import numpy as np

from ..raster.grid import Grid


class SplineBasis:
    """Tensor cubic B-splines every `spacing` cells over a grid."""

    def __init__(self, grid: Grid, spacing: float):
        self._grid, self._spacing, self._shape = grid, spacing, grid.shape
        self._down, self._across = (max(1, round(cells / spacing)) for cells in grid.shape)
        index = np.arange(self.size).reshape(self._down + 3, self._across + 3)
        # Numbered along the shorter side first: the narrower the band, the faster the solution.
        self.order = (index if self._across <= self._down else index.T).ravel()
        self.bandwidth = 3 * (min(self._down, self._across) + 3) + 3

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

    def at(self, rows, cols):
        """Sparse `(n, coefficients)` values at scattered cells."""
        from scipy import sparse

        (i, wi), (j, wj) = self._axis(rows, 0), self._axis(cols, 1)
        columns = (i[:, :, None] * (self._across + 3) + j[:, None, :]).reshape(len(rows), 16)
        weights = (wi[:, :, None] * wj[:, None, :]).reshape(len(rows), 16)
        pointers = np.arange(0, 16 * len(rows) + 1, 16)
        return sparse.csr_matrix((weights.ravel(), columns.ravel(), pointers), (len(rows), self.size))

    def on_lattice(self, coefficients, rows, cols):
        """Values at all pairs of rows and cols, `(k, rows, cols)`, of coefficients `(k, size)`."""
        planes = coefficients.reshape(-1, self._down + 3, self._across + 3)
        (i, down), (j, across) = self._axis(rows, 0), self._axis(cols, 1)
        # Not by BLAS, whose bits depend on its threads: a cluster's workers have one.
        lines = sum(planes[:, i[:, k]] * down[:, k, None] for k in range(4))
        return sum(lines[:, :, j[:, k]] * across[:, k] for k in range(4))

    @property
    def size(self) -> int:
        """How many coefficients a component has."""
        return (self._down + 3) * (self._across + 3)

    def stiffness(self):
        """The penalty on bending (second differences), and weakly on tilt, which damps extrapolation."""
        from scipy import sparse

        def differences(count, order):
            matrix = sparse.identity(count, format="csr")
            for _ in range(order):
                matrix = matrix[1:] - matrix[:-1]
            return matrix.T @ matrix

        down, across = self._down + 3, self._across + 3
        bending = (sparse.kron(differences(down, 2), sparse.identity(across))
                   + sparse.kron(sparse.identity(down), differences(across, 2))
                   + 2 * sparse.kron(differences(down, 1), differences(across, 1)))
        tilt = (sparse.kron(differences(down, 1), sparse.identity(across))
                + sparse.kron(sparse.identity(down), differences(across, 1)))
        return (bending + 1e-3 * tilt).tocsr()

    def _axis(self, cells, axis):
        intervals = (self._down, self._across)[axis]
        u = np.clip((np.asarray(cells) + 0.5) / self._shape[axis], 0, 1) * intervals
        first = np.minimum(u.astype(int), intervals - 1)
        t = u - first
        weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
        return first[:, None] + np.arange(4), weights


class PolynomialBasis:
    """1 (constant) or 1, row, col (plane) over a grid, positions scaled to -1..1."""

    def __init__(self, grid: Grid, order: int):
        self._shape, self.size = grid.shape, 1 if order == 0 else 3
        self.order, self.bandwidth = np.arange(self.size), self.size - 1

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

    def stiffness(self):
        """Nothing to stiffen."""
        from scipy import sparse

        return sparse.csr_matrix((self.size, self.size))

    def _terms(self, rows, cols):
        u, v = 2 * (rows + 0.5) / self._shape[0] - 1, 2 * (cols + 0.5) / self._shape[1] - 1
        return np.column_stack([np.ones_like(u), u, v])[:, :self.size]
