"""The dock: what the coregistrations of this project did."""

from __future__ import annotations

import math
import os
from functools import partial

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
from ..processing_provider.styling import status_word
from .background import Background
from .block_table import BlockTable
from .run_figures import BlockSource, draw_run, export, number, numbers
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
        self._saving = Background(self)

    def stop(self) -> None:
        """Wait for the threads, before the dock is taken away."""
        self._saving.stop()
        self._run_view.stop()

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
            self.save(run, path)

    def save(self, run: Run, path: str) -> None:
        """Export a run in the background and say how it went."""
        source = BlockSource(QgsProject.instance().mapLayer(run.layer_id))
        self._run_view.say(tr("Saving\u2026"))
        self._saving.ask(partial(_saved, run, source, path), self._run_view.say)


def _saved(run: Run, source: BlockSource, path: str) -> str:
    """Export a run; a sentence that says how it went."""
    try:
        export(run, source, path)
    except CommonGroundError as error:
        return str(error)
    return tr("Saved: {path}").format(path=path)


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
        self._run, self._columns, self._blocks = None, 0, {}
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
        self._maps, self._differences = _FigurePage(self._hint, self), _FigurePage(self._hint, self)
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
        self._resting.setInterval(60)
        self._resting.timeout.connect(self._draw)
        self._drawing = Background(self)
        self._ink = None
        self.table.marked.connect(self._maps.mark)
        self._maps.clicked.connect(self._pick)

    @property
    def busy(self) -> bool:
        """True while figures are being drawn, or about to be."""
        return self._drawing.busy or self._resting.isActive()

    def stop(self) -> None:
        """Wait for the thread that draws."""
        self._drawing.stop()

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
        if run is None:
            self._draw()
        elif redraw:
            self._resting.start()

    def say(self, message: str) -> None:
        """Show a sentence under the headline, or nothing."""
        self._note.setText(message)
        self._note.setVisible(bool(message))

    def resizeEvent(self, event):
        super().resizeEvent(event)
        if self._run is not None:
            self._resting.start()

    def _wanted_columns(self) -> int:
        return 3 if self.width() >= WIDE else 1

    def _draw(self) -> None:
        self._resting.stop()
        self._columns = self._wanted_columns()
        self.say("")
        layer = QgsProject.instance().mapLayer(self._run.layer_id) if self._run else None
        if layer is None:
            self._drawing.forget()
            self.table.show_layer("", [], {})
            for page in (self._maps, self._differences):
                page.show_drawings({})
            return
        job = partial(draw_run, self._run, BlockSource(layer), self._columns, self._paper())
        self._drawing.ask(job, partial(self._drawn, self._run.layer_id))

    def _paper(self):
        from .mpl import Ink, Paper

        if self._ink is None:
            self._ink = Ink(self)
            self._ink.changed.connect(self._resting.start)
        return Paper(self._maps.viewport().width(), self.devicePixelRatioF(), self._ink.colour())

    def _drawn(self, layer_id: str, drawn) -> None:
        self._blocks = {(block.row, block.col): block for block in drawn.blocks}
        self.say(drawn.problem)
        self._maps.show_drawings(drawn.shifts)
        self._differences.show_drawings(drawn.differences)
        self.table.show_layer(layer_id, drawn.blocks, drawn.ids)

    def _block_at(self, x: float, y: float):
        for block in self._blocks.values():
            xmin, ymin, xmax, ymax = block.bounds
            if xmin <= x < xmax and ymin <= y < ymax:
                return block
        return None

    def _pick(self, x: float, y: float) -> None:
        block = self._block_at(x, y)
        if block is not None:
            self.table.select_block(block.row, block.col)

    def _hint(self, x: float, y: float) -> str:
        block = self._block_at(x, y)
        return _told(block) if block is not None else ""


class _FigurePage(QScrollArea):
    """Figures one above the other, as wide as the page; `clicked` gives map coordinates."""

    clicked = pyqtSignal(float, float)

    def __init__(self, hint, parent=None):
        super().__init__(parent)
        self._hint = hint
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Always there: a bar that comes and goes would change the width, and the width what is drawn.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        page = QWidget(self)
        self._layout = QVBoxLayout(page)
        self._layout.setContentsMargins(0, 4, 0, 0)
        self._layout.addStretch(1)
        self.setWidget(page)
        self._views = {}

    @property
    def views(self) -> list:
        """The views from top to bottom."""
        return list(self._views.values())

    def show_drawings(self, drawings: dict) -> None:
        """Show other drawings; a view whose name stays keeps its place and its marks."""
        for name in [name for name in self._views if name not in drawings]:
            view = self._views.pop(name)
            self._layout.removeWidget(view)
            view.hide()
            view.deleteLater()
        for name, drawing in drawings.items():
            if name in self._views:
                self._views[name].show_drawing(drawing)
            else:
                self._add(name, drawing)

    def _add(self, name: str, drawing) -> None:
        from .mpl import FigureView

        view = self._views[name] = FigureView(drawing, self._hint, self)
        view.setObjectName(name)
        view.clicked.connect(self.clicked)
        self._layout.insertWidget(self._layout.count() - 1, view)

    def mark(self, blocks: list) -> None:
        """Outline these blocks in the figures that are maps."""
        for view in self.views:
            view.mark([block.bounds for block in blocks])


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
    return next((layer for layer in QgsProject.instance().mapLayers().values() if same_file(layer.source(), path)),
                None)


def same_file(one: str, other: str) -> bool:
    """Are these two ways to write one path? On Windows layers have slashes, and case does not count."""
    return os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))


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


def _told(block) -> str:
    """A block in a few lines, for a tool tip."""
    lines = [tr("Block {row}, {col}: {status}").format(row=block.row, col=block.col, status=status_word(block.status))]
    lines += [f"{axis} {_signed(value)} \u00b1 {_plain(sigma)} m" for axis, value, sigma in (
        (tr("east"), block.dx, block.sigma_dx), (tr("north"), block.dy, block.sigma_dy),
        (tr("up"), block.dz, block.sigma_dz))]
    lines.append(f"NMAD {_plain(block.nmad_before)} \u2192 {_plain(block.nmad_after)} m")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    import html

    return html.escape(text)


def _count(value) -> str:
    counted = number(value)
    return f"{counted:.0f}" if math.isfinite(counted) else DASH


def _plain(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else DASH


def _signed(value: float, digits: int = 2) -> str:
    # + 0.0: a rounded -0 is no loss.
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH
