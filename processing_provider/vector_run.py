"""Features through core's transform, a stretch at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsProcessingFeatureSource,
)
from qgis.PyQt.QtCore import QVariant

from ..core.errors import CommonGroundError, EpochError, FrameError, PlateError, VectorError
from ..core.progress import Part
from .frame_parameters import SAME_EPOCH, Motion, plain, wkt_of
from .whole_sink import WholeSink

STRETCH = 4_000
STRETCH_BYTES = 16_000_000
OUTPUT_FIELDS = {"frame": QVariant.String, "epoch": QVariant.Double, "model": QVariant.String,
                 "plate": QVariant.String, "d_east": QVariant.Double, "d_north": QVariant.Double,
                 "d_up": QVariant.Double}
SHOWN_IDS = 5
ARROWS = 1_000
"""At most twice as many displacements are kept for the report's map."""


@dataclass(frozen=True)
class VectorTask:
    """What is to be done with the features of `source`.

    frame and epoch hold for all features, or come from the fields (indices, -1: none). An empty target
    frame, a target epoch of None: each feature's own.
    """

    source: QgsProcessingFeatureSource
    target_frame: str
    target_epoch: float | None
    frame: str = ""
    frame_field: int = -1
    epoch: float | None = None
    epoch_field: int = -1
    height_field: int = -1
    motion: Motion | None = None
    skip: bool = False
    source_words: tuple = ("SOURCE_FRAME", "SOURCE_FRAME_FIELD")


@dataclass
class VectorSummary:
    """What was done: counts, metres, and what the user should know."""

    count: int = 0
    skipped: int = 0
    without_geometry: int = 0
    without_height: int = 0
    moved: int = 0
    sums: np.ndarray = field(default_factory=lambda: np.zeros(3))
    largest: float = 0.0
    groups: Counter = field(default_factory=Counter)
    places: dict = field(default_factory=dict)
    nearest_boundary: float = np.inf
    spanning: int = 0
    arrows: Arrows = field(default_factory=lambda: Arrows())
    destination: str = ""
    warnings: list = field(default_factory=list)

    @property
    def mean(self) -> list:
        """Mean displacement east, north, up (m) over the features that were moved."""
        return (self.sums / self.moved).tolist() if self.moved else [0.0, 0.0, 0.0]


class Arrows:
    """An even sample of displacements: rows of lon, lat (degrees), east, north (m), never many."""

    def __init__(self):
        self._every, self._next, self._kept = 1, 0, np.empty((0, 4))

    def add(self, lon, lat, east, north) -> None:
        """Take every so many-th of some displacements, (n,) each."""
        rows = np.column_stack([lon, lat, east, north])
        chosen = np.arange(self._next, len(rows), self._every)
        self._next = int(chosen[-1]) + self._every - len(rows) if chosen.size else self._next - len(rows)
        self._kept = np.vstack([self._kept, rows[chosen]])
        while len(self._kept) > 2 * ARROWS:
            self._kept, self._every = self._kept[::2], self._every * 2

    def columns(self) -> tuple:
        """`(lon, lat, east, north)`."""
        return tuple(self._kept.T)


@dataclass
class Stretch:
    """Some features with geometry, resolved: one value a feature; geographic, `(lon, lat, height)`, one a
    vertex.

    frames: indices of VectorRun.frames, -1 where unknown. first: each feature's first vertex. problem: index
    of PROBLEMS, 0 where there is none.
    """

    features: list
    vertices: object
    geographic: tuple
    first: np.ndarray
    frames: np.ndarray
    epochs: np.ndarray
    targets: np.ndarray
    plates: np.ndarray
    velocities: tuple
    heights: np.ndarray
    problem: np.ndarray


class VectorRun:
    """One run over the features: first everything is checked, then everything is written."""

    def __init__(self, task: VectorTask, progress):
        from ..core.frames.map_positions import MapPositions
        from ..core.frames.velocity_raster import VelocityRaster

        self.task, self._progress = task, progress
        self._wkt = wkt_of(task.source.sourceCrs())
        self._positions = MapPositions(self._wkt)
        self._fields = task.source.fields()
        self.frames = [task.frame] if task.frame else []
        self._frame_indices = {}
        motion = task.motion
        self._raster = VelocityRaster(*motion.raster) if motion and motion.raster else None
        self._velocity_fields = [self._fields.lookupField(name) if name else -1
                                 for name in (motion.fields if motion else ("", "", ""))]
        self._own = _own_fields(self._fields)
        self._cells = set()
        self.summary = VectorSummary()

    # Checking

    def check(self) -> None:
        """Resolve every feature; raise before anything is written where one cannot be moved."""
        found, ids = Counter(), {}
        for stretch, without in self._stretches(
            Part(self._progress, 0.0, 0.4), reading=self._needed_fields()
        ):
            self._refuse_moved_before(stretch)
            self.summary.without_geometry += len(without)
            self.summary.without_height += int((~np.isfinite(stretch.heights)).sum())
            for code, count in Counter(stretch.problem[stretch.problem > 0].tolist()).items():
                found[code] += count
                shown = ids.setdefault(code, [])
                rows = np.flatnonzero(stretch.problem == code)[:SHOWN_IDS - len(shown)]
                shown += [stretch.features[row].id() for row in rows]
            self._survey(stretch)
            self.summary.spanning += self._spanning(stretch)
        self.summary.skipped = sum(found.values())
        reasons = [f"{count} feature(s) {PROBLEMS[code][1]} (first ids: {', '.join(map(str, ids[code]))})"
                   for code, count in sorted(found.items())]
        if found and not self.task.skip:
            raise PROBLEMS[min(found)][0]("; ".join(reasons) + ". Mend them, or leave them out with "
                                                               "UNRESOLVED=skip.")
        for reason in reasons:
            self._warn(f"Left out: {reason}.")
        self._warn_of_survey()

    def _needed_fields(self) -> list:
        task = self.task
        wanted = (task.frame_field, task.epoch_field, task.height_field, *self._velocity_fields, *self._own)
        return [index for index in wanted if index >= 0]

    def _survey(self, stretch: Stretch) -> None:
        good = stretch.problem == 0
        if not good.any():
            return
        lon, lat, height = (values[stretch.first][good] for values in stretch.geographic)
        frames, epochs, targets, plates = (values[good] for values in (
            stretch.frames, stretch.epochs, stretch.targets, stretch.plates))
        velocities = [values[good] for values in stretch.velocities]
        for (index, plate), count in Counter(zip(frames.tolist(), plates.tolist())).items():
            key = self.frames[index], plate
            self.summary.groups[key] += count
            if key not in self.summary.places:
                row = int(np.flatnonzero((frames == index) & (plates == plate))[0])
                values = (float(column[row]) for column in (lon, lat, height, epochs, targets))
                self.summary.places[key] = (*values, tuple(float(column[row]) for column in velocities))
        motion = self.task.motion
        if motion is not None and not motion.is_velocity and not motion.plate:
            self._look_for_boundary(lon, lat)

    def _spanning(self, stretch: Stretch) -> int:
        """How many features have vertices on other plates than the one they are moved with."""
        motion, owner = self.task.motion, stretch.vertices.owner
        if motion is None or motion.is_velocity or motion.plate or owner.size == len(stretch.features):
            return 0
        from ..core.frames.plates import plate_index

        lon, lat, _ = stretch.geographic
        plates = plate_index(lon, lat)
        return int(np.unique(owner[plates != plates[stretch.first][owner]]).size)

    def _look_for_boundary(self, lon, lat) -> None:
        """Keep the distance to the nearest plate boundary; half degrees suffice to say whether it is near."""
        from ..core.frames.plates import boundary_distance

        cells = np.unique(np.round(lat * 2.0).astype(int) * 10_000 + np.round(lon * 2.0).astype(int) + 5_000)
        cells = [cell for cell in cells.tolist() if cell not in self._cells]
        if cells:
            self._cells.update(cells)
            rows, columns = np.divmod(np.array(cells), 10_000)
            nearest = boundary_distance((columns - 5_000) / 2.0, np.clip(rows / 2.0, -90.0, 90.0)).min()
            self.summary.nearest_boundary = min(self.summary.nearest_boundary, float(nearest))

    def _warn_of_survey(self) -> None:
        from ..core.frames.provenance import NEAR_BOUNDARY

        summary = self.summary
        stated = self.task.source.sourceCrs().coordinateEpoch()
        if np.isfinite(stated) and self.task.epoch is not None and abs(stated - self.task.epoch) > 0.01:
            self._warn(f"The layer states the coordinate epoch {stated:g}, but EPOCH={self.task.epoch:g} was used.")
        if summary.without_geometry:
            self._warn(f"{summary.without_geometry} feature(s) have no geometry and are passed on as they "
                       "are.")
        if summary.without_height:
            self._warn(f"{summary.without_height} feature(s) have no height in the height field: 0 m is used "
                       "for their displacement (1000 m make 0.1 mm), and their height stays empty.")
        plates = sorted({plate for _, plate in summary.groups if plate})
        if len(plates) > 1:
            self._warn(f"The features lie on several plates ({', '.join(plates)}): each is moved with its "
                       "own, so distances across a boundary change.")
        if summary.spanning:
            self._warn(f"{summary.spanning} feature(s) span plates: each is moved as a whole with the plate of its "
                       "first vertex. Split them along the boundary, or give velocities (MODEL=VELOCITY).")
        if summary.nearest_boundary < NEAR_BOUNDARY:
            self._warn(f"Some features lie about {summary.nearest_boundary:.0f} km from a plate boundary, "
                       "where the ground does not move as a rigid plate: a measured velocity "
                       "(MODEL=VELOCITY) may be better.")

    def _warn(self, message: str) -> None:
        self.summary.warnings.append(message)
        self._progress.warn(message)

    # Writing

    def write(self, algorithm, parameters, context, history=()) -> VectorSummary:
        """Displace every feature and write it; nothing is left behind on failure or cancel.

        history: sentences for the new layer's metadata.
        """
        task = self.task
        fields, indices = output_fields(self._fields, task.height_field)
        progress = Part(self._progress, 0.4, 1.0)
        sink = WholeSink(
            algorithm, parameters, "OUTPUT", context, fields, task.source.wkbType(), self._target_crs(), history
        )
        with sink:
            for stretch, without in self._stretches(progress):
                sink.add(self._written(stretch, len(fields), indices))
                for feature in without:
                    feature.resizeAttributes(len(fields))
                    for index in indices:
                        feature.setAttribute(index, None)
                sink.add(without)
                self.summary.count += len(without)
        self.summary.destination = sink.destination
        if sink.warning:
            self._warn(sink.warning)
        return self.summary

    def _target_crs(self) -> QgsCoordinateReferenceSystem:
        task = self.task
        epoch = task.target_epoch if task.target_epoch is not None else task.epoch
        crs, warning = target_crs(task.source.sourceCrs(), task.target_frame, epoch)
        if warning:
            self._warn(warning)
        return crs

    def _written(self, stretch: Stretch, size: int, indices: tuple) -> list:
        task = self.task
        moved = self._displaced(stretch)
        geometries = stretch.vertices.replaced(moved.xyz)
        model = task.motion.model if task.motion else None
        frames = [task.target_frame or self.frames[index] for index in stretch.frames.tolist()]
        rows = zip(stretch.features, geometries, frames, stretch.targets.tolist(), stretch.plates.tolist(),
                   *(values.tolist() for values in moved.mean))
        for feature, wkb, frame, epoch, plate, east, north, up in rows:
            geometry = QgsGeometry()
            geometry.fromWkb(wkb)
            feature.setGeometry(geometry)
            feature.resizeAttributes(size)
            for index, value in zip(indices, (frame, epoch, model, plate or None, east, north, up)):
                feature.setAttribute(index, value)
        if task.height_field >= 0:
            new = stretch.heights + moved.mean[2]
            for row in np.flatnonzero(np.isfinite(new)):
                stretch.features[row].setAttribute(task.height_field, float(new[row]))
        summary = self.summary
        summary.count += len(stretch.features)
        summary.moved += len(stretch.features)
        summary.sums += [values.sum() for values in moved.mean]
        summary.largest = max(summary.largest, moved.largest)
        lon, lat, _ = (values[stretch.first] for values in stretch.geographic)
        summary.arrows.add(lon, lat, *moved.mean[:2])
        return stretch.features

    def _displaced(self, stretch: Stretch) -> _Moved:
        """The new vertices, and each feature's mean displacement."""
        from ..core.frames.transform import FrameEpoch, PlateMotion, Velocity, displace

        task, owner = self.task, stretch.vertices.owner
        enu = np.zeros((3, owner.size))
        after = np.zeros((3, owner.size))
        frames = stretch.frames[owner]
        present = np.unique(stretch.frames)
        for index in present:
            name, here = self.frames[index], slice(None) if present.size == 1 else frames == index
            who = owner[here]
            motion = None
            if task.motion is not None and task.motion.is_velocity:
                motion = Velocity(*(values[who] for values in stretch.velocities))
            elif task.motion is not None:
                motion = PlateMotion(task.motion.model, task.motion.plate or None)
            moved = displace(*(values[here] for values in stretch.geographic),
                             FrameEpoch(name, stretch.epochs[who]),
                             FrameEpoch(task.target_frame or name, stretch.targets[who]),
                             motion, stretch.plates[who] if motion else None)
            enu[:, here] = moved.east, moved.north, moved.up
            after[:, here] = moved.lon, moved.lat, moved.height
        shift = np.column_stack(self._positions.shift(stretch.geographic, after))
        if not np.isfinite(shift).all():
            lost = stretch.features[int(owner[~np.isfinite(shift).all(axis=1)][0])].id()
            raise VectorError(f"Feature {lost} leaves the area of the layer's projection when it is moved: "
                              "reproject the layer first.")
        return _Moved(stretch.vertices.xyz + shift, enu, owner, len(stretch.features))

    # Reading

    def _stretches(self, progress, reading=None):
        """Resolved stretches of features with geometry, each with those of its part that have none."""
        request = QgsFeatureRequest()
        if reading is not None:
            request.setSubsetOfAttributes(reading)
        # A displacement does not mind an invalid polygon.
        flag = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
        total, seen, size = max(self.task.source.featureCount(), 1), 0, 0
        features, wkb, without = [], [], []
        message = "Checking frames, epochs and plates" if reading is not None else "Moving the features"
        for seen, feature in enumerate(self.task.source.getFeatures(request, flag), 1):
            geometry = feature.geometry()
            if geometry.isEmpty():
                without.append(feature)
            else:
                data = geometry.asWkb().data()
                features.append(feature)
                wkb.append(data)
                size += len(data)
            if seen % STRETCH == 0 or size > STRETCH_BYTES:
                yield self._kept(features, wkb, writing=reading is None), without
                progress.step(min(seen / total, 1.0), message)
                features, wkb, without, size = [], [], [], 0
        yield self._kept(features, wkb, writing=reading is None), without
        progress.step(1.0, message)

    def _kept(self, features, wkb, writing) -> Stretch:
        """The stretch; when writing, without the features that cannot be moved."""
        stretch = self._resolved(features, wkb)
        good = (stretch.problem == 0).tolist()
        if not writing or all(good):
            return stretch
        if not self.task.skip:
            raise VectorError("The features changed while they were read: run again.")
        return self._resolved([item for item, keep in zip(features, good) if keep],
                              [item for item, keep in zip(wkb, good) if keep])

    def _resolved(self, features, wkb) -> Stretch:
        from ..core.frames.transform import motion_plates
        from ..core.frames.wkb import Vertices

        task, count = self.task, len(features)
        vertices = Vertices(wkb)
        first = np.searchsorted(vertices.owner, np.arange(count))
        problem = np.zeros(count, dtype=np.int8)
        heights = self._heights(features)
        z = vertices.xyz[:, 2]
        if task.height_field >= 0 and not self._positions.geocentric:
            z = heights[vertices.owner]
        geographic = self._positions.geographic(*vertices.xyz[:, :2].T, self._usable_heights(z))
        outside = ~np.isfinite(np.column_stack(geographic)).all(axis=1)
        problem[np.unique(vertices.owner[outside])] = _POSITION

        frames = self._frames(features)
        problem[frames < 0] = _FRAME
        epochs = self._epochs(features)
        problem[~np.isfinite(epochs)] = _EPOCH
        targets = epochs if task.target_epoch is None else np.full(count, task.target_epoch)
        plates, velocities = np.full(count, ""), ()
        if task.motion is not None and task.motion.is_velocity:
            velocities = self._velocities(features, vertices.xyz[first])
            problem[~np.isfinite(velocities).all(axis=0)] = _VELOCITY
        elif task.motion is not None:
            lon, lat = geographic[0][first], geographic[1][first]
            plates = np.asarray(motion_plates(lon, lat, task.motion.constant()))
            problem[(plates == "") & (problem == 0)] = _PLATE
        return Stretch(
            features,
            vertices,
            geographic,
            first,
            frames,
            epochs,
            targets,
            plates,
            velocities,
            heights,
            problem,
        )

    def _usable_heights(self, z):
        if self._positions.geocentric:
            return z
        return np.where(np.isfinite(z), z, 0.0)

    def _values(self, features, index) -> list:
        values = [feature[index] for feature in features]
        # NULL and dates are Qt's; numbers, most often all, need no look one by one.
        return values if set(map(type, values)) <= {int, float, str} else [plain(value) for value in values]

    def _heights(self, features):
        if self.task.height_field < 0:
            return np.zeros(len(features))
        return _numbers(self._values(features, self.task.height_field))

    def _epochs(self, features):
        from ..core.frames.epochs import parse_epochs

        if self.task.epoch is not None:
            return np.full(len(features), self.task.epoch)
        values = self._values(features, self.task.epoch_field)
        return parse_epochs(values)[0] if values else np.empty(0)

    def _frames(self, features):
        if self.task.frame_field < 0:
            return np.zeros(len(features), dtype=np.int16)
        values = self._values(features, self.task.frame_field)
        return np.array([self._frame_index(value) for value in values], dtype=np.int16)

    def _frame_index(self, value) -> int:
        """The index of a frame's name, however it is spelled, in `frames`; -1 where it is unknown."""
        from ..core.frames.catalogue import frame

        if value not in self._frame_indices:
            try:
                name = frame(str(value)).name if value is not None else ""
            except FrameError:
                name = ""
            if name and name not in self.frames:
                self.frames.append(name)
            self._frame_indices[value] = self.frames.index(name) if name else -1
        return self._frame_indices[value]

    def _velocities(self, features, xyz):
        if self._raster is not None:
            if self._positions.geocentric:
                raise VectorError("VELOCITY_RASTER cannot be sampled at geocentric coordinates: reproject "
                                  "first.")
            return np.array(self._raster.at(xyz[:, 0], xyz[:, 1], self._wkt))
        columns = []
        for constant, index in zip(self.task.motion.constants, self._velocity_fields):
            values = (
                _numbers(self._values(features, index))
                if index >= 0
                else np.full(len(features), constant or 0.0)
            )
            columns.append(np.where(np.abs(values) <= 1.0, values, np.nan))
        return np.array(columns)

    def _refuse_moved_before(self, stretch: Stretch) -> None:
        """Raise where the fields of an earlier run tell of another frame or epoch."""
        if not self._own or not stretch.features:
            return
        frame_field, epoch_field = self._own
        epochs = _numbers(self._values(stretch.features, epoch_field))
        frames = self._values(stretch.features, frame_field)
        wrong = np.isfinite(epochs) & (np.abs(epochs - stretch.epochs) > SAME_EPOCH)
        own = np.array([self._frame_index(value) for value in frames])
        wrong |= (own >= 0) & (stretch.frames >= 0) & (own != stretch.frames)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            frame_name, field_name = self.task.source_words
            raise (EpochError if np.isfinite(epochs[row]) else FrameError)(
                f"Feature {stretch.features[row].id()} was already moved to {frames[row]} at "
                f"{epochs[row]:.10g} by an earlier run (its fields frame and epoch say so): use "
                f"{field_name}=frame and EPOCH_FIELD=epoch instead of another {frame_name} or EPOCH, or take "
                "the original layer.")


class _Moved:
    """New vertices; displacements as feature means (m), and the largest of a vertex."""

    def __init__(self, xyz, enu, owner, count):
        self.xyz = xyz
        self.largest = float(np.sqrt((enu ** 2).sum(axis=0)).max(initial=0.0))
        if owner.size == count:
            self.mean = list(enu)
        else:
            share = np.bincount(owner, minlength=count)
            self.mean = [np.bincount(owner, values, count) / share for values in enu]


PROBLEMS = (
    None,
    (EpochError, "have no epoch that can be used (a decimal year or an ISO date between 1980 and 2050)"),
    (FrameError, "have no frame that is known"),
    (PlateError, "lie on no plate of the model"),
    (PlateError, "have no velocity in m/yr"),
    (VectorError, "lie where their coordinates have no longitude and latitude"),
)
"""Why a feature cannot be moved: the error, and how the sentence goes on."""
_EPOCH, _FRAME, _PLATE, _VELOCITY, _POSITION = range(1, len(PROBLEMS))


def _numbers(values) -> np.ndarray:
    """Field values as float64, NaN where they are none."""
    numbers = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if isinstance(value, (int, float)):
            numbers[row] = value
        elif isinstance(value, str):
            numbers[row] = _number(value)
    return numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _own_fields(fields: QgsFields) -> tuple:
    """Indices of `frame` and `epoch` where an earlier run wrote them beside the displacements, else ()."""
    names = [name.lower() for name in fields.names()]
    if not {"frame", "epoch", "d_east", "d_north", "d_up"} <= set(names):
        return ()
    return names.index("frame"), names.index("epoch")


def output_fields(fields: QgsFields, height_field: int) -> tuple[QgsFields, tuple]:
    """The result's fields, and where OUTPUT_FIELDS lie: overwritten where they exist, whatever their case."""
    names = [name.lower() for name in fields.names()]
    result = QgsFields()
    for index, old in enumerate(fields):
        kind = OUTPUT_FIELDS.get(names[index])
        if kind is None and index == height_field and old.type() != QVariant.Double:
            kind = QVariant.Double
        result.append(old if kind is None else QgsField(old.name(), kind))
    for name, kind in OUTPUT_FIELDS.items():
        if name not in names:
            result.append(QgsField(name, kind))
    places = [name.lower() for name in result.names()]
    return result, tuple(places.index(name) for name in OUTPUT_FIELDS)


def target_crs(crs: QgsCoordinateReferenceSystem, frame: str, epoch: float | None) -> tuple:
    """`(CRS of the result, warning)`: the target's sibling where the CRS names a realization, else its own
    code.

    The coordinate epoch is set where the CRS is dynamic and one epoch holds for all.
    """
    from ..core.frames.catalogue import frame_of_crs, sibling_code

    result, warning = QgsCoordinateReferenceSystem(crs), ""
    code = sibling_code(crs.authid(), frame) if frame else None
    sibling = QgsCoordinateReferenceSystem(f"EPSG:{code}") if code else QgsCoordinateReferenceSystem()
    if sibling.isValid():
        result = sibling
    elif frame:
        try:
            named = frame_of_crs(crs.authid() or None, wkt_of(crs))
        except CommonGroundError:
            named = None
        if named is not None and named.name != frame:
            warning = (f"The layer's CRS ({crs.authid() or crs.description()}) names {named.name} and has no "
                       f"counterpart for {frame}: it is kept for its projection, and the field 'frame' tells "
                       "the truth.")
    result.setCoordinateEpoch(epoch if epoch is not None and result.isDynamic() else float("nan"))
    return result, warning
