"""Labels without a picture: all written, or nothing touched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pytest

import cellwidget as cw
from cellwidget.cells import InputError
from cellwidget.engines.kernel import KernelEngine
from cellwidget.results import KeyTaken
from cellwidget.run import Run, RunError

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, reference, write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.batch import Batch


def untouched(adata: ad.AnnData) -> bool:
    return not len(adata.obs.columns) and not adata.obsm and not adata.uns


@pytest.mark.parametrize("batch_size", [None, 1, 7, 64])
def test_labels_embedding_and_places_are_written(model: cw.Model, tmp_path: Path, batch_size: int | None) -> None:
    adata = dataset(150)
    assert cw.annotate(adata, model, batch_size=batch_size, threads=1, progress=False) is None
    expected = reference(adata.X.toarray())
    assert adata.obs["cellwidget_label"].tolist() == [CLASSES[code] for code in expected["logits"].argmax(axis=1)]
    np.testing.assert_allclose(adata.obsm["X_cellwidget"], expected["embedding"], atol=1e-4)
    np.testing.assert_allclose(adata.obsm["X_cellwidget_umap"], expected["xy"], atol=1e-3)
    told = adata.uns["cellwidget"]
    assert (told["model"], told["genes_matched"], told["cells_done"], told["cells_failed"]) == ("tiny", 12, 150, 0)
    assert told["sha256"] == model.bundle.sha256
    adata.write_h5ad(tmp_path / "out.h5ad")
    again = ad.read_h5ad(tmp_path / "out.h5ad")
    cw.annotate(again, model, threads=1, progress=False)


def test_a_backed_file_is_annotated(model: cw.Model, tmp_path: Path) -> None:
    dataset(80).write_h5ad(tmp_path / "in.h5ad")
    adata = ad.read_h5ad(tmp_path / "in.h5ad", backed="r")
    cw.annotate(adata, model, threads=1, progress=False)
    assert adata.obs["cellwidget_label"].notna().all()
    adata.file.close()


def test_a_model_without_a_map_writes_no_places(tmp_path: Path) -> None:
    model = cw.load_model(write_bundle(tmp_path / "bundle", GENES, umap=False))
    adata = dataset(20)
    cw.annotate(adata, model, key_added="mine", threads=1, progress=False)
    assert {*adata.obsm} == {"X_mine"} and {*adata.obs} == {"mine_label", "mine_score"}


def test_a_model_without_labels_writes_its_embedding(tmp_path: Path) -> None:
    model = cw.load_model(write_bundle(tmp_path / "bundle", GENES, outputs=["embedding"], classes=[], colors=[]))
    adata = dataset(20)
    cw.annotate(adata, model, threads=1, progress=False)
    assert "X_cellwidget" in adata.obsm and not len(adata.obs.columns)


def test_the_bar_counts_all_cells(model: cw.Model, capsys: pytest.CaptureFixture[str]) -> None:
    cw.annotate(dataset(60), model, threads=1)
    told = capsys.readouterr().err
    assert "Tiny" in told and "60/60" in told
    cw.annotate(dataset(60), model, threads=1, progress=False)
    assert capsys.readouterr().err == ""


def test_views_and_taken_keys_are_refused_before_the_run(model: cw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelEngine, "run", lambda *_: pytest.fail("it ran"))
    adata = dataset(20)
    with pytest.raises(ValueError, match=r"adata\.copy\(\)"):
        cw.annotate(adata[:10], model)
    adata.obs["cellwidget_label"] = "mine"
    with pytest.raises(KeyTaken):
        cw.annotate(adata, model)
    assert adata.obs["cellwidget_label"].tolist() == ["mine"] * 20


def test_bad_input_is_refused_and_nothing_written(model: cw.Model) -> None:
    adata = dataset(20)
    adata.X = adata.X * -1
    with pytest.raises(InputError, match="negative"):
        cw.annotate(adata, model, progress=False)
    assert untouched(adata)


def test_an_interrupt_stops_the_run_and_writes_nothing(model: cw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Run] = []

    def interrupted(self: Run, timeout: float | None = None) -> None:
        runs.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "wait", interrupted)
    adata = dataset(50)
    with pytest.raises(KeyboardInterrupt):
        cw.annotate(adata, model, progress=False)
    assert runs[0].status in ("stopped", "done") and untouched(adata)


def test_a_run_that_fails_writes_nothing(model: cw.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = KernelEngine.run, []

    def breaks(self: KernelEngine, batch: Batch) -> Any:
        calls.append(batch)
        if len(calls) > 1:
            raise RuntimeError("no more")
        return real(self, batch)

    monkeypatch.setattr(KernelEngine, "run", breaks)
    adata = dataset(100)
    with pytest.raises(RunError, match="no more"):
        cw.annotate(adata, model, progress=False)
    assert untouched(adata)


def test_cells_that_fail_are_missing_and_the_others_written(model: cw.Model) -> None:
    adata = dataset(30)
    adata.X = adata.X.toarray()
    adata.X[4] = 0
    cw.annotate(adata, model, progress=False)
    assert adata.obs["cellwidget_label"].isna().to_numpy().nonzero()[0].tolist() == [4]
    assert adata.uns["cellwidget"]["cells_failed"] == 1


@pytest.mark.parametrize("what", [np.zeros((3, 3)), "cells.h5ad", None])
@pytest.mark.parametrize("call", [cw.annotate, cw.CellWidget])
def test_what_is_no_anndata_is_refused(call: Callable[[object], object], what: object) -> None:
    with pytest.raises(InputError, match="Expected an AnnData"):
        call(what)
