"""Qt 6 by style: enums are named with their class, and nothing is used that Qt 6 has dropped."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = [ROOT / "plugin.py", *sorted(ROOT.glob("processing_provider/*.py")), *sorted(ROOT.glob("ui/*.py"))]
DROPPED = {"exec_", "print_", "toTime_t", "QRegExp", "QDesktopWidget", "setResizeMode", "MidButton", "qApp"}
EVERYWHERE = {"QVariant", "Qgis.QGIS_VERSION", "Qgis.QGIS_VERSION_INT"}
"""No enums, or the same on Qt 6: qgis.PyQt gives QVariant.Int and its like there, too."""


def faults(tree):
    """Unscoped enums (`Qt.AlignRight` for `Qt.AlignmentFlag.AlignRight`) and names that are gone."""
    scopes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = getattr(node.value, "id", "")
        constant = node.attr[:1].isupper() and id(node) not in scopes | called
        if owner.startswith("Q") and constant and not {owner, f"{owner}.{node.attr}"} & EVERYWHERE \
                and not is_class(owner, node.attr):
            yield f"{owner}.{node.attr} in line {node.lineno}"
        if node.attr in DROPPED:
            yield f"{node.attr} in line {node.lineno}"


def is_class(owner, name):
    """True for a class in a class, such as an enum that is given a short name."""
    from qgis import core, gui
    from qgis.PyQt import QtCore, QtGui, QtWidgets

    found = next((getattr(place, owner) for place in (core, gui, QtCore, QtGui, QtWidgets) if hasattr(place, owner)),
                 None)
    return isinstance(getattr(found, name, None), type)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_enums_are_scoped(path):
    pytest.importorskip("qgis.core")
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_check_itself_finds_faults():
    pytest.importorskip("qgis.core")
    found = list(faults(ast.parse("a = Qt.AlignRight\nb = QFrame.NoFrame\nd.exec_()\n"
                                  "c = Qt.AlignmentFlag.AlignRight\nK = QgsProcessingParameterNumber.Type\n")))
    assert [fault.split()[0] for fault in found] == ["Qt.AlignRight", "QFrame.NoFrame", "exec_"]
