"""Cancelled at any moment: over within a second, and nothing left."""

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from hostile import CELL, EAST, ORIGIN, UP, Folder, hills
from osgeo import gdal, ogr

pytest.importorskip("qgis.core")
LONG = bool(os.environ.get("COMMONGROUND_LONG"))
SIZE, FEATURES, MOMENTS = (6000, 1_000_000, 3) if LONG else (1200, 20_000, 1)
LIMIT = 1.0 if LONG else 2.0
"""Seconds; in a short run next to other work the machine may be busy."""
LONGEST = 20.0


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Large inputs of every kind, by name."""
    folder = Folder(tmp_path_factory.mktemp("large"))
    made = {"folder": folder, "REFERENCE": folder.raster("reference.tif", hills(SIZE, SIZE)),
            "SECONDARY": folder.raster("secondary.tif", hills(SIZE, SIZE, east=EAST, up=UP))}
    made["SHIFTS"] = folder.raster("shifts.tif", np.ones((4, 4), np.float32), bands=3,
                                   transform=(ORIGIN[0], SIZE * CELL / 3, 0, ORIGIN[1], 0, -SIZE * CELL / 3))
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.05, 0.95, FEATURES) * SIZE * CELL for _ in range(2))
    made["POINTS"] = points(folder, "points.gpkg", ORIGIN[0] + x, ORIGIN[1] - y, 500 + 0 * x, 32611)
    made["LATER"] = points(folder, "later.gpkg", ORIGIN[0] + x + 5, ORIGIN[1] - y, 499 + 0 * x, 32611)
    lines = "".join(f"{-50 + 1e-6 * i:.6f},70,{1000 + i % 9},2019-03-14T12:00:00\n" for i in range(FEATURES))
    made["TABLE"] = folder.file("table.csv", "lon,lat,h,time\n" + lines)
    return made


def points(folder, name, x, y, z, crs):
    """A GeoPackage of many points with frame and epoch."""
    path = folder.vector(name, [], crs, {"frame": ogr.OFTString, "epoch": ogr.OFTReal}, geometry=ogr.wkbPoint25D)
    dataset = ogr.Open(path, 1)
    layer = dataset.GetLayer(0)
    layer.StartTransaction()
    for row in zip(x.tolist(), y.tolist(), z.tolist()):
        feature = ogr.Feature(layer.GetLayerDefn())
        point = ogr.Geometry(ogr.wkbPoint25D)
        point.AddPoint(*row)
        feature.SetGeometryDirectly(point)
        feature.SetField(0, "ITRF2014")
        feature.SetField(1, 2015.0)
        layer.CreateFeature(feature)
    layer.CommitTransaction()
    dataset = layer = None
    return path


FRAMES = {"SOURCE_FRAME": "ITRF2000", "TARGET_FRAME": "ITRF2014", "EPOCH": "2000.13", "TARGET_EPOCH": "2018.5",
          "PLATE": "NOAM"}
RUNS = {
    "blockwisecoregister": lambda i, out: {"REFERENCE": i["REFERENCE"], "SECONDARY": i["SECONDARY"],
                                           "OUTPUT": out("aligned.tif"), "REPORT": out("report.html"),
                                           "SHIFT_RASTERS": out("field.tif"), "DIFFERENCE_AFTER": out("dh.tif")},
    "nmadreport": lambda i, out: {"REFERENCE": i["REFERENCE"], "SECONDARY": i["SECONDARY"],
                                  "OUTPUT": out("report.html"), "DIFFERENCE": out("dh.tif")},
    "applyshifts": lambda i, out: {"INPUT": i["SECONDARY"], "SHIFT_RASTERS": i["SHIFTS"], "VERTICAL": True,
                                   "OUTPUT": out("moved.tif")},
    "correctbias": lambda i, out: {"REFERENCE": i["REFERENCE"], "SECONDARY": i["SECONDARY"],
                                   "OUTPUT": out("corrected.tif"), "REPORT": out("report.html")},
    "reframeitrfraster": lambda i, out: {**FRAMES, "INPUT": i["SECONDARY"], "TOLERANCE": 1e-9, "WARP": True,
                                         "OUTPUT": out("moved.tif")},
    "coregisterpoints": lambda i, out: {"POINTS": i["POINTS"], "SECONDARY": i["SECONDARY"], "BLOCK_SIZE": 500,
                                        "OUTPUT": out("aligned.tif"), "REPORT": out("report.html")},
    "reframeitrf": lambda i, out: {**FRAMES, "INPUT": i["POINTS"], "OUTPUT": out("moved.gpkg")},
    "importaltimetry": lambda i, out: {"INPUT": i["TABLE"], "FRAME": "ITRF2014", "OUTPUT": out("points.gpkg")},
    "elevationchange": lambda i, out: {"INPUT_BEFORE": i["POINTS"], "INPUT_AFTER": i["LATER"],
                                       "OUTPUT": out("change.gpkg")},
}


def cancelled(name, parameters, moment):
    """`(seconds from the cancelling to the end, None where the run was over before; seconds in all; what was told)`."""
    from qgis.core import QgsApplication, QgsProcessingContext, QgsProcessingFeedback

    algorithm = QgsApplication.processingRegistry().algorithmById(f"commonground:{name}")
    context, feedback, told = QgsProcessingContext(), QgsProcessingFeedback(False), []

    def cancel():
        told.append(time.monotonic())
        feedback.cancel()

    timer = threading.Timer(moment, cancel)
    started = time.monotonic()
    timer.start()
    results, _ = algorithm.run(parameters, context, feedback)
    ended = time.monotonic()
    timer.cancel()
    assert "Traceback" not in feedback.textLog(), feedback.textLog()
    if results.get("OUTPUT"):
        return None, ended - started, feedback.textLog()
    assert told, feedback.textLog()
    return ended - told[0], ended - started, feedback.textLog()


@pytest.mark.parametrize("name", RUNS if LONG else ["blockwisecoregister", "applyshifts", "importaltimetry"])
def test_it_is_over_within_a_second(name, inputs, provider, tmp_path, tally, capsys):
    gdal.SetCacheMax(256 << 20)
    rng = np.random.default_rng(len(name))
    _, duration, log = cancelled(name, RUNS[name](inputs, lambda file: str(tmp_path / "first" / file)), LONGEST)
    delays, left = [], []
    for number in range(MOMENTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        moment = rng.uniform(0.02, 0.6) * min(duration, LONGEST)
        delay, _, log = cancelled(name, RUNS[name](inputs, lambda file, folder=folder: str(folder / file)), moment)
        if delay is not None:
            delays.append((delay, moment))
            left += [path.name for path in folder.rglob("*")]
            tally("cancelled runs")
            tally("largest delay of a cancelled run (s)", delay)
            tally(f"largest delay of {name} (s)", delay)
    with capsys.disabled():
        print(f"\n{name}: {duration:.1f} s, cancelled after "
              + ", ".join(f"{moment:.1f} s in {delay:.2f} s" for delay, moment in delays), end=" ")
    assert left == [], log
    assert not delays or max(delays)[0] < LIMIT, delays
