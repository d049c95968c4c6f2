"""What is known of two DEMs before the terrain is asked: frames, epochs, vertical datums, units and grids.

A step that geodesy can predict is named with its size, so that coregistration does not absorb it unseen as "shift".
Nothing is applied here and nothing guessed: what a DEM does not say is unknown, with what to set. Signs are those of
shifts: metres to ADD to the secondary's position and height, x and y along the axes of the reference's map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CommonGroundError, FrameError
from ..raster.dem import METRES, Dem, open_dataset
from ..raster.grid import overlap_window, reproject
from ..statistics.vertical_datum import ELLIPSOID, GEOID_GRIDS, WGS84, undulation
from . import html

MODEL = "ITRF2014-PMM"
LATTICE = 5
"""Places along each side of the overlap at which a step is computed."""
SMALL = 0.0005
"""Steps below this (m) are none."""
TAG = "COMMONGROUND_TARGET_"
"""What our own frame algorithms write into a raster begins so."""
TELLING, AGREEING = 3.0, 3.0
"""Standard deviations that a step must measure to be told from noise, and that it may be missed by."""
NEARLY = 0.1
"""Share of a step by which the terrain may miss none, or its opposite, and still be taken to show that."""
TOGETHER = "together"
MINUS = "\u2212"


class Unpredictable(FrameError):
    """A displacement that cannot be computed: frame or epoch of `unknown` are, or it lies on several `plates`."""

    def __init__(self, message: str, unknown: tuple = (), plates: tuple = ()):
        super().__init__(message)
        self.unknown, self.plates = unknown, plates


@dataclass(frozen=True)
class Side:
    """A DEM as it describes itself, or as the user does.

    `frame` "" and `epoch` (decimal year) None are unknown; `advice` then says of the frame what to do. `heights` is
    what they are above: "ellipsoid", "EGM96", "EGM2008", another vertical CRS's name, or "" where nothing says so.
    `cell` is in metres.
    """

    role: str
    name: str
    crs: str
    frame: str
    advice: str
    epoch: float | None
    heights: str
    unit: str
    cell: float
    cols: int
    rows: int
    data_type: str

    @property
    def parameter(self) -> str:
        """How this DEM's parameters begin."""
        return self.role.upper()


@dataclass(frozen=True)
class Step:
    """A predicted step (m): `shift` (x, y, up) at the overlap's centre, `low` and `high` over the overlap.

    `kind` is "frame and epoch", "vertical datum" or "together"; `said` names both ends.
    """

    kind: str
    said: str
    shift: tuple
    low: tuple
    high: tuple

    @property
    def size(self) -> float:
        """Its length at the centre (m)."""
        return math.hypot(*self.shift)


@dataclass(frozen=True)
class Expectation:
    """What was known beforehand of a pair, and what the terrain said then.

    `overlap` is the share of the secondary on the reference; lon, lat (degrees) its centre. `unknown` are sentences on
    what keeps a step from being predicted, `warnings` on what is probably wrong. `found` and `sigma` (m, x y up) are
    the global shift and its standard deviation, None before it is known.
    """

    reference: Side
    secondary: Side
    overlap: float
    lon: float
    lat: float
    steps: tuple
    unknown: tuple
    warnings: tuple
    found: tuple | None = None
    sigma: tuple | None = None

    @property
    def predicted(self) -> Step | None:
        """All steps together, None where there is none."""
        if not self.steps:
            return None
        return self.steps[-1]

    @property
    def unexplained(self) -> tuple | None:
        """What of the shift found no step explains (m, x y up)."""
        if self.found is None:
            return None
        predicted = self.predicted.shift if self.predicted else (0.0, 0.0, 0.0)
        return tuple(found - step for found, step in zip(self.found, predicted))

    def against(self, shift, sigma) -> Expectation:
        """The same with what the terrain says (m, x y up)."""
        return replace(self, found=tuple(map(float, shift)), sigma=tuple(map(float, sigma)))

    def lines(self) -> list[str]:
        """The steps for the log, before anything is solved."""
        return [f"Known beforehand: {_sentence(step)}" for step in self.steps]

    def verdict(self) -> str:
        """Whether the terrain bears the prediction out."""
        if self.found is None or self.predicted is None:
            return ""
        told = [axis for axis in range(3) if math.isfinite(self.sigma[axis]) and self.sigma[axis] > 0]
        if not told:
            return "The terrain cannot tell: its shift has no standard deviation."

        def near(sign: float, slack: float = 0.0) -> bool:
            return all(abs(self.found[axis] - sign * self.predicted.shift[axis]) <= AGREEING * self.sigma[axis] + slack
                       for axis in told)

        if max(abs(self.predicted.shift[axis]) / self.sigma[axis] for axis in told) < TELLING:
            return "The predicted step is too small for this terrain to tell: its standard deviation is as large."
        if near(1.0):
            return "The terrain agrees: the predicted step explains the shift within three standard deviations."
        if near(0.0, NEARLY * self.predicted.size):
            return ("The terrain shows nothing of the predicted step: the DEMs seem to be in one frame and datum, "
                    "whatever they say.")
        if near(-1.0, NEARLY * self.predicted.size):
            return ("The terrain shows the opposite of the predicted step: check whether frames, epochs or vertical "
                    "datums are named the wrong way round.")
        return "The predicted step does not explain all of the shift: what remains is for the terrain alone to tell."


def side_of(dem: Dem, role: str, frame: str = "", epoch: float | None = None, code: str = "") -> Side:
    """A DEM's own description; `frame` and `epoch` are the user's word, which comes first.

    Then comes what the CRS names, then the tags that our own frame algorithms leave. `code` such as EPSG:7912 is what
    the layer's CRS is called.
    """
    from ..frames.epochs import EARLIEST, LATEST, parse_epoch

    dataset = open_dataset(dem.path)
    tags = dataset.GetMetadata() or {}
    advice = ""
    if not frame:
        frame, advice = _frame_of(code, dem.grid.crs)
    if not frame and tags.get(f"{TAG}FRAME"):
        frame, advice = _frame_tagged(tags[f"{TAG}FRAME"], advice)
    if epoch is None:
        reference = dataset.GetSpatialRef()
        stated = reference.GetCoordinateEpoch() if reference is not None else 0.0
        epoch = stated if EARLIEST <= stated <= LATEST else None
    if epoch is None and tags.get(f"{TAG}EPOCH"):
        epoch = parse_epoch(tags[f"{TAG}EPOCH"])
    return Side(role, dem.name, dem.crs_name, frame, advice, epoch, heights_of(dem.grid.crs),
                dataset.GetRasterBand(dem.band).GetUnitType() or "", dem.grid.cell_size(), dem.grid.width,
                dem.grid.height, dem.data_type)


def _frame_of(code: str, wkt: str) -> tuple[str, str]:
    from ..frames.catalogue import frame_of_crs

    try:
        found = frame_of_crs(code or None, wkt)
    except CommonGroundError as error:
        return "", str(error)
    return (found.name, "") if found else ("", "The CRS names no frame realization.")


def _frame_tagged(name: str, advice: str) -> tuple[str, str]:
    from ..frames.catalogue import frame

    try:
        return frame(name).name, ""
    except CommonGroundError:
        return "", advice


def heights_of(wkt: str) -> str:
    """What heights in a CRS (WKT) are above; see Side."""
    from pyproj import CRS

    crs = CRS.from_wkt(wkt)
    if not crs.is_compound:
        return ELLIPSOID if len(crs.axis_info) == 3 else ""
    name = crs.sub_crs_list[1].name
    plain = name.upper().replace(" ", "")
    if plain.startswith("ELLIPSOID"):
        return ELLIPSOID
    return next((model for model in GEOID_GRIDS if model in plain), name)


def expect(reference: Dem, secondary: Dem, sides: tuple | None = None, plate: str = "") -> Expectation:
    """What is known of a pair; `sides` are theirs where frames or epochs were named, `plate` a code of MODEL.

    Raises RasterError where the DEMs do not lie on the Earth; DEMs that do not overlap have no steps.
    """
    first, second = sides or (side_of(reference, "reference"), side_of(secondary, "secondary"))
    warnings = tuple(_warnings(first, reference) + _warnings(second, secondary))
    window = overlap_window(reference.grid, secondary.grid)
    if window is None:
        return Expectation(first, second, 0.0, math.nan, math.nan, (), (), warnings)
    row, col, height, width = window
    rows, cols = (np.linspace(start - 0.5, start + cells - 0.5, LATTICE)
                  for start, cells in ((row, height), (col, width)))
    x, y = (values.ravel() for values in reference.grid.map_of(*np.meshgrid(rows, cols, indexing="ij")))
    lon, lat = (values.ravel() for values in np.broadcast_arrays(*reproject(x, y, reference.grid.crs, WGS84)))
    steps, unknown = [], []
    for foresee in (_frame_step, _datum_step):
        try:
            found = foresee(reference, secondary, first, second, (x, y, lon, lat), plate)
        except CommonGroundError as error:
            unknown += getattr(error, "sentences", (str(error),))
            continue
        if found is not None:
            steps.append(found)
    named = [_step(*step) for step in steps]
    if len(steps) > 1:
        named.append(_step(TOGETHER, "", sum(values for _, _, values in steps)))
    back = overlap_window(secondary.grid, reference.grid)
    share = back[2] * back[3] / (secondary.grid.height * secondary.grid.width) if back else 0.0
    middle = len(lon) // 2
    return Expectation(first, second, share, float(lon[middle]), float(lat[middle]), tuple(named), tuple(unknown),
                       warnings)


def displaced(lon, lat, secondary, reference, plates: tuple, plate: str = ""):
    """The Displacement of places of the secondary (degrees) into the reference's frame and epoch.

    `secondary` and `reference` have a name, a frame and an epoch (Side). `plates` are those that the secondary lies on,
    `plate` the user's word on it. Raises Unpredictable where that is not enough, and what `displace` raises.
    """
    from ..frames.transform import FrameEpoch, PlateMotion, displace

    unknown = tuple(side.name for side in (secondary, reference) if not side.frame or side.epoch is None)
    if unknown:
        raise Unpredictable(f"Frame or epoch unknown for {', '.join(unknown)}.", unknown=unknown)
    if len(plates) > 1 and not plate and secondary.epoch != reference.epoch:
        raise Unpredictable(f"The secondary lies on several plates, {', '.join(plates)}: reframe it with PLATE named "
                            "first (Reframe ITRF, raster).", plates=plates)
    return displace(lon, lat, 0.0, *(FrameEpoch(side.frame, side.epoch) for side in (secondary, reference)),
                    PlateMotion(MODEL, plate or None))


def drift(lon: float, lat: float, plate: str = "") -> tuple[float, str]:
    """How fast the ground moves horizontally (m/yr) and its plate. Raises PlateError where no plate is known."""
    from ..frames.transform import PlateMotion, motion_plates, plate_velocity

    motion = PlateMotion(MODEL, plate or None)
    east, north, _ = plate_velocity(lon, lat, motion)
    return math.hypot(float(east), float(north)), str(motion_plates(lon, lat, motion))


def plates_at(lon, lat) -> tuple:
    """The plates of MODEL at places (degrees), sorted; places on none are left out."""
    from ..frames.transform import PlateMotion, motion_plates

    return tuple(sorted(set(np.ravel(motion_plates(lon, lat, PlateMotion(MODEL))).tolist()) - {""}))


class _Unknown(FrameError):
    """Several sentences on what is unknown."""

    def __init__(self, sentences: list):
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


def _frame_step(reference, secondary, first, second, places, plate):
    """`(kind, said, (3, n) m)` of the step between the frames and epochs, None where there is none."""
    from ..frames.map_positions import MapPositions

    x, y, lon, lat = places
    if first.frame and first.frame == second.frame and first.epoch is not None and first.epoch == second.epoch:
        return None
    unknown = _unknown_frames(first, second, lon, lat, plate)
    if unknown:
        raise _Unknown(unknown)
    # Our own way from map to map is taken off: what PROJ does between two CRSs is done already when DEMs are compared.
    there, here = MapPositions(secondary.grid.crs), MapPositions(reference.grid.crs)
    at_secondary = there.geographic(*reproject(x, y, reference.grid.crs, secondary.grid.crs), np.zeros(x.shape))
    moved = displaced(at_secondary[0], at_secondary[1], second, first, plates_at(lon, lat), plate)
    dx, dy, up = here.shift(here.geographic(x, y, np.zeros(x.shape)), (moved.lon, moved.lat, moved.height))
    east, north = reference.grid.metres_per_unit(y)
    middle = len(x) // 2
    on = f", on plate {moved.plate[middle]} ({MODEL})" if moved.plate[middle] else ""
    said = (f"from {second.frame} at {second.epoch:.6g} (secondary) to {first.frame} at {first.epoch:.6g} (reference)"
            f"{on}: east {moved.east[middle]:+.3f} m, north {moved.north[middle]:+.3f} m, up {moved.up[middle]:+.3f} m")
    values = np.array([dx * east, dy * north, up])
    if any(side.heights not in ("", ELLIPSOID, *GEOID_GRIDS) for side in (first, second)):
        values[2] = 0.0  # levelled heights do not follow the frame
    return ("frame and epoch", said, values) if np.abs(values).max() > SMALL else None


def _unknown_frames(first: Side, second: Side, lon, lat, plate: str) -> list[str]:
    sentences = []
    nameless = [side for side in (first, second) if not side.frame]
    for advice in dict.fromkeys(side.advice for side in nameless):
        alike = [side for side in nameless if side.advice == advice]
        parameters = " and ".join(f"{side.parameter}_FRAME" for side in alike)
        said = advice.replace("SOURCE_FRAME", parameters)
        said += "" if parameters in said else f" Set {parameters}, e.g. ITRF2014."
        sentences.append(f"Frame unknown for {_both(alike)}. {said}")
    undated = [side for side in (first, second) if side.epoch is None]
    if undated:
        parameters = " and ".join(f"{side.parameter}_EPOCH" for side in undated)
        sentences.append(f"Epoch unknown for {_both(undated)}: set {parameters} to when the ground was observed.")
        try:
            speed, on = drift(float(lon[len(lon) // 2]), float(lat[len(lat) // 2]), plate)
            sentences.append(f"The ground moves here by {100 * speed:.1f} cm a year (plate {on}, {MODEL}).")
        except CommonGroundError as error:
            sentences.append(str(error))
    return sentences


def _both(sides: list) -> str:
    return " and ".join(f"{side.name} ({side.role})" for side in sides)


def _datum_step(reference, secondary, first, second, places, plate):
    """`(kind, said, (3, n) m)` of the step between what the heights are above, None where there is none."""
    if first.heights == second.heights != "":
        return None
    silent = [side for side in (first, second) if not side.heights]
    if silent:
        raise _Unknown([f"What the heights of {_both(silent)} are above is not said: a compound CRS would say it (the "
                        "map's EPSG code with +5773 for EGM96, +3855 for EGM2008)."])
    _, _, lon, lat = places
    geoids = []
    for side in (second, first):
        height = _above_ellipsoid(side.heights, lon, lat)
        if height is None:
            raise _Unknown([f"{first.name} holds heights above {first.heights}, {second.name} above {second.heights}: "
                            f"a step of unknown size, for {_lack(side.heights)}. Bring both to one vertical datum "
                            "first."])
        geoids.append(height)
    values = np.zeros((3, len(lon)))
    values[2] = geoids[0] - geoids[1]
    if not np.isfinite(values).all():
        raise _Unknown([f"The step from heights above {second.heights} to heights above {first.heights} cannot be "
                        "computed all over the overlap: PROJ's grid ends there."])
    return "vertical datum", f"from heights above {second.heights} (secondary) to {first.heights} (reference)", values


def _above_ellipsoid(heights: str, lon, lat):
    """The zero of heights above the ellipsoid (m), None where it is unknown."""
    if heights == ELLIPSOID:
        return np.zeros(len(lon))
    return undulation(heights, lon, lat) if heights in GEOID_GRIDS else None


def _lack(heights: str) -> str:
    if heights in GEOID_GRIDS:
        return f"PROJ has no grid of {heights} ({GEOID_GRIDS[heights][0]}) here"
    return f"no geoid model of {heights} is known here"


def _warnings(side: Side, dem: Dem) -> list[str]:
    """Units and directions of heights that contradict each other."""
    from pyproj import CRS

    crs = CRS.from_wkt(dem.grid.crs)
    if not crs.is_compound:
        return []
    axis, unit = crs.axis_info[-1], side.unit.strip().lower()
    told, warnings = METRES.get(unit, 1.0), []
    if unit and abs(axis.unit_conversion_factor / told - 1.0) > 3e-6:
        warnings.append(f"The heights of {side.name} ({side.role}) count in {axis.unit_name} by its CRS, but in "
                        f"{side.unit} by its band, which is believed: mend one of the two.")
    if axis.direction.lower() == "down":
        warnings.append(f"The CRS of {side.name} ({side.role}) counts depths, downwards; they are read as heights.")
    return warnings


def _step(kind: str, said: str, values: np.ndarray) -> Step:
    return Step(kind, said, tuple(values[:, values.shape[1] // 2].tolist()), tuple(values.min(axis=1).tolist()),
                tuple(values.max(axis=1).tolist()))


def _sentence(step: Step) -> str:
    """A step for people, as a shift would be told."""
    parts = []
    for axis, value, low, high in zip(("x", "y", "up"), step.shift, step.low, step.high):
        spread = f" ({low:+.3f} to {high:+.3f} over the overlap)" if high - low > 2 * SMALL else ""
        parts.append(f"{axis} {value:+.3f} m{spread}")
    named = "all steps together" if step.kind == TOGETHER else f"a step of {step.kind}, {step.said}"
    return f"{named}. As a shift to add to the secondary: {', '.join(parts)}."


def section(known: Expectation) -> html.Section:
    """The part of a report that tells what was known beforehand from what the terrain says."""
    parts = [html.notice(warning) for warning in known.warnings]
    parts.append(html.table(["", "Reference", "Secondary"], _facts(known)))
    parts += [html.paragraph(f"{step.kind.capitalize()}: {step.said}.") for step in known.steps if step.said]
    if known.steps or known.found:
        parts.append(html.table(
            ["Metres to add", "x", "y", "up", "Over the overlap"], _shares(known), (1, 2, 3),
            "To the secondary, x and y along the axes of the reference's map; after \u00b1 one standard deviation. "
            "Steps are named, not applied."))
    verdict = known.verdict()
    parts += [html.paragraph(verdict)] if verdict else []
    parts += [html.paragraph(sentence) for sentence in known.unknown]
    return html.Section("What was known beforehand", "".join(parts))


def _facts(known: Expectation) -> list[list]:
    both = known.reference, known.secondary

    def epoch(side):
        return "unknown" if side.epoch is None else f"{side.epoch:.6g}"

    return [[label, *(told(side) for side in both)] for label, told in (
        ("CRS", lambda side: side.crs), ("Frame", lambda side: side.frame or "unknown"), ("Epoch", epoch),
        ("Heights above", lambda side: side.heights or "not said"),
        ("Heights in", lambda side: side.unit or "metres (not said)"),
        ("Cells", lambda side: f"{side.cols} x {side.rows} of {side.cell:.4g} m, {side.data_type}"))]


def _shares(known: Expectation) -> list[list]:
    rows = [[f"Predicted: {step.kind}", *map(_number, step.shift),
             "; ".join(f"{axis} {_number(low)} to {_number(high)}" for axis, low, high in zip(
                 ("x", "y", "up"), step.low, step.high))] for step in known.steps]
    if known.found is not None:
        rows.append(["The terrain says (global shift)", *map(_measured, known.found, known.sigma), ""])
        rows.append(["What no step explains", *map(_measured, known.unexplained, known.sigma), ""])
    return rows


def _number(value: float) -> str:
    return f"{value:+.3f}".replace("-", MINUS)


def _measured(value: float, sigma: float) -> str:
    return f"{_number(value)} \u00b1 {sigma:.3f}" if math.isfinite(sigma) else _number(value)
