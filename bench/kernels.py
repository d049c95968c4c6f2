"""What a kernel does to a shift: python bench/kernels.py   (some seconds)

A surface that is known exactly is put on a grid, and again after a known shift; no noise. Least squares on the
product's gradient (as lzd, without weights) then find the shift, with the second grid sampled by each kernel in turn.
What is left is the kernel's own bias. Prints the table of docs/coregistration.md: the largest error of a shift
(thousandths of a cell) and the error of heights sampled at the true shift (RMS, % of the terrain's rise over a cell).
"""

from __future__ import annotations

import house  # noqa: F401
import numpy as np
from commonground.core.raster.resampling import _KERNELS, LAGRANGE, fractions
from scipy import ndimage
from worlds import Lattice

CELL, SIDE, RIM = 10.0, 240, 20
SHIFTS = ((3.7, -2.2), (1.0, 0.5), (12.5, -7.5))
ITERATIONS = 6
SEEDS = (1, 2)


class Waves:
    """Cosine waves of any direction, from `shortest` metres to 3 km long."""

    COUNT, LONGEST, ROUGHNESS = 80, 3000.0, 0.9

    def __init__(self, seed: int, shortest: float, slope: float):
        rng = np.random.default_rng(seed)
        length = np.exp(rng.uniform(np.log(shortest), np.log(self.LONGEST), self.COUNT))
        bearing, phase = rng.uniform(0, 2 * np.pi, (2, self.COUNT))
        self._waves = list(zip(length**self.ROUGHNESS, 2 * np.pi / length * np.sin(bearing),
                               2 * np.pi / length * np.cos(bearing), phase))
        self._gain = steepened(self, slope)

    _gain = 1.0

    def __call__(self, x, y):
        return self._gain * sum(height * np.cos(east * x + north * y + phase)
                                for height, east, north, phase in self._waves)


class Lattices:
    """Octaves of cubic B-spline lattices, the finest with a knot every `finest` metres: rough, but no waves."""

    OCTAVES, ROUGHNESS = 7, 0.85

    def __init__(self, seed: int, finest: float, slope: float):
        spacings = finest * 1.97 ** np.arange(self.OCTAVES)
        self._octaves = [(spacing**self.ROUGHNESS, Lattice((seed, k), spacing)) for k, spacing in enumerate(spacings)]
        self._gain = steepened(self, slope)

    _gain = 1.0

    def __call__(self, x, y):
        return self._gain * sum(amplitude * lattice(x, y) for amplitude, lattice in self._octaves)


def on_grid(shift: tuple) -> tuple:
    """Ground positions (m) of the cells of a grid that a shift (m, east and north) brings to its place."""
    rows, cols = np.mgrid[:SIDE, :SIDE]
    return cols * CELL + shift[0], -rows * CELL + shift[1]


def steepened(surface, slope: float) -> float:
    """What heights must be multiplied by for a mean slope (degrees)."""
    return np.tan(np.radians(slope)) / np.hypot(*np.gradient(surface(*on_grid((0.0, 0.0))), CELL)).mean()


TERRAINS = {
    "waves, 60 m": lambda seed: Waves(seed, 60.0, 22),
    "waves, 40 m": lambda seed: Waves(seed, 40.0, 33),
    "lattices, 30 m": lambda seed: Lattices(seed, 30.0, 22),
    "lattices, 20 m": lambda seed: Lattices(seed, 20.0, 33),
}


def by(kernel):
    """One of the product's kernels as `sample(heights, rows, cols)`."""
    def sample(heights, rows, cols):
        (i, s), (j, t) = fractions(rows), fractions(cols)
        index = (i * heights.shape[1] + j).astype(np.intp)
        return kernel.gathered(heights, index, s.astype(np.float32), t.astype(np.float32))

    return sample


def by_splines(heights, rows, cols):
    """Prefiltered cubic B-splines."""
    return ndimage.map_coordinates(heights, (rows, cols), order=3, mode="mirror")


KERNELS = {"bilinear": by(_KERNELS["bilinear"]), "cubic convolution (Keys)": by(_KERNELS["cubic"]),
           "cubic B-spline": by_splines, "Lagrange, six points": by(LAGRANGE)}


def slope_along(heights, axis: int):
    """The derivative (m/m) by the cells to either side, as TerrainWindow takes it."""
    def cells(away):
        return np.roll(heights, -away, axis)

    return (2 * (cells(1) - cells(-1)) + cells(2) - cells(-2)) / (8 * CELL)


def measured(surface, shift: tuple, sample) -> tuple[float, float]:
    """`(error of the shift (cells), RMS error of heights at the true shift (rises over a cell))`."""
    ground = surface(*on_grid((0.0, 0.0)))
    moved = np.ascontiguousarray(surface(*on_grid(shift)), dtype=np.float32)
    gx, gy = slope_along(ground, 1), -slope_along(ground, 0)
    inner = (slice(RIM, -RIM),) * 2
    rows, cols = (places[inner].ravel().astype(float) for places in np.mgrid[:SIDE, :SIDE])
    ground, gx, gy = (values[inner].ravel() for values in (ground, gx, gy))

    def dh(found):
        return ground - sample(moved, rows + found[1] / CELL, cols - found[0] / CELL)

    design = np.column_stack([-gx, -gy, np.ones_like(gx)])
    inverse, found = np.linalg.pinv(design), np.array(shift)
    for _ in range(ITERATIONS):
        found = found + (inverse @ dh(found))[:2]
    rise = np.sqrt(np.mean(gx**2 + gy**2)) * CELL
    return np.abs(found - shift).max() / CELL, np.sqrt(np.mean(dh(shift) ** 2)) / rise


def rows() -> list[str]:
    """The lines of the table."""
    lines = [f"| kernel | {' | '.join(TERRAINS)} |", f"|---|{'---|' * len(TERRAINS)}"]
    surfaces = {name: [make(seed) for seed in SEEDS] for name, make in TERRAINS.items()}
    for kernel, sample in KERNELS.items():
        cells = []
        for surface in surfaces.values():
            error, off = np.max([measured(one, shift, sample) for one in surface for shift in SHIFTS], axis=0)
            cells.append(f"{1000 * error:.2g} ({100 * off:.2g} %)")
        lines.append(f"| {kernel} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows()))
