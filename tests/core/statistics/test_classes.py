"""Slope classes: what is read, what is refused, where edges belong."""

import numpy as np
import pytest
from commonground.core.errors import CommonGroundError
from commonground.core.statistics.classes import classify, parse_edges


def test_reads_edges():
    assert parse_edges(" 0, 5;15,30 , 90") == (0.0, 5.0, 15.0, 30.0, 90.0)
    assert parse_edges("2.5,45") == (2.5, 45.0)


@pytest.mark.parametrize("text, hint", [
    ("", "cannot be read"), ("0,5,x", "cannot be read"), ("0,,5", "cannot be read"), ("5", "at least two"),
    ("0,5,5", "does not rise"), ("30,5", "does not rise"), ("-1,5", "from 0 to 90"), ("0,91", "from 0 to 90"),
    ("0,nan", "from 0 to 90")])
def test_refuses_with_a_sentence(text, hint):
    with pytest.raises(CommonGroundError, match=hint):
        parse_edges(text)


def test_lower_edge_belongs_to_its_class_and_the_last_upper_too():
    values = np.array([-0.1, 0, 4.9, 5, 29.9, 30, 30.1, np.nan])
    assert classify(values, (0, 5, 30)).tolist() == [-1, 0, 0, 1, 1, 1, -1, -1]
