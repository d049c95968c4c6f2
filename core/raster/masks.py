"""Which cells are stable terrain, from polygons and mask rasters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RasterError, VectorError
from ..gdal_calls import attempted
from .dem import ALL, Dem, Reader
from .grid import Grid, reproject

STRIP_CELLS = 1_000_000  # of a mask read at once


@dataclass(frozen=True)
class Polygons:
    """Areas as WKB geometries in one CRS (WKT)."""

    wkb: tuple
    crs: str

    def in_crs(self, crs: str) -> Polygons:
        """The same areas in another CRS."""
        from osgeo import ogr, osr

        source, target = osr.SpatialReference(), osr.SpatialReference()
        source.ImportFromWkt(self.crs)
        target.ImportFromWkt(crs)
        for reference in (source, target):
            reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        transform = osr.CoordinateTransformation(source, target)
        moved = []
        for wkb in self.wkb:
            geometry, _ = attempted(ogr.CreateGeometryFromWkb, wkb)
            if geometry is None or attempted(geometry.Transform, transform)[0] != 0:
                raise VectorError("A polygon cannot be expressed in the reference's CRS: check its CRS and extent.")
            moved.append(bytes(geometry.ExportToWkb()))
        return Polygons(tuple(moved), crs)

    def cover(self, grid: Grid) -> np.ndarray:
        """True for the cells of `grid` (in this CRS) whose centres lie inside, `(rows, cols)`."""
        from osgeo import gdal, ogr, osr

        canvas = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
        canvas.SetGeoTransform(grid.geotransform)
        reference = osr.SpatialReference()
        reference.ImportFromWkt(grid.crs)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        canvas.SetSpatialRef(reference)
        source = ogr.GetDriverByName("Memory").CreateDataSource("")
        layer = source.CreateLayer("areas", reference, ogr.wkbUnknown)
        for wkb in self.wkb:
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkb(wkb))
            layer.CreateFeature(feature)
        gdal.RasterizeLayer(canvas, [1], layer, burn_values=[1])
        return canvas.ReadAsArray().astype(bool)


@dataclass(frozen=True)
class StableTerrain:
    """Where the ground is taken not to have moved: inside `stable`, outside `unstable`, non-zero in `mask`.

    Each may be None. Polygons must be in the CRS of the grid that is asked for (`in_crs`).
    """

    stable: Polygons | None = None
    unstable: Polygons | None = None
    mask: Dem | None = None

    @property
    def everywhere(self) -> bool:
        """True where nothing limits it."""
        return self.stable is None and self.unstable is None and self.mask is None

    def in_crs(self, crs: str) -> StableTerrain:
        """The same terrain with its polygons in another CRS."""
        return StableTerrain(
            self.stable.in_crs(crs) if self.stable else None,
            self.unstable.in_crs(crs) if self.unstable else None,
            self.mask,
        )

    def cover(self, grid: Grid, lines=ALL) -> np.ndarray:
        """True for the stable cells `(rows, cols)` of `grid`, of which some `lines` (see Reader.read) are kept."""
        cells = np.ones((np.arange(grid.height)[lines].size, grid.width), dtype=bool)
        if self.stable is not None:
            cells &= self.stable.cover(grid)[lines]
        if self.unstable is not None:
            cells &= ~self.unstable.cover(grid)[lines]
        if self.mask is not None:
            cells &= _marked(self.mask, grid, lines)
        return cells


def _marked(mask: Dem, grid: Grid, lines) -> np.ndarray:
    """The cells of `grid` whose centres fall on a non-zero, non-nodata cell of `mask`."""
    values = values_at(mask, grid, lines)
    return np.isfinite(values) & (values != 0)


def values_at(raster: Dem, grid: Grid, lines=ALL) -> np.ndarray:
    """The value of `raster` in which each cell centre of `grid` falls, float32; NaN beyond it and where void.

    Only some `lines` of the grid are kept.
    """
    with Reader(raster) as reader:
        if raster.grid.aligned_with(grid):
            row, col = (round(float(value)) for value in raster.grid.cell_of(*grid.map_of(0.0, 0.0)))
            return reader.read(row, col, grid.height, grid.width, lines)
        # A coarse grid spans many of the raster's cells: strips keep what is read at once small.
        height = max(1, int(STRIP_CELLS * (raster.grid.cell_size() / grid.cell_size()) ** 2 / grid.width))
        strips = [_picked(reader, grid.window(row, 0, min(height, grid.height - row), grid.width))
                  for row in range(0, grid.height, height)]
    return np.concatenate(strips)[lines]


def _picked(reader: Reader, grid: Grid) -> np.ndarray:
    size = reader.dem.grid
    rows, cols = np.arange(grid.height)[:, None], np.arange(grid.width)[None, :]
    x, y = reproject(*grid.map_of(rows, cols), grid.crs, size.crs)
    row, col = size.cell_of(x, y)
    with np.errstate(invalid="ignore"):
        inside = (row > -0.5) & (row < size.height - 0.5) & (col > -0.5) & (col < size.width - 0.5)
    if not inside.any():
        return np.full(grid.shape, np.nan, dtype=np.float32)
    row, col = (np.rint(np.where(inside, values, 0)).astype(int) for values in (row, col))
    lines, left = np.unique(row[inside]), int(col[inside].min())
    top, height, width = int(lines[0]), int(lines[-1] - lines[0]) + 1, int(col[inside].max()) - left + 1
    values = reader.read(top, left, height, width, lines - top)
    picked = values[np.searchsorted(lines, np.where(inside, row, top)), np.where(inside, col - left, 0)]
    return np.where(inside, picked, np.float32(np.nan))


def open_mask(path: str, band: int = 1, crs: str = "") -> Dem:
    """A mask raster. Raises RasterError."""
    mask = Dem.open(path, band, crs)
    if mask.grid.rotated:
        raise RasterError(f"{mask.name} is rotated: warp it to a north-up grid first.")
    return mask
