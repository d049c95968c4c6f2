"""Stable terrain told by the two DEMs themselves: all but steep ground and coherent change.

A cell that changed cannot be told from one that is noisy; an area can. dh is freed of what a local shift explains,
divided by its slope-dependent spread and smoothed: noise averages out, a glacier or a landslide does not.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from ..errors import CoregistrationError
from ..executors import run_all
from ..progress import Part, Progress
from ..raster.cache import small_cache
from ..raster.dem import Dem, Reader
from ..raster.grid import Grid
from ..raster.masks import StableTerrain
from ..raster.resampling import Resampler, bilinear
from ..raster.writing import RasterWriter, scratch_file
from ..statistics.robust import nmad
from ..statistics.terrain import gradient
from .global_shift import global_shift, overlap
from .lzd import lzd
from .precision import Precision, tukey
from .shift_field import ShiftField
from .terrain_window import Pair
from .vertical_shift import vertical_shift
from .warp import SMALLEST, WINDOW, windows

ANALYSED = 2_000_000  # cells: of larger overlaps, means are judged
STEEPEST = 50.0  # degrees: cliffs show the DEMs' resolution, not their shift
COARSEST = 4  # blocks along the longer side that the local shift is told from first,
SEARCHED = 8  # before change is looked for the first time,
FINEST = 32  # and cells along a block's side at last
ALIKE = 25.0  # neighbouring cells err together: so many count as one
NARROW, BROAD = 2.0, 6.0  # cells: standard deviations of the smoothing, for sharp rims and for faint change
LOUDEST = 6.0  # standard deviations that one cell may plead
SURE, LIKELY = 4.5, 2.0  # spreads of the smoothed dh: where change is seen, and as far as it is then followed
QUIETEST = 0.3  # standard deviations: a spread of the smoothed dh below this is luck, or no noise at all
RIM = 1  # cells that change is widened by: it fades out into the noise
LEAST_KNOWN = 0.2  # of the smoothing's weight on cells with dh
LOOK = 100_000  # cells that a spread is taken from
KNOWN_TO = 0.05  # cells: a local shift is not told better, and slopes show what is left of it,
LEVEL_TO = 0.005  # nor is a local height


@dataclass(frozen=True)
class FoundTerrain:
    """The stable terrain of a pair as one mask raster (1 stable, 0 not), and what was left out.

    `changed` and `steep` are shares of the cells with dh inside the terrain that was given; `cell` is the side (m) of
    the cells that were judged.
    """

    mask: Dem
    changed: float
    steep: float
    cell: float

    @property
    def note(self) -> str:
        """What was done, for people."""
        return (f"Stable terrain told automatically, by cells of {self.cell:.3g} m: {self.changed:.1%} of the given "
                f"terrain left out as changed, {self.steep:.1%} as steeper than {STEEPEST:.0f} degrees.")


def find_stable_terrain(pair: Pair, path: str, seed: int, executor: Executor, progress: Progress) -> FoundTerrain:
    """Judge the overlap of a pair and write what is left of its terrain as a mask on the reference's grid.

    The terrain that the pair already has is narrowed, never widened. Raises CoregistrationError where the DEMs do not
    overlap or nothing stable is left.
    """
    with small_cache(*pair.rasters):
        return _found(pair, path, seed, executor, progress)


def _found(pair: Pair, path: str, seed: int, executor: Executor, progress: Progress) -> FoundTerrain:
    coarser = pair.at_spacing_of_coarser()
    _, _, height, width = overlap(coarser)
    seen = coarser.coarsened(int(np.ceil(np.sqrt(height * width / ANALYSED))))
    factor = seen.reference.factor // pair.reference.factor
    with contextlib.ExitStack() as scratch:
        seen = replace(seen, **{role: _at_hand(getattr(seen, role), scratch.enter_context(scratch_file(path)), progress)
                                for role in ("reference", "secondary")})
        judged = _Judged(seen, seed, executor, Part(progress, 0.1, 0.9))
        changed, steep, known = judged.changed(), judged.steep, judged.known
    left = known & ~changed & ~steep
    if not left.any():
        raise CoregistrationError(
            f"No stable terrain is left between {pair.reference.name} and {pair.secondary.name}: all of it has "
            "changed or is too steep. Give STABLE polygons instead of AUTO_STABLE.")
    whole = np.zeros(seen.reference.grid.shape, dtype=bool)
    row, col, height, width = judged.window
    whole[row:row + height, col:col + width] = left
    write_stable_terrain(pair.terrain, pair.reference.grid, path, Part(progress, 0.9, 1.0), whole, factor)
    count = known.sum()
    return FoundTerrain(Dem.open(path, crs=pair.reference.grid.crs), float((known & changed).sum() / count),
                        float((known & steep & ~changed).sum() / count), seen.reference.grid.cell_size())


def write_stable_terrain(terrain: StableTerrain, grid: Grid, path: str, progress: Progress,
                         coarse: np.ndarray | None = None, factor: int = 1) -> None:
    """Write `terrain` as a Byte raster of 0 and 1 on `grid`, window by window.

    `coarse` narrows it: booleans of cells that hold `factor` x `factor` of the grid's, the last ones its ragged ends.
    """
    pending = windows(grid)
    with RasterWriter(path, grid, nodata=None, names=("stable terrain",), data_type="Byte") as writer:
        for done, window in enumerate(pending):
            row, col, height, width = window
            cells = terrain.cover(grid.window(*window))
            if coarse is not None:
                rows = np.minimum(np.arange(row, row + height) // factor, coarse.shape[0] - 1)
                cols = np.minimum(np.arange(col, col + width) // factor, coarse.shape[1] - 1)
                cells &= coarse[np.ix_(rows, cols)]
            writer.write(cells.astype(np.uint8), row, col)
            progress.step((done + 1) / len(pending), "Writing the stable terrain")


def _at_hand(dem: Dem, path: str, progress: Progress) -> Dem:
    """A DEM that is read as means, as a file of those means: they are looked at many times."""
    if dem.factor == 1:
        return dem
    with Reader(dem) as reader, RasterWriter(path, dem.grid) as writer:
        for row, col, height, width in windows(dem.grid, (max(SMALLEST, WINDOW[0] // dem.factor), WINDOW[1])):
            writer.write(reader.read(row, col, height, width), row, col)
            progress.step(0.05, "Looking for change")
    return Dem.open(path, crs=dem.grid.crs)


class _Judged:
    """A pair's overlap as whole arrays `(rows, cols)` of `window`: gradient, given terrain, and dh under a field."""

    def __init__(self, pair: Pair, seed: int, executor: Executor, progress: Progress):
        self._pair, self._executor, self._progress = pair, executor, progress
        self.window = overlap(pair)
        self._grid = pair.reference.grid
        place = self._grid.window(*self.window)
        row, col, height, width = self.window
        with Reader(pair.reference) as reader:
            heights = reader.read(row - 1, col - 1, height + 2, width + 2)
        self._gx, self._gy = gradient(heights, place)
        self._given = pair.terrain.cover(place)
        for gradients in (self._gx, self._gy):
            gradients[np.isnan(gradients)] = 0.0  # beside voids
        self._steepness2 = self._gx**2 + self._gy**2
        self.steep = self._steepness2 > np.tan(np.radians(STEEPEST)) ** 2
        self._shift = self._global(seed)
        self._rounds = _rounds(max(height, width))
        self._looks, self._in_all = 0, sum(len(blocks) + 1 for blocks in self._rounds)
        self._increments: list = []
        self._known = self._dh = None

    @property
    def known(self) -> np.ndarray:
        """Cells of the given terrain with dh."""
        return self._known

    def changed(self) -> np.ndarray:
        """Cells whose dh no shift explains.

        The shift is told from coarse to fine, and told again without what has been seen to change: change that is
        large, or spread wide, pulls the first fits towards itself.
        """
        changed = np.zeros(self._given.shape, dtype=bool)
        for blocks in self._rounds:
            self._increments = []
            self._look()
            for block in blocks:
                self._fit(block, ~self.steep & ~changed)
            changed = self._changed(changed)
        return changed

    def _global(self, seed: int) -> np.ndarray:
        part = Part(self._progress, 0.0, 0.2)
        solution = global_shift(self._pair, lzd, seed, part)
        if not solution.converged:
            solution = global_shift(self._pair, vertical_shift, seed, part)
        return solution.shift

    def _look(self) -> None:
        """dh under the field as it is now."""
        field = ShiftField.from_function(self._grid, FINEST // 2, self._field)
        row, col, height, width = self.window
        lines = max(1, 500_000 // width)
        parts = [(row + top, col, min(lines, height - top), width) for top in range(0, height, lines)]
        tasks = [(self._pair, field, part) for part in parts]
        start, end = (0.2 + 0.8 * looks / self._in_all for looks in (self._looks, self._looks + 1))
        part, self._looks = Part(self._progress, start, end), self._looks + 1
        dh = np.concatenate(run_all(self._executor, window_differences, tasks, part, "Looking for change"))
        self._known = np.isfinite(dh) & self._given
        self._dh = np.where(self._known, dh, np.float32(0.0))

    def _field(self, rows, cols) -> np.ndarray:
        total = np.empty((3, len(rows), len(cols)))
        total[:] = self._shift[:, None, None]
        for block, nodes in self._increments:
            u = (rows - self.window[0] + 0.5) / block + 0.5
            v = (cols - self.window[1] + 0.5) / block + 0.5
            total += np.stack([bilinear(component, u[:, None], v[None, :]) for component in nodes])
        return total

    def _deviation(self, cells: np.ndarray) -> np.ndarray:
        """The standard deviation that slope lets expect of dh, from `cells`."""
        seen = _some(cells)
        on_flat, by_slope = Precision(self._steepness2.ravel()[seen]).laws(self._dh.ravel()[seen])[:, 0]
        sideways, level = ((share * self._grid.cell_size()) ** 2 for share in (KNOWN_TO, LEVEL_TO))
        return np.sqrt(np.float32(on_flat + level) + np.float32(by_slope + sideways) * self._steepness2)

    def _fit(self, block: int, cells: np.ndarray) -> None:
        """Add what shifts of blocks explain of dh, a block speaking for its surroundings, too."""
        from scipy import ndimage

        cells = cells & self._known
        deviation = self._deviation(cells)
        weights = np.where(cells, tukey(self._dh / deviation) / deviation**2, 0.0).astype(np.float32)
        weights /= ALIKE
        design = (-self._gx, -self._gy, np.ones_like(self._gx))

        def near(values):
            return ndimage.gaussian_filter(_block_sums(values, block), 1.0, mode="constant", truncate=2.5)

        shape = tuple(-(-cells_along // block) for cells_along in self._dh.shape)
        M, b = np.empty((*shape, 3, 3)), np.empty((*shape, 3))
        for i in range(3):
            weighted = weights * design[i]
            b[..., i] = near(weighted * self._dh)
            for j in range(i, 3):
                M[..., i, j] = M[..., j, i] = near(weighted * design[j])
        usual = max(nmad(self._dh.ravel()[_some(cells)]), 1e-6)
        # Where the ground tells nothing, the coarser blocks' word stands.
        horizontal, vertical = self._grid.cell_size(), usual
        M[..., [0, 1, 2], [0, 1, 2]] += np.array([horizontal, horizontal, vertical]) ** -2.0
        nodes = np.linalg.solve(M, b[..., None])[..., 0]
        # One more all round: between the outermost blocks' centres and the edge the field runs on.
        runs = [(0, 0)] + [(1, 1)] * 2
        run_on = {"mode": "reflect", "reflect_type": "odd"} if min(shape) > 1 else {"mode": "edge"}
        self._increments.append((block, np.pad(np.moveaxis(nodes, -1, 0), runs, **run_on)))
        self._look()

    def _changed(self, before: np.ndarray) -> np.ndarray:
        """Change seen in smoothed dh; `before` is what was seen already, which says nothing of the noise."""
        from scipy import ndimage

        quiet = self._known & ~before & ~self.steep
        deviation = self._deviation(quiet)
        pleas = np.where(self._known, np.clip(self._dh / deviation, -LOUDEST, LOUDEST), np.float32(0.0))
        changed = np.zeros(self._known.shape, dtype=bool)
        for width in (NARROW, BROAD):
            # What is seen at the narrow width would smear over its surroundings at the broad one.
            heard = self._known & ~changed
            weight = ndimage.gaussian_filter(heard.astype(np.float32), width, mode="constant", truncate=3.0)
            smooth = ndimage.gaussian_filter(np.where(heard, pleas, np.float32(0.0)), width, mode="constant",
                                             truncate=3.0)
            smooth /= np.maximum(weight, LEAST_KNOWN)
            usual = max(nmad(smooth.ravel()[_some(quiet)]), QUIETEST)
            for sign in (1.0, -1.0):
                changed |= _hysteresis(sign * smooth, LIKELY * usual, SURE * usual)
        return ndimage.binary_dilation(changed, iterations=RIM)


def _rounds(side: int) -> list:
    """Sides of the blocks for each round, for an overlap of `side` cells."""
    coarse = [max(side // parts, FINEST) for parts in (COARSEST, SEARCHED)]
    finer = list(coarse)
    while finer[-1] > FINEST:
        finer.append(max(finer[-1] // 2, FINEST))
    finer.append(FINEST)  # once more: blocks that speak for their surroundings leave some of the shift
    return [coarse, finer, finer]


def window_differences(pair: Pair, field: ShiftField, window: tuple) -> np.ndarray:
    """dh = reference - secondary under the field, float32, of a window; self-contained for any worker."""
    with Reader(pair.reference) as reader, Resampler(pair.secondary, pair.reference.grid, "cubic", field) as other:
        return reader.read(*window) - other.window(*window)


def narrowed(pair: Pair, mask: Dem) -> Pair:
    """The pair on a mask that already holds all of its terrain."""
    return replace(pair, terrain=StableTerrain(mask=mask))


def _some(cells: np.ndarray) -> np.ndarray:
    """Flat indices of about LOOK of the true cells, evenly chosen."""
    index = np.flatnonzero(cells)
    return index[::max(1, index.size // LOOK)]


def _hysteresis(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Areas above `low` that reach above `high` somewhere."""
    from scipy import ndimage

    labels, count = ndimage.label(values > low, structure=np.ones((3, 3)))
    sure = np.zeros(count + 1, dtype=bool)
    sure[labels[values > high]] = True
    sure[0] = False
    return sure[labels]


def _block_sums(values: np.ndarray, block: int) -> np.ndarray:
    """Sums over blocks of `block` x `block` cells, the last ones ragged, float64."""
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], block), axis=0, dtype=np.float64)
    return np.add.reduceat(rows, np.arange(0, values.shape[1], block), axis=1)
