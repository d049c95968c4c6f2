"""What the two vector frame algorithms share."""

from __future__ import annotations

from qgis.core import (
    QgsFeatureSource,
    QgsProcessing,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
)

from ..core.errors import EpochError, FrameError, OutputError, VectorError
from .base import CommonGroundAlgorithm, tr
from .frame_parameters import (
    check_values,
    declare_epoch,
    declare_field,
    declare_frame,
    declare_motion,
    declare_report,
    frame_of_layer,
    read_epoch,
    read_field,
    read_motion,
    report_path,
    require_epoch,
    wkt_of,
)
from .parameters import choice, chosen
from .vector_run import VectorRun, VectorSummary, VectorTask


class VectorFramesAlgorithm(CommonGroundAlgorithm):
    """Moves features from a frame and epoch to another. Subclasses say whether the frame changes, too.

    FRAME: the name of the source frame's parameter; CHANGES_FRAME: whether there is a TARGET_FRAME.
    """

    GROUP = "frames"
    FRAME = ""
    CHANGES_FRAME = True

    def initAlgorithm(self, configuration=None):
        self.add(QgsProcessingParameterFeatureSource(
            "INPUT", tr("Input layer"), [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
            tr("Features of any geometry. Z, or the height field, is the ellipsoidal height in metres."))
        declare_frame(self, self.FRAME, tr("The frame realization of the coordinates; it overrides the "
                                           "layer's datum. Empty: the frame that the "
                                           "layer's CRS names."), optional=True)
        declare_field(self, f"{self.FRAME}_FIELD", tr("Field with the frame"), tr(
            "Each feature's own frame."))
        if self.CHANGES_FRAME:
            declare_frame(self, "TARGET_FRAME", tr("The frame realization to change to."), optional=False)
        declare_epoch(
            self,
            "EPOCH",
            tr("Epoch of the coordinates"),
            tr("When the coordinates were observed: decimal year (2018.5) or ISO date (2018-07-02)."),
            optional=True,
        )
        declare_field(self, "EPOCH_FIELD", tr("Field with the epoch"),
                      tr("Each feature's own epoch: date, datetime, number or text."))
        declare_field(self, "HEIGHT_FIELD", tr("Field with the ellipsoidal height (m)"), tr(
            "For layers whose height is an attribute; it is updated. Empty: the geometry's "
            "Z, else 0."), numeric=True)
        declare_epoch(
            self,
            "TARGET_EPOCH",
            tr("Target epoch"),
            tr("The epoch to move the coordinates to. Empty: each feature keeps its own.")
            if self.CHANGES_FRAME
            else tr("The epoch to move the coordinates to."),
            optional=self.CHANGES_FRAME,
        )
        declare_motion(self, vector=True)
        self.add(
            choice(
                "UNRESOLVED", tr("Features without epoch, frame or plate"), ["stop", "skip"], default="stop"
            ),
            tr("stop: nothing is written and their ids are named. skip: they are left out and counted."),
        )
        declare_report(self)
        self.add(QgsProcessingParameterFeatureSink("OUTPUT", tr("Moved features")), tr(
            "The features, with the fields frame, epoch, model, plate, d_east, d_north, d_up (m)."))
        self.add_numbers({"COUNT": tr("Features written"), "SKIPPED": tr("Features left out"),
                          "MAX_DISPLACEMENT": tr("Largest displacement of a vertex (m)"),
                          "MEAN_EAST": tr("Mean displacement east (m)"),
                          "MEAN_NORTH": tr("Mean displacement north (m)"), "MEAN_UP": tr(
                              "Mean displacement up (m)")})

    def checkParameterValues(self, parameters, context):
        check = super().checkParameterValues
        return check_values(self, parameters, lambda cleaned: check(cleaned, context))

    def check(self, parameters, context) -> None:
        if not self._task(parameters, context).source.sourceCrs().isValid():
            raise VectorError("INPUT has no coordinate reference system: assign one (Layer > Set CRS) and "
                              "run again.")

    def execute(self, parameters, context, progress):
        run = VectorRun(self._task(parameters, context), progress)
        run.check()
        ways, places = _ways(run.task, run.summary)
        summary = run.write(self, parameters, context, self._history(places))
        east, north, up = summary.mean
        results = {"OUTPUT": summary.destination, "COUNT": summary.count, "SKIPPED": summary.skipped,
                   "MAX_DISPLACEMENT": summary.largest, "MEAN_EAST": east, "MEAN_NORTH": north, "MEAN_UP": up}
        return {**results, **self._told(run.task, summary, ways, places, parameters, context, progress)}

    def _history(self, places) -> list:
        from ..core.frames.provenance import history_entry

        return [history_entry(self.display_name(), place) for place in places]

    def _task(self, parameters, context) -> VectorTask:
        source = self.parameterAsSource(parameters, "INPUT", context)
        if source is None:
            raise VectorError("INPUT is no vector layer that can be read: choose another layer.")
        if not source.hasFeatures() == QgsFeatureSource.FeatureAvailability.FeaturesAvailable \
                and source.featureCount() == 0:
            raise VectorError("INPUT has no features: choose another layer or selection.")
        fields, crs = source.fields(), source.sourceCrs()
        frame, frame_field = self._frame(parameters, context, fields, crs)
        epoch, epoch_field = self._epoch(parameters, context, fields, crs)
        reader = read_epoch if self.CHANGES_FRAME else require_epoch
        target_epoch = reader(self, parameters, "TARGET_EPOCH", context)
        return VectorTask(
            source=source,
            target_frame=chosen(self, parameters, "TARGET_FRAME", context) if self.CHANGES_FRAME else frame,
            target_epoch=target_epoch,
            frame=frame,
            frame_field=frame_field,
            epoch=epoch,
            epoch_field=epoch_field,
            height_field=read_field(self, parameters, "HEIGHT_FIELD", context, fields),
            motion=None if target_epoch is None else read_motion(self, parameters, context, fields),
            skip=chosen(self, parameters, "UNRESOLVED", context) == "skip",
            source_words=(self.FRAME, f"{self.FRAME}_FIELD"),
        )

    def _frame(self, parameters, context, fields, crs) -> tuple:
        name, field_name = self.FRAME, f"{self.FRAME}_FIELD"
        frame = chosen(self, parameters, name, context)
        index = read_field(self, parameters, field_name, context, fields)
        if frame and index >= 0:
            raise FrameError(f"{name} and {field_name} are both given: choose one of them.")
        if not frame and index < 0:
            frame = frame_of_layer(name, crs.authid(), wkt_of(crs), field_name)
        return frame, index

    def _epoch(self, parameters, context, fields, crs) -> tuple:
        epoch = read_epoch(self, parameters, "EPOCH", context)
        index = read_field(self, parameters, "EPOCH_FIELD", context, fields)
        if epoch is not None and index >= 0:
            raise EpochError("EPOCH and EPOCH_FIELD are both given: choose one of them.")
        if epoch is None and index < 0:
            raise EpochError("The epoch of the coordinates is missing: give EPOCH (a decimal year such as "
                             "1993.5 or a date) or choose EPOCH_FIELD.")
        return epoch, index

    def _told(self, task, summary: VectorSummary, ways, places, parameters, context, progress) -> dict:
        """Say in the log and the report what was done; the report's path, where there is one."""
        path = report_path(self, parameters, context)
        if not summary.groups:
            if path:
                raise OutputError("No feature was moved, so there is nothing to report: leave REPORT empty.")
            return {}
        from ..core.frames.provenance import provenance
        from ..core.frames.report import frames_html
        from ..core.raster.writing import write_text

        for place in places:
            for key, value in provenance(place).items():
                progress.info(f"{key.lower().replace('_', ' ')}: {value or '-'}")
        if not path:
            return {}
        east, north, up = summary.mean
        figures = [
            ("Features moved", f"{summary.moved:,}", f"{summary.skipped} left out"),
            ("Mean east", f"{east:+.4f} m", ""),
            ("Mean north", f"{north:+.4f} m", ""),
            ("Mean up", f"{up:+.4f} m", ""),
            ("Largest", f"{summary.largest:.4f} m", "of a vertex, in space"),
        ]
        lead = f"{task.source.sourceName()}: {len(summary.groups)} combination(s) of frame and plate"
        write_text(path, frames_html(self.display_name(), lead, figures, ways, places[0], summary.warnings,
                                     summary.arrows.columns()))
        return {"REPORT": path}


def _ways(task, summary) -> tuple:
    """The report's rows and their first features as places, the largest group first."""
    from ..core.frames.provenance import Place
    from ..core.frames.report import Way
    from ..core.frames.transform import FrameEpoch, PlateMotion, Velocity

    ways, places = [], []
    for (frame, plate), count in summary.groups.most_common():
        if (frame, plate) not in summary.places:
            continue
        lon, lat, height, epoch, target, velocity = summary.places[frame, plate]
        motion = None
        if task.motion is not None:
            motion = (
                Velocity(*velocity)
                if task.motion.is_velocity
                else PlateMotion(task.motion.model, plate or None)
            )
        place = Place(
            lon,
            lat,
            height,
            FrameEpoch(frame, epoch),
            FrameEpoch(task.target_frame or frame, target),
            motion,
            plate,
        )
        places.append(place)
        ways.append(
            Way(
                f"{count:,} feature(s), first at {lon:.4f}, {lat:.4f}",
                place.source,
                place.target,
                plate,
                place.displacement(),
            )
        )
    return ways, places
