"""A smooth shift field through all stable terrain at once, first guided by the blocks."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ..errors import CoregistrationError
from ..progress import Part, Progress
from ..raster.grid import Grid
from ..statistics.robust import nmad
from .block_layout import Block, Strip
from .blocks import BlockShift
from .cell_forms import Gathering, Quadratic
from .field_basis import Cells, PolynomialBasis, SplineBasis
from .field_system import FOLDS, USUAL, system_of
from .grounds import Grounds, Survey
from .precision import Precision, tukey
from .shift_field import ShiftField
from .terrain_window import Pair

FIELDS = ("smooth", "plane", "constant")
KNOTS_PER_BLOCK = 2
CELLS_PER_KNOT = 4
NODES_PER_KNOT = 12
CELLS_OF_BLOCK = 64  # of the grid that carries a field made from blocks alone
PASSES = 6
AT_FIRST, AT_LAST = 0.1, 0.02  # cells that a field made from blocks may be off by, and a field that has come to rest
SETTLED = 0.5  # of what the cells' means scatter: a field that moves them less has come to rest
FEW = 20  # cells: so few cannot outvote one
PIXEL_SHARE = 0.25  # of a pixel's standard deviation that a cell's mean may be off by
SMOOTHEST_FIRST = 10.0 ** np.arange(5.0, -6.5, -0.5)
FULL_RASTER = 250_000  # cells: of larger rasters as many lines are taken as make this many cells,
LINES = 2.5  # but as many across a lattice cell, on average


@dataclass(frozen=True)
class Fit:
    """A fitted field: coefficients `(3, basis.size)` and the stiffness that cross-validation chose."""

    basis: SplineBasis | PolynomialBasis
    coefficients: np.ndarray
    stiffness: tuple

    def at(self, rows, cols) -> np.ndarray:
        """The field (m) at scattered cells, `(3, n)`."""
        return Cells(self.basis, rows, cols).values(self.coefficients)

    def on_lattice(self, rows, cols) -> np.ndarray:
        """The field (m) at all pairs of rows and cols, `(3, rows, cols)`."""
        return self.basis.on_lattice(self.coefficients, rows, cols)


def lattice_side(block_size: int) -> int:
    """Cells of a lattice cell's side, for blocks of this size."""
    return max(2, round(_spacing(block_size) / CELLS_PER_KNOT))


def step_for_field(blocks: list[Block], side: int) -> int:
    """Which share of the lines a field is told from, with lattice cells of so many cells a side: one of so many."""
    cells = sum(block.window[2] * block.window[3] for block in blocks)
    return max(1, min(cells // FULL_RASTER, int(side / LINES)))


def _spacing(block_size: int) -> float:
    return max(block_size / KNOTS_PER_BLOCK, 8.0)


def fit_field(survey: Survey, shifts: list[BlockShift], forms: list[np.ndarray], kind: str, block_size: int,
              horizontal: bool, executor: Executor, progress: Progress) -> tuple[Fit, int]:
    """The field `kind` (smooth, plane, constant) and the passes over the data that it took beyond the blocks' own.

    It starts from `forms`, what the used blocks' cells say about their own shifts, and is then solved jointly from all
    stable cells, those of rejected blocks for its height alone: in every pass the secondary is sampled under the
    current field and each lattice cell gives a quadratic form of the shift, robust against outlying pixels and outlying
    cells. How smooth it is, cross-validation over whole blocks decides.
    """
    grid, spacing = survey.pair.reference.grid, _spacing(block_size)
    basis = SplineBasis(grid, spacing) if kind == "smooth" else PolynomialBasis(grid, 0 if kind == "constant" else 1)
    quadratic, usable = Quadratic.joined(forms), tuple(shift.usable for shift in shifts)
    doubt, least = AT_FIRST * grid.cell_size(), AT_LAST * grid.cell_size()
    fit = _levelled(_solve(basis, quadratic, horizontal, (doubt, least)), quadratic)
    for done in range(1, PASSES + 1):
        found = survey.run(executor, strip_forms, lambda which, fit=fit, doubt=doubt: (fit, doubt, usable[which]),
                           Part(progress, (done - 1) / PASSES, done / PASSES), "Shift field")
        quadratic = Quadratic.joined(found)
        # Once the field is near, the residuals tell finer shapes: the stiffness is chosen anew, then kept.
        last, fit = fit, _levelled(_solve(basis, quadratic, horizontal, (doubt, least), fit, done == 1), quadratic)
        step = (fit.at(quadratic.rows, quadratic.cols) - last.at(quadratic.rows, quadratic.cols)).T
        if _small(step, quadratic, fit):
            break
        doubt = max(least, float(np.sqrt((step[:, :2] ** 2).sum(axis=1).mean())))
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
    return as_shift_field(_as_far_as_told(SplineBasis(grid, spacing), _from_blocks(shifts, grid)), grid, spacing)


def _as_far_as_told(basis, data: Quadratic) -> Fit:
    """The stiffest field that keeps to what is given, on the whole, as closely as its sigmas say (Reinsch 1967)."""
    system, cells = system_of(basis, data, True), Cells(basis, data.rows, data.cols)
    found = np.linalg.solve(data.M, data.b[:, :, None])[:, :, 0]
    for stiffness in SMOOTHEST_FIRST:
        coefficients = system.solve(np.ones(len(data.rows)), (stiffness, stiffness))
        off = cells.values(coefficients).T - found
        if np.einsum("ni,nij,nj->", off, data.M, off) <= off.size:
            break
    return Fit(basis, coefficients, (stiffness, stiffness))


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
    return Quadratic(rows, cols, M, information * found, np.arange(len(used)), np.zeros(len(used)), np.zeros((0, 5)))


def strip_forms(pair: Pair, strip: Strip, starts: np.ndarray, grounds: Grounds, how: Gathering, field: Fit,
                doubt: float, telling: tuple) -> np.ndarray | None:
    """The packed forms of the lattice cells of a strip's blocks; self-contained for any worker.

    The field may be off by `doubt` (m). A block that is not `telling` of horizontal shifts speaks of heights alone.
    """
    ground = grounds.again(pair, strip, starts)
    if ground.heights.size == 0:
        return None
    ground, residuals = ground.under(field)
    windows = [block.window for block in strip.blocks]
    form = Quadratic.of([(ground, residuals, range(len(windows)))], windows,
                        lambda rows, cols, _: field.at(rows, cols), how, doubt, telling=telling)
    return form and form.packed()


def _levelled(fit: Fit, data: Quadratic) -> Fit:
    """The field raised so that the median dh of a sample is zero: where residuals are skewed, dz is their median."""
    coefficients = fit.coefficients.copy()
    # Both bases hold the constant: the splines' sum is one everywhere, the polynomials' first term is one.
    constant = slice(None) if isinstance(fit.basis, SplineBasis) else slice(0, 1)
    coefficients[2, constant] += data.median_dh(fit.at(data.rows, data.cols))
    return Fit(fit.basis, coefficients, fit.stiffness)


def _small(step: np.ndarray, data: Quadratic, fit: Fit) -> bool:
    """True where a step (n, 3) moves dh by little against what the cells' means scatter: the next is a tenth of it."""
    square = np.einsum("ni,nij,nj->n", step, data.M, step).sum() / data.M[:, 2, 2].sum()
    misfit, _ = _misfits(data, fit.at(data.rows, data.cols).T)
    return bool(np.sqrt(square) < SETTLED * nmad(misfit))


def _solve(basis, data: Quadratic, horizontal: bool, doubts: tuple, last: Fit | None = None,
           choose: bool = True) -> Fit:
    """The field of least misfit: cells that disagree are weighed down, then the stiffness is chosen (near the last).

    The field may be off by the first of `doubts` (m) to begin with, by the second in the end. What such a shift
    explains is no disagreement: else a field that is too stiff would silence whatever tells against it. The first field
    only leads the next pass: its cells are weighed but once.
    """
    doubt, least = doubts
    system, cells = system_of(basis, data, horizontal), Cells(basis, data.rows, data.cols)
    stiffness = last.stiffness if last else (USUAL,) * 2
    coefficients = last.coefficients if last else system.solve(np.ones(len(data.rows)), stiffness)
    weights = _cell_weights(data, cells.values(coefficients), doubt)
    if choose and isinstance(basis, SplineBasis) and len(np.unique(data.group)) >= FOLDS:
        stiffness = system.cross_validated(weights, last.stiffness[0] if last else None)
    if last:
        weights = _cell_weights(data, cells.values(system.solve(weights, stiffness)), least)
    # To a micrometre: what lies below depends on how many threads LAPACK has.
    return Fit(basis, np.round(system.solve(weights, stiffness), 6), stiffness)


def _misfits(data: Quadratic, field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean residual (m) of the cells that weigh anything, under the shifts `field` (n, 3), and which they are."""
    mass = data.M[:, 2, 2]
    heavy = np.flatnonzero(mass > 0)
    return (data.b[:, 2] - (data.M[:, 2] * field).sum(axis=1))[heavy] / mass[heavy], heavy


def _cell_weights(data: Quadratic, field: np.ndarray, doubt: float) -> np.ndarray:
    """Tukey weights of the cells by their mean residual: ground that changed as a whole speaks less.

    They are judged under the shifts `field` (3, n). What a mean may be off by grows with slope, as every misfit does;
    flat ground, where a wrong shift hardly shows, is not judged more strictly than most.
    """
    weights = np.ones(len(data.rows))
    if len(weights) <= FEW:
        return weights
    misfit, heavy = _misfits(data, field.T)
    weights[:] = 0.0
    if not heavy.size:
        return weights
    mass = data.M[heavy, 2, 2]
    gradient2 = (data.M[heavy, 0, 0] + data.M[heavy, 1, 1]) / mass
    precision = Precision(gradient2)
    usual = np.maximum(np.sqrt(precision.variances(precision.laws(misfit))), nmad(misfit))
    # A mean that is off by less than its pixels scatter is no change, only ground that is not fitted yet.
    usual = np.maximum(usual, PIXEL_SHARE * np.sqrt(data.counts[heavy] / mass))
    weights[heavy] = tukey((misfit - np.median(misfit)) / np.sqrt(usual**2 + doubt**2 * gradient2))
    return weights
