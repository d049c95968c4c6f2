"""The files that tiles of a raster are kept in."""

from __future__ import annotations

import hashlib
import os
from collections import Counter

from .dem import open_dataset
from .writing import is_virtual

EXTENSIONS = (".adf", ".asc", ".bil", ".bt", ".dem", ".dt0", ".dt1", ".dt2", ".ers", ".flt", ".grd", ".gtx", ".hgt",
              ".img", ".jp2", ".kea", ".nc", ".rst", ".sdat", ".tif", ".tiff")
SIDECARS = (".aux.xml", ".ovr", ".msk", ".hdr", ".prj", ".tfw", ".xml")


def rasters_in(folder: str, without: str = "") -> list[str]:
    """The raster files in a folder and those within, by name; hidden ones, VRTs and the folder `without` left out."""
    without = os.path.abspath(without) if without else ""
    if is_virtual(folder):
        from osgeo import gdal

        names = sorted(gdal.ReadDirRecursive(folder) or ())
        return [f"{folder.rstrip('/')}/{name}" for name in names if _is_raster(name)]
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")
                            and os.path.abspath(os.path.join(place, name)) != without)
        found += [os.path.join(place, name) for name in sorted(names) if _is_raster(name)]
    return found


def _is_raster(name: str) -> bool:
    base = os.path.basename(name)
    return not base.startswith(".") and os.path.splitext(base)[1].lower() in EXTENSIONS


def members(path: str) -> list[str]:
    """The rasters that a VRT is made of; the file itself where it is no VRT, or one of a single raster."""
    dataset = open_dataset(path)
    if dataset.GetDriver().ShortName != "VRT":
        return [path]
    own = {os.path.abspath(path), path}
    found = [name for name in dataset.GetFileList() or ()
             if name not in own and os.path.abspath(name) not in own and not name.lower().endswith(SIDECARS)]
    if len(found) < 2:
        return [path]
    return [name for member in found for name in (members(member) if member.lower().endswith(".vrt") else [member])]


def unique_names(paths: list[str]) -> list[str]:
    """A name for each file: its own without the extension, and a digest of the path where several share it."""
    stems = [os.path.splitext(os.path.basename(path.rstrip("/")))[0] for path in paths]
    count = Counter(stem.lower() for stem in stems)
    return [stem if count[stem.lower()] == 1 else f"{stem}_{hashlib.sha256(path.encode('utf-8')).hexdigest()[:8]}"
            for stem, path in zip(stems, paths)]
