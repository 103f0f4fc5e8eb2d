"""The SIMS network (TabNet, Arik and Pfister 2021) as one graph from a cell's genes and counts to labels.

Written from the weights; the published code is scsims (Gonzalez-Ferrer et al. 2024) over pytorch-tabnet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SCALE = 10_000.0
TINY = 1e-12
HALF = np.sqrt(0.5)


@dataclass(frozen=True)
class Affine:
    """A batch normalisation at inference: x * scale + shift, float32 [width]."""

    scale: Array
    shift: Array

    @classmethod
    def of(cls, weight: Array, bias: Array, mean: Array, variance: Array, eps: float = 1e-5) -> Affine:
        """Fold the four arrays of a batch normalisation, in float64."""
        scale = weight.astype(np.float64) / np.sqrt(variance.astype(np.float64) + eps)
        return cls(scale.astype(np.float32), (bias - mean * scale).astype(np.float32))


@dataclass(frozen=True)
class Glu:
    """A gated layer: weight float32 [2 * width, inputs] without bias, and its normalisation."""

    weight: Array
    norm: Affine


@dataclass(frozen=True)
class Step:
    """One decision step: its attention, weight float32 [genes, n_a], and the gated layers of its transformer.

    Steps share the weights of the first layers, but each has normalisations of its own.
    """

    attention: Glu
    layers: list[Glu]


@dataclass(frozen=True)
class TabNet:
    """The weights of a network.

    Parameters
    ----------
    n_d, n_a
        Widths of decision and attention.
    gamma
        How freely a gene may be used again.
    initial
        Normalisation of the input, [genes].
    splitter
        The gated layers before the first step.
    steps
        The decision steps.
    final
        From embedding to logits, float32 [classes, n_d], without bias.
    temperature
        What logits are divided by.
    """

    n_d: int
    n_a: int
    gamma: float
    initial: Affine
    splitter: list[Glu]
    steps: list[Step]
    final: Array
    temperature: float = 1.0


def tabnet_graph(net: TabNet, *, normalise: str = "own") -> bytes:
    """Write a network as ``model.onnx`` of a bundle.

    Parameters
    ----------
    net
        The weights.
    normalise
        What counts become before the network sees them: "own" is log1p of counts per 10,000 of the model's own genes,
        "total" of the cell's `total` (which becomes an input), "none" leaves them.

    Returns
    -------
    bytes
        The graph, with inputs `genes`, `counts` and outputs `logits`, `embedding`, `attention`, `attention_genes`:
        the sum of the steps' masks at the genes that carry some, heaviest first.
    """
    graph = Graph()
    genes = graph.input("genes", np.int32, ["cells", "n"])
    counts = graph.input("counts", np.float32, ["cells", "n"])
    x = _spread(graph, genes, _unit(graph, _normalised(graph, counts, normalise)), len(net.initial.scale))
    x = _affine(graph, x, net.initial)
    embedding, masks = _decide(graph, net, x)
    weights = graph.constant(net.final.T / np.float32(net.temperature))
    graph.output("logits", graph.op("MatMul", embedding, weights), np.float32, ["cells", len(net.final)])
    graph.output("embedding", embedding, np.float32, ["cells", net.n_d])
    _sparse_attention(graph, masks)
    return graph.serialize("tabnet")


def _normalised(graph: Graph, counts: str, how: str) -> str:
    """Values in float64: at tens of thousands of genes a norm in float32 shows in the attention."""
    wide = graph.cast(counts, np.float64)
    if how == "none":
        return wide
    if how == "total":
        total = graph.op("Unsqueeze", graph.cast(graph.input("total", np.float32, ["cells"]), np.float64), graph.ints(1))
    elif how == "own":
        total = graph.op("ReduceSum", wide, graph.ints(1), keepdims=1)
    else:
        raise ValueError(f"normalise must be 'own', 'total' or 'none', not {how!r}")
    share = graph.op("Div", wide, graph.op("Max", total, graph.constant(TINY, np.float64)))
    scaled = graph.op("Mul", share, graph.constant(SCALE, np.float64))
    return graph.op("Log", graph.op("Add", scaled, graph.constant(1.0, np.float64)))


def _unit(graph: Graph, values: str) -> str:
    squares = graph.op("ReduceSum", graph.op("Mul", values, values), graph.ints(1), keepdims=1)
    norm = graph.op("Max", graph.op("Sqrt", squares), graph.constant(TINY, np.float64))
    return graph.cast(graph.op("Div", values, norm), np.float32)


def _spread(graph: Graph, genes: str, values: str, width: int) -> str:
    """Put values at their genes in a dense row. Padding lands on the first gene and adds 0."""
    cells = graph.op("Gather", graph.op("Shape", genes), graph.ints(0))
    zeros = graph.op("ConstantOfShape", graph.op("Concat", cells, graph.ints(width), axis=0))
    places = graph.op("Max", graph.cast(genes, np.int64), graph.constant(0, np.int64))
    there = graph.cast(graph.op("GreaterOrEqual", genes, graph.constant(0, np.int32)), np.float32)
    return graph.op("ScatterElements", zeros, places, graph.op("Mul", values, there), axis=1, reduction="add")


def _affine(graph: Graph, x: str, norm: Affine) -> str:
    return graph.op("Add", graph.op("Mul", x, graph.constant(norm.scale)), graph.constant(norm.shift))


def _glu(graph: Graph, x: str, layer: Glu) -> str:
    width = len(layer.weight) // 2
    h = _affine(graph, graph.op("MatMul", x, graph.constant(layer.weight.T)), layer.norm)
    value, gate = graph.ops("Split", 2, h, graph.ints(width, width), axis=1)
    return graph.op("Mul", value, graph.op("Sigmoid", gate))


def _transform(graph: Graph, x: str, layers: list[Glu]) -> str:
    """The first layer plain, the others on top of what came in."""
    half = graph.constant(HALF)
    for place, layer in enumerate(layers):
        y = _glu(graph, x, layer)
        x = y if place == 0 else graph.op("Mul", graph.op("Add", x, y), half)
    return x


def _decide(graph: Graph, net: TabNet, x: str) -> tuple[str, list[str]]:
    """Run the steps: the embedding [cells, n_d], and each step's mask [cells, genes]."""
    parts = graph.ints(net.n_d, net.n_a)
    _, attention = graph.ops("Split", 2, _transform(graph, x, net.splitter), parts, axis=1)
    prior: str | None = None
    embedding: str | None = None
    masks: list[str] = []
    for step in net.steps:
        z = _affine(graph, graph.op("MatMul", attention, graph.constant(step.attention.weight.T)), step.attention.norm)
        mask = _sparsemax(graph, z if prior is None else graph.op("Mul", z, prior))
        left = graph.op("Sub", graph.constant(net.gamma), mask)
        prior = left if prior is None else graph.op("Mul", prior, left)
        out = _transform(graph, graph.op("Mul", mask, x), step.layers)
        decision, attention = graph.ops("Split", 2, out, parts, axis=1)
        decision = graph.op("Relu", decision)
        embedding = decision if embedding is None else graph.op("Add", embedding, decision)
        masks.append(mask)
    assert embedding is not None  # a network has steps
    return embedding, masks


def _sparsemax(graph: Graph, z: str) -> str:
    """Project rows onto the simplex, exactly: sort in float64, find the support, subtract its threshold."""
    wide = graph.cast(z, np.float64)
    wide = graph.op("Sub", wide, graph.op("ReduceMax", wide, graph.ints(1), keepdims=1))
    size = graph.op("Gather", graph.op("Shape", wide), graph.ints(1))
    values, _ = graph.ops("TopK", 2, wide, size, axis=1)
    sums = graph.op("Sub", graph.op("CumSum", values, graph.constant(1, np.int64)), graph.constant(1.0, np.float64))
    one = graph.constant(1, np.int64)
    ranks = graph.op("Range", one, graph.op("Add", graph.op("Squeeze", size), one), one)
    holds = graph.op("Greater", graph.op("Mul", values, graph.cast(ranks, np.float64)), sums)
    support = graph.op("ReduceSum", graph.cast(holds, np.int64), graph.ints(1), keepdims=1)
    last = graph.op("GatherElements", sums, graph.op("Sub", support, one), axis=1)
    threshold = graph.op("Div", last, graph.cast(support, np.float64))
    return graph.cast(graph.op("Max", graph.op("Sub", wide, threshold), graph.constant(0.0, np.float64)), np.float32)


def _sparse_attention(graph: Graph, masks: list[str]) -> None:
    total = masks[0]
    for mask in masks[1:]:
        total = graph.op("Add", total, mask)
    used = graph.cast(graph.op("Greater", total, graph.constant(0.0)), np.int64)
    most = graph.op("ReduceMax", graph.op("ReduceSum", used, graph.ints(1), keepdims=0), graph.ints(0), keepdims=1)
    weights, places = graph.ops("TopK", 2, total, graph.op("Max", most, graph.ints(1)), axis=1)
    carried = graph.cast(graph.op("Greater", weights, graph.constant(0.0)), np.int64)
    named = graph.cast(graph.op("Mul", places, carried), np.int32)
    graph.output("attention", weights, np.float32, ["cells", "k"])
    graph.output("attention_genes", named, np.int32, ["cells", "k"])


def mlp_graph(weights: list[tuple[Array, Array]]) -> bytes:
    """Write a network of dense layers with ReLU between them as ``umap.onnx``: `embedding` to `xy`.

    Parameters
    ----------
    weights
        Per layer the weight, float32 [inputs, outputs], and the bias, float32 [outputs]; the last gives two.
    """
    graph = Graph()
    x = graph.input("embedding", np.float32, ["cells", len(weights[0][0])])
    for place, (weight, bias) in enumerate(weights):
        x = graph.op("Add", graph.op("MatMul", x, graph.constant(weight)), graph.constant(bias))
        if place < len(weights) - 1:
            x = graph.op("Relu", x)
    graph.output("xy", x, np.float32, ["cells", 2])
    return graph.serialize("umap")
