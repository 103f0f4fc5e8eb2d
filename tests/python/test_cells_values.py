"""Which matrix is read, what its values are taken for, and what is refused."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import cellwidget.cells.choose
from cellwidget.cells import InputError, open_cells
from cellwidget.cells.rows import Rows
from cellwidget.cells.source import open_matrix
from cellwidget.cells.values import Normalised, recognise, whole_counts

from .cell_cases import FIXTURES, KINDS, SMALL, counts, dense_of, log_normalised, made

GENES = [f"g{number}" for number in range(60)]


def real():
    """30 cells as floats, the form most files have."""
    adata = ad.read_h5ad(SMALL)
    adata.X = adata.X.astype(np.float32)
    return adata


def read_all(adata, **arguments):
    cells = open_cells(adata, list(adata.var_names), **arguments)
    batch, failed = cells.read(0, adata.n_obs)
    return dense_of(batch, adata.n_obs, adata.n_vars), failed, cells.report


def scaled(dense):
    return (dense - dense.mean(axis=0)) / (dense.std(axis=0) + 1)


def test_raw_counts_are_taken_as_they_are():
    adata = real()
    got, failed, report = read_all(adata, needs_total=True)
    np.testing.assert_array_equal(got, adata.X.toarray())
    assert not failed
    assert report == {
        "cells": 30,
        "matrix": "X",
        "values": "raw counts",
        "trained_on": "",
        "genes_matched": 1250,
        "genes_model": 1250,
        "genes_data": 1250,
        "id_type": "symbol",
        "ids_in": "var_names",
        "duplicates_summed": 0,
        "empty_cells": 0,
        "total": "all 1,250 genes of X",
        "notes": [],
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [1e4, 1e6])
def test_log1p_of_normalised_counts_is_inverted(dtype, target):
    adata = real()
    wanted = adata.X.toarray()
    adata.X = sp.csr_matrix(log_normalised(wanted, target).astype(dtype))
    got, failed, report = read_all(adata)
    np.testing.assert_array_equal(got, wanted)
    assert not failed
    assert report["values"] == f"log1p of counts per {target:,.0f}, inverted"


def test_the_base_of_the_logarithm_is_honoured():
    adata = real()
    wanted = adata.X.toarray()
    adata.X = sp.csr_matrix(log_normalised(wanted) / np.float32(np.log(2)))
    adata.uns["log1p"] = {"base": 2}
    np.testing.assert_array_equal(read_all(adata)[0], wanted)
    adata.uns["log1p"] = {"base": None}
    with pytest.raises(InputError, match="neither whole numbers nor log1p"):
        read_all(adata)


def test_genes_filtered_after_normalising_do_not_matter():
    adata = real()
    wanted = adata.X.toarray()[:, ::4]
    adata.X = sp.csr_matrix(log_normalised(adata.X.toarray()))
    got, failed, report = read_all(adata[:, ::4].copy())
    np.testing.assert_array_equal(got, wanted)
    assert not failed and report["values"] == "log1p of normalised counts, inverted"


def test_other_forms_of_normalising_are_told_apart():
    adata = real()
    wanted = adata.X.toarray()
    for matrix, words in (
        (np.log1p(wanted), "log1p of counts, inverted"),
        (wanted * (1e4 / wanted.sum(axis=1, keepdims=True)), "counts per 10,000, inverted"),
        (log_normalised(wanted).round(3), "log1p of counts per 10,000, inverted"),
    ):
        adata.X = sp.csr_matrix(matrix.astype(np.float32))
        got, failed, report = read_all(adata)
        np.testing.assert_array_equal(got, wanted)
        assert not failed and report["values"] == words


def test_published_files_whose_values_were_rounded_are_inverted():
    adata = sc.datasets.pbmc68k_reduced()
    wanted = np.rint(np.expm1(adata.raw.X.toarray().astype(float)) * adata.obs["n_counts"].to_numpy()[:, None] / 1e4)
    got, failed, report = read_all(adata)
    np.testing.assert_array_equal(got, wanted)
    assert not failed and report["matrix"] == "raw.X"


@pytest.mark.skipif(not FIXTURES.exists(), reason="the full fixtures are not here")
def test_scaled_and_counted_files_of_the_same_cells_agree():
    counted = ad.read_h5ad(FIXTURES / "cells/pbmc3k-100-counts.h5ad")
    tutorial = ad.read_h5ad(FIXTURES / "cells/pbmc3k-100-scaled.h5ad")
    genes = list(counted.var_names[::5])
    first, second = (open_cells(adata, genes, needs_total=True) for adata in (counted, tutorial))
    assert (first.report["matrix"], second.report["matrix"]) == ("X", "raw.X")
    (one, _), (two, _) = first.read(0, 100), second.read(0, 100)
    for left, right in ((one.genes, two.genes), (one.counts, two.counts), (one.total, two.total)):
        np.testing.assert_array_equal(left, right)


@given(
    st.lists(st.lists(st.integers(1, 2000), min_size=2, max_size=30), min_size=1, max_size=5),
    st.floats(0.01, 50),
)
def test_counts_come_back_from_any_factor(cells, factor):
    cells = [[1, *cell] for cell in cells]
    indptr = np.concatenate([[0], np.cumsum([len(cell) for cell in cells])])
    wanted = np.concatenate(cells).astype(np.float64)
    found, whole = whole_counts(wanted * factor, indptr)
    assert whole.all()
    np.testing.assert_array_equal(found, wanted)


@given(st.lists(st.floats(0.05, 9), min_size=30, max_size=60, unique=True))
def test_values_that_are_no_counts_are_not_taken_for_some(values):
    values = np.array(values, dtype=np.float64) ** 1.37 + 0.1234567
    rows = Rows(np.array([0, len(values)]), np.arange(len(values)), values)
    assert isinstance(recognise(rows, np.e), str)


def test_a_cell_whose_smallest_count_is_more_than_one():
    linear = np.array([2.0, 3, 5, 8, 3, 6, 9, 4, 2, 3, 7]) * 0.37
    counts_found, whole = whole_counts(linear, np.array([0, 4, 7, 11]))
    assert whole.tolist() == [True, True, True]
    assert counts_found.tolist() == [2, 3, 5, 8, 1, 2, 3, 4, 2, 3, 7]


def test_a_cell_that_cannot_be_traced_back_fails_alone(monkeypatch):
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 5)
    adata = real()
    matrix = log_normalised(adata.X.toarray())
    matrix[1] = matrix[1] ** 1.1
    matrix[2, np.flatnonzero(matrix[2])[5]] = np.nan
    adata.X = sp.csr_matrix(matrix)
    _, failed, _ = read_all(adata)
    assert failed == {1: "its values cannot be traced back to whole counts", 2: "a value is NaN"}


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_bad_values_beyond_the_sample_fail_their_cells(monkeypatch, kind):
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 4)
    dense = counts(60, 60) + 1
    for row, value in ((7, np.nan), (8, np.inf), (9, -1), (10, 0.5), (11, -np.inf)):
        dense[row, 3] = value
    dense[12, 3:5] = 0.5, np.nan
    dense[13] = 0
    got, failed, _ = read_all(made(kind(dense)))
    assert failed == {
        7: "a value is NaN",
        8: "a value is infinite",
        9: "a value is negative",
        10: "a value is not a whole number",
        11: "a value is infinite",
        12: "a value is NaN",
        13: "the cell has no counts",
    }
    good = [row for row in range(60) if row not in failed]
    np.testing.assert_array_equal(got[good], dense[good])


def test_negative_integers_fail_their_cells(monkeypatch):
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 4)
    dense = counts(60, 60).astype(np.int32) + 1
    dense[7, 3] = -2
    assert read_all(made(dense))[1] == {7: "a value is negative"}


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, r"NaN or infinite values \(cell 'c2', gene 'g5'\)"), (np.inf, "infinite"), (-3.0, "negative values")],
)
def test_bad_values_in_the_sample_are_refused(value, words):
    dense = counts(6, 60) + 1
    dense[2, 5] = value
    with pytest.raises(InputError, match=rf"X holds .*{words}.*layers\['counts'\]"):
        open_cells(made(dense), GENES)


def test_matrices_without_counts_are_refused_with_the_remedy():
    dense = counts(6, 60) + 1
    for matrix, words in (
        (None, "X is None"),
        (np.zeros((6, 60)), "only zeros"),
        (dense * 1.37 + 0.21 * np.sqrt(dense + np.arange(60)), "neither whole numbers nor log1p"),
    ):
        adata = made(dense)
        adata.X = matrix
        with pytest.raises(InputError, match=words) as error:
            open_cells(adata, GENES)
        assert "layers['counts'] = adata.X.copy()" in str(error.value)


def test_kinds_of_matrix_that_hold_no_numbers_are_refused():
    dense = counts(6, 60)
    with pytest.raises(InputError, match=r"X has dtype object.*astype"):
        open_cells(made(dense.astype(object)), GENES)
    with pytest.raises(InputError, match="X has dtype complex64"):
        open_cells(made(dense.astype(np.complex64)), GENES)


def test_unknown_kinds_of_matrix_are_refused():
    class Lazy:
        dtype = np.dtype("float32")
        shape = (6, 60)

    with pytest.raises(InputError, match=r"layers\['x'\] is a .*Lazy, which cannot be read yet.*to_memory"):
        open_matrix(Lazy(), "layers['x']", 0)


def test_empty_and_foreign_objects_are_refused():
    for shape in ((0, 60), (6, 0)):
        with pytest.raises(InputError, match="empty"):
            open_cells(made(np.zeros(shape, dtype=np.float32)), GENES)
    with pytest.raises(InputError, match="Expected an AnnData, got ndarray"):
        open_cells(counts(6, 60), GENES)


@pytest.mark.parametrize("dtype", [bool, np.float16])
def test_odd_number_types_are_read(dtype):
    dense = counts(6, 60, high=2)
    got, failed, _ = read_all(made(dense.astype(dtype)))
    np.testing.assert_array_equal(got, dense)
    assert not failed


def several(x, layer=None, raw=None):
    """An AnnData with X, layers["counts"] and raw."""
    adata = made(x)
    if layer is not None:
        adata.layers["counts"] = layer
    if raw is not None:
        adata.raw = made(raw)
    return adata


def test_counts_are_looked_for_in_order():
    dense = counts(20, 60) + 1
    normal = log_normalised(dense)
    for adata, matrix in (
        (several(dense, dense + 1, dense + 2), "X"),
        (several(scaled(dense), dense, dense + 2), "layers['counts']"),
        (several(normal, dense, dense + 2), "layers['counts']"),
        (several(normal, scaled(dense), dense), "raw.X"),
        (several(normal, None, scaled(dense)), "X"),
        (several(scaled(dense), None, normal), "raw.X"),
        (several(scaled(dense), normal), "layers['counts']"),
    ):
        got, failed, report = read_all(adata)
        assert report["matrix"] == matrix
        assert not failed
        np.testing.assert_array_equal(got, dense)


def test_notes_say_why_another_matrix_is_read():
    dense = counts(20, 60) + 1
    report = read_all(several(scaled(dense), dense))[2]
    assert report["notes"] == ["X holds negative values, as scaled data do: layers['counts'] is read instead."]
    adata = several(dense, dense)
    adata.X = None
    assert read_all(adata)[2]["notes"] == ["X is None: layers['counts'] is read instead."]


def test_a_layer_that_is_named_is_the_only_one():
    dense = counts(20, 60) + 1
    adata = several(dense, dense + 1, dense + 2)
    adata.layers["scaled"] = scaled(dense)
    for layer, wanted in ((None, dense), ("X", dense), ("counts", dense + 1), ("raw", dense + 2)):
        np.testing.assert_array_equal(read_all(adata, layer=layer)[0], wanted)
    with pytest.raises(InputError, match=r"layers\['scaled'\] holds negative values"):
        read_all(adata, layer="scaled")
    with pytest.raises(
        InputError, match=r"layer='spliced' is not in this AnnData. Choose one of 'X', 'counts', 'scaled'"
    ):
        read_all(adata, layer="spliced")


def test_raw_is_matched_by_its_own_genes():
    whole = real()
    wanted = whole.X.toarray()
    genes = list(whole.var_names)
    adata = whole[:, :100].copy()
    adata.raw = whole
    adata.X = scaled(adata.X.toarray())
    cells = open_cells(adata, genes, needs_total=True)
    np.testing.assert_array_equal(dense_of(cells.read(0, 30)[0], 30, 1250), wanted)
    assert cells.report["genes_data"] == 1250 and cells.report["total"] == "all 1,250 genes of raw.X"


def test_raw_serves_where_the_genes_of_x_are_too_few():
    whole = real()
    adata = whole[:, :20].copy()
    adata.raw = whole
    assert open_cells(adata, list(whole.var_names)).report["matrix"] == "raw.X"
    adata.X = log_normalised(adata.X.toarray() + 1)
    assert open_cells(adata, list(whole.var_names)).report["matrix"] == "raw.X"


@pytest.mark.parametrize("kind", KINDS)
def test_values_as_they_are(kind):
    dense = scaled(counts(20, 60)).astype(np.float32)
    got, failed, report = read_all(made(KINDS[kind](dense)), values="as_is")
    np.testing.assert_array_equal(got, dense)
    assert not failed and report["notes"] == []
    assert report["values"] == "taken as they are: the matrix holds negative values, as scaled data do"


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the full fixtures are not here")
def test_z_scores_of_a_tutorial_are_taken_as_they_are():
    adata = ad.read_h5ad(FIXTURES / "cells/pbmc3k-100-scaled.h5ad")
    got, failed, report = read_all(adata, values="as_is")
    np.testing.assert_array_equal(got, adata.X)
    assert not failed and report["matrix"] == "X" and (got < 0).any()


def test_values_as_they_are_come_from_x_or_the_layer_that_is_named():
    dense = scaled(counts(20, 60)).astype(np.float32)
    adata = made(dense, layers={"counts": counts(20, 60), "half": dense / 2})
    assert read_all(adata, values="as_is")[2]["matrix"] == "X"
    got, _, report = read_all(adata, values="as_is", layer="half")
    np.testing.assert_array_equal(got, dense / 2)
    assert report["matrix"] == "layers['half']"


def test_without_x_the_layer_must_be_named():
    adata = made(counts(20, 60), layers={"half": counts(20, 60) / 2})
    adata.X = None
    with pytest.raises(InputError, match=r"No values found: X is None\. Name the matrix"):
        open_cells(adata, GENES, values="as_is")
    assert open_cells(adata, GENES, values="as_is", layer="half").report["matrix"] == "layers['half']"


def test_values_that_are_no_numbers_fail_their_cells():
    dense = scaled(counts(20, 60).astype(np.float64))
    dense[3, 3], dense[5, 0], dense[7, 1] = np.nan, -np.inf, 1e39
    got, failed, _ = read_all(made(dense), values="as_is")
    assert failed == {3: "a value is NaN", 5: "a value is infinite", 7: "a value is too large for float32"}
    good = np.delete(np.arange(20), [3, 5, 7])
    np.testing.assert_array_equal(got[good], dense[good].astype(np.float32))


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_duplicates_that_cancel_out_are_left_out():
    dense = np.array([[1.5, -1.5, 2.0], [1.5, -0.5, 0.0]], np.float32)
    cells = open_cells(made(dense, ["a", "a", "b"]), ["a", "b"], values="as_is", min_matched=0.0)
    batch, failed = cells.read(0, 2)
    assert not failed
    np.testing.assert_array_equal(dense_of(batch, 2, 2), [[0.0, 2.0], [1.0, 0.0]])


def test_raw_counts_taken_as_they_are_are_said_before_the_run():
    dense = counts(20, 60) + 1
    report = open_cells(made(dense), GENES, values="as_is", trained_on="as_is").report
    assert report["values"] == "taken as they are: raw counts" and report["trained_on"] == "as_is"
    assert len(report["notes"]) == 1 and "load or convert it with values='log1p_10k'" in report["notes"][0]
    report = open_cells(made(log_normalised(dense)), GENES, values="as_is").report
    assert report["values"] == "taken as they are: log1p of counts per 10,000" and report["notes"] == []


def test_narrow_rows_of_values_as_they_are_keep_signs_and_fractions():
    dense = scaled(counts(20, 60)).astype(np.float32)
    whole = counts(20, 60) - 2
    for values in (dense, whole):
        batch, _ = open_cells(made(values), GENES, values="as_is").read_sparse(0, 20)
        assert batch.counts.dtype == np.float32
        for row in range(20):
            part = slice(batch.indptr[row], batch.indptr[row + 1])
            np.testing.assert_array_equal(batch.counts[part], values[row][batch.genes[part]])


def test_empty_cells_are_counted():
    dense = counts(20, 60) + 1
    dense[4] = dense[9] = 0
    for kind in (np.asarray, sp.csr_matrix, sp.csc_matrix):
        assert open_cells(made(kind(dense)), GENES).report["empty_cells"] == 2


def test_a_sample_is_said_to_be_one(monkeypatch):
    monkeypatch.setattr(cellwidget.cells.choose, "SAMPLE_CELLS", 5)
    notes = open_cells(made(counts(20, 60) + 1), GENES).report["notes"]
    assert notes == ["Empty cells were counted among 5 cells spread over the data."]


def test_overflowing_logarithms_fail_the_cell():
    rows = Rows(np.array([0, 2]), np.array([0, 1]), np.array([1.0, 1e6]))
    assert list(Normalised("", np.e).decode(rows)[1]) == [0]


def test_the_byte_order_of_a_matrix_does_not_matter():
    dense = counts(300, 60)
    got, failed, _ = read_all(made(dense.astype(">f4")))
    np.testing.assert_array_equal(got, dense)
    assert all(not dense[row].any() for row in failed)


@pytest.mark.parametrize("noted", [{"base": "e"}, {"base": 0}, {"base": np.array([2.0, 3.0])}, "log1p"])
def test_a_note_that_is_no_base_is_passed_over(noted):
    dense = counts(30, 60) + 1
    adata = made(log_normalised(dense))
    adata.uns["log1p"] = noted
    got, failed, _ = read_all(adata)
    np.testing.assert_array_equal(got, dense)
    assert not failed


def test_a_total_that_is_not_there_is_refused_also_where_the_model_needs_none():
    with pytest.raises(InputError, match="total='n_conuts' is not a column"):
        open_cells(made(counts(6, 60)), GENES, total="n_conuts")
