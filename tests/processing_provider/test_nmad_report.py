"""NMAD Report in a real QGIS: numbers, outputs, layers in, and one clear sentence where it cannot work."""

import csv
import json
import math

import numpy as np
import pytest

qgis_core = pytest.importorskip("qgis.core")

from commonground.core.raster.grid import Grid  # noqa: E402
from commonground.core.raster.writing import RasterWriter  # noqa: E402
from osgeo import gdal, osr  # noqa: E402

SHAPE = (120, 150)
CORNER = (400000.0, 10.0, 0.0, 3800000.0, 0.0, -10.0)
NUMBERS = ("NMAD", "MEDIAN", "MEAN", "STD", "RMSE", "LE90", "LE95", "COUNT")


def write(path, heights, geotransform=CORNER):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    with RasterWriter(str(path), Grid(geotransform, SHAPE[1], SHAPE[0], reference.ExportToWkt())) as writer:
        writer.write(np.asarray(heights, dtype=np.float32))
    return str(path)


@pytest.fixture(scope="module")
def rasters(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dén <b>")
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    truth = 500 + 40 * np.sin(rows / 9) + 30 * np.cos(cols / 7)
    noise = np.random.default_rng(3).normal(0, 1, SHAPE)
    return {"reference": write(folder / "référence.tif", truth),
            "secondary": write(folder / "secondary.tif", truth + 2 + noise),
            "aligned": write(folder / "aligned.tif", truth + noise / 2),
            "mask": write(folder / "mask.tif", np.where(cols < 50, 0, 1)),
            "empty": write(folder / "empty.tif", np.full(SHAPE, np.nan)),
            "away": write(folder / "away.tif", truth, (900000.0, *CORNER[1:]))}


def polygons(folder, name, boxes, fields=None, attributes=()):
    """A GeoPackage of boxes `(west, south, east, north)`."""
    path = str(folder / f"{name}.gpkg")
    options = qgis_core.QgsVectorFileWriter.SaveVectorOptions()
    crs = qgis_core.QgsCoordinateReferenceSystem("EPSG:32611")
    fields = fields or qgis_core.QgsFields()
    writer = qgis_core.QgsVectorFileWriter.create(path, fields, qgis_core.QgsWkbTypes.Type.Polygon, crs,
                                                  qgis_core.QgsCoordinateTransformContext(), options)
    for index, box in enumerate(boxes):
        feature = qgis_core.QgsFeature(fields)
        feature.setGeometry(qgis_core.QgsGeometry.fromRect(qgis_core.QgsRectangle(*box)))
        if attributes:
            feature.setAttributes(list(attributes[index]))
        assert writer.addFeature(feature)
    del writer
    return path


@pytest.fixture(scope="module")
def shifts(provider, tmp_path_factory):
    """Two blocks: one measured, one filled with what is unknown as NULL."""
    from commonground.processing_provider.shifts_layer import fields
    from qgis.PyQt.QtCore import QVariant

    null = QVariant()
    known = [0, 0, 1.5, -2.5, 0.25, 0.1, 0.1, 0.05, 9000, 1.1, 0.9, 12.0, 3, "used", ""]
    filled = [0, 1, 1.0, -2.0, 0.2, null, null, null, 0, null, null, null, 0, "filled", "no data"]
    boxes = ((400000, 3798800, 400750, 3800000), (400750, 3798800, 401500, 3800000))
    layer_fields = qgis_core.QgsFields(fields())
    attributes = ([null, *row] for row in (known, filled))
    attributes = [row[1:] for row in attributes]
    return polygons(tmp_path_factory.mktemp("shifts"), "shifts", boxes, layer_fields, attributes)


def test_numbers_without_aligned(run_algorithm, rasters, tmp_path):
    output = tmp_path / "nüw folder" / "report.html"
    results = run_algorithm("nmadreport", {
        "REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"], "OUTPUT": str(output)})
    assert results["MEDIAN"] == pytest.approx(-2.0, abs=0.05)
    assert results["NMAD"] == pytest.approx(1.0, abs=0.05)
    assert results["COUNT"] == SHAPE[0] * SHAPE[1]
    assert all(math.isnan(results[f"{name}_ALIGNED"]) for name in NUMBERS)
    assert output.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not any(results.get(name) for name in ("JSON", "CSV", "DIFFERENCE"))
    assert [path.name for path in output.parent.iterdir()] == ["report.html"]


def test_everything_at_once(run_algorithm, rasters, shifts, tmp_path):
    unstable = polygons(tmp_path, "unstable", [(400000, 3799400, 402000, 3801000)])
    paths = {"OUTPUT": "report.html", "JSON": "numbers.json", "CSV": "numbers.csv", "DIFFERENCE": "dh.tif"}
    paths = {name: str(tmp_path / path) for name, path in paths.items()}
    results = run_algorithm("nmadreport", {
        "REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"], "ALIGNED": rasters["aligned"],
        "SHIFTS": shifts, "UNSTABLE": unstable, "MASK": rasters["mask"], "CLASSES": "0,10,90", **paths})
    assert results["COUNT"] == results["COUNT_ALIGNED"] == 60 * 100
    assert results["NMAD_ALIGNED"] == pytest.approx(0.5, abs=0.05)
    assert results["MEDIAN_ALIGNED"] == pytest.approx(0.0, abs=0.05)
    assert set(results) >= set(NUMBERS) | set(paths)
    numbers = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    assert [row["high"] for row in numbers["statistics"] if row["group"] == "slope"] == [10.0, 90.0]
    assert numbers["blocks"][0]["dy"] == -2.5 and numbers["blocks"][1]["sigma_dx"] is None
    assert numbers["statistics"][0]["after"]["nmad"] == results["NMAD_ALIGNED"]
    assert numbers["versions"]["QGIS"] == qgis_core.Qgis.QGIS_VERSION
    rows = list(csv.DictReader((tmp_path / "numbers.csv").open(encoding="utf-8")))
    assert float(rows[0]["median"]) == results["MEDIAN"]
    assert "Shifts by block" in (tmp_path / "report.html").read_text(encoding="utf-8")
    difference = gdal.Open(paths["DIFFERENCE"])
    assert difference.GetRasterBand(1).DataType == gdal.GDT_Float32
    expected = gdal.Open(rasters["reference"]).ReadAsArray() - gdal.Open(rasters["aligned"]).ReadAsArray()
    np.testing.assert_array_equal(difference.ReadAsArray(), expected)


def zones(folder):
    """Two zones with a name; one of their fields bears a name of ours, and is overwritten."""
    from qgis.PyQt.QtCore import QVariant

    fields = qgis_core.QgsFields()
    fields.append(qgis_core.QgsField("name", QVariant.String))
    fields.append(qgis_core.QgsField("mean", QVariant.Double))
    boxes = ((400200, 3799200, 400900, 3799800), (700000, 3799200, 700900, 3799800))
    return polygons(folder, "zones", boxes, fields, (("glacier", 99.0), ("away", 99.0)))


@pytest.mark.parametrize("target", ["zonén.gpkg", "zones.shp", "memory:"])
def test_zones_carry_their_change(run_algorithm, rasters, tmp_path, target):
    output = target if target == "memory:" else str(tmp_path / "out" / target)
    results = run_algorithm("nmadreport", {
        "REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"], "LANDCOVER": rasters["mask"],
        "ZONES": zones(tmp_path), "ZONES_OUTPUT": output, "OUTPUT": str(tmp_path / "r.html"),
        "JSON": str(tmp_path / "r.json")})
    layer = results["ZONES_OUTPUT"]
    layer = layer if target == "memory:" else qgis_core.QgsVectorLayer(layer, "zones", "ogr")
    assert layer.featureCount() == 2 and layer.crs().authid() == "EPSG:32611"
    names = layer.fields().names()
    assert names.count("mean") == 1 and "name" in names
    first, second = sorted(layer.getFeatures(), key=lambda feature: feature["name"], reverse=True)
    dh = (gdal.Open(rasters["reference"]).ReadAsArray() - gdal.Open(rasters["secondary"]).ReadAsArray())[20:80, 20:90]
    assert first["name"] == "glacier" and first["count"] == dh.size and first["cover"] == 100.0
    assert first["mean"] == pytest.approx(dh.mean(), abs=1e-4)
    assert first["volume"] == pytest.approx(dh.mean() * 700 * 600, rel=1e-4)
    # White noise of 1 m: the standard error.
    sigma = first["mean_sigma"]
    assert sigma == pytest.approx(1 / np.sqrt(dh.size), rel=0.6)
    assert second["name"] == "away" and second["count"] == 0
    assert second["mean"] is None or second["mean"] == qgis_core.NULL
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert told["zones"][0]["mean"] == pytest.approx(first["mean"])
    assert [row["low"] for row in told["statistics"] if row["group"] == "land cover"] == [0.0, 1.0]


def test_a_difference_has_the_numbers_of_its_pair(run_algorithm, rasters, tmp_path):
    pair = {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"]}
    dh = str(tmp_path / "dh.tif")
    first = run_algorithm("nmadreport", {**pair, "OUTPUT": str(tmp_path / "pair.html"), "DIFFERENCE": dh,
                                         "JSON": str(tmp_path / "pair.json")})
    again = run_algorithm("nmadreport", {**pair, "SECONDARY": dh, "IS_DIFFERENCE": True,
                                         "OUTPUT": str(tmp_path / "dh.html"), "JSON": str(tmp_path / "dh.json")})
    assert {name: again[name] for name in NUMBERS} == {name: first[name] for name in NUMBERS}
    one, other = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("pair", "dh"))
    assert one["statistics"] == other["statistics"] and one["errors"] == other["errors"]
    assert other["sources"][1]["role"] == "difference" and "taken from dh.tif" in other["methods"]


def points(folder, rasters, name="points", count=400, epsg=4326, lift=3.0):
    """A GeoPackage of points `lift` above the secondary at cells of it, with heights in Z and in a field `h` (+1)."""
    heights = gdal.Open(rasters["secondary"]).ReadAsArray()
    rng = np.random.default_rng(6)
    rows, cols = rng.integers(2, SHAPE[0] - 2, count), rng.integers(2, SHAPE[1] - 2, count)
    to = qgis_core.QgsCoordinateTransform(qgis_core.QgsCoordinateReferenceSystem("EPSG:32611"),
                                          qgis_core.QgsCoordinateReferenceSystem(f"EPSG:{epsg}"),
                                          qgis_core.QgsProject.instance())
    layer = qgis_core.QgsVectorLayer(f"PointZ?crs=EPSG:{epsg}&field=h:double&field=name:string", name, "memory")
    features = []
    for index, (row, col) in enumerate(zip(rows, cols)):
        place = to.transform(CORNER[0] + (col + 0.5) * 10, CORNER[3] - (row + 0.5) * 10)
        feature = qgis_core.QgsFeature(layer.fields())
        z = float(heights[row, col]) + lift
        feature.setGeometry(qgis_core.QgsGeometry(qgis_core.QgsPoint(place.x(), place.y(), z)))
        feature.setAttributes([z + 1, f"p{index}"])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    path = str(folder / f"{name}.gpkg")
    options = qgis_core.QgsVectorFileWriter.SaveVectorOptions()
    qgis_core.QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, qgis_core.QgsCoordinateTransformContext(), options)
    return path


class TestPoints:
    def test_the_points_are_the_reference(self, run_algorithm, rasters, tmp_path):
        results = run_algorithm("nmadreport", {
            "POINTS": points(tmp_path, rasters), "SECONDARY": rasters["secondary"], "ALIGNED": rasters["aligned"],
            "RESIDUALS": str(tmp_path / "dh.gpkg"), "OUTPUT": str(tmp_path / "r.html"),
            "JSON": str(tmp_path / "r.json"), "CSV": str(tmp_path / "r.csv")})
        assert results["MEDIAN"] == pytest.approx(3.0, abs=0.02) and results["COUNT"] == 400
        assert results["MEDIAN_ALIGNED"] == pytest.approx(5.0, abs=0.15) and results["COUNT_ALIGNED"] == 400
        told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
        assert told["sources"][0]["points"] == 400 and len(told["sources"][0]["sha256"]) == 64
        layer = qgis_core.QgsVectorLayer(results["RESIDUALS"], "dh", "ogr")
        assert layer.featureCount() == 400 and layer.crs().authid() == "EPSG:4326"
        found = list(layer.getFeatures())
        assert {feature["stable"] for feature in found} == {1} and "name" in layer.fields().names()
        assert np.median([feature["dh_before"] for feature in found]) == pytest.approx(results["MEDIAN"], abs=1e-4)

    def test_the_points_are_judged(self, run_algorithm, rasters, tmp_path):
        results = run_algorithm("nmadreport", {
            "POINTS": points(tmp_path, rasters), "REFERENCE": rasters["secondary"], "HEIGHT_FIELD": "h",
            "MASK": rasters["mask"], "OUTPUT": str(tmp_path / "r.html"), "RESIDUALS": "memory:"})
        assert results["MEDIAN"] == pytest.approx(-4.0, abs=0.02) and 200 < results["COUNT"] < 350
        assert math.isnan(results["MEDIAN_ALIGNED"])
        assert "dh_after" not in results["RESIDUALS"].fields().names()
        assert {feature["stable"] for feature in results["RESIDUALS"].getFeatures()} == {0, 1}

    def test_zones_of_another_crs(self, run_algorithm, rasters, tmp_path):
        results = run_algorithm("nmadreport", {
            "POINTS": points(tmp_path, rasters, epsg=3857), "SECONDARY": rasters["secondary"],
            "ZONES": zones(tmp_path), "ZONES_OUTPUT": str(tmp_path / "z.gpkg"), "OUTPUT": str(tmp_path / "r.html")})
        first, second = qgis_core.QgsVectorLayer(results["ZONES_OUTPUT"], "z", "ogr").getFeatures()
        assert first["mean"] == pytest.approx(3.0, abs=0.02) and 40 < first["count"] < 200
        assert first["area"] == pytest.approx(700 * 600) and second["count"] == 0

    @pytest.mark.parametrize("change, sentence", [
        ({"SECONDARY": None}, "POINTS take the place of one DEM"),
        ({"REFERENCE": "reference"}, "POINTS take the place of one DEM"),
        ({"IS_DIFFERENCE": True}, "with POINTS leave it off"),
        ({"DIFFERENCE": "dh.tif"}, "DIFFERENCE is a raster"),
        ({"SECONDARY": None, "REFERENCE": "reference", "ALIGNED": "aligned"}, "ALIGNED is the secondary DEM"),
        ({"POINTS": None, "REFERENCE": "reference", "HEIGHT_FIELD": "h"}, "HEIGHT_FIELD needs POINTS"),
        ({"POINTS": None, "REFERENCE": "reference", "RESIDUALS": "memory:"}, "RESIDUALS needs POINTS"),
        ({"POINTS": None}, "REFERENCE is missing"),
        ({"POINTS": None, "REFERENCE": "reference", "SECONDARY": None}, "SECONDARY is missing"),
    ])
    def test_contradictions_get_one_sentence(self, provider, rasters, tmp_path, change, sentence):
        given = {"POINTS": points(tmp_path, rasters, count=20), "SECONDARY": "secondary",
                 "OUTPUT": str(tmp_path / "r.html"), **change}
        if "DIFFERENCE" in change:
            given["DIFFERENCE"] = str(tmp_path / change["DIFFERENCE"])
        given = {name: rasters.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
        good, message = provider.algorithm("nmadreport").create().checkParameterValues(
            given, qgis_core.QgsProcessingContext())
        assert not good and sentence in message and message.count(". ") == 0

    def test_points_without_heights(self, run_algorithm, rasters, tmp_path):
        layer = qgis_core.QgsVectorLayer("Point?crs=EPSG:32611", "flat", "memory")
        feature = qgis_core.QgsFeature()
        feature.setGeometry(qgis_core.QgsGeometry.fromPointXY(qgis_core.QgsPointXY(400500, 3799500)))
        layer.dataProvider().addFeature(feature)
        with pytest.raises(qgis_core.QgsProcessingException, match="HEIGHT_FIELD"):
            run_algorithm("nmadreport", {"POINTS": layer, "SECONDARY": rasters["secondary"],
                                         "OUTPUT": str(tmp_path / "r.html")})
        assert list(tmp_path.iterdir()) == []

    def test_residuals_do_not_take_the_place_of_the_points(self, run_algorithm, rasters, tmp_path):
        path = points(tmp_path, rasters, count=20)
        with pytest.raises(qgis_core.QgsProcessingException, match="overwrite POINTS"):
            run_algorithm("nmadreport", {"POINTS": path, "SECONDARY": rasters["secondary"], "RESIDUALS": path,
                                         "OUTPUT": str(tmp_path / "r.html")})


def test_a_difference_has_no_aligned_dem(provider, rasters, tmp_path):
    good, message = provider.algorithm("nmadreport").create().checkParameterValues(
        {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"], "ALIGNED": rasters["aligned"],
         "IS_DIFFERENCE": True, "OUTPUT": str(tmp_path / "r.html")}, qgis_core.QgsProcessingContext())
    assert not good and "exclude each other" in message


def test_zones_output_needs_zones(provider, rasters, tmp_path):
    algorithm = provider.algorithm("nmadreport").create()
    good, message = algorithm.checkParameterValues(
        {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"],
         "ZONES_OUTPUT": str(tmp_path / "z.gpkg"), "OUTPUT": str(tmp_path / "r.html")},
        qgis_core.QgsProcessingContext())
    assert not good and "needs ZONES" in message


def test_layers_of_the_project_serve_as_well_as_files(run_algorithm, rasters, tmp_path):
    layers = [qgis_core.QgsRasterLayer(rasters[name], name) for name in ("reference", "secondary")]
    results = run_algorithm("nmadreport", {"REFERENCE": layers[0], "SECONDARY": layers[1],
                                           "OUTPUT": str(tmp_path / "r.html")})
    assert results["MEDIAN"] == pytest.approx(-2.0, abs=0.05)


def test_shifts_layer_keeps_every_value(shifts):
    from commonground.processing_provider.shifts_layer import NAMES, fields, read_blocks

    assert fields().names() == list(NAMES)
    first, second = read_blocks(qgis_core.QgsVectorLayer(shifts, "shifts", "ogr"))
    assert (first.dx, first.dy, first.dz, first.n, first.status) == (1.5, -2.5, 0.25, 9000, "used")
    assert first.bounds == (400000.0, 3798800.0, 400750.0, 3800000.0)
    assert math.isnan(second.sigma_dx) and math.isnan(second.slope)
    assert (second.n, second.status, second.reason) == (0, "filled", "no data")


@pytest.mark.parametrize("change, sentence", [
    ({"SECONDARY": "away"}, "do not overlap"),
    ({"SECONDARY": "empty"}, "no cell with data in common"),
    ({"SECONDARY": "reference"}, "same file"),
    ({"MASK": "empty"}, "check STABLE, UNSTABLE and MASK"),
])
def test_bad_input_gets_one_sentence(run_algorithm, rasters, tmp_path, change, sentence):
    paths = {"REFERENCE": "reference", "SECONDARY": "secondary", **change}
    with pytest.raises(qgis_core.QgsProcessingException, match=sentence) as caught:
        run_algorithm("nmadreport", {
            **{name: rasters[value] for name, value in paths.items()},
            "OUTPUT": str(tmp_path / "r.html"), "DIFFERENCE": str(tmp_path / "dh.tif")})
    assert "Traceback" not in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("classes, sentence", [("0,fünf", "cannot be read"), ("30,5", "does not rise"),
                                               ("0,100", "from 0 to 90")])
def test_wrong_classes_are_refused_before_the_run(provider, rasters, tmp_path, classes, sentence):
    algorithm = provider.algorithm("nmadreport").create()
    good, message = algorithm.checkParameterValues(
        {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"], "CLASSES": classes,
         "OUTPUT": str(tmp_path / "r.html")}, qgis_core.QgsProcessingContext())
    assert not good and sentence in message


def test_shifts_of_another_kind_are_refused(run_algorithm, rasters, tmp_path):
    other = polygons(tmp_path, "other", [(400000, 3799400, 402000, 3801000)])
    with pytest.raises(qgis_core.QgsProcessingException, match="Blockwise Coregister wrote"):
        run_algorithm("nmadreport", {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"],
                                     "SHIFTS": other, "OUTPUT": str(tmp_path / "r.html")})


def test_inputs_are_not_overwritten(run_algorithm, rasters, tmp_path):
    with pytest.raises(qgis_core.QgsProcessingException, match="would overwrite SECONDARY"):
        run_algorithm("nmadreport", {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"],
                                     "OUTPUT": str(tmp_path / "r.html"), "DIFFERENCE": rasters["secondary"]})


def test_unwritable_output_is_said(run_algorithm, rasters, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(qgis_core.QgsProcessingException, match="Cannot write"):
        run_algorithm("nmadreport", {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"],
                                     "OUTPUT": str(tmp_path / "file" / "r.html")})


def test_cancel_leaves_nothing(provider, rasters, tmp_path):
    algorithm, feedback = provider.algorithm("nmadreport").create(), qgis_core.QgsProcessingFeedback()
    feedback.cancel()
    results, good = algorithm.run(
        {"REFERENCE": rasters["reference"], "SECONDARY": rasters["secondary"],
         "OUTPUT": str(tmp_path / "r.html"), "DIFFERENCE": str(tmp_path / "dh.tif")},
        qgis_core.QgsProcessingContext(), feedback)
    assert good and results == {} and list(tmp_path.iterdir()) == []


def test_declares_what_the_contract_says(provider):
    algorithm = provider.algorithm("nmadreport")
    names = [definition.name() for definition in algorithm.parameterDefinitions()]
    assert names == ["REFERENCE", "SECONDARY", "ALIGNED", "SHIFTS", "STABLE", "UNSTABLE", "MASK", "CLASSES",
                     "IS_DIFFERENCE", "POINTS", "HEIGHT_FIELD", "LANDCOVER", "ZONES", "SEED", "OUTPUT", "JSON",
                     "CSV", "DIFFERENCE", "ZONES_OUTPUT", "RESIDUALS"]
    outputs = {definition.name(): definition.type() for definition in algorithm.outputDefinitions()}
    assert all(outputs[name] == outputs[f"{name}_ALIGNED"] == "outputNumber" for name in NUMBERS)
    assert all(definition.help() for definition in algorithm.parameterDefinitions())
    assert not algorithm.flags() & type(algorithm).Flag.FlagNoThreading
