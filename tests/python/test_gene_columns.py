"""Single genes in all cells, as pages colour by them."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import cellwidget as cw
from cellwidget.cells import GeneColumns, expression, open_cells

from .engine_cases import GENES, dataset
from .tiny_graphs import write_bundle

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert(1)</script> \0gene:😀"


def counts(n: int, genes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(0.8, (n, genes)).astype(np.float32)


def adata_of(matrix: np.ndarray, genes: list[str]) -> ad.AnnData:
    obs = pd.DataFrame(index=[f"c{row}" for row in range(len(matrix))])
    return ad.AnnData(sp.csr_matrix(matrix), obs=obs, var=pd.DataFrame(index=genes))


def log1p_10k(matrix: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.log1p(1e4 * matrix / matrix.sum(axis=1, keepdims=True))


def test_a_gene_is_log1p_of_counts_per_10000_of_all_genes_of_the_data() -> None:
    matrix = counts(9_000, 12)
    matrix[:, [0, 11]] += 1  # a gene that the model does not know counts for the total
    cells = open_cells(adata_of(matrix, [*GENES[:11], "foreign"]), GENES)
    whole = log1p_10k(matrix)
    for gene, (start, stop) in ((0, (0, 9_000)), (7, (250, 5_000)), (10, (8_999, 9_000)), (3, (5, 5))):
        np.testing.assert_allclose(cells.expression(gene, start, stop), whole[start:stop, gene], rtol=1e-6)
    assert cells.matched.tolist() == list(range(11))


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_duplicates_are_summed_and_cells_that_cannot_be_used_are_missing() -> None:
    matrix = counts(40, 12)
    matrix[:, 0] += 1
    matrix[3] = 0
    cells = open_cells(adata_of(np.hstack([matrix, matrix[:, :1]]), [*GENES, GENES[0]]), GENES)
    got = cells.expression(0, 0, 40)
    assert np.isnan(got[3])
    good = np.delete(np.hstack([matrix, matrix[:, :1]]), 3, axis=0)
    np.testing.assert_allclose(np.delete(got, 3), np.log1p(2e4 * good[:, 0] / good.sum(1)), rtol=1e-6)


def test_values_that_are_no_counts_are_shown_as_stored() -> None:
    matrix = np.random.default_rng(0).normal(size=(30, 12)).astype(np.float32)
    cells = open_cells(adata_of(matrix, GENES), GENES, values="as_is")
    np.testing.assert_array_equal(cells.expression(4, 0, 30), matrix[:, 4])


def test_cells_too_many_to_keep_are_read_as_they_come() -> None:
    matrix = counts(3_000, 12) + np.eye(1, 12, dtype=np.float32)
    cells = open_cells(adata_of(matrix, GENES), GENES, keep_bytes=0)
    np.testing.assert_allclose(cells.expression(5, 0, 3_000), log1p_10k(matrix)[:, 5], rtol=1e-6)


class Waiting:
    """Cells that are read when they may be."""

    n_obs = 10
    matched = np.arange(3, dtype=np.int32)

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[int] = []

    def expression(self, position: int, start: int, stop: int) -> np.ndarray:
        self.asked.append(position)
        assert self.may.wait(20)
        if position == 2:
            raise OSError("the file is gone")
        return np.full(stop - start, position, np.float32)


def test_genes_are_computed_beside_once_and_the_latest_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "HELD_BYTES", 0)
    cells, there, troubles = Waiting(), threading.Semaphore(0), []
    genes = GeneColumns(cells, ["a", HOSTILE, "c"], there.release, troubles.append)
    assert genes.names == ["a", HOSTILE, "c"] and HOSTILE in genes and "d" not in genes
    assert not genes.ready("a") and not genes.ready("a")
    cells.may.set()
    assert there.acquire(timeout=20)
    assert genes.ready("a") and cells.asked == [0]
    for gene in (HOSTILE, "c"):
        assert not genes.ready(gene)
        assert there.acquire(timeout=20)
    assert genes.read(HOSTILE, 2, 5).tolist() == [1, 1, 1]
    assert np.isnan(genes.read("c", 0, 10)).all() and "the file is gone" in troubles[0]
    assert not genes.ready("a"), "two are held"


def test_a_page_that_asks_for_all_genes_gets_them_a_few_at_a_time() -> None:
    cells, there = Waiting(), threading.Semaphore(0)
    cells.matched = np.arange(100, dtype=np.int32)
    names = [f"g{number}" for number in range(100)]
    genes = GeneColumns(cells, names, there.release, lambda _: None)
    before = threading.active_count()
    assert not any(genes.ready(name) for name in names)
    assert threading.active_count() - before <= expression.AT_ONCE
    cells.may.set()
    waiting = set(names)
    while waiting:
        waiting = {name for name in waiting if not genes.ready(name)}
        assert not waiting or there.acquire(timeout=20)
    assert sorted(cells.asked) == list(range(100))


def test_pages_are_told_of_genes_and_get_those_that_the_data_have(tmp_path: Path) -> None:
    names = [*GENES[:-1], HOSTILE]
    model = cw.load_model(write_bundle(tmp_path / "bundle", [*names, "absent"]))
    adata = dataset(50)
    adata.var_names = names
    w = cw.CellWidget(adata, model, autorun=False)
    feed = w._job.feed(lambda: w.selection)
    assert feed.schema()["genes"] == {"count": 12, "values": "log1p of counts per 10,000 of all genes"}
    assert feed.length("genes") == 12
    _, (offsets, text) = feed.piece("genes", 0, 12)
    ends = np.frombuffer(offsets, np.uint32)
    assert [bytes(text)[a:b].decode() for a, b in pairwise(ends)] == names
    assert feed.length(f"gene:{HOSTILE}") == 50 and feed.ready("obs:whatever")
    dtype, (raw,) = feed.piece(f"gene:{HOSTILE}", 10, 20)
    assert dtype == "f4"
    np.testing.assert_allclose(np.frombuffer(raw, "f4"), log1p_10k(adata.X.toarray())[10:20, 11], rtol=1e-6)
    assert feed.length("gene:absent") is None and feed.length("gene:") is None
    w.close()
