"""What is known of two DEMs beforehand: sizes and signs against PROJ and the terrain itself, and nothing guessed."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import open_executor
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid, reproject
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from commonground.core.report.comparison import compare
from commonground.core.report.document import write_html, write_json
from commonground.core.report.expectation import Unpredictable, displaced, drift, expect, heights_of, side_of
from commonground.core.statistics import vertical_datum
from commonground.core.statistics.vertical_datum import undulation
from osgeo import gdal, osr
from pyproj import Transformer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import Surface

SIZE = 120


def wkt_of(code):
    reference = osr.SpatialReference()
    reference.SetFromUserInput(code)
    return reference.ExportToWkt(["FORMAT=WKT2_2018"])


def dem(path, code, corner, cell, heights=None, epoch=0.0, unit="", tags=None):
    """A DEM, written by GDAL alone so that CRS, unit and tags are in the file as other software leaves them."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(code)
    if epoch:
        reference.SetCoordinateEpoch(epoch)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), SIZE, SIZE, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((corner[0], cell, 0.0, corner[1], 0.0, -cell))
    dataset.SetSpatialRef(reference)
    dataset.SetMetadata(tags or {})
    band = dataset.GetRasterBand(1)
    band.SetUnitType(unit)
    band.WriteArray(np.full((SIZE, SIZE), 300.0) if heights is None else heights)
    band = dataset = None
    return Dem.open(str(path))


def named(reference, secondary, first, second):
    """The expectation where the user names both frames and epochs."""
    return expect(reference, secondary, (side_of(reference, "reference", *first),
                                         side_of(secondary, "secondary", *second)))


# Where the pieces lie: a projection with its axes far from east and north, one nearly along them, and degrees.
PLACES = {"EPSG:3413": ((700000.0, -1900000.0), 30.0), "EPSG:32753": ((500000.0, 7400000.0), 30.0),
          "EPSG:4326": ((147.0, -35.0), 1 / 3600)}


@pytest.mark.parametrize("code", list(PLACES))
def test_a_frame_step_is_what_must_be_added_to_the_secondary(tmp_path, code):
    """Against the map coordinates of the displaced place, projected by PROJ; x and y run along the map's axes."""
    pair = [dem(tmp_path / name, code, *PLACES[code]) for name in ("a.tif", "b.tif")]
    known = named(*pair, ("ITRF2020", 2020.0), ("ITRF2000", 2001.5))
    (step,) = known.steps
    grid = pair[0].grid
    x, y = grid.map_of(SIZE / 2 - 0.5, SIZE / 2 - 0.5)
    lon, lat = (float(value) for value in reproject(x, y, grid.crs, wkt_of("EPSG:4326")))
    moved = displace(lon, lat, 0.0, FrameEpoch("ITRF2000", 2001.5), FrameEpoch("ITRF2020", 2020.0),
                     PlateMotion("ITRF2014-PMM"))
    there = Transformer.from_crs("EPSG:4326", code, always_xy=True).transform(float(moved.lon), float(moved.lat))
    east, north = grid.metres_per_unit(float(y))
    truth = (there[0] - float(x)) * float(east), (there[1] - float(y)) * float(north), float(moved.up)
    np.testing.assert_allclose(step.shift, truth, atol=2e-3)
    assert np.hypot(*truth[:2]) > 0.2 and (np.array(step.low) <= step.shift).all() and (step.high >= np.array(
        step.shift)).all()
    assert f"east {float(moved.east):+.3f} m" in step.said and known.unknown[-1].startswith("What the heights")
    assert known.lon == pytest.approx(lon) and known.lat == pytest.approx(lat) and known.overlap == 1.0
    back = named(*pair, ("ITRF2000", 2001.5), ("ITRF2020", 2020.0)).steps[0]
    np.testing.assert_allclose(back.shift, -np.array(step.shift), atol=1e-5)


def test_what_proj_does_between_the_two_crs_is_no_step_any_more(tmp_path):
    """Between CRSs that name their frames PROJ moves by some of the way itself; the rest alone would be a shift."""
    pair = dem(tmp_path / "a.tif", "EPSG:7912", (14.0, 48.0), 1 / 3600), dem(
        tmp_path / "b.tif", "EPSG:7905", (14.0, 48.0), 1 / 3600)
    known = expect(*pair, tuple(side_of(part, role, "", year) for part, role, year in zip(
        pair, ("reference", "secondary"), (2015.0, 1994.0))))
    assert (known.reference.frame, known.secondary.frame) == ("ITRF2014", "ITRF93")
    lon, lat = 14.0 + SIZE / 7200, 48.0 - SIZE / 7200
    done = np.array(reproject(lon, lat, pair[1].grid.crs, pair[0].grid.crs)) - (lon, lat)
    moved = displace(lon, lat, 0.0, FrameEpoch("ITRF93", 1994.0), FrameEpoch("ITRF2014", 2015.0),
                     PlateMotion("ITRF2014-PMM"))
    metres = np.array([float(value) for value in pair[0].grid.metres_per_unit(lat)])
    truth = (np.array([float(moved.lon) - lon, float(moved.lat) - lat]) - done) * metres
    np.testing.assert_allclose(known.steps[0].shift[:2], truth, atol=2e-4)


def test_etrs89_against_wgs84_is_half_a_metre(tmp_path):
    pair = [dem(tmp_path / name, code, (500000.0, 5300000.0), 10.0) for name, code in (
        ("a.tif", "EPSG:25833"), ("b.tif", "EPSG:32633"))]
    silent = expect(*pair)
    assert not silent.steps and "ETRF2000" in silent.unknown[0] and "WGS84(G1762)" in silent.unknown[1]
    assert "REFERENCE_FRAME=ETRF2000" in silent.unknown[0] and "SECONDARY_FRAME=WGS84(G1762)" in silent.unknown[1]
    known = named(*pair, ("ETRF2000", 2015.0), ("WGS84(G1762)", 2015.0))
    east, north, up = known.steps[0].shift
    assert -0.65 < east < -0.45 and -0.55 < north < -0.3 and abs(up) < 0.1, "the plate has gone north-east since 1989"


def test_files_tell_their_frame_and_epoch(tmp_path):
    whole = dem(tmp_path / "a.tif", "EPSG:7912", (147.0, -35.0), 1 / 3600, epoch=2012.9)
    side = side_of(whole, "reference")
    assert (side.frame, side.epoch, side.heights) == ("ITRF2014", 2012.9, "ellipsoid")
    tagged = dem(tmp_path / "b.tif", "EPSG:32755", (500000.0, 6100000.0), 10.0, tags={
        "COMMONGROUND_TARGET_FRAME": "ITRF2008", "COMMONGROUND_TARGET_EPOCH": "2005.5"})
    assert (side_of(tagged, "secondary").frame, side_of(tagged, "secondary").epoch) == ("ITRF2008", 2005.5)
    said = side_of(tagged, "secondary", "ITRF2020", 2021.0)
    assert (said.frame, said.epoch) == ("ITRF2020", 2021.0), "the user's word comes first"


def test_one_frame_and_epoch_is_no_step_and_unknown_ones_are_named(tmp_path):
    pair = [dem(tmp_path / name, "EPSG:32611", (400000.0, 3800000.0), 30.0) for name in ("a.tif", "b.tif")]
    assert not named(*pair, ("ITRF2014", 2012.9), ("ITRF2014", 2012.9)).steps
    half = named(*pair, ("ITRF2014", 2012.9), ("ITRF2014", None))
    assert not half.steps and "SECONDARY_EPOCH" in half.unknown[0] and "REFERENCE_EPOCH" not in " ".join(half.unknown)
    speed, plate = drift(half.lon, half.lat)
    assert f"{100 * speed:.1f} cm a year (plate {plate}" in half.unknown[1]
    apart = expect(pair[0], dem(tmp_path / "far.tif", "EPSG:32611", (900000.0, 3800000.0), 30.0))
    assert not apart.steps and apart.overlap == 0.0


def test_a_pair_across_a_plate_boundary_needs_a_word(tmp_path):
    """The San Andreas fault, on both sides of which the outlines know a plate."""
    pair = [dem(tmp_path / name, "EPSG:32611", (560000.0, 3730000.0), 600.0) for name in ("a.tif", "b.tif")]
    known = named(*pair, ("ITRF2014", 2012.9), ("ITRF2014", 2000.1))
    assert not known.steps and "several plates, NOAM, PCFC" in known.unknown[0]
    sides = known.reference, known.secondary
    (step,) = expect(*pair, sides, plate="NOAM").steps
    assert "NOAM" in step.said
    with pytest.raises(Unpredictable) as caught:
        displaced(-116.0, 33.0, *reversed(sides), ("NOAM", "PCFC"))
    assert caught.value.plates == ("NOAM", "PCFC") and caught.value.unknown == ()


@pytest.fixture
def with_egm96():
    if undulation("EGM96", 0.0, 0.0) is None:
        pytest.skip("PROJ has no grid of EGM96")


def test_heights_above_the_ellipsoid_against_a_geoid(tmp_path, with_egm96):
    """The same ground in both: reference above the ellipsoid, secondary above EGM96; dz raises it by N."""
    code = "EPSG:32611"
    corner, cell = (400000.0, 3800000.0), 30.0
    geoid = dem(tmp_path / "b.tif", code + "+5773", corner, cell)
    rows, cols = np.mgrid[:SIZE, :SIZE].astype(float)
    lon, lat = reproject(*geoid.grid.map_of(rows, cols), geoid.grid.crs, wkt_of("EPSG:4326"))
    height = undulation("EGM96", lon, lat)
    above = dem(tmp_path / "a.tif", "EPSG:4979", (-118.1, 34.35), 1 / 3600)
    (step,) = expect(above, geoid).steps
    assert step.kind == "vertical datum" and step.shift[:2] == (0.0, 0.0)
    assert step.shift[2] == pytest.approx(np.median(height), abs=0.3) and step.shift[2] < -30.0
    assert step.low[2] <= step.shift[2] <= step.high[2]
    (back,) = expect(geoid, above).steps
    assert back.shift[2] > 30.0 and "from heights above ellipsoid (secondary) to EGM96" in back.said


def test_a_step_without_a_grid_has_no_size(tmp_path, monkeypatch):
    monkeypatch.setattr(vertical_datum, "_geoid", lambda model: None)
    pair = [dem(tmp_path / name, f"EPSG:32611+{code}", (400000.0, 3800000.0), 30.0) for name, code in (
        ("a.tif", 3855), ("b.tif", 5773))]
    known = expect(*pair)
    assert not known.steps and any("unknown size" in line and "EGM96" in line for line in known.unknown)
    levelled = dem(tmp_path / "c.tif", "EPSG:32611+5703", (400000.0, 3800000.0), 30.0)
    known = expect(levelled, pair[0])
    assert not known.steps and any("NAVD88" in line and "unknown size" in line for line in known.unknown)
    assert not any("unknown size" in line for line in expect(pair[0], replace(pair[0], path=str(
        tmp_path / "a.tif"))).unknown), "one vertical datum is no step"


def test_levelled_heights_do_not_follow_a_frame(tmp_path):
    pair = [dem(tmp_path / name, "EPSG:32611+5703", (460000.0, 4100000.0), 30.0) for name in ("a.tif", "b.tif")]
    known = named(*pair, ("NAD83(2011)", 2010.0), ("ITRF2014", 2010.0))
    assert known.steps[0].shift[2] == 0.0 and abs(known.steps[0].shift[0]) > 0.5
    assert heights_of(pair[0].grid.crs) == "NAVD88 height"


def test_units_that_contradict_each_other_are_told(tmp_path):
    feet = dem(tmp_path / "a.tif", "EPSG:6340+6360", (400000.0, 3800000.0), 30.0, unit="m")
    other = dem(tmp_path / "b.tif", "EPSG:6340+6360", (400000.0, 3800000.0), 30.0, unit="US survey foot")
    known = expect(feet, other)
    assert len(known.warnings) == 1 and "a.tif" in known.warnings[0] and "survey foot" in known.warnings[0]


def ground(x, y):
    return Surface(3, shortest=60.0, longest=3000.0, slope=16)(x, y)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A pair made by moving the map under one ground by 20 years of the Eurasian plate, seen 2.5 m too high."""
    folder = tmp_path_factory.mktemp("both")
    grid = Grid((500000.0, 5.0, 0.0, 6900000.0, 0.0, -5.0), 300, 300, wkt_of("EPSG:32633"))
    rng = np.random.default_rng(6)
    rows, cols = np.mgrid[:300, :300] * 5.0
    lon, lat = (float(part) for part in reproject(*grid.map_of(149.5, 149.5), grid.crs, wkt_of("EPSG:4326")))
    moved = displace(lon, lat, 0.0, FrameEpoch("ITRF2014", 2000.0), FrameEpoch("ITRF2014", 2020.0),
                     PlateMotion("ITRF2014-PMM", "EURA"))
    paths = []
    for name, east, north, up in (("reference.tif", 0.0, 0.0, 0.0), (
            "secondary.tif", float(moved.east), float(moved.north), 2.5)):
        heights = ground(cols + east, -rows + north) + up + rng.normal(0, 0.2, rows.shape)
        with RasterWriter(str(folder / name), grid) as writer:
            writer.write(heights.astype(np.float32))
        paths.append(Dem.open(str(folder / name)))
    return paths, moved, folder


def test_the_terrain_bears_out_what_it_can_and_the_rest_stays_unexplained(both):
    pair, moved, folder = both
    known = named(*pair, ("ITRF2014", 2020.0), ("ITRF2014", 2000.0))
    with open_executor(1) as executor:
        found = coregister(Pair(*pair, StableTerrain()), Settings(method="lzd", block_size=0), executor, Silent())
    told = known.against(found.shift, found.sigma)
    assert abs(told.unexplained[0]) < 3 * told.sigma[0] and abs(told.unexplained[1]) < 3 * told.sigma[1]
    assert told.unexplained[2] == pytest.approx(-2.5, abs=3 * told.sigma[2] + 0.01)
    assert told.predicted.shift[0] == pytest.approx(float(moved.east), abs=0.01) and told.predicted.shift[0] > 0.3
    assert "does not explain all" in told.verdict()
    model = replace(compare(*pair), beforehand=told)
    write_html(model, str(folder / "report.html"))
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "What was known beforehand" in report and f"{told.unexplained[2]:+.3f}".replace("-", "\u2212") in report
    write_json(model, str(folder / "numbers.json"))
    read = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))["beforehand"]
    assert read["steps"][0]["shift"] == list(told.predicted.shift) and read["verdict"] == told.verdict()
    assert read["unexplained"] == list(told.unexplained)


@pytest.mark.parametrize("found, sigma, said", [
    ((0.41, 0.31, 0.01), 0.01, "agrees"), ((0.01, -0.01, 0.0), 0.01, "shows nothing"),
    ((-0.41, -0.3, 0.0), 0.01, "the opposite"), ((2.0, 0.3, 0.0), 0.01, "does not explain all"),
    ((0.0, 0.1, 0.3), 0.5, "too small")])
def test_verdicts(both, found, sigma, said):
    known = named(*both[0], ("ITRF2014", 2020.0), ("ITRF2014", 2000.0))
    step = replace(known.steps[0], shift=(0.4, 0.3, 0.0))
    assert said in replace(known, steps=(step,)).against(found, [sigma] * 3).verdict()
    flat = replace(known, steps=(step,)).against((0.0, 0.0, 0.2), (0.0, 0.0, 0.01))
    assert "predicted step is too small" in flat.verdict(), "height alone was asked"
