"""The runs of a project: the SHIFTS layers that carry one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..processing_provider.styling import RUN


@dataclass(frozen=True)
class Run:
    """A run as its SHIFTS layer tells it; `facts` is what `styling.style_shifts` was given."""

    layer_id: str
    name: str
    facts: dict

    @property
    def created(self) -> str:
        return str(self.facts.get("created") or "")

    @property
    def label(self) -> str:
        """The layer's name and the minute of the run."""
        minute = self.created[:16].replace("T", " ")
        return f"{self.name} \u2013 {minute}" if minute else self.name


def runs_of(project: QgsProject) -> list[Run]:
    """The runs of a project, newest first; layers whose run cannot be read are no runs."""
    found = [run for run in map(_run_of, project.mapLayers().values()) if run is not None]
    return sorted(found, key=lambda run: (run.created, run.layer_id), reverse=True)


def _run_of(layer) -> Run | None:
    text = layer.customProperty(RUN)
    if not isinstance(layer, QgsVectorLayer) or not isinstance(text, str):
        return None
    try:
        facts = json.loads(text, parse_constant=_unknown)
    except ValueError:
        return None
    return Run(layer.id(), layer.name(), facts) if isinstance(facts, dict) else None


def _unknown(_constant: str) -> None:
    """NaN and the infinities are no numbers to show, and NaN would differ from itself."""


class RunWatcher(QObject):
    """Says `changed` after the runs of the project may have changed, once for all that happens at a time."""

    changed = pyqtSignal()

    def __init__(self, project: QgsProject, parent=None):
        super().__init__(parent)
        self._project, self._layers, self._watching = project, {}, False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.changed)

    def start(self) -> None:
        """Listen, from now on."""
        if not self._watching:
            self._watching = True
            self._project.layersAdded.connect(self._added)
            self._project.layersWillBeRemoved.connect(self._leaving)
            self._project.layersRemoved.connect(self._say)
            self._added(self._project.mapLayers().values())

    def stop(self) -> None:
        """Listen no more; nothing stays connected."""
        if self._watching:
            self._watching = False
            self._soon.stop()
            self._project.layersAdded.disconnect(self._added)
            self._project.layersWillBeRemoved.disconnect(self._leaving)
            self._project.layersRemoved.disconnect(self._say)
            self._leaving(list(self._layers))

    def _added(self, layers) -> None:
        for layer in layers:
            if isinstance(layer, QgsVectorLayer) and layer.id() not in self._layers:
                self._layers[layer.id()] = layer
                layer.nameChanged.connect(self._say)
                layer.customPropertyChanged.connect(self._property_changed)
        self._say()

    def _leaving(self, layer_ids) -> None:
        for layer_id in layer_ids:
            layer = self._layers.pop(layer_id, None)
            if layer is not None:
                layer.nameChanged.disconnect(self._say)
                layer.customPropertyChanged.disconnect(self._property_changed)

    def _property_changed(self, key: str) -> None:
        # Processing adds a layer to the project before it is styled: only now is it known to be a run.
        if key == RUN:
            self._say()

    def _say(self, *_) -> None:
        self._soon.start()
