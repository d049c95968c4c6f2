"""The guided dialog: two DEMs, what is known of them, what will be done, and the doing."""

from __future__ import annotations

import html
import math
import os
from dataclasses import replace
from functools import partial

from qgis.core import QgsMapLayerProxyModel, QgsProcessingOutputLayerDefinition, QgsProject
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from ..core.errors import CommonGroundError
from ..processing_provider.base import tr
from .arrivals import show_results
from .pair_facts import MODEL, drift, expected, look_at_pair, plate_names, told, with_frame
from .run_chain import Chain, Step

REFRAME, COREGISTER = "commonground:reframeitrfraster", "commonground:blockwisecoregister"
SIDES = ("reference", "secondary")
DASH = "\u2013"


class MakeComparable(QDialog):
    """Asks for two DEMs, says what it found and proposes, runs Processing in the background, loads what came.

    `completed` gives the name of the group of layers that was added, "" where nothing was.
    """

    completed = pyqtSignal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setObjectName("CommonGroundMakeComparable")
        self.setWindowTitle(tr("Make comparable"))
        self._pair, self._chain, self._report, self._found = None, None, "", {}
        self.busy = False
        layout = QVBoxLayout(self)
        for part in (self._make_choice(), self._make_facts(), self._make_proposal()):
            layout.addWidget(part)
        layout.addStretch(1)
        self._make_foot(layout)
        self.resize(720, 640)
        self._look()

    # What is asked

    def _make_choice(self) -> QGroupBox:
        box = QGroupBox(tr("DEMs"), self)
        form = QFormLayout(box)
        self.layers = {}
        for side, label, tip in (
                (SIDES[0], tr("&Reference"), tr("The DEM that is taken to lie right")),
                (SIDES[1], tr("&Secondary"), tr("The DEM to move"))):
            self.layers[side] = QgsMapLayerComboBox(box)
            self.layers[side].setObjectName(side)
            self.layers[side].setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
            self.layers[side].setToolTip(tip)
            form.addRow(label, self.layers[side])
        rasters = [layer for layer in (self.layers["secondary"].layer(index)
                                       for index in range(self.layers["secondary"].count())) if layer]
        if len(rasters) > 1:
            self.layers["secondary"].setLayer(rasters[1])
        self.unstable = QgsMapLayerComboBox(box)
        self.unstable.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.unstable.setAllowEmptyLayer(True)
        self.unstable.setLayer(None)
        self.unstable.setToolTip(tr("Polygons to leave out: glaciers, landslides, water, forest"))
        form.addRow(tr("&Unstable terrain"), self.unstable)
        for combo in self.layers.values():
            combo.layerChanged.connect(self._look)
        return box

    def _make_facts(self) -> QGroupBox:
        box = QGroupBox(tr("What is known"), self)
        grid = QGridLayout(box)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        self._cells, self.frames, self.epochs = {}, {}, {}
        rows = (("crs", tr("CRS")), ("cell", tr("Cell and size")), ("heights", tr("Heights above")),
                ("frame", tr("Fr&ame")), ("epoch", tr("&Epoch")))
        for column, title in enumerate((tr("Reference"), tr("Secondary")), 1):
            grid.addWidget(QLabel(f"<b>{title}</b>", box), 0, column)
        for row, (name, title) in enumerate(rows, 1):
            label = QLabel(title, box)
            grid.addWidget(label, row, 0)
            for column, side in enumerate(SIDES, 1):
                grid.addWidget(self._make_cell(box, name, side), row, column)
            label.setBuddy({"frame": self.frames, "epoch": self.epochs}.get(name, {}).get(SIDES[0]))
        self.plate = QComboBox(box)
        self.plate.setObjectName("plate")
        self.plate.addItem(tr("by its outline"), "")
        for code in plate_names():
            self.plate.addItem(code, code)
        self.plate.setToolTip(tr("The plate whose motion is used between the epochs ({model})").format(model=MODEL))
        self.plate.currentIndexChanged.connect(self._propose)
        label = QLabel(tr("&Plate"), box)
        label.setBuddy(self.plate)
        grid.addWidget(label, len(rows) + 1, 0)
        grid.addWidget(self.plate, len(rows) + 1, 1)
        self._together = QLabel(box)
        self._together.setObjectName("together")
        self._together.setWordWrap(True)
        grid.addWidget(self._together, len(rows) + 2, 0, 1, 3)
        return box

    def _make_cell(self, box, name: str, side: str):
        if name == "frame":
            from ..core.frames.catalogue import FRAMES

            self.frames[side] = QComboBox(box)
            self.frames[side].setObjectName(f"{side}_frame")
            self.frames[side].addItem(tr("unknown"), "")
            for frame in FRAMES:
                self.frames[side].addItem(frame, frame)
            self.frames[side].currentIndexChanged.connect(self._propose)
            return self.frames[side]
        if name == "epoch":
            self.epochs[side] = QLineEdit(box)
            self.epochs[side].setObjectName(f"{side}_epoch")
            self.epochs[side].setPlaceholderText(tr("unknown; e.g. 2012.9 or 2012-11-24"))
            self.epochs[side].textChanged.connect(self._propose)
            return self.epochs[side]
        label = QLabel(DASH, box)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._cells[name, side] = label
        return label

    def _make_proposal(self) -> QGroupBox:
        box = QGroupBox(tr("What will be done"), self)
        layout = QVBoxLayout(box)
        self.reframe = QCheckBox(box)
        self.reframe.setObjectName("reframe")
        self.proposal = QLabel(box)
        self.proposal.setObjectName("proposal")
        self.proposal.setWordWrap(True)
        self.folder = QgsFileWidget(box)
        self.folder.setObjectName("folder")
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        form = QFormLayout()
        form.addRow(tr("Results in &folder"), self.folder)
        for widget in (self.reframe, self.proposal):
            layout.addWidget(widget)
        layout.addLayout(form)
        return box

    def _make_foot(self, layout) -> None:
        self.message = QLabel(self)
        self.message.setObjectName("message")
        self.message.setWordWrap(True)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 100)
        self.progress.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.run_button = QPushButton(tr("Ru&n"), self)
        self.run_button.setObjectName("run")
        self.run_button.setDefault(True)
        self.cancel_button = QPushButton(tr("&Cancel"), self)
        self.cancel_button.setObjectName("cancel")
        self.report_button = QPushButton(tr("&Open the report"), self)
        self.report_button.setObjectName("report")
        for button in (self.report_button, self.run_button, self.cancel_button):
            self.buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        self.cancel_button.hide()
        self.report_button.hide()
        self.report_button.clicked.connect(lambda *_: QDesktopServices.openUrl(QUrl.fromLocalFile(self._report)))
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self._cancel)
        self.buttons.rejected.connect(self.close)
        for widget in (self.message, self.progress, self.buttons):
            layout.addWidget(widget)

    # What is found and proposed

    def _look(self, *_) -> None:
        """Read both headers and fill the form."""
        self._pair = None
        chosen = [self.layers[side].currentLayer() for side in SIDES]
        try:
            if None in chosen:
                raise CommonGroundError(tr("Load two DEMs into the project first: they are chosen here."))
            self._pair = look_at_pair(*chosen)
        except CommonGroundError as error:
            self._say(str(error))
        for side in SIDES:
            self._fill(side, getattr(self._pair, side) if self._pair else None)
        self.run_button.setEnabled(self._pair is not None)
        if self._pair is None:
            self._together.clear()
            self.proposal.clear()
            self.reframe.hide()
            return
        self._say("")
        stem = os.path.splitext(self._pair.secondary.dem.path)[0]
        self.folder.setFilePath(f"{stem}_comparable")
        self._propose()

    def _fill(self, side: str, facts) -> None:
        texts = {
            "crs": facts.crs, "heights": facts.heights or tr("not declared"),
            "cell": tr("{cell} m, {size} cells").format(cell=f"{facts.cell:.3g}", size=facts.size),
        } if facts else {}
        for name in ("crs", "cell", "heights"):
            self._cells[name, side].setText(texts.get(name, DASH))
        for widget in (self.frames[side], self.epochs[side]):
            widget.blockSignals(True)
            widget.setEnabled(facts is not None)
        self.frames[side].setCurrentIndex(max(0, self.frames[side].findData(facts.frame if facts else "")))
        self.frames[side].setToolTip(facts.advice if facts else "")
        self.epochs[side].setText(f"{facts.epoch:g}" if facts and facts.epoch is not None else "")
        for widget in (self.frames[side], self.epochs[side]):
            widget.blockSignals(False)

    def _stated_pair(self):
        """The pair with the frames and epochs that stand in the form. Raises EpochError."""
        from ..core.frames.epochs import parse_epoch

        sides = {}
        for side in SIDES:
            text = self.epochs[side].text().strip()
            sides[side] = with_frame(getattr(self._pair, side), self.frames[side].currentData(),
                                     parse_epoch(text) if text else None)
        return replace(self._pair, **sides)

    def _propose(self, *_) -> None:
        """Say what frames and epochs make of it."""
        if self._pair is None:
            return
        try:
            pair = self._stated_pair()
        except CommonGroundError as error:
            self._say(str(error))
            self.run_button.setEnabled(False)
            return
        self._say("")
        self.run_button.setEnabled(True)
        plate = self.plate.currentData()
        moved = expected(pair, plate)
        self._together.setText(_together(pair, moved, plate))
        self.reframe.setVisible(moved.known)
        self.reframe.setChecked(moved.known)
        if moved.known:
            self.reframe.setText(tr("Reframe the secondary from {before} to {after}, without resampling").format(
                before=_when(pair.secondary), after=_when(pair.reference)))
        blocks = tr("Blockwise Coregister in blocks of {size} cells: finds the shift that is left, block by block, "
                    "and moves the secondary by a smooth field, with a report.").format(size=pair.block_size)
        if not moved.known:
            reason = moved.problem or tr("both are in one frame and epoch already")
            blocks = tr("No step of geodesy ({reason}).").format(reason=reason) + "\n" + blocks
        self.proposal.setText(blocks)

    # Running

    def run(self, *_) -> None:
        """Run what is proposed, in the background."""
        pair, folder = self._stated_pair(), self.folder.filePath().strip()
        if not folder:
            self._say(tr("Choose a folder for the results."))
            return
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            self._say(tr("The folder cannot be made ({reason}): choose another one.").format(reason=error.strerror))
            return
        self._found = {"pair": pair, "folder": folder}
        self._report = os.path.join(folder, "report.html")
        self._chain = Chain(self._steps(pair, folder), self)
        self._chain.progressed.connect(self._progressed)
        self._chain.finished.connect(self._finished)
        self._running(True)
        self._chain.start()

    def _steps(self, pair, folder: str) -> list:
        layers = {side: self.layers[side].currentLayer() for side in SIDES}
        steps, secondary = [], layers["secondary"]
        if self.reframe.isChecked() and not self.reframe.isHidden():
            moved = os.path.join(folder, "reframed.tif")
            steps.append(Step(REFRAME, tr("Reframe"), {
                "INPUT": secondary, "SOURCE_FRAME": pair.secondary.frame, "EPOCH": str(pair.secondary.epoch),
                "TARGET_FRAME": pair.reference.frame, "TARGET_EPOCH": str(pair.reference.epoch), "MODEL": MODEL,
                "PLATE": self.plate.currentData(),
                # Whole numbers cannot hold millimetres: the coregistration finds the height.
                "HEIGHTS": "keep" if pair.secondary.whole_numbers else "ellipsoidal", "OUTPUT": moved}))
            secondary = partial(_output_of, REFRAME)
        unstable = self.unstable.currentLayer()
        steps.append(Step(COREGISTER, tr("Coregister"), {
            "REFERENCE": layers["reference"], "SECONDARY": secondary, "BLOCK_SIZE": pair.block_size,
            **told(pair, reframed=secondary is not layers["secondary"]),
            **({"UNSTABLE": unstable} if unstable else {}),
            **{name: _loaded(os.path.join(folder, f"{name.lower()}.{ending}"), title) for name, ending, title in (
                ("OUTPUT", "tif", tr("Aligned DEM")), ("SHIFTS", "gpkg", tr("Shifts")),
                ("DIFFERENCE_BEFORE", "tif", tr("Difference before")),
                ("DIFFERENCE_AFTER", "tif", tr("Difference after")))},
            "REPORT": self._report}))
        return steps

    def _progressed(self, percent: float, title: str) -> None:
        self.progress.setValue(round(percent))
        self.progress.setFormat(f"{title} %p %" if title else "%p %")

    def _finished(self, good: bool, problem: str) -> None:
        self._running(False)
        if not good:
            self._say(problem or tr("Cancelled: nothing was added to the project."))
            self.completed.emit("")
            return
        numbers = self._chain.results[COREGISTER]
        gain = tr("NMAD {before} m \u2192 {after} m on stable terrain").format(
            before=f"{numbers['NMAD_BEFORE']:.2f}", after=f"{numbers['NMAD_AFTER']:.2f}")
        pair = self._found["pair"]
        group = show_results(self._chain.contexts[-1], f"{pair.secondary.name} \u2192 {pair.reference.name}")
        self._say(f"<b>{html.escape(gain)}</b>")
        self.report_button.show()
        self.report_button.setDefault(True)
        self.report_button.setFocus()
        self.completed.emit(group)

    def _running(self, on: bool) -> None:
        self.busy = on
        self.report_button.hide()
        self.run_button.setDefault(True)
        self.progress.setVisible(on)
        self.cancel_button.setVisible(on)
        self.run_button.setEnabled(not on)
        for widget in (*self.layers.values(), *self.frames.values(), *self.epochs.values(), self.plate, self.unstable,
                       self.reframe, self.folder):
            widget.setEnabled(not on)

    def stop(self) -> None:
        """End a run, if there is one, before the dialog is taken away."""
        if self.busy:
            self._chain.stop()

    def _cancel(self, *_) -> None:
        self._chain.cancel()
        self._say(tr("Stopping\u2026"))

    def _say(self, message: str) -> None:
        self.message.setText(message)


def _loaded(path: str, title: str) -> QgsProcessingOutputLayerDefinition:
    """A destination that is loaded into the project under this title."""
    definition = QgsProcessingOutputLayerDefinition(path, QgsProject.instance())
    definition.destinationName = title
    return definition


def _output_of(algorithm: str, results: dict) -> str:
    return results[algorithm]["OUTPUT"]


def _when(facts) -> str:
    return f"{facts.frame} @ {facts.epoch:g}"


def _together(pair, moved, plate: str) -> str:
    """The lines about both: overlap, and what moved the ground between them."""
    lines = [tr("Overlap: {share} % of the secondary lies on the reference.").format(
        share=f"{100 * min(pair.overlap, 1.0):.0f}")]
    if moved.known:
        lines.append(tr("Expected shift by frames and plate motion ({plate}): east {east} m, north {north} m, "
                        "up {up} m.").format(plate=moved.plate or DASH, east=f"{moved.east:+.3f}",
                                             north=f"{moved.north:+.3f}", up=f"{moved.up:+.3f}"))
    else:
        speed, plate = drift(pair, plate)
        lines.append(tr("The ground moves here by {speed} cm a year (plate {plate}).").format(
            speed=f"{100 * speed:.1f}", plate=plate) if math.isfinite(speed) else plate)
    nameless = [facts.name for facts in (pair.reference, pair.secondary) if not facts.frame and facts.advice]
    if nameless:
        lines.append(tr("The CRS of {names} names no realization: choose a frame above if you know it.").format(
            names=tr(" and ").join(nameless)))
    return "\n".join(lines)
