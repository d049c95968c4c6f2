"""Side by side with what xDEM (geoutils) and demcompare call these statistics: what geoutils itself gave on this array,
and asked again where it is installed; demcompare restated from its definitions."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from commonground.core.report.comparison import compare
from commonground.core.statistics.robust import summarize
from commonground.core.statistics.terrain import slope
from osgeo import osr

RNG = np.random.default_rng(8)
DH = np.concatenate([RNG.normal(1.5, 2.0, 9000), RNG.normal(12.0, 20.0, 600), [np.nan] * 40])


# Raster.get_stats() of geoutils 0.2.5 (xDEM 0.2.3) on DH, float64, one metre cells.
GEOUTILS = {"Mean": 2.100925758856897, "Median": 1.5614983763758996, "90th percentile": 4.543457261758307,
            "LE90": 8.122101951982911, "NMAD": 2.124965069385413, "RMSE": 5.910684819040285,
            "Standard deviation": 5.5246996285594445, "Valid count": 9600.0}
SAME = {"Mean": "mean", "Median": "median", "LE90": "le90_width", "NMAD": "nmad", "RMSE": "rmse",
        "Standard deviation": "std", "Valid count": "count"}
XDEM = Path(__file__).resolve().parents[3] / "build" / "xdem" / "bin" / "python"
ASK = """
import json, sys
import geoutils, numpy, rasterio
dh = numpy.load(sys.argv[1]).reshape(-1, 40)
raster = geoutils.Raster.from_array(dh, transform=rasterio.transform.from_origin(0, 0, 1, 1), crs=32611, nodata=-99999)
print(json.dumps({name: float(value) for name, value in raster.get_stats().items()}))
"""


def test_what_geoutils_itself_gave_under_its_names():
    """geoutils' NMAD has the factor 1.4826 too; its LE90 is our full width; its 90th percentile keeps the sign."""
    ours = summarize(DH)
    for theirs, name in SAME.items():
        assert getattr(ours, name) == pytest.approx(GEOUTILS[theirs], rel=1e-9), name
    assert GEOUTILS["90th percentile"] == pytest.approx(np.nanpercentile(DH, 90), rel=1e-12)
    assert ours.le90 == pytest.approx(4.767693, abs=1e-6) and ours.le90 > GEOUTILS["90th percentile"]


@pytest.mark.skipif(not XDEM.exists(), reason="xDEM is not installed beside this checkout (make bench does it)")
def test_geoutils_asked_again(tmp_path):
    np.save(tmp_path / "dh.npy", DH)
    done = subprocess.run([str(XDEM), "-c", ASK, str(tmp_path / "dh.npy")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for theirs, name in SAME.items():
        assert getattr(summarize(DH), name) == pytest.approx(found[theirs], rel=1e-9), name


def geoutils(dh):
    """Percentiles of dh itself; LE90 is the full width between two of them."""
    low, high = np.nanpercentile(dh, (5, 95))
    return {"mean": np.nanmean(dh), "median": np.nanmedian(dh), "std": np.nanstd(dh),
            "nmad": 1.4826 * np.nanmedian(np.abs(dh - np.nanmedian(dh))),
            "rmse": np.sqrt(np.nanmean(dh**2)), "LE90": high - low, "90th percentile": np.nanpercentile(dh, 90)}


def demcompare(dh):
    """Voids are dropped first; `percentil_90` is of the distance from the mean."""
    dh = dh[~np.isnan(dh)]
    return {"mean": dh.mean(), "median": np.median(dh), "std": dh.std(), "rmse": np.sqrt((dh * dh).mean()),
            "nmad": 1.4826 * np.median(np.abs(dh - np.median(dh))),
            "percentil_90": np.percentile(np.abs(dh - dh.mean()), 90)}


@pytest.mark.parametrize("peer", [geoutils, demcompare])
def test_what_has_one_definition_is_the_same(peer):
    ours, theirs = summarize(DH), peer(DH)
    for name in ("mean", "median", "std", "nmad", "rmse"):
        assert getattr(ours, name) == pytest.approx(theirs[name], rel=1e-12), name


def test_three_numbers_go_by_the_name_le90():
    """The textbook's is about zero and one-sided; geoutils' is a full width; demcompare's is about the mean."""
    ours = summarize(DH)
    assert ours.le90_width == pytest.approx(geoutils(DH)["LE90"], rel=1e-12)
    assert ours.le90_about_mean == pytest.approx(demcompare(DH)["percentil_90"], rel=1e-12)
    assert ours.le90 == pytest.approx(np.nanpercentile(np.abs(DH), 90), rel=1e-12)
    assert len({round(value, 3) for value in (ours.le90, ours.le90_width, ours.le90_about_mean)}) == 3


def test_geoutils_90th_percentile_is_not_our_p90():
    """Theirs is of dh with its sign, ours of |dh|: they part wherever dh is not all positive."""
    assert geoutils(DH)["90th percentile"] < summarize(DH).le90


def test_on_a_centred_normal_they_differ_as_the_definitions_say():
    dh = np.random.default_rng(0).normal(0, 1, 400_000)
    ours = summarize(dh)
    assert ours.le90 == pytest.approx(1.645, abs=0.01) and ours.le90_about_mean == pytest.approx(1.645, abs=0.01)
    assert geoutils(dh)["LE90"] == pytest.approx(2 * ours.le90, rel=0.01)


def test_slope_class_table_of_integer_dems(tmp_path):
    """As demcompare's SRTM pair: whole metres, classes in per cent of slope, NMAD in steps of 1.4826 m that grow
    with the slope."""
    rows, cols = np.mgrid[:500, :500]
    truth = 900 + 2200 * np.sin(rows / 90) * np.cos(cols / 70) * (cols / 500) ** 1.5
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    grid = Grid((400000.0, 30.0, 0.0, 3800000.0, 0.0, -30.0), 500, 500, reference.ExportToWkt())
    steep = np.tan(np.radians(slope(np.pad(truth, 1, mode="edge"), grid)))
    noise = np.random.default_rng(4).normal(0, 1, truth.shape) * (1.0 + 9.0 * steep)
    dems = []
    for name, heights in (("reference", truth), ("secondary", truth + noise)):
        path = str(tmp_path / f"{name}.tif")
        with RasterWriter(path, grid) as writer:
            writer.write(np.rint(heights).astype(np.float32))
        dems.append(Dem.open(path))
    # A hair off demcompare's round edges: slopes of whole metres fall on those, and rounding would decide.
    limits = (0.0, 5.03, 10.03, 25.03, 45.03)
    edges = (*np.degrees(np.arctan(np.array(limits) / 100)), 90.0)
    classes = compare(*dems, edges=edges).classes
    heights, other = (dem.read() for dem in dems)
    percent = 100 * np.tan(np.radians(slope(np.pad(heights, 1, constant_values=np.nan), grid)))
    table = []
    for row, low, high in zip(classes, limits, (*limits[1:], np.inf)):
        dh = (heights - other)[(percent >= low) & (percent < high)]
        assert row.pair.before.count == pytest.approx(dh.size, abs=3)
        assert row.pair.before.nmad == pytest.approx(demcompare(dh)["nmad"], abs=1e-5)
        table.append(row.pair.before.nmad)
    steps = np.array(table) / 1.4826
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-5)
    assert list(steps) == sorted(steps) and steps[0] == pytest.approx(1) and steps[-1] >= 3
