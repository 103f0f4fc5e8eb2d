"""obs as pages read it."""

import itertools
import json

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


ODD = {
    "bytes": ([b"\xff", b"a", None], "category"),
    "half a surrogate pair": (["\ud800", "a", None], "category"),
    "lists": ([[1], [2], None], "category"),
    "mixed": ([1, "a", None], "category"),
    "complex": ([1j, 2j, np.nan], "category"),
    "identifiers": (np.array([2**60, 2**60 + 1, 2**63], dtype=np.uint64), "category"),
    "nullable": (pd.array([1, 2, None], dtype="Int64"), "number"),
    "nullable, none": (pd.array([None] * 3, dtype="Int64"), "number"),
    "dates": (pd.to_datetime(["2020-01-01", "2021-01-01", None]), "category"),
    "none": ([None] * 3, "category"),
    "huge": ([1e300, -1e300, np.nan], "number"),
}


@pytest.mark.parametrize(("values", "kind"), ODD.values(), ids=ODD)
@pytest.mark.filterwarnings("error")
def test_whatever_obs_holds_reaches_the_page(values: object, kind: str) -> None:
    series = pd.Series(values, dtype=object) if isinstance(values, list) and kind != "number" else pd.Series(values)
    columns = Columns(pd.DataFrame({"x": series}), pd.Index(["\ud800", "b", "c"], dtype=object), {})
    spec = columns.specs[1]
    assert spec["kind"] == kind
    json.dumps([spec, columns.text("obs:x", 0)], ensure_ascii=False, allow_nan=False).encode()
    assert columns.piece("cell", 0, 3)[1][1] == b"?bc"
    here = _values(columns, "obs:x")
    distinct = {repr(value) for value, gone in zip(series, series.isna(), strict=True) if not gone}
    missing = np.isnan(here) if kind == "number" else here == 255
    assert missing.tolist() == series.isna().tolist()
    assert len(set(here[~missing].tolist())) == len(distinct)
    for row in np.flatnonzero(missing):
        assert columns.text("obs:x", int(row)) == ""
    assert len(columns.text("obs:x", 0)) < 40


def test_codes_stay_those_of_the_dictionary_when_obs_changes() -> None:
    obs = pd.DataFrame({"x": ["b", "c", "b"]}, dtype=object)
    columns = Columns(obs, obs.index, {})
    obs.loc[0, "x"] = "a"
    assert _values(columns, "obs:x").tolist() == [0, 1, 0]
    assert columns.specs[1]["categories"] == ["b", "c"]


def test_many_different_texts_are_text_and_names_that_are_numbers_stay_as_they_are() -> None:
    obs = pd.DataFrame({"x": [f"t{i}" for i in range(30_000)]}, index=range(30_000))
    columns = Columns(obs, obs.index, {})
    assert columns.specs[1]["kind"] == "text"
    assert columns.text("obs:x", 29_999) == "t29999"
    assert columns.text("cell", 29_999) == "29999"
