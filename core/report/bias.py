"""A fitted bias as a section of a report."""

from __future__ import annotations

import numpy as np

from ..coregistration.bias import Ramp, Sample, TerrainCurve, Waves
from . import html

BINS = 120


def bias_section(bias: Ramp | Waves | TerrainCurve, sample: Sample) -> html.Section:
    """The bias in words, its coefficients, and where it runs along one axis its curve over the data."""
    text = {Ramp: "A polynomial of position, kilometres east and north of the middle of the secondary.",
            Waves: "A line and waves along the azimuth: s = east sin(azimuth) + north cos(azimuth), kilometres from "
                   "the middle of the secondary; cosine cos(2 pi s / wavelength) + sine sin(2 pi s / wavelength).",
            TerrainCurve: "Robust centres of dh by the reference's terrain, linear between."}[type(bias)]
    rows = [[name, f"{value:.6g}".replace("-", "\u2212")] for name, value in bias.table().items()]
    body = html.paragraph(f"{text} It was fitted to dh at {sample.dh.size:,} stable cells and added to the "
                          "secondary.")
    if not isinstance(bias, Ramp):
        body += _curve(bias, sample)
    return html.Section("Fitted bias", body + html.table(["Coefficient", "Value"], rows, (1,)))


def _curve(bias: Waves | TerrainCurve, sample: Sample) -> str:
    from matplotlib.figure import Figure

    from .figures import AFTER, BEFORE, png

    if isinstance(bias, Waves):
        x, label = bias.along(sample.east, sample.north), "Distance along the azimuth (km)"
        line = np.linspace(x.min(), x.max(), 1000)
        fitted = bias.profile(line)
    else:
        x, label = sample.attribute, f"{bias.attribute.capitalize()} of the reference"
        line, fitted = bias.centres, bias.values
    figure = Figure(figsize=(7.6, 3.8), layout="constrained")
    axis = figure.add_subplot()
    axis.plot(*_medians(x, sample.dh), ".", color=BEFORE, markersize=4, label="median of dh")
    axis.plot(line, fitted, color=AFTER, linewidth=1.6, label="fitted bias")
    axis.set_xlabel(label)
    axis.set_ylabel("dh (m)")
    axis.legend(frameon=False, fontsize=9)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return html.picture(png(figure), "Fitted bias", "Medians of dh on stable terrain before the correction, and the "
                        "bias that was added.")


def _medians(x: np.ndarray, dh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of both in BINS parts of equal count."""
    parts = np.array_split(np.argsort(x, kind="stable"), BINS)
    return tuple(np.array([np.median(values[part]) for part in parts if part.size]) for values in (x, dh))
