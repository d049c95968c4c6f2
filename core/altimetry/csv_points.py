"""Tables of points with a header: longitude, latitude, height and time by their names."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator

import numpy as np

from ..errors import AltimetryError
from ..frames.epochs import parse_epochs
from .source import COMMON_FIELDS, INTEGER, TEXT, Block, Column, Layout, Source

ROWS = 100_000
"""Rows read at a time: text takes much memory while it is parsed."""
_SAMPLE = 1000
_NAMES = {
    "longitude": ("longitude", "lon", "long", "lon_deg", "lng"),
    "latitude": ("latitude", "lat", "lat_deg"),
    "height": ("height", "h", "h_ell", "ellipsoidal_height", "elevation", "elev", "h_li", "h_ph", "z"),
    "time": ("time", "datetime", "utc", "timestamp", "date", "utc_datetime"),
    "sigma": ("sigma", "h_li_sigma", "h_sigma", "sigma_h"),
}
_RESERVED = {*COMMON_FIELDS, "file", "flagged"}
_ASIDE = re.compile(r"(geometry|geom|wkt|unnamed.*|fid|)$", re.IGNORECASE)
"""Columns that are no attributes of the result: row numbers, or positions again."""


class CsvSource(Source):
    """A CSV file; `height`: the name of the column with the ellipsoidal height, where names do not tell."""

    def __init__(self, path: str, height: str = ""):
        super().__init__(path)
        self._header, sample = self._head()
        if {"frame", "epoch"} <= set(map(str.lower, self._header)):
            raise AltimetryError(f"{self.name} has the columns frame and epoch, so it was imported before: add it as a "
                                 "layer (Layer > Add Layer > Add Delimited Text Layer) instead.")
        chosen = {wanted: self._column(wanted, names, height) for wanted, names in _NAMES.items()}
        named = {name for name in chosen.values() if name}
        others = [name for name in self._header if name not in named and not _ASIDE.match(name.strip())]
        self._text = {chosen["time"]} | {name for name in others if not self._is_number(sample, name)}
        self.layout = Layout("CSV", chosen["longitude"], chosen["latitude"], chosen["height"], chosen["time"],
                             chosen["sigma"], tuple(self._described(name) for name in others))
        self.frame_problem = f"{self.name}: a table names no frame, so it stays unknown: choose FRAME."
        if not sample:
            self.empty = f"{self.name} holds no points: it has no rows."

    def _described(self, name):
        common = {"track": INTEGER, "cycle": INTEGER, "beam": TEXT}
        kind = common.get(name.lower(), TEXT if name in self._text else "real")
        if kind == INTEGER and name in self._text:
            raise AltimetryError(f"{self.name}: the column '{name}' must hold whole numbers: rename it.")
        if kind == TEXT:
            self._text.add(name)
        field = name.lower() if name.lower() in common else name
        # Tables of a GeoPackage do not tell upper from lower case.
        taken = field.lower() in _RESERVED and field not in common
        return Column(f"{field}_csv" if taken else field, name, kind)

    def _open(self):
        return open(self.path, encoding="utf-8-sig", newline="")

    def _head(self) -> tuple:
        try:
            with self._open() as stream:
                rows = csv.reader(stream)
                header = next(rows, None)
                sample = list(itertools.islice(rows, _SAMPLE))
        except (UnicodeDecodeError, csv.Error) as error:
            raise AltimetryError(f"{self.name} is no table in UTF-8 with commas between ({error}).") from error
        if not header:
            raise AltimetryError(f"{self.name} is empty: a table with a header is needed.")
        return header, [row for row in sample if len(row) == len(header)]

    def _column(self, wanted: str, names: tuple, height: str) -> str:
        if wanted == "height" and height:
            if height not in self._header:
                raise AltimetryError(f"{self.name} has no column '{height}' (HEIGHT_COLUMN); it has "
                                     f"{', '.join(filter(None, self._header))}.")
            return height
        found = [name for name in self._header if name.strip().lower() in names]
        if not found and wanted == "sigma":
            return ""
        if len(found) == 1:
            return found[0]
        problem = f"several columns for the {wanted} ({', '.join(found)})" if found else f"no column for the {wanted}"
        advice = "say which with HEIGHT_COLUMN" if wanted == "height" else f"call one column '{wanted}'"
        raise AltimetryError(f"{self.name} has {problem}; its columns are {', '.join(filter(None, self._header))}: "
                             f"{advice}.")

    def _is_number(self, sample, name) -> bool:
        column = self._header.index(name)
        try:
            for row in sample:
                float(row[column] or "nan")
        except ValueError:
            return False
        return True

    def has(self, path: str) -> bool:
        return path in self._header

    def blocks(self) -> Iterator[Block]:
        with self._open() as stream:
            rows, line = csv.reader(stream), 1
            next(rows)
            while True:
                block = list(itertools.islice(rows, ROWS))
                if not block:
                    return
                table = [row for row in block if row]
                wrong = next((row for row in table if len(row) != len(self._header)), None)
                if wrong is not None:
                    raise AltimetryError(f"{self.name} is damaged or incomplete: line {line + block.index(wrong) + 1} "
                                         f"has {len(wrong)} columns instead of {len(self._header)}.")
                line += len(block)
                yield Block(len(table), min(stream.buffer.tell() / self.work, 1.0), self._reader(list(zip(*table))))

    def _reader(self, columns):
        def read(name):
            values = columns[self._header.index(name)]
            if name in self._text:
                return np.array([value or None for value in values], dtype=object)
            try:
                return np.array([value or "nan" for value in values], dtype=float)
            except ValueError as error:
                raise AltimetryError(f"{self.name}: the column '{name}' holds something else than numbers "
                                     f"({error}).") from error

        return read

    def times(self, block):
        """UTC where the text names no zone; ISO 8601 to the nanosecond, or decimal years."""
        return _instants(block[self.layout.time], self.name)


_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)


def _instants(texts, name) -> np.ndarray:
    return np.array([_instant(text, name) for text in texts], dtype="datetime64[us]")


def _instant(text, name):
    if text is None:
        return np.datetime64("NaT", "us")
    found = _ISO.match(text.strip())
    if found is None:
        return _of_year(text, name)
    date, clock, zone = found.groups()
    try:
        # Nanoseconds are cut to the microseconds that the result holds.
        when = np.datetime64(f"{date}T{clock or '00:00'}", "us")
    except ValueError as error:
        raise AltimetryError(f"{name}: '{text}' is no time: ISO 8601 such as 2019-03-14T12:00:00 is needed.") from error
    if zone and zone not in "Zz":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        when -= np.timedelta64(minutes if zone[0] == "+" else -minutes, "m")
    return when


def _of_year(text, name):
    """The instant of a decimal year."""
    years, bad = parse_epochs([text])
    if bad[0]:
        raise AltimetryError(f"{name}: '{text}' is no time: ISO 8601 such as 2019-03-14T12:00:00, or a decimal year "
                             "such as 2019.2 is needed.")
    start, end = (np.datetime64(f"{int(years[0]) + more}", "us") for more in (0, 1))
    return start + np.timedelta64(round((years[0] % 1.0) * int((end - start).astype(int))), "us")
