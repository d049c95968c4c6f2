"""Vector results that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile

from qgis.core import (
    QgsFeatureSink,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsVectorFileWriter,
)

from ..core.errors import OutputError
from ..core.gdal_calls import attempted
from ..core.raster.writing import prepare_folder
from .history import history_metadata, write_vector_history


class WholeSink:
    """A feature sink; use as a context manager, `destination` is the layer's id once the block has ended
    well; `count`: features written.

    A sink cannot be renamed into place, so a file is written in a folder beside its target and moved when
    whole. Memory layers and database tables are written directly. history: sentences for the layer's metadata;
    warning: what could not be done, once the block has ended well.
    """

    def __init__(self, algorithm, parameters, name, context, fields, geometry_type, crs, history=()):
        self._algorithm, self._parameters, self._name, self._context = algorithm, parameters, name, context
        self._history = list(history)
        self._structure = fields, geometry_type, crs
        self._path = file_target(algorithm, parameters, name, context)
        self._folder = self._sink = None
        self.count = 0
        self.destination, self.warning = "", ""

    def __enter__(self) -> WholeSink:
        reason = ""
        try:
            if self._path:
                self._sink, self._written = self._beside_target()
            else:
                self._sink, self.destination = self._algorithm.parameterAsSink(
                    self._parameters, self._name, self._context, *self._structure)
        except QgsProcessingException as error:
            reason = f" ({error})"
        if self._sink is None:
            self._clean_up()
            raise OutputError(f"{self._path or self._name} cannot be written{reason}: choose another file or format, "
                              "on a disk with room.")
        return self

    def _beside_target(self):
        try:
            self._folder = tempfile.mkdtemp(prefix=".commonground-", dir=prepare_folder(self._path))
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror}. Choose a folder that can be "
                              "written.") from error
        value = self._parameters.get(self._name)
        options = value.createOptions if isinstance(value, QgsProcessingOutputLayerDefinition) else {}
        target = os.path.join(self._folder, os.path.basename(self._path))
        if target.lower().endswith(".gpkg") and not options:
            return self._geopackage(target), target
        return QgsProcessingUtils.createFeatureSink(target, self._context, *self._structure, options)

    def _geopackage(self, target: str):
        """A writer without spatial index: closing one that was cancelled would take the time to make it first."""
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName, options.fileEncoding = "GPKG", "UTF-8"
        options.layerName = os.path.splitext(os.path.basename(target))[0]
        options.layerOptions = ["SPATIAL_INDEX=NO"]
        writer = QgsVectorFileWriter.create(target, *self._structure, self._context.transformContext(), options)
        if writer.hasError() != QgsVectorFileWriter.WriterError.NoError:
            raise QgsProcessingException(writer.errorMessage())
        return writer

    def _index(self) -> None:
        """Give a whole GeoPackage the spatial index that QGIS' own have."""
        from osgeo import ogr

        if not self._written.lower().endswith(".gpkg"):
            return
        dataset = ogr.Open(self._written, 1)
        layer = dataset.GetLayer(0)
        column = layer.GetGeometryColumn()
        if column and not layer.TestCapability(ogr.OLCFastSpatialFilter):
            table, column = (name.replace("'", "''") for name in (layer.GetName(), column))
            dataset.ExecuteSQL(f"SELECT CreateSpatialIndex('{table}', '{column}')")

    def add(self, features: list) -> None:
        """Write features. Raises OutputError."""
        if not self._sink.addFeatures(features, QgsFeatureSink.Flag.FastInsert):
            raise OutputError(f"{self._path or self._name} cannot be written: {self._sink.lastError()}")
        self.count += len(features)

    def __exit__(self, kind, error, trace) -> None:
        self._sink = None
        try:
            if kind is None and self._path:
                self._check()
                self._index()
                self._tell()
                self._move()
            elif kind is None:
                self._complete_layer()
        finally:
            self._clean_up()

    def _check(self) -> None:
        """What a full disk swallowed while the file was closed."""
        from osgeo import ogr

        dataset, _ = attempted(ogr.Open, self._written)
        found = dataset.GetLayer(0).GetFeatureCount() if dataset is not None else 0
        if found != self.count:
            raise OutputError(f"Cannot write {self._path}: only {found} of {self.count} features arrived. "
                              "Is the disk full?")

    def _tell(self) -> None:
        reason = write_vector_history(self._written, self._history) if self._history else ""
        self.warning = f"The layer's history could not be written: {reason}" if reason else ""

    def _move(self) -> None:
        # The target as QGIS names it: with an extension where the user gave none.
        final = os.path.join(os.path.dirname(os.path.abspath(self._path)), os.path.basename(self._written))
        try:
            move_whole(self._folder, os.path.dirname(final))
        except OSError as error:
            raise OutputError(f"Cannot write {final}: {error.strerror}. Is it open elsewhere?") from error
        self.destination = self._algorithm.parameterAsOutputLayer(self._parameters, self._name, self._context)

    def _complete_layer(self) -> None:
        """Memory layers forget the coordinate epoch of their CRS; they and tables learn their history here."""
        layer = QgsProcessingUtils.mapLayerFromString(self.destination, self._context)
        if layer is None:
            return
        if self._history:
            layer.setMetadata(history_metadata(self._history))
        if layer.providerType() == "memory":
            layer.setCrs(self._structure[2])

    def _clean_up(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def move_whole(folder: str, target: str) -> None:
    """Move the files of a folder to another, over those of the same names and their journals. Raises OSError."""
    for item in sorted(os.listdir(folder)):
        final = os.path.join(target, item)
        for journal in (f"{final}-wal", f"{final}-shm"):
            if os.path.exists(journal):
                os.remove(journal)
        os.replace(os.path.join(folder, item), final)


def file_target(algorithm, parameters, name, context) -> str:
    """The path of a sink parameter's file, "" where it is a memory layer or a table.

    Asked of a context of its own: in the real one, asking already books the layer for loading.
    """
    probe = QgsProcessingContext()
    probe.setExpressionContext(context.expressionContext())
    target = algorithm.parameterAsOutputLayer(parameters, name, probe)
    scheme = target.split(":", 1)[0]
    is_table = ":" in target and len(scheme) > 1 and not os.path.isabs(target)
    return "" if not target or is_table else target
