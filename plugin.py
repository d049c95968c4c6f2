"""The plugin's life in QGIS: its provider, its menu, its dock."""

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtGui import QIcon

try:
    from qgis.PyQt.QtGui import QAction
except ImportError:
    from qgis.PyQt.QtWidgets import QAction

ICON = Path(__file__).resolve().parent / "resources" / "icons" / "commonground.svg"


class CommonGroundPlugin:
    """What QGIS loads and unloads. `iface` is None where there is no window (`qgis_process`)."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.action = None
        self.dock = None

    def initProcessing(self):
        """Add the algorithms; all that `qgis_process` needs."""
        from .processing_provider.provider import CommonGroundProvider

        self.provider = CommonGroundProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Add the algorithms, and the menu entry that opens the dock."""
        self.initProcessing()
        if self.iface is None:
            return
        title = QCoreApplication.translate("CommonGround", "Common Ground")
        self.action = QAction(QIcon(str(ICON)), title, self.iface.mainWindow())
        self.action.setObjectName("commongroundDock")
        self.action.triggered.connect(self.show_dock)
        self.iface.addPluginToRasterMenu("Common Ground", self.action)
        self.iface.addToolBarIcon(self.action)

    def show_dock(self):
        """Open the dock; it is made when first asked for."""
        if self.dock is None:
            from .ui.dock import CommonGroundDock

            self.dock = CommonGroundDock(self.iface.mainWindow())
            self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.show()
        self.dock.raise_()

    def unload(self):
        """Take everything away again."""
        if self.dock is not None:
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.action is not None:
            self.iface.removePluginRasterMenu("Common Ground", self.action)
            self.iface.removeToolBarIcon(self.action)
            self.action.deleteLater()
            self.action = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
