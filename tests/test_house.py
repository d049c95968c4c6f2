"""The house: metadata, what is shipped, what may be imported where, and the plugin's life."""

import ast
import configparser
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED_FOLDERS = ("core", "processing_provider", "ui")
SHIPPED = [ROOT / "__init__.py", ROOT / "plugin.py",
           *sorted(path for folder in SHIPPED_FOLDERS for path in (ROOT / folder).rglob("*.py"))]
REQUIRED = ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker",
            "repository", "homepage")
ALGORITHMS = ("applyshifts", "blockwisecoregister", "nmadreport", "propagateepoch", "propagateepochraster",
              "reframeitrf", "reframeitrfraster")


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def metadata():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    return dict(parser["general"])


def loaded_after(code):
    """The modules that a fresh interpreter holds after `code`, the package aliased as in the tests."""
    script = f"import runpy, sys\nrunpy.run_path({str(ROOT / 'tests' / 'conftest.py')!r})\n{code}\n" \
             "print('MODULES', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("MODULES")[2].split())


class TestMetadata:
    def test_every_required_key_is_filled(self, metadata):
        assert [key for key in REQUIRED if not metadata.get(key.lower())] == []

    def test_versions_and_switches(self, metadata):
        assert metadata["qgisminimumversion"] == "3.22" and metadata["qgismaximumversion"] == "4.99"
        assert metadata["supportsqt6"] == "True" and metadata["hasprocessingprovider"] == "yes"
        assert "plugin" not in metadata["name"].lower() and "/" not in metadata["author"]

    def test_icon_exists(self, metadata):
        assert (ROOT / metadata["icon"]).is_file()

    def test_changelog_opens_with_this_version(self, metadata):
        headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
        assert headings[0] == metadata["version"]
        assert metadata["changelog"].startswith(metadata["version"])

    def test_provider_tells_this_version(self, provider, metadata):
        assert provider.versionInfo() == metadata["version"]


class TestImports:
    def test_core_lives_without_qgis(self):
        loaded = loaded_after(
            "sys.meta_path.insert(0, runpy.run_path("
            f"{str(ROOT / 'tests' / 'conftest.py')!r})['NoQgis'])\n"
            "import importlib, pkgutil, commonground.core as core\n"
            "for found in pkgutil.walk_packages(core.__path__, 'commonground.core.'):\n"
            "    importlib.import_module(found.name)")
        modules = {relative(path) for path in (ROOT / "core").rglob("*.py") if path.name != "__init__.py"}
        assert {module for module in modules
                if "commonground." + module[:-3].replace("/", ".") not in loaded} == set()
        assert {name for name in loaded if re.match(r"qgis|PyQt|PySide|sip$", name)} == set()

    def test_blocking_qgis_works(self):
        script = f"import runpy, sys; sys.meta_path.insert(0, runpy.run_path(" \
                 f"{str(ROOT / 'tests' / 'conftest.py')!r})['NoQgis']); import qgis.core"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode != 0 and "is blocked in this run" in done.stderr

    def test_loading_the_provider_is_light(self):
        pytest.importorskip("qgis.core")
        loaded = loaded_after(
            "from qgis.core import QgsApplication\n"
            "from commonground import classFactory\n"
            "plugin = classFactory(None)\n"
            "plugin.initProcessing()\n"
            f"assert len(plugin.provider.algorithms()) >= {len(ALGORITHMS)}\n"
            "plugin.unload()")
        assert loaded & {"scipy", "matplotlib", "pyproj", "osgeo.gdal", "commonground.ui"} == set()


class TestShippedCode:
    """What QGIS' plugin site refuses, and the house's own walls, read from the syntax trees."""

    FORBIDDEN_MODULES = ("pickle", "random", "subprocess", "xml", "PyQt5", "PyQt6", "sip",
                         "matplotlib.pyplot", "pylab")
    FORBIDDEN_CALLS = ("eval", "exec", "compile", "__import__", "exec_", "system", "popen", "mktemp",
                       "processEvents")

    @staticmethod
    def imports(tree):
        """(dotted name, level) of every import."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, 0) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield f"{node.module or ''}.{alias.name}".strip("."), node.level

    def faults(self, path, tree):
        core = path.is_relative_to(ROOT / "core")
        for name, level in self.imports(tree):
            if level == 0 and f"{name}.".startswith(tuple(f"{part}." for part in self.FORBIDDEN_MODULES)):
                yield f"imports {name}"
            if level == 0 and name.split(".")[0] in ("commonground", *SHIPPED_FOLDERS):
                yield f"imports {name} absolutely"
            if core and name.split(".")[0] in ("qgis", "processing", "processing_provider", "ui"):
                yield f"core reaches for {name}"
            if not path.is_relative_to(ROOT / "ui") and "backend_qt" in name:
                yield f"imports {name} outside ui"
            if path.is_relative_to(ROOT / "processing_provider") and level and name.split(".")[0] == "ui":
                yield "the provider reaches for ui"
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                yield f"asserts in line {node.lineno}"
            elif isinstance(node, ast.ExceptHandler):
                if node.type is None:
                    yield f"bare except in line {node.lineno}"
                broad = getattr(node.type, "id", "Exception") in ("Exception", "BaseException")
                silent = (ast.Pass, ast.Continue) if broad else ast.Pass
                if all(isinstance(step, silent) for step in node.body):
                    yield f"swallows an exception in line {node.lineno}"
            elif isinstance(node, ast.Call):
                method = isinstance(node.func, ast.Attribute)
                called = node.func.attr if method else getattr(node.func, "id", "")
                regular = method and getattr(node.func.value, "id", "") == "re"
                if called in self.FORBIDDEN_CALLS and not regular:
                    yield f"calls {called} in line {node.lineno}"
                if any(word.arg == "shell" for word in node.keywords):
                    yield f"opens a shell in line {node.lineno}"

    @pytest.mark.parametrize("path", SHIPPED, ids=relative)
    def test_it_is_clean(self, path):
        assert list(self.faults(path, ast.parse(path.read_text(encoding="utf-8")))) == []

    def test_the_check_itself_finds_faults(self):
        code = ("import pickle, random\nfrom xml.etree import ElementTree\n"
                "from qgis.core import QgsProject\nfrom commonground.core import errors\nassert eval('1')\n"
                "run('x', shell=True)\ntry:\n    dialog.exec_()\nexcept:\n    pass\n"
                "import matplotlib.pyplot as plt\n")
        found = " / ".join(self.faults(ROOT / "core" / "made_up.py", ast.parse(code)))
        for fault in ("pickle", "random", "xml.etree", "core reaches for qgis", "absolutely", "asserts",
                      "calls eval", "calls exec_", "bare except", "swallows", "shell", "pyplot"):
            assert fault in found


class TestZip:
    @pytest.fixture(scope="class")
    def check(self):
        spec = importlib.util.spec_from_file_location("check_zip", ROOT / "tools" / "check_zip.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.faults

    def test_it_holds_what_it_should_and_nothing_else(self, package, check):
        if package is None:
            pytest.skip("not a git checkout")
        assert check(package) == []

    def test_the_check_itself_finds_faults(self, tmp_path, check):
        import zipfile

        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
            archive.writestr("stray.txt", "")
            archive.writestr("commonground/tests/test_house.py", "")
            archive.writestr("commonground/.gitignore", "")
        found = " / ".join(check(tmp_path / "bad.zip"))
        for fault in ("stray.txt lies outside", "LICENSE is missing", "tests/test_house.py should not",
                      ".gitignore should not"):
            assert fault in found


class TestPlugin:
    def test_provider_offers_the_algorithms(self, provider):
        assert set(ALGORITHMS) <= {algorithm.name() for algorithm in provider.algorithms()}

    def test_every_algorithm_explains_itself(self, provider):
        for algorithm in provider.algorithms():
            assert algorithm.shortHelpString() and algorithm.tags() and algorithm.helpUrl()
            model = algorithm.groupId() == "models"
            assert model or not algorithm.flags() & type(algorithm).Flag.FlagNoThreading, "QGIS rules over models"
            assert [definition.name() for definition in algorithm.parameterDefinitions()
                    if not definition.help() and not definition.isDestination()] == []

    @pytest.mark.parametrize("windowed", [False, True], ids=["qgis_process", "desktop"])
    def test_it_comes_and_goes_twice(self, windowed):
        """In a process of its own: the session's provider holds the id in this one."""
        pytest.importorskip("qgis.core")
        loaded_after(LIFE.format(windowed=windowed))


LIFE = """
from unittest.mock import MagicMock
from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QMainWindow
from commonground import classFactory

application = QgsApplication([], True)
application.initQgis()
registry = QgsApplication.processingRegistry()
iface = None
if {windowed}:
    iface = MagicMock()
    window = QMainWindow()
    iface.mainWindow.return_value = window
for _ in range(2):
    plugin = classFactory(iface)
    plugin.initGui()
    assert registry.providerById("commonground") is not None
    if iface:
        plugin.show_dock()
        assert iface.addDockWidget.called
    plugin.unload()
    plugin.unload()
    assert registry.providerById("commonground") is None
if iface:
    assert iface.addPluginToRasterMenu.call_count == iface.removePluginRasterMenu.call_count > 0
    assert iface.addToolBarIcon.call_count == iface.removeToolBarIcon.call_count > 0
    assert iface.addDockWidget.call_count == iface.removeDockWidget.call_count == 2
"""
