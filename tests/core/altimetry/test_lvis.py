"""LVIS text of both versions, read to the last column."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.altimetry import lvis
from commonground.core.altimetry.products import open_source
from commonground.core.altimetry.source import Selection, Tally, read_points
from commonground.core.errors import AltimetryError
from commonground.core.progress import Silent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import granules

ONE, TWO = "ILVIS2_GL2013_1114_R1406_043900.TXT", "ILVIS2_GL2017_0906_R1803_043900.TXT"


def read(path):
    source = open_source(path)
    return list(read_points(source, Selection(), Tally(), Silent())), source


def test_version_1(tmp_path):
    (points,), source = read(granules.lvis1(tmp_path / ONE))
    assert source.frame == "ITRF2000" and source.warnings == []
    # Position and height come from one set, the lowest mode.
    np.testing.assert_allclose(points.lon, -49.8, atol=1e-9)
    assert points.lat.tolist() == [69.2, 69.2] and points.height.tolist() == [80.0, 81.0]
    assert points.fields["centroid_above"].tolist() == [10.0, 10.0]
    assert points.fields["highest_above"].tolist() == [15.0, 15.0]
    assert points.fields["lfid"][0] == 1234567890 and points.fields["shot"].tolist() == [10.0, 11.0]
    # Seconds beyond 86400 belong to the next day; UTC, without leap seconds.
    assert points.fields["time"].tolist() == np.array(
        ["2013-11-14T23:59:59.5", "2013-11-15T00:00:00.5"], "M8[us]").tolist()


def test_version_2(tmp_path):
    (points,), source = read(granules.lvis2(tmp_path / TWO))
    assert source.frame == "ITRF2008" and points.height.tolist() == [80.5, 80.5]
    assert points.fields["highest_above"][0] == 15.0 and points.fields["top_above"][0] == 19.0
    names = [*(f"rh{part}" for part in range(10, 96, 5)), *(f"rh{part}" for part in range(96, 101)), "azimuth",
             "incident_angle", "range", "complexity", "channel_zt", "channel_zg", "channel_rh"]
    assert [points.fields[name][0] for name in names] == list(range(112, 142))
    assert points.fields["time"][1] == np.datetime64("2017-09-06T00:16:41")


def test_blocks_are_seamless(tmp_path, monkeypatch):
    path = granules.lvis1(tmp_path / ONE, rows=11)
    monkeypatch.setattr(lvis, "ROWS", 4)
    parts, _ = read(path)
    assert len(parts) == 3 and np.concatenate([part.height for part in parts]).tolist() == list(range(80, 91))


class TestBadFiles:
    def test_cut_within_a_row(self, tmp_path):
        path = Path(granules.lvis1(tmp_path / ONE, rows=5))
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(AltimetryError, match="damaged or incomplete"):
            read(path)

    def test_words_among_the_numbers(self, tmp_path):
        path = Path(granules.lvis1(tmp_path / ONE))
        path.write_text(path.read_text(encoding="ascii").replace("69.2", "north"), encoding="ascii")
        with pytest.raises(AltimetryError, match="damaged or incomplete"):
            read(path)

    def test_another_number_of_columns(self, tmp_path):
        with pytest.raises(AltimetryError, match=r"has 30 columns, but LVIS level 2 has 12 .* or 42"):
            open_source(granules.lvis2(tmp_path / TWO, columns=30))

    def test_comments_of_the_other_version(self, tmp_path):
        path = granules.lvis1(tmp_path / ONE, header="# GLON GLAT ZG TLON TLAT ZT\n")
        with pytest.raises(AltimetryError, match="contradicts itself"):
            open_source(path)

    def test_no_rows(self, tmp_path):
        source = open_source(granules.lvis1(tmp_path / ONE, rows=0))
        assert source.empty.endswith("it has no rows.") and read(source.path)[0] == []

    def test_no_date(self, tmp_path):
        with pytest.raises(AltimetryError, match="no date in its name"):
            open_source(granules.lvis1(tmp_path / "ILVIS2.txt"))
