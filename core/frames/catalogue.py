"""The catalogue of reference frames: names, EPSG codes, parents, accuracy, and recognition from a CRS.

The rows lie in ``data/frames.csv`` (each with its source) and ``data/refused.csv`` (frames that 14
parameters cannot reach, each with what to do instead).
"""
from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache

from ..errors import FrameError
from .tables import read_table

TABLE_VERSION = "1"
"""Version of all parameter tables under ``data/``, written into every output as provenance."""

_KINDS = ("epsg_geocentric", "epsg_geographic3d", "epsg_geographic2d")


@dataclass(frozen=True)
class Frame:
    """A reference frame realization.

    parent: the ITRF that it is aligned to (null transformation) or fixed to (Helmert); itself for an ITRF.
    accuracy_m: stated accuracy of the way to its parent (of an ITRF: to ITRF2020), in metres;
    0 where the way is exact by definition.
    """

    name: str
    parent: str
    plate_fixed: bool
    accuracy_m: float
    epsg_geocentric: int
    epsg_geographic3d: int
    epsg_geographic2d: int
    epsg_datum: int
    datum: str
    aliases: tuple
    source: str
    note: str


def _plain(name):
    """Spelling without case, blanks and marks, so that 'WGS 84 (G1762)' is WGS84(G1762)."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^d_", "", name.strip().lower()))


@cache
def _frames():
    frames = {}
    for row in read_table("frames.csv"):
        numbers = {key: int(row[key]) for key in (*_KINDS, "epsg_datum")}
        frames[row["name"]] = Frame(**{
            **row, **numbers,
            "plate_fixed": row["plate_fixed"] == "1",
            "accuracy_m": float(row["accuracy_m"]),
            "aliases": tuple(filter(None, row["aliases"].split(";")))})
    return frames


FRAMES = tuple(_frames())
"""Names of all frames, in the order of the table."""


@cache
def _by_spelling():
    spellings = {}
    for item in _frames().values():
        for name in (item.name, item.datum, *item.aliases):
            spellings[_plain(name)] = item
    return spellings


@cache
def _by_code():
    return {getattr(item, kind): item for item in _frames().values() for kind in _KINDS}


@cache
def _refused():
    """Advice by CRS code (int), and by spelling of the datum (text)."""
    advice = {}
    for row in read_table("refused.csv"):
        keys = [int(code) for code in row["epsg_crs"].split()] + [_plain(n) for n in row["datum"].split(";")]
        advice.update(dict.fromkeys(keys, row["advice"]))
    return advice


def frame(name):
    """Return the Frame of that name, whatever its case; raise FrameError naming close choices.

    >>> frame("igs14").parent
    'ITRF2014'
    """
    if isinstance(name, Frame):
        return name
    plain = _plain(name or "")
    found = _by_spelling().get(plain)
    if found is not None:
        return found
    if plain in _refused():
        raise FrameError(_refused()[plain])
    names = {_plain(item): item for item in FRAMES}
    close = [names[key] for key in difflib.get_close_matches(plain, names, 4, 0.6)]
    close = close or ["ITRF2014", "ITRF2020"]
    shown = f"'{name}' is not a known frame" if plain else "A frame is missing"
    raise FrameError(f"{shown}; use e.g. {', '.join(close)}.")


def frame_of_crs(authority_code=None, wkt=None):
    """Return the Frame that a CRS names, or None where the CRS says nothing about it.

    authority_code: such as 'EPSG:7905'; wkt: any text pyproj can read, used where the code alone does not
    tell. Projected and compound CRSs are followed to their base CRS. Raises FrameError, saying what to do,
    for ensembles ('WGS 84', 'ETRS89') and for frames with a deformation model.
    """
    code = _epsg_number(authority_code)
    keys = [code] if code in _by_code() or code in _refused() else _keys_of_crs(authority_code, wkt)
    for key in keys:
        found = _by_code().get(key) or _by_spelling().get(key)
        if found is not None:
            return found
        if key in _refused():
            raise FrameError(f"The layer's frame cannot be used as it is: {_refused()[key]}")
    return None


def sibling_code(epsg_code, target_frame):
    """Return the EPSG code of the CRS of the same kind in another frame, or None where there is none.

    Kinds are geocentric, geographic 3D and geographic 2D.

    >>> sibling_code(7905, "ITRF2014")
    7912
    """
    code = _epsg_number(epsg_code)
    found = _by_code().get(code)
    if found is None:
        return None
    kind = next(kind for kind in _KINDS if getattr(found, kind) == code)
    return getattr(frame(target_frame), kind)


def _epsg_number(code):
    match = re.fullmatch(r"(?:EPSG:)?(\d+)", str(code or "").strip(), re.IGNORECASE)
    return int(match.group(1)) if match else None


def _keys_of_crs(authority_code, wkt):
    """Base CRS code, then the names of the base CRS's datum and of itself, most telling first."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    for text in filter(None, (authority_code, wkt)):
        try:
            base = CRS.from_user_input(str(text)).geodetic_crs
        except CRSError:
            continue
        if base is None:
            continue
        described = base.to_json_dict()
        datum = described.get("datum_ensemble") or described.get("datum") or {}
        identity = described.get("id", {})
        keys = [int(identity["code"])] if identity.get("authority") == "EPSG" else []
        keys += [_plain(datum.get("name", "")), _plain(base.name)]
        if any(key in _by_code() or key in _by_spelling() or key in _refused() for key in keys):
            return keys
    return []
