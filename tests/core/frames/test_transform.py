"""The one transform: published vectors, signs, legs, poles, round trips, refusals, provenance."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.errors import EpochError, FrameError, PlateError
from commonground.core.frames import transform
from commonground.core.frames.transform import (
    FrameEpoch,
    PlateMotion,
    Velocity,
    displace,
    geocentric,
    geodetic,
    motion_plates,
    proj_pipeline,
)

HERE = Path(__file__).parents[2] / "data"
STATIONS = Path(__file__).resolve().parents[4] / "shared" / "reference" / "gnss_stations.csv"
NOAM = PlateMotion("ITRF2014-PMM", "NOAM")


def read_rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


VECTORS = read_rows(HERE / "itrf_vectors.csv")


def motion_of(row, lon, lat):
    if row["pmm"].startswith("VELOCITY"):
        vector = [float(word) for word in row["pmm"][9:-1].split(";")]
        return Velocity(*transform._to_enu(lon, lat, vector))
    name = row["pmm"] + "-PMM" if row["pmm"].startswith("ITRF") else row["pmm"]
    return PlateMotion(name, row["plate"]) if row["pmm"] else None


def through(row):
    """(displacement, expected xyz, source, target, motion) of a vector."""
    start, expected = ([float(row[key]) for key in keys] for keys in (("x", "y", "z"), ("x2", "y2", "z2")))
    place = geodetic(*start) if row["kind"] == "xyz" else start
    expected = expected if row["kind"] == "xyz" else geocentric(*expected)
    source = FrameEpoch(row["from_frame"], float(row["from_epoch"]))
    target = FrameEpoch(row["to_frame"], float(row["to_epoch"]))
    motion = motion_of(row, *place[:2])
    return place, displace(*place, source, target, motion), expected, source, target, motion


@pytest.mark.parametrize(
    "row", VECTORS, ids=lambda row: f"{row['from_frame']}-{row['to_frame']} {row['source'][:24]}"
)
def test_published_vector(row):
    _, moved, expected, *_ = through(row)
    np.testing.assert_allclose(
        geocentric(moved.lon, moved.lat, moved.height), expected, rtol=0, atol=float(row["tol_m"])
    )


@pytest.mark.parametrize(
    "row", VECTORS, ids=lambda row: f"{row['from_frame']}-{row['to_frame']} {row['source'][:24]}"
)
def test_pipeline_of_published_vector_does_the_same_in_proj(row):
    from pyproj import Transformer

    place, moved, _, source, target, motion = through(row)
    text = proj_pipeline(source, target, motion, lon=place[0], lat=place[1])
    lon, lat, height, _ = Transformer.from_pipeline(text).transform(*place, source.epoch)
    np.testing.assert_allclose(
        geocentric(lon, lat, height), geocentric(moved.lon, moved.lat, moved.height), rtol=0, atol=5e-6
    )


def test_notebook():
    """NSIDC corrections notebook: ITRF93 at 1993.5 to ITRF2014 at 2018.5, and the frame change alone."""
    moved = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014"))
    assert (moved.east, moved.north, moved.up) == tuple(
        pytest.approx(value, abs=1e-5) for value in (-0.00504, -0.02794, 0.00528)
    )
    moved = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5), NOAM)
    assert (moved.east, moved.north, moved.up) == tuple(
        pytest.approx(value, abs=2e-5)
        for value in (-0.00504 - 0.41262, -0.02794 + 0.32966, 0.00528 + 0.00071)
    )
    assert moved.plate == "NOAM"


def test_signs():
    """Australia runs north-east, Greenland north-west; backward is the opposite."""
    frames = FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2020.0)
    australia = displace(134.0, -24.0, 500.0, *frames, PlateMotion("ITRF2014-PMM"))
    assert australia.east > 0.6 and australia.north > 1.1 and australia.plate == "AUST"
    assert australia.lon > 134.0 and australia.lat > -24.0
    back = displace(134.0, -24.0, 500.0, *frames[::-1], PlateMotion("ITRF2014-PMM"))
    assert back.north == pytest.approx(-australia.north, abs=1e-5)
    greenland = displace(-50.0, 70.0, 0.0, *frames, PlateMotion("ITRF2014-PMM"))
    assert greenland.east < -0.3 and greenland.north > 0.2


def test_wrong_conventions_would_show():
    """Coordinate frame instead of position vector flips the frame change to N +0.0288 m."""
    north = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014")).north
    assert north == pytest.approx(-0.02794, abs=1e-5)
    # QGIS and osr evaluate the Helmert at its reference epoch: -0.1455 m.
    at_2010 = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 2010.0), FrameEpoch("ITRF2014")).north
    assert at_2010 == pytest.approx(-0.1455, abs=1e-4)


def test_plate_fixed_frames_do_not_move_twice():
    """In ETRF2014 a European point stays put for 30 years; a plate model inside it would add 0.75 m."""
    moved = displace(
        8.5,
        47.4,
        400.0,
        FrameEpoch("ETRF2014", 1995.0),
        FrameEpoch("ETRF2014", 2025.0),
        PlateMotion("ITRF2014-PMM"),
    )
    assert np.hypot(moved.east, moved.north) < 1e-6
    moved = displace(
        134.0,
        -24.0,
        0.0,
        FrameEpoch("GDA2020", 2000.0),
        FrameEpoch("GDA2020", 2025.0),
        PlateMotion("ITRF2014-PMM"),
    )
    assert np.hypot(moved.east, moved.north) < 0.02
    moved = displace(
        -105.0,
        39.7,
        0.0,
        FrameEpoch("NAD83(2011)", 2000.0),
        FrameEpoch("NAD83(2011)", 2025.0),
        PlateMotion("ITRF2014-PMM"),
    )
    assert np.hypot(moved.east, moved.north) < 0.06  # NAD83 itself drifts by 2 mm/yr against NOAM


def test_motion_is_applied_in_the_models_own_frame():
    """ITRF2014-PMM inside ITRF93 = to ITRF2014, move, back at the new epoch; it is not the ITRF2014 shift."""
    at = (-50.0, 70.0, 0.0)
    moved = displace(*at, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF93", 2018.5), NOAM)
    one = displace(*at, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014"))
    two = displace(
        one.lon, one.lat, one.height, FrameEpoch("ITRF2014", 1993.5), FrameEpoch("ITRF2014", 2018.5), NOAM
    )
    three = displace(two.lon, two.lat, two.height, FrameEpoch("ITRF2014", 2018.5), FrameEpoch("ITRF93"))
    assert (
        distance(
            *[[np.array([value]) for value in (item.lon, item.lat, item.height)] for item in (moved, three)]
        )
        < 1e-6
    )


def test_order_of_legs():
    """ITRF2014-PMM inside ITRF93, then the frame change at the new epoch, is wrong by up to 178 mm."""
    right = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5), NOAM)
    moved = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF2014", 1993.5), FrameEpoch("ITRF2014", 2018.5), NOAM)
    then = displace(moved.lon, moved.lat, moved.height, FrameEpoch("ITRF93", 2018.5), FrameEpoch("ITRF2014"))
    wrong = np.array([moved.east + then.east, moved.north + then.north, moved.up + then.up])
    np.testing.assert_allclose(
        wrong - [right.east, right.north, right.up], [0.0908, -0.1781, 0.0540], atol=1e-4
    )


def test_frame_of_the_motion():
    frames = transform.motion_frame
    assert frames("ITRF93", "ETRF2000", NOAM) == "ITRF2014"
    assert frames("ITRF93", "ETRF2000", PlateMotion("GSRM2.1")) == "ITRF2000"
    assert frames("IGS14", "ITRF93", PlateMotion("NNR-MORVEL56")) == "ITRF2014"  # the same both ways
    assert frames("NAD83(2011)", "ITRF2020", Velocity(0.0, 0.0)) == "ITRF2014"


def test_same_frame_other_epoch_works():
    """iceflow raises RuntimeError here, for want of a file ITRF2014:ITRF2014."""
    moved = displace(-50.0, 70.0, 0.0, FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2010.0), NOAM)
    assert (moved.east, moved.north) == (pytest.approx(-0.16505, abs=2e-5), pytest.approx(0.13187, abs=2e-5))


def test_each_point_has_its_own_plate_and_epoch():
    """iceflow gives later groups the first group's plate; here Australia keeps its own."""
    lon, lat = np.array([-50.0, 134.0, 31.2]), np.array([70.0, -24.0, 30.0])
    epochs = np.array([1993.5, 2000.0, 2010.0])
    together = displace(
        lon,
        lat,
        10.0,
        FrameEpoch("ITRF93", epochs),
        FrameEpoch("ITRF2014", 2018.5),
        PlateMotion("ITRF2014-PMM"),
    )
    assert together.plate.tolist() == ["NOAM", "AUST", "NUBI"]
    for k in range(3):
        alone = displace(
            lon[k],
            lat[k],
            10.0,
            FrameEpoch("ITRF93", epochs[k]),
            FrameEpoch("ITRF2014", 2018.5),
            PlateMotion("ITRF2014-PMM"),
        )
        assert together.lon[k] == pytest.approx(alone.lon, abs=1e-12)
        assert together.north[k] == pytest.approx(alone.north, abs=1e-9)


def test_heights_keep_their_points():
    """The notebook pairs heights with the wrong points; shapes broadcast, they are never re-ordered here."""
    lon, lat = np.meshgrid(np.linspace(-51, -49, 4), np.linspace(69, 71, 3))
    height = np.arange(12.0).reshape(3, 4) * 100
    moved = displace(lon, lat, height, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014"))
    assert moved.height.shape == (3, 4)
    assert np.abs(moved.height - height).max() < 0.01


ROUTES = [
    ("ITRF93", "ITRF2014", PlateMotion("ITRF2014-PMM", "PCFC")),
    ("ITRF2014", "NAD83(2011)", NOAM),
    ("NAD83(2011)", "GDA94", PlateMotion("ITRF2014-PMM", "AUST")),
    ("ITRF88", "NAD83(CSRS)v8", PlateMotion("ITRF2020-PMM", "PCFC")),
    ("WGS84(Transit)", "ITRF2020", PlateMotion("ITRF2020-PMM", "AUST")),
    ("ITRF2008", "ITRF2000", PlateMotion("GSRM2.1", "PA")),
    ("ITRF2005", "GDA94", None),
]


def cloud(latitude, n=400):
    rng = np.random.default_rng(6)
    return (
        rng.uniform(-180, 180, n),
        rng.choice([-1, 1], n) * np.full(n, latitude),
        rng.uniform(-100, 6000, n),
        rng.uniform(1981, 1995, n),
    )


def distance(one, other):
    return np.linalg.norm(np.array(geocentric(*one)) - np.array(geocentric(*other)), axis=0).max()


@pytest.mark.parametrize("latitude", [0.0, 45.0, 70.0, 85.0, 88.99, 89.01, 89.99, 90.0])
@pytest.mark.parametrize("source, target, motion", ROUTES, ids=lambda value: str(value))
def test_error_against_exact_and_round_trip(source, target, motion, latitude, monkeypatch):
    lon, lat, height, start = cloud(latitude)
    end = 2024.0 if motion else None
    forward = FrameEpoch(source, start), FrameEpoch(target, end)
    fast = displace(lon, lat, height, *forward, motion)
    back = displace(
        fast.lon, fast.lat, fast.height, FrameEpoch(target, end or start), FrameEpoch(source, start), motion
    )
    assert distance((back.lon, back.lat, back.height), (lon, lat, height)) < 5e-6
    monkeypatch.setattr(transform, "_EXACT_LATITUDE", -1.0)
    exact = displace(lon, lat, height, *forward, motion)
    assert distance((fast.lon, fast.lat, fast.height), (exact.lon, exact.lat, exact.height)) < 3e-6
    np.testing.assert_allclose(
        [fast.east, fast.north, fast.up], [exact.east, exact.north, exact.up], atol=3e-6
    )


def test_round_trip_of_all_plates():
    """Small plates, which turn fast, too."""
    rng = np.random.default_rng(9)
    n = 20_000
    lon, lat = rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    for name in ("NNR-MORVEL56", "GSRM2.1"):
        motion = PlateMotion(name)
        plates = motion_plates(lon, lat, motion)
        known = plates != ""
        source, target = FrameEpoch("ITRF2000", 1995.0), FrameEpoch("ITRF2014", 2020.0)
        there = displace(lon[known], lat[known], 50.0, source, target, motion, plates[known])
        back = displace(there.lon, there.lat, there.height, target, source, motion, plates[known])
        heights = np.full(known.sum(), 50.0)
        assert distance((back.lon, back.lat, back.height), (lon[known], lat[known], heights)) < 5e-6
        assert np.hypot(there.east, there.north).max() > 4.0


def test_every_plate_is_exact_at_every_latitude(monkeypatch):
    for plate in ("MN", "JZ", "PS", "PA"):
        for latitude in (0.0, 60.0, 85.0, 88.99):
            lon, lat, height, start = cloud(latitude, 50)
            frames = FrameEpoch("ITRF2014", start), FrameEpoch("ITRF2014", 2024.0)
            motion = PlateMotion("NNR-MORVEL56", plate)
            fast = displace(lon, lat, height, *frames, motion)
            with monkeypatch.context() as patch:
                patch.setattr(transform, "_EXACT_LATITUDE", -1.0)
                exact = displace(lon, lat, height, *frames, motion)
            assert distance((fast.lon, fast.lat, fast.height), (exact.lon, exact.lat, exact.height)) < 5e-6


def test_against_proj_over_the_globe():
    from pyproj import Transformer

    rng = np.random.default_rng(7)
    n = 2000
    lon, lat = rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    height, start = rng.uniform(-100, 6000, n), rng.uniform(1985, 2015, n)
    cases = [
        ("ITRF93", "ITRF2014", 2018.5, NOAM),
        ("ITRF2020", "ITRF2008", 2030.0, PlateMotion("ITRF2020-PMM", "EURA")),
        ("ETRF2000", "ITRF2014", 2020.0, PlateMotion("ITRF2014-PMM", "EURA")),
        ("ITRF2000", "GDA2020", 2025.0, PlateMotion("NNR-MORVEL56", "AU")),
        ("ITRF89", "NATRF2022", None, None),
        ("IGb08", "ITRF2014", None, None),
    ]
    for source, target, end, motion in cases:
        pair = FrameEpoch(source, start), FrameEpoch(target, end)
        ours = displace(lon, lat, height, *pair, motion)
        theirs = Transformer.from_pipeline(proj_pipeline(*pair, motion)).transform(lon, lat, height, start)
        assert distance((ours.lon, ours.lat, ours.height), theirs[:3]) < 3e-6, (source, target)


def test_antimeridian_and_poles():
    frames = FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2040.0)
    for lon in (180.0, -180.0, 179.9999999):
        moved = displace(lon, -17.0, 0.0, *frames, PlateMotion("ITRF2014-PMM", "PCFC"))
        assert abs(moved.lon - lon) < 1e-4  # no jump by a turn, so that geometries stay whole
    for lat in (90.0, -90.0):
        moved = displace(np.array([0.0, 90.0, -135.0]), lat, 10.0, *frames, NOAM)
        places = np.array(geocentric(moved.lon, moved.lat, moved.height))
        assert np.ptp(places, axis=1).max() < 1e-8  # one point, whatever its longitude was called
        assert np.linalg.norm(places[:, 0] - np.array(geocentric(0.0, lat, 10.0))) > 0.5


def test_geodetic_inverts_geocentric():
    lat = np.array([-90, -89.9999999, -60, -1e-9, 0, 1e-9, 30, 89, 89.9999999, 90])
    lon = np.linspace(-180, 180, 10)
    for height in (-100.0, 0.0, 9000.0, 500e3):
        x = geocentric(lon, lat, height)
        assert np.abs(np.array(geocentric(*geodetic(*x))) - np.array(x)).max() < 5e-9
        assert np.abs(geodetic(*x)[2] - height).max() < 5e-9


def test_chunks_and_shapes_do_not_matter(monkeypatch):
    rng = np.random.default_rng(8)
    lon, lat, height = (
        rng.uniform(-180, 180, (30, 40)),
        rng.uniform(-89.5, 89.5, (30, 40)),
        rng.uniform(0, 1e3, (30, 40)),
    )
    start = rng.uniform(1990, 2000, 40)  # broadcasts over rows
    arguments = (
        lon,
        lat,
        height,
        FrameEpoch("ITRF2000", start),
        FrameEpoch("ITRF2014", 2015.0),
        PlateMotion("NNR-MORVEL56"),
    )
    whole = displace(*arguments)
    monkeypatch.setattr(transform, "_CHUNK", 7)
    pieces = displace(*arguments)
    for one, other in zip(
        (whole.lon, whole.lat, whole.height, whole.east), (pieces.lon, pieces.lat, pieces.height, pieces.east)
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    assert displace([], [], [], FrameEpoch("ITRF93", 2000.0), FrameEpoch("ITRF2014")).lon.shape == (0,)


def test_missing_coordinates_stay_missing():
    moved = displace(
        [np.nan, -50.0], [70.0, 70.0], [0.0, np.nan], FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014")
    )
    assert np.isnan(moved.lon[0]) and np.isnan(moved.height[1])


def test_velocity_moves_in_the_source_frame():
    moved = displace(
        8.5,
        47.4,
        0.0,
        FrameEpoch("ITRF2020", 2000.0),
        FrameEpoch("ITRF2020", 2010.0),
        Velocity(0.02, np.array([0.015, -0.015]), 0.001),
    )
    np.testing.assert_allclose(moved.east, 0.2, atol=1e-12)
    np.testing.assert_allclose(moved.north, [0.15, -0.15], atol=1e-12)
    np.testing.assert_allclose(moved.up, 0.01, atol=1e-12)


def test_refusals():
    here = (-50.0, 70.0, 0.0)
    with pytest.raises(EpochError, match="choose a plate motion model"):
        displace(*here, FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2010.0))
    with pytest.raises(EpochError, match="missing"):
        displace(*here, FrameEpoch("ITRF2014"), FrameEpoch("ITRF2008"))
    for wrong in (np.nan, 1970.0, 2051.0):
        with pytest.raises(EpochError, match=r"1 epoch.*decimal year"):
            displace(*here, FrameEpoch("ITRF2014", np.array([2000.0, wrong])), FrameEpoch("ITRF2008"))
    with pytest.raises(FrameError, match="ITRF94"):
        displace(*here, FrameEpoch("ITRF95", 2000.0), FrameEpoch("ITRF2008"))
    with pytest.raises(PlateError, match="no plate 'CARB'"):
        displace(
            *here,
            FrameEpoch("ITRF2014", 2000.0),
            FrameEpoch("ITRF2014", 2010.0),
            PlateMotion("ITRF2014-PMM", "CARB"),
        )


def test_points_without_plate_are_named_never_guessed():
    """Jakarta is on Sunda, which ITRF2014-PMM lacks; iceflow would take Eurasia."""
    lon, lat = np.array([8.5, 106.8, 116.0, 10.0]), np.array([47.4, -6.2, -30.0, 50.0])
    motion = PlateMotion("ITRF2014-PMM")
    frames = FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2010.0)
    with pytest.raises(
        PlateError, match=r"1 of 4 points lie on no plate of ITRF2014-PMM.*NNR-MORVEL56"
    ) as failure:
        displace(lon, lat, 0.0, *frames, motion)
    assert list(failure.value.indices) == [1]
    plates = motion_plates(lon, lat, motion)
    kept = plates != ""
    moved = displace(lon[kept], lat[kept], 0.0, *frames, motion, plates[kept])
    assert moved.plate.tolist() == ["EURA", "AUST", "EURA"]


def test_no_motion_needs_no_plate():
    moved = displace(
        106.8,
        -6.2,
        0.0,
        FrameEpoch("ITRF2014", 2010.0),
        FrameEpoch("ITRF2008", 2010.0),
        PlateMotion("ITRF2014-PMM"),
    )
    assert moved.plate == "" and 0 < abs(moved.up) < 0.01


@pytest.mark.skipif(not STATIONS.exists(), reason="the station list is not part of the project")
def test_gnss_stations():
    """ITRF2014 at 2010.0 -> ITRF2008 at 2005.0 with each station's velocity: median residuals."""
    rows = read_rows(STATIONS)
    x14, v14, x08 = (
        np.array([[float(row[axis + suffix]) for axis in axes] for row in rows]).T
        for axes, suffix in ((("x", "y", "z"), "14"), (("vx", "vy", "vz"), "14"), (("x", "y", "z"), "08"))
    )
    lon, lat, height = geodetic(*x14)
    moved = displace(
        lon,
        lat,
        height,
        FrameEpoch("ITRF2014", 2010.0),
        FrameEpoch("ITRF2008", 2005.0),
        Velocity(*transform._to_enu(lon, lat, v14)),
    )
    difference = np.array(geocentric(moved.lon, moved.lat, moved.height)) - x08
    median = np.median(np.abs(transform._to_enu(lon, lat, difference)), axis=1) * 1e3
    assert (np.round(median, 1) <= (0.8, 0.9, 2.3)).all(), median


def test_proj_data_of_another_place_changes_nothing(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(HERE.parent)!r}); import conftest\n"
        "from commonground.core.frames.transform import *\n"
        "moved = displace(-50.0, 70.0, 1000.0, FrameEpoch('ITRF93', 1993.5), FrameEpoch('ITRF2008', 2018.5),"
        " PlateMotion('ITRF2014-PMM'))\n"
        "print(repr((float(moved.lon), float(moved.lat), float(moved.height))))"
    )
    (tmp_path / "ITRF2008").write_text(
        "<ITRF93> +proj=helmert +x=100 +t_epoch=2000 +convention=position_vector\n"
    )
    answers = set()
    for folder in (None, str(tmp_path)):
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        if folder:
            environment.update(PROJ_DATA=folder, PROJ_LIB=folder)
        answers.add(
            subprocess.run(
                [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
            ).stdout
        )
    assert len(answers) == 1 and "1000.0" in answers.pop()
