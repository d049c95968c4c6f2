"""What has been done already: a file of JSON lines that a killed run leaves readable."""

from __future__ import annotations

import hashlib
import json
import math
import os

from ..errors import OutputError
from ..raster.dem import Dem, open_dataset
from ..raster.grid import crs_name
from ..raster.writing import prepare_folder, write_text

SCHEMA = "commonground-tiles/1"
BY_LOOKING = (".aux.xml", ".ovr")


class Journal:
    """Entries by name, kept in a file: a line is appended for each, so that n of them cost n lines.

    The last line of a name counts. What a killed run tore off is left out; reading rewrites the file without it and
    without lines that no longer count. Use as a context manager. Raises OutputError.
    """

    def __init__(self, path: str):
        self._path = path
        self._entries = _read(path)
        self._file = None

    def __enter__(self) -> Journal:
        prepare_folder(self._path)
        write_text(self._path, "\n".join([json.dumps({"schema": SCHEMA}), *self._entries.values()]) + "\n")
        try:
            self._file = open(self._path, "a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror}.") from error
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def get(self, name: str) -> tuple[str, dict]:
        """`(key, content)` of an entry, `("", {})` where there is none."""
        if name not in self._entries:
            return "", {}
        entry = json.loads(self._entries[name])
        return entry["key"], {part: math.nan if value is None else value for part, value in entry["content"].items()}

    def put(self, name: str, key: str, content: dict) -> None:
        """Add an entry, or replace it; it is in the file when this returns."""
        self._entries[name] = _line(name, key, content)
        try:
            self._file.write(self._entries[name] + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {error.strerror}. Is the disk full?") from error


def _read(path: str) -> dict:
    """The last line of each name: as text, which takes a quarter of the memory of what it says."""
    entries: dict = {}
    if not os.path.isfile(path):
        return entries
    with open(path, encoding="utf-8", errors="replace") as file:
        head = _parsed(file.readline())
        if head.get("schema") != SCHEMA:
            raise OutputError(f"{path} is no journal of this version: choose another folder, or remove that file to "
                              "do all anew.")
        for line in file:
            entry = _parsed(line)
            if {"name", "key", "content"} <= entry.keys():
                entries[entry["name"]] = line.rstrip("\n")
    return entries


def _parsed(line: str) -> dict:
    """{} for a line that was torn off."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _line(name: str, key: str, content: dict) -> str:
    known = {part: None if value != value else value for part, value in content.items()}
    return json.dumps({"name": name, "key": key, "content": known}, ensure_ascii=False, allow_nan=False, default=list)


def described(dem: Dem) -> list:
    """What of a DEM's description decides about its heights, as JSON holds it.

    Not the WKT of its CRS: for one and the same file GDAL words it differently from process to process.
    """
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.ImportFromWkt(dem.grid.crs)
    return [dem.path, dem.band, dem.grid.geotransform, dem.grid.shape, crs_name(dem.grid.crs),
            reference.ExportToProj4(), repr(dem.nodata), dem.scale, dem.offset]


def fingerprint(*parts) -> str:
    """A short text that changes when any of `parts` (what JSON can hold, or that has a repr) does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode("utf-8")).hexdigest()[:32]


def file_stamps(path: str) -> list:
    """`[path, bytes, time of change]` of all files that GDAL reads for the raster `path`: members, masks, world files.

    Not those that looking at it on a map creates, and that leave heights as they are: statistics and overviews.
    """
    names = {path, *(open_dataset(path).GetFileList() or ())}
    return [_stamp(name) for name in sorted(names) if not name.endswith(BY_LOOKING)]


def _stamp(path: str) -> list:
    from osgeo import gdal

    if os.path.exists(path):
        known = os.stat(path)
        return [os.path.abspath(path), known.st_size, known.st_mtime_ns]
    known = gdal.VSIStatL(path)
    return [path, known.size, known.mtime] if known is not None else [path, 0, 0]
