"""Matplotlib figures as Qt pictures: the one place where the two meet.

Figures are drawn in a background thread into images; the window only shows them. So neither the import of matplotlib
nor a figure of thousands of blocks stops QGIS.
"""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QEvent, QPointF, QRectF, QSize, pyqtSignal
from qgis.PyQt.QtGui import QImage, QPainter, QPalette, QPen
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QToolTip, QWidget

DPI = 100
FAINT = 0.25
"""How much ink the lines of a grid have."""
SMALLEST_TEXT = 4.0
"""Values written into cells are hidden below this size (points)."""
MARK = 2.5
"""Width of the outline of a chosen block (pixels)."""


@dataclass(frozen=True)
class Area:
    """A map in a drawing: where it lies (fractions of the image from the upper left) and what it shows (map units)."""

    left: float
    top: float
    right: float
    bottom: float
    west: float
    north: float
    east: float
    south: float

    def map_of(self, x: float, y: float) -> tuple:
        """Map coordinates of a place in the image, () outside this map."""
        if not (self.left <= x <= self.right and self.top <= y <= self.bottom):
            return ()
        along, down = (x - self.left) / (self.right - self.left), (y - self.top) / (self.bottom - self.top)
        return self.west + along * (self.east - self.west), self.north + down * (self.south - self.north)

    def image_of(self, x: float, y: float) -> tuple:
        """The place in the image of map coordinates."""
        along, down = (x - self.west) / (self.east - self.west), (y - self.north) / (self.south - self.north)
        return self.left + along * (self.right - self.left), self.top + down * (self.bottom - self.top)


@dataclass(frozen=True)
class Drawing:
    """A figure and its image; `areas` are the maps in it."""

    figure: object
    image: QImage
    areas: tuple


@dataclass(frozen=True)
class Paper:
    """What is drawn on: width in pixels of the window, device pixels in each, and the theme's ink."""

    width: int
    ratio: float
    ink: str


def draw(figure, paper: Paper) -> Drawing:
    """Draw a figure as wide as the paper, transparent and in its ink; what carries data keeps its colours.

    May be called in any thread.
    """
    wide, high = figure.get_size_inches()
    width = max(paper.width, 1) / DPI
    figure.set_dpi(DPI * paper.ratio)
    figure.set_size_inches(width, width * high / wide)
    _fit_texts(figure, width / wide)
    _recolour(figure, paper.ink)
    figure.canvas.draw()
    pixels = figure.canvas.buffer_rgba()
    rows, columns, bands = pixels.shape
    image = QImage(bytes(pixels), columns, rows, bands * columns, QImage.Format.Format_RGBA8888).copy()
    return Drawing(figure, image, tuple(_area(axis) for axis in figure.axes if axis.get_gid() == "map"))


def _area(axis) -> Area:
    box = axis.get_window_extent().transformed(axis.figure.transFigure.inverted())
    (west, east), (south, north) = axis.get_xlim(), axis.get_ylim()
    return Area(box.x0, 1 - box.y1, box.x1, 1 - box.y0, west, north, east, south)


def _fit_texts(figure, share: float) -> None:
    for axis in figure.axes:
        for text in axis.texts:
            size = text.get_fontsize() * share
            text.set_fontsize(min(size, 11))
            text.set_visible(size >= SMALLEST_TEXT)


def _recolour(figure, ink: str) -> None:
    from ..core.report.figures import INK

    figure.set_facecolor("none")
    for axis in figure.axes:
        axis.set_facecolor("none")
        axis.tick_params(colors=ink, which="both", grid_color=ink, grid_alpha=FAINT)
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
            text.set_color(ink)
        for spine in axis.spines.values():
            spine.set_edgecolor(ink)
        for line in axis.lines:
            if line.get_color() == INK:
                line.set_color(ink)
    for legend in [*figure.legends, *(axis.get_legend() for axis in figure.axes)]:
        for text in legend.get_texts() if legend else ():
            text.set_color(ink)


class Ink(QLabel):
    """Knows the theme's ink: themes that are style sheets leave palettes alone, but colour labels."""

    changed = pyqtSignal()

    def __init__(self, parent):
        super().__init__(parent)
        self.hide()

    def colour(self) -> str:
        """The ink as #rrggbb."""
        self.ensurePolished()
        return self.palette().color(QPalette.ColorRole.WindowText).name()

    def changeEvent(self, event):
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.changed.emit()


class FigureView(QWidget):
    """Shows a drawing as wide as there is room, scaled until a better one comes.

    `clicked` gives the map coordinates of a click into one of its maps; `hint(x, y)` the tool tip there.
    """

    clicked = pyqtSignal(float, float)

    def __init__(self, drawing: Drawing, hint, parent=None):
        super().__init__(parent)
        self._hint, self._marked = hint, []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumWidth(120)
        self.show_drawing(drawing)

    @property
    def figure(self):
        """The figure that is shown."""
        return self._drawing.figure

    def show_drawing(self, drawing: Drawing) -> None:
        """Show another drawing of the same thing."""
        self._drawing = drawing
        self.updateGeometry()
        self.update()

    def mark(self, bounds: list) -> None:
        """Outline places `(xmin, ymin, xmax, ymax)` in every map of the figure, and no others."""
        self._marked = bounds
        self.update()

    def marks(self) -> list:
        """The outlines as they are painted, in pixels of the widget."""
        return [QRectF(self._pixel(area, xmin, ymax), self._pixel(area, xmax, ymin))
                for area in self._drawing.areas for xmin, ymin, xmax, ymax in self._marked]

    def _pixel(self, area: Area, x: float, y: float) -> QPointF:
        across, down = area.image_of(x, y)
        return QPointF(across * self.width(), down * self.height())

    def hasHeightForWidth(self):
        return True

    def heightForWidth(self, width):
        return round(width * self._drawing.image.height() / max(self._drawing.image.width(), 1))

    def sizeHint(self):
        # Small: a scroll area would not go below it.
        return QSize(self.minimumWidth(), self.heightForWidth(self.minimumWidth()))

    def paintEvent(self, event):
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(self.rect()), self._drawing.image)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), MARK))
        for mark in self.marks():
            painter.drawRect(mark)
        painter.end()

    def mousePressEvent(self, event):
        place = self._map_of(event.pos())
        if place:
            self.clicked.emit(*place)

    def event(self, event):
        if event.type() == QEvent.Type.ToolTip:
            place = self._map_of(event.pos())
            QToolTip.showText(event.globalPos(), self._hint(*place) if place else "", self)
            return True
        return super().event(event)

    def _map_of(self, position) -> tuple:
        x, y = position.x() / max(self.width(), 1), position.y() / max(self.height(), 1)
        return next(filter(None, (area.map_of(x, y) for area in self._drawing.areas)), ())
