"""A little help to write ONNX graphs: names are made, constants are kept once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

OPSET, IR = 18, 10
"""Newer ones fail in today's runtimes."""


class Graph:
    """A graph under construction; operators are called by their names and give the names of their outputs.

    Examples
    --------
    >>> graph = Graph()
    >>> y = graph.op("Add", graph.input("x", np.float32, ["cells"]), graph.constant(1.0))
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._operators = 0

    def input(self, name: str, dtype: type, shape: Sequence[int | str]) -> str:
        """Declare an input."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: type, shape: Sequence[int | str]) -> None:
        """Give a value out under a name."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, values: ArrayLike, dtype: type = np.float32) -> str:
        """Keep an array; the same one is kept once."""
        array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype).reshape(np.shape(values))
        key = (array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self._known:
            self._known[key] = f"c{len(self._known)}"
            self._constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def ints(self, *values: int) -> str:
        """Keep a list of int64: axes, shapes."""
        return self.constant(values, np.int64)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add an operator with several outputs."""
        names = [f"v{self._operators}_{place}" for place in range(outputs)]
        self._operators += 1
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def either(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """Compute one of two values, float32, each by operators that are run only where it is wanted."""
        branches = {"then_branch": self._branch(then), "else_branch": self._branch(otherwise)}
        return self.op("If", condition, **branches)

    def _branch(self, write: Callable[[], str]) -> onnx.GraphProto:
        outside, self._nodes = self._nodes, []
        value = write()
        inside, self._nodes = self._nodes, outside
        return helper.make_graph(inside, value, [], [_value(value, np.float32, None)])

    def cast(self, value: str, dtype: type) -> str:
        """Turn a value into another type."""
        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def serialize(self, name: str) -> bytes:
        """Check the graph and give its bytes."""
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="cellwidget")
        model.ir_version = IR
        written = bytes(model.SerializeToString())
        onnx.checker.check_model(written)
        return written


def _value(name: str, dtype: type, shape: Sequence[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
