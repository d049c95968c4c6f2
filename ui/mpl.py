"""Matplotlib figures as Qt widgets: the one place where the two meet."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QSize
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QSizePolicy

# After QGIS' own Qt: matplotlib takes the one that is already loaded.
# isort: split
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

SMALLEST_TEXT = 4.0
"""Values written into cells are hidden below this size (points)."""


class FigureView(FigureCanvasQTAgg):
    """A figure that fills its width, takes the window's colours and leaves the wheel to its scroll area."""

    def __init__(self, figure):
        self._proportion = figure.get_figheight() / figure.get_figwidth()
        self._width = figure.get_figwidth()
        self._written = [(text, text.get_fontsize()) for axis in figure.axes for text in axis.texts]
        super().__init__(figure)
        # matplotlib gave the canvas a white palette of its own.
        self.setPalette(QPalette())
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumWidth(120)
        self.take_colours()

    def hasHeightForWidth(self):
        return True

    def heightForWidth(self, width):
        return round(width * self._proportion)

    def sizeHint(self):
        # Small: a scroll area would not go below it.
        return QSize(self.minimumWidth(), self.heightForWidth(self.minimumWidth()))

    def resizeEvent(self, event):
        super().resizeEvent(event)
        share = self.figure.get_figwidth() / self._width
        for text, size in self._written:
            text.set_fontsize(min(size * share, 11))
            text.set_visible(size * share >= SMALLEST_TEXT)
        self.draw_idle()

    def wheelEvent(self, event):
        event.ignore()

    def changeEvent(self, event):
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.take_colours()

    def take_colours(self) -> None:
        """Wear the palette, light or dark; what carries data keeps its colours."""
        palette = self.palette()
        ground, ink, faint = (palette.color(role).name() for role in (
            QPalette.ColorRole.Window, QPalette.ColorRole.WindowText, QPalette.ColorRole.Mid))
        self.figure.set_facecolor(ground)
        for axis in self.figure.axes:
            _recolour_axis(axis, ground, ink, faint)
        for legend in [*self.figure.legends, *(axis.get_legend() for axis in self.figure.axes)]:
            for text in legend.get_texts() if legend else ():
                text.set_color(ink)
        self.draw_idle()


def _recolour_axis(axis, ground: str, ink: str, faint: str) -> None:
    from ..core.report.figures import INK

    axis.set_facecolor(ground)
    axis.tick_params(colors=ink, which="both")
    for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
        text.set_color(ink)
    for spine in axis.spines.values():
        spine.set_edgecolor(ink)
    for line in (*axis.get_xgridlines(), *axis.get_ygridlines()):
        line.set_color(faint)
    for line in axis.lines:
        if line.get_gid() == "ink" or line.get_color() == INK:
            line.set_gid("ink")
            line.set_color(ink)
