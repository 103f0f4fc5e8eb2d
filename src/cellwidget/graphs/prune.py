"""Cutting an ONNX file down to what some of its outputs need.

onnxruntime computes all outputs, whichever are asked for, and a model's attention may cost as much as all the rest.
Of ONNX it matters here that nodes come after those whose outputs they take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.graphs.onnx import (
    ATTRIBUTE_GRAPHS,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    MODEL_GRAPH,
    NODE_ATTRIBUTE,
    NODE_INPUT,
    NODE_OUTPUT,
    name_of,
)
from cellwidget.graphs.wire import Field, fields, inside, texts, written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def pruned(model: bytes, wanted: Collection[str]) -> bytes:
    """Keep the outputs of these names, and the nodes that they need.

    Parameters
    ----------
    model
        An ONNX file.
    wanted
        Names of outputs; those that the graph does not have are left out.

    Raises
    ------
    ValueError
        If this is no ONNX file.
    """
    return b"".join(
        written(MODEL_GRAPH, _pruned_graph(field.value, wanted)) if field.number == MODEL_GRAPH else bytes(field.whole)
        for field in fields(memoryview(model))
    )


def _pruned_graph(graph: memoryview, wanted: Collection[str]) -> bytes:
    needed = {*wanted}
    kept: list[Field] = []
    for field in reversed(list(fields(graph))):
        if field.number == GRAPH_OUTPUT and name_of(field.value) not in wanted:
            continue
        if field.number == GRAPH_NODE:
            if needed.isdisjoint(texts(field.value, NODE_OUTPUT)):
                continue
            needed.update(_taken(field.value))
        kept.append(field)
    return b"".join(bytes(field.whole) for field in reversed(kept))


def _taken(node: memoryview) -> Iterator[str]:
    """Names that a node takes, those that graphs inside of it may take from around it included."""
    yield from texts(node, NODE_INPUT)
    for attribute in inside(node, NODE_ATTRIBUTE):
        for inner in fields(attribute):
            if inner.number in ATTRIBUTE_GRAPHS:
                yield from _taken_inside(inner.value)


def _taken_inside(graph: memoryview) -> Iterator[str]:
    for field in fields(graph):
        if field.number == GRAPH_NODE:
            yield from _taken(field.value)
        elif field.number == GRAPH_OUTPUT:
            yield name_of(field.value)  # an outer value may go straight out
