"""Epochs: decimal years from all kinds of values, and what is refused."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest
from commonground.core.errors import EpochError
from commonground.core.frames.epochs import decimal_year, parse_epoch, parse_epochs


@pytest.mark.parametrize(
    "value, expected",
    [
        (2018.5, 2018.5),
        ("2018.5", 2018.5),
        (" 2018 ", 2018.0),
        (2018, 2018.0),
        (np.float32(1993.5), 1993.5),
        ("1993-07-02T12:00:00", 1993.5),
        ("1993-07-02 12:00", 1993.5),
        ("1993-07-02T12:00:00Z", 1993.5),
        ("1993-07-02T14:00:00+02:00", 1993.5),
        ("2010-01-01", 2010.0),
        (date(2020, 1, 1), 2020.0),
        (datetime(2020, 7, 2), 2020.5),
        (np.datetime64("2020-07-02"), 2020.5),
        # 5 May is day 125: the notebook's 1991.35 fits 8 May.
        ("1991-05-05", 1991 + 124 / 365),
        ("2016-12-31", 2016 + 365 / 366),
    ],
)
def test_accepted_values(value, expected):
    assert parse_epoch(value) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "soon",
        "2018,5",
        "2018-13-01",
        float("nan"),
        float("inf"),
        1979.9,
        2050.1,
        "20180702",
        1530489600,
        True,
        [2018.5],
        "2018-07",
    ],
)
def test_refused_values_say_what_is_accepted(value):
    with pytest.raises(EpochError, match=r"decimal year such as 2018\.5 or an ISO date"):
        parse_epoch(value)


def test_decimal_year_is_monotonic_over_new_year_and_leap_day():
    start = datetime(2019, 12, 30)
    years = [decimal_year(start + timedelta(hours=h)) for h in range(24 * 70)]
    steps = np.diff(years)
    assert (steps > 0).all()
    assert steps.max() / steps.min() == pytest.approx(366 / 365, rel=1e-6)


def test_other_time_zone_is_the_same_instant():
    tokyo = timezone(timedelta(hours=9))
    assert decimal_year(datetime(2018, 1, 1, 9, tzinfo=tokyo)) == 2018.0


def test_day_of_year_over_365_differs_by_at_most_two_days():
    for day in (date(2010, 3, 1), date(2012, 12, 31)):
        of_year = day.timetuple().tm_yday
        assert abs(decimal_year(day) - (day.year + of_year / 365)) <= 2.01 / 365


def test_lists_of_mixed_values():
    epochs, bad = parse_epochs([2018.5, "2018-07-02", None, "never", date(2000, 1, 1), ""])
    assert bad.tolist() == [False, False, True, True, False, True]
    np.testing.assert_allclose(epochs[~bad], [2018.5, 2018 + 182 / 365, 2000.0], atol=1e-12)
    assert np.isnan(epochs[bad]).all()


def test_lists_of_numbers_with_gaps():
    epochs, bad = parse_epochs([2018.5, None, "2001", 1970.0])
    assert bad.tolist() == [False, True, False, True]
    assert epochs[2] == 2001.0
    assert parse_epochs([])[0].shape == (0,)


def test_lists_agree_with_single_values():
    values = ["2018.5", "2018-07-02", datetime(2001, 2, 3, 4), 1999.25]
    assert parse_epochs(values)[0].tolist() == [parse_epoch(value) for value in values]
