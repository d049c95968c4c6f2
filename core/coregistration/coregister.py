"""Two DEMs brought together: the global shift, the blocks, the field between them."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CoregistrationError
from ..progress import Part, Progress
from .block_shifts import METHODS, Block, lay_out, solve_blocks
from .blocks import BlockShift
from .field_fit import as_shift_field, fit_field
from .global_shift import global_shift, overlap
from .shift_field import ShiftField
from .terrain_window import Pair


@dataclass(frozen=True)
class Settings:
    """How to coregister: the parameters of `blockwisecoregister`, in its words.

    `block_size` counts cells of the reference, 0 means one global shift; `overlap` is a fraction of a block.
    """

    method: str = "nuth_kaab"
    block_size: int = 500
    overlap: float = 0.1
    field: str = "smooth"
    seed: int = 0


@dataclass(frozen=True)
class Coregistration:
    """The field that moves the secondary onto the reference, and the blocks that speak for it.

    `shift` and `sigma` are the global (dx, dy, dz), m; `notes` says what each stage did.
    """

    field: ShiftField
    blocks: list[BlockShift]
    shift: np.ndarray
    sigma: np.ndarray
    notes: tuple


def coregister(pair: Pair, settings: Settings, executor: Executor, progress: Progress) -> Coregistration:
    """Find the shift field. Shifts are metres to ADD to the secondary's position and height.

    Raises CoregistrationError where the DEMs do not overlap or share no stable terrain.
    """
    method = METHODS[settings.method]
    fitted = pair.at_spacing_of_coarser()
    scale = fitted.reference.factor // pair.reference.factor
    solution = global_shift(fitted, method, settings.seed, Part(progress, 0.0, 0.15))
    if not solution.converged:
        raise CoregistrationError(
            f"No shift between {pair.reference.name} and {pair.secondary.name} can be told: the stable terrain is too "
            "small or too flat for this method. Widen it, or use METHOD=vertical_shift.")
    shift, sigma = solution.shift, solution.sigma * np.sqrt(solution.growth)
    notes = [f"Global shift: {_said(shift)} m (sigma {_said(sigma, '')} m)."]
    size = max(4, round(settings.block_size / scale)) if settings.block_size else max(fitted.reference.grid.shape)
    blocks = lay_out(fitted.reference.grid, overlap(fitted), size, settings.overlap if settings.block_size else 0.0)
    shifts = solve_blocks(fitted, blocks, settings.method, shift, settings.seed, executor, Part(progress, 0.15, 0.5))
    usable = [block for block in shifts if block.usable]
    notes.append(f"{len(usable)} of {len(shifts)} blocks used.")
    if not settings.block_size or not usable:
        field = ShiftField.constant(pair.reference.grid, shift)
        if settings.block_size:
            notes.append("No block could be used: the whole raster takes the global shift.")
    else:
        field = _field(pair, fitted, blocks, shifts, settings, size, scale, executor, Part(progress, 0.5, 1.0), notes)
    return Coregistration(field, _filled(shifts, blocks, field, scale), shift, sigma, tuple(notes))


def _field(pair, fitted, blocks, shifts, settings, size, scale, executor, progress, notes) -> ShiftField:
    horizontal = settings.method != "vertical_shift"
    fit, passes = fit_field(fitted, blocks, shifts, settings.field, size, horizontal, executor, progress)
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
