"""Elevation Change in a real QGIS: numbers and fields, and the pairs that it refuses."""

import math

import numpy as np
import pytest

qgis_core = pytest.importorskip("qgis.core")

from qgis.PyQt.QtCore import QVariant  # noqa: E402

KINDS = {"frame": "string(20)", "epoch": "double", "time": "datetime", "sigma": "double"}


def plane(lon, lat):
    return 1000.0 + 3000.0 * (lon + 50.0) - 5000.0 * (lat - 69.0)


def layer(lon, lat, height, crs="EPSG:7912", kind="PointZ", **fields):
    """A memory layer; a field is a value for all or a list."""
    definition = "&".join(f"field={name}:{KINDS[name]}" for name in fields)
    result = qgis_core.QgsVectorLayer(f"{kind}?crs={crs}&{definition}", "points", "memory")
    features = []
    columns = [value if isinstance(value, list) else [value] * len(lon) for value in fields.values()]
    for x, y, z, *row in zip(lon, lat, height, *columns):
        feature = qgis_core.QgsFeature(result.fields())
        point = qgis_core.QgsPoint(x, y, z) if kind == "PointZ" else qgis_core.QgsPoint(x, y)
        feature.setGeometry(qgis_core.QgsGeometry(point))
        feature.setAttributes(row)
        features.append(feature)
    assert result.dataProvider().addFeatures(features)[0]
    return result


@pytest.fixture
def before(provider):
    lon, lat = (values.ravel() for values in np.meshgrid(-50 + np.arange(30) * 5e-4, 69 + np.arange(30) * 2e-4))
    return layer(lon.tolist(), lat.tolist(), plane(lon, lat).tolist(), frame="ITRF2014", epoch=2018.5,
                 time="1993-07-02T12:00:00", sigma=0.1)


PLACES = np.array([-49.995123, -49.9917, -49.988, -40.0]), np.array([69.00211, 69.0033, 69.0015, 69.0])


def after(**changes):
    lon, lat = PLACES
    options = {"frame": "ITRF2014", "epoch": 2018.5, "time": "2018-07-02T12:00:00", "sigma": 0.2, **changes}
    return layer(lon.tolist(), lat.tolist(), (plane(lon, lat) - 2.5).tolist(),
                 **{name: value for name, value in options.items() if value is not None})


def run(run_algorithm, before, after, **options):
    results = run_algorithm("elevationchange", {"INPUT_BEFORE": before, "INPUT_AFTER": after, "OUTPUT": "memory:",
                                                **options})
    return results, list(results["OUTPUT"].getFeatures())


def test_after_minus_before(run_algorithm, before):
    results, features = run(run_algorithm, before, after())
    assert (results["COUNT"], results["UNPAIRED"]) == (3, 1)
    assert results["MEDIAN_DH"] == pytest.approx(-2.5, abs=2e-3)
    assert results["MEAN_DH"] == pytest.approx(-2.5, abs=2e-3) and results["NMAD_DH"] < 2e-3
    assert results["MEDIAN_DH_DT"] == pytest.approx(-0.1, abs=1e-4)
    first = features[0]
    assert first["dh"] == pytest.approx(-2.5, abs=2e-3) and first["dh_dt"] == pytest.approx(-0.1, abs=1e-4)
    assert first["dt"] == pytest.approx(25.0, abs=1e-9) and first["t_before"] == pytest.approx(1993.5)
    assert first["h_after"] - first["h_before"] == pytest.approx(first["dh"])
    assert first["sigma_dh"] == pytest.approx(0.2, abs=1e-3)
    assert first["sigma_dh_dt"] == pytest.approx(first["sigma_dh"] / 25.0)
    assert first["frame"] == "ITRF2014" and first["epoch"] == 2018.5 and first["n"] >= 5 and first["slope"] > 1.0
    point = first.geometry().constGet()
    assert (point.x(), point.y()) == (PLACES[0][0], PLACES[1][0]) and point.z() == first["h_after"]


def test_exchanged_layers_change_the_sign(run_algorithm, before):
    results, features = run(run_algorithm, after(), before)
    assert results["MEDIAN_DH"] == pytest.approx(2.5, abs=2e-3)
    assert results["MEDIAN_DH_DT"] == pytest.approx(-0.1, abs=1e-4)
    assert features[0]["dt"] == pytest.approx(-25.0) and features[0]["dh_dt"] == pytest.approx(-0.1, abs=1e-4)
    assert features[0].geometry().constGet().x() == PLACES[0][0]


def test_nearest(run_algorithm, before):
    results, features = run(run_algorithm, before, after(), SLOPE="nearest")
    assert results["COUNT"] == 3 and features[0]["n"] == 1 and features[0]["slope"] in (None, QVariant())
    assert features[0]["sigma_dh"] == pytest.approx(math.hypot(0.1, 0.2))
    assert abs(features[0]["dh"] + 2.5) > 0.05


def test_without_time_and_sigma(run_algorithm, before):
    results, features = run(run_algorithm, before, after(time=None, sigma=None))
    assert results["COUNT"] == 3 and math.isnan(results["MEDIAN_DH_DT"])
    assert features[0]["dh_dt"] in (None, QVariant()) and features[0]["sigma_dh"] is not None


def test_nothing_near(run_algorithm, before):
    results, features = run(run_algorithm, before, after(), DISTANCE=1.0)
    assert features == [] and results["COUNT"] == 0 and math.isnan(results["MEDIAN_DH"])


def test_frame_and_epoch_of_the_crs(run_algorithm, before):
    """Without fields, the CRS tells the realization and its coordinate epoch."""
    dated = after(frame=None, epoch=None)
    crs = dated.crs()
    crs.setCoordinateEpoch(2018.5)
    dated.setCrs(crs)
    assert run(run_algorithm, before, dated)[0]["COUNT"] == 3


class TestRefusals:
    def sentence(self, run_algorithm, before, after):
        with pytest.raises(qgis_core.QgsProcessingException) as caught:
            run(run_algorithm, before, after)
        return str(caught.value)

    @pytest.mark.parametrize("changes, sentence", [
        ({"frame": "ITRF93"}, "INPUT_BEFORE is in ITRF2014, INPUT_AFTER in ITRF93"),
        ({"frame": ["ITRF93", "ITRF2014", "ITRF93", "ITRF93"]}, "several frames or unknown ones (ITRF2014, ITRF93)"),
        ({"frame": ["ITRF2014", None, "ITRF2014", "ITRF2014"]}, "unknown ones (ITRF2014, unknown)"),
        ({"epoch": 2022.25}, "of epoch 2018.5000, those of INPUT_AFTER of 2022.2500"),
        ({"epoch": [2022.1, 2022.2, 2022.1, 2022.1]}, "of different epochs (2022.1000 to 2022.2000)"),
        ({"epoch": [2018.5, None, 2018.5, 2018.5]}, "without a usable epoch"),
        ({"epoch": None}, "does not tell the epoch")])
    def test_frames_and_epochs(self, run_algorithm, before, changes, sentence):
        said = self.sentence(run_algorithm, before, after(**changes))
        assert sentence in said and "run Reframe ITRF (reframeitrf) on both layers first" in said

    def test_many_epochs_that_part_late(self, run_algorithm, before):
        """Raw points have an epoch each, in one minute a thousand that are nearly the same: what counts is the span."""
        count = 1500
        epochs = [2018.5 + 1e-9 * row for row in range(count - 1)] + [2022.5]
        raw = layer([-49.99] * count, [69.002] * count, [1000.0] * count, frame="ITRF2014", epoch=epochs)
        assert "of different epochs (2018.5000 to 2022.5000)" in self.sentence(run_algorithm, raw, before)
        same = layer([-49.99] * count, [69.002] * count, [1000.0] * count, frame="ITRF2014",
                     epoch=[*epochs[:-1], 2018.5])
        assert run(run_algorithm, before, same)[0]["UNPAIRED"] == 900

    def test_a_crs_that_names_no_realization(self, run_algorithm, before):
        said = self.sentence(run_algorithm, before, after(frame=None, crs="EPSG:4326"))
        assert "its CRS names no realization" in said

    def test_points_without_heights(self, run_algorithm, before):
        assert "has no Z values" in self.sentence(run_algorithm, before, after(kind="Point"))

    def test_empty_layer(self, run_algorithm, before):
        empty = layer([], [], [], frame="ITRF2014", epoch=2018.5)
        assert "INPUT_AFTER has no points" in self.sentence(run_algorithm, before, empty)
