"""Propagate Epoch: features to another epoch within their frame."""

from .base import tr
from .vector_frames import VectorFramesAlgorithm


class PropagateEpoch(VectorFramesAlgorithm):
    """Move features with the ground from their epoch to another."""

    ID = "propagateepoch"
    FRAME = "FRAME"
    CHANGES_FRAME = False
    TAGS = ("epoch", "plate motion", "tectonics", "velocity", "itrf", "frame", "propagate")

    def display_name(self):
        return tr("Propagate Epoch")

    def help_text(self):
        return tr(
            "Moves features to another epoch within their reference frame, by a plate motion model (each "
            "feature with the plate that it lies on) or by a velocity.\n\nA plate-fixed frame (ETRF, NAD83, "
            "GDA, NATRF) is propagated through its ITRF parent, so that plate motion is never applied "
            "twice. A plate motion model knows no vertical motion.")
