"""Two DEMs brought together: the global shift, the blocks, the field between them."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..errors import CoregistrationError
from ..progress import Part, Progress
from ..raster.cache import small_cache
from ..raster.dem import Dem, handed_on
from ..raster.grid import Grid
from .block_layout import Block, lay_out
from .block_shifts import METHODS, solve_and_gather, step_of
from .blocks import BlockShift
from .cell_forms import Gathering, Quadratic
from .field_fit import as_shift_field, fit_field, lattice_side, step_for_field
from .global_shift import SAMPLE, SKETCH, global_shift, overlap
from .grounds import Survey, kept_grounds
from .lzd import lzd_together
from .rotation import Motion, global_motion
from .shift_field import ShiftField
from .terms import TERMS, Place
from .terrain_window import Pair, row_step

SIDE = 64  # cells of a lattice cell's side where one block is all


@dataclass(frozen=True)
class Settings:
    """How to coregister: the parameters of `blockwisecoregister`, in its words.

    `block_size` counts cells of the reference, 0 means one global shift; `overlap` is a fraction of a block.
    `rotation` lets the global step turn the secondary, `terms` (of TERMS) are solved beside every shift.
    """

    method: str = "lzd"
    block_size: int = 500
    overlap: float = 0.1
    field: str = "smooth"
    seed: int = 0
    rotation: bool = False
    terms: tuple = ()

    def check(self) -> None:
        """Raise CoregistrationError where the settings contradict each other."""
        if self.terms and self.method != "lzd":
            raise CoregistrationError("TERMS are solved jointly with the shift by METHOD=lzd alone: choose it.")
        if self.rotation and self.method == "vertical_shift":
            raise CoregistrationError("ROTATION moves sideways, METHOD=vertical_shift does not: choose another method.")
        if self.rotation and "tilt" in self.terms:
            raise CoregistrationError("A rotation holds the tilt already: choose either ROTATION or the term tilt.")


@dataclass(frozen=True)
class Coregistration:
    """The field that moves the secondary onto the reference, and the blocks that speak for it.

    `shift` and `sigma` are the global (dx, dy, dz), m; `notes` says what each stage did. `secondary` is what the field
    moves: the pair's, or the same file read without its elevation bias. `motion` holds the global step's terms.
    """

    field: ShiftField
    blocks: list[BlockShift]
    shift: np.ndarray
    sigma: np.ndarray
    notes: tuple
    secondary: Dem
    motion: Motion


def coregister(pair: Pair, settings: Settings, executor: Executor, progress: Progress) -> Coregistration:
    """Find the shift field. Shifts are metres to ADD to the secondary's position and height.

    Raises CoregistrationError where the DEMs do not overlap or share no stable terrain.
    """
    settings.check()
    with small_cache(*pair.rasters), handed_on(*pair.read):
        return _coregistered(pair, settings, executor, progress)


def _coregistered(pair: Pair, settings: Settings, executor: Executor, progress: Progress) -> Coregistration:
    fitted = pair.at_spacing_of_coarser()
    scale = fitted.reference.factor // pair.reference.factor
    motion = _whole(fitted, settings, Part(progress, 0.0, 0.15))
    shift, sigma = motion.shift, motion.shift_sigma
    notes = [f"Global shift: {_said(shift)} m (sigma {_said(sigma, '')} m)."]
    if motion.names:
        notes.append(motion.said())
        pair, fitted = (replace(one, secondary=motion.unbiased(one.secondary)) for one in (pair, fitted))
    size = max(4, round(settings.block_size / scale)) if settings.block_size else max(fitted.reference.grid.shape)
    blocks = lay_out(fitted.reference.grid, overlap(fitted), size, settings.overlap if settings.block_size else 0.0)
    terms = settings.terms if settings.block_size else motion.names
    method = partial(lzd_together, terms=terms) if terms else settings.method
    side, step = SIDE, row_step(blocks[0].wider, SAMPLE)
    if settings.block_size:
        side = lattice_side(size)
        step = min(step_of(fitted, blocks), step_for_field(blocks, side))
    how = Gathering.of(side, sum(block.window[2] * block.window[3] for block in blocks) // step)
    with kept_grounds(executor, step, settings.seed) as grounds:
        survey = Survey(fitted, blocks, _starts(motion, fitted.reference.grid, blocks), grounds, how)
        shifts, forms = solve_and_gather(survey, method, executor, Part(progress, 0.15, 0.5))
        used = sum(block.usable for block in shifts)
        notes.append(f"{used} of {len(shifts)} blocks used.")
        if settings.block_size and used:
            field = _field(pair, survey, shifts, forms, settings, size, scale, executor, Part(progress, 0.5, 1.0),
                           notes)
        else:
            field, shift = _one_for_all(pair, motion, forms, settings, scale, shift, notes)
    return Coregistration(field, _filled(shifts, blocks, field, scale), shift, sigma, tuple(notes), pair.secondary,
                          motion)


def _one_for_all(pair, motion, forms, settings, scale, shift, notes) -> tuple[ShiftField, np.ndarray]:
    """The field of the motion of the whole, and its shift; without blocks raised to a median dh of zero."""
    field, missed = motion.on_cells_of(scale).field(pair.reference)
    if missed > 5e-4:
        notes.append(f"Relief between the field's nodes leaves 95 % of cells within {missed:.3f} m of the motion.")
    if settings.block_size:
        notes.append("No block could be used: the whole raster takes the global shift.")
    elif forms:
        # Where residuals are skewed, dz is their median, as in a field of blocks.
        form = Quadratic.joined(forms)
        lift = form.median_dh(field.at(*((places + 0.5) * scale - 0.5 for places in (form.rows, form.cols))))
        field, shift = field.raised(lift), shift + np.array([0.0, 0.0, lift])
        notes.append(f"Raised by {lift:+.3f} m to a median dh of zero.")
    return field, shift


def _whole(pair: Pair, settings: Settings, progress: Progress) -> Motion:
    """The motion of the whole secondary: a shift by METHOD, or least squares for the shift and the terms."""
    names = ("rotation",) * settings.rotation + tuple(term for term in TERMS if term in settings.terms)
    if names:
        return global_motion(pair, names, settings.seed, progress)
    # Blocks only start from it; alone it is the answer.
    cells = SKETCH if settings.block_size else SAMPLE
    solution = global_shift(pair, METHODS[settings.method], settings.seed, progress, cells)
    if not solution.converged or not np.isfinite(solution.sigma).all():
        raise CoregistrationError(
            f"No shift between {pair.reference.name} and {pair.secondary.name} can be told: the stable terrain is too "
            "small or too flat for this method. Widen it, or use METHOD=vertical_shift.")
    return Motion.of((), Place(0.0, 0.0, 0.0), solution)


def _starts(motion: Motion, grid: Grid, blocks: list[Block]) -> np.ndarray:
    """Where each block's shift is sought from, `(n, 3)`: what the motion does at its centre."""
    rows, cols = np.array([(row + height / 2 - 0.5, col + width / 2 - 0.5)
                           for row, col, height, width in (block.window for block in blocks)]).T
    return motion.at(grid, rows, cols, motion.place.height).T


def _field(pair, survey, shifts, forms, settings, size, scale, executor, progress, notes) -> ShiftField:
    horizontal = settings.method != "vertical_shift"
    fit, passes = fit_field(survey, shifts, forms, settings.field, size, horizontal, executor, progress)
    if settings.field == "smooth":
        notes.append(f"Shift field in {passes} passes; cross-validated stiffness "
                     f"{fit.stiffness[0]:.1e} (horizontal), {fit.stiffness[1]:.1e} (vertical).")
    return as_shift_field(fit, pair.reference.grid, max(size / 2, 8.0), scale)


def _filled(shifts: list[BlockShift], blocks: list[Block], field: ShiftField, scale: int) -> list[BlockShift]:
    """Blocks that could not be measured carry the field's value at their centre."""
    told = []
    for shift, block in zip(shifts, blocks):
        if shift.status == "filled":
            row, col, height, width = block.window
            dx, dy, dz = field.at((row + height / 2) * scale - 0.5, (col + width / 2) * scale - 0.5)
            shift = replace(shift, dx=float(dx), dy=float(dy), dz=float(dz))
        told.append(shift)
    return told


def _said(values, sign: str = "+") -> str:
    return " / ".join(f"{value:{sign}.2f}" for value in values)
