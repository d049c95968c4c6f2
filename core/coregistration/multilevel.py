"""Linear systems over a lattice of splines by conjugate gradients, in memory that grows as the lattice does."""

from __future__ import annotations

import numpy as np

from .tensor_matrix import TensorMatrix

COARSEST = 81  # places of a lattice whose matrix is inverted as a whole
AT_REST = 3e-4  # of the unknowns' unit (m): what neither the last steps nor the next one move any of them by
FIRST_LOOK, LATER = 10, 1.25  # the step after which rest is first looked for, and how much later each time
MOST = 10_000


def solved(matrix: TensorMatrix, right: np.ndarray) -> np.ndarray | None:
    """The solution `(count, places)` of a positive definite system by preconditioned conjugate gradients.

    It has come to rest where the last fifth of all steps together moved no unknown by more than AT_REST, and the
    preconditioned residual, roughly what is still missing, is less than that too. None where it does not. Nothing here
    is left to BLAS or LAPACK but inverses of 3 x 3: their bits depend on threads, and with them where the steps end.
    """
    precondition = _preconditioner(matrix)
    solution, residual = np.zeros_like(right), right.copy()
    correction = precondition(residual)
    direction, energy, before, look = correction, (residual * correction).sum(), solution.copy(), FIRST_LOOK
    for step in range(1, MOST + 1):
        if energy <= 0:
            return solution if not residual.any() else None
        image = matrix @ direction
        length = energy / (direction * image).sum()
        solution += length * direction
        residual -= length * image
        correction = precondition(residual)
        if step >= look:
            if max(np.abs(solution - before).max(), np.abs(correction).max()) < AT_REST:
                return solution
            before[:], look = solution, int(np.ceil(LATER * step))
        last, energy = energy, (residual * correction).sum()
        direction = correction + energy / last * direction
    return None


def _preconditioner(matrix: TensorMatrix):
    """The sum of what each of a series of ever coarser lattices makes of a residual `(count, places)`.

    On each the components of every place are solved for by themselves, on the coarsest all at once (Bramble, Pasciak &
    Xu 1990, doi:10.1090/S0025-5718-1990-1023042-6): penalties bind far places together, and wide splines see that.
    """
    from scipy import sparse

    own, refinements = [], []
    while matrix.shape[0] * matrix.shape[1] > COARSEST:
        own.append(np.linalg.inv(matrix.diagonal()).transpose(1, 2, 0).copy())
        matrix, (down, across) = matrix.coarser()
        refinements.append(sparse.kron(down, across).tocsr())
    whole = _inverse(matrix.dense())

    def precondition(residual):
        residuals = [residual]
        for refined in refinements:
            residuals.append(np.stack([refined.T @ component for component in residuals[-1]]))
        found = np.einsum("ij,j->i", whole, residuals[-1].ravel()).reshape(residuals[-1].shape)
        for refined, inverse, rest in zip(refinements[::-1], own[::-1], residuals[-2::-1]):
            found = np.stack([refined @ component for component in found])
            found += np.einsum("ijn,jn->in", inverse, rest)
        return found

    return precondition


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a positive definite matrix by elimination, symmetric to the last bit."""
    scale = 1 / np.sqrt(np.diagonal(matrix))
    inverse = matrix * scale * scale[:, None]
    for pivot in range(len(inverse)):
        row = inverse[pivot] / inverse[pivot, pivot]
        row[pivot] = 1 / inverse[pivot, pivot]
        column = inverse[:, pivot].copy()
        column[pivot] = 0.0
        inverse[:, pivot] = 0.0
        inverse[pivot] = 0.0
        inverse -= column[:, None] * row
        inverse[pivot] = row
    return (inverse + inverse.T) * (scale * scale[:, None] / 2)
