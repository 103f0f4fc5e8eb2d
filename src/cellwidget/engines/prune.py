"""Cutting an ONNX file down to what some of its outputs need.

onnxruntime computes all outputs, whichever are asked for, and a model's attention may cost as much as all the rest.
The onnx package is not needed: of protobuf's wire format only fields and their lengths matter here, and of ONNX that
nodes come after those whose outputs they take.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_OUTPUT = 1, 12
NODE_INPUT, NODE_OUTPUT, NODE_ATTRIBUTE = 1, 2, 5
ATTRIBUTE_GRAPHS = (6, 11)
VALUE_NAME = 1


class Field(NamedTuple):
    """A field of a message: its number, all of its bytes, and its value where that is bytes."""

    number: int
    whole: memoryview
    value: memoryview


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
    parts = []
    for field in fields(memoryview(model)):
        if field.number == MODEL_GRAPH:
            graph = _pruned_graph(field.value, wanted)
            parts += [_tag(MODEL_GRAPH), _varint(len(graph)), graph]
        else:
            parts.append(bytes(field.whole))
    return b"".join(parts)


def output_names(model: bytes) -> list[str]:
    """Names of a graph's outputs.

    Raises
    ------
    ValueError
        If this is no ONNX file.
    """
    graphs = [field.value for field in fields(memoryview(model)) if field.number == MODEL_GRAPH]
    return [_name(field) for graph in graphs for field in fields(graph) if field.number == GRAPH_OUTPUT]


def _pruned_graph(graph: memoryview, wanted: Collection[str]) -> bytes:
    needed = {*wanted}
    kept: list[Field] = []
    for field in reversed(list(fields(graph))):
        if field.number == GRAPH_OUTPUT and _name(field) not in wanted:
            continue
        if field.number == GRAPH_NODE:
            if needed.isdisjoint(_texts(field.value, NODE_OUTPUT)):
                continue
            needed.update(_taken(field.value))
        kept.append(field)
    return b"".join(bytes(field.whole) for field in reversed(kept))


def _taken(node: memoryview) -> Iterator[str]:
    """Names that a node takes, those that graphs inside of it may take from around it included."""
    yield from _texts(node, NODE_INPUT)
    for attribute in fields(node):
        if attribute.number != NODE_ATTRIBUTE:
            continue
        for inner in fields(attribute.value):
            if inner.number in ATTRIBUTE_GRAPHS:
                yield from _taken_inside(inner.value)


def _taken_inside(graph: memoryview) -> Iterator[str]:
    for field in fields(graph):
        if field.number == GRAPH_NODE:
            yield from _taken(field.value)
        elif field.number == GRAPH_OUTPUT:
            yield _name(field)  # an outer value may go straight out


def _texts(message: memoryview, number: int) -> list[str]:
    return [str(field.value, "utf-8") for field in fields(message) if field.number == number]


def _name(value: Field) -> str:
    return next(iter(_texts(value.value, VALUE_NAME)), "")


def number(field: Field) -> int:
    """Read a field of one number."""
    _, begin = _read_varint(field.whole, 0)
    return _read_varint(field.whole, begin)[0]


def fields(message: memoryview) -> Iterator[Field]:
    """Give a message's fields, one after the other.

    Raises
    ------
    ValueError
        If these are none.
    """
    place = 0
    while place < len(message):
        start = place
        tag, place = _read_varint(message, place)
        kind, value = tag & 7, message[:0]
        if kind == VARINT:
            _, place = _read_varint(message, place)
        elif kind == BYTES:
            length, place = _read_varint(message, place)
            value = message[place : place + length]
            place += length
        elif kind in (FIXED64, FIXED32):
            place += 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"not an ONNX file: a field of wire type {kind}")
        if place > len(message):
            raise ValueError("not an ONNX file, or cut off")
        yield Field(tag >> 3, message[start:place], value)


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError("not an ONNX file, or cut off")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(number: int) -> bytes:
    return _varint(number << 3 | BYTES)
