"""Does a zip hold what QGIS' plugin site accepts and users need? `check_zip.py FILE` lists it or says what is
wrong."""

import sys
import zipfile
from pathlib import PurePosixPath

FOLDER = "commonground"
SHIPPED = {"__init__.py", "plugin.py", "metadata.txt", "LICENSE", "README.md", "CHANGELOG.md",
           "core", "processing_provider", "ui", "resources", "models"}
NEEDED = ("resources/icons/commonground.svg", "resources/help/blockwisecoregister.png",
          "models/reframe_coregister_report.model3",
          "processing_provider/provider.py", "ui/dock.py", "core/frames/data/frames.csv")
ENDINGS = {"", ".py", ".txt", ".md", ".csv", ".svg", ".png", ".model3", ".json", ".css", ".qm", ".qml"}
SOMETIMES = {"i18n"}
"""Folders that a zip of the sources alone does not have: `make package` adds the compiled translations."""
LARGEST = 25e6


def faults(path) -> list:
    """One sentence for each thing that is wrong with the zip."""
    with zipfile.ZipFile(path) as archive:
        names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
        size = sum(info.compress_size for info in archive.infolist())
    found = [f"{name} lies outside {FOLDER}/" for name in names if name.parts[0] != FOLDER]
    inside = [name.relative_to(FOLDER) for name in names if name.parts[0] == FOLDER]
    top = {name.parts[0] for name in inside}
    found += [f"{name} is missing" for name in sorted(SHIPPED - top)]
    found += [f"{name} is missing" for name in NEEDED if PurePosixPath(name) not in inside]
    found += [f"{name} should not be shipped" for name in inside
              if name.parts[0] not in SHIPPED | SOMETIMES or name.suffix not in ENDINGS
              or any(part.startswith(".") or part == "__pycache__" for part in name.parts)]
    if size > LARGEST:
        found.append(f"{size / 1e6:.0f} MB are more than the plugin site takes")
    return found


if __name__ == "__main__":
    problems = faults(sys.argv[1])
    if problems:
        sys.exit("\n".join(problems))
    with zipfile.ZipFile(sys.argv[1]) as package:
        print(*package.namelist(), sep="\n")
    print(f"{sys.argv[1]} is ready to install: QGIS > Plugins > Install from ZIP")
