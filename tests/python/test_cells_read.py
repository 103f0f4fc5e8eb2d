"""Cells as batches: whatever holds the matrix, the batches are those of a plain dense reference."""

from __future__ import annotations

import threading

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cellwidget.cells.choose
import cellwidget.cells.reader
from cellwidget.cells import InputError, open_cells
from cellwidget.cells.align import NO_COUNTS, NO_GENE

from .cell_cases import KINDS, SMALL, counts, dense_of, expected, made, unpacked

GENES = [f"g{number}" for number in (7, 2, 0, 99, 5, 1)]
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "int8", "uint64"]


def write_backed(folder, dense, kind, names=None):
    adata = made(KINDS[kind](dense), names)
    path = folder / "cells.h5ad"
    adata.write_h5ad(path)
    return ad.read_h5ad(path, backed="r")


def small_chunks(monkeypatch, first=2, largest=5):
    monkeypatch.setattr(cellwidget.cells.reader, "FIRST_CHUNK", first)
    monkeypatch.setattr(cellwidget.cells.reader, "LARGEST_CHUNK", largest)


@given(
    dense=hnp.arrays(
        np.int16,
        st.tuples(st.integers(1, 12), st.just(8)),
        elements=st.one_of(st.just(0), st.integers(0, 4), st.sampled_from([127])),
    ).filter(np.any),
    kind=st.sampled_from(sorted(KINDS)),
    dtype=st.sampled_from(DTYPES),
    names=st.lists(st.sampled_from([f"g{number}" for number in range(9)]), min_size=8, max_size=8).filter(
        lambda names: set(names) & set(GENES)
    ),
    data=st.data(),
)
@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_any_matrix_gives_the_batches_of_the_dense_reference(dense, kind, dtype, names, data):
    adata = made(KINDS[kind](dense.astype(dtype)), names)
    cells = open_cells(adata, GENES, needs_total=True)
    start = data.draw(st.integers(0, len(dense)))
    stop = data.draw(st.integers(start, len(dense)))
    batch, failed = cells.read(start, stop)
    wanted = expected(dense, names, GENES)
    assert unpacked(batch) == {row: found for row, found in wanted.items() if start <= row < stop}
    assert set(failed) == set(range(start, stop)) - set(wanted)
    assert all(failed[row] == (NO_GENE if dense[row].any() else NO_COUNTS) for row in failed)
    np.testing.assert_array_equal(batch.total, dense.sum(axis=1)[batch.rows])
    assert batch.uniform is None and batch.batch is None


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
@pytest.mark.parametrize("keep_bytes", [2**30, 0])
def test_files_give_the_batches_of_the_dense_reference(tmp_path, monkeypatch, kind, keep_bytes):
    small_chunks(monkeypatch)
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 10)
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_BLOCKS", 3)
    dense = counts(40, 8)
    dense[17] = 0
    with_file = write_backed(tmp_path, dense, kind)
    cells = open_cells(with_file, GENES, needs_total=True, keep_bytes=keep_bytes)
    assert cells.report["matrix"] == "X" and cells.report["cells"] == 40
    batch, failed = cells.read(3, 38)
    names = list(with_file.var_names)
    assert unpacked(batch) == {row: found for row, found in expected(dense, names, GENES).items() if 3 <= row < 38}
    assert failed[17] == NO_COUNTS
    np.testing.assert_array_equal(batch.total, dense.sum(axis=1)[batch.rows])
    assert unpacked(cells.read(0, 40)[0]) == expected(dense, names, GENES)
    cells.close()


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_a_view_of_a_file_reads_its_own_cells(tmp_path, kind):
    dense = counts(20, 8)
    view = write_backed(tmp_path, dense, kind)[[4, 3, 11]]
    batch, _ = open_cells(view, GENES).read(0, 3)
    assert unpacked(batch) == expected(dense[[4, 3, 11]], view.var_names, GENES)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_view_reads_its_own_cells_and_genes(kind):
    dense = counts(20, 8)
    view = made(KINDS[kind](dense))[5:15, ["g5", "g0", "g3"]]
    batch, _ = open_cells(view, GENES).read(0, 10)
    assert unpacked(batch) == expected(dense[5:15][:, [5, 0, 3]], ["g5", "g0", "g3"], GENES)


def test_a_large_csc_matrix_is_turned_over_a_file():
    dense = counts(30, 8)
    batch, _ = open_cells(made(sp.csc_matrix(dense)), GENES, keep_bytes=10).read(0, 30)
    assert unpacked(batch) == expected(dense, [f"g{i}" for i in range(8)], GENES)


@pytest.mark.parametrize("started", [False, True])
def test_batches_of_any_size_hold_the_same_cells(monkeypatch, started):
    small_chunks(monkeypatch)
    adata = ad.read_h5ad(SMALL)
    genes = list(adata.var_names[::3])
    wanted = adata.X.toarray()[:, ::3].astype(np.float32)
    cells = open_cells(adata, genes)
    if started:
        cells.start()
    for size in (1, 4, 7, 30):
        whole = np.zeros_like(wanted)
        for start in range(0, 30, size):
            batch, failed = cells.read(start, min(30, start + size))
            assert not failed
            whole += dense_of(batch, 30, len(genes))
        np.testing.assert_array_equal(whole, wanted)


def test_large_counts_stay_exact():
    dense = np.array([[1, 255, 256, 65535], [65536, 2**24 - 1, 3, 0]], dtype=np.float64)
    batch, _ = open_cells(made(dense), [f"g{i}" for i in range(4)], needs_total=True).read(0, 2)
    np.testing.assert_array_equal(dense_of(batch, 2, 4), dense)


def test_duplicates_add_up_beyond_their_types_range():
    dense = np.array([[200, 200, 1]], dtype=np.uint8)
    with pytest.warns(UserWarning, match="not unique"):
        adata = made(dense, ["a", "a", "b"])
    cells = open_cells(adata, ["b", "a"])
    assert unpacked(cells.read(0, 1)[0]) == {0: [(1, 400.0), (0, 1.0)]}
    assert cells.report["duplicates_summed"] == 1


def test_more_genes_than_16_bits_hold():
    genes = [f"g{number}" for number in range(70_000)]
    names = ["g69999", "g65535", "g3", "none"]
    cells = open_cells(made(np.array([[1.0, 2, 3, 4]]), names), genes, min_matched=0)
    assert unpacked(cells.read(0, 1)[0]) == {0: [(69_999, 1.0), (65_535, 2.0), (3, 3.0)]}


def test_one_cells_counts(monkeypatch):
    small_chunks(monkeypatch)
    dense = counts(20, 8)
    cells = open_cells(made(sp.csr_matrix(dense)), GENES)
    wanted = expected(dense, [f"g{i}" for i in range(8)], GENES)
    for row in (0, 13, 19):
        batch, _ = cells.read_rows(np.array([row]))
        there = batch.genes >= 0
        positions, values = batch.genes[there], batch.counts[there]
        assert positions.dtype == np.int32 and values.dtype == np.float32
        assert list(zip(positions.tolist(), values.tolist(), strict=True)) == wanted.get(row, [])


def test_ranges_outside_the_dataset_are_refused():
    cells = open_cells(made(counts(5, 8)), GENES)
    for start, stop in ((-1, 2), (3, 2), (0, 6)):
        with pytest.raises(IndexError):
            cells.read(start, stop)
    with pytest.raises(IndexError):
        cells.read_rows(np.array([5]))
    assert len(cells.read(2, 2)[0]) == 0


def test_reading_ahead_serves_many_threads(monkeypatch):
    small_chunks(monkeypatch)
    dense = counts(200, 8)
    wanted = expected(dense, [f"g{i}" for i in range(8)], GENES)
    cells = open_cells(made(sp.csr_matrix(dense)), GENES)
    cells.start()
    cells.start()
    wrong: list[int] = []

    def work(first):
        for start in range(first, 200, 12):
            got = unpacked(cells.read(start, min(200, start + 4))[0])
            wrong.extend(row for row in got if got[row] != wanted[row])

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_closing_tells_those_who_wait(monkeypatch):
    small_chunks(monkeypatch)
    cells = open_cells(made(counts(50, 8)), GENES)
    entered, release = threading.Event(), threading.Event()
    read = cells._source.rows

    def slow(start, stop):
        entered.set()
        release.wait(10)
        return read(start, stop)

    monkeypatch.setattr(cells._source, "rows", slow)
    cells.start()
    assert entered.wait(10)
    told: list[BaseException] = []

    def wait_for_cells():
        try:
            cells.read(40, 50)
        except RuntimeError as error:
            told.append(error)

    reader = threading.Thread(target=wait_for_cells)
    reader.start()
    closer = threading.Thread(target=cells.close)
    closer.start()
    reader.join(10)
    release.set()
    closer.join(10)
    assert not reader.is_alive() and not closer.is_alive()
    assert [str(error) for error in told] == ["These cells are closed."]
    with pytest.raises(RuntimeError, match="closed"):
        cells.read(0, 1)


def test_totals_come_from_obs_where_the_caller_says_so():
    adata = made(counts(4, 8) + 1)
    adata.obs["n_counts"] = [10.0, np.nan, 0.0, 40.0]
    cells = open_cells(adata, GENES, needs_total=True, total="n_counts")
    adata.obs["n_counts"] = 1.0
    batch, failed = cells.read(0, 4)
    assert batch.rows.tolist() == [0, 3] and batch.total.tolist() == [10.0, 40.0]
    assert set(failed) == {1, 2} and "total" in failed[1]
    assert cells.report["total"] == "obs['n_counts']"
    assert open_cells(adata, GENES, needs_total=True).report["total"] == "all 8 genes of X"


def test_obs_columns_that_do_not_serve_are_refused():
    adata = made(counts(4, 8))
    adata.obs["donor"] = ["a", "b", "a", None]
    for arguments, words in (
        ({"needs_total": True, "total": "n"}, "'n' is not a column of obs, which has 'donor'"),
        ({"needs_total": True, "total": "donor"}, "not numbers"),
        ({"batch": "lane"}, "not a column"),
        ({"batch": "donor"}, "missing for some cells"),
    ):
        with pytest.raises(InputError, match=words):
            open_cells(adata, GENES, **arguments)


def test_batch_codes_follow_categories_or_numbers():
    adata = made(counts(4, 8) + 1)
    adata.obs["donor"] = ["b", "a", "b", "c"]
    adata.obs["lane"] = [3, 1, 3, 2]
    assert open_cells(adata, GENES, batch="donor").read(1, 4)[0].batch.tolist() == [0, 1, 2]
    codes = open_cells(adata, GENES, batch="lane").read(1, 4)[0].batch
    assert codes.tolist() == [1, 3, 2] and codes.dtype == np.int64


def test_random_numbers_belong_to_the_cell():
    adata = made(counts(6, 8) + 1)
    adata.obs_names = ["a", "b", "a", "c", "a", "b"]
    numbers = open_cells(adata, GENES, uniform=5, seed=3).read(0, 6)[0].uniform
    assert numbers.shape == (6, 5) and numbers.dtype == np.float64
    assert np.all((numbers >= 0) & (numbers < 1)) and len(np.unique(numbers)) == 30
    np.testing.assert_array_equal(open_cells(adata, GENES, uniform=5, seed=3).read(2, 5)[0].uniform, numbers[2:5])
    moved = adata[[3, 0, 1]].copy()
    np.testing.assert_array_equal(open_cells(moved, GENES, uniform=5, seed=3).read(0, 3)[0].uniform, numbers[[3, 0, 1]])
    assert not np.any(open_cells(adata, GENES, uniform=5, seed=4).read(0, 6)[0].uniform == numbers)
    # the values themselves are part of a result's reproducibility
    assert numbers[0, :2].tolist() == [0.6187271536259191, 0.40280908063297316]


def test_of_some_cells_those_that_fail_are_told_and_no_others() -> None:
    counts = np.ones((10, 3), np.float32)
    counts[[2, 4, 6]] = 0
    genes = ["a", "b", "c"]
    adata = ad.AnnData(sp.csr_matrix(counts))
    adata.var_names = genes
    batch, failed = open_cells(adata, genes).read_rows(np.array([1, 4, 7]))
    assert batch.rows.tolist() == [1, 7] and list(failed) == [4]
