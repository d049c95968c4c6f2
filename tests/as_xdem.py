"""Nuth & Kaab as xDEM does it, from the product's own cosine: bilinear, unweighted bins, a block and nothing beyond.

And the worlds on which both are compared.
"""

import numpy as np
from commonground.core.coregistration.nuth_kaab import ASPECT_BINS, _cosine
from commonground.core.raster.dem import Dem
from commonground.core.raster.writing import RasterWriter
from worlds import Surface, constant_field, make_world, sine_field

BLOCK = 200
FOLLOWED = 10  # iterations, as xDEM's default
SETTLED = 0.001  # cells


def as_xdem(reference, secondary, cell):
    """The shift (dx, dy, dz; m, to add to the secondary) of two arrays on the same cells, NaN where void.

    xDEM 0.2.3: gradient by central differences of the reference, any slope but zero, bilinear sampling in the block
    alone, all bins alike whatever they hold, no outlier left out, at least three iterations.
    """
    from scipy import ndimage

    south, east = (np.gradient(reference, axis=axis) for axis in (0, 1))
    steepness = np.hypot(east, south)
    known = np.isfinite(reference + secondary + steepness) & ~np.isclose(steepness, 0)
    row, col = np.nonzero(known)
    aspect = np.arctan2(-east, south)[known] % (2 * np.pi)
    bins = np.minimum((aspect * (ASPECT_BINS / (2 * np.pi))).astype(int), ASPECT_BINS - 1)
    heights, slopes = reference[known], steepness[known]
    right = up = level = 0.0
    for iteration in range(FOLLOWED):
        sampled = ndimage.map_coordinates(secondary, (row + up, col - right), order=1, cval=np.nan)
        dh = heights - sampled
        level = np.nanmedian(dh)
        there = np.isfinite(dh)
        target = (dh[there] - level) / slopes[there]
        filled = np.unique(bins[there])
        # One value a bin: the product's cosine weighs bins by their counts, xDEM's does not.
        medians = np.array([np.median(target[bins[there] == one]) for one in filled])
        step = _cosine(medians, filled)
        right, up = right + step[0], up + step[1]
        if iteration > 1 and np.hypot(*step) < SETTLED:
            break
    return np.array([right * cell, up * cell, level])


def blocks_as_xdem(reference, secondary):
    """`as_xdem` of every block of a pair on one grid, `(n, 3)`."""
    one, other = (dem.read().astype(float) for dem in (reference, secondary))
    cell = reference.grid.cell_size()
    return np.array([as_xdem(*(heights[top:top + BLOCK, left:left + BLOCK] for heights in (one, other)), cell)
                     for top in range(0, one.shape[0], BLOCK) for left in range(0, one.shape[1], BLOCK)])


def holed(world, folder, seed):
    """The world with a tenth of its secondary void, in patches."""
    from scipy import ndimage

    heights = world.secondary.read()
    patches = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=heights.shape), 6)
    heights[patches > np.quantile(patches, 0.9)] = np.nan
    path = str(folder / "holed.tif")
    with RasterWriter(path, world.secondary.grid) as writer:
        writer.write(heights)
    world.secondary = Dem.open(path)
    return world


WORLDS = {
    "constant, white noise": lambda folder: make_world(
        folder, constant_field(7.3, -4.1, 2.0), slope=12, seed=41, white=0.5),
    "curved, correlated noise": lambda folder: make_world(
        folder, sine_field(8.0, 1500.0), slope=20, seed=42, white=0.3, correlated_noise=1.0),
    "steep, far off": lambda folder: make_world(
        folder, constant_field(-31.0, 24.0, -5.0), slope=28, seed=43, white=0.3),
    "gentle, 20 m cells, voids": lambda folder: holed(make_world(
        folder, constant_field(9.0, 11.0, 1.0), slope=6, seed=44, cell=20.0, white=0.3,
        surface=Surface(44, shortest=160.0, longest=12000.0, slope=6)), folder, 44),
}
