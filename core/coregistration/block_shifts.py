"""The shift of every block, with its sigma and the reasons to trust it or not."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from ..progress import Progress
from ..raster.batches import run_batched
from ..raster.grid import Grid
from .blocks import BlockShift
from .cell_forms import Gathering, Quadratic
from .dh_minimize import dh_minimize
from .icp import icp
from .lzd import lzd
from .nuth_kaab import nuth_kaab
from .solution import alone, scatter
from .terrain_window import Pair, row_step
from .vertical_shift import vertical_shift

METHODS = {"nuth_kaab": nuth_kaab, "lzd": lzd, "dh_minimize": dh_minimize, "icp": icp, "vertical_shift": vertical_shift}
SAMPLE = 15_000
LOOK = 5_000  # residuals that a block's NMAD is told from
WEAKEST_SIGMA = 1.0  # cells: a horizontal shift known worse says nothing about misplacement
WORSE = 1.05  # NMAD after a block's own shift over that after the global one
STRAY = 5.0  # sigmas from what the neighbours say
DOWNWEIGHT = 3.0  # times the median sigma


@dataclass(frozen=True)
class Block:
    """A block's place: its own window and the wider one, with overlap, that its shift is solved on."""

    row: int
    col: int
    window: tuple
    wider: tuple


def lay_out(grid: Grid, within: tuple, size: int, overlap: float) -> list[Block]:
    """Blocks of at most `size` cells that share the raster evenly; those that meet the window `within`."""
    rows, cols = _edges(grid.height, size), _edges(grid.width, size)
    blocks = []
    for i, (top, bottom) in enumerate(zip(rows[:-1], rows[1:])):
        for j, (left, right) in enumerate(zip(cols[:-1], cols[1:])):
            if bottom <= within[0] or top >= within[0] + within[2]:
                continue
            if right <= within[1] or left >= within[1] + within[3]:
                continue
            blocks.append(Block(i, j, (top, left, bottom - top, right - left),
                                _widened(top, left, bottom, right, overlap, grid)))
    return blocks


def _edges(cells: int, size: int) -> list[int]:
    count = -(-cells // size)
    return [round(k * cells / count) for k in range(count + 1)]


def _widened(top, left, bottom, right, overlap, grid):
    down, across = round(overlap * (bottom - top)), round(overlap * (right - left))
    top, left = max(0, top - down), max(0, left - across)
    bottom, right = min(grid.height, bottom + down), min(grid.width, right + across)
    return top, left, bottom - top, right - left


def solve_blocks(pair: Pair, blocks: list[Block], method: str, start: np.ndarray, seed: int,
                 executor: Executor, progress: Progress) -> list[BlockShift]:
    """The shift of every block from the global one, judged alone and then against its neighbours.

    `method` is a name of METHODS or such a function; `start` (m) is one shift for all or one for each, `(n, 3)`.
    """
    return solve_and_gather(pair, blocks, method, start, seed, 0, executor, progress)[0]


def solve_and_gather(pair: Pair, blocks: list[Block], method: str, start: np.ndarray, seed: int, side: int,
                     executor: Executor, progress: Progress) -> tuple[list[BlockShift], list[np.ndarray]]:
    """As `solve_blocks`, and what the lattice cells, `side` wide, of each usable block say about its shift."""
    starts = np.broadcast_to(start, (len(blocks), 3))
    how = Gathering.of(side, SAMPLE * len(blocks)) if side else None
    tasks = [(pair, block, method, start, seed, how) for block, start in zip(blocks, starts)]
    cells = max((block.window[2] * block.window[3] for block in blocks), default=1)
    found = run_batched(executor, solve_block, tasks, cells, progress, "Shifts of the blocks")
    judged = _judged_together(_honest([(block, growth) for block, growth, _ in found]),
                              pair.reference.grid.cell_size())
    return judged, [form for block, (_, _, form) in zip(judged, found) if block.usable and form is not None]


def solve_block(pair: Pair, block: Block, method: str, start: np.ndarray, seed: int,
                how: Gathering | None = None) -> tuple[BlockShift, tuple, np.ndarray | None]:
    """One block's shift, the growth of its sigma's square and, if told `how`, its cells' forms (Quadratic.packed).

    Self-contained so that any worker can find it.
    """
    shift, solution, ground, dh = _measured(pair, block, method, start, seed)
    if solution is None:
        return shift, (1.0, 1.0, 1.0), None
    growth = tuple(solution.growth.tolist())
    if how is None:
        return shift, growth, None
    moved = solution.shift[:, None]
    form = Quadratic.of(ground, dh, lambda row, col: np.broadcast_to(moved, (3, len(row))), block.window, how)
    return shift, growth, form and form.packed()


def _honest(found: list[tuple[BlockShift, tuple]]) -> list[BlockShift]:
    """Sigmas that know how far residuals are correlated: a growth for all blocks, as one alone hardly tells its own."""
    measured = [growth for block, growth in found if block.status == "used"]
    growth = np.mean(measured, axis=0) if measured else np.ones(3)
    growth = np.sqrt(alone(growth) if len(measured) == 1 else growth).tolist()
    return [replace(block, sigma_dx=block.sigma_dx * growth[0], sigma_dy=block.sigma_dy * growth[1],
                    sigma_dz=block.sigma_dz * growth[2]) for block, _ in found]


def _measured(pair: Pair, block: Block, method: str, start: np.ndarray, seed: int):
    """`(block's shift, solution, ground, dh there after the shift)`; the last three None where it is not trusted."""
    grid = pair.reference.grid
    blank = BlockShift(block.row, block.col, grid.window(*block.window).bounds())
    window = pair.window(block.wider, (start,), row_step(block.wider, SAMPLE), seed)
    if window.heights.size == 0:
        return replace(blank, reason="no stable terrain with reference heights"), None, None, None
    before = window.residuals(start)
    count = int(np.isfinite(before).sum()) * window.step
    if count == 0:
        return replace(blank, reason="no stable terrain with secondary heights"), None, None, None
    known = replace(blank, n=count, slope=float(np.degrees(np.arctan(np.sqrt(window.gx**2 + window.gy**2))).mean()),
                    nmad_before=_nmad(window.residuals(np.zeros(3))))
    if count < max(pair.LEAST_IN_BLOCK, pair.LEAST_SHARE * block.wider[2] * block.wider[3]):
        return replace(known, reason=f"too few stable {pair.UNIT} ({count})"), None, None, None
    solution = METHODS.get(method, method)(window, start, grid.cell_size())
    if not solution.converged:
        failed = replace(known, status="rejected", iterations=solution.iterations, reason="did not converge")
        return failed, None, None, None
    ground, sigma = window.at(solution.shift), solution.sigma
    dh = ground.residuals(solution.shift)
    after = _nmad(dh)
    solved = replace(
        known, dx=float(solution.shift[0]), dy=float(solution.shift[1]), dz=float(solution.shift[2]),
        sigma_dx=float(sigma[0]), sigma_dy=float(sigma[1]), sigma_dz=float(sigma[2]),
        nmad_after=after, iterations=solution.iterations, status="used",
    )
    if after > WORSE * _nmad(before):
        return replace(solved, status="rejected", reason="fits no better than the global shift"), None, None, None
    return solved, solution, ground, dh


def _nmad(residuals: np.ndarray) -> float:
    return scatter(residuals[::max(1, residuals.size // LOOK)])


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
    used = [block for block in blocks if block.status == "used"]
    usual = np.median([max(b.sigma_dx, b.sigma_dy) for b in used]) if used else 0.0
    judged = []
    for block in blocks:
        if block.status == "used" and _strays(block, used):
            block = replace(block, status="rejected", reason="too far from its neighbours")
        elif block.status == "used" and max(block.sigma_dx, block.sigma_dy) > DOWNWEIGHT * usual:
            block = replace(block, status="downweighted", reason="known much less well than most")
        judged.append(block)
    return judged


def _strays(block: BlockShift, used: list[BlockShift]) -> bool:
    """True where a block lies beyond STRAY sigmas of its neighbours' range and median in some axis."""
    near = [b for b in used if 0 < max(abs(b.row - block.row), abs(b.col - block.col)) <= 2]
    if len(near) < 8:
        return False
    for axis in ("dx", "dy", "dz"):
        values = np.array([getattr(b, axis) for b in near])
        sigmas = np.array([getattr(b, "sigma_" + axis) for b in near])
        around = np.median(values)
        tolerance = np.hypot(getattr(block, "sigma_" + axis), np.median(sigmas)) + scatter(values)
        beyond = max(values.min() - getattr(block, axis), getattr(block, axis) - values.max())
        if beyond > 0 and abs(getattr(block, axis) - around) > STRAY * tolerance:
            return True
    return False
