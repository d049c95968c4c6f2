"""The shift of every block, with its sigma and the reasons to trust it or not."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace
from itertools import islice

import numpy as np

from ..progress import Progress
from .block_layout import Block, Strip
from .blocks import BlockShift
from .cell_forms import Gathering, Quadratic, of_groups
from .dh_minimize import dh_minimize
from .grounds import Grounds, Survey
from .icp import icp
from .lzd import lzd, lzd_together
from .nuth_kaab import nuth_kaab
from .precision import scatter
from .solution import Solution, alone
from .terrain_window import Pair, TerrainWindow, row_step
from .vertical_shift import vertical_shift

METHODS = {"nuth_kaab": nuth_kaab, "lzd": lzd, "dh_minimize": dh_minimize, "icp": icp, "vertical_shift": vertical_shift}
LOOK, GLANCE = 5_000, 1_000  # cells that a block's NMAD and its mean slope are told from
WEAKEST_SIGMA = 1.0  # cells: a horizontal shift known worse says nothing about misplacement
WORSE = 1.05  # NMAD after a block's own shift over that after the global one
STRAY = 5.0  # sigmas from what the neighbours say
AROUND = [(down, right) for down in range(-2, 3) for right in range(-2, 3) if down or right]  # a block's neighbours
DOWNWEIGHT = 3.0  # times the median sigma
NO_GROWTH = 1.0, 1.0, 1.0  # of a sigma


def solve_blocks(pair: Pair, blocks: list[Block], method, start: np.ndarray, seed: int,
                 executor: Executor, progress: Progress) -> list[BlockShift]:
    """The shift of every block from the global one, judged alone and then against its neighbours.

    `method` is a name of METHODS or a function of several windows (see `lzd_together`); `start` (m) is one shift for
    all or one for each, `(n, 3)`.
    """
    starts = np.broadcast_to(start, (len(blocks), 3))
    survey = Survey(pair, blocks, starts, Grounds(step_of(pair, blocks), seed), None)
    return solve_and_gather(survey, method, executor, progress)[0]


def step_of(pair: Pair, blocks: list[Block]) -> int:
    """Which share of a block's lines its shift is told from: one of so many."""
    return min((row_step(block.wider, pair.SAMPLE) for block in blocks), default=1)


def solve_and_gather(survey: Survey, method, executor: Executor,
                     progress: Progress) -> tuple[list[BlockShift], list[np.ndarray]]:
    """As `solve_blocks`, and what the lattice cells of the usable blocks say about their shifts, if told how."""
    strips = survey.run(executor, solve_strip, lambda _: (method,), progress, "Shifts of the blocks")
    judged = _judged_together(_honest([block for blocks, _ in strips for block in blocks]),
                              survey.pair.reference.grid.cell_size())
    usable = iter([block.usable for block in judged])
    forms = [of_groups(form, list(islice(usable, len(blocks)))) for blocks, form in strips]
    return judged, [form for form in forms if form is not None]


def solve_strip(pair: Pair, strip: Strip, starts: np.ndarray, grounds: Grounds, how: Gathering | None,
                method) -> tuple[list[tuple[BlockShift, tuple]], np.ndarray | None]:
    """Each block's shift and the growth of its sigma's square, and, if told `how`, the forms of their cells (packed).

    Self-contained so that any worker can find it.
    """
    ground = grounds.first(pair, strip, starts)
    # Before a fit that wanders looks further: what is read again does not know of it.
    grounds.keep(strip, ground)
    ground.remember(np.zeros(3))
    if (starts == starts[0]).all():
        ground.remember(starts[0])
    parts = [ground.within(block.wider) for block in strip.blocks]
    seen = [_seen(pair, block, start, part) for block, start, part in zip(strip.blocks, starts, parts)]
    ready = [k for k, (_, window, _) in enumerate(seen) if window]
    found, fitted = [(block, NO_GROWTH) for block, _, _ in seen], []
    solutions = _solutions(method, [seen[k][1] for k in ready], starts[ready], pair.reference.grid.cell_size())
    for k, solution in zip(ready, solutions):
        block, _, before = seen[k]
        block, dh = _judged_after(block, solution, before, parts[k])
        found[k] = block, NO_GROWTH if dh is None else tuple(solution.growth.tolist())
        if dh is not None:
            fitted.append((k, solution, dh))
    return found, _forms(strip, parts, fitted, how) if how and fitted else None


def _solutions(method, windows: list[TerrainWindow], starts: np.ndarray, cell: float) -> list[Solution]:
    together = lzd_together if method == "lzd" else method
    if callable(together):
        return together(windows, starts, cell)
    return [METHODS[method](window, start, cell) for window, start in zip(windows, starts)]


def _forms(strip: Strip, parts: list[TerrainWindow], fitted: list[tuple], how: Gathering) -> np.ndarray | None:
    """The packed forms of the cells of blocks `fitted`: their place in the strip, their solution and dh after it."""
    count = len(strip.blocks)
    shifts, laws = np.zeros((3, count)), np.zeros((2, count))
    for k, solution, _ in fitted:
        shifts[:, k], laws[:, k] = solution.shift, solution.law or 0.0
    grounds = [(parts[k].at(solution.shift), dh, range(k, k + 1)) for k, solution, dh in fitted]
    told = all(solution.law for _, solution, _ in fitted)
    form = Quadratic.of(grounds, [block.window for block in strip.blocks], lambda _, __, block: shifts[:, block], how,
                        laws=laws if told else None)
    return form and form.packed()


def _honest(found: list[tuple[BlockShift, tuple]]) -> list[BlockShift]:
    """Sigmas that know how far residuals are correlated: a growth for all blocks, as one alone hardly tells its own."""
    measured = [growth for block, growth in found if block.status == "used"]
    growth = np.mean(measured, axis=0) if measured else np.ones(3)
    growth = np.sqrt(alone(growth) if len(measured) == 1 else growth).tolist()
    return [replace(block, sigma_dx=block.sigma_dx * growth[0], sigma_dy=block.sigma_dy * growth[1],
                    sigma_dz=block.sigma_dz * growth[2]) for block, _ in found]


def _seen(pair: Pair, block: Block, start: np.ndarray,
          ground: TerrainWindow) -> tuple[BlockShift, TerrainWindow | None, float]:
    """The block before it is solved, what to solve it on and the NMAD (m) after the start; None where it is too little.
    """
    grid, window = pair.reference.grid, ground.fewer(pair.SAMPLE)[1]
    blank = BlockShift(block.row, block.col, grid.window(*block.window).bounds())
    if window.heights.size == 0:
        return replace(blank, reason="no stable terrain with reference heights"), None, np.nan
    before = window.residuals(start)
    count = int(np.isfinite(before).sum()) * window.step
    if count == 0:
        return replace(blank, reason="no stable terrain with secondary heights"), None, np.nan
    slopes = np.arctan(np.hypot(*(_some(slope, GLANCE) for slope in (window.gx, window.gy))))
    known = replace(blank, n=count, slope=float(np.degrees(slopes.mean())),
                    nmad_before=_nmad(window.residuals(np.zeros(3))))
    if count < max(pair.LEAST_IN_BLOCK, pair.LEAST_SHARE * block.wider[2] * block.wider[3]):
        return replace(known, reason=f"too few stable {pair.UNIT} ({count})"), None, np.nan
    return known, window, _nmad(before)


def _judged_after(known: BlockShift, solution: Solution, before: float,
                  ground: TerrainWindow) -> tuple[BlockShift, np.ndarray | None]:
    """The block as its solution leaves it, and dh (m) after that; `before`: the NMAD (m) after the start."""
    if not solution.converged:
        return replace(known, status="rejected", iterations=solution.iterations, reason="did not converge"), None
    dh = ground.at(solution.shift).residuals(solution.shift)
    after = _nmad(dh)
    (dx, dy, dz), (sigma_dx, sigma_dy, sigma_dz) = solution.shift.tolist(), solution.sigma.tolist()
    solved = replace(known, dx=dx, dy=dy, dz=dz, sigma_dx=sigma_dx, sigma_dy=sigma_dy, sigma_dz=sigma_dz,
                     nmad_after=after, iterations=solution.iterations, status="used")
    if after > WORSE * before:
        return replace(solved, status="rejected", reason="fits no better than the global shift"), None
    return solved, dh


def _nmad(residuals: np.ndarray) -> float:
    return scatter(_some(residuals, LOOK))


def _some(values: np.ndarray, count: int) -> np.ndarray:
    return values[::max(1, values.size // count)]


def _judged_alone(block: BlockShift, cell: float) -> BlockShift:
    weakest = max(block.sigma_dx, block.sigma_dy)
    if block.status != "used":
        return block
    if not np.isfinite(weakest + block.sigma_dz):
        return replace(block, status="rejected", reason="its precision cannot be told")
    if weakest > WEAKEST_SIGMA * cell:
        return replace(block, status="rejected",
                       reason=f"too flat, one-sided or noisy: horizontal sigma {weakest:.1f} m")
    return block


def _judged_together(blocks: list[BlockShift], cell: float) -> list[BlockShift]:
    """Reject blocks that cannot tell, or stray from what their neighbours say; weigh down the ill-determined."""
    blocks = [_judged_alone(block, cell) for block in blocks]
    used = {(block.row, block.col): block for block in blocks if block.status == "used"}
    usual = np.median([max(b.sigma_dx, b.sigma_dy) for b in used.values()]) if used else 0.0
    judged = []
    for block in blocks:
        if block.status == "used" and _strays(block, used):
            block = replace(block, status="rejected", reason="too far from its neighbours")
        elif block.status == "used" and max(block.sigma_dx, block.sigma_dy) > DOWNWEIGHT * usual:
            block = replace(block, status="downweighted", reason="known much less well than most")
        judged.append(block)
    return judged


def _strays(block: BlockShift, used: dict[tuple, BlockShift]) -> bool:
    """True where a block lies beyond STRAY sigmas of its neighbours' range and median in some axis.

    `used` are blocks by row and column.
    """
    near = [used[place] for down, right in AROUND if (place := (block.row + down, block.col + right)) in used]
    if len(near) < 8:
        return False
    for axis in ("dx", "dy", "dz"):
        value, values = getattr(block, axis), np.array([getattr(b, axis) for b in near])
        if values.min() <= value <= values.max():
            continue
        sigmas = np.array([getattr(b, "sigma_" + axis) for b in near])
        tolerance = np.hypot(getattr(block, "sigma_" + axis), np.median(sigmas)) + scatter(values)
        if abs(value - np.median(values)) > STRAY * tolerance:
            return True
    return False
