"""A change of frame or epoch, said so that it can be checked: at one place, in words and for PROJ."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .catalogue import TABLE_VERSION
from .transform import (
    FrameEpoch,
    PlateMotion,
    Velocity,
    displace,
    motion_plates,
    proj_pipeline,
    velocity_spread,
)

STEP_YEARS = 5.0
NEAR_BOUNDARY = 200.0
"""Kilometres from a plate boundary within which a rigid plate is doubtful."""


@dataclass(frozen=True)
class Place:
    """One representative point and its motion: lon, lat in degrees, height in m; motion None where nothing
    moves.

    plate: the code that the point is moved with, "" where none is needed.
    """

    lon: float
    lat: float
    height: float
    source: FrameEpoch
    target: FrameEpoch
    motion: PlateMotion | Velocity | None
    plate: str = ""

    def displacement(self, epoch: float | None = None) -> tuple:
        """`(east, north, up)` in m at an epoch on the way, at the target's where None."""
        when = self.target.epoch if epoch is None else epoch
        moved = displace(
            self.lon,
            self.lat,
            self.height,
            self.source,
            FrameEpoch(self.target.frame, when),
            self.motion,
            self.plate if self.plate else None,
        )
        return float(moved.east), float(moved.north), float(moved.up)

    @property
    def model(self) -> str:
        """The name of the motion, "" where nothing moves."""
        if self.motion is None:
            return ""
        return self.motion.model if isinstance(self.motion, PlateMotion) else "VELOCITY"

    def pipeline(self) -> str:
        """The PROJ pipeline that does the same at this place."""
        return proj_pipeline(self.source, self.target, self.motion, self.plate or None, self.lon, self.lat)

    def spread(self) -> tuple:
        """Half the range `(east, north)` in m of what the models say over the elapsed time; NaN unknown."""
        if not isinstance(self.motion, PlateMotion):
            return math.nan, math.nan
        motion = PlateMotion(self.motion.model, self.plate or self.motion.plate)
        years = abs(self.target.epoch - self.source.epoch)
        east, north = velocity_spread(self.lon, self.lat, motion)
        return float(east) * years, float(north) * years

    def path(self) -> list:
        """`(epoch, east, north, up)` every five years from source to target epoch, both included."""
        start, end = self.source.epoch, self.target.epoch
        count = max(1, math.ceil(abs(end - start) / STEP_YEARS - 1e-9))
        step = math.copysign(STEP_YEARS, end - start)
        epochs = [start + step * number for number in range(count)] + [end]
        return [(epoch, *self.displacement(epoch)) for epoch in epochs]


def provenance(place: Place) -> dict:
    """What any output should say of how it came to be, as `key -> text`."""
    moved = place.displacement()
    return {
        "SOURCE_FRAME": place.source.frame,
        "SOURCE_EPOCH": f"{place.source.epoch:.10g}",
        "TARGET_FRAME": place.target.frame,
        "TARGET_EPOCH": f"{place.target.epoch:.10g}",
        "MODEL": place.model,
        "PLATE": place.plate,
        "DISPLACEMENT": "east {:+.4f} north {:+.4f} up {:+.4f} m at {:.5f} {:.5f}".format(
            *moved, place.lon, place.lat),
        "TABLE_VERSION": TABLE_VERSION,
        "PIPELINE": place.pipeline(),
    }


def history_entry(title: str, place: Place) -> str:
    """The same as one paragraph, for a layer's history."""
    told = provenance(place)
    motion = " ".join(filter(None, (told["MODEL"], told["PLATE"])))
    return (f"Common Ground, {title}: {told['SOURCE_FRAME']} at {told['SOURCE_EPOCH']} to {told['TARGET_FRAME']} at "
            f"{told['TARGET_EPOCH']}{f', motion {motion}' if motion else ''}, {told['DISPLACEMENT']}; parameter "
            f"tables {told['TABLE_VERSION']}; {told['PIPELINE']}")


def place_at(lon: float, lat: float, height: float, source: FrameEpoch, target: FrameEpoch,
             motion: PlateMotion | Velocity | None) -> Place:
    """The Place of a point in degrees and m, with the plate that it lies on; checked, so that it can be displaced.

    A target epoch of None, or no motion, means the source's epoch. Raises FrameError, EpochError and PlateError as
    displace does.
    """
    end = source.epoch if target.epoch is None else target.epoch
    if end == source.epoch:
        motion = None
    plate = str(motion_plates(lon, lat, motion)) if isinstance(motion, PlateMotion) else ""
    place = Place(lon, lat, height, source, FrameEpoch(target.frame, end), motion, plate)
    displace(lon, lat, height, place.source, place.target, motion)
    return place
