"""What QGIS expects of a guest: the locator, batch mode, the keyboard, the help."""

import importlib.util
import re
from pathlib import Path

import pytest

core = pytest.importorskip("qgis.core")
ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("dialog_fixtures", Path(__file__).with_name("test_make_comparable.py"))
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
project, pair, dialog, write_dem, wait_for = (getattr(fixtures, name) for name in (
    "project", "pair", "dialog", "write_dem", "wait_for"))


@pytest.mark.parametrize(("typed", "name"), [
    ("ITRF", "reframeitrf"), ("plate", "propagateepoch"), ("coregistration", "blockwisecoregister"),
    ("Nuth", "blockwisecoregister"), ("nmad", "nmadreport"), ("icesat", "importaltimetry")])
def test_the_locator_finds_algorithms(provider, typed, name):
    """By QGIS' own filter, as the field at the lower left does it."""
    from processing.gui.AlgorithmLocatorFilter import AlgorithmLocatorFilter

    found = []
    search = AlgorithmLocatorFilter()
    search.resultFetched.connect(lambda result: found.append(result.userData))
    search.fetchResults(typed, core.QgsLocatorContext(), core.QgsFeedback())
    assert f"commonground:{name}" in found


def test_every_algorithm_runs_in_batch(provider):
    flag = core.QgsProcessingAlgorithm.Flag.FlagSupportsBatch
    assert [one.name() for one in provider.algorithms() if not one.flags() & flag] == []


def test_every_algorithm_opens_as_a_batch(provider):
    """The batch dialog builds a column for each parameter, as "Run as Batch Process..." does."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    for algorithm in provider.algorithms():
        window = BatchAlgorithmDialog(algorithm.create())
        panel = window.mainWidget()
        assert panel.tblParameters.columnCount() >= 3 and panel.tblParameters.rowCount() >= 1, algorithm.name()
        window.close()
        window.deleteLater()


def mnemonics(window):
    """The letters with Alt that a dialog answers to, by what they belong to."""
    from qgis.PyQt.QtWidgets import QAbstractButton, QLabel

    labels = [label.text() for label in window.findChildren(QLabel) if label.buddy() is not None]
    buttons = [one.text() for one in window.findChildren(QAbstractButton) if one.objectName()]
    return {text: found[1].upper() for text in labels + buttons if (found := re.search(r"&(\w)", text))}


def test_letters_of_the_guided_dialog_are_there_once(dialog):
    letters = mnemonics(dialog)
    assert len(letters) >= 10 and len(set(letters.values())) == len(letters), letters


def test_tab_goes_through_the_guided_dialog_from_top_to_bottom(dialog):
    from qgis.PyQt.QtCore import QPoint

    dialog.show()
    core.QgsApplication.processEvents()
    wanted = [dialog.layers["reference"], dialog.layers["secondary"], dialog.unstable, dialog.frames["reference"],
              dialog.frames["secondary"], dialog.epochs["reference"], dialog.epochs["secondary"], dialog.plate,
              dialog.folder, dialog.run_button]
    order, widget = [], dialog.layers["reference"]
    for _ in range(60):
        found = next((one for one in wanted if one is widget or one.isAncestorOf(widget)), None)
        if found is not None and found not in order:
            order.append(found)
        widget = widget.nextInFocusChain()
    assert order == wanted
    heights = [one.mapTo(dialog, QPoint(0, 0)).y() for one in wanted]
    assert heights == sorted(heights), "as the eye goes"


def test_enter_runs_and_escape_closes(dialog):
    from qgis.PyQt.QtCore import Qt
    from qgis.PyQt.QtTest import QTest

    dialog.show()
    QTest.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.busy
    done = []
    dialog.completed.connect(done.append)
    wait_for(lambda: done)
    assert done[0], dialog.message.text()
    assert dialog.report_button.isDefault(), "Enter opens the report now"
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_every_algorithm_has_a_figure_in_its_help(provider):
    """A file of the package: it shows without network."""
    for algorithm in provider.algorithms():
        found = re.search(r'<img src="(file:[^"]+)" width="\d+">', algorithm.shortHelpString())
        assert found, f"{algorithm.name()}: draw one in tools/make_help_figures.py and run make help-figures"
        path = Path(from_url(found[1]))
        assert path.is_relative_to(ROOT / "resources") and path.read_bytes().startswith(b"\x89PNG")
    assert sum(path.stat().st_size for path in (ROOT / "resources" / "help").iterdir()) < 400_000, "the zip stays small"


def from_url(url):
    from qgis.PyQt.QtCore import QUrl

    return QUrl(url).toLocalFile()


def test_the_figure_is_drawn_in_the_help(provider):
    """As the dialog shows it: in a text browser, which must find the picture."""
    from qgis.PyQt.QtCore import QUrl
    from qgis.PyQt.QtGui import QTextDocument
    from qgis.PyQt.QtWidgets import QTextBrowser

    browser = QTextBrowser()
    text = provider.algorithm("blockwisecoregister").shortHelpString()
    browser.setHtml("".join(f"<p>{part}</p>" for part in text.split("\n")))
    source = re.search(r'<img src="([^"]+)"', text)[1]
    kind = QTextDocument.ResourceType.ImageResource
    assert browser.loadResource(getattr(kind, "value", kind), QUrl(source))


def test_references_stand_in_the_help(provider):
    """Coregistration and frames lean on papers and on published parameters: the help names them."""
    silent = [one.name() for one in provider.algorithms() if one.groupId() != "models"
              and not re.search(r"doi:|IERS|EPSG|\(\d{4}\)|NSIDC", one.shortHelpString())]
    assert silent == []
