"""Import Altimetry in a real QGIS: the layer, its frame, what was dropped, and the chain to one frame and epoch."""

import sys
from pathlib import Path

import numpy as np
import pytest

qgis_core = pytest.importorskip("qgis.core")

from qgis.PyQt.QtCore import QDateTime, Qt  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import granules  # noqa: E402

NAME06 = "ATL06_20220401222304_01381503_006_01.h5"


class Log(qgis_core.QgsProcessingFeedback):
    """Keeps what the user is told."""

    def __init__(self):
        super().__init__(False)
        self.lines = []

    def pushInfo(self, info):
        self.lines.append(info)

    def pushWarning(self, warning):
        self.lines.append(f"WARNING {warning}")

    @property
    def text(self):
        return "\n".join(self.lines)


@pytest.fixture
def importer(run_algorithm, tmp_path):
    """Import to a GeoPackage; (results, layer, log)."""

    def run(path, target="púnkte.gpkg", **parameters):
        log = Log()
        target = parameters.pop("OUTPUT", str(tmp_path / "out put" / target))
        results = run_algorithm("importaltimetry", {"INPUT": str(path), "OUTPUT": target, **parameters}, feedback=log)
        layer = results["OUTPUT"]
        if isinstance(layer, str):
            layer = qgis_core.QgsVectorLayer(layer, "points", "ogr")
        assert layer.isValid()
        return results, layer, log

    return run


def values(layer, field):
    return [feature[field] for feature in layer.getFeatures()]


def test_the_layer(importer, tmp_path):
    results, layer, log = importer(granules.atl06(tmp_path / NAME06))
    assert (results["COUNT"], results["DROPPED"], results["OUTSIDE"], results["FILES"]) == (96, 4, 0, 1)
    assert layer.featureCount() == 96 and layer.wkbType() == qgis_core.QgsWkbTypes.Type.PointZ
    assert layer.crs().authid() == "EPSG:7912"
    assert [name for name in layer.fields().names() if name != "fid"] == [
        "time", "epoch", "frame", "height", "sigma", "track", "beam", "cycle", "beam_type", "sigma_geo", "quality",
        "geoid", "file"]
    first = next(layer.getFeatures())
    point = first.geometry().constGet()
    assert (point.x(), point.y(), point.z()) == (-50.0 + 2e-5, 69.0 + 2e-4, 1002.0)
    assert first["height"] == 1002.0 and first["frame"] == "ITRF2014" and first["track"] == 138
    # QGIS 3.22 writes whole seconds to a GeoPackage; the epoch is good to 10 microseconds.
    assert first["time"].toString("yyyy-MM-ddThh:mm:ss") == "2022-04-01T22:23:04"
    assert first["epoch"] == pytest.approx(2022 + (90 + 22.38447 / 24) / 365, abs=1e-7)
    assert "Dropped: 2 points without a height." in log.text
    assert "Dropped: 2 points not of the best quality." in log.text
    assert [path.name for path in (tmp_path / "out put").iterdir()] == ["púnkte.gpkg"]


def test_all_shows_what_would_be_dropped(importer, tmp_path):
    results, layer, _ = importer(granules.atl06(tmp_path / NAME06), QUALITY="all")
    assert results["COUNT"] == 98 and results["DROPPED"] == 2
    flagged = [value for value in values(layer, "flagged") if value]
    assert flagged == ["not of the best quality"] * 2


def test_memory_layer(importer, tmp_path):
    results, layer, _ = importer(granules.atl06(tmp_path / NAME06), OUTPUT="memory:")
    assert layer.featureCount() == results["COUNT"] == 96 and layer.crs().authid() == "EPSG:7912"
    assert next(layer.getFeatures())["time"] == QDateTime(2022, 4, 1, 22, 23, 4, 76, Qt.TimeSpec.UTC)


def test_extent_and_dates(importer, tmp_path):
    path = granules.atl06(tmp_path / NAME06, beams=("gt1l",))
    results, layer, _ = importer(path, EXTENT="-51,-49,69.001,69.002 [EPSG:4326]")
    assert results["COUNT"] == layer.featureCount() == 11 and results["OUTSIDE"] == 39
    assert layer.extent().yMinimum() >= 69.001 and layer.extent().yMaximum() <= 69.002
    # A date as the end counts to its last second.
    for start, end, count in (("2022-04-01", "2022-04-01", 48), ("2022-04-02", "", 0), ("", "2022-03-31", 0),
                              ("2022-04-01T22:23:04.1", "2023.0", 40), ("", "2022-04-01T22:00:00", 0)):
        results, _, log = importer(path, f"{start}{end}.gpkg".replace(":", ""), START=start, END=end)
        assert results["COUNT"] == count
        assert ("the layer is empty" in log.text) == (count == 0)


@pytest.mark.parametrize("extent, kept", [
    ("175,-175,60,70 [EPSG:4326]", [176, 179, -179, -176]), ("175,-175,60,70", [176, 179, -179, -176]),
    ("175.0, 185.0, 60, 70 [EPSG:7912]", [176, 179, -179, -176]), ("-175,175,60,70 [EPSG:4326]", [170, -170]),
    # The same place drawn on a polar map, whose outline in degrees would be a ring around the Earth.
    ("-2050000,-1500000,1500000,2050000 [EPSG:3413]", [176, 179, -179, -176]),
    (qgis_core.QgsReferencedRectangle(qgis_core.QgsRectangle(-2050000, 1500000, -1500000, 2050000),
                                      qgis_core.QgsCoordinateReferenceSystem("EPSG:3413")), [176, 179, -179, -176]),
    (qgis_core.QgsRectangle(174, 60, 178, 70), [176])])
def test_extents_across_the_antimeridian(importer, tmp_path, extent, kept):
    path = tmp_path / "table.csv"
    rows = "".join(f"{lon},67,5,2019-01-01\n" for lon in (170, 176, 179, -179, -176, -170))
    path.write_text(f"lon,lat,h,time\n{rows}", encoding="utf-8")
    results, layer, _ = importer(path, EXTENT=extent)
    assert [feature.geometry().constGet().x() for feature in layer.getFeatures()] == kept
    assert results["OUTSIDE"] == 6 - len(kept)


def test_extent_in_another_crs(importer, tmp_path):
    """What is kept lies in the box as drawn."""
    path = granules.atl06(tmp_path / NAME06, beams=("gt1l",))
    transform = qgis_core.QgsCoordinateTransform(
        qgis_core.QgsCoordinateReferenceSystem("EPSG:4326"), qgis_core.QgsCoordinateReferenceSystem("EPSG:32622"),
        qgis_core.QgsProject.instance())
    _, whole, _ = importer(path, "whole.gpkg")
    y = sorted(transform.transform(feature.geometry().asPoint()).y() for feature in whole.getFeatures())
    low, high = (y[9] + y[10]) / 2, (y[29] + y[30]) / 2
    assert importer(path, EXTENT=f"300000,600000,{low},{high} [EPSG:32622]")[0]["COUNT"] == 20


@pytest.fixture
def mixed(tmp_path):
    """A folder with a file of each kind, something else, and a granule that is empty."""
    folder = tmp_path / "flüge"
    (folder / "deeper").mkdir(parents=True)
    granules.atl06(folder / NAME06)
    granules.atl06(folder / NAME06.replace("_01.h5", "_02.h5"), count=0)
    granules.atl03(folder / "ATL03_20220401222304_01381503_007_01.h5")
    granules.atl08(folder / "ATL08_20220401222304_01381503_006_01.h5")
    granules.atl13(folder / "ATL13_20220401222304_01381503_006_01.h5")
    granules.glah06(folder / "GLAH06_634_2131_002_0084_4_01_0001.H5")
    granules.atm(folder / "ILATM1B_20140430_110310.ATM4BT4.h5")
    granules.lvis1(folder / "ILVIS2_GL2013_1114_R1406_043900.TXT")
    granules.lvis2(folder / "deeper" / "ILVIS2_GL2017_0906_R1803_043900.TXT")
    row = [1, 69123456, 310654321, 1500250, 900, 1100, 0, 0, 0, 34, 7, 145449250]
    granules.qfit(folder / "deeper" / "BLATM1B_20060522_145449.qi", [row], header="no tag")
    (folder / "snow.csv").write_text("lon,lat,h,time\n1,2,3,2020-01-01\n", encoding="utf-8")
    (folder / "readme.txt").write_text("hello", encoding="utf-8")
    return folder


def test_a_folder_of_everything(importer, mixed):
    results, layer, log = importer(mixed)
    assert results["FILES"] == 11 and results["COUNT"] == layer.featureCount()
    frames = {file[:8]: frame if isinstance(frame, str) else None
              for file, frame in zip(values(layer, "file"), values(layer, "frame"))}
    assert frames == {"ATL06_20": "ITRF2014", "ATL03_20": "ITRF2020", "ATL08_20": "ITRF2014", "ATL13_20": "ITRF2014",
                      "GLAH06_6": "ITRF2008", "ILATM1B_": "ITRF2014", "ILVIS2_G": "ITRF2008", "BLATM1B_": None,
                      "snow.csv": None}
    # Several frames: no realization may be claimed for the layer.
    assert layer.crs().authid() == "EPSG:4979"
    for sentence in ("its header names no frame", "a table names no frame", "holds no points", "in several frames",
                     "1 other file(s)", "ITRF2020, which is used", "single precision"):
        assert sentence in log.text


def test_one_product_of_a_folder(importer, mixed):
    results, layer, _ = importer(mixed, PRODUCT="ILVIS2")
    assert results["FILES"] == 2 and sorted(set(values(layer, "frame"))) == ["ITRF2000", "ITRF2008"]
    assert layer.crs().authid() == "EPSG:4979"


class TestALayerEach:
    """OUTPUT_FOLDER: as one layer, but one a file."""

    def test_beside_one_layer(self, importer, mixed, tmp_path):
        results, together, _ = importer(mixed, OUTPUT_FOLDER=str(tmp_path / "ein zeln"))
        layers = {Path(path).name: qgis_core.QgsVectorLayer(path, "x", "ogr") for path in results["OUTPUT_LAYERS"]}
        # The empty granule has none.
        assert len(layers) == 10 == len(list((tmp_path / "ein zeln").iterdir())) == results["FILES"] - 1
        assert sum(layer.featureCount() for layer in layers.values()) == together.featureCount() == results["COUNT"]
        for layer in layers.values():
            (file,) = set(values(layer, "file"))
            where = [feature for feature in together.getFeatures() if feature["file"] == file]
            assert [f["height"] for f in where] == values(layer, "height") and layer.wkbType() == together.wkbType()
        # Each knows its own frame, and has its own product's fields only.
        glas = layers["GLAH06_634_2131_002_0084_4_01_0001.gpkg"]
        assert glas.crs().authid() == "EPSG:7911" and "confidence" not in glas.fields().names()
        assert layers["ATL03_20220401222304_01381503_007_01.gpkg"].crs().authid() == "EPSG:9989"
        assert layers["snow.gpkg"].crs().authid() == "EPSG:4979"

    def test_instead_of_one_layer(self, importer, run_algorithm, mixed, tmp_path):
        results = run_algorithm("importaltimetry", {"INPUT": str(mixed), "PRODUCT": "ILVIS2",
                                                    "OUTPUT_FOLDER": str(tmp_path / "each")})
        assert results.get("OUTPUT") is None and results["COUNT"] > 0
        assert sorted(Path(path).name for path in results["OUTPUT_LAYERS"]) == sorted(
            path.name for path in (tmp_path / "each").iterdir()) == [
            "ILVIS2_GL2013_1114_R1406_043900.gpkg", "ILVIS2_GL2017_0906_R1803_043900.gpkg"]

    def test_all_or_none(self, run_algorithm, tmp_path):
        (tmp_path / "in").mkdir()
        granules.atl06(tmp_path / "in" / NAME06)
        lvis = Path(granules.lvis1(tmp_path / "in" / "ILVIS2_GL2013_1114_R1406_043900.TXT"))
        lvis.write_text(lvis.read_text(encoding="ascii") + "1 2 3\n", encoding="ascii")
        with pytest.raises(qgis_core.QgsProcessingException, match="damaged"):
            run_algorithm("importaltimetry", {"INPUT": str(tmp_path / "in"), "OUTPUT_FOLDER": str(tmp_path / "each")})
        assert list((tmp_path / "each").iterdir()) == []

    def test_a_file_is_no_folder(self, run_algorithm, tmp_path):
        with pytest.raises(qgis_core.QgsProcessingException, match="is a file: choose a folder for OUTPUT_FOLDER"):
            path = granules.atl06(tmp_path / NAME06)
            run_algorithm("importaltimetry", {"INPUT": path, "OUTPUT_FOLDER": path})

    def test_wrong_choices(self, provider, tmp_path):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            granules.atl06(tmp_path / folder / NAME06)
        algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById("commonground:importaltimetry")
        for parameters, sentence in (({}, "choose OUTPUT, OUTPUT_FOLDER or both"),
                                     ({"OUTPUT_FOLDER": str(tmp_path / "each")}, "layers of the same name")):
            good, message = algorithm.checkParameterValues({"INPUT": str(tmp_path), **parameters},
                                                           qgis_core.QgsProcessingContext())
            assert not good and sentence in message


def test_other_files_of_a_folder_are_named(importer, mixed):
    """Tables that hold no points, and damaged files that nothing says to be altimetry, do not stop a run."""
    (mixed / "granules.csv").write_text("name,size\nx,5\n", encoding="utf-8")
    (mixed / "other.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    results, _, log = importer(mixed)
    assert results["FILES"] == 11
    assert "3 other file(s) in the folder are left out (granules.csv, other.h5, readme.txt)." in log.text


def test_every_unreadable_file_is_told(run_algorithm, mixed, tmp_path):
    whole = (mixed / NAME06).read_bytes()
    for number in range(3, 7):
        (mixed / NAME06.replace("_01.h5", f"_{number:02d}.h5")).write_bytes(whole[:2000])
    said = failure(run_algorithm, mixed, tmp_path / "out.gpkg")
    assert "4 of 15 files cannot be read" in said and all(f"_{number:02d}.h5" in said for number in (3, 4, 5))
    assert not (tmp_path / "out.gpkg").exists()


def test_frame_where_the_files_tell_none(importer, mixed):
    _, layer, log = importer(mixed / "snow.csv", FRAME="ITRF97")
    assert values(layer, "frame") == ["ITRF97"] and layer.crs().authid() == "EPSG:7908"
    assert "unknown" not in log.text


@pytest.mark.parametrize("parameters, sentence", [
    ({"PRODUCT": "ATL99"}, "choose one of auto, ATL03"), ({"QUALITY": "best"}, "choose one of recommended, all"),
    ({"START": "soon"}, "START: The epoch 'soon' cannot be used"), ({"END": "2018-20"}, "END: "),
    ({"START": "2018", "END": "2017"}, "START is not before END"), ({"INPUT": "/no/such/file.h5"}, "does not exist"),
    ({"FRAME": "ITRF1"}, "choose one of ITRF88")])
def test_wrong_parameters(run_algorithm, tmp_path, parameters, sentence):
    path = granules.atl06(tmp_path / NAME06)
    algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById("commonground:importaltimetry")
    good, message = algorithm.checkParameterValues({"INPUT": path, "OUTPUT": "memory:", **parameters},
                                                   qgis_core.QgsProcessingContext())
    assert not good and sentence in message


def test_input_is_not_overwritten(provider, tmp_path):
    path = tmp_path / "snow.csv"
    path.write_text("lon,lat,h,time\n1,2,3,2020-01-01\n", encoding="utf-8")
    algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById("commonground:importaltimetry")
    good, message = algorithm.checkParameterValues({"INPUT": str(path), "OUTPUT": str(path)},
                                                   qgis_core.QgsProcessingContext())
    assert not good and "would overwrite INPUT" in message


def failure(run_algorithm, path, target, log=None):
    with pytest.raises(qgis_core.QgsProcessingException) as caught:
        run_algorithm("importaltimetry", {"INPUT": str(path), "OUTPUT": str(target)}, feedback=log)
    return str(caught.value)


def test_bad_files_leave_nothing_behind(run_algorithm, tmp_path):
    (tmp_path / "in").mkdir()
    good = Path(granules.atl06(tmp_path / "in" / NAME06))
    bad = good.with_name(good.name.replace("_01.h5", "_02.h5"))
    bad.write_bytes(good.read_bytes()[:2000])
    target = tmp_path / "out" / "points.gpkg"
    assert "download it again" in failure(run_algorithm, tmp_path / "in", target)
    empty = granules.atl06(tmp_path / NAME06, count=0)
    assert "all its beams are empty" in failure(run_algorithm, empty, target)
    (tmp_path / "nothing").mkdir()
    assert "holds no file of altimetry" in failure(run_algorithm, tmp_path / "nothing", target)
    # A row in the middle that is damaged is found while writing.
    lvis = Path(granules.lvis1(tmp_path / "ILVIS2_GL2013_1114_R1406_043900.TXT"))
    lvis.write_text(lvis.read_text(encoding="ascii") + "1 2 3\n", encoding="ascii")
    assert "damaged" in failure(run_algorithm, lvis, target)
    assert not target.exists() and list(tmp_path.glob("out/*")) == []


def test_cancel_leaves_nothing_behind(provider, tmp_path):
    path = granules.atl06(tmp_path / NAME06)
    algorithm = qgis_core.QgsApplication.processingRegistry().createAlgorithmById("commonground:importaltimetry")
    log = Log()
    log.cancel()
    results, _ = algorithm.run({"INPUT": path, "OUTPUT": str(tmp_path / "out.gpkg")},
                               qgis_core.QgsProcessingContext(), log)
    assert results == {} and not (tmp_path / "out.gpkg").exists()


def test_the_chain_to_one_frame_and_epoch(importer, run_algorithm, tmp_path):
    """ATM of 1993 in ITRF93 and ICESat-2 of 2022 in ITRF2014 over a place that moves with its plate only."""
    from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace

    row = np.arange(40)
    lat, lon = 69.0 + row * 1e-4, 310.0 + row * 1e-5
    raw = np.zeros((40, 10), dtype=int)
    raw[:, 1], raw[:, 2] = np.round(lat * 1e6), np.round(lon * 1e6)
    raw[:, 3], raw[:, 9] = 1_000_000 + 1000 * row, 191503000 + 100 * row
    old = granules.qfit(tmp_path / "BLATM1B_930623_191503.qi", raw, 10, header="930623_aa_itrf93_l12")
    reframed = {}
    for name, path in (("old", old), ("new", granules.atl06(tmp_path / NAME06))):
        _, layer, _ = importer(path, f"{name}.gpkg")
        result = run_algorithm("reframeitrf", {
            "INPUT": layer, "SOURCE_FRAME_FIELD": "frame", "EPOCH_FIELD": "epoch", "HEIGHT_FIELD": "height",
            "TARGET_FRAME": "ITRF2014", "TARGET_EPOCH": "2018.5", "MODEL": "ITRF2014-PMM", "PLATE": "NOAM",
            "OUTPUT": str(tmp_path / f"{name}_2018.gpkg")})
        reframed[name] = qgis_core.QgsVectorLayer(result["OUTPUT"], name, "ogr")
    feature = next(reframed["old"].getFeatures())
    expected = displace(raw[0, 2] / 1e6 - 360, raw[0, 1] / 1e6, 1000.0,
                        FrameEpoch("ITRF93", 1993 + (173 + 69294 / 86400) / 365), FrameEpoch("ITRF2014", 2018.5),
                        PlateMotion("ITRF2014-PMM", "NOAM"))
    point = feature.geometry().constGet()
    assert point.x() == pytest.approx(float(expected.lon), abs=1e-11)
    assert point.z() == pytest.approx(float(expected.height), abs=1e-5) == pytest.approx(feature["height"], abs=1e-5)
    for layer in reframed.values():
        assert set(values(layer, "frame")) == {"ITRF2014"} and set(values(layer, "epoch")) == {2018.5}
        assert layer.crs().authid() == "EPSG:7912"
    # The time of the measurement stays, for dh/dt.
    assert feature["time"].toString("yyyy-MM-ddThh:mm:ss") == "1993-06-23T19:14:55"


def test_the_shipped_model_brings_a_folder_of_missions_together(run_algorithm, tmp_path):
    folder = tmp_path / "missions"
    folder.mkdir()
    granules.atl06(folder / NAME06)
    granules.atm(folder / "ILATM1B_20140430_110310.ATM4BT4.h5", frame="ITRF2008")
    results = run_algorithm("altimetry_to_frame_epoch", {
        "INPUT": str(folder), "PRODUCT": "auto", "TARGET_FRAME": "ITRF2020", "TARGET_EPOCH": "2018.5",
        "MODEL": "NNR-MORVEL56", "reframe:Points": str(tmp_path / "points.gpkg")})
    layer = qgis_core.QgsVectorLayer(str(results["reframe:Points"]), "points", "ogr")
    assert layer.featureCount() > 50
    assert set(values(layer, "frame")) == {"ITRF2020"} and set(values(layer, "epoch")) == {2018.5}
    assert {name[:5] for name in values(layer, "file")} == {"ATL06", "ILATM"}
    assert max(abs(value) for value in values(layer, "d_north")) > 0.005
