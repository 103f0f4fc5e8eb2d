"""1.5-entmax (Peters, Niculae and Martins 2019): halved values above the threshold, squared, add up to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.simplex import SURE, shifted

if TYPE_CHECKING:
    from cellwidget.convert.graph import Graph

NEVER = -1e300
TINY = 1e-30


class Entmax:
    """Weights are the squares of half by how much values lie above the threshold."""

    def threshold(self, graph: Graph, descending: str, ranks: str) -> str:
        """Give the largest threshold of the k largest values alone that does not lie above the k-th.

        That of all k is their mean less the root of (1 - k times their variance) / k, all of halved values.
        """
        values, first = shifted(graph, descending)
        halved = graph.op("Mul", values, graph.constant(0.5, np.float64))
        axis, one = graph.constant(1, np.int64), graph.constant(1, np.float64)
        mean = graph.op("Div", graph.op("CumSum", halved, axis), ranks)
        squares = graph.op("Div", graph.op("CumSum", graph.op("Mul", halved, halved), axis), ranks)
        spread = graph.op("Mul", ranks, graph.op("Sub", squares, graph.op("Mul", mean, mean)))
        left = graph.op("Relu", graph.op("Div", graph.op("Sub", one, spread), ranks))
        each = graph.op("Sub", mean, graph.op("Sqrt", left))
        holds = graph.op("LessOrEqual", each, halved)
        held = graph.op("Where", holds, each, graph.constant(NEVER, np.float64))
        most = graph.op("ReduceMax", held, graph.ints(1), keepdims=1)
        return graph.op("Add", graph.op("Mul", most, graph.constant(2, np.float64)), first)

    def raised(self, graph: Graph, above: str, count: str) -> str:
        """Give (a quarter of the sum of squares above - 1) / half of the sum above."""
        squares = graph.op("ReduceSum", graph.op("Mul", above, above), graph.ints(1), keepdims=1)
        over = graph.op("Sub", graph.op("Mul", squares, graph.constant(SURE / 4)), graph.constant(1.0))
        half = graph.op("Mul", graph.op("ReduceSum", above, graph.ints(1), keepdims=1), graph.constant(0.5 / SURE))
        return graph.op("Div", over, graph.op("Max", half, graph.constant(TINY)))

    def weights(self, graph: Graph, values: str, threshold: str) -> str:
        """Give the square of half of what is above the threshold."""
        above = graph.op("Relu", graph.op("Mul", graph.op("Sub", values, threshold), graph.constant(0.5, np.float64)))
        return graph.op("Mul", above, above)
