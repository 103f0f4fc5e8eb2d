"""How sure the model is: margin, entropy, all probabilities, and the threshold below which cells are unassigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import traitlets as t
from hypothesis import given
from hypothesis import strategies as st

import cellwidget as cw
from cellwidget.batch import ResultBatch
from cellwidget.results import Results
from cellwidget.results.scores import best_two, entropy_of, softmax
from cellwidget.results.unassigned import UNASSIGNED_COLOR, unassigned_name

from .engine_cases import dataset
from .tiny_graphs import CLASSES, reference

if TYPE_CHECKING:
    from anndata import AnnData

N = 120


@pytest.fixture
def adata() -> AnnData:
    return dataset(N)


def probabilities(adata: AnnData) -> np.ndarray:
    return softmax(reference(adata.X.toarray())["logits"].astype(np.float64))


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(0, 40))
def test_entropy_is_a_share_of_the_largest_possible(classes: int, seed: int, spread: float) -> None:
    logits = (spread * np.random.default_rng(seed).standard_normal((8, classes))).astype(np.float32)
    entropy = best_two(logits).entropy
    exact = softmax(logits).astype(np.float64)
    terms = np.where(exact > 0, exact * np.log(np.maximum(exact, 1e-300)), 0.0)
    expected = -terms.sum(axis=1) / np.log(classes) if classes > 1 else np.zeros(8)
    np.testing.assert_allclose(entropy, expected, atol=1e-6)
    assert ((entropy >= 0) & (entropy <= 1)).all()


def test_entropy_at_its_ends() -> None:
    assert entropy_of(np.array([[1, 0, 0]], np.float32))[0] == 0
    assert entropy_of(np.full((1, 3), 1 / 3, np.float32))[0] == pytest.approx(1)


def test_predictions_tell_margin_and_entropy(adata: AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model)
    w.wait(60)
    best = np.sort(probabilities(adata), axis=1)[:, ::-1]
    np.testing.assert_allclose(w.predictions["margin"], best[:, 0] - best[:, 1], atol=1e-4)
    assert w.predictions["entropy"].between(0, 1).all()
    w.close()


def test_probabilities_of_all_classes_for_some_cells(adata: AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    rows = [3, 4, 5, 70, 119]
    frame = w.probabilities(rows)
    assert frame.columns.tolist() == CLASSES and frame.index.tolist() == adata.obs_names[rows].tolist()
    np.testing.assert_allclose(frame, probabilities(adata)[rows], atol=1e-5)
    assert w.probabilities().empty, "nothing is selected"
    w.selection = np.ones(N, dtype=bool)
    np.testing.assert_allclose(w.probabilities(), probabilities(adata), atol=1e-5)
    w.close()


def test_cells_below_the_threshold_are_unassigned_in_predictions_and_where_they_are_written(
    adata: AnnData, model: cw.Model
) -> None:
    w = cw.CellWidget(adata, model)
    w.wait(60)
    said = w.predictions["label"].astype(str)
    assert w.predictions["label"].cat.categories.tolist() == CLASSES
    w.threshold = w.predictions["score"].median()
    frame = w.predictions
    low = frame["score"].to_numpy() < np.float32(w.threshold)
    assert 0 < low.sum() < N
    assert frame["label"].cat.categories.tolist() == [*CLASSES, "unassigned"]
    assert frame["label"].tolist() == np.where(low, "unassigned", said).tolist()
    assert frame["second"].cat.categories.tolist() == CLASSES
    assert "unassigned" not in set(adata.obs["cellwidget_label"]), "what was written stays until it is written again"
    w.write(adata)
    assert adata.obs["cellwidget_label"].tolist() == frame["label"].tolist()
    categories = adata.obs["cellwidget_label"].cat.categories.tolist()
    assert adata.uns["cellwidget_label_colors"][categories.index("unassigned")] == UNASSIGNED_COLOR
    assert adata.uns["cellwidget"]["parameters"]["threshold"] == w.threshold
    w.threshold = 0
    assert w.predictions["label"].tolist() == said.tolist()
    w.close()


def test_a_threshold_given_at_first_is_in_what_a_run_writes(adata: AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, threshold=1)
    w.wait(60)
    assert (adata.obs["cellwidget_label"] == "unassigned").mean() > 0.9
    assert w._job.run.state()["threshold"] == 1
    w.run()
    assert w._job.run.state()["threshold"] == 1, "a new run keeps it"
    w.wait(60)
    w.close()


def test_without_a_picture(adata: AnnData, model: cw.Model) -> None:
    cw.annotate(adata, model, progress=False)
    said, score = adata.obs["cellwidget_label"].astype(str), adata.obs["cellwidget_score"].to_numpy()
    threshold = float(np.median(score))
    cw.annotate(adata, model, threshold=threshold, progress=False)
    assert adata.obs["cellwidget_label"].tolist() == np.where(score < threshold, "unassigned", said).tolist()


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), "high", None])
def test_what_is_no_threshold(adata: AnnData, model: cw.Model, value: object) -> None:
    with pytest.raises(ValueError, match="threshold must be a number from 0"):
        cw.annotate(adata, model, threshold=value, progress=False)  # type: ignore[arg-type]
    w = cw.CellWidget(adata, model, autorun=False)
    with pytest.raises((ValueError, t.TraitError)):
        w.threshold = value
    assert w.threshold == 0
    w.close()


def test_a_score_at_the_threshold_is_not_below() -> None:
    results = Results(1, ["one", "two"], threshold=0.9)
    results.record(ResultBatch(np.array([0]), {"logits": np.log(np.array([[0.9, 0.1]], np.float32))}))
    results.score[:] = 0.9  # as float32, which is a little less than 0.9
    assert results.labels().tolist() == [0]


def test_a_class_of_that_very_name_stays_apart() -> None:
    classes = ["one", "unassigned", "unassigned (low score)"]
    assert unassigned_name(classes) not in classes
    results = Results(2, classes, threshold=0.99)
    results.record(ResultBatch(np.array([0, 1]), {"logits": np.array([[0, 9, 0], [1, 0, 0]], np.float32)}))
    labels = results.predictions(pd.Index(["a", "b"]))["label"]
    assert labels.tolist() == ["unassigned", unassigned_name(classes)]


def test_a_page_moves_the_threshold(adata: AnnData, model: cw.Model) -> None:
    w = cw.CellWidget(adata, model, autorun=False)
    heard: list[float] = []
    w.observe(lambda change: heard.append(change["new"]), "threshold")
    w._receive({"type": "threshold", "page": "a", "id": 1, "value": 0.25}, [])
    assert w.threshold == 0.25 and heard == [0.25]
    w._receive({"type": "threshold", "page": "a", "id": 2, "value": 7}, [])
    assert w.threshold == 0.25
    label = next(spec for spec in w._job.feed(lambda: w.selection).schema()["columns"] if spec["id"] == "label")
    assert label["unassigned"] and label["categories"] == [*CLASSES, "unassigned"]
    w.close()
