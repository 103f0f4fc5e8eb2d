"""The packaged model: small, as good as its manifest says, and indifferent to genes that it does not know."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

import cellwidget as cw
from cellwidget.bundle import Bundle
from cellwidget.registry import resolve

REPOSITORY = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", REPOSITORY.parent / "shared" / "fixtures"))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(resolve("pbmc"))


@pytest.fixture(scope="module")
def model() -> cw.Model:
    return cw.load_model("pbmc")


@pytest.fixture(scope="module")
def held() -> ad.AnnData:
    return cw.datasets.pbmc_heldout()


def best(model: cw.Model, adata: ad.AnnData) -> np.ndarray:
    return np.array(model.classes)[model.predict(adata, ["logits"])["logits"].argmax(axis=1)]


def counted(confusion: dict[str, dict[str, int]]) -> dict[tuple[str, str], int]:
    return {(true, label): count for true, row in confusion.items() for label, count in row.items()}


def pairs(truth: Any, predicted: np.ndarray) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for pair in zip(map(str, truth), map(str, predicted), strict=True):
        found[pair] = found.get(pair, 0) + 1
    return found


def test_is_small_and_whole(bundle: Bundle) -> None:
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) < 2_000_000
    assert len(bundle.classes) == 10
    assert bundle.colors is not None
    assert len(set(bundle.colors)) == 10
    assert bundle.umap_path is not None


def test_map_has_every_training_cell_of_every_class(bundle: Bundle) -> None:
    reference = bundle.reference()
    assert reference is not None
    of = bundle.manifest.training["cells_by_label"]
    assert np.bincount(reference.label, minlength=10).tolist() == [of[label] for label in bundle.classes]


def test_held_out_cells_are_counts_of_cells_that_are_named_nowhere_else(held: ad.AnnData, bundle: Bundle) -> None:
    assert sp.issparse(held.X)
    assert np.issubdtype(held.X.dtype, np.integer)
    assert held.X.min() >= 0
    assert held.X.sum(axis=1).min() > 0
    assert held.obs_names.is_unique
    assert held.n_obs == bundle.manifest.training["held_out"]["cells"]
    assert set(held.obs["bulk_labels"]) == set(bundle.classes)
    assert "10x Genomics" in held.uns["source"]


def test_held_out_figures_are_those_of_the_manifest(model: cw.Model, held: ad.AnnData, bundle: Bundle) -> None:
    told = bundle.manifest.training["held_out"]
    found = best(model, held)
    assert pairs(held.obs["bulk_labels"], found) == counted(told["confusion"])
    assert (found == held.obs["bulk_labels"].to_numpy()).mean() == pytest.approx(told["accuracy"], abs=1e-4)
    assert told["accuracy"] > 0.75


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the full fixtures are not here")
def test_pbmc3k_figures_are_those_of_the_manifest(model: cw.Model, bundle: Bundle) -> None:
    adata = ad.read_h5ad(FIXTURES / "cells" / "pbmc3k-100-counts.h5ad")
    assert pairs(adata.obs["louvain"], best(model, adata)) == counted(bundle.manifest.training["pbmc3k"]["confusion"])


def test_genes_filtered_beforehand_change_nothing(model: cw.Model, held: ad.AnnData) -> None:
    rng = np.random.default_rng(0)
    others = sp.csr_matrix(rng.poisson(3.0, (held.n_obs, 300)).astype(np.int32))
    names = [*held.var_names, *(f"OTHER{number}" for number in range(300))]
    more = ad.AnnData(sp.hstack([held.X, others], format="csr"), obs=held.obs)
    more.var_names = names
    expected, found = model.predict(held), model.predict(more)
    for name in ("logits", "embedding", "xy"):
        np.testing.assert_array_equal(found[name], expected[name])


def test_order_of_genes_changes_nothing(model: cw.Model, held: ad.AnnData) -> None:
    turned = held[:, ::-1].copy()
    expected, found = model.predict(held), model.predict(turned)
    for name in ("logits", "embedding", "xy"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-4)


def test_map_places_cells_among_training_cells_of_their_label(
    model: cw.Model, held: ad.AnnData, bundle: Bundle
) -> None:
    """Of a cell's ten nearest training cells on the map most have the label that it gets."""
    reference = bundle.reference()
    assert reference is not None
    told = model.predict(held, ["logits", "xy"])
    distances = np.linalg.norm(told["xy"][:, None] - reference.xy[None], axis=2)
    around = reference.label[np.argsort(distances, axis=1)[:, :10]]
    agree = (around == told["logits"].argmax(axis=1)[:, None]).mean()
    assert agree > 0.7


def test_known_genes_carry_the_labels(model: cw.Model, held: ad.AnnData) -> None:
    """The steps look at a few genes, and at markers among them."""
    attention = model.predict(held, ["attention"])["attention"]
    assert np.diff(attention.indptr).max() < 200
    looked_at = np.asarray(attention.sum(axis=0)).ravel()
    top = {model.genes[column] for column in np.argsort(-looked_at)[:60]}
    assert top & {"CD79A", "CD79B", "NKG7", "GNLY", "LYZ", "CST3", "CD3D", "CD3E", "CD8B", "FCER1A", "MS4A1", "CD74"}


def test_page_tells_the_figures_of_the_manifest(bundle: Bundle) -> None:
    page = (REPOSITORY / "docs" / "pbmc-model.md").read_text("utf-8")
    for part in ("held_out", "pbmc3k"):
        figure = bundle.manifest.training[part]["accuracy"]
        assert re.search(rf"\*\*{figure * 100:.1f} %\*\*", page)


def test_table_of_labels_knows_both_sides(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    from pbmc.evaluate import LINEAGES, PBMC3K, figures

    assert {label for labels in PBMC3K.values() for label in labels} <= set(bundle.classes)
    assert sorted(label for labels in LINEAGES.values() for label in labels) == sorted(bundle.classes)
    found = figures(["B cells", "NK cells"], ["CD19+ B", "CD8+ Cytotoxic T"], PBMC3K)
    assert (found["accuracy"], found["accuracy_by_lineage"]) == (0.5, 1.0)
    assert found["confusion"] == {"B cells": {"CD19+ B": 1}, "NK cells": {"CD8+ Cytotoxic T": 1}}


def test_knows_its_training_cells_and_which_cells_are_unlike_them(bundle: Bundle, held: ad.AnnData) -> None:
    reference = bundle.reference()
    assert reference is not None and reference.embedding is not None
    assert len(reference.embedding) == bundle.manifest.training["cells"]
    own, foreign = held.copy(), held.copy()
    foreign.X = held.X[:, np.random.default_rng(0).permutation(held.n_vars)]
    for adata in (own, foreign):
        cw.annotate(adata, progress=False)
    flagged = own.obs["cellwidget_unlike_training"].to_numpy()
    right = (own.obs["cellwidget_label"].astype(str) == own.obs["bulk_labels"].astype(str)).to_numpy()
    assert right[flagged].mean() < 0.7 and right[~flagged].mean() > 0.9
    assert foreign.obs["cellwidget_unlike_training"].mean() > 2 * flagged.mean()
