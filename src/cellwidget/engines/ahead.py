"""Reading ahead: batches are made while the one before is run."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cellwidget.batch import Batch
    from cellwidget.cells import Cells
    from cellwidget.engines.plan import Plan
    from cellwidget.engines.sizes import BatchSizes

DEPTH = 2


class Portion(NamedTuple):
    """Some cells as read: the good ones, and the others with the reason each."""

    batch: Batch
    failed: dict[int, str]


class Ahead:
    """Reads the cells of a plan in a thread of its own, a few batches before they are taken.

    Parameters
    ----------
    cells
        Where they are read from.
    plan
        Which ones, in which order.
    sizes
        How many at once.
    """

    def __init__(self, cells: Cells, plan: Plan, sizes: BatchSizes) -> None:
        self._cells = cells
        self._plan = plan
        self._sizes = sizes
        self._ready: deque[Portion] = deque()
        self._error: Exception | None = None
        self._ended = False
        self._closed = False
        self._exhausted = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="cellwidget-ahead", daemon=True).start()

    @property
    def exhausted(self) -> bool:
        """Whether all cells of the plan were taken, and `take` said so."""
        return self._exhausted

    def take(self) -> Portion | None:
        """Give the next portion, waiting for it; None after the last, and once closed.

        Raises
        ------
        Exception
            Whatever went wrong while reading, after the portions before it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended or self._closed)
            if self._closed:
                return None
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
            if self._error is not None:
                raise self._error
            self._exhausted = True
            return None

    def close(self) -> None:
        """Stop reading; what was read and not taken is dropped."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()

    def _read(self) -> None:
        try:
            while self._has_room() and (rows := self._plan.take(self._sizes.portion)) is not None:
                portion = Portion(*self._cells.read(rows.start, rows.stop))
                with self._changed:
                    self._ready.append(portion)
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001  (whatever it is, the run must hear of it)
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready) < DEPTH or self._closed)
            return not self._closed
