"""Map coordinates as longitude, latitude and height, and back: the projection only, never a datum."""

from __future__ import annotations

import numpy as np

from ..errors import VectorError


class MapPositions:
    """Positions in a CRS (WKT), geographic, projected or geocentric, on that CRS's own ellipsoid.

    Raises VectorError where the CRS is missing or places nothing on the Earth. Not to be shared by threads.
    """

    def __init__(self, wkt: str):
        from pyproj import CRS, Transformer
        from pyproj.exceptions import CRSError

        try:
            crs = CRS.from_wkt(wkt)
        except CRSError as error:
            raise VectorError("The input has no coordinate reference system that can be read: assign one "
                              "(Layer > Set CRS) and run again.") from error
        crs = crs.source_crs if crs.is_bound else crs
        crs = crs.sub_crs_list[0] if crs.is_compound else crs
        base = crs.geodetic_crs
        if base is None:
            raise VectorError(f"'{crs.name}' does not place coordinates on the Earth: assign a geographic or "
                              "projected coordinate reference system and run again.")
        if base.prime_meridian and base.prime_meridian.longitude:
            raise VectorError(f"'{crs.name}' counts longitudes from {base.prime_meridian.name}: reproject to "
                              "a coordinate reference system on Greenwich first.")
        self.geocentric = crs.is_geocentric
        self._transformer, self._degrees = None, 1.0
        if self.geocentric:
            ellipsoid = crs.ellipsoid
            self._transformer = Transformer.from_pipeline(
                f"+proj=pipeline +step +inv +proj=cart +a={ellipsoid.semi_major_metre!r} "
                f"+b={ellipsoid.semi_minor_metre!r} +step +proj=unitconvert +xy_in=rad +xy_out=deg")
        else:
            if crs.is_projected or crs.is_derived:
                self._transformer = Transformer.from_crs(crs, base, always_xy=True)
            factor = np.degrees(base.axis_info[0].unit_conversion_factor)
            self._degrees = 1.0 if abs(factor - 1.0) < 1e-12 else factor

    def geographic(self, x, y, z):
        """`(lon, lat, height)` in degrees and m; not finite where a position does not lie on the Earth."""
        x, y, z = (np.asarray(values, dtype=float) for values in (x, y, z))
        if self.geocentric:
            return self._transformer.transform(x, y, z, errcheck=False)
        lon, lat = x, y
        if self._transformer is not None:
            lon, lat = self._transformer.transform(x, y, errcheck=False)
        lon, lat = lon * self._degrees, lat * self._degrees
        return lon, np.where(np.abs(lat) <= 90.0 + 1e-9, lat, np.nan), z

    @property
    def turn(self) -> float:
        """A whole turn of longitude in map units where x is one, infinite where it is not."""
        return 360.0 / self._degrees if self._transformer is None else np.inf

    def on_map(self, lon, lat):
        """`(x, y)` of positions in degrees; not finite where the projection does not reach."""
        if self._transformer is None:
            return np.asarray(lon) / self._degrees, np.asarray(lat) / self._degrees
        return self._map(lon, lat, 0.0)[:2]

    def shift(self, before, after):
        """`(dx, dy, dz)` in map units between two geographic positions `(lon, lat, height)`.

        The difference of two projected positions: what the inverse projection rounds off cancels.
        """
        (lon1, lat1, height1), (lon2, lat2, height2) = before, after
        if self.geocentric:
            return tuple(
                b - a for a, b in zip(self._map(lon1, lat1, height1), self._map(lon2, lat2, height2))
            )
        if self._transformer is None:
            turn = (lon2 - lon1 + 180.0) % 360.0 - 180.0
            near = np.where(np.abs(lon2 - lon1) < 180.0, lon2 - lon1, turn)
            return near / self._degrees, (lat2 - lat1) / self._degrees, height2 - height1
        (x1, y1, _), (x2, y2, _) = self._map(lon1, lat1, height1), self._map(lon2, lat2, height2)
        return x2 - x1, y2 - y1, height2 - height1

    def _map(self, lon, lat, height):
        from pyproj.enums import TransformDirection

        if self.geocentric:
            return self._transformer.transform(lon, lat, height, direction=TransformDirection.INVERSE,
                                               errcheck=False)
        x, y = self._transformer.transform(np.asarray(lon) / self._degrees, np.asarray(lat) / self._degrees,
                                           direction=TransformDirection.INVERSE, errcheck=False)
        return x, y, height
