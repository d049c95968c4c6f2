"""The SHIFTS layer: one polygon a block, with the fields that hold its shift."""

from __future__ import annotations

import math

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsProcessingFeatureSource,
    QgsRectangle,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..core.coregistration.blocks import FIELDS, STATUSES, BlockShift
from ..core.errors import VectorError
from .whole_sink import WholeSink

NAMES = tuple(FIELDS)
TYPES = {int: QVariant.Int, str: QVariant.String, float: QVariant.Double}


def fields() -> QgsFields:
    """The fields of the layer, in order; lengths in metres, slope in degrees."""
    made = QgsFields()
    for name, kind in FIELDS.items():
        made.append(QgsField(name, TYPES[kind]))
    return made


def write_blocks(algorithm, parameters, context, blocks: list, crs: str) -> dict:
    """Write the blocks to the sink SHIFTS, in the CRS (WKT) of their bounds: `{"SHIFTS": destination}`, {} unasked."""
    if parameters.get("SHIFTS") in (None, ""):
        return {}
    features = []
    for block in blocks:
        feature = QgsFeature(fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(*block.bounds)))
        feature.setAttributes([_storable(getattr(block, name)) for name in FIELDS])
        features.append(feature)
    with WholeSink(algorithm, parameters, "SHIFTS", context, fields(), QgsWkbTypes.Type.Polygon,
                   QgsCoordinateReferenceSystem.fromWkt(crs)) as sink:
        sink.add(features)
    return {"SHIFTS": sink.destination}


def _storable(value):
    """NaN is NULL in a layer."""
    return None if isinstance(value, float) and value != value else value


def read_blocks(source: QgsProcessingFeatureSource) -> list[BlockShift]:
    """The blocks of a SHIFTS layer, by row and column. Raises VectorError for another kind of layer."""
    missing = [name for name in FIELDS if source.fields().lookupField(name) < 0]
    if missing:
        raise VectorError(
            f"SHIFTS lacks the field(s) {', '.join(missing)}: "
            "choose the shifts layer that Blockwise Coregister wrote."
        )
    blocks = [_block(feature) for feature in source.getFeatures() if feature.hasGeometry()]
    if not blocks:
        raise VectorError("SHIFTS holds no block: choose the shifts layer that Blockwise Coregister wrote.")
    return sorted(blocks, key=lambda block: (block.row, block.col))


def _block(feature) -> BlockShift:
    box = feature.geometry().boundingBox()
    values = {name: _value(name, kind, feature[name]) for name, kind in FIELDS.items()}
    if values["status"] not in STATUSES:
        raise VectorError(f"SHIFTS has a block of status '{values['status']}': "
                          f"it must be one of {', '.join(STATUSES)}.")
    if values["status"] in ("used", "downweighted") and not math.isfinite(values["dx"] + values["dy"] + values["dz"]):
        raise VectorError(f"SHIFTS has a block (row {values['row']}, col {values['col']}) that is used but has no dx, "
                          "dy or dz: give it numbers, or call it rejected.")
    return BlockShift(bounds=(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()), **values)


def _value(name: str, kind: type, value):
    """A field's value as BlockShift holds it; NULL is NaN, 0 or "" by kind."""
    if value is None or (isinstance(value, QVariant) and value.isNull()):
        return {int: 0, str: "", float: math.nan}[kind]
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise VectorError(f"SHIFTS has '{value}' in the field {name}, which must hold numbers: choose the shifts layer "
                          "that Blockwise Coregister wrote.") from error
