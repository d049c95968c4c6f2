"""Where pyproj does its work when QGIS runs an algorithm in the background."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache

from ..core.progress import Progress

FRAGILE = (3, 7)  # pyproj from here on ends the process when a second thread of QGIS' own uses it, by itself too
POLL = 0.2  # seconds between two looks at whether the user has cancelled


def run_safely(progress: Progress, function, *arguments):
    """What `function(*arguments)` gives; where pyproj is fragile, background runs share one lasting thread in turns.

    Raises Cancelled while it waits, and whatever the function raises.
    """
    import pyproj

    sturdy = tuple(int(part) for part in pyproj.__version__.split(".")[:2]) < FRAGILE
    here = threading.current_thread()
    if sturdy or here is threading.main_thread() or here.name.startswith(_NAME):
        return function(*arguments)
    future: Future = _lasting_thread().submit(function, *arguments)
    while not wait([future], POLL).done:
        if not future.running():
            _give_up_if_cancelled(future, progress)
    return future.result()


def _give_up_if_cancelled(future: Future, progress: Progress) -> None:
    try:
        progress.step(0.0)
    except Exception:
        future.cancel()
        raise


_NAME = "commonground-run"


@lru_cache(maxsize=1)
def _lasting_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, _NAME)
