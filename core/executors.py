"""Who does the work: threads of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue

from .errors import ExecutorError
from .progress import Progress, Silent

MOST = 16  # threads a processor: each has files open, and thousands would be too many
POLL = 0.25  # seconds between two looks at whether the user has cancelled


@contextlib.contextmanager
def open_executor(workers: int = 0, scheduler: str = "") -> Iterator[Executor]:
    """An executor of `workers` threads (0: one a processor) or of the Dask `scheduler` at that address.

    A single worker is the caller's own thread.
    Raises ExecutorError when Dask is missing or the scheduler does not answer.
    """
    if scheduler:
        with _cluster(scheduler) as executor:
            yield executor
        return
    processors = os.cpu_count() or 1
    workers = min(workers or processors, MOST * processors)
    if workers == 1:
        yield Inline(Silent())
        return
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ExecutorError(
            "SCHEDULER needs the Python package 'distributed' (Debian: python3-distributed): "
            "install it, or leave SCHEDULER empty to use this machine's processors."
        ) from error
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ExecutorError(f"No Dask scheduler answers at {address}: start it or leave SCHEDULER empty.") from error
    try:
        yield client.get_executor(retries=2)
    finally:
        client.close()


class Inline(Executor):
    """Does at once, in the caller's thread, what it is given: for work that is itself one of many tasks.

    `progress` is asked before each piece of work whether to go on.
    """

    def __init__(self, progress: Progress):
        self._progress = progress

    def submit(self, function, /, *arguments, **options) -> Future:
        """A future that is done. Raises Cancelled."""
        self._progress.step(0.0)
        future: Future = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def run_all(executor: Executor, function: Callable, tasks: Iterable[tuple], progress: Progress,
            message: str = "") -> list:
    """The results of `function(*task)` for every task, in the order of `tasks`; stops all when cancelled."""
    tasks = list(tasks)
    results = [None] * len(tasks)
    for index, result in run_each(executor, function, tasks, progress, message):
        results[index] = result
    return results


def run_each(executor: Executor, function: Callable, tasks: Iterable[tuple], progress: Progress,
             message: str = "") -> Iterator[tuple]:
    """`(index, result)` of `function(*task)` for every task, as they come; stops all when cancelled."""
    tasks = list(tasks)
    if isinstance(executor, Inline):
        for index, task in enumerate(tasks):
            yield index, executor.submit(function, *task).result()
            progress.step((index + 1) / len(tasks), message)
        return
    futures = {executor.submit(function, *task): index for index, task in enumerate(tasks)}
    try:
        for done, future in enumerate(_as_they_come(futures, progress, message), 1):
            yield futures[future], future.result()
            progress.step(done / len(futures), message)
    finally:
        for future in futures:
            future.cancel()


def run_in_order(executor: Executor, function: Callable, tasks: Iterable[tuple], ahead: int, progress: Progress,
                 message: str = "") -> Iterator:
    """The results of `function(*task)` in the order of `tasks`, no more than `ahead` of them in memory.

    Stops all when cancelled.
    """
    tasks, futures = list(tasks), deque()
    ahead = 1 if isinstance(executor, Inline) else ahead
    try:
        for done in range(len(tasks)):
            while len(futures) < ahead and done + len(futures) < len(tasks):
                futures.append(executor.submit(function, *tasks[done + len(futures)]))
            progress.step(done / len(tasks), message)
            while not wait([futures[0]], timeout=POLL).done:
                progress.step(done / len(tasks), message)
            yield futures.popleft().result()
    finally:
        for future in futures:
            future.cancel()


def _as_they_come(futures: dict, progress: Progress, message: str) -> Iterator[Future]:
    """Each future once it is done; the user is heard meanwhile."""
    ready: SimpleQueue = SimpleQueue()
    for future in futures:
        future.add_done_callback(ready.put)
    done = 0
    while done < len(futures):
        try:
            yield ready.get(timeout=POLL)
            done += 1
        except Empty:
            progress.step(done / len(futures), message)
