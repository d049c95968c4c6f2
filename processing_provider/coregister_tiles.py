"""Coregister Tiles: many DEM tiles onto one reference, each by its own shift field."""

from __future__ import annotations

import os

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ..core.errors import CommonGroundError, RasterError
from .automatic_terrain import declare_automatic_terrain, is_automatic
from .base import CommonGroundAlgorithm, tr
from .parameters import (
    check_block_size,
    chosen,
    declare_layout,
    declare_settings,
    declare_stable_terrain,
    declare_terms,
    declare_workers,
    fit_settings,
    output_path,
    raster_source,
    raster_source_of,
    stable_terrain,
)

TEXTS = ("tile", "status", "reason", "aligned")
INTEGERS = ("blocks", "blocks_used", "count")
NAMES = ("tile", "status", "reason", "dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz", *INTEGERS, "nmad_before",
         "nmad_after", "median_before", "median_after", "seconds", "aligned")


class CoregisterTiles(CommonGroundAlgorithm):
    """Aligns each tile with Blockwise Coregister's core, remembers what is done, and sums it all up."""

    ID = "coregistertiles"
    GROUP = "coregistration"
    TAGS = ("coregistration", "co-registration", "dem", "tiles", "mosaic", "batch", "vrt", "blockwise", "align",
            "resume", "nuth", "kaab", "nuth & kääb", "shift")

    def display_name(self):
        return tr("Coregister Tiles")

    def help_text(self):
        return tr(
            "Moves every tile of a folder, a list or a virtual raster (VRT) onto one reference as Blockwise Coregister "
            "would, each by its own shift field, several at a time. A tile that cannot be aligned is named with its "
            "reason, and the others go on.\n\n"
            "The folder of the results keeps a journal, tiles.jsonl. A run that was cancelled or killed goes on where "
            "it ended: tiles that are done are not done again unless their file, the reference, the stable terrain "
            "around them or a setting has changed, or a result is missing.\n\n"
            "Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023."
        )

    def initAlgorithm(self, configuration=None):
        self.add(QgsProcessingParameterRasterLayer("REFERENCE", tr("Reference DEM")),
                 tr("The DEM that is taken to lie right; it may be far larger than a tile."))
        self.add(QgsProcessingParameterMultipleLayers("SECONDARIES", tr("DEM tiles"),
                                                      QgsProcessing.SourceType.TypeRaster, optional=True),
                 tr("The DEMs to move, any grid and CRS each; of a VRT its member files. For thousands of tiles a "
                    "VRT or FOLDER starts much faster than a list."))
        self.add(QgsProcessingParameterFile("FOLDER", tr("Folder of DEM tiles"),
                                            QgsProcessingParameterFile.Behavior.Folder, optional=True),
                 tr("All rasters in it and in the folders within; VRTs, hidden files and OUTPUT are left out."))
        declare_stable_terrain(self)
        declare_settings(self)
        declare_automatic_terrain(self)
        declare_terms(self)
        declare_workers(self)
        declare_layout(self)
        self.add(QgsProcessingParameterFolderDestination("OUTPUT", tr("Folder of the results")),
                 tr("Gets for each tile an aligned DEM (_aligned.tif), shift rasters (_shift_rasters.tif) and shifts "
                    "by block (_shifts.gpkg), named after it, with AUTO_STABLE the mask of the stable terrain used "
                    "(_stable.tif), and the journal. One run at a time writes into it."))
        self.add(QgsProcessingParameterFeatureSink("SUMMARY", tr("Summary of the tiles"),
                                                   QgsProcessing.SourceType.TypeVectorPolygon, None, True, True),
                 tr("The outline of each tile: status (done, unchanged, refused), reason, global shift with sigmas "
                    "(m), blocks, NMAD and median before and after (m), seconds, and the aligned DEM's file."))
        self.add(QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("HTML files (*.html)"), None, True,
                                                       False),
                 tr("Overview map, worst tiles and table in one HTML file."))
        self.add_numbers({
            "TILES": tr("Tiles"), "TILES_DONE": tr("Tiles done"), "TILES_UNCHANGED": tr("Tiles unchanged"),
            "TILES_REFUSED": tr("Tiles refused"), "NMAD_BEFORE": tr("NMAD before (m)"),
            "NMAD_AFTER": tr("NMAD after (m)"),
        })

    def check(self, parameters, context):
        check_block_size(self, parameters, context)
        if not any(parameters.get(name) for name in ("SECONDARIES", "FOLDER")):
            raise CommonGroundError(tr("Give SECONDARIES or FOLDER: one of them must name the tiles."))
        folder = self.parameterAsFile(parameters, "FOLDER", context)
        if folder and not folder.startswith("/vsi") and not os.path.isdir(folder):
            raise CommonGroundError(tr("FOLDER: there is no folder {folder}.").format(folder=folder))

    def execute(self, parameters, context, progress):
        from ..core.coregistration.tiles import Plan, align_tiles
        from ..core.progress import Part
        from ..core.raster.dem import Dem

        path, crs = raster_source(self, parameters, "REFERENCE", context)
        reference = Dem.open(path, crs=crs)
        folder = self.parameterAsString(parameters, "OUTPUT", context)
        tiles = self._tiles(parameters, context, folder, reference)
        plan = Plan(fit_settings(self, parameters, context), chosen(self, parameters, "RESAMPLING", context),
                    chosen(self, parameters, "GRID", context), is_automatic(self, parameters, context),
                    chosen(self, parameters, "LAYOUT", context))
        results = align_tiles(
            tiles, reference, stable_terrain(self, parameters, context, reference.grid.crs), plan, folder,
            self.parameterAsInt(parameters, "WORKERS", context),
            self.parameterAsString(parameters, "SCHEDULER", context), Part(progress, 0.0, 0.97))
        report = output_path(self, parameters, "REPORT", context)
        if report:
            self._report(results, reference, folder, plan, report)
        written = self._write_summary(parameters, context, results, reference, folder)
        return {"OUTPUT": folder, **written, **({"REPORT": report} if report else {}), **_numbers(results)}

    def _tiles(self, parameters, context, folder, reference) -> list:
        """The tiles with names of their own. Raises RasterError without any."""
        from ..core.coregistration.tiles import TileFile
        from ..core.raster.tile_files import members, rasters_in, unique_names

        source = self.parameterAsFile(parameters, "FOLDER", context)
        found = [(path, "") for path in rasters_in(source, folder)] if source else []
        found += [(member, crs) for path, crs in self._listed(parameters, context) for member in members(path)]
        unique: dict = {}
        for path, crs in found:
            unique.setdefault(os.path.realpath(path), (path, crs))
        unique.pop(os.path.realpath(reference.path), None)
        if not unique:
            raise RasterError("There is no tile: FOLDER or SECONDARIES must hold rasters other than the reference.")
        names = unique_names([path for path, _ in unique.values()])
        return [TileFile(name, path, crs) for name, (path, crs) in zip(names, unique.values())]

    def _listed(self, parameters, context) -> list:
        """`(path, crs)` of SECONDARIES; files are not made layers, which would cost more than aligning small ones."""
        value = parameters.get("SECONDARIES") or []
        values = value if isinstance(value, (list, tuple)) else [value]
        if all(isinstance(each, str) and (os.path.isfile(each) or each.startswith("/vsi")) for each in values):
            return [(each, "") for each in values]
        if all(isinstance(each, QgsMapLayer) for each in values):
            return [raster_source_of(each, "SECONDARIES") for each in values]
        return [raster_source_of(layer, "SECONDARIES")
                for layer in self.parameterAsLayerList(parameters, "SECONDARIES", context)]

    def _report(self, results, reference, folder, plan, path) -> None:
        from ..core.report.tile_report import write_tile_html

        settings = plan.settings
        write_tile_html(results, reference, folder, {
            "method": settings.method, "block size": f"{settings.block_size} cells",
            "overlap": f"{settings.overlap:g}", "field": settings.field, "resampling": plan.kernel,
            "grid": plan.grid, "seed": settings.seed, "rotation": settings.rotation,
            "terms": ", ".join(settings.terms) or "none",
            "stable terrain": "automatic" if plan.auto_stable else "as given"}, path)

    def _write_summary(self, parameters, context, results, reference, folder) -> dict:
        from ..core.coregistration.tiles import outputs
        from .styling import style_tiles
        from .whole_sink import WholeSink

        if parameters.get("SUMMARY") in (None, ""):
            return {}
        fields = QgsFields()
        for name in NAMES:
            kind = QVariant.String if name in TEXTS else QVariant.Int if name in INTEGERS else QVariant.Double
            fields.append(QgsField(name, kind))
        features = []
        for result in results:
            feature = QgsFeature(fields)
            if result.footprint:
                feature.setGeometry(QgsGeometry.fromPolygonXY([[QgsPointXY(x, y) for x, y in result.footprint]]))
            values = {**vars(result), "tile": result.name,
                      "aligned": outputs(folder, result.name)[-1] if result.aligned else ""}
            feature.setAttributes([None if values[name] != values[name] else values[name] for name in NAMES])
            features.append(feature)
        crs = QgsCoordinateReferenceSystem.fromWkt(reference.grid.crs)
        with WholeSink(self, parameters, "SUMMARY", context, fields, QgsWkbTypes.Type.Polygon, crs) as sink:
            sink.add(features)
        style_tiles(context, sink.destination)
        return {"SUMMARY": sink.destination}


def _numbers(results) -> dict:
    from ..core.coregistration.tiles import pooled

    known = pooled(results)
    counts = {f"TILES_{status.upper()}": sum(result.status == status for result in results)
              for status in ("done", "unchanged", "refused")}
    return {"TILES": len(results), **counts,
            **{name.upper(): known[name] for name in ("nmad_before", "nmad_after") if name in known}}
