"""A raster whose displacement differs from place to place by more than is allowed: resampled, once.

The grid is still translated as a whole; only what the displacement differs from that translation moves the cells
within the grid. It is known on a net of nodes and bilinear in between: over 5000 km with 1 m of difference that
leaves some hundredths of a millimetre.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import RasterError
from ..progress import Part, Progress
from .dem import METRES, Dem, open_dataset
from .grid import Grid
from .net import Net
from .resampling import Resampler
from .translate import displaced_nodes
from .writing import NODATA, RasterWriter

NODES = 65
WINDOW = (256, 1024)


@dataclass(frozen=True)
class Drift:
    """What the displacement differs from one translation; a field as Resampler takes it.

    grid: the DEM's own; the translation comes with the geotransform. down, right: cells, and lift: m, each
    (NODES, NODES) over the grid, edges included.
    """

    grid: Grid
    down: np.ndarray
    right: np.ndarray
    lift: np.ndarray

    @classmethod
    def of(cls, dem: Dem, move, source, target, motion=None) -> Drift:
        """The Drift beside a Move of the same DEM and motion (see fit_move)."""
        nodes = displaced_nodes(dem, source, target, motion, NODES)
        x, y = dem.grid.map_of(0.0, 0.0)
        down, right = dem.grid.cell_of(x + (nodes.dx - move.dx), y + (nodes.dy - move.dy))
        shape = NODES, NODES
        return cls(dem.grid, down.reshape(shape), right.reshape(shape), nodes.up.reshape(shape))

    @cached_property
    def net(self) -> Net:
        """The nodes as Resampler takes them."""
        step = tuple(cells / (NODES - 1) for cells in self.grid.shape)
        return Net(np.stack([self.down, self.right, self.lift]).astype(np.float32), step)

    def write(self, dem: Dem, path: str, vertical: bool, progress: Progress) -> None:
        """Write all bands of `dem` as float32, resampled by cubic convolution; dh is added to band 1 if `vertical`.

        The file has the DEM's geotransform, still to be translated.
        Raises RasterError for colours, whose values have no middle, and OutputError.
        """
        dataset = open_dataset(dem.path)
        if any(dataset.GetRasterBand(band).GetColorTable() is not None for band in range(1, dem.bands + 1)):
            raise RasterError(f"{dem.name} holds a colour table, which cannot be resampled: cut it into tiles and "
                              "move each with WARP=false.")
        bands = [Dem.open(dem.path, band, dem.grid.crs) for band in range(1, dem.bands + 1)]
        nodata = NODATA if dem.nodata is None else float(np.float32(dem.nodata))
        names = tuple(dataset.GetRasterBand(band).GetDescription() for band in range(1, dem.bands + 1))
        with RasterWriter(path, self.grid, dem.bands, nodata, names, dataset.GetMetadata()) as writer:
            for number, band in enumerate(bands, 1):
                unit = dataset.GetRasterBand(number).GetUnitType() or ""
                writer.unit(number, "m" if unit.strip().lower() in METRES else unit)
                part = Part(progress, (number - 1) / dem.bands, number / dem.bands)
                self._write_band(band, writer, vertical and number == 1, part)

    def _write_band(self, band: Dem, writer: RasterWriter, vertical: bool, progress: Progress) -> None:
        lines, columns = WINDOW
        with Resampler(band, self.grid, "cubic", self, vertical) as resampler:
            for row in range(0, self.grid.height, lines):
                progress.step(row / self.grid.height, "Resampling the raster")
                height = min(lines, self.grid.height - row)
                for col in range(0, self.grid.width, columns):
                    width = min(columns, self.grid.width - col)
                    writer.write(resampler.window(row, col, height, width), row, col, band.band)
