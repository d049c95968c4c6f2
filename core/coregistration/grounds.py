"""The ground of blocks: gone through in passes, strip by strip, read once and kept for those to come."""

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
from .block_layout import Block, Strip, in_strips
from .cell_forms import Gathering
from .terrain_window import PACKED, Pair, TerrainWindow

ROOM = 2**31  # bytes of a run's scratch file: what is beyond is read again
TOGETHER = 3  # rows of strips that are gone through side by side: what tiles they share is still in GDAL's cache


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

    def run(self, executor: Executor, function: Callable, more: Callable, progress: Progress, message: str) -> list:
        """The results of `function(pair, strip, starts, grounds, how, *more(which))` for every strip, in their order.

        `which` (a slice) are its blocks among all; `starts` are theirs.
        """
        tasks, first = [], 0
        for strip in in_strips(self.blocks, self.pair.SIDE_BY_SIDE):
            which = slice(first, first + len(strip.blocks))
            tasks.append((self.pair, strip, self.starts[which], self.grounds, self.how, *more(which)))
            first = which.stop
        blocks = [strip.blocks[0] for _, strip, *_ in tasks]
        order = sorted(range(len(tasks)), key=lambda k: (blocks[k].row // TOGETHER, blocks[k].col, blocks[k].row))
        cells = max((strip.window[2] * strip.window[3] for _, strip, *_ in tasks), default=1)
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

    def first(self, pair: Pair, strip: Strip, starts: np.ndarray) -> TerrainWindow:
        """The ground of a strip and its blocks' overlap, ready for shifts about theirs, `starts` (n, 3) (m)."""
        return pair.window(strip.wider, tuple(starts), self.step, self.seed, strip.ends)

    def keep(self, strip: Strip, ground: TerrainWindow) -> None:
        """Remember the strip's own part of its `first` ground."""
        if self.store:
            self.store.keep(strip.window, ground.within(strip.window))

    def again(self, pair: Pair, strip: Strip, starts: np.ndarray) -> TerrainWindow:
        """The ground of a strip without overlap, as it was at `first`."""
        kept = self.store and self.store.again(strip.window, pair)
        return kept or self.first(pair, strip, starts).within(strip.window)


class Store:
    """The ground of windows in a scratch file, which is gone when the process is."""

    def __init__(self, file):
        self._file, self._lock, self._end = file, threading.Lock(), 0
        self._places: dict[tuple, tuple] = {}

    def keep(self, window: tuple, ground: TerrainWindow) -> None:
        """Remember that of a window, as far as there is room; a full disk costs another reading, no more."""
        packed = ground.packed()
        size = sum(part.nbytes for part in packed or ())
        with self._lock, contextlib.suppress(OSError):
            if packed and self._end + size <= ROOM:
                self._file.seek(self._end)
                if sum(self._file.write(part) for part in packed) == size:
                    self._places[window] = self._end, [part.size for part in packed]
                    self._end += size

    def again(self, window: tuple, pair: Pair) -> TerrainWindow | None:
        """What has been kept, or None."""
        if window not in self._places:
            return None
        place, sizes = self._places[window]
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
