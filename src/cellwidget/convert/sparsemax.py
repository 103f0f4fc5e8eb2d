"""Sparsemax (Martins and Astudillo 2016): what lies above the threshold adds up to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.simplex import ranks, shifted

if TYPE_CHECKING:
    from cellwidget.convert.graph import Graph


class Sparsemax:
    """Weights are by how much values lie above the threshold."""

    def threshold(self, graph: Graph, descending: str) -> str:
        """Give the largest over k of (the k largest values' sum - 1) / k."""
        values, first = shifted(graph, descending)
        sums = graph.op("CumSum", values, graph.constant(1, np.int64))
        over = graph.op("Sub", sums, graph.constant(1, np.float64))
        each = graph.op("Div", over, ranks(graph, descending))
        return graph.op("Add", graph.op("ReduceMax", each, graph.ints(1), keepdims=1), first)

    def weights(self, graph: Graph, values: str, threshold: str) -> str:
        """Give what is above the threshold."""
        return graph.op("Relu", graph.op("Sub", values, threshold))
