"""The table of a run's blocks, in step with the selection on the map."""

from __future__ import annotations

import math

from qgis.core import QgsFeatureRequest, QgsProject
from qgis.PyQt.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QComboBox, QHBoxLayout, QLabel, QTableView, QVBoxLayout, QWidget

from ..core.coregistration.blocks import STATUSES
from ..processing_provider.base import tr
from ..processing_provider.styling import STATUS_COLOURS

COLUMNS = ("row", "col", "status", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", "nmad_before", "nmad_after",
           "n", "slope", "reason")
SIGNED = ("dx", "dy", "dz")
MINUS = "\u2212"


class BlockModel(QAbstractTableModel):
    """The blocks as rows; EditRole holds the bare values, so that sorting is by number."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.blocks = []

    def set_blocks(self, blocks: list) -> None:
        """Show other blocks."""
        self.beginResetModel()
        self.blocks = blocks
        self.endResetModel()

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self.blocks)

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
        value = getattr(self.blocks[index.row()], name)
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(name, value)
        if role == Qt.ItemDataRole.EditRole:
            # Qt sorts no NaN: unknown values come first.
            return -math.inf if value != value else value
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
        self._layer_id, self._ids = "", {}
        self._status = QComboBox(self)
        self._status.setObjectName("status")
        self._status.addItem(tr("all blocks"), "")
        for status in STATUSES:
            self._status.addItem(status, status)
        self._status.currentIndexChanged.connect(self._filter)
        self._count = QLabel(self)
        self.model = BlockModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(Qt.ItemDataRole.EditRole)
        self._sorted.setFilterKeyColumn(COLUMNS.index("status"))
        self.view = self._make_view()
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
        view.setModel(self._sorted)
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

    def show_layer(self, layer_id: str, blocks: list) -> None:
        """Show the blocks of the project's layer of this id; "" shows none and listens to nothing."""
        self._listen(False)
        self._layer_id = layer_id
        layer = self._layer()
        wanted = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry)
        found = layer.getFeatures(wanted) if layer is not None and blocks else ()
        self._ids = {(feature["row"], feature["col"]): feature.id() for feature in found}
        self.model.set_blocks(blocks if layer is not None else [])
        self._filter()
        self.view.resizeColumnsToContents()
        self._listen(True)
        self._map_selected()

    def select_block(self, row: int, col: int) -> None:
        """Go to one block, as a click into its row does."""
        for place in range(self._sorted.rowCount()):
            index = self._sorted.index(place, 0)
            block = self._block_of(index)
            if (block.row, block.col) == (row, col):
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
        self._sorted.setFilterFixedString(self._status.currentData())
        self._count.setText(tr("{shown} of {all}").format(shown=self._sorted.rowCount(), all=self.model.rowCount()))

    def _block_of(self, index):
        return self.model.blocks[self._sorted.mapToSource(index).row()]

    def _chosen(self, *_) -> None:
        self.marked.emit([self._block_of(index) for index in self.view.selectionModel().selectedRows()])

    def _clicked(self, index) -> None:
        block = self._block_of(index)
        self.activated.emit(self._ids[block.row, block.col])

    def _map_selected(self, *_) -> None:
        layer = self._layer()
        selected = set(layer.selectedFeatureIds()) if layer is not None else set()
        rows = QItemSelection()
        for place in range(self._sorted.rowCount()):
            index = self._sorted.index(place, 0)
            block = self._block_of(index)
            if self._ids.get((block.row, block.col)) in selected:
                rows.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        self.view.selectionModel().select(rows, flags.ClearAndSelect | flags.Rows)
        if rows.indexes():
            self.view.scrollTo(rows.indexes()[0])


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
