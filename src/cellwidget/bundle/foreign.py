"""Graphs that were not made for bundles: which of their inputs and outputs are what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.bundle.errors import BundleError
from cellwidget.graphs.onnx import DOUBLE, FLOAT, INT64, Signature, Value, signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NAMES = {"logits": ("logits",), "embedding": ("embedding", "encoding"), "attention": ("attention",)}
BESIDE = ("topk_values", "topk_indices", "probs")
"""Outputs of sims-web's graphs that follow from others."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What a graph with one dense input calls its input and its outputs.

    Parameters
    ----------
    input
        Takes all of the model's genes, float32 [cells, genes].
    outputs
        Names by what they are: "logits", "embedding", "attention" (dense: [cells, genes]).
    attention_kind
        Element type of the attention, as ONNX numbers them.
    embedding_width
        Numbers of an embedding; None where there is none, or where nobody knows.
    """

    input: str
    outputs: dict[str, str]
    attention_kind: int = FLOAT
    embedding_width: int | None = None


def named(path: Path, n_genes: int, n_classes: int, genes_file: str, classes_file: str) -> Naming:
    """Find out what is what in a graph: by names that are known, else by shape and type.

    Parameters
    ----------
    path
        The graph.
    n_genes, n_classes
        What it should take, and tell apart.
    genes_file, classes_file
        Where these are listed, for messages.

    Raises
    ------
    BundleError
        If it is no such graph, or an output could be several things.
    """
    model = path.read_bytes()
    try:
        stated = signature(model)
    except ValueError as error:
        raise BundleError(f"{path} cannot be read ({error}). Get the file again.") from error
    source = _input(path, stated, n_genes, genes_file)
    outputs = stated.outputs
    if any(value.shape is None or None in value.shape[1:] for value in outputs):
        outputs = _observed(path, model, source, outputs, n_genes)
    found = _by_name(outputs) | _by_shape(path, outputs, n_genes, n_classes)
    if n_classes and "logits" not in found:
        told = ", ".join(f"{value.name} {_axes(value)}" for value in outputs)
        raise BundleError(f"{path} gives no number for each of the {n_classes} classes in {classes_file}, only {told}.")
    _check(path, found, "logits", n_classes, f"{classes_file} names {n_classes} classes")
    _check(path, found, "attention", n_genes, f"{genes_file} names {n_genes} genes")
    attention, embedding = found.get("attention"), found.get("embedding")
    return Naming(
        source.name,
        {role: value.name for role, value in found.items()},
        attention.kind if attention else FLOAT,
        _width(embedding) if embedding else None,
    )


def _input(path: Path, stated: Signature, n_genes: int, genes_file: str) -> Value:
    if len(stated.inputs) != 1:
        raise BundleError(
            f"{path} takes {len(stated.inputs)} inputs, not one of all genes. Convert the model with cellwidget."
        )
    (source,) = stated.inputs
    if source.kind != FLOAT or (source.shape is not None and len(source.shape) != 2):
        raise BundleError(f"{path}: its input {source.name!r} is not float32 [cells, genes].")
    width = _width(source)
    if width not in (None, n_genes):
        raise BundleError(
            f"{path} takes {width} genes, {genes_file} names {n_genes}. Get both files again: they are of two models."
        )
    return source


def _observed(path: Path, model: bytes, source: Value, outputs: list[Value], n_genes: int) -> list[Value]:
    """Run one cell without counts to see what the file leaves open; as stated where nothing here can run it."""
    try:
        import onnxruntime as ort
    except ImportError:
        return outputs
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        made = session.run(None, {source.name: np.zeros((1, n_genes), np.float32)})
    except Exception as error:  # the classes that onnxruntime raises have no common base but this
        raise BundleError(
            f"{path} cannot be run by onnxruntime {ort.__version__} on the {n_genes} genes that are named: {error}. "
            f"Get the file again."
        ) from error
    return [Value(value.name, value.kind, tuple(array.shape)) for value, array in zip(outputs, made, strict=True)]


def _by_name(outputs: Iterable[Value]) -> dict[str, Value]:
    return {role: value for value in outputs for role, names in NAMES.items() if value.name in names}


def _by_shape(path: Path, outputs: list[Value], n_genes: int, n_classes: int) -> dict[str, Value]:
    known = _by_name(outputs)
    best = {_width(value) for value in outputs if value.kind == INT64}  # of the best classes: places, scores, shares
    left = [value for value in outputs if value not in known.values() and value.name not in BESIDE]
    roles: dict[str, Callable[[Value], bool]] = {
        "attention": lambda value: value.kind in (FLOAT, DOUBLE) and _width(value) == n_genes,
        "logits": lambda value: value.kind == FLOAT and _width(value) == n_classes,
        "embedding": lambda value: value.kind == FLOAT and _width(value) not in (None, n_classes, n_genes, *best),
    }
    found: dict[str, Value] = {}
    for role, fits in roles.items():
        candidates = [] if role in known else [value for value in left if fits(value)]
        if len(candidates) > 1:
            names = ", ".join(repr(value.name) for value in candidates)
            raise BundleError(f"{path}: any of {names} may be the {role}. Name the one that is {NAMES[role][0]!r}.")
        if candidates:
            found[role] = candidates[0]
    return found


def _check(path: Path, found: dict[str, Value], role: str, wanted: int, told: str) -> None:
    value = found.get(role)
    if value is not None and _width(value) not in (None, wanted):
        raise BundleError(
            f"{path}: its {value.name!r} is {_axes(value)}, but {told}. Get both files again: they are of two models."
        )


def _width(value: Value) -> int | None:
    return value.shape[-1] if value.shape else None


def _axes(value: Value) -> str:
    return "[" + ", ".join(["cells", *(str(axis or "?") for axis in (value.shape or ())[1:])]) + "]"
