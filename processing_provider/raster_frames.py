"""What the two raster frame algorithms share."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..core.errors import RasterError
from .base import CommonGroundAlgorithm, tr
from .frame_parameters import (
    Motion,
    check_values,
    declare_epoch,
    declare_frame,
    declare_motion,
    declare_report,
    frame_of_layer,
    given,
    read_epoch,
    read_motion,
    report_path,
    require_epoch,
)
from .history import write_raster_history
from .parameters import (
    check_layout,
    choice,
    chosen,
    declare_layout,
    output_path,
    raster_source,
)


@dataclass(frozen=True)
class RasterTask:
    """What is to be done with a raster. dem: core's Dem; source, target: FrameEpochs; tolerance in m."""

    dem: object
    source: object
    target: object
    motion: Motion | None
    heights: str
    tolerance: float
    warp: bool


class RasterFramesAlgorithm(CommonGroundAlgorithm):
    """Moves a raster from a frame and epoch to another. Subclasses say whether the frame changes, too.

    FRAME: the name of the source frame's parameter; CHANGES_FRAME: whether there is a TARGET_FRAME.
    """

    GROUP = "frames"
    FRAME = ""
    CHANGES_FRAME = True

    def initAlgorithm(self, configuration=None):
        self.add(QgsProcessingParameterRasterLayer("INPUT", tr("DEM")), tr(
            "The raster to move; not resampled."))
        declare_frame(self, self.FRAME, tr("The frame realization of the raster; it overrides the CRS's "
                                           "datum. Empty: the frame that the CRS names."), optional=True)
        if self.CHANGES_FRAME:
            declare_frame(self, "TARGET_FRAME", tr("The frame realization to change to."), optional=False)
        declare_epoch(self, "EPOCH", tr("Epoch of the raster"), tr(
            "When the ground was observed: decimal year (2000.13) or ISO date (2000-02-17)."), optional=False)
        declare_epoch(self, "TARGET_EPOCH", tr("Target epoch"), tr(
            "The epoch to move the raster to. Empty: it keeps its own.") if self.CHANGES_FRAME else tr(
            "The epoch to move the raster to."), optional=self.CHANGES_FRAME)
        declare_motion(self, vector=False)
        self.add(
            choice("HEIGHTS", tr("Heights"), ["ellipsoidal", "geoid", "keep"], default="ellipsoidal"),
            tr(
                "ellipsoidal, geoid: the height displacement is added to the cells. keep: not a bit of them "
                "changes (for levelled heights, images and velocities in the plane)."
            ),
        )
        self.add(QgsProcessingParameterNumber(
            "TOLERANCE", tr("Tolerance (m)"), type=QgsProcessingParameterNumber.Type.Double, optional=True,
            minValue=0.0), tr("How far the true displacement may be from the one translation. Empty: a "
                              "twentieth of a cell."), advanced=True)
        self.add(QgsProcessingParameterBoolean("WARP", tr("Resample beyond the tolerance"), defaultValue=False), tr(
            "Off: a raster whose displacement varies by more than the tolerance is refused. On: such a raster is "
            "resampled (cubic convolution, as float32), which smooths it."), advanced=True)
        declare_layout(self)
        declare_report(self)
        self.add(QgsProcessingParameterRasterDestination("OUTPUT", tr("Moved raster")), tr(
            "The raster at its new position, with the coordinate epoch and tags that say what was done."))
        self.add_numbers({"DX": tr("Translation along x (map units)"), "DY": tr(
            "Translation along y (map units)"),
                          "DH": tr("Mean height displacement (m)"), "EAST": tr("Mean displacement east (m)"),
                          "NORTH": tr("Mean displacement north (m)"),
                          "MAX_RESIDUAL": tr("Largest distance from the translation (m)")})

    def checkParameterValues(self, parameters, context):
        check = super().checkParameterValues
        return check_values(self, parameters, lambda cleaned: check(cleaned, context))

    def check(self, parameters, context) -> None:
        from ..core.raster.translate import check_heights, check_not_moved

        check_layout(self, parameters, ("OUTPUT",), context)
        task = self._task(parameters, context)
        check_not_moved(task.dem, task.source)
        check_heights(task.dem, task.heights)

    def execute(self, parameters, context, progress):
        from ..core.frames.provenance import Place, history_entry, provenance
        from ..core.raster.drift import Drift
        from ..core.raster.translate import check_residual, fit_move, write_moved

        task = self._task(parameters, context)
        motion = task.motion.constant() if task.motion else None
        move = fit_move(task.dem, task.source, task.target, motion)
        drift = None
        if task.warp and move.max_residual > task.tolerance:
            drift = Drift.of(task.dem, move, task.source, task.target, motion)
        else:
            check_residual(task.dem, move, task.tolerance)
        place = Place(move.lon, move.lat, move.height, task.source, task.target, move.motion, move.plate)
        said = {**provenance(place), "DX": f"{move.dx:.15g}",
                "DY": f"{move.dy:.15g}", "DH": f"{move.up if task.heights != 'keep' else 0.0:.9g}",
                "HEIGHTS": task.heights, "RESAMPLING": "cubic" if drift else "none"}
        for key, value in said.items():
            progress.info(f"{key.lower().replace('_', ' ')}: {value or '-'}")
        warnings = self._warnings(task, move, drift)
        for warning in warnings:
            progress.warn(warning)
        path = output_path(self, parameters, "OUTPUT", context)
        write_moved(task.dem, path, move, task.heights, task.target, said, progress, drift,
                    chosen(self, parameters, "LAYOUT", context))
        write_raster_history(path, [history_entry(self.display_name(), place)])
        results = {"OUTPUT": path, "DX": move.dx, "DY": move.dy, "DH": move.up, "EAST": move.east,
                   "NORTH": move.north, "MAX_RESIDUAL": move.max_residual}
        report = report_path(self, parameters, context)
        if report:
            self._report(report, task, move, place, warnings)
            results["REPORT"] = report
        return results

    def _task(self, parameters, context) -> RasterTask:
        from ..core.frames.transform import FrameEpoch
        from ..core.raster.dem import Dem
        from ..core.raster.translate import KEEP, default_tolerance

        path, crs = raster_source(self, parameters, "INPUT", context)
        heights = chosen(self, parameters, "HEIGHTS", context)
        dem = Dem.open(path, crs=crs, colours=heights == KEEP)
        frame = chosen(self, parameters, self.FRAME, context) or frame_of_layer(
            self.FRAME, self.parameterAsRasterLayer(parameters, "INPUT", context).crs().authid(), dem.grid.crs
        )
        epoch = require_epoch(self, parameters, "EPOCH", context)
        reader = read_epoch if self.CHANGES_FRAME else require_epoch
        target_epoch = reader(self, parameters, "TARGET_EPOCH", context)
        tolerance = default_tolerance(dem)
        if given(self, parameters, "TOLERANCE", context):
            tolerance = self.parameterAsDouble(parameters, "TOLERANCE", context)
            if not tolerance >= 0.0:
                raise RasterError("TOLERANCE must be a distance in metres, zero or more.")
        target_frame = chosen(self, parameters, "TARGET_FRAME", context) if self.CHANGES_FRAME else frame
        return RasterTask(
            dem,
            FrameEpoch(frame, epoch),
            FrameEpoch(target_frame, epoch if target_epoch is None else target_epoch),
            None if target_epoch is None else read_motion(self, parameters, context),
            heights,
            tolerance,
            self.parameterAsBoolean(parameters, "WARP", context),
        )

    def _warnings(self, task, move, drift) -> list:
        from ..core.frames.plates import boundary_distance
        from ..core.frames.provenance import NEAR_BOUNDARY
        from ..core.raster.dem import open_dataset

        warnings = []
        if drift is not None:
            warnings.append(tr("The displacement varies by {residual:.3g} m over the raster, so its cells were "
                               "resampled: detail is lost that tiles would keep.").format(
                                   residual=move.max_residual))
        if task.motion is not None and not task.motion.is_velocity and not task.motion.plate:
            distance = float(boundary_distance(*move.arrows[:2]).min())
            if distance < NEAR_BOUNDARY:
                warnings.append(tr("The raster lies {distance:.0f} km from a plate boundary, where the "
                                   "ground does not move as a rigid plate: a measured velocity "
                                   "(MODEL=VELOCITY) may be better.").format(
                                       distance=distance))
        reference = open_dataset(task.dem.path).GetSpatialRef()
        stated = reference.GetCoordinateEpoch() if reference is not None else 0.0
        if stated and abs(stated - task.source.epoch) > 0.01:
            warnings.append(tr("The file states the coordinate epoch {stated:g}, but EPOCH={epoch:g} was "
                               "used.").format(
                stated=stated, epoch=task.source.epoch))
        if task.dem.bands > 1 and task.heights != "keep":
            warnings.append(tr("The height displacement was added to band 1 only, not to "
                               "the other {count}.").format(
                count=task.dem.bands - 1))
        return warnings

    def _report(self, path, task, move, place, warnings) -> None:
        from ..core.frames.report import Way, frames_html
        from ..core.raster.writing import write_text

        figures = [
            ("East", f"{move.east:+.4f} m", f"{move.dx:+.6g} map units along x"),
            ("North", f"{move.north:+.4f} m", f"{move.dy:+.6g} map units along y"),
            (
                "Up",
                f"{move.up:+.4f} m",
                "added to the cells" if task.heights != "keep" else "cells kept as is",
            ),
            ("Residual", f"{move.max_residual:.6f} m", f"tolerance {task.tolerance:.4g} m"),
        ]
        way = Way(task.dem.name, task.source, task.target, move.plate, (move.east, move.north, move.up))
        write_text(
            path,
            frames_html(
                self.display_name(), f"{task.dem.name}, {task.dem.crs_name}", figures, [way], place, warnings,
                move.arrows
            ),
        )
