"""Coregister Series: many DEMs onto one reference, one after the other."""

from __future__ import annotations

import math
import os
from functools import partial

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..core.errors import EpochError, OutputError, RasterError
from ..core.progress import Cancelled
from .automatic_terrain import declare_automatic_terrain, is_automatic
from .base import CommonGroundAlgorithm, tr
from .parameters import (
    chosen,
    declare_layout,
    declare_stable_terrain,
    output_path,
    raster_source_of,
    refuse_overwriting,
)

COLUMNS = ("name", "epoch", "nmad_before", "nmad_after", "median_before", "median_after", "shift_x", "shift_y",
           "shift_z", "blocks", "blocks_used", "aligned", "shifts")
LAST_FOR = 1.0
"""How long the last DEM of a series is shown by the temporal controller (years)."""


class CoregisterSeries(CommonGroundAlgorithm):
    """Runs Blockwise Coregister for each DEM of a series and puts the gains into one table."""

    ID = "coregisterseries"
    GROUP = "coregistration"
    TAGS = ("coregistration", "dem", "series", "stack", "batch", "time series", "nuth", "kaab", "align")

    def display_name(self):
        return tr("Coregister Series")

    def help_text(self):
        return tr(
            "Aligns every DEM of a series to one reference with Blockwise Coregister and its defaults, one after the "
            "other, and writes a table of what each gained. With epochs the aligned DEMs carry them, so that the "
            "temporal controller of QGIS steps through the series. A DEM that cannot be aligned is named in the "
            "table and the log, and the others go on.\n\n"
            "Nuth and Kääb (2011), doi:10.5194/tc-5-271-2011."
        )

    def initAlgorithm(self, configuration=None):
        number = QgsProcessingParameterNumber
        self.add(QgsProcessingParameterRasterLayer("REFERENCE", tr("Reference DEM")),
                 tr("The DEM that is taken to lie right."))
        self.add(QgsProcessingParameterMultipleLayers("SECONDARIES", tr("DEMs of the series"),
                                                      QgsProcessing.SourceType.TypeRaster),
                 tr("The DEMs to move; any grid and CRS each."))
        self.add(QgsProcessingParameterString("EPOCHS", tr("Epochs of the DEMs"), None, False, True),
                 tr("One for each DEM in their order, with commas between: decimal years or ISO dates. Empty: the "
                    "coordinate epoch that a file states, if any."))
        declare_stable_terrain(self, mask=False)
        self.add(number("BLOCK_SIZE", tr("Block size (cells of the reference)"), number.Type.Integer, 500, False, 0),
                 tr("The largest side of a block; 0: one global shift for each DEM."))
        declare_automatic_terrain(self)
        declare_layout(self)
        self.add(QgsProcessingParameterBoolean("LOAD", tr("Add the aligned DEMs to the project"), False, True),
                 tr("Loads the aligned DEMs with a hillshade and their shifts as arrows, in time where epochs are "
                    "known."))
        self.add(QgsProcessingParameterFolderDestination("OUTPUT", tr("Folder of the results")),
                 tr("Gets an aligned DEM and a shifts layer for each DEM, named after it."))
        self.add(QgsProcessingParameterFileDestination("TABLE", tr("Table of gains"), tr("CSV files (*.csv)"), None,
                                                       True, False),
                 tr("One row a DEM: NMAD and median before and after, global shift, blocks; lengths in metres."))
        self.addOutput(QgsProcessingOutputMultipleLayers("ALIGNED", tr("Aligned DEMs")))
        self.add_numbers({"COUNT": tr("DEMs aligned"), "FAILED": tr("DEMs not aligned"),
                          "NMAD_BEFORE": tr("Median of the NMADs before (m)"),
                          "NMAD_AFTER": tr("Median of the NMADs after (m)")})

    def check(self, parameters, context):
        self._series(parameters, context)

    def execute(self, parameters, context, progress):
        reference = raster_source_of(self.parameterAsRasterLayer(parameters, "REFERENCE", context), "REFERENCE")[0]
        series = self._series(parameters, context)
        folder = self.parameterAsString(parameters, "OUTPUT", context)
        targets = [self._targets(folder, name) for _, name, _ in series]
        refuse_overwriting({"REFERENCE": reference, **{name: layer.source() for layer, name, _ in series}},
                           {f"OUTPUT ({aligned})": aligned for aligned, _ in targets})
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OutputError(f"OUTPUT cannot be made: {error}. Choose another folder.") from error
        rows = [self._row(parameters, context, item, target, progress.child(place, len(series)), progress)
                for place, (item, target) in enumerate(zip(series, targets))]
        done = [row for row in rows if not math.isnan(row["nmad_after"])]
        if not done:
            raise RasterError("No DEM of the series could be aligned: the log says why for each.")
        table = output_path(self, parameters, "TABLE", context)
        if table:
            _write_table(rows, table)
        if self.parameterAsBool(parameters, "LOAD", context):
            _set_times(done, context)
        return {"OUTPUT": folder, "ALIGNED": [row["aligned"] for row in done], "COUNT": len(done),
                "FAILED": len(rows) - len(done), **({"TABLE": table} if table else {}),
                **{f"NMAD_{state}": _median([row[f"nmad_{state.lower()}"] for row in done])
                   for state in ("BEFORE", "AFTER")}}

    def _series(self, parameters, context) -> list:
        """`(layer, name, epoch)` of each DEM; epoch NaN where unknown. Raises CommonGroundError."""
        from ..core.frames.epochs import parse_epoch
        from ..core.raster.dem import open_dataset

        layers = self.parameterAsLayerList(parameters, "SECONDARIES", context)
        if not layers:
            raise RasterError("SECONDARIES holds no DEM: choose at least one.")
        paths = [raster_source_of(layer, "SECONDARIES")[0] for layer in layers]
        names = [os.path.splitext(os.path.basename(path))[0] for path in paths]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RasterError(f"SECONDARIES has several DEMs named {', '.join(twice)}: their results would "
                              "overwrite each other. Rename the files.")
        given = self.parameterAsString(parameters, "EPOCHS", context).strip()
        if not given:
            return [(layer, name, _stated_epoch(open_dataset(path)))
                    for layer, name, path in zip(layers, names, paths)]
        epochs = [parse_epoch(text.strip()) for text in given.split(",")]
        if len(epochs) != len(layers):
            raise EpochError(f"EPOCHS names {len(epochs)} epochs for {len(layers)} DEMs: give one for each, with "
                             "commas between.")
        return list(zip(layers, names, epochs))

    @staticmethod
    def _targets(folder: str, name: str) -> tuple[str, str]:
        return os.path.join(folder, f"{name}_aligned.tif"), os.path.join(folder, f"{name}_shifts.gpkg")

    def _row(self, parameters, context, item, target, feedback, progress) -> dict:
        import processing

        from .styling import expect, expect_no_more

        layer, name, epoch = item
        row = {**dict.fromkeys(COLUMNS, math.nan), "name": name, "epoch": epoch, "aligned": "", "shifts": ""}
        progress.info(f"{name}:")
        if self.parameterAsBool(parameters, "LOAD", context):
            # Before it runs: what is to be loaded is styled by the run itself, and the dock gets its numbers.
            expect(context, {target[0]: name, target[1]: tr("{name}: shifts").format(name=name)})
        try:
            found = processing.run("commonground:blockwisecoregister", {
                "REFERENCE": parameters["REFERENCE"], "SECONDARY": layer,
                **{key: parameters.get(key) for key in ("STABLE", "UNSTABLE")},
                "BLOCK_SIZE": self.parameterAsInt(parameters, "BLOCK_SIZE", context),
                "AUTO_STABLE": is_automatic(self, parameters, context),
                "LAYOUT": chosen(self, parameters, "LAYOUT", context),
                "OUTPUT": target[0], "SHIFTS": target[1],
            }, context=context, feedback=feedback, is_child_algorithm=True)
        except QgsProcessingException as error:
            progress.warn(tr("{name} was not aligned: {reason}").format(name=name, reason=error))
            expect_no_more(context, target)
            return row
        if feedback.isCanceled():
            raise Cancelled
        numbers = {key: found[key.upper()] for key in COLUMNS if key.upper() in found}
        return {**row, **numbers, "name": name, "epoch": epoch, "aligned": target[0], "shifts": target[1]}


def _stated_epoch(dataset) -> float:
    reference = dataset.GetSpatialRef()
    return (reference.GetCoordinateEpoch() if reference is not None else 0.0) or math.nan


def _median(values: list) -> float:
    import statistics

    return statistics.median(values)


def _write_table(rows: list, path: str) -> None:
    import csv

    from ..core.raster.writing import whole_file

    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow({key: "" if value != value else value for key, value in row.items()})


def _set_times(rows: list, context) -> None:
    """Have each DEM and its shifts shown from its epoch to the next one's."""
    from .styling import after_loading, set_time

    dated = sorted(row["epoch"] for row in rows if row["epoch"] == row["epoch"])
    for row in rows:
        if row["epoch"] not in dated:
            continue
        later = [epoch for epoch in dated if epoch > row["epoch"]]
        span = row["epoch"], later[0] if later else row["epoch"] + LAST_FOR
        for path in (row["aligned"], row["shifts"]):
            after_loading(context, path, partial(set_time, begin=span[0], end=span[1]))
