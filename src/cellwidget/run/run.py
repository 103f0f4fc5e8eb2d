"""A run: a small state machine behind one lock, and the thread that does the work."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING

from cellwidget.engines import Plan, Task
from cellwidget.run.problems import NothingUsable, RunError, problem_of
from cellwidget.run.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.batch import ResultBatch
    from cellwidget.cells import Cells
    from cellwidget.engines import Driver
    from cellwidget.layout import Layout
    from cellwidget.messages import Problem, RunState, Status
    from cellwidget.results import Results

log = logging.getLogger("cellwidget")

MOST_FAILURES = 20
ENDED = ("done", "stopped", "failed")


class Run:
    """Takes cells through an engine into results.

    A status changes at once when asked for; a batch under way in the kernel is finished and kept all the same.

    Parameters
    ----------
    cells, driver, results, layout
        What is read, who runs it, what is filled, and who gives places (None: nobody).
    on_change
        Called from the run's threads when rows or the state changed. What it raises is logged.
    on_done
        Called when all cells were run; writes them and returns the key written, or None. What it raises becomes a
        note.
    """

    def __init__(
        self,
        cells: Cells,
        driver: Driver,
        results: Results,
        layout: Layout | None = None,
        *,
        on_change: Callable[[], None] | None = None,
        on_done: Callable[[], str | None] | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.results = results
        self.on_change = on_change
        self._cells = cells
        self._driver = driver
        self._next: Driver | None = None
        self.chosen = ""
        self._layout = layout
        self._on_done = on_done
        self._progress = Progress()
        self._status: Status = "idle"
        self._phase = ""
        self._problem: Problem | None = None
        self._written: str | None = None
        self._notes: list[str] = []
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

    def use(self, driver: Driver) -> None:
        """Let another engine go on from here, after the batch that is under way."""
        with self._changed:
            if driver is (self._next or self._driver):
                return
            if self._thread is None:
                self._driver = driver
            else:
                self._next = driver
                self._driver.wake()
            self._changed.notify_all()
        self._tell()

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
            driver = self._next or self._driver
            waiting = still > 0 and self._status == "running" and driver.waiting
            return {
                "run": self.id,
                "status": "waiting" if waiting else self._status,
                "engine": driver.name,
                "backend": driver.backend,
                "workers": driver.workers,
                "chosen": self.chosen,
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
                "threshold": self.results.threshold,
                "notes": list(self._notes),
            }

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _halt(self, status: Status, during: tuple[Status, ...]) -> None:
        with self._changed:
            if self._status not in during:
                return
            self._status = status
            self._progress.halt()
            self._driver.wake()
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

    def _wanted(self) -> str:
        with self._changed:
            if self._next is not None or self._status not in ("running", "paused"):
                return "no"
            return "yes" if self._status == "running" else "not now"

    def _goes_on(self) -> bool:
        """Wait out a pause; tells whether to go on."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted() != "not now")
            return self._wanted() == "yes"

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
        driver = self._take_turns()
        self._busy_with("loading the model")
        driver.load()
        self._cells.start()
        if self._layout is not None:
            self._layout.begin(self.results)
        self._busy_with("labelling")
        first = self._layout.first(len(self.results)) if self._layout is not None else []
        plan = Plan(self.results.unrun(), first)
        try:
            complete = driver.work(Task(self._cells, plan, self._record, self._wanted, self._goes_on))
            return complete and self._lay_out()
        finally:
            if self._layout is not None:
                self._layout.end()

    def _take_turns(self) -> Driver:
        with self._changed:
            if self._next is not None:
                self._driver, self._next = self._next, None
            return self._driver

    def _record(self, result: ResultBatch) -> None:
        self.results.record(result)
        if self._layout is not None and len(result.rows):
            self._layout.add(result)
        with self._changed:
            self._progress.add(len(result.rows) + len(result.failed))
        self._tell()

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
