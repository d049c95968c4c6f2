"""Epochs: decimal years from whatever a table, a form or a file holds.

decimal year = year + elapsed fraction of that calendar year (UTC), as PROJ's ``unitconvert`` and GDAL
define it. Other definitions (day of year / 365, Julian years of 365.25 days) differ by at most two days,
which is 0.4 mm of plate motion at 70 mm/yr.
"""
from __future__ import annotations

import math
from datetime import date, datetime, timezone

import numpy as np

from ..errors import EpochError

EARLIEST, LATEST = 1980.0, 2050.0
_ACCEPTED = ("a decimal year such as 2018.5 or an ISO date such as 2018-07-02 "
             f"between {EARLIEST:.0f} and {LATEST:.0f} is needed")


def decimal_year(when):
    """Return the decimal year of a date (its first instant) or datetime (naive means UTC).

    >>> decimal_year(datetime(1993, 7, 2, 12))
    1993.5
    """
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day)
    if when.tzinfo is not None:
        when = when.astimezone(timezone.utc).replace(tzinfo=None)
    start = datetime(when.year, 1, 1)
    return when.year + (when - start) / (datetime(when.year + 1, 1, 1) - start)


def parse_epoch(value):
    """Return the decimal year of a number, numeric text, ISO date or datetime text, date or datetime.

    Raises EpochError where the value is empty, unreadable, or outside 1980 to 2050.

    >>> parse_epoch("2018"), parse_epoch("1993-07-02T12:00:00Z")
    (2018.0, 1993.5)
    """
    year = _year(value)
    if not EARLIEST <= year <= LATEST:
        shown = "an empty value" if _is_empty(value) else f"'{value}'"
        raise EpochError(f"The epoch {shown} cannot be used: {_ACCEPTED}.")
    return year


def parse_epochs(values):
    """Return (epochs, bad): decimal years, shape (n,), and the mask of values parse_epoch would refuse.

    Refused values are NaN. Values may be of mixed kinds; None is bad.
    """
    try:
        years = np.array(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        years = None
    if years is None or years.shape != (len(values),):
        years = np.array(_years(values), dtype=float)
    with np.errstate(invalid="ignore"):
        bad = ~((years >= EARLIEST) & (years <= LATEST))
    years[bad] = np.nan
    return years, bad


def check_epochs(epochs):
    """Raise EpochError unless every decimal year is finite and between 1980 and 2050."""
    epochs = np.asarray(epochs, dtype=float)
    if epochs.size and not (epochs.min() >= EARLIEST and epochs.max() <= LATEST):
        wrong = epochs[~((epochs >= EARLIEST) & (epochs <= LATEST))]
        raise EpochError(f"{wrong.size} epoch(s) cannot be used, the first is {wrong.flat[0]}: {_ACCEPTED}.")


def _years(values):
    try:
        found = {value: _year(value) for value in set(values)}
    except TypeError:
        # Lists, which some formats hold in a field, cannot be looked up.
        return [_year(value) for value in values]
    return [found[value] for value in values]


def _is_empty(value):
    return value is None or (isinstance(value, str) and not value.strip())


def _year(value):
    """Decimal year of one value, NaN where there is none."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if value is None or isinstance(value, (bool, np.bool_)):
        return math.nan
    try:
        if isinstance(value, (date, datetime)):
            return decimal_year(value)
        return _year_of_text(value.strip()) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        # OverflowError and ValueError: whole numbers beyond all floats, dates at the ends of the calendar.
        return math.nan


def _year_of_text(text):
    try:
        return float(text)
    except ValueError:
        # Python reads the Z of ISO 8601 from 3.11 on only.
        iso = text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text
    return decimal_year(datetime.fromisoformat(iso))
