"""A bundle as a chain of graphs: each takes values by name and adds others, and both engines run it alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.bundle import AGAIN, BundleError
from cellwidget.graphs.foreign import back, front
from cellwidget.graphs.onnx import DOUBLE, Signature, signature
from cellwidget.graphs.prune import pruned

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cellwidget.bundle import Bundle, Naming
    from cellwidget.messages import StageName


@dataclass(frozen=True, slots=True)
class Stage:
    """One graph of a chain.

    Parameters
    ----------
    name
        "front" and "back" stand around a foreign "model"; "umap" follows.
    title
        The file, for messages.
    graph
        An ONNX file, cut down to the outputs that are needed.
    inputs, outputs
        What the graph calls the values that it takes and gives, by what a chain calls them: those of a batch to begin
        with, then what stages gave.
    folder
        Where weights beside the graph are.
    """

    name: StageName
    title: str
    graph: bytes
    inputs: dict[str, str]
    outputs: dict[str, str]
    folder: Path


def chain_of(bundle: Bundle, wanted: Collection[str]) -> list[Stage]:
    """Tell which graphs some outputs take, "xy" among them, in the order in which they run.

    Raises
    ------
    BundleError
        If a file is no ONNX file, or lacks what it should give.
    """
    stages: list[Stage] = []
    needed = {*wanted}
    for stage in reversed(_whole(bundle, needed)):
        outputs = {ours: its for ours, its in stage.outputs.items() if ours in needed}
        if outputs:
            needed.update(stage.inputs)
            stages.append(replace(stage, graph=pruned(stage.graph, {*outputs.values()}), outputs=outputs))
    return stages[::-1]


def _whole(bundle: Bundle, wanted: Collection[str]) -> list[Stage]:
    stages = [_model(bundle)] if bundle.naming is None else _around(bundle, bundle.naming)
    if bundle.umap_path is not None and "xy" in wanted:
        stages.append(_umap(bundle.umap_path, bundle.folder))
    return stages


def _model(bundle: Bundle) -> Stage:
    path = bundle.model_path
    graph, stated = _read(path)
    there = {value.name for value in stated.outputs}
    if missing := [name for name in bundle.outputs if name not in there]:
        raise BundleError(f"{path.name} does not fit its manifest: it lacks the output {missing[0]!r}. {AGAIN}")
    inputs = _same([value.name for value in stated.inputs])
    return Stage("model", path.name, graph, inputs, _same(bundle.outputs), bundle.folder)


def _same(names: Collection[str]) -> dict[str, str]:
    return {name: name for name in names}


def _around(bundle: Bundle, naming: Naming) -> list[Stage]:
    """Let a graph that takes all genes follow the contract."""
    folder, path = bundle.folder, bundle.model_path
    given = {"attention_dense" if ours == "attention" else ours: its for ours, its in naming.outputs.items()}
    first = front(len(bundle.genes), normalise=bundle.manifest.values == "log1p_10k")
    stages = [
        Stage("front", "front.onnx", first, _same(bundle.inputs), _same(["dense"]), folder),
        Stage("model", path.name, path.read_bytes(), {"dense": naming.input}, given, folder),
    ]
    if "attention_dense" in given:
        last = back(np.float64 if naming.attention_kind == DOUBLE else np.float32)
        outputs = _same(["attention", "attention_genes"])
        stages.append(Stage("back", "back.onnx", last, _same(["attention_dense"]), outputs, folder))
    return stages


def _umap(path: Path, folder: Path) -> Stage:
    graph, stated = _read(path)
    if len(stated.inputs) != 1 or len(stated.outputs) != 1:
        raise BundleError(
            f"{path.name} does not fit the model: it must have one input, the embedding, and one output, xy. {AGAIN}"
        )
    (source,), (target,) = stated
    return Stage("umap", path.name, graph, {"embedding": source.name}, {"xy": target.name}, folder)


def _read(path: Path) -> tuple[bytes, Signature]:
    graph = path.read_bytes()
    try:
        return graph, signature(graph)
    except ValueError as error:
        raise BundleError(f"{path.name} cannot be loaded: {error}. {AGAIN}") from error
