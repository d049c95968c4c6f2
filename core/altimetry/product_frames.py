"""Which frame a product's coordinates are in, by release or by what the file declares; never by guess."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from ..errors import FrameError
from ..frames.catalogue import frame

_TABLE = Path(__file__).parent / "data" / "product_frames.csv"


@cache
def _rows() -> tuple:
    with open(_TABLE, encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def frame_of_release(product: str, release: int | None) -> str:
    """The frame of a product's release by data/product_frames.csv, "" where the table does not know.

    >>> frame_of_release("ATL06", 6), frame_of_release("ATL06", 7), frame_of_release("GLAH06", 33)
    ('ITRF2014', 'ITRF2020', '')
    """
    if release is None:
        return ""
    for row in _rows():
        if row["product"] == product and int(row["first_release"]) <= release <= int(row["last_release"] or release):
            return row["frame"]
    return ""


def frames_in_text(text: str) -> list[str]:
    """The ITRF realizations that a text names, each once, in order; two digits as ATM writes them.

    >>> frames_in_text("080923_aa_itrf05_lc; ITRF2014 reference frame; itrf93; itrf_unknown")
    ['ITRF2005', 'ITRF2014', 'ITRF93']
    """
    names = []
    for digits in re.findall(r"itrf[-_ ]?((?:19|20)\d\d|\d\d)(?!\d)", text, re.IGNORECASE):
        name = _realization(digits)
        if name and name not in names:
            names.append(name)
    return names


def _realization(digits: str) -> str:
    short = digits[-2:]
    spelled = f"ITRF{short}" if "88" <= short <= "97" else f"ITRF20{short}"
    try:
        return frame(spelled).name
    except FrameError:
        return ""
