"""A world cut into ragged, overlapping tiles, each displaced by a shift of its own that the test knows."""

from dataclasses import dataclass

import numpy as np
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from worlds import Surface, wkt

CELL, ORIGIN, SIZE = 10.0, (500000.0, 7800000.0), 320
ROWS, COLS = ((0, 110), (100, 215), (205, 320)), ((0, 105), (90, 225), (210, 320))


@dataclass
class TileWorld:
    """The reference, the folder of tiles, and the true (dx, dy, dz) of each tile by its name."""

    reference: Dem
    folder: object
    shifts: dict


def write(path, heights, origin=ORIGIN, cell=CELL, crs=32622):
    """A DEM whose first cell's outer corner lies at `origin`."""
    grid = Grid((origin[0], cell, 0.0, origin[1], 0.0, -cell), heights.shape[1], heights.shape[0], wkt(crs))
    with RasterWriter(str(path), grid) as writer:
        writer.write(heights.astype(np.float32))
    return str(path)


def make_tiles(folder, seed=0, noise=0.2, extra=True):
    """3 x 3 tiles under `folder`/tiles; with `extra` one that is all nodata and one that lies elsewhere."""
    surface, rng = Surface(seed, slope=14), np.random.default_rng(seed)
    row, col = np.mgrid[:SIZE, :SIZE].astype(float)
    reference = write(folder / "reference.tif", surface(col * CELL, -row * CELL)
                      + rng.normal(size=row.shape) * noise)
    tiles, shifts = folder / "tiles", {}
    tiles.mkdir()
    for i, (top, bottom) in enumerate(ROWS):
        for j, (left, right) in enumerate(COLS):
            dx, dy, dz = 9.0 * (i - 1) + 2, -7.0 * (j - 1) + 1, 1.5 * (i - j) + 0.5
            row, col = np.mgrid[top:bottom, left:right].astype(float)
            # The tile shows at q what truly lies at q + d, and dz too low: moving it by d brings it back.
            heights = surface(col * CELL + dx, -row * CELL + dy) - dz + rng.normal(size=row.shape) * noise
            heights[:3, :5] = np.nan
            name = f"n{i}e{j}"
            write(tiles / f"{name}.tif", heights, (ORIGIN[0] + left * CELL, ORIGIN[1] - top * CELL))
            shifts[name] = (dx, dy, dz)
    if extra:
        write(tiles / "empty.tif", np.full((80, 80), np.nan), (ORIGIN[0] + 500, ORIGIN[1] - 500))
        write(tiles / "far away.tif", np.ones((60, 60)), (ORIGIN[0] + 900000, ORIGIN[1]))
    return TileWorld(Dem.open(reference), tiles, shifts)
