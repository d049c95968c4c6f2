"""The report as files: HTML for people, JSON for programs, CSV for tables."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ..progress import Progress, Silent
from ..raster.writing import write_text
from ..statistics.robust import DEFINITIONS, Summary
from . import html
from .comparison import Comparison, Pair
from .expectation import Expectation
from .expectation import section as beforehand_section
from .figures import figures, png
from .tiles import COVER

SCHEMA = "commonground-comparison/1"
NONE = "\u2013"
MINUS = "\u2212"
LISTED_BLOCKS = 200
LISTED_ZONES = 100
DIVISIONS = {"slope": "the slope of the {terrain}", "aspect": "the direction downhill in the {terrain}",
             "elevation": "the elevation of the {terrain}",
             "curvature": "the curvature of the {terrain} (1/100 m, ridges positive)",
             COVER: "land cover"}
CSS_PIXELS = 88  # to an inch of figure: lettering of one size, that of the text

CAPTIONS = {
    "Difference maps": "dh on one colour scale, centred on zero, over the {terrain}'s hillshade. "
                       "{element}. Pale and outlined: not stable terrain.",
    "Histogram of dh": "dh on stable terrain. Solid: the normal curve of median and NMAD; dashed: that of "
                       "mean and STD. Where they part, outliers rule the STD.",
    "Quantiles against the normal": "Quantiles of dh on stable terrain against those of the standard normal. "
                                    "A normal dh follows the straight line of median and NMAD; tails that "
                                    "leave it are heavier than normal.",
    "NMAD by slope": "NMAD of dh on stable terrain by the slope of the {terrain} (Horn's method).",
    "Errors by slope and curvature": "NMAD of dh (m), {state}, on stable terrain by slope and by the size of the "
                                     "curvature (1/100 m). Errors are judged against it below.",
    "Variogram of errors": "dh over its spread, {state}: half the mean square difference of {counted} a distance "
                           "apart (Dowd's robust estimate, circles) and the nested model fitted to it. Where it "
                           "is below the sill, errors are correlated. Vertical lines: ranges.",
    "dh / tan(slope) by aspect": "Medians of dh / tan(slope) on stable slopes of 3° to 60°, and the cosine of "
                                 "Nuth and Kääb (2011). Its amplitude is a horizontal shift, its crest the "
                                 "direction in which the secondary has to move.",
    "Status of blocks": "What became of each block, and how many stable cells it rests on.",
    "Shifts by block": "The shift of each block: metres to add to the secondary's position and height. X "
                       "and Y share a scale. Hatched blocks were not fully relied on (see the legend).",
}


def write_html(model: Comparison, path: str, title: str = "NMAD Report",
               sections: Sequence[html.Section] = (), progress: Progress | None = None) -> None:
    """One self-contained HTML file; `sections` follow the statistics. Raises OutputError."""
    progress = progress or Silent()
    lead = (f"{model.secondary.name} on the terrain of {model.reference.name}" if model.given
            else f"{model.reference.name} against {model.secondary.name}")
    if model.aligned:
        lead += f", aligned as {model.aligned.name}"
    parts = [html.Section("At a glance", _glance(model)), html.Section("Accuracy", _accuracy(model)),
             html.Section("Classes", "".join(_classes(model, by) for by in _divisions(model))),
             *([beforehand_section(model.beforehand)] if model.beforehand else []),
             html.Section("Vertical datum", _datum(model)), *sections]
    if model.zones:
        parts.append(html.Section("Zones", _zones(model)))
    if model.errors:
        parts.append(html.Section("Errors as they are", _errors(model)))
    state = model.errors.state if model.errors else ""
    factor = model.maps.factor
    element = f"Each element is the mean of {factor} x {factor} cells" if factor > 1 else "Cell by cell"
    if model.counted == "points":
        element = f"Each element is the mean of the points in {factor} x {factor} cells"
    for name, figure in figures(model).items():
        progress.step(1.0, "Drawing the report")
        caption = CAPTIONS[name].format(element=element, state=state, terrain=model.terrain, counted=model.counted)
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
    writer.writerow(["group", "low", "high", "label", "state", *keys])
    for group, low, high, label, pair in _groups(model):
        for state, summary in (("before", pair.before), ("after", pair.after)):
            if summary is not None:
                values = (getattr(summary, key) for key in keys)
                known = ("" if value != value else value for value in values)
                writer.writerow([group, low, high, label, state, *known])
    write_text(path, stream.getvalue())


def as_dict(model: Comparison) -> dict:
    """The model without its maps, as JSON holds it."""
    return {
        "schema": SCHEMA,
        "dh": "reference - secondary (before), reference - aligned (after), metres",
        "definitions": {part.key: {"label": part.label, "definition": part.text, "unit": part.unit}
                        for part in DEFINITIONS},
        "statistics": [{"group": group, "low": low, "high": high, "label": label, **asdict(pair)}
                       for group, low, high, label, pair in _groups(model)],
        "histogram": {"edges": model.histogram.edges.tolist(), "before": model.histogram.before.tolist(),
                      "after": None if model.histogram.after is None else model.histogram.after.tolist()},
        "beforehand": _beforehand(model.beforehand),
        "vertical_datum": asdict(model.datum),
        "errors": asdict(model.errors) if model.errors else None,
        "zones": [asdict(zone) for zone in model.zones],
        "blocks": [asdict(block) for block in model.blocks],
        "sources": [asdict(source) for source in _sources(model)],
        "resampling": {"kernel": model.kernel, "resampled": list(model.resampled)},
        "parameters": model.parameters,
        "versions": model.versions,
        "methods": methods(model),
        "started": model.started,
        "seconds": model.seconds,
    }


def _beforehand(known: Expectation | None) -> dict | None:
    if known is None:
        return None
    return {**asdict(known), "unexplained": known.unexplained, "verdict": known.verdict(),
            "signs": "metres to add to the secondary: x and y along the reference's map axes, up"}


def methods(model: Comparison) -> str:
    """What was done, ready for a paper."""
    after = model.stable.after
    reference, secondary = (f"{part.name} ({part.crs}, {part.points:,} points)" if part.points else
                            f"{part.name} ({part.crs}, cells of {part.cell:.4g} m)"
                            for part in (model.reference, model.secondary))
    where = "at the points" if model.counted == "points" else "on the grid of the reference"
    if model.given:
        text = f"Elevation differences dh were taken from {secondary}, the terrain from {reference}. "
    else:
        text = (f"Elevation differences dh = reference {MINUS} secondary were computed between {reference} and "
                f"{secondary} {where}. ")
    if model.counted == "points":
        text += f"The DEM was sampled at each point with a {model.kernel} kernel. "
    elif model.resampled:
        text += f"{' and '.join(model.resampled)} were resampled to it with a {model.kernel} kernel. "
    else:
        text += "All elevations lie on that grid already; nothing was resampled. "
    if after is not None:
        text += f"Differences after alignment use {model.aligned.name} on the same {model.counted} as those before. "
    terrain = (f"All {model.counted} were taken as stable terrain" if model.rest is None else
               f"Stable terrain was set by masks, which leave {model.rest.before.count:,} {model.counted} aside")
    text += (
        f"{terrain}; the statistics rest on {model.stable.before.count:,} {model.counted}. The spread is the NMAD, "
        "1.4826 times the median absolute deviation from the median (Höhle and Höhle, 2009, "
        "doi:10.1016/j.isprsjprs.2009.02.003); LE90 and LE95 are the 90th and 95th percentiles of |dh|. "
        f"Slope is Horn's (1981), from the {model.terrain}. "
        f"Before alignment the median is {_metres(model.stable.before.median)} and the NMAD "
        f"{_metres(model.stable.before.nmad)}"
    )
    if after is not None:
        text += f"; after it, {_metres(after.median)} and {_metres(after.nmad)}"
    text += ". "
    if model.errors is not None:
        text += _error_methods(model)
    if model.datum.size is not None:
        text += f"{model.datum.verdict} "
    if model.parameters:
        given = ", ".join(f"{name} {value}" for name, value in model.parameters.items())
        text += f"Parameters: {given}. "
    software = ", ".join(f"{name} {version}" for name, version in model.versions.items())
    return text + f"Computed with {software}."


def _error_methods(model: Comparison) -> str:
    errors = model.errors
    text = (f"The spread of dh was modelled by slope and curvature (NMAD in bins of equal shares, interpolated), and "
            f"the spatial correlation of dh over that spread by a variogram (Dowd's estimator) of {errors.cells:,} "
            f"{model.counted} in clusters of log-spaced distances, after Hugonnet et al. (2022, "
            "doi:10.1109/JSTARS.2022.3188922)")
    if errors.model is not None:
        parts = " and ".join(f"{part.form} (range {part.range:,.0f} m, sill {part.sill:.2f})"
                             for part in errors.model.components)
        text += f"; the model is a nugget of {errors.model.nugget:.2f}{' plus ' + parts if parts else ''}"
    if model.zones:
        text += (". Uncertainties of means and volumes over zones are one standard deviation, from the sum of all "
                 "covariances within each zone")
    return text + ". "


def _groups(model: Comparison) -> list[tuple]:
    rows = [("stable", None, None, "", model.stable)]
    if model.rest is not None:
        rows.append(("rest", None, None, "", model.rest))
    return rows + [(row.by, _bound(row.low), _bound(row.high), row.label, row.pair) for row in model.classes]


def _bound(edge: float) -> float | None:
    """The edge of a class; open ones have none."""
    return edge if math.isfinite(edge) else None


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
    entries.append((model.counted.capitalize(), f"{before.count:,}", "on stable terrain"))
    notice = html.notice(model.datum.verdict) if model.datum.size is not None else ""
    return html.cards(entries) + notice


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
    same = f"Before and after on the same {model.counted}. " if model.aligned else ""
    return html.table(head, rows, range(1, 1 + len(columns)), f"{same}dh = reference {MINUS} secondary.")


def _columns(prefix: str, pair: Pair) -> list[tuple[str, Summary]]:
    if pair.after is None:
        return [(prefix.rstrip(", "), pair.before)]
    return [(f"{prefix}before", pair.before), (f"{prefix}after", pair.after)]


def _divisions(model: Comparison) -> list[str]:
    return list(dict.fromkeys(row.by for row in model.classes))


def _classes(model: Comparison, by: str) -> str:
    shown = (("median", "Median"), ("nmad", "NMAD"), ("rmse", "RMSE"), ("le90", "LE90"))
    states = ("before", "after") if model.aligned else ("before",)
    head = [by.capitalize(), model.counted.capitalize(), *(f"{label}{' ' + state if model.aligned else ''}"
                                        for _, label in shown for state in states)]
    rows = [[row.label, f"{row.pair.before.count:,}",
             *(_number(getattr(getattr(row.pair, state), key)) for key, _ in shown for state in states)]
            for row in model.classes if row.by == by]
    return html.table(head, rows, range(1, len(head)),
                      f"Stable {model.counted} by {DIVISIONS[by].format(terrain=model.terrain)}; metres.")


def _zones(model: Comparison) -> str:
    head = ["Zone", model.counted.capitalize(), "Cover (%)", "Area (km²)", "Median", "NMAD", "Mean dh",
            "Volume (10⁶ m³)", f"Independent {model.counted}"]
    rows = [[str(index), f"{zone.count:,}", _number(zone.cover, 1), _number(zone.area / 1e6),
             _number(zone.median), _number(zone.nmad), _measured(zone.mean, zone.mean_sigma),
             _measured(zone.volume / 1e6, zone.volume_sigma / 1e6), _number(zone.n_eff, 1)]
            for index, zone in enumerate(model.zones[:LISTED_ZONES], 1)]
    caption = (f"{'Reference ' + MINUS + ' aligned' if model.aligned else 'Reference ' + MINUS + ' secondary'}"
               "; metres, after ± one standard deviation. Volume is mean dh times the area in the overlap: voids "
               "count as the rest.")
    if len(model.zones) > LISTED_ZONES:
        caption += f" The first {LISTED_ZONES} of {len(model.zones)}; the zones layer holds all."
    return html.table(head, rows, range(9), caption)


def _errors(model: Comparison) -> str:
    errors = model.errors
    text = (f"From a sample of {errors.cells:,} stable {model.counted}, {errors.state} alignment. "
            if model.aligned else f"From a sample of {errors.cells:,} stable {model.counted}. ")
    text += (f"The NMAD of dh goes from {_metres(float(errors.spread.nmad.min()))} to "
             f"{_metres(float(errors.spread.nmad.max()))} with slope and curvature. ")
    found = errors.model
    if found is None:
        return html.paragraph(text + f"There were too few pairs of {model.counted} for a variogram.")
    if not found.resolved:
        text += ("Errors are still alike at the largest distances seen: their sill is not certain, and "
                 "uncertainties of means may be too small. ")
    rows = [["nugget", _number(found.nugget), NONE]]
    rows += [[part.form, _number(part.sill), _number(part.range, 1)] for part in found.components]
    parts = html.table(["Part", "Sill", "Range (m)"], rows, (1, 2),
                       "Variogram of dh over its spread; the sills add up to about one.")
    shifts = "".join(
        html.paragraph(f"Horizontal shift seen in dh / tan(slope), {state}: {_number(curve.shift[0])} m east, "
                       f"{_number(curve.shift[1])} m north, to add to the secondary's position.")
        for state, curve in zip(("before", "after"), errors.aspects) if curve is not None)
    return html.paragraph(text) + parts + shifts


def _datum(model: Comparison) -> str:
    rows = [[step.reference, step.secondary,
             "unknown: no grid" if step.predicted is None else _number(step.predicted, 2)]
            for step in model.datum.steps]
    head = ["Reference's heights above", "Secondary's heights above", "dh (m)"]
    caption = "The step that each pair of vertical datums would make over this overlap."
    return html.paragraph(model.datum.verdict) + html.table(head, rows, (2,), caption)


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
        [[part.role, part.name, part.crs, f"{part.points:,} points" if part.points else f"{part.cols} x {part.rows}",
          NONE if part.points else f"{part.cell:.4g}", part.data_type,
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
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", MINUS)  # + 0.0: no negative zero


def _measured(value: float, sigma: float) -> str:
    return f"{_number(value)} ± {_number(sigma)}" if math.isfinite(sigma) else _number(value)


def _metres(value: float) -> str:
    return f"{_number(value)} m"


def _plain(value):
    """The same with lists for arrays and without NaN, which JSON does not know."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
