"""What the cells of a lattice say of the shift: quadratic forms, into which all pixels are gathered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import CoregistrationError
from .solution import Precision
from .terrain_window import TerrainWindow

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
    def of(cls, ground: TerrainWindow, residuals: np.ndarray, shift_at, windows: list[tuple], how: Gathering,
           doubt: float = 0.0, law: tuple | None = None, telling: tuple = (True,)) -> Quadratic | None:
        """Of the cells of windows side by side, each a group, from dh (m) after the shift `shift_at(row, col)`, (3, n).

        Pixels that scatter more than most of the window's at their slope have little say or none, unless a shift that
        is off by `doubt` (m) would explain it; `law` says how they scatter about zero, if that is known. Windows that
        are not `telling` of horizontal shifts speak of heights alone, those where hardly any pixel is known not at all.
        None where that is so of all.
        """
        cell, per_window = ground.lattice_cells(windows, how.side)
        known, window = _known(residuals, cell, per_window)
        if not known.size:
            return None
        cell, residuals, gx, gy, rows, cols = (values.take(known) for values in
                                               (cell, residuals, ground.gx, ground.gy, ground.rows, ground.cols))
        if not all(telling):
            gx, gy = (np.where(np.take(telling, window), slope, np.float32(0)) for slope in (gx, gy))
        weights = _weights(residuals, gx**2 + gy**2, window, doubt, law)
        filled, rows_of, cols_of, M, b, counts = _sums(cell, rows, cols, np.stack([-gx, -gy, np.ones_like(gx)]),
                                                       weights, residuals)
        # The data speak of the increment; adding the shift turns it into a statement on the whole one.
        shift = np.asarray(shift_at(rows_of, cols_of), dtype=float)
        b += np.einsum("nij,jn->ni", M, shift)
        # Outliers have no say: without a mask, ground that changed would pull even a median.
        some = np.flatnonzero(weights > 0)[::how.every]
        index, design = filled.searchsorted(cell[some]), np.stack([-gx[some], -gy[some], np.ones(some.size)])
        total = residuals[some] + (design * shift[:, index]).sum(axis=0)
        group = np.unique(filled // per_window, return_inverse=True)[1]
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
        group = group.astype(int) + np.repeat(np.cumsum(groups) - groups, cells)
        sample[:, 0] += np.repeat(np.cumsum(cells) - cells, samples)
        return cls(rows, cols, M, b, group, counts, sample)


def _unpacked(packed: np.ndarray) -> list[np.ndarray]:
    """Rows, cols, counts, group, b, M and sample of Quadratic.packed."""
    count = int(packed[0])
    *parts, sample = np.split(packed[1:], np.cumsum([count, count, count, count, 3 * count, 9 * count]))
    shapes = (-1,), (-1,), (-1,), (-1,), (-1, 3), (-1, 3, 3), (-1, 5)
    return [part.reshape(shape) for part, shape in zip((*parts, sample), shapes)]


def _known(residuals, cell, per_window: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels with dh of the windows that have not too few of them, and of each which window it is of."""
    known = np.flatnonzero(np.isfinite(residuals) & (cell >= 0))
    window = cell.take(known) // per_window
    many = np.bincount(window) >= LEAST
    if many.all():
        return known, window
    return known[many[window]], window[many[window]]


def _weights(residuals, gradient2, window, doubt: float, law: tuple | None) -> np.ndarray:
    """What pixels of several windows weigh, (n,); see Quadratic.of."""
    level, by_slope, centre = (*law, 0.0) if law else _laws(residuals, gradient2, window).take(window, axis=1)
    laws = level + np.float32(STEADIER * doubt) ** 2, by_slope + np.float32(doubt) ** 2
    return Precision(gradient2).weights(residuals, laws, centre)


def _laws(residuals, gradient2, window) -> np.ndarray:
    """How the pixels of each window scatter, and about what: float32 `(3, windows)`, see Precision.law_and_centre."""
    laws = np.zeros((3, window.max() + 1), dtype=np.float32)
    for place in np.flatnonzero(np.bincount(window)):
        some = np.flatnonzero(window == place)
        law, centre = Precision(gradient2.take(some)).law_and_centre(residuals.take(some))
        laws[:, place] = *law, centre
    return laws


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
