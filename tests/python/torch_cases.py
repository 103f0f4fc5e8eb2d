"""Files as torch.save writes them, and pickles of any kind, without torch."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

STORAGES = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage", "i4": "IntStorage"}


FOLDED = pickle.EMPTY_TUPLE + 100 * (pickle.DUP + pickle.TUPLE2)
"""A tuple that holds one twice, and so on: 2**100 of them for whoever goes through it."""


@dataclass(frozen=True)
class Global:
    """A class or function, by its name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What REDUCE makes, and BUILD then."""

    called: Any
    args: tuple[Any, ...] = ()
    state: Any = None


@dataclass(frozen=True, eq=False)
class Persistent:
    """A reference to something outside."""

    id: Any


@dataclass(frozen=True, eq=False)
class Numbers:
    """A tensor that is laid down as any type of torch's."""

    values: np.ndarray
    storage: str


@dataclass(frozen=True)
class Raw:
    """Opcodes as they are."""

    code: bytes


def pickled(value: Any) -> bytes:
    """Write a pickle of protocol 2, memo left out."""
    out = io.BytesIO()
    out.write(pickle.PROTO + b"\x02")
    _write(out, value)
    out.write(pickle.STOP)
    return out.getvalue()


def _write(out: io.BytesIO, value: Any) -> None:
    match value:
        case Global(module, name):
            out.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        case Call(called, args, state):
            _write(out, called)
            _write(out, args)
            out.write(pickle.REDUCE)
            if state is not None:
                _write(out, state)
                out.write(pickle.BUILD)
        case Raw(code):
            out.write(code)
        case Persistent(id):
            _write(out, id)
            out.write(pickle.BINPERSID)
        case dict():
            out.write(pickle.EMPTY_DICT + pickle.MARK)
            for pair in value.items():
                _write(out, pair[0])
                _write(out, pair[1])
            out.write(pickle.SETITEMS)
        case list():
            out.write(pickle.EMPTY_LIST + pickle.MARK)
            for item in value:
                _write(out, item)
            out.write(pickle.APPENDS)
        case tuple():
            out.write(pickle.MARK)
            for item in value:
                _write(out, item)
            out.write(pickle.TUPLE)
        case bool() | None:
            out.write({True: pickle.NEWTRUE, False: pickle.NEWFALSE, None: pickle.NONE}[value])
        case int():
            number = value.to_bytes(9, "little", signed=True)
            out.write(pickle.LONG1 + bytes([len(number)]) + number)
        case float():
            out.write(pickle.BINFLOAT + struct.pack(">d", value))
        case str():
            text = value.encode()
            out.write(pickle.BINUNICODE + struct.pack("<I", len(text)) + text)
        case bytes():
            _write(out, Call(Global("_codecs", "encode"), (value.decode("latin1"), "latin1")))
        case _:
            raise TypeError(type(value))


def save(path: Path, value: Any, *, top: str = "archive", order: str = "little", **zipped: Any) -> Path:
    """Write a file of torch.save; arrays become tensors."""
    storages: list[bytes] = []
    data = pickled(_with_tensors(value, storages, order))
    with zipfile.ZipFile(path, "w", **zipped) as archive:
        archive.writestr(f"{top}/data.pkl", data)
        archive.writestr(f"{top}/byteorder", order)
        for key, content in enumerate(storages):
            archive.writestr(f"{top}/data/{key}", content)
        archive.writestr(f"{top}/version", "3\n")
    return path


def tensor(
    key: str, storage: str, length: int, shape: tuple[int, ...], *, offset: int = 0, strides: Any = None
) -> Call:
    """What a pickle holds of a tensor."""
    strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))) if strides is None else strides
    stored = Persistent(("storage", Global("torch", storage), key, "cpu", length))
    hooks = Call(Global("collections", "OrderedDict"))
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), (stored, offset, shape, strides, False, hooks))


def _with_tensors(value: Any, storages: list[bytes], order: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_tensors(item, storages, order) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_tensors(item, storages, order) for item in value]
    if isinstance(value, np.ndarray):
        value = Numbers(value, STORAGES[value.dtype.str[1:]])
    if isinstance(value, Numbers):
        values = value.values
        storages.append(values.astype(values.dtype.newbyteorder("<" if order == "little" else ">")).tobytes())
        return tensor(str(len(storages) - 1), value.storage, values.size, values.shape)
    return value


def text_array(values: list[Any]) -> Call:
    """An array of objects, as numpy pickles it."""
    dtype = Call(Global("numpy", "dtype"), ("O8", False, True), (3, "|", None, None, None, -1, -1, 63))
    empty = (Global("numpy", "ndarray"), (0,), b"b")
    return Call(Global("numpy._core.multiarray", "_reconstruct"), empty, (1, (len(values),), dtype, False, values))


def label_encoder(classes: list[Any]) -> Call:
    """A label encoder of sklearn (made by NEWOBJ there, which the reader takes as it takes this)."""
    return Call(Global("sklearn.preprocessing._label", "LabelEncoder"), (), {"classes_": text_array(classes)})
