"""Where the blocks of a raster lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..raster.grid import Grid

STRIP = 1_000_000  # cells: what is at hand at once


@dataclass(frozen=True)
class Block:
    """A block's place: its own window and the wider one, with overlap, that its shift is solved on."""

    row: int
    col: int
    window: tuple
    wider: tuple


@dataclass(frozen=True)
class Strip:
    """Blocks side by side, whose ground is read and kept together."""

    blocks: tuple[Block, ...]

    @property
    def window(self) -> tuple:
        """That of all its blocks."""
        return _around([block.window for block in self.blocks])

    @property
    def wider(self) -> tuple:
        """That of all its blocks, with their overlap."""
        return _around([block.wider for block in self.blocks])

    @property
    def ends(self) -> tuple:
        """The columns at which a block ends and the next begins."""
        return tuple(block.window[1] for block in self.blocks[1:])


def in_strips(blocks: Iterable[Block], most: int) -> list[Strip]:
    """The blocks, row by row, in strips of at most so many of them and STRIP cells, or of one."""
    strips: list[list[Block]] = []
    for block in blocks:
        last = strips[-1] if strips else []
        joins = (0 < len(last) < most and (last[-1].row, last[-1].col + 1) == (block.row, block.col)
                 and sum(each.window[2] * each.window[3] for each in (*last, block)) <= STRIP)
        if joins:
            last.append(block)
        else:
            strips.append([block])
    return [Strip(tuple(strip)) for strip in strips]


def _around(windows: list[tuple]) -> tuple:
    """The window from the first to the last of several side by side."""
    (row, left, height, _), (_, col, _, width) = windows[0], windows[-1]
    return row, left, height, col + width - left


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
