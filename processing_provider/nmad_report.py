"""NMAD Report: how good a DEM is against another, by definitions that can be cited."""

from __future__ import annotations

import math

from qgis.core import (
    Qgis,
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..core.errors import CommonGroundError
from ..core.progress import Part
from .base import CommonGroundAlgorithm, tr
from .parameters import declare_stable_terrain, output_path, raster_source, stable_terrain
from .point_layer import PointLayer, field_of_points

FILES = ("OUTPUT", "JSON", "CSV", "DIFFERENCE")
ROLES = ("REFERENCE", "SECONDARY", "ALIGNED", "POINTS", "HEIGHT_FIELD", "DIFFERENCE", "RESIDUALS")
NUMBERS = ("nmad", "median", "mean", "std", "rmse", "le90", "le95", "count")


class NmadReport(CommonGroundAlgorithm):
    """Compares a reference with a secondary DEM, and with the aligned one, on stable terrain."""

    ID = "nmadreport"
    GROUP = "accuracy"
    TAGS = ("nmad", "dem", "dsm", "accuracy", "le90", "rmse", "median", "difference", "validation")

    def display_name(self):
        return tr("NMAD Report")

    def help_text(self):
        return tr(
            "How well a secondary DEM agrees with a reference, dh = reference - secondary, and how much "
            "better an aligned one does on the same cells: NMAD, median, RMSE, LE90 and more, on stable "
            "terrain and by slope, with difference maps and histograms in one HTML file. Rasters of any "
            "size, grid and CRS.\n\n"
            "Points with heights (GNSS, altimetry, lidar) may take the place of either DEM: leave it empty and choose "
            "POINTS. With SECONDARY the points are the reference, dh = point - DEM; with REFERENCE they are what is "
            "judged, dh = DEM - point. Their heights must be of the DEM's vertical datum."
        )

    def initAlgorithm(self, configuration=None):
        self._declare_inputs()
        self._declare_outputs()

    def _declare_inputs(self) -> None:
        polygon = [QgsProcessing.SourceType.TypeVectorPolygon]
        raster, vector = QgsProcessingParameterRasterLayer, QgsProcessingParameterFeatureSource
        self.add(raster("REFERENCE", tr("Reference DEM"), optional=True),
                 tr("The DEM that is taken as right; its grid is used. Empty where POINTS are the reference."))
        self.add(raster("SECONDARY", tr("Secondary DEM"), optional=True),
                 tr("The DEM to judge, on any grid and in any CRS. Empty where POINTS are judged."))
        self.add(raster("ALIGNED", tr("Aligned DEM"), optional=True),
                 tr("The secondary after coregistration: adds the statistics after, on the same cells."))
        self.add(vector("SHIFTS", tr("Shifts by block"), polygon, optional=True),
                 tr("The shifts layer of Blockwise Coregister: adds heat maps of the X, Y and Z shifts."))
        declare_stable_terrain(self)
        text = QgsProcessingParameterString
        self.add(text("CLASSES", tr("Slope classes (edges in degrees)"), "0,5,15,30,90"),
                 tr("Rising slope edges in degrees with commas between."))
        self.add(QgsProcessingParameterBoolean("IS_DIFFERENCE", tr("The secondary is a difference"), False),
                 tr("SECONDARY already holds dh = reference - secondary, in metres; REFERENCE is only asked for "
                    "its terrain."), advanced=True)
        self.add(vector("POINTS", tr("Points"), [QgsProcessing.SourceType.TypeVectorPoint], optional=True),
                 tr("Points with heights, in the place of the DEM that is left empty."), advanced=True)
        self.add(field_of_points("HEIGHT_FIELD", tr("Height field"), numeric=True),
                 tr("Heights of the points in metres; empty: their Z."), advanced=True)
        self.add(raster("LANDCOVER", tr("Land cover"), optional=True),
                 tr("A classified raster: adds the statistics of each of its values."), advanced=True)
        self.add(vector("ZONES", tr("Zones"), polygon, optional=True),
                 tr("Polygons, such as glaciers: adds their mean elevation change and volume change, with "
                    "uncertainties from correlated errors."), advanced=True)
        self.add(QgsProcessingParameterNumber("SEED", tr("Seed"), QgsProcessingParameterNumber.Type.Integer, 0,
                                              minValue=0),
                 tr("Of the sample from which the correlation of errors is told."), advanced=True)

    def _declare_outputs(self) -> None:
        file, raster = QgsProcessingParameterFileDestination, QgsProcessingParameterRasterDestination
        self.add(file("OUTPUT", tr("Report"), tr("HTML files (*.html)")),
                 tr("One HTML file with the figures inside."))
        self.add(file("JSON", tr("Numbers as JSON"), tr("JSON files (*.json)"), None, True, False),
                 tr("All numbers with their definitions, for programs."))
        self.add(file("CSV", tr("Numbers as a table"), tr("CSV files (*.csv)"), None, True, False),
                 tr("One row for each group of cells."))
        self.add(raster("DIFFERENCE", tr("Difference dh"), None, True, False),
                 tr("Reference - aligned, or reference - secondary without an aligned DEM, metres, float32."))
        self.add(QgsProcessingParameterFeatureSink(
            "ZONES_OUTPUT", tr("Zones with changes"), QgsProcessing.SourceType.TypeVectorPolygon, None, True, False),
                 tr("The zones with their mean dh and volume (dh times area) and one standard deviation of each."))
        self.add(QgsProcessingParameterFeatureSink(
            "RESIDUALS", tr("Residuals"), QgsProcessing.SourceType.TypeVectorPoint, None, True, False),
                 tr("The points on the DEM with dh_before, dh_after with an aligned DEM, and stable (1 or 0)."))
        names = {name.upper(): name.upper() for name in NUMBERS}
        self.add_numbers({**names, **{f"{name}_ALIGNED": f"{name} (aligned)" for name in names}})

    def check(self, parameters, context):
        from ..core.statistics.classes import parse_edges

        parse_edges(self.parameterAsString(parameters, "CLASSES", context))
        _refuse_contradictions({name for name in ROLES if parameters.get(name) not in (None, "")},
                               self.parameterAsBoolean(parameters, "IS_DIFFERENCE", context))
        if parameters.get("ZONES_OUTPUT") not in (None, "") and parameters.get("ZONES") in (None, ""):
            raise CommonGroundError(tr("ZONES_OUTPUT needs ZONES: choose a layer of polygons, or leave both empty."))

    def execute(self, parameters, context, progress):
        from ..core.raster.dem import Dem
        from ..core.raster.writing import Stage
        from ..core.report.comparison import compare
        from ..core.report.document import write_csv, write_html, write_json
        from ..core.statistics.classes import parse_edges
        from .shifts_layer import read_blocks
        from .styling import style_difference
        from .zones_layer import read_zones, write_zones

        layer = None
        if parameters.get("POINTS") not in (None, ""):
            layer = PointLayer(self, parameters, context, Part(progress, 0.0, 0.2))
            progress = Part(progress, 0.2, 1.0)
        dems = {name: Dem.open(path, crs=crs) for name, (path, crs) in self._rasters(parameters, context).items()}
        targets = {name: output_path(self, parameters, name, context) for name in FILES}
        crs = dems.get("REFERENCE", dems.get("SECONDARY")).grid.crs
        points = layer.heights() if layer else None
        shifts = self.parameterAsSource(parameters, "SHIFTS", context)
        classes = self.parameterAsString(parameters, "CLASSES", context)
        seed = self.parameterAsInt(parameters, "SEED", context)
        with Stage() as stage:
            staged = {name: stage.path(target) for name, target in targets.items()}
            model = compare(
                dems.get("REFERENCE", points), dems.get("SECONDARY", points), dems.get("ALIGNED"),
                terrain=stable_terrain(self, parameters, context, crs), edges=parse_edges(classes), progress=progress,
                blocks=read_blocks(shifts) if shifts else (), difference=staged["DIFFERENCE"], detail=True,
                cover=self._cover(parameters, context), zones=read_zones(self, parameters, context, crs), seed=seed,
                given=self.parameterAsBoolean(parameters, "IS_DIFFERENCE", context),
                parameters={"slope classes": f"{classes} degrees", "seed": seed},
            )
            model.versions["QGIS"] = Qgis.QGIS_VERSION
            if staged["OUTPUT"]:
                write_html(model, staged["OUTPUT"], progress=progress)
            for write, name in ((write_json, "JSON"), (write_csv, "CSV")):
                if staged[name]:
                    write(model, staged[name])
            written = write_zones(self, parameters, context, model.zones)
            if layer:
                found = model.residuals
                written.update(layer.write_residuals(self, parameters, context, found.source, found.stable, found.dh))
        if targets["DIFFERENCE"]:
            style_difference(context, targets["DIFFERENCE"], model.limit)
        return {**{name: path for name, path in targets.items() if path}, **written, **_numbers(model.stable)}

    def _rasters(self, parameters, context) -> dict:
        """`(path, crs)` of the DEMs that are chosen."""
        return {name: raster_source(self, parameters, name, context) for name in ("REFERENCE", "SECONDARY", "ALIGNED")
                if parameters.get(name) not in (None, "")}

    def _cover(self, parameters, context):
        """The land-cover raster, None where empty."""
        from ..core.raster.masks import open_mask

        if parameters.get("LANDCOVER") in (None, ""):
            return None
        path, crs = raster_source(self, parameters, "LANDCOVER", context)
        return open_mask(path, crs=crs)


def _refuse_contradictions(named: set, given: bool) -> None:
    """Raise CommonGroundError where what is `named` cannot be compared; `given`: IS_DIFFERENCE."""
    empty = [name for name in ("REFERENCE", "SECONDARY") if name not in named]
    if "POINTS" not in named:
        lonely = [name for name in ("HEIGHT_FIELD", "RESIDUALS") if name in named]
        if lonely:
            raise CommonGroundError(tr("{name} needs POINTS: choose a layer of points, or leave both empty.").format(
                name=lonely[0]))
        if empty:
            raise CommonGroundError(tr("{name} is missing: choose a DEM, or POINTS in its place.").format(
                name=empty[0]))
        if given and "ALIGNED" in named:
            raise CommonGroundError(tr("IS_DIFFERENCE and ALIGNED exclude each other: leave ALIGNED empty."))
        return
    if len(empty) != 1:
        raise CommonGroundError(tr("POINTS take the place of one DEM: choose either SECONDARY (dh = point - DEM) or "
                                   "REFERENCE (dh = DEM - point), and leave the other one empty."))
    if given:
        raise CommonGroundError(tr("IS_DIFFERENCE is for a raster of differences: with POINTS leave it off."))
    if "DIFFERENCE" in named:
        raise CommonGroundError(tr("DIFFERENCE is a raster: with POINTS leave it empty; RESIDUALS holds their dh."))
    if empty == ["SECONDARY"] and "ALIGNED" in named:
        raise CommonGroundError(tr("ALIGNED is the secondary DEM after coregistration: choose that DEM as SECONDARY, "
                                   "and leave REFERENCE to the POINTS."))


def _numbers(stable) -> dict:
    """The declared numbers; those after an alignment are NaN without one."""
    before = {name.upper(): getattr(stable.before, name) for name in NUMBERS}
    after = {f"{name.upper()}_ALIGNED": getattr(stable.after, name, math.nan) for name in NUMBERS}
    return {**before, **after}
