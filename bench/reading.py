"""How often a coregistration reads its inputs: python bench/reading.py [curved-16] [500]

Counts the cells that each stage asks for, over those of the raster, and prints the table of docs/coregistration.md. A
cell that is asked for twice, by two blocks that overlap, say, counts twice.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter

import house  # noqa: F401
from commonground.core.coregistration import global_shift
from commonground.core.coregistration.coregister import Settings, coregister
from commonground.core.coregistration.terrain_window import Pair
from commonground.core.coregistration.warp import warp
from commonground.core.executors import Inline
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem, Reader
from commonground.core.raster.masks import StableTerrain
from worlds import open_world

STAGES = {"search": "Global shift, search at low resolution", "": "Global shift, at full resolution",
          "solve_block": "Blocks", "window_quadratic": "Field, a pass", "warped_window": "Warp"}


class Watching(Inline):
    """Knows whose work is being done: what is not handed to an executor is the global shift's."""

    stage = ""
    tasks: Counter = Counter()

    def submit(self, function, /, *arguments, **options):
        """As Inline's."""
        batch = function.__name__ == "_one_by_one"
        self.stage = (arguments[0] if batch else function).__name__
        self.tasks[self.stage] += len(arguments[1]) if batch else 1
        future = super().submit(function, *arguments, **options)
        self.stage = ""
        return future


def rows(name: str, block_size: int) -> list[str]:
    """The lines of the table for one world."""
    world, executor, asked = open_world(name), Watching(Silent()), Counter()
    reference, secondary = (Dem.open(world.path(role)) for role in ("reference", "secondary"))
    read, searched = Reader._cells, global_shift.searched

    def counted(self, band, window):
        asked[executor.stage, self.dem.path] += window["win_xsize"] * window["win_ysize"]
        return read(self, band, window)

    def told(*arguments):
        executor.stage = "search"
        found = searched(*arguments)
        executor.stage = ""
        return found

    Reader._cells, global_shift.searched = counted, told
    pair = Pair(reference, secondary, StableTerrain())
    found = coregister(pair, Settings(block_size=block_size), executor, Silent())
    with tempfile.TemporaryDirectory() as folder:
        warp(found.secondary, found.field, reference.grid, "cubic", f"{folder}/aligned.tif", executor, Silent())
    Reader._cells, global_shift.searched = read, searched
    cells, passes = world.shape[0] * world.shape[1], executor.tasks["window_quadratic"] / len(found.blocks)
    lines = ["| stage | times | of the reference's cells | of the secondary's |", "|---|---|---|---|"]
    for stage, said in STAGES.items():
        times = passes if stage == "window_quadratic" else 1
        shares = " | ".join(f"{asked[stage, dem.path] / times / cells:.1f}" for dem in (reference, secondary))
        lines.append(f"| {said} | {times:.0f} | {shares} |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows(sys.argv[1] if len(sys.argv) > 1 else "curved-16",
                         int(sys.argv[2]) if len(sys.argv) > 2 else 500)))
