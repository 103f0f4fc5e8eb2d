"""What a SIMS model is made of, wherever it was read, and whether its parts fit each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cellwidget.convert.tabnet import Glu, TabNet


@dataclass(frozen=True)
class Sims:
    """A model that was read.

    Parameters
    ----------
    net
        The weights.
    genes, classes
        In the order of the inputs, of the logits.
    name, title
        For registries, for people.
    source, citation, training
        What it was read from, whom to cite, what is told of its training: for the manifest.
    files
        More files of the bundle by name.
    """

    net: TabNet
    genes: list[str]
    classes: list[str]
    name: str
    title: str
    source: dict[str, str]
    citation: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def checked(model: Sims) -> Sims:
    """Give a model back if its parts fit each other.

    Raises
    ------
    ConvertError
        If genes or classes are repeated, empty or not as many as the weights take, if weights do not fit each other or
        are not finite; the message names which.
    """
    _check_names(model.genes, "gene")
    _check_names(model.classes, "class")
    net = model.net
    if len(model.genes) != net.initial.scale.size:
        raise ConvertError(
            f"The model names {len(model.genes):,} genes, its weights are of {net.initial.scale.size:,}. Give the "
            f"list of genes that belongs to these weights."
        )
    if len(model.classes) != len(net.final):
        raise ConvertError(
            f"The model names {len(model.classes):,} classes, its weights tell {len(net.final):,} apart. Give the "
            f"list of classes that belongs to these weights."
        )
    for what, values, shape in _parts(net):
        if values.shape != shape:
            raise ConvertError(f"The weights of {what} are {values.shape}, the rest of the model needs {shape}.")
        if not np.isfinite(values).all():
            raise ConvertError(f"The weights of {what} hold NaN or infinity: training failed. Use another checkpoint.")
    if not np.isfinite(net.temperature) or net.temperature <= 0:
        raise ConvertError(f"The temperature is {net.temperature}, it must be above 0.")
    return model


def _check_names(names: list[str], kind: str) -> None:
    if not names:
        raise ConvertError(f"The model names no {kind}.")
    for name, times in Counter(names).items():
        if not name or any(mark in name for mark in "\r\n\0"):
            raise ConvertError(f"The model has a {kind} of the name {name[:40]!r}, which cannot be.")
        if times > 1:
            raise ConvertError(
                f"The model names the {kind} {name[:80]!r} {times} times. Which weights belong to it cannot be known."
            )


def _parts(net: TabNet) -> Iterator[tuple[str, NDArray[Any], tuple[int, ...]]]:
    """Give all weights, where they are, and the shapes that they must be of."""
    genes, width = net.initial.scale.size, net.n_d + net.n_a
    yield "the first normalisation", net.initial.scale, (genes,)
    yield "the first normalisation", net.initial.shift, (genes,)
    yield from _layers(net.splitter, "the splitter", genes, width)
    for number, step in enumerate(net.steps, 1):
        where = f"the attention of step {number}"
        yield where, step.attention.weight, (genes, net.n_a)
        yield where, step.attention.norm.scale, (genes,)
        yield where, step.attention.norm.shift, (genes,)
        yield from _layers(step.layers, f"step {number}", genes, width)
    yield "the last layer", net.final, (len(net.final), net.n_d)


def _layers(layers: list[Glu], where: str, genes: int, width: int) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    for number, layer in enumerate(layers, 1):
        what = f"{where}, layer {number}"
        yield what, layer.weight, (2 * width, genes if number == 1 else width)
        yield what, layer.norm.scale, (2 * width,)
        yield what, layer.norm.shift, (2 * width,)
