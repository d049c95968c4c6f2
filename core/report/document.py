"""The report as files: HTML for people, JSON for programs, CSV for tables."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from ..raster.writing import write_text
from ..statistics.robust import DEFINITIONS, Summary
from . import html
from .comparison import Comparison, Pair
from .figures import figures, png

SCHEMA = "commonground-comparison/1"
NONE = "\u2013"
MINUS = "\u2212"
LISTED_BLOCKS = 200
CSS_PIXELS = 88  # to an inch of figure: lettering of one size, that of the text

CAPTIONS = {
    "Difference maps": "dh on one colour scale, centred on zero, over the reference's hillshade. "
                       "{element}. Pale and outlined: not stable terrain.",
    "Histogram of dh": "dh on stable terrain. Solid: the normal curve of median and NMAD; dashed: that of "
                       "mean and STD. Where they part, outliers rule the STD.",
    "Quantiles against the normal": "Quantiles of dh on stable terrain against those of the standard normal. "
                                    "A normal dh follows the straight line of median and NMAD; tails that "
                                    "leave it are heavier than normal.",
    "NMAD by slope": "NMAD of dh on stable terrain by the slope of the reference (Horn's method).",
    "Shifts by block": "The shift of each block: metres to add to the secondary's position and height. X "
                       "and Y share a scale. Hatched blocks were not fully relied on (see the legend).",
}


def write_html(model: Comparison, path: str, title: str = "NMAD Report",
               sections: Sequence[html.Section] = ()) -> None:
    """One self-contained HTML file; `sections` follow the statistics. Raises OutputError."""
    lead = f"{model.reference.name} against {model.secondary.name}"
    if model.aligned:
        lead += f", aligned as {model.aligned.name}"
    parts = [html.Section("At a glance", _glance(model)), html.Section("Accuracy", _accuracy(model)),
             html.Section("Slope classes", _slopes(model)), *sections]
    factor = model.maps.factor
    element = f"Each element is the mean of {factor} x {factor} cells" if factor > 1 else "Cell by cell"
    for name, figure in figures(model).items():
        caption = CAPTIONS[name].format(element=element)
        width = round(figure.get_figwidth() * CSS_PIXELS)
        parts.append(html.Section(name, html.picture(png(figure), name, caption, width)))
    if model.blocks:
        parts.append(html.Section("Blocks", _blocks(model)))
    parts += [html.Section("Methods", html.paragraph(methods(model))),
              html.Section("Provenance", _provenance(model))]
    version = model.versions.get("Common Ground", "")
    footer = f"Common Ground {version}, {model.started}. dh = reference {MINUS} secondary."
    write_text(path, html.page(title, parts, lead, footer))


def write_json(model: Comparison, path: str) -> None:
    """The numbers with their definitions, without pictures; unknown values are null. Raises OutputError."""
    write_text(path, json.dumps(_plain(as_dict(model)), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(model: Comparison, path: str) -> None:
    """A row for each group of cells and state, a column for each statistic; metres. Raises OutputError."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    keys = [definition.key for definition in DEFINITIONS]
    writer.writerow(["group", "low", "high", "state", *keys])
    for group, low, high, pair in _groups(model):
        for state, summary in (("before", pair.before), ("after", pair.after)):
            if summary is not None:
                values = (getattr(summary, key) for key in keys)
                known = ("" if value != value else value for value in values)
                writer.writerow([group, low, high, state, *known])
    write_text(path, stream.getvalue())


def as_dict(model: Comparison) -> dict:
    """The model without its maps, as JSON holds it."""
    return {
        "schema": SCHEMA,
        "dh": "reference - secondary (before), reference - aligned (after), metres",
        "definitions": {part.key: {"label": part.label, "definition": part.text, "unit": part.unit}
                        for part in DEFINITIONS},
        "statistics": [{"group": group, "low": low, "high": high, **asdict(pair)}
                       for group, low, high, pair in _groups(model)],
        "histogram": {"edges": model.histogram.edges.tolist(), "before": model.histogram.before.tolist(),
                      "after": None if model.histogram.after is None else model.histogram.after.tolist()},
        "blocks": [asdict(block) for block in model.blocks],
        "sources": [asdict(source) for source in _sources(model)],
        "resampling": {"kernel": model.kernel, "resampled": list(model.resampled)},
        "parameters": model.parameters,
        "versions": model.versions,
        "methods": methods(model),
        "started": model.started,
        "seconds": model.seconds,
    }


def methods(model: Comparison) -> str:
    """What was done, ready for a paper."""
    after = model.stable.after
    text = (
        f"Elevation differences dh = reference {MINUS} secondary were computed between "
        f"{model.reference.name} ({model.reference.crs}, cells of {model.reference.cell:.4g} m) and "
        f"{model.secondary.name} ({model.secondary.crs}, cells of {model.secondary.cell:.4g} m) "
        "on the grid of the reference. "
    )
    if model.resampled:
        text += f"{' and '.join(model.resampled)} were resampled to it with a {model.kernel} kernel. "
    else:
        text += "All elevations lie on that grid already; nothing was resampled. "
    if after is not None:
        text += f"Differences after alignment use {model.aligned.name} on the same cells as those before. "
    terrain = ("All cells were taken as stable terrain" if model.rest is None
               else f"Stable terrain was set by masks, which leave {model.rest.before.count:,} cells aside")
    text += (
        f"{terrain}; the statistics rest on {model.stable.before.count:,} cells. The spread is the NMAD, "
        "1.4826 times the median absolute deviation from the median (Höhle and Höhle, 2009, "
        "doi:10.1016/j.isprsjprs.2009.02.003); LE90 and LE95 are the 90th and 95th percentiles of |dh|. "
        "Slope is Horn's (1981), from the reference. "
        f"Before alignment the median is {_metres(model.stable.before.median)} and the NMAD "
        f"{_metres(model.stable.before.nmad)}"
    )
    if after is not None:
        text += f"; after it, {_metres(after.median)} and {_metres(after.nmad)}"
    text += ". "
    if model.parameters:
        given = ", ".join(f"{name} {value}" for name, value in model.parameters.items())
        text += f"Parameters: {given}. "
    software = ", ".join(f"{name} {version}" for name, version in model.versions.items())
    return text + f"Computed with {software}."


def _groups(model: Comparison) -> list[tuple]:
    rows = [("stable", None, None, model.stable)]
    if model.rest is not None:
        rows.append(("rest", None, None, model.rest))
    return rows + [(row.by, row.low, row.high, row.pair) for row in model.classes]


def _sources(model: Comparison) -> list:
    return [source for source in (model.reference, model.secondary, model.aligned) if source is not None]


def _glance(model: Comparison) -> str:
    before, after = model.stable.before, model.stable.after
    if after is None:
        entries = [("NMAD", _metres(before.nmad), "spread of dh"),
                   ("Median", _metres(before.median), "of dh"),
                   ("LE90", _metres(before.le90), "90th percentile of |dh|")]
    else:
        arrow = " \u2192 "
        entries = [(name, f"{_number(getattr(before, key))}{arrow}{_metres(getattr(after, key))}", note)
                   for name, key, note in (("NMAD", "nmad", _change(before.nmad, after.nmad)),
                                           ("Median", "median", "before \u2192 after"),
                                           ("LE90", "le90", _change(before.le90, after.le90)))]
    entries.append(("Cells", f"{before.count:,}", "stable terrain"))
    return html.cards(entries)


def _change(before: float, after: float) -> str:
    if not before > 0:
        return ""
    percent = 100 * (after / before - 1)
    return f"{abs(percent):.1f} % {'less' if percent < 0 else 'more'}"


def _accuracy(model: Comparison) -> str:
    columns = _columns("Stable, ", model.stable) + (_columns("Rest, ", model.rest) if model.rest else [])
    head = ["Statistic", *(name for name, _ in columns), "Unit", "Definition"]
    rows = [[part.label, *(_value(getattr(summary, part.key), part.unit) for _, summary in columns),
             part.unit, part.text] for part in DEFINITIONS]
    same = "Before and after on the same cells. " if model.aligned else ""
    return html.table(head, rows, range(1, 1 + len(columns)), f"{same}dh = reference {MINUS} secondary.")


def _columns(prefix: str, pair: Pair) -> list[tuple[str, Summary]]:
    if pair.after is None:
        return [(prefix.rstrip(", "), pair.before)]
    return [(f"{prefix}before", pair.before), (f"{prefix}after", pair.after)]


def _slopes(model: Comparison) -> str:
    shown = (("median", "Median"), ("nmad", "NMAD"), ("rmse", "RMSE"), ("le90", "LE90"))
    states = ("before", "after") if model.aligned else ("before",)
    head = ["Slope", "Cells", *(f"{label}{' ' + state if model.aligned else ''}"
                                for _, label in shown for state in states)]
    rows = [[row.label, f"{row.pair.before.count:,}",
             *(_number(getattr(getattr(row.pair, state), key)) for key, _ in shown for state in states)]
            for row in model.classes]
    return html.table(head, rows, range(1, len(head)), "Stable cells, by the slope of the reference; metres.")


def _blocks(model: Comparison) -> str:
    statuses = Counter(block.status for block in model.blocks)
    counted = ", ".join(f"{count} {status}" for status, count in statuses.items())
    text = f"{len(model.blocks)} blocks: {counted}."
    blocks = model.blocks
    if len(blocks) > LISTED_BLOCKS:
        blocks = [block for block in blocks if block.status != "used"][:LISTED_BLOCKS]
        text += f" Listed are {len(blocks)} that are not simply used; the shifts layer holds all."
    head = ["Row", "Col", "dx", "dy", "dz", "Cells", "NMAD before", "NMAD after", "Slope", "Status", "Reason"]
    rows = [[block.row, block.col, _measured(block.dx, block.sigma_dx), _measured(block.dy, block.sigma_dy),
             _measured(block.dz, block.sigma_dz), f"{block.n:,}", _number(block.nmad_before),
             _number(block.nmad_after), _number(block.slope, 1), block.status, block.reason]
            for block in blocks]
    caption = "Metres (slope: degrees); after ± one standard deviation."
    return html.paragraph(text) + html.table(head, rows, range(9), caption)


def _provenance(model: Comparison) -> str:
    files = html.table(
        ["Role", "File", "CRS", "Cells", "Cell (m)", "Type", "Bytes", "SHA-256"],
        [[part.role, part.name, part.crs, f"{part.cols} x {part.rows}", f"{part.cell:.4g}", part.data_type,
          f"{part.bytes:,}" if part.bytes else NONE, part.sha256 or NONE] for part in _sources(model)],
        (3, 4, 6), digits=(7,))
    facts = [("Started", model.started), ("Duration", f"{model.seconds:.1f} s"),
             ("Resampling", f"{model.kernel}: {', '.join(model.resampled)}" if model.resampled else "none"),
             *model.parameters.items(), *model.versions.items()]
    return files + html.table(["What", "Value"], facts)


def _value(value: float, unit: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return _number(value, 2 if unit == "%" else 3)


def _number(value: float, digits: int = 3) -> str:
    if not math.isfinite(value):
        return NONE
    return f"{value:,.{digits}f}".replace("-", MINUS)


def _measured(value: float, sigma: float) -> str:
    return f"{_number(value)} ± {_number(sigma)}" if math.isfinite(sigma) else _number(value)


def _metres(value: float) -> str:
    return f"{_number(value)} m"


def _plain(value):
    """The same without NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
