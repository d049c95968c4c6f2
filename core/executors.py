"""Who does the work: threads of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed

from .errors import ExecutorError
from .progress import Progress


@contextlib.contextmanager
def open_executor(workers: int = 0, scheduler: str = "") -> Iterator[Executor]:
    """An executor of `workers` threads (0: one a processor) or of the Dask `scheduler` at that address.

    Raises ExecutorError when Dask is missing or the scheduler does not answer.
    """
    if scheduler:
        with _cluster(scheduler) as executor:
            yield executor
        return
    pool = ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1)
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


def run_all(executor: Executor, function: Callable, tasks: Iterable[tuple], progress: Progress,
            message: str = "") -> list:
    """The results of `function(*task)` for every task, in the order of `tasks`; stops all when cancelled."""
    futures = {executor.submit(function, *task): index for index, task in enumerate(tasks)}
    results = [None] * len(futures)
    try:
        for done, future in enumerate(as_completed(futures), 1):
            results[futures[future]] = future.result()
            progress.step(done / len(futures), message)
    finally:
        for future in futures:
            future.cancel()
    return results
