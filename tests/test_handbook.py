"""The handbook: made from the registry, and what it names is there."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from worlds import constant_field, make_world, wkt

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = ("index", "tutorial", "explained", "reference", "coregistration", "notebook", "gallery")
WORDS = {"itrf": "reframeitrf", "plate": "propagateepoch", "coregistration": "blockwisecoregister",
         "nuth": "blockwisecoregister"}


def tool(name):
    pytest.importorskip("qgis.core")
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def test_the_reference_is_what_the_registry_says(provider):
    assert text_of("reference") == tool("make_reference").page(provider), "run make docs"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page):
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text_of(page)) if "://" not in target]
    assert [target for target in targets if not (DOCS / target).exists()] == []


def test_every_parameter_and_output_is_explained(provider):
    silent = [(algorithm.id(), definition.name()) for algorithm in provider.algorithms()
              for definition in algorithm.parameterDefinitions()
              if not definition.description() or not (definition.help() or ":" in definition.name())]
    assert silent == []
    assert [(algorithm.id(), output.name()) for algorithm in provider.algorithms()
            for output in algorithm.outputDefinitions() if not output.description()] == []


@pytest.mark.parametrize(("word", "name"), WORDS.items())
def test_words_that_people_type_find_the_algorithm(provider, word, name):
    algorithm = provider.algorithm(name)
    assert any(word in text.lower() for text in (algorithm.displayName(), *algorithm.tags()))


def test_every_algorithm_has_an_icon_of_its_own_group(provider):
    for algorithm in provider.algorithms():
        assert (ROOT / "resources" / "icons" / f"{algorithm.groupId()}.svg").is_file()
        assert not algorithm.icon().isNull()


def test_the_notebook_page_has_the_figures_of_the_core():
    """The page is made by a command; these are its numbers again, from the notebook itself."""
    text = text_of("notebook")
    for printed, ours in (("0.005", "E -0.00504"), ("0.028", "N -0.02794"), ("0.37", "E -0.41262"),
                          ("0.33", "N +0.32966"), ("0.0007", "U +0.00071")):
        assert re.search(rf"\| {re.escape(printed)} \| [\d.]+ \| {re.escape(ours)} \|", text)


def test_quoted_figures_are_called_quoted():
    text = " ".join(text_of("gallery").split())
    assert "3.42 m before and 2.20 m after" in text and "quoted" in text


def numbers(line):
    return [float(number) for number in re.findall(r"[\d.]+", line.split("|", 2)[2])]


def test_the_table_of_kernels_is_what_the_command_prints():
    made = subprocess.run([sys.executable, ROOT / "bench" / "kernels.py"], text=True, capture_output=True, check=True)
    head, _, *rows = made.stdout.splitlines()
    text = text_of("coregistration").splitlines()
    assert head in text and len(rows) == 4
    for row in rows:
        kernel = row.split("|", 2)[1]
        (printed,) = (line for line in text if line.startswith(f"|{kernel}|"))
        np.testing.assert_allclose(numbers(printed), numbers(row), rtol=0.05)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """A folder where the handbook's Python has run: a DEM that lay 12 m too far west, 7 m too far north, 1.5 m low."""
    folder = tmp_path_factory.mktemp("handbook")
    make_world(folder, constant_field(12.0, -7.0, 1.5), size=400, slope=14, white=0.2)
    (code,) = re.findall(r"```python\n(.*?)```", text_of("coregistration"), re.S)
    setup = "import sys; sys.path.insert(0, 'bench'); import house; import os; os.chdir(sys.argv[1])\n"
    model = ("\nfrom commonground.core.coregistration.deformation_model import write_deformation_model\n"
             "write_deformation_model(found.field, 'model.json', 'handbook')\n")
    subprocess.run([sys.executable, "-c", setup + code + model, str(folder)], cwd=ROOT, check=True)
    return folder


def heights(path):
    from osgeo import gdal

    return gdal.Open(str(path)).ReadAsArray()[30:-30, 30:-30]


def test_the_handbooks_python_aligns_a_pair(aligned):
    dh = heights(aligned / "reference.tif") - heights(aligned / "aligned.tif")
    assert abs(np.median(dh)) < 0.01 and np.std(dh) < 0.35


@pytest.mark.skipif(shutil.which("gdalwarp") is None, reason="GDAL's commands are not there")
def test_the_handbooks_stock_commands_move_alike(aligned):
    (commands,) = re.findall(r"```bash\n(.*?)```", text_of("coregistration"), re.S)
    (aligned / "points_on_the_secondary.csv").write_text("x,y,z\n502000,7798000,100\n", encoding="utf-8")
    commands = commands.replace("/data/model.json", str(aligned / "model.json"))
    commands = commands.replace("secondary.tif moved.tif", "-te 500000 7796000 504000 7800000 -tr 10 10 secondary.tif "
                                "moved.tif")
    commands = commands.replace("moved.gpkg points_on_the_secondary.gpkg",
                                "-f CSV moved.csv points_on_the_secondary.csv -oo X_POSSIBLE_NAMES=x -oo "
                                "Y_POSSIBLE_NAMES=y -oo Z_POSSIBLE_NAMES=z -lco GEOMETRY=AS_XYZ")
    subprocess.run(["bash", "-ec", commands], cwd=aligned, check=True)
    assert np.median(np.abs(heights(aligned / "moved.tif") - heights(aligned / "aligned.tif"))) < 0.02
    moved = (aligned / "moved.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[:3]
    np.testing.assert_allclose([float(value) for value in moved], [502012, 7797993, 101.5], atol=0.05)


def test_the_handbooks_steps_for_degrees_move_a_point(tmp_path):
    from commonground.core.coregistration.deformation_model import write_deformation_model
    from commonground.core.coregistration.shift_field import ShiftField
    from commonground.core.raster.grid import Grid
    from pyproj import Geod, Transformer

    grid = Grid((-118.3, 1 / 3600, 0.0, 34.6, 0.0, -1 / 3600), 900, 900, wkt(4326))
    write_deformation_model(ShiftField.constant(grid, (12.0, -7.0, 1.5)), str(tmp_path / "model.json"), "handbook")
    (before,) = re.findall(r"`(\+step \+proj=axisswap .*?)` before", text_of("coregistration"))
    swap, to_radians = re.findall(r"\+step [^`]*?(?= \+step|$)", before)
    after = f"{to_radians.replace('_in=deg', '_in=rad').replace('_out=rad', '_out=deg')} {swap}"
    moved = Transformer.from_pipeline(
        f"+proj=pipeline {before} +step +inv +proj=defmodel +model={tmp_path / 'model.json'} {after}").transform(
        34.5, -118.2, 100.0, 2010.0)
    azimuth, _, way = Geod(ellps="WGS84").inv(-118.2, 34.5, moved[1], moved[0])
    east, north = way * np.sin(np.radians(azimuth)), way * np.cos(np.radians(azimuth))
    np.testing.assert_allclose((east, north, moved[2]), (12.0, -7.0, 101.5), atol=0.01)


def test_make_docs_brings_what_it_needs():
    """From a clean clone: the demo's results are made first where they are not there."""
    done = subprocess.run(["make", "-n", "docs", "DEMO=build/not_there.gpkg"], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    steps = [step for step in ("demo/demo.py", "make_help_figures.py", "screenshot.sh", "make_reproductions.py",
                               "altimetry_scenario.py", "make_reference.py") if step in done.stdout]
    assert len(steps) == 6 and done.stdout.index("demo/demo.py") < done.stdout.index("screenshot.sh")


def test_every_picture_is_shown_somewhere():
    pages = "".join(page.read_text(encoding="utf-8") for page in (*DOCS.glob("*.md"), ROOT / "README.md"))
    assert [path.name for path in (DOCS / "images").glob("*.png") if path.name not in pages] == []
