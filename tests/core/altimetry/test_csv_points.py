"""Tables by their header, in whatever order the columns come."""

import numpy as np
import pytest
from commonground.core.altimetry import csv_points
from commonground.core.altimetry.products import open_source
from commonground.core.altimetry.source import Selection, Tally, fields_of, read_points
from commonground.core.errors import AltimetryError
from commonground.core.progress import Silent

SNOW = (",time,lat,x,y,lon,is2_height,lidar_height,h_sigma,site,beam,geometry\n"
        '0,2022-03-01 10:00:00.123456789,65.0,5e5,7e6,-147.5,300.25,301.5,0.1,"A, b",gt1l,POINT (1 2)\n'
        '1,2022-03-01T10:00:01Z,65.1,5e5,7e6,212.6,,302.5,,é,gt1r,POINT (1 2)\n'
        '2,2022-03-01T12:00:01+02:00,65.2,5e5,7e6,-147.3,300.75,303.5,0.1,,gt1r,POINT (1 2)\n')


def table(tmp_path, text, name="snow.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path, **options):
    source, tally = open_source(path, **options), Tally()
    return list(read_points(source, Selection(), tally, Silent())), tally, source


def test_every_column(tmp_path):
    (points,), tally, source = read(table(tmp_path, SNOW), height_column="is2_height", frame="ITRF2014")
    assert tally.kept == 2 and tally.reasons["without a height"] == 1 and source.warnings == []
    assert points.lon.tolist() == [-147.5, -147.3] and points.lat.tolist() == [65.0, 65.2]
    assert points.height.tolist() == [300.25, 300.75] and points.fields["frame"] == "ITRF2014"
    assert points.fields["lidar_height"].tolist() == [301.5, 303.5]
    assert points.fields["sigma"].tolist() == [0.1, 0.1] and points.fields["site"].tolist() == ["A, b", None]
    assert points.fields["beam"].tolist() == ["gt1l", "gt1r"]
    # No zone is UTC; two hours east of it is two hours earlier.
    assert points.fields["time"].tolist() == np.array(
        ["2022-03-01T10:00:00.123456", "2022-03-01T10:00:01"], "M8[us]").tolist()
    kinds = fields_of([source], Selection())
    assert kinds["site"] == "text" and kinds["lidar_height"] == "real" and "geometry" not in kinds and "" not in kinds


def test_longitudes_are_wrapped(tmp_path):
    (points,), _, _ = read(table(tmp_path, SNOW), height_column="lidar_height")
    assert points.lon[1] == pytest.approx(-147.4)


def test_the_frame_is_asked_for(tmp_path):
    _, _, source = read(table(tmp_path, SNOW), height_column="is2_height")
    assert source.frame == "" and "choose FRAME" in source.warnings[0]


def test_two_heights_are_asked_about(tmp_path):
    with pytest.raises(AltimetryError, match=r"no column for the height; .*is2_height, lidar_height.*HEIGHT_COLUMN"):
        open_source(table(tmp_path, SNOW))
    with pytest.raises(AltimetryError, match=r"several columns for the height \(h, z\)"):
        open_source(table(tmp_path, "lon,lat,h,z,time\n1,2,3,4,2020\n"))
    with pytest.raises(AltimetryError, match=r"no column 'height' \(HEIGHT_COLUMN\)"):
        open_source(table(tmp_path, SNOW), height_column="height")


def test_decimal_years(tmp_path):
    (points,), _, _ = read(table(tmp_path, "lon,lat,h,time\n1,2,3,1993.5\n"))
    assert points.fields["time"][0] == np.datetime64("1993-07-02T12:00") and points.fields["epoch"][0] == 1993.5


DIALECTS = {
    "semicolons and decimal commas": "lon;lat;h;time;q\n1,5;-2,25;3,125;2019-03-04 10:00;0,5\n",
    "semicolons and decimal points": "lon;lat;h;time;q\n1.5;-2.25;3.125;2019-03-04 10:00;0.5\n",
    "tabs": "lon\tlat\th\ttime\tq\n1.5\t-2.25\t3.125\t2019-03-04 10:00\t0.5\n",
    "bars": "lon|lat|h|time|q\n1.5|-2.25|3.125|2019-03-04 10:00|0.5\n",
    "blanks around": " lon , lat , h , time , q \n 1.5 , -2.25 , 3.125 , 2019-03-04 10:00 , 0.5 \n",
    "quotes": '"lon","lat","h","time","q"\r\n"1.5","-2.25","3.125","2019-03-04 10:00","0.5"\r\n\r\n',
    "comments before": "# from somewhere\n#\nlon,lat,h,time,q\n1.5,-2.25,3.125,2019-03-04 10:00,0.5\n",
    "a header that is a comment": "# from\n# lon,lat,h,time,q\n1.5,-2.25,3.125,2019-03-04 10:00,0.5\n",
    "units": "Longitude (deg),Latitude [deg],Height (m),Time (UTC),q\n1.5,-2.25,3.125,2019-03-04 10:00,0.5\n",
    "exponents": "lon,lat,h,time,q\n15e-1,-2.25,3.125e0,2019-03-04 10:00,5E-1\n",
    "a byte order mark": "\ufefflon,lat,h,time,q\n1.5,-2.25,3.125,2019-03-04 10:00,0.5\n"}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
def test_dialects(tmp_path, text):
    (points,), _, source = read(table(tmp_path, text))
    assert (points.lon[0], points.lat[0], points.height[0]) == (1.5, -2.25, 3.125)
    assert points.fields["time"][0] == np.datetime64("2019-03-04T10:00")
    (other,) = source.columns
    assert points.fields[other.name][0] == 0.5


def test_commas_that_part_thousands_are_no_decimal_commas(tmp_path):
    with pytest.raises(AltimetryError, match="something else than numbers"):
        read(table(tmp_path, "lon;lat;h;time\n1.5;2.5;1,234;2019\n"))


def test_feet_are_no_metres(tmp_path):
    with pytest.raises(AltimetryError, match="no column for the height"):
        open_source(table(tmp_path, "lon,lat,height (ft),time\n1,2,3,2019\n"))


@pytest.mark.parametrize("text, expected", [
    ("2019-03-04", "2019-03-04T00:00"), ("2019/03/04 10:11:12.25", "2019-03-04T10:11:12.25"),
    ("20190304", "2019-03-04T00:00"), ("20190304T101112Z", "2019-03-04T10:11:12"),
    ("2019-063T12:00", "2019-03-04T12:00"), ("2020366", "2020-12-31T00:00"),
    ("2019-03-04 10:11 UTC", "2019-03-04T10:11"),
    ("2019-03-04T10:11:12,5", "2019-03-04T10:11:12.5"), ("2019-03-04T10:00:00+0530", "2019-03-04T04:30"),
    ("2019-03-04T23:30:00-01", "2019-03-05T00:30"), ("2019-03-04T10:00:00.123456789Z", "2019-03-04T10:00:00.123456"),
    ("2019.5", "2019-07-02T12:00"), ("2019", "2019-01-01T00:00")])
def test_spellings_of_time(tmp_path, text, expected):
    (points,), _, _ = read(table(tmp_path, f'lon,lat,h,time\n1,2,3,"{text}"\n'))
    assert points.fields["time"][0] == np.datetime64(expected)


@pytest.mark.parametrize("text", ["03/04/2019", "04.03.2019", "2019-03", "1551694272", "2019-366", "2019-02-29",
                                  "2019-03-04T25:00", "58546.5"])
def test_times_that_could_be_something_else(tmp_path, text):
    with pytest.raises(AltimetryError, match="is no time"):
        read(table(tmp_path, f"lon,lat,h,time\n1,2,3,{text}\n"))


def test_missing_values(tmp_path):
    rows = "".join(f"1,2,{height},{time},{name}\n" for height, time, name in (
        ("NA", "2019", "a"), ("null", "2019", "a"), ("-9999", "2019", "a"), ("-32768", "2019", "a"),
        ("--", "2019", "a"), ("5", "NaT", "a"), ("5", "2019", "None"), ("-30.5", "2019", "a")))
    (points,), tally, _ = read(table(tmp_path, f"lon,lat,h,time,name\n{rows}"))
    assert points.height.tolist() == [5.0, -30.5] and points.fields["name"].tolist() == [None, "a"]
    assert tally.reasons["without a height"] == 5 and tally.reasons["without a time"] == 1


def test_text_that_comes_late(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_points, "_SAMPLE", 2)
    parts, _, _ = read(table(tmp_path, "lon,lat,h,time,note\n1,2,3,2019,\n1,2,3,2019,\n1,2,3,2019,rough\n"))
    assert parts[0].fields["note"].tolist() == [None, None, "rough"]


def test_bytes_that_are_no_text(tmp_path, monkeypatch):
    """Wherever they come: behind what is read first, too."""
    monkeypatch.setattr(csv_points, "_SAMPLE", 2)
    path = tmp_path / "latin.csv"
    path.write_bytes(b"lon,lat,h,time,name\n" + b"1,2,3,2019,x\n" * 20_000 + "1,2,3,2019,Zürich\n".encode("latin-1"))
    with pytest.raises(AltimetryError, match="save it as CSV in UTF-8"):
        read(path)


def test_columns_of_the_same_name(tmp_path):
    (points,), _, _ = read(table(tmp_path, "lon,lat,h,time,a,A\n1,2,3,2019,5,6\n"))
    assert points.fields["a"].tolist() == [5.0] and points.fields["A_2"].tolist() == [6.0]
    with pytest.raises(AltimetryError, match="several columns for the latitude"):
        open_source(table(tmp_path, "lon,lat,lat,h,time\n1,2,2,3,2019\n"))


class TestFrames:
    """A column that names each row's frame."""

    TABLE = "lon,lat,h,time,ITRF\n1,2,3,2019,ITRF2008\n1,2,3,2019,itrf05\n1,2,3,2019,\n"

    def test_each_has_its_own(self, tmp_path):
        (points,), _, source = read(table(tmp_path, self.TABLE))
        assert points.fields["frame"].tolist() == ["ITRF2008", "ITRF2005", None] and source.warnings == []
        # Nothing may be claimed for the layer.
        assert source.one_frame == "" and "ITRF" not in points.fields

    def test_frame_fills_gaps_only(self, tmp_path):
        (points,), _, source = read(table(tmp_path, self.TABLE), frame="ITRF2014")
        assert points.fields["frame"].tolist() == ["ITRF2008", "ITRF2005", "ITRF2014"] and source.one_frame == ""

    def test_what_is_no_frame(self, tmp_path):
        with pytest.raises(AltimetryError, match="'17' in the column of frames is none that is known"):
            read(table(tmp_path, "lon,lat,h,time,frame\n1,2,3,2019,17\n"))


def test_columns_do_not_hide_our_fields(tmp_path):
    (points,), _, _ = read(table(tmp_path, "lon,lat,h_li,Height,time,file\n1,2,3,4,2020,x\n"),
                                height_column="h_li")
    assert points.fields["height"].tolist() == [3.0] and points.fields["Height_csv"].tolist() == [4.0]
    assert points.fields["file"] == "snow.csv" and points.fields["file_csv"].tolist() == ["x"]


def test_blocks_are_seamless(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_points, "ROWS", 3)
    rows = "".join(f"1,2,{row},2020\n" for row in range(10))
    parts, _, _ = read(table(tmp_path, f"lon,lat,h,time\n{rows}"))
    assert len(parts) == 4 and np.concatenate([part.height for part in parts]).tolist() == list(range(10))


@pytest.mark.parametrize("text, sentence", [
    ("", "is empty"), ("lat,h,time\n", "no column for the longitude"), ("lon,lat,h\n1,2,3\n", "column for the time"),
    ("lon,lat,h,time\n1,2,3\n", "line 2 has 3 columns instead of 4"),
    ("lon,lat,h,time\n1,2,3,2020\n1,2,x,2020\n", "something else than numbers"),
    ("lon,lat,h,time\n1,2,3,noon\n", "'noon' is no time"), ("lon,lat,h,time\n1,2,3,2020-13-45\n", "is no time"),
    ("lon,lat,h,time,frame,epoch\n1,2,3,2020,ITRF93,2010\n", "imported before"),
    ("lon,lat,h,time,track\n1,2,3,2020,a\n", "whole numbers")])
def test_bad_tables(tmp_path, text, sentence):
    with pytest.raises(AltimetryError, match=sentence):
        read(table(tmp_path, text))


def test_no_rows(tmp_path):
    parts, _, source = read(table(tmp_path, "lon,lat,h,time\n"))
    assert parts == [] and source.empty.endswith("it has no rows.")
