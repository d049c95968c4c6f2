"""HTML, JSON, CSV and figures: complete, self-contained, safe with any name."""

import csv
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from commonground.core.coregistration.blocks import BlockShift
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.masks import StableTerrain, open_mask
from commonground.core.raster.writing import RasterWriter
from commonground.core.report import html
from commonground.core.report.comparison import compare
from commonground.core.report.document import methods, write_csv, write_html, write_json
from commonground.core.report.figures import difference_maps, figures, histogram, png, shift_maps
from commonground.core.statistics.robust import DEFINITIONS
from osgeo import osr

NASTY = "<script>alert('ü & \"x\"')<"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bérichte")
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32611)
    grid = Grid((400000.0, 10.0, 0.0, 3800000.0, 0.0, -10.0), 120, 100, reference.ExportToWkt())
    rows, cols = np.mgrid[:100, :120]
    truth = 500 + 40 * np.sin(rows / 9) + 30 * np.cos(cols / 7)
    noise = np.random.default_rng(1).normal(0, 1, (100, 120))
    mask = np.ones((100, 120))
    mask[:30, :40] = 0

    def write(name, heights):
        with RasterWriter(str(folder / name), grid) as writer:
            writer.write(heights.astype(np.float32))
        return str(folder / name)

    def block(row, col, dx, status, reason=""):
        west, north = 400000.0 + 600 * col, 3800000.0 - 500 * row
        return BlockShift(row, col, (west, north - 500, west + 600, north), dx, 2.0, -0.5, 0.1, 0.1, 0.02,
                          5000, 1.2, 0.6, 14.0, 4, status, reason)

    blocks = [block(0, 0, 1.25, "used"), block(0, 1, -3.5, "rejected", NASTY),
              block(1, 0, 1.0, "downweighted"), block(1, 1, math.nan, "filled")]
    heights = {"reference <b>ä.tif": truth, "secondary.tif": truth + 2 + noise,
               "aligned.tif": truth + noise / 2}
    dems = [Dem.open(write(name, values)) for name, values in heights.items()]
    return compare(*dems, StableTerrain(mask=open_mask(write("mask.tif", mask))), blocks=blocks,
                   parameters={NASTY: NASTY})


class Reading(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.sources, self.open, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        outside = ("src", "href", "srcset", "action", "data")
        self.sources += [value for name, value in attributes if name in outside]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def document(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("html") / "réport.html"
    write_html(model, str(path), sections=[html.Section(f"Mine {NASTY}", html.paragraph(NASTY))])
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reading(document):
    reader = Reading()
    reader.feed(document)
    return reader


def test_html_is_well_formed_and_needs_no_network(document, reading):
    assert reading.open == []
    assert not {"script", "link", "iframe", "object", "embed"} & set(reading.tags)
    assert reading.sources and all(source.startswith("data:image/png;base64,") for source in reading.sources)
    assert not re.search(r"url\(|@import|https?://", document)
    assert "default-src 'none'" in document


def test_names_from_data_are_text(document, reading):
    assert "<script" not in document and "reference <b>" not in document
    text = "".join(reading.text)
    assert text.count(NASTY) >= 4 and "reference <b>ä.tif" in text


def test_html_gives_every_definition_figure_and_section(document, reading, model):
    text = " ".join(reading.text)
    for part in DEFINITIONS:
        assert part.label in text and part.text in text
    assert reading.tags.count("img") == len(figures(model)) == 6
    assert model.secondary.sha256 in text and model.versions["GDAL"] in text
    assert f"{model.stable.after.nmad:.3f}" in text


def test_html_without_aligned_and_blocks(model, tmp_path):
    from dataclasses import replace

    alone = replace(model, aligned=None, rest=None, blocks=(), stable=replace(model.stable, after=None),
                    classes=tuple(replace(row, pair=replace(row.pair, after=None)) for row in model.classes),
                    histogram=replace(model.histogram, after=None),
                    quantiles=replace(model.quantiles, after=None), maps=replace(model.maps, after=None))
    write_html(alone, str(tmp_path / "r.html"), title="Only before")
    write_csv(alone, str(tmp_path / "r.csv"))
    write_json(alone, str(tmp_path / "r.json"))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Only before" in text and "Stable, after" not in text and text.count("<img") == 4
    rows = csv.DictReader((tmp_path / "r.csv").open(encoding="utf-8"))
    assert all(row["state"] == "before" for row in rows)


def test_json_holds_the_same_numbers_and_no_nan(model, tmp_path):
    path = tmp_path / "r.json"
    write_json(model, str(path))
    read = json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert read["schema"] == "commonground-comparison/1"
    stable = read["statistics"][0]
    assert stable["group"] == "stable" and stable["after"]["nmad"] == model.stable.after.nmad
    assert set(stable["before"]) == set(read["definitions"])
    assert [row["group"] for row in read["statistics"]] == ["stable", "rest"] + ["slope"] * 4
    assert read["blocks"][3]["dx"] is None and read["blocks"][0]["dx"] == 1.25
    assert len(read["histogram"]["edges"]) == len(read["histogram"]["before"]) + 1
    assert [source["role"] for source in read["sources"]] == ["reference", "secondary", "aligned"]


def test_csv_holds_the_same_numbers(model, tmp_path):
    path = tmp_path / "r.csv"
    write_csv(model, str(path))
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert len(rows) == 2 * (2 + len(model.classes))
    assert float(rows[1]["nmad"]) == model.stable.after.nmad and rows[1]["state"] == "after"
    assert [(row["low"], row["high"]) for row in rows[4:6]] == [("0.0", "5.0")] * 2


def test_methods_names_numbers_and_parameters(model):
    text = methods(model)
    count = f"{model.stable.before.count:,}"
    for part in ("reference <b>ä.tif", "EPSG:32611", count, "1,200 cells aside", NASTY):
        assert part in text


def test_maps_share_one_scale_centred_on_zero(model):
    figure = difference_maps(model)
    assert len(figure.axes) == 3
    low, high = figure.axes[-1].get_ylim()
    assert (low, high) == pytest.approx((-model.limit, model.limit))
    assert "before" in figure.axes[0].get_title().lower() and "after" in figure.axes[1].get_title().lower()


def test_histogram_is_a_share_of_the_cells(model):
    axis = histogram(model.histogram, model.stable).axes[0]
    assert axis.get_xlabel().endswith("(m)") and "%" in axis.get_ylabel()
    stairs = axis.patches[0].get_data()
    share = (stairs.values * np.diff(stairs.edges)).sum()
    assert share == pytest.approx(100 * model.histogram.before.sum() / model.stable.before.count)


def test_shift_maps_write_values_and_mark_weak_blocks(model):
    figure = shift_maps(model.blocks)
    east, north, up = figure.axes[:3]
    assert {text.get_text() for text in east.texts} == {"+1.25", "\u22123.50", "+1.00"}
    assert {text.get_text() for text in up.texts} == {"\u22120.50"}
    assert sum(bool(patch.get_hatch()) for patch in north.patches) == 3
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {
        "rejected block", "filled block", "downweighted block"}
    # A rejected block's wild value must not wash out the others.
    assert figure.axes[3].get_ylim() == pytest.approx((-2.0, 2.0))


def test_png_is_one(model):
    assert png(histogram(model.histogram, model.stable), dpi=40).startswith(b"\x89PNG")
