"""The report's figures: matplotlib Figures without global state, so that HTML and the dock can show the same ones.

Colours hold for colour-blind readers and in print: orange before, blue after (Okabe and Ito), RdYlBu about
zero.
"""

from __future__ import annotations

import io
import math

import numpy as np

from ..statistics.heteroscedasticity import Spread
from .comparison import Comparison, Histogram, Pair
from .errors import Errors

BEFORE, AFTER, INK, GREY = "#D55E00", "#0072B2", "#222222", "#E4E4E4"
DIVERGING = "RdYlBu"
HATCHES = {"rejected": "xxxx", "filled": "....", "downweighted": "//"}
STATUS_COLOURS = {"used": "#56B4E9", "downweighted": "#F0E442", "rejected": "#D55E00", "filled": "#BBBBBB"}
WRITTEN_COLUMNS = 16
FINE = 1000
"""From so many blocks on the lines between them are thin."""
UNSTABLE_VEIL = 0.5
QUANTILE_SPREADS = 8.0


def figures(model: Comparison) -> dict:
    """All figures that the model has data for: title -> Figure, in the order of the report."""
    made = {"Difference maps": difference_maps(model),
            "Histogram of dh": histogram(model.histogram, model.stable),
            "Quantiles against the normal": quantile_plot(model)}
    if _slope_classes(model):
        made["NMAD by slope"] = nmad_by_slope(model)
    if model.errors:
        made["Errors by slope and curvature"] = spread_map(model.errors.spread)
        if model.errors.model is not None:
            made["Variogram of errors"] = variogram_plot(model.errors)
        if any(model.errors.aspects):
            made["dh / tan(slope) by aspect"] = aspect_plot(model.errors.aspects)
    if model.blocks:
        made["Status of blocks"] = status_map(model.blocks, model.maps.aspect)
        made["Shifts by block"] = shift_maps(model.blocks, model.maps.aspect)
    return made


def png(figure, dpi: int = 120) -> bytes:
    """A figure as a PNG file's bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def difference_maps(model: Comparison):
    """dh before and after on one scale about zero, over the terrain's hillshade; unstable terrain paler."""
    maps = model.maps
    states = [("Before", maps.before, model.stable.before)]
    if maps.after is not None:
        states.append(("After", maps.after, model.stable.after))
    rows, cols = maps.before.shape
    height = min(max(4.4 * rows / cols * maps.aspect + 0.9, 3.0), 9.0)
    figure, axes = _figure(5.5 * len(states) + 0.6, height, len(states))
    scale = _scale(model.limit)
    for axis, (title, dh, summary) in zip(axes, states):
        ground = model.counted == "points"
        axis.imshow(_shaded(scale.to_rgba(dh), dh, maps, ground), extent=maps.extent, aspect=maps.aspect,
                    interpolation="nearest")
        _outline_unstable(axis, maps)
        axis.set_title(f"{title}: median {_signed(summary.median)} m, NMAD {summary.nmad:.2f} m", fontsize=10)
        _map_axes(axis, maps.unit)
    bar = figure.colorbar(scale, ax=axes, shrink=0.85, pad=0.02, extend="both")
    bar.set_label("dh (m)")
    return figure


def histogram(counts: Histogram, stable: Pair):
    """dh on stable terrain with the normal curve of mean and STD, and the robust one of median and NMAD."""
    figure, (axis,) = _figure(7.6, 4.2, 1)
    states = [("Before", counts.before, stable.before, BEFORE)]
    if counts.after is not None:
        states.append(("After", counts.after, stable.after, AFTER))
    middle, width = (counts.edges[:-1] + counts.edges[1:]) / 2, counts.edges[1] - counts.edges[0]
    for name, count, summary, colour in states:
        share = 100.0 * count / summary.count / width
        axis.stairs(share, counts.edges, fill=True, color=colour, alpha=0.28)
        axis.stairs(share, counts.edges, color=colour, linewidth=0.9,
                    label=f"{name}, n = {summary.count:,}")
        if summary.nmad > 0:
            axis.plot(middle, _normal(middle, summary.median, summary.nmad), color=colour, linewidth=1.7,
                      label=f"robust: median {_signed(summary.median)}, NMAD {summary.nmad:.2f} m")
        if summary.std > 0:
            axis.plot(middle, _normal(middle, summary.mean, summary.std), color=colour, linewidth=1.2,
                      linestyle=(0, (4, 2)),
                      label=f"normal: mean {_signed(summary.mean)}, STD {summary.std:.2f} m")
    axis.axvline(0, color=INK, linewidth=0.7)
    axis.set_xlim(counts.edges[0], counts.edges[-1])
    axis.set_ylim(bottom=0)
    axis.set_xlabel("dh on stable terrain (m)")
    axis.set_ylabel("Share (% per metre)")
    axis.legend(frameon=False, fontsize=8, loc="upper left" if len(states) == 1 else "best")
    _plain(axis)
    return figure


def quantile_plot(model: Comparison):
    """Quantiles of stable dh against the normal's (Q-Q plot), with the line of median and NMAD."""
    figure, (axis,) = _figure(7.6, 4.2, 1)
    scores = model.quantiles.scores
    states = [("Before", "o", model.quantiles.before, model.stable.before, BEFORE)]
    if model.quantiles.after is not None:
        states.append(("After", "s", model.quantiles.after, model.stable.after, AFTER))
    for name, marker, dh, summary, colour in states:
        axis.plot(scores, summary.median + summary.nmad * scores, color=colour, linewidth=1.2)
        axis.plot(scores, dh, marker, color=colour, markersize=3, markeredgewidth=0, label=name)
    reach = [abs(summary.median) + QUANTILE_SPREADS * summary.nmad for *_, summary, _ in states]
    if max(reach) > 0:
        axis.set_ylim(-max(reach), max(reach))
    axis.axhline(0, color=INK, linewidth=0.7)
    axis.set_xlabel("Quantile of the standard normal")
    axis.set_ylabel("Quantile of dh (m)")
    axis.legend(frameon=False, fontsize=9, loc="upper left")
    _plain(axis)
    return figure


def nmad_by_slope(model: Comparison):
    """NMAD of each slope class, with its number of cells."""
    rows = _slope_classes(model)
    figure, (axis,) = _figure(7.6, 3.8, 1)
    states = [("Before", BEFORE, "", [row.pair.before for row in rows])]
    if rows[0].pair.after is not None:
        states.append(("After", AFTER, "///", [row.pair.after for row in rows]))
    width = 0.8 / len(states)
    for index, (name, colour, hatch, summaries) in enumerate(states):
        place = np.arange(len(rows)) + (index - (len(states) - 1) / 2) * width
        bars = axis.bar(place, [part.nmad for part in summaries], width * 0.94, label=name, color=colour,
                        hatch=hatch, edgecolor="white", linewidth=0)
        axis.bar_label(bars, [f"{part.nmad:.2f}" for part in summaries], fontsize=8, padding=2)
    axis.set_xticks(range(len(rows)), [f"{row.label}\nn = {row.pair.before.count:,}" for row in rows])
    axis.set_xlabel(f"Slope of the {model.terrain}")
    axis.set_ylabel("NMAD of dh (m)")
    axis.margins(y=0.14)
    if len(states) > 1:
        axis.legend(frameon=False, fontsize=9, loc="upper left")
    _plain(axis)
    return figure


def spread_map(spread: Spread):
    """NMAD of dh by slope and curvature, with the values written in."""
    figure, (axis,) = _figure(7.6, 3.4, 1)
    image = axis.imshow(spread.nmad.T, origin="lower", aspect="auto", cmap="cividis")
    light = spread.nmad > (spread.nmad.min() + spread.nmad.max()) / 2
    for row, col in np.ndindex(spread.nmad.shape):
        axis.text(row, col, f"{spread.nmad[row, col]:.2f}", ha="center", va="center", fontsize=8,
                  color=INK if light[row, col] else "white")
    axis.set_xticks(range(spread.slopes.size), [f"{value:.1f}" for value in spread.slopes])
    axis.set_yticks(range(spread.curvatures.size), [f"{value:.2g}" for value in spread.curvatures])
    axis.set_xlabel("Slope (°, middle of each bin)")
    axis.set_ylabel("|Curvature| (1/100 m)")
    figure.colorbar(image, ax=axis, pad=0.02).set_label("NMAD of dh (m)")
    return figure


def variogram_plot(errors: Errors):
    """The empirical variogram of standardised dh and its model."""
    figure, (axis,) = _figure(7.6, 3.8, 1)
    colour = AFTER if errors.state == "after" else BEFORE
    lags = errors.variogram.lags
    axis.plot(lags, errors.variogram.gamma, "o", color=colour, markersize=5, label="empirical")
    smooth = np.geomspace(lags[0], lags[-1], 200)
    axis.plot(smooth, errors.model.gamma(smooth), color=INK, linewidth=1.4, label="model")
    axis.axhline(errors.model.sill, color=INK, linewidth=0.8, linestyle=(0, (4, 2)),
                 label=f"sill {errors.model.sill:.2f}")
    for part in errors.model.components:
        axis.axvline(part.range, color="#777777", linewidth=0.8)
        axis.annotate(f" {part.form}\n {part.range:,.0f} m", (part.range, 0.02), fontsize=8,
                      xycoords=("data", "axes fraction"))
    axis.set_xscale("log")
    axis.set_ylim(0, 1.1 * max(errors.model.sill, errors.variogram.gamma.max()))
    axis.set_xlabel("Distance (m)")
    axis.set_ylabel("Variance of dh / spread")
    axis.legend(frameon=False, fontsize=9, loc="best")
    _plain(axis)
    return figure


def aspect_plot(curves: tuple):
    """Medians of dh / tan(slope) by aspect, before and after, with the cosines of Nuth and Kääb."""
    figure, (axis,) = _figure(7.6, 3.8, 1)
    angle = np.arange(0, 361, 2.0)
    for name, marker, colour, curve in zip(("Before", "After"), "os", (BEFORE, AFTER), curves):
        if curve is None:
            continue
        axis.plot(curve.aspects, curve.medians, marker, color=colour, markersize=4, markeredgewidth=0)
        cosine = curve.amplitude * np.cos(np.radians(curve.direction - angle)) + curve.constant
        axis.plot(angle, cosine, color=colour, linewidth=1.5,
                  label=f"{name}: {curve.amplitude:.2f} m towards {curve.direction:.0f}°, "
                        f"constant {_signed(curve.constant)} m")
    axis.axhline(0, color=INK, linewidth=0.7)
    axis.set_xlim(0, 360)
    axis.set_xticks(range(0, 361, 45), ["N", "NE", "E", "SE", "S", "SW", "W", "NW", "N"])
    axis.set_xlabel("Aspect: downhill direction of the terrain")
    axis.set_ylabel("dh / tan(slope) (m)")
    axis.legend(frameon=False, fontsize=9, loc="best")
    _plain(axis)
    return figure


def status_map(blocks: list, aspect: float = 1.0):
    """The blocks' statuses by colour and hatch, with the number of stable cells (thousands) written in."""
    from matplotlib.patches import Patch, Rectangle

    bounds = np.array([block.bounds for block in blocks])
    west, south, east, north = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    figure, (axis,) = _figure(7.6, min(max(4.6 * (north - south) / (east - west) * aspect + 0.6, 2.6), 8.0), 1)
    columns = len({block.col for block in blocks})
    for block in blocks:
        xmin, ymin, xmax, ymax = block.bounds
        axis.add_patch(Rectangle((xmin, ymin), xmax - xmin, ymax - ymin, facecolor=STATUS_COLOURS[block.status],
                                 edgecolor="white", hatch=HATCHES.get(block.status)))
        if columns <= WRITTEN_COLUMNS:
            axis.text(*block.centre, f"{block.n / 1000:.3g}k", ha="center", va="center",
                      fontsize=max(5.5, min(9, 60 / columns)), color=INK,
                      bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1})
    axis.set_xlim(west, east)
    axis.set_ylim(south, north)
    axis.set_aspect(aspect)
    axis.set_xticks([])
    axis.set_yticks([])
    present = [status for status in STATUS_COLOURS if any(block.status == status for block in blocks)]
    axis.legend(handles=[Patch(facecolor=STATUS_COLOURS[status], hatch=HATCHES.get(status), edgecolor="white",
                               label=f"{status} ({sum(block.status == status for block in blocks)})")
                         for status in present], loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize=9)
    return figure


def _slope_classes(model: Comparison) -> list:
    return [row for row in model.classes if row.by == "slope" and row.pair.before.count]


def shift_maps(blocks: list, aspect: float = 1.0, columns: int = 3):
    """The blocks' shifts X, Y, Z as heat maps with the values written in; X and Y share one scale.

    `aspect` is how much longer a map unit is northwards than eastwards, `columns` how many maps stand side by
    side.
    """
    bounds = np.array([block.bounds for block in blocks])
    west, south, east, north = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    height = min(max(3.1 * (north - south) / (east - west) * aspect + 1.0, 2.6), 9.0)
    rows = math.ceil(3 / columns)
    figure, axes = _figure(11.6 * columns / 3, height * rows, columns, rows)
    relied_on = [block for block in blocks if block.status != "rejected"]
    horizontal = _reach([value for block in relied_on for value in (block.dx, block.dy)])
    vertical = _reach([block.dz for block in relied_on])
    panels = (("dx", "X shift, east (m)", horizontal), ("dy", "Y shift, north (m)", horizontal),
              ("dz", "Z shift, up (m)", vertical))
    for axis, (name, title, reach) in zip(axes, panels):
        image = _cells(axis, blocks, name, reach)
        axis.set_xlim(west, east)
        axis.set_ylim(south, north)
        axis.set_aspect(aspect)
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_title(title, fontsize=10)
        axis.set_gid("map")
        figure.colorbar(image, ax=axis, shrink=0.8, pad=0.02).ax.tick_params(labelsize=8)
    _legend_of_statuses(figure, blocks)
    return figure


def _cells(axis, blocks, name: str, reach: float):
    """One rectangle a block; what the field does not lean on is hatched."""
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    scale = _scale(reach)
    values = np.array([getattr(block, name) for block in blocks], dtype=float)
    colours = np.where(np.isfinite(values)[:, None], scale.to_rgba(np.nan_to_num(values)), (0.88, 0.88, 0.88, 1.0))
    # One collection: thousands of single patches would take seconds.
    axis.add_collection(PolyCollection(
        [[(xmin, ymin), (xmax, ymin), (xmax, ymax), (xmin, ymax)]
         for xmin, ymin, xmax, ymax in (block.bounds for block in blocks)],
        facecolors=colours, edgecolors="white", linewidths=0.8 if len(blocks) < FINE else 0.2))
    columns = 1 + max(block.col for block in blocks) - min(block.col for block in blocks)
    for block, colour in zip(blocks, colours):
        xmin, ymin, xmax, ymax = block.bounds
        value = getattr(block, name)
        if block.status in HATCHES:
            place = (xmin, ymin), xmax - xmin, ymax - ymin
            axis.add_patch(Rectangle(*place, facecolor="none", edgecolor="#00000055", linewidth=0,
                                     hatch=HATCHES[block.status]))
        if columns <= WRITTEN_COLUMNS and math.isfinite(value):
            dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.55
            digits = 2 if columns <= 8 else 1 if abs(value) < 9.95 else 0
            axis.text(*block.centre, _signed(value, digits), ha="center", va="center",
                      fontsize=max(5.5, min(10, (52 if columns <= 8 else 72) / columns)),
                      color="white" if dark else INK,
                      path_effects=[withStroke(linewidth=2.5, foreground=colour)])
    return scale


def _legend_of_statuses(figure, blocks) -> None:
    from matplotlib.patches import Patch

    present = {block.status for block in blocks}
    handles = [Patch(facecolor="#F2F2F2", edgecolor="#777777", hatch=hatch, label=f"{status} block")
               for status, hatch in HATCHES.items() if status in present]
    if handles:
        figure.legend(handles=handles, loc="outside lower center" if _knows_outside() else "lower center",
                      ncol=len(handles), frameon=False, fontsize=9)


def _knows_outside() -> bool:
    """matplotlib 3.7 and later keep room for a legend outside the axes."""
    import matplotlib

    return tuple(int(part) for part in matplotlib.__version__.split(".")[:2]) >= (3, 7)


def _figure(width: float, height: float, columns: int, rows: int = 1):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _scale(reach: float):
    """Colours from -reach to reach."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(-reach, reach), DIVERGING)


def _shaded(colours: np.ndarray, dh: np.ndarray, maps, ground: bool) -> np.ndarray:
    """The colours of dh darkened by the hillshade, paler on unstable terrain; where void white, or pale `ground`."""
    light = 0.55 + 0.45 * np.nan_to_num(maps.shade, nan=1.0)
    veil = np.where(maps.stable < 0.5, UNSTABLE_VEIL, 0.0)
    colours = colours[..., :3] * light[..., None]
    colours += veil[..., None] * (1.0 - colours)
    void = 0.65 + 0.2 * np.nan_to_num(maps.shade, nan=1.0) if ground else np.ones(dh.shape)
    return np.where(np.isnan(dh)[..., None], void[..., None], colours)


def _outline_unstable(axis, maps) -> None:
    if np.nanmin(maps.stable) >= 0.5 or np.nanmax(maps.stable) < 0.5:
        return
    west, east, south, north = maps.extent
    rows, cols = maps.stable.shape
    if min(rows, cols) < 2:
        return
    x = west + (np.arange(cols) + 0.5) * (east - west) / cols
    y = north - (np.arange(rows) + 0.5) * (north - south) / rows
    axis.contour(x, y, maps.stable, levels=[0.5], colors=INK, linewidths=0.8)


def _map_axes(axis, unit: str) -> None:
    east, north = ("Easting (km)", "Northing (km)") if unit == "km" else ("Longitude (°)", "Latitude (°)")
    axis.set_xlabel(east, fontsize=9)
    axis.set_ylabel(north, fontsize=9)
    axis.ticklabel_format(useOffset=False, style="plain")
    axis.locator_params(nbins=5)
    axis.tick_params(labelsize=8)


def _plain(axis) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color=GREY, linewidth=0.6)
    axis.set_axisbelow(True)


def _normal(values: np.ndarray, centre: float, spread: float) -> np.ndarray:
    """The normal density in per cent per metre."""
    return 100.0 * np.exp(-0.5 * ((values - centre) / spread) ** 2) / (spread * math.sqrt(2 * math.pi))


def _signed(value: float, digits: int = 2) -> str:
    value = round(value, digits)
    return f"{value:+.{digits}f}".replace("-", "\u2212") if value else f"{0:.{digits}f}"


def _reach(values: list) -> float:
    known = [abs(value) for value in values if math.isfinite(value)]
    return max(known, default=1.0) or 1.0
