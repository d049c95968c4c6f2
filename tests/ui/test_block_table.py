"""The dock's table of blocks, in step with the map; and the before and after buttons."""

import importlib.util
from pathlib import Path

import pytest

core = pytest.importorskip("qgis.core")
spec = importlib.util.spec_from_file_location("dock_fixtures", Path(__file__).with_name("test_dock.py"))
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
facts, shifts_layer, settle, shown = fixtures.facts, fixtures.shifts_layer, fixtures.settle, fixtures.shown
drawn = fixtures.drawn
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
    dock.stop()
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
    assert len(dock._run_view.figures[0].marks()) == 9, "three blocks in three maps"
    layer.removeSelection()
    assert not table.view.selectionModel().selectedRows()
    assert not dock._run_view.figures[0].marks()


def place_of(view, x, y, area=0):
    """Where map coordinates are drawn, in the widget's pixels."""
    from qgis.PyQt.QtCore import QPoint

    across, down = view._drawing.areas[area].image_of(x, y)
    return QPoint(round(across * view.width()), round(down * view.height()))


@pytest.mark.parametrize(("figure", "area"), [(0, 0), (0, 2), (1, 0)])
def test_a_click_into_a_map_of_the_dock_goes_to_the_block(table, dock, canvas, project, figure, area):
    from qgis.PyQt.QtCore import QPoint, Qt
    from qgis.PyQt.QtTest import QTest

    view = dock._run_view.figures[figure]
    table._status.setCurrentIndex(table._status.findData("used"))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place_of(view, 1.5, -0.5, area))
    assert zoomed_to(canvas) == (1.5, -0.5, True), "the filter that hid the block is lifted"
    assert [rows(table)[index.row()] for index in table.view.selectionModel().selectedRows()] == [
        ("0", "1", "rejected")]
    mark = view.marks()[area]
    assert mark.contains(place_of(view, 1.5, -0.5, area)) and not mark.contains(place_of(view, 0.5, -0.5, area))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(2, 2))
    assert zoomed_to(canvas) == (1.5, -0.5, True), "nothing is there"


def test_the_image_shows_a_block_where_it_is_said_to_be(table, dock):
    """The colour of the rejected block's fill in the arrow map, read from the picture itself."""
    view = dock._run_view.figures[1]
    image, ratio = view._drawing.image, view._drawing.image.width() / view.width()
    seen = [image.pixelColor(place * ratio) for place in (place_of(view, 1.85, -0.15), place_of(view, 0.85, -0.15))]
    assert seen[0].red() > seen[0].blue() and seen[1].blue() > seen[1].red(), "vermilion beside blue"


def test_sorting_keeps_what_is_chosen(table, dock):
    from qgis.PyQt.QtCore import Qt

    table.select_block(2, 1)
    for column in (3, 4):
        table.view.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        chosen = [rows(table)[index.row()][:2] for index in table.view.selectionModel().selectedRows()]
        assert chosen == [("2", "1")] and len(dock._run_view.figures[0].marks()) == 3
    dock.resize(500, 800)
    drawn(dock)
    assert len(dock._run_view.figures[0].marks()) == 3, "a new width neither"


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
