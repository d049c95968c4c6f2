"""Streaming statistics beyond reading: python bench/counting.py [MEGAPIXELS [WORKERS]]. Prints JSON.

Heavy-tailed differences in tiles, as a report gives them: nanoseconds a pixel of the two passes (all statistics: NMAD,
median, quantiles and the sums behind mean, STD, MAE and skewness), of these sums alone, and of numpy's two medians for
the NMAD alone; the largest error of any statistic in metres against the whole array; bytes held, whatever the size.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import house  # noqa: F401
import numpy as np
from commonground.core.statistics.pieces import pieces
from commonground.core.statistics.robust import DEFINITIONS, Moments, finite, nmad, summarize
from commonground.core.statistics.streaming import Bins, Sketch

TILE, REPEATS, SAMPLE = 512, 5, 50_000
METRES = [part.key for part in DEFINITIONS if part.unit == "m"]


def main(megapixels: int = 16, workers: int = 1) -> None:
    """Measure and print."""
    rng = np.random.default_rng(1)
    dh = (0.4 + 2.5 * rng.standard_t(4, megapixels * 1_000_000)).astype(np.float32)
    print(json.dumps({"megapixels": megapixels, "workers": workers, **counted(dh, workers)}, indent=1))


def counted(dh: np.ndarray, workers: int = 1) -> dict:
    """What counting dh (float32, NaN where void) costs, and how far from the whole array's statistics it ends."""
    dh = dh.ravel()
    tiles = [dh[start:start + TILE**2] for start in range(0, dh.size, TILE**2)]
    bins = Bins.around(dh[::max(1, dh.size // SAMPLE)])
    with ThreadPoolExecutor(workers) as pool:
        def passed(part):
            list(pool.map(part.add, tiles))
            return part

        first, sketch = best(lambda: passed(Sketch(bins)))
        second, refined = best(lambda: passed(sketch.refine()))
        last, found = best(refined.summary)
    known, exact = finite(dh), summarize(dh)
    sums, _ = best(lambda: [Moments.of(piece) for piece in pieces(known)])
    numpys, _ = best(lambda: nmad(dh), 1)
    return {
        "seconds": round(first[0] + second[0] + last[0], 4),
        "first_pass_ns": per_pixel(first, dh), "second_pass_ns": per_pixel(second, dh),
        "both_ns": per_pixel(np.add(first, second), dh),
        "of_which_sums_ns": per_pixel(sums, dh),
        "quantiles_ns": per_pixel(np.subtract(np.add(first, second), sums), dh),
        "numpy_nmad_ns": per_pixel(numpys, dh),
        "summary_seconds": round(last[0], 4),
        "largest_error_m": max(abs(getattr(found, key) - getattr(exact, key)) for key in METRES),
        "nmad_error_m": abs(found.nmad - exact.nmad), "counts_bytes": refined.counts.nbytes + sketch.counts.nbytes,
    }


def best(function, repeats: int = REPEATS) -> tuple:
    """`((cpu, wall) seconds, result)`, the least of a few runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        result = function()
        times.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    return [min(part) for part in zip(*times)], result


def per_pixel(seconds, values) -> dict:
    """Nanoseconds a pixel."""
    return {name: round(part / values.size * 1e9, 2) for name, part in zip(("cpu", "wall"), seconds)}


if __name__ == "__main__":
    main(*(int(part) for part in sys.argv[1:3]))
