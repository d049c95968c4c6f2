"""ATM before 2013: qfit binary, by the Airborne Topographic Mapper's ReadMe_qfit.txt (2009-02-13).

Fixed records of 10, 12 or 14 signed 32-bit words, of either byte order; the first record holds the record's length,
further records with a negative first word the processing history as text; then the shots.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import AltimetryError
from .hdf5 import declared_frame
from .source import BLOCK, Block, Column, Layout, Source
from .times import GpsClock, date_in_name, seconds_of_day

_COMMON = (("rel_time", 1e-3), ("latitude", 1e-6), ("longitude", 1e-6), ("elevation", 1e-3), ("start_strength", 1.0),
           ("return_strength", 1.0), ("azimuth", 1e-3), ("pitch", 1e-3), ("roll", 1e-3))
_WORDS = {
    10: (*_COMMON, ("gps_time", 1e-3)),
    12: (*_COMMON, ("pdop", 0.1), ("pulse_width", 1.0), ("gps_time", 1e-3)),
    14: (*_COMMON, ("passive_signal", 1.0), ("passive_lat", 1e-6), ("passive_lon", 1e-6), ("passive_elev", 1e-3),
         ("gps_time", 1e-3)),
}
"""Words by record length: name and unit."""
_NO_ELEVATION = -9999
_HEADER_LIMIT = 100_000
"""Records; a longer history is a sign of another kind of file."""


class QfitSource(Source):
    """A BLATM1B or ILATM1B (2009-2012) file."""

    def __init__(self, path: str, product: str):
        super().__init__(path)
        self._date = date_in_name(self.name)
        GpsClock(*self._date)
        self._order, words = self._record()
        self._size = 4 * words
        self._words = {name: (column, unit) for column, (name, unit) in enumerate(_WORDS[words])}
        if self.work % self._size:
            raise AltimetryError(f"{self.name} is incomplete: it ends within a record. Download it again.")
        self._total = self.work // self._size
        self._first, history = self._header()
        self.layout = Layout(product, "longitude", "latitude", "elevation", "gps_time",
                             columns=tuple(Column(name, name) for name in self._words
                                           if name not in ("latitude", "longitude", "elevation", "gps_time")))
        self.frame, self.frame_problem = declared_frame(self.name, history, "header")
        if self._first == self._total:
            self.empty = f"{self.name} holds no points: it ends after its header."

    def _record(self) -> tuple:
        """Byte order and words a record, told by the first word: the record's length in bytes."""
        with open(self.path, "rb") as stream:
            head = stream.read(4)
        for order in (">", "<"):
            length = int(np.frombuffer(head, dtype=f"{order}i4")[0]) if len(head) == 4 else 0
            if length // 4 in _WORDS and length % 4 == 0:
                return order, length // 4
        raise AltimetryError(f"{self.name} is no qfit file: its first word is not 40, 48 or 56 in either byte order.")

    def _records(self, first: int, count: int) -> np.ndarray:
        """Records (count, words), fewer at the end; a mapped file would stay in memory as far as it was read."""
        words = self._size // 4
        return np.fromfile(self.path, f"{self._order}i4", count * words, offset=first * self._size).reshape(-1, words)

    def _header(self) -> tuple:
        """The first shot's record, and the history's text."""
        head = self._records(0, _HEADER_LIMIT)
        shots = np.flatnonzero(head[1:, 0] >= 0)
        if not shots.size and len(head) < self._total:
            raise AltimetryError(f"{self.name} has no end of its header: it is damaged.")
        first = int(shots[0]) + 1 if shots.size else len(head)
        # A word of the frame can straddle two records.
        text = np.ascontiguousarray(head[1:first, 1:]).tobytes().replace(b"\0", b"")
        if first > 1:
            offset = int(head[1, 1]) // self._size
            if 0 < offset < self._total and offset != first:
                raise AltimetryError(f"{self.name} contradicts itself: its header ends at record {first}, but says "
                                     f"that the data begin at {offset}. It is damaged.")
        return first, text.decode("latin-1")

    def has(self, path: str) -> bool:
        return path in self._words

    def blocks(self) -> Iterator[Block]:
        self._clock = GpsClock(*self._date)
        for first in range(self._first, self._total, BLOCK):
            rows = self._records(first, BLOCK)
            yield Block(len(rows), min((first + len(rows)) / self._total, 1.0), self._reader(rows))

    def _reader(self, rows):
        # Some shots of 14-word files are marked as missing.
        lost = (rows[:, 1] == 0) | (rows[:, 3] == _NO_ELEVATION)

        def read(name):
            column, unit = self._words[name]
            values = rows[:, column] * unit
            return np.where(lost, np.nan, values) if name == "elevation" else values

        return read

    def times(self, block):
        return self._clock.utc(seconds_of_day(block["gps_time"]))
