"""Maps that are learnt: they keep neighbours, come out the same again, and join their bundle whole or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pytest
from sklearn.manifold import trustworthiness

import cellwidget as cw
from cellwidget.bundle import Bundle
from cellwidget.cells import InputError
from cellwidget.convert.map_net import Scale, imitate, places, unscaled
from cellwidget.convert.reference_map import npz
from cellwidget.rebundle import rewrite

from .engine_cases import GENES, dataset
from .tiny_graphs import WIDTH, write_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def held() -> ad.AnnData:
    return cw.datasets.pbmc_heldout()


@pytest.fixture(scope="module")
def trained() -> np.ndarray:
    """Embedding of the cells that the packaged model was trained on: small and real."""
    reference = cw.load_model("pbmc").bundle.reference()
    assert reference is not None and reference.embedding is not None
    return reference.embedding


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A copy of the packaged model without a map."""
    folder = cw.load_model("pbmc").save(tmp_path / "own")
    return rewrite(Bundle.load(folder), folder, files={"umap.onnx": None, "reference.npz": None})


def test_a_map_of_real_cells_keeps_neighbours_and_is_used_from_then_on(
    own: Path, held: ad.AnnData, trained: np.ndarray
) -> None:
    assert cw.convert.parametric_umap(own, embedding=trained, progress=False) == own
    model = cw.load_model(own)
    told = model.predict(held, ["embedding", "xy"])
    assert told["xy"].shape == (held.n_obs, 2) and np.isfinite(told["xy"]).all()
    assert trustworthiness(told["embedding"], told["xy"], n_neighbors=10) > 0.9  # cells that it was not learnt from
    cw.annotate(held.copy(), own, progress=False)


def test_the_reference_holds_the_cells_where_the_map_puts_them(own: Path, held: ad.AnnData) -> None:
    cw.convert.parametric_umap(own, held, labels="bulk_labels", progress=False)
    model = cw.load_model(own)
    told, reference = model.predict(held), model.bundle.reference()
    assert reference is not None and reference.embedding is not None and reference.truth is not None
    np.testing.assert_allclose(reference.embedding, told["embedding"], atol=1e-6)
    np.testing.assert_allclose(reference.xy, told["xy"], atol=1e-4 * np.abs(told["xy"]).max())
    np.testing.assert_array_equal(reference.label, told["logits"].argmax(axis=1))
    assert [model.classes[code] for code in reference.truth] == held.obs["bulk_labels"].tolist()
    assert trustworthiness(told["embedding"], told["xy"], n_neighbors=10) > 0.93


def test_the_same_seed_makes_the_same_map_and_another_one_another(own: Path, held: ad.AnnData) -> None:
    def made(seed: int) -> bytes:
        cw.convert.parametric_umap(own, held, seed=seed, overwrite=True, progress=False)
        return (own / "umap.onnx").read_bytes()

    first = made(0)
    assert made(0) == first != made(1)


def test_a_layout_that_is_there_is_imitated(own: Path, held: ad.AnnData) -> None:
    adata = held.copy()
    embedding = cw.load_model(own).predict(adata, ["embedding"])["embedding"]
    adata.obsm["X_umap"] = np.column_stack(
        [embedding[:, :3].sum(axis=1) * 4 + 100, np.square(embedding[:, 4:6]).sum(1)]
    )
    cw.convert.parametric_umap(own, adata, basis="umap", progress=False)
    xy, wanted = cw.load_model(own).predict(adata, ["xy"])["xy"], adata.obsm["X_umap"]
    assert np.sqrt(np.square(xy - wanted).mean(axis=0)).max() < 0.1 * wanted.std()


def test_a_reference_that_is_there_is_placed_anew_or_dropped(own: Path, held: ad.AnnData, trained: np.ndarray) -> None:
    cw.convert.parametric_umap(own, held, labels="bulk_labels", progress=False)
    before = Bundle.load(own).reference()
    cw.convert.parametric_umap(own, embedding=trained[:100], overwrite=True, progress=False)
    after = Bundle.load(own).reference()
    assert before is not None and after is not None
    np.testing.assert_array_equal(after.embedding, before.embedding)
    np.testing.assert_array_equal(after.truth, before.truth)
    assert np.abs(after.xy - before.xy).max() > 0.1
    bare = npz(xy=after.xy, label=after.label)
    rewrite(Bundle.load(own), own, files={"reference.npz": bare})
    cw.convert.parametric_umap(own, embedding=trained[:100], overwrite=True, progress=False)
    assert Bundle.load(own).reference() is None


def test_more_cells_than_asked_for_are_sampled(own: Path, held: ad.AnnData) -> None:
    cw.convert.parametric_umap(own, held, cells=100, progress=False)
    reference = Bundle.load(own).reference()
    assert reference is not None and len(reference.xy) == 100
    cw.convert.parametric_umap(own, overwrite=True, progress=False)  # from the cells that the bundle has now
    again = Bundle.load(own).reference()
    assert again is not None
    np.testing.assert_array_equal(again.xy, reference.xy)


def test_a_bundle_that_is_not_ones_own_is_refused_with_the_remedy(own: Path, tmp_path: Path, held: ad.AnnData) -> None:
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", own)
    for bundle in (archive, "pbmc", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"not the folder of a bundle.*\.save"):
            cw.convert.parametric_umap(bundle, held)
    with pytest.raises(ValueError, match=r"comes with the package.*\.save"):
        cw.convert.parametric_umap(cw.load_model("pbmc").bundle.folder, held, overwrite=True)


def test_what_cannot_be_learnt_is_refused_and_leaves_the_bundle_as_it_was(tmp_path: Path) -> None:
    folder, adata = write_bundle(tmp_path / "tiny", GENES), dataset(80)
    before = Bundle.load(folder).sha256
    with pytest.raises(ValueError, match=r"has a map.*overwrite=True"):
        cw.convert.parametric_umap(folder, adata)
    again = {"overwrite": True, "progress": False}
    with pytest.raises(ValueError, match="nothing to learn a map from: give adata"):
        cw.convert.parametric_umap(folder, **again)
    with pytest.raises(ValueError, match=r"from 30 cells; it takes 50"):
        cw.convert.parametric_umap(folder, dataset(30), **again)
    with pytest.raises(InputError, match="basis='nope' is not in"):
        cw.convert.parametric_umap(folder, adata, basis="nope", **again)
    with pytest.raises(ValueError, match="give adata too"):
        cw.convert.parametric_umap(folder, basis="umap", **again)
    with pytest.raises(InputError, match=r"finite numbers \[cells, d\]"):
        cw.convert.parametric_umap(folder, embedding=np.full((60, WIDTH), np.nan), **again)
    with pytest.raises(InputError, match=rf"embedding has 9 numbers a cell, that of the model {WIDTH}"):
        cw.convert.parametric_umap(folder, embedding=np.zeros((60, 9)), **again)
    with pytest.raises(ValueError, match="not both"):
        cw.convert.parametric_umap(folder, adata, embedding=np.zeros((60, WIDTH)), **again)
    labels = write_bundle(tmp_path / "labels", GENES, umap=False, outputs=["logits"])
    with pytest.raises(ValueError, match="gives no embedding"):
        cw.convert.parametric_umap(labels, adata)
    assert Bundle.load(folder).sha256 == before


def test_scaling_is_folded_into_the_first_layer() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(200, 5)) * [1e-3, 1, 1e3, 0, 5] + [1, 0, 50, 7, -3]).astype(np.float32)
    scale = Scale.of(values)
    x = scale.apply(values)
    assert np.abs(x[:, [0, 1, 2, 4]].std(axis=0) - 1).max() < 1e-2 and not x[:, 3].any()
    layers = imitate(x, x[:, :2] * 3, seed=0)
    np.testing.assert_allclose(places(unscaled(layers, *scale), values), places(layers, x), atol=2e-3)
