"""Print the figures of docs/frames.md: our displacement beside what other programs of this machine make of it.

tools/clean_qgis.sh /usr/bin/python3 tools/frames_figures.py
"""

import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import house  # noqa: F401
import numpy as np
from commonground.core.frames.catalogue import FRAMES, frame
from commonground.core.frames.epochs import decimal_year
from commonground.core.frames.plate_motion import MODELS
from commonground.core.frames.transform import (
    FrameEpoch,
    PlateMotion,
    displace,
    geocentric,
    geodetic,
    plate_velocity,
    velocity_spread,
)

LON, LAT, HEIGHT = -50.0, 70.0, 1.0
NOTHING = "no operation"


def main() -> None:
    """All figures, by section."""
    import pyproj
    from osgeo import gdal

    print(f"At {LON} E, {LAT} N, {HEIGHT} m; mm east, north, up. pyproj {pyproj.__version__}, PROJ "
          f"{pyproj.proj_version_str}, GDAL {gdal.__version__}")
    _chain()
    _from_crs()
    _init_files()
    _osr()
    _models()
    _years()


def _ours(source, start, target, end=None, motion=None):
    moved = displace(LON, LAT, HEIGHT, FrameEpoch(source, start), FrameEpoch(target, end), motion)
    return np.array([float(moved.east), float(moved.north), float(moved.up)])


def _metres(lon, lat, height):
    """mm east, north, up of a new position beside the old one."""
    sine = np.sin(np.radians(LAT))
    normal = 6378137.0 / np.sqrt(1.0 - 0.00669438002290 * sine ** 2)
    meridional = normal ** 3 / 6378137.0 ** 2 * (1.0 - 0.00669438002290)
    return np.array([np.radians(lon - LON) * normal * np.cos(np.radians(LAT)), np.radians(lat - LAT) * meridional,
                     height - HEIGHT])


def _row(name, ours, theirs):
    shown = theirs if isinstance(theirs, str) else _mm(theirs)
    print(f"  {name:44s} ours {_mm(ours)}   theirs {shown}")


def _mm(vector):
    return " ".join(f"{value * 1e3:+8.1f}" for value in vector)


def _chain():
    noam = PlateMotion("ITRF2014-PMM")
    print(f"\nCatalogue: {len(FRAMES)} frames, {len(MODELS)} plate motion models")
    print("The chain, ITRF93 at 1993.5 to ITRF2014 at 2018.5")
    print(f"  frame alone, at 1993.5   {_mm(_ours('ITRF93', 1993.5, 'ITRF2014'))}")
    print(f"  and 25 years of NOAM     {_mm(_ours('ITRF93', 1993.5, 'ITRF2014', 2018.5, noam))}")
    moved = displace(LON, LAT, HEIGHT, FrameEpoch("ITRF2014", 1993.5), FrameEpoch("ITRF2014", 2018.5), noam)
    wrong = np.array([float(moved.east), float(moved.north), float(moved.up)]) + _ours("ITRF93", 2018.5, "ITRF2014")
    print(f"  motion first (wrong)     {_mm(wrong)}")


def _from_crs():
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    print("\npyproj's Transformer.from_crs, at epoch 2018.5")
    for source, target in (("ITRF96", "ITRF97"), ("ITRF94", "ITRF96"), ("ITRF96", "ITRF2005"), ("ITRF92", "ITRF94"),
                           ("IGS14", "ITRF2014"), ("IGS08", "ITRF2014"), ("NAD83(2011)", "ITRF2014")):
        for kind in ("epsg_geographic3d", "epsg_geocentric"):
            codes = (f"EPSG:{getattr(frame(name), kind)}" for name in (source, target))
            place = (LON, LAT, HEIGHT) if kind == "epsg_geographic3d" else geocentric(LON, LAT, HEIGHT)
            try:
                made = Transformer.from_crs(*codes, always_xy=True)
                theirs = np.array(made.transform(*place, 2018.5, errcheck=True)[:3])
                theirs = _metres(*(theirs if kind == "epsg_geographic3d" else geodetic(*theirs)))
            except ProjError:
                theirs = NOTHING
            _row(f"{source} -> {target}, {kind[5:]}", _ours(source, 2018.5, target), theirs)


def _init_files():
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    print("\nPROJ's own parameter files (+init), at epoch 1993.5; plates: 10 years in ITRF2008 / ITRF2014")
    around = ("+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80 +step {} "
              "+step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg")
    for entry, source, target in (("ITRF2008:ITRF93", "ITRF2008", "ITRF93"), ("ITRF2008:ITRF88", "ITRF2008", "ITRF88"),
                                  ("ITRF2014:ITRF97", "ITRF2014", "ITRF97"), ("ITRF2020:ITRF93", "ITRF2020", "ITRF93")):
        try:
            theirs = _metres(*Transformer.from_pipeline(around.format(f"+init={entry}")).transform(
                LON, LAT, HEIGHT, 1993.5)[:3])
        except ProjError:
            theirs = NOTHING
        _row(entry, _ours(source, 1993.5, target), theirs)
    for name, plate in (("ITRF2008", "EURA"), ("ITRF2008", "NOAM"), ("ITRF2014", "NOAM")):
        step = f"+inv +init={name}:{plate} +t_epoch=2010"
        theirs = _metres(*Transformer.from_pipeline(around.format(step)).transform(LON, LAT, HEIGHT, 2000.0)[:3])
        _row(f"{name}:{plate}, 2000 to 2010", _ours(name, 2000.0, name, 2010.0, PlateMotion(f"{name}-PMM", plate)),
             theirs)


def _osr():
    from osgeo import osr

    print("\nGDAL's CoordinateTransformation (as QGIS' reprojection) with coordinate epochs set to 1993.5")
    for source, target in (("ITRF93", "ITRF2014"), ("ITRF2014", "ITRF2014")):
        ends = []
        for name, epoch in ((source, 1993.5), (target, 1993.5 if source != target else 2018.5)):
            reference = osr.SpatialReference()
            reference.ImportFromEPSG(frame(name).epsg_geographic3d)
            reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
            reference.SetCoordinateEpoch(epoch)
            ends.append(reference)
        theirs = _metres(*osr.CoordinateTransformation(*ends).TransformPoint(LON, LAT, HEIGHT)[:3])
        if source != target:
            _row("ITRF93 -> ITRF2014 at 1993.5", _ours(source, 1993.5, target), theirs)
        else:
            _row("ITRF2014, 1993.5 -> 2018.5", _ours(source, 1993.5, target, 2018.5, PlateMotion("ITRF2014-PMM")),
                 theirs)


def _models():
    print("\nVelocity by model, mm a year east, north")
    for name in MODELS:
        east, north, _ = plate_velocity(LON, LAT, PlateMotion(name))
        print(f"  {name:14s} {float(east) * 1e3:+7.2f} {float(north) * 1e3:+7.2f}")
    east, north = velocity_spread(LON, LAT, PlateMotion(MODELS[0]))
    print(f"  half the range {float(east) * 1e3:7.2f} {float(north) * 1e3:7.2f}")


def _years():
    days = [datetime(2000 + year, month, 1 + day) for year in range(20) for month in range(1, 13) for day in range(28)]
    ours = np.array([decimal_year(day) for day in days])
    since = np.array([(day - datetime(2000, 1, 1, 12)).total_seconds() / 86400.0 for day in days])
    julian = 2000.0 + since / 365.25
    ordinal = np.array([day.year + day.timetuple().tm_yday / 365.0 for day in days])
    print("\nOther decimal years, largest difference 2000 to 2019 in days; mm at 70 mm a year")
    for name, other in (("Julian years of 365.25 days since J2000", julian), ("year + day of year / 365", ordinal)):
        worst = float(np.abs(other - ours).max())
        print(f"  {name:40s} {worst * 365.25:6.2f} d {worst * 70.0:7.3f} mm")


if __name__ == "__main__":
    main()
