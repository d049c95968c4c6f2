"""The other language: complete, with the same placeholders, and shown by the algorithms and the windows."""

import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("make_translations", ROOT / "tools" / "make_translations.py")
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


@pytest.fixture(scope="module", params=tool.LANGUAGES)
def known(request):
    return tool.translations(ROOT / "i18n" / f"commonground_{request.param}.ts")


def test_every_text_is_translated(known):
    assert [text for text in tool.literals() if text not in known] == [], "translate these in i18n, make translations"


def test_placeholders_and_paragraphs_are_kept(known):
    def parts(text):
        return sorted(re.findall(r"\{[^}]*\}", text)), text.count("\n"), text.count(";;")

    assert [text for text, translated in known.items() if parts(text) != parts(translated)] == []


def test_ids_parameters_and_choices_stay_english(known):
    """Scripts use them: a word in capitals with an underscore is the same in every language."""
    def names(text):
        return set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text))

    assert [text for text, translated in known.items() if names(text) != names(translated)] == []


def test_qgis_speaks_it(tmp_path):
    pytest.importorskip("qgis.core")
    lrelease = tool.compiler()
    if lrelease is None:
        pytest.skip("no lrelease here")
    compiled = tmp_path / "commonground_de.qm"
    subprocess.run([lrelease, "-silent", str(ROOT / "i18n" / "commonground_de.ts"), "-qm", str(compiled)], check=True)
    script = textwrap.dedent(f"""
        import runpy
        runpy.run_path({str(ROOT / 'tests' / 'conftest.py')!r})
        from qgis.core import QgsApplication
        from qgis.PyQt.QtCore import QTranslator
        application = QgsApplication([], True)
        application.initQgis()
        translator = QTranslator()
        assert translator.load({str(compiled)!r})
        QgsApplication.installTranslator(translator)
        from commonground import classFactory
        plugin = classFactory(None)
        plugin.initProcessing()
        algorithm = plugin.provider.algorithm("blockwisecoregister")
        reference = algorithm.parameterDefinition("REFERENCE")
        print(algorithm.id(), algorithm.displayName(), reference.description(), sep="|")
        plugin.unload()
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == \
        "commonground:blockwisecoregister|Blockweise koregistrieren|Referenz-Höhenmodell"
