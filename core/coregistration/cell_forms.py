"""What the cells of a lattice say of the shift: quadratic forms, into which all pixels are gathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import CoregistrationError
from .precision import Precision

LEAST = 10  # pixels
STEADIER = 0.1  # of a doubt in the horizontal shift: that in the height
TO_TELL_A_MEDIAN = 100_000  # pixels


@dataclass(frozen=True)
class Gathering:
    """How pixels are gathered: into cells `side` wide, and every `every`-th beside them to tell the median dh."""

    side: int
    every: int

    @classmethod
    def of(cls, side: int, pixels: int) -> Gathering:
        """For about so many pixels in all."""
        return cls(side, max(1, pixels // TO_TELL_A_MEDIAN))


@dataclass(frozen=True)
class Quadratic:
    """Per cell of a lattice the misfit as a quadratic form of the shift there: f.M.f - 2 b.f + const.

    `rows`, `cols` (n,): the cells' centres on the grid; `M` (n, 3, 3), `b` (n, 3); `group` (n,): what is held out
    together in cross-validation; `counts` (n,): pixels. `sample` (m, 5): for some pixels their cell, design (-gx, -gy,
    1) and the dh that the whole shift must explain.
    """

    rows: np.ndarray
    cols: np.ndarray
    M: np.ndarray
    b: np.ndarray
    group: np.ndarray
    counts: np.ndarray
    sample: np.ndarray

    @classmethod
    def of(cls, parts: list[tuple], windows: list[tuple], shift_at, how: Gathering, doubt: float = 0.0,
           laws: np.ndarray | None = None, telling: tuple = ()) -> Quadratic | None:
        """Of the cells of windows side by side, each a group, from dh (m) after a shift.

        `parts`: pieces of ground, dh (n,) of each and a range of the windows that it is taken for, one after the other;
        `shift_at(rows, cols, window)` (3, n) gives the shift. Pixels that scatter more than most of their window's at
        their slope have little say or none, unless a shift that is off by `doubt` (m) would explain it; `laws` (2,
        windows) say how they scatter about zero, if that is known. Windows that are not `telling` of horizontal shifts
        speak of heights alone, those where hardly any pixel is known not at all. None where that is so of all.
        """
        (cell, residuals, gx, gy, rows, cols), pixels, per_window = _pixels(parts, windows, how.side)
        if not cell.size:
            return None
        for silent, end, count in zip(np.logical_not(telling), np.cumsum(pixels), pixels):
            if silent:
                gx[end - count:end] = gy[end - count:end] = 0
        weights = _weights(residuals, gx**2 + gy**2, pixels, doubt, laws)
        filled, rows_of, cols_of, M, b, counts = _sums(cell, rows, cols, np.stack([-gx, -gy, np.ones_like(gx)]),
                                                       weights, residuals)
        group = filled // per_window
        # The data speak of the increment; adding the shift turns it into a statement on the whole one.
        shift = np.asarray(shift_at(rows_of, cols_of, group), dtype=float)
        b += np.einsum("nij,jn->ni", M, shift)
        # Outliers have no say: without a mask, ground that changed would pull even a median.
        some = np.flatnonzero(weights > 0)[::how.every]
        index, design = filled.searchsorted(cell[some]), np.stack([-gx[some], -gy[some], np.ones(some.size)])
        total = residuals[some] + (design * shift[:, index]).sum(axis=0)
        return cls(rows_of, cols_of, M, b, group, counts, np.column_stack([index, *design, total]))

    def packed(self) -> np.ndarray:
        """All of it in one array: many small ones that stay, among large ones that go, scatter memory."""
        parts = self.rows, self.cols, self.counts, self.group, self.b, self.M, self.sample
        return np.concatenate([[len(self.rows)], *(part.ravel() for part in parts)])

    def within(self, window: tuple) -> tuple[Quadratic, np.ndarray]:
        """The cells of a window `(row, col, height, width)`, counted from its corner, and their indices."""
        row, col, height, width = window
        some = np.flatnonzero((self.rows >= row) & (self.rows < row + height)
                              & (self.cols >= col) & (self.cols < col + width))
        _, group = np.unique(self.group[some], return_inverse=True)
        return Quadratic(self.rows[some] - row, self.cols[some] - col, self.M[some], self.b[some], group,
                         self.counts[some], self.sample[:0]), some

    def median_dh(self, shift: np.ndarray) -> float:
        """The median dh (m) of the sample after the `shift` (3, n) of its cells; 0 of nothing."""
        if not len(self.sample):
            return 0.0
        index, design, total = self.sample[:, 0].astype(int), self.sample[:, 1:4].T, self.sample[:, 4]
        return float(np.median(total - (design * shift[:, index]).sum(axis=0)))

    @classmethod
    def joined(cls, parts: list[np.ndarray | None]) -> Quadratic:
        """Of several (packed), whose groups are all different. Raises CoregistrationError where none knows a thing."""
        known = [_unpacked(part) for part in parts if part is not None]
        if not known:
            raise CoregistrationError("No stable cell with heights in both DEMs is left: check the mask and the voids.")
        cells = [len(rows) for rows, *_ in known]
        groups = [int(group[-1]) + 1 for _, _, _, group, *_ in known]
        samples = [len(sample) for *_, sample in known]
        rows, cols, counts, group, b, M, sample = (np.concatenate(values) for values in zip(*known))
        group = np.unique(group + np.repeat(np.cumsum(groups) - groups, cells), return_inverse=True)[1]
        sample[:, 0] += np.repeat(np.cumsum(cells) - cells, samples)
        return cls(rows, cols, M, b, group, counts, sample)


def of_groups(packed: np.ndarray | None, told: list[bool]) -> np.ndarray | None:
    """Of packed forms those of the groups that are `told`, one for each, to be; None where none is."""
    if packed is None or all(told):
        return packed
    rows, cols, counts, group, b, M, sample = _unpacked(packed)
    kept = np.array(told)[group.astype(int)]
    if not kept.any():
        return None
    sample = sample[kept[sample[:, 0].astype(int)]]
    sample[:, 0] = (np.cumsum(kept) - 1)[sample[:, 0].astype(int)]
    return Quadratic(*(part[kept] for part in (rows, cols, M, b, group, counts)), sample).packed()


def _unpacked(packed: np.ndarray) -> list[np.ndarray]:
    """Rows, cols, counts, group, b, M and sample of Quadratic.packed."""
    count = int(packed[0])
    *parts, sample = np.split(packed[1:], np.cumsum([count, count, count, count, 3 * count, 9 * count]))
    shapes = (-1,), (-1,), (-1,), (-1,), (-1, 3), (-1, 3, 3), (-1, 5)
    return [part.reshape(shape) for part, shape in zip((*parts, sample), shapes)]


def _pixels(parts: list[tuple], windows: list[tuple], side: int) -> tuple[list[np.ndarray], list[int], int]:
    """The lattice cell, dh, gx, gy, row and column of pixels with dh, window by window; how many each window has, none
    of those with too few; and how many lattice cells a window has."""
    found = []
    for ground, residuals, which in parts:
        cell, per_window = ground.lattice_cells(windows, side, which)
        known = np.flatnonzero(np.isfinite(residuals) & (cell >= 0))
        if len(which) > 1:
            # Small numbers are sorted by counting.
            known = known[np.argsort((cell.take(known) // per_window).astype(np.int16), kind="stable")]
        found.append([values.take(known)
                      for values in (cell, residuals, ground.gx, ground.gy, ground.rows, ground.cols)])
    pixels = [np.concatenate(values) for values in zip(*found)]
    window = pixels[0] // per_window
    counts = np.bincount(window, minlength=len(windows))
    if ((few := counts < LEAST) & (counts > 0)).any():
        pixels, counts = [values[~few[window]] for values in pixels], np.where(few, 0, counts)
    return pixels, counts.tolist(), per_window


def _weights(residuals, gradient2, sizes: list[int], doubt: float, laws: np.ndarray | None) -> np.ndarray:
    """What pixels of several windows, so many of each, weigh, (n,); see Quadratic.of."""
    precision = Precision(gradient2, sizes)
    laws = precision.laws_and_centres(residuals) if laws is None else np.vstack([laws, np.zeros(len(sizes))])
    laws[0] += (STEADIER * doubt) ** 2
    laws[1] += doubt**2
    return precision.weights(residuals, laws)


def _sums(cell, rows, cols, design, weights, residuals):
    """The numbers of the cells that hold any, their mean row and column, `M`, `b` and count; the design is `(3, n)`."""
    # Along a line neighbours share a cell: first the sums of such runs, then those of the cells.
    starts = np.concatenate([[0], np.flatnonzero(cell[1:] != cell[:-1]) + 1])
    runs, counts = cell[starts], np.bincount(cell)
    filled = np.flatnonzero(counts)

    def add(values):
        return np.bincount(runs, np.add.reduceat(values, starts))[filled]

    weighted = design * weights
    M, b = np.empty((filled.size, 3, 3)), np.empty((filled.size, 3))
    for i in range(3):
        b[:, i] = add(weighted[i] * residuals)
        for j in range(i, 3):
            M[:, i, j] = M[:, j, i] = add(weighted[i] * design[j] if j < 2 else weighted[i])
    counts = counts[filled]
    return filled, add(rows) / counts, add(cols) / counts, M, b, counts
