"""What all algorithms of the provider share."""

from pathlib import Path

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingOutputNumber,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon

from ..core.errors import CommonGroundError
from ..core.progress import Cancelled
from .feedback import FeedbackProgress

HANDBOOK = "https://example.org/commonground"
ICONS = Path(__file__).resolve().parents[1] / "resources" / "icons"


def icon_of(name: str) -> QIcon:
    """One of the plugin's own icons: a group of algorithms, or an action."""
    return QIcon(str(ICONS / f"{name}.svg"))


def tr(text: str) -> str:
    """Translate a literal of this plugin."""
    return QCoreApplication.translate("CommonGround", text)


class CommonGroundAlgorithm(QgsProcessingAlgorithm):
    """An algorithm whose user-fixable failures arrive as one sentence.

    Subclasses set ID, GROUP (one of GROUPS) and TAGS, and implement `display_name`, `help_text`, `initAlgorithm`,
    `check` (optional: raise CommonGroundError for parameters that cannot work) and
    `execute(parameters, context, progress)` (never `run`: that name is QgsProcessingAlgorithm's own).
    """

    ID = ""
    GROUP = ""
    TAGS: tuple = ()

    def createInstance(self):
        return type(self)()

    def name(self):
        return self.ID

    def displayName(self):
        return self.display_name()

    def group(self):
        return {"frames": tr("Frames and epochs"), "coregistration": tr("Coregistration"),
                "accuracy": tr("Accuracy"), "altimetry": tr("Altimetry")}[self.GROUP]

    def groupId(self):
        return self.GROUP

    def tags(self):
        return list(self.TAGS)

    def shortHelpString(self):
        from .help_pages import page

        return page(self.ID, self.help_text())

    def helpUrl(self):
        return HANDBOOK

    def icon(self):
        return icon_of(self.GROUP)

    def svgIconPath(self):
        return str(ICONS / f"{self.GROUP}.svg")

    def check(self, parameters, context) -> None:
        """Raise CommonGroundError where parameters are readable but cannot work."""

    def companions(self, outputs: dict) -> dict:
        """The files that are written beside `outputs` (name -> path, "" where there is none), by what to call them."""
        return {}

    def checkParameterValues(self, parameters, context):
        from .parameters import with_virtual_rasters
        from .refusals import refuse_conflicts, unreadable, wrong_value

        parameters = with_virtual_rasters(self, parameters, context)
        wrong = wrong_value(self, parameters, context)
        if wrong:
            return False, wrong
        good, message = super().checkParameterValues(parameters, context)
        if not good:
            return good, unreadable(self, parameters, context) or message
        try:
            refuse_conflicts(self, parameters, context)
            self.check(parameters, context)
        except CommonGroundError as error:
            return False, str(error)
        return True, ""

    def processAlgorithm(self, parameters, context, feedback):
        from .layer_metadata import describe_results
        from .parameters import with_virtual_rasters
        from .refusals import refuse_conflicts
        from .turns import run_safely

        parameters = with_virtual_rasters(self, parameters, context)
        progress = FeedbackProgress(feedback)
        try:
            refuse_conflicts(self, parameters, context)  # QGIS may run an algorithm without asking it to check
            results = run_safely(progress, self.execute, parameters, context, progress)
            describe_results(self, parameters, context, results)
            return results
        except Cancelled:
            return {}
        except CommonGroundError as error:
            raise QgsProcessingException(str(error)) from error

    def add_numbers(self, numbers: dict) -> None:
        """Declare number outputs, name -> description."""
        for name, description in numbers.items():
            self.addOutput(QgsProcessingOutputNumber(name, description))

    def add(self, parameter, help_text: str, advanced: bool = False) -> None:
        """Declare a parameter with its help."""
        parameter.setHelp(help_text)
        if advanced:
            flag = type(parameter).Flag.FlagAdvanced
            parameter.setFlags(parameter.flags() | flag)
        self.addParameter(parameter)
