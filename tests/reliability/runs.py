"""Running an algorithm as QGIS does, and seeing what the user would see."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field


@dataclass
class Attempt:
    """What came of a run: results, or the sentence that the user got, or a bug's traceback."""

    results: dict = field(default_factory=dict)
    sentence: str | None = None
    bug: str | None = None


def attempt(name: str, parameters: dict) -> Attempt:
    """Check the parameters and run, as the toolbox and qgis_process do; nothing is raised."""
    from commonground.core.errors import CommonGroundError
    from commonground.core.progress import Cancelled
    from qgis.core import (
        QgsApplication,
        QgsProcessingContext,
        QgsProcessingException,
        QgsProcessingFeedback,
        QgsProject,
    )

    algorithm = QgsApplication.processingRegistry().algorithmById(f"commonground:{name}")
    context, feedback, raised = QgsProcessingContext(), QgsProcessingFeedback(False), []
    context.setProject(QgsProject.instance())
    context.setFeedback(feedback)
    try:
        good, sentence = algorithm.checkParameterValues(parameters, context)
    except Exception:
        return Attempt(bug=traceback.format_exc())
    if not good:
        return Attempt(sentence=sentence)
    kind = type(algorithm)
    execute = kind.execute

    def watched(*arguments):
        try:
            return execute(*arguments)
        except BaseException as error:
            raised.append((error, traceback.format_exc()))
            raise

    kind.execute = watched
    try:
        results, good = algorithm.run(parameters, context, feedback)
    finally:
        kind.execute = execute
    if raised and not isinstance(raised[0][0], (CommonGroundError, Cancelled, QgsProcessingException)):
        return Attempt(bug=raised[0][1])
    if not good:
        said = str(raised[0][0]) if raised else feedback.textLog().strip()
        return Attempt(sentence=said, bug="a traceback was logged" if "Traceback" in feedback.textLog() else None)
    return Attempt(results)
