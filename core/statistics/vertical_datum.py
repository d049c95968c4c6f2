"""Vertical datum steps: differences of heights that are no error, but another zero.

An ellipsoid height is a geoid height plus the geoid undulation N, so dh = reference - secondary is +N where the
reference holds ellipsoid heights and the secondary geoid heights, and -N the other way round. N comes from the
grids that PROJ has on this machine; a model without a grid is said to be unknown, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..raster.grid import Grid, is_geographic, reproject
from .robust import Summary, nmad

ELLIPSOID = "ellipsoid"
GEOID_GRIDS = {"EGM96": ("us_nga_egm96_15.tif", "egm96_15.gtx"),
               "EGM2008": ("us_nga_egm08_25.tif", "egm08_25.gtx")}
WGS84 = 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],' \
        'UNIT["degree",0.0174532925199433]]'
# Geoid models differ among themselves by decimetres, in high mountains by metres, and which one a DEM was made
# with is not known here.
ELLIPSOID_TOLERANCE = 2.0
GEOIDS_TOLERANCE = 0.1
CONSTANT = 2.0
SURELY_CONSTANT = 3.0
GREATEST_STEP = 120.0
LATTICE = 64


@dataclass(frozen=True)
class Step:
    """A step that heights above `reference` and `secondary` ("ellipsoid", "EGM96", "EGM2008") would make.

    `predicted` is the median of dh = reference - secondary over the overlap (m), None where a grid is missing.
    """

    reference: str
    secondary: str
    predicted: float | None


@dataclass(frozen=True)
class VerticalDatum:
    """What can be said: `steps` that were thought of, the one that `found` fits (or None), and the `verdict`.

    `size` is the step (m, the median of dh) where one was found, or suspected without a known size; else None.
    """

    steps: tuple
    found: Step | None
    size: float | None
    verdict: str


def undulation(model: str, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray | None:
    """The height of a geoid `model` above the WGS 84 ellipsoid (m) at degrees; NaN beyond its grid.

    None where PROJ has no grid of the model. PROJ passes heights through unchanged in some set-ups without a
    grid, so that zeros everywhere count as no grid.
    """
    shift = _geoid(model)
    if shift is None:
        return None
    longitude, latitude = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
    height = shift.transform(longitude, latitude, np.zeros(longitude.shape), errcheck=False)[2]
    height = np.where(np.isfinite(height), height, np.nan)
    known = np.isfinite(height)
    return height if known.any() and np.any(height[known] != 0) else None


@lru_cache(maxsize=len(GEOID_GRIDS))
def _geoid(model: str):
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    for grid in GEOID_GRIDS[model]:
        try:
            return Transformer.from_pipeline(
                "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
                f"+step +proj=vgridshift +grids={grid} +multiplier=1 "
                "+step +proj=unitconvert +xy_in=rad +xy_out=deg")
        except ProjError:
            continue
    return None


def judge(stable: Summary, dh: np.ndarray, grid: Grid) -> VerticalDatum:
    """Whether dh looks like a vertical datum step: by its median, its spread and its pattern.

    `stable` are the statistics of stable dh; `dh` `(rows, cols)` means of it on the cells of `grid`, metres, NaN
    where void or unstable. A step is named where the median lies nearer to it than geoid models differ, is
    large against the spread, and taking the predicted pattern away does not make dh more uneven.
    """
    step = max(1, -(-max(dh.shape) // LATTICE))
    dh = _means(dh, step)
    rows = (np.arange(dh.shape[0])[:, None] + 0.5) * step - 0.5
    cols = (np.arange(dh.shape[1])[None, :] + 0.5) * step - 0.5
    longitude, latitude = _degrees(*grid.map_of(rows, cols), grid.crs)
    geoids = {model: undulation(model, longitude, latitude) for model in GEOID_GRIDS}
    fields = {ELLIPSOID: np.zeros(dh.shape), **{model: None if n is None else -n for model, n in geoids.items()}}
    pairs = [(one, other) for one in fields for other in fields if one != other]
    known = np.isfinite(dh)
    candidates = [_candidate(one, other, fields, known) for one, other in pairs]
    fitting = [(abs(part.predicted - stable.median), part) for part, pattern in candidates
               if pattern is not None and _fits(part, pattern, stable, dh)]
    steps = tuple(part for part, _ in candidates)
    if fitting:
        found = min(fitting, key=lambda pair: pair[0])[1]
        return VerticalDatum(steps, found, stable.median, _seen(found, stable.median, steps))
    suspected = (abs(stable.median) > max(SURELY_CONSTANT * stable.nmad, ELLIPSOID_TOLERANCE / 2)
                 and abs(stable.median) < GREATEST_STEP)
    if suspected:
        return VerticalDatum(steps, None, stable.median, _unknown(stable, steps))
    return VerticalDatum(steps, None, None, f"No vertical datum step is seen. {_sizes(steps)}".strip())


def _means(dh: np.ndarray, side: int) -> np.ndarray:
    """Means over squares of `side` x `side` elements, NaN where all are void."""
    known = np.isfinite(dh)
    sums, counts = (np.add.reduceat(np.add.reduceat(part, np.arange(0, dh.shape[0], side), axis=0),
                                    np.arange(0, dh.shape[1], side), axis=1)
                    for part in (np.where(known, dh, 0.0), known.astype(float)))
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _degrees(x, y, crs: str):
    """Longitude and latitude of map coordinates; the datum's decimetres do not matter to a geoid."""
    if is_geographic(crs):
        return np.broadcast_arrays(x, y)
    return reproject(x, y, crs, WGS84)


def _candidate(one: str, other: str, fields: dict, known: np.ndarray) -> tuple:
    """A step and its pattern over the overlap; None where a grid is missing."""
    if fields[one] is None or fields[other] is None:
        return Step(one, other, None), None
    pattern = fields[one] - fields[other]
    seen = pattern[known & np.isfinite(pattern)]
    if not seen.size:
        return Step(one, other, None), None
    return Step(one, other, float(np.median(seen))), pattern


def _fits(step: Step, pattern: np.ndarray, stable: Summary, dh: np.ndarray) -> bool:
    tolerance = ELLIPSOID_TOLERANCE if ELLIPSOID in (step.reference, step.secondary) else GEOIDS_TOLERANCE
    near = abs(stable.median - step.predicted) <= tolerance <= abs(step.predicted) / 2
    constant = abs(stable.median) >= CONSTANT * stable.nmad
    return near and constant and nmad(dh - pattern) <= 1.25 * nmad(dh) + tolerance / 4


def _seen(step: Step, size: float, steps: tuple) -> str:
    known = step.reference if step.secondary == ELLIPSOID else step.secondary
    geoid = "geoid heights" if ELLIPSOID in (step.reference, step.secondary) else ""

    def heights(model):
        return "ellipsoid heights" if model == ELLIPSOID else geoid or f"heights above {model}"

    by = f"by {known}" if geoid else "between them"
    return (f"dh is shifted as a whole: this looks like a vertical datum step of {size:+.1f} m. "
            f"The reference seems to hold {heights(step.reference)}, the secondary {heights(step.secondary)}; "
            f"{by} the step is {step.predicted:+.2f} m here. "
            "Bring both DEMs to one vertical datum before the median is read as an error. "
            f"{_missing(steps)}").strip()


def _unknown(stable: Summary, steps: tuple) -> str:
    return (f"dh is nearly the same everywhere (median {stable.median:+.1f} m, NMAD {stable.nmad:.2f} m): "
            "this could be a vertical datum step of unknown size, or a constant error. "
            f"Check which heights both DEMs hold. {_sizes(steps)}").strip()


def _sizes(steps: tuple) -> str:
    known = [f"{step.predicted:+.1f} m for {step.reference} - {step.secondary}" for step in steps
             if step.predicted is not None and step.reference == ELLIPSOID]
    between = [f"{step.predicted:+.2f} m for EGM96 - EGM2008" for step in steps
               if step.predicted is not None and (step.reference, step.secondary) == ("EGM96", "EGM2008")]
    text = f"Steps to expect here: {', '.join(known + between)}. " if known else ""
    return text + _missing(steps)


def _missing(steps: tuple) -> str:
    lost = [step.secondary for step in steps if step.reference == ELLIPSOID and step.predicted is None]
    if not lost:
        return ""
    grids = " and ".join(f"{model} ({GEOID_GRIDS[model][0]})" for model in lost)
    return f"PROJ has no grid of {grids}, so steps between EGM96 and EGM2008 are of unknown size."
