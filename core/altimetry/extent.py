"""A box on the map that chooses points, exactly, in the coordinates in which it was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..frames.map_positions import MapPositions


@dataclass(frozen=True)
class Extent:
    """west, south, east, north in the CRS `wkt`; without one, in degrees.

    Longitudes are of any turn: 175 to 185, 175 to -175 and -185 to -175 are the same ten degrees across the
    antimeridian. A projected box stays one: its outline in degrees is none, least of all around a pole.
    """

    west: float
    south: float
    east: float
    north: float
    wkt: str = ""

    @cached_property
    def _map(self) -> MapPositions | None:
        return MapPositions(self.wkt) if self.wkt else None

    def contains(self, lon, lat) -> np.ndarray:
        """Which positions (n,), in degrees, lie in the box or on its edges; missing ones do not.

        >>> Extent(175.0, 60.0, -175.0, 70.0).contains(np.array([176.0, 0.0, -176.0]), np.full(3, 65.0)).tolist()
        [True, False, True]
        """
        x, y, turn = lon, lat, 360.0
        with np.errstate(invalid="ignore"):
            if self._map is not None:
                (x, y), turn = self._map.on_map(lon, lat), self._map.turn
            if np.isinf(turn):
                across = (x >= self.west) & (x <= self.east)
            elif self.east - self.west >= turn:
                across = np.isfinite(x)
            else:
                across = (x - self.west) % turn <= (self.east - self.west) % turn
            return across & (y >= self.south) & (y <= self.north)
