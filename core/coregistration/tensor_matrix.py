"""Symmetric matrices over a lattice of tensor splines: kept by what neighbours share, multiplied, coarsened."""

from __future__ import annotations

from functools import cached_property

import numpy as np

REACH = 4  # cubic splines overlap up to three places apart
REFINEMENT = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 8  # a cubic B-spline as a sum of those half as wide


class TensorMatrix:
    """A symmetric matrix whose unknowns are `count` components at each place of a lattice.

    `shared` (pairs, 4, 4, rows, cols): for the pairs of components (i, j), i <= j, of `pairs(count)`, what the place
    (r, c) shares with that `down` rows and `across` columns further on. Of sums and products of tensor splines (r, c +
    across) and (r + down, c) share just as much: a number serves for four entries.
    """

    def __init__(self, shared: np.ndarray):
        self.shared = shared
        self.count = 1 if len(shared) == 1 else 3
        self.shape = shared.shape[-2:]

    def diagonal(self) -> np.ndarray:
        """What each place shares with itself, `(rows * cols, count, count)`."""
        own = np.empty((self.shape[0] * self.shape[1], self.count, self.count))
        for values, (i, j) in zip(self.shared[:, 0, 0], pairs(self.count)):
            own[:, i, j] = own[:, j, i] = values.ravel()
        return own

    def __matmul__(self, vector: np.ndarray) -> np.ndarray:
        """The product with `(count, rows * cols)`, without BLAS, whose bits depend on its threads."""
        product, part = np.zeros_like(vector), np.empty(vector.shape[1])
        for values, first, second in self._lines:
            length = len(values[0])
            for shared, (i, j) in zip(values, pairs(self.count)):
                for to, of in {(i, j), (j, i)}:
                    product[to, first:first + length] += np.multiply(
                        shared, vector[of, second:second + length], out=part[:length])
                    if first != second:
                        product[to, second:second + length] += np.multiply(
                            shared, vector[of, first:first + length], out=part[:length])
        return product

    @cached_property
    def _lines(self) -> list:
        """`(shared, first, second)`: of the places numbered on, those from `first` and from `second` on share that.

        Nothing is shared across the lattice's edge: where a number would run into the next row it is zero.
        """
        rows, cols = self.shape
        lines = []
        for down in range(min(REACH, rows)):
            for across in range(min(REACH, cols)):
                length = rows * cols - down * cols - across
                values = self.shared[:, down, across].reshape(len(self.shared), -1)[:, :length]
                lines.append((values, 0, down * cols + across))
                if down and across:
                    lines.append((values, across, down * cols))
        return lines

    def dense(self) -> np.ndarray:
        """All of it, numbered by component, then place."""
        count, places = self.count, self.shape[0] * self.shape[1]
        dense = np.zeros((count, places, count, places))
        for values, first, second in self._lines:
            first, second = (start + np.arange(len(values[0])) for start in (first, second))
            for shared, (i, j) in zip(values, pairs(count)):
                for to, of in {(i, j), (j, i)}:
                    dense[to, first, of, second] += shared
                    if first[0] != second[0]:
                        dense[to, second, of, first] += shared
        return dense.reshape(count * places, -1)

    def banded(self) -> np.ndarray:
        """The upper band, as LAPACK wants it; places are numbered along the shorter side, components within each."""
        rows, cols = self.shape
        shared = self.shared if cols <= rows else self.shared.transpose(0, 2, 1, 4, 3)
        (rows, cols), count = shared.shape[-2:], self.count
        which = np.array([[pairs(count).index((min(i, j), max(i, j))) for i in range(count)] for j in range(count)])
        above = count * bandwidth(self.shape) + count - 1
        band = np.zeros((above + 1, count * rows * cols), order="F")
        places = band.reshape(above + 1, rows, cols, count)
        for down in range(min(REACH, rows)):
            for across in range(1 - min(REACH, cols), min(REACH, cols)):
                apart = down * cols + across
                if down == 0 and across < 0:
                    continue
                values = shared[:, down, abs(across), :rows - down, :cols - abs(across)]
                right = slice(across, None) if across >= 0 else slice(0, across)
                for lower in range(count):
                    first = above - count * apart - lower
                    # Of a place's own matrix the lower triangle would lie outside.
                    uppers = which[:, lower] if apart else which[:lower + 1, lower]
                    places[first:first + len(uppers), down:, right, lower] = values[uppers]
        return band

    def coarser(self) -> tuple[TensorMatrix, tuple]:
        """The matrix of the splines twice as wide (Galerkin's), and their refinements down and across.

        As splines of each axis are multiplied, the axes can be coarsened one after the other.
        """
        refinements = tuple(refinement(places) for places in self.shape)
        (rows, cols), (fewer, less) = self.shape, (_coarse(places) for places in self.shape)
        down, across = _merging(rows), _merging(cols)
        merged = np.empty((len(self.shared), REACH, REACH, fewer, less))
        for shared, target in zip(self.shared, merged):
            lines = down @ shared.transpose(0, 2, 1, 3).reshape(REACH * rows, REACH * cols)
            lines = (across @ lines.T).reshape(REACH, less, REACH, fewer)
            target[:] = lines.transpose(2, 0, 3, 1)
        return TensorMatrix(merged), refinements


def pairs(count: int) -> list[tuple[int, int]]:
    """The pairs of components whose products a matrix holds."""
    return [(i, j) for i in range(count) for j in range(i, count)]


def bandwidth(shape: tuple) -> int:
    """How far apart two places are numbered at most whose splines overlap."""
    rows, cols = max(shape), min(shape)
    return min(REACH - 1, rows - 1) * cols + min(REACH - 1, cols - 1)


def refinement(places: int):
    """Cubic B-splines every second interval as sums of all `places` of them: sparse `(places, coarse places)`.

    The wide ones may reach beyond the last interval.
    """
    from scipy import sparse

    coarse = _coarse(places)
    fine = 2 * np.arange(coarse)[:, None] - 3 + np.arange(5)
    within = (fine >= 0) & (fine < places)
    values, columns = (np.broadcast_to(part, fine.shape)[within] for part in (REFINEMENT, np.arange(coarse)[:, None]))
    return sparse.csr_matrix((values, (fine[within], columns)), (places, coarse))


def _merging(places: int):
    """Of one axis: what coarse places share from what fine ones do; sparse, both numbered by distance, then place."""
    from scipy import sparse

    coarse = _coarse(places)
    place, far = np.arange(coarse)[:, None, None, None], np.arange(REACH)[:, None, None]
    here, there = 2 * place - 3 + np.arange(5)[:, None], 2 * (place + far) - 3 + np.arange(5)
    first, near = np.minimum(here, there), abs(here - there)
    within = (first >= 0) & (np.maximum(here, there) < places) & (near < REACH) & (place + far < coarse)
    values, rows = (np.broadcast_to(part, within.shape)[within]
                    for part in (np.outer(REFINEMENT, REFINEMENT), far * coarse + place))
    return sparse.csr_matrix((values, (rows, (near * places + first)[within])), (REACH * coarse, REACH * places))


def _coarse(places: int) -> int:
    return -(-(places - 3) // 2) + 3
