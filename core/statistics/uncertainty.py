"""How sure a mean over an area is when errors are correlated and differ from cell to cell."""

from __future__ import annotations

import numpy as np

from .variogram import VariogramModel

NODES = 24
NEAR = 3


def sigma_of_mean(spread: np.ndarray, counts: np.ndarray, squares: np.ndarray, model: VariogramModel,
                  height: float, width: float) -> float:
    """One standard deviation of the mean of dh over an area of any shape (m).

    The area lies on a lattice of elements of `height` x `width` metres: `spread` `(rows, cols)` is the sum of
    the cells' standard deviations in each element (m), `squares` the sum of their squares, `counts` the number
    of cells. `model` is the variogram of dh over the standard deviation. The double sum of the covariances of
    all cells, Hugonnet et al. 2022 (doi 10.1109/JSTARS.2022.3188922) eq. 18, is taken over pairs of elements
    with the mean covariance between their points, so it costs the same whatever the area's size.
    """
    total = int(counts.sum())
    rows, cols = spread.shape
    size = (2 * rows, 2 * cols)
    pairs = np.fft.irfft2(np.abs(np.fft.rfft2(spread, s=size)) ** 2, s=size)
    offsets = [np.abs(np.fft.fftfreq(count, 1 / count)) for count in size]
    down, across = np.meshgrid(*offsets, indexing="ij")
    shared = model.covariance(np.hypot(down * height, across * width))
    for row in range(min(NEAR, rows)):
        for col in range(min(NEAR, cols)):
            shared[(down == row) & (across == col)] = _mean_covariance(model, row, col, height, width)
    variance = (pairs * shared).sum() + model.nugget * squares.sum()
    return float(np.sqrt(max(variance, 0.0)) / total)


def effective_samples(spread: np.ndarray, counts: np.ndarray, squares: np.ndarray, model: VariogramModel,
                      sigma: float) -> float:
    """How many independent cells would give their mean this `sigma`: mean variance over sigma²."""
    return float(model.sill * squares.sum() / counts.sum() / sigma**2)


def _mean_covariance(model: VariogramModel, row: int, col: int, height: float, width: float) -> float:
    """The mean covariance of two points in elements `row`, `col` apart.

    The nodes crowd where the distance can vanish, for ranges much shorter than an element.
    """
    (v, weight_v), (u, weight_u) = _nodes(row), _nodes(col)
    distance = np.hypot((v * height)[:, None], (u * width)[None, :])
    return float(weight_v @ model.covariance(distance) @ weight_u)


def _nodes(offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the distance of two points in intervals of length 1, `offset` apart.

    That distance has the triangular density 1 - |x - offset|.
    """
    points, weights = np.polynomial.legendre.leggauss(NODES)
    points, weights = (points + 1) / 2, weights / 2
    # x = t**4 crowds nodes at zero.
    grown, growth = points**4, weights * 4 * points**3
    sides = [(offset + grown, growth * (1 - grown))]
    if offset == 1:
        sides.append((grown, growth * grown))
    else:
        sides.append((abs(offset - grown), growth * (1 - grown)))
    return np.concatenate([nodes for nodes, _ in sides]), np.concatenate([share for _, share in sides])
