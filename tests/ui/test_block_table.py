"""The dock's table of blocks, in step with the map; and the before and after buttons."""

import importlib.util
from pathlib import Path

import pytest

core = pytest.importorskip("qgis.core")
spec = importlib.util.spec_from_file_location("dock_fixtures", Path(__file__).with_name("test_dock.py"))
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
facts, shifts_layer, settle, shown = fixtures.facts, fixtures.shifts_layer, fixtures.settle, fixtures.shown
project = fixtures.project


@pytest.fixture
def canvas(project):
    from qgis.gui import QgsMapCanvas

    canvas = QgsMapCanvas()
    canvas.resize(400, 400)
    canvas.setDestinationCrs(core.QgsCoordinateReferenceSystem("EPSG:32611"))
    canvas.setExtent(core.QgsRectangle(100, 100, 101, 101))
    yield canvas
    canvas.deleteLater()


def zoomed_to(canvas):
    """The middle of the map, and whether a block of side 1 fills a good part of it."""
    extent = canvas.extent()
    return round(extent.center().x(), 6), round(extent.center().y(), 6), 1.5 < extent.height() < 5


@pytest.fixture
def dock(project, canvas):
    from commonground.ui.dock import CommonGroundDock

    dock = CommonGroundDock(canvas=canvas)
    dock.resize(700, 900)
    yield dock
    dock.close()
    dock.deleteLater()
    settle()


@pytest.fixture
def table(dock, project):
    project.addMapLayer(shifts_layer("s", facts(), columns=3))
    return shown(dock)._run_view.table


def rows(table):
    """What stands in the table, row by row: (row, col, status)."""
    from qgis.PyQt.QtCore import Qt

    role = Qt.ItemDataRole.DisplayRole
    model = table.view.model()
    return [tuple(model.index(row, column).data(role) for column in range(3)) for row in range(model.rowCount())]


def layer_of(project):
    (layer,) = project.mapLayers().values()
    return layer


def test_it_lists_every_block(table):
    assert len(rows(table)) == 9 and ("0", "1", "rejected") in rows(table)
    assert table._count.text() == "9 of 9"


def test_it_sorts_by_number_not_by_text(table):
    from commonground.ui.block_table import COLUMNS
    from qgis.PyQt.QtCore import Qt

    table.view.sortByColumn(COLUMNS.index("dy"), Qt.SortOrder.AscendingOrder)
    assert [row for row, _, _ in rows(table)] == list("222111000")


def test_it_filters_by_status(table):
    table._status.setCurrentIndex(table._status.findData("rejected"))
    assert rows(table) == [("0", "1", "rejected")] and table._count.text() == "1 of 9"
    table._status.setCurrentIndex(0)
    assert len(rows(table)) == 9


def test_a_click_zooms_the_map_to_the_block(table, canvas, project):
    table.view.selectRow(4)
    table.view.clicked.emit(table.view.model().index(4, 0))
    row, col = (int(text) for text in rows(table)[4][:2])
    assert zoomed_to(canvas) == (col + 0.5, -row - 0.5, True)
    assert not layer_of(project).selectedFeatureIds()


def test_a_selection_on_the_map_is_shown_in_table_and_figures(table, dock, canvas, project):
    layer = layer_of(project)
    wanted = [feature.id() for feature in layer.getFeatures() if feature["row"] == 2]
    layer.selectByIds(wanted)
    chosen = table.view.selectionModel().selectedRows()
    assert sorted(rows(table)[index.row()][:2] for index in chosen) == [("2", "0"), ("2", "1"), ("2", "2")]
    assert zoomed_to(canvas) == (100.5, 100.5, False), "the map stays where the person put it"
    marks = [patch for axis in dock._run_view.figures[0].figure.axes[:3] for patch in axis.patches
             if patch.get_gid() == "mark"]
    assert len(marks) == 9, "three blocks in three maps"
    layer.removeSelection()
    assert not table.view.selectionModel().selectedRows()
    assert not [patch for patch in dock._run_view.figures[0].figure.axes[0].patches if patch.get_gid() == "mark"]


def test_a_click_into_a_heat_map_goes_to_the_block(table, dock, canvas, project):
    from matplotlib.backend_bases import MouseEvent

    view = dock._run_view.figures[0]
    x, y = view.figure.axes[0].transData.transform((1.5, -0.5))
    view.callbacks.process("button_press_event", MouseEvent("button_press_event", view, x, y, 1))
    assert zoomed_to(canvas) == (1.5, -0.5, True)
    assert [rows(table)[index.row()] for index in table.view.selectionModel().selectedRows()] == [
        ("0", "1", "rejected")]


def test_a_hidden_dock_forgets_the_selection(table, dock, project):
    layer = layer_of(project)
    listening = layer.receivers(layer.selectionChanged)
    dock.close()
    assert layer.receivers(layer.selectionChanged) == listening - 1
    project.removeAllMapLayers()
    settle()


def test_before_and_after_are_one_click(dock, project, tmp_path):
    from osgeo import gdal

    paths = {}
    for state in ("before", "after"):
        path = str(tmp_path / f"différence {state}.tif")
        gdal.GetDriverByName("GTiff").Create(path, 2, 2, 1, gdal.GDT_Float32)
        paths[state] = core.QgsRasterLayer(path, state)
    project.addMapLayers(list(paths.values()))
    project.addMapLayer(shifts_layer("s", facts(layers={
        f"difference_{state}": layer.source() for state, layer in paths.items()})))
    states = shown(dock)._run_view.states
    root = project.layerTreeRoot()

    def visible():
        return [root.findLayer(paths[state].id()).isVisible() for state in ("before", "after")]

    assert states.isVisible()
    states.buttons["after"].click()
    assert visible() == [False, True]
    states.buttons["before"].click()
    assert visible() == [True, False]
    project.removeMapLayer(paths["after"].id())
    settle()
    assert not states.isVisible()


@pytest.mark.parametrize("layers", [None, 3, {}, {"difference_before": 7}, {"difference_before": "x"}])
def test_runs_without_differences_have_no_buttons(dock, project, layers):
    project.addMapLayer(shifts_layer("s", facts(layers=layers)))
    assert not shown(dock)._run_view.states.isVisible()


def test_very_many_blocks_do_not_stop_the_window(dock, project):
    project.addMapLayer(shifts_layer("s", facts(), columns=21))
    view = shown(dock)._run_view
    assert "441 blocks are too many" in view._note.text() and len(view.figures) == 2
    assert view.table._count.text() == "441 of 441"
