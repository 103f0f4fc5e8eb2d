"""A run as pages see it: results that stream, columns that are asked for, and what describes them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cellwidget.columns import code_dtype, texts
from cellwidget.messages import STREAMED

ASSET = "asset:"
"""Begins the names of files that pages ask for as if they were columns."""
AGREEMENT: ColumnSpec = {
    "id": "agreement",
    "name": "agreement",
    "kind": "category",
    "group": "result",
    "dtype": "u1",
    "categories": ["agrees", "disagrees", "unassigned", "name not in the model", "not known"],
    "colors": ["#6e87ca", "#c54d1b", "#9a9a9a", "#cfa21c", "#c8c8c8"],
}
"""How labels stand to those that are known; the page derives it, as it does `margin`."""
GENE, GENES = "gene:", "genes"
"""Begins the names of genes that pages ask for as columns; and the column that lists them."""

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cellwidget.bundle import Reference
    from cellwidget.cells import GeneColumns
    from cellwidget.channel import Buffers, Port
    from cellwidget.columns import Columns, Text
    from cellwidget.messages import (
        ColumnSpec,
        DType,
        EngineName,
        InputReport,
        LayoutInfo,
        ModelInfo,
        RunState,
        Schema,
    )
    from cellwidget.results import Results, Truth
    from cellwidget.selection import Selection


class Runs(Protocol):
    """The part of a run that a feed needs."""

    id: str

    def state(self) -> RunState:
        """Where the run stands."""


class RunFeed:
    """What a channel shows of one run.

    Parameters
    ----------
    run, results
        The run and what it fills.
    columns
        obs and obs_names.
    model, report, layout
        Described in words for the page.
    reference
        The model's reference map, or None.
    key
        The key under which results are written.
    color
        Id of the column to colour by at first.
    label_colors
        ``#rrggbb`` per class, or None for the page's own palette.
    selection
        Tells what is selected now.
    truth
        Labels that are known, or None.
    genes, gene_values
        Genes that can be coloured by, and what their values are, in words.
    port
        Serves the model to pages that run it; None where that cannot be.
    engines
        Where the model can run.
    """

    def __init__(
        self,
        run: Runs,
        results: Results,
        columns: Columns,
        *,
        model: ModelInfo,
        report: InputReport | None,
        layout: LayoutInfo,
        reference: Reference | None,
        key: str,
        color: str,
        label_colors: Sequence[str] | None,
        selection: Callable[[], Selection],
        truth: Truth | None = None,
        genes: GeneColumns | None = None,
        gene_values: str = "",
        port: Port | None = None,
        engines: Sequence[EngineName] = ("kernel",),
    ) -> None:
        self.port = port
        self.run = run.id
        self.n = len(results.state)
        self._run = run
        self._results = results
        self._columns = columns
        self._reference = reference
        self._selection = selection
        self._genes = genes
        self._schema: Schema = {
            "run": self.run,
            "n": self.n,
            "key": key,
            "model": model,
            "report": report,
            "columns": [
                *_result_columns(model["classes"], results.unassigned, label_colors, results.nearness is not None),
                *([AGREEMENT] if truth else []),
                *sorted(columns.specs, key=lambda spec: spec["id"] not in ("cell", truth.column if truth else "")),
            ],
            "color": color,
            "layout": {**layout, "distance_limit": None},
            "genes": {"count": 0 if genes is None else len(genes.names), "values": gene_values},
            "engines": list(engines),
            "truth": {"column": truth.column, "codes": truth.class_of.tolist()} if truth else None,
        }
        there = {spec["id"] for spec in self._schema["columns"]}
        self.streamed: Sequence[str] = [name for name in STREAMED if name in there]

    def schema(self) -> Schema:
        """Describe the run and every column that can be asked for."""
        return {**self._schema, "layout": {**self._schema["layout"], "distance_limit": self._limit}}

    def state(self) -> RunState:
        """Say where the run stands."""
        return self._run.state()

    def since(self, position: int, limit: int) -> tuple[NDArray[np.uint32], int]:
        """Rows that changed in ``limit`` log entries from ``position`` on, and the position after them."""
        return self._results.since(position, limit)

    def read(self, column: str, rows: NDArray[np.uint32]) -> NDArray[Any]:
        """Values of a streamed column at some rows."""
        return self._results.read(column, rows)

    def length(self, column: str) -> int | None:
        """Rows of a column that does not stream; None if there is no such column."""
        if column.startswith(ASSET):
            content = self._asset(column)
            return None if content is None else len(content)
        if column == "reference":
            return len(self._reference.xy) if self._reference else None
        if column == GENES:
            return self._schema["genes"]["count"]
        there = column == "xy" or column in self._columns or self._gene(column) is not None
        return self.n if there else None

    def ready(self, column: str) -> bool:
        """Whether a column that does not stream can be sent; one that cannot yet will be, and it is told."""
        gene = self._gene(column)
        return gene is None or self._genes is None or self._genes.ready(gene)

    def piece(self, column: str, start: int, stop: int) -> tuple[DType, Buffers]:
        """Rows ``start`` to ``stop`` of a column that does not stream, as they cross."""
        content = self._asset(column)
        if content is not None:
            return "u1", [memoryview(content)[start:stop]]
        if column == "reference" and self._reference is not None:
            xy = np.ascontiguousarray(self._reference.xy[start:stop], dtype=np.float32)
            return "f4", [xy.tobytes(), self._reference.label[start:stop].astype(np.uint16).tobytes()]
        if column == "xy":
            rows = np.arange(start, stop, dtype=np.uint32)
            return "f4", [np.ascontiguousarray(self._results.read("xy", rows)).tobytes()]
        if column == GENES:
            return self._gene_names.piece(start, stop)
        gene = self._gene(column)
        if gene is not None and self._genes is not None:
            return "f4", [self._genes.read(gene, start, stop).tobytes()]
        return self._columns.piece(column, start, stop)

    def selection(self) -> tuple[bytes, int]:
        """Bitset of the selected cells, and how many."""
        selection = self._selection()
        return selection.to_bits(), len(selection)

    # found for the first page that asks: a constructor should be quick

    @cached_property
    def _limit(self) -> float | None:
        nearness = self._results.nearness
        return None if nearness is None else nearness.limit

    @cached_property
    def _gene_names(self) -> Text:
        return texts([] if self._genes is None else self._genes.names)

    def _gene(self, column: str) -> str | None:
        gene = column.removeprefix(GENE)
        return gene if self._genes is not None and column.startswith(GENE) and gene in self._genes else None

    def _asset(self, column: str) -> bytes | None:
        if self.port is None or not column.startswith(ASSET):
            return None
        return self.port.asset(column.removeprefix(ASSET))


def _result_columns(
    classes: Sequence[str], unassigned: str, colors: Sequence[str] | None, measured: bool
) -> list[ColumnSpec]:
    """Columns that a run fills, or that a page derives from them; a model without classes gives only places."""
    columns: list[ColumnSpec] = [
        {"id": "state", "name": "state", "kind": "category", "group": "result", "dtype": "u1"},
        {"id": "xy", "name": "xy", "kind": "xy", "group": "layout", "dtype": "f4"},
    ]
    columns[0]["categories"] = ["not run", "done", "failed"]
    last = [_number("distance", "distance")] if measured else []
    if not classes:
        return columns + last
    codes = code_dtype(len(classes))
    for label, score, words in (("label", "score", "score"), ("second", "second_score", "second score")):
        spec: ColumnSpec = {"id": label, "name": label, "kind": "category", "group": "result", "dtype": codes}
        spec["categories"] = list(classes)
        if colors:
            spec["colors"] = list(colors)
        columns.append(spec)
        columns.append(_number(score, words))
    columns[2]["categories"] = [*classes, unassigned]
    columns[2]["unassigned"] = True
    return [*columns, _number("margin", "margin"), _number("entropy", "entropy"), *last]


def _number(name: str, words: str) -> ColumnSpec:
    return {"id": name, "name": words, "kind": "number", "group": "result", "dtype": "f4"}
