"""What can be said of two DEMs before anything is run: read from their headers, in a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..core.errors import CommonGroundError
from ..core.report.expectation import MODEL, SMALL
from ..processing_provider.base import tr
from ..processing_provider.parameters import raster_source_of

BLOCKS = 4
"""As many blocks along the shorter side are wanted, so that a field has something to lean on."""
SMALLEST_BLOCK, USUAL_BLOCK = 100, 500
LATTICE = 5
"""As many places along each side are asked for their plate."""


@dataclass(frozen=True)
class DemFacts:
    """A DEM as its header tells it. `frame` is "" and `epoch` None where unknown, `advice` then says what to do.

    `heights` is what the file declares its heights to be above, "" where it declares nothing; `cell` is metres.
    """

    dem: object
    name: str
    crs: str
    frame: str
    advice: str
    epoch: float | None
    heights: str
    cell: float
    size: str
    whole_numbers: bool


@dataclass(frozen=True)
class PairFacts:
    """Both DEMs, the share of the secondary that lies on the reference, and where they meet (degrees)."""

    reference: DemFacts
    secondary: DemFacts
    overlap: float
    lon: float
    lat: float
    plates: tuple
    """The plates of MODEL that the secondary lies on, as its outlines have it."""

    @property
    def block_size(self) -> int:
        """The block size (cells of the reference) that gives a field something to lean on."""
        grid = self.reference.dem.grid
        return max(SMALLEST_BLOCK, min(USUAL_BLOCK, min(grid.width, grid.height) // BLOCKS))


@dataclass(frozen=True)
class Expected:
    """What geodesy expects: metres to add to the secondary, and the plate; a sentence where it cannot say."""

    east: float = 0.0
    north: float = 0.0
    up: float = 0.0
    plate: str = ""
    problem: str = ""

    @property
    def known(self) -> bool:
        """True where there is a displacement to speak of."""
        return not self.problem and math.hypot(self.east, self.north, self.up) > SMALL


def look_at(layer, name: str) -> DemFacts:
    """The facts of one raster layer. Raises RasterError for layers that cannot be read cell by cell."""
    from ..core.raster.dem import Dem
    from ..core.report.expectation import ELLIPSOID, side_of

    path, crs = raster_source_of(layer, name)
    dem = Dem.open(path, crs=crs)
    side = side_of(dem, "", code=layer.crs().authid())
    return DemFacts(
        dem=dem, name=layer.name(), crs=side.crs, frame=side.frame, advice=side.advice, epoch=side.epoch,
        heights=tr("the ellipsoid") if side.heights == ELLIPSOID else side.heights,
        cell=side.cell, size=f"{side.cols} \u00d7 {side.rows}",
        whole_numbers="Int" in side.data_type or side.data_type == "Byte",
    )


def look_at_pair(reference, secondary) -> PairFacts:
    """The facts of two raster layers. Raises CommonGroundError where they cannot be compared at all."""
    from ..core.errors import RasterError
    from ..core.raster.grid import overlap_window

    first, second = look_at(reference, tr("The reference")), look_at(secondary, tr("The secondary"))
    if first.dem.path == second.dem.path:
        raise RasterError(tr("Both are the same file: choose another secondary DEM."))
    window = overlap_window(second.dem.grid, first.dem.grid)
    if window is None:
        raise RasterError(tr("The two DEMs do not overlap: choose DEMs of one place, or check their CRS."))
    row, col, height, width = window
    grid = second.dem.grid
    lon, lat = map(float, _degrees(*grid.map_of(row + height / 2, col + width / 2), grid.crs))
    return PairFacts(first, second, height * width / (grid.height * grid.width), lon, lat, _plates_of(grid))


def with_frame(facts: DemFacts, frame: str, epoch: float | None) -> DemFacts:
    """The facts after the user's word on frame and epoch."""
    return replace(facts, frame=frame, epoch=epoch)


def expected(pair: PairFacts, plate: str = "") -> Expected:
    """The displacement of the secondary into the reference's frame and epoch, by core's one transform.

    `plate` is the user's word, "" leaves it to the outlines, which must then name one.
    """
    from ..core.report.expectation import Unpredictable, displaced

    try:
        moved = displaced(pair.lon, pair.lat, pair.secondary, pair.reference, pair.plates, plate)
    except Unpredictable as error:
        if error.unknown:
            return Expected(problem=tr("frame or epoch unknown for {names}").format(names=", ".join(error.unknown)))
        return Expected(problem=tr("the secondary lies on several plates, {plates}: choose one").format(
            plates=", ".join(error.plates)))
    except CommonGroundError as error:
        return Expected(problem=str(error))
    return Expected(float(moved.east), float(moved.north), float(moved.up), str(moved.plate))


def told(pair: PairFacts, reframed: bool) -> dict:
    """Frames and epochs as parameters of Blockwise Coregister; a reframed secondary has the reference's."""
    sides = {"REFERENCE": pair.reference, "SECONDARY": pair.reference if reframed else pair.secondary}
    stated = {f"{role}_FRAME": side.frame for role, side in sides.items()}
    stated.update({f"{role}_EPOCH": "" if side.epoch is None else repr(side.epoch) for role, side in sides.items()})
    return {name: value for name, value in stated.items() if value}


def plate_names() -> tuple:
    """The plates of MODEL."""
    from ..core.frames.plate_motion import model

    return tuple(sorted(model(MODEL).plates))


def drift(pair: PairFacts, plate: str = "") -> tuple[float, str]:
    """How fast the ground moves here horizontally (m/yr) and its plate; NaN and the reason where unknown."""
    from ..core.report import expectation

    try:
        return expectation.drift(pair.lon, pair.lat, plate)
    except CommonGroundError as error:
        return math.nan, str(error)


def _plates_of(grid) -> tuple:
    """The plates under a few cells of a grid, sorted; '' (no plate of the model) is left out."""
    import numpy as np

    from ..core.report.expectation import plates_at

    places = np.linspace(-0.5, grid.height - 0.5, LATTICE)[:, None], np.linspace(-0.5, grid.width - 0.5, LATTICE)
    return plates_at(*_degrees(*grid.map_of(*np.broadcast_arrays(*places)), grid.crs))


def _degrees(x, y, wkt: str):
    from ..core.raster.grid import reproject
    from ..core.statistics.vertical_datum import WGS84

    return reproject(x, y, wkt, WGS84)
