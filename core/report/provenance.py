"""Where a report's numbers come from: files with their checksums, and the software."""

from __future__ import annotations

import configparser
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from ..raster.dem import Dem

CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A DEM that took part. `bytes` and `sha256` are 0 and "" where the source is no plain file."""

    role: str
    name: str
    crs: str
    cols: int
    rows: int
    cell: float
    data_type: str
    bytes: int
    sha256: str


def describe(role: str, dem: Dem) -> Source:
    """What is to be known of a DEM; its file is read once, in pieces, for the checksum."""
    plain = os.path.isfile(dem.path)
    size, digest = (os.path.getsize(dem.path), checksum(dem.path)) if plain else (0, "")
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
