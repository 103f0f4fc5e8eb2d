"""The change log: row numbers in the order in which rows changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_CAPACITY = 1024


class ChangeLog:
    """Row numbers, appended and never altered; not thread-safe by itself."""

    def __init__(self) -> None:
        self._rows = np.empty(FIRST_CAPACITY, dtype=np.uint32)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, rows: NDArray[np.integer]) -> None:
        """Add rows at the end."""
        needed = self._length + len(rows)
        if needed > len(self._rows):
            grown = np.empty(max(needed, 2 * len(self._rows)), dtype=np.uint32)
            grown[: self._length] = self._rows[: self._length]
            self._rows = grown
        self._rows[self._length : needed] = rows
        self._length = needed

    def part(self, start: int, limit: int) -> NDArray[np.uint32]:
        """Give at most `limit` entries from `start` on, as they were logged."""
        return self._rows[start : min(start + limit, self._length)]
