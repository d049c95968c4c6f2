"""What is known of one block."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from ..errors import OutputError
from ..gdal_calls import attempted

STATUSES = ("used", "downweighted", "rejected", "filled")


@dataclass(frozen=True)
class BlockShift:
    """The shift of one block: metres to ADD to the secondary's position and height (east, north, up).

    `row`, `col` count blocks from the reference's upper left; `bounds` `(xmin, ymin, xmax, ymax)` is the block
    without its overlap, in map units of the reference. The sigmas are one standard deviation, from correlated
    residuals. `n` counts the stable cells, `slope` is their mean in degrees. `status` is one of STATUSES:
    `rejected` blocks keep what was measured, if anything, and have no part in the field; `filled` ones could not
    be measured and carry the field's value at their centre. NaN where unknown.
    """

    row: int
    col: int
    bounds: tuple
    dx: float = math.nan
    dy: float = math.nan
    dz: float = math.nan
    sigma_dx: float = math.nan
    sigma_dy: float = math.nan
    sigma_dz: float = math.nan
    n: int = 0
    nmad_before: float = math.nan
    nmad_after: float = math.nan
    slope: float = math.nan
    iterations: int = 0
    status: str = "filled"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """True where the shift was measured and trusted."""
        return self.status in ("used", "downweighted")

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the block, map units."""
        xmin, ymin, xmax, ymax = self.bounds
        return (xmin + xmax) / 2, (ymin + ymax) / 2


FIELDS = {part.name: {"int": int, "str": str, "float": float}[part.type] for part in fields(BlockShift)
          if part.name != "bounds"}
"""The fields of a shifts layer and their kinds, in order."""


def write_shifts(blocks: list[BlockShift], crs: str, path: str) -> None:
    """Blocks as the polygons of a new GeoPackage in the CRS (WKT) of their bounds. Raises OutputError."""
    from osgeo import gdal, ogr, osr

    reference = osr.SpatialReference()
    reference.ImportFromWkt(crs)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    dataset, reason = attempted(gdal.GetDriverByName("GPKG").Create, path, 0, 0, 0, gdal.GDT_Unknown)
    if dataset is None:
        raise OutputError(f"Cannot write {path}: {reason}")
    layer = dataset.CreateLayer("shifts", reference, ogr.wkbPolygon)
    for name, kind in FIELDS.items():
        layer.CreateField(ogr.FieldDefn(name, {int: ogr.OFTInteger, str: ogr.OFTString, float: ogr.OFTReal}[kind]))
    layer.StartTransaction()
    for block in blocks:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(_rectangle(block.bounds))
        for name in FIELDS:
            value = getattr(block, name)
            if value == value:
                feature.SetField(name, value)
        failed, reason = attempted(layer.CreateFeature, feature)
        if failed != 0:
            raise OutputError(f"Cannot write {path}: {reason}")
    failed, reason = attempted(layer.CommitTransaction)
    if failed != 0:
        raise OutputError(f"Cannot write {path}: {reason}")


def _rectangle(bounds: tuple):
    from osgeo import ogr

    xmin, ymin, xmax, ymax = bounds
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for x, y in ((xmin, ymin), (xmin, ymax), (xmax, ymax), (xmax, ymin), (xmin, ymin)):
        ring.AddPoint_2D(x, y)
    polygon = ogr.Geometry(ogr.wkbPolygon)
    polygon.AddGeometry(ring)
    return polygon
