"""What QGIS refuses without a word on what to do, or not at all: said in a sentence before a run begins."""

from __future__ import annotations

import math
import os

from qgis.core import (
    QgsMapLayer,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingUtils,
    QgsProperty,
    QgsProviderRegistry,
)

from ..core.errors import RasterError
from .base import tr

LAYERS = ("raster", "source", "vector")
FILES = (*LAYERS, "file", "multilayer")
WITHOUT_END = 2147483647


def wrong_value(algorithm, parameters, context) -> str:
    """A sentence for the first choice or number that cannot be used, "" where all can."""
    for definition in algorithm.parameterDefinitions():
        value = parameters.get(definition.name())
        if definition.type() == "enum":
            wrong = _wrong_choice(definition, value)
        elif definition.type() in ("number", "distance"):
            wrong = _wrong_number(definition, value, context)
        else:
            continue
        if wrong:
            return wrong
    return ""


def _wrong_choice(definition, value) -> str:
    choices = list(definition.options())
    if not isinstance(value, str) or not value or value in choices:
        return ""
    return tr("{name}: '{value}' is not known; choose one of {choices}.").format(
        name=definition.name(), value=value, choices=", ".join(choices))


def _wrong_number(definition, value, context) -> str:
    if value in (None, "") or isinstance(value, QgsProperty):
        return ""
    endless = isinstance(value, float) and not math.isfinite(value)
    if definition.checkValueIsAcceptable(value, context) and not endless:
        return ""
    least, most = definition.minimum(), definition.maximum()
    whole = definition.dataType() == type(definition).Type.Integer
    kind = tr("a whole number") if whole else tr("a number")
    if least > -WITHOUT_END and most < WITHOUT_END:
        kind = tr("{kind} from {least:g} to {most:g}").format(kind=kind, least=least, most=most)
    elif least > -WITHOUT_END:
        kind = tr("{kind} of at least {least:g}").format(kind=kind, least=least)
    return tr("{name}: '{value}' cannot be used; give {kind}.").format(name=definition.name(), value=value, kind=kind)


def unreadable(algorithm, parameters, context) -> str:
    """A sentence for the first layer that is missing or cannot be read, "" where all can."""
    for definition in algorithm.parameterDefinitions():
        name, is_raster = definition.name(), definition.type() == "raster"
        kind = tr("raster") if is_raster else tr("vector layer")
        value = parameters.get(name)
        if definition.type() not in LAYERS or (definition.checkValueIsAcceptable(value, context) and _loads(
                algorithm, parameters, definition, context)):
            continue
        if value in (None, ""):
            if definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
                continue
            return tr("{name} is missing: choose a {kind}.").format(name=name, kind=kind)
        path = _path(value, context)
        if not path or not os.path.exists(path):
            return tr("{name}: there is no layer or file {value}: choose another {kind}.").format(
                name=name, value=path or value, kind=kind)
        reason = (is_raster and _reason(path)) or tr("{path} cannot be read").format(path=path)
        return tr("{name}: {reason}: choose another {kind}.").format(name=name, reason=reason, kind=kind)
    return ""


def _loads(algorithm, parameters, definition, context) -> bool:
    if definition.type() == "raster":
        return algorithm.parameterAsRasterLayer(parameters, definition.name(), context) is not None
    return algorithm.parameterAsSource(parameters, definition.name(), context) is not None


def _reason(path: str) -> str:
    from ..core.raster.dem import open_dataset

    try:
        open_dataset(path)
    except RasterError as error:
        return str(error).rstrip(".")
    return ""


def refuse_conflicts(algorithm, parameters, context) -> None:
    """Raise OutputError where an output is an input or another output, or cannot be a raster by its name."""
    from ..core.raster.writing import driver_of
    from .parameters import refuse_overwriting

    inputs, outputs = {}, {}
    for definition in algorithm.parameterDefinitions():
        name, value = definition.name(), parameters.get(definition.name())
        if definition.isDestination() and definition.type() != "folderDestination":
            outputs[name] = _target(value, context)
            if definition.type() == "rasterDestination" and outputs[name]:
                driver_of(outputs[name])
        elif definition.type() in FILES:
            values = value if isinstance(value, (list, tuple)) else [value]
            inputs.update({name if len(values) == 1 else f"{name} ({place})": _path(each, context)
                           for place, each in enumerate(values, 1)})
    outputs.update(algorithm.companions(outputs))
    refuse_overwriting(inputs, outputs)


def _target(value, context) -> str:
    """The file that a destination names, "" where it names none."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.valueAsString(context.expressionContext(), "")[0]
    return value if isinstance(value, str) and _is_file(value) else ""


def _is_file(name: str) -> bool:
    """False for QGIS' own words (TEMPORARY_OUTPUT) and for tables and memory (`ogr:...`, `memory:`)."""
    scheme, colon, _ = name.partition(":")
    return bool(name) and name != "TEMPORARY_OUTPUT" and (not colon or len(scheme) == 1 or os.path.isabs(name))


def _path(value, context) -> str:
    """The file behind an input, "" where there is none."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source
    if isinstance(value, QgsProperty):
        value = value.valueAsString(context.expressionContext(), "")[0]
    if isinstance(value, str):
        value = QgsProcessingUtils.mapLayerFromString(value, context, False) or value
    if isinstance(value, QgsMapLayer):
        return QgsProviderRegistry.instance().decodeUri(value.providerType(), value.source()).get("path") or ""
    return value.split("|")[0] if isinstance(value, str) else ""
