"""A SIMS network as sims-web publishes it: dense input, and at each step a float64 sort of all genes.

Written from the same weights as ours, node for node what the published export computes (its sort is a TopK of all
genes), without its output `attention`, so that nothing but the way to the labels is timed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.graph import Graph

if TYPE_CHECKING:
    from cellwidget.convert.tabnet import Affine, Glu, TabNet

HALF = np.sqrt(0.5)


def published_graph(net: TabNet) -> bytes:
    """Write it: input `input` float32 [cells, genes], outputs `logits` and `encoding`."""
    graph = Graph()
    x = graph.input("input", np.float32, ["cells", len(net.initial.scale)])
    x = _norm(graph, graph.op("LpNormalization", x, axis=1, p=2), net.initial)
    _, looking = _parts(graph, net, _transformed(graph, x, net.splitter))
    prior = graph.op("Add", graph.op("Mul", x, graph.constant(0.0)), graph.constant(1.0))
    decisions = []
    for step in net.steps:
        scores = _norm(graph, graph.op("MatMul", looking, graph.constant(step.attention.weight.T)), step.attention.norm)
        mask = _sparsemax(graph, graph.op("Mul", scores, prior), len(net.initial.scale))
        prior = graph.op("Mul", prior, graph.op("Sub", graph.constant(net.gamma), mask))
        decision, looking = _parts(graph, net, _transformed(graph, graph.op("Mul", mask, x), step.layers))
        decisions.append(graph.op("Relu", decision))
    embedding = graph.op("Sum", *decisions)
    logits = graph.op("MatMul", embedding, graph.constant(net.final.T))
    logits = graph.op("Div", logits, graph.constant(net.temperature))
    graph.output("logits", logits, np.float32, ["cells", len(net.final)])
    graph.output("encoding", embedding, np.float32, ["cells", net.n_d])
    return graph.serialize("published")


def _norm(graph: Graph, x: str, norm: Affine) -> str:
    size = len(norm.scale)
    zeros, ones = (graph.constant(np.full(size, value)) for value in (0.0, 1.0))
    return graph.op(
        "BatchNormalization", x, graph.constant(norm.scale), graph.constant(norm.shift), zeros, ones, epsilon=0.0
    )


def _transformed(graph: Graph, x: str, layers: list[Glu]) -> str:
    for place, layer in enumerate(layers):
        h = _norm(graph, graph.op("MatMul", x, graph.constant(layer.weight.T)), layer.norm)
        width = len(layer.weight) // 2
        value, gate = graph.ops("Split", 2, h, graph.ints(width, width), axis=1)
        gated = graph.op("Mul", value, graph.op("Sigmoid", gate))
        x = gated if place == 0 else graph.op("Mul", graph.op("Add", x, gated), graph.constant(HALF))
    return x


def _parts(graph: Graph, net: TabNet, x: str) -> list[str]:
    return graph.ops("Split", 2, x, graph.ints(net.n_d, net.n_a), axis=1)


def _sparsemax(graph: Graph, z: str, genes: int) -> str:
    wide = graph.cast(z, np.float64)
    wide = graph.op("Sub", wide, graph.op("ReduceMax", wide, graph.ints(1), keepdims=1))
    descending, _ = graph.ops("TopK", 2, wide, graph.ints(genes), axis=1)
    ranks = graph.constant(np.arange(1, genes + 1), np.float64)
    beyond = graph.op(
        "Sub", graph.op("CumSum", descending, graph.constant(1, np.int64)), graph.constant(1.0, np.float64)
    )
    inside = graph.cast(graph.op("Greater", graph.op("Mul", ranks, descending), beyond), np.int64)
    size = graph.op("ReduceSum", inside, graph.ints(1), keepdims=1)
    last = graph.op("Sub", size, graph.ints(1))
    sums = graph.op("GatherElements", beyond, last, axis=1)
    threshold = graph.op("Div", sums, graph.cast(size, np.float64))
    above = graph.op("Sub", wide, threshold)
    return graph.cast(graph.op("Clip", above, graph.constant(0.0, np.float64)), np.float32)
