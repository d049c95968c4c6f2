"""The package under its own name, whatever this checkout is called: import this before commonground."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if "commonground" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "commonground", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["commonground"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["commonground"])
