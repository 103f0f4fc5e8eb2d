"""What pages say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from cellwidget.messages.told import OutputSpec
    from cellwidget.messages.words import Backend, Command, Explains, Transport


class Hello(TypedDict):
    """First word of a page, and again whenever it missed something."""

    type: Literal["hello"]
    page: str
    protocol: int
    transport: Transport
    run: str | None
    position: int


class Ack(TypedDict):
    """Frame ``seq`` and all before it arrived."""

    type: Literal["ack"]
    page: str
    seq: int


class Want(TypedDict):
    """Send a column from row ``start`` on."""

    type: Literal["want"]
    page: str
    column: str
    start: int


class Order(TypedDict):
    """Run, pause, resume or stop."""

    type: Literal["command"]
    page: str
    id: int
    name: Command


class Select(TypedDict):
    """The page's selection; the bitset is buffer 0."""

    type: Literal["select"]
    page: str
    id: int
    count: int


class SetThreshold(TypedDict):
    """Cells with a lower score are to be unassigned."""

    type: Literal["threshold"]
    page: str
    id: int
    value: float


class Inspect(TypedDict):
    """Tell more about one cell."""

    type: Literal["inspect"]
    page: str
    id: int
    row: int


class Explain(TypedDict):
    """Tell why: the genes behind a class (``code``; null for all), the selection or a cell (``row``)."""

    type: Literal["explain"]
    page: str
    id: int
    of: Literal["class", "selection", "cell"]
    code: int | None
    row: int | None
    method: Explains


class Cancel(TypedDict):
    """Nobody waits for the answer to explain ``id`` any more."""

    type: Literal["cancel"]
    page: str
    id: int


class Equip(TypedDict):
    """Ask what is needed to run the model on the page."""

    type: Literal["equip"]
    page: str
    id: int


class Demand(TypedDict):
    """What a page that runs the model has room for, the leases it holds, and the highest that it ever saw."""

    room: int
    leases: list[int]
    seen: int
    workers: int
    backend: Backend | None


class Pull(Demand):
    """The page runs the model, and wants cells."""

    type: Literal["pull"]
    page: str
    run: str


class LeaseResults(TypedDict):
    """A lease is done: one buffer per output, and positions of failed cells with the reason each."""

    type: Literal["results"]
    page: str
    id: int
    run: str
    lease: int
    outputs: list[OutputSpec]
    failed: list[tuple[int, str]]
    b64: NotRequired[list[str]]


class GaveUp(TypedDict):
    """The model cannot be run on the page."""

    type: Literal["gave_up"]
    page: str
    id: int
    run: str
    title: str
    detail: str


class Bye(TypedDict):
    """The page goes away."""

    type: Literal["bye"]
    page: str


ToKernel = (
    Hello
    | Ack
    | Want
    | Order
    | Select
    | SetThreshold
    | Inspect
    | Explain
    | Cancel
    | Equip
    | Pull
    | LeaseResults
    | GaveUp
    | Bye
)
