"""Make i18n/commonground_*.ts anew from the sources and compile them (`make translations`).

What is translated already is kept by its English text; texts that are gone are dropped. lrelease makes the .qm that
QGIS loads; it comes with Qt.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "i18n"
LANGUAGES = ("de",)
CONTEXT = "CommonGround"
SOURCES = [ROOT / "plugin.py", *sorted(ROOT.glob("processing_provider/*.py")), *sorted(ROOT.glob("ui/*.py"))]


def literals():
    """Every text that is passed to tr(), with the file it is first seen in."""
    found = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "tr":
                continue
            if not isinstance(node.args[0], ast.Constant):
                sys.exit(f"{path.relative_to(ROOT)}:{node.lineno}: tr() takes a literal, or it cannot be translated")
            found.setdefault(node.args[0].value, path.relative_to(ROOT).as_posix())
    return found


def translations(path):
    """The translated texts of a .ts file by their English ones."""
    if not path.exists():
        return {}
    return {message.findtext("source"): message.findtext("translation")
            for message in ElementTree.parse(path).iter("message") if message.findtext("translation")}


def write(path, language, texts):
    """Write a .ts file; return how many texts have no translation yet."""
    known = translations(path)
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, place in texts.items():
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "location", filename=f"../{place}")
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
    ElementTree.indent(root, " ")
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8")
    return sum(text not in known for text in texts)


def compiler():
    """Qt's lrelease, wherever this system keeps it."""
    places = [*Path("/usr/lib").glob("*/qt*/bin/lrelease"), *Path("/usr/lib/qt6/bin").glob("lrelease")]
    found = [str(place) for place in places] or [shutil.which(name) for name in ("lrelease", "lrelease-qt5")]
    return next(filter(None, found), None)


def main():
    texts = literals()
    lrelease = compiler()
    for language in LANGUAGES:
        path = FOLDER / f"commonground_{language}.ts"
        missing = write(path, language, texts)
        print(f"{path.relative_to(ROOT)}: {len(texts) - missing} of {len(texts)} texts translated")
        if lrelease is None:
            sys.exit("lrelease is missing: install qttools5-dev-tools (Debian) to compile the translation")
        subprocess.run([lrelease, "-silent", str(path)], check=True)


if __name__ == "__main__":
    main()
