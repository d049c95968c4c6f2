"""Readers and parsers against nonsense: by hypothesis, and by all that ever broke one (corpus/)."""

import os
import sys
from datetime import date, datetime, timezone
from pathlib import Path

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fuzz_targets import CORPUS, LIBRARY_CRASHES, TARGETS  # noqa: E402

EXAMPLES = int(os.environ.get("COMMONGROUND_EXAMPLES", "20"))
WORDS = {
    "epochs": ["2018.5", "1993-07-02", "2019-03-14T12:00:00Z", "nan", "-inf", "1e400", "9999-12-31", "0001-01-01"],
    "frames": ["ITRF2014", "WGS 84 (G1762)", "EPSG:7905", "ETRS89", "D_ITRF_2008", "+proj=longlat", "GEOGCRS["],
    "classes": ["0,5,15", "0;90", "nan,1", "1e400,2", ",", "-0.0,0"],
    "shift_tags": ["STEP=0", "STEP=-3;SIZE=0 0", "SIZE=1e9 7", "GEOTRANSFORM=nan 1 0 0 0 1", "GEOTRANSFORM=1",
                   "RESAMPLING=../x", "SECONDARY_SIZE=9 9", "ELEVATION_BIAS=x"],
    "tables": ["-50,70,1e999,2019.5,\n", "\"", ",,,,\n", "-50,70,1,2019-03-14T12:00:00+99:99,\n", "\0",
               "-50,70,1,2019-02-30,\n"],
}


def inputs(name):
    """Bytes that look like what the target reads, now and then."""
    raw = st.binary(max_size=200)
    if name not in WORDS:
        return raw
    words = st.sampled_from(WORDS[name])
    texts = st.lists(words | st.text(max_size=30), min_size=1, max_size=4).map(lambda parts: ";".join(parts))
    return raw | texts.map(lambda text: text.encode("utf-8", "replace")) | words.map(
        lambda word: b"\0" + word.encode())


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_a_sentence(name, tally):
    count = 0

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 1000,
              suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def run(data):
        nonlocal count
        count += 1
        TARGETS[name](data)

    run()
    tally("cases fuzzed", count)
    tally("damaged files that killed libhdf5 itself", len(LIBRARY_CRASHES))
    LIBRARY_CRASHES.clear()


@pytest.mark.parametrize("found", [str(path.relative_to(CORPUS)) for path in sorted(CORPUS.rglob("*.bin"))])
def test_what_was_found_stays_mended(found):
    TARGETS[Path(found).parent.name]((CORPUS / found).read_bytes())


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.datetimes(),
    st.datetimes(timezones=st.just(timezone.utc)), st.binary(max_size=4), st.just(np.datetime64("NaT")),
    st.just(np.float32("nan")), st.just(date(9999, 12, 31)), st.just(datetime(1, 1, 1, tzinfo=timezone.utc)),
    st.just(10**400), st.lists(st.integers(), max_size=2))


def test_epochs_of_any_kind(tally):
    """What a table may hold: parse_epochs never raises, and agrees with parse_epoch."""
    from commonground.core.errors import EpochError
    from commonground.core.frames.epochs import parse_epoch, parse_epochs

    @settings(max_examples=4 * EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 1000)
    @given(st.lists(ANYTHING, min_size=1, max_size=5))
    def run(values):
        years, bad = parse_epochs(values)
        assert years.shape == bad.shape == (len(values),)
        for value, year, wrong in zip(values, years, bad):
            if wrong:
                with pytest.raises(EpochError):
                    parse_epoch(value)
            else:
                assert parse_epoch(value) == year

    run()
    tally("cases fuzzed", 4 * EXAMPLES)
