"""Core's progress, shown by Processing."""

from qgis.core import QgsProcessingFeedback, QgsProcessingMultiStepFeedback

from ..core.progress import Cancelled


class FeedbackProgress:
    """Tells a QgsProcessingFeedback what core reports, and core when the user cancels."""

    def __init__(self, feedback: QgsProcessingFeedback):
        self._feedback = feedback
        self._message = ""

    def step(self, fraction: float, message: str = "") -> None:
        """Show the progress; raise `Cancelled` once the user has cancelled."""
        if self._feedback.isCanceled():
            raise Cancelled
        self._feedback.setProgress(100.0 * fraction)
        if message and message != self._message:
            self._message = message
            self._feedback.setProgressText(message)

    def info(self, message: str) -> None:
        """Put a line into the log."""
        self._feedback.pushInfo(message)

    def warn(self, message: str) -> None:
        """Put a warning into the log."""
        self._feedback.pushWarning(message)

    def child(self, step: int, steps: int) -> QgsProcessingMultiStepFeedback:
        """The feedback of an algorithm that is run as one of several steps; cancelling this one cancels it."""
        feedback = QgsProcessingMultiStepFeedback(steps, self._feedback)
        feedback.setCurrentStep(step)
        return feedback
