"""One whole run of xDEM's blockwise coregistration, as its gallery shows it; for the environment under build/xdem.

    build/xdem/bin/python bench/theirs.py REFERENCE SECONDARY FOLDER --mask MASK     # writes FOLDER/aligned_dem.tif
    build/xdem/bin/python bench/theirs.py --planes RESULT.json --draws 9             # its plane fit alone, repeated

Prints JSON of what it took and found. xDEM leaves its plane fit (RANSAC) unseeded; here draw k is seeded with k, so
that a run can be repeated, and the run itself is draw 0.
"""

import argparse
import json
import os
import time
from pathlib import Path

START = time.perf_counter(), time.process_time()


def main() -> None:
    """Coregister and apply; time the phases."""
    options = _options()
    result = planes(options.planes, options.draws) if options.planes else run(options)
    print(json.dumps(result))


def run(options) -> dict:
    """Fit and, unless told otherwise, apply."""
    marks = {"start": START}

    def mark(phase):
        marks[phase] = time.perf_counter(), time.process_time()

    import geoutils as gu
    import numpy as np
    import xdem
    from geoutils.raster.distributed_computing import MultiprocConfig
    mark("import")
    os.makedirs(options.folder, exist_ok=True)
    reference, secondary = xdem.DEM(options.reference), xdem.DEM(options.secondary)
    inlier = gu.Raster(options.mask) == 1 if options.mask else None
    mark("open")
    config = MultiprocConfig(chunk_size=options.block, outfile=str(Path(options.folder) / "aligned_dem.tif"),
                             cluster=_cluster(options.workers))
    blockwise = recording(xdem.coreg.BlockwiseCoreg)(
        xdem.coreg.NuthKaab(), mp_config=config, block_size_fit=options.block, block_size_apply=options.block)
    blockwise.fit(reference, secondary, inlier)
    mark("fit")
    found = []
    if not options.fit_only:
        np.random.seed(0)
        blockwise.apply()
        found = blockwise.planes
        mark("apply")
    names = list(marks)
    phases = {name: {"wall": marks[name][0] - marks[last][0], "cpu": marks[name][1] - marks[last][1]}
              for last, name in zip(names[:-1], names[1:])}
    blocks = np.column_stack([blockwise.x_coords, blockwise.y_coords, blockwise.shifts_x, blockwise.shifts_y,
                              blockwise.shifts_z])
    return {"phases": phases, "blocks": blocks.tolist(), "plane": found}


def recording(blockwise):
    """The class with its three planes remembered."""
    class Recorded(blockwise):
        planes = []

        def _ransac(self, *arguments):
            plane = blockwise._ransac(*arguments)
            self.planes.append([float(value) for value in plane])
            return plane

    return Recorded


def planes(path: str, draws: int) -> list:
    """The three planes (a, b, c of a x + b y + c) that each of so many draws finds for the blocks of a result."""
    import numpy as np
    from xdem.coreg import BlockwiseCoreg

    blocks = np.array(json.loads(Path(path).read_text())["blocks"], dtype=float)
    found = []
    for draw in range(draws):
        np.random.seed(draw)
        found.append([[float(value) for value in BlockwiseCoreg._ransac(blocks[:, 0], blocks[:, 1], blocks[:, axis])]
                      for axis in (2, 3, 4)])
    return found


def _cluster(workers: int):
    if workers == 1:
        return None
    from geoutils.raster.distributed_computing import ClusterGenerator

    return ClusterGenerator("multi", nb_workers=workers)


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference", nargs="?")
    parser.add_argument("secondary", nargs="?")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--mask", default="", help="raster, 1 where stable")
    parser.add_argument("--block", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fit-only", action="store_true")
    parser.add_argument("--planes", default="", help="a result of this script")
    parser.add_argument("--draws", type=int, default=9)
    return parser.parse_args()


if __name__ == "__main__":
    main()
