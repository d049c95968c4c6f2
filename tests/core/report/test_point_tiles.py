"""Points in the place of a DEM: signs, samples, classes, zones, and the same numbers as an array's."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commonground.core.errors import CoregistrationError, RasterError
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid, reproject
from commonground.core.raster.masks import Polygons, StableTerrain
from commonground.core.raster.writing import RasterWriter
from commonground.core.report import comparison
from commonground.core.report.comparison import compare
from commonground.core.report.document import as_dict, methods, write_csv, write_html, write_json
from commonground.core.report.point_tiles import HeightPoints
from commonground.core.statistics.robust import DEFINITIONS, summarize
from commonground.core.statistics.variogram import Component, VariogramModel, cluster_points
from osgeo import ogr

sys.path.append(str(Path(__file__).resolve().parents[2]))
from fields import FieldMaker
from worlds import wkt

SHAPE = (210, 260)
CORNER, CELL = (512300.0, 5204800.0), 12.5
UTM = wkt(32632)


def surface(x, y):
    """A quadric, which cubic convolution meets exactly (m)."""
    u, v = (x - CORNER[0]) / 1000, (y - CORNER[1]) / 1000
    return 900 + 60 * u - 40 * v + 35 * u * u + 22 * u * v - 18 * v * v


def write(path, heights, corner=CORNER, cell=CELL, crs=UTM):
    grid = Grid((corner[0], cell, 0.0, corner[1], 0.0, -cell), heights.shape[1], heights.shape[0], crs)
    with RasterWriter(str(path), grid) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(path))


def centres(shape=SHAPE, corner=CORNER, cell=CELL):
    rows, cols = np.mgrid[:shape[0], :shape[1]]
    return corner[0] + (cols + 0.5) * cell, corner[1] - (rows + 0.5) * cell


def scattered(count, seed=1, margin=3):
    """Random places on the DEM, some cells away from its edges."""
    rng = np.random.default_rng(seed)
    return (CORNER[0] + CELL * rng.uniform(margin, SHAPE[1] - margin, count),
            CORNER[1] - CELL * rng.uniform(margin, SHAPE[0] - margin, count))


def rectangle(west, south, east, north, crs=UTM):
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in ((west, south), (west, north), (east, north), (east, south), (west, south)):
        ring.AddPoint_2D(x, y)
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(ring)
    return Polygons((bytes(polygon.ExportToWkb()),), crs)


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    return write(tmp_path_factory.mktemp("dem") / "quadric.tif", surface(*centres()))


@pytest.fixture(scope="module")
def case(dem):
    """4000 points 1.5 m above the DEM with heavy-tailed noise, and what each differs by."""
    x, y = scattered(4000)
    dh = 1.5 + 0.3 * np.random.default_rng(2).standard_t(4, x.size)
    return HeightPoints("GNSS <b>é", x, y, surface(x, y) + dh, UTM), dh


def test_points_above_a_secondary_dem_give_a_positive_dh(case, dem):
    assert compare(case[0], dem).stable.before.median == pytest.approx(1.5, abs=0.02)


def test_points_above_a_reference_dem_give_a_negative_dh(case, dem):
    assert compare(dem, case[0]).stable.before.median == pytest.approx(-1.5, abs=0.02)


@pytest.mark.parametrize("tile", [41, 512])
@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_are_those_of_the_differences_put_in(case, dem, sign, tile, monkeypatch):
    monkeypatch.setattr(comparison, "TILE", tile)
    points, dh = case
    model = compare(points, dem) if sign > 0 else compare(dem, points)
    exact = summarize(sign * dh)
    for part in DEFINITIONS:
        expected = pytest.approx(getattr(exact, part.key), rel=2e-3, abs=4e-4)
        assert getattr(model.stable.before, part.key) == expected, part.key
    np.testing.assert_allclose(model.residuals.dh[0], sign * dh[model.residuals.source], atol=5e-4)


def test_points_of_another_crs_are_reprojected_and_strays_left_out(dem, tmp_path):
    x, y = scattered(900, 3)
    heights = surface(x, y) - 0.75
    heights[:50] = np.nan
    x[50:90] += 90e3
    lon, lat = reproject(x, y, UTM, wkt(4326))
    model = compare(HeightPoints("laser", lon, lat, heights, wkt(4326)), dem)
    assert model.stable.before.count == model.reference.points == 810
    assert model.stable.before.median == pytest.approx(-0.75, abs=1e-3) and model.stable.before.nmad < 1e-3


def test_a_geographic_dem(tmp_path):
    cell = 1 / 3600
    corner = (11.2, 46.7)
    lon, lat = centres((120, 140), corner, cell)
    dem = write(tmp_path / "degrees.tif", 500 + 3000 * (lon - 11.2) + 2000 * (lat - 46.7), corner, cell, wkt(4326))
    rng = np.random.default_rng(5)
    x, y = rng.uniform(11.203, 11.235, 700), rng.uniform(46.67, 46.697, 700)
    points = HeightPoints("p", x, y, 500 + 3000 * (x - 11.2) + 2000 * (y - 46.7) + rng.normal(0.2, 0.1, 700), wkt(4326))
    model = compare(points, dem, detail=True, zones=rectangle(11.21, 46.68, 11.22, 46.69, wkt(4326)))
    assert model.stable.before.median == pytest.approx(0.2, abs=0.02)
    # 0.01 degrees each way at 46.685 N on WGS 84: 764.9 m by 1111.8 m.
    assert model.zones[0].area == pytest.approx(764.9 * 1111.8, rel=0.03)
    assert model.zones[0].volume == pytest.approx(model.zones[0].mean * model.zones[0].area)


def test_voids_of_the_dem_have_no_points(case, tmp_path):
    heights = surface(*centres())
    heights[:, 100:180] = np.nan
    holed = write(tmp_path / "holed.tif", heights)
    points, _ = case
    cols = np.floor((points.x - CORNER[0]) / CELL)
    model = compare(points, holed)
    assert model.stable.before.count == ((cols < 100) | (cols >= 180)).sum()
    assert np.isnan(model.residuals.dh[0]).sum() == len(points.x) - model.stable.before.count


def test_before_and_after_at_the_same_points(case, dem, tmp_path):
    coarse = centres((60, 70), CORNER, 50.0)
    aligned = write(tmp_path / "aligned.tif", surface(*coarse) + 1.0, CORNER, 50.0)
    model = compare(case[0], dem, aligned)
    assert model.stable.after.median == pytest.approx(model.stable.before.median - 1.0, abs=0.01)
    assert model.stable.after.count == model.stable.before.count
    assert model.residuals.dh.shape == (2, 4000)


def test_classes_are_those_of_the_cell_that_holds_a_point(case, dem):
    points, dh = case
    x, y = (part for part in (points.x, points.y))
    rows, cols = np.floor((CORNER[1] - y) / CELL), np.floor((x - CORNER[0]) / CELL)
    mx, my = CORNER[0] + (cols + 0.5) * CELL, CORNER[1] - (rows + 0.5) * CELL
    u, v = (mx - CORNER[0]) / 1000, (my - CORNER[1]) / 1000
    east, north = (60 + 70 * u + 22 * v) / 1000, (-40 + 22 * u - 36 * v) / 1000
    slope = np.degrees(np.arctan(np.hypot(east, north)))
    edges = (0.0, 5.0, 9.0, 12.0, 90.0)
    for row in compare(points, dem, edges=edges).classes:
        inside = (slope >= row.low) & (slope < row.high)
        assert row.pair.before.count == pytest.approx(inside.sum(), abs=2)
        if inside.sum() > 100:
            assert row.pair.before.nmad == pytest.approx(summarize(dh[inside]).nmad, rel=0.02)


def test_stable_terrain_parts_points(case, dem):
    points, _ = case
    east = CORNER[0] + 130 * CELL
    unstable = rectangle(0, 0, east, 9e6)
    model = compare(points, dem, terrain=StableTerrain(unstable=unstable))
    assert model.stable.before.count == (points.x > east).sum()
    assert model.rest.before.count == (points.x <= east).sum()
    np.testing.assert_array_equal(model.residuals.stable, points.x[model.residuals.source] > east)


def test_zones_hold_the_points_in_them(case, dem):
    points, dh = case
    box = CORNER[0] + 50 * CELL, CORNER[1] - 150 * CELL, CORNER[0] + 200 * CELL, CORNER[1] - 20 * CELL
    inside = (points.x > box[0]) & (points.x < box[2]) & (points.y > box[1]) & (points.y < box[3])
    zone = compare(points, dem, detail=True, zones=rectangle(*box)).zones[0]
    assert zone.count == inside.sum() and zone.area == pytest.approx(130 * 150 * CELL**2)
    assert zone.mean == pytest.approx(dh[inside].mean(), abs=1e-4)
    assert zone.median == pytest.approx(np.median(dh[inside]), abs=1e-4)
    assert zone.volume == pytest.approx(zone.mean * zone.area)


def test_independent_points_give_the_standard_error(dem):
    """The median of five samples: in one of them chance may look like a correlation."""
    sigmas = []
    for seed in range(5):
        x, y = scattered(2000, seed)
        heights = surface(x, y) + np.random.default_rng(seed + 70).normal(0, 0.4, x.size)
        points = HeightPoints("p", x, y, heights, UTM)
        sigmas.append(compare(points, dem, detail=True, zones=rectangle(0, 0, 9e6, 9e6)).zones[0].mean_sigma)
    assert np.median(sigmas) == pytest.approx(0.4 / np.sqrt(2000), rel=0.15)


def test_correlated_errors_of_points_do_not_average_out(dem):
    """Errors of a range of 250 m: sigma against the double sum of the covariances put in, over all pairs of points."""
    truth = VariogramModel(0.1, (Component("spherical", 0.9, 250.0),))
    maker = FieldMaker(VariogramModel(0.1, (Component("spherical", 0.9, 20.0),)), SHAPE)
    ratios = []
    for seed in range(3):
        x, y = scattered(2500, seed, 1)
        rows, cols = (np.floor(part / CELL).astype(int) for part in (CORNER[1] - y, x - CORNER[0]))
        points = HeightPoints("p", x, y, surface(x, y) + maker(np.random.default_rng(seed))[rows, cols], UTM)
        covariance = truth.covariance(np.hypot(x[:, None] - x, y[:, None] - y))
        exact = np.sqrt(covariance.sum() + truth.nugget * x.size) / x.size
        zone = compare(points, dem, detail=True, zones=rectangle(0, 0, 9e6, 9e6), seed=seed).zones[0]
        ratios.append(zone.mean_sigma / exact)
    assert exact > 3 / np.sqrt(2500)
    assert np.median(ratios) == pytest.approx(1.0, abs=0.4)


def test_threads_change_no_bit(case, dem, monkeypatch):
    monkeypatch.setattr(comparison, "TILE", 37)
    found = [compare(case[0], dem, detail=True, workers=workers) for workers in (1, 3)]
    one, other = (as_dict(replace(model, seconds=0.0, started="")) for model in found)
    assert json.dumps(one, default=str) == json.dumps(other, default=str)


def test_files_say_points(case, dem, tmp_path):
    model = compare(case[0], dem, detail=True)
    write_html(model, str(tmp_path / "r.html"))
    write_json(model, str(tmp_path / "r.json"))
    write_csv(model, str(tmp_path / "r.csv"))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "4,000 points" in text and "GNSS &lt;b&gt;é" in text and "Points</div>" in text
    assert "at the points" in methods(model) and "slope of the secondary" in text
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    source = told["sources"][0]
    assert (source["points"], source["cell"], source["data_type"]) == (4000, None, "points")
    assert told["statistics"][0]["before"]["count"] == 4000


def test_few_points_still_have_a_report(dem, tmp_path):
    x, y = scattered(5, 9)
    model = compare(HeightPoints("five", x, y, surface(x, y) + 1, UTM), dem, detail=True)
    assert model.stable.before.count == 5 and not (model.errors and model.errors.model)
    write_html(model, str(tmp_path / "five.html"))


def test_clusters_hold_pairs_of_every_distance():
    rng = np.random.default_rng(0)
    track = np.arange(20_000) * 0.7
    index, spacing = cluster_points(track * 0.6 + rng.normal(0, 1, track.size), track * 0.8, 3)
    assert spacing == pytest.approx(0.7, rel=0.5)
    apart = np.abs(track[index[:, 1:]] - track[index[:, :1]])[index[:, 1:] >= 0]
    assert np.percentile(apart, 10) < 20 and np.percentile(apart, 90) > 500
    assert np.array_equal(index, cluster_points(track * 0.6 + np.random.default_rng(0).normal(0, 1, track.size),
                                                track * 0.8, 3)[0])


@pytest.mark.parametrize("change, error, sentence", [
    ({"aligned": "dem"}, CoregistrationError, "no aligned DEM"),
    ({"given": True}, CoregistrationError, "raster of differences")])
def test_points_that_are_judged_have_no_aligned_dem(case, dem, change, error, sentence, tmp_path):
    change = {name: write(tmp_path / "a.tif", surface(*centres())) if value == "dem" else value
              for name, value in change.items()}
    with pytest.raises(error, match=sentence):
        compare(dem, case[0], **change)


def test_points_elsewhere_and_rotated_dems_are_refused(case, dem, tmp_path):
    away = replace(case[0], x=case[0].x + 1e6)
    with pytest.raises(CoregistrationError, match="None of the 4000 points"):
        compare(away, dem)
    grid = Grid((CORNER[0], CELL, 1.0, CORNER[1], 1.0, -CELL), 20, 20, UTM)
    with RasterWriter(str(tmp_path / "turned.tif"), grid) as writer:
        writer.write(np.zeros((20, 20), dtype=np.float32))
    with pytest.raises(RasterError, match="rotated"):
        compare(case[0], Dem.open(str(tmp_path / "turned.tif")))
