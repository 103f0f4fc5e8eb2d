"""Distances to the model's training cells, and the limit beyond which a cell is unlike any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from cellwidget.batch import ResultBatch
from cellwidget.bundle import Bundle, BundleError
from cellwidget.convert.reference_map import npz
from cellwidget.rebundle import rewrite
from cellwidget.results import Nearness, Results, nearness_of, write
from cellwidget.results import nearness as nearness_module
from cellwidget.results.nearness import NEIGHBORS, TREE_DIMENSIONS

from .tiny_graphs import write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDTHS = [2, 8, TREE_DIMENSIONS + 1, 64]


def cells(n: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def brute(query: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.sort(cdist(query.astype(np.float64), known.astype(np.float64)), axis=1)[:, :NEIGHBORS].mean(axis=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_distances_are_those_of_brute_force(width: int) -> None:
    known, query = cells(400, width), 3 * cells(60, width, 1)
    found = Nearness(known).distances(query)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, brute(query, known), rtol=2e-5)


@pytest.mark.parametrize("width", WIDTHS)
def test_far_from_the_origin_they_are_no_worse(width: int) -> None:
    known, query = 1_000 + cells(300, width), 1_000 + cells(40, width, 1)
    np.testing.assert_allclose(Nearness(known).distances(query), brute(query, known), rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(30)), st.integers(1, 29), st.sampled_from(WIDTHS))
def test_a_cells_distance_depends_on_that_cell_alone(order: list[int], cut: int, width: int) -> None:
    nearness, query = Nearness(cells(200, width)), cells(30, width, 1)
    whole = nearness.distances(query)
    np.testing.assert_allclose(nearness.distances(query[order]), whole[order], rtol=1e-5)
    parts = np.concatenate([nearness.distances(query[:cut]), nearness.distances(query[cut:])])
    np.testing.assert_allclose(parts, whole, rtol=1e-5)


@pytest.mark.parametrize("width", WIDTHS)
def test_one_training_cell_of_a_hundred_is_beyond_the_limit(width: int) -> None:
    known = cells(500, width)
    own = np.sort(cdist(known, known), axis=1)[:, 1 : NEIGHBORS + 1].mean(axis=1)
    nearness = Nearness(known)
    assert nearness.limit == pytest.approx(np.quantile(own, 0.99), rel=1e-4)
    assert np.count_nonzero(own > nearness.limit) == 5


def test_the_limit_of_many_cells_is_that_of_a_sample() -> None:
    known = cells(6_000, 4)
    own = np.sort(cdist(known, known), axis=1)[:, 1 : NEIGHBORS + 1].mean(axis=1)
    assert np.mean(own > Nearness(known).limit) == pytest.approx(0.01, abs=0.006)


def test_cells_elsewhere_are_beyond_the_limit_and_the_training_cells_are_not() -> None:
    known = cells(500, 8)
    nearness = Nearness(known)
    assert (nearness.distances(known + 20) > nearness.limit).all()
    assert np.mean(nearness.distances(known) > nearness.limit) < 0.01


def test_what_is_not_finite_has_no_distance() -> None:
    query = cells(4, 8, 1)
    query[1, 3], query[2] = np.nan, np.inf
    found = Nearness(cells(50, 8)).distances(query)
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert np.isnan(Nearness(cells(50, 8)).distances(query[1:3])).all()
    assert Nearness(cells(50, 8)).distances(query[:0]).shape == (0,)


def test_embeddings_of_another_width_are_refused() -> None:
    with pytest.raises(BundleError, match="embeddings of 8 numbers, the model gives 7"):
        Nearness(cells(50, 8)).distances(cells(3, 7))


# ── in the results ───────────────────────────────────────────────────────────────────────────────


def results_of(known: np.ndarray, query: np.ndarray, rows: list[int], n: int) -> Results:
    results = Results(n, ["B", "NK"], nearness=Nearness(known))
    outputs = {"logits": np.zeros((len(rows), 2), np.float32), "embedding": query}
    results.record(ResultBatch(np.array(rows), outputs, failed={0: "empty"}))
    return results


def test_results_tell_distances_and_which_cells_are_beyond_the_limit() -> None:
    known = cells(300, 8)
    query = np.concatenate([known[:2] + 0.01, known[:2] + 30])
    results = results_of(known, query, [5, 2, 4, 1], 7)
    frame = results.predictions(pd.Index([f"c{row}" for row in range(7)]))
    np.testing.assert_allclose(frame["distance"].to_numpy()[[5, 2, 4, 1]], brute(query, known), rtol=1e-5)
    assert frame["distance"].isna().tolist() == [True, False, False, True, False, False, True]
    assert frame["unlike_training"].dtype == bool
    assert frame["unlike_training"].tolist() == [False, True, False, False, True, False, False]
    np.testing.assert_array_equal(results.read("distance", np.array([1, 3])), frame["distance"].to_numpy()[[1, 3]])


def test_without_training_cells_there_is_no_distance() -> None:
    results = Results(3, ["B", "NK"])
    results.record(ResultBatch(np.array([0]), {"logits": np.zeros((1, 2), np.float32), "embedding": cells(1, 8)}))
    assert not {"distance", "unlike_training"} & set(results.predictions(pd.Index(["a", "b", "c"])))


def test_distances_are_written_by_name_and_taken_away_by_a_run_without() -> None:
    known = cells(300, 8)
    results = results_of(known, np.concatenate([known[:1] + 0.01, known[:1] + 30]), [1, 2], 3)
    source = pd.Index(["a", "b", "c"])
    adata = ad.AnnData(np.ones((3, 1), np.float32), obs=pd.DataFrame(index=["c", "other", "b"]))
    write(adata, results, source, key="k", info={}, layout=True, colors=None)
    assert adata.obs["k_unlike_training"].tolist() == [True, False, False]
    np.testing.assert_array_equal(np.isnan(adata.obs["k_distance"]), [False, True, False])
    assert adata.uns["k"]["distance_limit"] == results.nearness.limit  # type: ignore[union-attr]
    assert "obs['k_distance']" in adata.uns["k"]["wrote"]

    plain = Results(3, ["B", "NK"])
    plain.record(ResultBatch(np.arange(3), {"logits": np.zeros((3, 2), np.float32)}))
    write(adata, plain, source, key="k", info={}, layout=True, colors=None)
    assert not [name for name in adata.obs if name.startswith(("k_dist", "k_unlike"))]
    assert "distance_limit" not in adata.uns["k"]


def test_of_many_training_cells_a_sample_is_searched_with_every_label_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearness_module, "MOST_SEARCHED", 200)
    known, rare = cells(5_000, 4), cells(8, 4, 1) + 50
    embedding = np.concatenate([known, rare])
    label = np.repeat([0, 1], [len(known), len(rare)]).astype(np.uint16)
    content = npz(xy=embedding[:, :2], label=label, embedding=embedding)
    folder = write_bundle(tmp_path / "tiny", ["a", "b"], umap=False)
    rewrite(Bundle.load(folder), folder, files={"reference.npz": content})
    bundle = Bundle.load(folder)
    nearness = nearness_of(bundle)
    assert nearness is not None and nearness is nearness_of(bundle)
    np.testing.assert_allclose(nearness.distances(rare), brute(rare, rare), rtol=1e-5)
    assert (nearness.distances(known[:50]) >= brute(known[:50], known) * 0.999).all()


def test_the_limit_is_measured_for_the_first_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    searched = nearness_module._by_blocks

    def counted(known: np.ndarray) -> Callable[[np.ndarray, int], np.ndarray]:
        nearest = searched(known)
        return lambda query, k: asked.append(k) or nearest(query, k)  # type: ignore[func-returns-value]

    monkeypatch.setattr(nearness_module, "_by_blocks", counted)
    nearness = Nearness(cells(200, TREE_DIMENSIONS + 1))
    Results(10, ["a"], nearness=nearness)
    assert not asked, "constructors are quick"
    assert nearness.limit == nearness.limit > 0 and len(asked) == 1
