"""Correct Bias: ramps, waves and errors that follow the terrain, taken out of a DEM."""

from __future__ import annotations

import json
import math

from qgis.core import (
    Qgis,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..core.errors import CommonGroundError
from ..core.progress import Part
from .base import CommonGroundAlgorithm, tr
from .frame_parameters import given
from .parameters import (
    arrange_outputs,
    check_layout,
    choice,
    chosen,
    declare_layout,
    declare_stable_terrain,
    output_path,
    raster_source,
    stable_terrain,
)

KINDS = ["ramp", "directional", "terrain"]
ATTRIBUTES = ["elevation", "slope", "curvature"]
RASTERS = ("OUTPUT", "BIAS")
FILES = (*RASTERS, "REPORT")
SHORTEST_WAVE = 4  # cells


class CorrectBias(CommonGroundAlgorithm):
    """Fits a bias of dh on stable terrain and adds it to the secondary."""

    ID = "correctbias"
    GROUP = "coregistration"
    TAGS = ("bias", "ramp", "deramp", "tilt", "polynomial", "jitter", "undulation", "along track", "destripe",
            "curvature", "dem", "coregistration", "xdem")

    def display_name(self):
        return tr("Correct Bias")

    def help_text(self):
        return tr(
            "Takes out of a secondary DEM what no shift explains. dh = reference - secondary on stable terrain is "
            "fitted robustly, and the fitted bias is added to the secondary on its own cells, without resampling; "
            "ground that has changed has no say.\n\n"
            "ramp: a polynomial of ORDER 0 to 3 in position. directional: a line and waves along ANGLE, as from the "
            "jitter of a line scanner; a wave is believed where one side of the scene foretells it on the other. "
            "terrain: whatever curve dh follows with the reference's elevation, slope or curvature (as DEMs of unlike "
            "resolution do). Such biases and misplacement resemble each other: coregister first (Blockwise "
            "Coregister), correct, and coregister again if shifts remain. A bias by aspect is a shift.\n\n"
            "Girod et al. (2017), doi:10.3390/rs9070704 (jitter); Gardelle et al. (2012), "
            "doi:10.3189/2012JoG11J175 (curvature)."
        )

    def initAlgorithm(self, configuration=None):
        raster = QgsProcessingParameterRasterLayer
        number, kinds = QgsProcessingParameterNumber, QgsProcessingParameterNumber.Type
        self.add(raster("REFERENCE", tr("Reference DEM")), tr("The DEM that is taken to be right; any grid and CRS."))
        self.add(raster("SECONDARY", tr("Secondary DEM")), tr("The DEM to correct, coregistered beforehand."))
        declare_stable_terrain(self)
        self.add(choice("KIND", tr("Kind of bias"), KINDS, "ramp"),
                 tr("ramp (polynomial of position), directional (waves along an angle), terrain (by an attribute)."))
        self.add(number("ORDER", tr("Order of the ramp"), kinds.Integer, 1, False, 0, 3),
                 tr("0: a constant, 1: a plane, 2 and 3: curved. For KIND=ramp."))
        self.add(number("ANGLE", tr("Angle of the waves (degrees)"), kinds.Double, None, True, -360.0, 360.0),
                 tr("The direction along which the bias varies, clockwise from north; empty: that of the wave which "
                    "stands out most. For KIND=directional."))
        self.add(number("TERMS", tr("Waves, at most"), kinds.Integer, 3, False, 0, 10),
                 tr("How many sinusoids to look for; fewer where the data tell of fewer. For KIND=directional."))
        self.add(choice("ATTRIBUTE", tr("Attribute of the terrain"), ATTRIBUTES, "curvature"),
                 tr("What the bias follows, taken from the reference; cells where that is unknown become void. "
                    "For KIND=terrain."))
        declare_layout(self)
        self._declare_outputs()

    def _declare_outputs(self) -> None:
        raster, file = QgsProcessingParameterRasterDestination, QgsProcessingParameterFileDestination
        self.add(raster("OUTPUT", tr("Corrected DEM")), tr("The secondary plus the bias, on its own cells; float32."))
        self.add(raster("BIAS", tr("Bias"), None, True, False), tr("What was added, metres."))
        self.add(file("REPORT", tr("Report"), tr("HTML files (*.html)"), None, True, False),
                 tr("Numbers and figures in one HTML file."))
        self.add_numbers({
            "NMAD_BEFORE": tr("NMAD before (m)"), "NMAD_AFTER": tr("NMAD after (m)"),
            "MEDIAN_BEFORE": tr("Median dh before (m)"), "MEDIAN_AFTER": tr("Median dh after (m)"),
            "COUNT": tr("Stable cells compared"), "VOIDED": tr("Cells that became void"),
        })
        self.addOutput(QgsProcessingOutputString("COEFFICIENTS", tr("Coefficients (JSON)")))

    def execute(self, parameters, context, progress):
        from ..core.coregistration.bias import correct, draw
        from ..core.coregistration.terrain_window import Pair
        from ..core.executors import open_executor
        from ..core.raster.dem import Dem
        from ..core.raster.writing import Stage
        from ..core.report.comparison import refuse_same_file

        reference, secondary = (Dem.open(path, crs=crs) for path, crs in (
            raster_source(self, parameters, name, context) for name in ("REFERENCE", "SECONDARY")))
        refuse_same_file(reference, secondary)
        pair = Pair(reference, secondary, stable_terrain(self, parameters, context, secondary.grid.crs))
        targets = {name: output_path(self, parameters, name, context) for name in FILES}
        kind = chosen(self, parameters, "KIND", context)
        attribute = chosen(self, parameters, "ATTRIBUTE", context) if kind == "terrain" else ""
        with Stage() as stage, open_executor() as executor:
            staged = {name: stage.path(target) for name, target in targets.items()}
            sample = draw(pair, attribute, Part(progress, 0.0, 0.3))
            bias = self._fit(parameters, context, kind, sample, secondary)
            for name, value in bias.table().items():
                progress.info(f"{name}: {value:.6g}")
            lost = correct(pair, bias, attribute, staged["OUTPUT"], staged["BIAS"], executor,
                           Part(progress, 0.3, 0.6))
            if lost:
                progress.warn(tr("{lost} cells of the secondary became void: the reference's {attribute} is unknown "
                                 "there.").format(lost=lost, attribute=attribute))
            model = self._compare(parameters, context, pair, bias, sample, staged, Part(progress, 0.6, 0.95))
            arrange_outputs(self, parameters, context, [staged[name] for name in RASTERS], Part(progress, 0.95, 1.0))
        self._style(context, targets, model)
        return {**{name: path for name, path in targets.items() if path}, **_numbers(model), "VOIDED": lost,
                "COEFFICIENTS": json.dumps(bias.table())}

    def _fit(self, parameters, context, kind, sample, secondary):
        from ..core.coregistration.bias import fit_ramp, fit_terrain
        from ..core.coregistration.bias_waves import fit_directional

        if kind == "ramp":
            return fit_ramp(sample, self.parameterAsInt(parameters, "ORDER", context))
        if kind == "terrain":
            return fit_terrain(sample, chosen(self, parameters, "ATTRIBUTE", context))
        angle = None
        if given(self, parameters, "ANGLE", context):
            angle = math.radians(self.parameterAsDouble(parameters, "ANGLE", context))
        return fit_directional(sample, angle, self.parameterAsInt(parameters, "TERMS", context),
                               SHORTEST_WAVE * secondary.grid.cell_size() / 1000.0)

    def _compare(self, parameters, context, pair, bias, sample, staged, progress):
        from ..core.raster.dem import Dem
        from ..core.report.bias import bias_section
        from ..core.report.comparison import compare
        from ..core.report.document import write_html

        told = {name.lower(): parameters[name] for name in ("ORDER", "ANGLE", "TERMS", "ATTRIBUTE")
                if given(self, parameters, name, context)}
        model = compare(pair.reference, pair.secondary, Dem.open(staged["OUTPUT"]),
                        stable_terrain(self, parameters, context, pair.reference.grid.crs), progress=progress,
                        parameters={"kind": chosen(self, parameters, "KIND", context), **told})
        model.versions["QGIS"] = Qgis.QGIS_VERSION
        if staged["REPORT"]:
            write_html(model, staged["REPORT"], tr("Bias correction"), (bias_section(bias, sample),), progress)
        return model

    def _style(self, context, targets, model) -> None:
        from .styling import style_dem, style_difference

        style_dem(context, targets["OUTPUT"])
        if targets["BIAS"]:
            style_difference(context, targets["BIAS"], model.limit)

    def check(self, parameters, context):
        kind = chosen(self, parameters, "KIND", context)
        if given(self, parameters, "ANGLE", context) and kind != "directional":
            raise CommonGroundError(tr("ANGLE is for KIND=directional: leave it empty or choose that kind."))
        check_layout(self, parameters, RASTERS, context)


def _numbers(model) -> dict:
    before, after = model.stable.before, model.stable.after
    return {"NMAD_BEFORE": before.nmad, "NMAD_AFTER": after.nmad, "MEDIAN_BEFORE": before.median,
            "MEDIAN_AFTER": after.median, "COUNT": before.count}
