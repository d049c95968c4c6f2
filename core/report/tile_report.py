"""Many aligned tiles on one page: what each gained, where, and which to look at first."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone

import numpy as np

from ..coregistration.tiles import TileResult, outputs, pooled
from ..raster.dem import Dem
from ..raster.grid import is_geographic, overlap_window
from ..raster.resampling import Resampler
from ..raster.writing import write_text
from . import html
from .figures import png
from .provenance import versions

LISTED, WORST, PICTURED = 500, 10, 6
SKETCH = 160
NONE = "\u2013"
MINUS = "\u2212"
HEAD = ("Tile", "Status", "dx", "dy", "dz", "\u03c3 dx", "\u03c3 dy", "\u03c3 dz", "Blocks used", "Cells",
        "NMAD before", "NMAD after", "Median before", "Median after")


def write_tile_html(results: list[TileResult], reference: Dem, folder: str, parameters: dict, path: str) -> None:
    """One self-contained HTML file: figures that matter, overview map, worst tiles, table. Raises OutputError."""
    started = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    aligned = [result for result in results if result.aligned]
    sections = [html.Section("At a glance", _glance(results))]
    if any(result.footprint for result in results):
        sections.append(html.Section("Overview", html.picture(
            png(overview(results, reference)), "Map of the tiles",
            "Left: NMAD of dh on stable terrain after the alignment. Right: the global shift of each tile, arrows for "
            "east and north (the longest is named), colour for up. Hatched tiles were refused; some may lie off the "
            "map.", 1000)))
    if aligned:
        sections.append(html.Section("Worst tiles", _worst(aligned, reference, folder)))
    refused = [result for result in results if not result.aligned]
    if refused:
        rows = [[result.name, result.reason] for result in refused[:LISTED]]
        sections.append(html.Section("Refused tiles", html.table(
            ["Tile", "Reason"], rows, caption=_cut("tiles", len(refused)))))
    sections.append(html.Section("Tiles", html.table(
        HEAD, [_row(result) for result in results[:LISTED]], range(2, len(HEAD)),
        f"Shifts are metres to add to the tile; dh = reference {MINUS} tile on stable terrain, metres."
        f"{_cut('tiles', len(results))}")))
    facts = [("Reference", f"{reference.name} ({reference.crs_name})"), *parameters.items(), *versions().items()]
    sections.append(html.Section("Provenance", html.table(["What", "Value"], facts)))
    write_text(path, html.page("Coregistered tiles", sections, f"{len(results)} tiles onto {reference.name}",
                               f"Common Ground, {started}. dh = reference {MINUS} tile."))


def overview(results: list[TileResult], reference: Dem):
    """The tiles by NMAD after, and by shift. Returns a matplotlib Figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    results = _in_view(results)
    aligned = [result for result in results if result.aligned]
    figure = Figure(figsize=(11.4, 5.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    place = _Place(results, reference)
    for axis in (left, right):
        place.frame(axis)
        place.draw(axis, [result for result in results if not result.aligned],
                   facecolor="none", edgecolor="#D55E00", hatch="////", linewidth=0.6, zorder=2)
    spreads = np.array([result.nmad_after for result in aligned])
    heights = np.array([result.dz for result in aligned])
    reach = float(np.max(np.abs(heights))) if aligned else 1.0
    for axis, values, colours, limits, name in (
            (left, spreads, "viridis_r", None, "NMAD after (m)"),
            (right, heights, "RdYlBu", (-reach, reach), "dz (m)")):
        drawn = place.draw(axis, aligned, array=values, cmap=colours, edgecolor="#555555", linewidth=0.4)
        if limits:
            drawn.set_clim(*limits)
        if aligned:
            figure.colorbar(drawn, ax=axis, shrink=0.85, pad=0.02, label=name)
    left.set_title("What is left", fontsize=10)
    right.set_title(place.arrows(right, aligned), fontsize=10)
    return figure


def _in_view(results: list[TileResult]) -> list[TileResult]:
    """Tiles with an outline, without refused ones so far off that they would shrink the others to dots."""
    placed = [result for result in results if result.footprint]
    points = np.array([point for result in placed if result.aligned for point in result.footprint])
    if not points.size:
        return placed
    low, high = points.min(axis=0), points.max(axis=0)
    low, high = low - (high - low), high + (high - low)
    return [result for result in placed
            if (np.array(result.footprint) >= low).all() and (np.array(result.footprint) <= high).all()]


class _Place:
    """Map coordinates as a figure shows them: km, or degrees."""

    def __init__(self, results: list[TileResult], reference: Dem):
        self._degrees = is_geographic(reference.grid.crs)
        points = np.array([point for result in results for point in result.footprint])
        mx, my = (float(value) for value in reference.grid.metres_per_unit(points[:, 1].mean()))
        self._factor = 1.0 if self._degrees else mx / 1000
        self._aspect = my / mx if self._degrees else 1.0
        low, high = points.min(axis=0) * self._factor, points.max(axis=0) * self._factor
        margin = 0.04 * (high - low).max()
        self._limits = low - margin, high + margin

    def frame(self, axis) -> None:
        low, high = self._limits
        axis.set_xlim(low[0], high[0])
        axis.set_ylim(low[1], high[1])
        axis.set_aspect(self._aspect)
        axis.set_xlabel("Longitude (°)" if self._degrees else "Easting (km)", fontsize=9)
        axis.set_ylabel("Latitude (°)" if self._degrees else "Northing (km)", fontsize=9)
        axis.ticklabel_format(useOffset=False, style="plain")
        axis.locator_params(nbins=5)
        axis.tick_params(labelsize=8)

    def draw(self, axis, results: list[TileResult], **style):
        from matplotlib.collections import PolyCollection

        return axis.add_collection(PolyCollection(
            [np.array(result.footprint) * self._factor for result in results], **style))

    def arrows(self, axis, results: list[TileResult]) -> str:
        """Draw the shifts of tiles; the title that says what the longest is."""
        if not results:
            return "Global shifts"
        centres = np.array([np.mean(result.footprint[:-1], axis=0) for result in results]) * self._factor
        sides = np.array([np.ptp(np.array(result.footprint), axis=0) for result in results]) * self._factor
        shifts = np.array([(result.dx, result.dy) for result in results])
        longest = float(np.hypot(*shifts.T).max())
        size = 0.75 * float(np.median(sides[:, 0])) / longest if longest > 0 else 0.0
        axis.quiver(*centres.T, *(shifts * size).T, angles="uv", scale_units="x", scale=1.0, width=0.004,
                    color="#222222")
        return f"Global shifts: the longest arrow is {longest:.2f} m"


def _glance(results: list[TileResult]) -> str:
    count, numbers = Counter(result.status for result in results), pooled(results)
    entries = [("Tiles", f"{len(results):,}", f"{count['done']:,} done, {count['unchanged']:,} unchanged"),
               ("Refused", f"{count['refused']:,}", "see below" if count["refused"] else "none")]
    if numbers:
        entries += [(label, f"{_number(numbers[key + '_before'])} \u2192 {_number(numbers[key + '_after'])} m",
                     "over the stable cells of all tiles") for label, key in (("NMAD", "nmad"), ("Median", "median"))]
    return html.cards(entries)


def _worst(aligned: list[TileResult], reference: Dem, folder: str) -> str:
    worst = sorted(aligned, key=lambda result: (-result.nmad_after, result.name))[:WORST]
    table = html.table([*HEAD, "Beware"], [[*_row(result), result.reason] for result in worst], range(2, len(HEAD)),
                       f"The {len(worst)} of the largest NMAD after.")
    pictures = [(result, _difference(reference, outputs(folder, result.name)[-1])) for result in worst[:PICTURED]]
    known = [(result, dh) for result, dh in pictures if dh is not None]
    if not known:
        return table
    return table + html.picture(png(_gallery(known)), "dh after of the worst tiles",
                                f"dh = reference {MINUS} aligned tile (m), each on its own scale: stable terrain and "
                                "the rest.", 1000)


def _difference(reference: Dem, path: str) -> np.ndarray | None:
    """Means of dh after, at most SKETCH elements a side; None without any."""
    aligned = Dem.open(path)
    window = overlap_window(reference.grid, aligned.grid)
    if window is None:
        return None
    ground = reference.part(*window)
    ground = ground.coarsened(-(-max(ground.grid.shape) // SKETCH))
    with Resampler(aligned, ground.grid, "bilinear") as resampler:
        dh = ground.read() - resampler.window(0, 0, *ground.grid.shape)
    return dh if np.isfinite(dh).any() else None


def _gallery(pictures: list[tuple]):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(pictures) // 3)
    figure = Figure(figsize=(11.4, 3.6 * rows), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, 3, squeeze=False).flat)
    for axis in axes:
        axis.set_axis_off()
    for axis, (result, dh) in zip(axes, pictures):
        reach = abs(result.median_after) + 3 * result.nmad_after or 1.0
        drawn = axis.imshow(dh, cmap="RdYlBu", vmin=-reach, vmax=reach, interpolation="nearest")
        axis.set_title(f"{result.name}: NMAD {result.nmad_after:.2f} m", fontsize=9)
        figure.colorbar(drawn, ax=axis, shrink=0.8, pad=0.02)
    return figure


def _row(result: TileResult) -> list:
    numbers = [_number(getattr(result, key)) for key in ("dx", "dy", "dz", "sigma_dx", "sigma_dy", "sigma_dz")]
    blocks = f"{result.blocks_used:,} of {result.blocks:,}" if result.aligned else NONE
    gains = [_number(getattr(result, f"{key}_{state}")) for key in ("nmad", "median") for state in ("before", "after")]
    return [result.name, result.status, *numbers, blocks, f"{result.count:,}", *gains]


def _cut(what: str, count: int) -> str:
    return f" The first {LISTED} of {count:,} {what}; the summary layer holds all." if count > LISTED else ""


def _number(value: float) -> str:
    return NONE if value != value else f"{value:.3f}".replace("-", MINUS)
