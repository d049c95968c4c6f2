"""Synthetic DEM pairs whose truth is known: one surface, evaluated where the cells of each DEM truly lie."""

from dataclasses import dataclass

import numpy as np
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import RasterWriter
from osgeo import osr


def wkt(code):
    """WKT of an EPSG code."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


class Surface:
    """A fractal of cosine waves: analytic, so that it can be evaluated anywhere."""

    def __init__(self, seed=0, shortest=80.0, longest=8000.0, slope=10.0, waves=80):
        rng = np.random.default_rng(seed)
        length = np.exp(rng.uniform(np.log(shortest), np.log(longest), waves))
        angle = rng.uniform(0, 2 * np.pi, waves)
        self.kx, self.ky = 2 * np.pi / length * np.cos(angle), 2 * np.pi / length * np.sin(angle)
        self.phase = rng.uniform(0, 2 * np.pi, waves)
        self.amplitude = length**0.9
        rms = np.sqrt((self.amplitude**2 * (self.kx**2 + self.ky**2)).sum() / 2)
        self.amplitude = self.amplitude * np.tan(np.radians(slope)) / rms * 1.13

    def __call__(self, x, y):
        """Heights (m) at ground positions x, y (m)."""
        total = np.zeros(np.broadcast(x, y).shape)
        for kx, ky, phase, amplitude in zip(self.kx, self.ky, self.phase, self.amplitude):
            total += amplitude * np.cos(kx * x + ky * y + phase)
        return total + 1000.0


@dataclass
class World:
    """A pair on disk, and what is true of it."""

    reference: Dem
    secondary: Dem
    clean: Dem
    truth: np.ndarray
    field: np.ndarray


def correlated(rng, shape, length):
    """Gaussian noise of unit variance, correlated over `length` cells."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(rng.normal(size=shape), length, mode="wrap")
    return noise / noise.std()


def sine_field(amplitude=10.0, period=600.0, vertical=2.0):
    """Shifts of a sine of `period` cells along both axes: `f(row, col) -> (dx, dy, dz)`."""
    def field(row, col):
        u, v = 2 * np.pi * row / period, 2 * np.pi * col / period
        return (amplitude * np.sin(u) * np.cos(v), amplitude * np.cos(u + 0.7) * np.sin(v + 0.3),
                vertical * np.sin(v) * np.sin(u))

    return field


def constant_field(dx, dy, dz):
    """The same shift everywhere."""
    def field(row, col):
        return np.full(np.shape(row), float(dx)), np.full(np.shape(row), float(dy)), np.full(np.shape(row), float(dz))

    return field


def drifting_field(row, col):
    """A plane in every component: some metres, which change slowly."""
    return 4 + row / 800, -3 + col / 900, 0.5 + row / 9000


def make_world(folder, field, size=600, cell=10.0, slope=10.0, seed=0, white=0.0, correlated_noise=0.0, crs=32622,
               origin=(500000.0, 7800000.0), surface=None):
    """Reference = surface(p); secondary(q) = surface(q + d) - dz, so that moving it by d brings it back.

    Noise: `white` on the reference (m), `white` plus `correlated_noise` on the secondary.
    """
    rng = np.random.default_rng(seed + 1000)
    surface = surface or Surface(seed, slope=slope)
    grid = Grid((origin[0], cell, 0.0, origin[1], 0.0, -cell), size, size, wkt(crs))
    row, col = np.mgrid[:size, :size].astype(float)
    x, y = col * cell, -row * cell
    truth = surface(x, y)
    # The field is a function of the reference position p = q + d(p): solved by iteration.
    p_row, p_col = row.copy(), col.copy()
    for _ in range(30):
        dx, dy, dz = field(p_row, p_col)
        p_col, p_row = col + dx / cell, row - dy / cell
    dx, dy, dz = field(p_row, p_col)
    clean = surface(p_col * cell, -p_row * cell) - dz
    noisy = clean + rng.normal(size=clean.shape) * white
    if correlated_noise:
        noisy = noisy + correlated(rng, clean.shape, 8) * correlated_noise
    ground = truth + rng.normal(size=truth.shape) * white
    dems = []
    for name, heights in (("reference", ground), ("secondary", noisy), ("clean", clean)):
        path = folder / f"{name}.tif"
        with RasterWriter(str(path), grid) as writer:
            writer.write(heights.astype(np.float32))
        dems.append(Dem.open(str(path)))
    return World(*dems, truth, np.stack(field(row, col)))
