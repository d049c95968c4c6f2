"""A DEM judged at points, before and after an alignment, and its report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

import numpy as np

from ..coregistration.coregister import Coregistration
from ..coregistration.points import Points
from ..errors import CoregistrationError
from ..progress import Progress
from ..raster.dem import Dem
from ..statistics.robust import DEFINITIONS, summarize
from ..statistics.vertical_datum import LATTICE, VerticalDatum, judge
from . import html
from .comparison import HISTOGRAM_BINS, HISTOGRAM_SPREADS, Histogram, Pair
from .provenance import Source, describe, versions

LISTED = 200
NONE = "\u2013"


@dataclass(frozen=True)
class Group:
    """Stable points of one track, flight or day."""

    name: str
    pair: Pair


@dataclass(frozen=True)
class PointComparison:
    """dh = point - DEM at the stable points that have a height of the DEM before and after, metres."""

    points: str
    secondary: Source
    stable: Pair
    groups: tuple
    histogram: Histogram
    datum: VerticalDatum
    blocks: tuple
    notes: tuple
    parameters: dict
    started: str
    versions: dict = field(default_factory=versions)


def compare_points(points: Points, secondary: Dem, stable: np.ndarray, dh: np.ndarray, groups: np.ndarray | None,
                   found: Coregistration, parameters: dict, progress: Progress) -> PointComparison:
    """Statistics of `dh` (2, n) before and after at the points that `stable` (n,) marks.

    `groups` are the names of all points that `points` were made of, or None. Raises CoregistrationError where no
    stable point has a height of the DEM in both states.
    """
    good = stable & np.isfinite(dh).all(axis=0)
    if not good.any():
        raise CoregistrationError(
            f"No stable point of {points.name} has a height of {secondary.name} before and after the shift: check "
            "STABLE, UNSTABLE, MASK and the DEM's voids.")
    before, after = dh[:, good]
    pair = Pair(summarize(before), summarize(after))
    chosen = replace(points.some(good), heights=before)
    coarse = chosen.coarsened(max(1, -(-max(points.grid.shape) // LATTICE)))
    datum = judge(pair.before, coarse.read(0, 0, *coarse.grid.shape), coarse.grid)
    if datum.size is not None:
        progress.warn(datum.verdict)
    return PointComparison(
        points=points.name, secondary=describe("secondary", secondary), stable=pair,
        groups=() if groups is None else _grouped(groups[chosen.source], before, after),
        histogram=_histogram(pair, before, after), datum=datum, blocks=tuple(found.blocks), notes=found.notes,
        parameters=parameters, started=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _grouped(names: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple:
    order = np.argsort(names, kind="stable")
    found, first = np.unique(names[order], return_index=True)
    parts = np.split(order, first[1:])
    return tuple(Group(str(name), Pair(summarize(before[part]), summarize(after[part])))
                 for name, part in zip(found, parts))


def _histogram(pair: Pair, before: np.ndarray, after: np.ndarray) -> Histogram:
    states = (pair.before, pair.after)
    reach = [HISTOGRAM_SPREADS * (state.nmad or state.std or 0.1) for state in states]
    low = min(state.median - width for state, width in zip(states, reach))
    high = max(state.median + width for state, width in zip(states, reach))
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    return Histogram(edges, *(np.histogram(dh, edges)[0] for dh in (before, after)))


def write_point_html(model: PointComparison, path: str, title: str = "Coregistration to points") -> None:
    """One self-contained HTML file. Raises OutputError."""
    from ..raster.writing import write_text
    from .figures import histogram, png, shift_maps

    before, after = model.stable.before, model.stable.after
    glance = html.cards([
        ("NMAD", f"{before.nmad:.3f} \u2192 {after.nmad:.3f} m", "before \u2192 after"),
        ("Median", f"{before.median:.3f} \u2192 {after.median:.3f} m", "before \u2192 after"),
        ("Points", f"{before.count:,}", "stable, with a height of the DEM")])
    if model.datum.size is not None:
        glance += html.notice(model.datum.verdict)
    rows = [[part.label, _number(getattr(before, part.key)), _number(getattr(after, part.key)), part.unit, part.text]
            for part in DEFINITIONS]
    sections = [
        html.Section("At a glance", glance),
        html.Section("What was done", "".join(html.paragraph(note) for note in model.notes)),
        html.Section("Accuracy", html.table(["Statistic", "Before", "After", "Unit", "Definition"], rows, (1, 2),
                                            "dh = point \u2212 DEM, before and after at the same stable points.")),
    ]
    if model.groups:
        sections.append(html.Section("Groups", _groups(model.groups)))
    sections.append(html.Section("Histogram of dh", html.picture(png(histogram(model.histogram, model.stable)),
                                                                 "Histogram of dh")))
    if len(model.blocks) > 1:
        sections.append(html.Section("Shifts by block", html.picture(png(shift_maps(model.blocks)), "Shifts by block")))
    facts = [("Points", model.points), ("DEM", model.secondary.name), ("CRS", model.secondary.crs),
             ("SHA-256 of the DEM", model.secondary.sha256 or NONE), ("Started", model.started),
             *model.parameters.items(), *model.versions.items()]
    sections.append(html.Section("Provenance", html.table(["What", "Value"], facts)))
    write_text(path, html.page(title, sections, f"{model.secondary.name} onto {model.points}",
                               f"Common Ground, {model.started}. dh = point \u2212 DEM."))


def _groups(groups: tuple) -> str:
    """Groups by how far their median lies off after the alignment."""
    ordered = sorted(groups, key=lambda group: -abs(group.pair.after.median))[:LISTED]
    rows = [[group.name or NONE, f"{group.pair.before.count:,}",
             *(_number(getattr(state, key)) for key in ("median", "nmad")
               for state in (group.pair.before, group.pair.after))] for group in ordered]
    caption = f"{len(groups)} groups, those furthest off after the alignment first; metres."
    return html.table(["Group", "Points", "Median before", "Median after", "NMAD before", "NMAD after"], rows,
                      range(1, 6), caption)


def _number(value) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return NONE if value != value else f"{value:,.3f}".replace("-", "\u2212")
