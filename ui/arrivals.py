"""Putting the layers of a run into the project, as one group in the order in which they are read."""

from __future__ import annotations

from qgis.core import QgsProcessingUtils, QgsProject

ORDER = ("SHIFTS", "DIFFERENCE_BEFORE", "DIFFERENCE_AFTER", "OUTPUT")
HIDDEN = "DIFFERENCE_AFTER"


def show_results(context, title: str) -> str:
    """Add the layers that wait in a Processing context as a group on top, styled; returns the group's name.

    The difference after starts hidden.
    """
    project = QgsProject.instance()
    group = project.layerTreeRoot().insertGroup(0, title)
    arrived = sorted(context.layersToLoadOnCompletion().items(), key=lambda item: ORDER.index(item[1].outputName))
    for destination, details in arrived:
        layer = QgsProcessingUtils.mapLayerFromString(destination, context, typeHint=details.layerTypeHint)
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
        if details.outputName == HIDDEN:
            node.setItemVisibilityChecked(False)
    return group.name()
