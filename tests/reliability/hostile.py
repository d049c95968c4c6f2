"""Files as they come from the world: every one small, most of them wrong in one way."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr, osr

SIZE, CELL, ORIGIN = 96, 30.0, (400000.0, 3800000.0)
EAST, UP = 12.0, -2.0
"""How far the good secondary lies east of and above the reference: its shift is the opposite."""
ENGINEERING = 'ENGCRS["a quarry",EDATUM["its corner"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],' \
              'LENGTHUNIT["metre",1]]'


def wkt(code) -> str:
    """WKT of an EPSG code, of "code+code", or the WKT that was given."""
    reference = osr.SpatialReference()
    if reference.SetFromUserInput(f"EPSG:{code}" if isinstance(code, int) or str(code)[0].isdigit() else code) != 0:
        raise ValueError(f"no CRS: {code}")
    return reference.ExportToWkt(["FORMAT=WKT2_2018"])


def hills(rows: int = SIZE, cols: int = SIZE, cell: float = CELL, east: float = 0.0, up: float = 0.0) -> np.ndarray:
    """Heights (m) of a smooth terrain, float32; `east` m further east and `up` m higher than the reference."""
    y, x = np.indices((rows, cols)) * cell
    x = x - east
    return (500 + up + 150 * np.sin(x / 400) * np.cos(y / 520) + 60 * np.sin((x + 2 * y) / 300)).astype(np.float32)


class Folder:
    """Where one case lives: its inputs, and an empty folder for its outputs."""

    def __init__(self, home: Path):
        self.inputs, self.outputs = home / "inputs", home / "outputs"
        self.inputs.mkdir(parents=True)
        self.outputs.mkdir()

    def out(self, name: str) -> str:
        """The path of an output."""
        return str(self.outputs / name)

    def file(self, name: str, content) -> str:
        """A file of text or bytes."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return str(path)

    def raster(self, name: str, heights=None, crs=32611, transform=None, kind=None, nodata=None, unit="", scale=None,
               offset=None, bands=1, driver="GTiff", options=(), colours=False) -> str:
        """A raster; `transform` False: none at all, `crs` "": none."""
        heights = hills() if heights is None else np.asarray(heights)
        kind = kind or (gdal.GDT_Float32 if heights.dtype == np.float32 else gdal.GDT_Float64)
        path = str(self.inputs / name)
        dataset = gdal.GetDriverByName("GTiff" if driver == "GTiff" else "MEM").Create(
            path, heights.shape[1], heights.shape[0], bands, kind, list(options))
        if transform is not False:
            dataset.SetGeoTransform(transform or (ORIGIN[0], CELL, 0, ORIGIN[1], 0, -CELL))
        if crs:
            dataset.SetProjection(wkt(crs))
        if colours:
            table = gdal.ColorTable()
            table.SetColorEntry(1, (255, 0, 0, 255))
            dataset.GetRasterBand(1).SetColorTable(table)
        for index in range(1, bands + 1):
            band = dataset.GetRasterBand(index)
            band.WriteArray(heights + (index - 1))
            for value, put in ((nodata, band.SetNoDataValue), (unit or None, band.SetUnitType),
                               (scale, band.SetScale), (offset, band.SetOffset)):
                if value is not None:
                    put(value)
        if driver != "GTiff":
            gdal.GetDriverByName(driver).CreateCopy(path, dataset)
        dataset = None
        return path

    def reference(self) -> str:
        """The good reference DEM."""
        return self.raster("reference.tif")

    def secondary(self, **options) -> str:
        """The good secondary DEM: 12 m too far east, 2 m too low."""
        return self.raster("secondary.tif", options.pop("heights", hills(east=EAST, up=UP)), **options)

    def pair(self, **options) -> dict:
        """REFERENCE and SECONDARY, both good but for `options` of the secondary."""
        return {"REFERENCE": self.reference(), "SECONDARY": self.secondary(**options)}

    def vector(self, name: str, shapes=("POINT Z (-117 34 100)",), crs=7912, fields=None, rows=None,
               geometry=ogr.wkbUnknown) -> str:
        """A GeoPackage of WKT shapes (None: no geometry); `fields`: name -> OGR type, `rows`: values by feature."""
        path = str(self.inputs / name)
        driver = {"gpkg": "GPKG", "geojson": "GeoJSON", "shp": "ESRI Shapefile"}[name.rpartition(".")[2]]
        dataset = ogr.GetDriverByName(driver).CreateDataSource(path)
        reference = None
        if crs:
            reference = osr.SpatialReference()
            reference.ImportFromWkt(wkt(crs))
            reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        layer = dataset.CreateLayer(name.rpartition(".")[0], reference, geometry)
        for field, kind in (fields or {}).items():
            layer.CreateField(ogr.FieldDefn(field, kind))
        for index, shape in enumerate(shapes):
            feature = ogr.Feature(layer.GetLayerDefn())
            if shape is not None:
                made = ogr.CreateGeometryFromWkt(shape) if isinstance(shape, str) else shape
                feature.SetGeometryDirectly(made)
            for field, value in zip(fields or {}, rows[index] if rows else ()):
                if value is not None:
                    feature.SetField(field, value)
            layer.CreateFeature(feature)
        dataset = layer = None
        return path

    def checksums(self) -> dict:
        """Every input file and what is in it."""
        return checksums(self.inputs)


def checksums(folder: Path) -> dict:
    """Every file below a folder and what is in it.

    Aside: journals of GeoPackages, and where QGIS itself notes a raster's statistics (.aux.xml, within a .vrt).
    """
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith(("-wal", "-shm", ".aux.xml", ".vrt"))}


def square(west=401000.0, south=3798000.0, side=800.0) -> str:
    """A polygon in the map coordinates of the DEMs."""
    east, north = west + side, south + side
    return f"POLYGON (({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"
