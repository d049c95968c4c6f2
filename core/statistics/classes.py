"""Classes by which statistics are given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import CommonGroundError

EXAMPLE = "0,5,15,30,90"
COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
DASH, MINUS = "\u2013", "\u2212"


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
    index = np.full(np.shape(values), -1, dtype=np.int16)
    for edge in edges:
        index += values >= edge
    index[values == edges[-1]] = len(edges) - 2
    index[index >= len(edges) - 1] = -1
    return index


@dataclass(frozen=True)
class Division:
    """Terrain parted `by` "slope" (degrees), "aspect" (degrees), "elevation" (m) or "curvature" (1/100 m).

    Class k is [edges[k], edges[k + 1]) and called `names[k]`.
    """

    by: str
    edges: tuple
    names: tuple

    def of(self, values: np.ndarray) -> np.ndarray:
        """The class of each value, -1 for none."""
        if self.by == "aspect":
            values = (values - self.edges[0]) % 360.0 + self.edges[0]
        return classify(values, self.edges)


def by_slope(edges: tuple) -> Division:
    """Classes between slopes in degrees."""
    return Division("slope", tuple(edges),
                    tuple(f"{low:g}{DASH}{high:g}°" for low, high in zip(edges, edges[1:])))


def by_aspect() -> Division:
    """The eight points of the compass, each 45 degrees wide."""
    return Division("aspect", tuple(-22.5 + 45.0 * index for index in range(9)), COMPASS)


def by_elevation(sample: np.ndarray) -> Division:
    """Some five classes of round heights (m) that hold those of a sample."""
    low, high = np.percentile(sample, (1, 99)) if sample.size else (0.0, 1.0)
    step = _round_step((high - low) / 5)
    inner = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    return _open_ended("elevation", tuple(float(edge) for edge in inner), " m")


def by_curvature(sample: np.ndarray) -> Division:
    """Hollows to ridges in five classes (1/100 m), at the median and the 95th percentile of a sample's sizes."""
    weak, strong = np.percentile(np.abs(sample), (50, 95)) if sample.size else (0.5, 2.0)
    weak = _two_digits(weak) or 0.5
    strong = max(_two_digits(strong), 2 * weak)
    return _open_ended("curvature", (-strong, -weak, weak, strong), "")


def _open_ended(by: str, inner: tuple, unit: str) -> Division:
    inner = inner or (0.0,)
    texts = [f"{edge:g}".replace("-", MINUS) for edge in inner]
    names = [f"below {texts[0]}{unit}"]
    names += [f"{low} to {high}{unit}" for low, high in zip(texts, texts[1:])]
    return Division(by, (-math.inf, *inner, math.inf), (*names, f"above {texts[-1]}{unit}"))


def _round_step(step: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten."""
    if not step > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda part: abs(part - step / power)) * power


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
