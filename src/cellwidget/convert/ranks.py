"""Rank-value encoding (Theodoris et al. 2023) in a graph: a cell's genes by how far they are above usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellwidget.convert.graph import Graph

SCALE = 10_000.0


@dataclass(frozen=True)
class Ranking:
    """How cells become tokens.

    Parameters
    ----------
    ids
        The token of each of the model's genes, int32 [genes].
    medians
        What a gene's counts per 10,000 usually are, float64 [genes].
    pad
        The token of padding.
    length
        Tokens of a cell at most, those before and after its genes included.
    first, last
        Tokens before and after the genes, if any.
    over_all
        Whether counts are divided by the cell's `total` (which becomes an input) rather than by that of its tokens.
    """

    ids: NDArray[np.int32]
    medians: NDArray[np.float64]
    pad: int
    length: int
    first: int | None = None
    last: int | None = None
    over_all: bool = True

    @property
    def most_genes(self) -> int:
        """Genes of a cell at most."""
        return self.length - (self.first is not None) - (self.last is not None)


@dataclass(frozen=True)
class Ranked:
    """Tokens of a graph's cells, as long as the longest of them needs.

    Parameters
    ----------
    tokens
        int32 [cells, n].
    there
        Which of them are no padding, bool [cells, n].
    is_gene
        Which of them are genes, bool [cells, n].
    n_genes
        How many are, int64 [cells, 1].
    width
        Length of the second axis, int64 [1].
    """

    tokens: str
    there: str
    is_gene: str
    n_genes: str
    width: str


def ranked(graph: Graph, ranking: Ranking) -> Ranked:
    """Write the encoding, from the inputs `genes` and `counts` on.

    Values are taken in float64, in the order of the published code's operations: in float32 some genes change places.
    TopK keeps equal values in the order of the dataset's columns.
    """
    genes = graph.input("genes", np.int32, ["cells", "n"])
    counts = graph.input("counts", np.float32, ["cells", "n"])
    given = graph.cast(graph.op("GreaterOrEqual", genes, graph.constant(0, np.int32)), np.int64)
    length = graph.op("ReduceSum", given, graph.ints(1), keepdims=1)
    n_genes = graph.op("Min", length, graph.ints(ranking.most_genes))
    longest = graph.op("Max", graph.op("ReduceMax", n_genes, keepdims=0), graph.ints(1))
    values = _values(graph, genes, counts, ranking)
    _, order = graph.ops("TopK", 2, values, longest, axis=1)
    # padding, whose value is 0, is last
    best = graph.op("GatherElements", genes, order, axis=1)
    tokens = graph.op("Gather", graph.constant(ranking.ids, np.int32), best)
    return _framed(graph, tokens, n_genes, longest, ranking)


def _values(graph: Graph, genes: str, counts: str, ranking: Ranking) -> str:
    """Give counts per 10,000 over what is usual, float64 [cells, n]; 0 for padding."""
    wide = graph.cast(counts, np.float64)
    if ranking.over_all:
        total = graph.op("Unsqueeze", graph.input("total", np.float32, ["cells"]), graph.ints(1))
        total = graph.cast(total, np.float64)
    else:
        total = graph.op("ReduceSum", wide, graph.ints(1), keepdims=1)
    scaled = graph.op("Mul", graph.op("Div", wide, total), graph.constant(SCALE, np.float64))
    return graph.op("Div", scaled, graph.op("Gather", graph.constant(ranking.medians, np.float64), genes))


def _framed(graph: Graph, tokens: str, n_genes: str, longest: str, ranking: Ranking) -> Ranked:
    """Put the tokens before and after the genes of each cell, and padding behind."""
    before, after = int(ranking.first is not None), int(ranking.last is not None)
    width = graph.op("Add", longest, graph.ints(before + after))
    end = graph.op("Add", n_genes, graph.ints(before))
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    place = graph.op("Range", zero, graph.op("Squeeze", width), one)
    pad = graph.constant(ranking.pad, np.int32)
    is_gene = there = graph.op("Less", place, end)
    if before:
        is_gene = graph.op("And", is_gene, graph.op("GreaterOrEqual", place, graph.ints(before)))
    if before or after:
        tokens = graph.op("Pad", tokens, graph.ints(0, before, 0, after), pad)
    tokens = graph.op("Where", is_gene, tokens, pad)
    if ranking.first is not None:
        tokens = graph.op("Where", graph.op("Less", place, one), graph.constant(ranking.first, np.int32), tokens)
    if ranking.last is not None:
        there = graph.op("LessOrEqual", place, end)
        last = graph.constant(ranking.last, np.int32)
        tokens = graph.op("Where", graph.op("Equal", place, end), last, tokens)
    return Ranked(tokens, there, is_gene, n_genes, width)
