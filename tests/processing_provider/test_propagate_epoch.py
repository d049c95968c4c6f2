"""Propagate Epoch in a real QGIS: signs, plates, velocities, running twice."""

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal, osr
from qgis.core import QgsFeature, QgsGeometry, QgsProcessingException, QgsProcessingFeedback, QgsVectorLayer


def layer(places, attributes=None, fields="id:integer", crs="EPSG:7912"):
    """A memory layer of points `(lon, lat)`."""
    made = QgsVectorLayer(
        f"Point?crs={crs}&" + "&".join(f"field={field}" for field in fields.split(",")), "in", "memory"
    )
    features = []
    for number, (lon, lat) in enumerate(places):
        feature = QgsFeature(made.fields())
        feature.setAttributes(list(attributes[number]) if attributes else [number])
        feature.setGeometry(QgsGeometry.fromWkt(f"Point ({lon!r} {lat!r})"))
        features.append(feature)
    made.dataProvider().addFeatures(features)
    return made


@pytest.fixture()
def propagate(run_algorithm):
    def run(source, **parameters):
        given = {
            "INPUT": source,
            "EPOCH": "2000.0",
            "TARGET_EPOCH": "2010.0",
            "OUTPUT": "memory:",
            **parameters,
        }
        options = {"feedback": given.pop("feedback")} if "feedback" in given else {}
        return run_algorithm("propagateepoch", given, **options)
    return run


def motion(result):
    """`plate, east, north` in mm/yr of each feature (over ten years)."""
    return [(feature["plate"], feature["d_east"] * 100.0, feature["d_north"] * 100.0)
            for feature in result["OUTPUT"].getFeatures()]


def test_each_feature_moves_with_its_plate(propagate):
    """Check values of the UNAVCO plate motion calculator for ITRF2014, mm/yr."""
    feedback = QgsProcessingFeedback()
    result = propagate(layer([(132, -24), (62, 27), (48, 18)]), feedback=feedback)
    for (plate, east, north), expected in zip(motion(result), [("AUST", 32.69, 59.12), ("EURA", 28.34, 5.40),
                                                               ("ARAB", 36.11, 29.32)]):
        assert plate == expected[0]
        assert (east, north) == pytest.approx(expected[1:], abs=0.03)
    assert "several plates (ARAB, AUST, EURA)" in feedback.textLog()


def test_signs_on_the_map(propagate):
    """Australia moves north-east: later means larger coordinates; back in time smaller."""
    (later,) = propagate(layer([(132, -24)]))["OUTPUT"].getFeatures()
    (earlier,) = propagate(layer([(132, -24)]), TARGET_EPOCH="1990.0")["OUTPUT"].getFeatures()
    moved = later.geometry().asPoint()
    back = earlier.geometry().asPoint()
    assert moved.x() > 132 and moved.y() > -24 and back.x() < 132 and back.y() < -24
    assert (moved.y() + 24) * 110_770 == pytest.approx(0.5912, abs=1e-3)
    assert later["d_north"] == pytest.approx(-earlier["d_north"], abs=1e-6)


def test_a_plate_named_by_an_alias_holds_for_all(propagate):
    plates = {plate for plate, _, _ in motion(propagate(layer([(132, -24), (10, 50)]), PLATE="Eurasia"))}
    assert plates == {"EURA"}


def test_places_without_a_plate_are_refused_or_left_out(propagate):
    source = layer([(132, -24), (-75, 15)])
    with pytest.raises(QgsProcessingException, match=r"1 feature\(s\) lie on no plate.*first ids: "
                                                     r"2.*UNRESOLVED=skip"):
        propagate(source)
    result = propagate(source, UNRESOLVED="skip")
    assert (result["COUNT"], result["SKIPPED"]) == (1, 1)
    assert [plate for plate, _, _ in motion(propagate(source, MODEL="NNR-MORVEL56"))] == ["AU", "CA"]


def test_plate_fixed_frames_are_not_moved_twice(propagate):
    """Inside ETRF2014 a European point stays within a millimetre a year; ITRF2014 moves it by 25."""
    (etrf,) = motion(propagate(layer([(10, 50)]), FRAME="ETRF2014"))
    (itrf,) = motion(propagate(layer([(10, 50)]), FRAME="ITRF2014"))
    assert np.hypot(*etrf[1:]) < 0.1
    assert np.hypot(*itrf[1:]) > 20


def test_velocity_as_numbers_fields_and_raster(propagate, tmp_path):
    source = layer([(-118.2, 34.5)], [(1, -0.0366, 0.0122)], "id:integer,ve:double,vn:double")
    expected = pytest.approx((-36.6, 12.2), abs=1e-6)
    common = {"MODEL": "VELOCITY"}
    numbers = propagate(source, VELOCITY_EAST=-0.0366, VELOCITY_NORTH=0.0122, VELOCITY_UP=0.001, **common)
    assert motion(numbers)[0][1:] == expected
    assert numbers["MEAN_UP"] == pytest.approx(0.01, abs=1e-6)
    (feature,) = numbers["OUTPUT"].getFeatures()
    assert feature["model"] == "VELOCITY" and not isinstance(feature["plate"], str)
    assert (
        motion(propagate(source, VELOCITY_EAST_FIELD="ve", VELOCITY_NORTH_FIELD="vn", **common))[0][1:]
        == expected
    )
    raster = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "v.tif"), 3, 3, 2, gdal.GDT_Float32)
    raster.SetGeoTransform((-118.5, 0.2, 0, 34.8, 0, -0.2))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    raster.SetSpatialRef(reference)
    # A plane in longitude and latitude, which bilinear sampling meets exactly.
    lon, lat = np.meshgrid(-118.4 + 0.2 * np.arange(3), 34.7 - 0.2 * np.arange(3))
    raster.GetRasterBand(1).WriteArray(-0.0366 + 0.01 * (lon + 118.2))
    raster.GetRasterBand(2).WriteArray(0.0122 + 0.02 * (lat - 34.5))
    raster = None
    places = layer([(-118.2, 34.5), (-118.3, 34.42), (-100.0, 34.5)])
    found = motion(propagate(places, VELOCITY_RASTER=str(tmp_path / "v.tif"), UNRESOLVED="skip", **common))
    assert len(found) == 2
    assert found[0][1:] == pytest.approx((-36.6, 12.2), abs=1e-3)
    assert found[1][1:] == pytest.approx((-37.6, 10.6), abs=1e-3)
    with pytest.raises(QgsProcessingException, match="no velocity"):
        propagate(places, VELOCITY_RASTER=str(tmp_path / "v.tif"), **common)
    with pytest.raises(QgsProcessingException, match="given twice"):
        propagate(source, VELOCITY_EAST=1e-3, VELOCITY_EAST_FIELD="ve", VELOCITY_NORTH=0.0, **common)


def test_running_twice_is_recognised(propagate):
    once = propagate(layer([(132, -24)]))["OUTPUT"]
    with pytest.raises(QgsProcessingException, match=r"already moved to ITRF2014 at 2010.*EPOCH_FIELD=epoch"):
        propagate(once)
    with pytest.raises(QgsProcessingException, match="already moved"):
        propagate(once, EPOCH="2010.0", FRAME="ITRF2008", UNRESOLVED="skip")
    again = propagate(once, EPOCH=None, EPOCH_FIELD="epoch", TARGET_EPOCH="2020.0")["OUTPUT"]
    (feature,) = again.getFeatures()
    assert feature["epoch"] == 2020.0
    assert feature["d_north"] == pytest.approx(0.5912, abs=1e-3)
    assert feature.fields().names() == ["id", "frame", "epoch", "model", "plate", "d_east", "d_north", "d_up"]


def test_frames_by_field_stay_each_their_own(propagate):
    source = layer(
        [(10, 50), (10, 50)], [(1, "ITRF2014"), (2, "ETRF2000")], "id:integer,f:string", "EPSG:4326"
    )
    result = propagate(source, FRAME_FIELD="f")
    assert [feature["frame"] for feature in result["OUTPUT"].getFeatures()] == ["ITRF2014", "ETRF2000"]
    assert result["OUTPUT"].crs().coordinateEpoch() == 2010.0


def test_target_epoch_is_needed(propagate):
    with pytest.raises(QgsProcessingException, match="TARGET_EPOCH is missing"):
        propagate(layer([(10, 50)]), TARGET_EPOCH="")


def test_empty_texts_count_as_missing(propagate):
    result = propagate(layer([(132, -24)]), FRAME="", PLATE="", EPOCH_FIELD="", REPORT="")
    assert result["COUNT"] == 1 and "REPORT" not in result


def test_across_the_antimeridian_lines_stay_whole(propagate):
    made = QgsVectorLayer("LineString?crs=EPSG:7912&field=id:integer", "in", "memory")
    feature = QgsFeature(made.fields())
    feature.setAttributes([1])
    feature.setGeometry(QgsGeometry.fromWkt("LineString (179.9999999 -20, 180.0000001 -20)"))
    made.dataProvider().addFeatures([feature])
    (result,) = propagate(made)["OUTPUT"].getFeatures()
    west, east = (vertex.x() for vertex in result.geometry().vertices())
    assert 0 < east - west < 1e-6
