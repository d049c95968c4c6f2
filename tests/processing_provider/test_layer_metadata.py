"""What layers say of themselves after a plain run from the toolbox."""

import numpy as np
import pytest

core = pytest.importorskip("qgis.core")
gdal, osr = pytest.importorskip("osgeo.gdal"), pytest.importorskip("osgeo.osr")


@pytest.fixture
def project(provider):
    project = core.QgsProject.instance()
    project.clear()
    yield project
    project.clear()


@pytest.fixture
def pair(tmp_path):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    rows, cols = np.indices((120, 120)) * 30.0
    paths = []
    for name, east in (("référence.tif", 0.0), ("à côté.tif", -12.0)):
        x = cols - east
        heights = 150 * np.sin(x / 400) * np.cos(rows / 520) + 60 * np.sin((x + 2 * rows) / 300)
        path = str(tmp_path / name)
        dataset = gdal.GetDriverByName("GTiff").Create(path, 120, 120, 1, gdal.GDT_Float32)
        dataset.SetGeoTransform((400000, 30, 0, 3800000, 0, -30))
        dataset.SetSpatialRef(reference)
        dataset.GetRasterBand(1).WriteArray(heights)
        dataset = None
        paths.append(path)
    return paths


def load(name, parameters):
    import processing

    return processing.runAndLoadResults(f"commonground:{name}", parameters)


def layer_of(path):
    return next(layer for layer in core.QgsProject.instance().mapLayers().values() if layer.source().startswith(path))


def test_a_coregistration_describes_all_its_layers(project, pair, tmp_path):
    secondary = core.QgsRasterLayer(pair[1], "secondary")
    told = secondary.metadata()
    told.setHistory(["flown in 1999"])
    secondary.setMetadata(told)
    project.addMapLayer(secondary)
    outputs = {"OUTPUT": str(tmp_path / "aligné.tif"), "SHIFTS": str(tmp_path / "s.gpkg"),
               "DIFFERENCE_AFTER": str(tmp_path / "after.tif")}
    report = str(tmp_path / "bericht ü.html")
    results = load("blockwisecoregister", {"REFERENCE": pair[0], "SECONDARY": secondary.id(), "BLOCK_SIZE": 60,
                                           **outputs, "REPORT": report})
    for path in outputs.values():
        layer = layer_of(path)
        metadata = layer.metadata()
        assert "Blockwise Coregister" in metadata.title() and layer.name() in metadata.title()
        assert f"NMAD after (m): {results['NMAD_AFTER']:.3f}" in metadata.abstract()
        assert "reference - secondary" in metadata.abstract()
        assert metadata.history()[0] == "flown in 1999"
        deed = metadata.history()[-1]
        assert "commonground:blockwisecoregister" in deed and "BLOCK_SIZE=60" in deed and "référence.tif" in deed
        assert metadata.crs().authid() == "EPSG:32611"
        assert metadata.links()[0].url == f"file://{report}"
        (space,) = metadata.extent().spatialExtents()
        assert (space.bounds.xMinimum(), space.bounds.yMaximum()) == (400000, 3800000)
        assert "nuth" in metadata.keywords()["Common Ground"]
        assert metadata.identifier() and metadata.type() == "dataset"


def test_points_carry_their_epoch(project):
    source = core.QgsVectorLayer("PointZ?crs=EPSG:7912&field=id:integer", "in", "memory")
    feature = core.QgsFeature(source.fields())
    feature.setGeometry(core.QgsGeometry.fromWkt("PointZ (10 50 0)"))
    source.dataProvider().addFeatures([feature])
    project.addMapLayer(source)
    load("propagateepoch", {"INPUT": source, "EPOCH": "2000.0", "TARGET_EPOCH": "2010.5", "OUTPUT": "memory:"})
    (layer,) = (layer for layer in project.mapLayers().values() if layer.id() != source.id())
    metadata = layer.metadata()
    assert "Coordinate epoch 2010.5." in metadata.abstract()
    (time,) = metadata.extent().temporalExtents()
    assert time.begin() == time.end() and time.begin().toString("yyyy-MM-dd") == "2010-07-02"
    assert any("+proj=pipeline" in entry for entry in metadata.history()), "what the algorithm says itself stays"
    assert "commonground:propagateepoch" in metadata.history()[-1]


def test_a_series_has_its_time(project, pair, tmp_path):
    load("coregisterseries", {"REFERENCE": pair[0], "SECONDARIES": [pair[1]], "EPOCHS": "2003-03-01", "BLOCK_SIZE": 0,
                              "LOAD": True, "OUTPUT": str(tmp_path / "out")})
    metadata = layer_of(str(tmp_path / "out")).metadata()
    (time,) = metadata.extent().temporalExtents()
    assert time.begin().toString("yyyy-MM-dd") == "2003-03-01"
    assert "coregisterseries" in metadata.history()[-1] and "blockwisecoregister" in metadata.history()[-2]
    assert "NMAD after (m)" in metadata.abstract(), "its own numbers, not those of the series"
