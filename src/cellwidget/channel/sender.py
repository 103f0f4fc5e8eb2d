"""Sending: one thread that gives every page what it is owed, within its credit."""

from __future__ import annotations

import base64
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cellwidget.channel.base import Buffers, Feed
    from cellwidget.channel.pages import Page, Pages
    from cellwidget.messages import DType, RunState

log = logging.getLogger("cellwidget")

PIECE = 1 << 20
"""Bytes of one message, well under the 10 MB that servers allow; texts may be longer than expected, up to `MOST`."""
MOST = 4 << 20
TEXT_ROWS = 16_384
FRAME_ROWS = 32_768
"""Log entries of one `rows` frame: about 0.75 MB."""
MESSAGE_GAP = 1 / 30
"""Seconds between messages: servers drop comm messages over a rate."""
FRAME_GAP = 0.2
"""Seconds between two frames of rows to a page while the run goes on: coalesces small batches."""
HEARTBEAT = 2.0
CHANGE_GAP = 0.01
"""Seconds in which news are gathered: small batches make many."""

SILENT = ("rate", "elapsed", "left")
"""Of a run's state: what alone is no reason to send it."""


class Sender:
    """Sends to all pages of a channel.

    Parameters
    ----------
    send
        Sends a custom message: JSON header and buffers (None: no buffers).
    publish
        Called on the sending thread with the run's state when it changed; for traits.
    pages
        Who is sent to.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any], Buffers | None], None],
        publish: Callable[[RunState], None],
        pages: Pages,
    ) -> None:
        self.feed: Feed | None = None
        self._send = send
        self._publish = publish
        self._pages = pages
        self._wake = threading.Event()
        self._closed = False
        self._sent_at = 0.0
        self._thread: threading.Thread | None = None

    def show(self, feed: Feed) -> None:
        """Serve another feed."""
        with self._pages.lock:
            self.feed = feed
            self._pages.start_again()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._loop, name="cellwidget-channel", daemon=True)
                self._thread.start()
        self._wake.set()

    def look(self) -> None:
        """Look for what is due."""
        self._wake.set()

    def close(self) -> None:
        """Stop sending and let go of the feed."""
        with self._pages.lock:
            self._closed = True
            self.feed = None
        self._wake.set()

    def emit(self, header: dict[str, Any], buffers: Buffers) -> None:
        """Send a message at once, on whatever thread this is."""
        page = self._pages.get(header["to"])
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
            time.sleep(CHANGE_GAP)
            self._wake.wait(due)
            self._wake.clear()

    def _serve(self) -> float:
        """Send what is due; returns the seconds after which to look again."""
        feed = self.feed
        if feed is None:
            return HEARTBEAT
        state = feed.state()
        self._publish(state)
        due = HEARTBEAT
        for page in self._pages.all():
            due = min(due, self._serve_page(page, feed, state))
        return due

    def _serve_page(self, page: Page, feed: Feed, state: RunState) -> float:
        due = HEARTBEAT
        if page.schema_due:
            self._send_schema(page, feed)
        due = min(due, self._send_state(page, state))
        self._send_selection(page, feed)
        while page.credit() > 0 and not self._closed and feed is self.feed:
            waiting = self._send_rows(page, feed, state)
            more = self._send_cells(page, feed)
            more = self._send_piece(page, feed) or more
            due = min(due, waiting)
            if waiting > 0 and not more:
                break
        return due

    def _pace(self) -> None:
        wait = self._sent_at + MESSAGE_GAP - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._sent_at = time.monotonic()

    def _send_schema(self, page: Page, feed: Feed) -> None:
        schema = feed.schema()
        with self._pages.lock:
            page.schema_due = False
            if page.run != schema["run"]:
                page.run, page.position = schema["run"], 0
        self._pace()
        header = {"type": "schema", "to": page.id, "schema": schema, "state": feed.state()}
        self.emit(header | {"selection": self._pages.selection[0]}, [])

    def _send_state(self, page: Page, state: RunState) -> float:
        """Send the state if it changed, at most five times a second; and now and then as a sign of life."""
        urgent = state["status"], state["engine"], state["phase"]
        seen = urgent, repr({key: value for key, value in state.items() if key not in SILENT})
        now = time.monotonic()
        since, changed = now - page.state_at, seen != page.state_sent
        if changed and (since >= FRAME_GAP or page.state_sent is None or page.state_sent[0] != urgent):
            pass
        elif changed:
            return FRAME_GAP - since
        elif state["status"] != "running" or since < HEARTBEAT:
            return HEARTBEAT
        page.state_sent, page.state_at = seen, now
        self._pace()
        self.emit({"type": "state", "to": page.id, "state": state}, [])
        return HEARTBEAT

    def _send_selection(self, page: Page, feed: Feed) -> None:
        version, origin = self._pages.selection
        if page.selection == version:
            return
        fresh, page.selection = page.selection < 0, version
        bits, count = feed.selection()
        if fresh and count == 0:
            return
        self._pace()
        header = {"type": "selection", "to": page.id, "version": version, "page": origin, "count": count}
        self.emit(header, [bits])

    def _send_rows(self, page: Page, feed: Feed, state: RunState) -> float:
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
        for name in feed.streamed:
            values = feed.read(name, rows)
            columns.append({"id": name, "dtype": _dtype(values)})
            buffers.append(_raw(values))
        header = {"type": "rows", "run": page.run, "from": page.position, "to_position": position, "columns": columns}
        with self._pages.lock:
            page.position, page.rows_at = position, time.monotonic()
        self._send_frame(page, header, buffers)
        return 0.0

    def _send_cells(self, page: Page, feed: Feed) -> bool:
        """Send the next cells that the page is to run; False if there are none."""
        lent = feed.port.lend(page.id) if feed.port is not None else None
        if lent is None:
            return False
        lease, cells = lent
        header = {"type": "cells", "run": page.run, "lease": lease, **cells.header}
        self._send_frame(page, header, [_raw(buffer) for buffer in cells.buffers])
        return True

    def _send_piece(self, page: Page, feed: Feed) -> bool:
        """Send one piece of a column that the page wants; False if it wants none, or none that is ready."""
        with self._pages.lock:
            want = next((want for want in page.wants if feed.ready(want[0])), None)
            if want is None:
                return False
            page.wants.remove(want)
        column, start = want
        total = feed.length(column) or 0
        dtype, buffers, stop = _cut(feed, column, start, total)
        with self._pages.lock:
            if stop < total:
                page.wants.appendleft((column, stop))
        header = {"type": "column", "run": page.run, "column": column, "dtype": dtype}
        self._send_frame(page, header | {"start": start, "count": stop - start, "total": total}, buffers)
        return True

    def _send_frame(self, page: Page, header: dict[str, Any], buffers: Buffers) -> None:
        with self._pages.lock:
            page.seq += 1
            page.in_flight.append((page.seq, sum(memoryview(buffer).nbytes for buffer in buffers)))
        self._pace()
        self.emit(header | {"to": page.id, "seq": page.seq}, buffers)


def _cut(feed: Feed, column: str, start: int, total: int) -> tuple[DType, Buffers, int]:
    """Take a piece of at most about `PIECE` bytes from a column."""
    stop = min(total, start + TEXT_ROWS)
    dtype, buffers = feed.piece(column, start, stop)
    while (size := sum(memoryview(buffer).nbytes for buffer in buffers)) > MOST and stop > start + 1:
        stop = start + max(1, (stop - start) * PIECE // size)
        dtype, buffers = feed.piece(column, start, stop)
    if stop < total and size < PIECE // 2 and len(buffers) == 1:
        stop = min(total, start + TEXT_ROWS * (PIECE // max(1, size)))
        dtype, buffers = feed.piece(column, start, stop)
    return dtype, buffers, stop


def _raw(values: NDArray[Any]) -> memoryview:
    return values.data.cast("B") if values.flags.c_contiguous and values.size else memoryview(values.tobytes())


def _dtype(values: NDArray[Any]) -> str:
    return f"{values.dtype.kind}{values.dtype.itemsize}"
