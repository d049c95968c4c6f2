"""The normal equations of a shift field, and how stiff cross-validation wants it."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .cell_forms import Quadratic

SOFTEST, STIFFEST = 1e-6, 1e6
FIRST = 0.1  # where cross-validation begins
COARSE, MIDDLING, FINE = 100.0, 10.0, 10.0**0.5  # its steps, one after the other
USUAL = 1e-2  # before anything is known
FOLDS = 5
GROUPS_FOR_ERROR = 20  # fewer tell no standard error
MANY = 100  # blocks that a stiffness is told from
HELD_OUT = 30  # blocks: so many tell one stiffness from another


class FieldSystem:
    """The normal equations of a basis and a set of quadratic forms, banded: neighbours in the net lie close."""

    def __init__(self, basis, P, data: Quadratic, horizontal: bool):
        self._basis, self._P, self._data = basis, P, data
        self._axes = (0, 1, 2) if horizontal else (2,)
        self._penalty = self._stiff(basis.stiffness().tocoo())
        # Cells under the same functions lie together: small dense products serve for all.
        each = P.nnz // P.shape[0]
        columns = P.indices.reshape(-1, each)
        _, first, piece, counts = np.unique(columns[:, 0], return_index=True, return_inverse=True, return_counts=True)
        nth = np.empty(len(piece), dtype=int)
        nth[np.argsort(piece, kind="stable")] = np.arange(len(piece)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._slot = piece * counts.max() + nth
        self._values = np.zeros((len(counts) * counts.max(), each))
        self._values[self._slot] = P.data.reshape(-1, each)
        rank = np.argsort(basis.order)[columns[first]]
        row, col = rank[:, :, None], rank[:, None, :]
        self._upper = np.flatnonzero(row <= col)
        self._place = ((basis.bandwidth + row - col) * basis.size + col).ravel()[self._upper]
        self._pieces = len(counts)

    def solve(self, weights, stiffness) -> np.ndarray:
        """Coefficients `(3, size)`; components that are not solved for stay zero."""
        return self._solved(*self._normal(weights), stiffness)

    def _normal(self, weights):
        """The banded normal matrix and the right side.

        Coefficients are numbered in the basis's order, the components of each side by side.
        """
        basis, axes, count = self._basis, self._axes, len(self._axes)
        # As LAPACK wants it: no copy.
        band = np.zeros(((basis.bandwidth + 1) * count, count * basis.size), order="F")
        for i, down in enumerate(axes):
            for j, right in enumerate(axes[i:], i):
                part = self._summed(weights * self._data.M[:, down, right])
                band[count - 1 + i - j:len(band) + i - j:count, j::count] = part
                if i < j:
                    band[count - 1 + j - i:-1:count, i::count] = part[:-1]
        right = self._P.T @ (weights[:, None] * self._data.b[:, list(axes)])
        return band, right[basis.order].ravel()

    def _summed(self, values) -> np.ndarray:
        """Sum over the cells of the products of all functions there, times `values` (n,), banded."""
        basis, (slots, each) = self._basis, self._values.shape
        slotted = np.zeros((slots, 1))
        slotted[self._slot, 0] = values
        shape = self._pieces, -1, each
        products = self._values.reshape(shape).transpose(0, 2, 1) @ (self._values * slotted).reshape(shape)
        sums = np.bincount(self._place, products.ravel()[self._upper], (basis.bandwidth + 1) * basis.size)
        return sums.reshape(-1, basis.size)

    def _stiff(self, penalty) -> np.ndarray:
        """The upper banded form of the penalty."""
        basis = self._basis
        rank = np.argsort(basis.order)
        row, col = rank[penalty.row], rank[penalty.col]
        upper = row <= col
        band = np.zeros((basis.bandwidth + 1, basis.size))
        band[basis.bandwidth + (row - col)[upper], col[upper]] = penalty.data[upper]
        return band

    def _solved(self, system, right, stiffness):
        """Coefficients `(3, size)`; uses up the normal matrix `system`."""
        from scipy.linalg import solveh_banded

        count = len(self._axes)
        for place, axis in enumerate(self._axes):
            usual = system[-1, place::count].mean()
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
        every fold need be held out, and of very many those where the ground tells most speak for all.
        """
        share = MANY / (int(self._data.group.max()) + 1)
        if share < 1:
            return self._cross_validated_in_part(weights, near, share)
        return self._cross_validated(weights, near)

    def _cross_validated(self, weights, near: float | None) -> tuple:
        groups = int(self._data.group.max()) + 1
        folds = np.random.default_rng(0).permutation(groups)[self._data.group] % FOLDS
        held = [folds == fold for fold in range(min(FOLDS, -(-HELD_OUT * FOLDS // groups)))]
        whole = self._normal(weights)
        kept = [[total - part for total, part in zip(whole, self._normal(weights * out))] for out in held]
        left = [(out, self._P[np.flatnonzero(out)]) for out in held]

        @cache
        def misfit(horizontal, vertical):
            """The misfit of every group that is held out, up to a constant."""
            total = np.zeros(groups)
            for (out, P), (normal, right) in zip(left, kept):
                field = P @ self._solved(normal.copy(order="F"), right, (horizontal, vertical)).T
                slope = (self._data.M[out] @ field[:, :, None])[:, :, 0] - 2 * self._data.b[out]
                total += np.bincount(self._data.group[out], weights[out] * (slope * field).sum(axis=1), groups)
            return total

        if near is None:
            both = _sought(FIRST, COARSE, lambda value: misfit(value, value))
            return both, both
        both = _sought(near, MIDDLING, lambda value: misfit(value, value))
        vertical = _sought(both, FINE, lambda value: misfit(both, value))
        return _sought(both, FINE, lambda value: misfit(value, vertical)), vertical

    def _cross_validated_in_part(self, weights, near: float | None, share: float) -> tuple:
        axes = list(self._axes)
        information = weights * np.diagonal(self._data.M, axis1=1, axis2=2)[:, axes[:2]].sum(axis=1)
        window = self._basis.most_telling(self._data.rows, self._data.cols, information, share)
        data, some = self._data.within(window)
        if len(np.unique(data.group)) < HELD_OUT:
            return self._cross_validated(weights, near)
        basis = self._basis.part(window)
        part = FieldSystem(basis, basis.at(data.rows, data.cols), data, len(axes) == 3)
        # What a stiffness is relative to differs from the part to the whole.
        richer = part._usual(weights[some]) / self._usual(weights)
        found = part._cross_validated(weights[some], near and near / richer[0])
        return tuple(stiffness * times for stiffness, times in zip(found, richer))

    def _usual(self, weights) -> np.ndarray:
        """What the stiffness (horizontal, vertical) is relative to: a coefficient's typical information."""
        squares = np.asarray(self._P.multiply(self._P).sum(axis=1)).ravel()
        per_axis = [(weights * squares * self._data.M[:, axis, axis]).sum() / self._basis.size for axis in self._axes]
        return np.array([np.mean(per_axis[:2]), per_axis[-1]])


def _sought(start: float, step: float, misfit) -> float:
    """The stiffest that is as good as the best, from `start` on by factors of `step`, until it lies among others."""
    least, most = (math.log(end / start) / math.log(step) for end in (SOFTEST, STIFFEST))
    tried, following = {}, {place for place in (-1, 0, 1) if least <= place <= most} | {0}
    while following:
        tried.update((place, misfit(start * step**place)) for place in following)
        place = _stiffest(tried)
        beside = place - 1 if place == min(tried) else place + 1
        following = {beside} - set(tried) if least <= beside <= most else set()
    return start * step**place


def _stiffest(misfits: dict) -> int:
    """The largest key whose misfit is within a standard error of the least; the best where groups are few."""
    least = min(misfits.values(), key=np.sum)
    groups = least.size
    error = {place: (found - least).std() * np.sqrt(groups) if groups >= GROUPS_FOR_ERROR else 0.0
             for place, found in misfits.items()}
    return max(place for place, found in misfits.items() if (found - least).sum() <= error[place])
