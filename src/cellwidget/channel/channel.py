"""Binary messages between the kernel and any number of pages.

Pages ask, this answers: each page has its own position in the change log, its own queue of columns it wants and its own
credit. One thread sends, so nothing waits for a page, and a page that went away costs one window of unread bytes.
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.channel.pages import Pages
from cellwidget.channel.sender import Sender
from cellwidget.messages import MessageError, parse, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cellwidget.channel.base import Buffers, Feed, Handler, Port
    from cellwidget.messages import (
        CellDetail,
        Equip,
        Equipment,
        Explain,
        GaveUp,
        Inspect,
        LeaseResults,
        Order,
        Pull,
        RunState,
        Select,
        SetThreshold,
        ToKernel,
        Want,
    )

    Raw = bytes | memoryview

log = logging.getLogger("cellwidget")


class Channel:
    """The link between one widget and its pages.

    Parameters
    ----------
    send
        Sends a custom message: JSON header and buffers (None: no buffers).
    handler
        Answers commands, selections and look-ups.
    publish
        Called on the sending thread with the run's state when it changed; for traits.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any], Buffers | None], None],
        handler: Handler,
        publish: Callable[[RunState], None],
    ) -> None:
        self._handler = handler
        self._pages = Pages()
        self._sender = Sender(send, publish, self._pages)

    # ── from the widget ──────────────────────────────────────────────────────────────────────────

    def show(self, feed: Feed) -> None:
        """Show another run: pages get its schema and start at nothing."""
        self._sender.show(feed)

    def changed(self) -> None:
        """Something in the feed changed: rows or state."""
        self._sender.look()

    def selected(self, page: str | None) -> None:
        """Tell of a new selection: all pages, but not the one that made it."""
        self._pages.selected(page)
        self._sender.look()

    def close(self) -> None:
        """Stop sending and let go of the feed."""
        self._sender.close()
        self._pages.clear()

    # ── from the page ────────────────────────────────────────────────────────────────────────────

    def receive(self, content: object, buffers: Sequence[Raw]) -> None:
        """Take what a page says; a bad message is answered with an error and changes nothing."""
        try:
            messages = unpacked(content, buffers)
        except MessageError as error:
            self._refuse(error.page, error.id, str(error))
            return
        for message, its in messages:
            self._receive_one(message, its)
        self._sender.look()

    def _receive_one(self, content: object, buffers: Sequence[Raw]) -> None:
        feed = self._sender.feed
        if feed is None:
            return
        try:
            message = parse(content, buffers, feed.n)
            self._take(feed, message, buffers)
        except MessageError as error:
            self._refuse(error.page, error.id, str(error))

    def _take(self, feed: Feed, message: ToKernel, buffers: Sequence[Raw]) -> None:
        match message["type"]:
            case "hello":
                self._pages.greet(message)
            case "bye":
                self._pages.drop(message["page"])
                self._handler.forget(message["page"], None)
                if feed.port is not None:
                    feed.port.left(message["page"])
            case "ack":
                self._pages.acknowledge(message["page"], message["seq"])
            case "want":
                self._want(feed, message)
            case "pull":
                self._pull(feed, message)
            case "explain":
                self._explain(message)
            case "cancel":
                self._handler.forget(message["page"], message["id"])
            case _:
                self._ask(feed, message, buffers)

    def _want(self, feed: Feed, message: Want) -> None:
        column = message["column"]
        length = feed.length(column)
        if length is None:
            raise MessageError(f"there is no column {column[:60]!r}", message["page"])
        if message["start"] > length:
            raise MessageError(f"want.start is {message['start']}, the column has {length} rows", message["page"])
        self._pages.want(message["page"], column, message["start"])

    def _pull(self, feed: Feed, message: Pull) -> None:
        self._pages.known(message["page"])
        if feed.port is not None and message["run"] == feed.run:
            feed.port.pull(message["page"], message)

    def _explain(self, message: Explain) -> None:
        page, number = message["page"], message["id"]
        try:
            self._handler.explain_to(message, Reply(self._sender, page, number))
        except Exception as error:
            log.warning("explain refused: %s", error)
            raise MessageError(str(error), page, number) from error

    def _ask(
        self,
        feed: Feed,
        message: Order | Select | SetThreshold | Inspect | Equip | LeaseResults | GaveUp,
        buffers: Sequence[Raw],
    ) -> None:
        page, number = message["page"], message["id"]
        try:
            value = self._answer(feed, message, buffers)
        except Exception as error:
            log.warning("%s refused: %s", message["type"], error)
            raise MessageError(str(error), page, number) from error
        Reply(self._sender, page, number).reply(value)

    def _answer(
        self,
        feed: Feed,
        message: Order | Select | SetThreshold | Inspect | Equip | LeaseResults | GaveUp,
        buffers: Sequence[Raw],
    ) -> CellDetail | Equipment | None:
        match message["type"]:
            case "command":
                self._handler.order(message["name"])
            case "select":
                self._handler.select(bytes(buffers[0]), message["page"])
            case "threshold":
                self._handler.set_threshold(float(message["value"]))
            case "inspect":
                return self._handler.inspect(message["row"])
            case "equip":
                return _port(feed).equipment(message["page"])
            case "results" if message["run"] == feed.run:
                _take_results(_port(feed), message, buffers)
            case "gave_up" if message["run"] == feed.run:
                _port(feed).gave_up(message["page"], message["title"], message["detail"])
        return None

    def _refuse(self, page: str | None, number: int | None, why: str) -> None:
        if page is not None:
            Reply(self._sender, page, number).refuse(why)


class Reply:
    """The way back to whoever asked; `number` is that of the message (None: one without)."""

    def __init__(self, sender: Sender, page: str, number: int | None) -> None:
        self._sender = sender
        self._to = {"to": page, "id": number}

    def reply(self, value: object) -> None:
        """Answer."""
        self._sender.emit({"type": "reply", **self._to, "value": value}, [])

    def refuse(self, why: str) -> None:
        """Say that there is no answer, and why."""
        self._sender.emit({"type": "error", **self._to, "message": why}, [])

    def progress(self, share: float) -> None:
        """Say how far the answer is, 0 to 1."""
        self._sender.emit({"type": "progress", **self._to, "share": share}, [])


def _port(feed: Feed) -> Port:
    if feed.port is None:
        raise ValueError("this model is not run on pages")
    return feed.port


def _take_results(port: Port, message: LeaseResults, buffers: Sequence[Raw]) -> None:
    try:
        raw = [base64.b64decode(text, validate=True) for text in message["b64"]] if "b64" in message else buffers
    except (TypeError, binascii.Error) as error:
        raise ValueError(f"results.b64 is not base64: {error}") from error
    specs = message["outputs"]
    if len(raw) != len(specs):
        raise ValueError(f"results name {len(specs)} outputs and bring {len(raw)}")
    outputs = {}
    for spec, buffer in zip(specs, raw, strict=True):
        dtype = np.dtype(f"<{spec['dtype']}")
        row = dtype.itemsize * spec["width"]
        size = memoryview(buffer).nbytes
        if not row or size % row:
            raise ValueError(f"{spec['name'][:60]} has {size} bytes, which are no rows of {spec['width']} numbers")
        outputs[spec["name"]] = np.frombuffer(buffer, dtype).reshape(-1, spec["width"])
    port.take(message["page"], message["lease"], outputs, message["failed"])
