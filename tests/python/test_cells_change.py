"""The user's AnnData changes while it is read."""

from __future__ import annotations

import threading

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
import scipy.sparse as sp

import cellwidget.cells.reader
from cellwidget.cells import MatrixChanged, open_cells

from .cell_cases import counts, dense_of, made

GENES = [f"g{number}" for number in range(8)]
KINDS = {"csr": sp.csr_matrix, "dense": np.array, "dense F": np.asfortranarray}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(cellwidget.cells.reader, "FIRST_CHUNK", 4)
    monkeypatch.setattr(cellwidget.cells.reader, "LARGEST_CHUNK", 4)


def many(kind="csr", n=40):
    dense = counts(n, 8) + 1
    return made(KINDS[kind](dense)), dense


@pytest.mark.parametrize("keep_bytes", [2**30, 0])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_log1p_under_the_reader_raises_and_never_gives_other_counts(kind, keep_bytes):
    adata, dense = many(kind)
    cells = open_cells(adata, GENES, keep_bytes=keep_bytes)
    first = dense_of(cells.read(0, 8)[0], 40, 8)
    sc.pp.log1p(adata)
    with pytest.raises(MatrixChanged, match=r"X was changed while cells 8 to 12"):
        cells.read(4, 12)
    np.testing.assert_array_equal(first[:8], dense[:8])
    np.testing.assert_array_equal(dense_of(cells.read(4, 8)[0], 40, 8)[4:8], dense[4:8])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_chunk_torn_while_it_is_read_raises(monkeypatch, kind):
    adata, _ = many(kind)
    cells = open_cells(adata, GENES)
    align = cells._aligner

    def slow(stored, first):
        # a change in the chunk's middle, after its rows were copied
        matrix = adata.X
        if sp.issparse(matrix):
            matrix.data[matrix.indptr[5] : matrix.indptr[7]] *= 2
        else:
            matrix[5:7] *= 2
        return align(stored, first)

    monkeypatch.setattr(cells, "_aligner", slow)
    with pytest.raises(MatrixChanged):
        cells.read(4, 8)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("head_start", [1, 20, 60])
def test_a_race_with_log1p_ends_in_the_right_counts_or_in_an_error(kind, head_start):
    adata, dense = many(kind, n=2000)
    cells = open_cells(adata, GENES)
    cells.start()
    cells.read(4 * head_start, 4 * head_start + 1)
    sc.pp.log1p(adata)
    for start in range(0, 2000, 4):
        try:
            batch, _ = cells.read(start, start + 4)
        except MatrixChanged:
            return
        np.testing.assert_array_equal(dense_of(batch, 2000, 8)[start : start + 4], dense[start : start + 4])


def test_what_was_read_ahead_does_not_change():
    adata, dense = many()
    cells = open_cells(adata, GENES)
    cells.start()
    cells.read(36, 40)
    sc.pp.log1p(adata)
    np.testing.assert_array_equal(dense_of(cells.read(0, 40)[0], 40, 8), dense)


def test_reading_ahead_tells_the_change_to_those_who_wait(monkeypatch):
    adata, dense = many()
    cells = open_cells(adata, GENES)
    half, go_on = threading.Event(), threading.Event()
    rows = cells._source.rows

    def stop_half_way(start, stop):
        if start == 20:
            half.set()
            go_on.wait(10)
        return rows(start, stop)

    monkeypatch.setattr(cells._source, "rows", stop_half_way)
    cells.start()
    assert half.wait(10)
    sc.pp.log1p(adata)
    go_on.set()
    with pytest.raises(MatrixChanged):
        cells.read(20, 40)
    np.testing.assert_array_equal(dense_of(cells.read(0, 20)[0], 40, 8)[:20], dense[:20])


@pytest.mark.parametrize(
    "change",
    [
        lambda adata: sc.pp.filter_cells(adata, min_counts=int(np.median(adata.X.toarray().sum(axis=1)))),
        lambda adata: setattr(adata, "X", sp.csr_matrix(adata.shape)),
        lambda adata: setattr(adata.X, "data", np.log1p(adata.X.data)),
        lambda adata: adata._inplace_subset_var([0, 1]),
    ],
    ids=["cells filtered", "another X", "another X.data", "genes subset"],
)
def test_another_matrix_in_the_anndata_does_not_matter(change):
    adata, dense = many()
    cells = open_cells(adata, GENES)
    cells.read(0, 4)
    change(adata)
    np.testing.assert_array_equal(dense_of(cells.read(0, 40)[0], 40, 8), dense)


def test_cells_of_the_start_are_known_again():
    adata, _ = many()
    cells = open_cells(adata, GENES)
    assert cells.unchanged(adata) and cells.unchanged(adata.copy())
    renamed = adata.copy()
    renamed.obs_names = [*renamed.obs_names[:-1], "other"]
    assert not cells.unchanged(renamed)
    assert not cells.unchanged(adata[::-1])
    sc.pp.filter_cells(adata, min_counts=int(np.median(adata.X.toarray().sum(axis=1))))
    assert not cells.unchanged(adata)


@pytest.mark.parametrize("kind", [np.array, sp.csr_matrix])
def test_a_file_that_is_closed_under_the_reader_says_so(tmp_path, kind):
    made(kind(counts(40, 8) + 1)).write_h5ad(tmp_path / "cells.h5ad")
    adata = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    cells = open_cells(adata, GENES)
    cells.read(0, 4)
    adata.file.close()
    with pytest.raises(MatrixChanged, match="Was it closed"):
        cells.read(4, 8)


def test_nothing_is_written_to_the_anndata():
    adata, dense = many()
    before = adata.copy()
    open_cells(adata, GENES, needs_total=True, uniform=2).read(0, 40)
    np.testing.assert_array_equal(adata.X.toarray(), dense)
    assert adata.obs.equals(before.obs) and adata.var.equals(before.var) and not adata.uns
