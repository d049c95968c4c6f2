"""One shift for the whole pair, from coarse to fine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import CoregistrationError
from ..progress import Progress
from ..raster.dem import Dem
from ..raster.grid import overlap_window
from ..raster.masks import StableTerrain
from ..raster.means import held, in_memory
from ..raster.resampling import Resampler
from ..statistics.robust import nmad
from .lzd import lzd
from .solution import Solution
from .terrain_window import Pair, TerrainWindow, row_step

COARSEST = 256**2  # cells: what a search over all offsets can afford
SHORTEST = 8  # cells across the overlap that the coarsest level keeps
SAMPLE = 200_000  # cells of the lines that are looked at
SKETCH = 25_000  # that lead the way to a better start, and to that of blocks
EXACT = 1e-5  # of the relief: differences below it are rounding
CLEARLY = 0.9  # of the NMAD that the nearer start leaves
STRIDE = 32  # from one level to the next: least squares at one end within a few cells of the next
MARGIN = 16  # cells round the overlap that a fit may draw on


def global_shift(pair: Pair, method, seed: int, progress: Progress, cells: int = SAMPLE) -> Solution:
    """`method`'s solution for about so many cells, from a start that is found coarse to fine.

    A search over offsets at the coarsest level (about 256 x 256 cells) finds shifts of many cells, least squares
    follow it down. Raises CoregistrationError without overlap or stable terrain.
    """
    coarsest, *finer = levels(pair)
    shift = np.zeros(3)
    if method.__name__ != "vertical_shift":
        shift = searched(pair.coarsened(coarsest), seed)
        for factor in finer[:-1]:
            progress.step(0.5, f"Global shift at 1/{factor} of the resolution")
            shift = _refined(pair.coarsened(factor), lzd, shift, seed, SKETCH).shift
    progress.step(0.7, "Global shift")
    return _refined(pair.coarsened(finer[-1] if finer else coarsest), method, shift, seed, cells)


def levels(pair: Pair) -> list[int]:
    """How many cells a side make one, from the coarsest level to the finest."""
    _, _, height, width = overlap(pair)
    factors = [max(1, min(int(np.ceil(np.sqrt(height * width / COARSEST))), min(height, width) // SHORTEST))]
    finest = max(1, int(np.ceil(np.sqrt(height * width / pair.FINEST))))
    while factors[-1] > finest:
        factors.append(max(finest, factors[-1] // STRIDE))
    return factors


def overlap(pair: Pair) -> tuple:
    """The reference's window that the secondary covers. Raises CoregistrationError without any."""
    return _covered(pair.reference, pair.secondary)


def _covered(one: Dem, other: Dem) -> tuple:
    window = overlap_window(one.grid, other.grid)
    if window is None:
        raise CoregistrationError(f"{one.name} and {other.name} do not overlap: check their extents and CRSs.")
    return window


def stable_window(pair: Pair, starts: tuple, seed: int, cells: int = SAMPLE) -> TerrainWindow:
    """The stable ones of lines that hold about `cells` of the overlap's cells.

    Raises CoregistrationError where they are too few.
    """
    place = overlap(pair)
    step = row_step(place, cells)
    # Each row from the middle of those that it stands for: the outermost have no gradient.
    window = pair.window(place, starts, step, place[0] + step // 2 + seed)
    if window.heights.size < cells / 20 and cells < SAMPLE and window.step > 1:
        return stable_window(pair, starts, seed)
    if window.heights.size < pair.LEAST:
        raise CoregistrationError(
            f"Only {window.heights.size} {pair.UNIT} of {pair.reference.name} are stable terrain with heights in the "
            "overlap: widen the mask or the polygons, or choose DEMs that share data.")
    return window


def _refined(pair: Pair, method, start: np.ndarray, seed: int, cells: int) -> Solution:
    window = stable_window(pair, (start,), seed, cells)
    if not np.isfinite(window.residuals(start)).any():
        raise CoregistrationError(
            f"{pair.reference.name} and {pair.secondary.name} have no stable cell with heights in both: "
            "check the mask, the polygons and the nodata areas.")
    return method(window, start, pair.reference.grid.cell_size())


def searched(pair: Pair, seed: int) -> np.ndarray:
    """The better start of none and the offset with the least variance of dh, after least squares from both."""
    with _in_memory(pair) as coarse:
        cell = coarse.reference.grid.cell_size()
        offset = _best_offset(coarse)
        window = stable_window(coarse, (offset,), seed, SKETCH)
        best, least = np.zeros(3), np.inf
        nothing = EXACT * nmad(window.heights)
        for start in (np.zeros(3), offset) if offset.any() else (offset,):
            solution = lzd(window, start, cell)
            left = max(nmad(window.residuals(solution.shift)), nothing)
            # Ground that repeats itself fits as well far off: only a clearly better fit is worth the way.
            if np.isfinite(left) and left < CLEARLY * least:
                best, least = solution.shift, left
    return best


@contextlib.contextmanager
def _in_memory(pair: Pair) -> Iterator[Pair]:
    """The part of a coarse pair where both meet, everything of it read once."""
    with contextlib.ExitStack() as stack:
        parts = {}
        for name, other in (("reference", pair.secondary), ("secondary", pair.reference)):
            dem = getattr(pair, name)
            if isinstance(dem, Dem):
                parts[name] = stack.enter_context(held(_around(dem, _covered(dem, other))))
        if not pair.terrain.everywhere:
            grid = parts.get("reference", pair.reference).grid
            cover = pair.terrain.cover(grid).astype(np.float32)
            parts["terrain"] = StableTerrain(mask=stack.enter_context(in_memory(cover, grid, "stable terrain")))
        yield replace(pair, **parts)


def _around(dem: Dem, window: tuple) -> Dem:
    """The part of a DEM within MARGIN cells of a window."""
    row, col, height, width = window
    top, left = max(0, row - MARGIN), max(0, col - MARGIN)
    bottom, right = min(dem.grid.height, row + height + MARGIN), min(dem.grid.width, col + width + MARGIN)
    return dem.part(top, left, bottom - top, right - left)


def _best_offset(pair: Pair) -> np.ndarray:
    """The whole-cell shift (m), up to half of the overlap, with the least variance of dh.

    Only where at least half of the cells meet. Variances of all offsets at once by masked cross-correlation (Padfield
    2012, doi 10.1109/TIP.2011.2181402).
    """
    row, col, height, width = overlap(pair)
    ground = pair.reference.read(row, col, height, width).astype(float)
    stable = pair.terrain.cover(pair.reference.grid.window(row, col, height, width)) & np.isfinite(ground)
    with Resampler(pair.secondary, pair.reference.grid, "bilinear") as resampler:
        other = resampler.window(row, col, height, width).astype(float)
    known = np.isfinite(other)
    if not stable.any() or not known.any():
        return np.zeros(3)
    ground = np.where(stable, ground - np.median(ground[stable]), 0.0)
    other = np.where(known, other - np.median(other[known]), 0.0)
    # Offsets up to half of a side do not wrap round then.
    shape = tuple(_quick_length(side + side // 2) for side in (height, width))

    def spectrum(values):
        return np.fft.rfft2(values, shape)

    def lags(product):
        return np.fft.irfft2(product, shape)

    at_ground, heights, squares = (spectrum(values) for values in (stable, ground, ground**2))
    at_other, others, other_squares = (np.conj(spectrum(values)) for values in (known, other, other**2))
    count = np.maximum(lags(at_ground * at_other), 1.0)
    mean = lags(heights * at_other - at_ground * others) / count
    square = lags(squares * at_other + at_ground * other_squares - 2 * heights * others) / count
    variance = np.where(count >= 0.5 * count.max(), square - mean**2, np.inf)
    down, right = (np.fft.fftfreq(length, 1 / length) for length in shape)
    variance[np.abs(down) > height // 2] = variance[:, np.abs(right) > width // 2] = np.inf
    least = np.unravel_index(np.argmin(variance), shape)
    east, north = pair.reference.grid.cell_metres(row + height / 2)
    return np.array([right[least[1]] * float(east), down[least[0]] * float(north), 0.0])


def _quick_length(least: int) -> int:
    """A length that Fourier transforms are quick at: a small number times a power of two, at most an eighth longer."""
    unit = 1 << max(0, least.bit_length() - 4)
    return -(-least // unit) * unit
