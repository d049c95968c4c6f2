"""Names from data stay text, paths stay where the user pointed, temporary files stay private; the package is safe."""

import ast
import json
import os
import re
import stat
import sys
import threading
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from commonground.core.raster.dem import Dem
from commonground.core.raster.grid import Grid
from commonground.core.raster.writing import HIDDEN, RasterWriter, Stage, whole_file
from osgeo import gdal, ogr

sys.path.insert(0, str(Path(__file__).resolve().parent))
from hostile import EAST, UP, Folder, checksums, hills, square, wkt

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<script>alert(1)<·script> \"&' $x^{$"
"""A name that HTML, XML and matplotlib's formulas would each take for something else."""


# Names from data

class Tags(HTMLParser):
    """The tags of a page and their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def harmless(path) -> str:
    """A page without script, handlers or anything from outside; its text."""
    page = Path(path).read_text(encoding="utf-8")
    found = Tags(page)
    assert not found.tags & {"script", "iframe", "object", "embed", "link", "base", "form"}, found.tags
    assert not [name for name in found.attributes if name.startswith("on")]
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "default-src 'none'" in page
    return page


@pytest.fixture
def hostile_pair(tmp_path):
    folder = Folder(tmp_path)
    return folder, {"REFERENCE": folder.raster(f"{EVIL} reference.tif"),
                    "SECONDARY": folder.raster(f"{EVIL} secondary.tif", hills(east=EAST, up=UP))}


def test_files_called_script_stay_text_in_every_report(hostile_pair, run_algorithm):
    folder, pair = hostile_pair
    zones = folder.vector("zones.gpkg", [square()], 32611, {"name": ogr.OFTString}, [[EVIL]], ogr.wkbPolygon)
    run_algorithm("blockwisecoregister", {**pair, "BLOCK_SIZE": 48, "OUTPUT": folder.out(f"{EVIL}.tif"),
                                          "SHIFTS": folder.out("shifts.gpkg"), "REPORT": folder.out("a.html"),
                                          "SHIFT_MODEL": folder.out("model.json")})
    run_algorithm("nmadreport", {**pair, "ZONES": zones, "OUTPUT": folder.out("b.html"), "JSON": folder.out("b.json"),
                                 "CSV": folder.out("b.csv")})
    for page in ("a.html", "b.html"):
        assert "&lt;script&gt;" in harmless(folder.out(page))
    assert EVIL in json.dumps(json.loads(Path(folder.out("b.json")).read_text(encoding="utf-8")), ensure_ascii=False
                              ).replace('\\"', '"')
    assert EVIL in json.loads(Path(folder.out("model.json")).read_text(encoding="utf-8"))["name"]


def test_fields_and_layers_called_script_stay_text(run_algorithm, tmp_path):
    """A layer's name in a frame report, its history in QGIS' XML; group values in a report of points."""
    from qgis.core import QgsVectorLayer

    folder = Folder(tmp_path)
    path = folder.vector("points.gpkg")
    results = run_algorithm("reframeitrf", {
        "INPUT": QgsVectorLayer(path, EVIL, "ogr"), "SOURCE_FRAME": "ITRF93", "TARGET_FRAME": "ITRF2014",
        "EPOCH": "1993.5", "OUTPUT": folder.out("moved.shp"), "REPORT": folder.out("frames.html")})
    assert "&lt;script&gt;" in harmless(folder.out("frames.html"))
    assert results["COUNT"] == 1
    from qgis.PyQt.QtXml import QDomDocument

    for metadata in Path(folder.outputs).glob("*.qmd"):
        assert QDomDocument().setContent(metadata.read_text(encoding="utf-8"))[0]
    from bad_inputs import good_points

    secondary = folder.raster("secondary.tif", hills(up=UP))
    points = good_points(folder_of(tmp_path, "more"))
    dataset = ogr.Open(points, 1)
    dataset.GetLayer(0).CreateField(ogr.FieldDefn("who", ogr.OFTString))
    for feature in dataset.GetLayer(0):
        feature.SetField("who", EVIL)
        dataset.GetLayer(0).SetFeature(feature)
    dataset = None
    run_algorithm("coregisterpoints", {"POINTS": points, "SECONDARY": secondary, "METHOD": "vertical_shift",
                                       "GROUP_FIELD": "who", "OUTPUT": folder.out("aligned.tif"),
                                       "REPORT": folder.out("points.html")})
    assert "&lt;script&gt;" in harmless(folder.out("points.html"))


def folder_of(home, name):
    (home / name).mkdir()
    return Folder(home / name)


def test_tags_called_script_stay_text(tmp_path):
    """Tags and a CRS's own name travel through rasters and reports."""
    from commonground.core.report.comparison import compare
    from commonground.core.report.document import write_html

    evil = wkt(32633).replace("WGS 84 / UTM zone 33N", "<img src=x onerror=alert(1)>")
    grid = Grid((4e5, 30, 0, 5e6, 0, -30), 64, 64, evil)
    paths = []
    for name, up in (("a", 0.0), ("b", 1.0)):
        paths.append(str(tmp_path / f"{name}.tif"))
        with RasterWriter(paths[-1], grid, tags={"TIFFTAG_IMAGEDESCRIPTION": "<script>alert(1)</script>"}) as writer:
            writer.write(hills(64, 64, up=up))
    write_html(compare(*map(Dem.open, paths)), str(tmp_path / "report.html"))
    assert "onerror=" not in harmless(tmp_path / "report.html").replace("&lt;img src=x onerror=", "")


# Paths

def test_what_is_read_cannot_say_where_to_write(run_algorithm, tmp_path):
    """Shift rasters and shifts whose texts are paths: one file appears, where OUTPUT says."""
    from bad_inputs import applying, edited_shifts

    folder = Folder(tmp_path)
    parameters = applying(folder)
    dataset = gdal.Open(parameters["SHIFT_RASTERS"], gdal.GA_Update)
    for key in ("OUTPUT", "PATH", "COMMONGROUND_PATH", "COMMONGROUND_OUTPUT", "FILE_NAME"):
        dataset.SetMetadataItem(key, str(tmp_path / "elsewhere.tif"))
    dataset.GetRasterBand(1).SetDescription("../../elsewhere.tif")
    dataset = None
    before = checksums(tmp_path)
    run_algorithm("applyshifts", parameters)
    run_algorithm("applyshifts", {**edited_shifts(folder_of(tmp_path, "more"), reason="../../elsewhere.tif"),
                                  "OUTPUT": folder.out("again.tif")})
    new = set(checksums(tmp_path)) - set(before)
    assert {name for name in new if not name.startswith("more/inputs")} == {"outputs/moved.tif", "outputs/again.tif"}


def test_the_ready_models_name_no_file_and_run_nothing():
    """Models are data: no paths, no Python, none but our own and QGIS' native algorithms."""
    models = sorted((ROOT / "models").glob("*.model3"))
    assert models
    for model in models:
        text = model.read_text(encoding="utf-8")
        used = set(re.findall(r'value="((?:commonground|native|qgis|gdal|script|exec)[:\w]*)" name="alg_id"', text)
                   + re.findall(r'name="alg_id"[^>]*value="([^"]+)"', text))
        assert used and all(name.split(":")[0] in ("commonground", "native") for name in used), used
        assert not re.findall(r'value="(?:/|[A-Z]:\\|https?:|file:)', text)


# Temporary files

def test_temporary_files_are_private(tmp_path):
    old = os.umask(0o022)
    try:
        with Stage() as stage, whole_file(stage.path(str(tmp_path / "a.txt"))) as temporary:
            modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (temporary, os.path.dirname(temporary))]
            assert modes == [0o600, 0o700]
            assert os.path.basename(os.path.dirname(temporary)).startswith(HIDDEN)
        assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644
    finally:
        os.umask(old)


def test_the_umask_is_never_opened(tmp_path):
    """While one thread publishes a file, another's new files are not suddenly everybody's."""
    seen, stop = [], threading.Event()

    def watch():
        number = 0
        while not stop.is_set():
            number += 1
            path = tmp_path / f"other{number}"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            seen.append(stat.S_IMODE(path.stat().st_mode))
            path.unlink()

    old = os.umask(0o022)
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for _ in range(300):
            with whole_file(str(tmp_path / "a.txt")) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write("x")
    finally:
        stop.set()
        thread.join()
        os.umask(old)
    assert seen and not [mode for mode in seen if mode & 0o022]


# What is shipped

NETWORK = ("socket", "ssl", "urllib", "http", "requests", "ftplib", "smtplib", "asyncio", "xmlrpc", "webbrowser",
           "QtNetwork", "QgsNetworkAccessManager", "QgsBlockingNetworkRequest", "QgsFileDownloader")
DANGER = ("pickle", "marshal", "shelve", "subprocess", "ctypes", "multiprocessing", "importlib")
CALLS = ("eval", "exec", "compile", "system", "popen", "spawnl", "execv", "loads_pickle", "allow_pickle")


def test_no_network_pickle_shell_or_eval_in_the_package():
    for path in [ROOT / "__init__.py", ROOT / "plugin.py",
                 *(path for folder in ("core", "processing_provider", "ui") for path in (ROOT / folder).rglob("*.py"))]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in (*NETWORK, *DANGER) and name not in NETWORK, (path, name)
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                regular = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
                assert regular or called not in CALLS, (path, node.lineno, called)
                words = {word.arg for word in node.keywords}
                assert not words & {"shell", "allow_pickle"}, (path, node.lineno)


def test_nothing_in_the_zip_can_be_executed(package):
    if package is None:
        pytest.skip("not a git checkout")
    with zipfile.ZipFile(package) as archive:
        for entry in archive.infolist():
            assert not (entry.external_attr >> 16) & 0o111 or entry.is_dir(), entry.filename
            assert not stat.S_ISLNK(entry.external_attr >> 16), entry.filename
            assert not entry.filename.endswith((".sh", ".so", ".dll", ".exe", ".bat", ".ps1", ".pyc"))
            assert not entry.filename.startswith("/") and ".." not in entry.filename.split("/")
            if not entry.is_dir():
                assert archive.read(entry)[:2] != b"#!", entry.filename


