"""The blocks' horizontal shifts as arrows with their sigma ellipses."""

from __future__ import annotations

import math

STATUS_COLOURS = {"used": "#0072B2", "downweighted": "#E69F00", "rejected": "#D55E00", "filled": "#6E6E6E"}
"""Okabe and Ito's palette: blocks are the same colour on the map, in figures and in the table."""
LONGEST = 0.75
"""Length of the longest trusted arrow, in blocks."""
SMALLEST_ELLIPSE = 0.02
"""Ellipses whose median is smaller than this (in blocks) are enlarged, and the title says how much."""


def arrow_map(blocks: list, aspect: float = 1.0):
    """Arrows of (dx, dy) from each block's centre, on one scale, with an ellipse of one sigma at their tips.

    The longest arrow of a block that was not rejected is LONGEST of a block long; the title says what one block's
    side stands for. Ellipses too small to be seen are enlarged by a power of ten that the title names. `aspect` is
    how much longer a map unit is northwards than eastwards. Returns a matplotlib Figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    west, south, east, north = (pick(block.bounds[index] for block in blocks)
                                for index, pick in enumerate((min, min, max, max)))
    height = min(max(6.2 * (north - south) / (east - west) * aspect + 1.0, 2.6), 9.0)
    figure = Figure(figsize=(7.6, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    side = max(min(block.bounds[2] - block.bounds[0], (block.bounds[3] - block.bounds[1]) * aspect)
               for block in blocks)
    metre = _map_units_in_a_metre(blocks, side)
    enlarged = _enlargement(blocks, side, metre)
    for status, colour in STATUS_COLOURS.items():
        alike = [block for block in blocks if block.status == status]
        if alike:
            _draw(axis, alike, colour, metre, enlarged, aspect)
    # The longest arrow of a block at the edge leaves it by this much.
    margin = (LONGEST - 0.5 + 0.1) * side
    axis.set_xlim(west - margin, east + margin)
    axis.set_ylim(south - margin / aspect, north + margin / aspect)
    axis.set_aspect(aspect)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_gid("map")
    note = f", enlarged {enlarged:,} times" if enlarged > 1 else ""
    axis.set_title(f"Horizontal shifts: a block's side is {side / metre:.2g} m; ellipses of one sigma{note}",
                   fontsize=10)
    present = [status for status in STATUS_COLOURS if any(block.status == status for block in blocks)]
    axis.legend(handles=[Line2D([], [], color=STATUS_COLOURS[status], linewidth=3, label=status)
                         for status in present], frameon=False, fontsize=8, ncol=4, loc="upper left",
                bbox_to_anchor=(0, 0))
    return figure


def _map_units_in_a_metre(blocks, side: float) -> float:
    """How long (in map units along x) a shift of one metre is drawn."""
    lengths = {trusted: [math.hypot(block.dx, block.dy) for block in blocks
                         if (block.status != "rejected") == trusted and math.isfinite(block.dx + block.dy)]
               for trusted in (True, False)}
    longest = max(lengths[True], default=0.0) or max(lengths[False], default=0.0)
    return LONGEST * side / longest if longest > 0 else side


def _enlargement(blocks, side: float, metre: float) -> int:
    sigmas = sorted(max(block.sigma_dx, block.sigma_dy) for block in blocks
                    if block.usable and math.isfinite(block.sigma_dx + block.sigma_dy))
    middle = sigmas[len(sigmas) // 2] * metre / side if sigmas else 0.0
    if middle <= 0.0 or middle >= SMALLEST_ELLIPSE:
        return 1
    return 10 ** math.ceil(math.log10(SMALLEST_ELLIPSE / middle))


def _draw(axis, blocks: list, colour: str, metre: float, enlarged: int, aspect: float) -> None:
    """Blocks of one colour as one collection of each kind: thousands of single patches would take ten seconds."""
    import numpy as np
    from matplotlib.collections import EllipseCollection, PolyCollection
    from matplotlib.colors import to_rgba

    axis.add_collection(PolyCollection([_corners(*block.bounds) for block in blocks],
                                       facecolors=[to_rgba(colour, 0.10)], edgecolors="#888888", linewidths=0.5))
    moved = [block for block in blocks if math.isfinite(block.dx + block.dy)]
    if not moved:
        return
    x, y, dx, dy, sigma_x, sigma_y = np.array(
        [(*block.centre, block.dx, block.dy, block.sigma_dx, block.sigma_dy) for block in moved]).T
    dx, dy = dx * metre, dy * metre / aspect
    axis.quiver(x, y, dx, dy, color=colour, angles="xy", scale_units="xy", scale=1, units="inches",
                width=0.022, headwidth=4.5, headlength=5.5, headaxislength=5.0, zorder=3)
    axis.plot(x, y, "o", color=colour, markersize=2.5)
    known = np.isfinite(sigma_x + sigma_y) & (sigma_x * sigma_y > 0)
    axis.add_collection(EllipseCollection(
        2 * sigma_x[known] * metre * enlarged, 2 * sigma_y[known] * metre * enlarged / aspect, np.zeros(known.sum()),
        units="xy", offsets=np.column_stack([x + dx, y + dy])[known], offset_transform=axis.transData,
        facecolors=[to_rgba(colour, 0.35)], edgecolors=[to_rgba(colour, 0.35)], linewidths=0.8, zorder=2))


def _corners(xmin: float, ymin: float, xmax: float, ymax: float) -> list:
    return [(xmin, ymin), (xmax, ymin), (xmax, ymax), (xmin, ymax)]
