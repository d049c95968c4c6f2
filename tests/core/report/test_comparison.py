"""The comparison of two DEMs whose difference is known: signs, cells, masks, windows, refusals."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from commonground.core.errors import CoregistrationError, RasterError
from commonground.core.progress import Cancelled, Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain, open_mask
from commonground.core.raster.writing import RasterWriter
from commonground.core.report import comparison
from commonground.core.report.comparison import compare
from commonground.core.report.document import _plain, as_dict
from commonground.core.statistics.robust import DEFINITIONS, summarize
from commonground.core.statistics.terrain import slope
from osgeo import gdal, osr

SHAPE = (300, 260)
UTM = (32611, (400000.0, 10.0, 0.0, 3800000.0, 0.0, -10.0))


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


def write(path, heights, where=UTM):
    heights = np.asarray(heights)
    with RasterWriter(str(path), Grid(where[1], heights.shape[1], heights.shape[0], wkt(where[0]))) as writer:
        writer.write(heights.astype(np.float32))
    return Dem.open(str(path))


def hills(shape=SHAPE):
    rows, cols = np.mgrid[:shape[0], :shape[1]]
    return 500 + 60 * np.sin(rows / 23) + 50 * np.cos(cols / 17)


@pytest.fixture
def pair(tmp_path):
    """A secondary 2 m too high with 1 m noise, an aligned one without the offset and with half the noise."""
    rng = np.random.default_rng(7)
    truth, noise = hills(), rng.normal(0, 1, SHAPE)
    return (write(tmp_path / "référence.tif", truth), write(tmp_path / "secondary.tif", truth + 2 + noise),
            write(tmp_path / "aligned.tif", truth + 0.5 * noise))


def test_a_secondary_too_high_gives_a_negative_dh(pair):
    model = compare(*pair[:2])
    assert model.stable.before.median == pytest.approx(-2.0, abs=0.02)
    assert model.stable.before.nmad == pytest.approx(1.0, abs=0.02)
    assert model.stable.before.count == SHAPE[0] * SHAPE[1]
    assert model.stable.after is None and model.rest is None and model.aligned is None


def test_aligned_adds_after(pair):
    model = compare(*pair)
    assert model.stable.after.median == pytest.approx(0.0, abs=0.01)
    assert model.stable.after.nmad == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("tile", [37, 512])
def test_tiles_change_nothing(pair, tile, monkeypatch):
    monkeypatch.setattr(comparison, "TILE", tile)
    model = compare(*pair)
    reference, secondary, aligned = (dem.read() for dem in pair)
    classes = slope(np.pad(reference, 1, constant_values=np.nan), pair[0].grid)
    for got, dh in ((model.stable.before, reference - secondary), (model.stable.after, reference - aligned)):
        exact = summarize(dh)
        for part in DEFINITIONS:
            expected = pytest.approx(getattr(exact, part.key), rel=1e-5, abs=1e-6)
            assert getattr(got, part.key) == expected, part.key
    for row in model.classes:
        inside = (classes >= row.low) & (classes < row.high)
        assert row.pair.before.count == inside.sum()
        if inside.any():
            exact = summarize((reference - secondary)[inside])
            assert row.pair.before.nmad == pytest.approx(exact.nmad, rel=1e-5)
    edges = model.histogram.edges
    counts = np.histogram(reference - secondary, edges.size - 1, (edges[0], edges[-1]))[0]
    np.testing.assert_array_equal(model.histogram.before, counts)


def test_threads_change_no_bit(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(comparison, "TILE", 41)
    told = []
    for workers in (1, 2, 5):
        path = tmp_path / f"{workers}.tif"
        model = compare(*pair, detail=True, workers=workers, difference=str(path))
        maps = [part.tobytes() for part in (model.maps.before, model.maps.after, model.maps.shade, model.maps.stable)]
        told.append((json.dumps(_plain(as_dict(replace(model, seconds=0.0, started="")))), maps,
                     Dem.open(str(path)).read().tobytes()))
    assert told[0] == told[1] == told[2]


def test_quantiles_stand_at_normal_scores(pair):
    """Gaussian noise of 1 m about -2 m: the quantile at score z is z - 2."""
    quantiles = compare(*pair).quantiles
    inner = np.abs(quantiles.scores) < 2.5
    np.testing.assert_allclose(quantiles.before[inner], quantiles.scores[inner] - 2.0, atol=0.06)
    np.testing.assert_allclose(quantiles.after[inner], quantiles.scores[inner] / 2, atol=0.03)


def test_before_and_after_rest_on_the_same_cells(tmp_path, pair):
    heights = pair[2].read()
    heights[:100] = np.nan
    holed = write(tmp_path / "holed.tif", heights)
    secondary = pair[1].read()
    secondary[:, :50] = np.nan
    model = compare(pair[0], write(tmp_path / "holed2.tif", secondary), holed)
    assert model.stable.before.count == model.stable.after.count == 200 * 210
    expected = summarize((pair[0].read() - secondary)[100:, 50:])
    assert model.stable.before.median == pytest.approx(expected.median, abs=1e-5)
    assert [row.pair.before.count for row in model.classes] == [row.pair.after.count for row in model.classes]


def test_mask_parts_stable_from_the_rest(tmp_path, pair):
    secondary = pair[1].read()
    secondary[:90] += 50
    mask = np.ones(SHAPE)
    mask[:90] = 0
    terrain = StableTerrain(mask=open_mask(write(tmp_path / "mask.tif", mask).path))
    model = compare(pair[0], write(tmp_path / "glacier.tif", secondary), terrain=terrain)
    assert model.stable.before.median == pytest.approx(-2.0, abs=0.02)
    assert model.rest.before.median == pytest.approx(-52.0, abs=0.05)
    assert model.rest.before.count == 90 * SHAPE[1]
    assert model.maps.stable[0, 0] == 0 and model.maps.stable[-1, -1] == 1


def test_secondary_on_another_grid_and_crs_is_resampled(tmp_path):
    """A plane in UTM, seen on a grid of degrees: dh is the offset alone, wherever the cells lie."""
    rows, cols = np.mgrid[:200, :200]
    reference = write(tmp_path / "utm.tif", 100 + rows * 0.5 + cols * 0.25)
    cell = 1 / 10800
    from commonground.core.raster.grid import reproject
    x, y = reproject(*reference.grid.map_of(100, 100), reference.grid.crs, wkt(4326))
    where = 4326, (float(x) - 150 * cell, cell, 0.0, float(y) + 150 * cell, 0.0, -cell)
    geographic = Grid(where[1], 300, 300, wkt(4326))
    east, north = reproject(*geographic.map_of(*np.mgrid[:300, :300]), wkt(4326), reference.grid.crs)
    row, col = reference.grid.cell_of(east, north)
    secondary = write(tmp_path / "degrees.tif", 100 + row * 0.5 + col * 0.25 - 3.0, where)
    model = compare(reference, secondary)
    assert model.stable.before.median == pytest.approx(3.0, abs=1e-3)
    assert model.stable.before.nmad < 2e-3
    assert model.resampled == ("degrees.tif",)


def test_difference_is_written_on_the_reference_grid(tmp_path, pair):
    small = write(tmp_path / "part.tif", pair[1].read(40, 30, 100, 120),
                  (32611, (400300.0, 10.0, 0.0, 3799600.0, 0.0, -10.0)))
    path = tmp_path / "dh.tif"
    compare(pair[0], small, difference=str(path))
    written = Dem.open(str(path))
    assert written.grid.same_cells(pair[0].grid) and written.data_type == "Float32"
    dh, expected = written.read(), np.full(SHAPE, np.nan, dtype=np.float32)
    expected[40:140, 30:150] = (pair[0].read() - pair[1].read())[40:140, 30:150]
    np.testing.assert_array_equal(dh, expected)


def test_difference_is_after_where_there_is_an_aligned(tmp_path, pair):
    path = tmp_path / "dh.tif"
    compare(*pair, difference=str(path))
    np.testing.assert_array_equal(gdal.Open(str(path)).ReadAsArray(), pair[0].read() - pair[2].read())


def test_maps_are_means_with_north_up(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "MAP_SIDE", 100)
    monkeypatch.setattr(comparison, "TILE", 64)
    rows, _ = np.mgrid[:SHAPE[0], :SHAPE[1]]
    truth = hills()
    south_up = 32611, (400000.0, 10.0, 0.0, 3797000.0, 0.0, 10.0)
    for where, heights in ((UTM, truth - rows), (south_up, (truth - rows)[::-1])):
        reference = truth if where is UTM else truth[::-1]
        model = compare(write(tmp_path / "a.tif", reference, where),
                        write(tmp_path / "b.tif", heights, where))
        assert model.maps.factor == 3
        assert model.maps.before.shape == (100, 87)
        np.testing.assert_allclose(model.maps.before[:, 5], 1 + 3 * np.arange(100), atol=1e-3)
        assert model.maps.extent == pytest.approx((400.0, 402.61, 3797.0, 3800.0))
        assert model.maps.unit == "km"


def test_sources_are_named_and_summed_up(pair):
    model = compare(*pair, parameters={"method": "nuth_kaab"})
    assert [source.name for source in (model.reference, model.secondary, model.aligned)] == [
        "référence.tif", "secondary.tif", "aligned.tif"]
    with open(pair[0].path, "rb") as file:
        assert model.reference.sha256 == hashlib.sha256(file.read()).hexdigest()
    assert model.reference.cell == pytest.approx(10.0)
    assert "EPSG:32611" in model.reference.crs
    assert model.parameters == {"method": "nuth_kaab"} and model.resampled == ()


def test_colour_scale_comes_from_before(pair):
    before = compare(*pair).stable.before
    assert compare(*pair).limit == pytest.approx(min(before.le95, abs(before.median) + 3 * before.nmad))


def test_identical_dems_have_a_report_too(tmp_path, pair):
    model = compare(pair[0], write(tmp_path / "copy.tif", pair[0].read()))
    assert (model.stable.before.nmad, model.stable.before.le95) == pytest.approx((0.0, 0.0), abs=1e-12)
    assert model.limit > 0


class TestRefusals:
    def test_same_file(self, pair):
        with pytest.raises(CoregistrationError, match="same file"):
            compare(pair[0], Dem.open(pair[0].path))
        with pytest.raises(CoregistrationError, match="ALIGNED and SECONDARY are the same file"):
            compare(pair[0], pair[1], pair[1])

    def test_no_overlap(self, tmp_path, pair):
        away = write(tmp_path / "away.tif", hills(), (32611, (500000.0, 10.0, 0.0, 3800000.0, 0.0, -10.0)))
        with pytest.raises(CoregistrationError, match="do not overlap"):
            compare(pair[0], away)

    def test_all_nodata(self, tmp_path, pair):
        empty = write(tmp_path / "empty.tif", np.full(SHAPE, np.nan))
        with pytest.raises(CoregistrationError, match="no cell with data in common"):
            compare(pair[0], empty, difference=str(tmp_path / "dh.tif"))
        assert not (tmp_path / "dh.tif").exists()

    def test_nothing_stable(self, tmp_path, pair):
        mask = open_mask(write(tmp_path / "mask.tif", np.zeros(SHAPE)).path)
        with pytest.raises(CoregistrationError, match="check STABLE, UNSTABLE and MASK"):
            compare(*pair, terrain=StableTerrain(mask=mask))

    def test_rotated_reference(self, tmp_path, pair):
        skewed = 32611, (400000.0, 10.0, 1.0, 3800000.0, 1.0, -10.0)
        turned = write(tmp_path / "turned.tif", hills(), skewed)
        with pytest.raises(RasterError, match="rotated"):
            compare(turned, pair[1])

    def test_cancelled_run_leaves_nothing(self, tmp_path, pair):
        class Impatient(Silent):
            def step(self, fraction, message=""):
                if fraction >= 0.5:
                    raise Cancelled

        with pytest.raises(Cancelled):
            compare(*pair, progress=Impatient(), difference=str(tmp_path / "dh.tif"))
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {"aligned.tif", "référence.tif", "secondary.tif"}


def test_progress_never_runs_back(pair):
    class Watch(Silent):
        def __init__(self):
            self.seen = []

        def step(self, fraction, message=""):
            self.seen.append(fraction)

    watch = Watch()
    compare(*pair, progress=watch)
    assert watch.seen == sorted(watch.seen) and watch.seen[0] >= 0 and watch.seen[-1] <= 1
