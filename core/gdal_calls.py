"""GDAL's functions answer with a code or an exception, as whoever shares the process has told them to.

From QGIS 3.40 on, Processing itself calls gdal.UseExceptions() where it starts.
"""

from __future__ import annotations


def attempted(call, *arguments, **options) -> tuple:
    """What a GDAL function returns (None where it raised) and why it failed, "" where it did not."""
    from osgeo import gdal

    gdal.ErrorReset()
    try:
        result = call(*arguments, **options)
    except RuntimeError as error:
        return None, str(error)
    return result, gdal.GetLastErrorMsg() if gdal.GetLastErrorType() >= gdal.CE_Failure else ""
