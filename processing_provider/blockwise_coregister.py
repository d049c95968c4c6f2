"""Blockwise Coregister: a secondary DEM moved onto a reference, differently in each corner."""

from __future__ import annotations

import os
from dataclasses import replace

from qgis.core import (
    Qgis,
    QgsProcessing,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from .automatic_terrain import declare_automatic_terrain, declare_stable_mask, is_automatic, terrain_used
from .base import CommonGroundAlgorithm, tr
from .beforehand import declare_beforehand, read_beforehand, tell_beforehand
from .frame_parameters import without_empty_choices
from .parameters import (
    arrange_outputs,
    check_block_size,
    check_layout,
    chosen,
    declare_layout,
    declare_settings,
    declare_stable_terrain,
    declare_terms,
    declare_workers,
    fit_settings,
    output_path,
    raster_source,
    stable_terrain,
)

RASTERS = ("OUTPUT", "DIFFERENCE_BEFORE", "DIFFERENCE_AFTER")
FILES = ("OUTPUT", "SHIFT_RASTERS", "SHIFT_MODEL", "DIFFERENCE_BEFORE", "DIFFERENCE_AFTER", "STABLE_MASK", "REPORT",
         "JSON")


class BlockwiseCoregister(CommonGroundAlgorithm):
    """Finds the shift of every block, a field through them, and warps the secondary by it once."""

    ID = "blockwisecoregister"
    GROUP = "coregistration"
    TAGS = ("coregistration", "co-registration", "dem", "nuth", "kaab", "nuth & kääb", "shift", "blockwise", "align",
            "lzd", "difference", "xdem")

    def display_name(self):
        return tr("Blockwise Coregister")

    def help_text(self):
        return tr(
            "Moves a secondary DEM onto a reference where each block of stable terrain says it lies. A global shift is "
            "found first, over many cells if need be, then one for every block with its standard error, then a smooth "
            "field through all stable terrain; the secondary is warped by it once, from its original pixels. Shifts "
            "are metres to add to the secondary's position and height; dh = reference - secondary.\n\n"
            "Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011; Li et al. (2023), doi:10.5194/tc-17-5299-2023."
        )

    def initAlgorithm(self, configuration=None):
        self._declare_inputs()
        self._declare_settings()
        self._declare_outputs()

    def _declare_inputs(self) -> None:
        raster = QgsProcessingParameterRasterLayer
        self.add(raster("REFERENCE", tr("Reference DEM")), tr("The DEM that is taken to lie right."))
        self.add(raster("SECONDARY", tr("Secondary DEM")),
                 tr("The DEM to move; any grid and CRS."))
        declare_stable_terrain(self)

    def _declare_settings(self) -> None:
        declare_settings(self)
        declare_automatic_terrain(self)
        declare_beforehand(self)
        declare_terms(self)
        declare_workers(self)
        declare_layout(self)

    def _declare_outputs(self) -> None:
        raster, file = QgsProcessingParameterRasterDestination, QgsProcessingParameterFileDestination
        self.add(raster("OUTPUT", tr("Aligned DEM")), tr("The secondary, moved; float32."))
        self.add(QgsProcessingParameterFeatureSink("SHIFTS", tr("Shifts by block"),
                                                   QgsProcessing.SourceType.TypeVectorPolygon, None, True, True),
                 tr("A polygon for each block with its shift, sigma, status and the reason for it."))
        self.add(raster("SHIFT_RASTERS", tr("Shift rasters"), None, True, False),
                 tr("dx, dy and dz (m) as three bands: the exact field, which Apply Shifts replays to the last bit."))
        self.add(file("SHIFT_MODEL", tr("PROJ deformation model"), tr("JSON files (*.json)"), None, True, False),
                 tr("The field for stock PROJ and GDAL: +inv +proj=defmodel moves the secondary onto the reference."))
        self.add(raster("DIFFERENCE_BEFORE", tr("Difference before"), None, True, False),
                 tr("Reference - secondary, metres."))
        self.add(raster("DIFFERENCE_AFTER", tr("Difference after"), None, True, False),
                 tr("Reference - aligned, metres."))
        declare_stable_mask(self)
        self.add(file("REPORT", tr("Report"), tr("HTML files (*.html)"), None, True, False),
                 tr("Numbers and figures in one HTML file."))
        self.add(file("JSON", tr("Numbers as JSON"), tr("JSON files (*.json)"), None, True, False),
                 tr("All numbers with their definitions, for programs."))
        self.add_numbers({
            "NMAD_BEFORE": tr("NMAD before (m)"), "NMAD_AFTER": tr("NMAD after (m)"),
            "MEDIAN_BEFORE": tr("Median dh before (m)"), "MEDIAN_AFTER": tr("Median dh after (m)"),
            "SHIFT_X": tr("Global shift east (m)"), "SHIFT_Y": tr("Global shift north (m)"),
            "SHIFT_Z": tr("Global shift up (m)"), "BLOCKS": tr("Blocks"), "BLOCKS_USED": tr("Blocks used"),
        })

    def check(self, parameters, context):
        check_block_size(self, parameters, context)
        fit_settings(self, parameters, context).check()
        read_beforehand(self, parameters, context)
        check_layout(self, parameters, RASTERS, context)

    def checkParameterValues(self, parameters, context):
        return super().checkParameterValues(without_empty_choices(self, parameters), context)

    def companions(self, outputs):
        model = outputs.get("SHIFT_MODEL")
        return {"SHIFT_MODEL's GeoTIFF": f"{os.path.splitext(model)[0]}.tif"} if model else {}

    def execute(self, parameters, context, progress):
        from ..core.coregistration.coregister import coregister
        from ..core.executors import open_executor
        from ..core.progress import Part
        from ..core.raster.writing import Stage, scratch_file
        from .shifts_layer import write_blocks

        pair = self._pair(parameters, context)
        settings = fit_settings(self, parameters, context)
        targets = {name: output_path(self, parameters, name, context) for name in FILES}
        known = tell_beforehand(self, parameters, context, pair.reference, pair.secondary, progress)
        with Stage() as stage, scratch_file(targets["OUTPUT"]) as scratch:
            staged = {name: stage.path(target) for name, target in targets.items()}
            workers = self.parameterAsInt(parameters, "WORKERS", context)
            with open_executor(workers, self.parameterAsString(parameters, "SCHEDULER", context)) as executor:
                pair, notes = terrain_used(self, parameters, context, pair, settings.seed, staged["STABLE_MASK"],
                                           scratch, executor, Part(progress, 0.0, 0.1))
                found = coregister(pair, settings, executor, Part(progress, 0.1, 0.7))
                found = replace(found, notes=(*notes, *found.notes))
                for note in found.notes:
                    progress.info(note)
                self._warp(parameters, context, pair, found, targets, staged, executor, Part(progress, 0.7, 0.85))
            model = self._compare(parameters, context, pair, settings, found, known, staged, Part(progress, 0.85, 0.97))
            arrange_outputs(self, parameters, context, [staged[name] for name in RASTERS], Part(progress, 0.97, 1.0))
            results = write_blocks(self, parameters, context, found.blocks, pair.reference.grid.crs)
        self._style(context, targets, results.get("SHIFTS"), model, found)
        return {**{name: path for name, path in targets.items() if path}, **results, **_numbers(model, found)}

    def _pair(self, parameters, context):
        from ..core.coregistration.terrain_window import Pair
        from ..core.raster.dem import Dem
        from ..core.report.comparison import refuse_same_file

        reference, secondary = (Dem.open(path, crs=crs) for path, crs in (
            raster_source(self, parameters, name, context) for name in ("REFERENCE", "SECONDARY")))
        refuse_same_file(reference, secondary)
        return Pair(reference, secondary, stable_terrain(self, parameters, context, reference.grid.crs))

    def _warp(self, parameters, context, pair, found, targets, staged, executor, progress) -> None:
        from ..core.coregistration.deformation_model import write_deformation_model
        from ..core.coregistration.warp import replay_tags, warp

        kernel = chosen(self, parameters, "RESAMPLING", context)
        on_secondary = chosen(self, parameters, "GRID", context) == "secondary"
        grid = pair.secondary.grid if on_secondary else pair.reference.grid
        warp(found.secondary, found.field, grid, kernel, staged["OUTPUT"], executor, progress)
        if staged["SHIFT_RASTERS"]:
            found.field.write(staged["SHIFT_RASTERS"], replay_tags(pair.secondary, grid, kernel, found.motion))
        if staged["SHIFT_MODEL"]:
            write_deformation_model(found.field, staged["SHIFT_MODEL"],
                                    f"{pair.secondary.name} onto {pair.reference.name}",
                                    os.path.dirname(os.path.abspath(targets["SHIFT_MODEL"])))

    def _compare(self, parameters, context, pair, settings, found, known, staged, progress):
        from ..core.raster.dem import Dem
        from ..core.report.comparison import compare
        from ..core.report.document import write_html, write_json

        kernel = chosen(self, parameters, "RESAMPLING", context)
        model = compare(
            pair.reference, pair.secondary, Dem.open(staged["OUTPUT"], crs=""), pair.terrain, kernel=kernel,
            progress=progress, blocks=found.blocks, difference=staged["DIFFERENCE_AFTER"],
            difference_before=staged["DIFFERENCE_BEFORE"], workers=self.parameterAsInt(parameters, "WORKERS", context),
            parameters={"method": settings.method, "block size": f"{settings.block_size} cells",
                        "overlap": f"{settings.overlap:g}", "field": settings.field, "resampling": kernel,
                        "seed": settings.seed, **_motion(settings),
                        **({"stable terrain": "automatic"} if is_automatic(self, parameters, context) else {})},
        )
        model = replace(model, beforehand=known.against(found.shift, found.sigma))
        model.versions["QGIS"] = Qgis.QGIS_VERSION
        if staged["REPORT"]:
            write_html(model, staged["REPORT"], tr("Blockwise coregistration"), _sections(found), progress)
        if staged["JSON"]:
            write_json(model, staged["JSON"])
        return model

    def _style(self, context, targets, shifts, model, found) -> None:
        from .styling import style_dem, style_difference, style_shifts

        style_dem(context, targets["OUTPUT"])
        for name in ("DIFFERENCE_BEFORE", "DIFFERENCE_AFTER"):
            if targets[name]:
                style_difference(context, targets[name], model.limit)
        if shifts:
            run = _run(model, found)
            run["layers"] = {name.lower(): targets[name] for name in ("DIFFERENCE_BEFORE", "DIFFERENCE_AFTER")
                             if targets[name]}
            style_shifts(context, shifts, run)


def _sections(found) -> tuple:
    from ..core.report import html

    return (html.Section(tr("What was done"), "".join(html.paragraph(note) for note in found.notes)),)


def _motion(settings) -> dict:
    asked = ("rotation",) * settings.rotation + settings.terms
    return {"solved beside the shift": ", ".join(asked)} if asked else {}


def _used(found) -> int:
    return sum(block.usable for block in found.blocks)


def _numbers(model, found) -> dict:
    before, after = model.stable.before, model.stable.after
    return {
        "NMAD_BEFORE": before.nmad, "NMAD_AFTER": after.nmad,
        "MEDIAN_BEFORE": before.median, "MEDIAN_AFTER": after.median,
        "SHIFT_X": float(found.shift[0]), "SHIFT_Y": float(found.shift[1]), "SHIFT_Z": float(found.shift[2]),
        "BLOCKS": len(found.blocks), "BLOCKS_USED": _used(found),
    }


def _run(model, found) -> dict:
    """What the dock shows of this run."""
    numbers = _numbers(model, found)
    histogram, quantiles = model.histogram, model.quantiles
    return {
        "title": f"{model.secondary.name} \u2192 {model.reference.name}", "created": model.started,
        "reference": model.reference.name, "secondary": model.secondary.name,
        "nmad_before": numbers["NMAD_BEFORE"], "nmad_after": numbers["NMAD_AFTER"],
        "median_before": numbers["MEDIAN_BEFORE"], "median_after": numbers["MEDIAN_AFTER"],
        "shift": [float(value) for value in found.shift],
        "blocks_used": numbers["BLOCKS_USED"], "blocks": numbers["BLOCKS"], "cells": model.stable.before.count,
        "histogram": {"edges": histogram.edges.tolist(), "before": histogram.before.tolist(),
                      "after": histogram.after.tolist()},
        "quantiles": {"scores": quantiles.scores.tolist(), "before": quantiles.before.tolist(),
                      "after": quantiles.after.tolist()},
    }
