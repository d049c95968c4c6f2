"""Threads that compute in turns and read side by side.

numpy gives Python's lock back at every step. Two threads that hand it to and fro thousands of times a second lose more
time than they share, so one computes while the others wait for their files.
"""

from __future__ import annotations

import threading

_lock = threading.Lock()
_mine = threading.local()


class Computing:
    """As long as the block lasts, but for what it is `Reading`, this thread alone computes; blocks may nest."""

    def __enter__(self) -> None:
        self._outermost = not getattr(_mine, "turn", False)
        if self._outermost:
            _lock.acquire()
            _mine.turn = True

    def __exit__(self, *_) -> None:
        if self._outermost:
            _mine.turn = False
            _lock.release()


class Reading:
    """As long as the block lasts, another thread may compute."""

    def __enter__(self) -> None:
        self._given = getattr(_mine, "turn", False)
        if self._given:
            _mine.turn = False
            _lock.release()

    def __exit__(self, *_) -> None:
        if self._given:
            _lock.acquire()
            _mine.turn = True
