"""One motion for the whole pair: a shift and, with it, a rotation, a tilt or a bias that grows with elevation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import CoregistrationError
from ..progress import Progress
from ..raster.dem import Dem
from .global_shift import levels, overlap, searched, stable_window
from .lzd import least_squares
from .shift_field import ShiftField, node_cells
from .solution import Solution
from .terms import SIZES, Place, displacement
from .terrain_window import Pair

COARSEST_STEP, FINEST_STEP = 64, 8  # cells between nodes of a field that turns with the terrain
UNEVEN = 2e-3  # cells that a shift may err by where the terrain bends between nodes
SAMPLED = 1024  # cells a side, in the middle, that tell how rugged the terrain is
ARCSECOND = np.pi / 648000


@dataclass(frozen=True)
class Motion:
    """What brings the secondary onto the reference: q -> R q + shift about `place`, then tilt and elevation bias.

    `names`: the terms that were solved for; `place` counts cells of the reference. `shift` (m, east, north, up),
    `rotation` (rad; vector, right-handed about the east, north and up axes), `tilt` (height per metre east, north),
    `bias` (height per metre of the secondary's height over `level`, m). The sigmas are one standard deviation.
    """

    names: tuple
    place: Place
    solution: Solution
    shift: np.ndarray
    shift_sigma: np.ndarray
    rotation: np.ndarray
    rotation_sigma: np.ndarray
    tilt: np.ndarray
    tilt_sigma: np.ndarray
    bias: float
    bias_sigma: float

    @classmethod
    def of(cls, names: tuple, place: Place, solution: Solution) -> Motion:
        """The parts of a solution whose values stand in the order of SIZES."""
        sigma = solution.lone_sigma
        parts, first = {}, 3
        for name, size in SIZES.items():
            last = first + size * (name in names)
            parts[name] = (solution.shift[first:last], sigma[first:last]) if name in names else (np.zeros(size),) * 2
            first = last
        k, k_sigma = (float(value[0]) for value in parts["elevation"])
        # Solved against the mean of both heights, told against the secondary's.
        return cls(names, place, solution, solution.shift[:3], sigma[:3], *parts["rotation"], *parts["tilt"],
                   k / (1 - k / 2), k_sigma / (1 - k / 2) ** 2)

    @property
    def level(self) -> float:
        """The secondary's height (m) at which the elevation bias is nothing."""
        return self.place.height - float(self.shift[2])

    def unbiased(self, dem: Dem) -> Dem:
        """A DEM read without its elevation bias; itself where none was solved for."""
        return without_bias(dem, self.bias, self.level) if "elevation" in self.names else dem

    def on_cells_of(self, factor: int) -> Motion:
        """The same on a grid whose cells are `factor` times smaller."""
        row, col = ((cells + 0.5) * factor - 0.5 for cells in (self.place.row, self.place.col))
        return replace(self, place=replace(self.place, row=row, col=col))

    def at(self, grid, row, col, height) -> np.ndarray:
        """The displacement (dx, dy, dz) `(3, ...)` where the reference has these cells and heights (m).

        Without the elevation bias, which lies in the heights of `unbiased`.
        """
        across, down = grid.cell_metres(row)
        east, north = (col - self.place.col) * across, (row - self.place.row) * down
        arms = np.stack(np.broadcast_arrays(east, north, height - self.place.height), axis=-1)
        moved = np.moveaxis(np.broadcast_to(self.shift, arms.shape).copy(), -1, 0)
        if self.rotation.any():
            moved[:] = np.moveaxis(displacement(self.shift, self.rotation, arms), -1, 0)
        moved[2] += self.tilt[0] * east + self.tilt[1] * north
        return moved

    def field(self, reference: Dem) -> tuple[ShiftField, float]:
        """The motion as a shift field on the reference's grid, and how far (m) its nodes may miss it.

        A turn about a level axis moves high ground further than low ground. Nodes carry the height of the smoothed
        terrain; they stand closer where it is rugged, at FINEST_STEP cells at the closest.
        """
        grid, turn = reference.grid, float(np.hypot(*self.rotation[:2]))
        if not self.rotation.any() and not self.tilt.any():
            return ShiftField.constant(grid, self.shift), 0.0
        step = COARSEST_STEP
        while True:
            heights, uneven = node_heights(reference, step)
            missed = turn * uneven
            if missed <= UNEVEN * grid.cell_size() or step <= FINEST_STEP:
                break
            step //= 2
        field = ShiftField.from_function(
            grid, step, lambda rows, cols: self.at(grid, rows[:, None], cols[None, :], heights))
        return field, missed

    def said(self) -> str:
        """What was found beside the shift, for the log and the report."""
        parts = []
        if "rotation" in self.names:
            told = (f"{angle * 1e3:+.3f} (sigma {sigma * 1e3:.3f})" for angle, sigma in
                    zip(self.rotation, self.rotation_sigma))
            seconds = " / ".join(f"{angle / ARCSECOND:+.1f}" for angle in self.rotation)
            parts.append(f"Rotation about the east / north / up axes through the middle of the overlap: "
                         f"{' / '.join(told)} mrad, that is {seconds} arc seconds.")
        if "tilt" in self.names:
            told = (f"{slope * 1e3:+.3f} (sigma {sigma * 1e3:.3f})" for slope, sigma in
                    zip(self.tilt, self.tilt_sigma))
            parts.append(f"Tilt towards east / north: {' / '.join(told)} m per km.")
        if "elevation" in self.names:
            parts.append(f"Elevation bias: {self.bias * 1e3:+.2f} (sigma {self.bias_sigma * 1e3:.2f}) m per km of "
                         f"height above {self.level:.1f} m, taken from the secondary's heights.")
        return " ".join(parts)


def without_bias(dem: Dem, bias: float, level: float) -> Dem:
    """A DEM whose heights h are read as h + bias (h - level)."""
    return replace(dem, scale=dem.scale * (1 + bias), offset=dem.offset * (1 + bias) - bias * level)


def global_motion(pair: Pair, names: tuple, seed: int, progress: Progress) -> Motion:
    """Least squares for the shift and the terms together, from coarse to fine (Rosenholm & Torlegard 1988).

    They turn and tilt about the middle of the overlap. Raises CoregistrationError where the terrain cannot tell them.
    """
    row, col, height, width = overlap(pair)
    factors = levels(pair)
    values, place = np.zeros(3 + sum(SIZES[name] for name in names)), None
    values[:3] = searched(pair.coarsened(factors[0]), seed)
    for factor in factors:
        progress.step(0.7, f"Motion of the whole at 1/{factor} of the resolution")
        coarse = pair.coarsened(factor)
        middle = ((row + height / 2) / factor - 0.5, (col + width / 2) / factor - 0.5)
        starts = (values[:3], *_corners(coarse, names, place, values)) if place else (values[:3],)
        window = stable_window(coarse, starts, seed)
        # One height for all levels, so that values mean the same on each.
        place = Place(*middle, place.height if place else float(np.median(window.heights)))
        (solution,) = least_squares([window], [values], coarse.reference.grid.cell_size(), names, [place])
        values = solution.shift if solution.converged else values
    if not solution.converged or not np.isfinite(solution.sigma).all():
        raise CoregistrationError(
            f"No {' and '.join(names)} between {pair.reference.name} and {pair.secondary.name} can be told: the stable "
            "terrain is too small or too flat. Widen it, or solve for the shift alone.")
    return Motion.of(names, place, solution).on_cells_of(factor)


def _corners(pair: Pair, names: tuple, place: Place, values: np.ndarray) -> tuple:
    """The shifts at the corners of the overlap, so that what lies beneath them is at hand."""
    row, col, height, width = overlap(pair)
    middle = Place(row + height / 2 - 0.5, col + width / 2 - 0.5, place.height)
    motion = Motion.of(names, middle, Solution(values, np.zeros(values.size), np.ones(values.size), 0, True))
    rows, cols = np.array([row, row, row + height, row + height]), np.array([col, col + width] * 2)
    return tuple(motion.at(pair.reference.grid, rows, cols, place.height).T)


def node_heights(dem: Dem, step: int) -> tuple[np.ndarray, float]:
    """Smoothed heights at the nodes of a field `(rows, cols)`, and how far (m) the terrain rises from between them.

    The second is what 95 of 100 cells stay below. Nodes over voids take what lies around.
    """
    from scipy import ndimage

    shape = tuple(len(node_cells(cells, step)) for cells in dem.grid.shape)
    means = np.full((shape[0] + 1, shape[1] + 1), np.nan)
    coarse = dem.coarsened(step)
    if coarse.grid.height and coarse.grid.width:
        means[1:1 + coarse.grid.height, 1:1 + coarse.grid.width] = coarse.read()
    known = np.isfinite(means)
    if not known.any():
        means[:], known[:] = 0.0, True
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    means = means[tuple(nearest)]
    nodes = 0.25 * (means[:-1, :-1] + means[1:, :-1] + means[:-1, 1:] + means[1:, 1:])
    height, width = (min(cells, SAMPLED) for cells in dem.grid.shape)
    row, col = (dem.grid.height - height) // 2, (dem.grid.width - width) // 2
    sample = dem.read(row, col, height, width)
    places = np.meshgrid((row + 0.5 + np.arange(height)) / step, (col + 0.5 + np.arange(width)) / step, indexing="ij")
    between = ndimage.map_coordinates(nodes, places, order=1, mode="nearest")
    uneven = np.abs(sample - between)
    return nodes, float(np.nanpercentile(uneven, 95)) if np.isfinite(uneven).any() else 0.0
