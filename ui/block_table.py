"""The table of a run's blocks, in step with the selection on the map."""

from __future__ import annotations

import math

from qgis.core import QgsProject
from qgis.PyQt.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QStyle,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..core.coregistration.blocks import STATUSES
from ..processing_provider.base import tr
from ..processing_provider.styling import STATUS_COLOURS

COLUMNS = ("row", "col", "status", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", "nmad_before", "nmad_after",
           "n", "slope", "reason")
SIGNED = ("dx", "dy", "dz")
MINUS = "\u2212"
SAMPLE = 100
"""As many rows say how wide a column is."""
MARGIN = 14
"""Pixels around the text of a cell."""


class BlockModel(QAbstractTableModel):
    """The blocks as rows, sorted and filtered here: Qt's own proxy asks Python for each comparison, and thousands of
    blocks would stop the window. `rows` are those that are shown."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.blocks, self.rows = [], []
        self._status, self._column, self._backwards = "", 0, False

    def set_blocks(self, blocks: list) -> None:
        """Show other blocks."""
        self.blocks = blocks
        self._arrange()

    def show_status(self, status: str) -> None:
        """Show the blocks of this status, all for ""."""
        self._status = status
        self._arrange()

    def sort(self, column, order=Qt.SortOrder.AscendingOrder):
        self._column, self._backwards = max(column, 0), order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def row_of(self, row: int, col: int) -> int:
        """Where a block stands, -1 where it is not shown."""
        return next((place for place, block in enumerate(self.rows) if (block.row, block.col) == (row, col)), -1)

    def _arrange(self) -> None:
        name = COLUMNS[self._column]
        self.beginResetModel()
        shown = [block for block in self.blocks if self._status in ("", block.status)]
        self.rows = sorted(shown, key=lambda block: _sortable(getattr(block, name)), reverse=self._backwards)
        self.endResetModel()

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return _meaning(COLUMNS[section]) if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        name = COLUMNS[index.column()]
        value = getattr(self.rows[index.row()], name)
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(name, value)
        if role == Qt.ItemDataRole.DecorationRole and name == "status":
            return QColor(STATUS_COLOURS[value])
        if role == Qt.ItemDataRole.ToolTipRole and name == "reason":
            return value
        if role == Qt.ItemDataRole.TextAlignmentRole and name not in ("status", "reason"):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class BlockTable(QWidget):
    """The blocks of a SHIFTS layer, sorted and filtered by status; what is selected on the map is chosen here."""

    activated = pyqtSignal(int)
    """The feature id of a block that was clicked."""
    marked = pyqtSignal(list)
    """The blocks whose rows are chosen, after each change."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._layer_id, self._ids, self._keys = "", {}, set()
        self._status = QComboBox(self)
        self._status.setObjectName("status")
        self._status.addItem(tr("all blocks"), "")
        for status in STATUSES:
            self._status.addItem(status, status)
        self._status.currentIndexChanged.connect(self._filter)
        self._count = QLabel(self)
        self.model = BlockModel(self)
        self.view = self._make_view()
        self.model.modelReset.connect(self._choose_again)
        row = QHBoxLayout()
        row.addWidget(QLabel(tr("Show"), self))
        row.addWidget(self._status)
        row.addWidget(self._count, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.view, 1)

    def _make_view(self) -> QTableView:
        view = QTableView(self)
        view.setModel(self.model)
        view.setSortingEnabled(True)
        view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setAlternatingRowColors(True)
        view.verticalHeader().hide()
        view.horizontalHeader().setStretchLastSection(True)
        view.selectionModel().selectionChanged.connect(self._chosen)
        view.clicked.connect(self._clicked)
        view.activated.connect(self._clicked)
        return view

    def show_layer(self, layer_id: str, blocks: list, ids: dict) -> None:
        """Show the blocks of the project's layer of this id, whose features are `ids[row, col]`; "" shows none and
        listens to nothing."""
        self._listen(False)
        fitted = layer_id and layer_id == self._layer_id and self.model.blocks
        self._layer_id, self._ids = layer_id, ids
        if not fitted:
            self._keys = set()
        self.model.set_blocks(blocks if self._layer() is not None else [])
        self._filter()
        if not fitted:
            self._fit_columns()
        self._listen(True)
        if self._layer() is not None and self._layer().selectedFeatureCount():
            self._map_selected()

    def _fit_columns(self) -> None:
        """Widths from the first rows: Qt's own way asks every row of a table that is not in sight."""
        metrics, header = self.view.fontMetrics(), self.view.horizontalHeader()
        for column, name in enumerate(COLUMNS[:-1]):
            texts = [_shown(name, getattr(block, name)) for block in self.model.rows[:SAMPLE]]
            widest = max((metrics.horizontalAdvance(text) for text in texts), default=0)
            icon = self.view.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize) if name == "status" else 0
            self.view.setColumnWidth(column, max(widest + icon + MARGIN, header.sectionSizeHint(column)))

    def select_block(self, row: int, col: int) -> None:
        """Go to one block, as a click into its row does; a filter that hides it is lifted."""
        if self.model.row_of(row, col) < 0:
            self._status.setCurrentIndex(0)
        place = self.model.row_of(row, col)
        if place >= 0:
            index = self.model.index(place, 0)
            self.view.selectRow(place)
            self.view.scrollTo(index)
            self._clicked(index)

    def _layer(self):
        return QgsProject.instance().mapLayer(self._layer_id) if self._layer_id else None

    def _listen(self, on: bool) -> None:
        layer = self._layer()
        if layer is not None:
            change = layer.selectionChanged
            change.connect(self._map_selected) if on else change.disconnect(self._map_selected)

    def _filter(self, *_) -> None:
        self.model.show_status(self._status.currentData())
        self._count.setText(tr("{shown} of {all}").format(shown=len(self.model.rows), all=len(self.model.blocks)))

    def _chosen(self, *_) -> None:
        blocks = [self.model.rows[index.row()] for index in self.view.selectionModel().selectedRows()]
        self._keys = {(block.row, block.col) for block in blocks}
        self.marked.emit(blocks)

    def _clicked(self, index) -> None:
        block = self.model.rows[index.row()]
        self.activated.emit(self._ids[block.row, block.col])

    def _map_selected(self, *_) -> None:
        layer = self._layer()
        selected = set(layer.selectedFeatureIds()) if layer is not None else set()
        self._choose({key for key, feature_id in self._ids.items() if feature_id in selected})

    def _choose_again(self) -> None:
        """What is chosen stays so when it is sorted anew; what a filter hides is chosen no more."""
        self._choose(self._keys)

    def _choose(self, keys: set) -> None:
        rows = QItemSelection()
        for place, block in enumerate(self.model.rows if keys else ()):
            if (block.row, block.col) in keys:
                index = self.model.index(place, 0)
                rows.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        self.view.selectionModel().select(rows, flags.ClearAndSelect | flags.Rows)
        # A reset empties the selection without a word.
        self._chosen()
        if rows.indexes():
            self.view.scrollTo(rows.indexes()[0])


def _sortable(value):
    """Unknown values come first."""
    return -math.inf if value != value else value


def _shown(name: str, value) -> str:
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return ""
    text = f"{value:+.3f}" if name in SIGNED else f"{value:.1f}" if name == "slope" else f"{value:.3f}"
    return text.replace("-", MINUS)


def _meaning(name: str) -> str:
    return {
        "row": tr("Row of the block, from the north"), "col": tr("Column of the block, from the west"),
        "status": tr("What the shift field made of the block"),
        "dx": tr("Shift east (m), to add to the secondary"), "dy": tr("Shift north (m), to add to the secondary"),
        "dz": tr("Shift up (m), to add to the secondary"), "sigma_dx": tr("One standard deviation of dx (m)"),
        "sigma_dy": tr("One standard deviation of dy (m)"), "sigma_dz": tr("One standard deviation of dz (m)"),
        "nmad_before": tr("NMAD of dh in the block before (m)"), "nmad_after": tr("NMAD of dh in the block after (m)"),
        "n": tr("Stable cells"), "slope": tr("Mean slope of the stable cells (degrees)"),
        "reason": tr("Why the block has this status"),
    }[name]
