"""Make resources/help/*.png: the small figure in each algorithm's help (`make help-figures`).

Drawings that explain, not results; arrows of frames and plates are computed by the core.
"""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "resources" / "help"
sys.path.insert(0, str(ROOT / "build" / "qgis" / "plugins"))

WIDTH, HEIGHT, DPI, COLOURS = 2.6, 1.45, 170, 96
BEFORE, AFTER, INK, GREY, PALE = "#D55E00", "#0072B2", "#333333", "#8A8A8A", "#DDE3E8"
TEXT = 6.5
FIGURES = {}


def figure_of(*names):
    """Register what draws the figure of these algorithms."""
    def register(draw):
        FIGURES.update(dict.fromkeys(names, draw))
        return draw
    return register


def sheet(columns=1, **spacing):
    figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(**{"left": 0.03, "right": 0.97, "top": 0.86, "bottom": 0.06, "wspace": 0.12, **spacing})
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_linewidth(0.5)
            spine.set_color(GREY)
    return figure, axes


def title(axis, text, colour=INK):
    axis.set_title(text, fontsize=TEXT, color=colour, pad=2.5)


def bare(axis):
    for spine in axis.spines.values():
        spine.set_visible(False)


# The ground of all drawings: x and y from 0 to 1.

def ground(x, y):
    return (np.sin(5 * x + 1.5 * y) + 0.6 * np.cos(7 * y - 2 * x) + 0.35 * np.sin(13 * x + 9 * y)
            + 0.2 * np.sin(23 * x - 17 * y))


def lattice(size=160):
    return np.meshgrid(np.linspace(0, 1, size), np.linspace(1, 0, size))


def shade(heights):
    return LightSource(315, 40).hillshade(heights, vert_exag=0.6, dx=1 / 30, dy=1 / 30)


def waves(x, y):
    """The shift of a secondary, in widths of the drawing."""
    return 0.012 * np.sin(6 * y + 1), 0.012 * np.cos(5 * x)


def dh_before(size=70):
    x, y = lattice(size)
    east, north = waves(x, y)
    return ground(x, y) - ground(x + 3 * east, y + 3 * north) + 0.05


def noise(size=70):
    return np.random.default_rng(1).normal(0, 0.02, (size, size))


def show_dh(axis, dh, limit=0.35):
    axis.imshow(dh, cmap="RdYlBu", vmin=-limit, vmax=limit, extent=(0, 1, 0, 1), aspect="auto")


def show_ground(axis, **options):
    axis.imshow(shade(ground(*lattice())), cmap="gray", vmin=-0.2, vmax=1.1, extent=(0, 1, 0, 1), aspect="auto",
                **options)


def world(axis):
    from commonground.core.frames.plates import boundary_segments

    segments = boundary_segments(-180.0, -80.0, 180.0, 85.0)
    for piece in segments:
        line = np.asarray(piece).reshape(-1, 2)
        if np.ptp(line[:, 0]) < 90:
            axis.plot(line[:, 0], line[:, 1], color="#B9C2CA", linewidth=0.5)
    axis.set_xlim(-180, 180)
    axis.set_ylim(-75, 85)


def world_arrows(axis, displacement, colour):
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.arange(-170, 180, 20.0), np.arange(-60, 81, 20.0)))
    places, vectors = [], []
    from commonground.core.errors import CommonGroundError

    for place in zip(lon, lat):
        try:
            moved = displacement(*place)
        except CommonGroundError:
            continue
        places.append(place)
        vectors.append(moved)
    (x, y), (u, v) = np.array(places).T, np.array(vectors, dtype=float).T
    axis.quiver(x, y, u, v, color=colour, width=0.005, headwidth=4, zorder=3)


@figure_of("reframeitrf")
def frames():
    from commonground.core.frames.transform import FrameEpoch, displace

    def step(lon, lat):
        moved = displace(lon, lat, 0.0, FrameEpoch("ITRF93", 1993.5), FrameEpoch("ITRF2014", 1993.5))
        return float(moved.east), float(moved.north)

    figure, (axis,) = sheet()
    world(axis)
    world_arrows(axis, step, AFTER)
    title(axis, "ITRF93 to ITRF2014 at 1993.5: up to some centimetres")
    return figure


@figure_of("propagateepoch")
def plates():
    from commonground.core.frames.transform import PlateMotion, plate_velocity

    def speed(lon, lat):
        east, north, _ = plate_velocity(lon, lat, PlateMotion("ITRF2014-PMM"))
        if not np.isfinite(float(east)):
            raise ValueError("no plate here")
        return float(east), float(north)

    figure, (axis,) = sheet()
    world(axis)
    world_arrows(axis, speed, BEFORE)
    title(axis, "ITRF2014-PMM: plates move by 1 to 10 cm a year")
    return figure


def moved_grid(text):
    figure, (axis,) = sheet()
    bare(axis)
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 8), np.linspace(0.0, 1.0, 6))
    cells = ground(x[:-1, :-1] * 0.7, y[:-1, :-1] * 0.7)
    for dx, dy, colour, alpha in ((0.0, 0.0, GREY, 0.35), (0.45, 0.16, AFTER, 1.0)):
        axis.pcolormesh(x * 1.6 + dx, y + dy, cells, cmap="YlGnBu_r", alpha=alpha, edgecolor=colour, linewidth=0.5)
    axis.annotate("", (0.45, 1.16), (0.0, 1.0), arrowprops={"arrowstyle": "-|>", "color": BEFORE, "linewidth": 1.2,
                                                         "shrinkA": 0, "shrinkB": 0})
    axis.text(0.12, 1.24, "E, N", fontsize=TEXT, color=BEFORE)
    axis.text(2.12, 0.05, "+ dh", fontsize=TEXT, color=AFTER)
    axis.set_xlim(-0.1, 2.5)
    axis.set_ylim(-0.08, 1.36)
    title(axis, text)
    return figure


@figure_of("reframeitrfraster")
def reframed_raster():
    return moved_grid("the georeference moves; no cell is resampled")


@figure_of("propagateepochraster")
def propagated_raster():
    return moved_grid("the ground's motion moves the georeference")


@figure_of("blockwisecoregister")
def blockwise():
    figure, (before, field, after) = sheet(3)
    show_dh(before, dh_before() + noise())
    title(before, "dh before")
    show_ground(field, alpha=0.35)
    blocks = (np.arange(5) + 0.5) / 5
    x, y = np.meshgrid(blocks, blocks)
    field.quiver(x, y, *waves(x, y), color=AFTER, width=0.022, headwidth=3.5, headlength=3.5, scale=0.09)
    for edge in np.arange(1, 5) / 5:
        field.axhline(edge, color=GREY, linewidth=0.4)
        field.axvline(edge, color=GREY, linewidth=0.4)
    title(field, "shift by block", AFTER)
    show_dh(after, noise())
    title(after, "dh after")
    return figure


@figure_of("coregistertiles")
def tiles():
    figure, (before, after) = sheet(2)
    for axis, text, jumps in ((before, "tiles as delivered", True), (after, "seams closed", False)):
        x, y = lattice(120)
        step = ((x * 3).astype(int) * 0.9 + (y * 2).astype(int) * 1.7) % 2.3 if jumps else np.zeros_like(x)
        axis.imshow(0.5 * ground(x, y) + step, cmap="YlGnBu_r", vmin=-1.2, vmax=3, extent=(0, 1, 0, 1), aspect="auto")
        for edge in (1 / 3, 2 / 3):
            axis.axvline(edge, color=BEFORE if jumps else AFTER, linewidth=0.6, linestyle=(0, (3, 2)))
        axis.axhline(0.5, color=BEFORE if jumps else AFTER, linewidth=0.6, linestyle=(0, (3, 2)))
        title(axis, text)
    return figure


def profile(x):
    return 0.5 + 0.16 * np.sin(9 * x) + 0.07 * np.sin(21 * x + 1)


@figure_of("coregisterpoints")
def points():
    figure, axes = sheet(2)
    x = np.linspace(0, 1, 200)
    seen = np.linspace(0.06, 0.94, 13)
    for axis, shift, text, colour in ((axes[0], 0.07, "DEM beside the points", BEFORE),
                                      (axes[1], 0.0, "DEM on the points", AFTER)):
        axis.plot(x, profile(x - shift) - shift, color=colour, linewidth=1.1)
        axis.plot(seen, profile(seen), "o", color=INK, markersize=2.2)
        axis.set_ylim(0.1, 0.9)
        title(axis, text, colour)
    return figure


@figure_of("coregisterseries", "series_onto_reference")
def series():
    figure, (stack, gains) = sheet(2, wspace=0.25, bottom=0.16)
    for place, year in enumerate((2000, 2008, 2016)):
        stack.imshow(shade(ground(*lattice(80))), cmap="gray", vmin=-0.2, vmax=1.1, zorder=place,
                     extent=(0.1 + 0.12 * place, 0.65 + 0.12 * place, 0.05 + 0.16 * place, 0.55 + 0.16 * place),
                     aspect="auto")
        stack.text(0.67 + 0.12 * place, 0.07 + 0.16 * place, str(year), fontsize=TEXT - 1.5, color=INK)
    stack.set_xlim(0, 1.1)
    stack.set_ylim(0, 1)
    bare(stack)
    title(stack, "DEMs of many dates")
    for place, (before, after) in enumerate(((5, 1.6), (3.6, 1.2), (4.2, 1.4))):
        gains.bar(place - 0.19, before, 0.34, color=BEFORE)
        gains.bar(place + 0.19, after, 0.34, color=AFTER)
    gains.set_xlabel("NMAD of each, before and after", fontsize=TEXT - 1.2, color=INK, labelpad=2)
    title(gains, "onto one reference")
    return figure


@figure_of("correctbias")
def bias():
    figure, (before, model, after) = sheet(3)
    x, y = lattice(70)
    ramp = 0.22 * (x - 0.5) + 0.14 * np.sin(14 * (x + 0.4 * y))
    for axis, dh, text, colour in ((before, ramp + noise(), "dh", INK), (model, ramp, "ramp and waves", AFTER),
                                   (after, noise(), "dh without them", INK)):
        show_dh(axis, dh)
        title(axis, text, colour)
    return figure


@figure_of("applyshifts")
def apply_shifts():
    figure, (field, other) = sheet(2)
    x, y = np.meshgrid((np.arange(7) + 0.5) / 7, (np.arange(5) + 0.5) / 5)
    field.quiver(x, y, *waves(x, y), color=AFTER, width=0.012, scale=0.13)
    title(field, "saved shifts", AFTER)
    gx, gy = lattice(120)
    colours = np.dstack([0.45 + 0.25 * np.sin(9 * gx + 4 * gy), 0.55 + 0.2 * np.cos(8 * gy),
                         0.4 + 0.2 * np.sin(6 * gx)])
    other.imshow(np.clip(colours, 0, 1), extent=(0, 1, 0, 1), aspect="auto")
    other.quiver(x, y, *waves(x, y), color="white", width=0.012, scale=0.13)
    title(other, "on any other raster")
    return figure


@figure_of("nmadreport")
def nmad():
    figure, (axis,) = sheet(bottom=0.2)
    dh = np.linspace(-6, 6, 300)
    for centre, spread, colour, text in ((-0.8, 2.0, BEFORE, "before"), (0.0, 0.8, AFTER, "after")):
        curve = np.exp(-0.5 * ((dh - centre) / spread) ** 2) / spread
        axis.fill_between(dh, curve, color=colour, alpha=0.3, linewidth=0)
        axis.plot(dh, curve, color=colour, linewidth=1.0)
        axis.text(centre + 1.1 * spread, 0.75 / spread, text, fontsize=TEXT, color=colour)
    axis.annotate("", (-0.8, 0.26), (1.2, 0.26), arrowprops={"arrowstyle": "<->", "color": INK, "linewidth": 0.8})
    axis.text(-0.7, 0.31, "NMAD", fontsize=TEXT - 0.5, color=INK)
    axis.axvline(0, color=GREY, linewidth=0.5)
    axis.set_ylim(0, 1.4)
    axis.set_xlabel("dh = reference - secondary", fontsize=TEXT, color=INK, labelpad=2)
    title(axis, "median: the bias; NMAD: the spread of ordinary cells")
    return figure


@figure_of("importaltimetry", "altimetry_to_frame_epoch")
def altimetry():
    figure, (axis,) = sheet()
    x = np.linspace(0, 1, 300)
    axis.fill_between(x, profile(x), color=PALE, linewidth=0)
    axis.plot(x, profile(x), color=GREY, linewidth=0.8)
    shots = np.linspace(0.05, 0.95, 19)
    axis.plot([0.5, 0.5], [0.98, profile(0.5)], color=BEFORE, linewidth=0.8)
    axis.plot(shots, profile(shots), "o", color=AFTER, markersize=2.4)
    axis.plot(0.5, 0.98, marker="v", color=BEFORE, markersize=5)
    axis.text(0.5, 0.17, "frame, epoch and height of every shot", fontsize=TEXT - 0.5, color=INK, ha="center")
    axis.set_ylim(0.1, 1.05)
    title(axis, "ICESat, IceBridge, ICESat-2: files to points")
    return figure


@figure_of("elevationchange")
def change():
    figure, (axis,) = sheet()
    x = np.linspace(0, 1, 300)
    fallen = profile(x) - 0.17 * np.exp(-((x - 0.45) / 0.22) ** 2)
    axis.plot(x, profile(x), color=BEFORE, linewidth=1.0)
    axis.plot(x, fallen, color=AFTER, linewidth=1.0)
    for place in np.linspace(0.2, 0.75, 6):
        top, foot = np.interp(place, x, profile(x)), np.interp(place, x, fallen)
        axis.annotate("", (place, foot), (place, top), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.7,
                                                                "shrinkA": 0, "shrinkB": 0, "mutation_scale": 6})
    axis.text(0.03, 0.83, "1993", fontsize=TEXT, color=BEFORE)
    axis.text(0.16, 0.83, "2018", fontsize=TEXT, color=AFTER)
    axis.set_ylim(0.1, 0.92)
    title(axis, "pairs of two dates, in one frame and epoch")
    return figure


def chain(*steps):
    figure, (axis,) = sheet(top=1.0, bottom=0.0)
    figure.set_size_inches(WIDTH, HEIGHT / 2)
    bare(axis)
    for place, (text, colour) in enumerate(steps):
        axis.text(place, 0.5, text, ha="center", va="center", fontsize=TEXT + 1, color="white", linespacing=1.3,
                  bbox={"boxstyle": "round,pad=0.7", "facecolor": colour, "linewidth": 0})
        if place:
            axis.annotate("", (place - 0.34, 0.5), (place - 0.66, 0.5), arrowprops={
                "arrowstyle": "-|>", "color": INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0})
    axis.set_xlim(-0.5, len(steps) - 0.5)
    axis.set_ylim(0, 1)
    return figure


@figure_of("points_to_frame_epoch")
def points_model():
    return chain(("any frames\nand dates", GREY), ("reframe,\npropagate", BEFORE), ("one frame,\none epoch", AFTER))


@figure_of("reframe_coregister_report")
def pair_model():
    return chain(("reframe", BEFORE), ("coregister", AFTER), ("report", GREY))


def save(name, figure):
    """As a picture of few colours: a third of the size."""
    whole = io.BytesIO()
    figure.savefig(whole, dpi=DPI)
    path = TARGET / f"{name}.png"
    few = Image.open(whole).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(path.relative_to(ROOT), path.stat().st_size)


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or FIGURES:
        save(name, FIGURES[name]())


if __name__ == "__main__":
    main()
