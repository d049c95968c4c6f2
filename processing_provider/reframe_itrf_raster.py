"""Reframe ITRF (raster): a DEM from one reference frame to another without resampling it."""

from .base import tr
from .raster_frames import RasterFramesAlgorithm


class ReframeItrfRaster(RasterFramesAlgorithm):
    """Change the frame of a DEM, then, with a target epoch, move it with the ground."""

    ID = "reframeitrfraster"
    FRAME = "SOURCE_FRAME"
    CHANGES_FRAME = True
    TAGS = ("itrf", "igs", "wgs84", "frame", "epoch", "helmert", "dem", "raster", "datum", "transform")

    def display_name(self):
        return tr("Reframe ITRF (raster)")

    def help_text(self):
        return tr(
            "Moves a DEM between realizations of terrestrial reference frames, and with a target epoch also "
            "along plate motion or a velocity.\n\nThe raster is moved by its georeference and its heights "
            "by a plane: nothing is resampled. The largest distance from the true displacement is reported, "
            "and refused beyond the tolerance.")
