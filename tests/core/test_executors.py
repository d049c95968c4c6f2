"""Who does the work makes no difference to the result: threads, or the processes of a Dask cluster."""

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.coregistration.warp import warp
from commonground.core.errors import ExecutorError
from commonground.core.executors import open_executor, run_all, run_in_order
from commonground.core.progress import Cancelled, Silent
from commonground.core.raster.masks import StableTerrain

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import make_world, sine_field


def test_results_come_in_the_order_of_the_tasks():
    with open_executor(3) as executor:
        assert run_all(executor, lambda k: (time.sleep(0.01 * (5 - k)), k)[1], [(k,) for k in range(5)],
                       Silent()) == [0, 1, 2, 3, 4]


def test_cancelling_drops_what_has_not_begun():
    done = []

    class Impatient(Silent):
        def step(self, fraction, message=""):
            raise Cancelled

    with open_executor(1) as executor, pytest.raises(Cancelled):
        run_all(executor, lambda k: (time.sleep(0.02), done.append(k)), [(k,) for k in range(100)], Impatient())
    assert len(done) < 20


def test_a_raising_task_stops_the_run():
    with open_executor(2) as executor, pytest.raises(ZeroDivisionError):
        run_all(executor, lambda k: 1 / k, [(1,), (0,), (2,)], Silent())


def test_a_single_worker_is_the_callers_own_thread_and_can_be_cancelled():
    done = []

    class Impatient(Silent):
        def step(self, fraction, message=""):
            if fraction >= 0.3:
                raise Cancelled

    with open_executor(1) as executor:
        found = run_all(executor, lambda number: (number, threading.get_ident()), [(k,) for k in range(5)], Silent())
        assert found == [(k, threading.get_ident()) for k in range(5)]
        with pytest.raises(Cancelled):
            run_all(executor, done.append, [(k,) for k in range(10)], Impatient())
    assert done == [0, 1, 2]


def test_results_in_order_are_never_far_ahead():
    """However slow the reader: no more than three results wait or are being made."""
    begun, lead = [], []

    def task(index):
        begun.append(index)
        time.sleep(0.002 * (index % 3))
        return index

    with open_executor(3) as executor:
        found = []
        for result in run_in_order(executor, task, [(index,) for index in range(30)], 3, Silent()):
            time.sleep(0.003)
            lead.append(len(begun) - len(found))
            found.append(result)
    assert found == list(range(30)) and max(lead) <= 3


def test_results_in_order_stop_when_cancelled():
    class Impatient(Silent):
        def step(self, fraction, message=""):
            if fraction > 0.3:
                raise Cancelled

    begun = []
    with pytest.raises(Cancelled), open_executor(2) as executor:
        for _ in run_in_order(executor, begun.append, [(index,) for index in range(100)], 4, Impatient()):
            pass
    assert len(begun) < 50


def test_a_missing_scheduler_is_said():
    with pytest.raises(ExecutorError, match=r"SCHEDULER|scheduler"), open_executor(0, "tcp://127.0.0.1:9"):
        pass


def _run(pair, path, scheduler=""):
    with open_executor(2, scheduler) as executor:
        found = coregister(pair, Settings(block_size=100), executor, Silent())
        warp(pair.secondary, found.field, pair.reference.grid, "cubic", path, executor, Silent())
    return found.field.nodes, Path(path).read_bytes()


def test_a_dask_cluster_gives_the_same_bits_even_if_a_worker_dies(tmp_path, cluster):
    address, workers = cluster
    world = make_world(tmp_path, sine_field(6, 300), size=300, white=0.3)
    pair = Pair(world.reference, world.secondary, StableTerrain())
    nodes, aligned = _run(pair, str(tmp_path / "here.tif"))
    there, aligned_there = _run(pair, str(tmp_path / "there.tif"), address)
    np.testing.assert_array_equal(nodes, there)
    assert aligned == aligned_there
    workers[0].kill()
    again, _ = _run(pair, str(tmp_path / "again.tif"), address)
    np.testing.assert_array_equal(nodes, again)
