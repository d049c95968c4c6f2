"""A shift field from its normal equations, and how stiff cross-validation wants it."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .cell_forms import Quadratic
from .field_basis import PolynomialBasis, SplineBasis
from .lattice_solvers import rough_solver, solver
from .normal_equations import NormalEquations
from .tensor_matrix import TensorMatrix, pairs

SOFTEST, STIFFEST = 1e-6, 1e6
FIRST = 0.1  # where cross-validation begins
COARSE, MIDDLING, FINE = 100.0, 10.0, 10.0**0.5  # its steps, one after the other
USUAL = 1e-2  # before anything is known
LEAST = 1e-9  # of a coefficient's usual information: what each has, were there no data near it
FOLDS = 5
GROUPS_FOR_ERROR = 20  # fewer tell no standard error
MANY = 100  # blocks that a stiffness is told from
HELD_OUT = 30  # blocks: about so many tell one stiffness from another


class FieldSystem:
    """The normal equations of splines and a set of quadratic forms, and the penalty on their coefficients."""

    def __init__(self, basis: SplineBasis, data: Quadratic, horizontal: bool):
        self._basis, self._data = basis, data
        self._axes = (0, 1, 2) if horizontal else (2,)
        self._normal = NormalEquations(basis, data, self._axes)
        self._penalty = basis.penalty()

    def solve(self, weights, stiffness) -> np.ndarray:
        """Coefficients `(3, size)`; components that are not solved for stay zero."""
        shared, right = self._normal.of(weights)
        system = solver(TensorMatrix(shared), right, self._penalty)
        return self._solved(system.solved_last, self._informed(shared), stiffness)

    def _informed(self, shared) -> np.ndarray:
        """A coefficient's typical information, of every component that is solved for: what stiffness is relative to."""
        own = [place for place, (i, j) in enumerate(pairs(len(self._axes))) if i == j]
        return shared[own, 0, 0].mean(axis=(1, 2))

    def _solved(self, solved, usual, stiffness) -> np.ndarray:
        coefficients = np.zeros((3, self._basis.size))
        penalties = usual * [stiffness[0 if axis < 2 else 1] for axis in self._axes]
        coefficients[list(self._axes)] = solved(penalties, usual * LEAST)
        return coefficients

    def cross_validated(self, weights, near: float | None = None) -> tuple:
        """The stiffness (horizontal, vertical) that foretells blocks held out of the fit; sought about `near` if given.

        Not the best but the stiffest that is no worse than the best by more than a standard error of their difference
        (Hastie et al. 2009, section 7.10): what the data do not demand is not put into the field. Of many blocks not
        every fold need be held out, and of very many those where the ground tells most speak for all.
        """
        share = MANY / (int(self._data.group.max()) + 1)
        if share < 1:
            return self._cross_validated_in_part(weights, near, share)
        return self._cross_validated(weights, near)

    def _cross_validated(self, weights, near: float | None) -> tuple:
        groups = int(self._data.group.max()) + 1
        folds = np.random.default_rng(0).permutation(groups)[self._data.group] % FOLDS
        held = [folds == fold for fold in range(int(np.clip(round(HELD_OUT * FOLDS / groups), 2, FOLDS)))]
        kept = list(self._without(weights, held))

        @cache
        def misfit(horizontal, vertical):
            """The misfit of every group that is held out, up to a constant."""
            total = np.zeros(groups)
            for out, P, *system in kept:
                field = P @ self._solved(*system, (horizontal, vertical)).T
                slope = np.einsum("nij,nj->ni", self._data.M[out], field) - 2 * self._data.b[out]
                total += np.bincount(self._data.group[out], weights[out] * (slope * field).sum(axis=1), groups)
            return total

        if near is None:
            both = _sought(FIRST, COARSE, lambda value: misfit(value, value))
            return both, both
        both = _sought(near, MIDDLING, lambda value: misfit(value, value))
        vertical = _sought(both, FINE, lambda value: misfit(both, value))
        return _sought(both, FINE, lambda value: misfit(value, vertical)), vertical

    def _without(self, weights, folds):
        """Of folds the cells, the functions there, and the equations of all others and their typical information."""
        whole, *parts = self._normal.of_parts(weights, folds)
        for fold, part in zip(folds, parts):
            out = np.flatnonzero(fold)
            shared, right = (total - missing for total, missing in zip(whole, part))
            yield (out, self._basis.at(self._data.rows[out], self._data.cols[out]),
                   rough_solver(TensorMatrix(shared), right, self._penalty).solved, self._informed(shared))

    def _cross_validated_in_part(self, weights, near: float | None, share: float) -> tuple:
        axes = list(self._axes)
        information = weights * np.diagonal(self._data.M, axis1=1, axis2=2)[:, axes[:2]].sum(axis=1)
        window = self._basis.most_telling(self._data.rows, self._data.cols, information, share)
        data, some = self._data.within(window)
        if len(np.unique(data.group)) < HELD_OUT:
            return self._cross_validated(weights, near)
        basis = self._basis.part(window)
        part = FieldSystem(basis, data, len(axes) == 3)
        # What a stiffness is relative to differs from the part to the whole.
        richer = part._usual(weights[some]) / self._usual(weights)
        found = part._cross_validated(weights[some], near and near / richer[0])
        return tuple(stiffness * times for stiffness, times in zip(found, richer))

    def _usual(self, weights) -> np.ndarray:
        """What the stiffness (horizontal, vertical) is relative to: a coefficient's typical information."""
        squares = self._basis.squares(self._data.rows, self._data.cols) * weights
        per_axis = [(squares * self._data.M[:, axis, axis]).sum() / self._basis.size for axis in self._axes]
        return np.array([np.mean(per_axis[:2]), per_axis[-1]])


class PolynomialSystem:
    """The normal equations of a constant or a plane and a set of quadratic forms."""

    def __init__(self, basis: PolynomialBasis, data: Quadratic, horizontal: bool):
        self._basis, self._data = basis, data
        self._axes = [0, 1, 2] if horizontal else [2]

    def solve(self, weights, _stiffness=None) -> np.ndarray:
        """Coefficients `(3, size)`; components that are not solved for stay zero."""
        terms = self._basis.at(self._data.rows, self._data.cols).toarray().T
        normal = np.array([[np.einsum("n,nij->ij", weights * one * other, self._data.M) for other in terms]
                           for one in terms])[:, :, self._axes][..., self._axes]
        right = np.einsum("kn,ni->ki", terms * weights, self._data.b[:, self._axes])
        normal = normal.transpose(0, 2, 1, 3).reshape(right.size, right.size)
        own = np.einsum("kiki->ki", normal.reshape(*right.shape, *right.shape))
        normal[np.diag_indices(right.size)] += LEAST * np.broadcast_to(own.mean(axis=0), own.shape).ravel()
        coefficients = np.zeros((3, self._basis.size))
        coefficients[self._axes] = np.linalg.solve(normal, right.ravel()).reshape(right.shape).T
        return coefficients


def system_of(basis, data: Quadratic, horizontal: bool) -> FieldSystem | PolynomialSystem:
    """The normal equations of either basis."""
    return (FieldSystem if isinstance(basis, SplineBasis) else PolynomialSystem)(basis, data, horizontal)


def _sought(start: float, step: float, misfit) -> float:
    """The stiffest that is as good as the best, from `start` on by factors of `step`, until it lies among others."""
    least, most = (math.log(end / start) / math.log(step) for end in (SOFTEST, STIFFEST))
    tried, following = {}, 0
    while following is not None:
        tried[following] = misfit(start * step**following)
        place, softest = _stiffest(tried), min(tried)
        # Stiffer first: where that is better, the next softer need not be known.
        softer = softest - 1 if place == softest or (softest == 0 and _least(tried) == 0) else 0
        open_ones = (other for other in (place + 1, softer) if other not in tried and least <= other <= most)
        following = next(open_ones, None)
    return start * step**place


def _least(misfits: dict) -> int:
    return min(misfits, key=lambda place: misfits[place].sum())


def _stiffest(misfits: dict) -> int:
    """The largest key whose misfit is within a standard error of the least; the best where groups are few."""
    least = misfits[_least(misfits)]
    groups = least.size
    error = {place: (found - least).std() * np.sqrt(groups) if groups >= GROUPS_FOR_ERROR else 0.0
             for place, found in misfits.items()}
    return max(place for place, found in misfits.items() if (found - least).sum() <= error[place])
