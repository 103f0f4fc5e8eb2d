"""Known labels beside those of the model: counts, figures, and columns that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

import cellwidget as cw
from cellwidget.columns import Columns
from cellwidget.messages import DONE
from cellwidget.results import Results, Truth

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

STRANGER = "a stranger"


def told(names: list[str | None], labels: list[int], score: list[float] | None = None) -> tuple[Truth, Results]:
    """Known names and given codes, all cells run."""
    obs = pd.DataFrame({"celltype": pd.Categorical(names)}, index=[f"c{i}" for i in range(len(names))])
    results = Results(len(names), CLASSES)
    results.label[:] = [results.missing if code < 0 else code for code in labels]
    results.state[:] = DONE
    results.score[:] = 1.0 if score is None else score
    return Truth(Columns(obs, obs.index, {}), "celltype", CLASSES), results


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(range(len(CLASSES)))), min_size=1, max_size=60))
def test_figures_are_those_of_scikit_learn(cells: list[tuple[str, int]]) -> None:
    names, codes = [name for name, _ in cells], [code for _, code in cells]
    truth, results = told(names, codes)
    said = [CLASSES[code] for code in codes]
    counts = truth.confusion(results).reindex(index=CLASSES, columns=CLASSES, fill_value=0)
    assert np.array_equal(counts, confusion_matrix(names, said, labels=CLASSES))
    frame = truth.metrics(results)
    expected = precision_recall_fscore_support(names, said, labels=CLASSES, zero_division=np.nan)
    np.testing.assert_allclose(frame["precision"], expected[0])
    np.testing.assert_allclose(frame["recall"], expected[1])
    there = frame["support"].to_numpy() > 0
    np.testing.assert_allclose(frame["f1"][there], np.nan_to_num(expected[2])[there])
    assert np.array_equal(frame["support"], expected[3])
    assert frame.attrs["accuracy"] == pytest.approx(accuracy_score(names, said))
    assert frame.attrs["macro_f1"] == pytest.approx(np.nan_to_num(expected[2])[there].mean())


def test_strangers_have_a_row_of_their_own_and_count_in_no_figure() -> None:
    truth, results = told([CLASSES[0], STRANGER, STRANGER, None, CLASSES[1]], [0, 0, 1, 0, -1])
    counts = truth.confusion(results)
    assert counts.loc[STRANGER].tolist() == [1, 1, 0, 0]
    assert counts.to_numpy().sum() == 3, "cells without a name or not run are in no row"
    frame = truth.metrics(results)
    assert frame.index.tolist() == [*CLASSES, STRANGER]
    assert frame.loc[CLASSES[0], "precision"] == 1 and frame.attrs["accuracy"] == 1
    assert np.isnan(frame.loc[STRANGER, "recall"]) and frame.loc[STRANGER, "support"] == 2


def test_only_strangers() -> None:
    truth, results = told([STRANGER, STRANGER], [0, 1])
    frame = truth.metrics(results)
    assert frame["support"].tolist() == [0, 0, 0, 2]
    assert np.isnan(frame.attrs["accuracy"]) and np.isnan(frame.attrs["macro_f1"])


def test_unassigned_cells_are_missed_and_nobody_is_wronged() -> None:
    truth, results = told([CLASSES[0]] * 4, [0, 0, 1, 1], [0.9, 0.2, 0.9, 0.2])
    results.threshold = 0.5
    assert truth.confusion(results).loc[CLASSES[0]].tolist() == [1, 1, 0, 2]
    frame = truth.metrics(results)
    assert frame.loc[CLASSES[0], ["precision", "recall"]].tolist() == [1, 0.25]
    assert frame.loc[CLASSES[1], "precision"] == 0
    assert frame.attrs["assigned"] == 0.5 and frame.attrs["accuracy"] == 0.25


def test_the_widget_compares(tmp_path: Path) -> None:
    model = cw.load_model(write_bundle(tmp_path / "bundle", GENES))
    adata = dataset(60)
    adata.obs["batch"] = "one"
    cw.annotate(adata, model, key_added="before", progress=False)
    adata.obs["celltype"] = adata.obs["before_label"].astype(str)
    adata.obs.loc[adata.obs_names[:6], "celltype"] = STRANGER
    w = cw.CellWidget(adata, model, truth="celltype")
    w.wait(60)
    assert w.confusion.to_numpy().sum() == 60 and w.confusion.loc[STRANGER].sum() == 6
    assert w.confusion.columns.tolist() == [*CLASSES, "unassigned"]
    assert w.metrics.attrs["accuracy"] == 1
    schema = w._job.feed(lambda: w.selection).schema()
    spec = next(spec for spec in schema["columns"] if spec["id"] == "obs:celltype")
    names = dict(enumerate(CLASSES)) | {-1: STRANGER}
    assert schema["truth"] is not None
    assert [names[code] for code in schema["truth"]["codes"]] == spec["categories"]
    ids = [column["id"] for column in schema["columns"]]
    assert ids.index("agreement") < ids.index("cell") < ids.index("obs:celltype") < ids.index("obs:batch")
    w.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cell_type", "is not a column of obs. Did you mean 'Celltype'"),
        ("xyz", "Columns of names there are 'Celltype'"),
        ("n_genes", "it has numbers. Labels that are numbers become names"),
    ],
)
def test_columns_that_cannot_be(tmp_path: Path, name: str, words: str) -> None:
    adata = dataset(12)
    adata.obs["Celltype"], adata.obs["n_genes"] = CLASSES[0], np.arange(12)
    model = cw.load_model(write_bundle(tmp_path / "bundle", GENES))
    with pytest.raises(ValueError, match="truth=") as caught:
        cw.CellWidget(adata, model, truth=name)
    assert words in str(caught.value)


def test_asking_without_known_labels_says_what_to_do(tmp_path: Path) -> None:
    w = cw.CellWidget(dataset(12), cw.load_model(write_bundle(tmp_path / "bundle", GENES)), autorun=False)
    with pytest.raises(ValueError, match="truth='celltype'"):
        _ = w.confusion
    w.close()
