"""The table of bad inputs: what is wrong, who is given it, and what it gets: one sentence, or the right answer.

In a sentence FOLDER stands for the case's own folder and `...` for a reason in GDAL's or QGIS' own words.
docs/bad_inputs.md is made from this table (tools/reliability.py page); test_bad_inputs.py runs every row.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from hostile import CELL, EAST, ENGINEERING, ORIGIN, SIZE, UP, hills, square
from osgeo import gdal, ogr

TURNED = (ORIGIN[0] - 600, 28.0, 9.0, ORIGIN[1] + 100, 9.0, -28.0)
"""A geotransform that is turned by 18 degrees."""
BLOCKWISE, REPORT, APPLY, POINTS, BIAS = ("blockwisecoregister", "nmadreport", "applyshifts", "coregisterpoints",
                                          "correctbias")
REFRAME, PROPAGATE, REFRAME_RASTER = "reframeitrf", "propagateepoch", "reframeitrfraster"
IMPORT, CHANGE, SERIES = "importaltimetry", "elevationchange", "coregisterseries"


@dataclass(frozen=True)
class Case:
    """One bad input. `given(folder)` makes it and returns the parameters; either it is refused with `says`, or it
    works, as `works` tells people and `right(results, folder)` asserts."""

    group: str
    what: str
    algorithm: str
    given: Callable
    says: str = ""
    works: str = ""
    right: Callable | None = None

    @property
    def name(self) -> str:
        """For pytest."""
        return f"{self.algorithm}-{self.what}".replace(" ", "_")


CASES: list[Case] = []


def refused(group, what, algorithm, given, says):
    """A row that is refused."""
    CASES.append(Case(group, what, algorithm, given, says=says))


def works(group, what, algorithm, given, right, works):
    """A row that works."""
    CASES.append(Case(group, what, algorithm, given, right=right, works=works))


# What every algorithm is given besides the bad thing

def blockwise(**changes):
    """A run of blockwisecoregister with one global shift; `changes` are parameters, or functions of the folder."""
    return lambda f: {**f.pair(), "BLOCK_SIZE": 0, "OUTPUT": f.out("aligned.tif"), "REPORT": f.out("report.html"),
                      **_made(changes, f)}


def secondary(**options):
    """The same run with a secondary made otherwise."""
    return lambda f: {**blockwise()(f), "SECONDARY": f.secondary(**options)}


def report(**changes):
    """A run of nmadreport."""
    return lambda f: {**f.pair(), "OUTPUT": f.out("report.html"), "DIFFERENCE": f.out("dh.tif"), **_made(changes, f)}


def reframe(**changes):
    """A run of reframeitrf from ITRF93 at 1993.5 to ITRF2014 at 2018.5."""
    return lambda f: {"SOURCE_FRAME": "ITRF93", "TARGET_FRAME": "ITRF2014", "EPOCH": "1993.5",
                      "TARGET_EPOCH": "2018.5", "PLATE": "NOAM", "OUTPUT": f.out("moved.gpkg"),
                      **({} if "INPUT" in changes else {"INPUT": f.vector("points.gpkg")}), **_made(changes, f)}


def reframe_raster(**changes):
    """A run of reframeitrfraster."""
    return lambda f: {"SOURCE_FRAME": "ITRF2000", "TARGET_FRAME": "ITRF2014", "EPOCH": "2000.13",
                      "OUTPUT": f.out("moved.tif"), "REPORT": f.out("report.html"),
                      **({} if "INPUT" in changes else {"INPUT": f.reference()}), **_made(changes, f)}


def points(**changes):
    """A run of coregisterpoints with 400 good points."""
    return lambda f: {"SECONDARY": f.secondary(heights=hills(up=UP)), "OUTPUT": f.out("aligned.tif"),
                      "METHOD": "vertical_shift",
                      **({} if "POINTS" in changes else {"POINTS": good_points(f)}), **_made(changes, f)}


def importing(name, content, **changes):
    """A run of importaltimetry on one file."""
    return lambda f: {"INPUT": f.file(name, content), "OUTPUT": f.out("points.gpkg"), **_made(changes, f)}


def _made(changes, f):
    return {name: value(f) if callable(value) else value for name, value in changes.items()}


def good_points(f, height=lambda z, i: z, geometry=ogr.wkbPoint25D):
    """400 points of the reference's terrain."""
    rng = np.random.default_rng(1)
    rows, cols = rng.integers(5, SIZE - 5, 400), rng.integers(5, SIZE - 5, 400)
    terrain = hills()
    shapes = []
    for index, (row, col) in enumerate(zip(rows, cols)):
        made = ogr.Geometry(geometry)
        x, y = ORIGIN[0] + (col + 0.5) * CELL, ORIGIN[1] - (row + 0.5) * CELL
        if geometry == ogr.wkbPoint25D:
            made.AddPoint(x, y, float(height(terrain[row, col], index)))
        else:
            made.AddPoint_2D(x, y)
        shapes.append(made)
    return f.vector("points.gpkg", shapes, 32611, geometry=geometry)


# What is right

def shift_found(results, f):
    """The shift that was put in, to a decimetre, and a better NMAD."""
    assert abs(results["SHIFT_X"] + EAST) < 0.3 and abs(results["SHIFT_Y"]) < 0.3
    assert abs(results["SHIFT_Z"] + UP) < 0.1
    assert results["NMAD_AFTER"] < 0.3 * results["NMAD_BEFORE"]


def lift_found(results, f):
    """The vertical part of the shift alone."""
    assert abs(results["SHIFT_Z"] + UP) < 0.1


def lifted(results, f, by=-UP):
    """A vertical median of dh = reference - secondary."""
    assert abs(results["MEDIAN"] - by) < 0.05


def moved(results, f):
    """NOAM at 34 N: some 30 cm to the west in 25 years, and nothing absurd."""
    assert results["COUNT"] >= 1 and 0.1 < results["MAX_DISPLACEMENT"] < 1.0
    assert results["MEAN_EAST"] < -0.1


def read(path):
    """Cells of a raster."""
    return gdal.Open(str(path)).ReadAsArray()


RASTERS = "Rasters: where they lie"
refused(RASTERS, "a DEM without a coordinate reference system", BLOCKWISE, secondary(crs=""),
        "secondary.tif has no coordinate reference system: assign one (Layer > Set CRS) and run again.")
refused(RASTERS, "a DEM in an engineering CRS", BLOCKWISE, secondary(crs=ENGINEERING),
        "secondary.tif cannot be placed: its coordinate reference system is neither geographic nor projected: "
        "give it one that places it on the Earth.")
refused(RASTERS, "a DEM in a geocentric CRS", BLOCKWISE, secondary(crs=7789),
        "secondary.tif cannot be placed: its coordinate reference system is neither geographic nor projected: "
        "give it one that places it on the Earth.")
refused(RASTERS, "a DEM without a geotransform", BLOCKWISE, secondary(transform=False),
        "secondary.tif has no georeference: give it a geotransform (Georeferencer) first.")
refused(RASTERS, "a DEM with cells of no width", BLOCKWISE,
        secondary(transform=(ORIGIN[0], 0, 0, ORIGIN[1], 0, -CELL)),
        "secondary.tif has no georeference: give it a geotransform (Georeferencer) first.")
refused(RASTERS, "a DEM whose geotransform is not a number", REPORT,
        lambda f: {**report()(f), "SECONDARY": f.secondary(transform=(math.nan, CELL, 0, ORIGIN[1], 0, -CELL))},
        "secondary.tif has a georeference that is not a number: mend it (Georeferencer) first.")
refused(RASTERS, "a rotated reference", BLOCKWISE,
        lambda f: {**blockwise()(f), "REFERENCE": f.raster("turned.tif", transform=(
            ORIGIN[0], 29, 8, ORIGIN[1], 8, -29))},
        "turned.tif is rotated: warp it to a north-up grid before its grid serves the comparison.")
works(RASTERS, "a rotated secondary", BLOCKWISE,
      lambda f: {**blockwise()(f), "SECONDARY": f.raster("turned.tif", turned_hills(), transform=TURNED)},
      shift_found, "it is read where its cells lie")
works(RASTERS, "a secondary whose rows run north", BLOCKWISE,
      secondary(heights=hills(east=EAST, up=UP)[::-1],
                transform=(ORIGIN[0], CELL, 0, ORIGIN[1] - SIZE * CELL, 0, CELL)),
      shift_found, "the same shift as for the file the other way up")
works(RASTERS, "a reference whose rows run north", BLOCKWISE,
      lambda f: {**blockwise()(f), "REFERENCE": f.raster("upturned.tif", hills()[::-1], transform=(
          ORIGIN[0], CELL, 0, ORIGIN[1] - SIZE * CELL, 0, CELL))},
      shift_found, "the same shift as for the file the other way up")
works(RASTERS, "a secondary whose columns run west", BLOCKWISE,
      secondary(heights=hills(east=EAST, up=UP)[:, ::-1],
                transform=(ORIGIN[0] + SIZE * CELL, -CELL, 0, ORIGIN[1], 0, -CELL)),
      shift_found, "the same shift as for the file the other way round")
refused(RASTERS, "two DEMs side by side", BLOCKWISE,
        secondary(transform=(ORIGIN[0] + SIZE * CELL + 300, CELL, 0, ORIGIN[1], 0, -CELL)),
        "reference.tif and secondary.tif do not overlap: check their extents and CRSs.")
refused(RASTERS, "two DEMs side by side", REPORT,
        lambda f: {**report()(f), "SECONDARY": f.secondary(
            transform=(ORIGIN[0] + SIZE * CELL + 300, CELL, 0, ORIGIN[1], 0, -CELL))},
        "reference.tif and secondary.tif do not overlap: choose DEMs of the same place and check their CRSs.")
refused(RASTERS, "two DEMs that share one cell", BLOCKWISE,
        secondary(transform=(ORIGIN[0] + (SIZE - 1) * CELL, CELL, 0, ORIGIN[1] - (SIZE - 1) * CELL, 0, -CELL)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
works(RASTERS, "two DEMs that share one cell", REPORT,
      lambda f: {**report()(f), "SECONDARY": f.secondary(transform=(
          ORIGIN[0] + (SIZE - 1) * CELL, CELL, 0, ORIGIN[1] - (SIZE - 1) * CELL, 0, -CELL))},
      lambda r, f: _same(r["COUNT"], 1), "the statistics of that one cell")
refused(RASTERS, "a DEM of the antipodes", BLOCKWISE, secondary(transform=(-400000, CELL, 0, -3800000, 0, -CELL),
                                                                 crs=32701),
        "reference.tif and secondary.tif do not overlap: check their extents and CRSs.")
refused(RASTERS, "a DEM from the other side of the Earth in degrees", BLOCKWISE,
        secondary(transform=(63, 0.0003, 0, -34, 0, -0.0003), crs=4326),
        "reference.tif and secondary.tif do not overlap: check their extents and CRSs.")
works(RASTERS, "two DEMs across the antimeridian, in degrees", BLOCKWISE,
      lambda f: across_antimeridian(f, 4326, 4326), shift_found,
      "the shift that was put in, where both count beyond 180 degrees alike")
refused(RASTERS, "two DEMs across the antimeridian, one counted from -180 on", BLOCKWISE,
        lambda f: across_antimeridian(f, 4326, 4326, turn=360.0),
        "a.tif and b.tif do not overlap: check their extents and CRSs.")
refused(RASTERS, "a DEM in degrees that reaches beyond the pole", REPORT,
        lambda f: {**report()(f), **{name: f.raster(f"{name}.tif", crs=4326, transform=(0, 1, 0, 92, 0, -1))
                                     for name in ("REFERENCE", "SECONDARY")}},
        "REFERENCE.tif cannot be placed: its latitudes run from -4 to 92 degrees: mend its georeference or its "
        "CRS.")
works(RASTERS, "two DEMs at the South Pole, in a polar projection", BLOCKWISE,
      lambda f: {**blockwise()(f), **{name: f.raster(f"{name}.tif", heights, crs=3031,
                                                     transform=(-1440, CELL, 0, 1440, 0, -CELL))
                                      for name, heights in (("REFERENCE", hills()),
                                                            ("SECONDARY", hills(east=EAST, up=UP)))}},
      shift_found, "the shift that was put in; east and north are those of the map")
refused(RASTERS, "one file as reference and secondary", BLOCKWISE,
        lambda f: {**blockwise()(f), "SECONDARY": f.reference()},
        "SECONDARY and REFERENCE are the same file (reference.tif): choose two DEMs.")
refused(RASTERS, "the output is the secondary", BLOCKWISE, lambda f: {**blockwise()(f), "OUTPUT": f.secondary()},
        "OUTPUT would overwrite SECONDARY: choose another file.")
refused(RASTERS, "the output is the reference, by another way through the folders", BLOCKWISE,
        lambda f: {**blockwise()(f), "OUTPUT": f.out("../inputs/reference.tif")},
        "OUTPUT would overwrite REFERENCE: choose another file.")
works(RASTERS, "the output is a link to the secondary", BLOCKWISE, lambda f: linked_output(f), shift_found,
      "the link is replaced by the result, the secondary stays")
refused(RASTERS, "the output is the shift raster", APPLY,
        lambda f: {**applying(f), "OUTPUT": applying(f)["SHIFT_RASTERS"]},
        "OUTPUT would overwrite SHIFT_RASTERS: choose another file.")
refused(RASTERS, "two outputs in one file", BLOCKWISE,
        blockwise(DIFFERENCE_AFTER=lambda f: f.out("aligned.tif")),
        "DIFFERENCE_AFTER would overwrite OUTPUT: choose another file.")
refused(RASTERS, "the PROJ model's raster would be the aligned DEM", BLOCKWISE,
        blockwise(SHIFT_MODEL=lambda f: f.out("aligned.json")),
        "SHIFT_MODEL's GeoTIFF would overwrite OUTPUT: choose another file.")
refused(RASTERS, "the output's folder is a file", BLOCKWISE,
        blockwise(OUTPUT=lambda f: f.file("no folder", "") + "/aligned.tif"),
        "Cannot write FOLDER/inputs/no folder/aligned.tif: File exists. Choose another folder.")
refused(RASTERS, "the output is a folder", BLOCKWISE, blockwise(OUTPUT=lambda f: str(f.inputs)),
        "Cannot write FOLDER/inputs: it is a folder. Give the file a name.")
refused(RASTERS, "the output has an ending that no raster has", BLOCKWISE,
        blockwise(OUTPUT=lambda f: f.out("aligned.docx")),
        "Cannot write FOLDER/outputs/aligned.docx: no raster format has the extension .docx. Use .tif.")
works(RASTERS, "names with blanks, quotes, marks and signs of HTML", REPORT,
      lambda f: {**report()(f), "SECONDARY": f.raster("<script>alert('é \"&amp; $x^{$.tif", hills(up=UP))},
      lambda r, f: escaped(r["OUTPUT"]), "a report in which the name is text")

CELLS = "Rasters: what they hold"
refused(CELLS, "a file of several rasters, without a band of its own", REPORT,
        lambda f: {**report()(f), "SECONDARY": container(f)},
        "SECONDARY: several.nc has no band: choose one of its subdatasets: choose another raster.")
works(CELLS, "a DEM of 65 bands", BLOCKWISE,
      lambda f: {**blockwise()(f), "SECONDARY": f.raster("many.tif", hills(east=EAST, up=UP), bands=65)},
      shift_found, "the first band is taken")
refused(CELLS, "a DEM that is all nodata", BLOCKWISE, secondary(heights=np.full((SIZE, SIZE), -9999, np.float32),
                                                                nodata=-9999),
        "reference.tif and secondary.tif have no stable cell with heights in both: check the mask, the "
        "polygons and the nodata areas.")
refused(CELLS, "a DEM that is all nodata", REPORT,
        lambda f: {**report()(f), "SECONDARY": f.secondary(heights=np.full((SIZE, SIZE), -9999, np.float32),
                                                           nodata=-9999)},
        "reference.tif and secondary.tif have no cell with data in common: check that they cover the same "
        "place and are not all nodata.")
works(CELLS, "NaN among the heights, no nodata stated", BLOCKWISE, lambda f: holed(f, math.nan), shift_found,
      "the cells are void")
works(CELLS, "infinite heights", BLOCKWISE, lambda f: holed(f, math.inf), shift_found, "the cells are void")
works(CELLS, "heights of -1e38, no nodata stated", REPORT, lambda f: {
    **report()(f), "SECONDARY": holed(f, -1e38)["SECONDARY"]},
    lambda r, f: (_same(r["COUNT"], SIZE**2 - 400), _between(r["STD"], 0.1, 10.0)), "the cells are void")
works(CELLS, "nodata that the type of the cells cannot hold", REPORT,
      lambda f: {**report()(f), "REFERENCE": f.raster("a.tif", np.full((SIZE, SIZE), 12.0), kind=gdal.GDT_Byte,
                                                      nodata=-9999),
                 "SECONDARY": f.raster("b.tif", np.full((SIZE, SIZE), 10.0), kind=gdal.GDT_Byte, nodata=-9999)},
      lambda r, f: lifted(r, f, 2.0), "no cell is void")
works(CELLS, "nodata of -1.8e308 on float32 cells", BLOCKWISE, secondary(nodata=-1.7976931348623157e308), shift_found,
      "no cell is void")
works(CELLS, "nodata that is NaN", BLOCKWISE, secondary(nodata=math.nan), shift_found, "no cell is void")
works(CELLS, "heights stored as integers with a scale and an offset", REPORT,
      lambda f: {**report()(f), "SECONDARY": f.raster(
          "scaled.tif", np.rint((hills(up=UP) - 400) / 0.01), kind=gdal.GDT_Int32, scale=0.01, offset=400)},
      lambda r, f: lifted(r, f), "heights are scaled before they are compared")
refused(CELLS, "a scale of zero", REPORT,
        lambda f: {**report()(f), "SECONDARY": f.secondary(scale=0.0, offset=400.0)},
        "secondary.tif has a scale of 0 and an offset of 400: such cells hold no heights; mend them "
        "(gdal_translate -a_scale 1 -a_offset 0).")
works(CELLS, "heights in feet by the band's unit", REPORT,
      lambda f: {**report()(f), "SECONDARY": f.raster("feet.tif", hills(up=UP) / np.float32(0.3048), unit="ft")},
      lambda r, f: lifted(r, f), "heights are read in metres")
works(CELLS, "heights in US survey feet by the vertical CRS alone", REPORT,
      lambda f: {**report()(f), "SECONDARY": survey_feet(f)},
      lambda r, f: lifted(r, f), "heights are read in metres")
works(CELLS, "heights in centimetres", REPORT,
      lambda f: {**report()(f), "SECONDARY": f.raster("cm.tif", hills(up=UP) * np.float32(100), unit="cm")},
      lambda r, f: lifted(r, f), "heights are read in metres")
refused(CELLS, "complex numbers", BLOCKWISE, secondary(kind=gdal.GDT_CFloat32),
        "secondary.tif holds colours or complex numbers, not elevations: choose a DEM.")
refused(CELLS, "a palette of colours", BLOCKWISE, secondary(heights=np.ones((SIZE, SIZE)), kind=gdal.GDT_Byte,
                                                            colours=True),
        "secondary.tif holds colours or complex numbers, not elevations: choose a DEM.")
refused(CELLS, "a DEM of one cell", BLOCKWISE, secondary(heights=np.ones((1, 1), np.float32)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
works(CELLS, "two DEMs of one cell", REPORT,
      lambda f: {**report()(f), "REFERENCE": f.raster("a.tif", np.ones((1, 1), np.float32)),
                 "SECONDARY": f.raster("b.tif", np.zeros((1, 1), np.float32))},
      lambda r, f: (_same(r["COUNT"], 1), _same(r["MEDIAN"], 1.0)), "the statistics of that one cell")
refused(CELLS, "a DEM of one row", BLOCKWISE, secondary(heights=hills(1, SIZE)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
works(CELLS, "two DEMs of one row", REPORT,
      lambda f: {**report()(f), "REFERENCE": f.raster("a.tif", hills(1, SIZE)),
                 "SECONDARY": f.raster("b.tif", hills(1, SIZE, up=UP))},
      lambda r, f: (_same(r["COUNT"], SIZE), lifted(r, f)), "the statistics of that row")
refused(CELLS, "flat DEMs", BLOCKWISE,
        lambda f: {**blockwise()(f), "REFERENCE": f.raster("a.tif", np.full((SIZE, SIZE), 5, np.float32)),
                   "SECONDARY": f.raster("b.tif", np.full((SIZE, SIZE), 3, np.float32))},
        "No shift between a.tif and b.tif can be told: the stable terrain is too small or too flat for this "
        "method. Widen it, or use METHOD=vertical_shift.")
refused(CELLS, "a truncated GeoTIFF", BLOCKWISE, lambda f: damaged(f, lambda data: data[:len(data) // 2]),
        "secondary.tif cannot be read (damaged file?): ...")
refused(CELLS, "a truncated GeoTIFF", REPORT,
        lambda f: {**report()(f), "SECONDARY": damaged(f, lambda data: data[:len(data) // 2])["SECONDARY"]},
        "secondary.tif cannot be read (damaged file?): ...")
refused(CELLS, "a truncated GeoTIFF", REFRAME_RASTER,
        lambda f: {**reframe_raster()(f), "INPUT": damaged(f, lambda data: data[:len(data) // 2])["SECONDARY"]},
        "secondary.tif cannot be read (damaged file?): ...")
refused(CELLS, "a GeoTIFF with a corrupt tile", BLOCKWISE,
        lambda f: corrupt_tile(f), "secondary.tif cannot be read (damaged file?): ...")
refused(CELLS, "a GeoTIFF with a corrupt header", BLOCKWISE, lambda f: damaged(f, lambda data: b"II*\0" + b"\xff" * 99),
        "SECONDARY: secondary.tif cannot be opened as a raster: ...: choose another raster.")
refused(CELLS, "an empty file", BLOCKWISE, lambda f: damaged(f, lambda data: b""),
        "SECONDARY: secondary.tif cannot be opened as a raster: ...: choose another raster.")
refused(CELLS, "a text called .tif", BLOCKWISE, lambda f: damaged(f, lambda data: b"not a raster\n"),
        "SECONDARY: secondary.tif cannot be opened as a raster: ...: choose another raster.")
refused(CELLS, "a file that is not there", BLOCKWISE, blockwise(SECONDARY=lambda f: str(f.inputs / "gone.tif")),
        "SECONDARY: there is no layer or file FOLDER/inputs/gone.tif: choose another raster.")
refused(CELLS, "a folder", BLOCKWISE, blockwise(SECONDARY=lambda f: str(f.inputs)),
        "SECONDARY: inputs cannot be opened as a raster: ...: choose another raster.")
refused(CELLS, "a vector layer", BLOCKWISE, blockwise(SECONDARY=lambda f: f.vector("points.gpkg")),
        "SECONDARY: points.gpkg cannot be opened as a raster: ...: choose another raster.")
refused(CELLS, "a raster of other bands as the shift raster", APPLY,
        lambda f: {**applying(f), "SHIFT_RASTERS": f.reference()},
        "reference.tif is no shift raster: it needs three bands dx, dy, dz (m), as SHIFT_RASTERS writes them.")
refused(CELLS, "a shift raster with gaps", APPLY,
        lambda f: {**applying(f), "SHIFT_RASTERS": f.raster("gaps.tif", np.full((4, 4), np.nan, np.float32),
                                                            bands=3)},
        "gaps.tif has shifts that are not numbers: fill its gaps first.")
refused(CELLS, "a shift raster whose tags are nonsense", APPLY, lambda f: nonsense_tags(f),
        "shifts.tif does not lie where its own tags say, as if it had been cut or resampled: take the raster "
        "as SHIFT_RASTERS was written.")
refused(CELLS, "a shift raster that was cut", APPLY, lambda f: cut_shifts(f),
        "cut.tif does not lie where its own tags say, as if it had been cut or resampled: take the raster as "
        "SHIFT_RASTERS was written.")
refused(CELLS, "a shift raster whose tags name a path as resampling", APPLY, lambda f: path_as_kernel(f),
        "The shift rasters name the resampling '../../etc/passwd', which is none of cubic, bilinear, nearest: "
        "take them as SHIFT_RASTERS was written.")
refused(CELLS, "an image that is to be raised by dz", APPLY,
        lambda f: {**applying(f), "INPUT": f.raster("image.tif", np.ones((SIZE, SIZE)), kind=gdal.GDT_Byte, bands=3)},
        "dz cannot be added to image.tif, which has 3 band(s) of Byte: set VERTICAL to false.")
refused(CELLS, "a DEM that was moved before", REFRAME_RASTER, lambda f: moved_before(f),
        "moved.tif was already moved to ITRF2014 at 2000.13 (its tags say so), not ITRF2000 at 2000.13: give "
        "that frame and epoch, or take the original raster.")

MASKS = "Stable terrain"
refused(MASKS, "a mask that excludes everything", BLOCKWISE,
        blockwise(MASK=lambda f: f.raster("mask.tif", np.zeros((SIZE, SIZE)), kind=gdal.GDT_Byte)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
refused(MASKS, "a mask that excludes everything", REPORT,
        report(MASK=lambda f: f.raster("mask.tif", np.zeros((SIZE, SIZE)), kind=gdal.GDT_Byte)),
        "None of the 9216 cells or points that reference.tif and secondary.tif share is stable terrain: check "
        "STABLE, UNSTABLE and MASK.")
refused(MASKS, "a mask that excludes everything", BIAS,
        lambda f: {**f.pair(), "OUTPUT": f.out("corrected.tif"),
                   "MASK": f.raster("mask.tif", np.zeros((SIZE, SIZE)), kind=gdal.GDT_Byte)},
        "reference.tif and secondary.tif share only 0 stable cells: at least 200 are needed; check the "
        "extents, STABLE, UNSTABLE and MASK.")
refused(MASKS, "a mask without a coordinate reference system", BLOCKWISE,
        blockwise(MASK=lambda f: f.raster("mask.tif", np.ones((SIZE, SIZE)), kind=gdal.GDT_Byte, crs="")),
        "mask.tif has no coordinate reference system: assign one (Layer > Set CRS) and run again.")
refused(MASKS, "a mask that lies elsewhere", BLOCKWISE,
        blockwise(MASK=lambda f: f.raster("mask.tif", np.ones((9, 9)), kind=gdal.GDT_Byte,
                                          transform=(0, 30, 0, 0, 0, -30))),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
refused(MASKS, "polygons of stable terrain that lie elsewhere", BLOCKWISE,
        blockwise(STABLE=lambda f: f.vector("stable.gpkg", [square(900000.0)], 32611)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
refused(MASKS, "polygons of unstable terrain that cover everything", BLOCKWISE,
        blockwise(UNSTABLE=lambda f: f.vector("unstable.gpkg", [square(390000.0, 3790000.0, 20000.0)], 32611)),
        "Only 0 cells of reference.tif are stable terrain with heights in the overlap: widen the mask or the "
        "polygons, or choose DEMs that share data.")
refused(MASKS, "an empty layer of stable terrain", BLOCKWISE,
        blockwise(STABLE=lambda f: f.vector("stable.gpkg", [], 32611, geometry=ogr.wkbPolygon)),
        "STABLE holds no polygon: choose another layer or leave it empty.")
refused(MASKS, "stable terrain without a coordinate reference system", BLOCKWISE,
        blockwise(STABLE=lambda f: f.vector("stable.shp", [square()], "", geometry=ogr.wkbPolygon)),
        "STABLE has no coordinate reference system: assign one and run again.")
refused(MASKS, "points as stable terrain", BLOCKWISE,
        blockwise(STABLE=lambda f: f.vector("stable.gpkg", geometry=ogr.wkbPoint25D)),
        "STABLE holds no polygons: choose a polygon layer or leave it empty.")
works(MASKS, "a polygon that crosses itself", BLOCKWISE, blockwise(STABLE=lambda f: f.vector(
    "stable.gpkg", ["POLYGON ((400000 3797200, 402800 3800000, 402800 3797200, 400000 3800000, 400000 3797200))"],
    32611)), lambda r, f: lift_found(r, f), "the shift that was put in")
works(MASKS, "polygons of which some have no geometry", BLOCKWISE,
      blockwise(STABLE=lambda f: f.vector("stable.gpkg", [None, square(400000.0, 3797200.0, 2800.0)], 32611)),
      shift_found, "those without geometry are passed over")
works(MASKS, "a mask whose unstable cells are nodata", BLOCKWISE,
      blockwise(MASK=lambda f: f.raster("mask.tif", np.where(np.arange(SIZE) < 8, 255, 1) * np.ones((SIZE, 1)),
                                        kind=gdal.GDT_Byte, nodata=255)), shift_found, "nodata is not stable terrain")

VECTORS = "Vectors"
refused(VECTORS, "a layer without features", REFRAME,
        reframe(INPUT=lambda f: f.vector("none.gpkg", [], geometry=ogr.wkbPoint25D)),
        "INPUT has no features: choose another layer or selection.")
works(VECTORS, "features of which some have no geometry", REFRAME,
      reframe(INPUT=lambda f: f.vector("some.gpkg", ["POINT Z (-117 34 100)", None])),
      lambda r, f: (moved(r, f), _same(r["COUNT"], 2)), "they are passed on as they are, and the log says how many")
works(VECTORS, "empty geometries", REFRAME,
      reframe(INPUT=lambda f: f.vector("some.gpkg", ["POINT Z (-117 34 100)", "POINT EMPTY"])),
      lambda r, f: (moved(r, f), _same(r["COUNT"], 2)), "they are passed on as they are")
works(VECTORS, "points without Z", REFRAME, reframe(INPUT=lambda f: f.vector("flat.gpkg", ["POINT (-117 34)"])),
      moved, "height 0 is taken for the displacement (1000 m make 0.1 mm) and the points stay without Z")
refused(VECTORS, "points without Z to coregister with", POINTS,
        points(POINTS=lambda f: good_points(f, geometry=ogr.wkbPoint)),
        "POINTS has no Z values: name the field that holds the heights in HEIGHT_FIELD.")
works(VECTORS, "a Z that is NaN", REFRAME,
      reframe(INPUT=lambda f: f.vector("odd.gpkg", [zpoint(-117, 34, math.nan), zpoint(-117, 34, 5)])), moved,
      "height 0 is taken for the displacement")
works(VECTORS, "a Z that is infinite", REFRAME,
      reframe(INPUT=lambda f: f.vector("odd.gpkg", [zpoint(-117, 34, math.inf), zpoint(-117, 34, 5)])), moved,
      "height 0 is taken for the displacement")
works(VECTORS, "Z values that are NaN or infinite among good ones", POINTS,
      points(POINTS=lambda f: good_points(f, lambda z, i: [math.nan, math.inf, -math.inf][i % 3] if i < 9 else z)),
      lift_found, "those points are left out")
works(VECTORS, "Z values that are fill values among good ones", POINTS,
      points(POINTS=lambda f: good_points(f, lambda z, i: -9999.0 if i < 9 else z)),
      lift_found, "the robust fit passes over them")
works(VECTORS, "a position that is NaN", REFRAME,
      reframe(INPUT=lambda f: f.vector("odd.gpkg", [zpoint(math.nan, 34, 0), zpoint(-117, 34, 0)])),
      lambda r, f: (moved(r, f), _same(r["COUNT"], 2)), "it is an empty geometry and passed on as it is")
refused(VECTORS, "positions beyond the Earth", REFRAME,
        reframe(INPUT=lambda f: f.vector("odd.gpkg", ["POINT Z (-117 1e9 0)"])),
        "1 feature(s) lie where their coordinates have no longitude and latitude (first ids: 1). Mend them, or "
        "leave them out with UNRESOLVED=skip.")
works(VECTORS, "points, lines and polygons in one layer", REFRAME,
      reframe(INPUT=lambda f: f.vector("mixed.gpkg", [
          "POINT Z (-117 34 1)", "LINESTRING Z (-117 34 1, -116 35 2)",
          "POLYGON Z ((-117 34 1, -116 34 1, -116 35 1, -117 34 1))"])),
      lambda r, f: (moved(r, f), _same(r["COUNT"], 3)), "each is moved")
works(VECTORS, "curves", REFRAME,
      reframe(INPUT=lambda f: f.vector("curves.gpkg", ["CIRCULARSTRING Z (-117 34 0, -116.5 34.5 0, -116 34 0)"])),
      lambda r, f: (moved(r, f), _same(r["COUNT"], 1)), "they stay curves")
works(VECTORS, "a point at the pole", REFRAME,
      reframe(INPUT=lambda f: f.vector("pole.gpkg", ["POINT Z (0 90 0)"])),
      lambda r, f: _between(r["MAX_DISPLACEMENT"], 0.1, 1.0), "it is moved by its plate")
works(VECTORS, "a point on the antimeridian", REFRAME,
      reframe(INPUT=lambda f: f.vector("edge.gpkg", ["POINT Z (180 60 0)"])),
      lambda r, f: _between(r["MAX_DISPLACEMENT"], 0.1, 1.0), "it is moved and stays beside the antimeridian")
refused(VECTORS, "a layer without a coordinate reference system", REFRAME,
        reframe(INPUT=lambda f: f.vector("where.shp", ["POINT Z (-117 34 0)"], "", geometry=ogr.wkbPoint25D)),
        "INPUT has no coordinate reference system: assign one (Layer > Set CRS) and run again.")
refused(VECTORS, "WGS 84 without a realization", REFRAME,
        reframe(SOURCE_FRAME=None, INPUT=lambda f: f.vector("wgs.gpkg", crs=4326)),
        "The layer's frame cannot be used as it is: 'WGS 84' without a realization is about 2 m vague; name "
        "the realization that the data were computed in, e.g. SOURCE_FRAME=WGS84(G1762).")
refused(VECTORS, "an engineering CRS", REFRAME,
        reframe(INPUT=lambda f: f.vector("where.gpkg", crs=ENGINEERING)),
        "'a quarry' does not place coordinates on the Earth: assign a geographic or projected coordinate "
        "reference system and run again.")
refused(VECTORS, "dates that are none", REFRAME, reframe(
    EPOCH=None, EPOCH_FIELD="flown", INPUT=lambda f: f.vector(
        "dated.gpkg", ["POINT Z (-117 34 0)"] * 3, fields={"flown": ogr.OFTString},
        rows=[["1993-02-30"], ["yesterday"], ["1993-07-02"]])),
        "2 feature(s) have no epoch that can be used (a decimal year or an ISO date between 1980 and 2050) "
        "(first ids: 1, 2). Mend them, or leave them out with UNRESOLVED=skip.")
refused(VECTORS, "features without a date", REFRAME, reframe(
    EPOCH=None, EPOCH_FIELD="flown", INPUT=lambda f: f.vector(
        "dated.gpkg", ["POINT Z (-117 34 0)"] * 2, fields={"flown": ogr.OFTDate}, rows=[[None], ["1993/07/02"]])),
        "1 feature(s) have no epoch that can be used (a decimal year or an ISO date between 1980 and 2050) "
        "(first ids: 1). Mend them, or leave them out with UNRESOLVED=skip.")
refused(VECTORS, "dates of another century", REFRAME, reframe(
    EPOCH=None, EPOCH_FIELD="flown", INPUT=lambda f: f.vector(
        "dated.gpkg", fields={"flown": ogr.OFTReal}, rows=[[1893.5]])),
        "1 feature(s) have no epoch that can be used (a decimal year or an ISO date between 1980 and 2050) "
        "(first ids: 1). Mend them, or leave them out with UNRESOLVED=skip.")
refused(VECTORS, "frame names that nobody knows", REFRAME, reframe(
    SOURCE_FRAME=None, SOURCE_FRAME_FIELD="frame", INPUT=lambda f: f.vector(
        "framed.gpkg", ["POINT Z (-117 34 0)"] * 2, fields={"frame": ogr.OFTString},
        rows=[["ITRF1993"], ["WGS84"]])),
        "1 feature(s) have no frame that is known (first ids: 2). Mend them, or leave them out with "
        "UNRESOLVED=skip.")
refused(VECTORS, "a field that is not there", REFRAME, reframe(EPOCH=None, EPOCH_FIELD="gone"),
        "EPOCH_FIELD: INPUT has no field 'gone'; its fields are fid.")
refused(VECTORS, "a text field as heights", REFRAME, reframe(
    HEIGHT_FIELD="h", INPUT=lambda f: f.vector("texts.gpkg", fields={"h": ogr.OFTString}, rows=[["high"]])),
        "HEIGHT_FIELD: the field 'h' of INPUT holds String, not numbers: choose another field, or make it one "
        "of numbers (Refactor Fields).")
works(VECTORS, "points without a height in the height field", REFRAME, reframe(
    HEIGHT_FIELD="h", INPUT=lambda f: f.vector("h.gpkg", ["POINT (-117 34)"] * 2, fields={"h": ogr.OFTReal},
                                               rows=[[None], [10.0]])),
    lambda r, f: (moved(r, f), _same(r["COUNT"], 2)), "0 m is used for their displacement and they stay empty")
refused(VECTORS, "a layer of polygons as points", POINTS,
        points(POINTS=lambda f: f.vector("areas.gpkg", [square()], 32611, geometry=ogr.wkbPolygon)),
        "POINTS has no points: choose a point layer; add a CSV as delimited text first (Layer > Add Layer > "
        "Add Delimited Text Layer).")
refused(VECTORS, "points far from the DEM", POINTS,
        points(POINTS=lambda f: f.vector("far.gpkg", geometry=ogr.wkbPoint25D)),
        "None of the 1 points of far has a height and lies on secondary.tif: check the CRSs, the extents and "
        "the field that holds the heights.")
refused(VECTORS, "three points on the DEM", POINTS, points(METHOD="lzd", POINTS=lambda f: f.vector(
    "few.gpkg", [f"POINT Z ({401000 + 100 * i} 3799000 500)" for i in range(3)], 32611,
    geometry=ogr.wkbPoint25D)),
        "Only 3 of the 3 points of few on secondary.tif lie on stable terrain: at least 10 are needed; widen "
        "the mask or the polygons, or add points.")
refused(VECTORS, "the output is the input layer", REFRAME,
        lambda f: {**reframe()(f), "OUTPUT": str(f.inputs / "points.gpkg")},
        "OUTPUT would overwrite INPUT: choose another file.")
refused(VECTORS, "a table called .gpkg", REFRAME, reframe(INPUT=lambda f: f.file("text.gpkg", "a,b\n1,2\n")),
        "INPUT: FOLDER/inputs/text.gpkg cannot be read: choose another vector layer.")
refused(VECTORS, "a truncated GeoPackage", REFRAME, reframe(INPUT=lambda f: truncated_layer(f)),
        "INPUT: FOLDER/inputs/cut.gpkg cannot be read: choose another vector layer.")
refused(VECTORS, "a raster as vector layer", REFRAME, reframe(INPUT=lambda f: f.reference()),
        "INPUT: FOLDER/inputs/reference.tif cannot be read: choose another vector layer.")
works(VECTORS, "a layer in memory", REFRAME, lambda f: {**reframe()(f), "INPUT": memory_layer()}, moved,
      "it is read like a file")
works(VECTORS, "a virtual layer (a query)", REFRAME, lambda f: {**reframe()(f), "INPUT": virtual_layer(f)}, moved,
      "it is read like a file")
refused(VECTORS, "a layer that is no shifts layer", APPLY,
        lambda f: {**applying(f), "SHIFT_RASTERS": None, "SHIFTS": f.vector("other.gpkg", [square()], 32611)},
        "SHIFTS lacks the field(s) row, col, dx, dy, dz, sigma_dx, sigma_dy, sigma_dz, n, nmad_before, "
        "nmad_after, slope, iterations, status, reason: choose the shifts layer that Blockwise Coregister "
        "wrote.")
refused(VECTORS, "a shifts layer with an unknown status", APPLY, lambda f: edited_shifts(f, status="maybe"),
        "SHIFTS has a block of status 'maybe': it must be one of used, downweighted, rejected, filled.")
refused(VECTORS, "a shifts layer without a usable block", APPLY, lambda f: edited_shifts(f, status="rejected"),
        "No block of these shifts was used: there is nothing to interpolate.")
refused(VECTORS, "a shifts layer whose shifts are empty", APPLY, lambda f: edited_shifts(f, dx=None),
        "SHIFTS has a block (row 0, col 0) that is used but has no dx, dy or dz: give it numbers, or call it "
        "rejected.")
refused(VECTORS, "a shifts layer whose numbers are texts", APPLY, lambda f: edited_shifts(f, as_text=True),
        "SHIFTS has 'a few' in the field n, which must hold numbers: choose the shifts layer that Blockwise "
        "Coregister wrote.")
refused(VECTORS, "points of different frames", CHANGE, lambda f: changes(f, "ITRF2008", "ITRF2014"),
        "INPUT_BEFORE is in ITRF2008, INPUT_AFTER in ITRF2014: run Reframe ITRF (reframeitrf) on both layers "
        "first, with the same TARGET_FRAME and TARGET_EPOCH.")
refused(VECTORS, "points without frame and epoch", CHANGE, lambda f: changes(f, None, None),
        "INPUT_BEFORE has no field 'frame', and its CRS names no realization: run Reframe ITRF (reframeitrf) "
        "on both layers first, with the same TARGET_FRAME and TARGET_EPOCH.")

TABLES = "Altimetry files"
GOOD = "lon,lat,h,time\n-50,70,1000,2019-03-14T12:00:00\n"
refused(TABLES, "an empty file", IMPORT, importing("a.csv", ""), "a.csv is empty: a table with a header is needed.")
refused(TABLES, "a header without rows", IMPORT, importing("a.csv", "lon,lat,h,time\n"),
        "a.csv holds no points: it has no rows.")
refused(TABLES, "a table without heights", IMPORT, importing("a.csv", "lon,lat,time\n-50,70,2019.2\n"),
        "a.csv has no column for the height; its columns are lon, lat, time: say which with HEIGHT_COLUMN.")
refused(TABLES, "a table with two columns of heights", IMPORT,
        importing("a.csv", "lon,lat,h,elevation,time\n-50,70,1,2,2019.2\n"),
        "a.csv has several columns for the height (h, elevation); its columns are lon, lat, h, elevation, "
        "time: say which with HEIGHT_COLUMN.")
refused(TABLES, "a row that is too short", IMPORT, importing("a.csv", GOOD + "-50,70\n"),
        "a.csv is damaged or incomplete: line 3 has 2 columns instead of 4.")
refused(TABLES, "a word among the heights", IMPORT, importing("a.csv", GOOD + "-50,70,high,2019.3\n"),
        "a.csv: the column 'h' holds something else than numbers (could not convert string to float: 'high').")
refused(TABLES, "a time that is none", IMPORT, importing("a.csv", GOOD + "-50,70,1000,2019-02-30T00:00:00\n"),
        "a.csv: '2019-02-30T00:00:00' is no time: ISO 8601 such as 2019-03-14T12:00:00 is needed.")
refused(TABLES, "a table that is not in UTF-8", IMPORT, importing("a.csv", b"lon,lat,h\xf6he,time\n1,2,3,2019.2\n"),
        "a.csv is no table in UTF-8 ('utf-8' codec can't decode byte 0xf6 in position 9: invalid start byte): "
        "save it as CSV in UTF-8.")
works(TABLES, "missing and infinite heights", IMPORT,
      importing("a.csv", GOOD + "-50,70,,2019.3\n-50,70,inf,2019.3\n-50,70,nan,2019.3\n", FRAME="ITRF2014"),
      lambda r, f: (_same(r["COUNT"], 1), _same(r["DROPPED"], 3)), "the points are dropped and counted")
refused(TABLES, "an HDF5 file that is none", IMPORT, importing("ATL06_20190314.h5", "not HDF5"),
        "ATL06_20190314.h5 is no HDF5 file, or is damaged or incomplete: download it again.")
refused(TABLES, "a qfit file that ends within a record", IMPORT,
        importing("ILATM1B_20110430_110310.qi", b"\0\0\0\x28" + b"\0" * 37),
        "ILATM1B_20110430_110310.qi is incomplete: it ends within a record. Download it again.")
refused(TABLES, "a qfit file of zeros", IMPORT, importing("ILATM1B_20110430_110310.qi", b"\0" * 400),
        "ILATM1B_20110430_110310.qi is no qfit file: its first word is not 40, 48 or 56 in either byte order.")
refused(TABLES, "an LVIS file without its date in the name", IMPORT,
        importing("ILVIS2_data.TXT", "# LFID\n1 2 3\n"),
        "ILVIS2_data.TXT has no date in its name: give it its original name back, such as "
        "ILVIS2_GL2013_1114_R1406_043900.TXT.")
refused(TABLES, "a folder without such files", IMPORT,
        lambda f: {"INPUT": str(f.inputs), "PRODUCT": "ATL06", "OUTPUT": f.out("points.gpkg")},
        "FOLDER/inputs holds no file of ATL06 (by its name): choose another folder, or a single file and its "
        "PRODUCT.")
refused(TABLES, "a file of no known product", IMPORT, importing("photo.jpg", b"\xff\xd8\xff"),
        "photo.jpg does not tell what it is: choose PRODUCT (ATL03, ATL06, ATL08, ATL13, GLAH06, ILATM1B, "
        "BLATM1B, ILVIS2, CSV).")

SETTINGS = "Parameters"
refused(SETTINGS, "a block of one cell", BLOCKWISE, blockwise(BLOCK_SIZE=1),
        "BLOCK_SIZE must be 0 (one global shift) or at least 16 cells.")
refused(SETTINGS, "a negative block size", BLOCKWISE, blockwise(BLOCK_SIZE=-500),
        "BLOCK_SIZE: '-500' cannot be used; give a whole number of at least 0.")
works(SETTINGS, "a block larger than the raster", BLOCKWISE, blockwise(BLOCK_SIZE=2**31 - 1), shift_found,
      "one block that is the raster")
refused(SETTINGS, "a block size beyond all integers", BLOCKWISE, blockwise(BLOCK_SIZE=10**30),
        "BLOCK_SIZE: '1000000000000000000000000000000' cannot be used; give a whole number of at least 0.")
refused(SETTINGS, "a word as block size", BLOCKWISE, blockwise(BLOCK_SIZE="large"),
        "BLOCK_SIZE: 'large' cannot be used; give a whole number of at least 0.")
refused(SETTINGS, "an overlap of more than half a block", BLOCKWISE, blockwise(OVERLAP=0.9),
        "OVERLAP: '0.9' cannot be used; give a number from 0 to 0.5.")
refused(SETTINGS, "an overlap that is NaN", BLOCKWISE, blockwise(OVERLAP=math.nan),
        "OVERLAP: 'nan' cannot be used; give a number from 0 to 0.5.")
refused(SETTINGS, "an unknown method", BLOCKWISE, blockwise(METHOD="icq"),
        "METHOD: 'icq' is not known; choose one of ...")
works(SETTINGS, "a million threads", BLOCKWISE, blockwise(WORKERS=1_000_000), shift_found,
      "sixteen threads a processor are started at most")
refused(SETTINGS, "a scheduler that is not there", BLOCKWISE, blockwise(SCHEDULER="tcp://127.0.0.1:9"),
        "No Dask scheduler answers at tcp://127.0.0.1:9: start it or leave SCHEDULER empty.")
refused(SETTINGS, "a scheduler's address that is none", BLOCKWISE, blockwise(SCHEDULER="; rm -rf /"),
        "No Dask scheduler answers at ; rm -rf /: start it or leave SCHEDULER empty.")
refused(SETTINGS, "classes that are words", REPORT, report(CLASSES="flat,steep"),
        "CLASSES 'flat,steep' cannot be read: give slope edges in degrees with commas between, as in "
        "0,5,15,30,90.")
refused(SETTINGS, "classes that fall", REPORT, report(CLASSES="30,15,5"),
        "CLASSES '30,15,5' does not rise: order the edges from low to high, each once.")
refused(SETTINGS, "one class edge", REPORT, report(CLASSES="5"),
        "CLASSES '5' makes no class: give at least two edges, as in 0,5,15,30,90.")
refused(SETTINGS, "an epoch that is a word", REFRAME, reframe(EPOCH="last summer"),
        "EPOCH: The epoch 'last summer' cannot be used: a decimal year such as 2018.5 or an ISO date such as "
        "2018-07-02 between 1980 and 2050 is needed.")
refused(SETTINGS, "an epoch of NaN", REFRAME, reframe(EPOCH="nan"),
        "EPOCH: The epoch 'nan' cannot be used: a decimal year such as 2018.5 or an ISO date such as "
        "2018-07-02 between 1980 and 2050 is needed.")
refused(SETTINGS, "an epoch of 1e400", REFRAME, reframe(EPOCH="1e400"),
        "EPOCH: The epoch '1e400' cannot be used: a decimal year such as 2018.5 or an ISO date such as "
        "2018-07-02 between 1980 and 2050 is needed.")
refused(SETTINGS, "an epoch in the far future", REFRAME, reframe(TARGET_EPOCH="2518.5"),
        "TARGET_EPOCH: The epoch '2518.5' cannot be used: a decimal year such as 2018.5 or an ISO date such as "
        "2018-07-02 between 1980 and 2050 is needed.")
refused(SETTINGS, "30 February as epoch", REFRAME, reframe(EPOCH="1993-02-30"),
        "EPOCH: The epoch '1993-02-30' cannot be used: a decimal year such as 2018.5 or an ISO date such as "
        "2018-07-02 between 1980 and 2050 is needed.")
refused(SETTINGS, "no epoch", REFRAME, reframe(EPOCH=""),
        "The epoch of the coordinates is missing: give EPOCH (a decimal year such as 1993.5 or a date) or "
        "choose EPOCH_FIELD.")
refused(SETTINGS, "a frame that nobody knows", REFRAME, reframe(TARGET_FRAME="ITRF2015"),
        "TARGET_FRAME: 'ITRF2015' is not known; choose one of ITRF88, ITRF89, ITRF90, ITRF91, ITRF92, ITRF93, "
        "ITRF94, ITRF96, ITRF97, ITRF2000, ITRF2005, ITRF2008, ITRF2014, ITRF2020, IGS97, IGS00, IGb00, IGS05, "
        "IGS08, IGb08, IGS14, IGb14, IGS20, IGb20, ITRF2020-u2023, WGS84(Transit), WGS84(G730), WGS84(G873), "
        "WGS84(G1150), WGS84(G1674), WGS84(G1762), WGS84(G2139), WGS84(G2296), ATRF2014, ETRF89, ETRF90, "
        "ETRF91, ETRF92, ETRF93, ETRF94, ETRF96, ETRF97, ETRF2000, ETRF2005, ETRF2014, ETRF2020, NAD83(2011), "
        "NAD83(PA11), NAD83(MA11), NAD83(CSRS)v2, NAD83(CSRS)v3, NAD83(CSRS)v4, NAD83(CSRS)v5, NAD83(CSRS)v6, "
        "NAD83(CSRS)v7, NAD83(CSRS)v8, GDA94, GDA2020, NATRF2022.")
refused(SETTINGS, "a plate that the model does not know", REFRAME, reframe(PLATE="ATLANTIS"),
        "ITRF2014-PMM has no plate 'ATLANTIS'; its plates are ANTA, ARAB, AUST, EURA, INDI, NAZC, NOAM, NUBI, "
        "PCFC, SOAM, SOMA.")
refused(SETTINGS, "a velocity without numbers", REFRAME, reframe(MODEL="VELOCITY", PLATE=""),
        "MODEL=VELOCITY needs VELOCITY_EAST and VELOCITY_NORTH in m/yr, as numbers, as fields "
        "(VELOCITY_EAST_FIELD, VELOCITY_NORTH_FIELD) or as VELOCITY_RASTER; or choose a plate motion model.")
refused(SETTINGS, "a velocity in millimetres", REFRAME,
        reframe(MODEL="VELOCITY", PLATE="", VELOCITY_EAST=-16.5, VELOCITY_NORTH=13.2),
        "VELOCITY_EAST=-16.5 is no velocity of the ground: give metres per year, e.g. -0.0366.")
refused(SETTINGS, "a velocity and a plate model", REFRAME, reframe(VELOCITY_EAST=-0.016, VELOCITY_NORTH=0.013),
        "A velocity is given, but MODEL is ITRF2014-PMM: choose MODEL=VELOCITY, or leave the velocity "
        "parameters empty.")
refused(SETTINGS, "a velocity raster of one band", REFRAME,
        reframe(MODEL="VELOCITY", PLATE="", VELOCITY_RASTER=lambda f: f.reference()),
        "reference.tif has one band: a velocity raster needs the bands east and north (and up, where known) in "
        "m/yr.")
refused(SETTINGS, "a negative tolerance", REFRAME_RASTER, reframe_raster(TOLERANCE=-1),
        "TOLERANCE: '-1' cannot be used; give a number of at least 0.")
refused(SETTINGS, "a tolerance that no translation keeps", REFRAME_RASTER, reframe_raster(TOLERANCE=1e-12),
        "The displacement varies by 1.34e-06 m over reference.tif, more than TOLERANCE=1e-12 m: cut the raster "
        "into tiles and move each, or allow a larger TOLERANCE, or let it be resampled with WARP=true.")
refused(SETTINGS, "a negative distance", CHANGE, lambda f: {**changes(f, "ITRF2014", "ITRF2014"), "DISTANCE": -5},
        "DISTANCE: '-5' cannot be used; give a number of at least 0.001.")
refused(SETTINGS, "dates the wrong way round", IMPORT, importing("a.csv", GOOD, START="2020", END="2019"),
        "START is not before END: exchange them.")
refused(SETTINGS, "neither shift rasters nor shifts", APPLY, lambda f: {**applying(f), "SHIFT_RASTERS": None},
        "Give SHIFT_RASTERS or SHIFTS: one of them must say how to move the raster.")
refused(SETTINGS, "no reference", BLOCKWISE, blockwise(REFERENCE=None), "REFERENCE is missing: choose a raster.")
refused(SETTINGS, "an angle for a bias that has none", BIAS,
        lambda f: {**f.pair(), "OUTPUT": f.out("corrected.tif"), "ANGLE": 30},
        "ANGLE is for KIND=directional: leave it empty or choose that kind.")
refused(SETTINGS, "a ramp of the ninth order", BIAS,
        lambda f: {**f.pair(), "OUTPUT": f.out("corrected.tif"), "ORDER": 9},
        "ORDER: '9' cannot be used; give a whole number from 0 to 3.")
refused(SETTINGS, "two epochs for one DEM", SERIES,
        lambda f: {"REFERENCE": f.reference(), "SECONDARIES": [f.secondary()], "EPOCHS": "2000,2001",
                   "OUTPUT": f.out("series")},
        "EPOCHS names 2 epochs for 1 DEMs: give one for each, with commas between.")
refused(SETTINGS, "a series of no DEM", SERIES,
        lambda f: {"REFERENCE": f.reference(), "SECONDARIES": [], "OUTPUT": f.out("series")},
        "SECONDARIES holds no DEM: choose at least one.")


# The makers of what takes more than a line

def _same(found, expected, slack=1e-6):
    assert abs(found - expected) <= slack, f"{found}, not {expected}"


def _between(found, low, high):
    assert low < found < high, f"{found} is not between {low} and {high}"


def zpoint(x, y, z):
    """A point with coordinates that WKT cannot tell."""
    made = ogr.Geometry(ogr.wkbPoint25D)
    made.AddPoint(x, y, z)
    return made


def turned_hills():
    """The secondary's terrain on the turned grid."""
    row, col = np.indices((160, 160)) + 0.5
    x = TURNED[0] + col * TURNED[1] + row * TURNED[2] - ORIGIN[0] - EAST - CELL / 2
    y = ORIGIN[1] - (TURNED[3] + col * TURNED[4] + row * TURNED[5]) - CELL / 2
    return (500 + UP + 150 * np.sin(x / 400) * np.cos(y / 520) + 60 * np.sin((x + 2 * y) / 300)).astype(np.float32)


def holed(f, value):
    """A run whose secondary holds `value` in some cells."""
    heights = hills(east=EAST, up=UP)
    heights[20:40, 30:50] = value
    return {**blockwise()(f), "SECONDARY": f.secondary(heights=heights)}


def container(f):
    """A netCDF file of two variables."""
    import granules

    cells = np.ones((4, 4), "f4")
    return granules.write_hdf5(str(f.inputs / "several.nc"), {"one": cells, "two": cells})


def survey_feet(f):
    """Heights in US survey feet that nothing but the vertical CRS tells."""
    path = f.raster("feet.tif", hills(up=UP) * np.float32(3937 / 1200), crs="32611+6360")
    view = gdal.Translate(str(f.inputs / "feet.vrt"), path, format="VRT")
    view.GetRasterBand(1).SetUnitType("")
    view = None
    return str(f.inputs / "feet.vrt")


def damaged(f, spoil):
    """A run whose secondary's bytes were spoiled."""
    import pathlib

    parameters = {**blockwise()(f), "SECONDARY": f.secondary(options=["COMPRESS=DEFLATE", "TILED=YES"])}
    path = pathlib.Path(parameters["SECONDARY"])
    path.write_bytes(spoil(path.read_bytes()))
    return parameters


def corrupt_tile(f):
    """A run whose secondary has one tile that no decoder takes."""
    dataset = gdal.Open(f.secondary(options=["COMPRESS=DEFLATE", "TILED=YES"]))
    place = int(dataset.GetRasterBand(1).GetMetadataItem("BLOCK_OFFSET_0_0", "TIFF"))
    dataset = None
    return damaged(f, lambda data: data[:place] + b"\xff" * 50 + data[place + 50:])


def linked_output(f):
    """A run whose output is a symbolic link to an input."""
    import os

    parameters = blockwise()(f)
    os.symlink(parameters["SECONDARY"], f.out("aligned.tif"))
    return parameters


def across_antimeridian(f, *crs, turn=0.0):
    """A pair across 180 degrees east at the equator; the second counts `turn` degrees less."""
    step = CELL / 111319.49
    grid = (180 - 48 * step, step, 0, 48 * step, 0, -step)
    away = (grid[0] - turn, *grid[1:])
    return {**blockwise()(f), "REFERENCE": f.raster("a.tif", hills(), crs=crs[0], transform=grid),
            "SECONDARY": f.raster("b.tif", hills(east=EAST, up=UP), crs=crs[1], transform=away)}


def applying(f):
    """A run of applyshifts: 0, 0, 1 m by a raster of another maker."""
    path = f.raster("shifts.tif", np.zeros((4, 4), np.float32), bands=3,
                    transform=(ORIGIN[0], 960, 0, ORIGIN[1], 0, -960))
    dataset = gdal.Open(path, gdal.GA_Update)
    for band, value in enumerate((0.0, 0.0, 1.0), 1):
        dataset.GetRasterBand(band).Fill(value)
    dataset = None
    return {"INPUT": f.reference(), "SHIFT_RASTERS": path, "VERTICAL": True, "OUTPUT": f.out("moved.tif")}


def nonsense_tags(f):
    """Shift rasters whose tags name impossible grids and a path that leads elsewhere."""
    parameters = applying(f)
    dataset = gdal.Open(parameters["SHIFT_RASTERS"], gdal.GA_Update)
    dataset.SetMetadata({"COMMONGROUND_STEP": "0", "COMMONGROUND_SIZE": "-5 99999999",
                         "COMMONGROUND_GEOTRANSFORM": "nan 0 0 0 0 0", "COMMONGROUND_RESAMPLING": "../../etc/passwd",
                         "COMMONGROUND_SECONDARY_CRS": "<script>", "COMMONGROUND_OUTPUT_SIZE": "1e9 1"})
    dataset = None
    return parameters


def saved_shifts(f):
    """Shift rasters as a run of blockwisecoregister saves them."""
    import processing

    path = str(f.inputs / "saved.tif")
    processing.run("commonground:blockwisecoregister", {**f.pair(), "BLOCK_SIZE": 48, "SHIFT_RASTERS": path,
                                                        "OUTPUT": str(f.inputs / "aligned.tif")})
    return path


def cut_shifts(f):
    """Saved shift rasters without their first row; the tags stay."""
    parameters = applying(f)
    path = str(f.inputs / "cut.tif")
    whole = gdal.Open(saved_shifts(f))
    gdal.Translate(path, whole, srcWin=[0, 1, whole.RasterXSize, whole.RasterYSize - 1])
    return {**parameters, "SHIFT_RASTERS": path}


def path_as_kernel(f):
    """Saved shift rasters whose tag for the resampling leads elsewhere."""
    parameters = applying(f)
    path = saved_shifts(f)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadataItem("COMMONGROUND_RESAMPLING", "../../etc/passwd")
    dataset = None
    return {**parameters, "SHIFT_RASTERS": path}


def moved_before(f):
    """A DEM with the tags that a move writes."""
    import processing

    first = reframe_raster()(f)
    first["OUTPUT"] = str(f.inputs / "moved.tif")
    first.pop("REPORT")
    processing.run("commonground:reframeitrfraster", first)
    return {**reframe_raster()(f), "INPUT": first["OUTPUT"]}


def truncated_layer(f):
    """A GeoPackage cut in the middle."""
    import pathlib

    path = pathlib.Path(f.vector("cut.gpkg"))
    path.write_bytes(path.read_bytes()[:5000])
    return str(path)


def memory_layer():
    """A point in memory."""
    from qgis.core import QgsFeature, QgsGeometry, QgsPoint, QgsVectorLayer

    layer = QgsVectorLayer("PointZ?crs=EPSG:7912", "memory", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry(QgsPoint(-117, 34, 100)))
    layer.dataProvider().addFeature(feature)
    return layer


def virtual_layer(f):
    """A query over a layer."""
    from qgis.core import QgsVectorLayer, QgsVirtualLayerDefinition

    definition = QgsVirtualLayerDefinition()
    definition.addSource("points", f.vector("points.gpkg"), "ogr")
    definition.setQuery("select * from points")
    return QgsVectorLayer(definition.toString(), "virtual", "virtual")


def edited_shifts(f, as_text=False, **values):
    """A shifts layer of four blocks whose fields were changed."""
    from commonground.core.coregistration.blocks import FIELDS

    good = {"dx": 1.0, "dy": 2.0, "dz": 3.0, "sigma_dx": 0.1, "sigma_dy": 0.1, "sigma_dz": 0.1, "n": 100,
            "nmad_before": 2.0, "nmad_after": 1.0, "slope": 10.0, "iterations": 3, "status": "used", "reason": ""}
    types = {int: ogr.OFTInteger, float: ogr.OFTReal, str: ogr.OFTString}
    kinds = {name: ogr.OFTString if as_text else types[kind] for name, kind in FIELDS.items()}
    rows = []
    for row in (0, 1):
        for col in (0, 1):
            block = {**good, "row": row, "col": col, **values}
            rows.append([("a few" if as_text and name == "n" else block[name]) for name in FIELDS])
    shapes = [square(400000.0 + 1400 * col, 3798600.0 - 1400 * row, 1400.0) for row in (0, 1) for col in (0, 1)]
    return {**applying(f), "SHIFT_RASTERS": None,
            "SHIFTS": f.vector("shifts.gpkg", shapes, 32611, kinds, rows, ogr.wkbPolygon)}


def changes(f, before, after):
    """A run of elevationchange on two layers with a frame each."""
    def layer(name, frame, height):
        shapes = [zpoint(-50 + 1e-4 * (i % 5), 70 + 1e-4 * (i // 5), height) for i in range(25)]
        if frame is None:
            return f.vector(name, shapes, 4979, geometry=ogr.wkbPoint25D)
        return f.vector(name, shapes, 4979, {"frame": ogr.OFTString, "epoch": ogr.OFTReal}, [[frame, 2015.0]] * 25,
                        ogr.wkbPoint25D)

    return {"INPUT_BEFORE": layer("before.gpkg", before, 100.0), "INPUT_AFTER": layer("after.gpkg", after, 90.0),
            "OUTPUT": f.out("change.gpkg")}


def escaped(path):
    """The hostile name is text in the report, and nothing else."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    assert "<script" not in page and "&lt;script&gt;" in page
