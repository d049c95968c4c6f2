"""Heights between cells: a DEM on another grid, sampled once from its original pixels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .dem import Dem, Reader
from .grid import Grid, reproject, same_crs
from .net import Net, bilinear
from .two_pass import Places, Ruled, moved

KERNELS = ("cubic", "bilinear", "nearest")
NODE_STEP = 16
BAND = 2**17  # cells that are worked on at once
STRAIN = 0.03  # a cell: where shifts change more from line to line, two passes err by more than 1 % of the kernel
MARGIN = 3  # cells of the source round a tile, as many as any kernel draws on
TILE = (256, 256)  # cells: small enough for the processor's cache, large enough to be worth a call


class CellMap:
    """Fractional cells of one grid as fractional cells of another.

    Exact within one CRS. Between two, the projection is computed at every `NODE_STEP`-th cell and interpolated
    bilinearly: at 30 m cells an error of some millimetres, a ten-thousandth of a cell.
    """

    def __init__(self, source: Grid, target: Grid):
        self._source, self._target = source, target
        self._affine = _cell_affine(source, target) if same_crs(source.crs, target.crs) else None

    @property
    def offset(self) -> tuple[float, float] | None:
        """`(down, right)`: cells from one grid to the other where both step alike, else None."""
        if self._affine is None or self._affine[0][1:] != (1.0, 0.0) or self._affine[1][1:] != (0.0, 1.0):
            return None
        return self._affine[0][0], self._affine[1][0]

    def __call__(self, row, col):
        """`(row, col)` in the target grid, broadcast; NaN where the position cannot be expressed there."""
        if self._affine is not None:
            (r0, rr, rc), (c0, cr, cc) = self._affine
            target_row = r0 + rr * row + (rc * col if rc else 0.0)
            return target_row, c0 + cc * col + (cr * row if cr else 0.0)
        return self._interpolated(row, col)

    def _interpolated(self, row, col):
        row, col = np.broadcast_arrays(np.asarray(row, dtype=float), np.asarray(col, dtype=float))
        top, left = int(np.floor(np.min(row) / NODE_STEP)), int(np.floor(np.min(col) / NODE_STEP))
        bottom, right = int(np.max(row) // NODE_STEP) + 2, int(np.max(col) // NODE_STEP) + 2
        nodes = np.meshgrid(np.arange(top, bottom) * NODE_STEP, np.arange(left, right) * NODE_STEP, indexing="ij")
        x, y = reproject(*self._source.map_of(*nodes), self._source.crs, self._target.crs)
        x, y = (np.where(np.isfinite(values), values, np.nan) for values in (x, y))
        u, v = row / NODE_STEP - top, col / NODE_STEP - left
        return tuple(bilinear(values, u, v) for values in self._target.cell_of(x, y))


@lru_cache(maxsize=256)
def _cell_affine(source: Grid, target: Grid):
    """Coefficients `((r0, rr, rc), (c0, cr, cc))` of the target's cells over the source's."""
    rows, cols = target.cell_of(*source.map_of(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])))
    if not source.rotated and not target.rotated:
        # Exact zeros keep rows and columns separable; steps come from the geotransforms, free of cancellation.
        rr, cc = (source.geotransform[i] / target.geotransform[i] for i in (5, 1))
        return (float(rows[0]), rr, 0.0), (float(cols[0]), 0.0, cc)
    return ((float(rows[0]), float(rows[1] - rows[0]), float(rows[2] - rows[0])),
            (float(cols[0]), float(cols[1] - cols[0]), float(cols[2] - cols[0])))


class Resampler:
    """An open DEM sampled at the cells of `grid`; use as a context manager, one in each thread.

    Without a `field` the DEM is sampled where the cells of `grid` lie. With one (a ShiftField), the height at a
    position p is `dem(p - d(p)) + dz(p)`: the DEM moved by the field. A DEM much finer than `grid` is averaged to
    about its spacing first, or noise and detail would alias. Void cells neither grow nor shrink: a cell is void where
    the nearest source cell is; beside voids the kernel falls back to the valid part of the bilinear one.
    """

    def __init__(self, dem: Dem, grid: Grid, kernel: str = "cubic", field=None, vertical: bool = True):
        if kernel != "nearest":
            dem = dem.coarsened(int(grid.cell_size() / dem.grid.cell_size() + 1e-6))
        self.dem, self.grid, self._kernel = dem, grid, _KERNELS[kernel]
        self._net = Net.still() if field is None else field.net
        self._vertical = vertical and field is not None
        base = grid if field is None else field.grid
        self._to_field = None if field is None or grid == field.grid else CellMap(grid, field.grid)
        self._to_dem = CellMap(base, dem.grid)
        offsets = [each.offset for each in (self._to_field, self._to_dem) if each is not None]
        self._offset = None if None in offsets else tuple(sum(axis) for axis in zip(*offsets))
        self._two_pass = kernel == "cubic" and self._net.strain <= STRAIN
        self._reader = Reader(dem)

    def __enter__(self) -> Resampler:
        return self

    def __exit__(self, *_) -> None:
        self._reader.close()

    def window(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Heights at the cells of a window of `grid`, float32 `(height, width)`, NaN where void."""
        rows, cols = self._places(row, col, height, width)
        heights = np.empty((height, width), dtype=np.float32)
        if self._offset is None:
            self._scatter(rows, cols, heights)
        elif self._two_pass:
            self._shear(row, col, heights)
        else:
            self._slide(row, col, rows, cols, heights)
        return heights

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Heights at fractional cells `(n,)` of the grid, float32, NaN where void; for a DEM without a field."""
        size = self.dem.grid
        row, col = self._to_dem(rows, cols)
        with np.errstate(invalid="ignore"):
            inside = (row > -1) & (row < size.height) & (col > -1) & (col < size.width)
        heights = np.full(rows.shape, np.nan, dtype=np.float32)
        if inside.any():
            heights[inside] = self._gathered(row[inside], col[inside])
        return heights

    def _slide(self, row: int, col: int, rows, cols, heights: np.ndarray) -> None:
        """Fill a window where both grids step alike: neighbours in it have neighbours for sources."""
        lowest, highest, leftmost, rightmost = self._net.reach(rows, cols)
        whole, part = self._steps()
        top, left = math.floor(-highest) - MARGIN, math.floor(-rightmost) - MARGIN
        below, beside = math.ceil(1 - lowest) + MARGIN - top, math.ceil(1 - leftmost) + MARGIN - left
        source = self._reader.read(row + whole[0] + top, col + whole[1] + left,
                                   heights.shape[0] + below, heights.shape[1] + beside)
        for lines, columns in _tiles(heights.shape):
            tile = heights[lines, columns]
            down, right, lift = self._net.offsets(rows[lines], cols[:, columns])
            beneath = source[lines.start:lines.start + tile.shape[0] + below,
                             columns.start:columns.start + tile.shape[1] + beside]
            (i, s), (j, t) = fractions((part[0] - top) - down), fractions((part[1] - left) - right)
            self._kernel.beside(beneath, i, j, s, t, tile)
            self._mend(tile, beneath, i, j, s, t)
            if self._vertical:
                tile += lift

    def _steps(self):
        """The cells from one grid to the other, as whole ones and the fraction beyond."""
        whole = [math.floor(apart) for apart in self._offset]
        return whole, [np.float32(apart - first) for apart, first in zip(self._offset, whole)]

    def _shear(self, row: int, col: int, heights: np.ndarray) -> None:
        """As `_slide`, in two passes: for shifts that hardly change from one line to the next."""
        (above, beside), width = self._steps()[0], heights.shape[1]
        (down, right, lift), left, pitch = self._ruled(row, col, heights.shape)
        lines = max(1, BAND // width)
        for top in range(0, heights.shape[0], lines):
            band, first = heights[top:top + lines], row + top
            v = down.rows(first, len(band), width)
            over, tall = v.first - 1, len(band) + v.last - v.first + 3
            u = right.rows(first + above + over, tall, width)
            source = self._reader.read(first + above + over, col + beside + left, tall, pitch)
            found = moved(source, (-over, -left), v, u, band.shape)
            _mend_moved(found, source, (over, left), v, u, width)
            if self._vertical:
                found += lift.lines(first, len(band))
            band[:] = found[:, :width]

    def _ruled(self, row: int, col: int, shape: tuple) -> tuple[list[Ruled], int, int]:
        """`((down, right, lift), left, pitch)` for the cells of a window.

        How many cells down and right of its row and column, beyond whole ones, a cell is sought, and the lift: down and
        lift by the rows of `grid`, right by those of the DEM. The `pitch` columns from `left` of the window on hold all
        that is sought; for as many the three are told.
        """
        whole, part = self._steps()
        rows, cols = self._places(row, col, *shape)
        lowest, highest, _, _ = self._net.reach(rows, cols)
        around = highest - lowest + 2 * MARGIN
        ends = rows[0, 0] - around, rows[-1, 0] + around
        _, _, leftmost, rightmost = self._net.reach(ends, cols)
        left = math.floor(-rightmost) - MARGIN
        pitch = shape[1] + math.ceil(1 - leftmost) + MARGIN - left
        knots, (down, right, lift) = self._net.lines(*ends, self._places(row, col, 1, pitch)[1][0])
        if self._to_field is not None:
            knots = knots - self._to_field.offset[0]
        down, right, straight = part[0] - down, part[1] - right, np.zeros((knots.size, 1), dtype=np.float32)
        ruled = [Ruled(knots, down, straight), Ruled(knots + whole[0], right, down), Ruled(knots, lift, straight)]
        return ruled, left, pitch

    def _places(self, row: int, col: int, height: int, width: int):
        """Rows `(height, 1)` and columns `(1, width)` of a window of `grid`, as places in the field's grid."""
        rows = np.arange(row, row + height, dtype=float)[:, None]
        cols = np.arange(col, col + width, dtype=float)[None, :]
        return (rows, cols) if self._to_field is None else self._to_field(rows, cols)

    def _mend(self, tile, source, i, j, s, t) -> None:
        """Values where the kernel has met voids; `i`, `j`, `s`, `t` as for Kernel.beside."""
        line, place = np.divmod(np.flatnonzero(np.isnan(tile)), tile.shape[1])
        if line.size:
            i, j, s, t = (np.broadcast_to(each, tile.shape)[line, place] for each in (i, j, s, t))
            source = np.ascontiguousarray(source)
            index = (line + i.astype(np.intp)) * source.shape[1] + place + j.astype(np.intp)
            tile[line, place] = self._kernel.mended(source, index, s, t)

    def _scatter(self, rows, cols, heights: np.ndarray) -> None:
        """Fill a window whose sources lie anywhere."""
        size = self.dem.grid
        heights.fill(np.nan)
        rows, cols = (np.broadcast_to(places, heights.shape) for places in (rows, cols))
        for tile in _tiles(heights.shape):
            down, right, lift = self._net.offsets(rows[tile], cols[tile])
            row, col = np.broadcast_arrays(*self._to_dem(rows[tile] - down, cols[tile] - right))
            with np.errstate(invalid="ignore"):
                inside = (row > -1) & (row < size.height) & (col > -1) & (col < size.width)
            if inside.any():
                heights[tile][inside] = self._gathered(row[inside], col[inside])
            if self._vertical:
                heights[tile] += lift

    def _gathered(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        (i, s), (j, t) = fractions(rows), fractions(cols)
        top, left = int(i.min()) - MARGIN, int(j.min()) - MARGIN
        width = int(j.max()) + MARGIN + 1 - left
        source = self._reader.read(top, left, int(i.max()) + MARGIN + 1 - top, width)
        index = (i - top).astype(np.intp) * width + (j - left).astype(np.intp)
        s, t = s.astype(np.float32), t.astype(np.float32)
        values = self._kernel.gathered(source, index, s, t)
        broken = np.isnan(values)
        values[broken] = self._kernel.mended(source, index[broken], s[broken], t[broken])
        return values


def _mend_moved(heights, source, corner: tuple, down: Places, right: Places, width: int) -> None:
    """Values of `heights` that `moved` has left void; their column lies between those of the lines above and below."""
    void, pitch = np.isnan(source), source.shape[1]
    if not void.any():
        return
    # Within voids, where all that may be the nearest is void, nothing is to be mended.
    deep = _all_ahead(void.reshape(-1), down.last - down.first + 2, pitch)
    deep = _all_ahead(deep, right.last - right.first + 2, 1)
    first = (down.first - corner[0]) * pitch + right.first - corner[1]
    deep = deep[first:first + heights.size].reshape(heights.shape)
    deep[:, width:] = True
    broken = np.flatnonzero(np.isnan(heights) & ~deep)
    v, u = (np.broadcast_to(places.values, (lines, pitch)).ravel()
            for places, lines in ((down, len(heights)), (right, len(source))))
    i, s = fractions(v.take(broken))
    line = broken + (i - corner[0]).astype(np.intp) * pitch
    across = u.take(line)
    j, t = fractions(across + s * (u.take(line + pitch) - across))
    heights.reshape(-1)[broken] = _beside_voids(source, line + (j - corner[1]).astype(np.intp), s, t)


def _all_ahead(cells, count: int, step: int):
    """Whether all are true of `count` cells of a flat array, each `step` after the one before."""
    reach = 1
    while reach < count:
        more = min(reach, count - reach)
        cells = cells[:-more * step] & cells[more * step:]
        reach += more
    return cells


def _tiles(shape: tuple):
    """Slices `(rows, columns)` of the tiles of a window."""
    for top in range(0, shape[0], TILE[0]):
        for left in range(0, shape[1], TILE[1]):
            yield slice(top, top + TILE[0]), slice(left, left + TILE[1])


def fractions(places):
    """Fractional cells as whole cells (of the same type) and the fraction beyond."""
    whole = np.floor(places)
    return whole, places - whole


class Kernel:
    """A separable kernel over the cells `first`, `first` + 1, ... from the one before a place.

    `weights(fraction)` are theirs, float32. Whichever way the cells are fetched, the sums have the same bits.
    """

    def __init__(self, first: int, weights):
        self._first, self._weights = first, weights

    def beside(self, source, i, j, s, t, values) -> None:
        """Fill `values`, whose sources lie `i`, `j` whole cells and a fraction further on.

        `i`, `j`, `s`, `t` are for all cells, for each line, or for each cell. Where `i` or `j` take two values the
        kernel gets one cell longer and the weights move along it.
        """
        down, across = self.shared(i, s), self.shared(j, t)
        if down is None or across is None:
            values[:] = self.gathered(source, *_beside(source, i, j, s, t, values.shape))
            return
        (top, down), (left, across) = down, across
        height, width = values.shape

        def cell(row, col, beyond=0):
            row, col = top + row, left + col
            return source[row:row + height, col:col + width + beyond]

        if all(weight.size == 1 or weight.shape[1] == 1 for weight in down):
            lines = weighted_sum(down, [cell(row, 0, len(across) - 1) for row in range(len(down))])
            values[:] = weighted_sum(across, [lines[:, col:col + width] for col in range(len(across))])
        else:
            _weigh(cell, down, across, values)

    def gathered(self, source, index, s, t) -> np.ndarray:
        """Values a fraction `s`, `t` (rows, columns) beyond the cells `index` of the flattened source."""
        flat, width = source.ravel(), source.shape[1]

        def cell(row, col):
            return flat.take(index + ((row + self._first) * width + col + self._first))

        values = np.empty(index.shape, dtype=np.float32)
        _weigh(cell, self._weights(s), self._weights(t), values)
        return values

    def mended(self, source, index, s, t) -> np.ndarray:
        """Values where voids may be near: void where the nearest cell is, else of the valid cells alone."""
        values = _beside_voids(source, index, s, t)
        known = np.flatnonzero(~np.isnan(values))
        # Where weights were shared over one cell more than the kernel has, a void there did no harm.
        found = self.gathered(source, index[known], s[known], t[known])
        whole = np.flatnonzero(~np.isnan(found))
        values[known[whole]] = found[whole]
        return values

    def shared(self, whole, fraction):
        """`(first cell, weights)` for all places alike, None where they lie too far apart.

        Where `whole` takes two values the kernel gets one cell longer and the weights move along it.
        """
        if whole.size == 1:
            return int(whole.item()) + self._first, [np.float32(weight) for weight in self._weights(fraction.item())]
        least, most = int(whole.min()), int(whole.max())
        weights = self._weights(fraction)
        if most - least > 1:
            return None
        if most > least:
            later = (whole > least).astype(np.float32)
            moved = [weight * later for weight in weights]
            weights = [weight - other for weight, other in zip(weights, moved)]
            weights = [weights[0], *(weight + other for weight, other in zip(weights[1:], moved)), moved[-1]]
        return least + self._first, weights


def _beside(source, i, j, s, t, shape):
    """`(index, s, t)` for Kernel.gathered of cells whose sources lie `i`, `j` whole cells further on."""
    i, j, s, t = (np.broadcast_to(each, shape) for each in (i, j, s, t))
    index = (np.arange(shape[0])[:, None] + i.astype(np.intp)) * source.shape[1]
    index += np.arange(shape[1]) + j.astype(np.intp)
    return index, s, t


def weighted_sum(weights: list, parts: list) -> np.ndarray:
    """Sum of weights times parts."""
    total = weights[0] * parts[0]
    product = np.empty_like(total)
    for weight, part in zip(weights[1:], parts[1:]):
        np.multiply(weight, part, out=product)
        np.add(total, product, out=total)
    return total


def _weigh(cell, down, across, total) -> None:
    """Fill `total` with the sum of `cell(row, col)` times the weights of rows and columns."""
    line, product = np.empty_like(total), np.empty_like(total)
    for row, weight in enumerate(down):
        np.multiply(across[0], cell(row, 0), out=line)
        for col in range(1, len(across)):
            np.multiply(across[col], cell(row, col), out=product)
            np.add(line, product, out=line)
        if row == 0:
            np.multiply(weight, line, out=total)
        else:
            np.multiply(weight, line, out=line)
            np.add(total, line, out=total)


def _cubic(t):
    """Weights of the cells -1, 0, 1, 2 at the fraction `t` by cubic convolution (Keys 1981, a = -0.5, as in GDAL).

    The outer two are -t (1-t)^2 / 2 and -t^2 (1-t) / 2; the inner two follow, as a line is met exactly.
    """
    rest = 1 - t
    both = t * rest
    both *= np.float32(-0.5)
    first, last = both * rest, both * t
    rest += last
    rest -= first
    rest -= first
    third = t + first
    third -= last
    third -= last
    return [first, rest, third, last]


def _quintic(t):
    """Weights of the cells -2 to 3 at the fraction `t`, of the polynomial through them (Lagrange)."""
    from_cell = [t - place for place in range(-2, 4)]
    before, after = [from_cell[0]], [from_cell[5]]
    for place in range(1, 5):
        before.append(before[-1] * from_cell[place])
        after.append(after[-1] * from_cell[5 - place])
    inner = [before[place - 1] * after[4 - place] * scale for place, scale in zip(range(1, 5), _INNER)]
    return [after[4] * _OUTER[0], *inner, before[4] * _OUTER[1]]


_OUTER, _INNER = (-1 / 120, 1 / 120), (1 / 24, -1 / 12, 1 / 12, -1 / 24)


def _linear(t):
    """Weights of the cells 0 and 1 at the fraction `t`."""
    return [1 - t, t]


class Nearest:
    """The value of the nearest cell."""

    def beside(self, source, i, j, s, t, values) -> None:
        """As Kernel.beside."""
        values[:] = self.gathered(source, *_beside(source, i, j, s, t, values.shape))

    def gathered(self, source, index, s, t) -> np.ndarray:
        """As Kernel.gathered."""
        half = np.float32(0.5)
        return source.ravel().take(index + (s >= half) * source.shape[1] + (t >= half))

    mended = gathered


def _beside_voids(source, index, s, t) -> np.ndarray:
    """Void where the nearest cell is, else the bilinear value of the valid cells alone."""
    flat, width = source.ravel(), source.shape[1]
    half = np.float32(0.5)
    values = flat.take(index + (s >= half) * width + (t >= half))
    known = np.flatnonzero(~np.isnan(values))
    index, s, t = index[known], s[known], t[known]
    total, weights = np.zeros((2, known.size), dtype=np.float32)
    for offset, weight in ((0, (1 - s) * (1 - t)), (1, (1 - s) * t), (width, s * (1 - t)), (width + 1, s * t)):
        cell = flat.take(index + offset)
        void = np.isnan(cell)
        cell[void] = weight[void] = 0
        total += weight * cell
        weights += weight
    values[known] = total / weights
    return values


LAGRANGE = Kernel(-2, _quintic)
_KERNELS = {"cubic": Kernel(-1, _cubic), "bilinear": Kernel(0, _linear), "nearest": Nearest()}
