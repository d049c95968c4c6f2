"""What happens in the desktop of tools/screenshot.sh; QGIS runs this file with --code.

Jobs run from the algorithms' own dialogs, in their background threads, as a person runs them.
"""

import faulthandler
import os
import sys
from pathlib import Path

sys.path.insert(0, os.environ["COMMONGROUND_TOOLS"])
import desktop
import processing
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QPushButton,
    QTableView,
    QTabWidget,
    QToolButton,
    QTreeView,
)
from qgis.utils import iface, plugins

PICTURES = Path(os.environ["COMMONGROUND_PICTURES"])
ROOT = Path(os.environ["COMMONGROUND_TOOLS"]).parent
OUT = Path(os.environ["COMMONGROUND_SANDBOX"]) / "results"
GUIDED = Path("/var/tmp/made comparable")
"""Shown in a picture: a path that could be anyone's, and not where QGIS calls files temporary."""
REFERENCE = ROOT / "demo" / "data" / "los_angeles" / "glo30.tif"
NASADEM = ROOT / "demo" / "data" / "los_angeles" / "nasadem.tif"
DISPLACED = ROOT / "demo_output" / "known_truth" / "displaced.tif"
JOBS = (("NASADEM", NASADEM, 300), ("Known truth", DISPLACED, 100))
"""Name, secondary and block size."""
NAMES = {"OUTPUT": "aligned DEM", "SHIFTS": "shifts", "DIFFERENCE_BEFORE": "dh before",
         "DIFFERENCE_AFTER": "dh after"}
LAST = os.environ.get("COMMONGROUND_LAST_PICTURE", "")

dialogs = []
"""Without a Python reference a dialog's context is collected while the job runs, and QGIS crashes."""


def take(name, widget):
    """Save the picture of a widget; the story ends after the one that was asked for."""
    iface.messageBar().clearWidgets()
    QApplication.processEvents()
    target = PICTURES / f"{name}.png"
    if not widget.grab().save(str(target)):
        raise RuntimeError(f"cannot write {target}")
    print(f"screenshot: docs/images/{name}.png")
    if name == LAST:
        desktop.end()


def story():
    if "commonground" not in plugins:
        raise RuntimeError("the plugin did not load")
    window = iface.mainWindow()
    window.showNormal()
    window.setGeometry(0, 0, 1600, 1000)
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() != "Layers":
            dock.hide()
    for chapter in (coregistrations, blocks, toolbox, guided, help_and_model, series, dark):
        yield from chapter(window)


def run(name, parameters):
    """Run an algorithm from its dialog; yields until its layers are there and returns them."""
    before = set(QgsProject.instance().mapLayers())
    dialog = processing.createAlgorithmDialog(f"commonground:{name}", parameters)
    dialogs.append(dialog)
    done = []
    dialog.algorithmFinished.connect(lambda good, results: done.append(good))
    dialog.show()
    yield 300
    dialog.runButton().click()
    yield lambda: done
    yield 700
    dialog.close()
    if not done[0]:
        raise RuntimeError(f"{name} failed")
    return [layer for key, layer in QgsProject.instance().mapLayers().items() if key not in before]


def coregistrations(window):
    project = QgsProject.instance()
    project.addMapLayer(QgsRasterLayer(str(REFERENCE), "GLO-30"))
    plugins["commonground"].show_dock()
    dock = plugins["commonground"].dock
    for title, secondary, size in JOBS:
        folder = OUT / title.lower().replace(" ", "_")
        folder.mkdir(parents=True)
        outputs = {name: str(folder / f"{name.lower()}.{'gpkg' if name == 'SHIFTS' else 'tif'}") for name in NAMES}
        arrived = yield from run("blockwisecoregister", {
            "REFERENCE": str(REFERENCE), "SECONDARY": str(secondary), "BLOCK_SIZE": size, "OVERLAP": 0.25, **outputs})
        if len(arrived) != len(NAMES):
            raise RuntimeError(f"{title}: only {[layer.name() for layer in arrived]} arrived")
        gather(title, outputs, arrived, shown=title == JOBS[-1][0])
    layers = window.findChild(QDockWidget, "Layers")
    layers.show()
    window.resizeDocks([layers, dock], [345, 660], Qt.Orientation.Horizontal)
    iface.messageBar().clearWidgets()
    groups = project.layerTreeRoot().findGroups()
    for group in groups:
        # The tree view only follows a change.
        group.setExpanded(False)
        group.setExpanded(group is groups[0])
    yield 800
    yield from zoom("shifts")
    take("desktop", window)
    pages = dock.findChild(QTabWidget, "pages")
    pages.setCurrentIndex(1)
    yield 800
    take("dock_differences", dock)


def gather(title, outputs, layers, shown):
    """Name the layers of a run and put them into a group, in the order in which they arrived."""
    root = QgsProject.instance().layerTreeRoot()
    group = root.insertGroup(0, title)
    for node in [node for node in root.findLayers() if node.layer() in layers]:
        name = next(key for key, path in outputs.items() if path in node.layer().source())
        node.layer().setName(f"{title}: {NAMES[name]}" if name == "SHIFTS" else NAMES[name])
        clone = node.clone()
        clone.setExpanded(name in ("SHIFTS", "DIFFERENCE_BEFORE"))
        clone.setItemVisibilityChecked(name != "DIFFERENCE_AFTER")
        group.addChildNode(clone)
        node.parent().removeChildNode(node)
    group.setItemVisibilityChecked(shown)


def zoom(name):
    """Show all of a layer, and wait until it is drawn."""
    canvas = iface.mapCanvas()
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32611"))
    layer = next(layer for layer in QgsProject.instance().mapLayers().values() if name.lower() in layer.name().lower())
    extent = canvas.mapSettings().layerExtentToOutputExtent(layer, layer.extent())
    extent.scale(1.06)
    canvas.setExtent(extent)
    canvas.refresh()
    yield from drawn()


def drawn():
    """Wait for the map and the dock."""
    yield 700
    view = plugins["commonground"].dock._run_view if plugins["commonground"].dock else None
    yield lambda: not iface.mapCanvas().isDrawing() and not (view and view.busy)
    yield 500


def blocks(window):
    dock = plugins["commonground"].dock
    pages = dock.findChild(QTabWidget, "pages")
    pages.setCurrentIndex(2)
    table = dock.findChild(QTableView)
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    # A click into the row of a rejected block, as a person finds it.
    rows = range(table.model().rowCount())
    row = next((row for row in rows if table.model().index(row, 2).data() == "rejected"), 0)
    desktop.click(table.viewport(), table.visualRect(table.model().index(row, 0)).center())
    # The block flashes at first.
    yield 2500
    yield from drawn()
    take("blocks", window)
    pages.setCurrentIndex(0)


def toolbox(window):
    toolbox = window.findChild(QDockWidget, "ProcessingToolbox")
    toolbox.show()
    toolbox.resize(420, 760)
    toolbox.setFloating(True)
    tree = toolbox.findChild(QTreeView)
    tree.collapseAll()
    model = tree.model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if index.data() == "Common Ground":
            tree.expandRecursively(index) if hasattr(tree, "expandRecursively") else tree.expand(index)
            tree.scrollTo(index, tree.ScrollHint.PositionAtTop)
    yield 800
    take("toolbox", toolbox)
    toolbox.setFloating(False)
    toolbox.hide()


def guided(window):
    project = QgsProject.instance()
    project.clear()
    for name, path in (("GLO-30", REFERENCE), ("NASADEM", NASADEM)):
        project.addMapLayer(QgsRasterLayer(str(path), name))
    plugins["commonground"].make_comparable()
    dialog = plugins["commonground"].dialog
    for side, epoch in (("reference", "2012.9"), ("secondary", "2000.13")):
        dialog.findChild(QgsMapLayerComboBox, side).setLayer(
            project.mapLayersByName("GLO-30" if side == "reference" else "NASADEM")[0])
        dialog.findChild(QComboBox, f"{side}_frame").setCurrentText("WGS84(G1150)")
        dialog.findChild(QLineEdit, f"{side}_epoch").setText(epoch)
    dialog.findChild(QComboBox, "plate").setCurrentText("NOAM")
    dialog.findChild(QgsFileWidget, "folder").setFilePath(str(GUIDED))
    yield 800
    take("make_comparable", dialog)
    completed = []
    dialog.completed.connect(completed.append)
    dialog.findChild(QPushButton, "run").click()
    yield lambda: completed
    if not completed[0]:
        raise RuntimeError(f"the guided run failed: {dialog.message.text()}")
    yield 1000
    project.layerTreeRoot().findGroup(completed[0]).setExpanded(True)
    yield from zoom("Shifts")
    take("make_comparable_done", window)
    dialog.close()


def help_and_model(window):
    layers = QgsProject.instance().mapLayersByName
    pair = {"REFERENCE": layers("GLO-30")[0], "SECONDARY": layers("NASADEM")[0]}
    for picture, name, more in (
            ("algorithm", "blockwisecoregister", {}),
            ("model", "reframe_coregister_report", {
                "SOURCE_FRAME": "WGS84(G1150)", "EPOCH": "2000.13", "TARGET_FRAME": "WGS84(G1150)",
                "TARGET_EPOCH": "2012.9", "PLATE": "NOAM"})):
        dialog = processing.createAlgorithmDialog(f"commonground:{name}", {**pair, **more})
        dialogs.append(dialog)
        dialog.show()
        dialog.resize(860, 640)
        yield 1500
        take(picture, dialog)
        dialog.close()


def series(window):
    """The temporal controller steps through a series of DEMs and their shifts."""
    project = QgsProject.instance()
    project.clear()
    plugins["commonground"].dock.hide()
    arrived = yield from run("coregisterseries", {
        "REFERENCE": str(REFERENCE), "SECONDARIES": [str(NASADEM), str(DISPLACED)], "EPOCHS": "2000-02-17, 2012-11-24",
        "BLOCK_SIZE": 200, "LOAD": True, "OUTPUT": str(OUT / "series")})
    if len(arrived) != 4 or not all(layer.temporalProperties().isActive() for layer in arrived):
        raise RuntimeError(f"{[layer.name() for layer in arrived]} have no time")
    iface.messageBar().clearWidgets()
    controller = window.findChild(QDockWidget, "Temporal Controller")
    controller.show()
    yield 500
    button(controller, "mNavigationAnimated").click()
    yield 300
    # One step a year, from the first DEM to the end of the last.
    controller.findChild(QComboBox, "mTimeStepsComboBox").setCurrentText("years")
    yield 300
    yield from zoom("shifts")
    shown = []
    button(controller, "mRewindButton").click()
    for picture, steps in (("temporal_first", 0), ("temporal_second", 13)):
        for _ in range(steps):
            button(controller, "mNextButton").click()
        yield from drawn()
        take(picture, window)
        shown.append(window.grab().toImage().copy(400, 200, 700, 600))
    if shown[0] == shown[1]:
        raise RuntimeError("the temporal controller changed nothing on the map")
    button(controller, "mNavigationOff").click()
    controller.hide()


def button(dock, name):
    return dock.findChild(QPushButton, name) or dock.findChild(QToolButton, name)


def dark(window):
    plugins["commonground"].show_dock()
    yield from drawn()
    # Last: QGIS does not find its way back from a theme without a new start.
    QgsApplication.setUITheme("Night Mapping")
    yield from drawn()
    take("dock_dark", plugins["commonground"].dock)


faulthandler.enable()
desktop.watch()
desktop.play(story())
