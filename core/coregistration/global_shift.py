"""One shift for the whole pair, from coarse to fine."""

from __future__ import annotations

import numpy as np

from ..errors import CoregistrationError
from ..progress import Progress
from ..raster.grid import overlap_window
from ..raster.resampling import Resampler
from ..statistics.robust import nmad
from .lzd import lzd
from .solution import Solution
from .terrain_window import Pair, TerrainWindow, row_step

COARSEST_SIDE = 256
SAMPLE = 100_000
EXACT = 1e-5  # of the relief: differences below it are rounding
CLEARLY = 0.9  # of the NMAD that the nearer start leaves
STRIDE = 32  # from one level to the next: least squares at one end within a few cells of the next


def global_shift(pair: Pair, method, seed: int, progress: Progress) -> Solution:
    """`method`'s solution from a start that is found coarse to fine.

    A search over all offsets at the coarsest level (at most 256 cells a side) finds shifts of many cells, least
    squares follow it down. Raises CoregistrationError without overlap or stable terrain.
    """
    coarsest, *finer = levels(pair)
    shift = np.zeros(3)
    if method.__name__ != "vertical_shift":
        shift = searched(pair.coarsened(coarsest), seed)
        for factor in finer[:-1]:
            progress.step(0.5, f"Global shift at 1/{factor} of the resolution")
            shift = _refined(pair.coarsened(factor), lzd, shift, seed).shift
    progress.step(0.7, "Global shift")
    return _refined(pair.coarsened(finer[-1] if finer else coarsest), method, shift, seed)


def levels(pair: Pair) -> list[int]:
    """How many cells a side make one, from the coarsest level to the finest."""
    _, _, height, width = overlap(pair)
    factors = [max(1, -(-max(height, width) // COARSEST_SIDE))]
    finest = max(1, int(np.ceil(np.sqrt(height * width / pair.FINEST))))
    while factors[-1] > finest:
        factors.append(max(finest, factors[-1] // STRIDE))
    return factors


def overlap(pair: Pair) -> tuple:
    """The reference's window that the secondary covers. Raises CoregistrationError without any."""
    window = overlap_window(pair.reference.grid, pair.secondary.grid)
    if window is None:
        raise CoregistrationError(
            f"{pair.reference.name} and {pair.secondary.name} do not overlap: check their extents and CRSs.")
    return window


def stable_window(pair: Pair, starts: tuple, seed: int) -> TerrainWindow:
    """A sample of the overlap's stable terrain. Raises CoregistrationError where it is too small."""
    place = overlap(pair)
    window = pair.window(place, starts, row_step(place, SAMPLE), seed)
    if window.rows.size < pair.LEAST:
        raise CoregistrationError(
            f"Only {window.rows.size} {pair.UNIT} of {pair.reference.name} are stable terrain with heights in the "
            "overlap: widen the mask or the polygons, or choose DEMs that share data.")
    return window


def _refined(pair: Pair, method, start: np.ndarray, seed: int) -> Solution:
    window = stable_window(pair, (start,), seed)
    if not np.isfinite(window.residuals(start)).any():
        raise CoregistrationError(
            f"{pair.reference.name} and {pair.secondary.name} have no stable cell with heights in both: "
            "check the mask, the polygons and the nodata areas.")
    return method(window, start, pair.reference.grid.cell_size())


def searched(pair: Pair, seed: int) -> np.ndarray:
    """The better start of none and the offset with the least variance of dh, after least squares from both."""
    cell = pair.reference.grid.cell_size()
    offset = _best_offset(pair)
    window = stable_window(pair, (offset,), seed)
    best, least = np.zeros(3), np.inf
    nothing = EXACT * nmad(window.heights)
    for start in (np.zeros(3), offset):
        solution = lzd(window, start, cell)
        left = max(nmad(window.residuals(solution.shift)), nothing)
        # Ground that repeats itself fits as well far off: only a clearly better fit is worth the way.
        if np.isfinite(left) and left < CLEARLY * least:
            best, least = solution.shift, left
    return best


def _best_offset(pair: Pair) -> np.ndarray:
    """The whole-cell shift (m) with the least variance of dh where at least half of the cells meet.

    Variances of all offsets at once by masked cross-correlation (Padfield 2012, doi 10.1109/TIP.2011.2181402).
    """
    row, col, height, width = overlap(pair)
    ground = pair.reference.read(row, col, height, width).astype(float)
    stable = pair.terrain.cover(pair.reference.grid.window(row, col, height, width)) & np.isfinite(ground)
    with Resampler(pair.secondary, pair.reference.grid, "bilinear") as resampler:
        other = resampler.window(row, col, height, width).astype(float)
    known = np.isfinite(other)
    if not stable.any() or not known.any():
        return np.zeros(3)
    shape = (2 * height, 2 * width)
    ground = np.where(stable, ground - np.median(ground[stable]), 0.0)
    other = np.where(known, other - np.median(other[known]), 0.0)

    def spectrum(values):
        return np.fft.rfft2(values, shape)

    def correlate(one, two):
        return np.fft.irfft2(one * np.conj(two), shape)

    at_ground, at_other = spectrum(stable.astype(float)), spectrum(known.astype(float))
    heights, others = spectrum(ground), spectrum(other)
    count = np.maximum(correlate(at_ground, at_other), 1.0)
    mean = (correlate(heights, at_other) - correlate(at_ground, others)) / count
    square = (correlate(spectrum(ground**2), at_other) + correlate(at_ground, spectrum(other**2))
              - 2 * correlate(heights, others)) / count
    variance = np.where(count >= 0.5 * count.max(), square - mean**2, np.inf)
    down, right = np.unravel_index(np.argmin(variance), shape)
    down, right = down - shape[0] * (down >= height), right - shape[1] * (right >= width)
    east, north = pair.reference.grid.cell_metres(row + height / 2)
    return np.array([right * float(east), down * float(north), 0.0])
