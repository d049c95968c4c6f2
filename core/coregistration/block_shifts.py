"""The shift of every block, with its sigma and the reasons to trust it or not."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from ..progress import Progress
from .block_layout import Block, Strip
from .blocks import BlockShift
from .cell_forms import Gathering, Quadratic
from .dh_minimize import dh_minimize
from .grounds import Grounds, Survey
from .icp import icp
from .lzd import lzd
from .nuth_kaab import nuth_kaab
from .solution import Solution, alone, scatter
from .terrain_window import Pair, TerrainWindow, row_step
from .vertical_shift import vertical_shift

METHODS = {"nuth_kaab": nuth_kaab, "lzd": lzd, "dh_minimize": dh_minimize, "icp": icp, "vertical_shift": vertical_shift}
LOOK = 5_000  # cells that a block's NMAD and slope are told from
WEAKEST_SIGMA = 1.0  # cells: a horizontal shift known worse says nothing about misplacement
WORSE = 1.05  # NMAD after a block's own shift over that after the global one
STRAY = 5.0  # sigmas from what the neighbours say
AROUND = [(down, right) for down in range(-2, 3) for right in range(-2, 3) if down or right]  # a block's neighbours
DOWNWEIGHT = 3.0  # times the median sigma


def solve_blocks(pair: Pair, blocks: list[Block], method: str, start: np.ndarray, seed: int,
                 executor: Executor, progress: Progress) -> list[BlockShift]:
    """The shift of every block from the global one, judged alone and then against its neighbours.

    `method` is a name of METHODS or such a function; `start` (m) is one shift for all or one for each, `(n, 3)`.
    """
    starts = np.broadcast_to(start, (len(blocks), 3))
    survey = Survey(pair, blocks, starts, Grounds(step_of(pair, blocks), seed), None)
    return solve_and_gather(survey, method, executor, progress)[0]


def step_of(pair: Pair, blocks: list[Block]) -> int:
    """Which share of a block's lines its shift is told from: one of so many."""
    return min((row_step(block.wider, pair.SAMPLE) for block in blocks), default=1)


def solve_and_gather(survey: Survey, method: str, executor: Executor,
                     progress: Progress) -> tuple[list[BlockShift], list[np.ndarray]]:
    """As `solve_blocks`, and what the lattice cells of each usable block say about its shift, if told how."""
    strips = survey.run(executor, solve_strip, lambda _: (method,), progress, "Shifts of the blocks")
    found = [block for strip in strips for block in strip]
    judged = _judged_together(_honest([(block, growth) for block, growth, _ in found]),
                              survey.pair.reference.grid.cell_size())
    return judged, [form for block, (_, _, form) in zip(judged, found) if block.usable and form is not None]


def solve_strip(pair: Pair, strip: Strip, starts: np.ndarray, grounds: Grounds, how: Gathering | None,
                method: str) -> list[tuple[BlockShift, tuple, np.ndarray | None]]:
    """Each block's shift, the growth of its sigma's square and, if told `how`, its cells' forms (Quadratic.packed).

    Self-contained so that any worker can find it.
    """
    ground = grounds.first(pair, strip, starts)
    # Before a fit that wanders looks further: what is read again does not know of it.
    grounds.keep(strip, ground)
    ground.remember(np.zeros(3))
    if (starts == starts[0]).all():
        ground.remember(starts[0])
    return [_solve_block(pair, block, start, ground.within(block.wider), how, method)
            for block, start in zip(strip.blocks, starts)]


def _solve_block(pair, block, start, ground, how, method) -> tuple[BlockShift, tuple, np.ndarray | None]:
    shift, solution, dh = _measured(pair, block, method, start, ground)
    growth, form = (1.0, 1.0, 1.0), None
    if solution is not None:
        growth, moved = tuple(solution.growth.tolist()), solution.shift[:, None]
        if how is not None:
            form = Quadratic.of(ground.at(solution.shift), dh, lambda row, col: np.broadcast_to(moved, (3, len(row))),
                                [block.window], how, law=solution.law)
    return shift, growth, form and form.packed()


def _honest(found: list[tuple[BlockShift, tuple]]) -> list[BlockShift]:
    """Sigmas that know how far residuals are correlated: a growth for all blocks, as one alone hardly tells its own."""
    measured = [growth for block, growth in found if block.status == "used"]
    growth = np.mean(measured, axis=0) if measured else np.ones(3)
    growth = np.sqrt(alone(growth) if len(measured) == 1 else growth).tolist()
    return [replace(block, sigma_dx=block.sigma_dx * growth[0], sigma_dy=block.sigma_dy * growth[1],
                    sigma_dz=block.sigma_dz * growth[2]) for block, _ in found]


def _measured(pair: Pair, block: Block, method: str, start: np.ndarray,
              ground: TerrainWindow) -> tuple[BlockShift, Solution | None, np.ndarray | None]:
    """The block's shift as it is told alone, and, if it is to be trusted, the solution and dh (m) after it."""
    grid, window = pair.reference.grid, ground.fewer(pair.SAMPLE)[1]
    blank = BlockShift(block.row, block.col, grid.window(*block.window).bounds())
    if window.heights.size == 0:
        return replace(blank, reason="no stable terrain with reference heights"), None, None
    before = window.residuals(start)
    count = int(np.isfinite(before).sum()) * window.step
    if count == 0:
        return replace(blank, reason="no stable terrain with secondary heights"), None, None
    slopes = np.arctan(np.hypot(*(_some(slope) for slope in (window.gx, window.gy))))
    known = replace(blank, n=count, slope=float(np.degrees(slopes.mean())),
                    nmad_before=_nmad(window.residuals(np.zeros(3))))
    if count < max(pair.LEAST_IN_BLOCK, pair.LEAST_SHARE * block.wider[2] * block.wider[3]):
        return replace(known, reason=f"too few stable {pair.UNIT} ({count})"), None, None
    solution = METHODS.get(method, method)(window, start, grid.cell_size())
    if not solution.converged:
        failed = replace(known, status="rejected", iterations=solution.iterations, reason="did not converge")
        return failed, None, None
    dh = ground.at(solution.shift).residuals(solution.shift)
    after = _nmad(dh)
    (dx, dy, dz), (sigma_dx, sigma_dy, sigma_dz) = solution.shift.tolist(), solution.sigma.tolist()
    solved = replace(known, dx=dx, dy=dy, dz=dz, sigma_dx=sigma_dx, sigma_dy=sigma_dy, sigma_dz=sigma_dz,
                     nmad_after=after, iterations=solution.iterations, status="used")
    if after > WORSE * _nmad(before):
        return replace(solved, status="rejected", reason="fits no better than the global shift"), None, None
    return solved, solution, dh


def _nmad(residuals: np.ndarray) -> float:
    return scatter(_some(residuals))


def _some(values: np.ndarray) -> np.ndarray:
    return values[::max(1, values.size // LOOK)]


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
