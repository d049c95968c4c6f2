"""The raster frame algorithms in a real QGIS."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal, osr
from qgis.core import QgsProcessingException, QgsProcessingFeedback

MOVE = {"FRAME": "WGS84(G1150)", "EPOCH": "2000.13", "TARGET_EPOCH": "2012.9", "MODEL": "VELOCITY",
        "VELOCITY_EAST": -0.0366, "VELOCITY_NORTH": 0.0122}


@pytest.fixture()
def dem(tmp_path):
    """int16 elevations at Los Angeles, one arc second, pixel-is-point, like the demo's."""
    path = tmp_path / "dém.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 90, 60, 1, gdal.GDT_Int16, ["COMPRESS=DEFLATE"])
    dataset.SetMetadataItem("AREA_OR_POINT", "Point")
    dataset.SetGeoTransform((-118.3, 1 / 3600, 0, 34.6, 0, -1 / 3600))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    dataset.SetSpatialRef(reference)
    values = np.random.default_rng(3).integers(300, 900, (60, 90)).astype(np.int16)
    values[0, :5] = -32768
    dataset.GetRasterBand(1).SetNoDataValue(-32768)
    dataset.GetRasterBand(1).WriteArray(values)
    dataset = None
    return str(path)


def test_the_demo_case(run_algorithm, dem, tmp_path):
    out, page = str(tmp_path / "moved.tif"), tmp_path / "report.html"
    result = run_algorithm("propagateepochraster", {"INPUT": dem, **MOVE, "HEIGHTS": "keep", "OUTPUT": out,
                                                    "REPORT": str(page)})
    assert (result["EAST"], result["NORTH"], result["DH"]) == pytest.approx((-0.4674, 0.1558, 0.0), abs=5e-5)
    old, new = gdal.Open(dem), gdal.Open(out)
    assert np.array_equal(old.ReadAsArray(), new.ReadAsArray())
    assert new.GetRasterBand(1).DataType == gdal.GDT_Int16
    moved = np.array(new.GetGeoTransform()) - old.GetGeoTransform()
    assert moved[[0, 3]] == pytest.approx((result["DX"], result["DY"]), abs=1e-12)
    # Radii of curvature of WGS 84 at 34.59 N: 91 782 m a degree of longitude, 110 929 m of latitude.
    assert moved[0] * 91_700 == pytest.approx(-0.4674, rel=2e-3)
    assert moved[3] * 110_925 == pytest.approx(0.1558, rel=1e-3)
    assert not moved[[1, 2, 4, 5]].any()
    assert new.GetSpatialRef().GetCoordinateEpoch() == 2012.9
    tags = new.GetMetadata()
    assert tags["COMMONGROUND_TARGET_EPOCH"] == "2012.9" and tags["COMMONGROUND_MODEL"] == "VELOCITY"
    assert "+proj=pipeline" in tags["COMMONGROUND_PIPELINE"]
    assert "+proj=pipeline" in page.read_text(encoding="utf-8")
    with pytest.raises(QgsProcessingException, match="already moved"):
        run_algorithm("propagateepochraster", {"INPUT": out, **MOVE, "OUTPUT": str(tmp_path / "twice.tif")})


def test_heights_are_added_by_default(run_algorithm, dem, tmp_path):
    out = str(tmp_path / "moved.tif")
    result = run_algorithm("propagateepochraster", {"INPUT": dem, **MOVE, "VELOCITY_UP": 0.1, "OUTPUT": out})
    values = gdal.Open(out).ReadAsArray()
    assert result["DH"] == pytest.approx(1.277, abs=1e-4)
    assert np.allclose(values[1:] - gdal.Open(dem).ReadAsArray()[1:], 1.277, atol=1e-4)
    assert (values[0, :5] == -32768).all()


def test_reframing_without_motion(run_algorithm, dem, tmp_path):
    """ITRF93 -> ITRF2014 at 1993.5 against the same in PROJ (EPSG:8074)."""
    from pyproj import Transformer

    result = run_algorithm(
        "reframeitrfraster",
        {
            "INPUT": dem,
            "SOURCE_FRAME": "ITRF93",
            "TARGET_FRAME": "ITRF2014",
            "EPOCH": "1993.5",
            "OUTPUT": str(tmp_path / "moved.tif"),
        },
    )
    pipeline = ("+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80 "
                "+step +inv +proj=helmert +x=-0.0504 +y=0.0033 +z=-0.0602 +s=0.00429 +rx=-0.00281 "
                "+ry=-0.00338 "
                "+rz=0.0004 +dx=-0.0028 +dy=-0.0001 +dz=-0.0025 +ds=0.00012 +drx=-0.00011 +dry=-0.00019 "
                "+drz=0.00007 "
                "+t_epoch=2010 +convention=position_vector +step +inv +proj=cart +ellps=GRS80 "
                "+step +proj=unitconvert +xy_in=rad +xy_out=deg")
    lon, lat = -118.3 + 45 / 3600, 34.6 - 30 / 3600
    lon2, lat2, up, _ = Transformer.from_pipeline(pipeline).transform(lon, lat, 0.0, 1993.5)
    assert (result["DX"], result["DY"]) == pytest.approx((lon2 - lon, lat2 - lat), abs=1e-10)
    assert result["DH"] == pytest.approx(up, abs=1e-4)
    assert gdal.Open(str(tmp_path / "moved.tif")).GetSpatialRef().GetCoordinateEpoch() == 1993.5


REFUSALS = [
    ({"FRAME": None}, "realization"),
    ({"EPOCH": ""}, "EPOCH is missing"),
    ({"EPOCH": "next year"}, "EPOCH: "),
    ({"TARGET_EPOCH": ""}, "TARGET_EPOCH is missing"),
    ({"VELOCITY_NORTH": None}, "needs VELOCITY_EAST and VELOCITY_NORTH"),
    ({"MODEL": "ITRF2014-PMM"}, "MODEL=VELOCITY"),
    (
        {"MODEL": "ITRF2014-PMM", "VELOCITY_EAST": None, "VELOCITY_NORTH": None, "PLATE": "XX"},
        "no plate 'XX'",
    ),
    ({"MODEL": "best"}, "choose one of ITRF2014-PMM"),
    ({"HEIGHTS": "sea"}, "ellipsoidal, geoid, keep"),
    ({"TOLERANCE": 1e-9}, "TOLERANCE"),
    ({"INPUT": "missing.tif"}, "INPUT|source"),
]


@pytest.mark.parametrize("parameters, words", REFUSALS)
def test_what_cannot_work_is_refused_with_a_sentence(run_algorithm, dem, tmp_path, parameters, words):
    target = tmp_path / "out" / "moved.tif"
    with pytest.raises(QgsProcessingException, match=words):
        run_algorithm("propagateepochraster", {"INPUT": dem, **MOVE, "OUTPUT": str(target), **parameters})
    assert not target.exists()


def test_input_is_not_overwritten(run_algorithm, dem):
    with pytest.raises(QgsProcessingException, match="overwrite"):
        run_algorithm("propagateepochraster", {"INPUT": dem, **MOVE, "OUTPUT": dem})


def test_cancelling_leaves_no_file(run_algorithm, dem, tmp_path):
    feedback = QgsProcessingFeedback()
    feedback.cancel()
    target = tmp_path / "out" / "moved.tif"
    run_algorithm("propagateepochraster", {"INPUT": dem, **MOVE, "OUTPUT": str(target)}, feedback=feedback)
    assert not target.parent.exists() or not list(target.parent.iterdir())


def test_a_file_that_states_another_epoch_is_warned_about(run_algorithm, dem, tmp_path):
    dataset = gdal.Open(dem, gdal.GA_Update)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    reference.SetCoordinateEpoch(2015.0)
    dataset.SetSpatialRef(reference)
    dataset = None
    feedback = QgsProcessingFeedback()
    run_algorithm(
        "propagateepochraster", {"INPUT": dem, **MOVE, "OUTPUT": str(tmp_path / "o.tif")}, feedback=feedback
    )
    assert "coordinate epoch 2015" in feedback.textLog()


PROCESS = Path("/usr/bin/qgis_process.bin")


@pytest.mark.skipif(not PROCESS.exists(), reason="qgis_process is not installed")
def test_qgis_process_runs_it(dem, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "commonground").symlink_to(Path(__file__).resolve().parents[2])
    profile = tmp_path / "profile" / "profiles" / "default" / "QGIS"
    profile.mkdir(parents=True)
    (profile / "QGIS3.ini").write_text("[PythonPlugins]\ncommonground=true\n", encoding="utf-8")
    environment = {
        **os.environ,
        "QGIS_PLUGINPATH": str(plugins),
        "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"),
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }
    run = subprocess.run(
        [
            str(PROCESS),
            "--json",
            "run",
            "commonground:propagateepochraster",
            "--",
            f"INPUT={dem}",
            *(f"{name}={value}" for name, value in MOVE.items()),
            "HEIGHTS=keep",
            f"OUTPUT={tmp_path / 'moved.tif'}",
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)["results"]
    assert (results["EAST"], results["NORTH"]) == pytest.approx((-0.4674, 0.1558), abs=5e-5)
