"""Pairs that differ by a rigid motion, a tilt and a bias that grows with elevation, all known."""

import numpy as np
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain
from commonground.core.raster.writing import RasterWriter
from worlds import correlated, wkt

HEIGHT = 1000.0


def turned(angles):
    """The rotation matrix of a small rotation vector (rad) by its series, independent of the product's."""
    x, y, z = angles
    generator = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=float)
    matrix, term = np.eye(3), np.eye(3)
    for k in range(1, 12):
        term = term @ generator / k
        matrix = matrix + term
    return matrix


def rigid_world(folder, surface, shift=(0, 0, 0), angles=(0, 0, 0), tilt=(0, 0), bias=0.0, size=400, cell=10.0,
                white=0.0, correlated_noise=0.0, seed=0):
    """`(pair, true heights)`: the secondary's points q lie on the surface once moved to R (q - c) + c + shift.

    c is the middle of the raster at HEIGHT. `tilt` (height per metre) and `bias` (height per metre above HEIGHT) are
    what must be added to the secondary's heights besides.
    """
    rng = np.random.default_rng(seed)
    grid = Grid((500000.0, cell, 0.0, 7800000.0, 0.0, -cell), size, size, wkt(32622))
    row, col = np.mgrid[:size, :size].astype(float)
    x, y, middle = col * cell, -row * cell, (size / 2 - 0.5) * cell
    centre, rotation = np.array([middle, -middle, HEIGHT]), turned(angles)
    truth = surface(x, y)
    z = truth.copy()
    for _ in range(40):
        moved = (np.stack([x, y, z], axis=-1) - centre) @ rotation.T + centre + np.asarray(shift, dtype=float)
        z += surface(moved[..., 0], moved[..., 1]) - moved[..., 2]
    z -= tilt[0] * (x - middle) + tilt[1] * (y + middle)
    z = (z + bias * HEIGHT) / (1 + bias)
    secondary = z + white * rng.normal(size=z.shape)
    if correlated_noise:
        secondary += correlated_noise * correlated(rng, z.shape, 8)
    dems = []
    for name, heights in (("reference", truth + white * rng.normal(size=z.shape)), ("secondary", secondary)):
        path = str(folder / f"{name}.tif")
        with RasterWriter(path, grid) as writer:
            writer.write(heights.astype(np.float32))
        dems.append(Dem.open(path))
    return Pair(*dems, StableTerrain()), truth
