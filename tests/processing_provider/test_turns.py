"""Background runs where pyproj is fragile: one lasting thread, in turns."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("qgis.core")
from commonground.core.errors import RasterError
from commonground.core.progress import Cancelled, Silent
from commonground.processing_provider import turns

SOON = 20  # seconds in which whatever is waited for has happened


class Button:
    """A user who may press Cancel."""

    def __init__(self):
        self.pressed = threading.Event()
        self.asked = threading.Event()

    def step(self, fraction, message=""):
        self.asked.set()
        if self.pressed.is_set():
            raise Cancelled

    def warn(self, message):
        raise AssertionError(message)


@pytest.fixture
def fragile(monkeypatch):
    """Any pyproj counts as fragile, and looks at the user follow each other fast."""
    monkeypatch.setattr(turns, "FRAGILE", (0, 0))
    monkeypatch.setattr(turns, "POLL", 0.01)


@pytest.fixture
def qgis_threads():
    """Threads as QGIS would make them, any number."""
    with ThreadPoolExecutor(4, "qgis") as pool:
        yield pool


@pytest.fixture
def occupied(fragile, qgis_threads):
    """A run that has its turn until the event that is given is set."""
    begun, over = threading.Event(), threading.Event()

    def long_run():
        begun.set()
        return over.wait(SOON)

    run = qgis_threads.submit(turns.run_safely, Silent(), long_run)
    assert begun.wait(SOON)
    yield over
    over.set()
    assert run.result(SOON)


def test_background_runs_share_one_thread_in_turns(fragile, qgis_threads):
    running, most = [], []

    def run(number):
        running.append(number)
        most.append(len(running))
        time.sleep(0.02)
        running.remove(number)
        return number, threading.current_thread()

    answers = [qgis_threads.submit(turns.run_safely, Silent(), run, number) for number in range(4)]
    numbers, threads = zip(*(answer.result(SOON) for answer in answers))
    assert numbers == (0, 1, 2, 3) and max(most) == 1
    assert len(set(threads)) == 1 and threads[0].is_alive() and not threads[0].name.startswith("qgis")


def test_a_run_within_a_run_does_not_wait_for_itself(fragile, qgis_threads):
    inner = qgis_threads.submit(turns.run_safely, Silent(), turns.run_safely, Silent(), threading.current_thread)
    outer = qgis_threads.submit(turns.run_safely, Silent(), threading.current_thread)
    assert inner.result(SOON) is outer.result(SOON)


@pytest.mark.parametrize("error", [RasterError("Choose another raster."), KeyError("a bug"), Cancelled()])
def test_what_a_run_raises_arrives(fragile, qgis_threads, error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        qgis_threads.submit(turns.run_safely, Silent(), fail).result(SOON)
    assert raised.value is error


def test_who_cancels_while_waiting_is_let_go_at_once(occupied, qgis_threads):
    button, ran = Button(), []
    waiting = qgis_threads.submit(turns.run_safely, button, ran.append, "ran")
    assert button.asked.wait(SOON)
    button.pressed.set()
    with pytest.raises(Cancelled):
        waiting.result(SOON)
    assert not occupied.is_set()
    occupied.set()
    assert qgis_threads.submit(turns.run_safely, Silent(), str, "next").result(SOON) == "next"
    assert not ran


def test_a_run_that_has_begun_hears_of_cancelling_itself(fragile, qgis_threads):
    button, begun = Button(), threading.Event()

    def run():
        begun.set()
        button.pressed.wait(SOON)
        time.sleep(0.1)  # several looks
        return "cleaned up"

    answer = qgis_threads.submit(turns.run_safely, button, run)
    assert begun.wait(SOON)
    button.pressed.set()
    assert answer.result(SOON) == "cleaned up"


def test_cancelling_just_as_the_turn_comes_leaves_no_run_behind(occupied, qgis_threads):
    begun = threading.Event()

    class TooLate(Button):
        def step(self, fraction, message=""):
            occupied.set()
            assert begun.wait(SOON)
            raise Cancelled

    def run():
        begun.set()
        return "heard"

    assert qgis_threads.submit(turns.run_safely, TooLate(), run).result(SOON) == "heard"


def test_the_main_thread_and_a_sturdy_pyproj_need_no_turn(occupied, monkeypatch, qgis_threads):
    assert turns.run_safely(Button(), threading.current_thread) is threading.main_thread()
    monkeypatch.setattr(turns, "FRAGILE", (1000, 0))
    thread = qgis_threads.submit(turns.run_safely, Silent(), threading.current_thread).result(SOON)
    assert thread.name.startswith("qgis")
