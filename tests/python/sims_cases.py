"""A sims-web folder for tests, the cells that go with it, and what onnxruntime gives for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/sims"
FOLDER, NAME = DATA / "folder", "few-genes"
FULL = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures")) / "sims"


def copied(target: Path, name: str = NAME) -> Path:
    """The folder again, to be altered; its model under another name."""
    target.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        shutil.copyfile(path, target / path.name.replace(NAME, name))
    return target


def adata_of(path: Path) -> ad.AnnData:
    """Raw counts of the cells in an archive, with genes of their own."""
    with np.load(path) as cells:
        genes = cells["sample_genes"]
        indptr = cells["counts_indptr"]
        shape = len(indptr) - 1, len(genes)
        counts = sparse.csr_matrix((cells["counts_data"], cells["counts_indices"], indptr), shape)
    names = [f"c{row}" for row in range(shape[0])]
    return ad.AnnData(counts.astype(np.float32), pd.DataFrame(index=names), pd.DataFrame(index=genes))


def cells() -> ad.AnnData:
    """16 cells."""
    return adata_of(DATA / "pbmc68k-small.npz")


def normalised(adata: ad.AnnData) -> ad.AnnData:
    """log1p of counts per 10,000, as published scripts prepare data."""
    dense = adata.X.toarray().astype(np.float64)
    adata.X = sparse.csr_matrix(np.log1p(dense * 10_000 / dense.sum(axis=1, keepdims=True)).astype(np.float32))
    return adata


def expected() -> dict[str, np.ndarray]:
    """Outputs for these cells, by the folder's names, and `torch_umap`, `keras_umap`."""
    with np.load(DATA / "folder.npz") as arrays:
        return {name: arrays[name] for name in arrays}
