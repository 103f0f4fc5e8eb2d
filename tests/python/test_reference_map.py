"""The map of the training cells, added to a bundle by running it on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cellwidget as cw
from cellwidget.bundle.sample import LEAST_OF_A_LABEL, stratified
from cellwidget.registry import resolve

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, write_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "tiny", GENES)


def test_what_the_model_makes_of_the_training_cells_is_kept(folder: Path) -> None:
    adata = dataset(60)
    adata.obs["type"] = (["T", "someone else's", None] * 20)[:60]
    assert cw.convert.reference(folder, adata, labels="type") == folder
    model = cw.load_model(folder)
    reference, made = model.bundle.reference(), model.predict(adata)
    assert reference is not None and reference.embedding is not None and reference.truth is not None
    np.testing.assert_allclose(reference.xy, made["xy"], atol=1e-5)
    np.testing.assert_allclose(reference.embedding, made["embedding"], atol=1e-6)
    assert reference.label.tolist() == made["logits"].argmax(axis=1).tolist()
    assert reference.truth.tolist() == [CLASSES.index("T"), -1, -1] * 20
    assert (folder / "umap.onnx").is_file()


def test_a_second_one_takes_the_place_of_the_first(folder: Path) -> None:
    for n in (40, 30):
        cw.convert.reference(folder, dataset(n))
        reference = cw.load_model(folder).bundle.reference()
        assert reference is not None and len(reference.xy) == n and reference.truth is None


def test_of_many_cells_a_sample_is_kept_the_same_each_time(folder: Path) -> None:
    first, again = [
        cw.convert.reference(folder, dataset(200), cells=50, seed=1) and (folder / "reference.npz").read_bytes()
        for _ in range(2)
    ]
    assert first == again
    reference = cw.load_model(folder).bundle.reference()
    assert reference is not None and len(reference.xy) == 50


def test_cells_that_fail_are_left_out(folder: Path) -> None:
    adata = dataset(30)
    adata.X = adata.X.toarray()
    adata.X[3] = 0
    with pytest.warns(UserWarning, match="1 cells have no result"):
        cw.convert.reference(folder, adata)
    reference = cw.load_model(folder).bundle.reference()
    assert reference is not None and len(reference.xy) == 29


def test_a_run_then_tells_distances(folder: Path) -> None:
    adata = dataset(60)
    cw.convert.reference(folder, adata)
    cw.annotate(adata, folder, progress=False)
    assert (adata.obs["cellwidget_distance"] >= 0).all()
    assert adata.obs["cellwidget_unlike_training"].sum() <= 1


def test_pages_hear_of_distances_and_their_limit_where_embeddings_are_known(folder: Path) -> None:
    def told() -> tuple[float | None, bool]:
        w = cw.CellWidget(dataset(40), folder, engine="kernel", autorun=False)
        schema = w._job.feed(lambda: w.selection).schema()
        w.close()
        return schema["layout"]["distance_limit"], "distance" in [column["id"] for column in schema["columns"]]

    assert told() == (None, False)
    cw.convert.reference(folder, dataset(60))
    limit, streams = told()
    assert limit is not None and limit > 0 and streams


def test_what_cannot_have_a_reference_is_refused_before_the_run(tmp_path: Path, folder: Path) -> None:
    adata = dataset(10)
    with pytest.raises(ValueError, match="parametric_umap"):
        cw.convert.reference(write_bundle(tmp_path / "no-map", GENES, umap=False), adata)
    with pytest.raises(ValueError, match="not the folder of a bundle"):
        cw.convert.reference(tmp_path, adata)
    with pytest.raises(ValueError, match="comes with the package"):
        cw.convert.reference(resolve("pbmc"), adata)
    with pytest.raises(ValueError, match="no obs column 'celltype'"):
        cw.convert.reference(folder, adata, labels="celltype")
    assert not (folder / "reference.npz").exists()


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=400), st.integers(1, 300), st.integers(0, 3))
def test_a_sample_has_some_of_each_label(codes: list[int], most: int, seed: int) -> None:
    labels = np.array(codes)
    rows = stratified(labels, most, seed)
    assert len(np.unique(rows)) == len(rows) <= max(most, 0) and (np.diff(rows) > 0).all()
    if len(labels) <= most:
        assert len(rows) == len(labels)
        return
    kinds, counts = np.unique(labels, return_counts=True)
    least = min(LEAST_OF_A_LABEL, most // len(kinds))
    for kind, count in zip(kinds, counts, strict=True):
        assert np.count_nonzero(labels[rows] == kind) >= min(count, least)
    assert len(rows) > most - len(kinds)
