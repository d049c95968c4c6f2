"""Which plate a point lies on: the NNR-MORVEL56 outlines.

Outlines: MORVEL and Bird 2003 by way of Argus et al. 2011 (10.1029/2011GC003751), from the PyPI package
platemotion (MIT); see ``data/plate_outlines.LICENSE.txt``. They tile the sphere, so every point has one
plate: that south of the first boundary met going north, or that of the north pole where none is met.
"""
from __future__ import annotations

from functools import cache

import numpy as np

from .tables import read_table

_EARTH_RADIUS_KM = 6371.0
_CHUNK = 16384


@cache
def _edges():
    """Boundary edges with the plate on either side, eastward, longitudes from -180 on.

    Returns (lon1, lat1, lon2, lat2, north, south): degrees and indices into OUTLINES. An edge across the
    antimeridian is held twice, 360 degrees apart, so that no lookup needs to wrap.
    """
    parts = []
    for row in read_table("plate_outlines.csv"):
        vertices = np.array(row["lon_lat"].split(), dtype=float).reshape(-1, 2)
        lon, lat = vertices.T
        step = (np.diff(lon) + 180.0) % 360.0 - 180.0
        left, right = _CODES[row["left"]], _CODES[row["right"]]
        east = step >= 0
        parts.append(np.column_stack([
            np.where(east, lon[:-1], lon[1:]), np.where(east, lat[:-1], lat[1:]),
            np.where(east, lon[:-1] + step, lon[1:] - step), np.where(east, lat[1:], lat[:-1]),
            np.where(east, left, right), np.where(east, right, left)]))
    edges = np.vstack(parts)
    across = edges[edges[:, 2] > 180.0] - np.array([360.0, 0, 360.0, 0, 0, 0])
    edges = np.vstack([edges, across])
    return (*edges[:, :4].T, *edges[:, 4:].T.astype(np.int16))


def _read_codes():
    rows = read_table("plate_outlines.csv")
    return tuple(sorted({row[side] for row in rows for side in ("left", "right")}))


OUTLINES = _read_codes()
"""Codes of the 56 outlines (NNR-MORVEL56), sorted; positions in it are what plate_index returns."""

_CODES = {code: index for index, code in enumerate(OUTLINES)}
_NONE = len(OUTLINES)


@cache
def _strips():
    """For each degree of longitude from -180 on: indices of the edges that reach into it."""
    lon1, _, lon2, _, _, _ = _edges()
    return [np.flatnonzero((lon1 <= west + 1) & (lon2 >= west)) for west in range(-180, 180)]


def _exact(lon, lat):
    """Plate index of points, lon in [-180, 180), by the first boundary to the north."""
    lon1, lat1, lon2, lat2, north, south = _edges()
    # What lies north of the northernmost boundary holds the pole, and all that meets no boundary.
    found = np.full(lon.shape, north[np.maximum(lat1, lat2).argmax()], dtype=np.int16)
    strip = np.floor(lon).astype(int) + 180
    order = np.argsort(strip, kind="stable")
    limits = np.searchsorted(strip[order], np.arange(361))
    for number, edge in enumerate(_strips()):
        for start in range(limits[number], limits[number + 1], 4096):
            points = order[start:min(start + 4096, limits[number + 1])]
            x, y = lon[points, None], lat[points, None]
            a, b = lon1[edge], lon2[edge]
            with np.errstate(divide="ignore", invalid="ignore"):
                crossing = lat1[edge] + (lat2[edge] - lat1[edge]) * ((x - a) / (b - a))
            # Half open in longitude: a vertex belongs to one edge only, a meridional edge to none.
            above = (x >= a) & (x < b) & (crossing >= y)
            crossing = np.where(above, crossing, np.inf)
            first = crossing.argmin(axis=1)
            met = above[np.arange(points.size), first]
            found[points[met]] = south[edge[first[met]]]
    return found


@cache
def _cells():
    """Plate index of each 1-degree cell, shape (180, 360) from (-90, -180) on, -1 where a boundary passes."""
    lon, lat = np.meshgrid(np.arange(-179.5, 180.0), np.arange(-89.5, 90.0))
    cells = _exact(lon.ravel(), lat.ravel()).reshape(lon.shape)
    lon1, lat1, lon2, lat2, _, _ = _edges()
    low, high = np.minimum(lat1, lat2), np.maximum(lat1, lat2)
    columns = np.floor(lon1).astype(int) + 180, np.floor(lon2).astype(int) + 180
    rows = np.floor(low).astype(int) + 90, np.floor(high).astype(int) + 90
    for west, east, bottom, top in zip(*columns, *rows):
        cells[max(bottom, 0):top + 1, max(west, 0):east + 1] = -1
    return cells


def plate_index(lon, lat):
    """Return positions in OUTLINES (int16) for degrees of any shape; len(OUTLINES) where not finite."""
    lon, lat = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    shape, lon, lat = lon.shape, lon.ravel(), lat.ravel()
    found = np.empty(lon.shape, dtype=np.int16)
    for first in range(0, lon.size, _CHUNK):
        chunk = slice(first, first + _CHUNK)
        found[chunk] = _by_cell(lon[chunk], lat[chunk])
    unsure = np.flatnonzero(found < 0)
    if unsure.size:
        found[unsure] = _exact(*_wrapped(lon[unsure], lat[unsure]))
    return found.reshape(shape)


def _by_cell(lon, lat):
    """Plate index of points in cells without a boundary, -1 in others, _NONE where not finite."""
    finite = np.isfinite(lon) & np.isfinite(lat)
    if not finite.all():
        found = np.full(lon.shape, _NONE, dtype=np.int16)
        found[finite] = _by_cell(lon[finite], lat[finite])
        return found
    lon, lat = _wrapped(lon, lat)
    column = np.minimum((lon + 180.0).astype(np.int32), 359)
    row = np.minimum((lat + 90.0).astype(np.int32), 179)
    return _cells().ravel().take(row * 360 + column)


def _wrapped(lon, lat):
    """Degrees with lon in [-180, 180) and lat in [-90, 90]."""
    if lon.size and not (lon.min() >= -180.0 and lon.max() < 180.0):
        lon = (lon + 180.0) % 360.0 - 180.0
        # A hair west of the antimeridian rounds up to a whole turn.
        lon = np.where(lon >= 180.0, -180.0, lon)
    return lon, np.clip(lat, -90.0, 90.0)


def plate_at(lon, lat):
    """Return the NNR-MORVEL56 plate codes at degrees of any shape, '' where not finite.

    >>> str(plate_at(31.2, 30.0))
    'NU'
    """
    return np.array((*OUTLINES, ""))[plate_index(lon, lat)]


def boundary_distance(lon, lat):
    """Return the distance to the nearest plate boundary in km, within about 3 km, any shape of degrees."""
    lon, lat = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    points = _unit_vectors(lon.ravel(), lat.ravel())
    finite = np.isfinite(points).all(axis=1)
    distance = np.full(len(points), np.nan)
    chord, _ = _boundary_tree().query(points[finite])
    distance[finite] = 2.0 * _EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))
    return distance.reshape(lon.shape)


def boundary_segments(west, south, east, north):
    """Return the plate boundaries that touch a box of degrees, as (n, 2, 2) of (lon, lat); east may pass 180."""
    lon1, lat1, lon2, lat2, _, _ = _edges()
    segments = np.stack([np.column_stack([lon1, lat1]), np.column_stack([lon2, lat2])], axis=1)
    segments = np.vstack([segments, segments + np.array([360.0, 0.0])])
    low, high = segments.min(axis=1), segments.max(axis=1)
    return segments[(low <= (east, north)).all(axis=1) & (high >= (west, south)).all(axis=1)]


@cache
def _boundary_tree():
    """Search tree of boundary points at most 5 km apart, as unit vectors."""
    from scipy.spatial import cKDTree

    lon1, lat1, lon2, lat2, _, _ = _edges()
    start, end = _unit_vectors(lon1, lat1), _unit_vectors(lon2, lat2)
    count = np.ceil(np.linalg.norm(end - start, axis=1) * _EARTH_RADIUS_KM / 5.0).astype(int) + 1
    edge = np.repeat(np.arange(count.size), count)
    part = (np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count)) / count[edge]
    points = start[edge] + (end - start)[edge] * part[:, None]
    points /= np.linalg.norm(points, axis=1)[:, None]
    # Far queries on points along lines: the unbalanced, loose tree answers twice as fast.
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _unit_vectors(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
