"""Nuth & Kaab beside xDEM's on the same blocks: python bench/fidelity.py   (half a minute)

Writes what xDEM finds to tests/data/nuth_kaab_xdem.json, which tests/core/coregistration/test_fidelity.py holds the
product's own cosine against, and prints the largest differences.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import house  # noqa: F401
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from as_xdem import BLOCK, WORLDS, blocks_as_xdem  # noqa: E402

PYTHON = ROOT / "build" / "xdem" / "bin" / "python"
PUBLISHED = ROOT / "tests" / "data" / "nuth_kaab_xdem.json"


def theirs(pairs: list) -> dict:
    """What xDEM's NuthKaab finds for the blocks of each pair; its environment as `bench/run.py` makes it."""
    paths = [dem.path for pair in pairs for dem in pair]
    command = [str(PYTHON), str(ROOT / "bench" / "their_blocks.py"), str(BLOCK), *paths]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    """Every world once."""
    with tempfile.TemporaryDirectory() as folder:
        worlds = []
        for number, make in enumerate(WORLDS.values()):
            place = Path(folder) / str(number)
            place.mkdir()
            worlds.append(make(place))
        pairs = [(world.reference, world.secondary) for world in worlds]
        found = theirs(pairs)
        for name, pair, shifts in zip(WORLDS, pairs, found["shifts"]):
            off = np.abs(blocks_as_xdem(*pair) - shifts)
            largest = " / ".join(f"{value:.4f}" for value in off.max(axis=0))
            print(f"{name}: {len(shifts)} blocks, largest difference {largest} m")
    shifts = {name: np.round(values, 5).tolist() for name, values in zip(WORLDS, found["shifts"])}
    PUBLISHED.write_text(json.dumps({"made by": "python bench/fidelity.py", "xdem": found["version"], "block": BLOCK,
                                     "shifts": shifts}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
