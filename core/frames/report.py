"""What a change of frame or epoch did: displacements, also over time, the same for PROJ, warnings."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np

from ..report.html import Section, cards, page, paragraph, picture, table
from .catalogue import TABLE_VERSION, frame
from .plates import boundary_distance, boundary_segments
from .provenance import NEAR_BOUNDARY, Place
from .transform import FrameEpoch, PlateMotion, Velocity


@dataclass(frozen=True)
class Way:
    """One row of the table: what was moved, how many or where, and by how much (m)."""

    name: str
    source: FrameEpoch
    target: FrameEpoch
    plate: str
    displacement: tuple


ARROWS = 250
"""At most this many are drawn."""


def frames_html(title: str, lead: str, figures: list, ways: list[Way], place: Place, warnings: list,
                arrows: tuple = ()) -> str:
    """The report as one self-contained page.

    figures: `(name, value, note)` each. arrows: (lon, lat, east, north) in degrees and m, arrays of one length.
    """
    sections = [Section("Displacement", cards(figures) + _ways_table(ways))]
    if len(arrows) and np.size(arrows[0]):
        sections.append(Section("Map", picture(
            _arrow_map(*map(np.asarray, arrows)), "Horizontal displacement as arrows",
            "Horizontal displacement, enlarged as the key says. Grey: plate boundaries (NNR-MORVEL56).")))
    if place.source.epoch != place.target.epoch:
        sections.append(Section("Displacement over time", _over_time(place)))
    sections += [Section("How sure is this", _certainty(place)), Section("The same in PROJ", _proj(place))]
    if warnings:
        sections.append(Section("Warnings", "".join(map(paragraph, warnings))))
    return page(title, sections, lead)


def _ways_table(ways):
    rows = [(way.name, _at(way.source), _at(way.target), way.plate or "-", *(f"{value:+.4f}" for value in
                                                                           way.displacement)) for way in ways]
    return table(("", "From", "To", "Plate", "East (m)", "North (m)", "Up (m)"), rows, numbers=(4, 5, 6))


def _at(where: FrameEpoch) -> str:
    return f"{where.frame} @ {where.epoch:.10g}"


def _over_time(place):
    path = place.path()
    rows = [(f"{epoch:.2f}", *(f"{value:+.4f}" for value in moved)) for epoch, *moved in path]
    spread = place.spread()
    known = all(map(math.isfinite, spread))
    caption = (f"At {place.lon:.5f}, {place.lat:.5f}: the first row is the change of frame alone, the others "
               "add the motion since the source epoch."
               + (" Bands: half the range of what the plate motion models say." if known else ""))
    return picture(_over_time_figure(path, (*spread, 0.0) if known else None),
                   "Displacement east, north and up over time", caption) + table(
        ("Epoch", "East (m)", "North (m)", "Up (m)"), rows, numbers=(0, 1, 2, 3))


def _over_time_figure(path, spread) -> bytes:
    """path: rows of epoch, east, north, up; spread: half ranges at the last of them, None where unknown."""
    from matplotlib.figure import Figure

    epochs = np.array([row[0] for row in path])
    share = (epochs - epochs[0]) / (epochs[-1] - epochs[0])
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for column, name, colour, mark in ((1, "east", "#0072b2", "o"), (2, "north", "#d55e00", "s"),
                                       (3, "up", "#5b656d", "^")):
        moved = np.array([row[column] for row in path])
        axes.plot(epochs, moved, color=colour, marker=mark, label=name)
        if spread is not None:
            half = share * spread[column - 1]
            axes.fill_between(epochs, moved - half, moved + half, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(0.0, color="#d9dee2", zorder=0)
    axes.set_xlabel("epoch (year)")
    axes.set_ylabel("displacement (m)")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _arrow_map(lon, lat, east, north) -> bytes:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    step = -(-lon.size // ARROWS)
    lon, lat, east, north = (values[::step] for values in (lon, lat, east, north))
    lon = _together(lon)
    west, east_edge, south, north_edge = _extent(lon, lat)
    squeeze = _squeeze(south, north_edge)
    tall = (north_edge - south) / ((east_edge - west) * squeeze)
    figure = Figure(figsize=(7.2, min(max(6.6 * tall + 0.9, 2.8), 7.5)), layout="constrained")
    axes = figure.add_subplot()
    axes.add_collection(LineCollection(boundary_segments(west, south, east_edge, north_edge), colors="#9aa5ad",
                                       linewidths=1.0))
    longest = float(np.hypot(east, north).max())
    arrows = axes.quiver(lon, lat, east, north, color="#0072b2", angles="uv", width=0.0035,
                         scale=max(longest, 1e-9) * max(8.0, 1.6 * math.sqrt(lon.size)), scale_units="width")
    nice = _nice(longest)
    axes.quiverkey(arrows, 0.1, 1.04, nice, f"{nice:g} m", labelpos="E", coordinates="axes")
    axes.set_xlim(west, east_edge)
    axes.set_ylim(south, north_edge)
    axes.set_aspect(1.0 / squeeze)
    axes.set_xlabel("longitude (degrees)")
    axes.set_ylabel("latitude (degrees)")
    return _png(figure)


def _together(lon):
    """Longitudes on one turn: those of a layer across the antimeridian from 0 to 360."""
    lon = (lon + 180.0) % 360.0 - 180.0
    around = lon % 360.0
    return around if np.ptp(around) < np.ptp(lon) else lon


def _extent(lon, lat):
    """`(west, east, south, north)` with a margin, no side less than half as long as the other on the ground."""
    x, y = ((values.max() + values.min()) / 2.0 for values in (lon, lat))
    wide, tall = (0.7 * float(np.ptp(values)) for values in (lon, lat))
    squeeze = _squeeze(float(lat.min()), float(lat.max()))
    wide = max(wide, tall / squeeze / 2.0, 1e-3)
    tall = max(tall, wide * squeeze / 2.0)
    return float(x) - wide, float(x) + wide, max(float(y) - tall, -90.0), min(float(y) + tall, 90.0)


def _squeeze(south: float, north: float) -> float:
    """How long a degree of longitude is drawn beside one of latitude."""
    return max(math.cos(math.radians((south + north) / 2.0)), 0.05)


def _nice(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a positive value; 0.001 for 0."""
    if value <= 0.0:
        return 1e-3
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= value * (1.0 + 1e-9))


def _png(figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def _certainty(place):
    return "".join(map(paragraph, certainty(place)))


def certainty(place: Place) -> list:
    """What is known of the uncertainty of a displacement, as sentences."""
    parts = []
    for name in dict.fromkeys((place.source.frame, place.target.frame)):
        known = frame(name)
        if known.accuracy_m:
            tie = known.parent if known.parent != name else "ITRF2020"
            parts.append(f"{name} is tied to {tie} to about {known.accuracy_m:g} m"
                         f"{' (' + known.note + ')' if known.note else ''}.")
    east, north = place.spread()
    if math.isfinite(east) and math.isfinite(north):
        parts.append(f"The plate motion models differ here by +-{east:.4f} m east and +-{north:.4f} m north "
                     f"over {abs(place.target.epoch - place.source.epoch):.1f} years.")
    if isinstance(place.motion, PlateMotion):
        distance = float(boundary_distance(place.lon, place.lat))
        parts.append(f"The nearest plate boundary is {distance:.0f} km away" + (
            ": the ground may not move as a rigid plate, a measured velocity may be better."
            if distance < NEAR_BOUNDARY else "."))
        parts.append("A plate motion model knows no vertical motion: uplift or subsidence is not in these "
                     "figures.")
    if isinstance(place.motion, Velocity):
        parts.append("The velocity is taken as given: its own uncertainty times the elapsed years adds to this.")
    return parts or ["Both frames are exact by definition."]


def _proj(place):
    return (paragraph("Paste it into cct; it takes longitude, latitude, height and the source epoch"
                      + (", and holds at this place." if isinstance(place.motion, Velocity) else "."))
            + paragraph(place.pipeline())
            + paragraph(f"Parameter tables of Common Ground, version {TABLE_VERSION}."))
