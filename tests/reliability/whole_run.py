"""A whole run of the core in a process of its own, to be killed: `whole_run.py FOLDER REFERENCE SECONDARY`.

Says "ready" before it begins and "done" at the end; writes aligned.tif, field.tif, dh.tif and report.html.
"""

import runpy
import sys
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parents[1] / "conftest.py"))

import matplotlib.figure  # noqa: E402, F401
import scipy.ndimage  # noqa: E402, F401
from commonground.core.coregistration.coregister import Settings, coregister  # noqa: E402
from commonground.core.coregistration.terrain_window import Pair  # noqa: E402
from commonground.core.coregistration.warp import replay_tags, warp  # noqa: E402
from commonground.core.executors import open_executor  # noqa: E402
from commonground.core.progress import Silent  # noqa: E402
from commonground.core.raster.dem import Dem  # noqa: E402
from commonground.core.raster.masks import StableTerrain  # noqa: E402
from commonground.core.raster.writing import Stage  # noqa: E402
from commonground.core.report.comparison import compare  # noqa: E402
from commonground.core.report.document import write_html  # noqa: E402

NAMES = ("aligned.tif", "field.tif", "dh.tif", "report.html")


def main(folder: str, reference: str, secondary: str) -> None:
    """What blockwisecoregister does, without QGIS."""
    pair = Pair(Dem.open(reference), Dem.open(secondary), StableTerrain())
    print("ready", flush=True)
    with Stage() as stage, open_executor(2) as executor:
        aligned, field, difference, report = (stage.path(str(Path(folder) / name)) for name in NAMES)
        found = coregister(pair, Settings(block_size=100), executor, Silent())
        warp(pair.secondary, found.field, pair.reference.grid, "cubic", aligned, executor, Silent())
        found.field.write(field, replay_tags(pair.secondary, pair.reference.grid, "cubic"))
        model = compare(pair.reference, pair.secondary, Dem.open(aligned), pair.terrain, blocks=found.blocks,
                        difference=difference, detail=True)
        write_html(model, report)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
