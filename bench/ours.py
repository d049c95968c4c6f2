"""One whole run of the core, without QGIS: python bench/ours.py REFERENCE SECONDARY OUTPUT

Prints JSON of what it took and found.
"""

import argparse
import json
import sys
import time
from pathlib import Path

START = time.perf_counter(), time.process_time()
sys.path.insert(0, str(Path(__file__).parent))
import house  # noqa: E402, F401


def main() -> None:
    """Coregister and warp; time the phases."""
    options = _options()
    marks = {"start": START}

    def mark(phase):
        marks[phase] = time.perf_counter(), time.process_time()

    import numpy  # noqa: F401
    import scipy.linalg
    import scipy.sparse  # noqa: F401
    from commonground.core.coregistration.coregister import Settings, coregister
    from commonground.core.coregistration.grounds import Survey
    from commonground.core.coregistration.terrain_window import Pair
    from commonground.core.coregistration.warp import warp
    from commonground.core.executors import open_executor
    from commonground.core.progress import Silent
    from commonground.core.raster.dem import Dem
    from commonground.core.raster.masks import StableTerrain, open_mask
    from osgeo import gdal, gdal_array  # noqa: F401
    mark("import")
    passes = _watched(Survey)
    terrain = StableTerrain(mask=open_mask(options.mask) if options.mask else None)
    pair = Pair(Dem.open(options.reference), Dem.open(options.secondary), terrain)
    settings = Settings(method=options.method, block_size=options.block, field=options.field,
                        **({} if options.overlap is None else {"overlap": options.overlap}))
    with open_executor(options.workers, options.scheduler) as executor:
        mark("open")
        found = coregister(pair, settings, executor, Silent())
        mark("fit")
        if not options.fit_only:
            warp(pair.secondary, found.field, pair.reference.grid, options.kernel, options.output, executor, Silent())
            mark("apply")
    if options.shifts:
        found.field.write(options.shifts, {})
    names = list(marks)
    phases = {name: {"wall": marks[name][0] - marks[last][0], "cpu": marks[name][1] - marks[last][1]}
              for last, name in zip(names[:-1], names[1:])}
    blocks = [[*block.centre, block.dx, block.dy, block.dz, block.sigma_dx, block.sigma_dy, block.sigma_dz,
               block.status] for block in found.blocks]
    print(json.dumps({"phases": phases, "passes": passes, "blocks": blocks, "shift": list(found.shift),
                      "notes": list(found.notes)}))


def _watched(survey) -> dict:
    """The seconds (wall) of each pass over the blocks, by what it says of itself, as they come."""
    passes, run = {}, survey.run

    def timed(self, executor, function, more, progress, message):
        start = time.perf_counter()
        found = run(self, executor, function, more, progress, message)
        passes.setdefault(message, []).append(time.perf_counter() - start)
        return found

    survey.run = timed
    return passes


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("secondary")
    parser.add_argument("output")
    parser.add_argument("--mask", default="", help="raster, non-zero where stable")
    parser.add_argument("--block", type=int, default=500)
    parser.add_argument("--overlap", type=float)
    parser.add_argument("--method", default="lzd", help="the default of the algorithm")
    parser.add_argument("--field", default="smooth")
    parser.add_argument("--kernel", default="cubic")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--scheduler", default="", help="address of a Dask scheduler")
    parser.add_argument("--shifts", default="", help="also write the shift rasters here")
    parser.add_argument("--fit-only", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
