"""What a channel shows, and whom it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from cellwidget.messages import (
        CellDetail,
        Command,
        Demand,
        DType,
        Equipment,
        Explain,
        Explanation,
        RunState,
        Schema,
    )

Buffers = list[bytes | memoryview]


class Cells(Protocol):
    """Cells as they cross."""

    @property
    def header(self) -> dict[str, Any]:
        """What the message says of the buffers."""

    @property
    def buffers(self) -> list[NDArray[Any]]:
        """Its buffers."""


class Port(Protocol):
    """An engine on pages, as a channel serves it."""

    def equipment(self, name: str) -> Equipment:
        """Tell a page what it needs."""

    def asset(self, name: str) -> bytes | None:
        """Give a file of that; None if there is none of that name."""

    def pull(self, name: str, demand: Demand) -> None:
        """Take in what a page has room for."""

    def lend(self, name: str) -> tuple[int, Cells] | None:
        """Give the next cells for a page, with the number of the lease, if there are any."""

    def take(
        self, name: str, lease: int, outputs: Mapping[str, NDArray[np.generic]], failed: Sequence[tuple[int, str]]
    ) -> None:
        """Take in what became of a lease; raises ValueError if it cannot be."""

    def gave_up(self, name: str, title: str, detail: str) -> None:
        """Take in that a page cannot run the model."""

    def left(self, name: str) -> None:
        """Take back what a page holds: it went away, or begins anew."""


class Answer(Protocol):
    """Where the answer to a question goes."""

    def reply(self, value: Explanation) -> None:
        """Give it."""

    def refuse(self, why: str) -> None:
        """Say why there is none."""

    def progress(self, share: float) -> None:
        """Say how far it is, 0 to 1."""


class Feed(Protocol):
    """A run as pages see it."""

    port: Port | None
    """Where the model can be run on pages."""
    run: str
    """Which run it is."""
    n: int
    """How many cells it has."""
    streamed: Sequence[str]
    """Columns whose rows go out as the run goes on."""

    def schema(self) -> Schema:
        """All that a page must know before the first row."""

    def state(self) -> RunState:
        """Where the run stands."""

    def since(self, position: int, limit: int) -> tuple[NDArray[np.uint32], int]:
        """Rows that changed in ``limit`` log entries from ``position`` on, and the position after them."""

    def read(self, column: str, rows: NDArray[np.uint32]) -> NDArray[Any]:
        """Values of a streamed column at some rows, as they cross."""

    def length(self, column: str) -> int | None:
        """Rows of a column that does not stream; None if there is no such column."""

    def ready(self, column: str) -> bool:
        """Whether such a column can be sent; one that cannot yet will be, and the channel is told of a change."""

    def piece(self, column: str, start: int, stop: int) -> tuple[DType, Buffers]:
        """Those rows of a column that does not stream, as they cross."""

    def selection(self) -> tuple[bytes, int]:
        """Bitset of the selected cells, and how many."""


class Handler(Protocol):
    """What pages can ask for beside columns. Called on whatever thread a message arrives on."""

    def order(self, name: Command) -> None:
        """Carry out a command."""

    def select(self, bits: bytes, page: str) -> None:
        """Take a page's selection."""

    def set_threshold(self, value: float) -> None:
        """Take the score below which cells are unassigned."""

    def inspect(self, row: int) -> CellDetail:
        """Tell more about one cell."""

    def explain_to(self, question: Explain, answer: Answer) -> None:
        """Take a question; `answer` is called once, at any time and on any thread."""

    def forget(self, page: str, question: int | None) -> None:
        """Drop a page's question, or (None) whatever it asked."""
