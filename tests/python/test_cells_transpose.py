"""A CSC matrix by rows, over a temporary file."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from cellwidget.cells.transpose import TransposedSource

from .cell_cases import counts


def opened(matrix, **sizes):
    return TransposedSource(matrix.shape, matrix.indptr, matrix.indices, matrix.data, **sizes)


def as_dense(rows, n_columns):
    return sp.csr_array((rows.values, rows.columns, rows.indptr), shape=(len(rows), n_columns)).toarray()


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 50), st.integers(1, 50), st.integers(0, 3), st.data())
def test_rows_are_those_of_the_matrix(n, m, block, bucket, seed, data):
    dense = counts(n, m, seed)
    if n > 3:
        dense[1:3] = 0
    source = opened(sp.csc_matrix(dense), block_entries=block, bucket_entries=bucket)
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start, n))
    np.testing.assert_array_equal(as_dense(source.rows(start, stop), m), dense[start:stop])
    np.testing.assert_array_equal(as_dense(source.rows(0, n), m), dense)
    assert source.empty_rows() == np.count_nonzero(~dense.any(axis=1))
    source.close()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_values_keep_their_type(dtype):
    assert opened(sp.csc_matrix(counts(5, 4).astype(dtype))).rows(0, 5).values.dtype == dtype


def test_memory_stays_bounded():
    matrix = sp.random(4000, 500, density=0.5, format="csc", dtype=np.float32, rng=0)
    size = matrix.data.nbytes + matrix.indices.nbytes
    tracemalloc.start()
    source = opened(matrix, block_entries=10_000, bucket_entries=10_000)
    for start in range(0, 4000, 50):
        source.rows(start, start + 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 4


def test_the_temporary_file_goes_with_the_source():
    source = opened(sp.csc_matrix(counts(5, 4)))
    folder = Path(source._folder.name)
    assert list(folder.iterdir())
    source.close()
    assert not folder.exists()
    source = opened(sp.csc_matrix(counts(5, 4)))
    folder = Path(source._folder.name)
    del source
    gc.collect()
    assert not folder.exists()
