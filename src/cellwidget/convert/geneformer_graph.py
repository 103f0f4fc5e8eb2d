"""Geneformer as one graph from a cell's genes and raw counts to its embedding and, fine-tuned, its labels.

Written from the weights; the published code is Geneformer (Theodoris et al. 2023) and BioNeMo's of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.convert.graph import Graph
from cellwidget.convert.ranks import Ranked, Ranking, ranked
from cellwidget.convert.transformer import Dense, Encoder, Norm, dense, encode, normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating]

POOLINGS = ("mean", "cls")


@dataclass(frozen=True)
class Head:
    """What makes labels of the first token: a layer with tanh, and a linear one [classes, width]."""

    pooler: Dense
    classifier: Dense


@dataclass(frozen=True)
class Network:
    """The weights of a Geneformer.

    Parameters
    ----------
    words
        One row per token, float32 [tokens, width].
    positions
        What is added at each place, float32 [places, width].
    encoder
        The layers.
    norm
        After the embedding (BERT), if there is one.
    final
        After the last layer (Megatron), if there is one.
    head
        Of a fine-tuned classifier, if it is one.
    """

    words: Array
    positions: Array
    encoder: Encoder
    norm: Norm | None = None
    final: Norm | None = None
    head: Head | None = None

    @property
    def width(self) -> int:
        """Numbers of an embedding."""
        return int(self.words.shape[1])


def geneformer_graph(net: Network, ranking: Ranking, *, pooling: str, layer: int) -> bytes:
    """Write a network as ``model.onnx`` of a bundle.

    Parameters
    ----------
    net
        The weights.
    ranking
        How cells become tokens.
    pooling
        What an embedding is: "mean" over a cell's genes, or "cls", what the first token becomes.
    layer
        After which layer: 0 is the last, -1 the one before.

    Returns
    -------
    bytes
        The graph, with the output `embedding`, for classifiers `logits`, and `tokens`, which a bundle does not name:
        what the network reads, int32 [cells, n].
    """
    graph = Graph()
    cells = ranked(graph, ranking)
    graph.output("tokens", cells.tokens, np.int32, ["cells", "tokens"])
    depth = len(net.encoder.layers) + layer
    last = len(net.encoder.layers) if net.head is not None else depth
    one_place = last != depth or pooling == "cls"  # a classifier looks at the first token alone
    states = encode(graph, _embedded(graph, cells, net), cells.there, net.encoder, depth=last, first=one_place)
    if net.final is not None and layer == 0:
        states[depth] = normalised(graph, states[depth], net.final)
    embedding = _pooled(graph, states[depth], cells, pooling)
    graph.output("embedding", embedding, np.float32, ["cells", net.width])
    if net.head is not None:
        first = graph.op("Tanh", dense(graph, _first(graph, states[-1]), net.head.pooler))
        classes = len(net.head.classifier.bias)
        graph.output("logits", dense(graph, first, net.head.classifier), np.float32, ["cells", classes])
    return graph.serialize("geneformer")


def _embedded(graph: Graph, cells: Ranked, net: Network) -> str:
    words = graph.op("Gather", graph.constant(net.words), cells.tokens)
    places = graph.op("Slice", graph.constant(net.positions), graph.ints(0), cells.width, graph.ints(0))
    x = graph.op("Add", words, places)
    return x if net.norm is None else normalised(graph, x, net.norm)


def _pooled(graph: Graph, state: str, cells: Ranked, pooling: str) -> str:
    if pooling == "cls":
        return _first(graph, state)
    number = graph.cast(graph.op("Max", cells.n_genes, graph.ints(1)), np.float32)
    share = graph.op("Div", graph.cast(cells.is_gene, np.float32), number)
    mean = graph.op("MatMul", graph.op("Unsqueeze", share, graph.ints(1)), state)
    return graph.op("Squeeze", mean, graph.ints(1))


def _first(graph: Graph, state: str) -> str:
    return graph.op("Gather", state, graph.constant(0, np.int64), axis=1)
