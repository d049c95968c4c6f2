"""The figures of a run, and its export: what the dock shows and saves."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from types import SimpleNamespace

from qgis.core import QgsFeatureRequest, QgsVectorLayerFeatureSource

from ..core.errors import CommonGroundError
from .runs import Run

STATES = ("before", "after")


@dataclass(frozen=True)
class DrawnRun:
    """A run ready to be shown: its blocks and their features' ids, its drawings by name, and a sentence where
    something cannot be shown."""

    blocks: list
    ids: dict
    shifts: dict
    differences: dict
    problem: str


class BlockSource:
    """A SHIFTS layer as a thread may read it; made where the layer lives."""

    def __init__(self, layer):
        self._source = QgsVectorLayerFeatureSource(layer)
        self.aspect = _aspect(layer)

    def fields(self):
        return self._source.fields()

    def getFeatures(self):
        return self._source.getFeatures(QgsFeatureRequest())

    def ids(self) -> dict:
        """`(row, col)` -> the feature's id."""
        wanted = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry)
        return {(feature["row"], feature["col"]): feature.id() for feature in self._source.getFeatures(wanted)}


def draw_run(run: Run, source: BlockSource, columns: int, paper) -> DrawnRun:
    """Draw all figures of a run, its shift maps in so many columns. May be called in any thread."""
    from .mpl import draw

    blocks, ids, shifts, problem = [], {}, {}, ""
    try:
        blocks, ids = read_blocks(source), source.ids()
        shifts = shift_figures(blocks, source.aspect, columns)
    except CommonGroundError as error:
        problem = str(error)
    drawn = ({name: draw(figure, paper) for name, figure in figures.items()}
             for figures in (shifts, difference_figures(run)))
    return DrawnRun(blocks, ids, *drawn, problem)


def shift_figures(blocks: list, aspect: float, columns: int = 3) -> dict:
    """The maps of a run's shifts, name -> Figure."""
    from ..core.report.arrow_map import arrow_map
    from ..core.report.figures import shift_maps

    return {"shifts": shift_maps(blocks, aspect, columns), "arrows": arrow_map(blocks, aspect)}


def difference_figures(run: Run) -> dict:
    """The histogram and the quantiles (Q-Q) of dh before and after, name -> Figure, where the run counted them."""
    from ..core.report import figures

    drawn = {}
    counts, quantiles = _histogram(run.facts), _quantiles(run.facts)
    if counts is not None:
        drawn["histogram"] = figures.histogram(*counts)
    if quantiles is not None:
        drawn["quantiles"] = figures.quantile_plot(quantiles)
    return drawn


def read_blocks(source) -> list:
    """The blocks of a SHIFTS layer. Raises VectorError."""
    from ..processing_provider import shifts_layer

    return shifts_layer.read_blocks(source)


def export(run: Run, source: BlockSource, path: str) -> None:
    """Save a run by the ending of `path`: .csv its blocks, .pdf its figures as pages, else `<path>_<name>` for each.

    The figures wear the report's colours. May be called in any thread. Raises CommonGroundError where a file cannot be
    written.
    """
    stem, extension = os.path.splitext(path)
    blocks = read_blocks(source)
    if extension.lower() == ".csv":
        _export_blocks(blocks, path)
        return
    drawn = {**shift_figures(blocks, source.aspect), **difference_figures(run)}
    if extension.lower() == ".pdf":
        _export_pages(drawn, path)
        return
    from ..core.raster.writing import whole_file

    for name, figure in drawn.items():
        with whole_file(f"{stem}_{name}{extension or '.png'}") as temporary:
            figure.savefig(temporary, dpi=200)


def _export_pages(drawn: dict, path: str) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    from ..core.raster.writing import whole_file

    with whole_file(path) as temporary, PdfPages(temporary) as pages:
        for figure in drawn.values():
            pages.savefig(figure)


def _export_blocks(blocks: list, path: str) -> None:
    import csv

    from ..core.raster.writing import whole_file
    from ..processing_provider.shifts_layer import NAMES

    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(NAMES)
        for block in blocks:
            values = [getattr(block, name) for name in NAMES]
            writer.writerow(["" if value != value else value for value in values])


def _aspect(layer) -> float:
    """How much longer a map unit is northwards than eastwards."""
    if not layer.crs().isGeographic():
        return 1.0
    return 1.0 / max(math.cos(math.radians(layer.extent().center().y())), 0.01)


def _summaries(facts: dict, counts: list):
    """Median and NMAD before and after as core's Pair."""
    from ..core.report.comparison import Pair
    from ..core.statistics.robust import Summary

    cells = number(facts.get("cells"))
    return Pair(*(
        Summary(count=int(cells if cells > 0 else sum(values)), median=number(facts.get(f"median_{name}")),
                nmad=number(facts.get(f"nmad_{name}"))) for name, values in zip(STATES, counts)))


def _histogram(facts: dict):
    """`(Histogram, Pair)` of what the run counted, None where it did not."""
    import numpy as np

    from ..core.report.comparison import Histogram

    counted = facts.get("histogram")
    if not isinstance(counted, dict):
        return None
    edges, *counts = (numbers(counted.get(name)) for name in ("edges", *STATES))
    if not edges or any(not values or len(values) + 1 != len(edges) or not sum(values) for values in counts):
        return None
    return Histogram(*(np.array(values) for values in (edges, *counts))), _summaries(facts, counts)


def _quantiles(facts: dict):
    """What the report's quantile plot reads of a comparison; None where the run has no quantiles."""
    import numpy as np

    from ..core.report.comparison import Quantiles

    told = facts.get("quantiles")
    if not isinstance(told, dict):
        return None
    scores, *heights = (numbers(told.get(name)) for name in ("scores", *STATES))
    if not scores or any(not values or len(values) != len(scores) for values in heights):
        return None
    stable = _summaries(facts, heights)
    if not all(math.isfinite(part.median + part.nmad) for part in (stable.before, stable.after)):
        return None
    return SimpleNamespace(quantiles=Quantiles(*(np.array(values) for values in (scores, *heights))), stable=stable)


def number(value) -> float:
    """A fact as a number, NaN where it is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def numbers(values) -> list | None:
    """A list of finite numbers, None where it is anything else."""
    if not isinstance(values, list) or not values:
        return None
    found = [number(value) for value in values]
    return found if all(map(math.isfinite, found)) else None
