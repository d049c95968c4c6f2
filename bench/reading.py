"""How often a coregistration reads its inputs: python bench/reading.py [curved-16] [500]

Counts the cells that each stage asks for, over those of the raster, and what it reads from the files for them (as Linux
counts it: whole tiles, and what is kept of the ground for the field), over their size. Prints the table of
docs/coregistration.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

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
          "solve_strip": "Blocks", "strip_forms": "Field, a pass", "warped_window": "Warp"}


class Watch(Inline):
    """Knows whose work is being done: what is not handed to an executor is the global shift's."""

    def __init__(self):
        super().__init__(Silent())
        self.stage, self.tasks, self.cells, self.bytes = "", Counter(), Counter(), Counter()
        self._before = _read_so_far()

    def submit(self, function, /, *arguments, **options):
        """As Inline's."""
        batch = function.__name__ == "_one_by_one"
        stage = (arguments[0] if batch else function).__name__
        self.tasks[stage] += len(arguments[1]) if batch else 1
        return self.during(stage, super().submit, function, *arguments, **options)

    def during(self, stage: str, function, *arguments, **options):
        """What `function` returns, whose reading counts for a stage."""
        self._turn(stage)
        found = function(*arguments, **options)
        self._turn("")
        return found

    def _turn(self, stage: str) -> None:
        now = _read_so_far()
        self.bytes[self.stage] += now - self._before
        self.stage, self._before = stage, now


def _read_so_far() -> int:
    """Bytes that this process has read."""
    return int(Path("/proc/self/io").read_text().split()[1])


def rows(name: str, block_size: int) -> list[str]:
    """The lines of the table for one world."""
    world, watch = open_world(name), Watch()
    reference, secondary = (Dem.open(world.path(role)) for role in ("reference", "secondary"))
    fill, searched = Reader._fill, global_shift.searched

    def counted(self, band, values, *place):
        watch.cells[watch.stage, self.dem.path] += values.size
        return fill(self, band, values, *place)

    Reader._fill = counted
    global_shift.searched = lambda *arguments: watch.during("search", searched, *arguments)
    pair = Pair(reference, secondary, StableTerrain())
    found = coregister(pair, Settings(block_size=block_size), watch, Silent())
    with tempfile.TemporaryDirectory() as folder:
        warp(found.secondary, found.field, reference.grid, "cubic", f"{folder}/aligned.tif", watch, Silent())
    Reader._fill, global_shift.searched = fill, searched
    cells, passes = world.shape[0] * world.shape[1], watch.tasks["strip_forms"] / watch.tasks["solve_strip"]
    lines = ["| stage | times | of the reference's cells | of the secondary's | read, over the size of both |",
             "|---|---|---|---|---|"]
    for stage, said in STAGES.items():
        times = passes if stage == "strip_forms" else 1
        shares = [watch.cells[stage, dem.path] / times / cells for dem in (reference, secondary)]
        shares.append(watch.bytes[stage] / times / (8 * cells))
        lines.append(f"| {said} | {times:.0f} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    return lines


if __name__ == "__main__":
    print("\n".join(rows(sys.argv[1] if len(sys.argv) > 1 else "curved-16",
                         int(sys.argv[2]) if len(sys.argv) > 2 else 500)))
