"""Points with heights as a parameter: read once, and written again with what they differ by."""

from __future__ import annotations

import math

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsProcessingFeatureSource,
    QgsProcessingParameterField,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..core.errors import OutputError, VectorError
from .base import tr
from .frame_parameters import plain, read_field, wkt_of

STEP = 20_000
RESULTS = ("dh_before", "dh_after")


def field_of_points(name: str, description: str, numeric: bool = False):
    """An optional field of POINTS."""
    kinds = QgsProcessingParameterField.DataType
    return QgsProcessingParameterField(name, description, parentLayerParameterName="POINTS", optional=True,
                                       type=kinds.Numeric if numeric else kinds.Any)


class PointLayer:
    """The points of POINTS: map coordinates, heights (NaN where missing) and groups. Raises VectorError."""

    def __init__(self, algorithm, parameters, context, progress):
        self._source = source = algorithm.parameterAsSource(parameters, "POINTS", context)
        if source is None or not source.featureCount():
            raise VectorError("POINTS has no features: choose another layer.")
        if QgsWkbTypes.flatType(QgsWkbTypes.singleType(source.wkbType())) != QgsWkbTypes.Type.Point:
            raise VectorError("POINTS has no points: choose a point layer; add a CSV as delimited text first "
                              "(Layer > Add Layer > Add Delimited Text Layer).")
        if not source.sourceCrs().isValid():
            raise VectorError("POINTS has no coordinate reference system: assign one and run again.")
        self._height = read_field(algorithm, parameters, "HEIGHT_FIELD", context, source.fields(), "POINTS")
        self._group = read_field(algorithm, parameters, "GROUP_FIELD", context, source.fields(), "POINTS")
        if self._height < 0 and not QgsWkbTypes.hasZ(source.wkbType()):
            raise VectorError("POINTS has no Z values: name the field that holds the heights in HEIGHT_FIELD.")
        self.name = source.sourceName() or "POINTS"
        layer = algorithm.parameterAsVectorLayer(parameters, "POINTS", context)
        self.path = layer.source().split("|")[0] if layer is not None else ""
        self._read(progress)

    def _read(self, progress) -> None:
        import numpy as np

        wanted = [index for index in (self._height, self._group) if index >= 0]
        total, rows, groups, blocks = max(self._source.featureCount(), 1), [], [], []
        for seen, feature in enumerate(self._features(QgsFeatureRequest().setSubsetOfAttributes(wanted)), 1):
            rows.append(self._row(feature))
            if self._group >= 0:
                groups.append(_said(plain(feature[self._group])))
            if seen % STEP == 0:
                blocks.append(np.array(rows, dtype=float))
                rows = []
                progress.step(min(seen / total, 1.0), tr("Reading points"))
        table = np.concatenate([*blocks, np.array(rows, dtype=float).reshape(-1, 4)])
        self._ids, self._x, self._y, self._heights = table.T
        self.size = len(table)
        self.groups = np.array(groups) if self._group >= 0 else None

    def _features(self, request):
        return self._source.getFeatures(request,
                                        QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks)

    def _row(self, feature) -> tuple:
        point = feature.geometry().constGet()
        if point is not None and QgsWkbTypes.isMultiType(point.wkbType()):
            if point.numGeometries() > 1:
                raise VectorError("POINTS has points of several parts: run Multipart to Singleparts first.")
            point = point.geometryN(0) if point.numGeometries() else None
        if point is None or point.isEmpty():
            return feature.id(), math.nan, math.nan, math.nan
        if self._height < 0:
            return feature.id(), point.x(), point.y(), point.z()
        value = plain(feature[self._height])
        return feature.id(), point.x(), point.y(), math.nan if value is None else float(value)

    def on(self, dem):
        """Those with a height that lie on `dem`, as core's Points."""
        from ..core.coregistration.points import place

        return place(self.name, self._x, self._y, self._heights, wkt_of(self._source.sourceCrs()), dem)

    def heights(self):
        """All of them, as core's HeightPoints."""
        from ..core.report.point_tiles import HeightPoints

        return HeightPoints(self.name, self._x, self._y, self._heights, wkt_of(self._source.sourceCrs()), self.path)

    def write_residuals(self, algorithm, parameters, context, places, stable, dh) -> dict:
        """The points at `places` (n,) of all, as they came, with dh_before, dh_after (`dh` (states, n)) and stable."""
        from .whole_sink import WholeSink

        if parameters.get("RESIDUALS") in (None, ""):
            return {}
        fields = QgsFields()
        kept = [index for index, field in enumerate(self._source.fields())
                if field.name().lower() not in (*RESULTS, "stable")]
        for index in kept:
            fields.append(self._source.fields().at(index))
        for name in RESULTS[:len(dh)]:
            fields.append(QgsField(name, QVariant.Double))
        fields.append(QgsField("stable", QVariant.Int))
        place = {int(self._ids[source]): row for row, source in enumerate(places.tolist())}
        if len(place) != len(places):
            raise OutputError("POINTS has features without ids of their own: save it as a GeoPackage and run again.")
        with WholeSink(algorithm, parameters, "RESIDUALS", context, fields, self._source.wkbType(),
                       self._source.sourceCrs()) as sink:
            features = []
            for feature in self._features(QgsFeatureRequest()):
                row = place.get(feature.id())
                if row is None:
                    continue
                residual = QgsFeature(fields)
                residual.setGeometry(feature.geometry())
                values = [None if math.isnan(value) else value for value in dh[:, row].tolist()]
                residual.setAttributes([*(feature[index] for index in kept), *values, int(stable[row])])
                features.append(residual)
                if len(features) == STEP:
                    sink.add(features)
                    features = []
            sink.add(features)
        return {"RESIDUALS": sink.destination}


def _said(value) -> str:
    return "" if value is None else str(value)
