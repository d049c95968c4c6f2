"""Boxes of any kind: degrees of any turn, and projected ones with a pole or the antimeridian inside."""

import numpy as np
import pytest
from commonground.core.altimetry.extent import Extent
from pyproj import CRS, Transformer

LON = np.array([-180.0, -179.0, -176.0, -174.0, 0.0, 174.0, 176.0, 179.0, np.nan])
LAT = np.full(LON.size, 65.0)


def inside(*edges, lat=LAT):
    return LON[Extent(*edges).contains(LON, lat)].tolist()


class TestDegrees:
    @pytest.mark.parametrize("west, east", [(175.0, -175.0), (175.0, 185.0), (-185.0, -175.0), (535.0, 545.0)])
    def test_across_the_antimeridian(self, west, east):
        assert inside(west, 60.0, east, 70.0) == [-180.0, -179.0, -176.0, 176.0, 179.0]

    def test_up_to_the_antimeridian(self):
        assert inside(175.0, 60.0, 180.0, 70.0) == [-180.0, 176.0, 179.0]
        assert inside(-180.0, 60.0, -175.0, 70.0) == [-180.0, -179.0, -176.0]

    def test_the_other_way_round(self):
        assert inside(-175.0, 60.0, 175.0, 70.0) == [-174.0, 0.0, 174.0]

    @pytest.mark.parametrize("west, east", [(-180.0, 180.0), (0.0, 360.0), (-200.0, 200.0)])
    def test_the_whole_earth(self, west, east):
        assert inside(west, -90.0, east, 90.0) == LON[:-1].tolist()

    def test_edges_count_and_latitudes_limit(self):
        assert inside(0.0, 65.0, 0.0, 65.0) == [0.0]
        assert inside(-1.0, 65.1, 1.0, 66.0) == inside(-1.0, 60.0, 1.0, 64.9) == []
        assert inside(-180.0, -90.0, 180.0, 90.0, lat=np.full(LON.size, np.nan)) == []


class TestProjected:
    def polar(self, lon, lat):
        return Transformer.from_crs(4326, 3413, always_xy=True).transform(lon, lat)

    def test_around_the_pole(self):
        lon, lat = np.arange(-180.0, 180.0, 30.0), np.tile([89.5, 80.0], 6)
        box = Extent(-100e3, -100e3, 100e3, 100e3, CRS(3413).to_wkt())
        assert box.contains(lon, lat).tolist() == [True, False] * 6

    def test_across_the_antimeridian(self):
        """A box of a hundred kilometres at 180 degrees holds what lies there, not the ring around the Earth."""
        x, y = self.polar(180.0, 67.0)
        box = Extent(x - 5e4, y - 5e4, x + 5e4, y + 5e4, CRS(3413).to_wkt())
        lon = np.array([-179.5, 179.5, 0.0, 170.0, np.nan])
        assert box.contains(lon, np.full(5, 67.0)).tolist() == [True, True, False, False, False]

    def test_corners_are_cut_as_drawn(self):
        rng = np.random.default_rng(1)
        lon, lat = rng.uniform(-60, -40, 2000), rng.uniform(60, 80, 2000)
        x, y = self.polar(lon, lat)
        box = Extent(-3e5, -2.4e6, 3e5, -2.0e6, CRS(3413).to_wkt())
        np.testing.assert_array_equal(box.contains(lon, lat), (np.abs(x) <= 3e5) & (np.abs(y + 2.2e6) <= 2e5))

    def test_where_the_projection_does_not_reach(self):
        box = Extent(-1e9, -1e9, 1e9, 1e9, CRS.from_proj4("+proj=ortho +lat_0=90 +ellps=WGS84").to_wkt())
        assert box.contains(np.array([0.0, 0.0]), np.array([80.0, -80.0])).tolist() == [True, False]

    def test_a_geographic_system_is_degrees(self):
        box = Extent(175.0, 60.0, -175.0, 70.0, CRS(7912).to_wkt())
        assert LON[box.contains(LON, LAT)].tolist() == [-180.0, -179.0, -176.0, 176.0, 179.0]
