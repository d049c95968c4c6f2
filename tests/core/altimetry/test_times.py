"""Clocks, leap seconds and frames by release."""

import csv
import doctest
from datetime import datetime, timedelta

import numpy as np
import pytest
from commonground.core.altimetry import glas, product_frames, source, times
from commonground.core.frames.catalogue import FRAMES
from commonground.core.frames.epochs import decimal_year


@pytest.mark.parametrize("module", [glas, product_frames, source, times], ids=lambda module: module.__name__)
def test_examples(module):
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


def test_decimal_years_are_those_of_the_frames():
    rng = np.random.default_rng(2)
    instants = [datetime(1992, 1, 1) + timedelta(seconds=float(second)) for second in rng.uniform(0, 1.2e9, 500)]
    years = times.decimal_years(np.array(instants, dtype="datetime64[us]"))
    np.testing.assert_allclose(years, [decimal_year(instant) for instant in instants], rtol=0, atol=1e-12)
    assert np.isnan(times.decimal_years(np.array(["NaT"], dtype="M8[us]")))[0]


@pytest.mark.parametrize("date, leap", [("1992-07-01", 8), ("1993-06-30", 8), ("1993-07-01", 9), ("1997-12-31", 12),
                                        ("2005-12-31", 13), ("2006-01-01", 14), ("2012-06-30", 15),
                                        ("2015-07-01", 17), ("2016-12-31", 17), ("2017-01-01", 18), ("2026-01-01", 18)])
def test_leap_seconds(date, leap):
    assert times.gps_minus_utc(date) == leap


def test_records_out_of_order_about_midnight():
    clock = times.GpsClock("2010-05-01")
    found = clock.utc(np.array([86399.0, 0.5, 86399.9, 1.0, np.nan]))
    expected = np.array(["2010-05-01T23:59:44", "2010-05-01T23:59:45.5", "2010-05-01T23:59:44.9",
                         "2010-05-01T23:59:46", "NaT"], "M8[us]")
    np.testing.assert_array_equal(found, expected)


def test_a_first_record_after_the_midnight_of_the_name():
    clock = times.GpsClock("2010-05-01", start=86398.0)
    assert clock.utc(np.array([2.0]))[0] == np.datetime64("2010-05-01T23:59:47")


def test_the_table_of_frames():
    with open(product_frames._TABLE, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(row["frame"] in FRAMES and row["source"] for row in rows)
    for product in ("ATL03", "ATL06", "ATL08", "ATL13"):
        found = [product_frames.frame_of_release(product, release) for release in (1, 6, 7, 8)]
        assert found == ["ITRF2014", "ITRF2014", "ITRF2020", "ITRF2020"]
    assert product_frames.frame_of_release("ILVIS2", 1) == "ITRF2000"
    assert product_frames.frame_of_release("ILVIS2", 2) == "ITRF2008"
    assert product_frames.frame_of_release("GLAH06", 34) == "ITRF2008"
    assert product_frames.frame_of_release("ILATM1B", 2) == product_frames.frame_of_release("ATL06", None) == ""


@pytest.mark.parametrize("digits, name", [("88", "ITRF88"), ("97", "ITRF97"), ("00", "ITRF2000"), ("20", "ITRF2020"),
                                          ("2014", "ITRF2014"), ("1993", "ITRF93"), ("95", None), ("21", None),
                                          ("98", None)])
def test_tags(digits, name):
    assert product_frames.frames_in_text(f"traj_itrf{digits}_x") == ([name] if name else [])
