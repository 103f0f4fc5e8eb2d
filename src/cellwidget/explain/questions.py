"""Questions of pages: answered one after the other on a thread of their own, since an answer may take long."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.channel import Answer
    from cellwidget.messages import Explanation

    Work = Callable[[Callable[[float], None]], Explanation]

log = logging.getLogger("cellwidget")

TOLD_EVERY = 0.25
"""Seconds between two words on how far an answer is."""
REPLACED = "another question took its place"


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


@dataclass
class _Asked:
    """A question under way."""

    id: int
    work: Work
    answer: Answer
    cancelled: threading.Event = field(default_factory=threading.Event)
    told: float = field(default_factory=time.monotonic)

    def tick(self, share: float) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self.told > TOLD_EVERY:
            self.told = now
            self.answer.progress(min(1.0, share))


class Questions:
    """Answers questions; a page's new one takes the place of its old one."""

    def __init__(self) -> None:
        self._latest: dict[str, _Asked] = {}
        self._waiting: deque[tuple[str, _Asked]] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ask(self, page: str, number: int, work: Work, answer: Answer) -> None:
        """Take a question.

        Parameters
        ----------
        page, number
            Who asks, and the question's number there.
        work
            Finds the answer; it must call its argument now and then with the share that is done.
        answer
            Where it goes.
        """
        asked = _Asked(number, work, answer)
        with self._lock:
            old = self._latest.get(page)
            if old is not None:
                old.cancelled.set()
            self._latest[page] = asked
            self._waiting.append((page, asked))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="cellwidget-questions", daemon=True)
                self._thread.start()

    def cancel(self, page: str, number: int | None = None) -> None:
        """Drop a page's question, if it is still that one; None for any."""
        with self._lock:
            asked = self._latest.get(page)
            if asked is not None and number in (None, asked.id):
                asked.cancelled.set()

    def close(self) -> None:
        """Drop all of them."""
        with self._lock:
            for asked in self._latest.values():
                asked.cancelled.set()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                page, asked = self._waiting.popleft()
            self._answer(asked)
            with self._lock:
                if self._latest.get(page) is asked:
                    del self._latest[page]

    def _answer(self, asked: _Asked) -> None:
        try:
            asked.tick(0.0)
            asked.answer.reply(asked.work(asked.tick))
        except Cancelled:
            asked.answer.refuse(REPLACED)
        except Exception as error:  # noqa: BLE001  (whatever it is, the page must hear of it)
            log.info("a question was not answered: %s", error)
            asked.answer.refuse(str(error) or type(error).__name__)
