"""The dock: what the coregistrations of this project did."""

from __future__ import annotations

import math

from qgis.core import QgsProject
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..core.errors import CommonGroundError
from ..processing_provider.base import tr
from .runs import Run, RunWatcher, runs_of

WIDE = 560
"""From this width on (pixels) the three shift maps stand side by side."""
DASH, MINUS = "\u2013", "\u2212"


class CommonGroundDock(QgsDockWidget):
    """Lists the runs of the project and shows one; it listens only while it is shown."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setObjectName("CommonGroundDock")
        self.setWindowTitle("Common Ground")
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
        again, export = QToolButton(page), QToolButton(page)
        again.setText(tr("New\u2026"))
        again.setToolTip(tr("Open Blockwise Coregister"))
        again.clicked.connect(open_coregister)
        export.setText(tr("Export\u2026"))
        export.setToolTip(tr("Save the figures of this run as PDF or PNG"))
        export.clicked.connect(self._export)
        row = QHBoxLayout()
        for widget, stretch in ((self._choice, 1), (again, 0), (export, 0)):
            row.addWidget(widget, stretch)
        self._run_view = RunView(page)
        area = QScrollArea(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._run_view)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(6, 6, 6, 0)
        layout.addLayout(row)
        layout.addWidget(area, 1)
        return page

    def showEvent(self, event):
        super().showEvent(event)
        self._watcher.start()
        self.refresh()

    def hideEvent(self, event):
        super().hideEvent(event)
        self._watcher.stop()

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

    def _export(self, *_) -> None:
        run = self._choice.currentData()
        path, _filter = QFileDialog.getSaveFileName(
            self, tr("Save the figures"), f"{run.name}.pdf",
            tr("PDF, all figures (*.pdf);;PNG, a file each (*.png)"))
        if path:
            try:
                export_figures(run, path)
            except CommonGroundError as error:
                self._run_view.say(str(error))


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
    """One run: the headline numbers, the shift maps and the histogram."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._run, self._columns, self._figures = None, 0, []
        self._headline = QLabel(self)
        self._headline.setObjectName("headline")
        self._headline.setTextFormat(Qt.TextFormat.RichText)
        self._headline.setWordWrap(True)
        self._headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        self._note.hide()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(2, 4, 2, 6)
        self._layout.addWidget(self._headline)
        self._layout.addWidget(self._note)
        self._layout.addStretch(1)
        # Dragging the dock's edge passes many widths: figures are made anew only when it rests.
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(120)
        self._resting.timeout.connect(self._draw)

    def show_run(self, run: Run | None) -> None:
        """Show a run; drawing is done only if it is not the one shown."""
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
        from .mpl import FigureView

        for view in self._figures:
            self._layout.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._figures, self._columns = [], self._wanted_columns()
        self.say("")
        if self._run is None:
            return
        figures, problem = figures_of(self._run, self._columns)
        self.say(problem)
        for figure in figures.values():
            view = FigureView(figure)
            self._figures.append(view)
            self._layout.insertWidget(self._layout.count() - 1, view)


def open_coregister(*_) -> None:
    """Open the dialog of Blockwise Coregister as the toolbox does; it runs in the background."""
    import processing

    # Not createAlgorithmDialog().show(): Python would collect the dialog's context under the running job.
    processing.execAlgorithmDialog("commonground:blockwisecoregister", {})


def figures_of(run: Run, columns: int = 3) -> tuple[dict, str]:
    """The figures of a run (name -> Figure), and a sentence where one of them cannot be drawn."""
    from ..core.report import figures

    drawn, problem = {}, ""
    layer = QgsProject.instance().mapLayer(run.layer_id)
    try:
        from ..processing_provider.shifts_layer import read_blocks

        blocks = read_blocks(layer)
        drawn["shifts"] = figures.shift_maps(blocks, _aspect(layer), columns)
    except CommonGroundError as error:
        problem = str(error)
    counts = _histogram(run.facts)
    if counts is not None:
        drawn["histogram"] = figures.histogram(*counts)
    return drawn, problem


def _aspect(layer) -> float:
    """How much longer a map unit is northwards than eastwards."""
    if not layer.crs().isGeographic():
        return 1.0
    return 1.0 / max(math.cos(math.radians(layer.extent().center().y())), 0.01)


def _histogram(facts: dict):
    """`(Histogram, Pair)` of what the run counted, None where it did not."""
    import numpy as np

    from ..core.report.comparison import Histogram, Pair
    from ..core.statistics.robust import Summary

    counted = facts.get("histogram")
    if not isinstance(counted, dict):
        return None
    edges, *counts = (_numbers(counted.get(name)) for name in ("edges", "before", "after"))
    if not edges or any(not values or len(values) + 1 != len(edges) or not sum(values) for values in counts):
        return None
    cells = _number(facts.get("cells"))
    before, after = (
        Summary(count=int(cells if cells > 0 else sum(values)), median=_number(facts.get(f"median_{name}")),
                nmad=_number(facts.get(f"nmad_{name}")))
        for name, values in zip(("before", "after"), counts))
    return Histogram(*(np.array(values) for values in (edges, *counts))), Pair(before, after)


def export_figures(run: Run, path: str) -> None:
    """Save the figures of a run in the report's colours: pages of a PDF, or `<path>_<name>` in other formats.

    Raises CommonGroundError where a file cannot be written.
    """
    import os

    from matplotlib.backends.backend_pdf import PdfPages

    from ..core.raster.writing import whole_file

    drawn, _problem = figures_of(run)
    stem, extension = os.path.splitext(path)
    if extension.lower() == ".pdf":
        with whole_file(path) as temporary, PdfPages(temporary) as pages:
            for figure in drawn.values():
                pages.savefig(figure)
        return
    for name, figure in drawn.items():
        with whole_file(f"{stem}_{name}{extension or '.png'}") as temporary:
            figure.savefig(temporary, dpi=200)


def headline(facts: dict) -> str:
    """What the run did in two lines of rich text; a dash where it does not say."""
    before, after = (_number(facts.get(f"nmad_{state}")) for state in ("before", "after"))
    told = before > 0 and math.isfinite(after)
    gain = f" ({_signed(100 * (after / before - 1), 0)}\u00a0%)" if told else ""
    shift = _numbers(facts.get("shift")) or [math.nan] * 3
    used, total = (_count(facts.get(name)) for name in ("blocks_used", "blocks"))
    medians = " \u2192 ".join(
        _signed(_number(facts.get(f"median_{state}"))) for state in ("before", "after"))
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


def _number(value) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def _numbers(values) -> list | None:
    """A list of finite numbers, None where it is anything else."""
    if not isinstance(values, list) or not values:
        return None
    numbers = [_number(value) for value in values]
    return numbers if all(map(math.isfinite, numbers)) else None


def _count(value) -> str:
    number = _number(value)
    return f"{number:.0f}" if math.isfinite(number) else DASH


def _plain(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else DASH


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH
