"""What pages are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from cellwidget.messages.words import AssetName, Backend, DType, EngineName, StageName, Status


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
