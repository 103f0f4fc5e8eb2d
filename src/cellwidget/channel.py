"""Binary messages between the kernel and any number of pages.

Pages ask, this answers: each page has its own position in the change log, its own queue of columns it wants and its own
credit. One thread sends, so nothing waits for a page, and a page that went away costs one window of unread bytes.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cellwidget.messages import STREAMED, MessageError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cellwidget.messages import (
        Ack,
        CellDetail,
        DType,
        Hello,
        Inspect,
        Order,
        RunState,
        Schema,
        Select,
        ToKernel,
        Want,
    )

log = logging.getLogger("cellwidget")

WINDOW = 4 << 20
"""Bytes in flight to one page. Jupyter has no back-pressure of its own: what is sent faster than a page reads piles up
in the server."""
PIECE = 1 << 20
"""Bytes of one message, well under the 10 MB that servers allow."""
TEXT_ROWS = 16_384
FRAME_ROWS = 32_768
"""Log entries of one `rows` frame: about 0.75 MB."""
MESSAGE_GAP = 1 / 30
"""Seconds between messages: servers drop comm messages over a rate."""
FRAME_GAP = 0.2
"""Seconds between two frames of rows to a page while the run goes on: coalesces small batches."""
HEARTBEAT = 2.0
MAX_PAGES = 16

Buffers = list[bytes | memoryview]


class Feed(Protocol):
    """A run as pages see it."""

    def schema(self) -> Schema:
        """All that a page must know before the first row."""

    def state(self) -> RunState:
        """Where the run stands."""

    def since(self, position: int, limit: int) -> tuple[NDArray[np.uint32], int]:
        """Rows that changed in ``limit`` log entries from ``position`` on, and the position after them."""

    def read(self, column: str, rows: NDArray[np.uint32]) -> NDArray[Any]:
        """Values of a streamed column at some rows, as they cross."""

    def length(self, column: str) -> int | None:
        """Rows of a column that does not stream; None if there is no such column."""

    def piece(self, column: str, start: int, stop: int) -> tuple[DType, Buffers]:
        """Those rows of a column that does not stream, as they cross."""

    def selection(self) -> tuple[bytes, int]:
        """Bitset of the selected cells, and how many."""


class Handler(Protocol):
    """What pages can ask for beside columns. Called on whatever thread a message arrives on."""

    def order(self, name: str) -> None:
        """Carry out a command."""

    def select(self, bits: bytes, page: str) -> None:
        """Take a page's selection."""

    def inspect(self, row: int) -> CellDetail:
        """Tell more about one cell."""


@dataclass
class _Page:
    """What one page holds and what is under way to it."""

    id: str
    transport: str
    heard: float
    run: str | None = None
    position: int = 0
    seq: int = 0
    in_flight: deque[tuple[int, int]] = field(default_factory=deque)
    wants: deque[tuple[str, int]] = field(default_factory=deque)
    schema_due: bool = True
    state_sent: tuple[object, ...] | None = None
    state_at: float = 0.0
    rows_at: float = 0.0
    selection: int = -1

    def credit(self) -> int:
        return WINDOW - sum(size for _, size in self.in_flight)


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
        self._send = send
        self._handler = handler
        self._publish = publish
        self._feed: Feed | None = None
        self._pages: dict[str, _Page] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._closed = False
        self._sent_at = 0.0
        self._selection: tuple[int, str | None] = (0, None)
        self._thread: threading.Thread | None = None

    # ── from the widget ──────────────────────────────────────────────────────────────────────────

    def show(self, feed: Feed) -> None:
        """Show another run: pages get its schema and start at nothing."""
        with self._lock:
            self._feed = feed
            for page in self._pages.values():
                page.schema_due = True
                page.wants.clear()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._loop, name="cellwidget-channel", daemon=True)
                self._thread.start()
        self._wake.set()

    def changed(self) -> None:
        """Something in the feed changed: rows or state."""
        self._wake.set()

    def selected(self, page: str | None) -> None:
        """Tell of a new selection: all pages, but not the one that made it."""
        with self._lock:
            version = self._selection[0] + 1
            self._selection = (version, page)
            if page in self._pages:
                self._pages[page].selection = version
        self._wake.set()

    def close(self) -> None:
        """Stop sending and let go of the feed."""
        with self._lock:
            self._closed = True
            self._feed = None
            self._pages.clear()
        self._wake.set()

    # ── from the page ────────────────────────────────────────────────────────────────────────────

    def receive(self, content: object, buffers: Sequence[bytes | memoryview]) -> None:
        """Take a page's message; a bad one is answered with an error and changes nothing."""
        feed = self._feed
        if feed is None:
            return
        try:
            message = parse(content, buffers, feed.schema()["n"])
            self._take(message, buffers)
        except MessageError as error:
            self._refuse(error.page, error.id, str(error))

    def _take(self, message: ToKernel, buffers: Sequence[bytes | memoryview]) -> None:
        match message["type"]:
            case "hello":
                self._hello(message)
            case "bye":
                with self._lock:
                    self._pages.pop(message["page"], None)
            case "ack":
                self._ack(message)
            case "want":
                self._want(message)
            case _:
                self._ask(message, buffers)
        self._wake.set()

    def _hello(self, message: Hello) -> None:
        with self._lock:
            page = _Page(message["page"], message["transport"], time.monotonic())
            page.run, page.position = message["run"], message["position"]
            old = self._pages.pop(page.id, None)
            if old is not None:
                page.seq, page.selection = old.seq, old.selection
            self._pages[page.id] = page
            while len(self._pages) > MAX_PAGES:
                del self._pages[min(self._pages, key=lambda key: self._pages[key].heard)]

    def _known(self, name: str) -> _Page:
        page = self._pages.get(name)
        if page is None:
            raise MessageError("say hello first", name)
        page.heard = time.monotonic()
        return page

    def _ack(self, message: Ack) -> None:
        with self._lock:
            flight = self._known(message["page"]).in_flight
            while flight and flight[0][0] <= message["seq"]:
                flight.popleft()

    def _want(self, message: Want) -> None:
        feed, column = self._feed, message["column"]
        length = feed.length(column) if feed else None
        if length is None:
            raise MessageError(f"there is no column {column[:60]!r}", message["page"])
        if message["start"] > length:
            raise MessageError(f"want.start is {message['start']}, the column has {length} rows", message["page"])
        with self._lock:
            page = self._known(message["page"])
            page.wants = deque(want for want in page.wants if want[0] != column)
            page.wants.append((column, message["start"]))

    def _ask(self, message: Order | Select | Inspect, buffers: Sequence[bytes | memoryview]) -> None:
        page, number = message["page"], message["id"]
        try:
            value: CellDetail | None = None
            match message["type"]:
                case "command":
                    self._handler.order(message["name"])
                case "select":
                    self._handler.select(bytes(buffers[0]), page)
                case "inspect":
                    value = self._handler.inspect(message["row"])
        except Exception as error:
            log.warning("%s refused: %s", message["type"], error)
            raise MessageError(str(error), page, number) from error
        self._emit({"type": "reply", "to": page, "id": number, "value": value}, [])

    def _refuse(self, page: str | None, number: int | None, why: str) -> None:
        if page is not None:
            self._emit({"type": "error", "to": page, "id": number, "message": why}, [])

    # ── sending ──────────────────────────────────────────────────────────────────────────────────

    def _emit(self, header: dict[str, Any], buffers: Buffers) -> None:
        page = self._pages.get(header["to"] or "")
        if buffers and page is not None and page.transport == "base64":
            header["b64"] = [base64.b64encode(buffer).decode("ascii") for buffer in buffers]
            buffers = []
        try:
            self._send(header, buffers or None)
        except Exception:
            log.exception("a message to the page was not sent")

    def _loop(self) -> None:
        while not self._closed:
            try:
                due = self._serve()
            except Exception:
                log.exception("the link to the page failed once")
                due = HEARTBEAT
            self._wake.wait(due)
            self._wake.clear()

    def _serve(self) -> float:
        """Send what is due; returns the seconds after which to look again."""
        feed = self._feed
        if feed is None:
            return HEARTBEAT
        state = feed.state()
        self._publish(state)
        due = HEARTBEAT
        with self._lock:
            pages = list(self._pages.values())
        for page in pages:
            due = min(due, self._serve_page(page, feed, state))
        return due

    def _serve_page(self, page: _Page, feed: Feed, state: RunState) -> float:
        due = HEARTBEAT
        if page.schema_due:
            self._send_schema(page, feed)
        due = min(due, self._send_state(page, state))
        self._send_selection(page, feed)
        while page.credit() > 0 and not self._closed and feed is self._feed:
            waiting = self._send_rows(page, feed, state)
            more = self._send_piece(page, feed)
            due = min(due, waiting)
            if waiting > 0 and not more:
                break
        return due

    def _pace(self) -> None:
        wait = self._sent_at + MESSAGE_GAP - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._sent_at = time.monotonic()

    def _send_schema(self, page: _Page, feed: Feed) -> None:
        schema, state = feed.schema(), feed.state()
        with self._lock:
            page.schema_due = False
            if page.run != schema["run"]:
                page.run, page.position = schema["run"], 0
        self._pace()
        self._emit(
            {"type": "schema", "to": page.id, "schema": schema, "state": state, "selection": self._selection[0]}, []
        )

    def _send_state(self, page: _Page, state: RunState) -> float:
        """Send the state if it changed, at most five times a second; and now and then as a sign of life."""
        seen = tuple(
            repr(state[key]) for key in ("status", "phase", "done", "failed", "placed", "log", "notes", "problem")
        )
        now = time.monotonic()
        since, changed = now - page.state_at, seen != page.state_sent
        if changed and (since >= FRAME_GAP or page.state_sent is None or page.state_sent[:2] != seen[:2]):
            pass
        elif changed:
            return FRAME_GAP - since
        elif state["status"] != "running" or since < HEARTBEAT:
            return HEARTBEAT
        page.state_sent, page.state_at = seen, now
        self._pace()
        self._emit({"type": "state", "to": page.id, "state": state}, [])
        return HEARTBEAT

    def _send_selection(self, page: _Page, feed: Feed) -> None:
        version, origin = self._selection
        if page.selection == version:
            return
        fresh, page.selection = page.selection < 0, version
        bits, count = feed.selection()
        if fresh and count == 0:
            return
        self._pace()
        header = {"type": "selection", "to": page.id, "version": version, "page": origin, "count": count}
        self._emit(header, [bits])

    def _send_rows(self, page: _Page, feed: Feed, state: RunState) -> float:
        """Send one frame of changed rows; returns 0 if there may be more, else the seconds to wait."""
        if page.position >= state["log"]:
            return HEARTBEAT
        backlog = state["log"] - page.position
        wait = page.rows_at + FRAME_GAP - time.monotonic()
        if wait > 0 and backlog < FRAME_ROWS and state["status"] == "running":
            return wait
        rows, position = feed.since(page.position, FRAME_ROWS)
        columns: list[dict[str, str]] = []
        buffers: Buffers = [_raw(rows)]
        for name in STREAMED:
            values = feed.read(name, rows)
            columns.append({"id": name, "dtype": _dtype(values)})
            buffers.append(_raw(values))
        header = {"type": "rows", "run": page.run, "from": page.position, "to_position": position, "columns": columns}
        with self._lock:
            page.position, page.rows_at = position, time.monotonic()
        self._send_frame(page, header, buffers)
        return 0.0

    def _send_piece(self, page: _Page, feed: Feed) -> bool:
        """Send one piece of a column that the page wants; False if it wants none."""
        with self._lock:
            if not page.wants:
                return False
            column, start = page.wants.popleft()
        total = feed.length(column) or 0
        dtype, buffers, stop = _cut(feed, column, start, total)
        with self._lock:
            if stop < total:
                page.wants.appendleft((column, stop))
        header = {"type": "column", "run": page.run, "column": column, "dtype": dtype}
        self._send_frame(page, header | {"start": start, "count": stop - start, "total": total}, buffers)
        return True

    def _send_frame(self, page: _Page, header: dict[str, Any], buffers: Buffers) -> None:
        with self._lock:
            page.seq += 1
            page.in_flight.append((page.seq, sum(memoryview(buffer).nbytes for buffer in buffers)))
        self._pace()
        self._emit(header | {"to": page.id, "seq": page.seq}, buffers)


def _cut(feed: Feed, column: str, start: int, total: int) -> tuple[DType, Buffers, int]:
    """Take a piece of at most about `PIECE` bytes from a column."""
    stop = min(total, start + TEXT_ROWS)
    dtype, buffers = feed.piece(column, start, stop)
    size = sum(memoryview(buffer).nbytes for buffer in buffers)
    if stop < total and size < PIECE // 2 and len(buffers) == 1:
        stop = min(total, start + TEXT_ROWS * (PIECE // max(1, size)))
        dtype, buffers = feed.piece(column, start, stop)
    return dtype, buffers, stop


def _raw(values: NDArray[Any]) -> memoryview:
    return values.data.cast("B") if values.flags.c_contiguous and values.size else memoryview(values.tobytes())


def _dtype(values: NDArray[Any]) -> str:
    return f"{values.dtype.kind}{values.dtype.itemsize}"
