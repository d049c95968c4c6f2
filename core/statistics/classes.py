"""Classes by which statistics are given."""

from __future__ import annotations

import math

import numpy as np

from ..errors import CommonGroundError

EXAMPLE = "0,5,15,30,90"


def parse_edges(text: str, least: float = 0.0, greatest: float = 90.0) -> tuple[float, ...]:
    """The class edges in a text such as "0,5,15,30,90", degrees, rising. Raises CommonGroundError."""
    try:
        edges = tuple(float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        raise CommonGroundError(
            f"CLASSES '{text}' cannot be read: give slope edges in degrees with commas between, "
            f"as in {EXAMPLE}."
        ) from None
    if len(edges) < 2:
        raise CommonGroundError(f"CLASSES '{text}' makes no class: give at least two edges, as in {EXAMPLE}.")
    if not all(math.isfinite(edge) and least <= edge <= greatest for edge in edges):
        raise CommonGroundError(
            f"CLASSES '{text}' leaves the range of slopes: keep edges from {least:g} to {greatest:g} degrees."
        )
    if any(upper <= lower for lower, upper in zip(edges, edges[1:])):
        raise CommonGroundError(
            f"CLASSES '{text}' does not rise: order the edges from low to high, each once.")
    return edges


def classify(values: np.ndarray, edges: tuple) -> np.ndarray:
    """The class of each value, 0 for [edges[0], edges[1]); the last holds its upper edge; -1 elsewhere."""
    index = np.searchsorted(np.asarray(edges), values, side="right") - 1
    index = np.where(values == edges[-1], len(edges) - 2, index)
    return np.where(np.isfinite(values) & (index < len(edges) - 1), index, -1)
