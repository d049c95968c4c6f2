"""A newcomer's way from the zip to the report in a real desktop, and back: `make smoke`; QGIS runs this with --code.

The zip is installed by QGIS' own plugin manager into a clean profile, with real clicks, which are counted. Then the
dock, the locator and the toolbox are used, and the plugin is unloaded and loaded twice and uninstalled: nothing may
stay behind, and nothing may be logged as an error or a warning on the way.
"""

import gc
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, os.environ["COMMONGROUND_TOOLS"])
import desktop
import processing
import pyplugin_installer
from desktop import click, click_menu, drop, entry, key, message_box
from qgis import utils
from qgis.core import QgsApplication, QgsLocator, QgsProject
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QObject, Qt, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QMessageBox,
    QPushButton,
    QTableView,
    QTabWidget,
    QToolBar,
    QWidget,
)
from qgis.utils import iface

ZIP = os.environ["COMMONGROUND_ZIP"]
DEMS = [os.path.join(os.environ["COMMONGROUND_DEMS"], name) for name in ("glo30.tif", "nasadem.tif")]
NAME, MOST_CLICKS = "commonground", 10
opened = []


class Browser(QObject):
    """Gets the report instead of a web browser."""

    from qgis.PyQt.QtCore import pyqtSlot

    @pyqtSlot(QUrl)
    def open(self, url):
        opened.append(url.toLocalFile())


def plugin():
    return utils.plugins.get(NAME)


def inventory():
    """All that a plugin could leave behind in this desktop."""
    window = iface.mainWindow()
    menus = {f"menu {menu.title()} > {action.text()}" for menu in window.findChildren(QMenu)
             for action in menu.actions() if action.text()}
    tools = {f"tool bar {bar.objectName()}: {action.text()}" for bar in window.findChildren(QToolBar)
             for action in bar.actions() if action.text()}
    docks = {f"dock {dock.objectName()}" for dock in window.findChildren(QDockWidget)}
    providers = {f"provider {provider.id()}" for provider in QgsApplication.processingRegistry().providers()}
    filters = {f"locator filter {found.name()}" for locator in window.findChildren(QgsLocator)
               for found in locator.filters()}
    threads = {f"thread {thread.name}" for thread in threading.enumerate() if thread.name.startswith(NAME)}
    modules = {f"module {name}" for name in sys.modules if name.split(".")[0] == NAME}
    project = QgsProject.instance()
    listeners = {f"listener {number} of the project's {name}" for name in ("layersAdded", "layersRemoved")
                 for number in range(project.receivers(getattr(project, name)))}
    return menus | tools | docks | providers | filters | threads | modules | listeners


def ours():
    """The plugin's own objects that are still alive."""
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete: what was told to go, goes
    gc.collect()
    return {f"object {kind.__module__}.{kind.__name__}" for kind in map(type, gc.get_objects())
            if kind.__module__.split(".")[0] == NAME}


def tool_button(title):
    """The button of an action in the plugins' tool bar."""
    bar = iface.pluginToolBar()
    return bar.widgetForAction(entry(bar, title))


def story():
    window = iface.mainWindow()
    window.showNormal()
    window.setGeometry(0, 0, 1600, 1000)
    browser = Browser()
    QDesktopServices.setUrlHandler("file", browser, "open")
    processing.createAlgorithmDialog("native:buffer", {}).deleteLater()
    yield 500
    before = inventory()
    for step in (install, newcomer, dock, locator, toolbox):
        print(f"smoke: {step.__name__}")
        yield from step(window)
    for turn in (1, 2):
        QgsProject.instance().clear()
        yield 500
        if not utils.unloadPlugin(NAME):
            raise RuntimeError("the plugin could not be unloaded")
        yield 500
        nothing_of(before, f"unloading, time {turn}")
        if not (utils.loadPlugin(NAME) and utils.startPlugin(NAME)):
            raise RuntimeError("the plugin could not be loaded again")
        yield 500
        # All windows open: the hardest way to go.
        plugin().show_dock()
        plugin().make_comparable()
        plugin().shift_here()
        yield 500
        yield from works(window)
    QgsProject.instance().clear()
    yield 500
    pyplugin_installer.instance().uninstallPlugin(NAME, quiet=True)
    yield 1000
    nothing_of(before, "uninstalling")
    folder = Path(utils.home_plugin_path) / NAME
    if folder.exists():
        raise RuntimeError(f"uninstalling left {folder}")
    print("smoke: unloaded and loaded twice, uninstalled: nothing left behind")


def nothing_of(before, occasion):
    left = sorted(inventory() - before) + sorted(ours())
    gone = sorted(item for item in before - inventory() if not item.startswith("listener"))
    if left or gone:
        raise RuntimeError(f"{occasion} left behind: {left}; took away: {gone}")


def install(window):
    menu = click_menu(window.menuBar(), "Plugins")
    yield menu.isVisible
    click_menu(menu, "Manage and Install Plugins")
    yield lambda: isinstance(QApplication.activeModalWidget(), QDialog)
    manager = QApplication.activeModalWidget()
    yield 1000
    tabs = manager.findChild(QListWidget, "mOptionsListWidget")
    item = next(tabs.item(row) for row in range(tabs.count()) if "ZIP" in tabs.item(row).text())
    click(tabs.viewport(), tabs.visualItemRect(item).center(), item.text())
    field = manager.findChild(QgsFileWidget, "mZipFileWidget")
    yield field.isVisible
    drop(field.findChild(QLineEdit), [ZIP])
    yield lambda: field.filePath() == ZIP
    button = manager.findChild(QPushButton, "buttonInstallFromZip")
    click(button, name=button.text())
    yield lambda: message_box() or plugin()
    if message_box():
        yes = message_box().button(QMessageBox.StandardButton.Yes)
        click(yes, name="Yes")
    yield lambda: plugin() is not None and utils.isPluginLoaded(NAME) and not message_box()
    key(manager, Qt.Key.Key_Escape)
    yield lambda: QApplication.activeModalWidget() is None


def newcomer(window):
    drop(window, DEMS)
    yield lambda: len(QgsProject.instance().mapLayers()) == 2
    yield 1500
    click(tool_button("Make comparable"), name="Make comparable\u2026")
    yield lambda: plugin().dialog is not None and plugin().dialog.isVisible()
    dialog = plugin().dialog
    dialog.folder.setFilePath(os.path.join(os.environ["COMMONGROUND_RESULTS"], "r\u00e9sultats du jour"))
    yield 500
    click(dialog.run_button, name="Run")
    yield lambda: dialog.busy
    yield lambda: not dialog.busy
    yield dialog.report_button.isVisible
    click(dialog.report_button, name="Open the report")
    yield lambda: opened
    if not (opened[0].endswith("report.html") and Path(opened[0]).is_file()):
        raise RuntimeError(f"{opened} is no report")
    counted = len(desktop.clicks) + len(desktop.drops)
    print(f"smoke: from the zip to the report with {len(desktop.clicks)} clicks ({', '.join(desktop.clicks)}) and "
          f"{len(desktop.drops)} drops ({'; '.join(desktop.drops)})")
    if counted > MOST_CLICKS:
        raise RuntimeError(f"{counted} clicks and drops are more than {MOST_CLICKS}")
    key(dialog, Qt.Key.Key_Escape)
    yield lambda: not dialog.isVisible()


def dock(window):
    click(tool_button("Common Ground"))
    yield lambda: plugin().dock is not None and plugin().dock.isVisible() and not plugin().dock._run_view.busy
    shown = plugin().dock
    yield lambda: len(shown._run_view.figures) == 4
    if "NMAD" not in shown.findChild(QLabel, "headline").text():
        raise RuntimeError("the dock says nothing of the run")
    pages = shown.findChild(QTabWidget, "pages")
    for page in (1, 2):
        click(pages.tabBar(), pages.tabBar().tabRect(page).center())
        yield lambda page=page: pages.currentIndex() == page
    table, canvas = shown.findChild(QTableView), iface.mapCanvas()
    yield 300
    wide = canvas.extent().width()
    click(table.viewport(), table.visualRect(table.model().index(0, 0)).center())
    yield lambda: canvas.extent().width() < 0.9 * wide


def locator(window):
    field = next(found.findChild(QLineEdit) for found in window.findChildren(QWidget)
                 if found.metaObject().className() == "QgsLocatorWidget")
    for typed, expected in (("nuth", "Blockwise Coregister"), ("plate", "Propagate Epoch"), ("ITRF", "Reframe ITRF")):
        field.setFocus()
        field.clear()
        QTest.keyClicks(field, f"a {typed}")
        results = next(view for view in QApplication.allWidgets()
                       if view.metaObject().className() == "QgsLocatorResultsView")
        yield lambda results=results, expected=expected: any(expected in text for text in texts(results.model()))
    key(field, Qt.Key.Key_Escape)
    yield 300


def texts(model):
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def toolbox(window):
    yield from works(window)


def works(window):
    """One algorithm, run from its own dialog as the toolbox opens it."""
    dialog = processing.createAlgorithmDialog(f"{NAME}:nmadreport", {
        "REFERENCE": DEMS[0], "SECONDARY": DEMS[1],
        "OUTPUT": os.path.join(os.environ["COMMONGROUND_RESULTS"], "nmad.html")})
    dialog.show()
    done = []
    dialog.algorithmFinished.connect(lambda good, results: done.append((good, results)))
    yield 500
    click(dialog.runButton())
    yield lambda: done
    yield 500
    good, results = done[0]
    if not good or not results["NMAD"] > 0:
        raise RuntimeError(f"nmadreport: {done}")
    dialog.close()
    dialog.deleteLater()
    yield 200


desktop.watch(NAME)
desktop.play(story())
