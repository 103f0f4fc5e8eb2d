"""What pages hold and what is under way to them."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cellwidget.messages import MessageError

if TYPE_CHECKING:
    from cellwidget.messages import Hello, Transport

WINDOW = 4 << 20
"""Bytes in flight to one page. Jupyter has no back-pressure of its own: what is sent faster than a page reads piles up
in the server."""
MAX_PAGES = 16


@dataclass
class Page:
    """What one page holds and what is under way to it."""

    id: str
    transport: Transport
    heard: float
    run: str | None = None
    position: int = 0
    seq: int = 0
    in_flight: deque[tuple[int, int]] = field(default_factory=deque)
    wants: deque[tuple[str, int]] = field(default_factory=deque)
    schema_due: bool = True
    state_sent: tuple[object, object] | None = None
    state_at: float = 0.0
    rows_at: float = 0.0
    selection: int = -1

    def credit(self) -> int:
        """Bytes that may still be sent."""
        return WINDOW - sum(size for _, size in self.in_flight)


class Pages:
    """The pages of one channel, and the lock under which they change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._pages: dict[str, Page] = {}
        self.selection: tuple[int, str | None] = (0, None)
        """Version of the selection, and the page that made it."""

    def all(self) -> list[Page]:
        """Give those of now."""
        with self.lock:
            return list(self._pages.values())

    def get(self, name: str | None) -> Page | None:
        """Find a page."""
        return self._pages.get(name or "")

    def known(self, name: str) -> Page:
        """Find a page that speaks.

        Raises
        ------
        MessageError
            If it did not say hello.
        """
        page = self._pages.get(name)
        if page is None:
            raise MessageError("say hello first", name)
        page.heard = time.monotonic()
        return page

    def greet(self, message: Hello) -> None:
        """Begin anew with a page; the one heard of longest ago goes where there are too many."""
        with self.lock:
            page = Page(message["page"], message["transport"], time.monotonic())
            page.run, page.position = message["run"], message["position"]
            old = self._pages.pop(page.id, None)
            if old is not None:
                page.seq, page.selection = old.seq, old.selection
            self._pages[page.id] = page
            while len(self._pages) > MAX_PAGES:
                del self._pages[min(self._pages, key=lambda key: self._pages[key].heard)]

    def drop(self, name: str) -> None:
        """Forget a page."""
        with self.lock:
            self._pages.pop(name, None)

    def start_again(self) -> None:
        """Owe all of them the schema."""
        with self.lock:
            for page in self._pages.values():
                page.schema_due = True
                page.wants.clear()

    def acknowledge(self, name: str, seq: int) -> None:
        """Take in what arrived."""
        with self.lock:
            flight = self.known(name).in_flight
            while flight and flight[0][0] <= seq:
                flight.popleft()

    def want(self, name: str, column: str, start: int) -> None:
        """Owe a page a column from a row on."""
        with self.lock:
            page = self.known(name)
            page.wants = deque(want for want in page.wants if want[0] != column)
            page.wants.append((column, start))

    def selected(self, name: str | None) -> None:
        """Note a new selection; the page that made it has it."""
        with self.lock:
            version = self.selection[0] + 1
            self.selection = (version, name)
            if name in self._pages:
                self._pages[name].selection = version

    def clear(self) -> None:
        """Forget all of them."""
        with self.lock:
            self._pages.clear()
