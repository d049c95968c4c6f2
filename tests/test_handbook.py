"""The handbook: made from the registry, and what it names is there."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = ("index", "tutorial", "explained", "reference", "notebook", "gallery")
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


def test_make_docs_brings_what_it_needs():
    """From a clean clone: the demo's results are made first where they are not there."""
    import subprocess

    done = subprocess.run(["make", "-n", "docs", "DEMO=build/not_there.gpkg"], cwd=ROOT, text=True,
                          capture_output=True, check=True)
    steps = [step for step in ("demo/demo.py", "make_help_figures.py", "screenshot.sh", "make_reproductions.py",
                               "altimetry_scenario.py", "make_reference.py") if step in done.stdout]
    assert len(steps) == 6 and done.stdout.index("demo/demo.py") < done.stdout.index("screenshot.sh")


def test_every_picture_is_shown_somewhere():
    pages = "".join(page.read_text(encoding="utf-8") for page in (*DOCS.glob("*.md"), ROOT / "README.md"))
    assert [path.name for path in (DOCS / "images").glob("*.png") if path.name not in pages] == []
