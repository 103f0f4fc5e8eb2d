"""Train the packaged model `pbmc` again, and write its bundle, its held-out cells and the page with its figures.

Run it with `make train`. It is reproducible on one machine: everything drawn is seeded, and torch is pinned.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pbmc import data, evaluate
from pbmc.colors import assign
from pbmc.export import exported
from pbmc.fit import Recipe, augmented, fit
from pbmc.network import TabNet, normalised
from pbmc.page import page
from pbmc.reference import reference
from pbmc.umap_map import lay_out, learn_places

from cellwidget.bundle import Manifest, save_bundle
from cellwidget.convert.map_net import places
from cellwidget.convert.tabnet import OUTPUTS, mlp_graph, tabnet_graph
from cellwidget.model import load_model

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from cellwidget.model import Model

SEED = 0
FOLDS = 4
COPIES = 8
"""Thinned copies of each training cell that the map is learnt from."""

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "src" / "cellwidget"


def main() -> None:
    """Train, measure, write."""
    torch.set_num_threads(1)  # sums in another order are other sums
    recipe = Recipe()
    cells = data.pbmc68k()
    train_rows, held_rows = data.split(cells.labels, SEED)
    train, held = cells.rows(train_rows), data.anndata(cells.rows(held_rows))
    labels, codes = np.unique(train.labels, return_inverse=True)
    classes = [str(label) for label in labels]

    crossed = cross_validated(train.counts, codes, len(classes), recipe)
    temperature = best_temperature(crossed, codes)
    net = fit(train.counts, codes, len(classes), recipe, SEED)
    layers, xy = learnt_map(net, train.counts, recipe)
    training = {
        "data": "scanpy.datasets.pbmc68k_reduced, integer counts",
        "cells": len(train.names),
        "cells_by_label": {label: int(count) for label, count in zip(classes, np.bincount(codes), strict=True)},
        "seed": SEED,
        "recipe": asdict(recipe),
        "torch": torch.__version__.split("+")[0],
        "temperature": round(temperature, 4),
        "cross_validation": {"folds": FOLDS, "accuracy": round(float((crossed.argmax(1) == codes).mean()), 4)},
    }
    manifest = Manifest(
        name="pbmc",
        title="PBMC",
        family="SIMS",
        version="1",
        organism="Homo sapiens",
        licence="CC-BY-4.0",
        citation="Cells: Zheng et al., Nat. Commun. 8, 14049 (2017), 10x Genomics. Method: Gonzalez-Ferrer et al., "
        "SIMS, Cell Genomics (2024).",
        source={"data": "scanpy.datasets.pbmc68k_reduced", "script": "scripts/train_pbmc.py"},
        gene_id_type="symbol",
        classes=classes,
        colors=assign(xy, codes, len(classes), SEED),
        inputs=["genes", "counts"],
        outputs=list(OUTPUTS),
        trained_on="log1p_10k",
        training=training,
    )
    files = {
        "model.onnx": tabnet_graph(exported(net, temperature)),
        "umap.onnx": mlp_graph(layers),
    }
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(save_bundle(folder, manifest, cells.genes, files))
        measured = measure(model, held)
        files["reference.npz"] = reference(model, train, xy)
    manifest = replace(manifest, training=training | measured)
    save_bundle(PACKAGE / "models" / "pbmc", manifest, cells.genes, files)
    write_held_out(held)
    size = f"{sum(parameter.numel() for parameter in net.parameters()):,} weights"
    written = REPOSITORY / "docs" / "pbmc-model.md"
    written.parent.mkdir(exist_ok=True)
    written.write_text(page(manifest.training, classes, size, len(cells.genes)), "utf-8")
    for name, found in measured.items():
        print(
            f"{name}: {found['accuracy']:.1%} of {found['cells']} cells, {found['accuracy_by_lineage']:.1%} by lineage"
        )


def cross_validated(counts: NDArray[np.int32], codes: NDArray[np.intp], classes: int, recipe: Recipe) -> NDArray[Any]:
    """Logits of each training cell by a network that did not see it, float32 [cells, classes]."""
    fold = np.zeros(len(codes), dtype=int)
    rng = np.random.default_rng(SEED)
    for code in range(classes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        fold[rows] = np.arange(len(rows)) % FOLDS
    logits = np.zeros((len(codes), classes), dtype=np.float32)
    for number in range(FOLDS):
        net = fit(counts[fold != number], codes[fold != number], classes, recipe, SEED + 1 + number)
        logits[fold == number] = run(net, counts[fold == number])[0]
        print(f"cross-validation: {number + 1} of {FOLDS} folds")
    return logits


def best_temperature(logits: NDArray[np.float32], codes: NDArray[np.intp]) -> float:
    """Find the temperature that makes the true labels most likely."""
    tried = np.geomspace(0.2, 5.0, 200)
    truth = torch.as_tensor(codes)
    losses = [float(torch.nn.functional.cross_entropy(torch.as_tensor(logits / t), truth)) for t in tried]
    return float(tried[int(np.argmin(losses))])


def learnt_map(net: TabNet, counts: NDArray[np.int32], recipe: Recipe) -> tuple[list[Any], NDArray[np.float32]]:
    """Lay out training cells and thinned copies; give the layers that place cells, and the training cells' places."""
    torch.manual_seed(SEED)
    whole = torch.as_tensor(counts, dtype=torch.float32)
    copies = [augmented(whole, recipe).numpy() for _ in range(COPIES)]
    embedding = np.concatenate([run(net, some)[1] for some in (counts, *copies)])
    layers = learn_places(embedding, lay_out(embedding, SEED), SEED)
    return layers, places(layers, embedding[: len(counts)])


@torch.no_grad()
def run(net: TabNet, counts: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and embedding."""
    logits, embedding, _ = net(normalised(torch.as_tensor(counts, dtype=torch.float32)))
    return logits.numpy(), embedding.numpy()


def measure(model: Model, held: AnnData) -> dict[str, Any]:
    """Run the bundle itself, as users do, on cells that it has not seen."""
    other = evaluate.pbmc3k()
    itself = {label: (label,) for label in model.classes}

    def labels(adata: AnnData) -> list[str]:
        best = model.predict(adata, ["logits"], threads=1)["logits"].argmax(axis=1)
        return [model.classes[code] for code in best]

    return {
        "held_out": evaluate.figures(held.obs["bulk_labels"].astype(str), labels(held), itself),
        "pbmc3k": evaluate.figures(other.obs["louvain"].astype(str), labels(other), evaluate.PBMC3K),
    }


def write_held_out(held: AnnData) -> None:
    """Write the held-out cells for the examples."""
    path = PACKAGE / "data" / "pbmc_heldout.h5ad"
    path.parent.mkdir(exist_ok=True)
    held.write_h5ad(path, compression="gzip")


if __name__ == "__main__":
    main()
