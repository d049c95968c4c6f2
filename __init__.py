"""Common Ground: elevation data of different years, sensors and frames, made comparable."""


def classFactory(iface):
    """Make the plugin for QGIS (`iface` is None in qgis_process)."""
    from .plugin import CommonGroundPlugin

    return CommonGroundPlugin(iface)
