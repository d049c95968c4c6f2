"""What happens in the desktop of tools/screenshot.sh; QGIS runs this file with --code.

The job runs from the algorithm's own dialog, in its background thread, as a user runs it.
"""

import faulthandler
import os
import sys
import tempfile
import traceback
from pathlib import Path

import processing
from qgis.core import Qgis, QgsApplication, QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import (
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QPushButton,
    QTableView,
    QTabWidget,
    QTreeView,
)
from qgis.utils import iface, plugins

PICTURES = Path(os.environ["COMMONGROUND_PICTURES"])
ROOT = Path(os.path.realpath(Path(os.environ["COMMONGROUND_SANDBOX"]) / "plugins" / "commonground"))
OUT = Path(os.environ["COMMONGROUND_SANDBOX"]) / "results"
GUIDED = Path(tempfile.gettempdir()) / "made comparable"
"""Shown in a picture: a path that could be anyone's."""
REFERENCE = ROOT / "demo" / "data" / "los_angeles" / "glo30.tif"
JOBS = (
    ("NASADEM", ROOT / "demo" / "data" / "los_angeles" / "nasadem.tif", 300),
    ("Known truth", ROOT / "demo_output" / "known_truth" / "displaced.tif", 100),
)
"""Name, secondary and block size; the picture shows the last whose file is there."""
NAMES = {"OUTPUT": "aligned DEM", "SHIFTS": "shifts", "DIFFERENCE_BEFORE": "dh before",
         "DIFFERENCE_AFTER": "dh after"}
LAST = os.environ.get("COMMONGROUND_LAST_PICTURE", "")
PYTHON_ERROR = "Traceback"

errors, dialogs = [], []


def note(message, tag="", level=Qgis.MessageLevel.Info):
    """End where something is in the log that must not be there."""
    if level == Qgis.MessageLevel.Critical or PYTHON_ERROR in message:
        errors.append(f"{tag}: {message}")
        QTimer.singleShot(0, lambda: end(1))


def end(code):
    """Leave at once: closing QGIS would ask whether to save."""
    for error in errors:
        print(f"screenshot: {error}")
    sys.stdout.flush()
    os._exit(1 if errors else code)


def guarded(step):
    """Run a step; an error in it ends the desktop."""
    def run(*arguments):
        try:
            step(*arguments)
        except Exception:
            errors.append(traceback.format_exc())
            end(1)
    return run


def later(milliseconds, step, *arguments):
    QTimer.singleShot(milliseconds, lambda: guarded(step)(*arguments))


def prepare():
    if "commonground" not in plugins:
        raise RuntimeError("the plugin did not load")
    window = iface.mainWindow()
    window.showNormal()
    window.setGeometry(0, 0, 1600, 1000)
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() != "Layers":
            dock.hide()
    QgsProject.instance().addMapLayer(QgsRasterLayer(str(REFERENCE), "GLO-30"))
    plugins["commonground"].show_dock()
    run_jobs([job for job in JOBS if job[1].exists()])


def run_jobs(jobs):
    if not jobs:
        later(1500, arrange)
        return
    (title, secondary, size), rest = jobs[0], jobs[1:]
    folder = OUT / title.lower().replace(" ", "_")
    folder.mkdir(parents=True)
    outputs = {name: str(folder / f"{name.lower()}.{'gpkg' if name == 'SHIFTS' else 'tif'}")
               for name in NAMES}
    dialog = processing.createAlgorithmDialog("commonground:blockwisecoregister", {
        "REFERENCE": str(REFERENCE), "SECONDARY": str(secondary), "BLOCK_SIZE": size, "OVERLAP": 0.25,
        **outputs})
    # Without a Python reference the dialog's context is collected while the job runs, and QGIS crashes.
    dialogs.append(dialog)
    before = set(QgsProject.instance().mapLayers())

    def finished(successful, results):
        if not successful:
            raise RuntimeError(f"{title}: the run failed")
        later(500, arrived)

    def arrived():
        dialog.close()
        arrivals = [layer for key, layer in QgsProject.instance().mapLayers().items() if key not in before]
        if len(arrivals) != len(NAMES):
            names = ", ".join(layer.name() for layer in arrivals)
            raise RuntimeError(f"{title}: {len(NAMES)} layers should have been loaded, not only {names}")
        gather(title, outputs, arrivals, shown=not rest)
        run_jobs(rest)

    dialog.algorithmFinished.connect(guarded(finished))
    dialog.show()
    dialog.runButton().click()


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


def arrange():
    window = iface.mainWindow()
    dock = plugins["commonground"].dock
    layers = window.findChild(QDockWidget, "Layers")
    layers.show()
    window.resizeDocks([layers, dock], [320, 660], Qt.Orientation.Horizontal)
    iface.messageBar().clearWidgets()
    groups = QgsProject.instance().layerTreeRoot().findGroups()
    for group in groups:
        # The tree view only follows a change.
        group.setExpanded(False)
        group.setExpanded(group is groups[0])
    later(800, zoom)


def zoom():
    canvas = iface.mapCanvas()
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32611"))
    layer = next(layer for layer in QgsProject.instance().mapLayers().values() if "shifts" in layer.name())
    extent = canvas.mapSettings().layerExtentToOutputExtent(layer, layer.extent())
    extent.scale(1.06)
    canvas.setExtent(extent)
    canvas.refresh()
    later(5000, save)


def save():
    """One picture after the other; between them the event loop runs, so that all is drawn."""
    take("desktop", iface.mainWindow())
    pages = plugins["commonground"].dock.findChild(QTabWidget, "pages")
    pages.setCurrentIndex(1)
    later(800, save_differences, pages)


def save_differences(pages):
    dock = plugins["commonground"].dock
    take("dock_differences", dock)
    pages.setCurrentIndex(2)
    table = dock.findChild(QTableView)
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    # A click into the row of a rejected block, as a person finds it.
    rows = range(table.model().rowCount())
    row = next((row for row in rows if table.model().index(row, 2).data() == "rejected"), 0)
    table.selectRow(row)
    table.clicked.emit(table.model().index(row, 0))
    later(3000, save_blocks, pages)


def save_blocks(pages):
    take("blocks", iface.mainWindow())
    pages.setCurrentIndex(0)
    toolbox = iface.mainWindow().findChild(QDockWidget, "ProcessingToolbox")
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
    later(800, save_toolbox, toolbox)


def save_toolbox(toolbox):
    take("toolbox", toolbox)
    toolbox.setFloating(False)
    toolbox.hide()
    project = QgsProject.instance()
    project.clear()
    for name, path in (("GLO-30", REFERENCE), ("NASADEM", JOBS[0][1])):
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
    later(800, save_dialog, dialog)


def save_dialog(dialog):
    take("make_comparable", dialog)
    dialog.completed.connect(guarded(lambda group: later(1500, save_guided, dialog, group)))
    dialog.findChild(QPushButton, "run").click()


def save_guided(dialog, group):
    if not group:
        raise RuntimeError(f"the guided run failed: {dialog.message.text()}")
    QgsProject.instance().layerTreeRoot().findGroup(group).setExpanded(True)
    layer = QgsProject.instance().mapLayersByName("Shifts")[0]
    canvas = iface.mapCanvas()
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32611"))
    extent = canvas.mapSettings().layerExtentToOutputExtent(layer, layer.extent())
    extent.scale(1.06)
    canvas.setExtent(extent)
    canvas.refresh()
    later(5000, save_last, dialog)


def save_last(dialog):
    take("make_comparable_done", iface.mainWindow())
    dialog.close()
    dialogs.append(processing.createAlgorithmDialog("commonground:reframe_coregister_report", {}))
    dialogs[-1].show()
    later(1500, save_model)


def save_model():
    take("model", dialogs[-1])
    dialogs[-1].close()
    # Last: QGIS does not find its way back from a theme without a new start.
    QgsApplication.setUITheme("Night Mapping")
    later(1500, save_dark)


def save_dark():
    take("dock_dark", plugins["commonground"].dock)
    end(0)


def take(name, widget):
    """Save the picture of a widget."""
    QApplication.processEvents()
    target = PICTURES / f"{name}.png"
    if not widget.grab().save(str(target)):
        raise RuntimeError(f"cannot write {target}")
    print(f"screenshot: docs/images/{name}.png")
    if name == LAST:
        end(0)


faulthandler.enable()
QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(note)
later(3000, prepare)
