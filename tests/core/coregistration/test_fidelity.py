"""Nuth & Kaab from the product's own cosine, sampled and binned as xDEM does: the same shifts on the same blocks."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from as_xdem import BLOCK, WORLDS, blocks_as_xdem

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / "build" / "xdem" / "bin" / "python"
PUBLISHED = json.loads((ROOT / "tests" / "data" / "nuth_kaab_xdem.json").read_text(encoding="utf-8"))
CLOSE = 0.03


@pytest.mark.parametrize("name", list(WORLDS))
def test_the_shifts_are_those_that_xdem_published(tmp_path, name):
    # Made by bench/fidelity.py with xDEM 0.2.3 itself.
    world = WORLDS[name](tmp_path)
    theirs = np.array(PUBLISHED["shifts"][name])
    assert PUBLISHED["block"] == BLOCK and theirs.shape == (9, 3)
    np.testing.assert_allclose(blocks_as_xdem(world.reference, world.secondary), theirs, atol=CLOSE)


@pytest.mark.skipif(not PYTHON.exists(), reason="xDEM's own environment, which make bench makes, is not there")
def test_the_shifts_are_those_of_xdem_run_now(tmp_path):
    world = WORLDS["curved, correlated noise"](tmp_path)
    paths = world.reference.path, world.secondary.path
    run = subprocess.run([str(PYTHON), str(ROOT / "bench" / "their_blocks.py"), str(BLOCK), *paths], check=True,
                         capture_output=True, text=True)
    theirs = np.array(json.loads(run.stdout.splitlines()[-1])["shifts"][0])
    np.testing.assert_allclose(blocks_as_xdem(world.reference, world.secondary), theirs, atol=CLOSE)
