"""What every engine offers, and what a run gives it to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.batch import Batch, ResultBatch
    from cellwidget.cells import Cells
    from cellwidget.engines.plan import Plan
    from cellwidget.messages import Backend, EngineName


class Engine(Protocol):
    """Makes results of batches; a cell's result depends on that cell alone."""

    largest_batch: int
    """Cells of one batch that memory allows, by estimate."""

    def load(self) -> None:
        """Get ready to run; does nothing the second time."""

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch of at least one cell; raises whatever goes wrong."""


@dataclass(frozen=True)
class Task:
    """Cells that are to be run, and who wants to know.

    Parameters
    ----------
    cells, plan
        Where they are read from, which ones and in which order.
    record
        Takes in cells that are done or failed.
    wanted
        Whether to go on: "yes", "not now" while the run is paused, "no" once it is over or another engine goes on.
    ready
        Waits out a pause; tells whether to go on.
    """

    cells: Cells
    plan: Plan
    record: Callable[[ResultBatch], None]
    wanted: Callable[[], str]
    ready: Callable[[], bool]


class Driver(Protocol):
    """Takes a run's cells through a model. Called from the run's thread, `wake` from any."""

    name: EngineName

    @property
    def backend(self) -> Backend | None:
        """What it computes with; None while not known."""

    @property
    def workers(self) -> int:
        """Threads or workers; 0 while not known."""

    @property
    def waiting(self) -> bool:
        """Whether it waits for a page to compute."""

    def load(self) -> None:
        """Get ready; does nothing the second time."""

    def work(self, task: Task) -> bool:
        """Run all cells of a task; tells whether none is left. Raises what makes going on useless."""

    def wake(self) -> None:
        """Look again at what is wanted."""
