"""Errors told from a pair: their spread, their correlation, their direction, and what follows for zones."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.errors import RasterError
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import Polygons, StableTerrain, values_at
from commonground.core.raster.writing import RasterWriter
from commonground.core.report import comparison
from commonground.core.report.comparison import compare
from commonground.core.report.document import write_html, write_json
from commonground.core.statistics.robust import summarize
from commonground.core.statistics.variogram import Component, VariogramModel
from osgeo import ogr

sys.path.append(str(Path(__file__).resolve().parents[2]))
from fields import FieldMaker
from worlds import constant_field, make_world, wkt

SHAPE = (300, 320)
CORNER = (400000.0, 3800000.0)
CELL = 10.0


def write(path, heights, code=32611, corner=CORNER, cell=CELL):
    grid = Grid((corner[0], cell, 0.0, corner[1], 0.0, -cell), heights.shape[1], heights.shape[0], wkt(code))
    with RasterWriter(str(path), grid) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(path))


def box(top, left, bottom, right, cell=CELL, corner=CORNER):
    """The rectangle of cells [top, bottom) x [left, right) as WKB."""
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for row, col in ((top, left), (top, right), (bottom, right), (bottom, left), (top, left)):
        ring.AddPoint_2D(corner[0] + col * cell, corner[1] - row * cell)
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(ring)
    return bytes(polygon.ExportToWkb())


def hills():
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    return 500 + 60 * np.sin(rows / 23) * np.cos(cols / 31) + 50 * np.cos(cols / 17)


@pytest.fixture(scope="module")
def glacier(tmp_path_factory):
    """Correlated errors of 1 m (range 120 m); a glacier, not stable, lost 5 m; another lies half beyond the DEMs."""
    folder = tmp_path_factory.mktemp("zones")
    errors = FieldMaker(VariogramModel(0.1, (Component("spherical", 0.9, 12.0),)), SHAPE)(np.random.default_rng(4))
    dh = errors.copy()
    dh[100:160, 120:200] -= 5.0
    dh[110:120, 130:140] = np.nan
    truth = hills()
    zones = Polygons((box(100, 120, 160, 200), box(-50, 10, 50, 60), box(900, 900, 950, 950), box(200, 20, 280, 90)),
                     wkt(32611))
    cover = write(folder / "cover.tif", np.repeat([[11.0, 42.0]], 150, axis=0).repeat(80, axis=1), cell=20.0)
    pair = write(folder / "a.tif", truth), write(folder / "b.tif", truth - dh)
    stable = StableTerrain(unstable=Polygons((zones.wkb[0],), zones.crs))
    return pair, stable, zones, cover, dh


class Watch(Silent):
    def __init__(self):
        self.said = []

    def warn(self, message):
        self.said.append(message)


@pytest.fixture(scope="module")
def model(glacier):
    pair, stable, zones, cover, _ = glacier
    return compare(*pair, terrain=stable, detail=True, zones=zones, cover=cover)


class TestZones:
    def test_mean_and_volume_of_a_glacier(self, model, glacier):
        zone, dh = model.zones[0], glacier[-1][100:160, 120:200]
        assert zone.count == 60 * 80 - 100
        assert zone.area == pytest.approx(60 * 80 * 100.0)
        assert zone.cover == pytest.approx(100 * zone.count / 4800)
        assert zone.mean == pytest.approx(np.nanmean(dh), abs=1e-4)
        assert zone.median == pytest.approx(np.nanmedian(dh), abs=2e-3)
        assert zone.volume == pytest.approx(zone.mean * zone.area)
        assert zone.volume_sigma == pytest.approx(zone.mean_sigma * zone.area)

    def test_sigma_is_that_of_the_errors_put_in(self, model):
        """Spherical, range 120 m: N_eff = A / (0.2 pi a² x 0.9 + nugget) about 45 for 0.48 km²."""
        zone = model.zones[0]
        assert 25 < zone.n_eff < 80
        assert 0.09 < zone.mean_sigma < 0.22
        assert abs(zone.mean + 5.0) < 3 * zone.mean_sigma

    def test_parts_beyond_the_dems_do_not_count_and_are_said(self, glacier):
        pair, stable, zones, _, _ = glacier
        watch = Watch()
        found = compare(*pair, terrain=stable, detail=True, zones=zones, progress=watch).zones
        assert found[1].count == 50 * 50 and found[1].area == pytest.approx(2500 * 100.0)
        assert found[2].count == 0 and np.isnan(found[2].mean)
        assert any("2 of the ZONES reach beyond" in text for text in watch.said)

    @pytest.mark.parametrize("reach", [(-40, -40, 340, 360), (250, 300, 400, 500), (-90, 100, 500, 130)])
    def test_a_zone_may_reach_beyond_any_edge(self, glacier, reach):
        pair, stable, _, _, dh = glacier
        inside = dh[max(reach[0], 0):reach[2], max(reach[1], 0):reach[3]]
        zone = compare(*pair, terrain=stable, detail=True, zones=Polygons((box(*reach),), wkt(32611))).zones[0]
        assert zone.count == np.isfinite(inside).sum() and zone.area == pytest.approx(inside.size * 100.0)
        assert zone.mean == pytest.approx(np.nanmean(inside), abs=1e-3)

    def test_a_country_is_as_sure_as_the_part_inside(self, glacier):
        """A polygon of a thousand kilometres about the DEMs: the sigma of all their cells, not of a few."""
        pair, stable, _, _, _ = glacier
        zones = Polygons((box(0, 0, *SHAPE), box(-5e4, -5e4, 5e4, 5e4)), wkt(32611))
        inside, country = compare(*pair, terrain=stable, detail=True, zones=zones).zones
        assert country.mean_sigma == pytest.approx(inside.mean_sigma, rel=0.01) and country.area == inside.area

    def test_a_glacier_far_from_the_bulk_of_dh_keeps_its_median(self, glacier, tmp_path):
        """0.3 % of the cells lost 68 m: their median and NMAD are as exact as the scene's."""
        pair, _, _, _, dh = glacier
        dh = dh.astype(np.float32)
        dh[40:56, 200:216] -= 68.0
        lost = write(tmp_path / "lost.tif", hills().astype(np.float32) - dh)
        zone = compare(pair[0], lost, detail=True, zones=Polygons((box(40, 200, 56, 216),), wkt(32611))).zones[0]
        exact = summarize(dh[40:56, 200:216])
        assert (zone.median, zone.nmad) == (pytest.approx(exact.median, abs=1e-3), pytest.approx(exact.nmad, abs=1e-3))

    @pytest.mark.parametrize("tile", [61, 512])
    def test_tiles_change_nothing(self, glacier, model, tile, monkeypatch):
        monkeypatch.setattr(comparison, "TILE", tile)
        pair, stable, zones, _, _ = glacier
        for one, other in zip(compare(*pair, terrain=stable, detail=True, zones=zones).zones, model.zones):
            assert (one.count, one.area) == (other.count, pytest.approx(other.area))
            assert one.mean == pytest.approx(other.mean, rel=1e-6, nan_ok=True)
            assert one.mean_sigma == pytest.approx(other.mean_sigma, rel=1e-6, nan_ok=True)

    def test_area_in_degrees_is_in_square_metres(self, tmp_path):
        """A thousandth of a degree at 60 N on WGS 84: 55.8 m by 111.4 m."""
        corner, cell = (10.0, 60.05), 0.001
        rng = np.random.default_rng(1)
        pair = (write(tmp_path / "a.tif", rng.normal(5, 1, (100, 100)), 4326, corner, cell),
                write(tmp_path / "b.tif", np.zeros((100, 100)), 4326, corner, cell))
        zones = Polygons((box(40, 40, 60, 60, cell, corner),), wkt(4326))
        zone = compare(*pair, detail=True, zones=zones).zones[0]
        assert zone.area == pytest.approx(400 * 55.80 * 111.41, rel=1e-3)
        assert zone.volume == pytest.approx(5.0 * zone.area, rel=0.05)


class TestErrors:
    def test_correlation_comes_back_in_metres(self, model):
        found = model.errors.model
        assert found.sill == pytest.approx(1.0, rel=0.15)
        assert found.components[-1].range == pytest.approx(120.0, rel=0.35)
        assert model.errors.state == "before" and model.errors.cells > 10000

    def test_unstable_terrain_has_no_part(self, model):
        assert model.stable.before.median == pytest.approx(0.0, abs=0.2)
        assert model.errors.spread.nmad.max() < 1.6

    def test_a_seed_repeats_the_sample(self, glacier, model):
        pair, stable, _, _, _ = glacier
        same, other = (compare(*pair, terrain=stable, detail=True, seed=seed).errors for seed in (0, 1))
        np.testing.assert_array_equal(same.variogram.gamma, model.errors.variogram.gamma)
        assert not np.array_equal(other.variogram.gamma, model.errors.variogram.gamma)

    def test_identical_dems_have_no_errors(self, tmp_path):
        found = compare(write(tmp_path / "a.tif", hills()), write(tmp_path / "b.tif", hills()), detail=True)
        assert found.errors is None

    def test_nothing_of_it_without_detail(self, glacier):
        found = compare(*glacier[0])
        assert found.errors is None and {row.by for row in found.classes} == {"slope"}


@pytest.mark.parametrize("dx, dy", [(6.0, 0.0), (0.0, 6.0), (-4.0, -5.0)])
def test_the_cosine_gives_the_shift_to_add_to_the_secondary(tmp_path, dx, dy):
    world = make_world(tmp_path, constant_field(dx, dy, 0.0), size=300, cell=10.0, slope=15.0)
    curve = compare(world.reference, world.secondary, detail=True).errors.aspects[0]
    assert curve.shift == (pytest.approx(dx, abs=0.6), pytest.approx(dy, abs=0.6))


class TestClasses:
    def test_land_cover_by_its_values(self, model, glacier):
        rows = {row.low: row for row in model.classes if row.by == "land cover"}
        assert sorted(rows) == [11.0, 42.0] and rows[11.0].label == "11"
        dh = glacier[-1].copy()
        dh[100:160, 120:200] = np.nan
        assert rows[11.0].pair.before.count == np.isfinite(dh[:, :160]).sum()
        assert rows[42.0].pair.before.mean == pytest.approx(np.nanmean(dh[:, 160:]), abs=1e-4)

    @pytest.mark.parametrize("by", ["aspect", "elevation", "curvature"])
    def test_each_division_holds_every_stable_cell_with_terrain(self, model, by):
        rows = [row for row in model.classes if row.by == by]
        counts = [row.pair.before.count for row in rows]
        assert len(rows) >= 4 and min(counts) > 0
        edge = 2 * SHAPE[0] + 2 * SHAPE[1] - 4 if by != "elevation" else 0
        assert sum(counts) == model.stable.before.count - edge

    def test_north_faces_north(self, tmp_path):
        """Ground that falls towards the north; 2 m too low there, and right where it falls to the south."""
        rows = np.abs(np.arange(200)[:, None] - 100.0) * np.ones((1, 100))
        secondary = -3 * rows + np.where(np.arange(200)[:, None] < 100, -2.0, 0.0)
        found = compare(write(tmp_path / "a.tif", -3 * rows), write(tmp_path / "b.tif", secondary), detail=True)
        median = {row.label: row.pair.before.median for row in found.classes
                  if row.by == "aspect" and row.pair.before.count}
        assert median == {"N": pytest.approx(2.0), "S": pytest.approx(0.0, abs=1e-9)}

    def test_a_raster_of_numbers_is_no_land_cover(self, glacier, tmp_path):
        numbers = write(tmp_path / "numbers.tif", np.random.default_rng(0).normal(0, 1, SHAPE))
        with pytest.raises(RasterError, match="classified raster"):
            compare(*glacier[0], cover=numbers)

    def test_values_at_takes_the_cell_that_holds_the_centre(self, glacier):
        cover, grid = glacier[3], glacier[0][0].grid
        values = values_at(cover, grid.window(0, 158, 2, 4))
        np.testing.assert_array_equal(values, [[11, 11, 42, 42]] * 2)
        assert np.isnan(values_at(cover, grid.window(-4, -4, 2, 2))).all()


def test_report_and_json_hold_all_of_it(model, tmp_path):
    import json

    write_html(model, str(tmp_path / "r.html"))
    write_json(model, str(tmp_path / "r.json"))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    for part in ("Zones", "Errors as they are", "Variogram of errors", "dh / tan(slope) by aspect", "spherical",
                 "Land cover", "Curvature", "Errors by slope and curvature", "10.1109/JSTARS.2022.3188922"):
        assert part in text, part
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert told["zones"][0]["mean_sigma"] == model.zones[0].mean_sigma and told["zones"][2]["mean"] is None
    assert told["errors"]["model"]["components"][0]["form"] == model.errors.model.components[0].form
    assert len(told["errors"]["variogram"]["gamma"]) == model.errors.variogram.gamma.size
    assert {row["group"] for row in told["statistics"]} >= {"slope", "aspect", "elevation", "curvature", "land cover"}


def test_every_key_of_the_json_and_every_field_of_zones_is_documented(model):
    from dataclasses import fields

    from commonground.core.report.document import as_dict
    from commonground.core.report.zones import ZoneChange

    text = (Path(__file__).resolve().parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
    told = as_dict(model)
    keys = [*told, *told["errors"], *told["errors"]["spread"], *told["errors"]["model"], *told["statistics"][0],
            *told["vertical_datum"], *told["sources"][0], *(part.name for part in fields(ZoneChange))]
    assert [key for key in keys if f"`{key}`" not in text] == []
