"""Pages' messages, checked field by field: they come from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from cellwidget.messages.words import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cellwidget.messages.asked import ToKernel

T = TypeVar("T")

_MAX_NAME = 1_000
_MAX_INT = 2**53
_MAX_LIST = 100_000


class MessageError(ValueError):
    """A page's message is not one of ours; ``id`` is the one it came with, if that could be read."""

    def __init__(self, message: str, page: str | None = None, id: int | None = None) -> None:
        super().__init__(message)
        self.page = page
        self.id = id


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _one_of(*allowed: object) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in allowed


def _list_of(valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) <= _MAX_LIST and all(map(valid, value))


def _output(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _text(value.get("name"))
        and _whole(value.get("width"))
        and value.get("dtype") in ("f4", "i4", "u2")
    )


def _whole_or_none(value: object) -> bool:
    return value is None or _whole(value)


def _failure(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and _whole(value[0]) and _text(value[1])


_FIELDS: dict[str, dict[str, Callable[[object], bool]]] = {
    "hello": {
        "protocol": lambda value: value == PROTOCOL,
        "transport": _one_of("binary", "base64"),
        "run": lambda value: value is None or _text(value),
        "position": _whole,
    },
    "ack": {"seq": _whole},
    "want": {"column": _text, "start": _whole},
    "command": {"id": _whole, "name": _one_of("run", "pause", "resume", "stop", "kernel", "browser")},
    "select": {"id": _whole, "count": _whole},
    "threshold": {"id": _whole, "value": _share},
    "inspect": {"id": _whole, "row": _whole},
    "explain": {
        "id": _whole,
        "of": _one_of("class", "selection", "cell"),
        "code": _whole_or_none,
        "row": _whole_or_none,
        "method": _one_of("attention_weighted", "attention", "occlusion"),
    },
    "cancel": {"id": _whole},
    "equip": {"id": _whole},
    "pull": {
        "run": _text,
        "room": _whole,
        "leases": _list_of(_whole),
        "seen": _whole,
        "workers": _whole,
        "backend": lambda value: value is None or _one_of("wasm", "webgpu")(value),
    },
    "results": {
        "id": _whole,
        "run": _text,
        "lease": _whole,
        "outputs": _list_of(_output),
        "failed": _list_of(_failure),
    },
    "gave_up": {"id": _whole, "run": _text, "title": _text, "detail": _text},
    "bye": {},
}


def unpacked(content: object, buffers: Sequence[T]) -> list[tuple[object, Sequence[T]]]:
    """Take apart several messages that came as one; each with the buffers that are its own.

    Raises
    ------
    MessageError
        If they do not say rightly which buffers these are.
    """
    if not isinstance(content, dict) or content.get("type") != "many":
        return [(content, buffers)]
    page, messages = content.get("page"), content.get("messages")
    sender = page if isinstance(page, str) and _text(page) else None
    if not isinstance(messages, list) or len(messages) > _MAX_LIST:
        raise MessageError("many.messages must be a list", sender)
    parts: list[tuple[object, Sequence[T]]] = []
    begin = 0
    for message in messages:
        count = message.get("buffers") if isinstance(message, dict) else None
        if not isinstance(count, int) or not _whole(count) or begin + count > len(buffers):
            raise MessageError("each of many messages must say how many buffers are its own", sender)
        parts.append(({**message, "page": page}, buffers[begin : begin + count]))
        begin += count
    return parts


def parse(content: object, buffers: Sequence[object], n_obs: int) -> ToKernel:
    """Check a page's message field by field.

    Parameters
    ----------
    content
        The JSON header, as it came.
    buffers
        The raw buffers that came with it.
    n_obs
        Number of cells, which bounds rows and the size of a bitset.

    Raises
    ------
    MessageError
        If anything is not as `js/src/protocol.ts` says; the message names the field.
    """
    if not isinstance(content, dict):
        raise MessageError("a message must be an object")
    page, identity = content.get("page"), content.get("id")
    sender = page if isinstance(page, str) and _text(page) else None
    number = identity if isinstance(identity, int) and _whole(identity) else None

    def refuse(why: str) -> MessageError:
        return MessageError(why, sender, number)

    if sender is None:
        raise refuse("page must be a short text")
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise refuse(f"unknown message type {str(kind)[:40]!r}")
    for name, valid in _FIELDS[kind].items():
        if name not in content or not valid(content[name]):
            raise refuse(f"{kind}.{name} is missing or out of range: {str(content.get(name))[:40]!r}")
    if kind == "inspect" or (kind == "explain" and content["of"] == "cell"):
        row = content["row"]
        if row is None or row >= n_obs:
            raise refuse(f"{kind}.row is {row}, but there are {n_obs} cells")
    if not isinstance(content.get("b64", []), list):
        raise refuse("b64 must be a list of texts")
    if kind == "select":
        _check_bitset(content["count"], buffers, n_obs, refuse)
    return cast("ToKernel", content)


def _check_bitset(count: int, buffers: Sequence[object], n_obs: int, refuse: Callable[[str], MessageError]) -> None:
    if len(buffers) != 1 or not isinstance(buffers[0], (bytes, bytearray, memoryview)):
        raise refuse("select needs one buffer, the bitset")
    size, needed = memoryview(buffers[0]).nbytes, (n_obs + 7) // 8
    if size != needed:
        raise refuse(f"the bitset has {size} bytes, {n_obs} cells need {needed}")
    if count > n_obs:
        raise refuse(f"select.count is {count}, but there are {n_obs} cells")
