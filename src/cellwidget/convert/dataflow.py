"""An ONNX graph as it flows: constants folded, and steps that change no number seen through.

Nothing here goes by names, which are the exporter's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# fmt: off
FOLDED = frozenset((
    "Add", "Cast", "Concat", "Div", "Exp", "Gather", "Identity", "Mul", "Neg", "Reciprocal", "Reshape",
    "Slice", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze",
))
"""Operators that are computed where all they take is constant."""
SAME = frozenset(["Identity", "Cast", "Dropout"])
"""Operators that give the numbers that they take."""
SHAPES = frozenset(["Shape", "Size"])


class Flow:
    """A graph whose tensors are known by the first name that their numbers had.

    Parameters
    ----------
    model
        The graph; constants in other files are not read.

    Attributes
    ----------
    nodes
        Operators on what is not constant, in their order.
    constants
        By name.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.inputs = [value.name for value in model.graph.input if value.name not in self.constants]
        self.nodes: list[onnx.NodeProto] = []
        self._opsets = model.opset_import
        self._first: dict[str, str] = {}
        self._made: dict[str, onnx.NodeProto] = {}
        self._used: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            self._take(node)
        self._before = cache(self._ancestors)

    def first(self, name: str) -> str:
        """Give the first name of a tensor."""
        return self._first.get(name, name)

    def made_by(self, name: str) -> onnx.NodeProto | None:
        """Give the operator that a tensor comes from; None for an input."""
        return self._made.get(self.first(name))

    def used_by(self, name: str) -> list[onnx.NodeProto]:
        """Give the operators that take a tensor's numbers."""
        return self._used.get(self.first(name), [])

    def data(self, node: onnx.NodeProto) -> list[str]:
        """Give the inputs of an operator that are not constant, by their first names."""
        return [self.first(name) for name in node.input if name and name not in self.constants]

    def before(self, name: str) -> frozenset[str]:
        """Give all tensors that a tensor depends on."""
        return self._before(self.first(name))

    def linear(self, node: onnx.NodeProto) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Give weight [inputs, outputs] and bias of an operator that multiplies rows with a constant matrix."""
        if node.op_type not in ("MatMul", "Gemm") or len(node.input) < 2:
            return None
        weight = self.constants.get(node.input[1])
        if weight is None or weight.ndim != 2 or node.input[0] in self.constants:
            return None
        if node.op_type == "MatMul":
            return weight, np.zeros(weight.shape[1], np.float32)
        said = attributes(node)
        if said.get("transA", 0):
            return None
        weight = (weight.T if said.get("transB", 0) else weight) * np.float32(said.get("alpha", 1.0))
        bias = self.constants.get(node.input[2]) if len(node.input) > 2 else np.zeros(1, np.float32)
        if bias is None:
            return None
        return weight, np.broadcast_to(bias * np.float32(said.get("beta", 1.0)), weight.shape[1:])

    def _take(self, node: onnx.NodeProto) -> None:
        value = self._constant(node)
        if value is not None:
            self.constants[node.output[0]] = value
            return
        if self._changes_nothing(node):
            self._first[node.output[0]] = self.first(node.input[0])
            return
        self.nodes.append(node)
        self._made.update(dict.fromkeys(node.output, node))
        if node.op_type not in SHAPES:
            for name in set(self.data(node)):
                self._used.setdefault(name, []).append(node)

    def _constant(self, node: onnx.NodeProto) -> NDArray[Any] | None:
        if node.op_type == "ConstantOfShape":  # whatever the shape: it is as wide as what it meets
            value = attributes(node).get("value")
            return np.zeros((), np.float32) if value is None else np.asarray(value).reshape(())
        known = [name in self.constants for name in node.input if name]
        if node.op_type == "Expand" and known[0] and self.constants[node.input[0]].size == 1:
            return self.constants[node.input[0]].reshape(())
        if node.op_type == "Constant" or (node.op_type in FOLDED and known and all(known)):
            return self._computed(node)
        return None

    def _computed(self, node: onnx.NodeProto) -> NDArray[Any]:
        inputs = {name: self.constants[name] for name in node.input if name}
        values = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in inputs.items()
        ]
        graph = helper.make_graph([node], "folded", values, [onnx.ValueInfoProto(name=node.output[0])])
        model = helper.make_model(graph, opset_imports=self._opsets)
        (value,) = ReferenceEvaluator(model).run(None, inputs)
        return np.asarray(value)

    def _changes_nothing(self, node: onnx.NodeProto) -> bool:
        if node.op_type in SAME or (node.op_type == "Concat" and len(node.input) == 1):
            return True
        if node.op_type == "Slice":  # of cells: batches are normalised in parts, of which there is one
            return self._axes(node) == [0]
        if node.op_type == "MatMul":
            linear = self.linear(node)
            return linear is not None and _is_identity(linear[0])
        return False

    def _axes(self, node: onnx.NodeProto) -> list[int] | None:
        if len(node.input) > 3:
            axes = self.constants.get(node.input[3])
            return None if axes is None else axes.ravel().tolist()
        said: list[int] | None = attributes(node).get("axes")
        return said

    def _ancestors(self, name: str) -> frozenset[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            node = self.made_by(waiting.pop())
            for each in self.data(node) if node is not None else ():
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Read an operator's attributes; tensors as arrays."""
    found: dict[Any, Any] = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return {
        str(name): numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
        for name, value in found.items()
    }


def outputs_of(nodes: list[onnx.NodeProto]) -> Iterator[str]:
    """Give what operators give."""
    for node in nodes:
        yield from node.output


def _is_identity(matrix: NDArray[Any]) -> bool:
    rows, columns = matrix.shape
    if rows != columns or rows < 2 or np.count_nonzero(matrix) != rows:
        return False
    return bool((np.diagonal(matrix) == 1).all())
