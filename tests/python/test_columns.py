"""obs as pages read it."""

import itertools

import numpy as np
import pandas as pd
import pytest

from cellwidget.columns import MAX_CATEGORIES, Columns, code_dtype, hex_colors

OBS = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "pct": [0.1, np.nan, 2.5],
        "half": [0.5, 1.5, np.nan],
        "big": [2**24 + 1, 2, 3],
        "words": ["x", None, "y"],
        "kind": pd.Categorical(["u", None, "w"], categories=["u", "v", "w"]),
        "yes": [True, False, True],
    },
    index=["p", "q", "ü"],
)


@pytest.fixture
def columns() -> Columns:
    return Columns(OBS, OBS.index, {"kind_colors": ["#FF0000", "#00ff00ff", "#0000ff"], "yes_colors": ["#000000"]})


def _values(columns: Columns, key: str) -> np.ndarray:
    dtype, (buffer,) = columns.piece(key, 0, 3)
    return np.frombuffer(buffer, dtype=dtype)


def test_numbers_cross_exactly(columns: Columns) -> None:
    specs = {spec["id"]: spec for spec in columns.specs}
    assert specs["obs:n"]["dtype"] == specs["obs:half"]["dtype"] == "f4"
    assert specs["obs:pct"]["dtype"] == specs["obs:big"]["dtype"] == "f8"
    assert specs["obs:n"]["integer"] is True
    assert specs["obs:pct"]["integer"] is False
    for name in ("n", "pct", "half", "big"):
        np.testing.assert_array_equal(_values(columns, f"obs:{name}"), OBS[name].to_numpy(float))


def test_categories_keep_order_and_colours(columns: Columns) -> None:
    spec = next(spec for spec in columns.specs if spec["id"] == "obs:kind")
    assert spec["categories"] == ["u", "v", "w"]
    assert spec["colors"] == ["#ff0000", "#00ff00", "#0000ff"]
    assert _values(columns, "obs:kind").tolist() == [0, 255, 2]
    yes = next(spec for spec in columns.specs if spec["id"] == "obs:yes")
    assert yes["categories"] == ["False", "True"]
    assert "colors" not in yes, "colours of another length are not ours to stretch"


def test_text_in_pieces() -> None:
    names = pd.Index([f"zelle-{i}-ü" for i in range(10)])
    columns = Columns(pd.DataFrame(index=names), names, {})
    offsets, text = columns.piece("cell", 4, 7)[1]
    ends = np.frombuffer(offsets, dtype="u4")
    decoded = [bytes(text)[a:b].decode() for a, b in itertools.pairwise(ends)]
    assert decoded == list(names[4:7])


def test_many_values_are_text_not_a_legend() -> None:
    names = pd.Index([str(i) for i in range(MAX_CATEGORIES + 1)])
    obs = pd.DataFrame({"barcode": [f"b{i}" for i in range(len(names))]}, index=names)
    assert Columns(obs, names, {}).specs[1]["kind"] == "text"


@pytest.mark.parametrize(("count", "dtype"), [(2, "u1"), (254, "u1"), (255, "u2"), (65_535, "u4")])
def test_codes_leave_room_for_missing(count: int, dtype: str) -> None:
    assert code_dtype(count) == dtype


@pytest.mark.parametrize(
    "colors", [None, "red", 5, ["#ff0000"], ["#ff0000", "javascript:alert(1)"], ["#ff", "#00ff00"]]
)
def test_colours_that_are_none(colors: object) -> None:
    assert hex_colors(colors, 2) is None


def test_one_value_in_words(columns: Columns) -> None:
    assert columns.text("cell", 2) == "ü"
    assert columns.text("obs:big", 0) == "16,777,217"
    assert columns.text("obs:pct", 1) == ""
    assert columns.text("obs:words", 1) == ""
    assert columns.text("obs:yes", 0) == "True"
