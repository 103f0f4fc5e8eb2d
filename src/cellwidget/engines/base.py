"""What every engine offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cellwidget.batch import Batch, ResultBatch


class Engine(Protocol):
    """Makes results of batches; a cell's result depends on that cell alone."""

    largest_batch: int
    """Cells of one batch that memory allows, by estimate."""

    def load(self) -> None:
        """Get ready to run; does nothing the second time."""

    def run(self, batch: Batch) -> ResultBatch:
        """Run a batch of at least one cell; raises whatever goes wrong."""
