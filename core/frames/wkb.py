"""Vertices inside well-known binary: read as one array, put back where they were.

Geometries of any kind (curves, collections, Z, M) keep their structure byte for byte; only the coordinates
change (OGC 06-103r4, section 8; the type codes with flags of older writers are read too).
"""

from __future__ import annotations

import struct

import numpy as np

from ..errors import VectorError

_POINT, _POLYGON, _TRIANGLE = 1, 3, 17
_LINES = (2, 8)
_Z_FLAG, _M_FLAG = 0x80000000, 0x40000000


class Vertices:
    """All vertices of some geometries.

    xyz: (n, 3) float64, NaN for z where a geometry has none; owner: (n,) index of each vertex's geometry.
    """

    def __init__(self, geometries: list[bytes]):
        self._ends = np.cumsum([len(geometry) for geometry in geometries], dtype=np.int64)
        self._bytes = bytearray().join(geometries)
        try:
            self._table = _point_table(geometries, self._bytes)
            if self._table is None:
                self._runs = _runs_of(geometries)
                self.xyz, self.owner = self._read_runs()
            else:
                self.xyz, self.owner = self._read_table(bool(geometries) and _dimensions(geometries[0])[1])
        except (struct.error, ValueError, IndexError, RecursionError, MemoryError) as error:
            raise VectorError("A geometry is damaged: run Fix Geometries first.") from error

    def _read_table(self, has_z):
        self._columns = 3 if has_z else 2
        xyz = np.full((len(self._table), 3), np.nan)
        xyz[:, :self._columns] = self._table[:, 5:].view("<f8")[:, :self._columns]
        return xyz, np.arange(len(xyz))

    def _read_runs(self):
        total = sum(count for _, _, count, _, _, _ in self._runs)
        xyz, owner = np.full((total, 3), np.nan), np.empty(total, dtype=np.int64)
        row = 0
        for geometry, start, count, dimensions, columns, kind in self._runs:
            values = np.frombuffer(self._bytes, kind, count * dimensions, start).reshape(count, dimensions)
            xyz[row:row + count, :columns] = values[:, :columns]
            owner[row:row + count] = geometry
            row += count
        return xyz, owner

    def replaced(self, xyz: np.ndarray) -> list[bytes]:
        """The same geometries with other coordinates, (n, 3); z and m that are not there stay so."""
        if self._table is not None:
            table = self._table.copy()
            coordinates = np.ascontiguousarray(table[:, 5:]).view("<f8")
            coordinates[:, :self._columns] = xyz[:, :self._columns]
            table[:, 5:] = coordinates.view(np.uint8)
            data, size = table.tobytes(), table.shape[1]
            return [data[start:start + size] for start in range(0, len(data), size)]
        data, row = bytearray(self._bytes), 0
        for _, start, count, dimensions, columns, kind in self._runs:
            values = np.frombuffer(data, kind, count * dimensions, start).reshape(count, dimensions)
            values[:, :columns] = xyz[row:row + count, :columns]
            row += count
        starts = [0, *self._ends.tolist()]
        return [bytes(data[start:end]) for start, end in zip(starts, starts[1:])]


def _point_table(geometries, data):
    """One row of bytes a geometry where all are little-endian points of one kind, else None."""
    if not geometries:
        return np.empty((0, 21), dtype=np.uint8)
    size, header = len(geometries[0]), geometries[0][:5]
    if header[0] != 1 or _base_type(struct.unpack_from("<I", header, 1)[0]) != _POINT:
        return None
    alike = len(data) == size * len(geometries) and all(len(geometry) == size for geometry in geometries)
    if size != 5 + 8 * _dimensions(header)[0] or not alike:
        return None
    table = np.frombuffer(bytes(data), dtype=np.uint8).reshape(-1, size)
    return table if (table[:, :5] == np.frombuffer(header, dtype=np.uint8)).all() else None


def _runs_of(geometries):
    """Every run of coordinates: (geometry, first byte, count, dimensions, columns of xyz, number type)."""
    runs, start = [], 0
    for index, geometry in enumerate(geometries):
        for first, count, dimensions, columns, kind in _walk(geometry, 0)[0]:
            if first + 8 * dimensions * count > len(geometry):
                raise ValueError("a run of coordinates leaves the geometry")
            runs.append((index, start + first, count, dimensions, columns, kind))
        start += len(geometry)
    return runs


def _walk(data, at):
    """Runs `(first byte, count, dimensions, columns, number type)` of one geometry, and where it ends."""
    order = "<" if data[at] == 1 else ">"
    code = struct.unpack_from(order + "I", data, at + 1)[0]
    base, (dimensions, has_z) = _base_type(code), _dimensions(data, at)
    shape = dimensions, 3 if has_z else 2, order + "f8"
    at += 5
    if base == _POINT:
        return [(at, 1, *shape)], at + 8 * dimensions
    count, at = struct.unpack_from(order + "I", data, at)[0], at + 4
    if base in _LINES:
        return [(at, count, *shape)], at + 8 * dimensions * count
    runs = []
    for _ in range(count):
        if base in (_POLYGON, _TRIANGLE):
            length, at = struct.unpack_from(order + "I", data, at)[0], at + 4
            runs.append((at, length, *shape))
            at += 8 * dimensions * length
        else:
            parts, at = _walk(data, at)
            runs += parts
    return runs, at


def _base_type(code):
    base = (code & 0x0FFFFFFF) % 1000
    if not 1 <= base <= 17:
        raise VectorError(f"A geometry of the unknown type {code} cannot be moved: convert it to a standard "
                          "one.")
    return base


def _dimensions(data, at=0):
    """`(numbers a vertex, has z)` of the geometry at a byte."""
    code = struct.unpack_from("<I" if data[at] == 1 else ">I", data, at + 1)[0]
    thousands = (code & 0x0FFFFFFF) // 1000
    has_z = bool(code & _Z_FLAG) or thousands in (1, 3)
    has_m = bool(code & _M_FLAG) or thousands in (2, 3)
    return 2 + has_z + has_m, has_z
