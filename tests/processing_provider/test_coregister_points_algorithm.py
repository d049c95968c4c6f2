"""Coregister Points in a real QGIS: outputs, signs, delimited text, and one sentence for what cannot work."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.raster.dem import Dem
from commonground.core.statistics.robust import nmad
from osgeo import gdal, ogr, osr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from worlds import Surface, constant_field, make_world

SHIFT = (14.0, -7.0, 2.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    surface = Surface(2, slope=14)
    world = make_world(tmp_path_factory.mktemp("wörld of points"), constant_field(*SHIFT), size=300, surface=surface,
                       white=0.2)
    rng = np.random.default_rng(3)
    x, y = 500000 + rng.uniform(-200, 3200, 4000), 7800000 - rng.uniform(-200, 3200, 4000)
    world.points = x, y, surface(x - 500005.0, y - 7799995.0)
    return world


@pytest.fixture(scope="module")
def layers(world, tmp_path_factory):
    """The points with Z, with a field instead, and as a CSV of degrees."""
    folder = tmp_path_factory.mktemp("pöints")
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32622)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_degrees = osr.CoordinateTransformation(utm, degrees)
    for name, kind in (("z", ogr.wkbPoint25D), ("flat", ogr.wkbPoint)):
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(folder / f"{name}.gpkg"))
        layer = source.CreateLayer("points", utm, kind)
        for field, type_ in (("h", ogr.OFTReal), ("track", ogr.OFTString), ("dh_after", ogr.OFTReal)):
            layer.CreateField(ogr.FieldDefn(field, type_))
        layer.StartTransaction()
        for k, (x, y, h) in enumerate(zip(*world.points)):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature["track"] = f"gt{k % 3 + 1}l"
            if k % 50:
                feature["h"] = h
            point = ogr.Geometry(kind)
            point.AddPoint(x, y, h) if kind == ogr.wkbPoint25D else point.AddPoint_2D(x, y)
            feature.SetGeometry(point)
            layer.CreateFeature(feature)
        layer.CommitTransaction()
        del layer, source
    lines = ["lon,lat,height"]
    for x, y, h in zip(*world.points):
        lon, lat, _ = to_degrees.TransformPoint(x, y)
        lines.append(f"{lon:.9f},{lat:.9f},{h:.4f}")
    (folder / "points.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(world, layers, run_algorithm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("résults at points")
    outputs = {"OUTPUT": "aligned.tif", "SHIFTS": "shifts.gpkg", "SHIFT_RASTERS": "field.tif",
               "RESIDUALS": "residuals.gpkg", "REPORT": "report.html"}
    results = run_algorithm("coregisterpoints", {
        "POINTS": str(layers / "z.gpkg"), "SECONDARY": world.secondary.path, "BLOCK_SIZE": 150,
        "GROUP_FIELD": "track", **{name: str(folder / file) for name, file in outputs.items()}})
    return folder, results


def test_every_output_is_there_and_true(run, world):
    folder, results = run
    assert (results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]) == pytest.approx(SHIFT, abs=0.1)
    assert results["NMAD_AFTER"] < 0.25 and results["NMAD_BEFORE"] > 1.0
    assert abs(results["MEDIAN_AFTER"]) < 0.03 and 2800 < results["COUNT"] < 3600
    assert results["BLOCKS"] == results["BLOCKS_USED"] == 4
    aligned = gdal.Open(str(folder / "aligned.tif"))
    assert aligned.GetGeoTransform() == world.secondary.grid.geotransform and aligned.ReadAsArray().dtype == np.float32
    left = (Dem.open(str(folder / "aligned.tif")).read() - world.truth)[10:-10, 10:-10]
    assert nmad(left) < 0.3 and abs(np.nanmedian(left)) < 0.03
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "gt1l" in report and "data:image/png" in report and "Global shift" in report
    assert not [name for name in folder.iterdir() if name.name.startswith(".")]


def test_residuals_are_the_points_with_dh(run, world):
    folder, results = run
    source = ogr.Open(str(folder / "residuals.gpkg"))
    layer = source.GetLayer(0)
    names = [field.GetName() for field in layer.schema]
    assert names[-3:] == ["dh_before", "dh_after", "stable"] and names.count("dh_after") == 1 and "track" in names
    rows = [(f["dh_before"], f["dh_after"], f["stable"], f.GetGeometryRef().GetZ()) for f in layer]
    before, after, stable, z = (np.array(column, dtype=float) for column in zip(*rows))
    good = np.isfinite(before) & np.isfinite(after)
    assert good.sum() == results["COUNT"] and (stable == 1).all() and np.ptp(z) > 10
    assert nmad(after[good]) == pytest.approx(results["NMAD_AFTER"], rel=1e-9)
    assert np.median(before[good]) == pytest.approx(results["MEDIAN_BEFORE"], rel=1e-9)


def test_apply_shifts_repeats_the_output(run, world, run_algorithm):
    folder, _ = run
    run_algorithm("applyshifts", {"INPUT": world.secondary.path, "SHIFT_RASTERS": str(folder / "field.tif"),
                                  "OUTPUT": str(folder / "again.tif")})
    np.testing.assert_array_equal(gdal.Open(str(folder / "again.tif")).ReadAsArray(),
                                  gdal.Open(str(folder / "aligned.tif")).ReadAsArray())


def test_heights_from_a_field_and_a_csv_in_degrees(layers, world, run_algorithm, tmp_path):
    from qgis.core import QgsVectorLayer

    url = (layers / "points.csv").as_uri() + "?type=csv&xField=lon&yField=lat&crs=EPSG:4326"
    text = QgsVectorLayer(url, "csv", "delimitedtext")
    assert text.isValid()
    for points, field in ((str(layers / "flat.gpkg"), "h"), (text, "height")):
        results = run_algorithm("coregisterpoints", {
            "POINTS": points, "HEIGHT_FIELD": field, "SECONDARY": world.secondary.path, "METHOD": "nuth_kaab",
            "OUTPUT": str(tmp_path / "out.tif")})
        assert (results["SHIFT_X"], results["SHIFT_Y"], results["SHIFT_Z"]) == pytest.approx(SHIFT, abs=0.15)
        assert results["BLOCKS"] == 1 and "RESIDUALS" not in results


def test_vertical_shift_alone(layers, world, run_algorithm, tmp_path):
    results = run_algorithm("coregisterpoints", {
        "POINTS": str(layers / "z.gpkg"), "SECONDARY": world.clean.path, "METHOD": "vertical_shift",
        "OUTPUT": str(tmp_path / "out.tif")})
    assert results["SHIFT_X"] == results["SHIFT_Y"] == 0 and abs(results["MEDIAN_AFTER"]) < 0.01


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"POINTS": "flat.gpkg"}, "name the field that holds the heights"),
    ({"HEIGHT_FIELD": "nothing"}, "POINTS has no field 'nothing'"),
    ({"POINTS": "points.csv"}, "delimited text"),
    ({"BLOCK_SIZE": 5}, "at least 16 cells"),
    ({"METHOD": "icp"}, "choose one of lzd, nuth_kaab, vertical_shift"),
    ({"RESIDUALS": "z.gpkg"}, "would overwrite POINTS"),
    ({"OUTPUT": "SECONDARY"}, "would overwrite SECONDARY"),
])
def test_one_sentence_for_what_cannot_work(layers, world, run_algorithm, tmp_path, changes, sentence):
    from qgis.core import QgsProcessingException

    parameters = {"POINTS": "z.gpkg", "SECONDARY": world.secondary.path, "OUTPUT": str(tmp_path / "out.tif"),
                  **changes}
    for name in ("POINTS", "RESIDUALS"):
        if name in parameters:
            parameters[name] = str(layers / parameters[name])
    if parameters["OUTPUT"] == "SECONDARY":
        parameters["OUTPUT"] = world.secondary.path
    with pytest.raises(QgsProcessingException, match=sentence):
        run_algorithm("coregisterpoints", parameters)
    assert not list(tmp_path.iterdir())
