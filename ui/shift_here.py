"""What is the shift here? The displacement of one point between two frames and epochs, before anything is run."""

from __future__ import annotations

import math
from html import escape

from qgis.core import QgsPointXY
from qgis.gui import QgsMapToolEmitPoint
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
)

from ..core.errors import CommonGroundError, VectorError
from ..processing_provider.base import tr

DIGITS = 8
"""Decimals of a degree: a millimetre."""


class ShiftHere(QDialog):
    """Asks for a point, two frames and two epochs, and answers as they are typed.

    `canvas` is the map that a point can be picked on, None where there is none. What is typed are degrees in the
    source frame; a click is taken as the map shows it, without any change of datum.
    """

    def __init__(self, parent=None, canvas=None):
        super().__init__(parent)
        self.setObjectName("CommonGroundShiftHere")
        self.setWindowTitle(tr("What is the shift here?"))
        self._canvas, self._tool, self._previous = canvas, None, None
        self._make_inputs()
        self._make_layout()
        self.answer()

    def _make_inputs(self) -> None:
        from ..core.frames.catalogue import FRAMES
        from ..core.frames.plate_motion import MODELS

        self.point = self._line("point", "", tr("longitude, latitude in degrees, and height in m if known"))
        self.point.setPlaceholderText("-50.0, 70.0, 1000")
        self.source, self.target = (self._choice(name, FRAMES, "ITRF2014") for name in ("source", "target"))
        hint = tr("decimal year (2018.5) or ISO date (2018-07-02)")
        self.epoch = self._line("epoch", "2010.0", hint)
        self.target_epoch = self._line("target_epoch", "2020.0", tr("{hint}; empty: the same").format(hint=hint))
        self.model = self._choice("model", MODELS, "ITRF2014-PMM")
        self.pick = QPushButton(tr("Pick on the map"), self)
        self.pick.setObjectName("pick")
        self.pick.setCheckable(True)
        self.pick.setEnabled(self._canvas is not None)
        self.pick.setAutoDefault(False)
        self.pick.toggled.connect(self._pick)
        self.text = QTextBrowser(self)
        self.text.setObjectName("answer")

    def _line(self, name: str, text: str, hint: str) -> QLineEdit:
        made = QLineEdit(text, self)
        made.setObjectName(name)
        made.setToolTip(hint)
        made.textChanged.connect(self.answer)
        return made

    def _choice(self, name: str, words, chosen: str) -> QComboBox:
        made = QComboBox(self)
        made.setObjectName(name)
        made.addItems(list(words))
        made.setCurrentText(chosen)
        made.currentIndexChanged.connect(self.answer)
        return made

    def _make_layout(self) -> None:
        form = QFormLayout()
        for label, widgets in ((tr("Point"), (self.point, self.pick)), (tr("From"), (self.source, self.epoch)),
                               (tr("To"), (self.target, self.target_epoch)), (tr("Motion"), (self.model,))):
            row = QHBoxLayout()
            for widget in widgets:
                row.addWidget(widget)
            form.addRow(label, row)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.text, 1)
        self.resize(560, 480)

    def answer(self, *_) -> None:
        """Say what the shift is, or what is missing."""
        if not self.point.text().strip():
            self.text.setHtml(_paragraph(tr("Type a longitude and a latitude, or pick a point on the map.")))
            return
        try:
            self.text.setHtml(_answer(self._place()))
        except CommonGroundError as error:
            self.text.setHtml(_paragraph(str(error)))

    def _place(self):
        from ..core.frames.epochs import parse_epoch
        from ..core.frames.provenance import place_at
        from ..core.frames.transform import FrameEpoch, PlateMotion

        lon, lat, height = _coordinates(self.point.text())
        target_epoch = self.target_epoch.text().strip()
        start = parse_epoch(self.epoch.text())
        end = parse_epoch(target_epoch) if target_epoch else None
        return place_at(lon, lat, height, FrameEpoch(self.source.currentText(), start),
                        FrameEpoch(self.target.currentText(), end), PlateMotion(self.model.currentText()))

    def propose(self, layer) -> None:
        """Take the frame and the epoch that a layer's CRS names; a CRS that is vague about them changes nothing."""
        from ..core.frames.catalogue import frame_of_crs
        from ..processing_provider.frame_parameters import wkt_of

        if layer is None or not layer.crs().isValid():
            return
        crs = layer.crs()
        try:
            found = frame_of_crs(crs.authid() or None, wkt_of(crs))
        except CommonGroundError:
            found = None
        if found is not None:
            self.source.setCurrentText(found.name)
        if math.isfinite(crs.coordinateEpoch()):
            self.epoch.setText(f"{crs.coordinateEpoch():.10g}")

    # Picking

    def _pick(self, on: bool) -> None:
        if self._canvas is None:
            return
        if on:
            self._previous = self._canvas.mapTool()
            self._tool = QgsMapToolEmitPoint(self._canvas)
            self._tool.canvasClicked.connect(self.take)
            self._tool.deactivated.connect(self._dropped)
            self._canvas.setMapTool(self._tool)
        elif self._tool is not None:
            tool, previous = self._tool, self._previous
            self._tool = self._previous = None
            tool.deactivated.disconnect(self._dropped)
            self._canvas.unsetMapTool(tool)
            if previous is not None:
                self._canvas.setMapTool(previous)

    def _dropped(self) -> None:
        """Another tool was chosen on the map."""
        self._previous = None
        self.pick.setChecked(False)

    def take(self, clicked: QgsPointXY, _button=None) -> None:
        """Take a point of the map, in the map's CRS; the height that was typed stays."""
        from ..core.frames.map_positions import MapPositions
        from ..processing_provider.frame_parameters import wkt_of

        try:
            positions = MapPositions(wkt_of(self._canvas.mapSettings().destinationCrs()))
            if positions.geocentric:
                raise VectorError("A map in geocentric coordinates shows no places: choose another map CRS.")
            lon, lat, _ = (float(value) for value in positions.geographic(clicked.x(), clicked.y(), 0.0))
            if not math.isfinite(lon + lat):
                raise VectorError("This place of the map has no longitude and latitude: click on the Earth.")
        except CommonGroundError as error:
            self.text.setHtml(_paragraph(str(error)))
            return
        height = self.point.text().split(",")[2:3]
        self.point.setText(", ".join([f"{lon:.{DIGITS}f}", f"{lat:.{DIGITS}f}", *map(str.strip, height)]))

    def keyPressEvent(self, event):
        # Enter answers already; it must not close the dialog.
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    def hideEvent(self, event):
        self.pick.setChecked(False)
        super().hideEvent(event)


def _coordinates(text: str) -> tuple:
    """`(lon, lat, height)` of 'lon, lat' or 'lon, lat, height'. Raises VectorError."""
    try:
        numbers = [float(part) for part in text.replace(";", ",").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        raise VectorError("The point is not readable: type longitude, latitude in degrees, e.g. -50.0, 70.0.")
    lon, lat, height = (*numbers, 0.0)[:3]
    if not (-360.0 <= lon <= 360.0 and -90.0 <= lat <= 90.0):
        raise VectorError("The point is not on the Earth: longitude comes first, then latitude, in degrees.")
    return lon, lat, height


def _answer(place) -> str:
    from ..core.frames.report import certainty

    east, north, up = place.displacement()
    azimuth = math.degrees(math.atan2(east, north)) % 360.0
    rows = [(tr("East"), f"{east:+.4f} m"), (tr("North"), f"{north:+.4f} m"), (tr("Up"), f"{up:+.4f} m"),
            (tr("Horizontal"), f"{math.hypot(east, north):.4f} m, {azimuth:.0f}\u00b0"),
            (tr("Motion"), " ".join(filter(None, (place.model, place.plate))) or tr("none"))]
    cells = "".join(f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td><b>{escape(value)}</b></td></tr>"
                    for name, value in rows)
    return (f"<table>{cells}</table>" + "".join(map(_paragraph, certainty(place)))
            + _paragraph(tr("The same in PROJ, for cct (longitude latitude height {epoch:.10g}):").format(
                epoch=place.source.epoch)) + f"<p><small>{escape(place.pipeline())}</small></p>")


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
