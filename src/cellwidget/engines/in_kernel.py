"""Running cells in the kernel: read ahead, batch by batch, with care."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cellwidget.batch import ResultBatch
from cellwidget.engines.ahead import Ahead, Portion
from cellwidget.engines.careful import Careful
from cellwidget.engines.sizes import BatchSizes

if TYPE_CHECKING:
    from cellwidget.batch import Batch
    from cellwidget.engines.base import Engine, Task
    from cellwidget.messages import Backend, EngineName


class InKernel:
    """Drives an engine that runs here.

    Parameters
    ----------
    engine
        Runs batches.
    batch_size
        Cells at once; None chooses by measuring.
    threads
        How many it computes with, for people.
    """

    name: EngineName = "kernel"
    backend: Backend = "onnxruntime"
    waiting = False

    def __init__(self, engine: Engine, *, batch_size: int | None = None, threads: int = 1) -> None:
        self.workers = threads
        self._engine = engine
        self._sizes = BatchSizes(engine.largest_batch, batch_size)
        self._careful = Careful(engine)
        self._under_way: tuple[Task, Ahead] | None = None

    def load(self) -> None:
        """Load the model."""
        self._engine.load()

    def work(self, task: Task) -> bool:
        """Run all cells of a task."""
        ahead = Ahead(task.cells, task.plan, self._sizes)
        self._under_way = task, ahead
        try:
            while task.ready() and (portion := ahead.take()) is not None:
                self._take_in(portion, task)
            return ahead.exhausted
        finally:
            self._under_way = None
            ahead.close()

    def wake(self) -> None:
        """Let go of reading where the run is over: it may be slow, and nobody waits for it."""
        under_way = self._under_way
        if under_way is not None:
            task, ahead = under_way
            if task.wanted() == "no":
                ahead.close()

    def _take_in(self, portion: Portion, task: Task) -> None:
        """Run a portion batch by batch, unless it is paused or stopped in between."""
        batch, failed = portion
        if failed:
            task.record(ResultBatch(batch.rows[:0], {}, failed))
        begin = 0
        while begin < len(batch) and task.ready():
            part = batch.cut(slice(begin, begin + self._sizes.size))
            begin += len(part)
            task.record(self._run(part))

    def _run(self, batch: Batch) -> ResultBatch:
        begin = time.perf_counter()
        result = self._careful.run(batch)
        self._sizes.measured(len(batch), time.perf_counter() - begin)
        if self._careful.too_large is not None:
            self._sizes.out_of_memory(self._careful.too_large)
        return result
