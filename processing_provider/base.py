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
        return self.help_text()

    def helpUrl(self):
        return HANDBOOK

    def icon(self):
        return icon_of(self.GROUP)

    def svgIconPath(self):
        return str(ICONS / f"{self.GROUP}.svg")

    def check(self, parameters, context) -> None:
        """Raise CommonGroundError where parameters are readable but cannot work."""

    def checkParameterValues(self, parameters, context):
        wrong = self._wrong_choice(parameters)
        if wrong:
            return False, wrong
        good, message = super().checkParameterValues(parameters, context)
        if not good:
            return good, message
        try:
            self.check(parameters, context)
        except CommonGroundError as error:
            return False, str(error)
        return True, ""

    def _wrong_choice(self, parameters) -> str:
        """QGIS' own message for a wrong enum names no choices; this one does."""
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name())
            if definition.type() != "enum" or not isinstance(value, str) or not value:
                continue
            choices = list(definition.options())
            if value not in choices:
                return tr("{name}: '{value}' is not known; choose one of {choices}.").format(
                    name=definition.name(), value=value, choices=", ".join(choices))
        return ""

    def processAlgorithm(self, parameters, context, feedback):
        try:
            return self.execute(parameters, context, FeedbackProgress(feedback))
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
