"""Distil the SIMS case of the tests: a trained network's weights, some cells, and what the published code gives them.

python scripts/distil/sims.py: reads the full fixtures, writes tests/data/sims/pbmc68k-small.npz.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures")) / "sims"
TARGET = ROOT / "tests/data/sims/pbmc68k-small.npz"
CELLS = 16
KEPT = (
    "sample_genes",
    "model_genes",
    "classes",
    "temperature",
    "torch_logits",
    "torch_topk_indices",
    "torch64_logits",
    "torch64_encoding",
    "torch64_attention",
)


def main() -> None:
    """Write the case."""
    graph = onnx.load(FIXTURES / "sims-pbmc68k-small.onnx").graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = _norms(arrays) | _matrices(arrays)
    with np.load(FIXTURES / "golden_public.npz") as golden:
        kept = {name: golden[name] for name in KEPT}
        indptr = golden["counts_indptr"][: CELLS + 1]
        counts = {
            "indptr": indptr,
            "indices": golden["counts_indices"][: indptr[-1]],
            "data": golden["counts_data"][: indptr[-1]],
        }
    kept = {name: array[:CELLS] if name.startswith("torch") else array for name, array in kept.items()}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **weights, **{f"counts_{name}": array for name, array in counts.items()}, **kept)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB")


def _norms(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Batch norms, by the names that pytorch-tabnet gives them."""
    prefix = "network.tabnet."
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _matrices(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Linear layers: the exporter numbers them in the order in which the network uses them, transposed."""
    numbered = {int(name.rsplit("_", 1)[1]): array for name, array in arrays.items() if "MatMul" in name}
    own = "specifics.glu_layers.{}.fc"
    names = ["shared.0", "shared.1", *(f"initial_splitter.{own.format(layer)}" for layer in (0, 1))]
    for step in range(3):
        names.append(f"att_transformers.{step}.fc")
        names += [f"feat_transformers.{step}.{own.format(layer)}" for layer in (0, 1)]
    names.append("final_mapping")
    found = [numbered[number].T for number in sorted(numbered)]
    return {f"encoder.{name}.weight": array for name, array in zip(names, found, strict=True)}


if __name__ == "__main__":
    main()
