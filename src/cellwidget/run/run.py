"""A run: a small state machine behind one lock, and the thread that does the work."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import TYPE_CHECKING

from cellwidget.batch import ResultBatch
from cellwidget.engines import BatchSizes, Careful
from cellwidget.run.ahead import Ahead, Portion
from cellwidget.run.plan import Plan
from cellwidget.run.problems import NothingUsable, RunError, problem_of
from cellwidget.run.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.batch import Batch
    from cellwidget.cells import Cells
    from cellwidget.engines import Engine
    from cellwidget.layout import Layout
    from cellwidget.messages import Problem, RunState, Status
    from cellwidget.results import Results

log = logging.getLogger("cellwidget")

MOST_FAILURES = 20
ENDED = ("done", "stopped", "failed")


class Run:
    """Takes cells through an engine into results.

    A status changes at once when asked for; the batch under way is finished and kept all the same.

    Parameters
    ----------
    cells, engine, results, layout
        What is read, run, filled, and who gives places (None: nobody).
    batch_size
        Cells at once; None chooses by measuring.
    on_change
        Called from the run's threads when rows or the state changed. What it raises is logged.
    on_done
        Called when all cells were run; writes them and returns the key written, or None. What it raises becomes a
        note.
    """

    def __init__(
        self,
        cells: Cells,
        engine: Engine,
        results: Results,
        layout: Layout | None = None,
        *,
        batch_size: int | None = None,
        on_change: Callable[[], None] | None = None,
        on_done: Callable[[], str | None] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.results = results
        self.on_change = on_change
        self._cells = cells
        self._engine = engine
        self._layout = layout
        self._on_done = on_done
        self._sizes = BatchSizes(engine.largest_batch, batch_size)
        self._careful = Careful(engine)
        self._progress = Progress()
        self._status: Status = "idle"
        self._phase = ""
        self._problem: Problem | None = None
        self._written: str | None = None
        self._notes: list[str] = []
        self._ahead: Ahead | None = None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    # ── what it is told ──────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start, or go on after a pause, a stop or a failure; nothing happens while it goes on and after the end."""
        with self._changed:
            if self._status in ("running", "done"):
                return
            self._status, self._problem = "running", None
            self._progress.go()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="cellwidget-run", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        self._tell()

    def resume(self) -> None:
        """Go on after a pause, a stop or a failure."""
        self.start()

    def pause(self) -> None:
        """Pause after the batch that is under way."""
        self._halt("paused", during=("running",))

    def stop(self) -> None:
        """Stop after the batch that is under way; what is done is kept."""
        self._halt("stopped", during=("running", "paused"))

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run is done or stopped.

        Parameters
        ----------
        timeout
            Seconds; None waits for as long as it takes.

        Raises
        ------
        RunError
            If the run failed, or was never started.
        TimeoutError
            If it is still going after `timeout` seconds; it goes on.
        """
        with self._changed:
            if self._status == "idle":
                raise RunError({"title": "Nothing to wait for", "detail": "it was not started", "remedy": "Start it."})
            if not self._changed.wait_for(self._is_over, timeout):
                raise TimeoutError(f"The run is still {self._status} after {timeout:g} s; it goes on.")
            problem = self._problem
        if problem is not None:
            raise RunError(problem)

    def note(self, text: str) -> None:
        """Add something that the user should know."""
        with self._changed:
            if text not in self._notes:
                self._notes.append(text)
        self._tell()

    # ── what it tells ────────────────────────────────────────────────────────────────────────────

    @property
    def status(self) -> Status:
        """Where it stands."""
        with self._changed:
            return self._status

    def state(self) -> RunState:
        """Tell where it stands in full."""
        position = self.results.position  # before the counts: a page at this position may know more, never less
        done, failed, placed = self.results.counts
        failures = list(self.results.failures.items())[:MOST_FAILURES] if failed else []
        total = len(self.results)
        still = total - done - failed
        with self._changed:
            labelling = still > 0 and self._status in ("running", "paused")
            return {
                "run": self.id,
                "status": self._status,
                "engine": "kernel",
                "phase": self._phase,
                "total": total,
                "done": done,
                "failed": failed,
                "placed": placed,
                "log": position,
                "rate": self._progress.rate,
                "elapsed": self._progress.elapsed,
                "left": self._progress.left(still) if labelling else None,
                "problem": self._problem,
                "failures": [{"reason": reason, "cells": cells} for reason, cells in failures],
                "written": self._written,
                "notes": list(self._notes),
            }

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _halt(self, status: Status, during: tuple[Status, ...]) -> None:
        with self._changed:
            if self._status not in during:
                return
            self._status = status
            self._progress.halt()
            if status == "stopped" and self._ahead is not None:
                self._ahead.close()  # the worker may be waiting for it
            self._changed.notify_all()
        self._tell()

    def _is_over(self) -> bool:
        return self._status in ENDED and self._thread is None

    def _tell(self) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change()
        except Exception:
            log.exception("an observer of the run raised")

    def _busy_with(self, phase: str) -> None:
        with self._changed:
            self._phase = phase
        self._tell()

    def _goes_on(self) -> bool:
        """Wait out a pause; tells whether to go on."""
        with self._changed:
            self._changed.wait_for(lambda: self._status != "paused")
            return self._status == "running"

    def _work(self) -> None:
        """Do the work until it is done, stopped or failed; one that was resumed before it had stopped goes on."""
        over = False
        while not over:
            complete, problem = False, None
            try:
                complete = self._label() and self._complete()
            except Exception as error:  # noqa: BLE001  (a thread that dies silently would leave everyone waiting)
                problem = problem_of(error)
            over = self._settle(complete, problem)
        self._tell()

    def _settle(self, complete: bool, problem: Problem | None) -> bool:
        with self._changed:
            if complete:
                self._status = "done"
            elif problem is not None:
                self._status, self._problem = "failed", problem
            elif self._status in ("running", "paused"):
                return False
            self._progress.halt()
            self._phase = ""
            self._thread = None
            self._changed.notify_all()
            return True

    def _label(self) -> bool:
        """Run all cells that are left; tells whether none is."""
        self._busy_with("loading the model")
        self._engine.load()
        self._cells.start()
        if self._layout is not None:
            self._layout.begin(self.results)
        self._busy_with("labelling")
        try:
            ahead = self._read_ahead()
            while self._goes_on() and (portion := ahead.take()) is not None:
                if not self._goes_on():
                    break
                self._take_in(portion)
            return ahead.exhausted and self._lay_out()
        finally:
            self._close_ahead()
            if self._layout is not None:
                self._layout.end()

    def _read_ahead(self) -> Ahead:
        first = self._layout.first(len(self.results)) if self._layout is not None else []
        ahead = Ahead(self._cells, Plan(self.results.unrun(), first), self._sizes)
        with self._changed:
            self._ahead = ahead
        return ahead

    def _close_ahead(self) -> None:
        with self._changed:
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None

    def _take_in(self, portion: Portion) -> None:
        """Run a portion batch by batch, unless it is paused or stopped in between."""
        batch, failed = portion
        if failed:
            self._record(ResultBatch(batch.rows[:0], {}, failed))
        begin = 0
        while begin < len(batch) and self._goes_on():
            part = batch.cut(slice(begin, begin + self._sizes.size))
            begin += len(part)
            self._record(self._run(part))
        self._tell()

    def _record(self, result: ResultBatch) -> None:
        self.results.record(result)
        if self._layout is not None and len(result.rows):
            self._layout.add(result)
        with self._changed:
            self._progress.add(len(result.rows) + len(result.failed))

    def _run(self, batch: Batch) -> ResultBatch:
        begin = time.perf_counter()
        result = self._careful.run(batch)
        self._sizes.measured(len(batch), time.perf_counter() - begin)
        if self._careful.too_large is not None:
            self._sizes.out_of_memory(self._careful.too_large)
        return result

    def _lay_out(self) -> bool:
        """Let the layout place what is left; tells whether the run goes on."""
        if self._layout is not None and self.results.counts[0]:
            self._busy_with("fitting the layout")
            note = self._layout.finish(lambda: self.status in ("running", "paused"))
            if note is not None:
                self.note(note)
        return self._goes_on()

    def _complete(self) -> bool:
        if self.results.counts[0] == 0:
            raise NothingUsable(self.results)
        if self._on_done is not None:
            self._busy_with("writing the results")
            try:
                written = self._on_done()
            except Exception as error:  # noqa: BLE001  (results that cannot be written are still there)
                self.note(f"Nothing was written to the AnnData: {error}")
            else:
                with self._changed:
                    self._written = written
        return True
