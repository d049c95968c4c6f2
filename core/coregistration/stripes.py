"""Which lines of a window are looked at: stripes of a few lines side by side, with others between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..raster.dem import Dem, Reader

ACROSS = 2  # cells along a line of which one is looked at, where only one of
FAR_APART = 4  # lines, or fewer, is: noise is correlated over more
MANY = 24  # stripes: a window has as many, or single lines; further apart they tell a field less than they could


@dataclass(frozen=True)
class StripeCut:
    """Some stripes, and of each the first `thick` lines."""

    stripes: slice
    thick: int


@dataclass(frozen=True)
class Stripes:
    """`count` stripes of `thick` lines, `period` lines from one to the next, the first at line `top` of a grid.

    Along the lines one of `across` cells is looked at. What is read for them is kept line by line of all stripes,
    `(lines, count, columns)`: sums of lines are then sums of long runs of memory.
    """

    top: int
    period: int
    count: int
    thick: int
    across: int

    @classmethod
    def over(cls, top: int, height: int, step: int, phase: int) -> Stripes:
        """One of `step` lines among `height` from `top` on; stripes begin at `phase` modulo their period.

        The outermost may reach beyond.
        """
        thick = max(1, height // (MANY * step))
        period = step * thick
        # The last that begins at or above the first line, unless it ends there.
        first = top - (top - phase) % period
        if first + thick <= top:
            first += period
        count = max(0, -(-(top + height - first) // period))
        return cls(first, period, count, thick, ACROSS if step >= FAR_APART else 1)

    @property
    def step(self) -> int:
        """Of so many lines one is looked at."""
        return self.period // self.thick

    @cached_property
    def lines(self) -> np.ndarray:
        """All lines, `(thick * count,)`: the first of all stripes, the second of all, ..."""
        return (np.arange(self.thick)[:, None] + np.arange(self.count) * self.period + self.top).ravel()

    def thinned(self, every: int) -> StripeCut:
        """About one of `every` lines: thinner stripes, so that they still lie everywhere, then fewer of them."""
        thick = max(1, round(self.thick / every))
        return StripeCut(slice(None, None, max(1, round(every * thick / self.thick))), thick)

    def meeting(self, row: int, height: int) -> StripeCut:
        """The stripes that have lines among `height` from `row` on."""
        first = (row - self.top - self.thick) // self.period + 1
        beyond = -(-(row + height - self.top) // self.period)
        return StripeCut(slice(max(first, 0), max(beyond, 0)), self.thick)

    def cut(self, cut: StripeCut) -> Stripes:
        """Some of the stripes, or of their lines, only."""
        start, stop, step = cut.stripes.indices(self.count)
        return Stripes(self.top + start * self.period, self.period * step, len(range(start, stop, step)), cut.thick,
                       self.across)

    def read(self, dem: Dem, before: int, deep: int, left: int, width: int) -> np.ndarray:
        """Heights `(deep, count, width)` of `deep` lines from `before` (a number to add) each stripe's first on."""
        with Reader(dem) as reader:
            return reader.stripes(self.top + before, self.period, self.count, deep, left, width)
