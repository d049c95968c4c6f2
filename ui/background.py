"""One job after the other in a thread of its own; only the newest answer counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from qgis.PyQt.QtCore import QObject, pyqtSignal


class Background(QObject):
    """Runs functions away from the window's thread and hands their answers back to it.

    A job may touch neither widgets nor the project.
    """

    _done = pyqtSignal(int, object, object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._executor, self._future, self._turn, self._then = None, None, 0, None
        self._done.connect(self._deliver)

    @property
    def busy(self) -> bool:
        """True while an answer is awaited."""
        return self._then is not None

    def ask(self, job, then) -> None:
        """Run `job()` and give what it returns to `then` in the window's thread; what was asked before is forgotten."""
        self.forget()
        self._then = then
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "commonground")
        self._future = self._executor.submit(self._work, job, self._turn)

    def forget(self) -> None:
        """Await no answer any more."""
        self._turn += 1
        self._then = None
        if self._future is not None:
            self._future.cancel()

    def stop(self) -> None:
        """Forget, and return when nothing runs: no thread may outlive the one who holds this."""
        self.forget()
        if self._executor is not None:
            self._executor.shutdown()
            self._executor = None

    def _work(self, job, turn: int) -> None:
        if turn != self._turn:
            return
        try:
            answer, problem = job(), None
        except Exception as error:
            # Raised again where QGIS shows it: a thread's exceptions are seen by nobody.
            answer, problem = None, error
        if turn == self._turn:
            self._done.emit(turn, answer, problem)

    def _deliver(self, turn: int, answer, problem) -> None:
        if turn != self._turn:
            return
        then, self._then = self._then, None
        if problem is not None:
            raise problem
        then(answer)
