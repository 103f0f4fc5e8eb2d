"""Selections: what they can be made of, and that they stay what they were."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwidget.selection import Selection

NAMES = pd.Index(["a", "b", "c", "b"])


@pytest.mark.parametrize(
    ("what", "rows"),
    [
        ([0, 2], [0, 2]),
        ([-1], [3]),
        (["c", "a"], [0, 2]),
        (["b"], [1, 3]),
        ([True, False, False, True], [0, 3]),
        (np.array([], dtype=int), []),
        (None, []),
    ],
)
def test_made_of(what: object, rows: list[int]) -> None:
    selection = Selection.of(what, NAMES)
    assert selection.rows.tolist() == rows
    assert list(selection) == selection.obs_names.tolist() == [NAMES[row] for row in rows]
    assert len(selection) == len(rows)
    assert Selection.of(selection, NAMES) == selection


@pytest.mark.parametrize(
    ("what", "words"),
    [([4], "out of range"), (["x", "a"], "no such obs_names: 'x'"), ([True], "the mask has 1"), ([[0]], "dimensions")],
)
def test_refused(what: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Selection.of(what, NAMES)


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_bits_come_back(flags: list[bool]) -> None:
    names = pd.Index([str(i) for i in range(len(flags))])
    selection = Selection.of(np.array(flags), names)
    assert len(selection.to_bits()) == (len(flags) + 7) // 8
    assert Selection.from_bits(selection.to_bits(), names) == selection
    assert hash(Selection.from_bits(selection.to_bits(), names)) == hash(selection)


def test_immutable() -> None:
    mask = np.array([True, False, False, False])
    selection = Selection(mask, NAMES)
    mask[:] = True
    assert selection.rows.tolist() == [0]
    with pytest.raises(ValueError, match="read-only"):
        selection.mask[1] = True
