"""The normal equations of a field of tensor splines: sums over the cells of a lattice, in memory that is bounded."""

from __future__ import annotations

import itertools
import math

import numpy as np

from .cell_forms import Quadratic
from .field_basis import SplineBasis
from .tensor_matrix import REACH, pairs

SLOTS = 2048  # cells, with those that fill up: so many at a time
# Of the four splines over an interval the products: how far apart two are, and which is the first.
PRODUCTS = [(apart, first) for apart in range(REACH) for first in range(REACH - apart)]


class NormalEquations:
    """What cells say of the coefficients' components `axes`, given their weights.

    Cells under the same splines, those of one interval down and across, make a piece: small dense products serve for
    all of it. Lines of pieces are summed one after the other.
    """

    def __init__(self, basis: SplineBasis, data: Quadratic, axes: tuple):
        self._basis, self._data, self._axes = basis, data, axes
        self._across = basis.shape[1] - (REACH - 1)
        piece = basis.down(data.rows)[0] * self._across + basis.across(data.cols)[0]
        self._order = np.argsort(piece, kind="stable")
        counts = np.bincount(piece, minlength=(basis.shape[0] - (REACH - 1)) * self._across)
        self._ends, self._most = np.concatenate([[0], np.cumsum(counts)]), int(counts.max())
        self._lines = max(1, SLOTS // (self._most * self._across))
        self._at_hand = self._last = None, None
        self._products, self._sums, self._turned = _Scratch(), _Scratch(), _Scratch()

    def of(self, weights) -> tuple[np.ndarray, np.ndarray]:
        """What a TensorMatrix holds, and the right side `(components, rows, cols)`, for weights (n,) of the cells.

        Neither is to be changed: asked for the same weights again, they are the same.
        """
        return self._last[1] if weights is self._last[0] else self.of_parts(weights, [])[0]

    def of_parts(self, weights, parts: list) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same, first of all cells, then of each of `parts` alone, masks (n,)."""
        shape, count = self._basis.shape, len(self._axes)
        sums = [(np.zeros((len(pairs(count)), REACH, REACH, *shape)), np.zeros((count, *shape)))
                for _ in range(1 + len(parts))]
        for top in range(0, shape[0] - (REACH - 1), self._lines):
            self._add(top, weights, parts, sums)
        self._last = weights, sums[0]
        return sums

    def _add(self, top: int, weights, parts, sums) -> None:
        cells, slot, splines, paired = self._splines(top)
        M, b, weights = self._data.M[cells], self._data.b[cells], weights[cells]
        masks = np.zeros((len(parts), len(splines[0]), 1))
        for mask, part in zip(masks, parts):
            mask[slot, 0] = part[cells]
        forms = np.zeros((len(splines[0]), len(pairs(len(self._axes)))))
        for place, (i, j) in enumerate(pairs(len(self._axes))):
            forms[slot, place] = M[:, self._axes[i], self._axes[j]] * weights
        wide = self._across
        for (shared, _), found in zip(sums, self._summed(*paired, forms, masks)):
            bottom = top + found.shape[-2]
            for (below, row), part in zip(PRODUCTS, found):
                for (beside, col), products in zip(PRODUCTS, part):
                    shared[:, below, beside, top + row:bottom + row, col:col + wide] += products
        forms = np.zeros((len(splines[0]), len(self._axes)))
        forms[slot] = b[:, list(self._axes)] * weights[:, None]
        for (_, right), found in zip(sums, self._summed(*splines, forms, masks)):
            for row, part in enumerate(found):
                for col, products in enumerate(part):
                    right[:, top + row:bottom + row, col:col + wide] += products

    def _splines(self, top: int) -> tuple:
        """The cells of the lines of pieces from `top` on, their slots, all slots' splines and the products of these."""
        if self._at_hand[0] != top:
            first, last = top * self._across, min((top + self._lines) * self._across, len(self._ends) - 1)
            ends = self._ends[first:last + 1]
            cells, counts = self._order[ends[0]:ends[-1]], np.diff(ends)
            starts = self._most * np.arange(len(counts))
            slot = np.arange(len(cells)) + np.repeat(starts - (ends[:-1] - ends[0]), counts)
            down, across = np.zeros((2, self._most * len(counts), REACH))
            down[slot] = self._basis.down(self._data.rows[cells])[1]
            across[slot] = self._basis.across(self._data.cols[cells])[1]
            # Where all cells are taken at once, they are found but once.
            self._at_hand = top, (cells, slot, (down, across), (_paired(down), _paired(across)))
        return self._at_hand[1]

    def _summed(self, down, across, forms, masks):
        """Of every piece the sums of the products of these three: `(down, across, forms, lines, pieces across)`.

        First of all cells, then of those of each mask; what comes next uses up what came before.
        """
        widths = down.shape[1], forms.shape[1], across.shape[1]
        pieces = len(down) // self._most
        products = self._products.of(len(down), *widths[1:])
        np.einsum("na,nf->nfa", across, forms, out=products)
        sums = self._sums.of(pieces, widths[0], widths[1] * widths[2])
        turned = self._turned.of(widths[0], widths[2], widths[1], pieces // self._across, self._across)
        for part in itertools.chain([down], (down * mask for mask in masks)):
            np.matmul(part.reshape(pieces, self._most, -1).transpose(0, 2, 1),
                      products.reshape(pieces, self._most, -1), out=sums)
            turned[:] = sums.reshape(-1, self._across, *widths).transpose(2, 4, 3, 0, 1)
            yield turned


class _Scratch:
    """Memory that is used again: the pages of new arrays take longer than the sums in them."""

    def __init__(self):
        self._memory = np.empty(0)

    def of(self, *shape) -> np.ndarray:
        """An array of this shape, whatever is in it; the one before is used up."""
        size = math.prod(shape)
        if size > self._memory.size:
            self._memory = np.empty(size)
        return self._memory[:size].reshape(shape)


def _paired(splines: np.ndarray) -> np.ndarray:
    return np.stack([splines[:, first] * splines[:, first + apart] for apart, first in PRODUCTS], axis=1)
