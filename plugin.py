"""The plugin's life in QGIS: its provider, its menu, its windows."""

import sys
from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale, Qt, QTranslator
from qgis.PyQt.QtGui import QIcon

try:
    from qgis.PyQt.QtGui import QAction
except ImportError:
    from qgis.PyQt.QtWidgets import QAction

ROOT = Path(__file__).resolve().parent
MENU = "Common Ground"


class CommonGroundPlugin:
    """What QGIS loads and unloads. `iface` is None where there is no window (`qgis_process`)."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.actions = []
        self.dock = None
        self.dialog = None
        self.shift_dialog = None
        self.translator = None

    def initProcessing(self):
        """Add the algorithms; all that `qgis_process` needs."""
        from .processing_provider.provider import CommonGroundProvider

        self.provider = CommonGroundProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Add the algorithms, and the menu entry that opens the dock."""
        self._translate()
        self.initProcessing()
        if self.iface is None:
            return
        self._add_action("commongroundDock", "commonground", tr("Common Ground"), self.show_dock)
        self._add_action("commongroundMakeComparable", "make_comparable", tr("Make comparable\u2026"),
                         self.make_comparable)
        self._add_action("commongroundShiftHere", "frames", tr("What is the shift here?"), self.shift_here)

    def _translate(self):
        """Speak the language of QGIS where there is a translation."""
        translator = QTranslator()
        if translator.load(QLocale(QgsApplication.locale()), "commonground", "_", str(ROOT / "i18n")):
            QCoreApplication.installTranslator(translator)
            self.translator = translator

    def _add_action(self, name, icon, title, slot):
        """Add an entry to the Raster menu and the toolbar."""
        action = QAction(QIcon(str(ROOT / "resources" / "icons" / f"{icon}.svg")), title, self.iface.mainWindow())
        action.setObjectName(name)
        action.triggered.connect(slot)
        self.iface.addPluginToRasterMenu(MENU, action)
        self.iface.addToolBarIcon(action)
        self.actions.append(action)

    def show_dock(self, *_):
        """Open the dock; it is made when first asked for."""
        if self.dock is None:
            from .ui.dock import CommonGroundDock

            self.dock = CommonGroundDock(self.iface.mainWindow(), self.iface.mapCanvas())
            self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.show()
        self.dock.raise_()

    def shift_here(self, *_):
        """Open the dialog that answers for one point; it is made when first asked for."""
        if self.shift_dialog is None:
            from .ui.shift_here import ShiftHere

            self.shift_dialog = ShiftHere(self.iface.mainWindow(), self.iface.mapCanvas())
        if not self.shift_dialog.isVisible():
            self.shift_dialog.propose(self.iface.activeLayer())
        self.shift_dialog.show()
        self.shift_dialog.raise_()

    def make_comparable(self, *_):
        """Open the guided dialog; it reads the project anew each time, but not while it runs."""
        from .ui.make_comparable import MakeComparable

        if self.dialog is None or not self.dialog.busy:
            self._close_dialog()
            # Held here: QGIS 3.22 crashes where the owner of a running job is collected.
            self.dialog = MakeComparable(self.iface.mainWindow())
        self.dialog.show()
        self.dialog.raise_()

    def _close_dialog(self):
        if self.dialog is not None:
            self.dialog.stop()
            self.dialog.close()
            self.dialog.deleteLater()
            self.dialog = None

    def unload(self):
        """Take everything away again."""
        self._close_dialog()
        if self.shift_dialog is not None:
            self.shift_dialog.close()
            self.shift_dialog.deleteLater()
            self.shift_dialog = None
        if self.dock is not None:
            self.dock.stop()
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        for action in self.actions:
            self.iface.removePluginRasterMenu(MENU, action)
            self.iface.removeToolBarIcon(action)
            action.deleteLater()
        self.actions = []
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
            self.translator = None
        if self.iface is not None:
            _forget_modules()


def _forget_modules():
    """QGIS forgets the modules that were imported, not the packages above them, which hold them all."""
    for name in [name for name in sys.modules if name.startswith(f"{__package__}.") and name != __name__]:
        del sys.modules[name]


def tr(text):
    """Translate a literal of this plugin."""
    return QCoreApplication.translate("CommonGround", text)
