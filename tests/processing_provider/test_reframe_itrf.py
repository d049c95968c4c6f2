"""Reframe ITRF in a real QGIS: known truth, every kind of geometry, refusals, nothing half-written."""

import datetime

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

NOTEBOOK = (-50.0, 70.0, 1.0)
REFRAMED = (-50.0000001319163, 69.99999974953995, 1.0052761882543564)
PROPAGATED = (-50.00001093731963, 70.00000270451477, 1.00598971)
METRES = np.array([38186.5, 111562.0, 1.0])
# ITRF93 -> ITRF2014: EPSG:8074, position vector, published from ITRF2014 at 2010.0.
ITRF93_TO_2014 = ("+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart "
                  "+ellps=GRS80 "
                  "+step +inv +proj=helmert +x=-0.0504 +y=0.0033 +z=-0.0602 +s=0.00429 +rx=-0.00281 "
                  "+ry=-0.00338 "
                  "+rz=0.0004 +dx=-0.0028 +dy=-0.0001 +dz=-0.0025 +ds=0.00012 +drx=-0.00011 +dry=-0.00019 "
                  "+drz=0.00007 +t_epoch=2010 +convention=position_vector +step +inv +proj=cart +ellps=GRS80 "
                  "+step +proj=unitconvert +xy_in=rad +xy_out=deg")


def layer(geometries, attributes=None, fields="id:integer", kind="PointZ", crs="EPSG:7905"):
    """A memory layer of geometries as WKT (None: none)."""
    made = QgsVectorLayer(
        f"{kind}?crs={crs}&" + "&".join(f"field={field}" for field in fields.split(",")), "in", "memory"
    )
    features = []
    for number, text in enumerate(geometries):
        feature = QgsFeature(made.fields())
        feature.setAttributes(list(attributes[number]) if attributes else [number])
        if text:
            feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    made.dataProvider().addFeatures(features)
    return made


def point(lon, lat, height):
    return f"PointZ ({lon!r} {lat!r} {height!r})"


def only(result):
    (feature,) = result["OUTPUT"].getFeatures()
    return feature


def xyz(feature):
    vertex = feature.geometry().constGet()
    return np.array([vertex.x(), vertex.y(), vertex.z()])


@pytest.fixture()
def reframe(run_algorithm):
    def run(source, **parameters):
        return run_algorithm("reframeitrf", {"INPUT": source, "TARGET_FRAME": "ITRF2014", "OUTPUT": "memory:",
                                             **parameters})
    return run


def test_notebook_point_both_steps(reframe):
    source = layer([point(*NOTEBOOK)])
    frame = reframe(source, EPOCH="1993.5")
    assert np.abs((xyz(only(frame)) - REFRAMED) * METRES).max() < 1e-5
    both = reframe(source, EPOCH="1993.5", TARGET_EPOCH="2018.5")
    assert np.abs((xyz(only(both)) - PROPAGATED) * METRES).max() < 1e-5
    feature = only(both)
    assert [feature[name] for name in ("frame", "epoch", "model", "plate")] == [
        "ITRF2014", 2018.5, "ITRF2014-PMM", "NOAM"]
    assert (feature["d_east"], feature["d_north"], feature["d_up"]) == pytest.approx(
        (-0.41766, 0.30172, 0.00599), abs=1e-5
    )
    assert both["COUNT"] == 1 and both["SKIPPED"] == 0
    assert (both["MEAN_EAST"], both["MEAN_NORTH"], both["MEAN_UP"]) == pytest.approx(
        (-0.41766, 0.30172, 0.00599), abs=1e-5
    )
    assert both["MAX_DISPLACEMENT"] == pytest.approx(np.sqrt(0.41766**2 + 0.30172**2 + 0.00599**2), abs=1e-5)


def test_there_and_back(reframe):
    there = reframe(layer([point(*NOTEBOOK)]), EPOCH="1993.5", TARGET_EPOCH="2018.5")["OUTPUT"]
    back = reframe(
        there, SOURCE_FRAME_FIELD="frame", EPOCH_FIELD="epoch", TARGET_FRAME="ITRF93", TARGET_EPOCH="1993.5"
    )
    assert np.abs((xyz(only(back)) - NOTEBOOK) * METRES).max() < 5e-6
    assert only(back)["d_east"] > 0 > only(back)["d_north"]


def test_each_feature_has_its_frame_and_epoch(reframe):
    from pyproj import Transformer

    rows = [(1, "ITRF93", 1993.5), (2, "itrf2014", 2001.25), (3, "ITRF93", 2005.0), (4, "ITRF2008", 2010.0)]
    source = layer([point(*NOTEBOOK)] * 4, rows, "id:integer,Realization:string,t:double", crs="EPSG:4326")
    result = reframe(source, SOURCE_FRAME_FIELD="realization", EPOCH_FIELD="t")
    features = {feature["id"]: feature for feature in result["OUTPUT"].getFeatures()}
    for number, epoch in ((1, 1993.5), (3, 2005.0)):
        truth = Transformer.from_pipeline(ITRF93_TO_2014).transform(*NOTEBOOK, epoch)[:3]
        assert np.abs((xyz(features[number]) - truth) * METRES).max() < 1e-5
    assert np.abs((xyz(features[2]) - NOTEBOOK) * METRES).max() == 0.0
    # ITRF2008 at 2010.0 lies 1.6, 1.9, 2.4 mm and -0.02 ppb from ITRF2014 (EPSG:7790).
    assert 1e-3 < np.linalg.norm([features[4][name] for name in ("d_east", "d_north", "d_up")]) < 5e-3
    assert [features[number]["epoch"] for number in (1, 2, 3, 4)] == [1993.5, 2001.25, 2005.0, 2010.0]
    assert result["OUTPUT"].crs().authid() == "EPSG:4326"


@pytest.mark.parametrize("kind, value", [
    ("double", 1993.5), ("string", "1993.5"), ("string", "1993-07-02T12:00:00Z"), ("date", QDate(1993, 7, 2)),
    ("datetime", QDateTime(QDate(1993, 7, 2), QTime(12, 0)))])
def test_epochs_of_every_type(reframe, kind, value):
    source = layer([point(*NOTEBOOK)], [(1, value)], f"id:integer,epoch:{kind}")
    feature = only(reframe(source, EPOCH_FIELD="epoch"))
    expected = 1993 + 182 / 365 if kind == "date" else 1993.5
    assert feature["epoch"] == pytest.approx(expected, abs=1e-9)
    assert feature.fields().names() == ["id", "epoch", "frame", "model", "plate", "d_east", "d_north", "d_up"]


def test_utc_times_do_not_depend_on_the_machine(reframe):
    moment = QDateTime(QDate(1993, 7, 2), QTime(14, 0), Qt.TimeSpec.OffsetFromUTC, 7200)
    from commonground.processing_provider.frame_parameters import plain

    assert plain(moment) == datetime.datetime(1993, 7, 2, 12)


KINDS = {
    "Point": "Point (-50 70)", "PointZM": "PointZM (-50 70 1 9)", "MultiPointZ": "MultiPointZ ((-50 70 "
                                                                                 "1),(-49 70 2))",
    "LineStringM": "LineStringM (-50 70 5, -49 71 6)", "MultiLineString": "MultiLineString ((-50 70, -49 "
                                                                          "71))",
    "Polygon": "Polygon ((-50 70,-49 70,-49 71,-50 70),(-49.5 70.1,-49.4 70.1,-49.4 70.2,-49.5 70.1))",
    "MultiPolygonZ": "MultiPolygonZ (((-50 70 1,-49 70 1,-49 71 1,-50 70 1)))",
    "CompoundCurve": "CompoundCurve (CircularString (-50 70, -49.5 70.1, -49 70),(-49 70, -48 70))",
    "CurvePolygon": "CurvePolygon (CircularString (-50 70, -49.5 70.1, -49 70, -49.5 69.9, -50 70))",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_vertex_of_every_geometry(reframe, kind):
    from pyproj import Transformer

    feature = only(reframe(layer([KINDS[kind]], kind=kind), EPOCH="1993.5"))
    before, after = QgsGeometry.fromWkt(KINDS[kind]), feature.geometry()
    assert after.wkbType() == before.wkbType()
    truth = Transformer.from_pipeline(ITRF93_TO_2014)
    ups = []
    vertices = list(before.vertices()), list(after.vertices())
    assert len(vertices[0]) == len(vertices[1])
    for old, new in zip(*vertices):
        height = old.z() if old.is3D() else 0.0
        lon, lat, z, _ = truth.transform(old.x(), old.y(), height, 1993.5)
        assert abs(new.x() - lon) * 38186 < 1e-5 and abs(new.y() - lat) * 111562 < 1e-5
        assert new.is3D() == old.is3D() and new.isMeasure() == old.isMeasure()
        if old.is3D():
            assert abs(new.z() - z) < 1e-5
        if old.isMeasure():
            assert new.m() == old.m()
        ups.append(z - height)
    assert feature["d_up"] == pytest.approx(np.mean(ups), abs=1e-5)


@pytest.mark.parametrize("epsg", [32622, 3413, 3031])
def test_projected_layers(reframe, epsg):
    from pyproj import CRS, Transformer

    crs = CRS.from_epsg(epsg)
    project = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    place = (-50.3, -75.0 if epsg == 3031 else 70.2)
    x, y = project.transform(*place)
    source = layer([f"PointZ ({x!r} {y!r} 800)"], crs=f"EPSG:{epsg}")
    result = reframe(source, SOURCE_FRAME="ITRF93", EPOCH="1993.5")
    lon, lat, height, _ = Transformer.from_pipeline(ITRF93_TO_2014).transform(*place, 800.0, 1993.5)
    assert np.abs(xyz(only(result)) - (*project.transform(lon, lat), height)).max() < 1e-5
    assert result["OUTPUT"].crs().authid() == f"EPSG:{epsg}"
    assert result["OUTPUT"].crs().coordinateEpoch() == 1993.5


def test_geocentric_layers(reframe):
    source = layer(["PointZ (4027894.006 307045.600 4919474.910)"], crs="EPSG:4915")
    result = reframe(source, EPOCH="1993.0")
    assert np.abs(xyz(only(result)) - (4027894.0021, 307045.5873, 4919474.9151)).max() < 2e-4
    assert result["OUTPUT"].crs().authid() == "EPSG:7789"


def test_height_field(reframe):
    source = layer(
        ["Point (-50 70)", "Point (-50 70)"], [(1, 1), (2, None)], "id:integer,Elev:integer", "Point"
    )
    features = list(reframe(source, EPOCH="1993.5", HEIGHT_FIELD="elev")["OUTPUT"].getFeatures())
    assert features[0]["Elev"] == pytest.approx(REFRAMED[2], abs=1e-5)
    assert not features[0].geometry().constGet().is3D()
    assert isinstance(features[1]["d_up"], float) and not isinstance(features[1]["Elev"], float)


def test_geopackage_keeps_epoch_and_attributes(reframe, tmp_path):
    target = tmp_path / "étude" / "moved.gpkg"
    source = layer([point(*NOTEBOOK)], [(7, "ice", 2.5)], "id:integer,name:string,Plate:double")
    result = reframe(source, EPOCH="1993.5", TARGET_EPOCH="2018.5", OUTPUT=str(target))
    assert result["OUTPUT"] == str(target)
    written = QgsVectorLayer(str(target))
    feature = next(written.getFeatures())
    assert written.crs().authid() == "EPSG:7912" and written.crs().coordinateEpoch() == 2018.5
    assert (feature["id"], feature["name"], feature["Plate"]) == (7, "ice", "NOAM")
    assert written.fields().names() == [
        "fid",
        "id",
        "name",
        "Plate",
        "frame",
        "epoch",
        "model",
        "d_east",
        "d_north",
        "d_up",
    ]
    assert [
        item.name for item in target.parent.iterdir() if item.suffix not in (".gpkg-wal", ".gpkg-shm")
    ] == ["moved.gpkg"]


def test_shapefiles_come_with_all_their_parts(reframe, tmp_path):
    target = tmp_path / "moved.shp"
    reframe(layer(["Point (-50 70)"], kind="Point"), EPOCH="1993.5", OUTPUT=str(target))
    assert {item.suffix for item in tmp_path.iterdir()} >= {".shp", ".shx", ".dbf", ".prj"}
    assert QgsVectorLayer(str(target)).featureCount() == 1


def test_features_without_geometry_pass(reframe):
    result = reframe(layer([point(*NOTEBOOK), None]), EPOCH="1993.5")
    one, other = result["OUTPUT"].getFeatures()
    assert result["COUNT"] == 2 and result["SKIPPED"] == 0
    assert not other.hasGeometry() and not isinstance(other["d_east"], float)
    assert result["MEAN_EAST"] == pytest.approx(one["d_east"])


REFUSALS = [
    ({}, "epoch of the coordinates is missing"),
    ({"EPOCH": "1066"}, "between 1980 and 2050"),
    ({"EPOCH": "soon"}, "'soon'"),
    ({"EPOCH": "1993.5", "EPOCH_FIELD": "t"}, "both given"),
    ({"EPOCH": "1993.5", "TARGET_FRAME": None}, "TARGET_FRAME is missing"),
    ({"EPOCH": "1993.5", "TARGET_FRAME": "ITRF95"}, "choose one of ITRF88"),
    ({"EPOCH": "1993.5", "EPOCH_FIELD": None, "SOURCE_FRAME_FIELD": "nope"}, "no field 'nope'"),
    ({"EPOCH": "1993.5", "TARGET_EPOCH": "2018.5", "MODEL": "VELOCITY"}, "needs VELOCITY_EAST"),
    (
        {"EPOCH": "1993.5", "TARGET_EPOCH": "2018.5", "MODEL": "VELOCITY", "VELOCITY_EAST": 0.01},
        "needs VELOCITY_EAST",
    ),
    ({"EPOCH": "1993.5", "TARGET_EPOCH": "2018.5", "VELOCITY_EAST": 0.01}, "MODEL=VELOCITY"),
    ({"EPOCH": "1993.5", "TARGET_EPOCH": "2018.5", "PLATE": "CARB"}, "no plate 'CARB'.*NOAM"),
    (
        {
            "EPOCH": "1993.5",
            "TARGET_EPOCH": "2018.5",
            "MODEL": "VELOCITY",
            "VELOCITY_EAST": 36.6,
            "VELOCITY_NORTH": 0.0,
        },
        "metres per year",
    ),
]


@pytest.mark.parametrize("parameters, words", REFUSALS)
def test_what_cannot_work_is_said_first(reframe, tmp_path, parameters, words):
    source = layer([point(*NOTEBOOK)], [(1, 1993.5)], "id:integer,t:double")
    with pytest.raises(QgsProcessingException, match=words):
        reframe(source, **{"OUTPUT": str(tmp_path / "out.gpkg"), **parameters})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("crs, words", [("EPSG:4326", "realization"), ("EPSG:3413", "realization"),
                                        ("EPSG:4167", "NZGD2000|deformation")])
def test_vague_frames_are_not_guessed(reframe, crs, words):
    with pytest.raises(QgsProcessingException, match=words):
        reframe(layer([point(*NOTEBOOK)], crs=crs), EPOCH="2000.0")


def test_unresolved_features_stop_or_are_left_out(reframe, tmp_path):
    rows = [
        (1, 1993.5, "ITRF93"),
        (2, None, "ITRF93"),
        (3, 1700.0, "ITRF93"),
        (4, 1993.5, "ED50"),
        (5, 1993.5, None),
    ]
    source = layer([point(*NOTEBOOK)] * 5, rows, "id:integer,t:double,f:string")
    parameters = {"EPOCH_FIELD": "t", "SOURCE_FRAME_FIELD": "f", "OUTPUT": str(tmp_path / "out.gpkg")}
    with pytest.raises(QgsProcessingException, match=r"2 feature\(s\) have no epoch.*first ids: 2, 3.*first "
                                                     r"ids: 4, 5"):
        reframe(source, **parameters)
    assert list(tmp_path.iterdir()) == []
    result = reframe(source, **{**parameters, "UNRESOLVED": "skip", "OUTPUT": "memory:"})
    assert (result["COUNT"], result["SKIPPED"]) == (1, 4)
    assert only(result)["id"] == 1


def test_an_older_result_survives_a_refusal_and_a_cancel(run_algorithm, reframe, tmp_path):
    target = tmp_path / "out.gpkg"
    reframe(layer([point(*NOTEBOOK)]), EPOCH="1993.5", OUTPUT=str(target))
    many = layer([point(*NOTEBOOK)] * 9000)

    feedback = QgsProcessingFeedback()
    feedback.progressChanged.connect(lambda percent: feedback.cancel() if percent > 45 else None)
    run_algorithm(
        "reframeitrf",
        {"INPUT": many, "TARGET_FRAME": "ITRF2014", "EPOCH": "1993.5", "OUTPUT": str(target)},
        feedback=feedback,
    )
    assert feedback.isCanceled()
    assert QgsVectorLayer(str(target)).featureCount() == 1
    assert not [item for item in tmp_path.iterdir() if item.name.startswith(".")]


def test_output_on_its_own_input_is_refused(reframe, tmp_path):
    target = tmp_path / "a.gpkg"
    reframe(layer([point(*NOTEBOOK)]), EPOCH="1993.5", OUTPUT=str(target))
    with pytest.raises(QgsProcessingException, match="overwrite"):
        reframe(str(target), SOURCE_FRAME="ITRF2014", EPOCH="1993.5", OUTPUT=str(target))


def test_report_tells_the_way(reframe, tmp_path):
    page = tmp_path / "report.html"
    result = reframe(layer([point(*NOTEBOOK)]), EPOCH="1993.5", TARGET_EPOCH="2018.5", REPORT=str(page))
    text = page.read_text(encoding="utf-8")
    assert result["REPORT"] == str(page)
    for words in ("+proj=pipeline", "ITRF93 @ 1993.5", "NOAM", "2008.50", "data:image/png"):
        assert words in text


def test_the_pipeline_of_the_report_does_the_same(reframe):
    from commonground.core.frames.provenance import Place
    from commonground.core.frames.transform import FrameEpoch, PlateMotion
    from pyproj import Transformer

    place = Place(*NOTEBOOK, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 2018.5),
                  PlateMotion("ITRF2014-PMM", "NOAM"), "NOAM")
    found = np.array(Transformer.from_pipeline(place.pipeline()).transform(*NOTEBOOK, 1993.5)[:3])
    assert np.abs((found - PROPAGATED) * METRES).max() < 1e-5
    assert [epoch for epoch, *_ in place.path()] == [1993.5, 1998.5, 2003.5, 2008.5, 2013.5, 2018.5]
    assert place.path()[0][1:] == pytest.approx((-0.00504, -0.02794, 0.00528), abs=1e-5)


def test_a_layer_without_crs_is_refused(reframe):
    source = layer([point(*NOTEBOOK)])
    source.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="coordinate reference system"):
        reframe(source, SOURCE_FRAME="ITRF93", EPOCH="1993.5")
