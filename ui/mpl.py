"""Matplotlib figures as Qt widgets: the one place where the two meet."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy

# After QGIS' own Qt: matplotlib takes the one that is already loaded.
# isort: split
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

FAINT = 0.25
"""How much ink the lines of a grid have."""
SMALLEST_TEXT = 4.0
"""Values written into cells are hidden below this size (points)."""


class _Ink(QLabel):
    """Knows the theme's ink: themes that are style sheets leave a canvas' palette alone, but colour labels."""

    def __init__(self, view):
        super().__init__(view)
        self._view = view
        self.hide()

    def changeEvent(self, event):
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._view.take_colours()


class FigureView(FigureCanvasQTAgg):
    """A figure that fills its width, takes the window's colours and leaves the wheel to its scroll area."""

    def __init__(self, figure):
        self._proportion = figure.get_figheight() / figure.get_figwidth()
        self._width = figure.get_figwidth()
        self._written = [(text, text.get_fontsize()) for axis in figure.axes for text in axis.texts]
        super().__init__(figure)
        # Whatever lies under the canvas shows through, a style sheet's colours too. matplotlib gave it a white
        # palette of its own and erases with that before it draws.
        clear = QPalette()
        clear.setColor(QPalette.ColorRole.Window, Qt.GlobalColor.transparent)
        self.setPalette(clear)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)
        self._inked = None
        self._inked = _Ink(self)
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

    def mark(self, bounds: list) -> None:
        """Outline places `(xmin, ymin, xmax, ymax)` in every map of the figure, and no others."""
        from matplotlib.patches import Rectangle

        for axis in self.figure.axes:
            for patch in [patch for patch in axis.patches if patch.get_gid() == "mark"]:
                patch.remove()
            if axis.get_gid() == "map":
                for xmin, ymin, xmax, ymax in bounds:
                    axis.add_patch(Rectangle((xmin, ymin), xmax - xmin, ymax - ymin, facecolor="none",
                                             edgecolor=self.palette().color(QPalette.ColorRole.Highlight).name(),
                                             linewidth=2.5, gid="mark", zorder=10))
        self.draw_idle()

    def showEvent(self, event):
        super().showEvent(event)
        self.take_colours()

    def take_colours(self) -> None:
        """Write in the theme's ink, light or dark; what carries data keeps its colours."""
        if self._inked is None:
            return
        self._inked.ensurePolished()
        colour = self._inked.palette().color(QPalette.ColorRole.WindowText)
        ink, faint = colour.name(), (colour.redF(), colour.greenF(), colour.blueF(), FAINT)
        self.figure.set_facecolor("none")
        for axis in self.figure.axes:
            _recolour_axis(axis, ink, faint)
        for legend in [*self.figure.legends, *(axis.get_legend() for axis in self.figure.axes)]:
            for text in legend.get_texts() if legend else ():
                text.set_color(ink)
        self.draw_idle()


def _recolour_axis(axis, ink: str, faint: tuple) -> None:
    from ..core.report.figures import INK

    axis.set_facecolor("none")
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
