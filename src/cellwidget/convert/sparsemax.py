"""Sparsemax (Martins and Astudillo 2016): what lies above the threshold adds up to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.simplex import SURE, shifted

if TYPE_CHECKING:
    from cellwidget.convert.graph import Graph


class Sparsemax:
    """Weights are by how much values lie above the threshold."""

    def threshold(self, graph: Graph, descending: str, ranks: str) -> str:
        """Give the largest over k of (the k largest values' sum - 1) / k."""
        values, first = shifted(graph, descending)
        sums = graph.op("CumSum", values, graph.constant(1, np.int64))
        over = graph.op("Sub", sums, graph.constant(1, np.float64))
        each = graph.op("Div", over, ranks)
        return graph.op("Add", graph.op("ReduceMax", each, graph.ints(1), keepdims=1), first)

    def raised(self, graph: Graph, above: str, count: str) -> str:
        """Give (the sum above - 1) / how many there are."""
        total = graph.op("ReduceSum", above, graph.ints(1), keepdims=1)
        over = graph.op("Sub", graph.op("Mul", total, graph.constant(SURE)), graph.constant(1.0))
        return graph.op("Div", over, count)

    def weights(self, graph: Graph, values: str, threshold: str) -> str:
        """Give what is above the threshold."""
        return graph.op("Relu", graph.op("Sub", values, threshold))
