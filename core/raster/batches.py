"""Work on many pieces of rasters, several at a time: what a task costs besides, it costs a batch once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

from ..executors import Inline, run_all
from ..progress import Progress
from .dem import kept_open
from .turns import Computing

AFAR = 6_000_000  # cells of a batch on a cluster; in a thread of this process every task is its own


def run_batched(executor: Executor, function: Callable, tasks: list[tuple], cells: int, progress: Progress,
                message: str = "") -> list:
    """The results of `function(*task)` for every task, in order, as `run_all`; a task works on about `cells` cells."""
    here = isinstance(executor, (ThreadPoolExecutor, Inline))
    size = 1 if here else max(1, AFAR // max(cells, 1))
    batches = [(function, tasks[first:first + size]) for first in range(0, len(tasks), size)]
    return [result for batch in run_all(executor, _one_by_one, batches, progress, message) for result in batch]


def _one_by_one(function: Callable, tasks: list[tuple]) -> list:
    with kept_open(), Computing():
        return [function(*task) for task in tasks]
