"""Long arrays taken piece by piece, with memory that every piece uses again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

PIECE = 1 << 17  # cells: less is spent on calls than on cells, and what is made of them stays in the cache


class Scratch(threading.local):
    """Arrays that hold what is made of one piece, each thread's own.

    New ones would be new pages of memory every time, which can cost five times the work itself.
    """

    def __init__(self):
        self.single = np.empty(PIECE, dtype=np.float32)
        self.short = np.empty(PIECE, dtype=np.int32)
        self.whole = np.empty(PIECE, dtype=np.intp)
        self.double = np.empty(PIECE)
        self.power = self.whole.view(np.float64)


SCRATCH = Scratch()


def pieces(values: np.ndarray) -> Iterator[np.ndarray]:
    """The values (any shape) in flat pieces of up to PIECE."""
    values = np.ravel(values)
    for start in range(0, values.size, PIECE):
        yield values[start:start + PIECE]
