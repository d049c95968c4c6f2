"""Counting what was tried, for the summary of `make reliability`."""

import json
import os

import pytest


@pytest.fixture
def tally():
    """`tally(what, number)` adds to the run's counts, where tools/reliability.py asked for them."""
    def count(what, number=1):
        path = os.environ.get("COMMONGROUND_TALLY")
        if path:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps([what, number]) + "\n")

    return count
