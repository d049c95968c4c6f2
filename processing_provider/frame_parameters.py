"""Declaring and reading what the frame algorithms share: frames, epochs and motion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProperty,
)
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QVariant

from ..core.errors import EpochError, FrameError, PlateError, VectorError
from .base import tr
from .parameters import choice, chosen, output_path, raster_source

VELOCITY = "VELOCITY"
AXES = ("EAST", "NORTH", "UP")
SAME_EPOCH = 1e-4
"""Epochs closer than this (years, under an hour) are the same."""
MISSING_EPOCH = "{name} is missing: give a decimal year such as 2018.5 or a date such as 2018-07-02."


# Declaring

def declare_frame(algorithm, name: str, help_text: str, optional: bool) -> None:
    """A frame, by name."""
    from ..core.frames.catalogue import FRAMES

    algorithm.add(choice(name, tr("Target frame") if name == "TARGET_FRAME" else tr(
        "Frame of the coordinates"),
                         list(FRAMES), optional=optional), help_text)


def declare_field(algorithm, name: str, description: str, help_text: str, numeric: bool = False,
                  advanced: bool = False) -> None:
    """An optional field of INPUT."""
    kinds = QgsProcessingParameterField.DataType
    algorithm.add(QgsProcessingParameterField(
        name, description, parentLayerParameterName="INPUT", optional=True,
        type=kinds.Numeric if numeric else kinds.Any), help_text, advanced)


def declare_epoch(algorithm, name: str, description: str, help_text: str, optional: bool) -> None:
    """An epoch: text, so that decimal years and ISO dates both pass."""
    algorithm.add(QgsProcessingParameterString(name, description, optional=optional), help_text)


def declare_motion(algorithm, vector: bool) -> None:
    """How the ground moves between two epochs."""
    from ..core.frames.plate_motion import MODELS

    algorithm.add(choice("MODEL", tr("Motion"), [*MODELS, VELOCITY], default="ITRF2014-PMM"), tr(
        "Plate motion model, or VELOCITY for one of your own. A plate model knows no vertical motion."))
    plate_help = (
        tr("The model's plate, e.g. NOAM. Empty: the plate that each feature lies on.")
        if vector
        else tr("The model's plate, e.g. NOAM. Empty: the plate that the raster lies on.")
    )
    algorithm.add(QgsProcessingParameterString("PLATE", tr("Plate"), optional=True), plate_help)
    names = {"EAST": tr("Velocity east (m/yr)"), "NORTH": tr("Velocity north (m/yr)"),
             "UP": tr("Velocity up (m/yr)")}
    for axis, description in names.items():
        algorithm.add(QgsProcessingParameterNumber(
            f"VELOCITY_{axis}", description, type=QgsProcessingParameterNumber.Type.Double, optional=True),
            tr("For MODEL=VELOCITY; east and north are needed, up counts as 0 when empty. In the ITRF of the frame: "
               "a plate-fixed frame moves with its plate already."))
    names = {"EAST": tr("Field of velocity east (m/yr)"), "NORTH": tr("Field of velocity north (m/yr)"),
             "UP": tr("Field of velocity up (m/yr)")}
    for axis, description in names.items() if vector else ():
        declare_field(algorithm, f"VELOCITY_{axis}_FIELD", description,
                      tr("For MODEL=VELOCITY: each feature's own velocity."), numeric=True, advanced=True)
    algorithm.add(
        QgsProcessingParameterRasterLayer("VELOCITY_RASTER", tr("Velocity raster (m/yr)"), optional=True),
        tr("For MODEL=VELOCITY: bands east, north and perhaps up, sampled bilinearly."),
        advanced=True,
    )


def declare_report(algorithm) -> None:
    """The optional report."""
    algorithm.add(QgsProcessingParameterFileDestination(
        "REPORT", tr("Report"), tr("HTML files (*.html)"), optional=True, createByDefault=False),
        tr("What was moved by how much, the displacement over time, and the same as a PROJ pipeline."))


# Reading

@dataclass(frozen=True)
class Motion:
    """How points move in time, as the user chose it.

    constants and fields: per axis east, north, up; a field is its name, "" where there is none.
    raster: `(path, crs)` or None.
    """

    model: str
    plate: str = ""
    constants: tuple = (None, None, None)
    fields: tuple = ("", "", "")
    raster: tuple | None = None

    @property
    def is_velocity(self) -> bool:
        """True for a velocity of the user's, false for a plate motion model."""
        return self.model == VELOCITY

    def constant(self):
        """Core's motion where it is the same rule for all points: PlateMotion, VelocityRaster or constant Velocity."""
        from ..core.frames.transform import PlateMotion, Velocity
        from ..core.frames.velocity_raster import VelocityRaster

        if self.raster is not None:
            return VelocityRaster(*self.raster)
        if not self.is_velocity:
            return PlateMotion(self.model, self.plate or None)
        return Velocity(*(value or 0.0 for value in self.constants))


def given(algorithm, parameters, name: str, context) -> bool:
    """True where an optional parameter has a value (a missing Number would read 0.0)."""
    value = parameters.get(name)
    if isinstance(value, QgsProperty) and value.propertyType() != QgsProperty.Type.InvalidProperty:
        return True
    return plain(value) not in (None, "", [])


def plain(value):
    """A Qt value as Python's own: dates and times (UTC where they say so), None for NULL."""
    if isinstance(value, QDateTime):
        if not value.isValid():
            return None
        return (value if value.timeSpec() == Qt.TimeSpec.LocalTime else value.toUTC()).toPyDateTime()
    if isinstance(value, QDate):
        return value.toPyDate() if value.isValid() else None
    if isinstance(value, QVariant):
        return None
    return value


def read_epoch(algorithm, parameters, name: str, context):
    """The decimal year of an epoch parameter, None where it is empty. Raises EpochError."""
    from ..core.frames.epochs import parse_epoch

    value = parameters.get(name)
    if not given(algorithm, parameters, name, context):
        return None
    if isinstance(value, (QgsProperty, QVariant)):
        value = algorithm.parameterAsString(parameters, name, context)
    try:
        return parse_epoch(plain(value))
    except EpochError as error:
        raise EpochError(f"{name}: {error}") from error


def require_epoch(algorithm, parameters, name: str, context) -> float:
    """As read_epoch, but an empty one is refused."""
    epoch = read_epoch(algorithm, parameters, name, context)
    if epoch is None:
        raise EpochError(MISSING_EPOCH.format(name=name))
    return epoch


def frame_of_layer(name: str, authid: str, wkt: str, field_name: str = "") -> str:
    """The frame that a layer's CRS names. Raises FrameError with what to do where it names none."""
    from ..core.frames.catalogue import frame_of_crs

    try:
        found = frame_of_crs(authid or None, wkt or None)
    except FrameError as error:
        # The catalogue's advice speaks of SOURCE_FRAME; here the parameter may be called FRAME.
        raise FrameError(str(error).replace("SOURCE_FRAME=", f"{name}=")) from error
    if found is None:
        fields = f" or {field_name}" if field_name else ""
        raise FrameError(f"The coordinate reference system of INPUT ({authid or 'without a code'}) does not "
                         f"name a frame realization: choose {name}{fields}, e.g. {name}=ITRF2014.")
    return found.name


def wkt_of(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as WKT that pyproj and GDAL read."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED) if crs.isValid() else ""


def read_field(algorithm, parameters, name: str, context, fields, layer: str = "INPUT") -> int:
    """The index of a field parameter in the `fields` of `layer`, -1 where it is empty. Raises VectorError."""
    if algorithm.parameterDefinition(name) is None or not given(algorithm, parameters, name, context):
        return -1
    names = algorithm.parameterAsFields(parameters, name, context)
    index = fields.lookupField(names[0]) if names else -1
    if index < 0:
        raise VectorError(f"{name}: {layer} has no field '{', '.join(names)}'; its fields are "
                          f"{', '.join(fields.names())}.")
    numeric = QgsProcessingParameterField.DataType.Numeric
    if algorithm.parameterDefinition(name).dataType() == numeric and not fields.at(index).isNumeric():
        raise VectorError(f"{name}: the field '{names[0]}' of {layer} holds {fields.at(index).typeName()}, not "
                          "numbers: choose another field, or make it one of numbers (Refactor Fields).")
    return index


def read_motion(algorithm, parameters, context, fields=None) -> Motion:
    """The motion parameters. Raises PlateError where they contradict each other or lack numbers."""
    from ..core.frames.plate_motion import require_plate

    model = chosen(algorithm, parameters, "MODEL", context)
    plate = algorithm.parameterAsString(parameters, "PLATE", context).strip()
    numbers = tuple(_read_velocity(algorithm, parameters, f"VELOCITY_{axis}", context) for axis in AXES)
    indices = [-1] * 3 if fields is None else [
        read_field(algorithm, parameters, f"VELOCITY_{axis}_FIELD", context, fields) for axis in AXES]
    names = tuple(fields[index].name() if index >= 0 else "" for index in indices)
    raster = None
    if given(algorithm, parameters, "VELOCITY_RASTER", context):
        raster = raster_source(algorithm, parameters, "VELOCITY_RASTER", context)
    has_velocity = raster is not None or any(names) or any(number is not None for number in numbers)
    if model != VELOCITY:
        if has_velocity:
            raise PlateError(f"A velocity is given, but MODEL is {model}: choose MODEL=VELOCITY, or leave "
                             "the velocity parameters empty.")
        return Motion(model, require_plate(model, plate) if plate else "")
    if plate:
        raise PlateError("PLATE belongs to a plate motion model: leave it empty with MODEL=VELOCITY.")
    _check_velocity(numbers, names, raster, fields is not None)
    return Motion(VELOCITY, "", numbers, names, raster)


def _read_velocity(algorithm, parameters, name, context):
    if not given(algorithm, parameters, name, context):
        return None
    value = algorithm.parameterAsDouble(parameters, name, context)
    if not math.isfinite(value) or abs(value) > 1.0:
        raise PlateError(f"{name}={value:g} is no velocity of the ground: give metres per "
                         "year, e.g. -0.0366.")
    return value


def _check_velocity(numbers, names, raster, vector):
    for axis, number, name in zip(AXES, numbers, names):
        if sum((number is not None, bool(name), raster is not None)) > 1:
            raise PlateError(f"VELOCITY_{axis} is given twice: choose a number, a field or the raster.")
    if raster is None and any(numbers[i] is None and not names[i] for i in (0, 1)):
        fields = ", as fields (VELOCITY_EAST_FIELD, VELOCITY_NORTH_FIELD)" if vector else ""
        raise PlateError("MODEL=VELOCITY needs VELOCITY_EAST and VELOCITY_NORTH in m/yr, as "
                         f"numbers{fields} or as VELOCITY_RASTER; or choose a plate motion model.")


def report_path(algorithm, parameters, context) -> str:
    """Where the report goes, "" where none is asked for."""
    return output_path(algorithm, parameters, "REPORT", context)


def without_empty_choices(algorithm, parameters) -> dict:
    """The parameters without empty optional enums, which QGIS would call incorrect instead of missing."""
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    empty = {definition.name() for definition in algorithm.parameterDefinitions()
             if definition.type() == "enum" and definition.flags() & optional
             and parameters.get(definition.name()) == ""}
    return {name: value for name, value in parameters.items() if name not in empty}


def check_values(algorithm, parameters, check):
    """checkParameterValues of a frame algorithm: `check(parameters)` behind what QGIS says badly.

    Empty optional enums count as missing, not as incorrect; a missing frame or epoch gets a sentence.
    """
    required = {"TARGET_FRAME": "TARGET_FRAME is missing: choose the frame to change to, e.g. ITRF2014.",
                **{name: MISSING_EPOCH.format(name=name) for name in ("EPOCH", "TARGET_EPOCH")}}
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    for definition in algorithm.parameterDefinitions():
        name = definition.name()
        if (
            name in required
            and not definition.flags() & optional
            and plain(parameters.get(name)) in (None, "")
        ):
            return False, required[name]
    return check(without_empty_choices(algorithm, parameters))
