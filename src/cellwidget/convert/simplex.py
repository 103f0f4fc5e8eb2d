"""Projections onto the simplex as graphs: exact, but without sorting whole rows.

Sparsemax and entmax subtract from every value one threshold, below which nothing carries weight; nearly all genes are
there. The threshold of some of the values is never above that of all of them. So the largest values of blocks of genes
give a lower bound, blocks that lie below it are dropped whole, and what is left is sorted in float64: in float32 some
cells would get another label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
SURE = 1 - 1e-4
"""What of a sum in float32 is there for sure."""


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
        return cls(n, 16 if n <= SMALL else 64)

    @property
    def small(self) -> bool:
        """Whether genes are so few that small blocks and dense rows are faster."""
        return self.n <= SMALL

    @property
    def number(self) -> int:
        """How many blocks."""
        return -(-self.n // self.size)

    @property
    def width(self) -> int:
        """Genes, with those that fill up."""
        return self.number * self.size

    @property
    def steps(self) -> int:
        """How often a bound is raised: not at all where blocks are many, since only a bound from few is loose."""
        return 2 if self.small else 0

    def fill(self, values: ArrayLike, with_: float = 0.0) -> NDArray[np.float32]:
        """Lengthen the last axis of an array to whole blocks."""
        array = np.asarray(values)
        ends = [(0, 0)] * (array.ndim - 1) + [(0, self.width - self.n)]
        return np.pad(array, ends, constant_values=with_).astype(np.float32)


SMALL = 8_192
"""Genes below which small blocks are faster."""


class Projection(Protocol):
    """A way onto the simplex, on rows of float64 in descending order."""

    def threshold(self, graph: Graph, descending: str, ranks: str) -> str:
        """Give what every value is held against, [cells, 1]; `ranks` are 1, 2, … to the values' number."""

    def raised(self, graph: Graph, above: str, count: str) -> str:
        """Tell by how much a lower bound of the threshold may be raised: a step of Newton's, [cells, 1].

        `above` is by how much values lie above the bound, else 0, float32; `count` how many do.
        """

    def weights(self, graph: Graph, values: str, threshold: str) -> str:
        """Give what is above the threshold its weight, and 0 to the rest."""


def projected(graph: Graph, z: str, blocks: Blocks, projection: Projection) -> tuple[str, str]:
    """Project rows onto the simplex.

    Parameters
    ----------
    graph
        Where to add operators.
    z
        float32 [cells, genes that fill whole blocks].
    blocks
        How they are cut.
    projection
        Which one.

    Returns
    -------
    tuple of str
        Weights, float32 [cells, k], and the genes that have them, int64 [cells, k]: k as large as the batch needs and
        somewhat larger, weights of 0 where a cell has fewer; no gene twice in a row.
    """
    by_block = graph.op("Reshape", z, graph.ints(0, blocks.number, blocks.size))
    largest = graph.op("ReduceMax", by_block, graph.ints(2), keepdims=0)
    bound = _bound(graph, largest, blocks, projection)
    _, chosen = graph.ops("TopK", 2, largest, _most_above(graph, largest, bound), axis=1)
    values = graph.op("GatherND", by_block, graph.op("Unsqueeze", chosen, graph.ints(2)), batch_dims=1)
    flat = graph.op("Reshape", values, graph.ints(0, -1))
    for _ in range(blocks.steps):
        bound = _raised(graph, flat, bound, projection)
    most = _most_above(graph, flat, bound)
    candidates, places = graph.ops("TopK", 2, flat, most, axis=1)
    wide = graph.cast(candidates, np.float64)
    ranks = graph.op("Slice", _ranks(graph, blocks.width), graph.ints(0), most, graph.ints(0))
    weights = projection.weights(graph, wide, projection.threshold(graph, wide, ranks))
    return graph.cast(weights, np.float32), _genes(graph, chosen, places, blocks)


def _bound(graph: Graph, largest: str, blocks: Blocks, projection: Projection) -> str:
    """Give what no weight lies below, float32 [cells, 1]."""
    size = min(BOUNDING, blocks.number)
    values, _ = graph.ops("TopK", 2, largest, graph.ints(size), axis=1)
    threshold = projection.threshold(graph, graph.cast(values, np.float64), _ranks(graph, size))
    lower = graph.op("Sub", threshold, graph.constant(MARGIN, np.float64))
    return _lowered(graph, graph.cast(lower, np.float32))


def _raised(graph: Graph, values: str, bound: str, projection: Projection) -> str:
    """Raise a bound; weights are convex in the threshold, so that steps of Newton's never lead above it."""
    above = graph.op("Relu", graph.op("Sub", values, bound))
    used = graph.cast(graph.op("Greater", above, graph.constant(0.0)), np.float32)
    count = graph.op("Max", graph.op("ReduceSum", used, graph.ints(1), keepdims=1), graph.constant(1.0))
    by = graph.op("Relu", projection.raised(graph, above, count))
    return _lowered(graph, graph.op("Add", bound, by))


def _lowered(graph: Graph, near: str) -> str:
    """Take away from a bound what rounding may have added."""
    step = graph.op("Mul", graph.op("Abs", near), graph.constant(2.0**-22))
    return graph.op("Sub", graph.op("Sub", near, step), graph.constant(MARGIN))


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


def shifted(graph: Graph, descending: str) -> tuple[str, str]:
    """Count sorted rows from their largest value on, so that sums do not lose what is small; give that value too."""
    first = graph.op("Slice", descending, graph.ints(0), graph.ints(1), graph.ints(1))
    return graph.op("Sub", descending, first), first


def _ranks(graph: Graph, size: int) -> str:
    return graph.constant(np.arange(1, size + 1), np.float64)
