"""The warp in windows: how much is read at once, and that nobody sees where they meet."""

import sys
from pathlib import Path

import numpy as np
import pytest
from commonground.core.coregistration import warp as warping
from commonground.core.coregistration.shift_field import ShiftField
from commonground.core.coregistration.warp import warp, windows
from commonground.core.executors import Inline
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem, Reader
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from worlds import wkt

SIDE, FINER, MOST = 150, 15, 16_000_000


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A DEM 15 times finer than the grid that it is warped to, and a field of a sine."""
    path = str(tmp_path_factory.mktemp("fine") / "fine.tif")
    fine = Grid((0.0, 2.0, 0.0, 0.0, 0.0, -2.0), SIDE * FINER, SIDE * FINER, wkt(32622))
    rows, cols = np.ogrid[:fine.height, :fine.width]
    heights = (50 * np.sin(rows / 300.0) + 40 * np.cos(cols / 170.0)).astype(np.float32)
    heights[400:430, 900:990] = np.nan
    with RasterWriter(path, fine) as writer:
        writer.write(heights)
    grid = Grid((0.0, 30.0, 0.0, 0.0, 0.0, -30.0), SIDE, SIDE, fine.crs)
    field = ShiftField.from_function(grid, 8, lambda row, col: np.stack(np.broadcast_arrays(
        20 * np.sin(row[:, None] / 30), 15 * np.cos(col[None, :] / 20), 0.01 * row[:, None])))
    return Dem.open(path), field, grid


def warped(pair, path):
    dem, field, grid = pair
    warp(dem, field, grid, "cubic", str(path), Inline(Silent()), Silent())
    return Dem.open(str(path)).read()


def test_windows_over_a_finer_dem_are_as_much_smaller(pair, tmp_path, monkeypatch):
    read, usual = [], Reader.read

    def watched(reader, row, col, height, width, *lines):
        read.append(height * width * reader.dem.factor**2)
        return usual(reader, row, col, height, width, *lines)

    monkeypatch.setattr(Reader, "read", watched)
    small = warped(pair, tmp_path / "small.tif")
    assert len(read) >= len(windows(pair[2], (warping.WINDOW[0] // FINER,) * 2)) > 1
    # What a window of the usual size would read were the grid large enough for one.
    assert max(read) < (warping.WINDOW[0] + 40 * FINER) ** 2 < MOST
    monkeypatch.setattr(warping, "SMALLEST", SIDE)
    read.clear()
    large = warped(pair, tmp_path / "large.tif")
    assert max(read) > SIDE**2 * FINER**2
    np.testing.assert_array_equal(small, large)
    assert np.isnan(small).any() and np.isfinite(small).mean() > 0.9
