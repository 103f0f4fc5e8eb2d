"""What a run asks of a layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.batch import ResultBatch
    from cellwidget.messages import LayoutInfo
    from cellwidget.results import Results


class Layout(Protocol):
    """Gives cells their places. A run calls it from its thread: begin, add after each batch, finish, end."""

    info: LayoutInfo
    is_new: bool
    """Whether places come out of the run, and so are written with its results."""

    def first(self, n_obs: int) -> list[range]:
        """Cells to run before the others, as ranges in ascending order that do not overlap."""

    def begin(self, results: Results) -> None:
        """Get ready; called whenever a run starts or goes on."""

    def add(self, result: ResultBatch) -> None:
        """Take in cells that are done and in the results already."""

    def finish(self, wanted: Callable[[], bool]) -> str | None:
        """Place what is left once all cells are done; gives up when it is no longer wanted.

        Returns
        -------
        str or None
            What the user should know, if cells could not be placed.
        """

    def end(self) -> None:
        """Let go of what works in the background; `begin` may follow."""
