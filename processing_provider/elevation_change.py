"""Elevation Change: what happened between the points of two dates."""

from __future__ import annotations

import math

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPoint,
    QgsProcessing,
    QgsProcessingFeatureSource,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..core.errors import CommonGroundError, EpochError, FrameError, VectorError
from ..core.progress import Part
from .base import CommonGroundAlgorithm, tr
from .frame_parameters import SAME_EPOCH, frame_of_layer, plain, wkt_of
from .parameters import choice, chosen
from .whole_sink import WholeSink

STEP = 10_000
EPOCHS = 1000
"""Different epochs of a layer that are kept at a time."""
ADVICE = "run Reframe ITRF (reframeitrf) on both layers first, with the same TARGET_FRAME and TARGET_EPOCH"
REALS = ("dh", "sigma_dh", "dt", "dh_dt", "sigma_dh_dt", "h_before", "h_after", "t_before", "t_after", "distance",
         "slope")


class ElevationChange(CommonGroundAlgorithm):
    """Pairs the points of two layers, along the slope, and gives dh, dh/dt and their uncertainty."""

    ID = "elevationchange"
    GROUP = "altimetry"
    TAGS = ("dh", "dhdt", "elevation change", "altimetry", "crossover", "repeat track", "thinning", "points")

    def display_name(self):
        return tr("Elevation Change")

    def help_text(self):
        return tr(
            "Elevation change between points of two dates: dh = after - before, so a surface that sinks has a "
            "negative dh; dh/dt in metres a year by the field 'time'. Each point of the layer with fewer points is "
            "compared with a plane through the other layer's points around it, so that the slope of the ground does "
            "not count as a change. Both layers must be in one frame and at one epoch; otherwise plate motion and "
            "frames would look like a change: run Reframe ITRF first."
        )

    def initAlgorithm(self, configuration=None):
        point = [QgsProcessing.SourceType.TypeVectorPoint]
        source, number = QgsProcessingParameterFeatureSource, QgsProcessingParameterNumber
        fields_help = tr("Points with Z (ellipsoidal height). Fields: frame and epoch (else those of the layer's CRS), "
                         "time (when measured) and, where known, sigma (m).")
        self.add(source("INPUT_BEFORE", tr("Points before"), point), fields_help)
        self.add(source("INPUT_AFTER", tr("Points after"), point), fields_help)
        self.add(number("DISTANCE", tr("Largest distance (m)"), number.Type.Double, 100.0, False, 0.001),
                 tr("Points further away than this are not compared."))
        self.add(choice("SLOPE", tr("Slope"), ["plane", "nearest"], default="plane"), tr(
            "plane: the ground between the points is a plane through up to 12 of the denser layer's points; points "
            "where these make no plane are left out. nearest: the nearest point's height as it is, for flat ground."))
        self.add(QgsProcessingParameterFeatureSink("OUTPUT", tr("Elevation change"),
                                                   QgsProcessing.SourceType.TypeVectorPoint),
                 tr("A point for each pair: dh and sigma_dh (m), dt (years), dh_dt and sigma_dh_dt (m/yr)."))
        self.add_numbers({"COUNT": tr("Pairs"), "UNPAIRED": tr("Points without a pair"),
                          "MEDIAN_DH": tr("Median dh (m)"), "NMAD_DH": tr("NMAD of dh (m)"),
                          "MEAN_DH": tr("Mean dh (m)"), "MEDIAN_DH_DT": tr("Median dh/dt (m/yr)")})

    def execute(self, parameters, context, progress):
        from ..core.altimetry.elevation_change import elevation_changes, sparser_is_before

        before, after = (
            LayerPoints(self.parameterAsSource(parameters, name, context), name, Part(progress, *span))
            for name, span in (("INPUT_BEFORE", (0.0, 0.3)), ("INPUT_AFTER", (0.3, 0.6))))
        refuse_different(before, after)
        for layer in (before, after):
            if math.isnan(layer.points.year.sum()):
                progress.warn(tr("{name} has points without a time (field 'time'): their dh/dt stays empty.").format(
                    name=layer.name))
        place = before if sparser_is_before(before.points, after.points) else after
        found = []
        with WholeSink(self, parameters, "OUTPUT", context, change_fields(), QgsWkbTypes.Type.PointZ,
                       place.crs) as sink:
            for changes in elevation_changes(before.points, after.points,
                                             self.parameterAsDouble(parameters, "DISTANCE", context),
                                             chosen(self, parameters, "SLOPE", context), Part(progress, 0.6, 1.0)):
                sink.add(features_of(changes, place, before))
                found.append((changes.dh, changes.rate))
        return {"OUTPUT": sink.destination, **self._numbers(found, place.points.height.size, progress)}

    def _numbers(self, found, size, progress) -> dict:
        import numpy as np

        from ..core.statistics.robust import nmad

        dh, rate = (np.concatenate(values) for values in zip(*found))
        if not dh.size:
            progress.warn(tr("No points lie near enough to be paired, or they make no plane: try a larger DISTANCE."))
        known = rate[np.isfinite(rate)]
        return {"COUNT": dh.size, "UNPAIRED": size - dh.size,
                "MEDIAN_DH": float(np.median(dh)) if dh.size else math.nan,
                "NMAD_DH": float(nmad(dh)) if dh.size else math.nan,
                "MEAN_DH": float(dh.mean()) if dh.size else math.nan,
                "MEDIAN_DH_DT": float(np.median(known)) if known.size else math.nan}


class LayerPoints:
    """A layer's points, its one frame and its one coordinate epoch. Raises CommonGroundError where it has several."""

    def __init__(self, source, name: str, progress):
        if source is None or not source.featureCount():
            raise VectorError(f"{name} has no points: choose another layer.")
        self.name, self.crs = name, source.sourceCrs()
        if not QgsWkbTypes.hasZ(source.wkbType()):
            raise VectorError(f"{name} has no Z values: choose a layer whose points have heights.")
        names = [field.lower() for field in source.fields().names()]
        self._columns = {wanted: names.index(wanted) if wanted in names else -1
                         for wanted in ("frame", "epoch", "time", "sigma")}
        self._frames, self._epochs = set(), set()
        self.xy, self.points = self._read(source, progress)
        self.frame = self._one_frame()
        self.epoch = self._one_epoch()

    def _read(self, source, progress):
        import numpy as np

        from ..core.altimetry.elevation_change import PointSet
        from ..core.frames.map_positions import MapPositions

        request = QgsFeatureRequest().setSubsetOfAttributes([index for index in self._columns.values() if index >= 0])
        flag = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
        total, blocks, rows = max(source.featureCount(), 1), [], []
        for seen, feature in enumerate(source.getFeatures(request, flag), 1):
            row = self._row(feature)
            if row is not None:
                rows.append(row)
            if seen % STEP == 0:
                blocks.append(np.array(rows, dtype=float).reshape(-1, 5))
                rows = []
                progress.step(min(seen / total, 1.0), f"Reading {self.name}")
        table = np.concatenate([*blocks, np.array(rows, dtype=float).reshape(-1, 5)])
        if not len(table):
            raise VectorError(f"{self.name} has no points with geometry: choose another layer.")
        x, y, z, year, sigma = table.T
        lon, lat, height = MapPositions(wkt_of(self.crs)).geographic(x, y, z)
        return table[:, :2], PointSet(lon, lat, height, year, sigma)

    def _row(self, feature):
        point = feature.geometry().constGet()
        if point is None:
            return None
        if QgsWkbTypes.isMultiType(point.wkbType()):
            if point.numGeometries() != 1:
                raise VectorError(f"{self.name} has points of several parts: run Multipart to Singleparts first.")
            point = point.geometryN(0)
        if self._columns["frame"] >= 0:
            self._frames.add(plain(feature[self._columns["frame"]]))
        if self._columns["epoch"] >= 0:
            self._epochs.add(plain(feature[self._columns["epoch"]]))
            if len(self._epochs) > EPOCHS:
                self._epochs = set(self._span())
        return point.x(), point.y(), point.z(), self._year(feature), self._sigma(feature)

    def _year(self, feature) -> float:
        from ..core.frames.epochs import parse_epoch

        value = plain(feature[self._columns["time"]]) if self._columns["time"] >= 0 else None
        return parse_epoch(value) if value is not None else math.nan

    def _sigma(self, feature) -> float:
        value = plain(feature[self._columns["sigma"]]) if self._columns["sigma"] >= 0 else None
        return float(value) if isinstance(value, (int, float)) and value >= 0.0 else math.nan

    def _one_frame(self) -> str:
        from ..core.frames.catalogue import frame

        if self._columns["frame"] < 0:
            try:
                return frame_of_layer(self.name, self.crs.authid(), wkt_of(self.crs))
            except FrameError as error:
                raise FrameError(f"{self.name} has no field 'frame', and its CRS names no realization: "
                                 f"{ADVICE}.") from error
        names = {frame(str(name)).name if name else "unknown" for name in self._frames}
        if len(names) > 1 or "unknown" in names:
            raise FrameError(f"The points of {self.name} are in several frames or unknown ones "
                             f"({', '.join(sorted(names))}): {ADVICE}.")
        return names.pop()

    def _one_epoch(self) -> float:
        if self._columns["epoch"] < 0:
            epoch = self.crs.coordinateEpoch()
            if math.isnan(epoch):
                raise EpochError(f"{self.name} does not tell the epoch of its coordinates, neither in a field 'epoch' "
                                 f"nor in its CRS: {ADVICE}.")
            return epoch
        first, last = self._span()
        if last - first > SAME_EPOCH:
            raise EpochError(f"The coordinates of {self.name} are of different epochs ({first:.4f} to {last:.4f}): "
                             f"{ADVICE}.")
        return first

    def _span(self) -> tuple:
        """The first and the last of the epochs that were seen."""
        from ..core.frames.epochs import parse_epochs

        years, bad = parse_epochs(list(self._epochs))
        if bad.any():
            raise EpochError(f"{self.name} has points without a usable epoch: {ADVICE}.")
        return float(years.min()), float(years.max())


def refuse_different(before: LayerPoints, after: LayerPoints) -> None:
    """Raise where a difference of frames or epochs would look like a change of the ground."""
    wrong: CommonGroundError | None = None
    if before.frame != after.frame:
        wrong = FrameError(f"INPUT_BEFORE is in {before.frame}, INPUT_AFTER in {after.frame}: {ADVICE}.")
    elif abs(before.epoch - after.epoch) > SAME_EPOCH:
        wrong = EpochError(f"The coordinates of INPUT_BEFORE are of epoch {before.epoch:.4f}, those of INPUT_AFTER of "
                           f"{after.epoch:.4f}: {ADVICE}.")
    if wrong is not None:
        raise wrong


def change_fields() -> QgsFields:
    """The fields of a pair."""
    fields = QgsFields()
    for name in REALS:
        fields.append(QgsField(name, QVariant.Double))
    fields.append(QgsField("n", QVariant.Int))
    fields.append(QgsField("frame", QVariant.String))
    fields.append(QgsField("epoch", QVariant.Double))
    return fields


def features_of(changes, place: LayerPoints, before: LayerPoints) -> list:
    """Pairs as features at the points of the sparser layer."""
    import numpy as np

    columns = (changes.dh, changes.sigma_dh, changes.dt, changes.rate, changes.sigma_rate, changes.before,
               changes.after, changes.year_before, changes.year_after, changes.distance, changes.slope)
    lists = [[value if math.isfinite(value) else None for value in np.asarray(column).tolist()] for column in columns]
    heights = changes.before if place is before else changes.after
    structure, features = change_fields(), []
    for (x, y), z, count, *row in zip(place.xy[changes.index].tolist(), heights.tolist(), changes.count.tolist(),
                                      *lists):
        feature = QgsFeature(structure)
        feature.setGeometry(QgsGeometry(QgsPoint(x, y, z)))
        feature.setAttributes([*row, count, place.frame, place.epoch])
        features.append(feature)
    return features
