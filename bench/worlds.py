"""Pairs of DEMs of any size whose truth is exact, made strip by strip: python bench/worlds.py curved-16

One analytic surface is evaluated where the cells of each DEM truly lie: reference(p) = surface(p) and
secondary(q) = surface(q + d(p)) - dz(p) with p = q + d(p), so that moving the secondary by d brings it back. A world
lies in build/bench/worlds/NAME: reference, secondary, stable (1 = unchanged), clean (the secondary without noise,
change and voids) and truth (the surface itself), float32, tiled, uncompressed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, osr
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "bench" / "worlds"
CELL = 20.0
ORIGIN = (500000.0, 7800000.0)
EPSG = 32622
NODATA = -9999.0
STRIP = 128
SEED = 3  # one surface for all worlds: every size holds plain, hills and mountains
LAYERS = ("reference", "secondary", "stable", "clean", "truth")
VERSION = 4  # of these worlds: cached ones of another version are made anew
gdal.UseExceptions()


class Lattice:
    """Smooth random numbers of unit variance: cubic B-splines on a periodic lattice of normal deviates."""

    SIDE = 512
    SPREAD = 0.47934  # standard deviation of B-spline weighted normal deviates, averaged over the phases

    def __init__(self, seed: tuple, spacing: float):
        rng = np.random.default_rng(seed)
        self._values = rng.standard_normal((self.SIDE, self.SIDE)).astype(np.float32) / self.SPREAD
        self._offset, self._spacing = rng.uniform(0, self.SIDE, 2), spacing

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Values at ground positions (m)."""
        places = [(axis / self._spacing + offset) % self.SIDE for axis, offset in zip((y, x), self._offset)]
        return ndimage.map_coordinates(self._values, places, output=np.float64, order=3, prefilter=False,
                                       mode="grid-wrap")

    def above(self, share: float) -> float:
        """The value that this share of the ground exceeds."""
        side = np.linspace(0, self.SIDE * self._spacing, 1000, endpoint=False)
        return float(np.quantile(self(*np.meshgrid(side, side)), 1 - share))


class Surface:
    """Mountains that run out into a plain: octaves of lattices, the finer ones stronger where the ground is high."""

    RELIEF = 450.0  # m, standard deviation of the broadest octave
    BROADEST, OCTAVES, BROAD = 20000.0, 10, 3
    ROUGHNESS = 0.80

    def __init__(self, seed: int):
        self._octaves = []
        for k in range(self.OCTAVES):
            # Steps of a little less than two keep the octaves' knots apart.
            spacing = self.BROADEST / 1.97**k
            amplitude = self.RELIEF * (spacing / self.BROADEST) ** self.ROUGHNESS
            self._octaves.append((amplitude, Lattice((seed, k), spacing)))

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Heights (m) at ground positions x, y (m)."""
        broad = sum(amplitude * lattice(x, y) for amplitude, lattice in self._octaves[:self.BROAD])
        fine = sum(amplitude * lattice(x, y) for amplitude, lattice in self._octaves[self.BROAD:])
        strength = 0.35 + 1.0 / (1.0 + np.exp(-broad / 150.0))
        # A plain of ripples: where all is dead level no data could tell a horizontal shift.
        return 60.0 * np.logaddexp(0.0, (broad + strength * fine + 250.0) / 60.0) + 0.05 * fine


def _wave(x, y, length, bearing, phase):
    east, north = np.sin(np.radians(bearing)), np.cos(np.radians(bearing))
    return np.sin(2 * np.pi / length * (east * x + north * y) + phase)


def curved(x, y):
    """Wavelengths of 45 to 80 km: dx -11 to +15 m, dy -14 to +10 m, dz -3.3 to +5.3 m."""
    dx = 2.0 + 7.5 * _wave(x, y, 45e3, 35, 0.3) + 5.5 * _wave(x, y, 80e3, 110, 1.9)
    dy = -2.0 + 6.5 * _wave(x, y, 52e3, 80, 2.2) + 5.5 * _wave(x, y, 71e3, -25, 0.7)
    dz = 1.0 + 2.3 * _wave(x, y, 60e3, 10, 1.1) + 2.0 * _wave(x, y, 80e3, -70, 2.9)
    return dx, dy, dz


def constant(x, y):
    """The same shift everywhere."""
    return np.full(x.shape, 9.2), np.full(x.shape, -5.4), np.full(x.shape, 2.1)


def planar(x, y):
    """A tilt of each component over 30 km x 20 km."""
    u, v = x / 30e3, -y / 20e3
    return -6.0 + 9.0 * u + 5.0 * v, 5.0 - 4.0 * u - 8.0 * v, 2.0 - 1.5 * u + 1.0 * v


def sine(x, y):
    """A sine of 1200 cells along both axes, +-10 m, and +-2 m up."""
    u, v = 2 * np.pi * y / (1200 * CELL), 2 * np.pi * x / (1200 * CELL)
    return 10 * np.sin(u) * np.cos(v), 10 * np.cos(u + 0.7) * np.sin(v + 0.3), 2 * np.sin(u) * np.sin(v)


SEAM = 760 * CELL


def step(x, y):
    """A mosaic of two scenes that meet at a north-south seam."""
    east = x >= SEAM
    return np.where(east, -5.0, 4.0), np.where(east, 6.0, -3.0), np.where(east, -1.0, 1.0)


FIELDS = {field.__name__: field for field in (curved, constant, planar, sine, step)}
# 1 and 1.5 Mpx as in the coregistration literature's scenes, then what a laptop gets and what a mosaic has.
SIZES = {"1": (1000, 1000), "1.5": (1000, 1500), "4": (2000, 2000), "16": (4000, 4000), "100": (10000, 10000)}


@dataclass(frozen=True)
class World:
    """A pair on disk; `field(x, y)` gives the true (dx, dy, dz) at metres east, north of the upper left corner."""

    folder: Path
    shape: tuple
    field: Callable

    def path(self, layer: str) -> str:
        """The file of a layer."""
        return str(self.folder / f"{layer}.tif")

    def positions(self, rows, cols):
        """Metres east and north of the upper left corner, at the centres of cells."""
        return (np.asarray(cols) + 0.5) * CELL, -(np.asarray(rows) + 0.5) * CELL


def open_world(name: str) -> World:
    """The world `field-size` or `field-size-clean` (no noise, change or voids), made if it is not there yet."""
    field, size, *rest = name.split("-")
    if field not in FIELDS or size not in SIZES or rest not in ([], ["clean"]):
        raise SystemExit(f"No world {name}: a field of {', '.join(FIELDS)}, a size of {', '.join(SIZES)}: curved-1.5")
    world = World(CACHE / name, SIZES[size], FIELDS[field])
    done = world.folder / "world.json"
    if not done.exists() or json.loads(done.read_text()).get("version") != VERSION:
        world.folder.mkdir(parents=True, exist_ok=True)
        _make(world, SEED, clean=bool(rest))
        done.write_text(json.dumps({"name": name, "version": VERSION, "shape": world.shape}))
    return world


class _Nature:
    """All that is random of a world."""

    WHITE, SCALES = 0.5, ((0.25, 90.0), (0.15, 600.0), (0.10, 3000.0))  # shares of the noise's variance

    def __init__(self, seed: int):
        self.surface = Surface(seed)
        self.correlated = [(share, Lattice((seed, 100, k), scale / 2)) for k, (share, scale) in enumerate(self.SCALES)]
        self.change = Lattice((seed, 200), 4000.0)
        self.voids = [Lattice((seed, 300, k), 900.0) for k in range(2)]
        self.changed_above = self.change.above(0.10)
        self.void_above = [lattice.above(share) for lattice, share in zip(self.voids, (0.01, 0.035))]

    def growth(self, x, y):
        """What has been added to the ground (m): nothing at the rim of the changed area, 20 m inside."""
        inside = np.clip((self.change(x, y) - self.changed_above) / 0.3, 0.0, 1.0)
        return 20.0 * inside * inside * (3 - 2 * inside)

    def noise(self, x, y, heights, rng):
        """0.6 m + 3 tan(slope): white, correlated over 90 m, 600 m and 3 km, and 1 % heavy tails."""
        north, east = np.gradient(heights, CELL)
        sigma = 0.6 + 3.0 * np.hypot(east, north)
        total = np.sqrt(self.WHITE) * rng.standard_normal(heights.shape)
        for share, lattice in self.correlated:
            total += np.sqrt(share) * lattice(x, y)
        tails = rng.random(heights.shape) < 0.01
        total[tails] += 8.0 * rng.standard_normal(int(tails.sum()))
        return sigma * total


def _make(world: World, seed: int, clean: bool) -> None:
    nature = _Nature(seed)
    rasters = {layer: _create(world, layer) for layer in LAYERS}
    tops = range(0, world.shape[0], STRIP)
    with ThreadPoolExecutor(2) as pool:
        # A few strips ahead of the writer, no more: memory stays small at any size.
        waiting = []
        for top in [*tops, None, None, None]:
            if top is not None:
                waiting.append((top, pool.submit(_strip, world, nature, seed, clean, top)))
            if waiting and (top is None or len(waiting) > 3):
                row, future = waiting.pop(0)
                for layer, values in future.result().items():
                    rasters[layer].GetRasterBand(1).WriteArray(values, 0, row)
        if waiting:
            raise RuntimeError("strips left unwritten")


def _strip(world: World, nature: _Nature, seed: int, clean: bool, top: int) -> dict:
    rng = np.random.default_rng((seed, 400, top))
    height = min(STRIP, world.shape[0] - top)
    # One line more on either side for the slope.
    rows, cols = np.mgrid[top - 1:top + height + 1, 0:world.shape[1]]
    x, y = world.positions(rows, cols)
    truth = nature.surface(x, y)
    there_x, there_y = x, y
    for _ in range(5):
        dx, dy, dz = world.field(there_x, there_y)
        there_x, there_y = x + dx, y + dy
    unmoved = nature.surface(there_x, there_y)
    secondary = unmoved - dz
    layers = {"truth": truth, "clean": secondary, "reference": truth, "secondary": secondary,
              "stable": np.ones(truth.shape)}
    if not clean:
        reference = truth + 0.2 * rng.standard_normal(truth.shape)
        noisy = secondary + nature.noise(x, y, unmoved, rng) + nature.growth(there_x, there_y)
        for heights, lattice, limit, place in zip((reference, noisy), nature.voids, nature.void_above,
                                                  ((x, y), (there_x, there_y))):
            heights[lattice(*place) > limit] = NODATA
        layers.update(reference=reference, secondary=noisy, stable=nature.growth(x, y) == 0.0)
    return {layer: values[1:-1].astype(np.uint8 if layer == "stable" else np.float32)
            for layer, values in layers.items()}


def _create(world: World, layer: str):
    kind = gdal.GDT_Byte if layer == "stable" else gdal.GDT_Float32
    raster = gdal.GetDriverByName("GTiff").Create(world.path(layer), world.shape[1], world.shape[0], 1, kind,
                                                  ["TILED=YES", "BIGTIFF=IF_SAFER"])
    raster.SetGeoTransform((ORIGIN[0], CELL, 0.0, ORIGIN[1], 0.0, -CELL))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(EPSG)
    raster.SetSpatialRef(reference)
    if layer in ("reference", "secondary"):
        raster.GetRasterBand(1).SetNoDataValue(NODATA)
    return raster


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(open_world(name).folder)
