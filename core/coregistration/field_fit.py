"""A smooth shift field through all stable terrain at once, first guided by the blocks."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ..errors import CoregistrationError
from ..executors import run_all
from ..progress import Part, Progress
from ..raster.grid import Grid
from ..statistics.robust import nmad
from .block_shifts import Block
from .blocks import BlockShift
from .shift_field import ShiftField
from .solution import spread, tukey, weigh
from .terrain_window import Pair

FIELDS = ("smooth", "plane", "constant")
KNOTS_PER_BLOCK = 2
CELLS_PER_KNOT = 4
NODES_PER_KNOT = 12
CELLS_OF_BLOCK = 64  # of the grid that carries a field made from blocks alone
PASSES = 4
SETTLED = 0.005  # cells: the field has stopped moving
STIFFNESS = 10.0 ** np.arange(-5.0, 4.0)
FINER = 10.0 ** np.arange(-1.0, 1.5, 0.5)
PIXEL_SHARE = 0.25  # of a pixel's standard deviation that a cell's mean may be off by
FOLDS = 5
SAMPLE = 100_000  # pixels that the median dh is taken from
GROUPS_FOR_ERROR = 20  # fewer tell no standard error
FULL_RASTER = 2_000_000  # cells: of larger rasters as many rows are taken as make this many cells


@dataclass(frozen=True)
class Quadratic:
    """Per cell of a lattice the misfit as a quadratic form of the shift there: f.M.f - 2 b.f + const.

    `rows`, `cols` (n,): the cells' centres on the grid; `M` (n, 3, 3), `b` (n, 3); `group` (n,): what is held out
    together in cross-validation; `counts` (n,): pixels. `sample` (m, 6): for some pixels their row, col, design
    (-gx, -gy, 1) and the dh that the whole shift must explain.
    """

    rows: np.ndarray
    cols: np.ndarray
    M: np.ndarray
    b: np.ndarray
    group: np.ndarray
    counts: np.ndarray
    sample: np.ndarray | None = None


class SplineBasis:
    """Tensor cubic B-splines every `spacing` cells over a grid."""

    def __init__(self, grid: Grid, spacing: float):
        self._down, self._across = (max(1, round(cells / spacing)) for cells in grid.shape)
        self._shape = grid.shape
        index = np.arange(self.size).reshape(self._down + 3, self._across + 3)
        # Numbered along the shorter side first: the narrower the band, the faster the solution.
        self.order = (index if self._across <= self._down else index.T).ravel()
        self.bandwidth = 3 * (min(self._down, self._across) + 3) + 3

    def at(self, rows, cols):
        """Sparse `(n, coefficients)` values at scattered cells."""
        from scipy import sparse

        (i, wi), (j, wj) = self._axis(rows, 0), self._axis(cols, 1)
        columns = (i[:, :, None] * (self._across + 3) + j[:, None, :]).reshape(len(rows), 16)
        weights = (wi[:, :, None] * wj[:, None, :]).reshape(len(rows), 16)
        pointers = np.arange(0, 16 * len(rows) + 1, 16)
        return sparse.csr_matrix((weights.ravel(), columns.ravel(), pointers), (len(rows), self.size))

    def on_lattice(self, coefficients, rows, cols):
        """Values at all pairs of rows and cols, `(rows, cols)`."""
        plane = coefficients.reshape(self._down + 3, self._across + 3)
        return self._dense(rows, 0) @ plane @ self._dense(cols, 1).T

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

    def _dense(self, cells, axis):
        index, weights = self._axis(cells, axis)
        matrix = np.zeros((len(cells), (self._down, self._across)[axis] + 3))
        np.put_along_axis(matrix, index, weights, axis=1)
        return matrix


class PolynomialBasis:
    """1 (constant) or 1, row, col (plane) over a grid, positions scaled to -1..1."""

    def __init__(self, grid: Grid, order: int):
        self._shape, self.size = grid.shape, 1 if order == 0 else 3
        self.order, self.bandwidth = np.arange(self.size), self.size - 1

    def at(self, rows, cols):
        """Dense-as-sparse `(n, coefficients)` values at scattered cells."""
        from scipy import sparse

        return sparse.csr_matrix(self._terms(np.asarray(rows, float), np.asarray(cols, float)))

    def on_lattice(self, coefficients, rows, cols):
        """Values at all pairs of rows and cols, `(rows, cols)`."""
        down, across = np.meshgrid(rows, cols, indexing="ij")
        return (self._terms(down.ravel(), across.ravel()) @ coefficients).reshape(down.shape)

    def stiffness(self):
        """Nothing to stiffen."""
        from scipy import sparse

        return sparse.csr_matrix((self.size, self.size))

    def _terms(self, rows, cols):
        u, v = 2 * (rows + 0.5) / self._shape[0] - 1, 2 * (cols + 0.5) / self._shape[1] - 1
        return np.column_stack([np.ones_like(u), u, v])[:, :self.size]


@dataclass(frozen=True)
class Fit:
    """A fitted field: coefficients `(3, basis.size)` and the stiffness that cross-validation chose."""

    basis: SplineBasis | PolynomialBasis
    coefficients: np.ndarray
    stiffness: tuple

    def on_lattice(self, rows, cols) -> np.ndarray:
        """The field at all pairs of rows and cols, `(3, rows, cols)`."""
        return np.stack([self.basis.on_lattice(c, rows, cols) for c in self.coefficients])


def fit_field(pair: Pair, blocks: list[Block], shifts: list[BlockShift], kind: str, block_size: int,
              horizontal: bool, executor: Executor, progress: Progress) -> tuple[Fit, int]:
    """The field `kind` (smooth, plane, constant) and the passes over the data that it took.

    It starts from the blocks' shifts and is then solved jointly from all stable cells: in every pass the
    secondary is sampled under the current field and each lattice cell gives a quadratic form of the shift, robust
    against outlying pixels and outlying cells. How smooth it is, cross-validation over whole blocks decides.
    """
    grid, cell = pair.reference.grid, pair.reference.grid.cell_size()
    spacing = max(block_size / KNOTS_PER_BLOCK, 8.0)
    basis = SplineBasis(grid, spacing) if kind == "smooth" else PolynomialBasis(grid, 0 if kind == "constant" else 1)
    fit, stiffness = _solve(basis, _from_blocks(shifts, grid), horizontal), None
    side = max(2, round(spacing / CELLS_PER_KNOT))
    for done in range(1, PASSES + 1):
        field = as_shift_field(fit, grid, spacing)
        quadratic = _gather(pair, blocks, field, side, executor,
                            Part(progress, (done - 1) / PASSES, done / PASSES))
        following = _levelled(_solve(basis, quadratic, horizontal, stiffness), quadratic.sample)
        # Once the field is near, the residuals tell finer shapes: the stiffness is chosen in two passes, then kept.
        stiffness = following.stiffness if done >= 2 else None
        moved = np.abs(as_shift_field(following, grid, spacing).nodes - field.nodes).reshape(3, -1)
        fit = following
        if stiffness and np.sqrt((moved**2).mean(axis=1)).max() < SETTLED * cell:
            break
    return fit, done


def as_shift_field(fit: Fit, grid: Grid, spacing: float, scale: int = 1) -> ShiftField:
    """The field as nodes on `grid`, whose cells are 1/`scale` of those it was fitted on."""
    flat = isinstance(fit.basis, PolynomialBasis)
    step = max(grid.shape) if flat else 2 ** int(np.log2(max(spacing * scale / NODES_PER_KNOT, 1.0)))

    def at(rows, cols):
        return fit.on_lattice((rows + 0.5) / scale - 0.5, (cols + 0.5) / scale - 0.5)

    return ShiftField.from_function(grid, step, at)


def field_from_blocks(shifts: list[BlockShift], crs: str) -> ShiftField:
    """The smooth field through the used blocks of a saved SHIFTS layer, weighted by their sigmas.

    An interpolation: the field that was solved jointly from the data is in the shift rasters.
    Raises CoregistrationError where no block was used.
    """
    bounds = np.array([shift.bounds for shift in shifts])
    (xmin, ymin), (xmax, ymax) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    width, height = (np.median(bounds[:, 2 + axis] - bounds[:, axis]) for axis in (0, 1))
    cell = min(width, height) / CELLS_OF_BLOCK
    grid = Grid((xmin, cell, 0.0, ymax, 0.0, -cell), max(1, round((xmax - xmin) / cell)),
                max(1, round((ymax - ymin) / cell)), crs)
    spacing = CELLS_OF_BLOCK / KNOTS_PER_BLOCK
    return as_shift_field(_solve(SplineBasis(grid, spacing), _from_blocks(shifts, grid), True), grid, spacing)


def _from_blocks(shifts: list[BlockShift], grid: Grid) -> Quadratic:
    """What the used blocks' own shifts say, weighted by their sigmas."""
    used = [shift for shift in shifts if shift.usable]
    if not used:
        raise CoregistrationError("No block of these shifts was used: there is nothing to interpolate.")
    sigma = np.array([[s.sigma_dx, s.sigma_dy, s.sigma_dz] for s in used])
    sigma = np.maximum(sigma, 0.1 * np.maximum(np.median(sigma, axis=0), 1e-6))
    found = np.array([[s.dx, s.dy, s.dz] for s in used])
    information = sigma**-2.0
    M = np.zeros((len(used), 3, 3))
    M[:, [0, 1, 2], [0, 1, 2]] = information
    rows, cols = grid.cell_of(*np.transpose([shift.centre for shift in used]))
    return Quadratic(rows, cols, M, information * found, np.arange(len(used)), np.zeros(len(used)))


def _gather(pair, blocks, field, side, executor, progress) -> Quadratic:
    """The quadratic forms of all lattice cells under the current field, block by block."""
    cells = sum(block.window[2] * block.window[3] for block in blocks)
    step = int(np.clip(cells // FULL_RASTER, 1, max(1, side // 4)))
    every = max(1, cells // (step * SAMPLE))
    tasks = [(pair, block.window, field, side, step, every) for block in blocks]
    parts = run_all(executor, window_quadratic, tasks, progress, "Shift field")
    groups = np.concatenate([np.full(len(part[0]), k) for k, part in enumerate(parts)])
    rows, cols, M, b, counts, sample = (np.concatenate(columns) for columns in zip(*parts))
    return Quadratic(rows, cols, M, b, groups, counts, sample)


def window_quadratic(pair: Pair, window: tuple, field: ShiftField, side: int, step: int, every: int):
    """`(rows, cols, M, b, counts)` of a window's lattice cells, `side` cells wide, and a sample of its pixels.

    Every `step`-th row is taken, and every `every`-th pixel of those into the sample. Self-contained for any
    worker; see Quadratic.
    """
    ground = pair.window(window, _starts(field, window), step)
    empty = np.zeros(0), np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 6))
    if ground.rows.size == 0:
        return empty
    dx, dy, dz = field.at(ground.rows, ground.cols).astype(float)
    ground = ground.at((dx, dy, dz))
    residuals = ground.residuals((dx, dy, dz))
    known = np.isfinite(residuals)
    if known.sum() < 10:
        return empty
    design = np.column_stack([-ground.gx, -ground.gy, np.ones_like(ground.gx)])[known]
    residuals = residuals[known]
    variance = spread(residuals, design[:, 0] ** 2 + design[:, 1] ** 2)
    weights = weigh(residuals, variance)
    rows, cols = ground.rows[known], ground.cols[known]
    # The data speak of the increment; adding the field turns it into a statement on the whole shift.
    total = residuals + (design * np.column_stack([dx[known], dy[known], dz[known]])).sum(axis=1)
    cell = ((rows - window[0]) // side).astype(int) * (window[3] // side + 1) + ((cols - window[1]) // side).astype(int)
    # Outliers have no say: without a mask, ground that changed would pull even a median.
    sample = np.column_stack([rows, cols, design, total])[weights > 0][::every]
    return *_sums(cell, rows, cols, design, weights, total), sample


def _levelled(fit: Fit, sample: np.ndarray) -> Fit:
    """The field raised so that the median dh of a sample is zero: where residuals are skewed, dz is their median."""
    if not len(sample):
        return fit
    P = fit.basis.at(sample[:, 0], sample[:, 1])
    shift = np.column_stack([P @ component for component in fit.coefficients])
    coefficients = fit.coefficients.copy()
    # Both bases hold the constant: the splines' sum is one everywhere, the polynomials' first term is one.
    constant = slice(None) if isinstance(fit.basis, SplineBasis) else slice(0, 1)
    coefficients[2, constant] += np.median(sample[:, 5] - (sample[:, 2:5] * shift).sum(axis=1))
    return Fit(fit.basis, coefficients, fit.stiffness)


def _sums(cell, rows, cols, design, weights, total):
    labels, index = np.unique(cell, return_inverse=True)

    def add(values):
        return np.bincount(index, values, len(labels))

    count = add(np.ones_like(weights))
    M = np.empty((len(labels), 3, 3))
    b = np.empty((len(labels), 3))
    for i in range(3):
        weighted = weights * design[:, i]
        b[:, i] = add(weighted * total)
        for j in range(i, 3):
            M[:, i, j] = M[:, j, i] = add(weighted * design[:, j])
    return add(rows) / count, add(cols) / count, M, b, count


def _starts(field: ShiftField, window: tuple) -> tuple:
    """The extreme shifts of a window: its corners and the places between."""
    rows = np.linspace(window[0], window[0] + window[2] - 1, 5)
    cols = np.linspace(window[1], window[1] + window[3] - 1, 5)
    dx, dy, _ = field.at(rows[:, None], cols[None, :])
    return tuple((float(x), float(y)) for x in (dx.min(), dx.max()) for y in (dy.min(), dy.max()))


def _solve(basis, data: Quadratic, horizontal: bool, stiffness: tuple | None = None) -> Fit:
    """The field of least misfit: cells that disagree are weighed down, then the stiffness is chosen if not given."""
    P = basis.at(data.rows, data.cols)
    weights = np.ones(len(data.rows))
    system = _System(basis, P, data, horizontal)
    usual = stiffness or (STIFFNESS[len(STIFFNESS) // 3],) * 2
    for _ in range(3):
        coefficients = system.solve(weights, usual)
        if len(data.rows) > 20:
            weights = _cell_weights(data, P, coefficients)
    if stiffness or isinstance(basis, PolynomialBasis) or len(np.unique(data.group)) < FOLDS:
        return Fit(basis, coefficients, usual)
    stiffness = system.cross_validated(weights)
    return Fit(basis, system.solve(weights, stiffness), stiffness)


def _cell_weights(data: Quadratic, P, coefficients) -> np.ndarray:
    """Tukey weights of the cells by their mean residual: ground that changed as a whole speaks less.

    What a mean may be off by grows with slope, as every misfit does; flat ground, where a wrong shift hardly shows, is
    not judged more strictly than most.
    """
    field = np.stack([P @ c for c in coefficients], axis=1)
    mass = data.M[:, 2, 2]
    heavy = mass > 0
    if not heavy.any():
        return np.zeros(mass.shape)
    misfit = (data.b[:, 2] - (data.M[:, 2] * field).sum(axis=1))[heavy] / mass[heavy]
    gradient2 = (data.M[:, 0, 0] + data.M[:, 1, 1])[heavy] / mass[heavy]
    weights = np.zeros(mass.shape)
    usual = np.maximum(np.sqrt(spread(misfit, gradient2)), nmad(misfit))
    # A mean that is off by less than its pixels scatter is no change, only ground that is not fitted yet.
    usual = np.maximum(usual, PIXEL_SHARE * np.sqrt(data.counts[heavy] / mass[heavy]))
    weights[heavy] = tukey((misfit - np.median(misfit)) / usual)
    return weights


class _System:
    """The normal equations of a basis and a set of quadratic forms, banded: neighbours in the net lie close."""

    def __init__(self, basis, P, data: Quadratic, horizontal: bool):
        self._basis, self._P, self._data = basis, P, data
        self._axes = (0, 1, 2) if horizontal else (2,)
        penalty = basis.stiffness()
        self._band = (basis.bandwidth + 1) * len(self._axes) - 1
        self._penalties = [self._banded([[penalty if i == j == axis else None for j in self._axes]
                                         for i in self._axes]) for axis in self._axes]

    def solve(self, weights, stiffness) -> np.ndarray:
        """Coefficients `(3, size)`; components that are not solved for stay zero."""
        return self._solved(*self._normal(weights), stiffness)

    def _normal(self, weights):
        from scipy import sparse

        P, data = self._P, self._data
        blocks = [[P.T @ sparse.diags(weights * data.M[:, i, j]) @ P for j in self._axes] for i in self._axes]
        right = np.stack([P.T @ (weights * data.b[:, i]) for i in self._axes], axis=1)
        return self._banded(blocks), right[self._basis.order].ravel()

    def _banded(self, blocks):
        """Upper banded form of a symmetric matrix given as one sparse block for every pair of components."""
        count = len(self._axes)
        rank = np.argsort(self._basis.order)
        band = np.zeros((self._band + 1, count * self._basis.size))
        for i, line in enumerate(blocks):
            for j, block in enumerate(line):
                if block is None:
                    continue
                block = block.tocoo()
                row, col = rank[block.row] * count + i, rank[block.col] * count + j
                upper = row <= col
                band[self._band + row[upper] - col[upper], col[upper]] = block.data[upper]
        return band

    def _solved(self, normal, right, stiffness):
        from scipy.linalg import solveh_banded

        count = len(self._axes)
        system = normal.copy()
        for place, (axis, penalty) in enumerate(zip(self._axes, self._penalties)):
            usual = normal[-1, place::count].mean()
            system += penalty * (usual * stiffness[0 if axis < 2 else 1])
            system[-1, place::count] += usual * 1e-9
        found = solveh_banded(system, right, overwrite_ab=True, check_finite=False).reshape(-1, count)
        coefficients = np.zeros((3, self._basis.size))
        coefficients[np.ix_(self._axes, self._basis.order)] = found.T
        return coefficients

    def cross_validated(self, weights) -> tuple:
        """The stiffness (horizontal, vertical) that foretells blocks held out of the fit.

        Not the best but the stiffest that is no worse than the best by more than a standard error of their difference
        (Hastie et al. 2009, section 7.10): what the data do not demand is not put into the field.
        """
        folds = np.random.default_rng(0).permutation(int(self._data.group.max()) + 1)[self._data.group] % FOLDS
        kept = [self._normal(weights * (folds != fold)) for fold in range(FOLDS)]

        def misfit(stiffness):
            return sum(self._misfit(self._solved(*kept[fold], stiffness), weights * (folds == fold))
                       for fold in range(FOLDS))

        both = _stiffest(STIFFNESS, lambda value: misfit((value, value)))
        near = both * FINER
        vertical = _stiffest(near, lambda value: misfit((both, value)))
        horizontal = _stiffest(near, lambda value: misfit((value, vertical)))
        return horizontal, vertical

    def _misfit(self, coefficients, weights) -> np.ndarray:
        """The misfit of every group, up to a constant."""
        field = np.stack([self._P @ c for c in coefficients], axis=1)
        curved = np.einsum("ni,nij,nj->n", field, self._data.M, field)
        return np.bincount(self._data.group, weights * (curved - 2 * (self._data.b * field).sum(axis=1)))


def _stiffest(candidates, misfit) -> float:
    """The largest candidate whose misfit is within a standard error of the least; the best where groups are few."""
    misfits = np.array([misfit(value) for value in candidates])
    excess = misfits - misfits[misfits.sum(axis=1).argmin()]
    groups = excess.shape[1]
    error = excess.std(axis=1) * np.sqrt(groups) if groups >= GROUPS_FOR_ERROR else 0.0
    return float(np.max(np.asarray(candidates)[excess.sum(axis=1) <= error]))
