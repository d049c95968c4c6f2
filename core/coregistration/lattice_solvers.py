"""The linear systems of a lattice of splines and a penalty on their coefficients, solved for several stiffnesses."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache

import numpy as np

from . import multilevel
from .tensor_matrix import TensorMatrix, bandwidth, pairs

LARGEST_BAND = 20_000_000  # bytes: that of four hundred blocks, where nothing is as fast


def solver(matrix: TensorMatrix, right: np.ndarray, penalty: TensorMatrix) -> Banded | Multilevel:
    """Of the equations `matrix` x = `right` (components, rows, cols): the band grows as n^1.5, the other as n does."""
    return (Banded if _small(matrix) else Multilevel)(matrix, right, penalty)


def rough_solver(matrix: TensorMatrix, right: np.ndarray, penalty: TensorMatrix) -> RoughlyBanded | Multilevel:
    """The same to compare stiffnesses by."""
    return (RoughlyBanded if _small(matrix) else Multilevel)(matrix, right, penalty)


def _small(matrix: TensorMatrix) -> bool:
    return 8 * matrix.count**2 * (bandwidth(matrix.shape) + 1) * math.prod(matrix.shape) <= LARGEST_BAND


class Banded:
    """Cholesky's factors of the band: neighbours in the lattice lie close."""

    def __init__(self, matrix: TensorMatrix, right: np.ndarray, penalty: TensorMatrix, precision: type = np.float64):
        self._precision = precision
        self._count, self._shape, self._narrow = matrix.count, matrix.shape, matrix.shape[1] <= matrix.shape[0]
        self._band, self._penalty = matrix.banded().astype(self._precision, copy=False), _diagonals(penalty)
        self._right = (right.transpose(1, 2, 0) if self._narrow else right.transpose(2, 1, 0)).ravel().astype(precision)

    def solved(self, penalties, least) -> np.ndarray:
        """The solution `(components, places)` with `penalties` times the penalty and `least` on the diagonal."""
        self._used_up[:] = self._band
        return self._found(self._used_up, penalties, least)

    def solved_last(self, penalties, least) -> np.ndarray:
        """The same, which uses up the band."""
        return self._found(self._band, penalties, least)

    @cached_property
    def _used_up(self) -> np.ndarray:
        return np.empty_like(self._band)

    def _found(self, band, penalties, least) -> np.ndarray:
        from scipy.linalg import solveh_banded

        count, (lines, penalty) = self._count, self._penalty
        for place in range(count):
            # Of the interleaved components every count-th line and column is this one's.
            band[count - 1 + count * lines, place::count] += penalties[place] * penalty
            band[-1, place::count] += self._precision(least[place])
        found = solveh_banded(band, self._right, overwrite_ab=True, check_finite=False)
        found = found.reshape(*sorted(self._shape, reverse=True), count)
        return found.transpose((2, 0, 1) if self._narrow else (2, 1, 0)).reshape(count, -1)


class RoughlyBanded:
    """The band in single precision, in little more than half the time; in double where that cannot be factored."""

    def __init__(self, matrix: TensorMatrix, right: np.ndarray, penalty: TensorMatrix):
        self._system = matrix, right, penalty
        self._rough = Banded(*self._system, np.float32)

    def solved(self, penalties, least) -> np.ndarray:
        """The solution `(components, places)` with `penalties` times the penalty and `least` on the diagonal."""
        try:
            return self._rough.solved(penalties, least)
        except np.linalg.LinAlgError:
            return Banded(*self._system).solved_last(penalties, least)


@lru_cache(maxsize=1)
def _diagonals(penalty: TensorMatrix) -> tuple[np.ndarray, np.ndarray]:
    """The lines of the band of a penalty that several systems share which are not zero, and which they are."""
    band = penalty.banded()
    lines = np.flatnonzero(band.any(axis=1))
    return lines, band[lines]


class Multilevel:
    """Conjugate gradients, which keep little; the band where they do not come to rest."""

    def __init__(self, matrix: TensorMatrix, right: np.ndarray, penalty: TensorMatrix):
        self._matrix, self._right, self._penalty = matrix, right, penalty

    def solved(self, penalties, least) -> np.ndarray:
        """The solution `(components, places)` with `penalties` times the penalty and `least` on the diagonal."""
        shared = self._matrix.shared.copy()
        own = [place for place, (i, j) in enumerate(pairs(self._matrix.count)) if i == j]
        for place, times, little in zip(own, penalties, least):
            shared[place] += times * self._penalty.shared[0]
            shared[place, 0, 0] += little
        stiff = TensorMatrix(shared)
        found = multilevel.solved(stiff, self._right.reshape(self._matrix.count, -1))
        if found is None:
            return Banded(self._matrix, self._right, self._penalty).solved_last(penalties, least)
        return found

    solved_last = solved
