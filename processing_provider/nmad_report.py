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
from .base import CommonGroundAlgorithm, tr
from .parameters import output_path, raster_source, refuse_overwriting, stable_terrain

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
            "size, grid and CRS."
        )

    def initAlgorithm(self, configuration=None):
        self._declare_inputs()
        self._declare_outputs()

    def _declare_inputs(self) -> None:
        polygon = [QgsProcessing.SourceType.TypeVectorPolygon]
        raster, vector = QgsProcessingParameterRasterLayer, QgsProcessingParameterFeatureSource
        self.add(raster("REFERENCE", tr("Reference DEM")),
                 tr("The DEM that is taken as right; its grid is used."))
        self.add(raster("SECONDARY", tr("Secondary DEM")),
                 tr("The DEM to judge, on any grid and in any CRS."))
        self.add(raster("ALIGNED", tr("Aligned DEM"), optional=True),
                 tr("The secondary after coregistration: adds the statistics after, on the same cells."))
        self.add(vector("SHIFTS", tr("Shifts by block"), polygon, optional=True),
                 tr("The shifts layer of Blockwise Coregister: adds heat maps of the X, Y and Z shifts."))
        self.add(vector("STABLE", tr("Stable terrain"), polygon, optional=True),
                 tr("Polygons of ground that has not moved; all cells where empty."))
        self.add(vector("UNSTABLE", tr("Unstable terrain"), polygon, optional=True),
                 tr("Polygons to leave out: glaciers, landslides, water, forest."))
        self.add(raster("MASK", tr("Mask of stable terrain"), optional=True),
                 tr("A raster whose non-zero cells are stable terrain."))
        text = QgsProcessingParameterString
        self.add(text("CLASSES", tr("Slope classes (edges in degrees)"), "0,5,15,30,90"),
                 tr("Rising slope edges in degrees with commas between."))
        self.add(QgsProcessingParameterBoolean("IS_DIFFERENCE", tr("The secondary is a difference"), False),
                 tr("SECONDARY already holds dh = reference - secondary, in metres; REFERENCE is only asked for "
                    "its terrain."), advanced=True)
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
        names = {name.upper(): name.upper() for name in NUMBERS}
        self.add_numbers({**names, **{f"{name}_ALIGNED": f"{name} (aligned)" for name in names}})

    def check(self, parameters, context):
        from ..core.statistics.classes import parse_edges

        parse_edges(self.parameterAsString(parameters, "CLASSES", context))
        given = self.parameterAsBoolean(parameters, "IS_DIFFERENCE", context)
        if given and parameters.get("ALIGNED") not in (None, ""):
            raise CommonGroundError(tr("IS_DIFFERENCE and ALIGNED exclude each other: leave ALIGNED empty."))
        if parameters.get("ZONES_OUTPUT") not in (None, "") and parameters.get("ZONES") in (None, ""):
            raise CommonGroundError(tr("ZONES_OUTPUT needs ZONES: choose a layer of polygons, or leave both empty."))

    def execute(self, parameters, context, progress):
        from ..core.raster.dem import Dem
        from ..core.report.comparison import compare
        from ..core.report.document import write_csv, write_html, write_json
        from ..core.statistics.classes import parse_edges
        from .shifts_layer import read_blocks
        from .styling import style_difference
        from .zones_layer import read_zones, write_zones

        names = ["REFERENCE", "SECONDARY"]
        if parameters.get("ALIGNED") not in (None, ""):
            names.append("ALIGNED")
        sources = {name: raster_source(self, parameters, name, context) for name in names}
        outputs = {name: output_path(self, parameters, name, context)
                   for name in ("OUTPUT", "JSON", "CSV", "DIFFERENCE")}
        refuse_overwriting({name: path for name, (path, _) in sources.items()}, outputs)
        dems = [Dem.open(path, crs=crs) for path, crs in sources.values()]
        shifts = self.parameterAsSource(parameters, "SHIFTS", context)
        classes = self.parameterAsString(parameters, "CLASSES", context)
        seed = self.parameterAsInt(parameters, "SEED", context)
        zones = read_zones(self, parameters, context, dems[0].grid.crs)
        model = compare(
            *dems, terrain=stable_terrain(self, parameters, context, dems[0].grid.crs),
            edges=parse_edges(classes), progress=progress, blocks=read_blocks(shifts) if shifts else (),
            difference=outputs["DIFFERENCE"], detail=True, cover=self._cover(parameters, context), zones=zones,
            seed=seed, given=self.parameterAsBoolean(parameters, "IS_DIFFERENCE", context),
            parameters={"slope classes": f"{classes} degrees", "seed": seed},
        )
        model.versions["QGIS"] = Qgis.QGIS_VERSION
        for write, name in ((write_html, "OUTPUT"), (write_json, "JSON"), (write_csv, "CSV")):
            if outputs[name]:
                write(model, outputs[name])
        if outputs["DIFFERENCE"]:
            style_difference(context, outputs["DIFFERENCE"], model.limit)
        written = write_zones(self, parameters, context, model.zones)
        return {**{name: path for name, path in outputs.items() if path}, **written, **_numbers(model.stable)}

    def _cover(self, parameters, context):
        """The land-cover raster, None where empty."""
        from ..core.raster.masks import open_mask

        if parameters.get("LANDCOVER") in (None, ""):
            return None
        path, crs = raster_source(self, parameters, "LANDCOVER", context)
        return open_mask(path, crs=crs)


def _numbers(stable) -> dict:
    """The declared numbers; those after an alignment are NaN without one."""
    before = {name.upper(): getattr(stable.before, name) for name in NUMBERS}
    after = {f"{name.upper()}_ALIGNED": getattr(stable.after, name, math.nan) for name in NUMBERS}
    return {**before, **after}
