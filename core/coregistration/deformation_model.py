"""The shift field as a PROJ deformation model, so that stock PROJ and GDAL can move anything by it."""

from __future__ import annotations

import json
import os

from ..errors import CoregistrationError
from ..raster.grid import Grid
from ..raster.writing import RasterWriter, write_text
from .shift_field import ShiftField

BANDS = ("east_offset", "north_offset", "vertical_offset")
TIME = "2000-01-01T00:00:00Z"


def write_deformation_model(field: ShiftField, path: str, title: str, home: str = "") -> None:
    """Write `path` (JSON) and a GeoTIFF of the same name beside it; PROJ's `defmodel` format, version 1.0.

    PROJ looks for the GeoTIFF by the absolute path that the JSON holds: its folder is `home`, or that of `path`.

    The model leads from the reference to the secondary, p -> p - d(p), as the field is a function of the reference
    position. Its inverse, `+step +inv +proj=defmodel +model=...`, therefore moves the secondary onto the reference.
    Offsets in map units of the reference's CRS, which must have an EPSG code. Raises CoregistrationError, OutputError.
    """
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.ImportFromWkt(field.grid.crs)
    if reference.GetAuthorityName(None) != "EPSG":
        raise CoregistrationError(
            "SHIFT_MODEL needs a reference in a CRS with an EPSG code: reproject it or leave SHIFT_MODEL empty.")
    grid_path = os.path.splitext(path)[0] + ".tif"
    raster = _write_offsets(field, grid_path)
    final = os.path.join(os.path.abspath(home or os.path.dirname(path)), os.path.basename(grid_path)).replace("\\", "/")
    code = f"EPSG:{reference.GetAuthorityCode(None)}"
    text = json.dumps(_master(code, bool(reference.IsGeographic()), raster.bounds(), final, title),
                      indent=2)
    write_text(path, text + "\n")


def _write_offsets(field: ShiftField, path: str) -> Grid:
    grid = field.node_grid()
    rows = field.node_rows()
    east, north = (abs(metres) for metres in grid.metres_per_unit(field.grid.map_of(rows, 0 * rows)[1]))
    unit = "degree" if _is_geographic(grid) else "metre"
    with RasterWriter(path, grid, bands=3, nodata=None, names=BANDS,
                      tags={"TYPE": "DEFORMATION_MODEL", "AREA_OR_POINT": "Area"}) as writer:
        for band, (component, metres) in enumerate(zip(field.nodes, (east, north, 0 * rows + 1)), 1):
            writer.write((-component / metres[:, None]).astype("float32"), band=band)
            writer.unit(band, unit if band < 3 else "metre")
    return grid


def _is_geographic(grid: Grid) -> bool:
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.ImportFromWkt(grid.crs)
    return bool(reference.IsGeographic())


def _master(code: str, geographic: bool, bounds: tuple, file_name: str, title: str) -> dict:
    extent = {"type": "bbox", "parameters": {"bbox": list(bounds)}}
    return {
        "file_type": "deformation_model_master_file",
        "format_version": "1.0",
        "name": title,
        "version": "1.0",
        "description": "Common Ground shift field, from the reference to the secondary; "
                       "its inverse aligns the secondary.",
        "source_crs": code,
        "target_crs": code,
        "definition_crs": code,
        "reference_epoch": TIME,
        "uncertainty_reference_epoch": TIME,
        "horizontal_offset_unit": "degree" if geographic else "metre",
        "vertical_offset_unit": "metre",
        "horizontal_uncertainty_type": "circular 95% confidence limit",
        "horizontal_uncertainty_unit": "metre",
        "vertical_uncertainty_type": "95% confidence limit",
        "vertical_uncertainty_unit": "metre",
        "horizontal_offset_method": "addition",
        "extent": extent,
        "time_extent": {"first": "1900-01-01T00:00:00Z", "last": "2100-01-01T00:00:00Z"},
        "components": [{
            "description": "shift field",
            "displacement_type": "3d",
            "uncertainty_type": "none",
            "extent": extent,
            "spatial_model": {"type": "GeoTIFF", "interpolation_method": "bilinear", "filename": file_name},
            "time_function": {"type": "constant"},
        }],
    }
