"""Tables of points with a header: longitude, latitude, height and time by their names."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Iterator

import numpy as np

from ..errors import AltimetryError, FrameError
from ..frames.catalogue import frame
from ..frames.epochs import parse_epochs
from .product_frames import frames_in_text
from .source import COMMON_FIELDS, INTEGER, TEXT, Block, Column, Layout, Source

ROWS = 20_000
"""Rows read at a time: text takes much memory while it is parsed."""
_SAMPLE = 1000
_DELIMITERS = ",;\t|"
_NAMES = {
    "longitude": ("longitude", "lon", "long", "lon_deg", "lng"),
    "latitude": ("latitude", "lat", "lat_deg"),
    "height": ("height", "h", "h_ell", "ellipsoidal_height", "elevation", "elev", "h_li", "h_ph", "z"),
    "time": ("time", "datetime", "date_time", "utc", "utc_time", "timestamp", "date", "utc_datetime", "decimal_year"),
    "sigma": ("sigma", "h_li_sigma", "h_sigma", "sigma_h"),
    "frame": ("frame", "itrf"),
}
_OPTIONAL = ("sigma", "frame")
_UNIT = re.compile(r"\s*[(\[](deg|degrees|°|m|metres|meters|utc)[)\]]$")
"""What may follow a name; another unit makes another name, as feet must not be taken for metres."""
_MISSING = ("", "na", "n/a", "nan", "nat", "null", "none", "-", "--")
_RESERVED = {*COMMON_FIELDS, "file", "flagged"}
_ASIDE = re.compile(r"(geometry|geom|wkt|unnamed.*|fid|)$", re.IGNORECASE)
"""Columns that are no attributes of the result: row numbers, or positions again."""


class CsvSource(Source):
    """A table, commas, semicolons, tabs or bars between; `height`: the name of the column with the ellipsoidal
    height, where names do not tell."""

    def __init__(self, path: str, height: str = ""):
        super().__init__(path)
        self._lines, self._delimiter, header = table_head(path)
        if {"frame", "epoch"} <= set(map(_plain, header)):
            raise AltimetryError(f"{self.name} has the columns frame and epoch, so it was imported before: add it as a "
                                 "layer (Layer > Add Layer > Add Delimited Text Layer) instead.")
        self._header = header
        chosen = {wanted: self._column(wanted, names, height) for wanted, names in _NAMES.items()}
        named = {name for name in chosen.values() if name}
        self._header = _unique(header)
        sample = self._sample()
        self._comma = self._decimal_comma(sample, chosen)
        others = [name for name in self._header if name not in named and not _ASIDE.match(name.strip())]
        self._text = {chosen["time"], chosen["frame"]} | {
            name for name in others if not self._is_number(sample, name)}
        self._frame_column = chosen["frame"]
        self.own_frames = bool(self._frame_column)
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

    def _rows(self, stream):
        """The rows behind the header."""
        for _ in range(self._lines):
            next(stream)
        return csv.reader(stream, delimiter=self._delimiter)

    def _sample(self) -> list:
        with _opened(self.path) as stream:
            rows = self._read(self._rows(stream), _SAMPLE)
        return [row for row in rows if len(row) == len(self._header)]

    def _read(self, rows, count) -> list:
        try:
            return list(itertools.islice(rows, count))
        except (UnicodeDecodeError, csv.Error) as error:
            raise _unreadable(self.path, error) from error

    def _column(self, wanted: str, names: tuple, height: str) -> str:
        if wanted == "height" and height:
            if height not in self._header:
                raise AltimetryError(f"{self.name} has no column '{height}' (HEIGHT_COLUMN); it has "
                                     f"{', '.join(filter(None, self._header))}.")
            return height
        found = [name for name in self._header if _plain(name) in names]
        if not found and wanted in _OPTIONAL:
            return ""
        if len(found) == 1:
            return found[0]
        problem = f"several columns for the {wanted} ({', '.join(found)})" if found else f"no column for the {wanted}"
        advice = "say which with HEIGHT_COLUMN" if wanted == "height" else f"call one column '{wanted}'"
        raise AltimetryError(f"{self.name} has {problem}; its columns are {', '.join(filter(None, self._header))}: "
                             f"{advice}.")

    def _decimal_comma(self, sample, chosen) -> bool:
        """Positions tell, as nobody writes thousands in them."""
        if self._delimiter == ",":
            return False
        columns = [self._header.index(chosen[name]) for name in ("longitude", "latitude")]
        written = "".join(row[column] for row in sample for column in columns)
        return "," in written and "." not in written

    def _number(self, text: str) -> float:
        if text.strip().lower() in _MISSING:
            return np.nan
        return float(text.replace(",", ".") if self._comma else text)

    def _is_number(self, sample, name) -> bool:
        """An empty column counts as text, which holds whatever comes later."""
        column = self._header.index(name)
        try:
            return bool(np.isfinite([self._number(row[column]) for row in sample]).any())
        except ValueError:
            return False

    def has(self, path: str) -> bool:
        return path in self._header

    def blocks(self) -> Iterator[Block]:
        with _opened(self.path) as stream:
            rows, line = self._rows(stream), self._lines
            while True:
                block = self._read(rows, ROWS)
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
                return np.array([None if value.strip().lower() in _MISSING else value for value in values],
                                dtype=object)
            try:
                return self._numbers(values)
            except ValueError as error:
                raise AltimetryError(f"{self.name}: the column '{name}' holds something else than numbers "
                                     f"({error}).") from error

        return read

    def _numbers(self, values) -> np.ndarray:
        try:
            return np.array([value or "nan" for value in values], dtype=float)
        except ValueError:
            return np.array([self._number(value) for value in values])

    def times(self, block):
        """UTC where the text names no zone; dates and times with the year first, or decimal years."""
        texts = block[self.layout.time]
        return np.array([_instant(text, self.name) for text in texts], dtype="datetime64[us]")

    def frames(self, block):
        """Each row's own frame where a column tells it."""
        if not self.own_frames:
            return super().frames(block)
        texts = block[self._frame_column]
        known = {text: _frame_named(text, self.name) for text in set(texts)}
        return np.array([known[text] or self.frame or None for text in texts], dtype=object)


def table_head(path: str) -> tuple:
    """`(lines to skip, delimiter, header)` of a table; comments (#) may stand before the header, or be it.

    Raises AltimetryError.
    """
    comment = None
    try:
        with _opened(path) as stream:
            for lines, line in enumerate(stream, 1):
                head = (lines, *_split(line.lstrip("# ")))
                if not line.startswith("#") and line.strip():
                    return comment if comment and not _places(head[2]) else head
                if _places(head[2]):
                    comment = head
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error
    if comment is None:
        raise AltimetryError(f"{os.path.basename(path)} is empty: a table with a header is needed.")
    return comment


def is_table_of_points(path: str) -> bool:
    """Whether a file has a header that names longitude and latitude."""
    try:
        return _places(table_head(path)[2])
    except AltimetryError:
        return False


def _places(header) -> bool:
    names = set(map(_plain, header))
    return all(names & set(_NAMES[wanted]) for wanted in ("longitude", "latitude"))


def _split(line: str) -> tuple:
    """`(delimiter, names)` of a header."""
    delimiter = max(_DELIMITERS, key=line.count)
    return delimiter, next(csv.reader([line], delimiter=delimiter), [])


def _plain(name: str) -> str:
    """A column's name without its unit, as it is compared."""
    return re.sub(r"[\s-]+", "_", _UNIT.sub("", name.strip().lower()))


def _unique(header: list) -> list:
    """Names that a table of a GeoPackage can tell apart."""
    names: list = []
    for name in header:
        taken, number, new = {other.lower() for other in names}, 2, name
        while new and new.lower() in taken:
            new, number = f"{name}_{number}", number + 1
        names.append(new)
    return names


def _opened(path: str):
    return open(path, encoding="utf-8-sig", newline="")


def _unreadable(path: str, error) -> AltimetryError:
    return AltimetryError(f"{os.path.basename(path)} is no table in UTF-8 ({error}): save it as CSV in UTF-8.")


def _frame_named(text, name: str) -> str:
    """The frame that a cell names, "" where it is empty. Raises AltimetryError."""
    if text is None:
        return ""
    try:
        return frame(text.strip()).name
    except FrameError as error:
        found = frames_in_text(text)
        if len(found) == 1:
            return found[0]
        raise AltimetryError(f"{name}: '{text}' in the column of frames is none that is known, such as ITRF2014: "
                             "rename the column to set it aside, and choose FRAME.") from error


_TIME = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)|-?(?P<ordinal>\d{3}))"
    r"(?:[T ]\s*(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<part>\d+))?)?)?"
    r"\s*(?:Z|UTC|GMT|(?P<sign>[+-])(?P<east>\d\d)(?::?(?P<more>\d\d))?)?$", re.IGNORECASE)


def _instant(text, name):
    if text is None:
        return np.datetime64("NaT", "us")
    found = _TIME.match(text.strip())
    if found is None:
        return _of_year(text, name)
    part = found.groupdict(default="")
    try:
        day = (np.datetime64(f"{part['year']}-{part['month']}-{part['day']}", "D") if part["month"]
               else _day_of_year(int(part["year"]), int(part["ordinal"])))
        # Nanoseconds are cut to the microseconds that the result holds.
        when = np.datetime64(f"{day}T{part['hour'] or '00'}:{part['minute'] or '00'}:{part['second'] or '00'}."
                             f"{part['part'][:6] or 0}", "us")
    except ValueError as error:
        raise AltimetryError(f"{name}: '{text}' is no time: ISO 8601 such as 2019-03-14T12:00:00 is needed.") from error
    minutes = int(part["east"] or 0) * 60 + int(part["more"] or 0)
    return when - np.timedelta64(-minutes if part["sign"] == "-" else minutes, "m")


def _day_of_year(year: int, day: int):
    date = np.datetime64(f"{year}-01-01", "D") + np.timedelta64(day - 1, "D")
    if day < 1 or date.astype("datetime64[Y]").astype(int) + 1970 != year:
        raise ValueError(f"{year} has no day {day}")
    return date


def _of_year(text, name):
    """The instant of a decimal year."""
    try:
        years, bad = parse_epochs([float(text.replace(",", "."))])
    except ValueError:
        years, bad = [np.nan], [True]
    if bad[0]:
        raise AltimetryError(f"{name}: '{text}' is no time: a date with the year first such as 2019-03-14T12:00:00, or "
                             "a decimal year such as 2019.2 is needed.")
    start, end = (np.datetime64(f"{int(years[0]) + more}", "us") for more in (0, 1))
    return start + np.timedelta64(round((years[0] % 1.0) * int((end - start).astype(int))), "us")
