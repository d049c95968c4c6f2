"""Time-dependent Helmert transformations (14 parameters, position vector convention).

X2 = X1 + T + D X1 + R x X1, each parameter p(t) = p + dp (t - epoch)  [IERS Conventions 2010, eq. 4.12-4.14].

All parameters come from ``data/helmert.csv``. PROJ's own tables are not used: several of its entries are
mistyped, and which operation it selects depends on its version.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .catalogue import frame
from .tables import read_table

PIVOT = "ITRF2020"
MILLIARCSECOND = np.pi / 180.0 / 3600.0 / 1000.0
_UNITS = np.array([1e-3] * 3 + [1e-9] + [MILLIARCSECOND] * 3)
_COLUMNS = ("tx_mm", "ty_mm", "tz_mm", "d_ppb", "rx_mas", "ry_mas", "rz_mas")
_RATE_COLUMNS = tuple(f"d{column}_yr" for column in _COLUMNS)


@dataclass(frozen=True)
class Helmert:
    """14 parameters from ``source`` to ``target``, position vector convention.

    parameters: (tx, ty, tz, d, rx, ry, rz) at ``epoch`` (decimal year) in m, 1, rad; rates: per year.
    reference: the published operations that it is made of.
    """

    source: str
    target: str
    parameters: tuple
    rates: tuple
    epoch: float
    reference: str = ""

    def at(self, epoch):
        """Return (tx, ty, tz, d, rx, ry, rz) at an epoch (decimal years, scalar or array), in m, 1, rad."""
        elapsed = np.asarray(epoch, dtype=float) - self.epoch
        return tuple(p + rate * elapsed for p, rate in zip(self.parameters, self.rates))

    def inverse(self):
        """The way back. Negated parameters: products of two parameters are below 1 um for all frames here."""
        return Helmert(self.target, self.source, tuple(-p for p in self.parameters),
                       tuple(-r for r in self.rates), self.epoch, self.reference)

    def then(self, other):
        """This transformation followed by another, as one: parameters add at the other's epoch."""
        moved = self.at(other.epoch)
        reference = "; ".join(filter(None, (self.reference, other.reference)))
        return Helmert(self.source, other.target, tuple(map(sum, zip(moved, other.parameters))),
                       tuple(map(sum, zip(self.rates, other.rates))), other.epoch, reference)

    def apply(self, x, y, z, epoch):
        """Return geocentric x, y, z (m) in the target frame, at the same epoch (decimal years)."""
        tx, ty, tz, d, rx, ry, rz = self.at(epoch)
        return (x + tx + d * x - rz * y + ry * z,
                y + ty + d * y + rz * x - rx * z,
                z + tz + d * z - ry * x + rx * y)

    def proj_step(self):
        """The PROJ step of this transformation, evaluated by PROJ at the coordinate's own time."""
        return f"+step +proj=helmert {_proj_parameters(self.parameters, self.rates)} " \
               f"+t_epoch={self.epoch:.10g} +convention=position_vector"

    def proj_step_at(self, epoch):
        """The PROJ step of this transformation with its parameters frozen at an epoch."""
        return f"+step +proj=helmert {_proj_parameters(self.at(float(epoch)))} +convention=position_vector"


def legs(source, target):
    """Return the published transformations that lead from one frame to another, in order.

    A published operation between exactly these two frames is taken alone; otherwise the way goes through
    their common ancestor in the tree of parents, whose root is ITRF2020.
    """
    source, target = frame(source).name, frame(target).name
    if source == target:
        return []
    direct = _published().get((source, target))
    if direct:
        return [direct]
    up, down = _way_to_pivot(source), _way_to_pivot(target)
    while up and down and up[-1] == down[-1]:
        up.pop()
        down.pop()
    return up + [leg.inverse() for leg in reversed(down)]


@cache
def between(source, target):
    """Return the Helmert from one frame to another; raise FrameError where a name is unknown.

    >>> round(between("ITRF2014", "ITRF2008").at(2010.0)[0] * 1000, 6)    # mm, as published
    1.6
    """
    source, target = frame(source).name, frame(target).name
    total = Helmert(source, source, (0.0,) * 7, (0.0,) * 7, 2015.0)
    for leg in legs(source, target):
        total = total.then(leg)
    return total


@cache
def _published():
    """Every row of the table, both ways, by (source, target)."""
    table = {}
    for row in read_table("helmert.csv"):
        parameters = np.array([float(row[key]) for key in _COLUMNS]) * _UNITS
        rates = np.array([float(row[key]) for key in _RATE_COLUMNS]) * _UNITS
        item = Helmert(row["source"], row["target"], tuple(parameters.tolist()), tuple(rates.tolist()),
                       float(row["epoch"]), row["reference"])
        table[item.source, item.target] = item
        table[item.target, item.source] = item.inverse()
    return table


def _way_to_pivot(name):
    """The legs from a frame up to the pivot: to its parent, and from that ITRF to ITRF2020."""
    way = []
    while name != PIVOT:
        parent = frame(name).parent if frame(name).parent != name else PIVOT
        null = Helmert(name, parent, (0.0,) * 7, (0.0,) * 7, 2015.0, frame(name).source)
        way.append(_published().get((name, parent), null))
        name = parent
    return way


def _proj_parameters(parameters, rates=None):
    """Parameters in PROJ's units: m, ppm, arc seconds; zeros left out."""
    scale = np.array([1.0] * 3 + [1e6] + [1e-3 / MILLIARCSECOND] * 3)
    words = [f"+{key}={value:.10g}" for key, value in zip(("x", "y", "z", "s", "rx", "ry", "rz"),
                                                       np.asarray(parameters) * scale)]
    if rates is not None:
        words += [f"+d{key}={value:.10g}" for key, value in zip(("x", "y", "z", "s", "rx", "ry", "rz"),
                                                             np.asarray(rates) * scale) if value]
    return " ".join(words)
