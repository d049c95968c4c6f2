"""Apply Shifts: a saved shift field, replayed on any raster of the same flight."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..core.errors import CommonGroundError
from .base import CommonGroundAlgorithm, tr
from .parameters import check_layout, chosen, declare_layout, output_path, raster_source


class ApplyShifts(CommonGroundAlgorithm):
    """Warps a raster by SHIFT_RASTERS exactly, or by a field interpolated through SHIFTS."""

    ID = "applyshifts"
    GROUP = "coregistration"
    TAGS = ("coregistration", "shift", "apply", "warp", "orthophoto", "dem")

    def display_name(self):
        return tr("Apply Shifts")

    def help_text(self):
        return tr(
            "Moves a raster by the shifts that Blockwise Coregister saved. The shift rasters hold the exact field: on "
            "the secondary DEM they give its aligned DEM again, to the last bit, on the same grid. The shifts layer "
            "gives a smooth field through its used blocks. A raster with cells of its own, an orthophoto say, keeps "
            "them."
        )

    def initAlgorithm(self, configuration=None):
        raster = QgsProcessingParameterRasterLayer
        self.add(raster("INPUT", tr("Raster to move")), tr("The secondary DEM, or an image of the same flight."))
        self.add(raster("SHIFT_RASTERS", tr("Shift rasters"), optional=True),
                 tr("Three bands dx, dy, dz (m) as Blockwise Coregister writes them: the exact field."))
        self.add(QgsProcessingParameterFeatureSource("SHIFTS", tr("Shifts by block"),
                                                     [QgsProcessing.SourceType.TypeVectorPolygon], None, True),
                 tr("The shifts layer; used where no shift rasters are given."))
        self.add(QgsProcessingParameterBoolean("VERTICAL", tr("Add dz to the values"), True),
                 tr("True for DEMs, false for images. Where it is not given, true for a single band of floats or "
                    "signed integers; other rasters must be told."))
        declare_layout(self)
        self.add(QgsProcessingParameterRasterDestination("OUTPUT", tr("Moved raster")),
                 tr("float32 where dz is added, else the type of the input."))

    def check(self, parameters, context):
        given = [name for name in ("SHIFT_RASTERS", "SHIFTS") if parameters.get(name) not in (None, "")]
        if not given:
            raise CommonGroundError(tr("Give SHIFT_RASTERS or SHIFTS: one of them must say how to move the raster."))
        if len(given) == 2:
            raise CommonGroundError(tr("Give SHIFT_RASTERS or SHIFTS, not both."))
        check_layout(self, parameters, ("OUTPUT",), context)

    def execute(self, parameters, context, progress):
        from ..core.coregistration.apply import apply_shifts
        from ..core.coregistration.warp import replayed, unbiased
        from ..core.executors import open_executor
        from ..core.progress import Part
        from ..core.raster.dem import Dem
        from ..core.raster.writing import Stage, arrange

        path, crs = raster_source(self, parameters, "INPUT", context)
        dem = Dem.open(path, crs=crs)
        field, tags = self._field(parameters, context)
        grid, kernel = replayed(tags, dem)
        output = output_path(self, parameters, "OUTPUT", context)
        said = parameters.get("VERTICAL")
        vertical = None if said is None else self.parameterAsBool(parameters, "VERTICAL", context)
        with Stage() as stage, open_executor() as executor:
            staged = stage.path(output)
            apply_shifts(unbiased(tags, dem), field, grid, kernel, vertical, staged, executor,
                         Part(progress, 0.0, 0.9))
            arrange(staged, chosen(self, parameters, "LAYOUT", context), Part(progress, 0.9, 1.0),
                    "NEAREST" if kernel == "nearest" else "AVERAGE")
        return {"OUTPUT": output}

    def _field(self, parameters, context):
        from ..core.coregistration.field_fit import field_from_blocks
        from ..core.coregistration.shift_field import read_shift_rasters
        from .shifts_layer import read_blocks

        if parameters.get("SHIFT_RASTERS") not in (None, ""):
            path, _ = raster_source(self, parameters, "SHIFT_RASTERS", context)
            return read_shift_rasters(path)
        source = self.parameterAsSource(parameters, "SHIFTS", context)
        crs = source.sourceCrs()
        if not crs.isValid():
            raise CommonGroundError(tr("SHIFTS has no coordinate reference system: assign the reference's."))
        wkt = crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT_PREFERRED)
        return field_from_blocks(read_blocks(source), wkt), {}
