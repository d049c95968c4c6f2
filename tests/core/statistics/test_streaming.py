"""Streamed statistics are the exact ones, in whatever order the blocks come."""

import numpy as np
import pytest
from commonground.core.statistics.robust import DEFINITIONS, summarize
from commonground.core.statistics.streaming import BULK_BINS, FINE_BINS, Bins, Sketch

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


def test_no_order_of_blocks_changes_a_bit():
    first = streamed(SAMPLES["normal"], 13)
    assert first == streamed(SAMPLES["normal"], 13, slice(None, None, -1), slice(None, None, -1))
    assert first == streamed(SAMPLES["normal"], 13, slice(None), slice(None, None, -1))


def test_merged_workers_agree_with_one():
    values = SAMPLES["normal"].astype(np.float32)
    bins = Bins.around(values[:500])
    halves, sketches = (values[:1000], values[1000:]), (Sketch(bins), Sketch(bins))
    for half, sketch in zip(halves, sketches):
        sketch.add(half)
    sketches[1].merge(sketches[0])
    refined = [sketches[1].refine() for _ in halves]
    for half, part in zip(halves, refined):
        part.add(half)
    refined[1].merge(refined[0])
    alone = Sketch(bins)
    for half in halves:
        alone.add(half)
    again = alone.refine()
    again.add(values)
    assert refined[1].summary() == again.summary()


def test_voids_and_empty_blocks_are_left_out():
    values = np.array([np.nan, 1.0, np.nan, 4.0, np.inf], dtype=np.float32)
    got = streamed(values, 5)
    assert (got.count, got.median) == (2, 2.5)
    assert streamed(np.array([np.nan]), 1).count == 0


def test_memory_does_not_grow():
    sketch = Sketch(Bins(-10.0, 1e-3))
    for _ in range(50):
        sketch.add(RNG.normal(0, 5, 10_000).astype(np.float32))
    refined = sketch.refine()
    assert sketch.counts.size < 2 * BULK_BINS and refined.counts.size <= FINE_BINS
