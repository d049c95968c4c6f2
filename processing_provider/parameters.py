"""The parameters that several algorithms share, and reading them into what core understands."""

from __future__ import annotations

import os

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsRasterLayer,
    QgsWkbTypes,
)

from ..core.errors import CommonGroundError, OutputError, RasterError, VectorError
from .base import tr

METHODS = ["nuth_kaab", "lzd", "dh_minimize", "icp", "vertical_shift"]
TERMS = ["tilt", "elevation"]
FIELDS = ["smooth", "plane", "constant"]
KERNELS = ["cubic", "bilinear", "nearest"]
LAYOUTS = ["plain", "overviews", "cog"]
LEAST_BLOCK = 16

AREAS = (QgsWkbTypes.GeometryType.PolygonGeometry, QgsWkbTypes.GeometryType.UnknownGeometry)


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


def declare_stable_terrain(algorithm, mask: bool = True) -> None:
    """STABLE, UNSTABLE and MASK, which `stable_terrain` reads."""
    vector, polygon = QgsProcessingParameterFeatureSource, [QgsProcessing.SourceType.TypeVectorPolygon]
    algorithm.add(vector("STABLE", tr("Stable terrain"), polygon, optional=True),
                  tr("Polygons of ground that has not changed; everything where empty."))
    algorithm.add(vector("UNSTABLE", tr("Unstable terrain"), polygon, optional=True),
                  tr("Polygons to leave out: glaciers, landslides, water, forest."))
    if mask:
        algorithm.add(QgsProcessingParameterRasterLayer("MASK", tr("Mask of stable terrain"), optional=True),
                      tr("A raster whose non-zero cells are stable terrain."))


def declare_settings(algorithm) -> None:
    """How two DEMs are coregistered, which `fit_settings` reads, and the warp that follows."""
    number, kinds = QgsProcessingParameterNumber, QgsProcessingParameterNumber.Type
    algorithm.add(choice("METHOD", tr("Method"), METHODS, "lzd"),
                  tr("How a block's shift is found: nuth_kaab (cosine of aspect), lzd (robust least squares on the "
                     "gradient), dh_minimize (least NMAD of dh; four times slower), icp (closest points, point to "
                     "plane: no sub-pixel method, up to 0.015 cells off without noise and drawn to whole cells by "
                     "noise, by 0.02 to 0.2 cells), vertical_shift (height alone)."))
    algorithm.add(number("BLOCK_SIZE", tr("Block size (cells of the reference)"), kinds.Integer, 500, False, 0),
                  tr("The largest side of a block; blocks share the raster evenly. 0: one global shift."))
    declare_field(algorithm)
    algorithm.add(choice("GRID", tr("Grid of the result"), ["reference", "secondary"], "reference"),
                  tr("Whose cells the aligned DEM has."))
    algorithm.add(number("SEED", tr("Seed"), kinds.Integer, 0, False, 0),
                  tr("Large blocks are fitted on a sample of their cells; the same seed draws the same ones."))


def declare_field(algorithm) -> None:
    """What runs between blocks, and the kernel of the warp."""
    number = QgsProcessingParameterNumber
    algorithm.add(number("OVERLAP", tr("Overlap (fraction of a block)"), number.Type.Double, 0.1, False, 0.0, 0.5),
                  tr("How far a block reaches into its neighbours while its shift is found."))
    algorithm.add(choice("FIELD", tr("Shift field"), FIELDS, "smooth"),
                  tr("What runs between the blocks: a smooth field, one plane, or one constant shift."))
    algorithm.add(choice("RESAMPLING", tr("Resampling"), KERNELS, "cubic"), tr("The kernel of the one warp."))


def declare_terms(algorithm) -> None:
    """What the DEMs may differ by besides a shift, which `fit_settings` reads."""
    algorithm.add(QgsProcessingParameterBoolean("ROTATION", tr("Solve for a rotation, too"), False),
                  tr("The global step finds three small angles besides the shift, about the middle of the overlap. "
                     "With BLOCK_SIZE=0 the result turns with them, else blocks start from there."), advanced=True)
    algorithm.add(QgsProcessingParameterEnum("TERMS", tr("Terms solved beside the shift"), TERMS, True, None, True,
                                             True),
                  tr("So that they do not pass for a shift (METHOD=lzd): tilt, and elevation, a bias that grows with "
                     "height, which is taken from the secondary's heights. With BLOCK_SIZE=0 the tilt is taken out as "
                     "well, else the field follows it."), advanced=True)


def declare_workers(algorithm) -> None:
    """Who does the work."""
    number = QgsProcessingParameterNumber
    algorithm.add(number("WORKERS", tr("Threads"), number.Type.Integer, 0, False, 0),
                  tr("0: one for each processor. The result does not depend on it."), advanced=True)
    algorithm.add(QgsProcessingParameterString("SCHEDULER", tr("Dask scheduler"), None, False, True),
                  tr("The address of a Dask scheduler whose workers see the same files, e.g. tcp://host:8786."),
                  advanced=True)


def declare_layout(algorithm) -> None:
    """How a raster's file is laid out."""
    algorithm.add(choice("LAYOUT", tr("Layout of the GeoTIFF"), LAYOUTS, "plain"),
                  tr("plain (tiled and compressed), overviews (besides, smaller versions inside the file, which draw "
                     "faster), cog (a Cloud Optimized GeoTIFF)."), advanced=True)


def check_block_size(algorithm, parameters, context) -> None:
    """Raise CommonGroundError for blocks too small to tell anything."""
    if 0 < algorithm.parameterAsInt(parameters, "BLOCK_SIZE", context) < LEAST_BLOCK:
        raise CommonGroundError(tr("BLOCK_SIZE must be 0 (one global shift) or at least 16 cells."))


def check_layout(algorithm, parameters, names: tuple, context) -> None:
    """Raise OutputError where the raster destinations `names` are of a format that cannot have the LAYOUT."""
    from ..core.raster.writing import require_layout

    # In the real context, asking for a destination already books the layer for loading.
    probe = QgsProcessingContext()
    probe.setExpressionContext(context.expressionContext())
    for name in names:
        path = output_path(algorithm, parameters, name, probe)
        if path:
            require_layout(path, chosen(algorithm, parameters, "LAYOUT", context))


def arrange_outputs(algorithm, parameters, context, paths: list, progress) -> None:
    """Give finished GeoTIFFs the LAYOUT; "" among `paths` is an output that is not asked for."""
    from ..core.progress import Part
    from ..core.raster.writing import arrange

    layout = chosen(algorithm, parameters, "LAYOUT", context)
    paths = [path for path in paths if path]
    for done, path in enumerate(paths):
        arrange(path, layout, Part(progress, done / len(paths), (done + 1) / len(paths)))


def fit_settings(algorithm, parameters, context):
    """Core's Settings."""
    from ..core.coregistration.coregister import Settings

    motion = {}
    if algorithm.parameterDefinition("ROTATION") is not None:
        motion = {"rotation": algorithm.parameterAsBool(parameters, "ROTATION", context),
                  "terms": tuple(filter(None, algorithm.parameterAsEnumStrings(parameters, "TERMS", context)))}
    return Settings(
        method=chosen(algorithm, parameters, "METHOD", context),
        block_size=algorithm.parameterAsInt(parameters, "BLOCK_SIZE", context),
        overlap=algorithm.parameterAsDouble(parameters, "OVERLAP", context),
        field=chosen(algorithm, parameters, "FIELD", context),
        seed=algorithm.parameterAsInt(parameters, "SEED", context),
        **motion,
    )


def with_virtual_rasters(algorithm, parameters: dict, context) -> dict:
    """`parameters` with rasters that only GDAL sees (/vsi...) as layers: QGIS takes their paths for missing files."""
    changed = {}
    for definition in algorithm.parameterDefinitions():
        value = parameters.get(definition.name())
        if definition.type() == "raster":
            changed[definition.name()] = _virtual_layer(value, context)
        elif definition.type() == "multilayer" and isinstance(value, (list, tuple)):
            changed[definition.name()] = [_virtual_layer(each, context) for each in value]
    return {**parameters, **{name: value for name, value in changed.items() if name in parameters}}


def _virtual_layer(value, context):
    if not isinstance(value, str) or not value.startswith("/vsi"):
        return value
    layer = QgsRasterLayer(value, os.path.basename(value))
    return context.temporaryLayerStore().addMapLayer(layer) if layer.isValid() else value


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
    if QgsWkbTypes.geometryType(source.wkbType()) not in AREAS:
        raise VectorError(f"{name} holds no polygons: choose a polygon layer or leave it empty.")
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
    """Raise OutputError where an output path is one of the inputs, or another output."""
    written: dict = {}
    for output_name, output in outputs.items():
        place = _place(output)
        for name in (*(name for name, source in inputs.items() if place and _place(source) == place),
                     *filter(None, [written.get(place)])):
            raise OutputError(f"{output_name} would overwrite {name}: choose another file.")
        if place:
            written[place] = output_name


def _place(path: str) -> str:
    """Where a file lies, whatever way leads there; a link to a file is not that file, for it would be replaced."""
    if not path:
        return ""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.normcase(os.path.join(os.path.realpath(folder), name))
