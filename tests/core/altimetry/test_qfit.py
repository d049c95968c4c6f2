"""qfit bytes of every record length in both byte orders, read to the last word."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.altimetry import qfit
from commonground.core.altimetry.products import open_source
from commonground.core.altimetry.source import Selection, Tally, read_points
from commonground.core.errors import AltimetryError
from commonground.core.progress import Silent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import granules

NAME = "BLATM1B_20060522_145449.qi"
SHOT = [12345, 69123456, 310654321, 1500250, 900, 1100, 359999, -1500, 2500]
TAILS = {10: [], 12: [34, 7], 14: [555, 69123111, 310654222, 1499123]}
EXTRA = {10: {}, 12: {"pdop": 3.4, "pulse_width": 7},
         14: {"passive_signal": 555, "passive_lat": 69.123111, "passive_lon": 310.654222, "passive_elev": 1499.123}}


def shot(words=12, clock=145449250, **changes):
    row = [*SHOT, *TAILS[words], clock]
    for column, value in changes.items():
        row[int(column[1:])] = value
    return row


def read(path):
    source, tally = open_source(path), Tally()
    return list(read_points(source, Selection(), tally, Silent())), tally, source


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("words", [10, 12, 14])
def test_every_word(tmp_path, words, order):
    path = granules.qfit(tmp_path / NAME, [shot(words), shot(words, clock=145449500, c1=69123457)], words, order)
    (points,), tally, source = read(path)
    assert tally.kept == 2 and source.frame == "ITRF2005" and source.warnings == []
    np.testing.assert_allclose(points.lat, [69.123456, 69.123457], atol=1e-12)
    np.testing.assert_allclose(points.lon, 310.654321 - 360.0, atol=1e-12)
    assert points.height[0] == 1500.25
    # GPS was 14 s ahead of UTC in 2006; 14:54:49.250 GPS.
    assert points.fields["time"][0] == np.datetime64("2006-05-22T14:54:35.250000")
    expected = {"rel_time": 12.345, "start_strength": 900, "return_strength": 1100, "azimuth": 359.999, "pitch": -1.5,
                "roll": 2.5, **EXTRA[words]}
    for name, value in expected.items():
        assert points.fields[name][0] == pytest.approx(value, abs=1e-9)
    assert {column.name for column in source.columns} == set(expected)


def test_scaled_in_double_precision(tmp_path):
    """In single precision a latitude near 69 would be off by up to 0.4 m."""
    (points,), _, _ = read(granules.qfit(tmp_path / NAME, [shot(c1=69123457)]))
    assert points.lat[0] == pytest.approx(69.123457, abs=1e-10)


def test_marked_shots_are_dropped(tmp_path):
    rows = [shot(14), shot(14, c1=0), shot(14, c3=-9999)]
    _, tally, _ = read(granules.qfit(tmp_path / NAME, rows, 14))
    assert tally.kept == 1 and tally.reasons["without a height"] == 2


def test_blocks_are_seamless_through_midnight(tmp_path, monkeypatch):
    clocks = [235959000, 235959500, 500, 1000, 1500]
    path = granules.qfit(tmp_path / NAME.replace("145449", "235959"), [shot(clock=clock) for clock in clocks])
    expected = np.datetime64("2006-05-22T23:59:45", "us") + np.arange(5) * np.timedelta64(500, "ms")
    expected[2:] += np.timedelta64(500, "ms")
    for size in (2, 500_000):
        monkeypatch.setattr(qfit, "BLOCK", size)
        times = np.concatenate([points.fields["time"] for points in read(path)[0]])
        assert times.tolist() == expected.tolist()


def test_reading_twice_starts_on_the_same_day(tmp_path):
    path = granules.qfit(tmp_path / NAME, [shot(clock=235959000), shot(clock=500)])
    source = open_source(path)
    first, second = (next(read_points(source, Selection(), Tally(), Silent())).fields["time"] for _ in range(2))
    assert first.tolist() == second.tolist()


class TestFrame:
    @pytest.mark.parametrize("header, frame", [
        ("/raid/930623_aa_itrf93_l12.nav", "ITRF93"), ("x_ITRF97_y", "ITRF97"), ("060522_itrf00", "ITRF2000"),
        ("traj itrf08 and itrf08", "ITRF2008"), ("itrf05 then itrf08", ""), ("no tag", ""), ("itrf95", ""), ("", "")])
    def test_it_is_what_the_header_says(self, tmp_path, header, frame):
        source = open_source(granules.qfit(tmp_path / NAME, [shot()], header=header))
        assert source.frame == frame and bool(source.warnings) == (frame == "")

    @pytest.mark.parametrize("blanks", range(44))
    def test_a_tag_may_straddle_records(self, tmp_path, blanks):
        header = " " * blanks + "060522_aa_itrf05_l12.nav"
        assert open_source(granules.qfit(tmp_path / NAME, [shot()], header=header)).frame == "ITRF2005"

    def test_old_names_with_two_digit_years(self, tmp_path):
        path = granules.qfit(tmp_path / "BLATM1B_930623_191503.qi", [shot(10, clock=191503000)], 10,
                             header="930623_itrf93")
        (points,), _, source = read(path)
        assert source.frame == "ITRF93"
        assert points.fields["time"][0] == np.datetime64("1993-06-23T19:14:55")

    def test_names_with_the_date_only(self, tmp_path):
        path = granules.qfit(tmp_path / "BLATM1B_20041127atm2_210316jr.lutF.qi", [shot()])
        assert read(path)[0][0].fields["time"][0] == np.datetime64("2004-11-27T14:54:36.250000")


class TestBadFiles:
    def test_truncated(self, tmp_path):
        path = Path(granules.qfit(tmp_path / NAME, [shot()]))
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(AltimetryError, match="ends within a record"):
            open_source(path)

    @pytest.mark.parametrize("content", [b"", b"ab", b"<html>no"])
    def test_something_else(self, tmp_path, content):
        (tmp_path / NAME).write_bytes(content)
        with pytest.raises(AltimetryError, match="is no qfit file"):
            open_source(tmp_path / NAME)

    def test_header_only(self, tmp_path):
        source = open_source(granules.qfit(tmp_path / NAME, np.empty((0, 12))))
        assert source.empty.endswith("it ends after its header.")
        assert list(read_points(source, Selection(), Tally(), Silent())) == []

    def test_contradicting_offset(self, tmp_path):
        path = granules.qfit(tmp_path / NAME, [shot()] * 9, offset=7 * 48)
        with pytest.raises(AltimetryError, match="contradicts itself"):
            open_source(path)

    @pytest.mark.parametrize("name", ["flight.qi", "BLATM1B_20061399_145449.qi"])
    def test_no_date(self, tmp_path, name):
        with pytest.raises(AltimetryError, match="no date in its name"):
            open_source(granules.qfit(tmp_path / name, [shot()]), "BLATM1B")

    def test_a_date_before_all_lasers(self, tmp_path):
        with pytest.raises(AltimetryError, match="before July 1992"):
            open_source(granules.qfit(tmp_path / "BLATM1B_19900101_145449.qi", [shot()]))
