"""Writing small ONNX files where the onnx package is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.graphs import onnx
from cellwidget.graphs.wire import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

OPSET, IR = 18, 10
KINDS: dict[type[np.generic], int] = {
    np.float32: onnx.FLOAT,
    np.int32: onnx.INT32,
    np.int64: onnx.INT64,
    np.float64: onnx.DOUBLE,
}


class Sketch:
    """A graph under construction; operators are called by their names and give the names of their outputs."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._names = 0

    def input(self, name: str, dtype: type[np.generic], axes: Sequence[str | int]) -> str:
        """Declare an input."""
        self._parts.append(written(onnx.GRAPH_INPUT, _value(name, dtype, axes)))
        return name

    def output(self, name: str, value: str, dtype: type[np.generic], axes: Sequence[str | int]) -> None:
        """Give a value out under a name."""
        self._node("Identity", [value], [name], {})
        self._parts.append(written(onnx.GRAPH_OUTPUT, _value(name, dtype, axes)))

    def constant(self, values: ArrayLike, dtype: type[np.generic]) -> str:
        """Keep an array."""
        array, name = np.asarray(values, dtype=dtype), self._name()
        tensor = b"".join(written(onnx.TENSOR_DIM, length) for length in array.shape)
        tensor += written(onnx.TENSOR_TYPE, KINDS[dtype]) + written(onnx.TENSOR_NAME, name)
        little = array.astype(array.dtype.newbyteorder("<"))
        self._parts.append(written(onnx.GRAPH_INITIALIZER, tensor + written(onnx.TENSOR_RAW, little.tobytes())))
        return name

    def op(self, kind: str, *inputs: str, **attributes: int | str) -> str:
        """Add an operator with one output."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: int | str) -> list[str]:
        """Add an operator with several outputs."""
        names = [self._name() for _ in range(outputs)]
        self._node(kind, inputs, names, attributes)
        return names

    def cast(self, value: str, dtype: type[np.generic]) -> str:
        """Turn a value into another type."""
        return self.op("Cast", value, to=KINDS[dtype])

    def serialize(self, name: str) -> bytes:
        """Give the file's bytes."""
        graph = b"".join(self._parts) + written(onnx.GRAPH_NAME, name)
        return (
            written(onnx.MODEL_IR, IR)
            + written(onnx.MODEL_PRODUCER, "cellwidget")
            + written(onnx.MODEL_GRAPH, graph)
            + written(onnx.MODEL_OPSET, written(onnx.OPSET_VERSION, OPSET))
        )

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"

    def _node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any]) -> None:
        node = b"".join(written(onnx.NODE_INPUT, name) for name in inputs)
        node += b"".join(written(onnx.NODE_OUTPUT, name) for name in outputs)
        node += written(onnx.NODE_KIND, kind)
        node += b"".join(written(onnx.NODE_ATTRIBUTE, _attribute(*item)) for item in attributes.items())
        self._parts.append(written(onnx.GRAPH_NODE, node))


def _attribute(name: str, value: int | str) -> bytes:
    number, kind = onnx.ATTRIBUTE_INT, onnx.ATTRIBUTE_IS_INT
    if isinstance(value, str):
        number, kind = onnx.ATTRIBUTE_TEXT, onnx.ATTRIBUTE_IS_TEXT
    return written(onnx.ATTRIBUTE_NAME, name) + written(number, value) + written(onnx.ATTRIBUTE_TYPE, kind)


def _value(name: str, dtype: type[np.generic], axes: Sequence[str | int]) -> bytes:
    lengths = b"".join(
        written(onnx.SHAPE_DIM, written(onnx.DIM_LENGTH if isinstance(axis, int) else onnx.DIM_NAME, axis))
        for axis in axes
    )
    tensor = written(onnx.ELEMENT_TYPE, KINDS[dtype]) + written(onnx.ELEMENT_SHAPE, lengths)
    return written(onnx.VALUE_NAME, name) + written(onnx.VALUE_TYPE, written(onnx.TYPE_TENSOR, tensor))
