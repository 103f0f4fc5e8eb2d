"""Protobuf's wire format, read and written: of ONNX files only fields and their lengths matter here.

The onnx package is needed to convert checkpoints, and not there where models run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
VARINT_BITS = 70
"""Of the longest: ten bytes."""
CUT_OFF = "not an ONNX file, or cut off"


class Field(NamedTuple):
    """A field of a message: its number, all of its bytes, and its value where that is bytes."""

    number: int
    whole: memoryview
    value: memoryview


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
            raise ValueError(CUT_OFF)
        yield Field(tag >> 3, message[start:place], value)


def inside(message: memoryview, wanted: int) -> list[memoryview]:
    """Values of the fields of this number."""
    return [field.value for field in fields(message) if field.number == wanted]


def texts(message: memoryview, wanted: int) -> list[str]:
    """Values of the fields of this number, as text."""
    return [str(value, "utf-8") for value in inside(message, wanted)]


def numbers(message: memoryview, wanted: int) -> list[int]:
    """Values of the fields of this number, each one number."""
    return [number(field) for field in fields(message) if field.number == wanted]


def number(field: Field) -> int:
    """Read a field of one number."""
    _, begin = _read_varint(field.whole, 0)
    return _read_varint(field.whole, begin)[0]


def written(wanted: int, value: bytes | str | int) -> bytes:
    """Write a field: bytes (a message is that too), text, or a number that is not negative."""
    if isinstance(value, int):
        return _varint(wanted << 3 | VARINT) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(wanted << 3 | BYTES) + _varint(len(content)) + content


def _read_varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < VARINT_BITS:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise ValueError(CUT_OFF)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
