"""LVIS level 2 text (ILVIS2), versions 1 (LDS 1.04, 2009-2015) and 2 (LDS 2.0.2, 2017), by the LVIS data structures.

A row holds up to three positions of one shot; the point is the lowest mode (G, the ground), the others are kept as
heights above it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np

from ..errors import AltimetryError
from .product_frames import frame_of_release
from .source import INTEGER, Block, Column, Layout, Source
from .times import after

ROWS = 10_000
"""Rows read at a time: text takes much memory while it is parsed."""
_ONE = ("LFID", "SHOTNUMBER", "TIME", "CLON", "CLAT", "ZC", "GLON", "GLAT", "ZG", "HLON", "HLAT", "ZH")
_TWO = ("LFID", "SHOTNUMBER", "TIME", "GLON", "GLAT", "ZG", "HLON", "HLAT", "ZH", "TLON", "TLAT", "ZT",
        *(f"RH{part}" for part in (*range(10, 96, 5), *range(96, 101))),
        "AZIMUTH", "INCIDENT_ANGLE", "RANGE", "COMPLEXITY", "CHANNEL_ZT", "CHANNEL_ZG", "CHANNEL_RH")
_VERSIONS = {len(_ONE): (1, _ONE), len(_TWO): (2, _TWO)}
_SHOT = (Column("lfid", "LFID", INTEGER), Column("shot", "SHOTNUMBER", INTEGER))
_COLUMNS = {
    1: (*_SHOT, Column("centroid_above", "ZC-ZG"), Column("highest_above", "ZH-ZG")),
    2: (*_SHOT, Column("highest_above", "ZH-ZG"), Column("top_above", "ZT-ZG"),
        *(Column(name.lower(), name, INTEGER if name.startswith("CHANNEL") else "real") for name in _TWO[12:])),
}


class LvisSource(Source):
    """An ILVIS2 text file."""

    def __init__(self, path: str):
        super().__init__(path)
        self._date = self._date_in_name()
        comments, row = self._head()
        if row is None:
            self.empty = f"{self.name} holds no points: it has no rows."
        self._version, self._names = self._told_version(row, comments)
        self.layout = Layout("ILVIS2", "GLON", "GLAT", "ZG", "TIME", columns=_COLUMNS[self._version])
        self.frame = frame_of_release("ILVIS2", self._version)

    def _date_in_name(self):
        found = re.search(r"ILVIS2_[A-Z]{2}(\d{4})_(\d\d)(\d\d)_", self.name, re.IGNORECASE)
        try:
            return np.datetime64("-".join(found.groups()), "D")
        except (AttributeError, ValueError):
            raise AltimetryError(f"{self.name} has no date in its name: give it its original name back, such as "
                                 "ILVIS2_GL2013_1114_R1406_043900.TXT.") from None

    def _head(self) -> tuple:
        """The comments as one text, and the first row."""
        comments = []
        with open(self.path, encoding="latin-1") as stream:
            for line in stream:
                if line.lstrip().startswith("#"):
                    comments.append(line.upper())
                elif line.strip():
                    return "".join(comments), line.split()
        return "".join(comments), None

    def _told_version(self, row, comments) -> tuple:
        if row is not None and len(row) not in _VERSIONS:
            raise AltimetryError(f"{self.name} has {len(row)} columns, but LVIS level 2 has {len(_ONE)} (version 1) or "
                                 f"{len(_TWO)} (version 2): is it another PRODUCT?")
        words = set(re.findall(r"[A-Z_0-9]+", comments))
        named = 1 if words & {"CLON", "LONGITUDE_CENTROID"} else 2 if words & {"TLON", "LONGITUDE_TOP"} else None
        counted = _VERSIONS[len(row)] if row is not None else _VERSIONS[len(_TWO if named == 2 else _ONE)]
        if named is not None and named != counted[0]:
            raise AltimetryError(f"{self.name} contradicts itself: its comments name the columns of LVIS version "
                                 f"{named}, its rows have those of version {counted[0]}.")
        return counted

    def has(self, path: str) -> bool:
        return set(path.split("-")) <= set(self._names)

    def blocks(self) -> Iterator[Block]:
        seen = 0
        with open(self.path, encoding="latin-1") as stream:
            while True:
                lines = list(itertools.islice(stream, ROWS))
                if not lines:
                    return
                seen += sum(map(len, lines))
                rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
                if rows:
                    table = self._parsed(rows)
                    yield Block(len(rows), min(seen / self.work, 1.0), self._reader(table))

    def _parsed(self, rows) -> np.ndarray:
        try:
            table = np.loadtxt(rows, ndmin=2)
        except ValueError as error:
            raise AltimetryError(f"{self.name} is damaged or incomplete ({error}): download it again.") from error
        if table.shape[1] != len(self._names):
            raise AltimetryError(f"{self.name} is damaged: its rows differ in their number of columns.")
        return table

    def _reader(self, table):
        def read(path):
            name, _, lower = path.partition("-")
            values = table[:, self._names.index(name)]
            return values - table[:, self._names.index(lower)] if lower else values

        return read

    def times(self, block):
        """UTC seconds of the file's day, beyond 86400 after midnight."""
        return after(self._date, block["TIME"])
