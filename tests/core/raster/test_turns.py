"""Threads that compute in turns: one at a time, but for when it reads; and no turn is ever lost."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from commonground.core.raster.turns import Computing, Reading


def test_one_computes_at_a_time_and_reads_beside_it():
    computing, reading, most = [0], [0], {"computing": 0, "reading": 0}

    def work(_):
        with Computing():
            for _ in range(20):
                computing[0] += 1
                most["computing"] = max(most["computing"], computing[0])
                time.sleep(0.0005)
                computing[0] -= 1
                with Reading():
                    reading[0] += 1
                    most["reading"] = max(most["reading"], reading[0])
                    time.sleep(0.002)
                    reading[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert most["computing"] == 1 and most["reading"] > 1


def test_turns_nest_and_end_with_errors():
    with pytest.raises(KeyError), Computing(), Computing(), Reading(), Computing(), Reading():
        raise KeyError
    with Reading(), Computing():
        pass
    done = []

    def other():
        with Computing():
            done.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(5)
    assert done
