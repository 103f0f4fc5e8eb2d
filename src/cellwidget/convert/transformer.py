"""Encoders of transformers as parts of a graph: BERT's (norms after each block) and Megatron's (norms before)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cellwidget.convert.graph import Graph

    Array = NDArray[np.floating]

HIDDEN = -3e38
"""What is added to attention scores of padding: its share is 0 exactly, and a cell of padding alone stays a number."""


@dataclass(frozen=True)
class Dense:
    """A linear layer: weight float32 [outputs, inputs], as torch keeps it, and bias [outputs]."""

    weight: Array
    bias: Array


@dataclass(frozen=True)
class Norm:
    """A layer normalisation: weight and bias float32 [width]."""

    weight: Array
    bias: Array
    eps: float


@dataclass(frozen=True)
class Layer:
    """Attention and two linear layers, each with a normalisation."""

    query: Dense
    key: Dense
    value: Dense
    out: Dense
    attention_norm: Norm
    up: Dense
    down: Dense
    output_norm: Norm


@dataclass(frozen=True)
class Encoder:
    """The layers of a transformer.

    Parameters
    ----------
    layers
        One after the other.
    heads
        Of attention.
    activation
        One of `ACTIVATIONS`.
    norm_first
        Whether blocks normalise what goes in (Megatron) rather than the sum that comes out (BERT).
    """

    layers: list[Layer]
    heads: int
    activation: str
    norm_first: bool = False


def encode(
    graph: Graph, x: str, there: str, encoder: Encoder, *, depth: int | None = None, first: bool = False
) -> list[str]:
    """Run the layers.

    Parameters
    ----------
    graph
        Where to.
    x
        Embedded tokens, [cells, n, width].
    there
        Which places hold a token, bool [cells, n].
    encoder
        The layers.
    depth
        How many of them; None for all.
    first
        Whether of the last one only the first place is needed, which takes a fraction of the time.

    Returns
    -------
    list
        Values [cells, n, width]: `x`, and what each layer gave; the last [cells, 1, width] where only that is needed.
    """
    hidden = graph.op("Where", there, graph.constant(0.0), graph.constant(HIDDEN))
    heads = graph.constant(np.zeros((encoder.heads, 1, 1)))
    mask = graph.op("Add", graph.op("Unsqueeze", hidden, graph.ints(1, 2)), heads)
    layers = encoder.layers[:depth]
    states = [x]
    for number, layer in enumerate(layers, 1):
        states.append(_layer(graph, states[-1], mask, layer, encoder, first=first and number == len(layers)))
    return states


def dense(graph: Graph, x: str, layer: Dense) -> str:
    """Apply a linear layer to the last axis."""
    return graph.op("Add", graph.op("MatMul", x, graph.constant(layer.weight.T)), graph.constant(layer.bias))


def normalised(graph: Graph, x: str, norm: Norm) -> str:
    """Normalise the last axis."""
    parts = graph.constant(norm.weight), graph.constant(norm.bias)
    return graph.op("LayerNormalization", x, *parts, axis=-1, epsilon=norm.eps)


def _layer(graph: Graph, x: str, mask: str, layer: Layer, encoder: Encoder, *, first: bool) -> str:
    seen = normalised(graph, x, layer.attention_norm) if encoder.norm_first else x
    asking, kept = (_first(graph, seen), _first(graph, x)) if first else (seen, x)
    x = graph.op("Add", kept, _attention(graph, asking, seen, mask, layer, encoder.heads))
    if encoder.norm_first:
        return graph.op("Add", x, _feed_forward(graph, normalised(graph, x, layer.output_norm), layer, encoder))
    x = normalised(graph, x, layer.attention_norm)
    return normalised(graph, graph.op("Add", x, _feed_forward(graph, x, layer, encoder)), layer.output_norm)


def _first(graph: Graph, x: str) -> str:
    return graph.op("Slice", x, graph.ints(0), graph.ints(1), graph.ints(1))


def _attention(graph: Graph, asking: str, seen: str, mask: str, layer: Layer, heads: int) -> str:
    """Let some places look at all that are no padding: values [cells, n, width].

    The mask is one more number of each head's keys, and that of its queries is 1: another pass over all pairs of places
    would take a fifth of the time.
    """
    q = _split(graph, dense(graph, asking, _with_one(layer.query, heads)), heads, [0, 2, 1, 3])
    k = _split(graph, dense(graph, seen, layer.key), heads, [0, 2, 3, 1])
    k = graph.op("Concat", k, mask, axis=2)
    v = _split(graph, dense(graph, seen, layer.value), heads, [0, 2, 1, 3])
    weights = graph.op("Softmax", graph.op("MatMul", q, k), axis=-1)
    looked = graph.op("Transpose", graph.op("MatMul", weights, v), perm=[0, 2, 1, 3])
    return dense(graph, graph.op("Reshape", looked, graph.ints(0, 0, -1)), layer.out)


def _with_one(query: Dense, heads: int) -> Dense:
    """Scale a layer as attention does, and let it give each head a 1 behind its numbers."""
    width = len(query.bias)
    scale = np.sqrt(width / heads)
    weight = np.pad((query.weight / scale).reshape(heads, -1, width), ((0, 0), (0, 1), (0, 0)))
    bias = np.pad((query.bias / scale).reshape(heads, -1), ((0, 0), (0, 1)), constant_values=1)
    return Dense(weight.reshape(-1, width), bias.ravel())


def _split(graph: Graph, x: str, heads: int, axes: list[int]) -> str:
    """Give each head its part of the last axis, and order the axes (cells, place, head, width) anew."""
    return graph.op("Transpose", graph.op("Reshape", x, graph.ints(0, 0, heads, -1)), perm=axes)


def _feed_forward(graph: Graph, x: str, layer: Layer, encoder: Encoder) -> str:
    return dense(graph, ACTIVATIONS[encoder.activation](graph, dense(graph, x, layer.up)), layer.down)


def _relu(graph: Graph, x: str) -> str:
    return graph.op("Relu", x)


def _gelu(graph: Graph, x: str) -> str:
    share = graph.op("Add", graph.op("Erf", graph.op("Div", x, graph.constant(np.sqrt(2.0)))), graph.constant(1.0))
    return graph.op("Mul", graph.op("Mul", x, share), graph.constant(0.5))


def _gelu_tanh(graph: Graph, x: str) -> str:
    cube = graph.op("Mul", graph.op("Mul", x, x), graph.op("Mul", x, graph.constant(0.044715)))
    inner = graph.op("Mul", graph.op("Add", x, cube), graph.constant(np.sqrt(2.0 / np.pi)))
    share = graph.op("Add", graph.op("Tanh", inner), graph.constant(1.0))
    return graph.op("Mul", graph.op("Mul", x, share), graph.constant(0.5))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {"relu": _relu, "gelu": _gelu, "gelu_tanh": _gelu_tanh}
"""By name: "gelu" is the exact one."""
