"""See Common Ground work: the whole chain on a real pair of DEMs, on a known truth, and on a point of 1993.

Every step but the table of years is a `qgis_process` run of the product in a clean profile; results go to
demo_output/.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD, DATA, OUT = ROOT / "build" / "demo", ROOT / "demo" / "data", ROOT / "demo_output"
NASADEM, GLO30 = DATA / "los_angeles" / "nasadem.tif", DATA / "los_angeles" / "glo30.tif"
MODEL = ROOT / "models" / "reframe_coregister_report.model3"
MOVE = {"EPOCH": 2000.13, "TARGET_EPOCH": 2012.9, "MODEL": "VELOCITY", "VELOCITY_EAST": -0.0366,
        "VELOCITY_NORTH": 0.0122, "HEIGHTS": "keep"}
"""From SRTM's flight to GLO-30's mean epoch, with the velocity (m/yr) of the GNSS station JPLM nearby."""
GEOID_STEP = -0.72
"""EGM2008 - EGM96 here in metres (demo/data/los_angeles/README.md): the DEMs' height systems differ by it."""
YEARS = (1993.5, 1998.5, 2003.5, 2008.5, 2013.5, 2018.5)
TRUE_BLOCK = 100
"""Block size for the known truth: about a quarter of a period of its field."""


class Section:
    """A part of the demo: its folder of results, its qgis_process runs and what it has to say."""

    def __init__(self, name, title):
        self.folder = OUT / name
        self.sandbox = BUILD / name
        self.lines = ["", title, "-" * len(title)]

    def qgis(self, algorithm, **parameters):
        """The results of one qgis_process run; ends the demo where it fails."""
        command = [str(ROOT / "tools" / "clean_qgis.sh"), "qgis_process", "--json", "run", str(algorithm)]
        command += ["--", *(f"{name}={value}" for name, value in parameters.items())]
        # A profile for each section: sections run at the same time.
        done = subprocess.run(command, env={**os.environ, "COMMONGROUND_SANDBOX": str(self.sandbox)},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{algorithm} failed:\n{done.stdout}\n{done.stderr}")
        missing = [str(value) for value in parameters.values()
                   if isinstance(value, Path) and not value.exists()]
        if missing:
            sys.exit(f"{algorithm} did not write {', '.join(missing)}")
        return json.loads(done.stdout)["results"]

    def row(self, label="", *values, sign="+"):
        """A line of the table; numbers are metres."""
        cells = (value if isinstance(value, str) else f"{value:{sign}.3f} m" for value in values)
        self.lines.append((f"  {label:<34}" + "".join(f"{cell:>12}" for cell in cells)).rstrip())


def los_angeles():
    """NASADEM (2000) onto GLO-30 (2012): moved, coregistered blockwise, reported by slope class."""
    part = Section("los_angeles", "1  Los Angeles: NASADEM (2000.13) onto Copernicus GLO-30 (2012.9)")
    folder = part.folder
    moved, aligned, shifts = folder / "nasadem_2012.tif", folder / "aligned.tif", folder / "shifts.gpkg"
    step = part.qgis("commonground:propagateepochraster", INPUT=NASADEM, FRAME="WGS84(G1150)", **MOVE,
                     OUTPUT=moved, REPORT=folder / "epoch.html")
    part.row("", "east", "north", "up")
    part.row("moved by the velocity", step["EAST"], step["NORTH"], step["DH"])
    part.row("geoid step, reported, not applied", "", "", GEOID_STEP)

    found = part.qgis("commonground:blockwisecoregister", REFERENCE=GLO30, SECONDARY=moved, BLOCK_SIZE=300,
                      OVERLAP=0.25, OUTPUT=aligned, SHIFTS=shifts, SHIFT_RASTERS=folder / "shift_rasters.tif",
                      DIFFERENCE_BEFORE=folder / "difference_before.tif",
                      DIFFERENCE_AFTER=folder / "difference_after.tif", REPORT=folder / "coregistration.html")
    part.row("global shift then measured", found["SHIFT_X"], found["SHIFT_Y"], found["SHIFT_Z"])
    part.row("blocks used", f"{found['BLOCKS_USED']:.0f} of {found['BLOCKS']:.0f}")

    report = part.qgis("commonground:nmadreport", REFERENCE=GLO30, SECONDARY=moved, ALIGNED=aligned,
                       SHIFTS=shifts, CLASSES="0,5,15,30,90", OUTPUT=folder / "report.html",
                       JSON=folder / "report.json", CSV=folder / "report.csv")
    part.row()
    part.row("dh = GLO-30 - NASADEM", "before", "after", "cells")
    part.row("median", report["MEDIAN"], report["MEDIAN_ALIGNED"], f"{report['COUNT']:,.0f}")
    part.row("NMAD", report["NMAD"], report["NMAD_ALIGNED"], sign="")
    for group in json.loads((folder / "report.json").read_text(encoding="utf-8"))["statistics"]:
        if group["group"] == "slope":
            part.row(f"NMAD, slope {group['low']:g} to {group['high']:g} degrees", group["before"]["nmad"],
                     group["after"]["nmad"], f"{group['before']['count']:,}", sign="")
    return part


def known_truth():
    """GLO-30 against a copy displaced by waves of two periods: before, after, and the best possible."""
    import known_truth as truth

    waves = ", ".join(f"{size:g}" for size in truth.AMPLITUDE)
    part = Section("known_truth", f"2  Known truth: GLO-30 displaced by waves of {waves} m (E, N, up), "
                                  f"noise of {truth.NOISE:g} m")
    folder = part.folder
    folder.mkdir()
    displaced, field, found_field, aligned, best = (folder / f"{name}.tif" for name in (
        "displaced", "true_field", "found_field", "aligned", "aligned_by_truth"))
    truth.displace(GLO30, displaced, field)
    job = {"REFERENCE": GLO30, "SECONDARY": displaced, "BLOCK_SIZE": TRUE_BLOCK, "OVERLAP": 0.25}
    found = part.qgis("commonground:blockwisecoregister", **job, OUTPUT=aligned,
                      SHIFTS=folder / "shifts.gpkg", SHIFT_RASTERS=found_field,
                      DIFFERENCE_BEFORE=folder / "difference_before.tif",
                      DIFFERENCE_AFTER=folder / "difference_after.tif", REPORT=folder / "coregistration.html")
    plane = part.qgis("commonground:blockwisecoregister", **job, FIELD="plane",
                      OUTPUT=folder / "aligned_by_one_plane.tif",
                      SHIFTS=folder / "shifts_of_one_plane.gpkg")
    part.qgis("commonground:applyshifts", INPUT=displaced, SHIFT_RASTERS=field, OUTPUT=best)
    part.row("", "before", "one plane", "after", "truth")
    part.row("NMAD", found["NMAD_BEFORE"], plane["NMAD_AFTER"], truth.spread(GLO30, aligned)[1],
             truth.spread(GLO30, best)[1], sign="")
    part.row("blocks used", f"{found['BLOCKS_USED']:.0f} of {found['BLOCKS']:.0f}")
    part.row("", "east", "north", "up")
    part.row("RMS of found - true shift", *truth.figure(GLO30, found_field, folder / "shifts.png"), sign="")
    return part


def greenland():
    """A point flown in 1993 in the frame and epoch of 2018, and where it lies in the years between."""
    part = Section("greenland", "3  Greenland, 70 N 50 W: ITRF93 at 1993.5 into ITRF2014 at 2018.5")
    result = part.qgis("commonground:reframeitrf", INPUT=DATA / "greenland.geojson", SOURCE_FRAME="ITRF93",
                       EPOCH=YEARS[0], TARGET_FRAME="ITRF2014", TARGET_EPOCH=YEARS[-1], MODEL="ITRF2014-PMM",
                       OUTPUT=part.folder / "itrf2014.gpkg", REPORT=part.folder / "reframe.html")
    reported = result["MEAN_EAST"], result["MEAN_NORTH"], result["MEAN_UP"]

    # The same package as qgis_process has loaded, this time without QGIS.
    sys.path.insert(0, str(part.sandbox / "plugins"))
    from commonground.core.frames.transform import FrameEpoch, PlateMotion, displace

    moved = displace(-50.0, 70.0, 1.0, FrameEpoch("ITRF93", YEARS[0]), FrameEpoch("ITRF2014", list(YEARS)),
                     PlateMotion("ITRF2014-PMM"))
    by_year = list(zip(moved.east, moved.north, moved.up))
    part.row("displacement", "east", "north", "up")
    for year, displacement in zip(YEARS, by_year):
        part.row(f"at {year} (core from Python)", *displacement)
    part.row(f"at {YEARS[-1]} (qgis_process)", *reported)
    if max(abs(one - other) for one, other in zip(reported, by_year[-1])) > 1e-5:
        sys.exit(f"qgis_process says {reported}, core says {by_year[-1]}")
    return part


def model():
    """The first job again, as one model."""
    part = Section("model", "4  The first job as one model: reframe, coregister, report")
    outputs = {"coregister:Aligned DEM": part.folder / "aligned.tif",
               "coregister:Shifts": part.folder / "shifts.gpkg", "report:Report": part.folder / "report.html"}
    part.qgis(MODEL, REFERENCE=GLO30, SECONDARY=NASADEM, SOURCE_FRAME="WGS84(G1150)",
              TARGET_FRAME="WGS84(G1150)", **MOVE, BLOCK_SIZE=300, **outputs)
    part.row(f"{MODEL.relative_to(ROOT)} wrote {outputs['report:Report'].relative_to(ROOT)}")
    return part


def main():
    """Run all, and say where things lie."""
    began = time.monotonic()
    for folder in (OUT, BUILD):
        shutil.rmtree(folder, ignore_errors=True)
    OUT.mkdir()
    print("Common Ground: each step is a qgis_process run in a clean profile.", flush=True)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for part in [pool.submit(section) for section in (los_angeles, known_truth, greenland, model)]:
            print(*part.result().lines, sep="\n", flush=True)
    places = Section("", "Look at (in demo_output/)")
    for what, where in (("report of the real pair", "los_angeles/report.html"),
                        ("its difference maps", "los_angeles/difference_before.tif, difference_after.tif"),
                        ("its block shifts", "los_angeles/shifts.gpkg"),
                        ("true and found shifts, a figure", "known_truth/shifts.png"),
                        ("report of the known truth", "known_truth/coregistration.html"),
                        ("report of the point", "greenland/reframe.html")):
        places.lines.append(f"  {what:<34}{where}")
    print(*places.lines, f"\nDone in {time.monotonic() - began:.0f} s.", sep="\n")


if __name__ == "__main__":
    main()
