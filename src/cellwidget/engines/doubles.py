"""Whether an ONNX file computes in float64, which onnxruntime-web's build for WebGPU cannot, not even on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.engines.prune import (
    ATTRIBUTE_GRAPHS,
    GRAPH_NODE,
    MODEL_GRAPH,
    NODE_ATTRIBUTE,
    fields,
    number,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DOUBLE = 11
GRAPH_INITIALIZER, GRAPH_INPUT = 5, 11
ATTRIBUTE_INT, ATTRIBUTE_TENSOR = 3, 5
TENSOR_TYPE = 2
VALUE_TYPE, TYPE_TENSOR, TENSOR_TYPE_ELEMENT = 2, 1, 1


def computes_in_double(model: bytes) -> bool:
    """Tell by casts, constants and inputs: float64 comes into a graph in no other way.

    Raises
    ------
    ValueError
        If this is no ONNX file.
    """
    graphs = [field.value for field in fields(memoryview(model)) if field.number == MODEL_GRAPH]
    return any(kind == DOUBLE for graph in graphs for kind in _kinds(graph))


def _kinds(graph: memoryview) -> Iterator[int]:
    """Element types that a graph names."""
    for field in fields(graph):
        if field.number == GRAPH_INITIALIZER:
            yield from _numbers(field.value, TENSOR_TYPE)
        elif field.number == GRAPH_INPUT:
            for kind in _inside(field.value, VALUE_TYPE):
                for tensor in _inside(kind, TYPE_TENSOR):
                    yield from _numbers(tensor, TENSOR_TYPE_ELEMENT)
        elif field.number == GRAPH_NODE:
            for attribute in _inside(field.value, NODE_ATTRIBUTE):
                yield from _of_attribute(attribute)


def _of_attribute(attribute: memoryview) -> Iterator[int]:
    for field in fields(attribute):
        if field.number == ATTRIBUTE_TENSOR:
            yield from _numbers(field.value, TENSOR_TYPE)
        elif field.number in ATTRIBUTE_GRAPHS:
            yield from _kinds(field.value)
    if b"to" in [bytes(name) for name in _inside(attribute, 1)]:
        yield from _numbers(attribute, ATTRIBUTE_INT)


def _inside(message: memoryview, wanted: int) -> list[memoryview]:
    return [field.value for field in fields(message) if field.number == wanted]


def _numbers(message: memoryview, wanted: int) -> list[int]:
    return [number(field) for field in fields(message) if field.number == wanted]
