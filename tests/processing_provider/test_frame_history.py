"""What the frame algorithms leave in a layer's history, and what they warn of."""

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessingFeedback,
    QgsRasterLayer,
    QgsVectorLayer,
)


class Heard(QgsProcessingFeedback):
    def __init__(self):
        super().__init__()
        self.warnings = []

    def pushWarning(self, warning):
        self.warnings.append(warning)


def layer(texts, kind="PointZ", epoch=None):
    made = QgsVectorLayer(f"{kind}?crs=EPSG:7912&field=id:integer", "in", "memory")
    for number, text in enumerate(texts):
        feature = QgsFeature(made.fields())
        feature.setAttributes([number])
        feature.setGeometry(QgsGeometry.fromWkt(text))
        made.dataProvider().addFeatures([feature])
    if epoch is not None:
        crs = QgsCoordinateReferenceSystem("EPSG:7912")
        crs.setCoordinateEpoch(epoch)
        made.setCrs(crs)
    return made


TEN_YEARS = {"EPOCH": "2000.0", "TARGET_EPOCH": "2010.0"}


@pytest.mark.parametrize("name", ["out.gpkg", "out.geojson", "memory:"])
def test_vector_history(run_algorithm, tmp_path, name):
    output = name if name == "memory:" else str(tmp_path / name)
    source = layer(["PointZ (10 50 0)", "PointZ (132 -24 0)"])
    result = run_algorithm("propagateepoch", {"INPUT": source, **TEN_YEARS, "OUTPUT": output})["OUTPUT"]
    made = result if name == "memory:" else QgsVectorLayer(output)
    if name.endswith("json"):
        made.loadDefaultMetadata()
    history = made.metadata().history()
    assert len(history) == 2
    assert any("EURA" in entry for entry in history) and any("AUST" in entry for entry in history)
    assert all("ITRF2014 at 2000 to ITRF2014 at 2010" in entry and "+proj=pipeline" in entry for entry in history)


def raster(path, bands=1, epsg=7912):
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 40, 30, bands, gdal.GDT_Float32)
    dataset.SetGeoTransform((10.0, 0.001, 0, 50.0, 0, -0.001))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(reference)
    for band in range(1, bands + 1):
        dataset.GetRasterBand(band).WriteArray(np.full((30, 40), 0.01 * band, np.float32))
    dataset = None
    return str(path)


def test_raster_history(run_algorithm, tmp_path):
    out = str(tmp_path / "out.tif")
    run_algorithm("propagateepochraster", {"INPUT": raster(tmp_path / "in.tif"), **TEN_YEARS, "OUTPUT": out})
    made = QgsRasterLayer(out)
    made.loadDefaultMetadata()
    (entry,) = made.metadata().history()
    assert "Propagate Epoch (raster)" in entry and "ITRF2014-PMM EURA" in entry
    assert {"out.qmd", "out.tif"} == {item.name for item in tmp_path.iterdir() if item.name.startswith("out")}


def test_a_velocity_raster_moves_a_raster(run_algorithm, tmp_path):
    velocity = raster(tmp_path / "v.tif", bands=2, epsg=9000)
    parameters = {"INPUT": raster(tmp_path / "in.tif"), **TEN_YEARS, "MODEL": "VELOCITY", "HEIGHTS": "keep"}
    result = run_algorithm("propagateepochraster", {**parameters, "VELOCITY_RASTER": velocity,
                                                    "OUTPUT": str(tmp_path / "out.tif")})
    assert (result["EAST"], result["NORTH"]) == pytest.approx((0.1, 0.2), abs=1e-6)


def test_warp_is_off_until_it_is_allowed(run_algorithm, tmp_path):
    from qgis.core import QgsProcessingException

    parameters = {"INPUT": raster(tmp_path / "in.tif"), **TEN_YEARS, "TOLERANCE": 1e-7, "HEIGHTS": "keep"}
    with pytest.raises(QgsProcessingException, match="WARP=true"):
        run_algorithm("propagateepochraster", {**parameters, "OUTPUT": str(tmp_path / "no.tif")})
    heard = Heard()
    out = str(tmp_path / "out.tif")
    run_algorithm("propagateepochraster", {**parameters, "WARP": True, "OUTPUT": out}, feedback=heard)
    assert any("resampled" in warning for warning in heard.warnings)
    made = gdal.Open(out)
    assert made.GetMetadataItem("COMMONGROUND_RESAMPLING") == "cubic"
    assert made.GetSpatialRef().GetCoordinateEpoch() == 2010.0
    assert np.allclose(made.ReadAsArray(), 0.01, atol=1e-6)


def test_features_across_plates_are_warned_about(run_algorithm):
    heard = Heard()
    source = layer(["LineString (-60 45, 10 45)", "LineString (10 45, 11 45)"], "LineString")
    run_algorithm("propagateepoch", {"INPUT": source, **TEN_YEARS, "OUTPUT": "memory:"}, feedback=heard)
    assert any("1 feature(s) span plates" in warning for warning in heard.warnings)
    assert any("lie on several plates" in warning for warning in heard.warnings)


def test_an_epoch_that_the_layer_contradicts_is_warned_about(run_algorithm):
    heard = Heard()
    source = layer(["PointZ (10 50 0)"], epoch=2015.0)
    run_algorithm("propagateepoch", {"INPUT": source, **TEN_YEARS, "OUTPUT": "memory:"}, feedback=heard)
    assert any("2015" in warning and "EPOCH=2000" in warning for warning in heard.warnings)


def test_arrows_are_an_even_sample_of_any_number():
    from commonground.processing_provider.vector_run import ARROWS, Arrows

    arrows, numbers = Arrows(), np.arange(50_000.0)
    for start in range(0, 50_000, 700):
        part = numbers[start:start + 700]
        arrows.add(part, part, part, part)
    (kept, *_) = arrows.columns()
    assert ARROWS <= kept.size <= 2 * ARROWS
    steps = np.diff(kept)
    assert steps.max() <= 2 * steps.min() and kept[0] == 0.0 and kept[-1] > 49_900
