"""The constructors of plain data that pickles call: containers, numpy arrays, torch tensors."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import NUMPY, Inert, Name, Storage, Tensor, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_PLAIN_DTYPE = re.compile(r"[?biufcSUOmM][0-9]{0,9}|(bool|(u?int|float|complex)[0-9]{1,3})")
_BYTE_ORDERS = ("<", ">", "|", "=")


class Numpy:
    """A dtype or an array between its call and its state, which come one after the other."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def build(self, state: Any) -> None:
        """Take the state."""
        if isinstance(self.value, np.dtype):
            _, order = state[:2]
            if order not in _BYTE_ORDERS or any(part is not None for part in state[2:5]):
                raise ValueError("a dtype with parts")
            self.value = self.value.newbyteorder(order)
        else:
            _, shape, dtype, fortran, data = state
            self.value = _array(data, dtype, shape, "F" if fortran else "C")


def _dtype(code: Any, *_: Any) -> Numpy:
    if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
        raise ConvertError(f"The pickle holds numbers of the type {told(code)!r}, which is none of the plain ones.")
    return Numpy(np.dtype(code))


def _array(data: Any, dtype: Any, shape: Any, order: Any = "C") -> NDArray[Any]:
    """Make an array of bytes, or of a list where its numbers are objects."""
    if not isinstance(dtype, np.dtype) or order not in ("C", "F"):
        raise ValueError("an array without a type")
    shape = _sizes(shape)
    if dtype.hasobject:
        if not isinstance(data, list):
            raise ValueError("an array of objects without them")
        values = np.empty(len(data), object)
        for at, value in enumerate(data):  # at once, numpy would look for arrays in it, however deep it goes
            values[at] = value
    else:
        if isinstance(data, str):
            data = data.encode("latin1")  # bytes of Python 2
        values = np.frombuffer(_bytes(data), dtype).copy()
    if math.prod(shape) != len(values):
        raise ValueError("an array whose shape does not fit its numbers")
    return values.reshape(shape, order=order)


def _scalar(dtype: Any, data: Any = b"") -> Any:
    if not isinstance(dtype, np.dtype):
        raise ValueError("a number without a type")
    return data if dtype.hasobject else _array(data, dtype, (1,))[0]


def _buffer(data: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    return _array(data, dtype, shape, order)


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("bytes in an unknown encoding")
    return text.encode("latin1")


def _object(kind: Any, base: Any, _: Any) -> Inert:
    if not isinstance(kind, Name) or base != Name(base.module, "object"):
        raise ValueError("an object of what is no class")
    return Inert(kind)


# ── torch ────────────────────────────────────────────────────────────────────────────────────────


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """Refuse tensors that reach beyond their numbers, or repeat them."""
    stored, read = storage
    if not stored.dtype:
        raise ValueError("a tensor without a type")
    return _checked(Tensor(stored, stored.dtype, offset, _sizes(shape), _sizes(strides), read), stored.length)


def _tensor_of(storage: Any, offset: Any, shape: Any, strides: Any, _: Any, __: Any, dtype: Any, *___: Any) -> Tensor:
    stored, read = storage
    if not isinstance(dtype, Name) or dtype.name not in NUMPY:
        raise ConvertError(f"The checkpoint holds numbers of the type {told(dtype)}, which cannot be read.")
    length = stored.length // NUMPY[dtype.name].itemsize
    return _checked(Tensor(stored, dtype.name, offset, _sizes(shape), _sizes(strides), read), length)


def _checked(tensor: Tensor, length: int) -> Tensor:
    if len(tensor.shape) != len(tensor.strides) or not isinstance(tensor.offset, int) or tensor.offset < 0:
        raise ValueError("a tensor of no shape")
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    count = math.prod(tensor.shape)
    if count and (tensor.offset + last >= length or count > length):
        raise ConvertError(
            f"The checkpoint has a tensor of {tensor.shape} in a file of {length:,} numbers: it is damaged, or made "
            f"to harm. Get the file again."
        )
    return tensor


def _sizes(values: Any) -> tuple[int, ...]:
    sizes = tuple(values)
    if len(sizes) > 32 or not all(type(size) is int and 0 <= size < 2**48 for size in sizes):
        raise ValueError("a shape of what are no sizes")
    return sizes


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _typed(function: Any, _: Any, args: Any, __: Any) -> Any:
    """Make a tensor that had attributes of its own, which are left out."""
    if function not in (Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_tensor_v3")):
        raise ValueError("a tensor of an unknown kind")
    return rebuild[function](*args)


STORAGES = {
    Name(module, f"{kind}Storage"): dtype
    for module in ("torch", "torch.storage")
    for kind, dtype in {
        "Double": "float64",
        "Float": "float32",
        "Half": "float16",
        "BFloat16": "bfloat16",
        "Long": "int64",
        "Int": "int32",
        "Short": "int16",
        "Char": "int8",
        "Byte": "uint8",
        "Bool": "bool",
        "ComplexFloat": "complex64",
        "ComplexDouble": "complex128",
        "Untyped": "",
    }.items()
}
"""Classes of torch that say of what type a file of numbers is; "" for bytes."""


def storage_of(persistent: Any) -> Storage:
    """Read how a pickle of torch refers to a file of numbers: ("storage", class, key, device, length).

    Raises
    ------
    ValueError
        If it is something else.
    """
    word, kind, key, _, length = persistent
    if word != "storage" or not isinstance(kind, Name) or kind not in STORAGES or type(length) is not int or length < 0:
        raise ValueError("a reference to no storage")
    if not isinstance(key, str) or not re.fullmatch("[0-9]{1,9}", key):
        raise ConvertError(f"The pickle refers to a file {told(key)!r}, which is no number. Do not use it.")
    return Storage(key, STORAGES[kind], length)


def _device(kind: Any = "cpu", *_: Any) -> str:
    return str(kind)


def _items(values: Any = ()) -> list[Any]:
    return list(values)


def keys(values: Any) -> list[Any]:
    """Refuse keys that hold tuples of tuples: what they are worth would be counted anew at every level."""
    found = list(values)
    if any(isinstance(part, tuple) for key in found if isinstance(key, tuple) for part in key):
        raise ConvertError("The pickle has keys that hold tuples of tuples, which checkpoints have no use for.")
    return found


def _dict(entries: Any = ()) -> dict[Any, Any]:
    pairs = [*entries.items()] if isinstance(entries, dict) else [(key, value) for key, value in entries]
    return dict(zip(keys(key for key, _ in pairs), (value for _, value in pairs), strict=True))


def _set(values: Any = ()) -> set[Any]:
    return set(keys(values))


def _frozenset(values: Any = ()) -> frozenset[Any]:
    return frozenset(keys(values))


def _partial(*args: Any) -> Inert:
    return Inert(Name("functools", "partial"), args)


def _default_dict(*_: Any) -> dict[Any, Any]:
    return {}


rebuild: dict[Name, Callable[..., Any]] = {
    Name("collections", "OrderedDict"): _dict,
    Name("collections", "Counter"): _dict,
    Name("collections", "defaultdict"): _default_dict,
    Name("collections", "deque"): _items,
    Name("functools", "partial"): _partial,
    Name("_codecs", "encode"): _encode,
    Name("numpy", "dtype"): _dtype,
    Name("torch", "Size"): tuple,
    Name("torch", "device"): _device,
    Name("torch._utils", "_rebuild_tensor_v2"): _tensor,
    Name("torch._utils", "_rebuild_tensor_v3"): _tensor_of,
    Name("torch._utils", "_rebuild_parameter"): _parameter,
    Name("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    Name("torch._tensor", "_rebuild_from_type_v2"): _typed,
}
"""What may be called, and what we do instead."""

for _core in ("numpy.core", "numpy._core"):
    rebuild[Name(f"{_core}.multiarray", "_reconstruct")] = lambda *_: Numpy(None)
    rebuild[Name(f"{_core}.multiarray", "scalar")] = _scalar
    rebuild[Name(f"{_core}.numeric", "_frombuffer")] = _buffer
for _builtins in ("builtins", "__builtin__"):
    rebuild |= {Name(_builtins, "list"): list, Name(_builtins, "tuple"): tuple, Name(_builtins, "dict"): _dict}
    rebuild |= {Name(_builtins, "set"): _set, Name(_builtins, "frozenset"): _frozenset}
    rebuild[Name(_builtins, "bytes")] = lambda data=b"": bytes(_bytes(data))
    rebuild[Name(_builtins, "bytearray")] = lambda data=b"", *encoding: bytearray(
        _encode(data, *encoding) if isinstance(data, str) else _bytes(data)
    )
    rebuild[Name(_builtins, "complex")] = lambda real, imaginary: complex(float(real), float(imaginary))
for _copyreg in ("copyreg", "copy_reg"):
    rebuild[Name(_copyreg, "_reconstructor")] = _object


def _bytes(data: Any) -> Any:
    if not isinstance(data, bytes | bytearray):  # a number would be a length, of any size
        raise ValueError("no bytes where some should be")
    return data
