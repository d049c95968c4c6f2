"""The ready-made models of `models/` as algorithms of the provider."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingModelAlgorithm

from .base import HANDBOOK, icon_of, tr

FOLDER = Path(__file__).resolve().parents[1] / "models"
TAGS = {
    "altimetry_to_frame_epoch": ("model", "icesat", "icesat-2", "icebridge", "altimetry", "lidar", "itrf", "epoch"),
    "points_to_frame_epoch": ("model", "itrf", "frame", "epoch", "plate", "points"),
    "reframe_coregister_report": ("model", "dem", "pair", "coregistration", "itrf", "nuth", "plate", "nmad",
                                  "report"),
    "series_onto_reference": ("model", "dem", "series", "stack", "coregistration", "nuth", "time series", "nmad",
                              "report"),
}
"""The models: file name without its ending (which is the algorithm's id) and words to find it by."""


class ReadyModel(QgsProcessingModelAlgorithm):
    """A model with an id that stays and a name that is translated; QGIS takes both from the model's title."""

    def __init__(self, name: str):
        super().__init__()
        self._name = name
        self._read = self.fromFile(str(FOLDER / f"{name}.model3"))

    def name(self):
        return self._name

    def displayName(self):
        return {"altimetry_to_frame_epoch": tr("Altimetry to one frame and epoch"),
                "points_to_frame_epoch": tr("Points to a frame and epoch"),
                "reframe_coregister_report": tr("DEM pair made comparable"),
                "series_onto_reference": tr("Series of DEMs onto one reference")}[self._name]

    def group(self):
        return tr("Models")

    def groupId(self):
        return "models"

    def tags(self):
        return list(TAGS[self._name])

    def icon(self):
        return icon_of("models")

    def helpUrl(self):
        return HANDBOOK

    def shortHelpString(self):
        from .help_pages import figure_of

        head, end, rest = super().shortHelpString().partition("</p>")
        figure = figure_of(self._name) if end else ""
        return f"{head}{end}<p>{figure}</p>{rest}" if figure else head + end + rest

    def canExecute(self):
        good, message = super().canExecute()
        if good and not self._read:
            return False, tr("The model's file cannot be read: install Common Ground anew.")
        return good, message

    def createInstance(self):
        return type(self)(self._name)
