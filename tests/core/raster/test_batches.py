"""Tasks in batches: the results of one by one, whoever does them and however many go together."""

from concurrent.futures import Executor, Future

import pytest
from commonground.core.executors import Inline, open_executor
from commonground.core.progress import Silent
from commonground.core.raster import dem
from commonground.core.raster.batches import AFAR, run_batched

TASKS = [(number, -number) for number in range(23)]


def doubled(number, other):
    return 2 * number, other


class Afar(Executor):
    """Counts what it is sent, as another machine would see it, and does it there and then."""

    def __init__(self):
        self.sent = []

    def submit(self, function, /, *arguments, **options):
        self.sent.append(arguments)
        future = Future()
        future.set_result(function(*arguments, **options))
        return future


@pytest.mark.parametrize("cells", [0, 1, AFAR // 4, AFAR // 5 + 1, AFAR, 10 * AFAR])
def test_results_come_in_the_order_of_the_tasks(cells):
    expected = [doubled(*task) for task in TASKS]
    with open_executor(3) as threads:
        for executor in (threads, Inline(Silent()), Afar()):
            assert run_batched(executor, doubled, TASKS, cells, Silent()) == expected
    assert run_batched(Inline(Silent()), doubled, [], cells, Silent()) == []


@pytest.mark.parametrize("cells, together", [(1, 23), (AFAR // 4, 4), (AFAR // 4 + 1, 3), (AFAR, 1), (10 * AFAR, 1)])
def test_a_batch_is_work_on_so_many_cells(cells, together):
    executor = Afar()
    run_batched(executor, doubled, TASKS, cells, Silent())
    assert [len(tasks) for _, tasks in executor.sent] == [len(TASKS[k:k + together]) for k in range(0, 23, together)]


@pytest.mark.parametrize("cells", [1, 10 * AFAR])
def test_what_goes_wrong_comes_through(cells):
    def fails(number, _):
        if number == 13:
            raise KeyError(number)

    with open_executor(3) as threads:
        for executor in (threads, Inline(Silent())):
            with pytest.raises(KeyError, match="13"):
                run_batched(executor, fails, TASKS, cells, Silent())


def test_here_every_task_is_its_own():
    """Whoever cancels waits for no more than one."""
    class Here(Inline):
        sent = ()

        def submit(self, function, /, *arguments, **options):
            self.sent += (len(arguments[1]),)
            return super().submit(function, *arguments, **options)

    executor = Here(Silent())
    run_batched(executor, doubled, TASKS, 1, Silent())
    assert executor.sent == (1,) * len(TASKS)


def test_files_stay_open_within_a_batch_alone():
    def kept(*_):
        return id(dem._kept.files), dem._kept.files is not None

    seen = run_batched(Afar(), kept, TASKS, AFAR // 8, Silent())
    assert all(there for _, there in seen)
    assert all(len(set(seen[first:first + 8])) == 1 for first in range(0, 23, 8))
    assert getattr(dem._kept, "files", None) is None
