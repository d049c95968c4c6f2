"""Coregister Series and the ready-made models."""

import csv

import numpy as np
import pytest

core = pytest.importorskip("qgis.core")
MODELS = ("altimetry_to_frame_epoch", "points_to_frame_epoch", "reframe_coregister_report", "series_onto_reference")


def write_dem(path, east=0.0, up=0.0, origin=400000):
    from osgeo import gdal, osr

    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    rows, cols = np.indices((200, 200)) * 30.0
    x = cols - east
    heights = 150 * np.sin(x / 400) * np.cos(rows / 520) + 60 * np.sin((x + 2 * rows) / 300) + up
    heights = heights + np.random.default_rng(3).normal(0, 0.3, heights.shape)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 200, 200, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((origin, 30, 0, 3800000, 0, -30))
    dataset.SetSpatialRef(reference)
    dataset.GetRasterBand(1).WriteArray(heights)
    return str(path)


@pytest.fixture
def series(tmp_path):
    folder = tmp_path / "série à voir"
    folder.mkdir()
    return folder, write_dem(folder / "référence.tif"), [
        write_dem(folder / "of 2000.tif", -12, -2), write_dem(folder / "of 2010.tif", 6, 1)]


def test_every_dem_arrives_on_the_reference(run_algorithm, series):
    folder, reference, dems = series
    out = run_algorithm("coregisterseries", {
        "REFERENCE": reference, "SECONDARIES": dems, "EPOCHS": "2000-07-02, 2010.5", "BLOCK_SIZE": 80,
        "OUTPUT": str(folder / "out"), "TABLE": str(folder / "gains.csv")})
    assert (out["COUNT"], out["FAILED"]) == (2, 0) and out["NMAD_AFTER"] < 0.6 < out["NMAD_BEFORE"]
    with open(folder / "gains.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["of 2000", "of 2010"]
    assert [round(float(row["epoch"]), 2) for row in rows] == [2000.5, 2010.5]
    assert [float(row["shift_x"]) for row in rows] == pytest.approx([12, -6], abs=0.5), "shifts are added"
    assert all((folder / "out" / f"of {year}_{name}").exists() for year in (2000, 2010)
               for name in ("aligned.tif", "shifts.gpkg"))


def test_a_dem_that_fails_is_named_and_the_others_go_on(run_algorithm, series):
    folder, reference, dems = series
    far = write_dem(folder / "far away.tif", origin=900000)
    out = run_algorithm("coregisterseries", {
        "REFERENCE": reference, "SECONDARIES": [far, dems[0]], "BLOCK_SIZE": 80, "OUTPUT": str(folder / "out"),
        "TABLE": str(folder / "gains.csv")})
    assert (out["COUNT"], out["FAILED"]) == (1, 1) and len(out["ALIGNED"]) == 1
    text = (folder / "gains.csv").read_text(encoding="utf-8")
    assert "far away,,,,,,,,,,,," in text


def test_change_is_left_out_where_asked(run_algorithm, series):
    """A lake of a twelfth of the ground has fallen by 9 m."""
    from osgeo import gdal

    folder, reference, dems = series
    changed = gdal.Open(dems[0], gdal.GA_Update)
    heights = changed.ReadAsArray()
    heights[60:120, 80:135] -= 9.0
    changed.GetRasterBand(1).WriteArray(heights)
    changed = None
    spread = {}
    for automatic in (False, True):
        out = run_algorithm("coregisterseries", {
            "REFERENCE": reference, "SECONDARIES": dems[:1], "BLOCK_SIZE": 0, "AUTO_STABLE": automatic,
            "OUTPUT": str(folder / f"out {automatic}"), "TABLE": str(folder / "gains.csv")})
        spread[automatic] = out["NMAD_AFTER"]
    assert spread[True] < 0.98 * spread[False]


@pytest.mark.parametrize(("changed", "message"), [
    ({"EPOCHS": "2000.5"}, "1 epochs for 2 DEMs"), ({"EPOCHS": "2000.5, soon"}, "soon")])
def test_what_cannot_work_is_one_sentence(provider, series, changed, message):
    folder, reference, dems = series
    algorithm = provider.algorithm("coregisterseries").create()
    good, said = algorithm.checkParameterValues({
        "REFERENCE": reference, "SECONDARIES": dems, "OUTPUT": str(folder / "out"), **changed},
        core.QgsProcessingContext())
    assert not good and message in said


def test_dems_of_one_name_are_refused(provider, series, tmp_path):
    folder, reference, dems = series
    (tmp_path / "other").mkdir()
    twin = write_dem(tmp_path / "other" / "of 2000.tif")
    good, said = provider.algorithm("coregisterseries").create().checkParameterValues({
        "REFERENCE": reference, "SECONDARIES": [dems[0], twin], "OUTPUT": str(folder / "out")},
        core.QgsProcessingContext())
    assert not good and "several DEMs named of 2000" in said


def test_loaded_dems_and_shifts_follow_each_other_in_time(provider, series, tmp_path):
    import processing
    from commonground.processing_provider.styling import RUN
    from qgis.core import QgsProject

    _, reference, dems = series
    project = QgsProject.instance()
    project.clear()
    far = write_dem(tmp_path / "of nowhere.tif", origin=900000)
    processing.runAndLoadResults("commonground:coregisterseries", {
        "REFERENCE": reference, "SECONDARIES": [*dems, far], "EPOCHS": "2000.5, 2010.5, 2005",
        "BLOCK_SIZE": 0, "LOAD": True, "OUTPUT": str(tmp_path / "out")})
    layers = {layer.name(): layer for layer in project.mapLayers().values()}
    assert sorted(layers) == sorted(["of 2000", "of 2000: shifts", "of 2010", "of 2010: shifts"]), "no failed one"
    for name, begin, end in (("of 2000", "2000-07-02", "2010-07-02"), ("of 2010", "2010-07-02", "2011-07-02")):
        for layer in (layers[name], layers[f"{name}: shifts"]):
            span = layer.temporalProperties().fixedTemporalRange()
            assert layer.temporalProperties().isActive() and not span.includeEnd()
            assert span.begin().toString("yyyy-MM-dd") == begin and span.end().toString("yyyy-MM-dd") == end
        assert layers[f"{name}: shifts"].customProperty(RUN), "the dock lists the run"
        assert layers[name].renderer().type() == "hillshade"
    project.clear()


@pytest.mark.parametrize("name", MODELS)
def test_models_are_algorithms_of_the_provider(provider, name):
    algorithm = provider.algorithm(name)
    assert algorithm.id() == f"commonground:{name}" and algorithm.group() == "Models"
    assert algorithm.canExecute()[0] and algorithm.create().id() == algorithm.id()
    assert not algorithm.icon().isNull() and algorithm.tags()
    assert [one.name() for one in algorithm.destinationParameterDefinitions()], "its algorithms were found"


def test_the_series_model_runs(run_algorithm, series):
    folder, reference, dems = series
    run_algorithm("series_onto_reference", {
        "REFERENCE": reference, "SECONDARIES": dems, "SOURCE_FRAME": "ITRF2014", "TARGET_FRAME": "ITRF2020",
        "EPOCH": "2012.9", "BLOCK_SIZE": 80, "LOAD": False, "reframe:Reference": str(folder / "moved.tif"),
        "series:Folder of the results": str(folder / "out"), "series:Table of gains": str(folder / "t.csv")})
    assert (folder / "moved.tif").exists() and (folder / "out" / "of 2010_aligned.tif").exists()
    assert len((folder / "t.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_the_points_model_runs(run_algorithm, tmp_path):
    layer = core.QgsVectorLayer("PointZ?crs=EPSG:4979&field=flown:string", "points", "memory")
    features = []
    for epoch in ("1993.5", ""):
        feature = core.QgsFeature(layer.fields())
        feature.setGeometry(core.QgsGeometry(core.QgsPoint(-50, 70, 1)))
        feature["flown"] = epoch or None
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    out = run_algorithm("points_to_frame_epoch", {
        "POINTS": layer, "SOURCE_FRAME": "ITRF93", "EPOCH_FIELD": "flown", "TARGET_FRAME": "ITRF2014",
        "TARGET_EPOCH": "2018.5", "displacement:Moved points": str(tmp_path / "moved.gpkg")})
    moved = core.QgsVectorLayer(out["displacement:Moved points"])
    (feature,) = moved.getFeatures()
    assert feature["displacement"] == pytest.approx((0.4177**2 + 0.3017**2 + 0.006**2) ** 0.5, abs=1e-3)
