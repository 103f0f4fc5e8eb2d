"""Layouts: an existing basis, the model's own map, and a fitted one."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from cellwidget.batch import ResultBatch
from cellwidget.engines import InKernel
from cellwidget.genes import InputError
from cellwidget.layout import ExistingBasis, ModelLayout, UmapLayout, choose_layout
from cellwidget.layout import umap as umap_module
from cellwidget.layout.child import fit_places
from cellwidget.layout.fit import Fit, FitFailed
from cellwidget.layout.umap import LandmarkMap
from cellwidget.results import Results
from cellwidget.run import Run

from .engine_cases import CLASSES, FakeEngine, Gate, cells_of, dataset

LONG = 120.0


def with_basis(values: Any, key: str = "X_umap") -> ad.AnnData:
    adata = dataset(6)
    adata.obsm[key] = values
    return adata


# ── an existing basis ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("key", "asked"), [("X_umap", "umap"), ("X_umap", "X_umap"), ("umap", "umap")])
def test_a_basis_is_found_by_its_key_with_or_without_its_prefix(key: str, asked: str) -> None:
    layout = ExistingBasis(with_basis(np.arange(12.0).reshape(6, 2), key), asked)
    assert layout.info == {"source": "obsm", "name": key, "reference": 0} and not layout.is_new
    results = Results(6, CLASSES)
    layout.begin(results)
    np.testing.assert_array_equal(results.xy, np.arange(12).reshape(6, 2))
    layout.begin(results)
    assert results.position == 6, "a run that goes on does not place cells again"


def test_the_exact_key_goes_before_the_prefixed_one() -> None:
    adata = with_basis(np.zeros((6, 2)))
    adata.obsm["umap"] = np.ones((6, 2))
    assert ExistingBasis(adata, "umap").xy[0, 0] == 1


def test_of_more_columns_the_first_two_are_drawn_and_frames_are_read() -> None:
    assert ExistingBasis(with_basis(np.arange(18.0).reshape(6, 3)), "umap").xy[1].tolist() == [3, 4]
    frame = pd.DataFrame(np.ones((6, 2)), index=dataset(6).obs_names)
    assert ExistingBasis(with_basis(frame), "umap").xy.shape == (6, 2)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((6, 1)), "at least two columns"),
        (np.full((6, 2), np.nan), "NaN or infinite for 6 cells"),
        (sp.csr_matrix(np.ones((6, 2))), "sparse"),
        (pd.DataFrame({"a": list("uvwxyz"), "b": 1.0}, index=[f"c{i}" for i in range(6)]), "not hold numbers"),
    ],
)
def test_a_basis_that_cannot_be_drawn_is_refused(values: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ExistingBasis(with_basis(values), "umap")


def test_a_missing_basis_names_those_that_are_there() -> None:
    with pytest.raises(InputError, match=r"'tsne' is not in adata.obsm, which holds 'X_umap'"):
        ExistingBasis(with_basis(np.zeros((6, 2))), "tsne")


# ── which one ────────────────────────────────────────────────────────────────────────────────────


class Bundle:
    def __init__(self, umap: Path | None, outputs: tuple[str, ...] = ("logits", "embedding")) -> None:
        self.umap_path, self.outputs = umap, outputs
        self.manifest = type("Manifest", (), {"name": "tiny"})()

    def reference(self) -> Any:
        return type("Reference", (), {"xy": np.zeros((7, 2))})()


def test_the_layout_is_the_basis_else_the_models_map_else_fitted(tmp_path: Path) -> None:
    adata = with_basis(np.zeros((6, 2)))
    assert isinstance(choose_layout(adata, Bundle(tmp_path), "umap"), ExistingBasis)  # type: ignore[arg-type]
    layout = choose_layout(adata, Bundle(tmp_path))  # type: ignore[arg-type]
    assert isinstance(layout, ModelLayout) and layout.info["reference"] == 7
    layout = choose_layout(adata, Bundle(None, ("logits",)), key="k")  # type: ignore[arg-type]
    assert isinstance(layout, UmapLayout) and layout.info["name"] == "X_k_umap"


# ── a fitted one ─────────────────────────────────────────────────────────────────────────────────


def clusters(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around three far centres, float32 [n, 8], and which centre."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, n)
    centres = np.random.default_rng(1).normal(size=(3, 8)) * 20
    return (centres[which] + rng.normal(size=(n, 8))).astype(np.float32), which


def nearest_centre(xy: np.ndarray, marks: np.ndarray, which: np.ndarray) -> np.ndarray:
    centres = np.array([marks[which == k].mean(axis=0) for k in range(3)])
    return ((xy[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)


def test_cells_land_among_the_landmarks_of_their_kind() -> None:
    vectors, which = clusters(300)
    marks = np.array([[0, 0], [10, 0], [0, 10]], dtype=np.float32)[which]
    more, kinds = clusters(500, seed=5)
    xy = LandmarkMap(vectors, marks).places(more)
    assert xy.dtype == np.float32
    assert np.array_equal(nearest_centre(xy, marks, which), kinds)


def test_a_landmark_takes_its_own_place_and_a_place_depends_on_the_cell_alone() -> None:
    vectors, _ = clusters(100)
    marks = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    themap = LandmarkMap(vectors, marks)
    np.testing.assert_allclose(themap.places(vectors), marks, atol=1e-5)
    more, _ = clusters(64, seed=3)
    whole = themap.places(more)
    for size in (1, 7):
        parts = [themap.places(more[start : start + size]) for start in range(0, 64, size)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 11])
def test_few_cells_are_drawn_without_a_fit(n: int) -> None:
    vectors, _ = clusters(n)
    places = fit_places(vectors, 0)
    assert places.shape == (n, 2) and np.isfinite(places).all()
    assert LandmarkMap(vectors, places).places(vectors).shape == (n, 2)


def test_a_fit_runs_in_a_process_of_its_own() -> None:
    vectors, which = clusters(60)
    fit = Fit(vectors, seed=0, threads=1)
    assert fit.wait(LONG)
    places = fit.places()
    assert places.shape == (60, 2) and np.array_equal(nearest_centre(places, places, which), which)


def test_a_fit_outlives_an_interrupt_of_the_kernel() -> None:
    fit = Fit(clusters(60)[0], seed=0, threads=1)
    status = Path(f"/proc/{fit._process.pid}/status")

    def deaf() -> bool:
        ignored = next(line for line in status.read_text().splitlines() if line.startswith("SigIgn"))
        return bool(int(ignored.split()[1], 16) >> (signal.SIGINT - 1) & 1)

    while not deaf():
        assert not fit.wait(0.01), "it never came to ignore interrupts"
    fit._process.send_signal(signal.SIGINT)
    assert fit.wait(LONG)
    assert fit.places().shape == (60, 2)


def test_a_fit_that_breaks_says_why() -> None:
    fit = Fit(np.zeros(3, dtype=np.float32), seed=0, threads=1)  # one axis too few
    assert fit.wait(LONG)
    with pytest.raises(FitFailed, match="Error"):
        fit.places()


def test_a_fit_can_be_killed() -> None:
    fit = Fit(clusters(500)[0], seed=0, threads=1)
    fit.kill()
    assert fit.wait(0) and fit._process.returncode != 0


def test_landmarks_are_a_seeded_sample_from_all_over() -> None:
    first = UmapLayout(landmarks=320).first(10_000)
    rows = np.concatenate([np.array(part) for part in first])
    assert first == UmapLayout(landmarks=320).first(10_000) != UmapLayout(landmarks=320, seed=1).first(10_000)
    assert len(rows) == len(np.unique(rows)) == 320 and (np.diff(rows) > 0).all()
    assert rows.max() < 10_000 and np.histogram(rows, 4, (0, 10_000))[0].min() > 15
    assert UmapLayout(landmarks=320).first(320) == []


class FakeFit:
    """A fit that ends when it is let, with the first two numbers of each vector for places."""

    made: list[FakeFit]

    def __init__(self, vectors: np.ndarray, *, seed: int, threads: int) -> None:
        self.vectors, self.ended, self.killed = vectors, threading.Event(), False
        self.made.append(self)

    def wait(self, seconds: float) -> bool:
        return self.ended.wait(seconds)

    def places(self) -> np.ndarray:
        return self.vectors[:, :2].copy()

    def kill(self) -> None:
        self.killed = True


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[FakeFit]:
    monkeypatch.setattr(FakeFit, "made", [], raising=False)
    monkeypatch.setattr(umap_module, "Fit", FakeFit)
    return FakeFit.made


class NoMap(FakeEngine):
    def run(self, batch: Any) -> ResultBatch:
        result = super().run(batch)
        del result.outputs["xy"]
        return result


def run_with(layout: UmapLayout, n: int, engine: FakeEngine | None = None) -> Run:
    run = Run(cells_of(dataset(n)), InKernel(engine or NoMap(), batch_size=16), Results(n, CLASSES), layout)
    run.start()
    return run


def test_landmarks_run_first_and_the_others_stream_onto_the_map(fits: list[FakeFit]) -> None:
    gate = Gate()
    layout = UmapLayout(landmarks=64)
    run = run_with(layout, 400, NoMap(gate))
    gate.await_batch()
    while not fits:
        gate.let(1)
        gate.await_batch()
    assert len(fits) == 1 and len(fits[0].vectors) == 64
    assert run.results.counts == (64, 0, 0), "the fit begins with the last landmark"
    fits[0].ended.set()
    gate.let(1)
    gate.await_batch()
    assert run.results.counts[2] == run.results.counts[0] > 64
    gate.open()
    run.wait(LONG)
    assert run.results.counts == (400, 0, 400) and run.state()["notes"] == []


def test_a_fit_that_takes_longer_than_the_run_is_waited_for(fits: list[FakeFit]) -> None:
    run = run_with(UmapLayout(), 50)
    with pytest.raises(TimeoutError):
        run.wait(0.5)
    assert run.state()["phase"] == "fitting the layout" and run.results.counts == (50, 0, 0)
    fits[0].ended.set()
    run.wait(LONG)
    assert run.results.counts == (50, 0, 50)


def test_a_stop_kills_the_fit_and_going_on_begins_it_again(fits: list[FakeFit]) -> None:
    run = run_with(UmapLayout(), 50)
    with pytest.raises(TimeoutError):
        run.wait(0.5)
    run.stop()
    run.wait(LONG)
    assert fits[0].killed and run.status == "stopped"
    run.resume()
    with pytest.raises(TimeoutError):
        run.wait(0.5)
    fits[1].ended.set()
    run.wait(LONG)
    assert run.results.counts == (50, 0, 50)


def test_labels_are_kept_when_the_fit_fails(fits: list[FakeFit], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: FakeFit) -> np.ndarray:
        raise FitFailed("numba gave up")

    monkeypatch.setattr(FakeFit, "places", fails)
    monkeypatch.setattr(FakeFit, "wait", lambda *_: True)
    run = run_with(UmapLayout(), 50)
    run.wait(LONG)
    assert run.results.counts == (50, 0, 0) and run.status == "done"
    assert run.state()["notes"] == ["The layout could not be fitted, labels are kept: numba gave up"]


def test_a_basis_places_all_cells_before_the_first_is_labelled() -> None:
    adata, gate = dataset(40), Gate()
    adata.obsm["X_umap"] = np.ones((40, 2))
    run = Run(cells_of(adata), InKernel(NoMap(gate)), Results(40, CLASSES), ExistingBasis(adata, "umap"))
    run.start()
    gate.await_batch()
    assert run.results.counts == (0, 0, 40)
    gate.open()
    run.wait(LONG)
