"""The one transform: coordinates from a frame and epoch to another frame and epoch.

The way has up to three legs. The motion lives in a frame M, in which its velocities are true:

1. source frame -> M, Helmert at the source epoch;
2. motion in M from the source epoch to the target epoch;
3. M -> target frame, Helmert at the target epoch.

M is the frame of an ITRF plate motion model. For models without a realization of their own it is the newer of
the two frames' ITRFs, the same both ways, so that going there and back ends where it began; for a user's
velocity it is the source frame's ITRF. So a plate-fixed frame always goes through its ITRF parent, and plate
motion is never applied twice.

Up to 89 degrees of latitude the summed parameters give the displacement in east, north, up analytically,
with second-order terms for the curvature of the ellipsoid; nearer to the poles, and where a plate turns by
more than 5 m, geocentric coordinates and a true rotation are used. Degrees and ellipsoidal metres (GRS 80,
which WGS 84 equals within 0.1 mm) at the edges.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import EpochError, PlateError
from .catalogue import FRAMES, frame
from .epochs import EARLIEST, LATEST, check_epochs
from .helmert import between, legs
from .plate_motion import MODELS, PlateMotion, Velocity, model, outline_codes, plate_code, require_plate

__all__ = [
    "Displacement",
    "FrameEpoch",
    "PlateMotion",
    "Velocity",
    "displace",
    "geocentric",
    "geodetic",
    "motion_frame",
    "motion_plates",
    "plate_velocity",
    "proj_pipeline",
    "velocity_spread",
]

SEMI_MAJOR = 6378137.0
FLATTENING = 1.0 / 298.257222101
_E2 = FLATTENING * (2.0 - FLATTENING)
_DEGREES = 180.0 / np.pi
_CHUNK = 8192
_EXACT_LATITUDE = 89.0
# A chord instead of an arc is wrong by angle^2 R / 2: 2 um here, twice that there and back.
_EXACT_ANGLE = 8e-7


@dataclass(frozen=True)
class FrameEpoch:
    """A frame, and the epoch of the coordinates in it: decimal years, one or one a point; None as a
    target means the source's."""

    frame: str
    epoch: float | np.ndarray | None = None


@dataclass(frozen=True)
class Displacement:
    """Where points end up, and how they got there; every array has the shape of the coordinates.

    lon, lat: degrees and height: m, in the target frame; east, north, up: m, target minus source in the
    local system of the source point; plate: codes as the model spells them, '' where there is none.
    """

    lon: np.ndarray
    lat: np.ndarray
    height: np.ndarray
    east: np.ndarray
    north: np.ndarray
    up: np.ndarray
    plate: np.ndarray


def displace(lon, lat, height, source, target, motion=None, plates=None):
    """Transform points from one frame and epoch to another.

    lon, lat: degrees; height: ellipsoidal m; scalars or arrays that broadcast, with the epochs, against
    each other. source, target: FrameEpoch. motion: PlateMotion or Velocity, needed where the epochs differ.
    plates: result of motion_plates, to look plates up only once. Returns a Displacement.
    Tens of millions of points are best passed in blocks of half a million: fresh memory for the results
    costs more than the computation.

    Raises FrameError (unknown frame), EpochError (missing or implausible epoch; epochs differ without a
    motion) and PlateError (a point without a plate in the model; its ``indices`` are positions in the
    flattened points).

    >>> moved = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5),
    ...                  PlateMotion("ITRF2014-PMM", "NOAM"))
    >>> [round(float(value), 4) for value in (moved.east, moved.north, moved.up)]
    [-0.4177, 0.3017, 0.006]
    """
    start, end = _epochs(source, target, motion)
    rates = (motion.east, motion.north, motion.up) if isinstance(motion, Velocity) else ()
    shape = np.broadcast_shapes(*map(np.shape, (lon, lat, height, start, end, *rates)))
    moving = motion is not None and not np.array_equal(start, end)
    if not moving:
        plates = np.full(shape, "")
    elif plates is None:
        plates = motion_plates(lon, lat, motion)
    plates = np.broadcast_to(plates, shape)
    if moving and isinstance(motion, PlateMotion):
        _require_plates(plates, motion)

    route = _Route(source.frame, target.frame, motion if moving else None)
    given = (lon, lat, height, start, end, plates, *(rates if moving else ()))
    points = [_Flat(values, shape) for values in given]
    size = int(np.prod(shape, dtype=np.int64))
    result = np.empty((6, size))
    scratch = np.empty((24, min(_CHUNK, size)))
    for first in range(0, size, _CHUNK):
        chunk = slice(first, min(first + _CHUNK, size))
        _displace_chunk(route, [values[chunk] for values in points], result[:, chunk], scratch)
    return Displacement(*(values.reshape(shape) for values in result), plates)


def motion_frame(source_frame, target_frame, motion):
    """Return the name of the frame in which a motion is applied (M of the module's description)."""
    if isinstance(motion, Velocity):
        return _itrf_of(source_frame)
    return model(motion.model).frame or max(_itrf_of(source_frame), _itrf_of(target_frame), key=FRAMES.index)


def motion_plates(lon, lat, motion):
    """Return each point's plate as the motion's model spells it, '' where the model has none.

    lon, lat: degrees of any shape. A plate named in the motion holds for all points (PlateError where the
    model lacks it); a Velocity needs no plate and gives ''.
    """
    shape = np.broadcast_shapes(np.shape(lon), np.shape(lat))
    if not isinstance(motion, PlateMotion):
        return np.broadcast_to("", shape)
    if motion.plate:
        return np.broadcast_to(require_plate(motion.model, motion.plate), shape)
    from .plates import plate_index

    return outline_codes(model(motion.model).name)[plate_index(lon, lat)]


def plate_velocity(lon, lat, motion, plates=None):
    """Return (east, north, up) in m/yr at height 0 for a PlateMotion, in the model's own frame.

    lon, lat: degrees of any shape. Raises PlateError as displace does.

    >>> east, north, _ = plate_velocity(132.0, -24.0, PlateMotion("ITRF2014-PMM"))
    >>> round(float(east) * 1000, 2), round(float(north) * 1000, 2)    # mm/yr, AUST
    (32.69, 59.12)
    """
    home = model(motion.model).frame or "ITRF2014"
    moved = displace(lon, lat, 0.0, FrameEpoch(home, 2010.0), FrameEpoch(home, 2011.0), motion, plates)
    return moved.east, moved.north, moved.up


def velocity_spread(lon, lat, motion):
    """Return (east, north): half the range in m/yr of what the plate motion models say at each point.

    An honest uncertainty of a plate velocity. lon, lat: degrees of any shape. NaN where fewer than two
    models know the plate, and for a user's Velocity, of which the models say nothing.
    """
    shape = np.broadcast_shapes(np.shape(lon), np.shape(lat))
    lon, lat = (np.broadcast_to(values, shape).ravel() for values in (lon, lat))
    east, north = (np.full((len(MODELS), lon.size), np.nan) for _ in range(2))
    for row, name in enumerate(MODELS if isinstance(motion, PlateMotion) else ()):
        if motion.plate:
            require_plate(motion.model, motion.plate)
            plates = np.full(lon.size, plate_code(name, motion.plate))
        else:
            plates = motion_plates(lon, lat, PlateMotion(name))
        known = plates != ""
        if known.any():
            east[row, known], north[row, known], _ = plate_velocity(
                lon[known], lat[known], PlateMotion(name), plates[known])
    return _half_range(east).reshape(shape), _half_range(north).reshape(shape)


def geocentric(lon, lat, height):
    """Return x, y, z (m) of degrees and ellipsoidal metres on GRS 80."""
    lam, phi = np.radians(lon), np.radians(lat)
    normal = SEMI_MAJOR / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    across = (normal + height) * np.cos(phi)
    return across * np.cos(lam), across * np.sin(lam), (normal * (1.0 - _E2) + height) * np.sin(phi)


def geodetic(x, y, z):
    """Return lon, lat (degrees), ellipsoidal height (m) on GRS 80; right to 1 nm at the poles too.

    Bowring 1976 (10.1179/sre.1976.23.181.323), iterated once more.
    """
    across = np.hypot(x, y)
    minor = SEMI_MAJOR * (1.0 - FLATTENING)
    reduced = np.arctan2(z * SEMI_MAJOR, across * minor)
    for _ in range(3):
        phi = np.arctan2(z + _E2 / (1.0 - _E2) * minor * np.sin(reduced) ** 3,
                         across - _E2 * SEMI_MAJOR * np.cos(reduced) ** 3)
        reduced = np.arctan2((1.0 - FLATTENING) * np.sin(phi), np.cos(phi))
    sine, cosine = np.sin(phi), np.cos(phi)
    # The distance along the normal, well conditioned at the equator and at the poles alike.
    height = across * cosine + z * sine - SEMI_MAJOR * np.sqrt(1.0 - _E2 * sine ** 2)
    return np.degrees(np.arctan2(y, x)), np.degrees(phi), height


def proj_pipeline(source, target, motion=None, plate=None, lon=None, lat=None):
    """Return the PROJ pipeline that does the same, for provenance: paste it into ``cct``.

    cct then takes 'lon lat height t' with t the source epoch in decimal years. source, target: FrameEpoch;
    the target epoch one number (None: the source's). plate: code, where the motion names none. lon, lat
    (degrees): the place, needed for a Velocity only, whose pipeline holds at that place. All rotations are
    position vector; the published legs appear one by one. PROJ moves along the chord: for a plate that has
    turned by a distance d it differs by d^2 / 2 R, below 1 um for the large plates.
    """
    steps = ["+step +proj=unitconvert +xy_in=deg +xy_out=rad", "+step +proj=cart +ellps=GRS80"]
    if motion is None or target.epoch is None:
        steps += [leg.proj_step() for leg in legs(source.frame, target.frame)]
    else:
        home = motion_frame(source.frame, target.frame, motion)
        steps += [leg.proj_step() for leg in legs(source.frame, home)]
        steps += _motion_steps(motion, plate, float(target.epoch), lon, lat)
        steps += [leg.proj_step_at(target.epoch) for leg in legs(home, target.frame)]
    steps += ["+step +inv +proj=cart +ellps=GRS80", "+step +proj=unitconvert +xy_in=rad +xy_out=deg"]
    return " ".join(["+proj=pipeline", *steps])


class _Route:
    """The three legs between two frames, reduced to numbers.

    constants, start_rates, end_rates: the summed 7 parameters are constants + start_rates * t1
    + end_rates * t2, without the motion. rotations, bias: plate -> (wx, wy, wz), origin rate bias.
    """

    def __init__(self, source, target, motion):
        home = target if motion is None else motion_frame(source, target, motion)
        self.first, self.last = between(source, home), between(home, target)
        at_zero = np.array([self.first.at(0.0), self.last.at(0.0)])
        self.constants = at_zero.sum(axis=0).tolist()
        self.start_rates, self.end_rates = self.first.rates, self.last.rates
        self.rotations, self.bias = {}, (0.0, 0.0, 0.0)
        if isinstance(motion, PlateMotion):
            known = model(motion.model)
            self.rotations, self.bias = known.rotations, known.origin_rate

    def plate_rotation(self, plates):
        """(wx, wy, wz) in rad/yr for the plates of some points: scalars where they share one plate."""
        if not self.rotations:
            return 0.0, 0.0, 0.0
        if (plates == plates[0]).all():
            return self.rotations[str(plates[0])]
        codes, which = np.unique(plates, return_inverse=True)
        return np.array([self.rotations[str(code)] for code in codes]).T[:, which]


class _Flat:
    """A value or array seen as a flat sequence of the common shape, without copying a constant."""

    def __init__(self, values, shape):
        values = np.asarray(values)
        if values.ndim == 0 or all(stride == 0 for stride in np.broadcast_to(values, shape).strides):
            self.constant, self.values = True, values.ravel()[:1]
        else:
            self.constant, self.values = False, np.broadcast_to(values, shape).reshape(-1)

    def __getitem__(self, chunk):
        return self.values if self.constant else self.values[chunk]


def _displace_chunk(route, points, result, scratch):
    """Fill result (lon, lat, height, east, north, up) for one chunk of points."""
    lon, lat, height, start, end, plates, *enu_rates = points
    b = scratch[:, :result.shape[1]]
    rotation = route.plate_rotation(plates)
    parameters = _summed_parameters(route, start, end, rotation, b)
    bias = [rate * (end - start) for rate in route.bias] if any(route.bias) else None
    moved = [rate * (end - start) for rate in enu_rates]
    with np.errstate(divide="ignore", invalid="ignore"):
        _enu(lon, lat, height, parameters, bias, moved, result, b)
    hard = np.abs(lat, out=b[0]) > _EXACT_LATITUDE
    turning = np.sqrt(sum(np.square(rate) for rate in rotation))
    if np.max(turning) * (LATEST - EARLIEST) > _EXACT_ANGLE:
        hard = hard | (turning * np.abs(end - start) > _EXACT_ANGLE)
    if hard.any():
        hard = np.broadcast_to(hard, result.shape[1:])
        chosen = [np.broadcast_to(values, hard.shape)[hard] for values in points]
        result[:, hard] = _exact(route, *chosen)


def _summed_parameters(route, start, end, rotation, b):
    """The 7 parameters of all three legs, scalar where they are the same for all points."""
    rotation = (0.0, 0.0, 0.0, 0.0, *rotation)
    parameters = []
    for k in range(7):
        total, from_start, from_end = route.constants[k], route.start_rates[k], route.end_rates[k]
        if np.ndim(rotation[k]) == 0:
            from_start, from_end = from_start - rotation[k], from_end + rotation[k]
        else:
            total = np.multiply(rotation[k], end - start, out=b[k])
            total += route.constants[k]
        for epoch, rate in ((start, from_start), (end, from_end)):
            if epoch.size == 1:
                total = total + float(epoch[0]) * rate
            elif rate:
                total = np.add(total, np.multiply(epoch, rate, out=b[7]), out=b[k])
        parameters.append(total)
    return parameters


def _enu(lon, lat, height, parameters, bias, moved, out, b):
    """Displacement in east, north, up, and the new coordinates; scratch rows from 7 on are used.

    With the point at (0, xn, xu) in its own east, north, up system, d = T + D x + r x x.
    """
    tx, ty, tz, scale, rx, ry, rz = parameters
    out_lon, out_lat, out_height, east, north, up = out
    sl, cl, sp, cp, w, inverse_w, normal, meridional, xn, xu, g, k, re, rn, ru, square, tmp = b[7:24]
    _sine_and_cosine(lat, sp, cp, tmp)
    _sine_and_cosine(lon, sl, cl, tmp)

    np.multiply(sp, sp, out=w)
    w *= -_E2
    w += 1.0
    np.sqrt(w, out=w)
    np.divide(1.0, w, out=inverse_w)
    np.multiply(inverse_w, SEMI_MAJOR, out=normal)
    np.multiply(sp, cp, out=xn)
    xn *= normal
    xn *= -_E2
    np.multiply(w, SEMI_MAJOR, out=xu)
    xu += height

    _sum_of_products(tx, cl, ty, sl, g, tmp)
    _sum_of_products(rx, cl, ry, sl, k, tmp)
    _difference_of_products(ry, cl, rx, sl, re, tmp)
    _difference_of_products(rz, cp, k, sp, rn, tmp)
    _sum_of_products(k, cp, rz, sp, ru, tmp)

    _difference_of_products(ty, cl, tx, sl, east, tmp)
    _add_product(east, rn, xu, tmp)
    ru *= xn
    east -= ru
    _difference_of_products(tz, cp, g, sp, north, tmp)
    _add_product(north, scale, xn, tmp)
    np.multiply(re, xu, out=tmp)
    north -= tmp
    _sum_of_products(g, cp, tz, sp, up, tmp)
    _add_product(up, scale, xu, tmp)
    _add_product(up, re, xn, tmp)
    if bias is not None:
        east += bias[1] * cl - bias[0] * sl
        north += bias[2] * cp - (bias[0] * cl + bias[1] * sl) * sp
    for component, amount in zip((east, north, up), moved):
        component += amount

    # Meridional and normal radius of curvature, at the height of the point.
    np.multiply(inverse_w, inverse_w, out=meridional)
    meridional *= normal
    meridional *= 1.0 - _E2
    meridional += height
    normal += height
    inverse_n = np.divide(1.0, normal, out=normal)
    inverse_cp = np.divide(1.0, cp, out=cp)
    bend = np.multiply(sp, inverse_cp, out=sp)
    bend *= inverse_n

    # Second order: meridians converge northward, and the tangent plane leaves the ellipsoid.
    np.multiply(north, bend, out=tmp)
    tmp += 1.0
    tmp *= east
    tmp *= inverse_n
    tmp *= inverse_cp
    tmp *= _DEGREES
    np.add(lon, tmp, out=out_lon)
    np.multiply(east, east, out=square)
    bend *= square
    bend *= -0.5
    bend += north
    bend /= meridional
    bend *= _DEGREES
    np.add(lat, bend, out=out_lat)
    np.multiply(north, north, out=tmp)
    square += tmp
    square *= inverse_n
    square *= 0.5
    square += up
    np.add(height, square, out=out_height)


def _sine_and_cosine(degrees, sine, cosine, tmp):
    """Both from the tangent t of half the angle, 2 t / (1 + t^2) and 2 / (1 + t^2) - 1, right to 5e-16.

    numpy 2 takes 8 ns each for sin and cos of a double, but 1 ns for tan.
    """
    np.multiply(degrees, 0.5 / _DEGREES, out=tmp)
    np.tan(tmp, out=tmp)
    np.multiply(tmp, tmp, out=cosine)
    cosine += 1.0
    np.divide(2.0, cosine, out=cosine)
    np.multiply(tmp, cosine, out=sine)
    cosine -= 1.0


def _sum_of_products(a, x, c, y, out, tmp):
    """out = a x + c y."""
    np.multiply(x, a, out=out)
    np.multiply(y, c, out=tmp)
    out += tmp


def _difference_of_products(a, x, c, y, out, tmp):
    """out = a x - c y."""
    np.multiply(x, a, out=out)
    np.multiply(y, c, out=tmp)
    out -= tmp


def _add_product(out, a, x, tmp):
    """out += a x."""
    np.multiply(x, a, out=tmp)
    out += tmp


def _exact(route, lon, lat, height, start, end, plates, *enu_rates):
    """The same through geocentric coordinates: (lon, lat, height, east, north, up)."""
    x0 = geocentric(lon, lat, height)
    x = route.first.apply(*x0, start)
    elapsed = end - start
    w = [rate * elapsed for rate in route.plate_rotation(plates)]
    enu = [rate * elapsed for rate in enu_rates] or [0.0, 0.0, 0.0]
    bias_east, bias_north, _ = _to_enu(lon, lat, [rate * elapsed for rate in route.bias])
    pushed = _to_xyz(lon, lat, (enu[0] + bias_east, enu[1] + bias_north, enu[2]))
    turned = _cross(w, x)
    x = [a + b + c / 2.0 + d for a, b, c, d in zip(x, turned, _cross(w, turned), pushed)]
    x = route.last.apply(*x, end)
    moved = _to_enu(lon, lat, [after - before for after, before in zip(x, x0)])
    new_lon, new_lat, new_height = geodetic(*x)
    # The new longitude is kept on the turn of the old one, as first-order displacements are.
    new_lon = lon + (new_lon - lon + 180.0) % 360.0 - 180.0
    return np.array([new_lon, new_lat, new_height, *moved])


def _cross(a, b):
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _to_enu(lon, lat, vector):
    sl, cl, sp, cp = _sines(lon, lat)
    x, y, z = vector
    along = cl * x + sl * y
    return cl * y - sl * x, cp * z - sp * along, cp * along + sp * z


def _to_xyz(lon, lat, vector):
    sl, cl, sp, cp = _sines(lon, lat)
    east, north, up = vector
    along = cp * up - sp * north
    return cl * along - sl * east, sl * along + cl * east, sp * up + cp * north


def _sines(lon, lat):
    lam, phi = np.radians(lon), np.radians(lat)
    return np.sin(lam), np.cos(lam), np.sin(phi), np.cos(phi)


def _epochs(source, target, motion):
    """Checked source and target epochs as arrays; both frames exist."""
    frame(source.frame), frame(target.frame)
    if source.epoch is None:
        raise EpochError(f"The epoch of the coordinates in {source.frame} is missing; give it as a decimal "
                         "year such as 2018.5 or an ISO date.")
    start = np.asarray(source.epoch, dtype=float)
    end = start if target.epoch is None else np.asarray(target.epoch, dtype=float)
    check_epochs(start)
    check_epochs(end)
    if motion is None and not (end is start or np.all(start == end)):
        raise EpochError("Source and target epoch differ, so the points move: choose a plate motion model "
                         "or give a velocity, or leave the target epoch empty.")
    return start, end


def _require_plates(plates, motion):
    missing = np.flatnonzero(plates == "") if plates.size else ()
    if len(missing):
        others = ", ".join(name for name in MODELS if name != model(motion.model).name)
        raise PlateError(
            f"{len(missing)} of {plates.size} points lie on no plate of {model(motion.model).name} (the "
            f"first is number {missing[0] + 1}); choose another model ({others}), name the plate, or give a "
            "velocity.", missing)


def _itrf_of(name):
    """The ITRF that a frame is, is aligned to, or is fixed to."""
    return frame(frame(name).parent).name


def _half_range(values):
    """Half of max - min over the first axis, NaN where fewer than two values are finite."""
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min(axis=0)
    high = np.where(finite, values, -np.inf).max(axis=0)
    return np.where(finite.sum(axis=0) >= 2, (high - low) / 2.0, np.nan)


def _motion_steps(motion, plate, end, lon, lat):
    """PROJ steps of the motion, from the coordinate's own time to the epoch ``end``."""
    # PROJ multiplies rates by (t - t_epoch), which is minus the time still to go, hence +inv.
    step = ("+step +inv +proj=helmert +dx={:.10g} +dy={:.10g} +dz={:.10g} +drx={:.10g} +dry={:.10g} "
            f"+drz={{:.10g}} +t_epoch={end:.10g} +convention=position_vector")
    if isinstance(motion, Velocity):
        if lon is None or lat is None:
            raise ValueError("a Velocity becomes a pipeline at one place only: lon and lat are needed")
        vector = _to_xyz(lon, lat, (float(motion.east), float(motion.north), float(motion.up)))
        return [step.format(*vector, 0.0, 0.0, 0.0)]
    known = model(motion.model)
    code = require_plate(motion.model, motion.plate or plate or "")
    seconds = [value * 180.0 / np.pi * 3600.0 for value in known.rotations[code]]
    steps = [step.format(0.0, 0.0, 0.0, *seconds)]
    if any(known.origin_rate):
        # Horizontally only: the height of before the bias is put back.
        down, up = "+step +inv +proj=cart +ellps=GRS80", "+step +proj=cart +ellps=GRS80"
        steps += [down, "+step +proj=push +v_3", up, step.format(*known.origin_rate, 0.0, 0.0, 0.0),
                  down, "+step +proj=pop +v_3", up]
    return steps
