"""GLAS heights: from the TOPEX/Poseidon ellipsoid to WGS 84.

T/P: a = 6378136.3 m, 1/f = 298.257; WGS 84: a = 6378137 m, 1/f = 298.257223563. The conversion is exact: geodetic to
geocentric on the one, geocentric to geodetic on the other. Heights fall by 0.700 m (equator) to 0.714 m (poles);
latitudes move by at most 0.0137 m towards the equator (NSIDC: nsidc.org/data/icesat/geoid.html).
"""

from __future__ import annotations

import numpy as np

TOPEX = 6378136.3, 1.0 / 298.257
WGS84 = 6378137.0, 1.0 / 298.257223563
_ITERATIONS = 4


def to_wgs84(lat, height):
    """`(lat, height)` above WGS 84 of geodetic latitudes (degrees) and heights (m) above T/P, any shape.

    >>> lat, height = to_wgs84(30.0, 1000.0)
    >>> round(float(lat), 9), round(float(height), 4)
    (29.999999893, 999.2966)
    """
    axis, z = _meridian(np.radians(lat), np.asarray(height, dtype=float), *TOPEX)
    return _geodetic(axis, z, *WGS84)


def _meridian(lat, height, a, f):
    """Distance from the axis of rotation and z (m)."""
    e2 = f * (2.0 - f)
    normal = a / np.sqrt(1.0 - e2 * np.sin(lat) ** 2)
    return (normal + height) * np.cos(lat), (normal * (1.0 - e2) + height) * np.sin(lat)


def _geodetic(axis, z, a, f):
    """Latitude (degrees) and height (m), by Bowring's iteration of the parametric latitude."""
    e2, b = f * (2.0 - f), a * (1.0 - f)
    parametric = np.arctan2(z * a, axis * b)
    for _ in range(_ITERATIONS):
        lat = np.arctan2(z + e2 / (1.0 - e2) * b * np.sin(parametric) ** 3, axis - e2 * a * np.cos(parametric) ** 3)
        parametric = np.arctan2((1.0 - f) * np.sin(lat), np.cos(lat))
    # This form of the height holds at the poles, too.
    height = axis * np.cos(lat) + z * np.sin(lat) - a * np.sqrt(1.0 - e2 * np.sin(lat) ** 2)
    return np.degrees(lat), height
