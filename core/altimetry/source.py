"""What every reader of altimetry gives, and how points are chosen from it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from .extent import Extent
from .times import decimal_years

BLOCK = 500_000
"""Points read at a time."""
LOWEST, HIGHEST = -9000.0, 1e5
"""Heights beyond these (m) are fill values (-9999, 3.4e38) whose attribute got lost."""
REAL, INTEGER, TEXT, TIME = "real", "integer", "text", "time"
COMMON_FIELDS = {"time": TIME, "epoch": REAL, "frame": TEXT, "height": REAL, "sigma": REAL, "track": INTEGER,
                 "beam": TEXT, "cycle": INTEGER}
"""Fields of every product: UTC, decimal year, frame, ellipsoidal height (m), its standard deviation (m) ..."""


@dataclass(frozen=True)
class Column:
    """A field of the result and the array or column of the file that it comes from."""

    name: str
    path: str
    kind: str = REAL


@dataclass(frozen=True)
class Test:
    """A recommended quality test: points pass where `path` `operator` `limit`; reason: what the others are."""

    __test__ = False

    reason: str
    path: str
    operator: str
    limit: float

    def fails(self, values) -> np.ndarray:
        """Where the test is failed; a missing value fails."""
        passes = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">=": np.greater_equal}
        with np.errstate(invalid="ignore"):
            return ~passes[self.operator](values, self.limit) | np.isnan(values)


@dataclass(frozen=True)
class Layout:
    """Where a product keeps what a point needs: names of arrays or columns, "" where it has none.

    columns: further fields; tests: the recommended quality filter. All are left out where a file lacks them.
    """

    product: str
    lon: str
    lat: str
    height: str
    time: str
    sigma: str = ""
    columns: tuple = ()
    tests: tuple = ()

    @property
    def required(self) -> tuple:
        """What no file can lack."""
        return self.lon, self.lat, self.height, self.time


class Block:
    """Some points of a file; `block[path]` reads an array (n,) as float64 (text as objects), NaN where missing.

    done: the fraction of the file that is read with this block; constants: fields that are the same for all.
    """

    def __init__(self, size: int, done: float, read, constants: dict | None = None):
        self.size, self.done, self.constants = size, done, constants or {}
        self._read, self._values = read, {}

    def __getitem__(self, path: str) -> np.ndarray:
        if path not in self._values:
            self._values[path] = self._read(path)
        return self._values[path]


class Source(ABC):
    """One file: its frame ("" where unknown, for which `frame_problem` says why) and what it can give.

    own_frames: whether each point tells its frame, by `frames`; constants: fields that are the same for all its
    points; warnings: what the user should know; empty: the sentence that it holds no points, "" where it does; work:
    its bytes.

    Opening one checks its structure and raises AltimetryError; nothing but heads is read before `blocks`.
    """

    layout: Layout

    def __init__(self, path: str):
        self.path, self.name = path, os.path.basename(path)
        self.work = os.path.getsize(path)
        self.frame, self.frame_problem, self.own_frames = "", "", False
        self.constants: dict = {}
        self.warnings: list[str] = []
        self.empty = ""

    @abstractmethod
    def has(self, path: str) -> bool:
        """Whether the file holds the array or column."""

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """The points in the file's order."""

    @abstractmethod
    def times(self, block: Block) -> np.ndarray:
        """UTC, datetime64[us] (n,), NaT where missing."""

    def positions(self, block: Block) -> tuple:
        """lon, lat (degrees) and ellipsoidal height (m) above WGS 84."""
        return block[self.layout.lon], block[self.layout.lat], block[self.layout.height]

    @property
    def one_frame(self) -> str:
        """The frame of all points, "" where it is unknown or where they may be in several."""
        return "" if self.own_frames else self.frame

    def frames(self, block: Block):
        """The frame of all points, or an array of each one's (n,); None where unknown."""
        return self.frame or None

    @property
    def columns(self) -> list[Column]:
        """The product's fields that this file has."""
        return [column for column in self.layout.columns if self.has(column.path)]

    @property
    def tests(self) -> list[Test]:
        """The quality tests that this file allows."""
        return [test for test in self.layout.tests if self.allows(test.path)]

    def allows(self, path: str) -> bool:
        """Whether all points have what a quality test needs."""
        return self.has(path)


@dataclass(frozen=True)
class Selection:
    """Which points are wanted; None or False: no limit.

    start, end: decimal years, end not included; everything: keep points that fail quality tests and name those in
    the field `flagged`.
    """

    extent: Extent | None = None
    start: float | None = None
    end: float | None = None
    everything: bool = False

    def inside(self, lon, lat, epochs) -> np.ndarray:
        """Which points lie in the extent and the time span; a missing time lies in none."""
        good = np.ones(lon.size, dtype=bool)
        if self.extent is not None:
            good &= self.extent.contains(lon, lat)
        if self.start is not None:
            good &= epochs >= self.start
        if self.end is not None:
            good &= epochs < self.end
        return good


@dataclass
class Points:
    """Chosen points: lon (-180 to 180), lat in degrees, ellipsoidal height in m, fields by name.

    A field is an array (n,), or one value for all points; NaN, NaT and None are missing. done: the fraction of the
    file that is read with these.
    """

    lon: np.ndarray
    lat: np.ndarray
    height: np.ndarray
    fields: dict
    done: float


@dataclass
class Tally:
    """What became of the points of a run: kept, dropped (by reason), outside of extent or time span."""

    kept: int = 0
    outside: int = 0
    reasons: Counter = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        """Points without position, height or time, and those that failed the quality filter."""
        return sum(self.reasons.values())


def fields_of(sources: Iterable[Source], selection: Selection) -> dict:
    """Field name -> kind of a layer that holds all the sources, each looked at once."""
    fields = dict(COMMON_FIELDS)
    for source in sources:
        for name in source.constants:
            fields.setdefault(name, TEXT)
        for column in source.columns:
            fields.setdefault(column.name, column.kind)
    if selection.everything:
        fields["flagged"] = TEXT
    fields["file"] = TEXT
    return fields


def read_points(source: Source, selection: Selection, tally: Tally, progress) -> Iterator[Points]:
    """The chosen points of a source, a block at a time; `progress` is stepped through 0 to 1."""
    for block in source.blocks():
        points = _chosen(source, block, selection, tally)
        if points is not None:
            yield points
        progress.step(block.done, f"Reading {source.name}")


def _chosen(source, block, selection, tally):
    lon, lat, height = source.positions(block)
    lon = wrapped(lon)
    with np.errstate(invalid="ignore"):
        placed = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
        high = (height > LOWEST) & (height < HIGHEST)
    times = source.times(block)
    epochs = decimal_years(times)
    timed = np.isfinite(epochs)
    inside = selection.inside(lon, lat, epochs) | ~placed | ~timed
    tally.outside += int((~inside).sum())
    keep = inside.copy()
    for reason, good in (("without a position", placed), ("without a height", high), ("without a time", timed)):
        tally.reasons[reason] += int((keep & ~good).sum())
        keep &= good
    keep, flagged = _tested(source, block, keep, selection, tally)
    tally.kept += int(keep.sum())
    if not keep.any():
        return None
    fields = {**source.constants, **block.constants, "time": times[keep], "epoch": epochs[keep],
              "height": height[keep], "file": source.name}
    frames = source.frames(block)
    fields["frame"] = frames[keep] if isinstance(frames, np.ndarray) else frames
    if source.layout.sigma and source.has(source.layout.sigma):
        fields["sigma"] = block[source.layout.sigma][keep]
    for column in source.columns:
        fields[column.name] = block[column.path][keep]
    if selection.everything:
        fields["flagged"] = flagged[keep]
    return Points(lon[keep], lat[keep], height[keep], fields, block.done)


def _tested(source, block, keep, selection, tally):
    """The points left by the quality tests, or all with the names of the tests that they fail."""
    flagged = np.full(block.size, None, dtype=object)
    for test in source.tests if keep.any() else ():
        fails = keep & test.fails(block[test.path])
        if selection.everything:
            first = fails & (flagged == None)  # noqa: E711 - elementwise
            flagged[fails & ~first] += f"; {test.reason}"
            flagged[first] = test.reason
        else:
            tally.reasons[test.reason] += int(fails.sum())
            keep = keep & ~fails
    return keep, flagged


def wrapped(lon) -> np.ndarray:
    """Longitudes of -360 to 360 as -180 to 180 (180 itself becomes -180); missing ones stay NaN or absurd.

    >>> wrapped(np.array([310.0, 180.0, -50.0, -190.0])).tolist()
    [-50.0, -180.0, -50.0, 170.0]
    """
    with np.errstate(invalid="ignore"):
        lon = np.where((lon >= 180.0) & (lon <= 360.0), lon - 360.0, lon)
        return np.where((lon < -180.0) & (lon >= -360.0), lon + 360.0, lon)
