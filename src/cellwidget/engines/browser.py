"""The engine on pages: cells are lent out, results come back, and what a page loses goes to another."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cellwidget.batch import ResultBatch
from cellwidget.engines.careful import LONGEST_REASON, without_nan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from cellwidget.engines.base import Task
    from cellwidget.engines.equipment import Equipped
    from cellwidget.engines.packing import Packed, Packer
    from cellwidget.messages import Backend, Demand, EngineName, Equipment

SILENT = 6.0
"""Seconds after which a page that says nothing is taken to be gone; it speaks every two."""
GONE = 30.0
"""Seconds after which it will not come back, for a run that no other page can go on with."""
LATE = 30.0
"""Seconds after which cells that a page did not speak of did not reach it."""
LENT_BYTES = 1 << 20
"""Of one lease, and of its results, about: each goes as one message."""
OUTBOX_BYTES = 8 << 20
"""Of cells that wait to be sent to one page."""
MOST_ROOM = 100_000
"""Cells lent to one page, whatever it says."""
MOST_WIDTH = 20_000
"""Of an output: results of all cells are kept."""
MOST_REFUSED = 3
"""Results in a row that cannot be used, after which a page is not asked again."""
FIRST_CELLS = 64
"""Of one lease, while it is not known how large cells and their results are."""
ATTENTION, GENES, CODES = "attention", "attention_genes", "attention_codes"
ORDER = "order"
"""What pages call the order of genes, which they need to unpack cells."""
PATIENCE = 1.0
"""Seconds after which to look for pages that went away."""


class GaveUp(RuntimeError):
    """No page can run the model; `title` says it in short."""

    def __init__(self, title: str, detail: str) -> None:
        super().__init__(detail)
        self.title = title


class Lent(NamedTuple):
    """A lease: cells on their way to a page."""

    lease: int
    cells: Packed


@dataclass
class _Worker:
    """A page that computes."""

    heard: float
    room: int = 0
    workers: int = 0
    backend: Backend | None = None
    leases: dict[int, tuple[NDArray[np.int64], float]] = field(default_factory=dict)
    outbox: list[Lent] = field(default_factory=list)
    refused: int = 0

    def outstanding(self) -> int:
        return sum(len(rows) for rows, _ in self.leases.values())


class BrowserEngine:
    """Drives the engines of pages. A channel asks it for cells to send, and brings what comes back.

    Parameters
    ----------
    equipped
        What pages need to run the model.
    classes
        How many logits a cell has.
    packer
        Packs cells for their way.
    on_change
        Called when there is something to send.
    """

    name: EngineName = "browser"

    def __init__(
        self, equipped: Equipped, classes: int, packer: Packer, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._equipped = equipped
        self._packer = packer
        self._on_change = on_change
        self._pages: dict[str, _Worker] = {}
        self._loading: dict[str, float] = {}
        self._unable: dict[str, tuple[str, str]] = {}
        self._widths: dict[str, int] = {"logits": classes, "xy": 2}
        self._came: list[ResultBatch] = []
        self._lost: list[NDArray[np.int64]] = []
        self._last: tuple[Backend | None, int] = None, 0
        self._leases = 0
        self._cell_bytes = self._result_bytes = 0.0
        self._under_way = False
        self._changed = threading.Condition()

    # ── what a run asks ──────────────────────────────────────────────────────────────────────────

    @property
    def backend(self) -> Backend | None:
        """What pages compute with, or did last."""
        with self._changed:
            return self._seen()[0]

    @property
    def workers(self) -> int:
        """How many workers all pages have, or had last."""
        with self._changed:
            return self._seen()[1]

    def _seen(self) -> tuple[Backend | None, int]:
        live = self._live()
        if live:
            backends = [page.backend for page in live if page.backend is not None]
            self._last = next(iter(backends), None), sum(page.workers for page in live)
        return self._last

    @property
    def waiting(self) -> bool:
        """Whether no page computes."""
        with self._changed:
            return not self._live()

    def load(self) -> None:
        """Look whether a page can be equipped.

        Raises
        ------
        BundleError
            If the model is of a kind that pages cannot run.
        """
        _ = self._equipped.contents

    def work(self, task: Task) -> bool:
        """Lend cells out and take results in until all are done; tells whether they are."""
        with self._changed:
            self._under_way = True
            self._unable.clear()
        try:
            while (wanted := task.wanted()) != "no":
                self._record(task)
                self._reclaim(task)
                if wanted == "yes" and self._lend(task):
                    self._on_change()
                    continue
                if self._all_done(task, wanted):
                    return True
            self._record(task)  # pages were told that these are here
            return False
        finally:
            self._end()

    def wake(self) -> None:
        """Look again at what is wanted."""
        with self._changed:
            self._changed.notify_all()

    def _record(self, task: Task) -> None:
        with self._changed:
            came, self._came = self._came, []
        for result in came:
            task.record(without_nan(result))

    def _lend(self, task: Task) -> bool:
        """Lend the next cells to the page that has most room; tells whether there is reason to look again."""
        with self._changed:
            free = {name: self._free(page) for name, page in self._pages.items() if self._is_live(page)}
        name = max(free, key=lambda each: free[each], default=None)
        if name is None or not task.plan or not free[name]:
            return False
        most = int(LENT_BYTES / max(self._cell_bytes, self._result_bytes)) if self._result_bytes else FIRST_CELLS
        rows = task.plan.take(max(1, min(free[name], most)))
        if rows is None:
            return False
        batch, failed = task.cells.read_sparse(rows.start, rows.stop)
        if failed:
            task.record(ResultBatch(batch.rows[:0], {}, failed))
        if len(batch):
            cells = self._packer.pack(batch)
            self._cell_bytes = max(1.0, cells.nbytes / len(cells))
            self._hand_over(name, cells)
        return True

    def _free(self, page: _Worker) -> int:
        """Cells to send now: a good part of what there is room for, since each message has its cost."""
        if sum(lent.cells.nbytes for lent in page.outbox) > OUTBOX_BYTES:
            return 0
        free = min(page.room, MOST_ROOM) - page.outstanding()
        return free if 4 * free >= page.room or not page.leases else 0

    def _hand_over(self, name: str, cells: Packed) -> None:
        with self._changed:
            page = self._pages.get(name)
            if page is None:
                self._lost.append(cells.rows)
                return
            self._leases += 1
            page.leases[self._leases] = cells.rows, time.monotonic()
            page.outbox.append(Lent(self._leases, cells))

    def _reclaim(self, task: Task) -> None:
        """Take back what pages lost; of a page that fell silent only when another has nothing else to do."""
        with self._changed:
            if not task.plan and self._live():
                for page in self._pages.values():
                    if not self._is_live(page):
                        self._lost += [rows for rows, _ in page.leases.values()]
                        page.leases.clear()
                        page.outbox.clear()
            lost, self._lost = self._lost, []
        for rows in lost:
            task.plan.put_back(rows)

    def _all_done(self, task: Task, wanted: str) -> bool:
        """Tell whether nothing is left; waits for news where something is."""
        with self._changed:
            if self._came or self._lost:
                return False
            if not task.plan and not any(page.leases for page in self._pages.values()):
                return True
            if wanted == "yes" and self._unable and not self._hopes():
                raise GaveUp(*next(iter(self._unable.values())))
            self._changed.wait(PATIENCE)
            return False

    def _end(self) -> None:
        with self._changed:
            self._under_way = False
            self._came.clear()
            self._lost.clear()
            for page in self._pages.values():
                page.leases.clear()
                page.outbox.clear()

    def _hopes(self) -> bool:
        """Whether a page may still come to run the model: it loads, or was heard of not long ago."""
        heard = [*self._loading.values(), *(page.heard for page in self._pages.values())]
        return any(time.monotonic() - at < GONE for at in heard)

    def _live(self) -> list[_Worker]:
        return [page for page in self._pages.values() if self._is_live(page)]

    def _is_live(self, page: _Worker) -> bool:
        return time.monotonic() - page.heard < SILENT

    # ── what a channel asks, on any thread ───────────────────────────────────────────────────────

    def equipment(self, name: str) -> Equipment:
        """Tell a page what it needs."""
        with self._changed:
            self._loading[name] = time.monotonic()
        return self._equipped.describe()

    def asset(self, name: str) -> bytes | None:
        """Give a file of the equipment, or the order in which genes come; None if there is none of that name."""
        if name == ORDER:
            return self._packer.order
        return self._equipped.contents.get(name)  # type: ignore[call-overload, no-any-return]

    def pull(self, name: str, demand: Demand) -> None:
        """Take in what a page has room for, and which leases it holds."""
        now, held = time.monotonic(), set(demand["leases"])
        with self._changed:
            page = self._pages.setdefault(name, _Worker(now))
            page.heard, page.room = now, demand["room"]
            page.workers, page.backend = demand["workers"], demand["backend"]
            self._unable.pop(name, None)
            self._loading.pop(name, None)
            for gone in [each for each, other in self._pages.items() if not (other.leases or self._is_live(other))]:
                del self._pages[gone]
            waiting = {lent.lease for lent in page.outbox}
            for lease, (rows, since) in list(page.leases.items()):
                missed = lease <= demand["seen"] or now - since > LATE
                if missed and lease not in held and lease not in waiting:
                    del page.leases[lease]
                    self._lost.append(rows)
            self._changed.notify_all()

    def lend(self, name: str) -> Lent | None:
        """Give the next cells for a page, if there are any."""
        with self._changed:
            page = self._pages.get(name)
            if page is None or not page.outbox:
                return None
            lent = page.outbox.pop(0)
            page.leases[lent.lease] = lent.cells.rows, time.monotonic()
            return lent

    def take(
        self, name: str, lease: int, outputs: Mapping[str, NDArray[np.generic]], failed: Sequence[tuple[int, str]]
    ) -> None:
        """Take in what became of a lease; one that is not this page's any more was run elsewhere.

        Raises
        ------
        ValueError
            If outputs or failures are not those of such a lease: then its cells are run again.
        """
        with self._changed:
            page = self._pages.get(name)
            if page is None or lease not in page.leases:
                return
            page.heard = time.monotonic()
            rows, _ = page.leases.pop(lease)
            self._changed.notify_all()
            try:
                self._came.append(self._result(rows, outputs, failed))
                page.refused = 0
            except ValueError as error:
                self._lost.append(rows)
                page.refused += 1
                if page.refused >= MOST_REFUSED:
                    self.gave_up(name, "What the page sends back cannot be used", str(error))
                raise

    def gave_up(self, name: str, title: str, detail: str) -> None:
        """Take in that a page cannot run the model."""
        with self._changed:
            self.left(name)
            self._unable[name] = title, detail
            self._changed.notify_all()

    def left(self, name: str) -> None:
        """Take back all that a page holds: it went away, or begins anew."""
        with self._changed:
            page = self._pages.pop(name, None)
            self._unable.pop(name, None)
            self._loading.pop(name, None)
            if page is not None and self._under_way:
                self._lost += [rows for rows, _ in page.leases.values()]
            self._changed.notify_all()

    def _result(
        self, rows: NDArray[np.int64], outputs: Mapping[str, NDArray[np.generic]], failed: Sequence[tuple[int, str]]
    ) -> ResultBatch:
        bad = {place: reason[:LONGEST_REASON] for place, reason in failed}
        if bad and max(bad) >= len(rows):
            raise ValueError(f"cell {max(bad)} of a lease of {len(rows)} cells")
        good = np.delete(rows, list(bad))
        reasons = {int(rows[place]): reason for place, reason in bad.items()}
        if not len(good):
            return ResultBatch(good, {}, reasons)
        if set(outputs) != self._expected():
            raise ValueError(f"results have {sorted(outputs)}, asked for was {sorted(self._expected())}")
        sums = {output: values.ravel() for output, values in outputs.items() if output.startswith(ATTENTION)}
        each = {output: values for output, values in outputs.items() if output not in sums}
        for output, values in each.items():
            width = self._widths.get(output, min(values.shape[1], MOST_WIDTH))
            if values.shape != (len(good), width) or values.dtype.kind != "f":
                raise ValueError(f"{output} is {values.dtype} {values.shape}, expected was {(len(good), width)}")
        if sums:
            self._check_sums(sums)
        self._widths |= {output: values.shape[1] for output, values in each.items()}
        self._result_bytes = sum(values.nbytes for values in outputs.values()) / len(good)
        return ResultBatch(good, each, reasons, sums or None)

    def _expected(self) -> set[str]:
        asked = self._equipped.outputs
        return {*asked, CODES} if any(output.startswith(ATTENTION) for output in asked) else {*asked}

    def _check_sums(self, sums: dict[str, NDArray[np.generic]]) -> None:
        if len({len(values) for values in sums.values()}) != 1:
            raise ValueError(f"{sorted(sums)} are not of one length")
        for name, values in sums.items():
            if (values.dtype.kind in "iu") != (name in (CODES, GENES)):
                raise ValueError(f"{name} is of type {values.dtype}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} has weights that are no numbers")
        if len(sums[CODES]) and int(sums[CODES].max()) >= self._widths["logits"]:
            raise ValueError(f"attention of label {sums[CODES].max()}, there are {self._widths['logits']}")
