"""Reading the data tables that lie beside this package."""
from __future__ import annotations

import csv
from pathlib import Path

DATA = Path(__file__).parent / "data"


def read_table(name):
    """Return the rows of data/<name> as dicts of text, keyed by the header."""
    with open(DATA / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
