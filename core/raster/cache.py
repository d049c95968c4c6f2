"""What is kept in memory of files that are read in windows: as much as windows share, and no less."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from .dem import Dem, open_dataset

ENOUGH = 16 * 2**20  # bytes: rows of tiles that neighbouring windows share
AT_HAND = 2**24  # bytes: more than the largest arrays of a window
LINES = 1024  # of a file in strips or of several bands: as many as neighbouring windows share

_lock = threading.Lock()
_limits: list[int] = []
_usual = 0


@contextlib.contextmanager
def small_cache(*dems: Dem) -> Iterator[None]:
    """GDAL's cache no larger than windows over these rasters need, as long as the block lasts.

    By default it grows to a share of the machine's memory, whatever the use. A GDAL_CACHEMAX that somebody has set
    stands. Blocks may nest and run in several threads: the largest need counts, the last to end restores. What windows
    and tiles leave free stays with the process.
    """
    from osgeo import gdal

    global _usual
    _hold_what_is_freed()
    if gdal.GetConfigOption("GDAL_CACHEMAX") is not None:
        yield
        return
    need = max(ENOUGH, sum(_shared(dem) for dem in dems))
    with _lock:
        if not _limits:
            _usual = gdal.GetCacheMax()
        _limits.append(need)
        gdal.SetCacheMax(min(_usual, max(_limits)))
    try:
        yield
    finally:
        with _lock:
            _limits.remove(need)
            gdal.SetCacheMax(min(_usual, max(_limits)) if _limits else _usual)


def _hold_what_is_freed() -> None:
    """Let memory of AT_HAND bytes and less be used again."""
    import numpy as np

    # glibc gives nothing back to the system that is smaller than the largest piece it has seen freed. Fetched anew for
    # every array and every tile, its pages would cost as much as what is done with them.
    np.empty(AT_HAND, dtype=np.uint8)


def _shared(dem: Dem) -> int:
    """Bytes of LINES lines of a raster whose blocks are strips or hold several bands, 0 for tiles of one."""
    dataset = open_dataset(dem.path)  # which its band must not outlive
    band = dataset.GetRasterBand(dem.band)
    if dataset.RasterCount == 1 and band.GetBlockSize()[0] < band.XSize:
        return 0
    from osgeo import gdal

    return LINES * band.XSize * dataset.RasterCount * gdal.GetDataTypeSize(band.DataType) // 8
