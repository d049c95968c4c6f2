"""Reading Processing parameters into what core understands."""

from __future__ import annotations

import os

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingParameterEnum,
    QgsRasterLayer,
)

from ..core.errors import OutputError, RasterError, VectorError


def choice(name: str, description: str, options: list, default: str | None = None, optional: bool = False):
    """An enum that holds words, so that scripts and models read well."""
    parameter = QgsProcessingParameterEnum(name, description, options=options, defaultValue=default,
                                           optional=optional)
    parameter.setUsesStaticStrings(True)
    return parameter


def chosen(algorithm, parameters, name: str, context) -> str:
    """The word chosen for an enum, "" where an optional one is empty."""
    if parameters.get(name) in (None, "") and algorithm.parameterDefinition(name).defaultValue() is None:
        return ""
    return algorithm.parameterAsEnumString(parameters, name, context)


def raster_source(algorithm, parameters, name: str, context) -> tuple[str, str]:
    """`(path, crs)` of a raster parameter that GDAL can read; crs (WKT) only where the layer's differs from the file's.

    Raises RasterError.
    """
    return raster_source_of(algorithm.parameterAsRasterLayer(parameters, name, context), name)


def raster_source_of(layer, name: str) -> tuple[str, str]:
    """`raster_source` of a layer; `name` is what the message calls it."""
    if layer is None or not layer.isValid() or not isinstance(layer, QgsRasterLayer):
        raise RasterError(f"{name} is no raster that can be read: choose a raster file or layer.")
    if layer.dataProvider().name() != "gdal":
        raise RasterError(
            f"{name} comes from {layer.dataProvider().name()}, which cannot be read cell by cell: "
            "export it to a GeoTIFF first (Export > Save As)."
        )
    return layer.source(), _assigned_crs(layer)


def _assigned_crs(layer: QgsRasterLayer) -> str:
    """The CRS that the user gave the layer, "" where it is still the file's own."""
    from ..core.raster.dem import open_dataset

    assigned = layer.crs()
    if not assigned.isValid():
        return ""
    reference = open_dataset(layer.source()).GetSpatialRef()
    if reference is not None:
        own = QgsCoordinateReferenceSystem.fromWkt(reference.ExportToWkt(["FORMAT=WKT2_2018"]))
        if own == assigned or own.authid() == assigned.authid() != "":
            return ""
    return assigned.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)


def polygons(algorithm, parameters, name: str, context):
    """The areas of an optional polygon parameter as core's Polygons, None where empty. Raises VectorError."""
    from ..core.raster.masks import Polygons

    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        return None
    crs = source.sourceCrs()
    if not crs.isValid():
        raise VectorError(f"{name} has no coordinate reference system: assign one and run again.")
    wkb = tuple(bytes(feature.geometry().asWkb()) for feature in source.getFeatures() if feature.hasGeometry())
    if not wkb:
        raise VectorError(f"{name} holds no polygon: choose another layer or leave it empty.")
    return Polygons(wkb, crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED))


def stable_terrain(algorithm, parameters, context, crs: str):
    """STABLE, UNSTABLE and MASK as core's StableTerrain in `crs` (WKT)."""
    from ..core.raster.masks import StableTerrain, open_mask

    mask = None
    if algorithm.parameterAsRasterLayer(parameters, "MASK", context) is not None:
        path, mask_crs = raster_source(algorithm, parameters, "MASK", context)
        mask = open_mask(path, crs=mask_crs)
    terrain = StableTerrain(polygons(algorithm, parameters, "STABLE", context),
                            polygons(algorithm, parameters, "UNSTABLE", context), mask)
    return terrain.in_crs(crs)


def output_path(algorithm, parameters, name: str, context) -> str:
    """The path of a file destination, "" where an optional one is not asked for."""
    if parameters.get(name) in (None, "") and algorithm.parameterDefinition(name).isDestination() \
            and not algorithm.parameterDefinition(name).createByDefault():
        return ""
    definition = algorithm.parameterDefinition(name)
    if definition.type() == "rasterDestination":
        return algorithm.parameterAsOutputLayer(parameters, name, context)
    return algorithm.parameterAsFileOutput(parameters, name, context)


def refuse_overwriting(inputs: dict, outputs: dict) -> None:
    """Raise OutputError where an output path is one of the inputs."""
    for output_name, output in outputs.items():
        for input_name, source in inputs.items():
            if output and source and os.path.abspath(output) == os.path.abspath(source):
                raise OutputError(f"{output_name} would overwrite {input_name}: choose another file.")
