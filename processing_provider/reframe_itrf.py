"""Reframe ITRF: features from one reference frame to another, and to another epoch where one is given."""

from .base import tr
from .vector_frames import VectorFramesAlgorithm


class ReframeItrf(VectorFramesAlgorithm):
    """Change the frame of features, then, with a target epoch, move them with the ground."""

    ID = "reframeitrf"
    FRAME = "SOURCE_FRAME"
    CHANGES_FRAME = True
    TAGS = (
        "itrf",
        "igs",
        "wgs84",
        "etrf",
        "nad83",
        "frame",
        "epoch",
        "helmert",
        "plate",
        "datum",
        "transform",
    )

    def display_name(self):
        return tr("Reframe ITRF")

    def help_text(self):
        return tr(
            "Transforms features between realizations of terrestrial reference frames, each with its own "
            "epoch, and with a target epoch also along plate motion or a velocity.\n\nThe Helmert "
            "parameters are evaluated at the epoch of each feature. The frame that is named overrides the "
            "layer's datum; projection and attributes are kept. Anything that cannot be resolved stops the "
            "run before a file is written.")
