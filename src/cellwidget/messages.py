"""The messages between kernel and page, as types; `js/src/protocol.ts` is the counterpart and holds the prose.

Both sides parse the cases in ``tests/data/messages/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROTOCOL = 1
T = TypeVar("T")

Status = Literal["idle", "waiting", "running", "paused", "done", "stopped", "failed"]
Transport = Literal["binary", "base64"]
DType = Literal["u1", "u2", "u4", "f4", "f8"]
Command = Literal["run", "pause", "resume", "stop", "kernel", "browser"]
EngineName = Literal["kernel", "browser"]
Backend = Literal["onnxruntime", "wasm", "webgpu"]
StageName = Literal["front", "model", "back", "umap"]
AssetName = Literal["wasm", "webgpu"] | StageName
Explains = Literal["attention_weighted", "attention", "occlusion"]

NOT_RUN, DONE, FAILED = 0, 1, 2
"""Where a cell stands: the values of the ``state`` column."""

STREAMED: tuple[str, ...] = ("state", "xy", "label", "score", "second", "second_score", "entropy", "distance")
"""Columns whose rows go out as the run goes on; all others are sent when a page asks."""


class ColumnSpec(TypedDict):
    """A column of n_obs rows that a page can show."""

    id: str
    name: str
    kind: Literal["number", "category", "text", "xy"]
    group: Literal["result", "obs", "name", "layout", "gene"]
    dtype: DType
    integer: NotRequired[bool]
    categories: NotRequired[list[str]]
    colors: NotRequired[list[str]]
    unassigned: NotRequired[bool]


class InputReport(TypedDict):
    """What a model found in the data."""

    cells: int
    matrix: str
    values: str
    trained_on: str
    genes_matched: int
    genes_model: int
    genes_data: int
    id_type: str
    ids_in: str
    duplicates_summed: int
    empty_cells: int
    total: str | None
    notes: list[str]


class ModelInfo(TypedDict):
    """The model, in words for the page."""

    name: str
    title: str
    family: str
    version: str
    genes: int
    classes: list[str]
    explains: list[str]


class LayoutInfo(TypedDict):
    """Where points come from."""

    source: Literal["model", "obsm", "umap"]
    name: str
    reference: int


class MapInfo(LayoutInfo):
    """The same, and the distance beyond which a cell is unlike anything in training; None where none is measured."""

    distance_limit: float | None


class TruthInfo(TypedDict):
    """The obs column of known labels, and which class each of its categories is (-1: none of the model's)."""

    column: str
    codes: list[int]


class GenesInfo(TypedDict):
    """Genes that pages can colour by: how many ``genes`` brings, and what values they have."""

    count: int
    values: str


class Schema(TypedDict):
    """All that a page must know before the first row."""

    run: str
    n: int
    key: str
    model: ModelInfo
    report: InputReport | None
    columns: list[ColumnSpec]
    color: str
    layout: MapInfo
    genes: GenesInfo
    engines: list[EngineName]
    truth: TruthInfo | None


class Problem(TypedDict):
    """A failure in words: what happened, what is kept, what to do."""

    title: str
    detail: str
    remedy: str


class Failure(TypedDict):
    """Why some cells have no result."""

    reason: str
    cells: int


class RunState(TypedDict):
    """Where a run stands."""

    run: str
    status: Status
    engine: EngineName
    backend: Backend | None
    workers: int
    chosen: str
    phase: str
    total: int
    done: int
    failed: int
    placed: int
    log: int
    rate: float | None
    elapsed: float
    left: float | None
    problem: Problem | None
    failures: list[Failure]
    written: str | None
    threshold: float
    notes: list[str]


class LabelScore(TypedDict):
    """A label and how sure the model is of it."""

    code: int
    score: float


class ObsValue(TypedDict):
    """One obs entry of one cell, as text."""

    name: str
    value: str


class CellDetail(TypedDict):
    """One cell, looked up on demand."""

    row: int
    name: str
    labels: list[LabelScore]
    obs: list[ObsValue]
    failure: str | None


class Asset(TypedDict):
    """A file that a page needs to run the model itself."""

    bytes: int
    sha256: str


class StageSpec(TypedDict):
    """One graph of the model, and what it calls the values that it takes and gives, by what all graphs call them."""

    asset: StageName
    inputs: dict[str, str]
    outputs: dict[str, str]


class Equipment(TypedDict):
    """All that a page needs to run the model itself; files come as columns ``asset:NAME``.

    `stages` run in their order: each takes values of the cells or of stages before it.
    """

    assets: dict[AssetName, Asset]
    stages: list[StageSpec]
    outputs: list[str]
    largest_batch: int
    workers: int | None


class OutputSpec(TypedDict):
    """An output that a page sends back, [cells, width]: float32 ("f4"), or whole numbers ("i4", "u2")."""

    name: str
    width: int
    dtype: Literal["f4", "i4", "u2"]


class ExplainedGene(TypedDict):
    """A gene that labels rest on; `count` only of a single cell."""

    gene: str
    weight: float
    share: float
    expressed: float
    count: float | None


class ExplainedGroup(TypedDict):
    """What the labels of some cells rest on: from `cells` of `total` cells; `code` of a class."""

    code: int | None
    cells: int
    total: int
    genes: list[ExplainedGene]


class Explanation(TypedDict):
    """The answer to `Explain`: a group, or one per class."""

    of: Literal["class", "selection", "cell"]
    method: str
    groups: list[ExplainedGroup]


class MessageError(ValueError):
    """A page's message is not one of ours; ``id`` is the one it came with, if that could be read."""

    def __init__(self, message: str, page: str | None = None, id: int | None = None) -> None:
        super().__init__(message)
        self.page = page
        self.id = id


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

_MAX_NAME = 1_000
_MAX_INT = 2**53
_MAX_LIST = 100_000


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _one_of(*allowed: object) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in allowed


def _list_of(valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) <= _MAX_LIST and all(map(valid, value))


def _output(value: object) -> bool:
    return (
        isinstance(value, dict)
        and _text(value.get("name"))
        and _whole(value.get("width"))
        and value.get("dtype") in ("f4", "i4", "u2")
    )


def _whole_or_none(value: object) -> bool:
    return value is None or _whole(value)


def _failure(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and _whole(value[0]) and _text(value[1])


_FIELDS: dict[str, dict[str, Callable[[object], bool]]] = {
    "hello": {
        "protocol": lambda value: value == PROTOCOL,
        "transport": _one_of("binary", "base64"),
        "run": lambda value: value is None or _text(value),
        "position": _whole,
    },
    "ack": {"seq": _whole},
    "want": {"column": _text, "start": _whole},
    "command": {"id": _whole, "name": _one_of("run", "pause", "resume", "stop", "kernel", "browser")},
    "select": {"id": _whole, "count": _whole},
    "threshold": {"id": _whole, "value": _share},
    "inspect": {"id": _whole, "row": _whole},
    "explain": {
        "id": _whole,
        "of": _one_of("class", "selection", "cell"),
        "code": _whole_or_none,
        "row": _whole_or_none,
        "method": _one_of("attention_weighted", "attention", "occlusion"),
    },
    "cancel": {"id": _whole},
    "equip": {"id": _whole},
    "pull": {
        "run": _text,
        "room": _whole,
        "leases": _list_of(_whole),
        "seen": _whole,
        "workers": _whole,
        "backend": lambda value: value is None or _one_of("wasm", "webgpu")(value),
    },
    "results": {
        "id": _whole,
        "run": _text,
        "lease": _whole,
        "outputs": _list_of(_output),
        "failed": _list_of(_failure),
    },
    "gave_up": {"id": _whole, "run": _text, "title": _text, "detail": _text},
    "bye": {},
}


def unpacked(content: object, buffers: Sequence[T]) -> list[tuple[object, Sequence[T]]]:
    """Take apart several messages that came as one; each with the buffers that are its own.

    Raises
    ------
    MessageError
        If they do not say rightly which buffers these are.
    """
    if not isinstance(content, dict) or content.get("type") != "many":
        return [(content, buffers)]
    page, messages = content.get("page"), content.get("messages")
    sender = page if isinstance(page, str) and _text(page) else None
    if not isinstance(messages, list) or len(messages) > _MAX_LIST:
        raise MessageError("many.messages must be a list", sender)
    parts: list[tuple[object, Sequence[T]]] = []
    begin = 0
    for message in messages:
        count = message.get("buffers") if isinstance(message, dict) else None
        if not isinstance(count, int) or not _whole(count) or begin + count > len(buffers):
            raise MessageError("each of many messages must say how many buffers are its own", sender)
        parts.append(({**message, "page": page}, buffers[begin : begin + count]))
        begin += count
    return parts


def parse(content: object, buffers: Sequence[object], n_obs: int) -> ToKernel:
    """Check a page's message field by field.

    Parameters
    ----------
    content
        The JSON header, as it came.
    buffers
        The raw buffers that came with it.
    n_obs
        Number of cells, which bounds rows and the size of a bitset.

    Raises
    ------
    MessageError
        If anything is not as `js/src/protocol.ts` says; the message names the field.
    """
    if not isinstance(content, dict):
        raise MessageError("a message must be an object")
    page, identity = content.get("page"), content.get("id")
    sender = page if isinstance(page, str) and _text(page) else None
    number = identity if isinstance(identity, int) and _whole(identity) else None

    def refuse(why: str) -> MessageError:
        return MessageError(why, sender, number)

    if sender is None:
        raise refuse("page must be a short text")
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise refuse(f"unknown message type {str(kind)[:40]!r}")
    for name, valid in _FIELDS[kind].items():
        if name not in content or not valid(content[name]):
            raise refuse(f"{kind}.{name} is missing or out of range: {str(content.get(name))[:40]!r}")
    if kind == "inspect" or (kind == "explain" and content["of"] == "cell"):
        row = content["row"]
        if row is None or row >= n_obs:
            raise refuse(f"{kind}.row is {row}, but there are {n_obs} cells")
    if not isinstance(content.get("b64", []), list):
        raise refuse("b64 must be a list of texts")
    if kind == "select":
        _check_bitset(content["count"], buffers, n_obs, refuse)
    return cast("ToKernel", content)


def _check_bitset(count: int, buffers: Sequence[object], n_obs: int, refuse: Callable[[str], MessageError]) -> None:
    if len(buffers) != 1 or not isinstance(buffers[0], (bytes, bytearray, memoryview)):
        raise refuse("select needs one buffer, the bitset")
    size, needed = memoryview(buffers[0]).nbytes, (n_obs + 7) // 8
    if size != needed:
        raise refuse(f"the bitset has {size} bytes, {n_obs} cells need {needed}")
    if count > n_obs:
        raise refuse(f"select.count is {count}, but there are {n_obs} cells")
