"""Files of more entries than 32 bits count, and of 64-bit indices and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import cellwidget.cells.choose
from cellwidget.cells import open_cells

from .cell_cases import counts, dense_of, long_indices, made

if TYPE_CHECKING:
    from pathlib import Path

N_GENES, BLOCK = 20_000, 50
ENTRIES = N_GENES * BLOCK
BLOCKS = 2**31 // ENTRIES + 2
N_CELLS = BLOCKS * BLOCK


def repeated(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """Store one block, and a dataset that shows it again and again."""
    block = group.file.create_dataset(f"blocks/{name}", data=values)
    layout = h5py.VirtualLayout((BLOCKS * ENTRIES,), values.dtype)
    for at in range(BLOCKS):
        layout[at * ENTRIES : (at + 1) * ENTRIES] = h5py.VirtualSource(block)
    group.create_virtual_dataset(name, layout)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file that holds more than 2^31 counts: every cell has all genes, and cells repeat after 50."""
    path = tmp_path_factory.mktemp("long") / "long.h5ad"
    obs = pd.DataFrame(index=[f"c{row}" for row in range(N_CELLS)])
    var = pd.DataFrame(index=[f"g{gene}" for gene in range(N_GENES)])
    ad.AnnData(sp.csr_matrix((N_CELLS, N_GENES), dtype=np.float32), obs, var).write_h5ad(path)
    with h5py.File(path, "a") as file:
        group = file["X"]
        for name in ("indptr", "indices", "data"):
            del group[name]
        group["indptr"] = np.arange(N_CELLS + 1, dtype=np.int64) * N_GENES
        repeated(group, "indices", np.tile(np.arange(N_GENES, dtype=np.int64), BLOCK))
        repeated(group, "data", block_of_counts().ravel())
    return path


def block_of_counts() -> np.ndarray:
    """int64 [50 cells, genes]."""
    return (np.arange(ENTRIES, dtype=np.int64) * 7 % 11 + 1).reshape(BLOCK, N_GENES)


def test_more_entries_than_32_bits_count_are_read(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 40)
    adata = ad.read_h5ad(long, backed="r")
    assert long.stat().st_size < 64e6 and adata.X.group["data"].shape[0] > 2**31
    genes = [f"g{gene}" for gene in range(0, N_GENES, 10)]
    cells = open_cells(adata, genes, needs_total=True)
    block = block_of_counts()
    for first in (0, N_CELLS // 2 // BLOCK * BLOCK, N_CELLS - BLOCK):
        batch, failed = cells.read(first, first + BLOCK)
        assert not failed
        np.testing.assert_array_equal(batch.rows, np.arange(first, first + BLOCK))
        np.testing.assert_array_equal(batch.counts, block[:, ::10])
        np.testing.assert_array_equal(batch.total, block.sum(axis=1))
    cells.close()
    adata.file.close()


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
@pytest.mark.parametrize("keep_bytes", [10, 2**30])
def test_files_of_64_bits_are_read(tmp_path: Path, kind: type, dtype: type, keep_bytes: int) -> None:
    dense = counts(40, 30) + 1
    adata = made(long_indices(kind(dense.astype(dtype))))
    adata.write_h5ad(tmp_path / "cells.h5ad")
    backed = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    for each in (adata, backed):
        cells = open_cells(each, list(adata.var_names), keep_bytes=keep_bytes)
        np.testing.assert_array_equal(dense_of(cells.read(0, 40)[0], 40, 30), dense)
        cells.close()
    backed.file.close()
