"""How long a run has been going, and how fast."""

from __future__ import annotations

import time
from collections import deque

WINDOW = 4.0
"""Seconds over which the rate is taken."""
SHORTEST = 0.05


class Progress:
    """A stopwatch that counts cells; not thread-safe by itself."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._rate: float | None = None

    def go(self) -> None:
        """Start or go on."""
        if self._since is None:
            self._since = time.monotonic()
            self._recent.clear()

    def halt(self) -> None:
        """Stop counting time."""
        if self._since is not None:
            self._before += time.monotonic() - self._since
            self._since = None

    def add(self, cells: int) -> None:
        """Count cells that were just finished."""
        now = time.monotonic()
        self._recent.append((now, cells))
        while len(self._recent) > 2 and now - self._recent[0][0] > WINDOW:
            self._recent.popleft()
        span = now - self._recent[0][0]
        if span > SHORTEST:
            # the first entry is where the span begins: its cells came before, and so did loading
            self._rate = (sum(count for _, count in self._recent) - self._recent[0][1]) / span

    @property
    def elapsed(self) -> float:
        """Seconds at work."""
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)

    @property
    def rate(self) -> float | None:
        """Cells per second of late; None until there is something to go by."""
        return self._rate

    def left(self, cells: int) -> float | None:
        """Seconds that some more cells will take."""
        return cells / self._rate if self._rate else None
