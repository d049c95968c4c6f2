"""A vertical datum step is told from an error by the geoid itself; never by size alone, never guessed."""

import re
from pathlib import Path

import numpy as np
import pytest
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from commonground.core.report.comparison import compare
from commonground.core.report.document import as_dict, write_html
from commonground.core.statistics import vertical_datum
from commonground.core.statistics.vertical_datum import ELLIPSOID, undulation
from osgeo import osr

PAIRS = Path(__file__).resolve().parents[4] / "shared" / "data" / "vertical_datum"
SHAPE = (150, 160)
CELL = 1 / 1200


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


def write(path, heights, corner, cell=CELL, code=4326):
    grid = Grid((corner[0], cell, 0.0, corner[1], 0.0, -cell), SHAPE[1], SHAPE[0], wkt(code))
    with RasterWriter(str(path), grid) as writer:
        writer.write(np.asarray(heights, dtype=np.float32))
    return Dem.open(str(path))


def positions(corner):
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    return corner[0] + (cols + 0.5) * CELL, corner[1] - (rows + 0.5) * CELL


def terrain():
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    return 300 + 80 * np.sin(rows / 21) + 60 * np.cos(cols / 17)


def needs(model):
    if undulation(model, 0.0, 0.0) is None:
        pytest.skip(f"PROJ has no grid of {model}")


@pytest.fixture
def without_grids(monkeypatch):
    monkeypatch.setattr(vertical_datum, "_geoid", lambda model: None)


# NGA's published value at (38.6281550 N, 269.7791550 E) in F477's sample output: -31.628 m.
def test_undulation_is_egm96s():
    needs("EGM96")
    assert float(undulation("EGM96", 269.7791550 - 360, 38.6281550)) == pytest.approx(-31.628, abs=0.05)


def test_a_grid_that_shifts_nothing_counts_as_none(monkeypatch):
    class Idle:
        def transform(self, x, y, z, errcheck):
            return x, y, z

    monkeypatch.setattr(vertical_datum, "_geoid", lambda model: Idle())
    assert undulation("EGM96", np.array([10.0]), np.array([50.0])) is None


@pytest.mark.parametrize("corner", [(-118.1, 34.1), (10.0, 60.0), (77.0, 10.0)])
@pytest.mark.parametrize("ellipsoidal", ["reference", "secondary"])
def test_step_made_from_the_grid_is_named_with_its_sign(tmp_path, corner, ellipsoidal):
    needs("EGM96")
    n = undulation("EGM96", *positions(corner))
    noise = np.random.default_rng(1).normal(0, 0.5, SHAPE)
    up = {"reference": n if ellipsoidal == "reference" else 0, "secondary": n if ellipsoidal == "secondary" else 0}
    pair = (write(tmp_path / "a.tif", terrain() + up["reference"], corner),
            write(tmp_path / "b.tif", terrain() + up["secondary"] + noise, corner))
    expected = np.median(n) * (1 if ellipsoidal == "reference" else -1)
    model = compare(*pair)
    assert model.datum.size == pytest.approx(expected, abs=0.05)
    assert model.datum.found.predicted == pytest.approx(expected, abs=0.05)
    assert getattr(model.datum.found, ellipsoidal) == ELLIPSOID
    assert f"this looks like a vertical datum step of {model.datum.size:+.1f} m" in model.datum.verdict


def test_works_in_a_projected_crs(tmp_path):
    needs("EGM96")
    corner = (384000.0, 3768000.0)
    pair = (write(tmp_path / "a.tif", terrain() - 34.9, corner, 10.0, 32611),
            write(tmp_path / "b.tif", terrain(), corner, 10.0, 32611))
    datum = compare(*pair).datum
    assert datum.found.reference == ELLIPSOID and datum.found.predicted == pytest.approx(-34.5, abs=0.7)


@pytest.mark.parametrize("constant", [-20.0, -31.0, 50.0, 6.0])
def test_another_constant_is_of_unknown_size(tmp_path, constant):
    """Los Angeles: EGM96 says 34 m; a constant of another size is not called after it."""
    needs("EGM96")
    pair = (write(tmp_path / "a.tif", terrain() + constant, (-118.1, 34.1)),
            write(tmp_path / "b.tif", terrain(), (-118.1, 34.1)))
    datum = compare(*pair).datum
    assert datum.found is None and datum.size == pytest.approx(constant, abs=1e-3)
    assert "looks like" not in datum.verdict and "unknown size" in datum.verdict


def test_the_right_size_with_the_wrong_pattern_is_not_the_geoid(tmp_path):
    """The geoid rises by metres across this overlap of 5 degrees, a flat step does not."""
    needs("EGM96")
    corner, cell = (75.0, 12.0), 1 / 30
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    n = undulation("EGM96", corner[0] + (cols + 0.5) * cell, corner[1] - (rows + 0.5) * cell)
    flat = compare(write(tmp_path / "a.tif", terrain() + np.median(n), corner, cell),
                   write(tmp_path / "b.tif", terrain(), corner, cell)).datum
    shaped = compare(write(tmp_path / "c.tif", terrain() + n, corner, cell),
                     write(tmp_path / "d.tif", terrain(), corner, cell)).datum
    assert flat.found is None and shaped.found is not None


def test_no_step_in_a_good_pair(tmp_path):
    noise = np.random.default_rng(1).normal(0.3, 1, SHAPE)
    datum = compare(write(tmp_path / "a.tif", terrain(), (-118.1, 34.1)),
                    write(tmp_path / "b.tif", terrain() + noise, (-118.1, 34.1))).datum
    assert (datum.found, datum.size) == (None, None)


def test_a_wide_spread_hides_a_step(tmp_path):
    noise = np.random.default_rng(1).normal(0, 30, SHAPE)
    datum = compare(write(tmp_path / "a.tif", terrain() - 34.9, (-118.1, 34.1)),
                    write(tmp_path / "b.tif", terrain() + noise, (-118.1, 34.1))).datum
    assert (datum.found, datum.size) == (None, None)


class TestWithoutGrids:
    def test_a_constant_could_be_a_step_of_unknown_size(self, tmp_path, without_grids):
        datum = compare(write(tmp_path / "a.tif", terrain() - 34.9, (-118.1, 34.1)),
                        write(tmp_path / "b.tif", terrain(), (-118.1, 34.1))).datum
        assert datum.found is None and datum.size == pytest.approx(-34.9, abs=1e-3)
        assert "of unknown size" in datum.verdict and "looks like" not in datum.verdict
        assert all(step.predicted is None for step in datum.steps)

    def test_nothing_is_suspected_of_a_small_median(self, tmp_path, without_grids):
        noise = np.random.default_rng(1).normal(2, 1, SHAPE)
        datum = compare(write(tmp_path / "a.tif", terrain(), (-118.1, 34.1)),
                        write(tmp_path / "b.tif", terrain() + noise, (-118.1, 34.1))).datum
        assert (datum.found, datum.size) == (None, None)


def test_steps_between_geoids_are_sized_only_with_both_grids(tmp_path, monkeypatch):
    """A made-up EGM2008 grid 0.6 m above EGM96's."""
    class Raised:
        def __init__(self, height):
            self.height = height

        def transform(self, x, y, z, errcheck):
            return x, y, z - 34.0 + self.height + (x + 118.1)

    pair = (write(tmp_path / "a.tif", terrain() + 0.6, (-118.1, 34.1)),
            write(tmp_path / "b.tif", terrain(), (-118.1, 34.1)))
    monkeypatch.setattr(vertical_datum, "_geoid", {"EGM96": Raised(0.0), "EGM2008": None}.get)
    datum = compare(*pair).datum
    assert datum.found is None and "between EGM96 and EGM2008 are of unknown size" in datum.verdict
    monkeypatch.setattr(vertical_datum, "_geoid", {"EGM96": Raised(0.0), "EGM2008": Raised(0.6)}.get)
    datum = compare(*pair).datum
    assert (datum.found.reference, datum.found.secondary) == ("EGM96", "EGM2008")
    assert datum.found.predicted == pytest.approx(0.6, abs=1e-3)


def test_report_says_it_everywhere(tmp_path):
    needs("EGM96")

    class Watch(Silent):
        def __init__(self):
            self.said = []

        def warn(self, message):
            self.said.append(message)

    watch = Watch()
    model = compare(write(tmp_path / "a.tif", terrain() - 34.9, (-118.1, 34.1)),
                    write(tmp_path / "b.tif", terrain(), (-118.1, 34.1)), progress=watch)
    assert watch.said == [model.datum.verdict]
    write_html(model, str(tmp_path / "r.html"))
    text = re.sub('base64,[^"]*', "", (tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "this looks like a vertical datum step of -34.9 m" in text and "bias" not in text.lower()
    told = as_dict(model)["vertical_datum"]
    assert told["found"]["reference"] == ELLIPSOID and told["size"] == pytest.approx(-34.9, abs=1e-3)


@pytest.mark.skipif(not PAIRS.exists(), reason="the pairs of a real hidden step are not on this machine")
@pytest.mark.parametrize("place, size", [("los_angeles", -34.9), ("fairbanks", 11.2)])
@pytest.mark.parametrize("exchanged", [False, True])
def test_real_pairs(place, size, exchanged):
    needs("EGM96")
    kinds = ("geoid", "ellipsoid") if exchanged else ("ellipsoid", "geoid")
    model = compare(*(Dem.open(str(PAIRS / f"{place}_dem_{kind}.tif")) for kind in kinds))
    size = -size if exchanged else size
    assert f"this looks like a vertical datum step of {size:+.1f} m" in model.datum.verdict
    assert model.datum.found.reference == (ELLIPSOID if not exchanged else "EGM96")
