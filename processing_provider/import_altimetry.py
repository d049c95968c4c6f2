"""Import Altimetry: files of four lidar missions as a layer that knows its frame and epoch."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from functools import partial

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPoint,
    QgsProcessing,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDateTime, Qt, QVariant

from ..core.errors import AltimetryError, EpochError, OutputError
from ..core.progress import Part
from .base import CommonGroundAlgorithm, tr
from .file_layers import FileLayers, refuse_same_names
from .frame_parameters import given, read_epoch, without_empty_choices, wkt_of
from .parameters import choice, chosen, output_path, refuse_overwriting
from .whole_sink import WholeSink, file_target

CHUNK = 10_000
SHOWN = 3
RECOMMENDED, ALL = "recommended", "all"
UNKNOWN_FRAME_CRS = "EPSG:4979"
_NUMBER = r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?"
KINDS = {"real": QVariant.Double, "integer": QVariant.LongLong, "text": QVariant.String, "time": QVariant.DateTime}


class ImportAltimetry(CommonGroundAlgorithm):
    """ICESat, IceBridge (ATM, LVIS) and ICESat-2 files, and tables, into one point layer."""

    ID = "importaltimetry"
    GROUP = "altimetry"
    TAGS = ("icesat", "icesat-2", "atl03", "atl06", "atl08", "atl13", "glas", "glah06", "icebridge", "atm", "qfit",
            "lvis", "hdf5", "lidar", "altimetry", "import")

    def display_name(self):
        return tr("Import Altimetry")

    def help_text(self):
        return tr(
            "Files of ICESat (GLAH06), Operation IceBridge and its forerunners (ATM, LVIS) and ICESat-2 (ATL03, ATL06, "
            "ATL08, ATL13), or tables, as points that know when they were measured and in which reference frame. "
            "Heights are ellipsoidal (WGS 84), GLAS heights are converted from TOPEX/Poseidon. The frame is what the "
            "product's release or the file itself tells, never a guess. Then bring the points to one frame and epoch "
            "with Reframe ITRF: SOURCE_FRAME_FIELD=frame, EPOCH_FIELD=epoch, HEIGHT_FIELD=height."
        )

    def initAlgorithm(self, configuration=None):
        from ..core.altimetry.products import AUTO, PRODUCTS
        from ..core.frames.catalogue import FRAMES

        text = QgsProcessingParameterString
        # QGIS' own filter, *.*, refuses folders.
        self.add(QgsProcessingParameterFile("INPUT", tr("File or folder"), fileFilter=tr("Altimetry (*)")), tr(
            "A file, or a folder: all files of the product below it; their names lie in the field 'file'. Keep the "
            "files' original names, which hold dates and releases."))
        self.add(choice("PRODUCT", tr("Product"), [AUTO, *PRODUCTS], default=AUTO), tr(
            "auto: told by the file's name. In a folder, only files of the product are taken."))
        self.add(QgsProcessingParameterExtent("EXTENT", tr("Extent"), optional=True),
                 tr("Only points within, exactly, in the extent's own coordinate reference system. In degrees, "
                    "175,-175,60,70 lies across the antimeridian."))
        self.add(text("START", tr("First date"), optional=True), tr(
            "Only points measured at or after this: ISO date (2018-07-02), datetime or decimal year."))
        self.add(text("END", tr("Last date"), optional=True), tr(
            "Only points measured before this; a date without a time of day counts as a whole day."))
        self.add(choice("QUALITY", tr("Quality"), [RECOMMENDED, ALL], default=RECOMMENDED), tr(
            "recommended: without the points that the product's own flags advise against; the log counts them by "
            "reason. all: with them, and the field 'flagged' says what speaks against a point."))
        self.add(choice("FRAME", tr("Frame where the files tell none"), list(FRAMES), optional=True), tr(
            "For tables and ATM files: the frame by the campaign's documents. Never used against what a file says."))
        self.add(text("HEIGHT_COLUMN", tr("Height column of tables"), optional=True), tr(
            "The column with the ellipsoidal height (m), where the names do not tell."), advanced=True)
        self.add(QgsProcessingParameterFeatureSink(
            "OUTPUT", tr("Points"), QgsProcessing.SourceType.TypeVectorPoint, optional=True), tr(
            "All points in one layer, with Z, time (UTC), epoch (decimal year), frame, height (m) and the product's "
            "fields. QGIS 3.22 cuts time to whole seconds in files; epoch is good to 10 microseconds."))
        self.add(QgsProcessingParameterFolderDestination(
            "OUTPUT_FOLDER", tr("Folder for one layer a file"), optional=True, createByDefault=False), tr(
            "One layer for each file, too or instead: GeoPackages in this folder with the files' names, their own "
            "fields and, as CRS, their own frame."))
        self.addOutput(QgsProcessingOutputMultipleLayers("OUTPUT_LAYERS", tr("Layers, one a file")))
        self.add_numbers({"COUNT": tr("Points"), "DROPPED": tr("Points dropped for quality or missing values"),
                          "OUTSIDE": tr("Points outside of the extent or the dates"), "FILES": tr("Files")})

    def checkParameterValues(self, parameters, context):
        return super().checkParameterValues(without_empty_choices(self, parameters), context)

    def check(self, parameters, context) -> None:
        from ..core.altimetry.products import files_of

        self._selection(parameters, context)
        path = self.parameterAsFile(parameters, "INPUT", context)
        files, _ = files_of(path, chosen(self, parameters, "PRODUCT", context))
        if not given(self, parameters, "OUTPUT", context):
            if not output_path(self, parameters, "OUTPUT_FOLDER", context):
                raise OutputError("There is nothing to write: choose OUTPUT, OUTPUT_FOLDER or both.")
        else:
            target = file_target(self, parameters, "OUTPUT", context)
            for file in files:
                refuse_overwriting({"INPUT": file}, {"OUTPUT": target})
        if output_path(self, parameters, "OUTPUT_FOLDER", context):
            refuse_same_names(files)

    def execute(self, parameters, context, progress):
        from ..core.altimetry.source import Tally

        selection, tally = self._selection(parameters, context), Tally()
        files = self._files(parameters, context, progress)
        works, frames, fields = self._survey(files, selection, progress)
        folder = output_path(self, parameters, "OUTPUT_FOLDER", context)
        with ExitStack() as stack:
            together = each = None
            if given(self, parameters, "OUTPUT", context):
                together = stack.enter_context(WholeSink(self, parameters, "OUTPUT", context, layer_fields(fields),
                                                         QgsWkbTypes.Type.PointZ, layer_crs(frames)))
            if folder:
                each = stack.enter_context(FileLayers(self, folder, context))
            done, total = 0, sum(works) or 1
            for open_file, work in zip(files, works):
                part = Part(progress, done / total, (done + work) / total)
                self._copy(open_file(), selection, tally, [(together, fields)] if together else [], each, part)
                done += work
        self._tell(tally, frames, progress)
        outputs = {"OUTPUT": together.destination} if together else {}
        if each:
            outputs.update(OUTPUT_FOLDER=folder, OUTPUT_LAYERS=each.paths)
        return {**outputs, "COUNT": tally.kept, "DROPPED": tally.dropped, "OUTSIDE": tally.outside,
                "FILES": len(files)}

    def _copy(self, source, selection, tally, targets, each, progress) -> None:
        """Write a file's points to all `(sink, fields)` and, where there is a folder, to a layer of their own."""
        from ..core.altimetry.source import fields_of, read_points

        with ExitStack() as stack:
            if each:
                own = fields_of([source], selection)
                layer = each.layer(source.path, layer_fields(own), QgsWkbTypes.Type.PointZ,
                                   layer_crs([source.one_frame]))
                targets = [*targets, (stack.enter_context(layer), own)]
            for points in read_points(source, selection, tally, progress):
                for sink, fields in targets:
                    for features in features_of(points, fields):
                        sink.add(features)
                        progress.step(points.done)

    def _files(self, parameters, context, progress) -> list:
        """A function for each file that opens it: thousands cannot be open at once."""
        from ..core.altimetry.products import files_of, open_source

        product, frame = (chosen(self, parameters, name, context) for name in ("PRODUCT", "FRAME"))
        column = self.parameterAsString(parameters, "HEIGHT_COLUMN", context).strip()
        files, ignored = files_of(self.parameterAsFile(parameters, "INPUT", context), product)
        if ignored:
            progress.info(tr("{count} other file(s) in the folder are left out ({names}).").format(
                count=len(ignored), names=some_names(ignored)))
        return [partial(open_source, file, product, column, frame) for file in files]

    def _survey(self, files, selection, progress) -> tuple:
        """Check every file before anything is written: `(bytes of each, frames, fields of the layer)`."""
        from ..core.altimetry.source import fields_of

        works, frames, empty, wrong = [], set(), [], []

        def opened():
            for open_file in files:
                try:
                    source = open_file()
                except AltimetryError as error:
                    wrong.append(str(error))
                    continue
                for warning in source.warnings:
                    progress.warn(warning)
                works.append(source.work)
                frames.add(source.one_frame)
                empty.extend(filter(None, [source.empty]))
                progress.step(0.0, tr("Opening the files"))
                yield source

        fields = fields_of(opened(), selection)
        if wrong and len(files) > 1:
            raise AltimetryError(f"{len(wrong)} of {len(files)} files cannot be read; mend them, or take them out of "
                                 f"the folder. {' '.join(wrong[:SHOWN])}")
        if wrong:
            raise AltimetryError(wrong[0])
        if len(empty) == len(files):
            raise AltimetryError(" ".join(empty[:SHOWN]))
        return works, sorted(frames), fields

    def _selection(self, parameters, context):
        from ..core.altimetry.source import Selection

        start, end = (read_epoch(self, parameters, name, context) for name in ("START", "END"))
        if end is not None and re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", str(parameters["END"])):
            end = _next_day(str(parameters["END"]))
        if start is not None and end is not None and start >= end:
            raise EpochError("START is not before END: exchange them.")
        everything = chosen(self, parameters, "QUALITY", context) == ALL
        return Selection(self._extent(parameters, context), start, end, everything)

    def _extent(self, parameters, context):
        """The box in its own CRS, degrees where none is told."""
        from ..core.altimetry.extent import Extent

        if not given(self, parameters, "EXTENT", context):
            return None
        box, crs = (read(parameters, "EXTENT", context) for read in (self.parameterAsExtent, self.parameterAsExtentCrs))
        west, east = box.xMinimum(), box.xMaximum()
        # QGIS puts the edges in order, but 175,-175 is what lies across the antimeridian.
        edges = re.match(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,", str(parameters["EXTENT"]))
        if edges and (not crs.isValid() or crs.isGeographic()):
            west, east = map(float, edges.groups())
        return Extent(west, box.yMinimum(), east, box.yMaximum(), "" if crs.authid() == "EPSG:4326" else wkt_of(crs))

    def _tell(self, tally, frames, progress) -> None:
        progress.info(tr("{count} points written; {outside} lie outside of the extent or the dates.").format(
            count=tally.kept, outside=tally.outside))
        for reason, count in sorted(tally.reasons.items()):
            if count:
                progress.info(tr("Dropped: {count} points {reason}.").format(count=count, reason=reason))
        if not tally.kept:
            progress.warn(tr("No point is left: the layer is empty."))
        if len(frames) > 1:
            names = ", ".join(frame or tr("unknown") for frame in frames)
            progress.warn(tr("The points are in several frames ({names}): use Reframe ITRF with "
                             "SOURCE_FRAME_FIELD=frame before comparing them.").format(names=names))


def _next_day(date: str) -> float:
    """The decimal year of the end of an ISO date."""
    from datetime import date as day
    from datetime import timedelta

    from ..core.frames.epochs import decimal_year

    return decimal_year(day.fromisoformat(date.strip()) + timedelta(days=1))


def some_names(paths: list) -> str:
    """The names of the first files, and a sign that there are more."""
    return ", ".join([os.path.basename(path) for path in paths[:SHOWN]] + ["..."] * (len(paths) > SHOWN))


def layer_fields(fields: dict) -> QgsFields:
    """Name -> kind as a layer's fields."""
    result = QgsFields()
    for name, kind in fields.items():
        result.append(QgsField(name, KINDS[kind]))
    return result


def layer_crs(frames: list) -> QgsCoordinateReferenceSystem:
    """The frame's geographic 3D CRS where all points share one, else WGS 84 (3D), which names no realization."""
    from ..core.frames.catalogue import frame

    code = frame(frames[0]).epsg_geographic3d if len(frames) == 1 and frames[0] else 0
    crs = QgsCoordinateReferenceSystem(f"EPSG:{code}" if code else UNKNOWN_FRAME_CRS)
    return crs if crs.isValid() else QgsCoordinateReferenceSystem(UNKNOWN_FRAME_CRS)


def features_of(points, fields: dict):
    """Points as lists of features, some thousands at a time."""
    structure = layer_fields(fields)
    for first in range(0, points.lon.size, CHUNK):
        part = slice(first, first + CHUNK)
        lon, lat, height = (values[part].tolist() for values in (points.lon, points.lat, points.height))
        columns = [_values(points.fields.get(name), kind, part, len(lon)) for name, kind in fields.items()]
        features = []
        for x, y, z, *row in zip(lon, lat, height, *columns):
            feature = QgsFeature(structure)
            feature.setGeometry(QgsGeometry(QgsPoint(x, y, z)))
            feature.setAttributes(row)
            features.append(feature)
        yield features


def _values(values, kind: str, part: slice, count: int) -> list:
    """A column of Python's and Qt's values, None where missing."""
    import numpy as np

    if not isinstance(values, np.ndarray):
        return [values] * count
    values = values[part]
    if kind == "text":
        return values.tolist()
    if kind == "time":
        # Eight times as fast as a new QDateTime from each stamp.
        later = QDateTime.fromMSecsSinceEpoch(0, Qt.TimeSpec.UTC).addMSecs
        return list(map(later, values.astype("datetime64[ms]").astype(np.int64).tolist()))
    missing = np.isnan(values)
    whole = np.where(missing, 0.0, values).astype(np.int64).tolist() if kind == "integer" else values.tolist()
    return [None if gone else value for value, gone in zip(whole, missing.tolist())] if missing.any() else whole
