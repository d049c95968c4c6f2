"""What two DEMs may differ by besides a shift: columns that stand beside (dx, dy, dz) in a least-squares solve."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .terrain_window import TerrainWindow

TERMS = ("tilt", "elevation")
FREE = 2.0  # cells: interpolated white noise is as good as free of itself there
SIZES = {"rotation": 3, "tilt": 2, "elevation": 1}


@dataclass(frozen=True)
class Place:
    """Where things turn and tilt: a cell (fractional `row`, `col` of the reference) and a height (m)."""

    row: float
    col: float
    height: float

    @classmethod
    def of(cls, window: TerrainWindow) -> Place:
        """The middle of a window's cells."""
        return cls(float(window.rows.mean()), float(window.cols.mean()), float(np.median(window.heights)))


@dataclass(frozen=True)
class Terms:
    """The chosen terms at the n cells of a window.

    `rotation`: a rotation vector (rad; east, north, up axes, right-handed) about `place`; `tilt`: height per metre
    east and north; `elevation`: height per metre of height. `columns` (k, 3, n) are the displacements east, north, up
    by a parameter of one, `sizes` (k,) how far (m) that moves a typical cell, `arms` (n, 3) the way from `place`.
    `around` (n,) is the height about each cell, None without the term elevation.
    """

    names: tuple
    columns: np.ndarray
    sizes: np.ndarray
    arms: np.ndarray
    around: np.ndarray | None = None

    @classmethod
    def at(cls, window: TerrainWindow, names: tuple, place: Place | None, shift: np.ndarray, cell: float) -> Terms:
        """The columns at the cells of a window that is moved by about `shift` (m); `cell` (m) is their size."""
        if not names:
            return cls(names, np.empty((0, 3, 0)), np.empty(0), np.empty((0, 3)))
        east, north = window.metres_from(place.row, place.col)
        up = window.heights - place.height
        none = np.zeros_like(east)
        columns, around = [], None
        if "rotation" in names:
            columns += [(none, -up, north), (up, none, -east), (-north, east, none)]
        if "tilt" in names:
            columns += [(none, none, east), (none, none, north)]
        if "elevation" in names:
            dh = window.residuals(shift)
            columns.append((none, none, up - 0.5 * np.nan_to_num(dh)))
            around = _around(window, shift, cell) + shift[2] - place.height
            around = np.where(np.isfinite(around), around, columns[-1][2])
        columns = np.array(columns)
        sizes = np.sqrt(np.mean(np.sum(columns**2, axis=1), axis=1)) + 1e-9
        return cls(names, columns, sizes, np.column_stack((east, north, up)), around)

    def some(self, cells: np.ndarray) -> Terms:
        """The same of some of the cells (an index array)."""
        if not self.names:
            return self
        around = self.around if self.around is None else self.around[cells]
        return replace(self, columns=self.columns[:, :, cells], arms=self.arms[cells], around=around)

    def design(self, gx: np.ndarray, gy: np.ndarray) -> np.ndarray:
        """The derivatives `(3 + k, n)` of dh by the shift and the terms where the gradient of each cell is given."""
        terms = [up - gx * east - gy * north for east, north, up in self.columns]
        return np.stack([-gx, -gy, np.ones_like(gx), *terms])

    def instruments(self, gx: np.ndarray, gy: np.ndarray) -> np.ndarray:
        """What dh is weighed by, `(3 + k, n)`: the design, with heights that know nothing of a cell's own noise.

        Regressed on a height of its own, noise would be taken for a bias (an instrument; Fuller 1987).
        """
        weights = self.design(gx, gy)
        if self.around is not None:
            weights[-1] = self.around
        return weights

    def moved(self, values: np.ndarray) -> np.ndarray:
        """The displacement of each cell `(3, n)` by the shift and the terms `(3 + k,)`, or the shift of all."""
        if not self.names:
            return values
        moved = values[:3, None] + np.tensordot(values[3:], self.columns, 1)
        if "rotation" in self.names:
            linear = values[:3] + np.cross(values[3:6], self.arms)
            moved += (displacement(values[:3], values[3:6], self.arms) - linear).T
        return moved


def _around(window, shift, cell):
    """The secondary's mean height FREE cells to the four sides."""
    return sum(window.sample(shift[0] + FREE * cell * i, shift[1] + FREE * cell * j)
               for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))) / 4


def displacement(shift: np.ndarray, angles: np.ndarray, arms: np.ndarray) -> np.ndarray:
    """What a rigid motion adds to positions that it brings to `arms` (..., 3), metres from its centre.

    The motion is q -> R q + shift with R the rotation by the vector `angles` (rad, right-handed about the east, north
    and up axes); the displacement is a function of where a point arrives: p - R^T (p - shift).
    """
    return arms - (arms - shift) @ rotation_matrix(angles)


def rotation_matrix(angles: np.ndarray) -> np.ndarray:
    """R of a rotation vector (rad), `(3, 3)`, by Rodrigues' formula."""
    angle = float(np.linalg.norm(angles))
    x, y, z = angles
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # sinc keeps the smallest angles exact.
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)
