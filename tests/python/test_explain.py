"""Why: which genes labels rest on, against brute force; what is sampled, and what is asked of it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import cellwidget as cw
from cellwidget.explain import Cancelled, Explainer, Questions, explainer, explanation, occlusion
from cellwidget.results import Results

from .engine_cases import GENES, cells_of, dataset
from .sims_cases import FULL, adata_of
from .tiny_graphs import CLASSES, reference, write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cellwidget.batch import Batch, ResultBatch

N = 120


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def lost_by_removal(counts: np.ndarray) -> np.ndarray:
    """The probability that each cell's label loses without each gene, one run per gene: [cells, genes]."""
    whole = softmax(reference(counts)["logits"])
    labels, each = whole.argmax(axis=1), np.arange(len(counts))
    lost = np.zeros(counts.shape)
    for gene in range(counts.shape[1]):
        edited = counts.copy()
        edited[:, gene] = 0
        lost[:, gene] = whole[each, labels] - softmax(reference(edited)["logits"])[each, labels]
    lost[(counts > 0).sum(axis=1) < 2] = 0
    return np.where(counts > 0, lost, 0)


@pytest.fixture
def blind(tmp_path: Path) -> cw.Model:
    """A model that does not say what it looks at."""
    return cw.load_model(write_bundle(tmp_path / "blind", GENES, outputs=["logits", "embedding"]))


@pytest.fixture
def w(model: cw.Model) -> Iterator[cw.CellWidget]:
    w = cw.CellWidget(dataset(N), model)
    w.wait(60)
    yield w
    w.close()


def counts_of(w: cw.CellWidget) -> np.ndarray:
    return np.asarray(w._job._held().X.toarray(), dtype=np.float64)


def labels_of(w: cw.CellWidget) -> np.ndarray:
    return reference(counts_of(w))["logits"].argmax(axis=1)


def test_classes_are_explained_from_all_of_their_cells(w: cw.CellWidget) -> None:
    table, counts, labels = w.explain(n=3), counts_of(w), labels_of(w)
    assert table.attrs["method"] == "attention"
    assert list(table.columns) == ["group", "gene", "weight", "share", "expressed", "cells", "of_cells"]
    assert sorted(set(table["group"])) == sorted({CLASSES[code] for code in labels})
    for group, part in table.groupby("group"):
        its = counts[labels == CLASSES.index(group)]
        mean = its.mean(axis=0)
        best = np.argsort(-mean, kind="stable")[:3]
        assert part["gene"].tolist() == [GENES[at] for at in best]
        np.testing.assert_allclose(part["weight"], mean[best], rtol=1e-6)
        np.testing.assert_allclose(part["share"], mean[best] / mean.sum(), rtol=1e-6)
        np.testing.assert_allclose(part["expressed"], (its > 0).mean(axis=0)[best])
        assert set(part["cells"]) == set(part["of_cells"]) == {len(its)}


def test_one_class_is_that_part_of_the_table(w: cw.CellWidget) -> None:
    name = CLASSES[labels_of(w)[0]]
    table = w.explain(n=5)
    pd.testing.assert_frame_equal(w.explain(name, n=5), table[table["group"] == name].reset_index(drop=True))


def test_cells_are_told_by_row_name_selection_or_mask(w: cw.CellWidget) -> None:
    row = w.explain(7)
    assert set(row["group"]) == {"c7"} and set(row["expressed"]) <= {1.0}
    pd.testing.assert_frame_equal(w.explain("c7"), row)
    w.selection = [3, 4]
    selected = w.explain(w.selection)
    assert set(selected["group"]) == {"selection"}
    for same in ([3, 4], ["c4", "c3"], np.isin(np.arange(N), [3, 4])):
        pd.testing.assert_frame_equal(w.explain(same), selected)
    mean = counts_of(w)[[3, 4]].mean(axis=0)
    np.testing.assert_allclose(selected["weight"], -np.sort(-mean[mean > 0]), rtol=1e-6)


def test_occlusion_is_what_one_run_per_gene_gives(w: cw.CellWidget) -> None:
    rows = np.arange(0, N, 9)
    table = w.explain(rows, method="occlusion", n=len(GENES)).set_index("gene")
    expected = lost_by_removal(counts_of(w)[rows]).mean(axis=0)
    np.testing.assert_allclose(table["weight"].reindex(GENES).to_numpy(), expected, atol=1e-6)
    assert (np.diff(table["weight"].abs()) <= 0).all(), "heaviest first, whatever the sign"
    assert table["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("edits", [1, 5, 1_000])
def test_occlusion_does_not_depend_on_how_many_run_at_once(
    w: cw.CellWidget, edits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = w.explain(3, method="occlusion")
    monkeypatch.setattr(explainer, "EDITS", edits)
    pd.testing.assert_frame_equal(w.explain(3, method="occlusion"), whole, check_exact=False, atol=1e-6)


def test_a_removed_gene_takes_its_counts_out_of_the_total() -> None:
    from cellwidget.batch import Batch

    genes, counts = np.array([[4, 2, 0, -1]], np.int32), np.array([[5, 1, 2, 0]], np.float32)
    batch = Batch(np.array([9]), genes, counts, np.array([10], np.float32), np.array([[0.3, 0.4]]), np.array([1]))
    seen: list[Batch] = []

    def logits(each: Batch) -> np.ndarray:
        seen.append(each)
        return np.zeros((len(each), 2))

    list(occlusion.occluded(batch, logits))
    edited = seen[1]
    assert edited.genes.tolist() == [[2, 0], [4, 0], [4, 2]]
    assert edited.counts.tolist() == [[1, 2], [5, 2], [5, 1]]
    assert edited.total is not None and edited.total.tolist() == [5, 9, 8]
    assert edited.uniform is not None and edited.uniform.tolist() == [[0.3, 0.4]] * 3
    assert edited.batch is not None and edited.batch.tolist() == [1, 1, 1]


def test_a_cell_of_one_gene_has_nothing_to_compare_with(model: cw.Model) -> None:
    adata = ad.AnnData(sp.csr_matrix(np.eye(12, dtype=np.float32)), var=pd.DataFrame(index=GENES))
    w = cw.CellWidget(adata, model)
    w.wait(60)
    assert w.explain(2, method="occlusion").empty
    w.close()


def test_large_groups_are_explained_from_the_same_sample_each_time(
    w: cw.CellWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explainer, "SAMPLED_ATTENTION", 20)
    monkeypatch.setitem(explainer.SAMPLED, "occlusion", 10)
    first = w.explain(range(N))
    assert set(first["cells"]) == {20} and set(first["of_cells"]) == {N}
    pd.testing.assert_frame_equal(w.explain(range(N)), first)
    assert set(w.explain(range(N), method="occlusion")["cells"]) == {10}
    few = w.explain(range(15))
    assert set(few["cells"]) == set(few["of_cells"]) == {15}
    of_class = w.explain(CLASSES[labels_of(w)[0]])
    assert set(of_class["cells"]) == {int((labels_of(w) == labels_of(w)[0]).sum())}, "sums are of all cells"


def test_a_sample_of_a_file_is_some_runs_of_neighbours(model: cw.Model) -> None:
    from cellwidget.cells import open_cells
    from cellwidget.results import Results

    cells = open_cells(dataset(3_000), GENES, keep_bytes=0)
    of = Explainer(model.bundle, cells, Results(3_000, CLASSES))
    profile = of.of_rows(np.arange(1, 3_000, 2), "occlusion")
    assert (profile.cells, profile.total) == (100, 1_500)
    sample = of._sample(np.arange(1, 3_000, 2), 100)
    assert len(np.unique(sample)) == 100 and (np.diff(sample) > 0).all()
    assert (np.diff(sample) == 2).sum() >= 90, "ten runs of ten"


def test_where_sums_do_not_fit_classes_are_explained_from_a_sample(
    model: cw.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellwidget.results import attention

    monkeypatch.setattr(attention, "MOST_SUMS", 1)
    monkeypatch.setattr(explainer, "SAMPLED_ATTENTION", 12)
    w = cw.CellWidget(dataset(N), model)
    w.wait(60)
    assert w._job._results.attention is None
    name = CLASSES[labels_of(w)[0]]
    table = w.explain(name)
    assert set(table["cells"]) == {12} and set(table["of_cells"]) == {int((labels_of(w) == labels_of(w)[0]).sum())}
    w.close()


def test_a_model_without_attention_is_asked_by_removal(blind: cw.Model) -> None:
    w = cw.CellWidget(dataset(20), blind)
    w.wait(60)
    table = w.explain(4, n=4)
    assert table.attrs["method"] == "occlusion"
    with pytest.raises(ValueError, match=r"method='attention' cannot be used .* 'occlusion'"):
        w.explain(4, method="attention")
    w.close()


def test_what_cannot_be_asked_is_told(w: cw.CellWidget, model: cw.Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'Platypus' is neither a label of this model \('B', 'NK', 'T'\) nor one"):
        w.explain("Platypus")
    with pytest.raises(ValueError, match="rows are 0 to 119"):
        w.explain(N)
    with pytest.raises(ValueError, match="holds no cells"):
        w.explain([])
    with pytest.raises(ValueError, match="n must be at least 1"):
        w.explain(n=0)
    with pytest.raises(ValueError, match="'attention_weighted' cannot be used"):
        w.explain(method="attention_weighted")
    idle = cw.CellWidget(dataset(9), model, autorun=False)
    with pytest.raises(ValueError, match="No cell is labelled yet"):
        idle.explain()
    with pytest.raises(ValueError, match="No cell is labelled 'B' yet"):
        idle.explain("B")
    assert not idle.explain(2).empty, "a cell can be explained before it was run"
    idle.close()
    unnamed = cw.load_model(write_bundle(tmp_path / "unnamed", GENES, outputs=["embedding"], classes=[], colors=[]))
    silent = cw.CellWidget(dataset(9), unnamed, autorun=False)
    with pytest.raises(ValueError, match="neither attention nor labels"):
        silent.explain(2)
    silent.close()


@pytest.mark.parametrize("summed", [True, False])
def test_all_labels_at_once_look_at_few_cells_of_each(
    model: cw.Model, monkeypatch: pytest.MonkeyPatch, summed: bool
) -> None:
    if not summed:
        monkeypatch.setattr("cellwidget.results.attention.MOST_SUMS", 0)
    w = cw.CellWidget(dataset(900), model)
    w.wait(60)
    cells, read = w._job.cells, []
    rows_of = cells.read_rows
    monkeypatch.setattr(cells, "read_rows", lambda rows: read.append(len(rows)) or rows_of(rows))  # type: ignore[func-returns-value]
    question: Any = {"of": "class", "code": None, "row": None, "method": "attention"}
    said = explanation(w._job.explainer, question, np.empty(0, np.int64), lambda _: None)
    assert sum(read) <= explainer.SAMPLED_OVERVIEW * len(said["groups"]) < 900
    w.close()


def test_without_labels_cells_are_to_be_named(tmp_path: Path) -> None:
    outputs = ["embedding", "attention", "attention_genes"]
    w = cw.CellWidget(dataset(30), write_bundle(tmp_path / "e", GENES, outputs=outputs, classes=[], colors=[]))
    w.wait(60)
    with pytest.raises(ValueError, match="gives no labels to explain"):
        w.explain()
    assert len(w.explain("c3"))
    w.close()


def test_weights_that_are_no_numbers_are_left_out(model: cw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of(dataset(20))
    explains = Explainer(model.bundle, cells, Results(20, CLASSES))
    whole = explains.of_rows(np.arange(1, 20), "attention").weights
    run = explains._looking.run

    def broken(batch: Batch) -> ResultBatch:
        result = run(batch)
        result.outputs["attention"][batch.rows == 0] = np.nan
        return result

    monkeypatch.setattr(explains._looking, "run", broken)
    found = explains.of_rows(np.arange(20), "attention").weights
    np.testing.assert_allclose(found * 20, whole * 19, rtol=1e-5)


def test_a_cell_that_cannot_be_used_says_why(model: cw.Model) -> None:
    adata = dataset(30)
    keep = np.ones((30, 1), np.float32)
    keep[4] = 0
    adata.X = sp.csr_matrix(adata.X.multiply(keep))
    adata.X.eliminate_zeros()
    w = cw.CellWidget(adata, model, autorun=False)
    with pytest.raises(ValueError, match="no counts"):
        w.explain(4)
    table = w.explain(range(10))
    assert set(table["cells"]) == {9} and set(table["of_cells"]) == {10}
    w.close()


def test_the_packaged_model_is_explained_like_predict_says() -> None:
    import scanpy as sc

    adata = sc.datasets.pbmc68k_reduced()
    raw = adata.raw.to_adata()
    raw.X = np.rint(np.expm1(raw.X.toarray()) * adata.obs["n_counts"].to_numpy()[:, None] / 10_000)
    model = cw.load_model("pbmc")
    w = cw.CellWidget(raw, model)
    w.wait(120)
    whole = model.predict(raw, ["logits", "attention"])
    labels = whole["logits"].argmax(axis=1)
    table = w.explain(method="attention", n=5)
    for name, part in table.groupby("group"):
        mean = whole["attention"][labels == model.classes.index(name)].mean(axis=0)
        np.testing.assert_allclose(part["weight"], -np.sort(-mean)[:5], rtol=1e-4)
    w.close()


@pytest.mark.skipif(not FULL.is_dir(), reason="the full fixtures are not here")
def test_a_sims_checkpoint_is_explained_as_the_published_code_does(tmp_path: Path) -> None:
    with np.load(FULL / "golden_public.npz") as file:
        golden = dict(file)
    adata = adata_of(FULL / "golden_public.npz")
    adata.obsm["X_umap"] = np.zeros((adata.n_obs, 2), np.float32)
    model = cw.load_model(cw.convert.sims(FULL / "sims-pbmc68k-small.ckpt", tmp_path, values="log1p_10k"))
    w = cw.CellWidget(adata, model, basis="umap")
    w.wait(60)
    assert w.explain().attrs["method"] == "attention_weighted"
    labels, genes = golden["torch_topk_indices"][:, 0], golden["model_genes"].astype(str)
    for method, published in (("attention_weighted", "scsims_explain"), ("attention", "torch_attention")):
        table = w.explain(method=method, n=5)
        assert set(table["group"]) == set(golden["classes"][np.unique(labels)])
        for name, part in table.groupby("group"):
            mean = golden[published][labels == golden["classes"].tolist().index(name)].mean(axis=0)
            best = np.argsort(-mean, kind="stable")[: len(part)]
            assert part["gene"].tolist() == genes[best].tolist()
            np.testing.assert_allclose(part["weight"], mean[best], rtol=1e-3)
        row = golden[published][3]
        assert w.explain(3, method=method, n=3)["gene"].tolist() == genes[np.argsort(-row, kind="stable")[:3]].tolist()
    w.close()


# ── questions of pages ───────────────────────────────────────────────────────────────────────────


class Heard:
    """What came of a question."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.value: Any = None
        self.why = ""
        self.shares: list[float] = []

    def reply(self, value: Any) -> None:
        self.value = value
        self.over.set()

    def refuse(self, why: str) -> None:
        self.why = why
        self.over.set()

    def progress(self, share: float) -> None:
        self.shares.append(share)

    def wait(self) -> Heard:
        assert self.over.wait(20)
        return self


def endless(begun: threading.Event) -> Callable[[Callable[[float], None]], Any]:
    def work(tick: Callable[[float], None]) -> Any:
        for step in range(10_000):
            begun.set()
            tick(step / 10_000)
            time.sleep(0.002)
        raise AssertionError("nobody stopped it")

    return work


def test_a_new_question_ends_the_old_one_of_that_page_alone() -> None:
    questions, begun = Questions(), threading.Event()
    old, other, new = Heard(), Heard(), Heard()
    questions.ask("p", 1, endless(begun), old)
    assert begun.wait(20)
    questions.ask("q", 1, lambda _: {"groups": []}, other)  # type: ignore[typeddict-item, return-value]
    assert not other.over.wait(0.05), "one after the other"
    questions.ask("p", 2, lambda _: {"groups": [2]}, new)  # type: ignore[typeddict-item, list-item, return-value]
    assert "another question" in old.wait().why
    assert other.wait().value == {"groups": []}
    assert new.wait().value == {"groups": [2]}


def test_a_question_is_given_up_by_its_number_or_with_its_page() -> None:
    questions = Questions()
    for number in (1, None):
        begun, heard = threading.Event(), Heard()
        questions.ask("p", 1, endless(begun), heard)
        assert begun.wait(20)
        questions.cancel("p", 7)
        questions.cancel("q")
        assert not heard.over.is_set()
        questions.cancel("p", number)
        assert heard.wait().why


def test_progress_is_told_and_errors_are_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from cellwidget.explain import questions as room

    monkeypatch.setattr(room, "TOLD_EVERY", 0.0)
    questions, heard, failed = Questions(), Heard(), Heard()

    def work(tick: Callable[[float], None]) -> Any:
        tick(0.5)
        return {}

    questions.ask("p", 1, work, heard)
    assert 0.5 in heard.wait().shares

    def fails(_: Callable[[float], None]) -> Any:
        raise ValueError("there is nothing")

    questions.ask("p", 2, fails, failed)
    assert failed.wait().why == "there is nothing"


def test_pages_get_groups_and_words(w: cw.CellWidget) -> None:
    ask: dict[str, Any] = {"type": "explain", "page": "p", "id": 1, "of": "class", "code": None, "row": None}
    every = Heard()
    w.explain_to({**ask, "method": "attention"}, every)  # type: ignore[typeddict-item]
    groups = every.wait().value["groups"]
    assert {group["code"] for group in groups} == set(labels_of(w).tolist())
    w.selection = [1, 2, 3]
    selected = Heard()
    w.explain_to({**ask, "of": "selection", "method": "occlusion"}, selected)  # type: ignore[typeddict-item]
    (group,) = selected.wait().value["groups"]
    assert (group["cells"], group["total"]) == (3, 3)
    cell = Heard()
    w.explain_to({**ask, "of": "cell", "row": 5, "method": "attention"}, cell)  # type: ignore[typeddict-item]
    (group,) = cell.wait().value["groups"]
    counts = dict(zip(GENES, counts_of(w)[5], strict=True))
    assert group["genes"] and all(gene["count"] == counts[gene["gene"]] for gene in group["genes"])
    unknown = Heard()
    w.explain_to({**ask, "code": 9, "method": "attention"}, unknown)  # type: ignore[typeddict-item]
    assert "3 classes" in unknown.wait().why


def test_a_tick_may_end_an_explanation_at_any_point(model: cw.Model) -> None:
    from cellwidget.results import Results

    cells = cells_of(dataset(40))
    of = Explainer(model.bundle, cells, Results(40, CLASSES))

    def stop(share: float) -> None:
        if share > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        of.of_rows(np.arange(40), "occlusion", stop)
