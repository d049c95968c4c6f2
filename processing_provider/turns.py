"""Where pyproj does its work when QGIS runs an algorithm in the background."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

from ..core.progress import Cancelled, Progress

FRAGILE = (3, 7)  # pyproj from here on ends the process when a second thread of QGIS' own uses it, by itself too
POLL = 0.2  # seconds between two looks at whether the user has cancelled

_NAME = "commonground-run"
_LASTING = ThreadPoolExecutor(1, _NAME)  # its thread starts with the first run that needs it


def run_safely(progress: Progress, function, *arguments):
    """What `function(*arguments)` gives; where pyproj is fragile, background runs share one lasting thread in turns.

    Raises Cancelled while it waits for its turn, and whatever the function raises: once it runs, it is the one that
    hears of cancelling.
    """
    if not _in_danger():
        return function(*arguments)
    future = _LASTING.submit(function, *arguments)
    while not wait([future], POLL).done:
        if not future.running():
            try:
                progress.step(0.0)
            except Cancelled:
                if future.cancel():  # else its turn has just come
                    raise
    return future.result()


def _in_danger() -> bool:
    """Whether this is a thread in which pyproj might end the process."""
    import pyproj

    here = threading.current_thread()
    if here is threading.main_thread() or here.name.startswith(_NAME):
        return False
    return tuple(int(part) for part in pyproj.__version__.split(".")[:2]) >= FRAGILE
