"""Values on a net of nodes, bilinear between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np


def bilinear(nodes: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear interpolation of `nodes` (..., rows, cols) at fractional node positions; the outermost hold beyond.

    A column of `u` and a row of `v` give a whole grid faster, with the same bits.
    """
    if np.ndim(u) == np.ndim(v) == 2 and u.shape[1] == v.shape[0] == 1:
        return _bilinear_grid(nodes, u[:, 0], v[0])
    u, v = np.broadcast_arrays(u, v)
    row, down, s = _between(u, nodes.shape[-2], nodes.dtype)
    col, right, t = _between(v, nodes.shape[-1], nodes.dtype)
    upper = nodes[..., row, col] + t * (nodes[..., row, col + right] - nodes[..., row, col])
    lower = nodes[..., row + down, col] + t * (nodes[..., row + down, col + right] - nodes[..., row + down, col])
    return upper + s * (lower - upper)


def _bilinear_grid(nodes: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    row, down, s = _between(u, nodes.shape[-2], nodes.dtype)
    first, last = int(row.min()), int((row + down).max())
    lines = _linear(nodes[..., first:last + 1, :], v)
    values = np.empty((*nodes.shape[:-2], len(u), len(v)), dtype=nodes.dtype)
    ends = np.flatnonzero(np.diff(row)) + 1
    for start, end in zip([0, *ends], [*ends, len(row)]):
        here = row[start] - first
        upper, part = lines[..., here, None, :], values[..., start:end, :]
        np.multiply(s[start:end, None], lines[..., here + down, None, :] - upper, out=part)
        np.add(part, upper, out=part)
    return values


def _linear(nodes: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Linear interpolation of `nodes` (..., cols) at fractional node positions (n,)."""
    col, right, t = _between(v, nodes.shape[-1], nodes.dtype)
    before = nodes.take(col, axis=-1)
    after = nodes.take(col + right, axis=-1)
    after -= before
    after *= t
    after += before
    return after


def _between(u, count, kind):
    """The node before each position, the step to the next one, and the fraction between."""
    u = np.clip(u, 0, count - 1)
    index = np.minimum(u.astype(np.intp), max(count - 2, 0))
    return index, min(1, count - 1), (u - index).astype(kind)


@dataclass(frozen=True)
class Net:
    """By how far cells are moved: known on nodes, bilinear between them, beyond the outermost constant.

    `nodes` (3, rows, cols): cells down, cells to the right, metres up. Node (i, j) lies (i, j) times `step` (rows,
    cols) from the outer corner of the first cell.
    """

    nodes: np.ndarray
    step: tuple[float, float]

    @classmethod
    def still(cls) -> Net:
        """Nothing is moved."""
        return cls(np.zeros((3, 1, 1), dtype=np.float32), (1.0, 1.0))

    def offsets(self, rows, cols) -> np.ndarray:
        """Cells down, cells to the right and metres up at fractional cells, `(3, ...)`; of a single node its own."""
        if self.nodes[0].size == 1:
            return self.nodes
        u, v = ((np.asarray(places) + 0.5) / step for places, step in zip((rows, cols), self.step))
        return bilinear(self.nodes, u, v)

    def reach(self, rows, cols) -> tuple[float, float, float, float]:
        """Bounds `(least down, most down, least right, most right)` of the offsets within rows and cols."""
        spans = (self._span(float(np.min(places)), float(np.max(places)), axis)
                 for axis, places in enumerate((rows, cols)))
        down, right, _ = self.nodes[(slice(None), *spans)]
        return float(down.min()), float(down.max()), float(right.min()), float(right.max())

    @cached_property
    def strain(self) -> float:
        """The most that down or right change from one row to the next."""
        return float(np.abs(np.diff(self.nodes[:2], axis=1)).max(initial=0.0)) / self.step[0]

    def lines(self, first: float, last: float, cols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`(rows (n,), values (3, n, m))`: rows of the nodes round `first` to `last`, and values there at `cols`."""
        span = self._span(first, last, 0)
        rows = np.arange(span.start, span.stop) * float(self.step[0]) - 0.5
        return rows, _linear(self.nodes[:, span], (cols + 0.5) / self.step[1])

    def _span(self, first: float, last: float, axis: int) -> slice:
        """The nodes between which two places lie."""
        count = self.nodes.shape[1 + axis]
        first, last = ((place + 0.5) / self.step[axis] for place in (first, last))
        return slice(min(max(math.floor(first), 0), count - 1), min(max(math.ceil(last), 0) + 1, count))
