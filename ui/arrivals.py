"""Putting the layers of a run into the project, as one group in the order in which they are read."""

from __future__ import annotations

from qgis.core import QgsAbstractMetadataBase, QgsProcessingUtils, QgsProject
from qgis.PyQt.QtCore import QUrl

from ..processing_provider.base import tr

ORDER = ("SHIFTS", "DIFFERENCE_BEFORE", "DIFFERENCE_AFTER", "OUTPUT")
HIDDEN = "DIFFERENCE_AFTER"


def show_results(context, title: str, gain: str, report: str) -> str:
    """Add the layers that wait in a Processing context as a group on top, styled; returns the group's name.

    `gain` (a sentence) and `report` (a path) go into each layer's metadata; the difference after starts hidden.
    """
    project = QgsProject.instance()
    group = project.layerTreeRoot().insertGroup(0, title)
    arrived = sorted(context.layersToLoadOnCompletion().items(), key=lambda item: ORDER.index(item[1].outputName))
    for destination, details in arrived:
        layer = QgsProcessingUtils.mapLayerFromString(destination, context)
        if layer is None:
            continue
        layer = context.takeResultLayer(layer.id()) or layer
        layer.setName(details.name)
        project.addMapLayer(layer, False)
        node = group.addLayer(layer)
        node.setExpanded(False)
        styler = details.postProcessor()
        if styler is not None:
            styler.postProcessLayer(layer, context, None)
        _describe(layer, title, gain, report)
        if details.outputName == HIDDEN:
            node.setItemVisibilityChecked(False)
    return group.name()


def _describe(layer, title: str, gain: str, report: str) -> None:
    metadata = layer.metadata()
    metadata.setTitle(f"{title}: {layer.name()}")
    metadata.setAbstract(tr("Made by Common Ground. {gain}; dh = reference - secondary.").format(gain=gain))
    link = QgsAbstractMetadataBase.Link(tr("Report"), "WWW:LINK", QUrl.fromLocalFile(report).toString())
    metadata.setLinks([link])
    metadata.setHistory([title, gain])
    layer.setMetadata(metadata)
