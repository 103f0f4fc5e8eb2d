"""Results: columns, change log, and the way into an AnnData."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwidget.batch import ResultBatch
from cellwidget.messages import DONE, FAILED, NOT_RUN
from cellwidget.results import KeyTaken, Results, check_keys, write
from cellwidget.results.scores import best_two

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ["B", "NK", "T"]
COLORS = ["#111111", "#222222", "#333333"]
INFO = {"model": "tiny", "genes_matched": 5, "total": None}


def batch(rows: list[int], seed: int = 0, **more: Any) -> ResultBatch:
    rng = np.random.default_rng(seed)
    n = len(rows)
    outputs = {
        "logits": rng.normal(size=(n, 3)).astype(np.float32),
        "embedding": rng.normal(size=(n, 4)).astype(np.float32),
        "xy": rng.normal(size=(n, 2)).astype(np.float32),
    }
    return ResultBatch(np.array(rows, dtype=np.int64), outputs, **more)


def dataset(n: int, names: list[str] | None = None) -> ad.AnnData:
    obs = pd.DataFrame(index=pd.Index(names or [f"c{i}" for i in range(n)], dtype=object))
    return ad.AnnData(np.ones((n, 2), dtype=np.float32), obs=obs)


def filled(n: int) -> Results:
    results = Results(n, CLASSES)
    results.record(batch(list(range(n))))
    return results


def test_a_recorded_batch_is_in_every_column() -> None:
    results = Results(6, CLASSES)
    given_ = batch([4, 1], failed={2: "negative counts"})
    results.record(given_)
    assert results.state.tolist() == [NOT_RUN, DONE, FAILED, NOT_RUN, DONE, NOT_RUN]
    assert results.counts == (2, 1, 2)
    expected = np.exp(given_.outputs["logits"]) / np.exp(given_.outputs["logits"]).sum(1, keepdims=True)
    np.testing.assert_allclose(results.score[[4, 1]], expected.max(1), rtol=1e-6)
    assert results.label[[4, 1]].tolist() == expected.argmax(1).tolist()
    np.testing.assert_allclose(results.second_score[[4, 1]], np.sort(expected)[:, 1], rtol=1e-6)
    assert results.embedding is not None and np.isnan(results.embedding[0]).all()
    assert results.reason(2) == "negative counts" and results.reason(1) is None
    assert results.failures == {"negative counts": 1}
    assert results.unrun().tolist() == [0, 3, 5]


def test_since_names_each_changed_row_once_and_goes_on_from_its_position() -> None:
    results = Results(10, CLASSES)
    results.record(batch([3, 1]))
    results.place(np.array([3, 5]), np.zeros((2, 2)))
    rows, position = results.since(0, 100)
    assert rows.dtype == np.uint32 and rows.tolist() == [1, 3, 5] and position == results.position == 4
    rows, position = results.since(0, 3)
    assert rows.tolist() == [1, 3] and position == 3
    assert results.since(3, 3)[0].tolist() == [5]
    assert results.since(99, 5) == (pytest.approx(np.empty(0)), 4)


@given(st.lists(st.lists(st.integers(0, 49), unique=True, max_size=20), max_size=30), st.integers(1, 40))
def test_a_reader_that_follows_the_log_holds_what_the_results_hold(batches: list[list[int]], limit: int) -> None:
    results, seen, position = Results(50, CLASSES), np.full(50, 255, dtype=np.uint8), 0
    for seed, rows in enumerate(batches):
        results.record(batch(rows, seed))
        changed, position = results.since(position, limit)
        seen[changed] = results.read("label", changed)
    while position < results.position:
        changed, position = results.since(position, limit)
        seen[changed] = results.read("label", changed)
    assert np.array_equal(seen, results.label)
    assert results.counts[0] == np.count_nonzero(results.state == DONE)
    assert results.counts[2] == np.count_nonzero(np.isfinite(results.xy[:, 0]))


@pytest.mark.parametrize(("classes", "dtype"), [(3, "u1"), (254, "u1"), (255, "u2"), (65_535, "u4")])
def test_codes_leave_their_highest_value_for_missing(classes: int, dtype: str) -> None:
    results = Results(2, [str(number) for number in range(classes)])
    assert results.read("label", np.array([0])).dtype == np.dtype(dtype)
    assert results.read("label", np.array([0]))[0] == np.iinfo(dtype).max


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_two_best_are_those_of_a_full_sort(classes: int, seed: int) -> None:
    logits = np.random.default_rng(seed).integers(-3, 3, (20, classes)).astype(np.float32)
    best = best_two(logits)
    order = np.argsort(-logits, axis=1, kind="stable")
    assert np.array_equal(best.label, order[:, 0])
    if classes > 1:
        assert np.array_equal(best.second, order[:, 1])
    assert (best.score >= best.second_score).all()


def test_huge_and_infinite_logits_keep_their_meaning() -> None:
    best = best_two(np.array([[1e30, -np.inf, 0]], dtype=np.float32))
    assert best.label[0] == 0 and best.score[0] == 1


def test_a_model_without_classes_has_places_only() -> None:
    results = Results(3, [])
    results.record(batch([0, 2]))
    assert results.read("label", np.array([0])).tolist() == [255]
    assert list(results.predictions(pd.Index(list("abc"))).columns) == ["umap_0", "umap_1"]


def test_outputs_of_the_wrong_shape_are_refused_and_change_nothing() -> None:
    results = Results(3, ["one", "two"])
    with pytest.raises(ValueError, match="2 classes"):
        results.record(batch([0]))
    with pytest.raises(ValueError, match="xy has 1 rows"):
        results.record(ResultBatch(np.array([0, 1]), {"xy": np.zeros((1, 2), np.float32)}))
    assert results.position == 0 and results.counts == (0, 0, 0)


def test_reasons_beyond_counting_are_gathered() -> None:
    results = Results(1_200, CLASSES)
    results.record(ResultBatch(np.empty(0, np.int64), {}, {row: f"reason {row}" for row in range(1_200)}))
    assert sum(results.failures.values()) == 1_200 and results.failures["other reasons"] == 200
    assert results.reason(0) == "reason 0" and results.reason(1_199) == "other reasons"


def test_predictions_are_one_row_per_cell() -> None:
    results = Results(3, CLASSES)
    results.record(batch([2]))
    frame = results.predictions(pd.Index(["a", "a", "b"]))
    assert frame.index.tolist() == ["a", "a", "b"]
    assert frame["label"].cat.categories.tolist() == CLASSES
    assert frame["label"].isna().tolist() == [True, True, False]
    assert frame["umap_0"].isna().tolist() == [True, True, False]
    results.record(batch([0], seed=9))
    assert frame["label"].isna().tolist() == [True, True, False], "a copy does not change later"


def test_many_threads_lose_nothing() -> None:
    results = Results(4_000, CLASSES)
    threads = [
        threading.Thread(target=lambda k=k: [results.record(batch([row])) for row in range(k, 4_000, 4)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.counts == (4_000, 0, 4_000) and len(results.since(0, 10_000)[0]) == 4_000


# ── into an AnnData ──────────────────────────────────────────────────────────────────────────────


def put(adata: ad.AnnData, results: Results, names: pd.Index, **more: Any) -> str:
    return write(adata, results, names, **{"key": "cw", "info": INFO, "layout": True, "colors": COLORS} | more)


def test_everything_is_written_and_the_file_can_be_saved(tmp_path: Path) -> None:
    adata, results = dataset(8), filled(8)
    assert put(adata, results, adata.obs_names) == "cw_label"
    assert adata.obs["cw_label"].tolist() == [CLASSES[code] for code in results.label]
    assert adata.obs["cw_score"].dtype == np.float32
    assert adata.obsm["X_cw"].shape == (8, 4) and adata.obsm["X_cw_umap"].shape == (8, 2)
    assert len(adata.uns["cw_label_colors"]) == len(adata.obs["cw_label"].cat.categories)
    assert adata.uns["cw"]["genes_matched"] == 5
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    check_keys(again, "cw")  # still known as ours
    put(again, results, again.obs_names)


def test_colours_go_with_the_classes_that_are_there() -> None:
    adata, results = dataset(2), Results(2, CLASSES)
    logits = np.array([[0, 0, 9], [9, 0, 0]], dtype=np.float32)
    results.record(ResultBatch(np.arange(2), {"logits": logits}))
    put(adata, results, adata.obs_names)
    assert adata.obs["cw_label"].cat.categories.tolist() == ["B", "T"]
    assert adata.uns["cw_label_colors"].tolist() == ["#111111", "#333333"]


def test_cells_are_aligned_by_name_in_another_dataset() -> None:
    results, names = filled(4), pd.Index(["a", "b", "c", "d"])
    adata = dataset(3, ["d", "x", "a"])
    put(adata, results, names)
    assert adata.obs["cw_label"].isna().tolist() == [False, True, False]
    assert adata.obs["cw_score"].tolist()[0] == results.score[3]
    np.testing.assert_array_equal(adata.obsm["X_cw"][[0, 2]], results.embedding[[3, 0]])
    assert np.isnan(adata.obsm["X_cw_umap"][1]).all()


def test_repeated_names_are_fine_in_place_and_refused_elsewhere() -> None:
    names = ["a", "a", "b"]
    with pytest.warns(UserWarning, match="not unique"):
        adata = dataset(3, names)
    results = filled(3)
    put(adata, results, adata.obs_names)
    assert adata.obs["cw_score"].tolist() == results.score.tolist()
    put(adata, results, adata.obs_names)
    with pytest.raises(ValueError, match="repeated"):
        put(dataset(2, ["a", "b"]), results, pd.Index(names))


def test_no_common_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="None of the cells"):
        put(dataset(2, ["x", "y"]), filled(2), pd.Index(["a", "b"]))


def test_a_view_is_refused_with_the_remedy() -> None:
    view = dataset(4)[:2]
    with pytest.raises(ValueError, match=r"adata\.copy\(\)"):
        put(view, filled(2), view.obs_names)
    assert view.is_view


@pytest.mark.parametrize("where", ["obs:cw_label", "obs:cw_score", "obsm:X_cw", "obsm:X_cw_umap", "uns:cw"])
def test_a_users_own_key_is_not_overwritten(where: str) -> None:
    adata = dataset(4)
    place, key = where.split(":")
    mine = {"obs": list("wxyz"), "obsm": np.zeros((4, 2)), "uns": {"my": "own"}}[place]
    getattr(adata, place)[key] = mine
    with pytest.raises(KeyTaken, match=rf"{place}\['{key}'\].*overwrite=True"):
        check_keys(adata, "cw")
    with pytest.raises(KeyTaken):
        put(adata, filled(4), adata.obs_names)
    assert [*adata.obs, *adata.obsm, *adata.uns] == [key]
    put(adata, filled(4), adata.obs_names, overwrite=True)
    assert "cw_label" in adata.obs
    check_keys(adata, "cw")


def test_what_a_user_put_beside_ours_is_not_ours() -> None:
    adata = dataset(4)
    put(adata, filled(4), adata.obs_names, layout=False)
    adata.obsm["X_cw_umap"] = np.zeros((4, 2))
    with pytest.raises(KeyTaken, match="X_cw_umap"):
        check_keys(adata, "cw")


def test_a_second_run_leaves_nothing_of_the_first() -> None:
    adata = dataset(4)
    put(adata, filled(4), adata.obs_names)
    put(adata, filled(4), adata.obs_names, layout=False, colors=None)
    assert "X_cw_umap" not in adata.obsm and "cw_label_colors" not in adata.uns


@pytest.mark.parametrize("old", [True, False])
def test_all_or_nothing(monkeypatch: pytest.MonkeyPatch, old: bool) -> None:
    adata, module = dataset(4), __import__("cellwidget.results.write", fromlist=["_put"])
    if old:
        put(adata, filled(4), adata.obs_names)
    before, real, calls = adata.copy(), module._put, []

    def failing(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 4:
            raise MemoryError
        real(*args)

    monkeypatch.setattr(module, "_put", failing)
    other = Results(4, CLASSES)
    other.record(batch([0, 1, 2, 3], seed=5))
    with pytest.raises(MemoryError):
        put(adata, other, adata.obs_names)
    assert adata.obs.equals(before.obs)
    assert {*adata.obsm} == {*before.obsm} and {*adata.uns} == {*before.uns}
    assert all(np.array_equal(adata.obsm[key], before.obsm[key]) for key in before.obsm)


@pytest.mark.parametrize("key", ["", "a/b", None])
def test_a_key_that_cannot_be_one(key: Any) -> None:
    with pytest.raises(ValueError, match="key_added"):
        check_keys(dataset(1), key)
