"""Datasets for the tests of reading cells, and what reading them should give, worked out the plain way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cellwidget.batch import Batch

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests/data/cells/pbmc3k-30.h5ad"
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures"))

KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "dense": lambda x: x.copy(),
    "dense F": np.asfortranarray,
    "csr": sp.csr_matrix,
    "csr array": sp.csr_array,
    "csc": sp.csc_matrix,
    "csr unsorted": lambda x: unsorted(sp.csr_matrix(x)),
    "csr with zeros": lambda x: with_zeros(x),
    "csr of int64": lambda x: long_indices(sp.csr_matrix(x)),
    "csc of int64": lambda x: long_indices(sp.csc_matrix(x)),
}


def long_indices(matrix: Any) -> Any:
    """The same matrix with 64-bit indices, as large files have them."""
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def unsorted(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The same matrix with the entries of each row in reverse."""
    for low, high in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[low:high] = matrix.indices[low:high][::-1].copy()
        matrix.data[low:high] = matrix.data[low:high][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def with_zeros(dense: np.ndarray) -> sp.csr_matrix:
    """All entries stored, zeros included."""
    n, m = dense.shape
    return sp.csr_matrix((dense.ravel(), np.tile(np.arange(m), n), np.arange(0, n * m + 1, m)), shape=(n, m))


def made(matrix: Any, names: Sequence[str] | None = None, **parts: Any) -> ad.AnnData:
    """An AnnData of a matrix, with genes g0, g1, … unless named."""
    n, m = matrix.shape
    var = pd.DataFrame(index=pd.Index(list(names) if names is not None else [f"g{i}" for i in range(m)], dtype=object))
    obs = pd.DataFrame(index=[f"c{i}" for i in range(n)])
    return ad.AnnData(matrix, obs=obs, var=var, **parts)


def counts(n: int, m: int, seed: int = 0, high: int = 6) -> np.ndarray:
    """Small counts, about half of them zero, float32 [n, m]."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, high, (n, m)) * rng.integers(0, 2, (n, m))).astype(np.float32)


def expected(dense: np.ndarray, names: Sequence[str], genes: Sequence[str]) -> dict[int, list[tuple[int, float]]]:
    """Each cell's (gene position, count) in the order of the dataset's columns; cells without any are left out."""
    cells: dict[int, list[tuple[int, float]]] = {}
    groups: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        groups.setdefault(name, []).append(column)
    for row, values in enumerate(dense):
        found = [
            (genes.index(name), float(sum(values[columns])))
            for name, columns in groups.items()
            if name in genes and sum(values[columns]) > 0
        ]
        if found:
            cells[row] = found
    return cells


def unpacked(batch: Batch) -> dict[int, list[tuple[int, float]]]:
    """A batch in the form of `expected`; checks the padding on the way."""
    cells = {}
    assert batch.genes.dtype == np.int32 and batch.counts.dtype == np.float32 and batch.rows.dtype == np.int64
    assert batch.genes.shape == batch.counts.shape and batch.genes.shape[1] >= 1
    for row, genes, values in zip(batch.rows, batch.genes, batch.counts, strict=True):
        filled = genes >= 0
        assert np.all(filled[:-1] >= filled[1:]), "padding stands at the end"
        assert np.all(genes[~filled] == -1) and np.all(values[~filled] == 0)
        cells[int(row)] = list(zip(genes[filled].tolist(), values[filled].tolist(), strict=True))
    return cells


def dense_of(batch: Batch, n_obs: int, n_genes: int) -> np.ndarray:
    """A batch as counts [n_obs, n_genes]."""
    out = np.zeros((n_obs, n_genes), dtype=np.float32)
    at, place = np.nonzero(batch.genes >= 0)
    out[batch.rows[at], batch.genes[at, place]] = batch.counts[at, place]
    return out


def log_normalised(dense: np.ndarray, target: float = 1e4) -> np.ndarray:
    """log1p of counts per `target`, float32."""
    return np.log1p(dense * (target / dense.sum(axis=1, keepdims=True))).astype(np.float32)
