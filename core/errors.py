"""Expected failures: each carries one sentence that tells the user what to do."""


class CommonGroundError(Exception):
    """Base of every failure that the user can act on; shown as it is, without a traceback.

    One line, whatever line breaks the names and values in it hold.
    """

    def __init__(self, message):
        super().__init__(" ".join(str(message).splitlines()))


class FrameError(CommonGroundError):
    """A reference frame is unknown, missing, or cannot be transformed."""


class EpochError(CommonGroundError):
    """An epoch is missing, unreadable or implausible."""


class PlateError(CommonGroundError):
    """No plate, or none that the motion model knows; ``indices`` are the points concerned, if any."""

    def __init__(self, message, indices=()):
        super().__init__(message)
        self.indices = indices


class RasterError(CommonGroundError):
    """A raster cannot be read, has no usable georeference, or holds no data."""


class VectorError(CommonGroundError):
    """A vector layer cannot be read or lacks what is needed."""


class AltimetryError(CommonGroundError):
    """An altimetry file cannot be read, or lacks what its product promises."""


class CoregistrationError(CommonGroundError):
    """Two DEMs cannot be brought together: no overlap, no stable terrain, no solution."""


class OutputError(CommonGroundError):
    """A result cannot be written where the user asked."""


class ExecutorError(CommonGroundError):
    """The requested workers cannot be had."""
