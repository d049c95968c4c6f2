"""The provider: the list of algorithms, nothing else."""

import configparser
from pathlib import Path

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

ROOT = Path(__file__).resolve().parents[1]


class CommonGroundProvider(QgsProcessingProvider):
    """Common Ground in the Processing toolbox."""

    def __init__(self):
        super().__init__()
        QgsApplication.processingRegistry().providerAdded.connect(self._added)

    def _added(self, provider_id: str) -> None:
        # A model finds its algorithms by their ids, ours too: only once we are in the registry.
        if provider_id == self.id():
            self.refreshAlgorithms()

    def id(self):
        return "commonground"

    def name(self):
        return "Common Ground"

    def icon(self):
        return QIcon(str(ROOT / "resources" / "icons" / "commonground.svg"))

    def versionInfo(self):
        metadata = configparser.ConfigParser()
        metadata.read(ROOT / "metadata.txt", encoding="utf-8")
        return metadata["general"]["version"]

    def loadAlgorithms(self):
        from .apply_shifts import ApplyShifts
        from .blockwise_coregister import BlockwiseCoregister
        from .coregister_points import CoregisterPoints
        from .coregister_series import CoregisterSeries
        from .coregister_tiles import CoregisterTiles
        from .correct_bias import CorrectBias
        from .elevation_change import ElevationChange
        from .import_altimetry import ImportAltimetry
        from .nmad_report import NmadReport
        from .propagate_epoch import PropagateEpoch
        from .propagate_epoch_raster import PropagateEpochRaster
        from .ready_models import TAGS, ReadyModel
        from .reframe_itrf import ReframeItrf
        from .reframe_itrf_raster import ReframeItrfRaster

        for algorithm in (ReframeItrf, PropagateEpoch, ReframeItrfRaster, PropagateEpochRaster,
                          BlockwiseCoregister, CoregisterPoints, CorrectBias, CoregisterSeries, CoregisterTiles,
                          ApplyShifts, NmadReport, ImportAltimetry, ElevationChange):
            self.addAlgorithm(algorithm())
        if QgsApplication.processingRegistry().providerById(self.id()) is not None:
            for name in TAGS:
                self.addAlgorithm(ReadyModel(name))
