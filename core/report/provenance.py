"""Where a report's numbers come from: files with their checksums, and the software."""

from __future__ import annotations

import configparser
import hashlib
import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from ..raster.dem import Dem
from ..raster.grid import crs_name

CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A DEM that took part, or `points` in the place of one, which have no `cols`, `rows` and `cell`.

    `bytes` and `sha256` are 0 and "" where the source is no plain file.
    """

    role: str
    name: str
    crs: str
    cols: int
    rows: int
    cell: float
    data_type: str
    bytes: int
    sha256: str
    points: int = 0


def describe_points(role: str, name: str, crs: str, path: str, count: int) -> Source:
    """What is to be known of `count` points in `crs` (WKT) that lie on the DEM; see `describe`."""
    return Source(role, name, crs_name(crs), 0, 0, math.nan, "points", *_file(path), count)


def _file(path: str) -> tuple[int, str]:
    """Bytes and checksum of a plain file."""
    return (os.path.getsize(path), checksum(path)) if os.path.isfile(path) else (0, "")


def describe(role: str, dem: Dem) -> Source:
    """What is to be known of a DEM; its file is read once, in pieces, for the checksum."""
    size, digest = _file(dem.path)
    return Source(role, dem.name, dem.crs_name, dem.grid.width, dem.grid.height, dem.grid.cell_size(),
                  dem.data_type, size, digest)


def checksum(path: str) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def versions() -> dict:
    """Name and version of what did the computing."""
    import numpy
    from osgeo import gdal

    metadata = configparser.ConfigParser()
    metadata.read(Path(__file__).resolve().parents[2] / "metadata.txt", encoding="utf-8")
    return {"Common Ground": metadata.get("general", "version", fallback="development"),
            "Python": platform.python_version(), "NumPy": numpy.__version__, "GDAL": gdal.__version__}
