"""Fuzz one reader or parser with atheris: `fuzz.py TARGET SECONDS FOLDER`; needs tools/reliability.py's environment.

New inputs are kept in FOLDER; one that breaks the target is written there as crash-*, and its traceback told.
The package is instrumented, so that atheris sees which way an input takes through it.
"""

import importlib
import os
import pkgutil
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run until the time is over or something breaks."""
    import atheris

    name, seconds, folder = sys.argv[1:4]
    sys.path.insert(0, str(ROOT / "tests" / "reliability"))
    with atheris.instrument_imports(include=["commonground", "fuzz_targets"]):
        runpy.run_path(str(ROOT / "tests" / "conftest.py"))
        import commonground.core
        import fuzz_targets

        for module in pkgutil.walk_packages(commonground.core.__path__, "commonground.core."):
            importlib.import_module(module.name)
    target = fuzz_targets.TARGETS[name]
    found = fuzz_targets.CORPUS / name
    inputs = [folder, *([str(found)] if found.is_dir() else [])]
    os.makedirs(folder, exist_ok=True)
    atheris.Setup([sys.argv[0], *inputs, f"-max_total_time={seconds}", f"-artifact_prefix={folder}/crash-",
                   "-rss_limit_mb=1500", "-timeout=20", "-max_len=400", "-print_final_stats=1"], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
