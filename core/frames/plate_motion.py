"""Plate motion models: rotation vectors, plate codes, velocities.

v = w x X. The origin rate bias of ITRF2020-PMM (0.37, 0.35, 0.74 mm/yr) is added to the horizontal
velocity only, as its authors ask (Altamimi et al. 2023, 10.1029/2023GL106373). That of ITRF2008-PMM (0.41,
0.22, 0.41 mm/yr, about its own 95 % uncertainty) is left out: the published check value at 70 N, 50 W
(E -16.39, N +12.29 mm/yr on NOAM) is the rotation alone; with the bias it would be -15.94, +12.34.

A plate model gives no vertical motion: the small up component is the geometry of moving on an ellipsoid.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..errors import PlateError
from .helmert import MILLIARCSECOND
from .tables import read_table


@dataclass(frozen=True)
class PlateMotion:
    """Motion by a plate model. plate: a code of that model or an alias; None: the plate of each point."""

    model: str
    plate: str | None = None


@dataclass(frozen=True)
class Velocity:
    """A velocity that the user knows, in m/yr: east, north, up; scalars or one value a point."""

    east: float | np.ndarray
    north: float | np.ndarray
    up: float | np.ndarray = 0.0


@dataclass(frozen=True)
class Model:
    """A plate motion model.

    frame: the ITRF in which its velocities hold, '' for geological or regional no-net-rotation models.
    rotations: plate code -> (wx, wy, wz) in rad/yr. origin_rate: m/yr, horizontal use only.
    """

    name: str
    frame: str
    rotations: dict
    origin_rate: tuple
    doi: str
    note: str

    @property
    def plates(self):
        """Plate codes of this model, sorted."""
        return tuple(sorted(self.rotations))


@cache
def _models():
    rotations = {}
    for row in read_table("plate_motion.csv"):
        vector = tuple(float(row[key]) * MILLIARCSECOND for key in ("wx_mas_yr", "wy_mas_yr", "wz_mas_yr"))
        rotations.setdefault(row["model"], {})[row["plate"]] = vector
    return {row["name"]: Model(row["name"], row["frame"], rotations[row["name"]],
                               tuple(float(row[f"orb_{axis}_mm_yr"]) * 1e-3 for axis in "xyz"),
                               row["doi"], row["note"])
            for row in read_table("plate_models.csv")}


MODELS = tuple(_models())
"""Names of the plate motion models."""


def model(name):
    """Return the Model of that name, whatever its case; raise PlateError naming the choices."""
    found = {key.lower(): item for key, item in _models().items()}.get(str(name).strip().lower())
    if found is None:
        raise PlateError(f"'{name}' is not a plate motion model; use one of {', '.join(MODELS)}.")
    return found


@cache
def _plate_rows():
    """Every spelling of a plate (codes, name, aliases; upper case) -> its row in plates.csv."""
    spellings = {}
    rows = read_table("plates.csv")
    # Codes of MORVEL go last, so that they win where a two-letter code means something else elsewhere.
    for column in ("aliases", "name", "gsrm", "itrf", "morvel"):
        for row in rows:
            for word in filter(None, row[column].split(";")):
                spellings[word.upper()] = row
    return spellings


def plate_code(name, code):
    """Return the code of a plate as the model spells it, '' where the model does not have that plate.

    code: the model's own, another model's, a name or an alias ('EU' = 'EURA' = 'Eurasia').

    >>> plate_code("ITRF2014-PMM", "EU"), plate_code("GSRM2.1", "NUBI"), plate_code("ITRF2014-PMM", "CARB")
    ('EURA', 'AF', '')
    """
    known = model(name)
    word = str(code).strip().upper()
    if word in known.rotations:
        return word
    row = _plate_rows().get(word, {})
    column = {"NNR-MORVEL56": "morvel", "GSRM2.1": "gsrm"}.get(known.name, "itrf")
    found = row.get(column, "")
    return found if found in known.rotations else ""


def require_plate(name, code):
    """As plate_code, but raise PlateError naming the model's plates where it has none."""
    found = plate_code(name, code)
    if not found:
        others = [other for other in MODELS if plate_code(other, code)]
        hint = f" {', '.join(others)} have it." if others else ""
        raise PlateError(f"{model(name).name} has no plate '{code}'; "
                         f"its plates are {', '.join(model(name).plates)}.{hint}")
    return found


@cache
def outline_codes(name):
    """Codes of a model's plates for each outline of plates.OUTLINES, '' where it has none; array of text."""
    from .plates import OUTLINES

    return np.array([plate_code(name, code) for code in OUTLINES] + [""])
