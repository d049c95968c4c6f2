"""Every row of the table of bad inputs, in a real QGIS: the right answer, or one sentence and nothing left behind."""

import re
import runpy
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bad_inputs import CASES
from hostile import Folder
from runs import attempt

pytest.importorskip("qgis.core")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_works_right_or_says_why_not(case, provider, tmp_path, tally):
    folder = Folder(tmp_path)
    parameters = case.given(folder)
    if "SCHEDULER" in parameters:
        pytest.importorskip("distributed")
    there_before = set(folder.outputs.iterdir())
    before = folder.checksums()
    found = attempt(case.algorithm, parameters)
    tally("inputs tried")
    assert found.bug is None, found.bug
    assert folder.checksums() == before, "an input was changed"
    if case.says:
        said = (found.sentence or "nothing").replace(str(tmp_path), "FOLDER")
        assert re.fullmatch(re.escape(case.says).replace(r"\.\.\.", ".*"), said, re.DOTALL), said
        assert set(folder.outputs.iterdir()) == there_before, "something was left behind"
    else:
        assert found.sentence is None, found.sentence
        case.right(found.results, folder)
        assert not [path.name for path in folder.outputs.iterdir() if path.name.startswith(".")]


def test_the_table_is_long_and_names_each_once():
    assert len(CASES) >= 100 and len({case.name for case in CASES}) == len(CASES)
    assert all(bool(case.says) != bool(case.right) for case in CASES)


def test_the_published_page_is_fresh():
    tool = runpy.run_path(str(Path(__file__).resolve().parents[2] / "tools" / "reliability.py"))
    assert tool["PAGE"].read_text(encoding="utf-8") == tool["page"](), "run tools/reliability.py page"


@pytest.mark.parametrize("case", [case for case in CASES if "..." in case.says], ids=lambda case: case.name)
def test_gdal_may_raise_exceptions(case, provider, tmp_path):
    """Another plugin may have called gdal.UseExceptions(): the sentence stays one."""
    from osgeo import gdal

    gdal.UseExceptions()
    try:
        folder = Folder(tmp_path)
        found = attempt(case.algorithm, case.given(folder))
    finally:
        gdal.DontUseExceptions()
    said = (found.sentence or "nothing").replace(str(tmp_path), "FOLDER")
    assert found.bug is None, found.bug
    assert re.fullmatch(re.escape(case.says).replace(r"\.\.\.", ".*"), said, re.DOTALL), said
