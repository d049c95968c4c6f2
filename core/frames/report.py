"""What a change of frame or epoch did: displacements, also over time, the same for PROJ, warnings."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

from ..report.html import Section, cards, page, paragraph, picture, table
from .catalogue import TABLE_VERSION, frame
from .provenance import Place
from .transform import FrameEpoch, PlateMotion, Velocity


@dataclass(frozen=True)
class Way:
    """One row of the table: what was moved, how many or where, and by how much (m)."""

    name: str
    source: FrameEpoch
    target: FrameEpoch
    plate: str
    displacement: tuple


def frames_html(title: str, lead: str, figures: list, ways: list[Way], place: Place, warnings: list) -> str:
    """The report as one self-contained page. figures: `(name, value, note)` each."""
    sections = [Section("Displacement", cards(figures) + _ways_table(ways))]
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
    caption = (f"At {place.lon:.5f}, {place.lat:.5f}: the first row is the change of frame alone, the others "
               "add the motion since the source epoch.")
    return picture(_figure(path), "Displacement east, north and up over time", caption) + table(
        ("Epoch", "East (m)", "North (m)", "Up (m)"), rows, numbers=(0, 1, 2, 3))


def _figure(path) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    epochs = [row[0] for row in path]
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for column, name, colour, mark in ((1, "east", "#0072b2", "o"), (2, "north", "#d55e00", "s"),
                                       (3, "up", "#5b656d", "^")):
        axes.plot(epochs, [row[column] for row in path], color=colour, marker=mark, label=name)
    axes.axhline(0.0, color="#d9dee2", zorder=0)
    axes.set_xlabel("epoch (year)")
    axes.set_ylabel("displacement (m)")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


def _certainty(place):
    parts = []
    for name in dict.fromkeys((place.source.frame, place.target.frame)):
        known = frame(name)
        if known.accuracy_m:
            parts.append(f"{name}: {known.accuracy_m:g} m{' (' + known.note + ')' if known.note else ''}.")
    east, north = place.spread()
    if math.isfinite(east) and math.isfinite(north):
        parts.append(f"The plate motion models differ here by +-{east:.4f} m east and +-{north:.4f} m north "
                     f"over {abs(place.target.epoch - place.source.epoch):.1f} years.")
    if isinstance(place.motion, PlateMotion):
        parts.append("A plate motion model knows no vertical motion: uplift or subsidence is not in these "
                     "figures.")
    return "".join(map(paragraph, parts or ["Both frames are exact by definition."]))


def _proj(place):
    return (paragraph("Paste it into cct; it takes longitude, latitude, height and the source epoch"
                      + (", and holds at this place." if isinstance(place.motion, Velocity) else "."))
            + paragraph(place.pipeline())
            + paragraph(f"Parameter tables of Common Ground, version {TABLE_VERSION}."))
