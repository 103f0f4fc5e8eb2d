"""The widget without a page: what a notebook calls, what pages may ask, and that it lets go."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

import cellwidget as cw
from cellwidget.engines.kernel import KernelEngine

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cellwidget.batch import Batch, ResultBatch

N = 300


@pytest.fixture
def adata() -> ad.AnnData:
    adata = dataset(N)
    adata.obs["batch"] = np.where(np.arange(N) % 2, "one", "two")
    return adata


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds every batch but the first until it is set, so that things can happen in mid-run."""
    opened, first = threading.Event(), threading.Event()
    run = KernelEngine.run

    def held(self: KernelEngine, batch: Batch) -> ResultBatch:
        if first.is_set():
            assert opened.wait(20)
        first.set()
        return run(self, batch)

    monkeypatch.setattr(KernelEngine, "run", held)
    yield opened
    opened.set()


def expected(adata: ad.AnnData) -> list[str]:
    return [CLASSES[code] for code in reference(adata.X.toarray())["logits"].argmax(axis=1)]


def test_it_runs_at_once_and_writes_when_done(adata: ad.AnnData, model: cw.Model, tmp_path: Path) -> None:
    labels = expected(adata)
    w = cw.CellWidget(adata, model)
    w.wait(60)
    assert w.predictions["label"].tolist() == labels
    assert adata.obs["cellwidget_label"].tolist() == labels
    assert adata.obsm["X_cellwidget_umap"].shape == (N, 2)
    adata.write_h5ad(tmp_path / "written.h5ad")
    assert ad.read_h5ad(tmp_path / "written.h5ad").uns["cellwidget"]["model"] == model.bundle.manifest.name
    w.close()


def test_traits_follow_and_an_observer_that_raises_stops_nothing(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    assert (w.status, w.progress) == ("idle", 0.0)
    assert w.predictions["label"].isna().all()
    ended = threading.Event()

    def observe(change: dict) -> None:
        if change["new"] == "done":
            ended.set()
        raise RuntimeError("an observer's own mistake")

    w.observe(observe, "status")
    w.run()
    w.wait(60)
    assert ended.wait(10)
    assert w.progress == 1.0
    w.close()


def test_running_again_is_a_new_run(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model)
    w.wait(60)
    before = w._job.run.id
    w.run()
    w.wait(60)
    assert w._job.run.id != before
    assert w.predictions["label"].notna().all()
    w.close()


def test_a_second_widget_on_the_same_key_stops_the_first(
    adata: ad.AnnData, model: cw.Model, gate: threading.Event
) -> None:
    first = cw.CellWidget(adata, model)
    second = cw.CellWidget(adata, model)
    other = cw.CellWidget(adata, model, key_added="other")
    gate.set()
    for w in (first, second, other):
        w.wait(60)
    assert [w._job.run.status for w in (first, second, other)] == ["stopped", "done", "done"]
    for w in (first, second, other):
        w.close()


def test_log1p_in_mid_run_changes_no_label(adata: ad.AnnData, model: cw.Model, gate: threading.Event) -> None:
    labels = expected(adata)
    w = cw.CellWidget(adata, model)
    w._job.cells.read(0, N)  # the compact copy is complete
    sc.pp.log1p(adata)
    gate.set()
    w.wait(60)
    assert adata.obs["cellwidget_label"].tolist() == labels
    w.close()


def test_filter_cells_in_mid_run_writes_nothing_and_says_so(
    adata: ad.AnnData, model: cw.Model, gate: threading.Event
) -> None:
    labels = expected(adata)
    w = cw.CellWidget(adata, model)
    w._job.cells.read(0, N)
    adata._inplace_subset_obs(np.arange(N) % 3 != 0)
    gate.set()
    w.wait(60)
    assert "cellwidget_label" not in adata.obs
    assert any("w.write(adata)" in note for note in w._job.run.state()["notes"])
    w.write(adata)
    assert adata.obs["cellwidget_label"].tolist() == [labels[row] for row in range(N) if row % 3]
    w.close()


def test_a_view_is_read_and_not_written(adata: ad.AnnData, model: cw.Model) -> None:
    view = adata[:50]
    w = cw.CellWidget(view, model)
    w.wait(60)
    assert w.predictions["label"].notna().all()
    assert view.is_view
    assert "cellwidget_label" not in adata.obs
    assert any(".copy()" in note for note in w._job.run.state()["notes"])
    w.close()


def test_selection_is_set_by_names_rows_and_masks(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    w.selection = ["c3", "c1"]
    assert w.selection.rows.tolist() == [1, 3]
    w.selection = np.arange(N) < 2
    assert w.selection.obs_names.tolist() == ["c0", "c1"]
    with pytest.raises(ValueError, match="no such obs_names: 'nobody'"):
        w.selection = ["nobody"]
    assert len(w.selection) == 2
    w.close()


def test_a_page_selects_and_observers_hear(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    heard: list[int] = []
    w.observe(lambda change: heard.append(len(change["new"])), "selection")
    w.select(cw.Selection.of([0, 5, 7], adata.obs_names).to_bits(), "page")
    assert heard == [3]
    assert w.selection.rows.tolist() == [0, 5, 7]
    w.close()


def test_one_cell_is_looked_up(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model)
    w.wait(60)
    detail = w.inspect(4)
    assert detail["name"] == "c4"
    assert CLASSES[detail["labels"][0]["code"]] == w.predictions["label"].iloc[4]
    assert sum(label["score"] for label in detail["labels"]) == pytest.approx(1, abs=1e-5)
    assert detail["obs"] == [{"name": "batch", "value": "two"}]
    w.close()


def test_what_a_page_is_told(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, color="batch", autorun=False)
    feed = w._job.feed(lambda: w.selection)
    schema = feed.schema()
    assert feed.streamed == ["state", "xy", "label", "score", "second", "second_score", "entropy"], "no training cells"
    assert schema["color"] == "obs:batch"
    ids = [column["id"] for column in schema["columns"]]
    assert ids == ["state", "xy", "label", "score", "second", "second_score", "margin", "entropy", "cell", "obs:batch"]
    assert schema["report"]["genes_matched"] == len(GENES)
    w.close()


def test_an_existing_basis_is_there_before_the_run(adata: ad.AnnData, model: cw.Model) -> None:
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(N, 2))
    w = cw.CellWidget(adata, model, basis="umap", autorun=False)
    feed = w._job.feed(lambda: w.selection)
    _, (buffer,) = feed.piece("xy", 0, N)
    np.testing.assert_allclose(np.frombuffer(buffer, "f4").reshape(N, 2), adata.obsm["X_umap"], rtol=1e-6)
    w.run()
    w.wait(60)
    assert "X_cellwidget_umap" not in adata.obsm, "a layout that is not new is not written"
    np.testing.assert_allclose(w.predictions[["umap_0", "umap_1"]], adata.obsm["X_umap"], rtol=1e-6)
    w.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "gpu"}, "no engine 'gpu'"),
        ({"color": "nothing"}, "color='nothing'"),
        ({"basis": "tsne"}, "basis='tsne'"),
        ({"layer": "nowhere"}, "nowhere"),
        ({"model": "no-such-model"}, "no-such-model"),
        ({"key_added": "mine"}, "would be overwritten"),
        ({"height": 20}, "height"),
        ({"threads": -1}, "threads"),
    ],
)
def test_bad_options_are_refused_at_once(adata: ad.AnnData, model: cw.Model, options: dict, words: str) -> None:
    adata.obs["mine_label"] = "hand made"
    with pytest.raises(Exception, match=words) as caught:
        cw.CellWidget(adata, **{"model": model, **options})
    assert isinstance(caught.value, ValueError) or "height" in options
    assert set(adata.uns) == set()


def test_closing_frees_the_anndata(model: cw.Model) -> None:
    adata = dataset(50)
    w = cw.CellWidget(adata, model)
    w.wait(60)
    w.close()
    gone = weakref.ref(adata)
    del adata, w
    for _ in range(5):
        gc.collect()
    assert gone() is None


def test_after_closing_it_says_so(adata: ad.AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model)
    w.wait(60)
    w.close()
    w.close()
    with pytest.raises(RuntimeError, match="closed"):
        w.run()


def test_of_widgets_on_one_adata_and_key_the_last_to_run_runs(
    adata: ad.AnnData, model: cw.Model, gate: threading.Event
) -> None:
    first = cw.CellWidget(adata, model)
    waiting = cw.CellWidget(adata, model, autorun=False)
    assert first._job.run.status == "running", "one that does not run stops nothing"
    waiting.run()
    assert first._job.run.status == "stopped"
    first.resume()
    assert (first._job.run.status, waiting._job.run.status) == ("running", "stopped")
    gate.set()
    first.wait(60)
    assert adata.obs["cellwidget_label"].notna().all()
    first.close()
    waiting.close()


@pytest.mark.parametrize("order", ["run", "resume"])
def test_a_closed_widget_says_that_it_is(adata: ad.AnnData, model: cw.Model, order: str) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    w.run()
    w.stop()
    w.close()
    with pytest.raises(RuntimeError, match="was closed"):
        getattr(w, order)()


def test_without_a_page_a_browser_run_waits_and_can_go_on_in_the_kernel(adata: ad.AnnData, model: cw.Model) -> None:
    labels = expected(adata)
    waiting = threading.Event()
    w = cw.CellWidget(adata, model, engine="browser", autorun=False)
    w.observe(lambda change: waiting.set() if change["new"] == "waiting" else None, "status")
    w.run()
    assert waiting.wait(20)
    with pytest.raises(TimeoutError):
        w.wait(0.2)
    w.order("kernel")
    w.wait(60)
    assert w.predictions["label"].tolist() == labels
    assert w._job.run.state()["engine"] == "kernel"
    w.run()  # again: where people wanted it last
    w.wait(60)
    assert w.predictions["label"].tolist() == labels
    w.close()


def test_auto_chooses_and_says_why(adata: ad.AnnData, model: cw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    state = w._job.run.state()
    assert state["engine"] == "kernel" and "page" in state["chosen"]
    monkeypatch.setattr("cellwidget.job.find_spec", lambda _: None)
    w = cw.CellWidget(adata, model, autorun=False)
    state = w._job.run.state()
    assert state["engine"] == "browser" and "onnxruntime" in state["chosen"]
    monkeypatch.setattr("cellwidget.job.has_runtime", lambda: False)
    with pytest.raises(ValueError, match="make build"):
        cw.CellWidget(adata, model, engine="browser")
