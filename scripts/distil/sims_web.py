"""Distil the sims-web folder of the tests: the published export of a trained network, cut down to a few genes.

python scripts/distil/sims_web.py: reads the full fixtures, writes tests/data/sims/folder, a parametric UMAP of the
older generation beside it, and what onnxruntime gives for the cells of pbmc68k-small.npz when it is fed dense rows.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

ROOT = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures"))
SOURCE = FIXTURES / "sims" / "sims-pbmc68k-small"
KERAS = FIXTURES / "sims-web" / "allen-celltypes+human-cortex+various-cortical-areas-pumap.onnx"
TARGET = ROOT / "tests/data/sims"
CELLS = TARGET / "pbmc68k-small.npz"
NAME = "few-genes"
GENES, HIDDEN, TRAINED = 40, 12, 60
PUBLIC = ("input", "logits", "topk_values", "topk_indices", "probs", "encoding", "attention")


def main() -> None:
    """Write the folder and what is expected of it."""
    folder = TARGET / "folder"
    folder.mkdir(parents=True, exist_ok=True)
    kept = _most_looked_at()
    genes = np.array(_lines(".genes"))[kept]
    model = _short_names(_cut(onnx.load(f"{SOURCE}.onnx"), 650, kept, GENES))
    umaps = {
        folder / f"{NAME}-pumap.onnx": _cut(onnx.load(f"{SOURCE}-pumap.onnx"), 200, np.arange(HIDDEN), HIDDEN),
        TARGET / "keras-pumap.onnx": _cut(onnx.load(KERAS), 100, np.arange(HIDDEN), HIDDEN),
    }
    onnx.save(model, folder / f"{NAME}.onnx")
    for path, umap in umaps.items():
        onnx.save(umap, path)
    (folder / f"{NAME}.genes").write_text("\n".join(genes))
    (folder / f"{NAME}.classes").write_text("\n".join(_lines(".classes")))
    (folder / f"{NAME}.json").write_text(json.dumps({"id": NAME, "title": "Few genes", "submitter": "a test"}))
    _training_cells(folder / NAME, folder / f"{NAME}-pumap.onnx")
    _expected(folder / f"{NAME}.onnx", list(umaps), genes)
    for path in sorted(TARGET.rglob("*")):
        print(f"{path.relative_to(TARGET)}: {path.stat().st_size / 1e3:.1f} kB")


def _lines(part: str) -> list[str]:
    return Path(f"{SOURCE}{part}").read_text().splitlines()


def _most_looked_at() -> np.ndarray:
    """Genes with most attention, in the model's order."""
    with np.load(FIXTURES / "sims" / "golden_public.npz") as golden:
        return np.sort(np.argsort(-golden["torch_attention"].sum(axis=0), kind="stable")[:GENES])


def _cut(model: onnx.ModelProto, length: int, kept: np.ndarray, new: int) -> onnx.ModelProto:
    """Keep some places of every axis of this length."""
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        for axis in [axis for axis, size in enumerate(array.shape) if size == length]:
            array = np.take(array, kept, axis=axis)
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_value == length:
                dim.dim_value = new
    return model


def _short_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Call all but inputs and outputs by number: the exporter's names are half of the file."""
    graph, known = model.graph, {name: name for name in (*PUBLIC, "")}

    def short(names: list[str]) -> list[str]:
        return [known.setdefault(name, f"v{len(known)}") for name in names]

    for node in graph.node:
        node.input[:], node.output[:] = short(list(node.input)), short(list(node.output))
        node.name = node.doc_string = ""
    for tensor in graph.initializer:
        (tensor.name,) = short([tensor.name])
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def _run(path: Path, rows: np.ndarray) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(path.read_bytes())
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: rows}), strict=True))


def _training_cells(where: Path, umap: Path) -> None:
    embedding = np.load(f"{SOURCE}-encodings.npy")[:TRAINED]
    labels = np.fromfile(f"{SOURCE}-labels.bin", "<i4").reshape(-1, 2)[:TRAINED]
    (xy,) = _run(umap, embedding).values()
    np.save(f"{where}-encodings.npy", embedding)
    labels.tofile(f"{where}-labels.bin")
    np.column_stack([xy, labels[:, 1]]).astype("<f4").tofile(f"{where}-mappings.bin")


def _expected(model: Path, umaps: list[Path], genes: np.ndarray) -> None:
    """Normalise over all genes of the data, as published scripts do, line up, and run."""
    with np.load(CELLS) as cells:
        sample = cells["sample_genes"].tolist()
        dense = np.zeros((len(cells["counts_indptr"]) - 1, len(sample)))
        rows = np.repeat(np.arange(len(dense)), np.diff(cells["counts_indptr"]))
        dense[rows, cells["counts_indices"]] = cells["counts_data"]
    values = np.log1p(dense * 10_000 / dense.sum(axis=1, keepdims=True))
    places = [sample.index(gene) if gene in sample else -1 for gene in genes.tolist()]
    known = np.array(places) >= 0
    lined_up = np.where(known, values[:, places], 0.0).astype(np.float32)
    given = _run(model, lined_up)
    torch, keras = (next(iter(_run(path, given["encoding"]).values())) for path in umaps)
    np.savez_compressed(TARGET / "folder.npz", model_input=lined_up, torch_umap=torch, keras_umap=keras, **given)


if __name__ == "__main__":
    main()
