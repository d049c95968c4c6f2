"""Errors of known correlation: python bench/known_errors.py [FIELDS]. Prints a line for each case (some minutes).

Random fields of a known variogram, also with 30 % void and with a spread that grows with the slope: the median of range
and sill over the fields as shares of what was put in; and how often the 95 % interval about the mean of a small, a
middling and a large area holds the true mean, with the variogram told from each field itself.
"""

import math
import sys
from pathlib import Path

import house
import numpy as np
from commonground.core.statistics.heteroscedasticity import fit_spread
from commonground.core.statistics.uncertainty import sigma_of_mean
from commonground.core.statistics.variogram import (
    Component,
    VariogramModel,
    cluster_cells,
    empirical_variogram,
    fit_model,
)

sys.path.append(str(Path(house.ROOT) / "tests"))
from fields import FieldMaker

CASES = (("spherical", 0.2, 150.0, (400, 300), 10.0, 0.0, False),
         ("spherical", 0.0, 900.0, (600, 800), 30.0, 0.0, False),
         ("exponential", 0.3, 40.0, (500, 500), 2.0, 0.0, False),
         ("gaussian", 0.1, 300.0, (500, 400), 10.0, 0.0, False),
         ("spherical", 0.2, 150.0, (400, 300), 10.0, 0.3, False),
         ("spherical", 0.0, 900.0, (600, 800), 30.0, 0.0, True),
         ("spherical", 0.2, 150.0, (400, 300), 10.0, 0.3, True))
AREAS = {"small": (60, 70, 6, 1), "middling": (128, 160, 40, 2), "large": (128, 150, 110, 8)}
SHAPE = (256, 320)


def main(fields: int = 50) -> None:
    """Measure and print."""
    for case in CASES:
        print(recovered(fields, *case), flush=True)
    for truth in (VariogramModel(0.3, (Component("spherical", 0.7, 12.0),)),
                  VariogramModel(0.1, (Component("exponential", 0.5, 8.0), Component("spherical", 0.4, 45.0)))):
        print(covered(10 * fields, truth), flush=True)


def recovered(fields, form, nugget, reach, shape, cell, void, uneven) -> dict:
    """Medians over the fields, as shares of the truth."""
    make = FieldMaker(VariogramModel(nugget, (Component(form, 1 - nugget, reach / cell),)), shape)
    rng, (rows, cols) = np.random.default_rng(int(reach)), np.mgrid[:shape[0], :shape[1]]
    slope = 20 + 18 * np.sin(rows / 37) * np.cos(cols / 29)
    curvature, spread = np.sin(rows / 11) + np.cos(cols / 13), 0.5 + 0.08 * slope if uneven else np.ones(shape)
    found = []
    for seed in range(fields):
        field = make(rng) * spread
        if void:
            gaps = make(rng)
            field[gaps > np.quantile(gaps, 1 - void)] = np.nan
        row, col = cluster_cells(shape, seed)
        values = np.where(row >= 0, field[row, col], np.nan)
        known = np.isfinite(values)
        if uneven:
            fitted = fit_spread(slope[row, col][known], curvature[row, col][known], values[known])
            values = np.where(known, values / fitted.at(slope[row, col], curvature[row, col]), np.nan)
        variogram = empirical_variogram(col * cell, row * cell, values, cell, cell * math.hypot(*shape) / 2)
        model = fit_model(variogram, values=known.sum())
        found.append((max((part.range for part in model.components), default=math.nan) / reach, model.sill))
    ranges, sills = np.nanmedian(found, axis=0)
    return {"form": form, "range_m": reach, "shape": shape, "cell_m": cell, "void": void, "uneven": uneven,
            "range_share": round(float(ranges), 3), "sill_share": round(float(sills), 3)}


def covered(fields, truth) -> dict:
    """The share of the fields whose interval holds the true mean, area by area."""
    make, rng, held = FieldMaker(truth, SHAPE), np.random.default_rng(1), dict.fromkeys(AREAS, 0)
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    areas = {name: (np.hypot(rows - row, cols - col) < reach, side) for name, (row, col, reach, side) in AREAS.items()}
    for seed in range(fields):
        field = make(rng)
        row, col = cluster_cells(SHAPE, seed, 1500, 20)
        values = np.where(row >= 0, field[row, col], np.nan)
        model = fit_model(empirical_variogram(col * 1.0, row * 1.0, values, 1.0, math.hypot(*SHAPE) / 2))
        for name, (inside, side) in areas.items():
            counts = inside.reshape(SHAPE[0] // side, side, SHAPE[1] // side, side).sum(axis=(1, 3)).astype(float)
            sigma = sigma_of_mean(counts, counts, counts, model, float(side), float(side))
            held[name] += abs(field[inside].mean()) < 1.96 * sigma
    return {"fields": fields, "truth": str(truth), "held": {name: count / fields for name, count in held.items()}}


if __name__ == "__main__":
    main(*(int(part) for part in sys.argv[1:2]))
