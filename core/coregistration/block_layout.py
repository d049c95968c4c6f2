"""Where the blocks of a raster lie."""

from __future__ import annotations

from dataclasses import dataclass

from ..raster.grid import Grid


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
