"""Streamed statistics are the exact ones, in whatever order the blocks come."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from commonground.core.statistics import streaming
from commonground.core.statistics.robust import DEFINITIONS, summarize
from commonground.core.statistics.streaming import BULK_BINS, FINE_BINS, KEPT_VALUES, Bins, Sketch

RNG = np.random.default_rng(11)
SAMPLES = {
    "normal": RNG.normal(0.3, 3.0, 300_001),
    "centimetres": RNG.normal(0.0, 0.01, 50_000),
    "datum step": RNG.normal(-34.9, 1.0, 300_000),
    "integers": RNG.integers(-9, 10, 20_000),
    "heavy tails": RNG.standard_cauchy(100_000),
    "two lumps": np.concatenate([RNG.normal(-20, 1, 30_000), RNG.normal(20, 1, 30_000)]),
    "few": np.array([1.0, 2.0, 3.5, -7.0]),
    "far apart": np.array([-1e4, -1.0, 1e-6, 2.0, 3e5, 3e5]),
    "constant": np.full(9, 2.5),
    "zeros": np.array([0.0, -0.0, 0.0]),
    "one": np.array([3.25]),
}


def streamed(values, pieces, order=slice(None), again=slice(None), bins=None):
    blocks = np.array_split(np.asarray(values, dtype=np.float32), pieces)
    sketch = Sketch(bins or Bins.around(values[:1000]))
    for block in blocks[order]:
        sketch.add(block)
    refined = sketch.refine()
    for block in blocks[again]:
        refined.add(block)
    return refined.summary()


@pytest.mark.parametrize("name", SAMPLES)
def test_equals_the_exact_statistics(name):
    values = SAMPLES[name].astype(np.float32)
    got, exact = streamed(values, 7), summarize(values)
    for part in DEFINITIONS:
        expected = pytest.approx(getattr(exact, part.key), rel=1e-4, abs=1e-6, nan_ok=True)
        assert getattr(got, part.key) == expected, part.key


@pytest.mark.parametrize("bins", [Bins(0.0, 1e-4), Bins(-1e3, 1.0), Bins(50.0, 1e-6)])
@pytest.mark.parametrize("name", SAMPLES)
def test_bins_of_another_kind_of_data_still_serve(name, bins):
    values = SAMPLES[name].astype(np.float32)
    got, exact = streamed(values, 7, bins=bins), summarize(values)
    for part in DEFINITIONS:
        expected = pytest.approx(getattr(exact, part.key), rel=2e-3, abs=1e-3, nan_ok=True)
        assert getattr(got, part.key) == expected, part.key


@pytest.mark.parametrize("name", ["normal", "centimetres", "heavy tails", "integers"])
def test_median_and_nmad_to_a_hundredth_of_a_millimetre(name):
    values = SAMPLES[name].astype(np.float32)
    got, exact = streamed(values, 5), summarize(values)
    assert got.median == pytest.approx(exact.median, abs=1e-5)
    assert got.nmad == pytest.approx(exact.nmad, abs=1e-5)


METRES = [part.key for part in DEFINITIONS if part.unit == "m"]
SUMS = {"mean", "std", "rmse", "mae"}


@pytest.mark.parametrize("kept", [0, KEPT_VALUES])
@pytest.mark.parametrize("name, metres", [("normal", 1.0), ("datum step", 3.0), ("heavy tails", 2.5),
                                          ("integers", 0.01), ("constant", 1.0)])
def test_every_length_is_good_to_a_hundredth_of_a_millimetre(monkeypatch, name, metres, kept):
    """As of a raster that is too large for any value to be kept, too."""
    monkeypatch.setattr(streaming, "KEPT_VALUES", kept)
    values = (SAMPLES[name] * metres).astype(np.float32)
    got, exact = streamed(values, 5, bins=Bins.around(values[::7])), summarize(values)
    assert {key: getattr(got, key) for key in METRES} == pytest.approx(
        {key: getattr(exact, key) for key in METRES}, rel=1e-7, abs=1e-5)
    assert got.outliers == exact.outliers


def test_the_size_of_blocks_changes_no_quantile(monkeypatch):
    monkeypatch.setattr(streaming, "KEPT_VALUES", 0)
    values = RNG.normal(0.2, 2.0, 400_000)
    first, bins = streamed(values, 1), Bins.around(values[:1000])
    for count in (2, 3, 40):
        other = streamed(values, count, bins=bins)
        for part in DEFINITIONS:
            here, there = getattr(first, part.key), getattr(other, part.key)
            assert here == there or part.key in {*SUMS, "skewness", "le90_about_mean", "le95_about_mean"}, part.key
            assert here == pytest.approx(there, rel=1e-11)


def test_no_order_of_blocks_changes_a_bit():
    first = streamed(SAMPLES["normal"], 13)
    assert first == streamed(SAMPLES["normal"], 13, slice(None, None, -1), slice(None, None, -1))
    assert first == streamed(SAMPLES["normal"], 13, slice(None), slice(None, None, -1))


def test_threads_that_share_a_sketch_change_no_bit():
    values = SAMPLES["normal"].astype(np.float32)
    bins, blocks = Bins.around(values[:500]), np.array_split(values, 97)
    found = []
    for workers in (1, 4):
        with ThreadPoolExecutor(workers) as pool:
            sketch = Sketch(bins)
            list(pool.map(sketch.add, blocks))
            refined = sketch.refine()
            list(pool.map(refined.add, blocks))
        found.append((refined.summary(), refined.quantiles((0.1, 0.77))))
    assert found[0] == found[1]


def test_voids_and_empty_blocks_are_left_out():
    values = np.array([np.nan, 1.0, -np.nan, 4.0, np.inf, -np.inf], dtype=np.float32)
    for pieces in (1, 6):
        got = streamed(values, pieces)
        assert (got.count, got.median, got.mean) == (2, 2.5, 2.5)
    assert streamed(np.array([np.nan]), 1).count == 0


def test_outliers_of_any_size_are_counted():
    """Fill values that nobody declared: each keeps its place, and the middle stays what it is."""
    values = np.concatenate([RNG.normal(0, 1, 50_000), np.full(300, -3.4e38), np.full(200, 1e30), [1e-40, -1e-40]])
    values = values.astype(np.float32)
    got, exact = streamed(values, 9), summarize(values)
    assert got.count == exact.count and got.nmad == pytest.approx(exact.nmad, rel=1e-6)
    assert got.median == pytest.approx(exact.median, abs=1e-6) and got.le95 == pytest.approx(exact.le95, rel=1e-5)
    assert got.outliers == pytest.approx(exact.outliers)


def test_memory_does_not_grow():
    sketch = Sketch(Bins(-10.0, 1e-3))
    for _ in range(50):
        sketch.add(RNG.normal(0, 5, 10_000).astype(np.float32))
    refined = sketch.refine()
    for _ in range(50):
        refined.add(RNG.normal(0, 5, 10_000).astype(np.float32))
    assert sketch.counts.size < 2 * BULK_BINS and refined.counts.size <= FINE_BINS
    assert sum(part.size for part in (*refined._kept, *refined._near)) <= KEPT_VALUES + 10_000
