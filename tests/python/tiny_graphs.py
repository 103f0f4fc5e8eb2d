"""Graphs of a tiny model of random weights, in the form that bundles hold, and the same in numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ["B", "NK", "T"]
WIDTH = 4


def weights(n_genes: int, seed: int = 0) -> dict[str, np.ndarray]:
    shapes = {"w2": (WIDTH, len(CLASSES)), "w3": (WIDTH, 2), "w1": (n_genes, WIDTH)}
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def reference(counts: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """What the model gives for dense counts [cells, genes], in float64."""
    its = {name: values.astype(np.float64) for name, values in weights(counts.shape[1], seed).items()}
    embedding = np.tanh(np.log1p(counts.astype(np.float64)) @ its["w1"])
    return {"embedding": embedding, "logits": embedding @ its["w2"], "xy": embedding @ its["w3"]}


def write_model(
    path: Path, n_genes: int, *, total: bool = False, classes: int = len(CLASSES), attention_fails: bool = False
) -> None:
    """Write log1p of the counts, one hidden layer, its logits, and counts for attention."""
    its = weights(n_genes)
    its["w2"] = np.resize(its["w2"], (WIDTH, classes))
    attention = helper.make_node("Identity", ["counts"], ["attention"])
    if attention_fails:
        attention = helper.make_node("Gather", ["counts", "n_genes"], ["attention"], axis=1)  # beyond the last column
    constants = {"one": np.float32(1), "none": np.int32(0), "axis": np.array([0]), "n_genes": np.array([n_genes])}
    nodes = [
        helper.make_node("Shape", ["genes"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["cells"]),
        helper.make_node("Concat", ["cells", "n_genes"], ["dense_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["dense_shape"], ["zeros"]),
        helper.make_node("Cast", ["genes"], ["places"], to=TensorProto.INT64),
        helper.make_node("ScatterElements", ["zeros", "places", "counts"], ["dense"], axis=1, reduction="add"),
        helper.make_node("Add", ["dense", "one"], ["plus_one"]),
        helper.make_node("Log", ["plus_one"], ["x"]),
        helper.make_node("MatMul", ["x", "w1"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "w2"], ["logits"]),
        attention,
        helper.make_node("Max", ["genes", "none"], ["attention_genes"]),
    ]
    inputs = [_value("genes", TensorProto.INT32, "n"), _value("counts", TensorProto.FLOAT, "n")]
    if total:
        inputs.append(helper.make_tensor_value_info("total", TensorProto.FLOAT, ["cells"]))
        nodes.append(helper.make_node("Identity", ["total"], ["unused"]))
    outputs = [
        _value("logits", TensorProto.FLOAT, classes),
        _value("embedding", TensorProto.FLOAT, WIDTH),
        _value("attention", TensorProto.FLOAT, "k"),
        _value("attention_genes", TensorProto.INT32, "k"),
    ]
    _save(path, nodes, inputs, outputs, its | constants, used=("w1", "w2", *constants))


def write_umap(path: Path, *, width: int = WIDTH) -> None:
    its = weights(1)
    nodes = [helper.make_node("MatMul", ["embedding", "w3"], ["xy"])]
    its["w3"] = np.resize(its["w3"], (width, 2))
    inputs, outputs = [_value("embedding", TensorProto.FLOAT, width)], [_value("xy", TensorProto.FLOAT, 2)]
    _save(path, nodes, inputs, outputs, its, used=("w3",))


def _value(name: str, kind: int, columns: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["cells", columns])


def _save(path: Path, nodes: list, inputs: list, outputs: list, arrays: dict, used: tuple[str, ...]) -> None:
    initialisers = [numpy_helper.from_array(np.asarray(arrays[name]), name) for name in used]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_bundle(folder: Path, genes: list[str], *, umap: bool = True, **more: object) -> Path:
    """Write a bundle of the tiny model, as a folder."""
    from cellwidget.bundle import Manifest, save_bundle

    folder.mkdir(parents=True, exist_ok=True)
    write_model(folder / "model.onnx", len(genes))
    files = {"model.onnx": (folder / "model.onnx").read_bytes()}
    if umap:
        write_umap(folder / "umap.onnx")
        files["umap.onnx"] = (folder / "umap.onnx").read_bytes()
    told = {
        "name": "tiny",
        "title": "Tiny",
        "family": "test",
        "version": "1",
        "gene_id_type": "symbol",
        "classes": CLASSES,
        "colors": ["#111111", "#222222", "#333333"],
        "inputs": ["genes", "counts"],
        "outputs": ["logits", "embedding", "attention", "attention_genes"],
    }
    return save_bundle(folder, Manifest(**told | more), genes, files)  # type: ignore[arg-type]
