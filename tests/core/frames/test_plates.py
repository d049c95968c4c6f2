"""The outlines: places, poles, the antimeridian, published areas, distances, speed."""

import time

import numpy as np
import pytest
from commonground.core.frames import plates
from commonground.core.frames.plates import OUTLINES, boundary_distance, plate_at, plate_index
from commonground.core.frames.transform import PlateMotion, Velocity, motion_plates


@pytest.mark.parametrize(
    "place, lon, lat, plate",
    [
        ("Cairo", 31.2, 30.0, "NU"),
        ("Nairobi", 36.8, -1.3, "SM"),
        ("Cape Town", 18.4, -33.9, "NU"),
        ("Panama City", -79.5, 9.0, "PM"),
        ("Chukotka", -175.0, 66.0, "NA"),
        ("Anadyr", 177.5, 64.7, "NA"),
        ("Jakarta", 106.8, -6.2, "SU"),
        ("Kangerlussuaq", -50.0, 70.0, "NA"),
        ("Alice Springs", 133.9, -23.7, "AU"),
        ("Honolulu", -157.9, 21.3, "PA"),
        ("Auckland", 174.8, -36.9, "AU"),
        ("Christchurch", 172.6, -43.5, "PA"),
        ("Delhi", 77.2, 28.6, "IN"),
        ("Riyadh", 46.7, 24.7, "AR"),
        ("Ankara", 32.9, 39.9, "AT"),
        ("Lima", -77.0, -12.0, "SA"),
        ("Kingston", -76.8, 18.0, "CA"),
        ("Manila Bay", 120.8, 14.5, "SU"),
        ("Shanghai", 121.5, 31.2, "YZ"),
        ("Tokyo", 139.7, 35.7, "OK"),
        ("Sapporo", 141.3, 43.1, "OK"),
        ("Vladivostok", 132.0, 43.2, "AM"),
        ("Zurich", 8.5, 47.4, "EU"),
        ("San Francisco", -122.4, 37.8, "NA"),
        ("Los Angeles", -118.2, 34.0, "PA"),
        ("Denver", -105.0, 39.7, "NA"),
        ("South Pole", 12.0, -90.0, "AN"),
        ("North Pole", 77.0, 90.0, "NA"),
    ],
)
def test_places(place, lon, lat, plate):
    assert plate_at(lon, lat) == plate
    assert plate_at(lon + 360.0, lat) == plate


def test_longitude_turns_do_not_matter():
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-180, 180, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    home = plate_index(lon, lat)
    for turn in (360.0, -360.0, 720.0):
        assert (plate_index(lon + turn, lat) == home).mean() > 0.9999  # rounding of lon at boundaries


def test_a_hair_across_the_antimeridian_is_still_there():
    """-180 - 1e-14 degrees wraps to 180 exactly, where no edge would be met."""
    for lat in (-60.0, -20.0, 0.0, 40.0, 66.0):
        lon = np.array([180.0, -180.0, np.nextafter(-180.0, -200.0), np.nextafter(180.0, 0.0)])
        assert np.unique(plate_at(lon, np.full(4, lat))).size == 1


def test_antimeridian_has_no_seam():
    lat = np.linspace(-85, 85, 3001)
    east, west = plate_at(179.999999, lat), plate_at(-179.999999, lat)
    assert (east != west).mean() < 0.001
    np.testing.assert_array_equal(plate_at(180.0, lat), plate_at(-180.0, lat))


def test_poles_are_one_plate_at_any_longitude():
    lon = np.linspace(-180, 180, 721)
    assert set(plate_at(lon, 90.0)) == {"NA"} and set(plate_at(lon, -90.0)) == {"AN"}


# Areas in steradians as published with NNR-MORVEL56 (Argus et al. 2011, table 1).
AREAS = {
    "AM": 0.1307,
    "AN": 1.4327,
    "AR": 0.1208,
    "AU": 0.9214,
    "CP": 0.2036,
    "CA": 0.0730,
    "CO": 0.0722,
    "EU": 1.1963,
    "IN": 0.3064,
    "LW": 0.1171,
    "NZ": 0.3967,
    "NA": 1.3657,
    "NU": 1.4406,
    "PA": 2.5768,
    "PS": 0.1341,
    "SA": 1.0034,
    "SM": 0.3548,
    "SU": 0.2197,
    "SC": 0.0419,
    "YZ": 0.0542,
    "OK": 0.0748,
    "CL": 0.0376,
    "ND": 0.0239,
}


def test_areas_are_the_published_ones():
    step = 0.25
    lon, lat = np.meshgrid(np.arange(-180 + step / 2, 180, step), np.arange(-90 + step / 2, 90, step))
    weights = np.cos(np.radians(lat)) * np.radians(step) ** 2
    area = np.bincount(plate_index(lon, lat).ravel(), weights.ravel(), minlength=len(OUTLINES))
    assert area.sum() == pytest.approx(4 * np.pi, rel=1e-5)
    for code, published in AREAS.items():
        assert area[OUTLINES.index(code)] == pytest.approx(published, abs=0.0005), code


def test_cell_index_changes_nothing():
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(-180, 180, 30_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 30_000)))
    np.testing.assert_array_equal(plate_index(lon, lat), plates._exact(lon, lat))


def test_shapes_and_missing_coordinates():
    assert plate_at(np.zeros((2, 3)), 0.0).shape == (2, 3)
    assert plate_at([np.nan, 0.0], [0.0, np.inf]).tolist() == ["", ""]
    assert plate_at([], []).shape == (0,)


def test_distance_to_boundary():
    # San Francisco is a few km from the San Andreas fault; Moscow is deep inside Eurasia.
    assert boundary_distance(-122.4, 37.8) < 60
    assert boundary_distance(37.6, 55.8) > 1000
    edges = plates._edges()
    middle = (edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2
    assert boundary_distance(*middle).max() < 5.0
    north = boundary_distance(middle[0][::50], np.clip(middle[1][::50] + 1.0, -90, 90))
    assert (north <= 111.2 + 5.0).all()
    assert np.isnan(boundary_distance(np.nan, 0.0))


def test_plates_of_models():
    lon, lat = np.array([31.2, 36.8, 106.8, 33.0]), np.array([30.0, -1.3, -6.2, 39.0])
    assert motion_plates(lon, lat, PlateMotion("ITRF2014-PMM")).tolist() == ["NUBI", "SOMA", "", ""]
    assert motion_plates(lon, lat, PlateMotion("ITRF2008-PMM")).tolist() == ["NUBI", "SOMA", "SUND", ""]
    assert motion_plates(lon, lat, PlateMotion("GSRM2.1")).tolist() == ["AF", "SO", "SU", ""]
    assert motion_plates(lon, lat, PlateMotion("NNR-MORVEL56")).tolist() == ["NU", "SM", "SU", "AT"]
    assert motion_plates(lon, lat, PlateMotion("ITRF2014-PMM", "EU")).tolist() == ["EURA"] * 4
    assert motion_plates(lon, lat, Velocity(0.0, 0.0)).tolist() == [""] * 4


def test_a_million_points_take_seconds():
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(-180, 180, 1_000_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 1_000_000)))
    plate_index(lon[:10], lat[:10])
    start = time.process_time()
    plate_index(lon, lat)
    assert time.process_time() - start < 3.0  # 0.1 s measured
