"""Plate motion models: published velocities, the size of each rotation, plate codes."""

import numpy as np
import pytest
from commonground.core.errors import PlateError
from commonground.core.frames import plate_motion
from commonground.core.frames.plate_motion import MODELS, model, plate_code, require_plate
from commonground.core.frames.tables import read_table
from commonground.core.frames.transform import PlateMotion, Velocity, plate_velocity, velocity_spread

ROWS = read_table("plate_motion.csv")


@pytest.mark.parametrize(
    "lat, lon, name, plate, east, north, tolerance",
    [
        # UNAVCO Plate Motion Calculator, by way of MintPy's tests
        (-24, 132, "ITRF2014-PMM", "AUST", 32.69, 59.12, 0.006),
        (27, 62, "ITRF2014-PMM", "EURA", 28.34, 5.40, 0.021),
        (18, 48, "ITRF2014-PMM", "ARAB", 36.11, 29.32, 0.006),
        # 70 N 50 W, North America; ITRF2008 without and ITRF2020 with its origin rate bias
        (70, -50, "ITRF2008-PMM", "NOAM", -16.39, 12.29, 0.006),
        (70, -50, "ITRF2014-PMM", "NOAM", -16.50, 13.19, 0.006),
        (70, -50, "ITRF2020-PMM", "NOAM", -16.14, 12.42, 0.006),
        (70, -50, "NNR-MORVEL56", "NA", -19.35, 11.78, 0.006),
        (70, -50, "GSRM2.1", "NA", -18.64, 13.49, 0.006),
    ],
)
def test_published_velocities(lat, lon, name, plate, east, north, tolerance):
    e, n, _ = plate_velocity(lon, lat, PlateMotion(name, plate))
    assert (e * 1e3, n * 1e3) == (pytest.approx(east, abs=tolerance), pytest.approx(north, abs=tolerance))


def test_itrf2020_bias_is_horizontal_only():
    """EUREF-TN-1 station: E 18.03, N 15.93 mm/yr with the bias; PROJ's *_T would lift it by 0.85 mm/yr."""
    from commonground.core.frames.transform import geodetic

    lon, lat, _ = geodetic(4027893.675, 307045.9069, 4919475.1721)
    e, n, u = plate_velocity(lon, lat, PlateMotion("ITRF2020-PMM", "EURA"))
    assert (e * 1e3, n * 1e3) == (pytest.approx(18.03, abs=0.006), pytest.approx(15.93, abs=0.006))
    assert abs(u) < 0.1e-3


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"] + " " + row["plate"])
def test_rotation_agrees_with_its_published_pole(row):
    """|w| and direction: catches swapped plates, lost digits and signs (midgard's slips among them)."""
    w = np.array([float(row[f"w{axis}_mas_yr"]) for axis in "xyz"]) / 3.6  # deg/Myr
    lat, lon, rate = (float(row[key]) for key in ("pole_lat", "pole_lon", "deg_per_Myr"))
    phi, lam = np.radians([lat, lon])
    pole = rate * np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    np.testing.assert_allclose(w, pole, atol=2e-4 + 2e-4 * rate)


def test_peers_slips():
    """midgard: ITRF2008 EURA wz 0.775, NAZC wx -0.333, MORVEL SOAM/SOMA swapped; PROJ: EURA dry."""
    mas = plate_motion.MILLIARCSECOND
    assert np.array(model("ITRF2008-PMM").rotations["EURA"]) / mas == pytest.approx([-0.083, -0.534, 0.750])
    assert model("ITRF2008-PMM").rotations["NAZC"][0] / mas == pytest.approx(-0.330)
    assert model("ITRF2008-PMM").rotations["NOAM"][2] < 0 > model("ITRF2008-PMM").rotations["PCFC"][0]
    morvel = model("NNR-MORVEL56").rotations
    assert np.linalg.norm(morvel["SM"]) / mas / 3.6 == pytest.approx(0.339, abs=1e-3)
    assert np.linalg.norm(morvel["SA"]) / mas / 3.6 == pytest.approx(0.109, abs=1e-3)


@pytest.mark.parametrize(
    "name, count",
    [("ITRF2014-PMM", 11), ("ITRF2020-PMM", 13), ("ITRF2008-PMM", 14), ("NNR-MORVEL56", 56), ("GSRM2.1", 50)],
)
def test_plate_sets(name, count):
    assert len(model(name).plates) == count
    assert model(name.lower()).name == name


@pytest.mark.parametrize(
    "name, given, code",
    [
        ("ITRF2014-PMM", "EU", "EURA"),
        ("ITRF2014-PMM", "Eurasia", "EURA"),
        ("ITRF2014-PMM", "AF", "NUBI"),
        ("ITRF2014-PMM", "SO", "SOMA"),
        ("NNR-MORVEL56", "NUBI", "NU"),
        ("NNR-MORVEL56", "NB", "NB"),
        ("GSRM2.1", "nubi", "AF"),
        ("GSRM2.1", "SM", "SO"),
        ("GSRM2.1", "YZ", "YA"),
        ("NNR-MORVEL56", "PHIL", "PS"),
        ("ITRF2020-PMM", "CARB", "CARB"),
        ("ITRF2014-PMM", "CARB", ""),
        ("ITRF2014-PMM", "SUND", ""),
        ("ITRF2014-PMM", "AMUR", ""),
        ("GSRM2.1", "AT", ""),
        ("NNR-MORVEL56", "RO", ""),
        ("ITRF2014-PMM", "XX", ""),
    ],
)
def test_plate_codes(name, given, code):
    assert plate_code(name, given) == code


def test_every_plate_of_every_model_is_in_the_table():
    for name in MODELS:
        for code in model(name).plates:
            assert plate_code(name, code) == code
            row = plate_motion._plate_rows()[code]
            assert code in row.values()


def test_unknown_plates_and_models_name_the_choices():
    with pytest.raises(PlateError, match=r"no plate 'CARB'; its plates are ANTA, .* ITRF2020-PMM.* have it"):
        require_plate("ITRF2014-PMM", "CARB")
    with pytest.raises(PlateError, match="use one of ITRF2014-PMM"):
        model("NUVEL1A")


def test_spread_between_models():
    east, north = velocity_spread(np.array([-50.0]), np.array([70.0]), PlateMotion("ITRF2014-PMM"))
    assert east[0] * 1e3 == pytest.approx((19.35 - 16.14) / 2, abs=0.01)
    assert north[0] * 1e3 == pytest.approx((13.49 - 11.78) / 2, abs=0.01)
    named = velocity_spread(-50.0, 70.0, PlateMotion("NNR-MORVEL56", "NOAM"))
    assert named[0] == pytest.approx(east[0])
    # Anatolia is a plate of one model only; a velocity is nobody's model.
    assert np.isnan(velocity_spread(33.0, 39.0, PlateMotion("NNR-MORVEL56"))[0])
    assert np.isnan(velocity_spread(33.0, 39.0, Velocity(0.01, 0.0))[0])
