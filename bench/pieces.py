"""Single steps on one thread: python bench/pieces.py WORLD SHIFT_RASTERS FOLDER. Prints JSON of seconds and checks.

The warp against gdal.Warp (cubic, the same shifts as a PROJ deformation model), and the streaming statistics of dh
beyond reading (see counting.py).
"""

import json
import sys
import time

import house  # noqa: F401
from commonground.core.coregistration.deformation_model import write_deformation_model
from commonground.core.coregistration.shift_field import read_shift_rasters
from commonground.core.coregistration.warp import warp
from commonground.core.executors import open_executor
from commonground.core.progress import Silent
from commonground.core.raster.dem import Dem
from commonground.core.raster.writing import creation_options
from commonground.core.statistics.robust import nmad
from counting import counted
from osgeo import gdal
from worlds import open_world

OPERATION = ("+proj=pipeline +step +proj=set +v_4=2010 +step +inv +proj=defmodel +model={} "
             "+step +proj=set +v_4=2010")
REPEATS = 3


def main(name: str, shifts: str, folder: str) -> None:
    """Measure and print."""
    gdal.UseExceptions()
    world = open_world(name)
    field, _ = read_shift_rasters(shifts)
    secondary = Dem.open(world.path("secondary"))
    ours, theirs = f"{folder}/warp_ours.tif", f"{folder}/warp_gdal.tif"
    model = f"{folder}/shifts.json"
    write_deformation_model(field, model, "benchmark")

    def own():
        with open_executor(1) as executor:
            warp(secondary, field, secondary.grid, "cubic", ours, executor, Silent())

    def stock():
        xmin, ymin, xmax, ymax = secondary.grid.bounds()
        gdal.Warp(theirs, secondary.path, coordinateOperation=OPERATION.format(model), resampleAlg="cubic",
                  errorThreshold=0.01, warpOptions=["APPLY_VERTICAL_SHIFT=YES", "NUM_THREADS=1"],
                  outputBounds=(xmin, ymin, xmax, ymax), width=secondary.grid.width, height=secondary.grid.height,
                  dstNodata=secondary.nodata, creationOptions=creation_options())

    timed = {"warp": _best(own), "gdal_warp": _best(stock)}
    one, other = Dem.open(ours).read(), Dem.open(theirs).read()
    timed["warp_against_gdal_warp_nmad"] = nmad(one - other)
    timed["statistics"] = counted(Dem.open(world.path("reference")).read() - one)
    print(json.dumps(timed))


def _best(function) -> float:
    """CPU seconds, the least of a few runs."""
    took = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        took.append(time.process_time() - start)
    return min(took)


if __name__ == "__main__":
    main(*sys.argv[1:4])
