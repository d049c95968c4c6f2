"""What a layer that comes from our algorithms says of itself under Properties > Metadata."""

from __future__ import annotations

import math

from qgis.core import (
    Qgis,
    QgsAbstractMetadataBase,
    QgsBox3d,
    QgsDateTimeRange,
    QgsLayerMetadata,
)
from qgis.PyQt.QtCore import QDateTime, QUrl

from .base import tr

ORIGINS = ("INPUT", "SECONDARY")
"""The inputs whose history goes on in the outputs."""
PAGES = (".html", ".htm")


def describe_results(algorithm, parameters, context, results: dict) -> None:
    """Have every result that is loaded into a project filled with metadata; nothing happens in `qgis_process`."""
    from .styling import after_loading

    made = [item for value in results.values() for item in (value if isinstance(value, list) else [value])]
    waiting = [item for item in made if isinstance(item, str) and item and context.willLoadLayerOnCompletion(item)]
    if not waiting:
        return
    facts = (algorithm.displayName(), _abstract(algorithm, results), list(algorithm.tags()),
             [*_inherited(algorithm, parameters, context), _deed(algorithm, parameters, context)],
             [str(path) for path in results.values() if str(path).lower().endswith(PAGES)])
    for destination in waiting:
        after_loading(context, destination, lambda layer: _fill(layer, *facts))


def _fill(layer, title: str, abstract: str, words: list, history: list, pages: list) -> None:
    """Fill what is empty, and go on with the history that the file brought along."""
    metadata = layer.metadata()
    crs = layer.crs()
    epoch = crs.coordinateEpoch()
    dated = math.isfinite(epoch)
    metadata.setIdentifier(metadata.identifier() or layer.source())
    metadata.setType("dataset")
    metadata.setTitle(metadata.title() or f"{layer.name()} ({title})")
    if not metadata.abstract():
        metadata.setAbstract(" ".join(filter(None, (
            abstract, tr("Coordinate epoch {epoch}.").format(epoch=f"{epoch:.10g}") if dated else ""))))
    metadata.setKeywords({**metadata.keywords(), "Common Ground": words})
    metadata.setHistory([*(metadata.history() or history[:-1]), history[-1]])
    metadata.setCrs(crs)
    metadata.setExtent(_extent(layer, epoch if dated else None))
    metadata.setLinks([_link(path) for path in pages])
    layer.setMetadata(metadata)


def _extent(layer, epoch: float | None) -> QgsLayerMetadata.Extent:
    from .styling import instant

    extent, space = QgsLayerMetadata.Extent(), QgsLayerMetadata.SpatialExtent()
    box = layer.extent()
    space.bounds = QgsBox3d(box.xMinimum(), box.yMinimum(), 0.0, box.xMaximum(), box.yMaximum(), 0.0)
    space.extentCrs = layer.crs()
    extent.setSpatialExtents([space])
    time = layer.temporalProperties()
    if time.isActive() and not time.fixedTemporalRange().isInfinite():
        extent.setTemporalExtents([time.fixedTemporalRange()])
    elif epoch is not None:
        extent.setTemporalExtents([QgsDateTimeRange(instant(epoch), instant(epoch))])
    return extent


def _link(path: str):
    link = QgsAbstractMetadataBase.Link(tr("Report"), "WWW:LINK", QUrl.fromLocalFile(path).toString())
    link.format = "HTML"
    return link


def _abstract(algorithm, results: dict) -> str:
    """Who made it, and its numbers."""
    numbers = []
    for output in algorithm.outputDefinitions():
        value = results.get(output.name())
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            numbers.append(f"{output.description()}: {value:.10g}" if isinstance(value, int)
                           else f"{output.description()}: {value:.3f}")
    made = tr("Made by Common Ground: {name}.").format(name=algorithm.displayName())
    return " ".join(filter(None, (made, "; ".join(numbers) + "." if numbers else "",
                                  tr("dh = reference - secondary; shifts are added to the secondary."))))


def _deed(algorithm, parameters, context) -> str:
    """One line that says what was run, when, and with what."""
    provider = algorithm.provider()
    version = f"{provider.name()} {provider.versionInfo()}" if provider is not None else "Common Ground"
    given = []
    for definition in algorithm.parameterDefinitions():
        value = parameters.get(definition.name())
        if value not in (None, ""):
            given.append(f"{definition.name()}={_told(definition, value, context)}")
    now = QDateTime.currentDateTimeUtc().toString("yyyy-MM-ddTHH:mm:ssZ")
    return f"{now} {algorithm.id()}, {version}, QGIS {Qgis.QGIS_VERSION}: {' '.join(given)}"


def _told(definition, value, context) -> str:
    if hasattr(value, "source") and callable(value.source):
        return value.source()
    return definition.valueAsPythonString(value, context)


def _inherited(algorithm, parameters, context) -> list:
    """The history of what was moved."""
    for name in ORIGINS:
        if algorithm.parameterDefinition(name) is not None:
            layer = algorithm.parameterAsLayer(parameters, name, context)
            return layer.metadata().history() if layer is not None else []
    return []
