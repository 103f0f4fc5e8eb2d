"""Networks of random weights, as large as published ones: what they answer means nothing, what they cost does.

python benchmarks/networks.py FOLDER
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from cases import FIXTURES, ROOT

from cellwidget.bundle import Manifest, save_bundle
from cellwidget.convert.tabnet import Affine, Glu, Step, TabNet, mlp_graph, tabnet_graph

PUBLISHED = "sims-web/allen-celltypes+human-cortex+various-cortical-areas"
WIDE_GENES, WIDE_CLASSES = 48_119, 20
SPREAD = 0.35
"""Of the attention before sparsemax, such that masks hold from one to some hundred genes."""
MASKED = 1e3
"""What a mask leaves of a row is that much smaller, as the batch norm behind it has learnt."""


def write_wide_network(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a bundle with the genes and the classes of the largest published SIMS network.

    Parameters
    ----------
    folder
        Where to.
    seed
        Of the weights.

    Returns
    -------
    Path
        The folder.
    """
    genes, classes = wide_names()
    net = random_tabnet(len(genes), len(classes), seed=seed)
    rng = np.random.default_rng(seed)
    widths = [net.n_d, 100, 100, 100, 2]
    layers = [
        (rng.normal(0, (2 / inputs) ** 0.5, (inputs, outputs)).astype(np.float32), np.zeros(outputs, np.float32))
        for inputs, outputs in pairwise(widths)
    ]
    manifest = Manifest(
        name="wide",
        title="SIMS-sized network of random weights",
        family="SIMS",
        version="1",
        gene_id_type="symbol",
        classes=classes,
        inputs=["genes", "counts"],
        outputs=["logits", "embedding", "attention", "attention_genes"],
    )
    return save_bundle(folder, manifest, genes, {"model.onnx": tabnet_graph(net), "umap.onnx": mlp_graph(layers)})


def wide_names() -> tuple[list[str], list[str]]:
    """Give the published network's genes and classes; where its files are absent, those of the cells, filled up."""
    published = FIXTURES / f"{PUBLISHED}.genes"
    if published.is_file():
        return published.read_text().splitlines(), published.with_suffix(".classes").read_text().splitlines()
    import anndata as ad

    genes = list(ad.read_h5ad(ROOT / "tests/data/cells/pbmc3k-30.h5ad").var_names)
    genes += [f"filler {number}" for number in range(WIDE_GENES - len(genes))]
    return genes, [f"class {number}" for number in range(WIDE_CLASSES)]


def random_tabnet(n_genes: int, n_classes: int, *, width: int = 8, steps: int = 3, seed: int = 0) -> TabNet:
    """Draw a network whose layers keep the scale of what goes through them.

    Parameters
    ----------
    n_genes, n_classes
        Lengths of input and output.
    width
        Of decision and of attention, each.
    steps
        Times it looks.
    seed
        Of the weights.
    """
    rng = np.random.default_rng(seed)
    both = 2 * width

    def norm(size: int, scale: float = 1.0, shifted: float = 0.1) -> Affine:
        shift = rng.normal(0, shifted, size)
        return Affine((scale * rng.uniform(0.8, 1.2, size)).astype(np.float32), shift.astype(np.float32))

    def glu(inputs: int, outputs: int, gain: float = 1.0) -> Glu:
        weight = rng.normal(0, gain / inputs**0.5, (outputs, inputs)).astype(np.float32)
        return Glu(weight, norm(outputs))

    # rows are of length 1, so what comes in is small, and a shift of all genes must not drown it
    shared = [glu(n_genes, 2 * both, gain=n_genes**0.5), glu(both, 2 * both)]

    def transformer(scale: float = 1.0) -> list[Glu]:
        first, second = shared
        own = [glu(both, 2 * both) for _ in range(2)]
        return [replace(first, norm=norm(2 * both, scale)), replace(second, norm=norm(2 * both)), *own]

    attention = [
        replace(glu(width, n_genes), norm=norm(n_genes, scale=SPREAD * 10.0 ** rng.uniform(-0.5, 1)))
        for _ in range(steps)
    ]
    return TabNet(
        n_d=width,
        n_a=width,
        gamma=1.3,
        initial=norm(n_genes, shifted=1e-3),
        splitter=transformer(),
        steps=[Step(look, transformer(MASKED)) for look in attention],
        final=rng.normal(0, 1, (n_classes, width)).astype(np.float32),
    )


if __name__ == "__main__":
    print(write_wide_network(sys.argv[1]))
