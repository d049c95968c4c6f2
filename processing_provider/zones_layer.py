"""The ZONES layer and its copy with the change of each polygon."""

from __future__ import annotations

from dataclasses import astuple, fields

from qgis.core import QgsFeature, QgsField, QgsFields
from qgis.PyQt.QtCore import QVariant

from .parameters import polygons
from .whole_sink import WholeSink


def read_zones(algorithm, parameters, context, crs: str):
    """The polygons of ZONES in `crs` (WKT), None where empty. Raises VectorError."""
    found = polygons(algorithm, parameters, "ZONES", context)
    return found.in_crs(crs) if found is not None else None


def write_zones(algorithm, parameters, context, changes: tuple) -> dict:
    """ZONES_OUTPUT, where asked for: the zones' own fields, and those of ZoneChange; unknown values are NULL."""
    from ..core.report.zones import ZoneChange

    if parameters.get("ZONES_OUTPUT") in (None, ""):
        return {}
    source = algorithm.parameterAsSource(parameters, "ZONES", context)
    names = [part.name for part in fields(ZoneChange)]
    layout, kept = QgsFields(), []
    for index, field in enumerate(source.fields()):
        if field.name().lower() not in names:
            layout.append(field)
            kept.append(index)
    for name in names:
        layout.append(QgsField(name, QVariant.LongLong if name == "count" else QVariant.Double))
    drawn = [feature for feature in source.getFeatures() if feature.hasGeometry()]
    features = []
    for feature, change in zip(drawn, changes):
        made = QgsFeature(layout)
        made.setGeometry(feature.geometry())
        values = feature.attributes()
        made.setAttributes([values[index] for index in kept]
                           + [None if value != value else value for value in astuple(change)])
        features.append(made)
    with WholeSink(algorithm, parameters, "ZONES_OUTPUT", context, layout, source.wkbType(),
                   source.sourceCrs()) as sink:
        sink.add(features)
    return {"ZONES_OUTPUT": sink.destination}
