"""The methods on the same blocks of known truth: python bench/methods.py   (two minutes)

Blocks of 100 cells, from flat to steep, under white and correlated noise, all moved alike; each method starts some
metres off. Prints the tables of docs/coregistration.md: how far the used blocks lie from the truth (RMS in x and y / in
z, m) and how many are used; how many lie within one and three of their own sigmas, from the worst axis to the best.
Then what a block costs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import house  # noqa: F401
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from commonground.core.coregistration.block_layout import lay_out
from commonground.core.coregistration.block_shifts import METHODS, solve_blocks
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.executors import Inline
from commonground.core.progress import Silent
from commonground.core.raster.masks import StableTerrain
from worlds import constant_field, make_world

TRUTH, START = np.array([7.0, -5.0, 1.0]), (2.5, -3.0, 0.5)
SIDE, BLOCK, SEED = 800, 100, 90
SLOPES, NOISES = (4, 9, 18, 28), {"white, 0.6 m": (0.6, 0.0), "correlated, 1.2 m": (0.4, 1.2)}
SHIFTING = [name for name in METHODS if name != "vertical_shift"]


def of_world(folder: str, slope: float, noise: tuple) -> dict:
    """By method: `(errors (n, 3), sigmas (n, 3), seconds a block)` of the blocks that are used."""
    world = make_world(Path(folder), constant_field(*TRUTH), size=SIDE, slope=slope, seed=SEED + slope, white=noise[0],
                       correlated_noise=noise[1])
    pair = Pair(world.reference, world.secondary, StableTerrain())
    blocks = lay_out(world.reference.grid, (0, 0, SIDE, SIDE), BLOCK, 0.0)
    found = {}
    for name in SHIFTING:
        began = time.process_time()
        used = [b for b in solve_blocks(pair, blocks, name, TRUTH + START, 0, Inline(Silent()), Silent()) if b.usable]
        seconds = (time.process_time() - began) / len(blocks)
        error = np.array([(b.dx, b.dy, b.dz) for b in used]).reshape(-1, 3) - TRUTH
        sigma = np.array([(b.sigma_dx, b.sigma_dy, b.sigma_dz) for b in used]).reshape(-1, 3)
        found[name] = error, sigma, seconds
    return found


def main() -> None:
    """Both tables."""
    count = (SIDE // BLOCK) ** 2
    worlds = {}
    for said, noise in NOISES.items():
        for slope in SLOPES:
            with tempfile.TemporaryDirectory() as folder:
                worlds[slope, said] = of_world(folder, slope, noise)
    print(f"| slope, noise | {' | '.join(SHIFTING)} |\n|---|{'---|' * len(SHIFTING)}")
    for (slope, said), found in worlds.items():
        cells = []
        for error, _, _ in found.values():
            across, up = np.sqrt(np.mean(error[:, :2] ** 2)), np.sqrt(np.mean(error[:, 2] ** 2))
            cells.append(f"{across:.2f} / {up:.2f} ({100 * len(error) / count:.0f} %)")
        print(f"| {slope}°, {said} | {' | '.join(cells)} |")
    print("\n| method | blocks | within 1 sigma | within 3 sigma |\n|---|---|---|---|")
    for name in SHIFTING:
        off = np.concatenate([np.abs(found[name][0] / found[name][1]) for found in worlds.values()])
        within = " | ".join(f"{100 * np.mean(off < limit, axis=0).min():.0f} to "
                            f"{100 * np.mean(off < limit, axis=0).max():.0f} %" for limit in (1, 3))
        print(f"| `{name}` | {len(off)} | {within} |")
    cost = (f"{name} {1000 * np.median([found[name][2] for found in worlds.values()]):.0f}" for name in SHIFTING)
    print(f"\nCPU time of a block (ms): {', '.join(cost)}")


if __name__ == "__main__":
    main()
