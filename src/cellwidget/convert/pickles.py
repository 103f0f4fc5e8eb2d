"""Reading pickles without running them: a machine of its own for the opcodes, in which nothing can be imported.

A name becomes text. A call is looked up in a table of a few constructors of plain data (`rebuild`), makes an inert
stand-in where it names a class of a package that checkpoints refer to, and is refused otherwise.
"""

from __future__ import annotations

import pickletools
import warnings
from typing import TYPE_CHECKING, Any

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import Inert, Name
from cellwidget.convert.rebuild import Numpy, keys, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable

# fmt: off
REFERRED = frozenset((
    "__main__", "anndata", "argparse", "cellwhisperer", "collections", "lightning", "lightning_fabric",
    "lightning_utilities", "numpy", "omegaconf", "pandas", "pathlib", "pytorch_lightning", "pytorch_tabnet",
    "scipy", "scsims", "sklearn", "torch", "torchmetrics", "transformers",
))
# fmt: on
"""Packages whose classes checkpoints hold beside their weights."""
# fmt: off
PLAIN = frozenset((
    "set", "frozenset", "list", "tuple", "dict", "int", "float", "str", "bool", "bytes", "bytearray",
    "complex", "object",
))
# fmt: on
BUILTINS = ("builtins", "__builtin__")
REFUSED = "Nothing of the file was run. Do not use it unless you know who made it."
DAMAGED = "Its pickle is damaged or cut off ({}). Get the file again."
_MARK = object()


def read_pickle(data: bytes, storage: Callable[[Any], Any] | None = None) -> Any:
    """Read a pickle into plain data and inert stand-ins.

    Parameters
    ----------
    data
        The pickle's bytes.
    storage
        Makes something of a persistent id, which is how torch refers to files of numbers; None refuses them.

    Returns
    -------
    Any
        Numbers, texts, bytes, lists, tuples, sets, dicts, numpy arrays, `Name`, `Inert`, and what `storage` gives.

    Raises
    ------
    ConvertError
        If the pickle would call something that does not make plain data, or is damaged.
    """
    machine = _Machine(storage)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # odd escapes in texts, which damage makes
            for opcode, argument, _ in pickletools.genops(data):
                machine.step(opcode.name, argument)
        return machine.result()
    except ConvertError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError, MemoryError) as error:
        raise ConvertError(DAMAGED.format(str(error)[:120] or type(error).__name__)) from error


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self, storage: Callable[[Any], Any] | None) -> None:
        self._storage = storage
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._done = False

    def result(self) -> Any:
        """Give what stands on the stack at the end."""
        if not self._done or len(self._stack) != 1:
            raise ValueError("no end")
        return self._pop()

    def step(self, name: str, argument: Any) -> None:
        """Do what an opcode says."""
        if name in _CONSTANTS:
            self._stack.append(argument if name in _WITH_ARGUMENT else _EMPTY[name]())
        elif name in ("PROTO", "FRAME"):
            pass
        else:
            handler = getattr(self, f"_do_{name.lower()}", None)
            if handler is None:
                raise ConvertError(f"The pickle uses {name}, which checkpoints have no use for. {REFUSED}")
            handler(argument)

    # ── the stack and the memo ───────────────────────────────────────────────────────────────────

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a mark where a value should be")
        return _settled(value)

    def _since_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        values = [_settled(value) for value in self._stack[at + 1 :]]
        del self._stack[at:]
        return values

    def _do_stop(self, _: Any) -> None:
        self._done = True

    def _do_mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def _do_pop(self, _: Any) -> None:
        self._stack.pop()

    def _do_pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _do_dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _do_put(self, place: Any) -> None:
        self._memo[int(place)] = self._stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_get(self, place: Any) -> None:
        self._stack.append(self._memo[int(place)])

    _do_binget = _do_long_binget = _do_get

    # ── containers ───────────────────────────────────────────────────────────────────────────────

    def _do_tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _do_tuple1(self, _: Any) -> None:
        self._last(1)

    def _do_tuple2(self, _: Any) -> None:
        self._last(2)

    def _do_tuple3(self, _: Any) -> None:
        self._last(3)

    def _last(self, number: int) -> None:
        values = [self._pop() for _ in range(number)]
        self._stack.append(tuple(reversed(values)))

    def _do_list(self, _: Any) -> None:
        self._stack.append(self._since_mark())

    def _do_dict(self, _: Any) -> None:
        self._stack.append(_pairs(self._since_mark()))

    def _do_frozenset(self, _: Any) -> None:
        self._stack.append(frozenset(keys(self._since_mark())))

    def _do_append(self, _: Any) -> None:
        value = self._pop()
        self._extend([value])

    def _do_appends(self, _: Any) -> None:
        values = self._since_mark()
        self._extend(values)

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        (target.items if isinstance(target, Inert) else _of(list, target)).extend(values)

    def _do_additems(self, _: Any) -> None:
        values = self._since_mark()
        _of(set, self._stack[-1]).update(keys(values))

    def _do_setitem(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._update(_pairs([key, value]))

    def _do_setitems(self, _: Any) -> None:
        values = self._since_mark()
        self._update(_pairs(values))

    def _update(self, entries: dict[Any, Any]) -> None:
        target = self._stack[-1]
        (target.entries if isinstance(target, Inert) else _of(dict, target)).update(entries)

    # ── names, calls and states ──────────────────────────────────────────────────────────────────

    def _do_global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._stack.append(_allowed(module, name))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._stack.append(_allowed(_of(str, module), _of(str, name)))

    def _do_binpersid(self, _: Any) -> None:
        if self._storage is None:
            raise ConvertError(f"The pickle refers to something outside of it. {REFUSED}")
        self._stack.append(self._storage(self._pop()))

    def _do_reduce(self, _: Any) -> None:
        args, called = self._pop(), self._pop()
        self._stack.append(_made(called, _of(tuple, args)))

    _do_newobj = _do_reduce

    def _do_newobj_ex(self, _: Any) -> None:
        named, args, called = self._pop(), self._pop(), self._pop()
        made = _made(called, _of(tuple, args))
        if named and not isinstance(made, Inert):
            raise ValueError("names of arguments where there can be none")
        self._stack.append(made)

    def _do_build(self, _: Any) -> None:
        state = self._pop()
        target = self._stack[-1]
        if isinstance(target, Inert):
            target.state = state
        elif isinstance(target, Numpy):
            target.build(state)
        elif not isinstance(target, dict):  # an OrderedDict may have attributes, which nobody needs
            raise ValueError("a state for what has none")


def _allowed(module: str, name: str) -> Name:
    """Refuse what no checkpoint needs to name."""
    named = Name(module, name)
    known = named in rebuild or (module in BUILTINS and name in PLAIN) or _is_referred(named)
    if not known:
        raise ConvertError(f"The pickle names {str(named)[:120]!r}, which checkpoints have no use for. {REFUSED}")
    return named


def _is_referred(named: Name) -> bool:
    nested = named.name.split(".")
    return named.module.split(".")[0] in REFERRED and (len(nested) == 1 or all(map(_is_class, nested)))


def _is_class(name: str) -> bool:
    return name.lstrip("_")[:1].isupper()


def _made(called: Any, args: tuple[Any, ...]) -> Any:
    """Make plain data, or a stand-in for an object; functions are not called."""
    if not isinstance(called, Name):
        raise ValueError("a call of what is no name")
    if called in rebuild:
        return rebuild[called](*args)
    if _is_referred(called) and _is_class(called.name):
        return Inert(called, args)
    raise ConvertError(f"The pickle calls {str(called)[:120]!r}, which does not make plain data. {REFUSED}")


def _settled(value: Any) -> Any:
    """Give the numpy value in place of what stood for it until it got its state."""
    return value.value if isinstance(value, Numpy) else value


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"no {kind.__name__} where one should be")
    return value


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(keys(values[::2]), values[1::2], strict=True))


_EMPTY: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
# fmt: off
_WITH_ARGUMENT = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
))
# fmt: on
_CONSTANTS = _WITH_ARGUMENT.union(_EMPTY)
