"""What is left of the things that a pickle names: names, arguments and states, nothing that could run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

MOST_TOLD, MOST_BITS = 40, 128


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that a pickle names. It is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Inert:
    """An object of a class that was never imported.

    Parameters
    ----------
    kind
        Its class.
    args
        What it would have been made of.
    state
        What it would have been given then; mostly a dict of attributes.
    items, entries
        What it holds if it is a kind of list, a kind of dict.
    """

    kind: Name
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)
    entries: dict[Any, Any] = field(default_factory=dict)

    def attribute(self, name: str) -> Any:
        """Give an attribute, or None."""
        return self.state.get(name) if isinstance(self.state, dict) else None


def mapping(value: Any) -> Mapping[Any, Any] | None:
    """Give the entries of a dict, or of something that is a kind of dict."""
    if isinstance(value, dict):
        return value
    return value.entries if isinstance(value, Inert) and value.entries else None


def told(value: Any) -> str:
    """Say a value in a message; what is not plain is named by its kind, since it may hold itself many times over."""
    if isinstance(value, str | float | Name) or (isinstance(value, int) and value.bit_length() < MOST_BITS):
        return str(value)[:MOST_TOLD]
    return f"a {type(value).__name__}"


@dataclass(frozen=True, slots=True)
class Storage:
    """A file of numbers beside a pickle: its key, of what type they are ("" for bytes), and how many."""

    key: str
    dtype: str
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of a checkpoint, read when it is asked for.

    Parameters
    ----------
    storage
        Where its numbers are.
    dtype
        torch's name of their type: "float32", "bfloat16".
    offset, shape, strides
        Which of them, counted in numbers.
    read
        Gives the bytes of a storage, little-endian.
    """

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    read: Callable[[Storage], bytes]

    def array(self) -> NDArray[Any]:
        """Read it; bfloat16, which numpy does not have, becomes float32."""
        stored = NUMPY[self.dtype]
        flat = np.frombuffer(self.read(self.storage), stored)[self.offset :]
        strides = tuple(stride * stored.itemsize for stride in self.strides)
        values = np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False)
        if self.dtype == "bfloat16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.copy()


NUMPY = {
    name: np.dtype(code).newbyteorder("<")
    for name, code in {
        "float64": "f8",
        "float32": "f4",
        "float16": "f2",
        "bfloat16": "u2",
        "int64": "i8",
        "int32": "i4",
        "int16": "i2",
        "int8": "i1",
        "uint64": "u8",
        "uint32": "u4",
        "uint16": "u2",
        "uint8": "u1",
        "bool": "?",
        "complex64": "c8",
        "complex128": "c16",
    }.items()
}
"""Types of tensors, and how their numbers lie in a file."""
