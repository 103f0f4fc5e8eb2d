"""Sparsemax as a graph: exact, but without sorting whole rows, since most genes are soon known to carry nothing.

Sparsemax subtracts from every value the one threshold that leaves a sum of 1 above it. The threshold of some of the
values is never above that of all of them. So the largest values of blocks of genes give a lower bound, blocks that lie
below it are dropped whole, and what is left is sorted in float64: in float32 some cells would get another label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cellwidget.convert.graph import Graph

NEVER = -1e30
"""What genes that only fill up the last block get."""
MARGIN = 1e-9
"""Far above what sums in float64 round away; a bound that is lower by so much costs nothing."""
BOUNDING = 128
"""How many blocks the bound is taken from."""


@dataclass(frozen=True)
class Blocks:
    """A gene list cut into blocks of one size, the last one filled up.

    Parameters
    ----------
    n
        Genes.
    size
        Of a block.
    """

    n: int
    size: int

    @classmethod
    def of(cls, n: int) -> Blocks:
        """Choose a size: a bound from few blocks is loose, and many blocks are many values to sort."""
        return cls(n, 64 if n > SMALL else 16)

    @property
    def number(self) -> int:
        """How many blocks."""
        return -(-self.n // self.size)

    @property
    def width(self) -> int:
        """Genes, with those that fill up."""
        return self.number * self.size

    def fill(self, values: ArrayLike, with_: float = 0.0) -> NDArray[np.float32]:
        """Lengthen the last axis of an array to whole blocks."""
        array = np.asarray(values)
        ends = [(0, 0)] * (array.ndim - 1) + [(0, self.width - self.n)]
        return np.pad(array, ends, constant_values=with_).astype(np.float32)


SMALL = 8_192
"""Genes below which small blocks are faster."""


def sparsemax(graph: Graph, z: str, blocks: Blocks) -> tuple[str, str]:
    """Project rows onto the simplex.

    Parameters
    ----------
    graph
        Where to add operators.
    z
        float32 [cells, genes that fill whole blocks].
    blocks
        How they are cut.

    Returns
    -------
    tuple of str
        Weights, float32 [cells, k], and the genes that have them, int64 [cells, k]: k as large as the batch needs and
        somewhat larger, weights of 0 where a cell has fewer; no gene twice in a row.
    """
    by_block = graph.op("Reshape", z, graph.ints(0, blocks.number, blocks.size))
    largest = graph.op("ReduceMax", by_block, graph.ints(2), keepdims=0)
    bound = _bound(graph, largest, blocks)
    _, chosen = graph.ops("TopK", 2, largest, _most_above(graph, largest, bound), axis=1)
    values = graph.op("GatherND", by_block, graph.op("Unsqueeze", chosen, graph.ints(2)), batch_dims=1)
    flat = graph.op("Reshape", values, graph.ints(0, -1))
    candidates, places = graph.ops("TopK", 2, flat, _most_above(graph, flat, bound), axis=1)
    wide = graph.cast(candidates, np.float64)
    weights = graph.cast(graph.op("Relu", graph.op("Sub", wide, _threshold(graph, wide))), np.float32)
    return weights, _genes(graph, chosen, places, blocks)


def _bound(graph: Graph, largest: str, blocks: Blocks) -> str:
    """Give what no weight lies below, float32 [cells, 1]."""
    values, _ = graph.ops("TopK", 2, largest, graph.ints(min(BOUNDING, blocks.number)), axis=1)
    threshold = _threshold(graph, graph.cast(values, np.float64))
    lower = graph.op("Sub", threshold, graph.constant(MARGIN, np.float64))
    # float32 rounds, and must not round up: values are float32 themselves, so the next one below is low enough
    near = graph.cast(lower, np.float32)
    step = graph.op("Mul", graph.op("Abs", near), graph.constant(2.0**-22))
    return graph.op("Sub", graph.op("Sub", near, step), graph.constant(MARGIN))


def _threshold(graph: Graph, descending: str) -> str:
    """Threshold of sorted rows, float64: the largest over k of (the k largest values' sum - 1) / k."""
    first = graph.op("Slice", descending, graph.ints(0), graph.ints(1), graph.ints(1))
    # values are taken from the largest on, so that sums do not lose what is small
    sums = graph.op("CumSum", graph.op("Sub", descending, first), graph.constant(1, np.int64))
    size = graph.op("Squeeze", graph.op("Shape", descending, start=1))
    ranks = graph.op("Range", graph.constant(0, np.int64), size, graph.constant(1, np.int64))
    rank = graph.op("Add", graph.cast(ranks, np.float64), graph.constant(1, np.float64))
    each = graph.op("Div", graph.op("Sub", sums, graph.constant(1, np.float64)), rank)
    return graph.op("Add", graph.op("ReduceMax", each, graph.ints(1), keepdims=1), first)


def _most_above(graph: Graph, values: str, bound: str) -> str:
    """How many values of a row lie above the bound, at most; 1 where none does, which only NaN brings about."""
    above = graph.cast(graph.op("Greater", values, bound), np.int32)
    counts = graph.op("ReduceSum", above, graph.ints(1), keepdims=0)
    most = graph.cast(graph.op("ReduceMax", counts, graph.ints(0), keepdims=1), np.int64)
    return graph.op("Max", most, graph.ints(1))


def _genes(graph: Graph, chosen: str, places: str, blocks: Blocks) -> str:
    """From places in the gathered blocks to genes."""
    size = graph.constant(blocks.size, np.int64)
    block = graph.op("GatherElements", chosen, graph.op("Div", places, size), axis=1)
    return graph.op("Add", graph.op("Mul", block, size), graph.op("Mod", places, size))
