"""Numbers of ONNX's messages, as far as they are used here, and what a file says of its inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cellwidget.graphs.wire import fields, inside, number, numbers, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL_IR, MODEL_PRODUCER, MODEL_GRAPH, MODEL_OPSET = 1, 2, 7, 8
OPSET_VERSION = 2
GRAPH_NODE, GRAPH_NAME, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 2, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_KIND, NODE_ATTRIBUTE = 1, 2, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INT, ATTRIBUTE_TEXT, ATTRIBUTE_TENSOR, ATTRIBUTE_TYPE = 1, 3, 4, 5, 20
ATTRIBUTE_GRAPHS = (6, 11)
ATTRIBUTE_IS_INT, ATTRIBUTE_IS_TEXT = 2, 3
TENSOR_DIM, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 1, 2, 8, 9
VALUE_NAME, VALUE_TYPE, TYPE_TENSOR, ELEMENT_TYPE, ELEMENT_SHAPE = 1, 2, 1, 1, 2
SHAPE_DIM, DIM_LENGTH, DIM_NAME = 1, 1, 2
FLOAT, INT32, INT64, DOUBLE = 1, 6, 7, 11


class Value(NamedTuple):
    """An input or output as a file states it: name, element type, and the lengths of its axes, None where open."""

    name: str
    kind: int
    shape: tuple[int | None, ...] | None


class Signature(NamedTuple):
    """What a graph takes and gives."""

    inputs: list[Value]
    outputs: list[Value]


def signature(model: bytes) -> Signature:
    """Read what a graph takes and gives; weights that old files list among the inputs are left out.

    Raises
    ------
    ValueError
        If this is no ONNX file.
    """
    inputs: list[Value] = []
    outputs: list[Value] = []
    weights: set[str] = set()
    for graph in graphs(model):
        for field in fields(graph):
            if field.number == GRAPH_INPUT:
                inputs.append(_value(field.value))
            elif field.number == GRAPH_OUTPUT:
                outputs.append(_value(field.value))
            elif field.number == GRAPH_INITIALIZER:
                weights.update(texts(field.value, TENSOR_NAME))
    if not outputs:
        raise ValueError("not an ONNX file: it has no graph that gives anything")
    return Signature([value for value in inputs if value.name not in weights], outputs)


def graphs(model: bytes) -> list[memoryview]:
    """Give the graph of an ONNX file; none where there is none."""
    return inside(memoryview(model), MODEL_GRAPH)


def name_of(value: memoryview) -> str:
    """Name of an input or output."""
    return next(iter(texts(value, VALUE_NAME)), "")


def _value(value: memoryview) -> Value:
    kind, shape = 0, None
    for tensor in _tensors(value):
        kind = next(iter(numbers(tensor, ELEMENT_TYPE)), 0)
        for lengths in inside(tensor, ELEMENT_SHAPE):
            shape = tuple(_length(dim) for dim in inside(lengths, SHAPE_DIM))
    return Value(name_of(value), kind, shape)


def _tensors(value: memoryview) -> Iterator[memoryview]:
    for kind in inside(value, VALUE_TYPE):
        yield from inside(kind, TYPE_TENSOR)


def _length(dim: memoryview) -> int | None:
    """Length of an axis; exporters write 0 for what they do not know."""
    return next((number(field) or None for field in fields(dim) if field.number == DIM_LENGTH), None)
