"""HDF5 products read to the last field, and one sentence for each way in which a file can be wrong."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.altimetry import hdf5
from commonground.core.altimetry.extent import Extent
from commonground.core.altimetry.products import open_source
from commonground.core.altimetry.source import BLOCK, Selection, Tally, fields_of, read_points
from commonground.core.errors import AltimetryError
from commonground.core.progress import Silent

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import granules

NAME06 = "ATL06_20220401222304_01381503_006_01.h5"
ALL = Selection(everything=True)


def read(path, selection=None, **options):
    """(fields of all points by name, tally, source)."""
    source, tally = open_source(path, **options), Tally()
    parts = list(read_points(source, selection or Selection(), tally, Silent()))
    names = ["lon", "lat", *fields_of([source], selection or Selection())]
    result = {}
    for name in names:
        columns = []
        for part in parts:
            values = getattr(part, name) if name in ("lon", "lat") else part.fields.get(name)
            columns.append(values if isinstance(values, np.ndarray) else np.full(part.lon.size, values, object))
        result[name] = np.concatenate(columns) if columns else np.empty(0)
    return result, tally, source


class TestAtl06:
    def test_every_field(self, tmp_path):
        points, tally, source = read(granules.atl06(tmp_path / NAME06))
        assert source.frame == "ITRF2014" and source.warnings == []
        assert tally.kept == 2 * 48 and tally.dropped == 4 and tally.outside == 0
        assert points["height"][:2].tolist() == [1002.0, 1003.0] and points["height"][48] == 1012.0
        assert points["lat"][0] == 69.0 + 2e-4 and points["lon"][0] == -50.0 + 2e-5
        assert points["sigma"][0] == pytest.approx(0.05) and points["sigma_geo"][0] == pytest.approx(0.02)
        assert set(points["track"]) == {138} and set(points["cycle"]) == {15}
        assert set(points["beam"]) == {"gt1l", "gt3r"} and set(points["frame"]) == {"ITRF2014"}
        assert points["beam_type"][0] == "strong" and points["beam_type"][-1] == "weak"
        assert points["quality"].max() == 0 and points["geoid"][0] == 30.0 and points["file"][0] == NAME06
        # 134086984.07 s after 2018.0 as in the note: 2022-04-01 22:23:04.07 UTC, no leap second between.
        assert points["time"][0] == np.datetime64("2022-04-01T22:23:04.076000")
        assert points["epoch"][0] == pytest.approx(2022 + (90 + 22.38447 / 24) / 365, abs=1e-7)

    def test_reasons_are_counted(self, tmp_path):
        path = granules.atl06(tmp_path / NAME06)
        reasons = {reason: count for reason, count in read(path)[1].reasons.items() if count}
        assert reasons == {"without a height": 2, "not of the best quality": 2}

    def test_everything_is_kept_and_flagged(self, tmp_path):
        points, tally, _ = read(granules.atl06(tmp_path / NAME06), ALL)
        assert tally.kept == 2 * 49 and dict(+tally.reasons) == {"without a height": 2}
        assert points["flagged"][:2].tolist() == ["not of the best quality", None] and points["quality"][0] == 1

    def test_a_fill_without_its_attribute_is_no_height(self, tmp_path):
        heights = np.array([3.4028235e38, 5.0], "f4")
        path = granules.atl06(tmp_path / NAME06, beams=("gt1l",), count=2,
                              extra={"gt1l/land_ice_segments/h_li": heights})
        assert read(path)[0]["height"].tolist() == [5.0]

    def test_blocks_are_bounded_and_seamless(self, tmp_path, monkeypatch):
        path = granules.atl06(tmp_path / NAME06, count=1003)
        whole = read(path)[0]
        monkeypatch.setattr(hdf5, "BLOCK", 100)
        parts = read(path)[0]
        assert BLOCK == 500_000
        for name, values in whole.items():
            np.testing.assert_array_equal(parts[name], values)

    def test_transition_is_dropped(self, tmp_path):
        tally = read(granules.atl06(tmp_path / NAME06, orient=2))[1]
        assert tally.kept == 0 and tally.reasons["in a spacecraft yaw manoeuvre"] == 2 * 48

    def test_orientation_over_time(self, tmp_path):
        start = 134086984.07
        path = granules.atl06(tmp_path / NAME06, beams=("gt1l",), extra={
            "orbit_info/sc_orient": np.array([0, 2, 1], "i2"),
            "orbit_info/sc_orient_time": start + np.array([-1.0, 0.0285, 0.0585])})
        points, tally, _ = read(path)
        assert tally.reasons["in a spacecraft yaw manoeuvre"] == 10 and tally.kept == 38
        assert points["height"][7:9].tolist() == [1009.0, 1020.0]

    def test_an_orientation_that_is_one_number(self, tmp_path):
        path = granules.atl06(tmp_path / NAME06, extra={"orbit_info/sc_orient": np.array(2, "i2")})
        _, tally, source = read(path)
        assert tally.kept == 0 and tally.reasons["in a spacecraft yaw manoeuvre"] == 96 and source.warnings == []

    def test_a_beam_of_one_segment(self, tmp_path):
        points, tally, _ = read(granules.atl06(tmp_path / NAME06, beams=("gt2r",), count=1))
        assert tally.kept == 1 and points["height"].tolist() == [1000.0] and points["beam"].tolist() == ["gt2r"]

    @pytest.mark.parametrize("orient, kind", [(0, "strong"), (1, "weak")])
    def test_strong_beams_are_left_when_flying_backward(self, tmp_path, orient, kind):
        path = tmp_path / NAME06
        base = "gt1l/land_ice_segments"
        granules.write_hdf5(path, {
            "orbit_info/sc_orient": np.array([orient], "i2"), f"{base}/h_li": np.ones(1, "f4"),
            **{f"{base}/{name}": np.ones(1) for name in ("latitude", "longitude", "delta_time")}})
        assert read(path, ALL)[0]["beam_type"].tolist() == [kind]

    def test_extent_and_dates(self, tmp_path):
        path = granules.atl06(tmp_path / NAME06, beams=("gt1l",))
        points, tally, _ = read(path, Selection(extent=Extent(-51.0, 69.001, -49.0, 69.002)))
        assert points["lat"].min() >= 69.001 and points["lat"].max() <= 69.002
        assert tally.kept == points["lat"].size == 11 and tally.outside == 39
        assert read(path, Selection(start=2022.3))[1].kept == 0
        assert read(path, Selection(start=2022.2, end=2022.3))[1].kept == 48
        # Across the antimeridian west is greater than east.
        assert read(path, Selection(extent=Extent(170.0, -90.0, -170.0, 90.0)))[1].kept == 0
        assert read(path, Selection(extent=Extent(-60.0, -90.0, -170.0, 90.0)))[1].kept == 48


class TestFrameOfIcesat2:
    @pytest.mark.parametrize("release, frame", [(5, "ITRF2014"), (6, "ITRF2014"), (7, "ITRF2020")])
    def test_the_release_decides(self, tmp_path, release, frame):
        path = granules.atl06(tmp_path / f"ATL06_20220401222304_01381503_{release:03d}_01.h5", release=release)
        source = open_source(path)
        assert source.frame == frame
        # A release 007 granule that says ITRF2014 in its text is believed to be in ITRF2020, aloud.
        assert bool(source.warnings) == (release == 7)
        if release == 7:
            assert "ITRF2014" in source.warnings[0] and "ITRF2020, which is used" in source.warnings[0]

    def test_a_name_is_enough(self, tmp_path):
        source = open_source(granules.atl06(tmp_path / f"processed_{NAME06[:-3]}_clipped.h5", release=None))
        assert source.frame == "ITRF2014" and source.constants["track"] == 138

    def test_the_file_beats_its_name(self, tmp_path):
        source = open_source(granules.atl06(tmp_path / NAME06, release=7, description=""))
        assert source.frame == "ITRF2020" and "the file 007" in source.warnings[0]

    def test_without_a_release_it_stays_unknown(self, tmp_path):
        path = granules.atl06(tmp_path / "renamed.h5", release=None)
        source = open_source(path)
        assert source.layout.product == "ATL06" and source.frame == ""
        assert "frame stays unknown" in source.warnings[0]
        assert set(read(path)[0]["frame"]) == {None}

    @pytest.mark.parametrize("release, frame", [(["006"], "ITRF2014"), (["7"], "ITRF2020"), (["x"], "")])
    def test_the_number_inside_is_enough(self, tmp_path, release, frame):
        path = granules.atl06(tmp_path / "renamed.h5", release=None, extra={"ancillary_data/release": release})
        source = open_source(path)
        assert source.frame == frame
        if not frame:
            assert "its text says ITRF2014, which can be wrong): choose FRAME" in source.warnings[0]

    def test_a_frame_from_the_user_fills_in_only(self, tmp_path):
        path = granules.atl06(tmp_path / "renamed.h5", release=None)
        assert open_source(path, frame="ITRF2014").frame == "ITRF2014"
        source = open_source(granules.atl06(tmp_path / NAME06), frame="ITRF93")
        assert source.frame == "ITRF2014" and "FRAME=ITRF93 is not used" in source.warnings[0]


class TestAtl03:
    NAME = "ATL03_20220401222304_01381503_006_01.h5"

    def test_segments_by_their_running_sum(self, tmp_path):
        points, tally, _ = read(granules.atl03(tmp_path / self.NAME), ALL)
        assert tally.kept == 10
        np.testing.assert_allclose(points["sigma"].astype(float), [0.1] * 4 + [0.3] * 6, atol=1e-6)
        assert points["geoid"].tolist() == [-20.0] * 4 + [-22.0] * 6
        assert points["confidence"][:3].tolist() == [2, 3, 4] and points["quality"][2] == 3
        assert points["flagged"][4] == "with degraded pointing or orbit"

    def test_segments_across_blocks(self, tmp_path, monkeypatch):
        monkeypatch.setattr(hdf5, "BLOCK", 3)
        points, _, _ = read(granules.atl03(tmp_path / self.NAME), ALL)
        assert points["geoid"].tolist() == [-20.0] * 4 + [-22.0] * 6

    def test_recommended(self, tmp_path):
        points, tally, _ = read(granules.atl03(tmp_path / self.NAME))
        assert points["height"].tolist() == [1.0, 3.0]
        assert dict(+tally.reasons) == {"below medium signal confidence": 1, "with degraded pointing or orbit": 6,
                                        "with a quality_ph other than nominal": 1}

    def test_counts_that_do_not_add_up(self, tmp_path):
        points, tally, source = read(granules.atl03(tmp_path / self.NAME, photons=9))
        assert any("do not add up" in text for text in source.warnings)
        assert any("degraded pointing" in text and "cannot be told" in text for text in source.warnings)
        assert tally.kept == 7 and np.isnan(points["sigma"].astype(float)).all()


def test_atl08(tmp_path):
    name = "ATL08_20220401222304_01381503_006_01.h5"
    points, _, source = read(granules.atl08(tmp_path / name), ALL)
    assert any("single precision" in text for text in source.warnings)
    assert points["height"].tolist() == [5.0, 6.0, 7.0] and points["h_canopy"].tolist() == [12.0, 13.0, 14.0]
    assert points["lat"][1] == np.float32(70.001) and np.isnan(points["sigma"][2])
    assert points["flagged"].tolist() == [None, "with fewer than 10 terrain photons", "without a known uncertainty"]
    assert read(tmp_path / name)[0]["height"].tolist() == [5.0]


def test_atl13(tmp_path):
    points, _, _ = read(granules.atl13(tmp_path / "ATL13_20220401222304_01381503_006_01.h5"))
    assert points["height"].tolist() == [100.0, 101.0] and points["height_ortho"].tolist() == [60.0, 61.0]
    # A granule holds several tracks: its own arrays beat the name.
    assert points["track"].tolist() == [7, 8] and points["cycle"].tolist() == [3, 3]
    assert points["quality"].tolist() == [1, 2] and points["geoid"].tolist() == [40.0, 40.0]
    np.testing.assert_allclose(points["sigma"].astype(float), [0.03, 0.04], atol=1e-6)
    assert points["stdev"][0] == pytest.approx(0.1)


class TestGlah06:
    NAME = "GLAH06_634_2131_002_0084_4_01_0001.H5"

    def test_every_field(self, tmp_path):
        points, tally, source = read(granules.glah06(tmp_path / self.NAME), ALL)
        assert source.frame == "ITRF2008" and source.warnings == []
        assert tally.kept == 7 and dict(+tally.reasons) == {"without a height": 1}
        # The note's row: lat -72.25, 3200 m above T/P (3199.5 and a saturation correction of 0.5).
        assert points["height"][0] == pytest.approx(3199.2876, abs=1e-4)
        assert points["lat"][0] == pytest.approx(-72.249999929, abs=1e-9)
        assert points["lon"][0] == pytest.approx(-50.0) and points["lon"][1] == pytest.approx(-49.999)
        assert points["time"][0] == np.datetime64("2000-01-02T12:00:00")
        assert set(points["track"]) == {84} and set(points["cycle"]) == {2} and set(points["campaign"]) == {"3A"}
        assert points["geoid"][0] == pytest.approx(30.0 - 0.7124, abs=1e-4)
        for name, value in (("bias_corr", 0.017), ("reflectivity", 0.4), ("misfit", 0.01), ("cloud", 0),
                            ("use_flag", 1), ("saturation", 0), ("attitude", 0), ("peaks", 1), ("sat_corr", 0.5)):
            assert points[name][0] == pytest.approx(value)
        assert points["flagged"].tolist()[:5] == [
            "not to be used (elev_use_flg)", "saturated beyond correction", "with doubtful attitude",
            "with more than one peak", None]
        # Without a correction nothing is added, and the field is empty.
        assert points["height"][6] == pytest.approx(3198.7876, abs=1e-4) and np.isnan(points["sat_corr"][6])

    def test_recommended(self, tmp_path):
        assert read(granules.glah06(tmp_path / self.NAME))[1].kept == 3

    def test_other_releases_stay_unknown(self, tmp_path):
        source = open_source(granules.glah06(tmp_path / self.NAME.replace("634", "633")))
        assert source.frame == "" and "633" in source.warnings[0]

    def test_heights_converted_before_are_refused(self, tmp_path):
        path = granules.glah06(tmp_path / self.NAME, ellipsoids=0.0)
        with pytest.raises(AltimetryError, match="converted already"):
            read(path)

    def test_valid_range(self, tmp_path):
        """Fill values can lie outside of the valid range only, with no other sign."""
        name = "Data_40HZ/Reflectivity/d_reflctUC"
        path = granules.glah06(tmp_path / self.NAME, numbers={(name, "valid_max"): 0.3, (name, "valid_min"): 0.0})
        assert np.isnan(read(path)[0]["reflectivity"]).all()

    def test_without_saturation_correction(self, tmp_path):
        source = open_source(granules.glah06(tmp_path / self.NAME, drop=("Elevation_Corrections/d_satElevCorr",)))
        assert "no saturation correction" in source.warnings[0]


class TestAtm:
    NAME = "ILATM1B_20140430_110310.ATM4BT4.h5"

    def test_every_field(self, tmp_path):
        points, _, source = read(granules.atm(tmp_path / self.NAME))
        assert source.frame == "ITRF2014" and source.warnings == []
        assert points["lon"].tolist() == [-68.75, -68.75] and points["height"].tolist() == [500.25, 501.25]
        # GPS was 16 s ahead of UTC in 2014.
        assert points["time"][0] == np.datetime64("2014-04-30T11:02:54.500000")
        names = ("rel_time", "azimuth", "pitch", "roll", "start_strength", "return_strength", "pdop", "pulse_width")
        assert [points[name][0] for name in names] == [1.5 + number for number in range(8)]

    def test_midnight(self, tmp_path):
        path = granules.atm(tmp_path / "ILATM1B_20140430_235950.ATM4BT4.h5", clocks=(235959.5, 0.5))
        assert read(path)[0]["time"].tolist() == np.array(
            ["2014-04-30T23:59:43.5", "2014-04-30T23:59:44.5"], "M8[us]").tolist()

    @pytest.mark.parametrize("declared, frame", [("ITRF08", "ITRF2008"), ("ITRF2014", "ITRF2014"), ("itrf94", "ITRF94"),
                                                 ("WGS-84", ""), (None, ""), ("ITRF99", "")])
    def test_the_frame_is_what_the_file_declares(self, tmp_path, declared, frame):
        source = open_source(granules.atm(tmp_path / self.NAME, frame=declared))
        assert source.frame == frame and bool(source.warnings) == (frame == "")

    def test_without_a_date(self, tmp_path):
        with pytest.raises(AltimetryError, match="no date in its name"):
            open_source(granules.atm(tmp_path / "ILATM1B.h5"))


class TestBadFiles:
    def test_truncated(self, tmp_path):
        path = Path(granules.atl06(tmp_path / NAME06, count=5000))
        path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
        with pytest.raises(AltimetryError, match="damaged or incomplete: download it again"):
            open_source(str(path))

    def test_text_with_the_name_of_a_granule(self, tmp_path):
        path = tmp_path / NAME06
        path.write_text("<html>Please log in</html>", encoding="utf-8")
        with pytest.raises(AltimetryError, match="is no HDF5 file"):
            open_source(str(path))

    def test_renamed_group(self, tmp_path):
        path = granules.write_hdf5(tmp_path / NAME06, {"gt1l/land_segments/h_li": np.zeros(3)})
        with pytest.raises(AltimetryError, match=r"none of the groups of ATL06 .land_ice_segments below gt1l to gt3r"):
            open_source(path)

    def test_another_product(self, tmp_path):
        path = granules.atl13(tmp_path / "x.h5")
        with pytest.raises(AltimetryError, match="is it another PRODUCT"):
            open_source(path, "GLAH06")
        with pytest.raises(AltimetryError, match="choose PRODUCT"):
            open_source(path)

    def test_missing_array(self, tmp_path):
        with pytest.raises(AltimetryError, match=r"lacks land_ice_segments/h_li in gt1l"):
            open_source(granules.atl06(tmp_path / NAME06, drop=("h_li",)))

    def test_missing_quality(self, tmp_path):
        points, tally, source = read(granules.atl06(tmp_path / NAME06, drop=("atl06_quality_summary",)))
        assert "points not of the best quality cannot be told" in source.warnings[0]
        assert tally.kept == 98 and "quality" not in points

    def test_arrays_of_different_length(self, tmp_path):
        path = granules.atl06(tmp_path / NAME06, extra={"gt1l/land_ice_segments/h_li": np.zeros(7, "f4")})
        with pytest.raises(AltimetryError, match="inconsistent in gt1l"):
            open_source(path)

    def test_an_empty_beam_is_no_fault(self, tmp_path):
        points, _, source = read(granules.atl06(tmp_path / NAME06, empty=("gt1l",)))
        assert set(points["beam"]) == {"gt3r"} and source.empty == ""

    def test_zero_length_beams(self, tmp_path):
        source = open_source(granules.atl06(tmp_path / NAME06, count=0))
        assert source.empty.endswith("all its beams are empty.") and read(source.path)[1].kept == 0

    @pytest.mark.parametrize("epoch", [np.array([0.0]), np.array(0.0)])
    def test_another_clock(self, tmp_path, epoch):
        path = granules.atl06(tmp_path / NAME06, extra={"ancillary_data/atlas_sdp_gps_epoch": epoch})
        with pytest.raises(AltimetryError, match="counts time from GPS second 0"):
            open_source(path)

    def test_with_exceptions_of_gdal_switched_on(self, tmp_path):
        from osgeo import gdal

        gdal.UseExceptions()
        try:
            assert read(granules.atl06(tmp_path / NAME06, empty=("gt1l",)))[1].kept == 48
        finally:
            gdal.DontUseExceptions()
