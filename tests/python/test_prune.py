"""Cutting graphs down: the same as the onnx package's own extraction, and nothing else computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from cellwidget.graphs.onnx import signature
from cellwidget.graphs.prune import pruned

from .tiny_graphs import write_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "wanted", [["logits"], ["embedding"], ["attention", "attention_genes"], ["logits", "attention"]]
)
def test_what_is_left_is_what_the_onnx_package_extracts(tmp_path: Path, wanted: list[str]) -> None:
    write_model(tmp_path / "model.onnx", 12)
    whole = (tmp_path / "model.onnx").read_bytes()
    assert [value.name for value in signature(whole).outputs] == ["logits", "embedding", "attention", "attention_genes"]
    part = onnx.load_from_string(pruned(whole, wanted))
    onnx.checker.check_model(part)
    onnx.utils.extract_model(tmp_path / "model.onnx", tmp_path / "theirs.onnx", ["genes", "counts"], wanted)
    theirs = onnx.load(tmp_path / "theirs.onnx")
    assert [node.SerializeToString() for node in part.graph.node] == [
        node.SerializeToString() for node in theirs.graph.node
    ]
    assert [output.name for output in part.graph.output] == wanted
    assert part.opset_import == onnx.load_from_string(whole).opset_import


def test_values_that_only_an_inner_graph_takes_are_kept() -> None:
    def branch(name: str, taken: str, *, through_node: bool) -> onnx.GraphProto:
        out = helper.make_tensor_value_info(taken if not through_node else name, TensorProto.FLOAT, ["n"])
        nodes = [helper.make_node("Neg", [taken], [name])] if through_node else []
        return helper.make_graph(nodes, name, [], [out])

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    which = helper.make_tensor_value_info("which", TensorProto.BOOL, [])
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Exp", ["x"], ["unused"]),
        helper.make_node(
            "If",
            ["which"],
            ["y"],
            then_branch=branch("then", "a", through_node=True),
            else_branch=branch("else", "x", through_node=True),
        ),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("y", "unused")]
    graph = helper.make_graph(nodes, "g", [x, which], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    part = pruned(model.SerializeToString(), ["y"])
    assert [node.op_type for node in onnx.load_from_string(part).graph.node] == ["Abs", "If"]
    (y,) = ort.InferenceSession(part).run(None, {"x": np.array([-2.0], np.float32), "which": np.array(True)})
    assert y.tolist() == [-2.0]


@given(st.binary(max_size=60))
def test_bytes_that_are_no_model_never_do_worse_than_raise(data: bytes) -> None:
    try:
        pruned(data, ["logits"])
        signature(data)
    except ValueError:
        pass


def test_a_model_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "model.onnx", 12)
    whole = (tmp_path / "model.onnx").read_bytes()
    with pytest.raises(ValueError, match="cut off"):
        pruned(whole[: len(whole) // 2], ["logits"])
