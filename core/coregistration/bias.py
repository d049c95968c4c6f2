"""Biases that are no shift: ramps, waves along a direction, and what follows the terrain.

Fitted to dh = reference - secondary on stable terrain and ADDED to the secondary. Positions are kilometres east and
north of the middle of the secondary, so that coefficients can be read.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from ..errors import CoregistrationError, RasterError
from ..executors import run_all
from ..progress import Part, Progress
from ..raster.cache import small_cache
from ..raster.dem import Reader
from ..raster.grid import Grid
from ..raster.resampling import Resampler
from ..raster.writing import NODATA, RasterWriter
from ..statistics.robust import nmad
from ..statistics.terrain import curvature, slope
from .precision import tukey
from .terrain_window import Pair
from .warp import windows

SAMPLE = 300_000
WINDOW = (512, 512)
BATCH = 16
LEAST_CELLS = 200
ROUNDS = 30
TUKEY_FROM = 8  # rounds of least absolute values come first: they stand any start
SCORES = np.linspace(-3.0, 3.0, 25)  # normal scores of the bins' edges: the tails get bins of their own
LEAST_IN_BIN = 50
UNITS = {"elevation": "m", "slope": "degrees", "curvature": "1/100 m"}


@dataclass(frozen=True)
class Ramp:
    """Polynomial of position: `coefficients` {(i, j): m / km^(i + j)} of east^i north^j."""

    coefficients: dict

    def at(self, east, north, attribute=None) -> np.ndarray:
        """The bias (m) at positions (km)."""
        return sum(value * east**i * north**j for (i, j), value in self.coefficients.items())

    def table(self) -> dict:
        """Names and values, for people and JSON."""
        return {f"east^{i} north^{j} (m/km^{i + j})": value for (i, j), value in self.coefficients.items()}


@dataclass(frozen=True)
class Waves:
    """A line and sinusoids along `azimuth` (radians from north): s = east sin + north cos, km.

    bias = `offset` + `tilt` s + sum of cosine cos(2 pi s / wavelength) + sine sin(2 pi s / wavelength); `terms` are
    (wavelength km, cosine m, sine m).
    """

    azimuth: float
    offset: float
    tilt: float
    terms: tuple

    def along(self, east, north) -> np.ndarray:
        """s at positions (km)."""
        return east * np.sin(self.azimuth) + north * np.cos(self.azimuth)

    def at(self, east, north, attribute=None) -> np.ndarray:
        """The bias (m) at positions (km)."""
        return self.profile(self.along(east, north))

    def profile(self, s) -> np.ndarray:
        """The bias (m) along s (km)."""
        bias = self.offset + self.tilt * s
        for length, cosine, sine in self.terms:
            bias = bias + cosine * np.cos(2 * np.pi * s / length) + sine * np.sin(2 * np.pi * s / length)
        return bias

    def table(self) -> dict:
        """Names and values, for people and JSON."""
        told = {"azimuth (degrees)": float(np.degrees(self.azimuth)), "offset (m)": self.offset,
                "tilt (m/km)": self.tilt}
        for place, (length, cosine, sine) in enumerate(self.terms, 1):
            told.update({f"wavelength {place} (km)": length, f"cosine {place} (m)": cosine, f"sine {place} (m)": sine})
        return told


@dataclass(frozen=True)
class TerrainCurve:
    """Robust centres of dh (m), `values`, at rising `centres` of the reference's `attribute`; linear between.

    Beyond the first and last the bias stays as it is there.
    """

    attribute: str
    centres: np.ndarray
    values: np.ndarray

    def at(self, east, north, attribute) -> np.ndarray:
        """The bias (m) where the terrain's attribute is as given; NaN where it is."""
        return np.interp(attribute, self.centres, self.values)

    def table(self) -> dict:
        """Names and values, for people and JSON."""
        return {f"{self.attribute} {centre:.6g} {UNITS[self.attribute]} (m)": float(value)
                for centre, value in zip(self.centres, self.values)}


@dataclass(frozen=True)
class Sample:
    """Stable cells drawn evenly from all of the secondary: positions (km), dh (m), the terrain's attribute or None."""

    east: np.ndarray
    north: np.ndarray
    dh: np.ndarray
    attribute: np.ndarray | None


def draw(pair: Pair, attribute: str, progress: Progress) -> Sample:
    """About SAMPLE stable cells of the secondary, the same ones in every run; `attribute` of UNITS, or "".

    Raises CoregistrationError where the DEMs share too few.
    """
    grid = pair.secondary.grid
    if attribute and grid.rotated:
        raise RasterError(f"{pair.secondary.name} is rotated, which KIND=terrain cannot work on: warp it to a north-up "
                          "grid first.")
    parts, todo = [], windows(grid, WINDOW)
    with small_cache(*pair.rasters), Resampler(pair.reference, grid, "cubic") as reference, \
            Reader(pair.secondary) as secondary:
        for done, window in enumerate(todo):
            progress.step(done / len(todo), "Reading stable terrain")
            around = _around(reference, window)
            dh = around[1:-1, 1:-1] - secondary.read(*window)
            terrain = _attribute(attribute, around, grid.window(*window)) if attribute else None
            good = np.isfinite(dh)
            if attribute:
                good &= np.isfinite(terrain)
            if good.any():
                good &= pair.terrain.cover(grid.window(*window))
            index = np.flatnonzero(good)
            share = int(np.ceil(SAMPLE * dh.size / (grid.width * grid.height)))
            if index.size > share:
                index = np.sort(np.random.default_rng(done).choice(index, share, replace=False))
            row, col = np.divmod(index, window[3])
            east, north = positions(grid, row + window[0], col + window[1])
            parts.append((east, north, dh.ravel()[index].astype(float),
                          terrain.ravel()[index].astype(float) if attribute else np.zeros(index.size)))
    east, north, dh, terrain = (np.concatenate(column) for column in zip(*parts))
    if dh.size < LEAST_CELLS:
        raise CoregistrationError(
            f"{pair.reference.name} and {pair.secondary.name} share only {dh.size} stable cells: at least "
            f"{LEAST_CELLS} are needed; check the extents, STABLE, UNSTABLE and MASK.")
    return Sample(east, north, dh, terrain if attribute else None)


def positions(grid: Grid, row, col) -> tuple[np.ndarray, np.ndarray]:
    """Kilometres east and north of the middle of `grid`."""
    x0, y0 = grid.map_of((grid.height - 1) / 2, (grid.width - 1) / 2)
    x, y = grid.map_of(row, col)
    east, north = grid.metres_per_unit(y0)
    return (x - x0) * (east / 1000.0), (y - y0) * (north / 1000.0)


def _around(reference: Resampler, window: tuple) -> np.ndarray:
    row, col, height, width = window
    return reference.window(row - 1, col - 1, height + 2, width + 2)


def _attribute(name: str, around: np.ndarray, window: Grid) -> np.ndarray:
    if name == "elevation":
        return around[1:-1, 1:-1]
    return {"slope": slope, "curvature": curvature}[name](around, window)


def fit_ramp(sample: Sample, order: int) -> Ramp:
    """A polynomial of `order` 0 to 3 by robust least squares. Raises CoregistrationError where cells do not fix it."""
    reach = np.abs(sample.east).max() or 1.0, np.abs(sample.north).max() or 1.0
    powers = [(i, total - i) for total in range(order + 1) for i in range(total, -1, -1)]
    design = np.column_stack([(sample.east / reach[0])**i * (sample.north / reach[1])**j for i, j in powers])
    found = robust_solve(design, sample.dh)
    return Ramp({(i, j): float(value) / (reach[0]**i * reach[1]**j) for (i, j), value in zip(powers, found)})


def robust_solve(design: np.ndarray, dh: np.ndarray) -> np.ndarray:
    """Coefficients (k,) of design (n, k) by iteratively re-weighted least squares: least absolute values, then Tukey.

    Raises CoregistrationError where the design leaves some undetermined.
    """
    weights, coefficients = np.ones(dh.size), np.zeros(design.shape[1])
    for done in range(ROUNDS):
        weighted = design * weights[:, None]
        following, _, rank, _ = np.linalg.lstsq(weighted.T @ design, weighted.T @ dh, rcond=1e-10)
        if rank < design.shape[1]:
            raise CoregistrationError("The stable terrain does not tell all terms of the bias apart: choose a lower "
                                      "ORDER, fewer TERMS, or widen the stable terrain.")
        residuals = dh - design @ following
        moved = np.abs(design[::97] @ (following - coefficients)).max()
        coefficients, scale = following, max(nmad(residuals), 1e-6)
        if done >= TUKEY_FROM and moved < 1e-4 * scale:
            break
        weights = (tukey(residuals / scale) if done + 1 >= TUKEY_FROM
                   else 1.0 / np.maximum(np.abs(residuals), 0.1 * scale))
    return coefficients


def fit_terrain(sample: Sample, attribute: str) -> TerrainCurve:
    """Robust centres of dh in bins of the attribute. Raises CoregistrationError where it hardly varies."""
    from scipy.special import ndtr

    edges = np.unique(np.quantile(sample.attribute, ndtr(SCORES)[1:-1]))
    bins = np.searchsorted(edges, sample.attribute, side="right")
    order = np.argsort(bins, kind="stable")
    parts = np.split(order, np.searchsorted(bins[order], np.arange(1, edges.size + 1)))
    parts = [part for part in parts if part.size >= LEAST_IN_BIN]
    if len(parts) < 3:
        raise CoregistrationError(f"The {attribute} hardly varies on the stable terrain: no bias by it can be told.")
    centres = np.array([np.median(sample.attribute[part]) for part in parts])
    return TerrainCurve(attribute, centres, np.array([_centre(sample.dh[part]) for part in parts]))


def _centre(values: np.ndarray) -> float:
    """Tukey's centre: unlike the median, not drawn towards one-sided outliers (ground that changed)."""
    centre, scale = float(np.median(values)), max(nmad(values), 1e-6)
    for _ in range(10):
        weights = tukey((values - centre) / scale)
        centre = float(np.average(values, weights=weights))
    return centre


def correct(pair: Pair, model, attribute: str, path: str, bias_path: str, executor: Executor,
            progress: Progress) -> int:
    """Write the secondary plus the bias on its own cells, float32, and the bias if `bias_path` is not "".

    How many cells of the secondary became void is returned: those where the terrain's attribute is unknown.
    """
    dem = pair.secondary
    nodata = float(np.float32(dem.nodata)) if dem.nodata is not None else NODATA
    todo, lost = windows(dem.grid, WINDOW), 0
    with contextlib.ExitStack() as files:
        files.enter_context(small_cache(*pair.rasters))
        corrected = files.enter_context(RasterWriter(path, dem.grid, nodata=nodata, names=("elevation",)))
        biases = files.enter_context(RasterWriter(bias_path, dem.grid, names=("bias",))) if bias_path else None
        for start in range(0, len(todo), BATCH):
            now = todo[start:start + BATCH]
            part = Part(progress, start / len(todo), (start + len(now)) / len(todo))
            tasks = [(pair, model, attribute, window) for window in now]
            for window, (heights, bias) in zip(now, run_all(executor, _corrected, tasks, part, "Correcting")):
                lost += int((np.isfinite(heights) & np.isnan(bias)).sum())
                corrected.write(heights + bias, window[0], window[1])
                if biases is not None:
                    biases.write(bias, window[0], window[1])
    return lost


def _corrected(pair: Pair, model, attribute: str, window: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Heights of a window and their bias, float32; self-contained so that any worker can make it."""
    grid, terrain = pair.secondary.grid, None
    with Reader(pair.secondary) as reader:
        heights = reader.read(*window)
    if attribute:
        with Resampler(pair.reference, grid, "cubic") as reference:
            terrain = _attribute(attribute, _around(reference, window), grid.window(*window))
    rows, cols = np.mgrid[:window[2], :window[3]]
    east, north = positions(grid, rows + window[0], cols + window[1])
    bias = np.broadcast_to(model.at(east, north, terrain), heights.shape).astype(np.float32)
    return heights, np.where(np.isnan(heights), np.float32(np.nan), bias)
