"""Small networks from embedding to place: learnt from a layout with scikit-learn, refined with UMAP's own loss.

A network that imitates a layout has to bridge what the layout has torn apart, and puts cells of such a bridge among
strangers. A few thousand steps with the loss that UMAP itself minimises (parametric UMAP: Sainburg, McInnes and
Gentner, Neural Computation 33, 2021) mend that; they need no more than numpy, for networks of this size.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Layers = Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]]

WIDTHS = (100, 100, 100)
IMITATED = 1_500
"""Steps of the imitation, but for 16 epochs at least."""
RATES = ((2e-3, 0.6), (5e-4, 0.25), (1e-4, 0.15))
"""Of the imitation: Adam's rate, and the share of the epochs."""
IMITATED_AT_ONCE = 500
EDGES_AT_ONCE = 1_000
STRANGERS = 5
"""Times that each cell of a step is pushed away from a random other one."""
REFINED = 25.0
"""Steps of the refinement, times the root of the number of cells."""
RATE = 2e-3
MOST_PUSH = 4.0
NEAR = 1e-3


class Neighbours(NamedTuple):
    """UMAP's graph of neighbours: ends and weights of its edges, and the curve's parameters `a` and `b`."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    weight: NDArray[np.float64]
    a: float
    b: float


class Scale(NamedTuple):
    """Mean and spread of columns, such that (x - mean) / spread is standardised; a constant column stays 0."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, values: Floats) -> Scale:
        """Measure columns."""
        spread = values.std(axis=0, dtype=np.float64)
        return cls(values.mean(axis=0, dtype=np.float64), np.where(spread > 0, spread, 1.0))

    def apply(self, values: Floats) -> Floats:
        """Standardise."""
        scaled: Floats = ((values - self.mean) / self.spread).astype(np.float32)
        return scaled


def imitate(x: Floats, xy: Floats, *, seed: int) -> list[tuple[Floats, Floats]]:
    """Learn a layout.

    Parameters
    ----------
    x
        The standardised embedding, [cells, d].
    xy
        Places, [cells, 2].
    seed
        Of the first weights and of the order of cells.

    Returns
    -------
    list
        Weight [inputs, outputs] and bias per layer; ReLU goes between them.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    middle = xy.mean(axis=0)
    size = float((xy - middle).std()) or 1.0
    batch = min(IMITATED_AT_ONCE, max(32, len(x) // 10))
    epochs = max(16, IMITATED * batch // len(x))
    net = MLPRegressor(hidden_layer_sizes=WIDTHS, batch_size=batch, alpha=1e-6, random_state=seed, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it always takes the epochs that it is given
        for rate, share in RATES:
            rounds = max(1, round(share * epochs))
            net.set_params(learning_rate_init=rate, max_iter=rounds, n_iter_no_change=rounds + 1, tol=0.0)
            net.fit(x, ((xy - middle) / size).astype(np.float32))
    layers = [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(net.coefs_, net.intercepts_, strict=True)]
    weight, bias = layers[-1]
    layers[-1] = (weight * np.float32(size), bias * np.float32(size) + middle.astype(np.float32))
    return layers


def refine(
    layers: Layers, x: Floats, near: Neighbours, *, seed: int, on_step: Callable[[int, int], None] | None = None
) -> list[tuple[Floats, Floats]]:
    """Train layers on, such that neighbours in the embedding are neighbours on the map, and strangers are not.

    Parameters
    ----------
    layers
        Where to begin.
    x
        The standardised embedding, [cells, d].
    near
        Neighbours among these cells.
    seed
        Of the edges that are drawn.
    on_step
        Called with the steps that are done, and their number.
    """
    rng = np.random.default_rng(seed)
    net = _Trained(layers)
    upto = np.cumsum(near.weight)
    steps = int(REFINED * len(x) ** 0.5)
    batch = min(EDGES_AT_ONCE, max(1, len(upto) // 10))
    for step in range(steps):
        edges = np.searchsorted(upto, rng.random(batch) * upto[-1], side="right").clip(max=len(upto) - 1)
        held = net.forward(x[np.concatenate([near.one[edges], near.other[edges]])])
        xy = held[-1]
        slope = np.zeros_like(xy)
        pull = _pull(xy[:batch] - xy[batch:], near)
        slope[:batch] += pull
        slope[batch:] -= pull
        for _ in range(STRANGERS):
            whom = rng.permutation(2 * batch)
            push = np.float32(0.5) * _push(xy - xy[whom], near)
            slope -= push
            slope[whom] += push  # each stands once in a permutation
        net.backward(held, slope / np.float32(batch), RATE * 0.5 * (1 + np.cos(np.pi * step / steps)))
        if on_step is not None:
            on_step(step + 1, steps)
    return net.layers


def places(layers: Layers, embedding: NDArray[np.floating]) -> Floats:
    """Give what a network says, float32 [cells, 2]."""
    x = embedding
    for number, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if number < len(layers) - 1:
            x = np.maximum(x, 0)
    return x.astype(np.float32)


def unscaled(
    layers: Layers, mean: NDArray[np.floating], spread: NDArray[np.floating]
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Fold the standardising of the inputs into the first layer."""
    (weight, bias), *others = layers
    scaled = weight / spread[:, None]
    folded = [(scaled, bias - mean @ scaled), *others]
    return [(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in folded]


def _pull(apart: Floats, near: Neighbours) -> Floats:
    """Slope of -log q over the difference of two places, [pairs, 2], where q = 1 / (1 + a d^2b)."""
    squared = np.maximum(np.einsum("ij,ij->i", apart, apart), 1e-8)
    powered = near.a * squared**near.b
    slope: Floats = (2 * near.b * powered / (squared * (1 + powered)))[:, None].astype(np.float32) * apart
    return slope


def _push(apart: Floats, near: Neighbours) -> Floats:
    """Slope of log(1 - q), clipped as UMAP does, since it has no bound where two places are the same."""
    squared = np.einsum("ij,ij->i", apart, apart) + NEAR
    slope = (2 * near.b / (squared * (1 + near.a * squared**near.b)))[:, None].astype(np.float32) * apart
    clipped: Floats = np.clip(slope, -MOST_PUSH, MOST_PUSH)
    return clipped


class _Trained:
    """Layers under training, by Adam."""

    def __init__(self, layers: Layers) -> None:
        self._values: list[Any] = [array.astype(np.float32) for layer in layers for array in layer]
        self._means = [np.zeros_like(array) for array in self._values]
        self._squares = [np.zeros_like(array) for array in self._values]
        self._steps = 0

    @property
    def layers(self) -> list[tuple[Floats, Floats]]:
        return list(zip(self._values[::2], self._values[1::2], strict=True))

    def forward(self, x: Floats) -> list[Floats]:
        """Give what goes into each layer, and what comes out of the last."""
        held = [x]
        for number, (weight, bias) in enumerate(self.layers):
            x = x @ weight + bias
            if number < len(self._values) // 2 - 1:
                np.maximum(x, 0, out=x)
            held.append(x)
        return held

    def backward(self, held: list[Floats], slope: Floats, rate: float) -> None:
        """Take a step against the slope of the loss over what came out."""
        slopes: list[Floats] = []
        for number, (weight, _) in reversed([*enumerate(self.layers)]):
            slopes = [held[number].T @ slope, slope.sum(axis=0), *slopes]
            slope = (slope @ weight.T) * (held[number] > 0)
        self._steps += 1
        rate *= (1 - 0.999**self._steps) ** 0.5 / (1 - 0.9**self._steps)
        for value, mean, square, its in zip(self._values, self._means, self._squares, slopes, strict=True):
            mean += 0.1 * (its - mean)
            square += 0.001 * (its * its - square)
            value -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))
