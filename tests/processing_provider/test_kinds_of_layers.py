"""Layers that are not plain files: handled, or refused with one sentence."""

import ntpath

import numpy as np
import pytest

core = pytest.importorskip("qgis.core")
gdal, osr = pytest.importorskip("osgeo.gdal"), pytest.importorskip("osgeo.osr")

SIDE, CELL = 120, 30.0
EAST, NORTH = 400000.0, 3800000.0


def write_dem(path, east=0.0, up=0.0):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    rows, cols = np.indices((SIDE, SIDE)) * CELL
    x = cols - east
    heights = 150 * np.sin(x / 400) * np.cos(rows / 520) + 60 * np.sin((x + 2 * rows) / 300) + up
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), SIDE, SIDE, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((EAST, CELL, 0, NORTH, 0, -CELL))
    dataset.SetSpatialRef(reference)
    dataset.GetRasterBand(1).WriteArray(heights)
    return str(path)


@pytest.fixture
def pair(tmp_path):
    return write_dem(tmp_path / "référence d'été.tif"), write_dem(tmp_path / "à déplacer.tif", -12, -2)


@pytest.fixture
def project(provider):
    project = core.QgsProject.instance()
    project.clear()
    yield project
    project.clear()


def boxes(name="areas"):
    """A memory layer of two polygons, the western and the eastern half of the DEM: `side` is west or east."""
    layer = core.QgsVectorLayer("Polygon?crs=EPSG:32611&field=side:string", name, "memory")
    for side, west, east in (("west", 0, SIDE // 2), ("east", SIDE // 2, SIDE)):
        feature = core.QgsFeature(layer.fields())
        feature.setGeometry(core.QgsGeometry.fromRect(core.QgsRectangle(
            EAST + west * CELL, NORTH - SIDE * CELL, EAST + east * CELL, NORTH)))
        feature["side"] = side
        layer.dataProvider().addFeatures([feature])
    layer.updateExtents()
    return layer


def cells(run_algorithm, pair, tmp_path, **more):
    """How many cells of the pair are compared."""
    return run_algorithm("nmadreport", {"REFERENCE": pair[0], "SECONDARY": pair[1],
                                        "OUTPUT": str(tmp_path / "r.html"), **more})["COUNT"]


def of_kind(kind, project, tmp_path):
    """The western half as another kind of layer."""
    layer = boxes()
    project.addMapLayer(layer)
    if kind == "memory with a subset":
        if not layer.setSubsetString("side = 'west'"):
            pytest.skip("this QGIS filters no memory layers")
        return layer
    if kind == "selection":
        layer.selectByExpression("side = 'west'")
        return core.QgsProcessingFeatureSourceDefinition(layer.id(), True)
    if kind == "virtual":
        made = core.QgsVectorLayer(f"?query=select * from \"{layer.name()}\" where side = 'west'", "v", "virtual")
    else:
        path = str(tmp_path / "zonés ü.gpkg")
        options = core.QgsVectorFileWriter.SaveVectorOptions()
        options.layerName = "areas"
        core.QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, project.transformContext(), options)
        made = core.QgsVectorLayer(f"{path}|layername=areas|subset=\"side\" = 'west'", "g", "ogr")
    assert made.isValid()
    project.addMapLayer(made)
    return made


@pytest.mark.parametrize("kind", ["memory with a subset", "selection", "virtual", "GeoPackage with a subset"])
def test_polygons_of_every_kind_mean_the_same(run_algorithm, project, pair, tmp_path, kind):
    whole = cells(run_algorithm, pair, tmp_path)
    half = cells(run_algorithm, pair, tmp_path, UNSTABLE=of_kind(kind, project, tmp_path))
    assert 0.45 * whole < half < 0.55 * whole


@pytest.mark.parametrize("kind", ["vrt", "geopackage", "zip"])
def test_rasters_of_every_kind_are_read(run_algorithm, project, pair, tmp_path, kind):
    path = pair[1]
    if kind == "vrt":
        path = str(tmp_path / "virtuel é.vrt")
        gdal.BuildVRT(path, [pair[1]])
    elif kind == "geopackage":
        gdal.Translate(str(tmp_path / "two.gpkg"), pair[1], creationOptions=["RASTER_TABLE=dem"])
        path = f"GPKG:{tmp_path / 'two.gpkg'}:dem"
    else:
        import zipfile

        with zipfile.ZipFile(tmp_path / "dem.zip", "w") as archive:
            archive.write(pair[1], "inside.tif")
        path = f"/vsizip/{tmp_path / 'dem.zip'}/inside.tif"
    layer = core.QgsRasterLayer(path, kind)
    assert layer.isValid()
    project.addMapLayer(layer)
    assert cells(run_algorithm, (pair[0], layer), tmp_path) == cells(run_algorithm, pair, tmp_path)


def refused(provider, parameters, project):
    """The sentence of a refusal, or "" where the parameters are taken."""
    context = core.QgsProcessingContext()
    context.setProject(project)
    good, said = provider.algorithm("nmadreport").create().checkParameterValues(parameters, context)
    if good:
        feedback = core.QgsProcessingFeedback()
        _results, ran = provider.algorithm("nmadreport").create().run(parameters, context, feedback)
        said = "" if ran else feedback.textLog()
    return said


def test_pictures_from_servers_are_refused(provider, project, pair, tmp_path):
    wms = core.QgsRasterLayer("type=xyz&url=file:///nowhere/{z}/{x}/{y}.png&zmax=3&zmin=0", "tiles", "wms")
    project.addMapLayer(wms)
    said = refused(provider, {"REFERENCE": pair[0], "SECONDARY": wms.id(), "OUTPUT": str(tmp_path / "r.html")}, project)
    assert "SECONDARY" in said and "wms" in said and "export" in said.lower() and "Traceback" not in said


@pytest.mark.parametrize("source", [
    "PG: dbname='nobody' host='127.0.0.1' port='1' schema='s' table='dem' mode='2'",
    "C:\\Données d'été\\dem.tif", "\\\\server\\share\\dem.tif", "/vsicurl/http://127.0.0.1:1/dem.tif"])
def test_what_cannot_be_opened_is_refused_with_a_sentence(provider, project, pair, tmp_path, source):
    said = refused(provider, {"REFERENCE": pair[0], "SECONDARY": source, "OUTPUT": str(tmp_path / "r.html")}, project)
    assert said.strip() and "Traceback" not in said and len(said) < 400


def test_a_layer_whose_database_is_gone_is_refused(provider, project, pair, tmp_path):
    lost = core.QgsVectorLayer("dbname='nobody' host=127.0.0.1 port=1 connect_timeout=1 table=\"s\".\"t\" (geom)", "pg",
                               "postgres")
    assert not lost.isValid()
    project.addMapLayer(lost)
    said = refused(provider, {"REFERENCE": pair[0], "SECONDARY": pair[1], "UNSTABLE": lost.id(),
                              "OUTPUT": str(tmp_path / "r.html")}, project)
    assert said.strip() and "Traceback" not in said


def test_windows_paths_find_the_layers_of_a_run(qgis_app, monkeypatch):
    """A layer's source has slashes there, what the run kept may have backslashes and another case."""
    from commonground.ui import dock

    monkeypatch.setattr(dock.os, "path", ntpath)
    assert dock.same_file("C:/Daten/dh vor.tif", "c:\\daten\\DH vor.tif")
    assert not dock.same_file("C:/Daten/dh vor.tif", "C:/Daten/dh nach.tif")
