"""Measure frames and epochs against PROJ, the disk and QGIS: python bench/frames.py all

    points   points with their own epochs through the core in blocks, against pyproj's pipeline; errors against exact
             geocentric coordinates
    raster   a raster moved, against a plain copy of its file
    vector   a GeoPackage of points through qgis_process, against QGIS copying it
    all      the three

One thread each. Seconds are of the processor (wall time beside them), the best of --repeats runs that take turns, so
that a busy machine does little harm. Files lie in build/bench/frames; nothing needs the network. `points` runs in
any Python with numpy, pyproj and scipy, e.g. to see what another numpy does: its sines are what takes the time.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GDAL_NUM_THREADS"):
    os.environ[_name] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import house  # noqa: E402, F401
import numpy as np  # noqa: E402
from commonground.core.frames import transform  # noqa: E402
from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace, proj_pipeline  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "bench" / "frames"
BLOCK = 500_000
SOURCE, TARGET = "ITRF93", FrameEpoch("ITRF2014", 2018.5)
MOTION = PlateMotion("ITRF2014-PMM", "NOAM")


def main() -> None:
    """Run the section that was asked for."""
    options = _options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    import pyproj

    print(f"Python {platform.python_version()}, numpy {np.__version__}, pyproj {pyproj.__version__} with PROJ "
          f"{pyproj.proj_version_str}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    sections = {"points": points, "raster": raster, "vector": vector}
    for name, section in sections.items():
        if options.section in (name, "all"):
            section(options)


def points(options) -> None:
    """Speed and error of the core."""
    import pyproj

    count = options.points
    draw = np.random.default_rng(1)
    lon, lat = draw.uniform(-52, -46, count), draw.uniform(68, 72, count)
    height, epoch = draw.uniform(0, 3000, count), draw.uniform(1993, 2010, count)
    proj = pyproj.Transformer.from_pipeline(proj_pipeline(FrameEpoch(SOURCE, 2000.0), TARGET, MOTION))
    blocks = [slice(first, first + BLOCK) for first in range(0, count, BLOCK)]

    def ours():
        for here in blocks:
            displace(lon[here], lat[here], height[here], FrameEpoch(SOURCE, epoch[here]), TARGET, MOTION)

    def own_plates():
        for here in blocks:
            displace(lon[here], lat[here], height[here], FrameEpoch(SOURCE, epoch[here]), TARGET,
                     PlateMotion("ITRF2014-PMM"))

    def theirs():
        for here in blocks:
            proj.transform(lon[here], lat[here], height[here], epoch[here])

    def at_once():
        displace(lon, lat, height, FrameEpoch(SOURCE, epoch), TARGET, MOTION)

    best = _take_turns(options.repeats, {"theirs": theirs, "ours": ours, "own plates": own_plates, "at once": at_once})
    print(f"\npoints: {count:,} with their own epochs, {SOURCE} -> {TARGET.frame} at {TARGET.epoch}, {MOTION.model}")
    base = best["theirs"][0]
    for name, words in (("theirs", f"pyproj pipeline, blocks of {BLOCK:,}"), ("ours", f"core, blocks of {BLOCK:,}"),
                        ("own plates", "core, each point's plate looked up"), ("at once", "core, one call")):
        cpu, wall = best[name]
        print(f"  {words:42s} {cpu:6.2f} s ({wall:.2f} wall)  {count / cpu / 1e6:5.1f} Mpt/s  {base / cpu:5.1f} x")
    _errors(proj)


def _errors(proj) -> None:
    """The analytic path against the exact one and against PROJ, by latitude; metres on the ground."""
    draw = np.random.default_rng(2)
    count = 200_000
    for low, high in ((0.0, 85.0), (85.0, 89.0), (89.0, 90.0)):
        lon, lat = draw.uniform(-180, 180, count), draw.uniform(low, high, count) * draw.choice((-1, 1), count)
        height, epoch = draw.uniform(0, 5000, count), draw.uniform(1988, 2015, count)
        worst = 0.0
        for plate in ("NOAM", "PCFC", "AUST"):
            motion = PlateMotion("ITRF2014-PMM", plate)
            given = lon, lat, height, FrameEpoch(SOURCE, epoch), TARGET, motion
            worst = max(worst, _distance(displace(*given), _exactly(given)))
        moved = proj.transform(lon, lat, height, epoch)[:3]
        ours = displace(lon, lat, height, FrameEpoch(SOURCE, epoch), TARGET, MOTION)
        print(f"  latitudes {low:.0f} to {high:.0f}: {worst * 1e6:8.2f} um from exact XYZ (3 plates), "
              f"{_apart((ours.lon, ours.lat, ours.height), moved) * 1e6:8.2f} um from PROJ")


def _exactly(given):
    known = transform._EXACT_LATITUDE
    transform._EXACT_LATITUDE = -1.0
    try:
        return displace(*given)
    finally:
        transform._EXACT_LATITUDE = known


def _distance(one, other) -> float:
    return _apart((one.lon, one.lat, one.height), (other.lon, other.lat, other.height))


def _apart(one, other) -> float:
    """The largest distance in m between two sets of (lon, lat, height)."""
    a, b = (np.array(transform.geocentric(*map(np.asarray, place))) for place in (one, other))
    return float(np.sqrt(((a - b) ** 2).sum(axis=0)).max())


def raster(options) -> None:
    """A raster moved by its georeference, and with its heights, against a copy of the file."""
    from commonground.core.raster.dem import Dem
    from commonground.core.raster.translate import ELLIPSOIDAL, KEEP, fit_move, write_moved

    path = _large_raster(options.cells)
    source, tags = FrameEpoch(SOURCE, 1993.5), {}

    def moved(heights):
        dem = Dem.open(str(path))
        move = fit_move(dem, source, TARGET, MOTION)
        write_moved(dem, str(FOLDER / "moved.tif"), move, heights, TARGET, tags)

    best = _take_turns(options.repeats, {
        "copy": lambda: shutil.copyfile(path, FOLDER / "copy.tif"),
        "keep": lambda: moved(KEEP), "ellipsoidal": lambda: moved(ELLIPSOIDAL)})
    size = path.stat().st_size / 1e6
    print(f"\nraster: {options.cells / 1e6:.0f} Mpx, float32 without compression, {size:.0f} MB")
    for name, words in (("copy", "plain copy of the file"), ("keep", "moved, HEIGHTS=keep"),
                        ("ellipsoidal", "moved, dh added, compressed")):
        cpu, wall = best[name]
        print(f"  {words:42s} {cpu:6.2f} s ({wall:.2f} wall)  {size / wall:6.0f} MB/s  "
              f"{wall / best['copy'][1]:5.2f} x the copy")
    for name in ("moved.tif", "copy.tif"):
        (FOLDER / name).unlink()


def _large_raster(cells: int) -> Path:
    from osgeo import gdal, osr

    path, side = FOLDER / f"{cells}.tif", round(cells ** 0.5)
    if path.exists():
        return path
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(3413)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), side, side, 1, gdal.GDT_Float32, ["TILED=YES"])
    dataset.SetGeoTransform((-200_000.0, 5.0, 0.0, -2_200_000.0, 0.0, -5.0))
    dataset.SetSpatialRef(reference)
    draw, band = np.random.default_rng(3), dataset.GetRasterBand(1)
    for row in range(0, side, 256):
        band.WriteArray(draw.normal(1000.0, 50.0, (min(256, side - row), side)).astype(np.float32), 0, row)
    dataset.FlushCache()
    return path


def vector(options) -> None:
    """Points of a GeoPackage through qgis_process, start-up included, against QGIS copying the layer."""
    path = _large_layer(options.features)

    def process(algorithm, target, *parameters):
        command = [str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", "run", algorithm, "--", f"INPUT={path}",
                   f"OUTPUT={FOLDER / target}", *parameters]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{algorithm} failed: {done.stderr}")

    best = _take_turns(options.repeats, {
        "copy": lambda: process("native:savefeatures", "copied.gpkg"),
        "reframe": lambda: process("commonground:reframeitrf", "reframed.gpkg", "TARGET_FRAME=ITRF2014",
                                   "EPOCH_FIELD=t", "TARGET_EPOCH=2018.5")}, resource.RUSAGE_CHILDREN)
    print(f"\nvector: {options.features:,} points with Z, four attributes and their own epochs, GeoPackage")
    for name, words in (("copy", "native:savefeatures (the floor)"), ("reframe", "Reframe ITRF, own plates")):
        cpu, wall = best[name]
        print(f"  {words:42s} {cpu:6.2f} s ({wall:.2f} wall)  {cpu / best['copy'][0]:5.2f} x the floor "
              f"({wall / best['copy'][1]:.2f} wall)")


def _large_layer(features: int) -> Path:
    from osgeo import ogr, osr

    path = FOLDER / f"{features}.gpkg"
    if path.exists():
        return path
    draw = np.random.default_rng(4)
    lon, lat = draw.uniform(-52, -46, features), draw.uniform(68, 72, features)
    height, epoch = draw.uniform(0, 3000, features), draw.uniform(1993, 2010, features).round(3)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(7905)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = dataset.CreateLayer("points", reference, ogr.wkbPoint25D)
    for name, kind in (("id", ogr.OFTInteger), ("t", ogr.OFTReal), ("name", ogr.OFTString), ("q", ogr.OFTReal)):
        layer.CreateField(ogr.FieldDefn(name, kind))
    definition = layer.GetLayerDefn()
    dataset.StartTransaction()
    for index in range(features):
        feature, point = ogr.Feature(definition), ogr.Geometry(ogr.wkbPoint25D)
        for column, value in enumerate((index, float(epoch[index]), "track 12", float(height[index]))):
            feature.SetField(column, value)
        point.AddPoint(lon[index], lat[index], height[index])
        feature.SetGeometryDirectly(point)
        layer.CreateFeature(feature)
    dataset.CommitTransaction()
    return path


def _take_turns(repeats: int, functions: dict, who: int = resource.RUSAGE_SELF) -> dict:
    """name -> (processor seconds, wall seconds), each the smallest of some runs that take turns."""
    best = dict.fromkeys(functions, (np.inf, np.inf))
    for _ in range(repeats):
        for name, function in functions.items():
            before, start = resource.getrusage(who), time.perf_counter()
            function()
            wall, after = time.perf_counter() - start, resource.getrusage(who)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best[name] = min(best[name][0], cpu), min(best[name][1], wall)
    return best


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", default="all", choices=("points", "raster", "vector", "all"))
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--cells", type=int, default=100_000_000)
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
