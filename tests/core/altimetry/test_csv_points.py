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
