"""The dock: what the coregistrations of this project did."""

from __future__ import annotations

import math
import os

from qgis.core import QgsProject
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import CommonGroundError
from ..processing_provider.base import tr
from .block_table import BlockTable
from .run_figures import difference_figures, export, number, numbers, shift_figures
from .runs import Run, RunWatcher, runs_of

WIDE = 560
"""From this width on (pixels) the three shift maps stand side by side."""
AROUND = 2.5
"""How much more than a clicked block the map shows."""
DASH, MINUS = "\u2013", "\u2212"


class CommonGroundDock(QgsDockWidget):
    """Lists the runs of the project and shows one; it listens only while it is shown.

    `canvas` is the map that a clicked block is shown on, None where there is none.
    """

    def __init__(self, parent=None, canvas=None):
        super().__init__(parent)
        self.setObjectName("CommonGroundDock")
        self.setWindowTitle("Common Ground")
        self._canvas = canvas
        self._pages = QStackedWidget(self)
        self._pages.addWidget(_EmptyPage(self))
        self._pages.addWidget(self._make_run_page())
        self.setWidget(self._pages)
        self._watcher = RunWatcher(QgsProject.instance(), self)
        self._watcher.changed.connect(self.refresh)

    def _make_run_page(self) -> QWidget:
        page = QWidget(self)
        self._choice = QComboBox(page)
        self._choice.setObjectName("runs")
        self._choice.setToolTip(tr("The coregistrations of this project, newest first"))
        self._choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._choice.currentIndexChanged.connect(self._show_chosen)
        again = _button(page, "new", tr("New\u2026"), tr("Open Blockwise Coregister"), open_coregister)
        export_button = _button(page, "export", tr("Export\u2026"),
                                tr("Save the figures of this run as PDF or PNG, or its blocks as CSV"), self._export)
        row = QHBoxLayout()
        for widget, stretch in ((self._choice, 1), (again, 0), (export_button, 0)):
            row.addWidget(widget, stretch)
        self._run_view = RunView(page)
        self._run_view.table.activated.connect(self._zoom)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.addLayout(row)
        layout.addWidget(self._run_view, 1)
        return page

    def showEvent(self, event):
        super().showEvent(event)
        self._watcher.start()
        self.refresh()

    def hideEvent(self, event):
        super().hideEvent(event)
        self._watcher.stop()
        self._run_view.show_run(None)

    def refresh(self) -> None:
        """List the project's runs anew; a new one is shown at once, otherwise the chosen one stays."""
        known = {self._choice.itemData(index).layer_id for index in range(self._choice.count())}
        chosen = self._choice.currentData()
        runs = runs_of(QgsProject.instance())
        ids = [run.layer_id for run in runs]
        kept = chosen is not None and chosen.layer_id in ids and ids[0] in known
        self._choice.blockSignals(True)
        self._choice.clear()
        for run in runs:
            self._choice.addItem(run.label, run)
        self._choice.setCurrentIndex(ids.index(chosen.layer_id) if kept else 0 if runs else -1)
        self._choice.blockSignals(False)
        self._pages.setCurrentIndex(1 if runs else 0)
        self._show_chosen()

    def _show_chosen(self, *_) -> None:
        self._run_view.show_run(self._choice.currentData())

    def _zoom(self, feature_id: int) -> None:
        layer = QgsProject.instance().mapLayer(self._choice.currentData().layer_id)
        if self._canvas is None or layer is None:
            return
        extent = layer.getFeature(feature_id).geometry().boundingBox()
        extent = self._canvas.mapSettings().layerExtentToOutputExtent(layer, extent)
        extent.scale(AROUND)
        self._canvas.setExtent(extent)
        self._canvas.refresh()
        # Not selected: the selection's colour would hide the differences under the block.
        self._canvas.flashFeatureIds(layer, [feature_id])

    def _export(self, *_) -> None:
        run = self._choice.currentData()
        path, _filter = QFileDialog.getSaveFileName(
            self, tr("Save the run"), f"{run.name}.pdf",
            tr("PDF, all figures (*.pdf);;PNG, a file each (*.png);;CSV, the blocks (*.csv)"))
        if path:
            try:
                export(run, path)
            except CommonGroundError as error:
                self._run_view.say(str(error))


def _button(parent, name: str, text: str, tip: str, action) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(name)
    button.setText(text)
    button.setToolTip(tip)
    button.clicked.connect(action)
    return button


class _EmptyPage(QWidget):
    """What to do while the project holds no run."""

    def __init__(self, parent=None):
        super().__init__(parent)
        text = QLabel(tr(
            "No coregistration in this project yet. Run Blockwise Coregister on two DEMs and load its shifts "
            "layer: what it found and how much better the DEMs agree appears here."), self)
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        button = QPushButton(tr("Blockwise Coregister\u2026"), self)
        button.setObjectName("coregister")
        button.clicked.connect(open_coregister)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(1)
        layout.addWidget(text)
        layout.addSpacing(12)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)


class RunView(QWidget):
    """One run: the headline numbers, and its shifts, differences and blocks on a page each."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._run, self._columns, self._blocks = None, 0, []
        self._headline = QLabel(self)
        self._headline.setObjectName("headline")
        self._headline.setTextFormat(Qt.TextFormat.RichText)
        self._headline.setWordWrap(True)
        self._headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        self._note.hide()
        self.states = BeforeAfter(self)
        self.table = BlockTable(self)
        self._maps, self._differences = _FigurePage(self), _FigurePage(self)
        self._tabs = QTabWidget(self)
        self._tabs.setObjectName("pages")
        self._tabs.setDocumentMode(True)
        for page, title in ((self._maps, tr("Shifts")), (self._differences, tr("Differences")),
                            (self.table, tr("Blocks"))):
            self._tabs.addTab(page, title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 6)
        for widget, stretch in ((self._headline, 0), (self._note, 0), (self.states, 0), (self._tabs, 1)):
            layout.addWidget(widget, stretch)
        # Dragging the dock's edge passes many widths: figures are made anew only when it rests.
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(120)
        self._resting.timeout.connect(self._draw)
        self.table.marked.connect(self._maps.mark)
        self._maps.clicked.connect(self._pick)

    @property
    def figures(self) -> list:
        """The views of all figures that are shown."""
        return [*self._maps.views, *self._differences.views]

    def show_run(self, run: Run | None) -> None:
        """Show a run; drawing is done only if it is not the one shown."""
        self.states.show_run(run)
        if run == self._run:
            return
        known = self._run
        redraw = None in (run, known) or (run.layer_id, run.facts) != (known.layer_id, known.facts)
        self._run = run
        self._headline.setText(headline(run.facts) if run else "")
        if redraw:
            self._draw()

    def say(self, message: str) -> None:
        """Show a sentence under the headline, or nothing."""
        self._note.setText(message)
        self._note.setVisible(bool(message))

    def resizeEvent(self, event):
        super().resizeEvent(event)
        if self._run is not None and self._wanted_columns() != self._columns:
            self._resting.start()

    def _wanted_columns(self) -> int:
        return 3 if self.width() >= WIDE else 1

    def _draw(self) -> None:
        self._columns = self._wanted_columns()
        self.say("")
        if self._run is None:
            self.table.show_layer("", [])
            self._maps.show_figures({})
            self._differences.show_figures({})
            return
        drawn, self._blocks, problem = shift_figures(self._run, self._columns)
        self.say(problem)
        self._maps.show_figures(drawn)
        self._differences.show_figures(difference_figures(self._run))
        self.table.show_layer(self._run.layer_id, self._blocks)

    def _pick(self, x: float, y: float) -> None:
        for block in self._blocks:
            xmin, ymin, xmax, ymax = block.bounds
            if xmin <= x < xmax and ymin <= y < ymax:
                self.table.select_block(block.row, block.col)


class _FigurePage(QScrollArea):
    """Figures one above the other, as wide as the page; `clicked` gives map coordinates."""

    clicked = pyqtSignal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget(self)
        self._layout = QVBoxLayout(page)
        self._layout.setContentsMargins(0, 4, 0, 0)
        self._layout.addStretch(1)
        self.setWidget(page)
        self.views = []

    def show_figures(self, figures: dict) -> None:
        """Show other figures."""
        for view in self.views:
            self._layout.removeWidget(view)
            view.hide()
            view.deleteLater()
        self.views = []
        if not figures:
            return
        from .mpl import FigureView

        for figure in figures.values():
            view = FigureView(figure)
            view.mpl_connect("button_press_event", self._pressed)
            self.views.append(view)
            self._layout.insertWidget(self._layout.count() - 1, view)

    def mark(self, blocks: list) -> None:
        """Outline these blocks in the figures that are maps."""
        for view in self.views:
            view.mark([block.bounds for block in blocks])

    def _pressed(self, event) -> None:
        if event.inaxes is not None:
            self.clicked.emit(event.xdata, event.ydata)


class BeforeAfter(QWidget):
    """Two buttons that show the difference before or after on the map, where both layers are in the project."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._ids = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(tr("On the map"), self))
        self.buttons = {}
        for state, text in (("before", tr("before")), ("after", tr("after"))):
            button = _button(self, state, text, tr("Show the difference {state} and hide the other").format(
                state=text), lambda *_, chosen=state: self._show_state(chosen))
            button.setCheckable(True)
            self._group.addButton(button)
            row.addWidget(button)
            self.buttons[state] = button
        row.addStretch(1)
        self.hide()

    def show_run(self, run: Run | None) -> None:
        """Offer the layers of this run; hidden where the project lacks one of them."""
        found = {state: _layer_of(run, f"difference_{state}") for state in self.buttons} if run else {}
        self._ids = {state: layer.id() for state, layer in found.items() if layer is not None}
        self.setVisible(len(self._ids) == len(self.buttons))
        root = QgsProject.instance().layerTreeRoot()
        for state, layer_id in self._ids.items():
            node = root.findLayer(layer_id)
            self.buttons[state].setChecked(state == "before" and node is not None and node.isVisible())
        if self._ids and not self.buttons["before"].isChecked():
            self.buttons["after"].setChecked(True)

    def _show_state(self, chosen: str) -> None:
        root = QgsProject.instance().layerTreeRoot()
        for state, layer_id in self._ids.items():
            node = root.findLayer(layer_id)
            if node is not None:
                node.setItemVisibilityChecked(state == chosen)


def _layer_of(run: Run, name: str):
    """The project's raster layer that shows this file of the run, None where there is none."""
    layers = run.facts.get("layers")
    path = layers.get(name) if isinstance(layers, dict) else None
    if not isinstance(path, str) or not path:
        return None
    return next((layer for layer in QgsProject.instance().mapLayers().values()
                 if os.path.normpath(layer.source()) == os.path.normpath(path)), None)


def open_coregister(*_) -> None:
    """Open the dialog of Blockwise Coregister as the toolbox does; it runs in the background."""
    import processing

    # Not createAlgorithmDialog().show(): Python would collect the dialog's context under the running job.
    processing.execAlgorithmDialog("commonground:blockwisecoregister", {})


def headline(facts: dict) -> str:
    """What the run did in two lines of rich text; a dash where it does not say."""
    before, after = (number(facts.get(f"nmad_{state}")) for state in ("before", "after"))
    told = before > 0 and math.isfinite(after)
    gain = f" ({_signed(100 * (after / before - 1), 0)}\u00a0%)" if told else ""
    shift = numbers(facts.get("shift")) or [math.nan] * 3
    used, total = (_count(facts.get(name)) for name in ("blocks_used", "blocks"))
    medians = " \u2192 ".join(
        _signed(number(facts.get(f"median_{state}"))) for state in ("before", "after"))
    names = [str(facts.get(name) or DASH) for name in ("secondary", "reference")]
    return (
        f"<p style='margin:0'><span style='font-size:large'>"
        f"<b>NMAD {_plain(before)} \u2192 {_plain(after)} m</b>{gain}</span></p><p style='margin:2px 0 0 0'>"
        + " &nbsp;\u00b7&nbsp; ".join((
            tr("median {values} m").format(values=medians).replace(" ", "\u00a0"),
            tr("global shift E {east} N {north} up {up} m").format(
                east=_signed(shift[0]), north=_signed(shift[1]), up=_signed(shift[2])).replace(" ", "\u00a0"),
            tr("{used} of {total} blocks used").format(used=used, total=total).replace(" ", "\u00a0"),
        ))
        + f"</p><p style='margin:2px 0 0 0'>{_escaped(names[0])} \u2192 {_escaped(names[1])}</p>"
    )


def _escaped(text: str) -> str:
    import html

    return html.escape(text)


def _count(value) -> str:
    counted = number(value)
    return f"{counted:.0f}" if math.isfinite(counted) else DASH


def _plain(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else DASH


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH
