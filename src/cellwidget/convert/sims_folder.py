"""Models of sims-web folders: the weights out of the export, and what lies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx

from cellwidget.bundle import find_sims_web, load_bundle
from cellwidget.convert.reference_map import npz
from cellwidget.convert.sims_onnx import read_onnx
from cellwidget.convert.sims_source import Sims

if TYPE_CHECKING:
    from pathlib import Path

    from cellwidget.bundle import Bundle


def read_folder(path: Path) -> Sims | None:
    """Read a model.

    Parameters
    ----------
    path
        The folder, the folder and the model's id, or its ``.onnx``.

    Returns
    -------
    Sims or None
        None where there is no such folder.

    Raises
    ------
    BundleError
        If a file is missing, or files disagree.
    ConvertError
        If the export is none of a SIMS network.
    """
    if find_sims_web(path) is None:
        return None
    found = load_bundle(path)
    manifest = found.manifest
    return Sims(
        net=read_onnx(found.model_path),
        genes=found.genes,
        classes=found.classes,
        name=manifest.name,
        title=manifest.title,
        source=manifest.source,
        citation=manifest.citation,
        training=manifest.training,
        files=_files(found),
    )


def _files(found: Bundle) -> dict[str, bytes]:
    files = {}
    if found.umap_path is not None:
        files["umap.onnx"] = _umap(found.umap_path.read_bytes())
    training = found.reference()
    if training is not None:
        arrays = {name: getattr(training, name) for name in ("xy", "label", "embedding", "truth")}
        files["reference.npz"] = npz(**{name: array for name, array in arrays.items() if array is not None})
    return files


def _umap(data: bytes) -> bytes:
    """Call the input and the output of a parametric UMAP what bundles call them; its operators stay."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    (source,) = (value.name for value in graph.input if value.name not in weights)
    names = {source: "embedding", graph.output[0].name: "xy"}
    taken = {name: f"{name}_" for name in names.values() if name not in names}
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.get(value.name, taken.get(value.name, value.name))
    for node in graph.node:
        node.input[:] = [names.get(name, taken.get(name, name)) for name in node.input]
        node.output[:] = [names.get(name, taken.get(name, name)) for name in node.output]
    return bytes(model.SerializeToString())
