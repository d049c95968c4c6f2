"""Propagate Epoch (raster): a DEM to another epoch without resampling it."""

from .base import tr
from .raster_frames import RasterFramesAlgorithm


class PropagateEpochRaster(RasterFramesAlgorithm):
    """Move a DEM with the ground from its epoch to another."""

    ID = "propagateepochraster"
    FRAME = "FRAME"
    CHANGES_FRAME = False
    TAGS = ("epoch", "plate motion", "tectonics", "velocity", "dem", "raster", "propagate")

    def display_name(self):
        return tr("Propagate Epoch (raster)")

    def help_text(self):
        return tr(
            "Moves a DEM to another epoch within its reference frame, by a plate motion model or by a local "
            "velocity.\n\nThe raster is moved by its georeference and its heights by a plane: nothing is "
            "resampled. A raster on several plates is refused unless a plate or a velocity is given.")
