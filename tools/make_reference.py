"""Make docs/reference.md from the algorithms as they are declared now (`make docs`); `--check` only compares."""

import re
import sys
from pathlib import Path

from qgis.core import QgsApplication

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "reference.md"
KINDS = {
    "source": "vector layer", "raster": "raster layer", "multilayer": "layers", "enum": "choice", "number": "number",
    "string": "text", "boolean": "yes or no", "field": "field", "sink": "vector file", "distance": "distance",
    "rasterDestination": "raster file", "fileDestination": "file", "folderDestination": "folder", "file": "file",
    "extent": "extent", "crs": "CRS", "outputNumber": "number", "vectorDestination": "vector file",
    "datetime": "date", "band": "band", "vector": "vector layer", "expression": "expression",
}
FIGURE = re.compile(r'<img src="[^"]*/([^"/]+)"[^>]*>')
HEAD = """# Reference

Every algorithm with its parameters and outputs, made from the registry by `make docs`; not edited by hand.
Ids and parameter names are what scripts, models and `qgis_process` use, and do not change between versions.
Lengths are metres unless said otherwise; dh is always reference minus secondary.
"""


def lines_of(provider):
    """The whole page, line by line."""
    yield HEAD
    groups = {}
    for algorithm in provider.algorithms():
        groups.setdefault((algorithm.groupId() == "models", algorithm.group()), []).append(algorithm)
    for (_, group), algorithms in sorted(groups.items()):
        yield f"\n## {group}\n"
        for algorithm in sorted(algorithms, key=lambda one: one.name()):
            yield from lines_of_algorithm(algorithm)


def lines_of_algorithm(algorithm):
    yield f"\n### {algorithm.displayName()}\n\n`{algorithm.id()}`\n"
    yield f"{description_of(algorithm)}\n"
    yield "| parameter | kind | default | meaning |\n|---|---|---|---|"
    for definition in algorithm.parameterDefinitions():
        yield f"| `{definition.name()}` | {kind_of(definition)} | {default_of(definition)} | {meaning_of(definition)} |"
    numbers = [output for output in algorithm.outputDefinitions()
               if algorithm.parameterDefinition(output.name()) is None]
    if numbers:
        yield "\n| output | meaning |\n|---|---|"
        for output in numbers:
            yield f"| `{output.name()}` | {cell(output.description())} |"


def description_of(algorithm):
    """A model's help is a page of HTML: its first paragraph describes it."""
    text = algorithm.shortHelpString()
    figure = FIGURE.search(text)
    if text.startswith("<html>"):
        text = text.partition("<p>")[2].partition("</p>")[0] + (f"\n\n{figure[0]}" if figure else "")
    return FIGURE.sub(lambda found: f"![{algorithm.displayName()}](../resources/help/{found[1]})", text).strip()


def kind_of(definition):
    kind = KINDS.get(definition.type(), definition.type())
    return f"{kind}, optional" if definition.flags() & type(definition).Flag.FlagOptional else kind


def default_of(definition):
    value = definition.defaultValue()
    return "" if value is None or definition.isDestination() else f"`{value}`"


def meaning_of(definition):
    text = f"{definition.description()}. {definition.help()}"
    if definition.type() == "enum":
        options = definition.options()
        shown = ", ".join(f"`{option}`" for option in options[:12])
        text += f" One of {shown}" + (f" and {len(options) - 12} more." if len(options) > 12 else ".")
    return cell(text)


def cell(text):
    return " ".join(text.replace("|", "\\|").split())


def page(provider):
    """docs/reference.md as it should be."""
    return "\n".join(lines_of(provider)).replace("\n\n\n", "\n\n").strip() + "\n"


def main():
    application = QgsApplication([], True)
    application.initQgis()
    sys.path.append(str(Path(QgsApplication.pkgDataPath()) / "python" / "plugins"))
    sys.path.insert(0, str(ROOT / "build" / "qgis" / "plugins"))
    from commonground.processing_provider.provider import CommonGroundProvider
    from processing.core.Processing import Processing

    Processing.initialize()
    provider = CommonGroundProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    made = page(provider)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if TARGET.read_text(encoding="utf-8") == made else f"{TARGET.name} is out of date: run make docs")
    TARGET.write_text(made, encoding="utf-8")
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
