"""Times of altimetry: GPS clocks, file dates and decimal years, all as UTC numpy datetime64[us]."""

from __future__ import annotations

import re

import numpy as np

from ..errors import AltimetryError

DAY = 86400.0
_LEAP_SECONDS = (("1992-07-01", 8), ("1993-07-01", 9), ("1994-07-01", 10), ("1996-01-01", 11), ("1997-07-01", 12),
                 ("1999-01-01", 13), ("2006-01-01", 14), ("2009-01-01", 15), ("2012-07-01", 16),
                 ("2015-07-01", 17), ("2017-01-01", 18))


def after(origin, seconds) -> np.ndarray:
    """The instants `seconds` (n,) after `origin` (datetime64 or ISO text); NaT where a number is missing.

    UTC stays UTC as long as no leap second lies between, which every caller's origin ensures.
    """
    seconds = np.asarray(seconds, dtype=float)
    good = np.isfinite(seconds)
    micro = np.round(np.where(good, seconds, 0.0) * 1e6).astype("timedelta64[us]")
    return np.where(good, np.datetime64(origin, "us") + micro, np.datetime64("NaT", "us"))


def decimal_years(times) -> np.ndarray:
    """Decimal years (n,) of UTC datetime64, the definition of `core.frames.epochs`; NaN for NaT.

    >>> decimal_years(np.array(["1993-07-02T12:00"], dtype="datetime64[us]")).tolist()
    [1993.5]
    """
    times = np.asarray(times, dtype="datetime64[us]")
    years = times.astype("datetime64[Y]")
    start, end = years.astype("datetime64[us]"), (years + 1).astype("datetime64[us]")
    fraction = (times - start) / (end - start)
    return np.where(np.isnat(times), np.nan, years.astype(np.int64) + 1970.0 + fraction)


def gps_minus_utc(date) -> int:
    """Leap seconds by which GPS is ahead of UTC on a date. Raises AltimetryError before July 1992.

    >>> gps_minus_utc("1993-06-30"), gps_minus_utc("2018-05-01")
    (8, 18)
    """
    date = np.datetime64(date, "D")
    if date < np.datetime64(_LEAP_SECONDS[0][0]):
        raise AltimetryError(f"The date {date} is before July 1992, when no airborne laser altimetry existed: "
                             "does the file have its original name?")
    return [leap for first, leap in _LEAP_SECONDS if np.datetime64(first) <= date][-1]


def seconds_of_day(packed) -> np.ndarray:
    """Seconds of the day (n,) of clock readings packed as HHMMSS.sss.

    >>> seconds_of_day([153320.1]).round(6).tolist()
    [56000.1]
    """
    packed = np.asarray(packed, dtype=float)
    hours, rest = np.divmod(packed, 10000.0)
    minutes, seconds = np.divmod(rest, 100.0)
    return hours * 3600.0 + minutes * 60.0 + seconds


class GpsClock:
    """GPS time of day to UTC, through midnights, a block after the other (ATM: ReadMe_qfit, 2009).

    date: datetime64[D] of the file's start; start: its second of the day where the file name tells it.
    """

    def __init__(self, date, start: float | None = None):
        self._origin = np.datetime64(date, "us") - np.timedelta64(gps_minus_utc(date), "s")
        self._last, self._days = start, 0

    def utc(self, seconds) -> np.ndarray:
        """The instants of GPS seconds of the day (n,), in the order of the file."""
        seconds = np.asarray(seconds, dtype=float)
        good = np.isfinite(seconds)
        known = seconds[good]
        if known.size == 0:
            return after(self._origin, seconds)
        before = np.concatenate([[known[0] if self._last is None else self._last], known[:-1]])
        # A step of more than half a day is midnight, forth, or back where records are not quite in order.
        step = known - before
        days = self._days + np.cumsum((step < -DAY / 2).astype(int) - (step > DAY / 2))
        self._last, self._days = known[-1], int(days[-1])
        whole = np.full(seconds.size, np.nan)
        whole[good] = known + days * DAY
        return after(self._origin, whole)


def date_in_name(name: str) -> tuple:
    """`(date, start second or None)` from an ATM file name: _YYYYMMDD or the older _YYMMDD, then perhaps _HHMMSS.

    Raises AltimetryError where there is none.

    >>> date_in_name("BLATM1B_20060522_145449.qi")[1]
    53689.0
    """
    found = re.search(r"_(\d{8}|\d{6})(?=\D)(?:_(\d{6})(?=\D))?", name)
    try:
        digits = found.group(1)
        if len(digits) == 6:
            digits = ("19" if int(digits[:2]) >= 90 else "20") + digits
        date = np.datetime64(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}", "D")
    except (AttributeError, ValueError):
        raise AltimetryError(f"{name} has no date in its name and none inside: give it its original name back, "
                             "such as ILATM1B_20140430_110310.ATM4BT4.h5.") from None
    clock = found.group(2)
    return date, float(seconds_of_day(float(clock))) if clock else None
