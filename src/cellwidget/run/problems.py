"""Failures in words: what happened, and what to do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cellwidget.bundle import BundleError
from cellwidget.cells import MatrixChanged
from cellwidget.engines import EngineFailed
from cellwidget.engines.browser import GaveUp

if TYPE_CHECKING:
    from cellwidget.messages import Problem
    from cellwidget.results import Results

log = logging.getLogger("cellwidget")

GO_ON = "What is done is kept. Resume to go on from there."


class RunError(RuntimeError):
    """A run failed; the message says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem['title']}: {problem['detail'].rstrip('.')}. {problem['remedy']}")
        self.problem = problem


class NothingUsable(RuntimeError):
    """Every cell failed."""

    def __init__(self, results: Results) -> None:
        reason, cells = next(iter(results.failures.items()))
        super().__init__(f"all {len(results):,} cells failed, {cells:,} of them because {reason}")


def problem_of(error: Exception) -> Problem:
    """Put what stopped a run into words."""
    detail = str(error) or type(error).__name__
    match error:
        case MatrixChanged():
            title, remedy = (
                "The data changed while they were read",
                "What is done is kept. Run again to label all cells.",
            )
        case BundleError():
            title, remedy = "The model cannot be loaded", "Then run again."
        case EngineFailed():
            title, remedy = "The model does not run", GO_ON
        case GaveUp():
            title, remedy = error.title, "What is done is kept. Choose the kernel engine to go on from there."
        case NothingUsable():
            title, remedy = "No cell could be labelled", "See what the input report says of the data, then run again."
        case MemoryError():
            title, remedy = "Memory ran out", f"Free some, or choose a smaller batch_size. {GO_ON}"
        case _:
            title, remedy = "The run failed", GO_ON
            detail = f"{type(error).__name__}: {detail}"
            log.error("the run failed", exc_info=error)
    return {"title": title, "detail": detail, "remedy": remedy}
