"""The SIMS network (TabNet, Arik and Pfister 2021) as one graph from a cell's genes and counts to labels.

Written from the weights; the published code is scsims (Gonzalez-Ferrer et al. 2024) over pytorch-tabnet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.entmax import Entmax
from cellwidget.convert.graph import Graph
from cellwidget.convert.simplex import NEVER, Blocks, Projection, projected
from cellwidget.convert.sparsemax import Sparsemax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating]

OUTPUTS = ("logits", "embedding", "attention", "attention_weighted", "attention_genes")
MASKS: dict[str, Projection] = {"sparsemax": Sparsemax(), "entmax": Entmax()}
SCALE = 10_000.0
TINY = 1e-12
HALF = np.sqrt(0.5)
FEW = 640
"""Genes of a mask up to which their rows of the weight are gathered; above, whole rows are multiplied."""

SPARSE = 12
"""Of many genes, one in how many a cell may have for their rows of the weight to be gathered."""


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
    mask
        How a step chooses: "sparsemax" or "entmax".
    """

    n_d: int
    n_a: int
    gamma: float
    initial: Affine
    splitter: list[Glu]
    steps: list[Step]
    final: Array
    temperature: float = 1.0
    mask: str = "sparsemax"


@dataclass(frozen=True)
class Seen:
    """What a network sees of cells: values [cells, n] at places [cells, n], and in dense rows [cells, genes]."""

    places: str
    values: str
    dense: str


@dataclass(frozen=True)
class Mask:
    """What a step looks at: values of a graph, weights [cells, k] and their genes [cells, k], none twice in a row."""

    weights: str
    genes: str


@dataclass(frozen=True)
class Pointer:
    """Where a step is to look: values of a graph [cells, n_a], and what they lack to be multiplied by."""

    values: str
    scale: float


@dataclass(frozen=True)
class Taken:
    """A step that was taken: its mask, and what it adds to the embedding [cells, n_d], but for `_scale`."""

    mask: Mask
    decision: str


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
        The graph, with inputs `genes`, `counts` and outputs `logits`, `embedding`, `attention`, `attention_weighted`,
        `attention_genes`: the steps' masks one after the other, plain and times what the step adds to the embedding.
        A gene stands there once for each step that looks at it.
    """
    graph = Graph()
    blocks = Blocks.of(len(net.initial.scale))
    genes = graph.input("genes", np.int32, ["cells", "n"])
    counts = graph.input("counts", np.float32, ["cells", "n"])
    x = _seen(graph, genes, _unit(graph, _normalised(graph, counts, normalise)), net, blocks)
    steps = _decide(graph, net, x, blocks)
    embedding = graph.op("Sum", *(step.decision for step in steps))
    embedding = graph.op("Mul", embedding, graph.constant(_scale(net.steps[0].layers)))
    weights = graph.constant(net.final.T / np.float32(net.temperature))
    graph.output("logits", graph.op("MatMul", embedding, weights), np.float32, ["cells", len(net.final)])
    graph.output("embedding", embedding, np.float32, ["cells", net.n_d])
    _attention(graph, steps, _scale(net.steps[0].layers))
    return graph.serialize("tabnet")


def _normalised(graph: Graph, counts: str, how: str) -> str:
    """Make of counts what the network has learnt from, float32."""
    if how == "none":
        return counts
    if how == "total":
        total = graph.op("Unsqueeze", graph.input("total", np.float32, ["cells"]), graph.ints(1))
    elif how == "own":
        total = graph.op("ReduceSum", counts, graph.ints(1), keepdims=1)
    else:
        raise ValueError(f"normalise must be 'own', 'total' or 'none', not {how!r}")
    share = graph.op("Div", counts, graph.op("Max", total, graph.constant(TINY)))
    scaled = graph.op("Mul", share, graph.constant(SCALE))
    return graph.op("Log", graph.op("Add", scaled, graph.constant(1.0)))


def _unit(graph: Graph, values: str) -> str:
    """Scale rows to a length of 1, which at tens of thousands of genes shows in the attention if taken in float32."""
    wide = graph.cast(values, np.float64)
    squares = graph.op("ReduceSum", graph.op("Mul", wide, wide), graph.ints(1), keepdims=1)
    norm = graph.op("Max", graph.op("Sqrt", squares), graph.constant(TINY, np.float64))
    return graph.cast(graph.op("Div", wide, norm), np.float32)


def _seen(graph: Graph, genes: str, values: str, net: TabNet, blocks: Blocks) -> Seen:
    """Put values, times the first normalisation's scale, at their genes in a dense row.

    The shift, which would fill every gene, is added where genes are looked at. Padding lands on the last place and adds
    0: with another reduction it would erase what is there.
    """
    places = graph.cast(genes, np.int64)
    scaled = graph.op("Mul", values, graph.op("Gather", graph.constant(blocks.fill(net.initial.scale)), places))
    cells = graph.op("Shape", genes, start=0, end=1)
    zeros = graph.op("ConstantOfShape", graph.op("Concat", cells, graph.ints(blocks.width), axis=0))
    return Seen(places, scaled, graph.op("ScatterElements", zeros, places, scaled, axis=1, reduction="add"))


def _first_of_all(graph: Graph, net: TabNet, x: Seen, blocks: Blocks) -> str:
    """Multiply whole rows with the splitter's first weight: by the rows of what a cell has, where genes are many."""
    matrix = net.splitter[0].weight.astype(np.float64)
    weight = graph.constant(blocks.fill(matrix).T)

    def dense() -> str:
        return graph.op("MatMul", x.dense, weight)

    def by_rows() -> str:
        return _by_rows(graph, x.values, weight, x.places)

    if blocks.small:
        h = dense()
    else:
        width = graph.op("Squeeze", graph.op("Shape", x.places, start=1))
        few = graph.op("LessOrEqual", width, graph.constant(blocks.n // SPARSE, np.int64))
        h = graph.either(few, by_rows, dense)
    return graph.op("Add", h, graph.constant(matrix @ net.initial.shift))


def _by_rows(graph: Graph, values: str, weight: str, places: str) -> str:
    rows = graph.op("Gather", weight, places)
    product = graph.op("MatMul", graph.op("Unsqueeze", values, graph.ints(1)), rows)
    return graph.op("Squeeze", product, graph.ints(1))


def _transform(graph: Graph, h: str, layers: list[Glu]) -> str:
    """Go on from what the first layer's weight made: gated layers, all but the first on top of what came in.

    After each of those everything is multiplied by the root of a half. That is left out here, and made good in the
    weights of the layers behind it; what comes out lacks `_scale` of it.
    """
    first, *others = layers
    scaled = graph.op("Mul", h, graph.constant(first.norm.scale))
    x = _gated(graph, graph.op("Add", scaled, graph.constant(first.norm.shift)))
    for depth, layer in enumerate(others):
        lacks = HALF**depth
        width = len(layer.norm.scale) // 2
        # of the two halves of the outputs, values are added to what lacks as much, gates are wanted as they are
        for_values = np.repeat([1 / lacks, 1.0], width)
        weight = layer.weight.T.astype(np.float64) * layer.norm.scale * for_values * lacks
        h = graph.op("Gemm", x, graph.constant(weight), graph.constant(layer.norm.shift * for_values))
        x = graph.op("Add", x, _gated(graph, h))
    return x


def _scale(layers: list[Glu]) -> float:
    """Tell what is left out where layers give out what they made."""
    return float(HALF ** (len(layers) - 1))


def _gated(graph: Graph, h: str) -> str:
    value, gate = graph.ops("Split", 2, h, axis=1, num_outputs=2)
    return graph.op("Mul", value, graph.op("Sigmoid", gate))


def _decide(graph: Graph, net: TabNet, x: Seen, blocks: Blocks) -> list[Taken]:
    """Run the steps, each of which looks where the one before it points."""
    parts = graph.ints(net.n_d, net.n_a)
    h = _first_of_all(graph, net, x, blocks)
    _, looking = graph.ops("Split", 2, _transform(graph, h, net.splitter), parts, axis=1)
    taken: list[Taken] = []
    behind = net.splitter
    for step in net.steps:
        mask = _look(graph, net, step, Pointer(looking, _scale(behind)), [each.mask for each in taken], blocks)
        behind = step.layers
        out = _transform(graph, _first_layer(graph, net, x.dense, mask, step.layers[0], blocks), step.layers)
        decision, looking = graph.ops("Split", 2, out, parts, axis=1)
        taken.append(Taken(mask, graph.op("Relu", decision)))
    return taken


def _look(graph: Graph, net: TabNet, step: Step, looking: Pointer, earlier: list[Mask], blocks: Blocks) -> Mask:
    """Choose the genes of a step.

    Every value is multiplied by ``gamma - weight`` for each earlier step. Nearly all weights are 0, so gamma is in the
    matrix, and only genes that were looked at are corrected.
    """
    norm, again = step.attention.norm, net.gamma ** len(earlier)
    weight = step.attention.weight.T.astype(np.float64) * norm.scale * again * looking.scale
    bias = blocks.fill(norm.shift * again, with_=NEVER)
    both = graph.constant(np.vstack([blocks.fill(weight), bias]))
    one = graph.op("Pad", looking.values, graph.ints(0, 0, 0, 1), graph.constant(1.0))
    z = graph.op("MatMul", one, both)  # a Gemm writes the bias to every row before it begins
    if earlier:
        # all at once, since each time a row of all genes is copied; a gene may be among them several times
        weights = graph.op("Concat", *(mask.weights for mask in earlier), axis=1)
        genes = graph.op("Concat", *(mask.genes for mask in earlier), axis=1)
        left = graph.op("Sub", graph.constant(1.0), graph.op("Div", weights, graph.constant(net.gamma)))
        z = graph.op("ScatterElements", z, genes, left, axis=1, reduction="mul")
    return Mask(*projected(graph, z, blocks, MASKS[net.mask]))


def _first_layer(graph: Graph, net: TabNet, x: str, mask: Mask, layer: Glu, blocks: Blocks) -> str:
    """Multiply what a mask leaves of a row with the first layer's weight: by its rows where they are few."""
    weight = graph.constant(blocks.fill(layer.weight).T)
    shift = graph.op("Gather", graph.constant(blocks.fill(net.initial.shift)), mask.genes)
    value = graph.op("Add", graph.op("GatherElements", x, mask.genes, axis=1), shift)
    left = graph.op("Mul", mask.weights, value)

    def by_rows() -> str:
        return _by_rows(graph, left, weight, mask.genes)

    def dense() -> str:
        zeros = graph.op("ConstantOfShape", graph.op("Shape", x))
        spread = graph.op("ScatterElements", zeros, mask.genes, left, axis=1)
        return graph.op("MatMul", spread, weight)

    width = graph.op("Squeeze", graph.op("Shape", mask.genes, start=1))
    return graph.either(graph.op("LessOrEqual", width, graph.constant(FEW, np.int64)), by_rows, dense)


def _attention(graph: Graph, steps: list[Taken], scale: float) -> None:
    """Give out what the steps looked at, side by side: to add up a gene's weights would take rows of all genes."""
    weights = [step.mask.weights for step in steps]
    weighted = [
        graph.op("Mul", step.mask.weights, graph.op("ReduceSum", step.decision, graph.ints(1), keepdims=1))
        for step in steps
    ]
    plain = graph.op("Concat", *weights, axis=1)
    carried = graph.cast(graph.op("Greater", plain, graph.constant(0.0)), np.int64)
    places = graph.op("Concat", *(step.mask.genes for step in steps), axis=1)
    graph.output("attention", plain, np.float32, ["cells", "k"])
    whole = graph.op("Mul", graph.op("Concat", *weighted, axis=1), graph.constant(scale))
    graph.output("attention_weighted", whole, np.float32, ["cells", "k"])
    named = graph.cast(graph.op("Mul", places, carried), np.int32)
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
