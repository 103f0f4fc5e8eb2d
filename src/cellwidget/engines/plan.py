"""In which order the cells are run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class Plan:
    """Hands out the cells that are left, in consecutive pieces.

    Parameters
    ----------
    rows
        Cells that are left, ascending, int64.
    first
        Ranges of cells that go before the others.
    """

    def __init__(self, rows: NDArray[np.int64], first: Iterable[range]) -> None:
        early = np.concatenate([np.empty(0, np.int64), *(np.array(part, dtype=np.int64) for part in first)])
        is_early = np.isin(rows, early)
        self._left = [*_intervals(rows[is_early]), *_intervals(rows[~is_early])]
        self._left.reverse()

    def put_back(self, rows: NDArray[np.int64]) -> None:
        """Take back cells that were handed out and not run, ascending; they go next."""
        self._left += reversed(_intervals(rows))

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self, size: int) -> range | None:
        """Give the next cells, at most `size`; None when all are taken."""
        if not self._left:
            return None
        start, stop = self._left.pop()
        if stop - start > size:
            self._left.append((start + size, stop))
        return range(start, min(stop, start + size))


def _intervals(rows: NDArray[np.int64]) -> list[tuple[int, int]]:
    if not len(rows):
        return []
    bounds = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    return [(int(rows[low]), int(rows[high - 1]) + 1) for low, high in pairwise(bounds)]
