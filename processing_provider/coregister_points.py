"""Coregister Points: a DEM moved onto points with heights."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..core.progress import Part
from .base import CommonGroundAlgorithm, tr
from .parameters import (
    check_block_size,
    choice,
    chosen,
    declare_field,
    declare_stable_terrain,
    fit_settings,
    output_path,
    raster_source,
    stable_terrain,
)
from .point_layer import PointLayer, field_of_points

METHODS = ["lzd", "nuth_kaab", "vertical_shift"]
FILES = ("OUTPUT", "SHIFT_RASTERS", "REPORT")


class CoregisterPoints(CommonGroundAlgorithm):
    """Finds the shifts that bring a DEM onto points, and warps the DEM by them once."""

    ID = "coregisterpoints"
    GROUP = "coregistration"
    TAGS = ("coregistration", "co-registration", "dem", "points", "icesat-2", "icesat", "gnss", "gps", "lidar",
            "altimetry", "nuth & kääb", "lzd", "shift", "align")

    def display_name(self):
        return tr("Coregister Points")

    def help_text(self):
        return tr(
            "Moves a DEM onto points with heights: altimetry (ICESat-2), GNSS, lidar, from a vector layer or a CSV "
            "added as delimited text. The points are the reference; shifts are metres to add to the DEM's position "
            "and height; dh = point - DEM. One shift for all is found first, over many cells if need be; with "
            "BLOCK_SIZE then one for every block that holds points, and a field through them.\n\n"
            "Points may be in any CRS: their positions are reprojected, their heights stay as they are and must be "
            "of the DEM's vertical datum. The slope of the ground comes from the DEM: noise of the points cannot "
            "bias the shift, and the DEM's own is kept out by taking slopes from other cells than heights. Points "
            "in one straight line, or on flat ground, tell little of the horizontal shift; their sigma says so.\n\n"
            "Li et al. (2023), doi:10.5194/tc-17-5299-2023; Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011."
        )

    def initAlgorithm(self, configuration=None):
        self._declare_inputs()
        self._declare_settings()
        self._declare_outputs()

    def _declare_inputs(self) -> None:
        raster, vector = QgsProcessingParameterRasterLayer, QgsProcessingParameterFeatureSource
        self.add(vector("POINTS", tr("Points"), [QgsProcessing.SourceType.TypeVectorPoint]),
                 tr("The points that are taken to lie right, with heights in Z or in a field."))
        self.add(field_of_points("HEIGHT_FIELD", tr("Height field"), numeric=True),
                 tr("Heights in metres; empty: the points' Z."))
        self.add(raster("SECONDARY", tr("Secondary DEM")), tr("The DEM to move; any grid and CRS."))
        declare_stable_terrain(self)
        self.add(field_of_points("GROUP_FIELD", tr("Group field")),
                 tr("Tracks, flights or days: the report compares their residuals."))

    def _declare_settings(self) -> None:
        number, kinds = QgsProcessingParameterNumber, QgsProcessingParameterNumber.Type
        self.add(choice("METHOD", tr("Method"), METHODS, "lzd"),
                 tr("How a shift is found: lzd (robust least squares on the gradient), nuth_kaab (cosine of aspect), "
                    "vertical_shift (height alone; for few points or flat ground)."))
        self.add(number("BLOCK_SIZE", tr("Block size (cells of the DEM)"), kinds.Integer, 0, False, 0),
                 tr("The largest side of a block; 0: one global shift. Blocks with fewer than 30 points take "
                    "their neighbours' shift."))
        declare_field(self)
        self.add(number("SEED", tr("Seed"), kinds.Integer, 0, False, 0),
                 tr("Of very many points a sample is taken; the same seed draws the same ones."))

    def _declare_outputs(self) -> None:
        raster, sink = QgsProcessingParameterRasterDestination, QgsProcessingParameterFeatureSink
        self.add(raster("OUTPUT", tr("Aligned DEM")), tr("The secondary, moved, on its own grid; float32."))
        self.add(sink("SHIFTS", tr("Shifts by block"), QgsProcessing.SourceType.TypeVectorPolygon, None, True, True),
                 tr("A polygon for each block with its shift, sigma, status and the reason for it."))
        self.add(raster("SHIFT_RASTERS", tr("Shift rasters"), None, True, False),
                 tr("dx, dy and dz (m) as three bands: the exact field, which Apply Shifts replays to the last bit."))
        self.add(sink("RESIDUALS", tr("Residuals"), QgsProcessing.SourceType.TypeVectorPoint, None, True, False),
                 tr("The points on the DEM with dh_before and dh_after (m), and stable (1 or 0)."))
        self.add(QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("HTML files (*.html)"), None, True,
                                                       False),
                 tr("Numbers, groups and figures in one HTML file."))
        self.add_numbers({
            "NMAD_BEFORE": tr("NMAD before (m)"), "NMAD_AFTER": tr("NMAD after (m)"),
            "MEDIAN_BEFORE": tr("Median dh before (m)"), "MEDIAN_AFTER": tr("Median dh after (m)"),
            "SHIFT_X": tr("Global shift east (m)"), "SHIFT_Y": tr("Global shift north (m)"),
            "SHIFT_Z": tr("Global shift up (m)"), "BLOCKS": tr("Blocks"), "BLOCKS_USED": tr("Blocks used"),
            "COUNT": tr("Stable points compared"),
        })

    def check(self, parameters, context):
        check_block_size(self, parameters, context)

    def execute(self, parameters, context, progress):
        from ..core.coregistration.point_window import PointPair, coregister_points, differences
        from ..core.coregistration.points import on_stable
        from ..core.executors import open_executor
        from ..core.raster.dem import Dem
        from ..core.raster.writing import Stage
        from .shifts_layer import write_blocks

        path, crs = raster_source(self, parameters, "SECONDARY", context)
        secondary = Dem.open(path, crs=crs)
        terrain = stable_terrain(self, parameters, context, secondary.grid.crs)
        layer = PointLayer(self, parameters, context, Part(progress, 0.0, 0.15))
        points = layer.on(secondary)
        targets = {name: output_path(self, parameters, name, context) for name in FILES}
        pair = PointPair.of(points, secondary, terrain)
        progress.info(tr("{all} points, {on} on the DEM, {stable} of them on stable terrain.").format(
            all=layer.size, on=len(points), stable=len(pair.reference)))
        settings = fit_settings(self, parameters, context)
        with Stage() as stage, open_executor() as executor:
            staged = {name: stage.path(target) for name, target in targets.items()}
            found = coregister_points(pair, settings, executor, Part(progress, 0.15, 0.6))
            for note in found.notes:
                progress.info(note)
            self._warp(parameters, context, secondary, found, staged, executor, Part(progress, 0.6, 0.8))
            dh = differences(points, secondary, found.field, executor, Part(progress, 0.8, 0.9))
            stable = on_stable(points, terrain)
            model = self._compare(parameters, context, layer, points, secondary, stable, dh, found, staged, progress)
            results = layer.write_residuals(self, parameters, context, points.source, stable, dh)
            results.update(write_blocks(self, parameters, context, found.blocks, points.grid.crs))
        self._style(context, targets, results, model, found)
        return {**{name: target for name, target in targets.items() if target}, **results, **_numbers(model, found)}

    def _warp(self, parameters, context, secondary, found, staged, executor, progress) -> None:
        from ..core.coregistration.warp import replay_tags, warp

        kernel = chosen(self, parameters, "RESAMPLING", context)
        warp(secondary, found.field, secondary.grid, kernel, staged["OUTPUT"], executor, progress)
        if staged["SHIFT_RASTERS"]:
            found.field.write(staged["SHIFT_RASTERS"], replay_tags(secondary, secondary.grid, kernel))

    def _compare(self, parameters, context, layer, points, secondary, stable, dh, found, staged, progress):
        from ..core.report.point_comparison import compare_points, write_point_html

        settings = fit_settings(self, parameters, context)
        model = compare_points(
            points, secondary, stable, dh, layer.groups, found, progress=progress,
            parameters={"method": settings.method, "block size": f"{settings.block_size} cells",
                        "overlap": f"{settings.overlap:g}", "field": settings.field,
                        "resampling": chosen(self, parameters, "RESAMPLING", context), "seed": settings.seed})
        if staged["REPORT"]:
            write_point_html(model, staged["REPORT"])
        return model

    def _style(self, context, targets, results, model, found) -> None:
        from .styling import style_dem, style_shifts

        style_dem(context, targets["OUTPUT"])
        if results.get("SHIFTS"):
            style_shifts(context, results["SHIFTS"], _run(model, found))


def _numbers(model, found) -> dict:
    before, after = model.stable.before, model.stable.after
    return {
        "NMAD_BEFORE": before.nmad, "NMAD_AFTER": after.nmad,
        "MEDIAN_BEFORE": before.median, "MEDIAN_AFTER": after.median,
        "SHIFT_X": float(found.shift[0]), "SHIFT_Y": float(found.shift[1]), "SHIFT_Z": float(found.shift[2]),
        "BLOCKS": len(found.blocks), "BLOCKS_USED": sum(block.usable for block in found.blocks),
        "COUNT": before.count,
    }


def _run(model, found) -> dict:
    """What the dock shows of this run."""
    numbers = _numbers(model, found)
    histogram = model.histogram
    return {
        "title": f"{model.secondary.name} \u2192 {model.points}", "created": model.started,
        "reference": model.points, "secondary": model.secondary.name,
        "nmad_before": numbers["NMAD_BEFORE"], "nmad_after": numbers["NMAD_AFTER"],
        "median_before": numbers["MEDIAN_BEFORE"], "median_after": numbers["MEDIAN_AFTER"],
        "shift": [float(value) for value in found.shift],
        "blocks_used": numbers["BLOCKS_USED"], "blocks": numbers["BLOCKS"], "cells": numbers["COUNT"],
        "histogram": {"edges": histogram.edges.tolist(), "before": histogram.before.tolist(),
                      "after": histogram.after.tolist()},
    }
