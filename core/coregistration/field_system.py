"""The normal equations of a shift field, and how stiff cross-validation wants it."""

from __future__ import annotations

import numpy as np

from .cell_forms import Quadratic

STIFFNESS = 10.0 ** np.arange(-5.0, 7.0, 2.0)
NEAR = 10.0 ** np.arange(-1.0, 2.0)
USUAL = 1e-2  # before anything is known
FINER = 10.0 ** np.arange(-1.0, 1.5, 0.5)
FOLDS = 5
GROUPS_FOR_ERROR = 20  # fewer tell no standard error
HELD_OUT = 30  # blocks: so many tell one stiffness from another


class FieldSystem:
    """The normal equations of a basis and a set of quadratic forms, banded: neighbours in the net lie close."""

    def __init__(self, basis, P, data: Quadratic, horizontal: bool):
        self._basis, self._P, self._data = basis, P, data
        self._axes = (0, 1, 2) if horizontal else (2,)
        self._pairs = [(i, j) for i in range(len(self._axes)) for j in range(i, len(self._axes))]
        self._band = (basis.bandwidth + 1) * len(self._axes) - 1
        self._T = P.T.tocsr()
        self._penalty = self._banded(basis.stiffness().tocoo(), [(0, 0)], 1, basis.bandwidth)

    def solve(self, weights, stiffness) -> np.ndarray:
        """Coefficients `(3, size)`; components that are not solved for stay zero."""
        return self._solved(*self._normal(weights), stiffness)

    def _normal(self, weights):
        """The banded normal matrix and the right side."""
        from scipy import sparse

        P, M, b, axes = self._P, self._data.M, self._data.b, self._axes
        count, each = len(self._pairs), P.nnz // P.shape[0]
        values = np.stack([weights * M[:, axes[i], axes[j]] for i, j in self._pairs], axis=1)
        # All pairs of components side by side: one product of sparse matrices does them all.
        columns = P.indices.reshape(-1, 1, each) + np.arange(count)[:, None] * P.shape[1]
        data = values[:, :, None] * P.data.reshape(-1, 1, each)
        pointers = np.arange(0, data.size + 1, count * each)
        side_by_side = sparse.csr_matrix((data.ravel(), columns.ravel(), pointers), (P.shape[0], count * P.shape[1]))
        right = self._T @ (weights[:, None] * b[:, list(axes)])
        normal = self._banded((self._T @ side_by_side).tocoo(), self._pairs, len(axes), self._band)
        return normal, right[self._basis.order].ravel()

    def _banded(self, matrix, pairs: list, count: int, bandwidth: int) -> np.ndarray:
        """Upper banded form of a symmetric matrix whose blocks, one for each of `pairs`, lie side by side in `matrix`.

        Coefficients are numbered in the basis's order, the `count` components of each side by side.
        """
        size = self._basis.size
        rank = np.argsort(self._basis.order)
        row, col = rank[matrix.row] * count, rank[matrix.col % size] * count
        i, j = np.array(pairs)[matrix.col // size].T
        band = np.zeros((bandwidth + 1, count * size))
        for down, right in ((i, j), (j, i)):
            upper = row + down <= col + right
            place = (col + right)[upper]
            band[bandwidth + (row + down)[upper] - place, place] = matrix.data[upper]
        return band

    def _solved(self, normal, right, stiffness):
        from scipy.linalg import solveh_banded

        count = len(self._axes)
        system = normal.copy()
        for place, axis in enumerate(self._axes):
            usual = normal[-1, place::count].mean()
            # Of the interleaved components every count-th line and column is this one's.
            system[count - 1::count, place::count] += self._penalty * (usual * stiffness[0 if axis < 2 else 1])
            system[-1, place::count] += usual * 1e-9
        found = solveh_banded(system, right, overwrite_ab=True, check_finite=False).reshape(-1, count)
        coefficients = np.zeros((3, self._basis.size))
        coefficients[np.ix_(self._axes, self._basis.order)] = found.T
        return coefficients

    def cross_validated(self, weights, near: float | None = None) -> tuple:
        """The stiffness (horizontal, vertical) that foretells blocks held out of the fit; sought about `near` if given.

        Not the best but the stiffest that is no worse than the best by more than a standard error of their difference
        (Hastie et al. 2009, section 7.10): what the data do not demand is not put into the field. Of many blocks not
        every fold need be held out.
        """
        groups = int(self._data.group.max()) + 1
        folds = np.random.default_rng(0).permutation(groups)[self._data.group] % FOLDS
        held = min(FOLDS, -(-HELD_OUT * FOLDS // groups))
        whole = self._normal(weights)
        kept = [[total - part for total, part in zip(whole, self._normal(weights * (folds == fold)))]
                for fold in range(held)]

        def misfit(stiffness):
            return sum(self._misfit(self._solved(*kept[fold], stiffness), weights * (folds == fold))
                       for fold in range(held))

        both = _stiffest(STIFFNESS if near is None else near * NEAR, lambda value: misfit((value, value)))
        if near is None:
            return both, both
        vertical = _stiffest(both * FINER, lambda value: misfit((both, value)))
        horizontal = _stiffest(both * FINER, lambda value: misfit((value, vertical)))
        return horizontal, vertical

    def _misfit(self, coefficients, weights) -> np.ndarray:
        """The misfit of every group, up to a constant."""
        field = self._P @ coefficients.T
        slope = (self._data.M @ field[:, :, None])[:, :, 0] - 2 * self._data.b
        return np.bincount(self._data.group, weights * (slope * field).sum(axis=1))


def _stiffest(candidates, misfit) -> float:
    """The largest candidate whose misfit is within a standard error of the least; the best where groups are few."""
    misfits = np.array([misfit(value) for value in candidates])
    excess = misfits - misfits[misfits.sum(axis=1).argmin()]
    groups = excess.shape[1]
    error = excess.std(axis=1) * np.sqrt(groups) if groups >= GROUPS_FOR_ERROR else 0.0
    return float(np.max(np.asarray(candidates)[excess.sum(axis=1) <= error]))
