"""Processing algorithms one after the other in the background, as one job with progress and cancel."""

from __future__ import annotations

from dataclasses import dataclass, field

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ..processing_provider.base import tr

LONGEST_WAIT = 20_000
"""Milliseconds that a step may take to notice that it is cancelled."""


@dataclass(frozen=True)
class Step:
    """An algorithm to run; parameters that are callables are asked when its turn comes, with all results so far."""

    algorithm: str
    title: str
    parameters: dict = field(default_factory=dict)


class _Feedback(QgsProcessingFeedback):
    """Keeps what went wrong."""

    def __init__(self):
        super().__init__(False)
        self.errors = []

    def reportError(self, error, fatalError=False):
        super().reportError(error, fatalError)
        self.errors.append(error)


class Chain(QObject):
    """Runs steps; everything a running task leans on is held here, or QGIS 3.22 crashes.

    `progressed` gives per cent and the title of the step, `finished` whether all went well and a sentence where it
    did not ("" where it was cancelled). `results` is by algorithm, `contexts` holds what is to be loaded.
    """

    progressed = pyqtSignal(float, str)
    finished = pyqtSignal(bool, str)

    def __init__(self, steps: list, parent=None):
        super().__init__(parent)
        self._steps, self._place = steps, 0
        self._task = self._algorithm = self._feedback = None
        self._cancelled = False
        self.results, self.contexts = {}, []

    def start(self) -> None:
        """Run the next step, if there is one."""
        step = self._steps[self._place]
        self.progressed.emit(self._percent(0.0), step.title)
        parameters = {name: value(self.results) if callable(value) else value
                      for name, value in step.parameters.items()}
        self._feedback = _Feedback()
        self._feedback.progressChanged.connect(self._advanced)
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        context.setFeedback(self._feedback)
        self.contexts.append(context)
        self._algorithm = QgsApplication.processingRegistry().createAlgorithmById(step.algorithm)
        good, message = self._algorithm.checkParameterValues(parameters, context)
        if not good:
            self.finished.emit(False, message)
            return
        self._task = QgsProcessingAlgRunnerTask(self._algorithm, parameters, context, self._feedback)
        self._task.executed.connect(self._executed)
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Stop as soon as the running step allows."""
        self._cancelled = True
        if self._feedback is not None:
            self._feedback.cancel()

    def stop(self) -> None:
        """Cancel, and return when the running step has ended: nothing must outlive the one who holds this."""
        self.cancel()
        if self._task is not None:
            self._task.waitForFinished(LONGEST_WAIT)

    def _percent(self, part: float) -> float:
        return (100.0 * self._place + part) / len(self._steps)

    def _advanced(self, part: float) -> None:
        self.progressed.emit(self._percent(part), self._steps[self._place].title)

    def _executed(self, good: bool, results: dict) -> None:
        if self._cancelled:
            self.finished.emit(False, "")
            return
        if not good:
            errors = self._feedback.errors or [tr("The log (Processing) says why.")]
            self.finished.emit(False, f"{self._steps[self._place].title}: {errors[0]}")
            return
        self.results[self._steps[self._place].algorithm] = results
        self._place += 1
        if self._place < len(self._steps):
            self.start()
        else:
            self.progressed.emit(100.0, "")
            self.finished.emit(True, "")
