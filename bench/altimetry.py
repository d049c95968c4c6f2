"""Measure Import Altimetry beside ogr2ogr, and its memory: python bench/altimetry.py all

    speed    a granule of ATL06 through qgis_process, against ogr2ogr writing the same layer, to GeoPackage
    memory   the largest memory of the import of a granule, and of one several times as large
    all      both

Each run is a process of its own, start-up included, with one thread; medians of --repeats runs that take turns. The
processor's seconds count on a busy machine. Files lie in build/bench/altimetry; nothing needs the network.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests")]
import granules  # noqa: E402
import house  # noqa: E402, F401
import numpy as np  # noqa: E402
from commonground.core.altimetry.hdf5 import BEAMS  # noqa: E402
from osgeo import gdal  # noqa: E402

FOLDER = ROOT / "build" / "bench" / "altimetry"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GDAL_NUM_THREADS"), "1")


def main() -> None:
    """Run the section that was asked for."""
    options = _options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"Python {platform.python_version()}, numpy {np.__version__}, GDAL {gdal.__version__}, {os.cpu_count()} "
          f"CPUs, load {os.getloadavg()[0]:.1f}")
    for name, section in {"speed": speed, "memory": memory}.items():
        if options.section in (name, "all"):
            section(options)


def speed(options) -> None:
    """The import against ogr2ogr, from the layer itself as a GeoPackage and as a table."""
    granule = _granule(options.segments)
    layer, table = FOLDER / "imported.gpkg", FOLDER / "layer.csv"
    _import(granule, layer)
    _fresh(table)
    # The table has X, Y and Z beside all fields; it is read with the types of the fields.
    _measured(["ogr2ogr", "-f", "CSV", str(table), str(layer), "-lco", "GEOMETRY=AS_XYZ", "-lco", "CREATE_CSVT=YES"])
    from_table = ["-oo", "X_POSSIBLE_NAMES=X", "-oo", "Y_POSSIBLE_NAMES=Y", "-oo", "Z_POSSIBLE_NAMES=Z",
                  "-oo", "KEEP_GEOM_COLUMNS=NO", "-a_srs", "EPSG:7912"]
    runs = {"import": lambda: _import(granule, layer),
            "GeoPackage": lambda: _ogr2ogr(layer),
            "CSV": lambda: _ogr2ogr(table, *from_table)}
    taken: dict = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, run in runs.items():
            taken[name].append(run())
    found = {name: [statistics.median(column) for column in zip(*values)] for name, values in taken.items()}
    print(f"\nspeed: {options.segments:,} segments to a GeoPackage, medians of {options.repeats}")
    for name, words in (("GeoPackage", "ogr2ogr from a GeoPackage"), ("CSV", "ogr2ogr from a table"),
                        ("import", "Import Altimetry, qgis_process")):
        cpu, wall, _ = found[name]
        ratios = ", ".join(f"{found['import'][1] / found[other][1]:.2f} x {other} (CPU "
                           f"{found['import'][0] / found[other][0]:.2f})" for other in ("GeoPackage", "CSV"))
        print(f"  {words:32s} {cpu:6.1f} s CPU, {wall:6.1f} s wall  {ratios if name == 'import' else ''}")


def memory(options) -> None:
    """Whether the memory grows with the granule."""
    print("\nmemory: the largest resident set of qgis_process")
    for segments in (1000, options.segments, 5 * options.segments):
        granule = _granule(segments)
        cpu, wall, peak = _import(granule, FOLDER / "memory.gpkg")
        print(f"  {segments:10,} segments, {granule.stat().st_size / 1e6:6.0f} MB: {peak / 1024:6.0f} MB, {cpu:5.1f} s "
              f"CPU, {wall:5.1f} s wall")
    _fresh(FOLDER / "memory.gpkg")


def _granule(segments: int) -> Path:
    """A granule of ATL06 with all beams, in all `segments` of them."""
    path = FOLDER / f"ATL06_20220401222304_01381503_006_{segments // 1000:02d}.h5"
    if not path.exists():
        granules.atl06(path, BEAMS, count=-(-segments // len(BEAMS)), lat=-80.0, step=2e-5)
    return path


def _import(granule: Path, target: Path) -> tuple:
    _fresh(target)
    return _measured([str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", "run", "commonground:importaltimetry",
                      "--", f"INPUT={granule}", f"OUTPUT={target}"])


def _ogr2ogr(source: Path, *options: str) -> tuple:
    target = FOLDER / "copied.gpkg"
    _fresh(target)
    return _measured(["ogr2ogr", "-f", "GPKG", str(target), str(source), "-nln", "points", *options])


def _fresh(path: Path) -> None:
    for old in path.parent.glob(f"{path.stem}.*"):
        old.unlink()


def _measured(command: list) -> tuple:
    """`(processor seconds, wall seconds, largest resident set in kB)` of a command with all its children."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **ONE_THREAD}) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed: {said}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", default="all", choices=("speed", "memory", "all"))
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
