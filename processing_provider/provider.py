"""The provider: the list of algorithms, nothing else."""

import configparser
from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

ROOT = Path(__file__).resolve().parents[1]


class CommonGroundProvider(QgsProcessingProvider):
    """Common Ground in the Processing toolbox."""

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
        from .nmad_report import NmadReport
        from .propagate_epoch import PropagateEpoch
        from .propagate_epoch_raster import PropagateEpochRaster
        from .reframe_itrf import ReframeItrf
        from .reframe_itrf_raster import ReframeItrfRaster

        for algorithm in (ReframeItrf, PropagateEpoch, ReframeItrfRaster, PropagateEpochRaster,
                          BlockwiseCoregister, ApplyShifts, NmadReport):
            self.addAlgorithm(algorithm())
