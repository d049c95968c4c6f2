"""The shift at every place: a net of nodes between which it runs bilinearly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..errors import CoregistrationError
from ..raster.dem import Dem, open_dataset
from ..raster.grid import Grid
from ..raster.net import Net, bilinear
from ..raster.writing import RasterWriter

BANDS = ("dx", "dy", "dz")
TAG = "COMMONGROUND_"
_CONTRADICTION = ("does not lie where its own tags say, as if it had been cut or resampled: take the raster as "
                  "SHIFT_RASTERS was written.")


@dataclass(frozen=True)
class ShiftField:
    """dx, dy, dz (m) to ADD to the secondary's position and height, as functions of the reference position.

    `nodes` is float32 `(3, rows, cols)`; node (i, j) lies `step` * (i, j) cells from the outer corner of `grid`'s first
    cell. Between nodes the field is bilinear, beyond the outermost constant. This is the whole field: what
    a shift raster stores is what the warp uses, to the last bit.
    """

    grid: Grid
    step: int
    nodes: np.ndarray

    @classmethod
    def constant(cls, grid: Grid, shift) -> ShiftField:
        """The same shift everywhere."""
        step = max(grid.height, grid.width)
        nodes = np.empty((3, 2, 2), dtype=np.float32)
        nodes[:] = np.asarray(shift, dtype=np.float32)[:, None, None]
        return cls(grid, step, nodes)

    @classmethod
    def from_function(cls, grid: Grid, step: int, function) -> ShiftField:
        """Nodes every `step` cells of `function(row, col) -> (3, rows, cols)`, a separable grid of cell positions."""
        rows, cols = node_cells(grid.height, step), node_cells(grid.width, step)
        return cls(grid, step, np.asarray(function(rows, cols), dtype=np.float32))

    def raised(self, dz: float) -> ShiftField:
        """The field with so many metres added to its dz."""
        nodes = self.nodes.copy()
        nodes[2] += np.float32(dz)
        return replace(self, nodes=nodes)

    def at(self, row, col) -> np.ndarray:
        """The field at fractional cells of `grid`, float32 `(3, ...)`."""
        u, v = (np.asarray(row) + 0.5) / self.step, (np.asarray(col) + 0.5) / self.step
        return bilinear(self.nodes, u, v)

    def offsets(self, row, col):
        """`(down, right, dz)`: by how many cells of `grid` the shift moves what lies there, and dz (m), float32."""
        return self.net.offsets(row, col)

    @cached_property
    def net(self) -> Net:
        """The nodes' shift as cells down, cells to the right and metres up."""
        east, north = self.grid.cell_metres(self.node_rows()[:, None])
        nodes = np.stack([self.nodes[1] / north, self.nodes[0] / east, self.nodes[2]])
        return Net(nodes.astype(np.float32), (self.step, self.step))

    def node_grid(self) -> Grid:
        """The grid whose cell centres are the nodes."""
        x0, dxc, _, y0, _, dyr = self.grid.geotransform
        half = -0.5 * self.step
        corner = (x0 + half * dxc, dxc * self.step, 0.0, y0 + half * dyr, 0.0, dyr * self.step)
        return Grid(corner, self.nodes.shape[2], self.nodes.shape[1], self.grid.crs)

    def node_rows(self):
        """Rows of `grid` on which nodes lie."""
        return node_cells(self.grid.height, self.step)

    def write(self, path: str, tags: dict) -> None:
        """Save as a raster of three float32 bands whose cell centres are the nodes. Raises OutputError."""
        own = {
            TAG + "STEP": self.step,
            TAG + "GEOTRANSFORM": " ".join(repr(float(value)) for value in self.grid.geotransform),
            TAG + "SIZE": f"{self.grid.width} {self.grid.height}",
        }
        with RasterWriter(path, self.node_grid(), bands=3, nodata=None, names=BANDS, tags={**own, **tags}) as writer:
            for band, component in enumerate(self.nodes, 1):
                writer.write(component, band=band)


def read_shift_rasters(path: str) -> tuple[ShiftField, dict]:
    """A saved field and the tags that were saved with it.

    Rasters of other makers are taken too: three bands of metres dx, dy, dz whose cell centres are the nodes.
    Raises CoregistrationError.
    """
    dataset = open_dataset(path)
    dem = Dem.open(path)
    if dataset.RasterCount != 3 or dem.grid.rotated:
        raise CoregistrationError(
            f"{dem.name} is no shift raster: it needs three bands dx, dy, dz (m), as SHIFT_RASTERS writes them.")
    nodes = np.stack([dataset.GetRasterBand(band).ReadAsArray() for band in (1, 2, 3)]).astype(np.float32)
    if not np.isfinite(nodes).all():
        raise CoregistrationError(f"{dem.name} has shifts that are not numbers: fill its gaps first.")
    tags = {key[len(TAG):]: value for key, value in dataset.GetMetadata().items() if key.startswith(TAG)}
    try:
        step = int(tags["STEP"])
        width, height = (int(value) for value in tags["SIZE"].split())
        geotransform = tuple(float(value) for value in tags["GEOTRANSFORM"].split())
    except (KeyError, ValueError):
        return _foreign(dem.grid, nodes), {}
    if min(step, width, height) < 1 or len(geotransform) != 6 or not np.isfinite(geotransform).all():
        raise CoregistrationError(f"{dem.name} {_CONTRADICTION}")
    field = ShiftField(Grid(geotransform, width, height, dem.grid.crs), step, nodes)
    expected = node_cells(height, step).size, node_cells(width, step).size
    if nodes.shape[1:] != expected or not field.node_grid().same_cells(dem.grid):
        raise CoregistrationError(f"{dem.name} {_CONTRADICTION}")
    return field, tags


def _foreign(raster: Grid, nodes: np.ndarray) -> ShiftField:
    """A field whose grid is one of node-sized cells between the outermost node centres."""
    x, y = raster.map_of(0, 0)
    _, dxc, _, _, _, dyr = raster.geotransform
    grid = Grid((float(x), dxc, 0.0, float(y), 0.0, dyr), max(raster.width - 1, 1), max(raster.height - 1, 1),
                raster.crs)
    return ShiftField(grid, 1, nodes)


def node_cells(cells: int, step: int) -> np.ndarray:
    """Cell positions of the nodes along an axis: they enclose all `cells`."""
    return np.arange(-(-cells // step) + 1) * float(step) - 0.5
