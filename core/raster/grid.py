"""Where the cells of a raster lie on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..errors import RasterError
from ..gdal_calls import attempted


@dataclass(frozen=True)
class Grid:
    """A raster's geometry.

    Cell positions are fractional `(row, col)`, 0 at the centre of the first cell.
    `geotransform` is GDAL's (it speaks of the outer corner of the first cell), `crs` is WKT.
    """

    geotransform: tuple
    width: int
    height: int
    crs: str

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows, cols)`."""
        return self.height, self.width

    @property
    def rotated(self) -> bool:
        """True where rows and columns do not run along the map's axes."""
        return self.geotransform[2] != 0 or self.geotransform[4] != 0

    def map_of(self, row, col):
        """Map coordinates `(x, y)` of fractional cells."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        col, row = np.asarray(col, dtype=float) + 0.5, np.asarray(row, dtype=float) + 0.5
        return x0 + col * dxc + row * dxr, y0 + col * dyc + row * dyr

    def cell_of(self, x, y):
        """Fractional cells `(row, col)` of map coordinates."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        determinant = dxc * dyr - dxr * dyc
        x, y = np.asarray(x, dtype=float) - x0, np.asarray(y, dtype=float) - y0
        return (dxc * y - dyc * x) / determinant - 0.5, (dyr * x - dxr * y) / determinant - 0.5

    def bounds(self) -> tuple[float, float, float, float]:
        """`(xmin, ymin, xmax, ymax)` of the outer edges, map units."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        corners = [(row, col) for row in (0, self.height) for col in (0, self.width)]
        x, y = ([float(first + col * across + row * down) for row, col in corners]
                for first, across, down in ((x0, dxc, dxr), (y0, dyc, dyr)))
        return min(x), min(y), max(x), max(y)

    def metres_per_unit(self, y) -> tuple[np.ndarray, np.ndarray]:
        """Metres on the ground per map unit along x and y at the map coordinate `y`.

        Projected: the unit of the map (its scale distortion is left out: shifts are map metres).
        Geographic: radii of curvature of the CRS's own ellipsoid, `y` in degrees.
        """
        y = np.asarray(y, dtype=float)
        frame = _metric(self.crs)
        if not frame.geographic:
            return np.full_like(y, frame.unit), np.full_like(y, frame.unit)
        latitude = y * frame.unit
        w2 = 1.0 - frame.e2 * np.sin(latitude) ** 2
        along_meridian = frame.a * (1.0 - frame.e2) / w2**1.5
        along_parallel = frame.a / np.sqrt(w2) * np.cos(latitude)
        return along_parallel * frame.unit, along_meridian * frame.unit

    def cell_metres(self, row) -> tuple[np.ndarray, np.ndarray]:
        """Signed metres east and north from one cell to the next (column, row) at `row`.

        Only for grids that are not rotated; the second is negative where rows run south.
        """
        _, y = self.map_of(row, np.zeros_like(np.asarray(row, dtype=float)))
        mx, my = self.metres_per_unit(y)
        return mx * self.geotransform[1], my * self.geotransform[5]

    def cell_size(self) -> float:
        """The mean cell side in metres at the middle of the grid."""
        _, dxc, dxr, _, dyc, dyr = self.geotransform
        _, y = self.map_of(self.height / 2, self.width / 2)
        mx, my = (float(value) for value in self.metres_per_unit(y))
        return math.sqrt(abs(dxc * mx * dyr * my - dxr * mx * dyc * my))

    def check(self) -> None:
        """Raise RasterError where the grid cannot lie on the Earth."""
        self.cell_size()
        _, low, _, high = self.bounds()
        slack = abs(self.geotransform[4]) + abs(self.geotransform[5])
        if is_geographic(self.crs) and max(-low, high) > 90.0 + slack:
            raise RasterError(f"its latitudes run from {low:g} to {high:g} degrees: mend its georeference or its CRS.")

    def window(self, row: int, col: int, height: int, width: int) -> Grid:
        """The part of this grid that starts at cell (row, col)."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        corner = (x0 + col * dxc + row * dxr, dxc, dxr, y0 + col * dyc + row * dyr, dyc, dyr)
        return replace(self, geotransform=corner, width=width, height=height)

    def lines(self, first: int, step: int, count: int) -> Grid:
        """The grid whose rows are every `step`-th of this one, from `first` on, with the same centres."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        before = first + 0.5 - step / 2
        corner = (x0 + before * dxr, dxc, dxr * step, y0 + before * dyr, dyc, dyr * step)
        return replace(self, geotransform=corner, height=count)

    def coarsened(self, factor: int) -> Grid:
        """The grid whose cells hold `factor` x `factor` of these; ragged ends are left off."""
        x0, dxc, dxr, y0, dyc, dyr = self.geotransform
        scaled = (x0, dxc * factor, dxr * factor, y0, dyc * factor, dyr * factor)
        return replace(self, geotransform=scaled, width=self.width // factor, height=self.height // factor)

    def aligned_with(self, other: Grid) -> bool:
        """True where the cells of one coincide with those of the other, as far as both reach, to a thousandth."""
        if not same_crs(self.crs, other.crs):
            return False
        rows, cols = np.array([0.0, other.height - 1.0]), np.array([0.0, other.width - 1.0])
        row, col = self.cell_of(*other.map_of(rows, cols))
        whole = np.rint(row), np.rint(col)
        return bool(np.all(np.abs(row - whole[0]) < 1e-3) and np.all(np.abs(col - whole[1]) < 1e-3)
                    and row[1] - row[0] > other.height - 1.5 and col[1] - col[0] > other.width - 1.5
                    and row[1] - row[0] < other.height - 0.5 and col[1] - col[0] < other.width - 0.5)

    def same_cells(self, other: Grid) -> bool:
        """True where both have the same cells, to a thousandth of one."""
        if self.shape != other.shape or not same_crs(self.crs, other.crs):
            return False
        corners = np.array([0.0, self.height - 1.0]), np.array([0.0, self.width - 1.0])
        row, col = other.cell_of(*self.map_of(*corners))
        return bool(np.all(np.abs(row - corners[0]) < 1e-3) and np.all(np.abs(col - corners[1]) < 1e-3))


@dataclass(frozen=True)
class _Metric:
    geographic: bool
    unit: float
    a: float
    e2: float


def _spatial_reference(wkt: str):
    """The CRS as GDAL has it, a new one each time: such objects are not for two threads at once."""
    from osgeo import osr

    reference = osr.SpatialReference()
    if not wkt or attempted(reference.ImportFromWkt, wkt)[0] != 0:
        raise RasterError("The raster has no coordinate reference system: assign one and run again.")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


@lru_cache(maxsize=64)
def _metric(wkt: str) -> _Metric:
    reference = _spatial_reference(wkt)
    if reference.IsGeographic():
        a, b = reference.GetSemiMajor(), reference.GetSemiMinor()
        return _Metric(True, reference.GetAngularUnits(), a, 1.0 - (b / a) ** 2)
    if reference.IsProjected():
        return _Metric(False, reference.GetLinearUnits(), 0.0, 0.0)
    raise RasterError(
        "its coordinate reference system is neither geographic nor projected: "
        "give it one that places it on the Earth."
    )


@lru_cache(maxsize=64)
def same_crs(first: str, second: str) -> bool:
    """True where two WKT texts mean the same horizontal CRS (axis order and epoch aside)."""
    if first == second:
        return True
    one, two = _spatial_reference(first), _spatial_reference(second)
    options = ["IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES", "IGNORE_COORDINATE_EPOCH=YES"]
    return bool(one.IsSame(two, options))


def is_geographic(crs: str) -> bool:
    """True where a CRS (WKT) counts in degrees. Raises RasterError where it is not on the Earth."""
    return _metric(crs).geographic


def crs_name(wkt: str) -> str:
    """The CRS as people name it: `EPSG:32611 (WGS 84 / UTM zone 11N)`."""
    reference = _spatial_reference(wkt)
    authority, code = reference.GetAuthorityName(None), reference.GetAuthorityCode(None)
    name = reference.GetName()
    return f"{authority}:{code} ({name})" if authority and code else name


@lru_cache(maxsize=16)
def _transformer(source: str, target: str):
    from pyproj import CRS, Transformer

    return Transformer.from_crs(CRS.from_wkt(source), CRS.from_wkt(target), always_xy=True)


def reproject(x, y, source: str, target: str):
    """Map coordinates of one CRS (WKT) in another; infinite where they cannot be expressed there."""
    if same_crs(source, target):
        return np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    x, y = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
    return _transformer(source, target).transform(x, y, errcheck=False)


def overlap_window(grid: Grid, other: Grid) -> tuple[int, int, int, int] | None:
    """The window `(row, col, height, width)` of `grid` that holds `other`'s footprint, None without overlap."""
    edge_rows = np.linspace(-0.5, other.height - 0.5, 21)
    edge_cols = np.linspace(-0.5, other.width - 0.5, 21)
    rows, cols = np.meshgrid(edge_rows, edge_cols, indexing="ij")
    x, y = reproject(*other.map_of(rows, cols), other.crs, grid.crs)
    inside = np.isfinite(x) & np.isfinite(y)
    if not inside.any():
        return None
    row, col = grid.cell_of(x[inside], y[inside])
    top, left = max(0, math.floor(row.min())), max(0, math.floor(col.min()))
    bottom, right = min(grid.height, math.ceil(row.max()) + 1), min(grid.width, math.ceil(col.max()) + 1)
    if bottom - top < 1 or right - left < 1:
        return None
    return top, left, bottom - top, right - left
