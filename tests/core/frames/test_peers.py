"""What other software gets wrong about frames and epochs, one test a defect, with figures from elsewhere.

The defects of tables (PROJ's parameter files, GeodePy, midgard) stand in test_helmert.py and test_plate_motion.py.
"""

import numpy as np
import pytest
from commonground.core.errors import EpochError, FrameError
from commonground.core.frames.catalogue import frame_of_crs
from commonground.core.frames.epochs import parse_epoch
from commonground.core.frames.plates import plate_at
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace

SEED = (-50.0, 70.0, 1.0)
PMM = PlateMotion("ITRF2014-PMM")


def millimetres(source, target, motion=None, place=SEED):
    moved = displace(*place, source, target, motion)
    return np.array([float(moved.east), float(moved.north), float(moved.up)]) * 1e3


def at(name, epoch=None):
    return FrameEpoch(name, epoch)


class TestQgisAndGdal:
    def test_the_helmert_is_evaluated_at_the_observation_epoch(self):
        """Between dynamic CRSs both take the published epoch 2010.0 instead: N -145.5, U +40.9 mm."""
        found = millimetres(at("ITRF93", 1993.5), at("ITRF2014"))
        assert found[1:] == pytest.approx([-27.94, 5.28], abs=0.02)
        assert millimetres(at("ITRF93", 2010.0), at("ITRF2014"))[1:] == pytest.approx([-145.5, 40.9], abs=0.1)

    def test_another_epoch_in_the_same_frame_is_no_silent_null(self):
        assert millimetres(at("ITRF2014", 1993.5), at("ITRF2014", 2018.5), PMM) == pytest.approx(
            [-412.6, 329.7, 0.7], abs=0.1)
        with pytest.raises(EpochError, match="choose a plate motion model"):
            millimetres(at("ITRF2014", 1993.5), at("ITRF2014", 2018.5))


class TestFromCrs:
    def test_itrf92_to_itrf94_does_not_go_through_itrf93(self):
        """Published ITRF2014 legs: only translation and scale differ, Tx 8.0 Ty 2.0 Tz -8.0 mm, D -0.71 ppb."""
        from commonground.core.frames.transform import _to_enu, geocentric

        x = np.array(geocentric(*SEED))
        expected = np.array([-8.0, -2.0, 8.0]) * 1e-3 + 0.71e-9 * x
        assert millimetres(at("ITRF92", 2010.0), at("ITRF94")) == pytest.approx(
            np.array(_to_enu(-50.0, 70.0, expected)) * 1e3, abs=0.01)

    @pytest.mark.parametrize("code", ["EPSG:4326", "EPSG:4979", "EPSG:3413", "EPSG:32622", "EPSG:4747", "EPSG:4167"])
    def test_no_ballpark_null(self, code):
        """from_crs answers these with a null of metres' error, and says nothing."""
        with pytest.raises(FrameError, match="SOURCE_FRAME"):
            frame_of_crs(code)

    def test_nad83_2011_is_more_than_a_metre_from_itrf(self):
        found = millimetres(at("NAD83(2011)", 2010.0), at("ITRF2014"), place=(-100.0, 40.0, 300.0))
        assert np.linalg.norm(found) > 1000.0

    def test_igs_frames_have_their_itrfs_way(self):
        assert millimetres(at("IGS08", 2005.0), at("ITRF2014")) == pytest.approx(
            millimetres(at("ITRF2008", 2005.0), at("ITRF2014")), abs=1e-9)
        assert np.abs(millimetres(at("IGS08", 2005.0), at("ITRF2014"))).max() > 1.0


class TestIceflow:
    def test_each_row_has_its_own_plate(self):
        """It keeps the first plate for all later rows: Australia moved 0.33 m to the south-west."""
        lon, lat = np.array([-50.0, 132.0]), np.array([70.0, -24.0])
        moved = displace(lon, lat, 0.0, at("ITRF2014", 1993.5), at("ITRF2014", 2018.5), PMM)
        assert list(moved.plate) == ["NOAM", "AUST"]
        # UNAVCO's calculator: 32.69 and 59.12 mm/yr.
        assert (moved.east[1], moved.north[1]) == pytest.approx((25 * 0.03269, 25 * 0.05912), abs=3e-4)

    def test_no_mean_longitude_across_the_antimeridian(self):
        """Chukotka at 170 W and 175 E: the mean of both is 2.5 E, in Eurasia."""
        assert list(plate_at(np.array([-170.0, 175.0]), np.array([66.0, 66.0]))) == ["NA", "NA"]

    @pytest.mark.parametrize("place, lon, lat, code", [
        ("Cairo", 31.2, 30.0, "NUBI"), ("Nairobi", 36.8, -1.3, "SOMA"), ("Cape Town", 18.4, -33.9, "NUBI")])
    def test_africa_is_there(self, place, lon, lat, code):
        moved = displace(lon, lat, 0.0, at("ITRF2014", 2000.0), at("ITRF2014", 2010.0), PMM)
        assert str(moved.plate) == code and float(moved.north) > 0.1

    def test_any_two_frames(self):
        """Two thirds of the ordered pairs are impossible there, e.g. ITRF93 -> ITRF2005."""
        assert np.abs(millimetres(at("ITRF93", 1993.5), at("ITRF2005"))).max() > 1.0

    def test_itrf2020_is_itrf2020(self):
        """It spells it ITRF20, which no parameter file has."""
        assert np.abs(millimetres(at("ITRF20", 2015.0), at("ITRF2014"))).max() < 5.0


class TestNotebook:
    def test_metres_are_metres(self):
        """Its metre per degree of longitude at 70 N is 10 % short: 0.37 m is 0.41 m."""
        assert millimetres(at("ITRF2014", 1993.5), at("ITRF2014", 2018.5), PMM)[0] == pytest.approx(-412.6, abs=0.1)

    def test_grids_keep_their_heights(self):
        """lon.T.flatten() beside heights in rows pairs points with the heights of others."""
        lon, lat = np.meshgrid(np.linspace(-52, -48, 11), np.linspace(68, 72, 11))
        height = np.linspace(0.0, 3000.0, 121).reshape(11, 11)
        moved = displace(lon, lat, height, at("ITRF93", 1993.5), at("ITRF2014"))
        assert moved.height.shape == (11, 11)
        assert np.abs(moved.height - height).max() < 0.01

    def test_the_first_of_january_is_the_whole_year(self):
        """year + day of year / 365 makes it 2010.0027; 5 May 1991 is day 125, 1991.340."""
        assert parse_epoch("2010-01-01") == 2010.0
        assert parse_epoch("1991-05-05") == pytest.approx(1991.340, abs=5e-4)

    def test_a_missing_epoch_is_no_silent_null(self):
        with pytest.raises(EpochError, match="missing"):
            millimetres(at("ITRF93"), at("ITRF2014"))


def test_the_origin_rate_bias_lifts_nothing():
    """PROJ's *_T entries add it in XYZ: 0.69 mm a year of uplift at this place that is not there."""
    found = millimetres(at("ITRF2020", 2000.0), at("ITRF2020", 2010.0), PlateMotion("ITRF2020-PMM"))
    # NOAM by rotation alone -16.65 and 12.14 mm/yr, with the bias +0.51 and +0.28.
    assert found[:2] == pytest.approx([-161.4, 124.2], abs=0.2)
    assert abs(found[2]) < 0.5
