"""Whether an ONNX file computes in float64, which onnxruntime-web's build for WebGPU cannot, not even on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.graphs.onnx import (
    ATTRIBUTE_GRAPHS,
    ATTRIBUTE_INT,
    ATTRIBUTE_NAME,
    ATTRIBUTE_TENSOR,
    DOUBLE,
    ELEMENT_TYPE,
    GRAPH_INITIALIZER,
    GRAPH_INPUT,
    GRAPH_NODE,
    NODE_ATTRIBUTE,
    TENSOR_TYPE,
    TYPE_TENSOR,
    VALUE_TYPE,
    graphs,
)
from cellwidget.graphs.wire import fields, inside, numbers, texts

if TYPE_CHECKING:
    from collections.abc import Iterator


def computes_in_double(model: bytes) -> bool:
    """Tell by casts, constants and inputs: float64 comes into a graph in no other way.

    Raises
    ------
    ValueError
        If this is no ONNX file.
    """
    return any(kind == DOUBLE for graph in graphs(model) for kind in _kinds(graph))


def _kinds(graph: memoryview) -> Iterator[int]:
    """Element types that a graph names."""
    for field in fields(graph):
        if field.number == GRAPH_INITIALIZER:
            yield from numbers(field.value, TENSOR_TYPE)
        elif field.number == GRAPH_INPUT:
            for kind in inside(field.value, VALUE_TYPE):
                for tensor in inside(kind, TYPE_TENSOR):
                    yield from numbers(tensor, ELEMENT_TYPE)
        elif field.number == GRAPH_NODE:
            for attribute in inside(field.value, NODE_ATTRIBUTE):
                yield from _of_attribute(attribute)


def _of_attribute(attribute: memoryview) -> Iterator[int]:
    for field in fields(attribute):
        if field.number == ATTRIBUTE_TENSOR:
            yield from numbers(field.value, TENSOR_TYPE)
        elif field.number in ATTRIBUTE_GRAPHS:
            yield from _kinds(field.value)
    if "to" in texts(attribute, ATTRIBUTE_NAME):
        yield from numbers(attribute, ATTRIBUTE_INT)
