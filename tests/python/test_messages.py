"""What pages may say: the shared cases, and anything at all."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwidget.messages import MessageError, parse

N_OBS = 5
CASES = json.loads((Path(__file__).parents[1] / "data" / "messages" / "to_kernel.json").read_text())


def _buffers(case: dict) -> list[bytes]:
    return [base64.b64decode(text) for text in case.get("buffers", [])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_shared_cases(case: dict) -> None:
    if case["valid"]:
        assert parse(case["message"], _buffers(case), N_OBS) == case["message"]
    else:
        with pytest.raises(MessageError):
            parse(case["message"], _buffers(case), N_OBS)


def test_a_refusal_names_the_field_and_whom_to_answer() -> None:
    with pytest.raises(MessageError, match=r"inspect\.row is 5, but there are 5 cells") as caught:
        parse({"type": "inspect", "page": "p", "id": 7, "row": 5}, [], N_OBS)
    assert (caught.value.page, caught.value.id) == ("p", 7)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_kinds = st.sampled_from(["hello", "ack", "want", "command", "select", "threshold", "inspect", "bye"])
_fields = st.sampled_from(
    ["page", "id", "seq", "row", "count", "value", "column", "start", "name", "run", "position", "protocol"]
)


@given(st.dictionaries(_fields, _json), _kinds, st.lists(st.binary(max_size=4), max_size=2))
def test_anything_else_is_refused_and_nothing_else_happens(fields: dict, kind: str, buffers: list[bytes]) -> None:
    try:
        message = parse({**fields, "type": kind}, buffers, N_OBS)
    except MessageError:
        return
    assert isinstance(message["page"], str)
    if message["type"] == "inspect":
        assert 0 <= message["row"] < N_OBS
