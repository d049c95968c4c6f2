"""The ground of blocks: gone through in passes, read once and kept for those to come."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..executors import Inline
from ..progress import Progress
from ..raster.batches import run_batched
from .block_layout import Block
from .cell_forms import Gathering
from .terrain_window import PACKED, Pair, TerrainWindow

ROOM = 2**31  # bytes of a run's scratch file: what is beyond is read again
TOGETHER = 3  # rows of blocks that are gone through side by side: what tiles they share is still in GDAL's cache


@dataclass(frozen=True)
class Survey:
    """The blocks of a pair, and what every pass over them needs.

    `starts` (n, 3): where each one's shift (m) is sought from; `how` its pixels are gathered, None where they are not.
    """

    pair: Pair
    blocks: list[Block]
    starts: np.ndarray
    grounds: Grounds
    how: Gathering | None

    def run(self, executor: Executor, function: Callable, more: list[tuple], progress: Progress, message: str) -> list:
        """The results of `function(pair, block, start, grounds, how, *more)` for every block, in their order."""
        blocks = self.blocks
        tasks = [(self.pair, block, start, self.grounds, self.how, *each)
                 for block, start, each in zip(blocks, self.starts, more)]
        order = sorted(range(len(blocks)), key=lambda k: (blocks[k].row // TOGETHER, blocks[k].col, blocks[k].row))
        cells = max((block.window[2] * block.window[3] for block in blocks), default=1)
        found = run_batched(executor, function, [tasks[k] for k in order], cells, progress, message)
        return [result for _, result in sorted(zip(order, found), key=lambda pair: pair[0])]


@dataclass(frozen=True)
class Grounds:
    """How the ground of blocks is looked at: on one of `step` lines, from `seed` on; and where it is kept, if it is.

    What has not been kept is read again, to the same bits.
    """

    step: int
    seed: int
    store: Store | None = None

    def first(self, pair: Pair, block: Block, start: np.ndarray) -> TerrainWindow:
        """The ground of a block and its overlap, ready for shifts about `start` (m)."""
        return pair.window(block.wider, (start,), self.step, self.seed)

    def keep(self, block: Block, ground: TerrainWindow) -> None:
        """Remember the block's own part of its `first` ground."""
        if self.store:
            self.store.keep((block.row, block.col), ground.within(block.window))

    def again(self, pair: Pair, block: Block, start: np.ndarray) -> TerrainWindow:
        """The ground of a block without its overlap, as it was at `first`."""
        kept = self.store and self.store.again((block.row, block.col), pair)
        return kept or self.first(pair, block, start).within(block.window)


class Store:
    """Windows in a scratch file, which is gone when the process is, by the row and column of their block."""

    def __init__(self, file):
        self._file, self._lock, self._end = file, threading.Lock(), 0
        self._places: dict[tuple, tuple] = {}

    def keep(self, key: tuple, ground: TerrainWindow) -> None:
        """Remember a window, as far as there is room; a full disk costs another reading, no more."""
        packed = ground.packed()
        size = sum(part.nbytes for part in packed or ())
        with self._lock, contextlib.suppress(OSError):
            if packed and self._end + size <= ROOM:
                self._file.seek(self._end)
                if sum(self._file.write(part) for part in packed) == size:
                    self._places[key] = self._end, [part.size for part in packed]
                    self._end += size

    def again(self, key: tuple, pair: Pair) -> TerrainWindow | None:
        """What has been kept, or None."""
        if key not in self._places:
            return None
        place, sizes = self._places[key]
        parts = [np.empty(size, kind) for size, kind in zip(sizes, PACKED)]
        with self._lock:
            self._file.seek(place)
            read = sum(self._file.readinto(part) for part in parts)
        return TerrainWindow.unpacked(pair, parts) if read == sum(part.nbytes for part in parts) else None


@contextlib.contextmanager
def kept_grounds(executor: Executor, step: int, seed: int) -> Iterator[Grounds]:
    """Grounds that are kept as long as the block lasts: in this process; workers of a cluster read again."""
    if not isinstance(executor, (ThreadPoolExecutor, Inline)):
        yield Grounds(step, seed)
        return
    with contextlib.ExitStack() as files:
        try:
            store = Store(files.enter_context(tempfile.TemporaryFile(buffering=0)))
        except OSError:
            store = None
        yield Grounds(step, seed, store)
