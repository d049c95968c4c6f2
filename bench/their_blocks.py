"""xDEM's NuthKaab on every block of a pair on one grid; for the environment under build/xdem.

    build/xdem/bin/python bench/their_blocks.py BLOCK REFERENCE SECONDARY [REFERENCE SECONDARY ...]

Prints JSON: for each pair the shifts (east, north, up; m) of its blocks, row by row. All cells take part, so that
nothing is drawn at random.
"""

import json
import sys
import warnings


def main() -> None:
    """Each pair in turn."""
    warnings.simplefilter("ignore")
    import xdem

    size, paths = int(sys.argv[1]), sys.argv[2:]
    found = []
    for reference, secondary in zip(paths[::2], paths[1::2]):
        one, other = xdem.DEM(reference), xdem.DEM(secondary)
        blocks = []
        for top in range(0, one.shape[0], size):
            for left in range(0, one.shape[1], size):
                window = (left, top, left + size, top + size)
                coregistration = xdem.coreg.NuthKaab(subsample=1.0)
                coregistration.fit(one.icrop(window), other.icrop(window))
                affine = coregistration.meta["outputs"]["affine"]
                blocks.append([float(affine[f"shift_{axis}"]) for axis in "xyz"])
        found.append(blocks)
    print(json.dumps({"version": xdem.__version__, "shifts": found}))


if __name__ == "__main__":
    main()
