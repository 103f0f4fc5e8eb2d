"""SIMS models become bundles: the same one from a checkpoint and from its export, and as the published code answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

import cellwidget as cw
from cellwidget.bundle import Bundle
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.sims_checkpoint import read_checkpoint
from cellwidget.convert.sims_onnx import read_onnx
from cellwidget.convert.tabnet import OUTPUTS, TabNet, mlp_graph, tabnet_graph

from .checkpoint_cases import checkpoint, distilled_cells, state_of
from .export_cases import Export, renamed
from .sims_cases import FULL, adata_of
from .tabnet_cases import feed, golden, log1p_10k, random_counts, random_net, reference, run, session
from .torch_cases import FOLDED, Raw, label_encoder

REPOSITORY = Path(__file__).parents[2]
TINY = REPOSITORY / "tests/data/sims"
NETWORKS: dict[str, dict[str, Any]] = {
    "as published": {},
    "one step": {"steps": 1},
    "five steps": {"steps": 5},
    "wide": {"n_d": 32, "n_a": 32},
    "narrow": {"n_d": 1, "n_a": 1},
    "two classes": {"n_classes": 2},
    "one class": {"n_classes": 1},
    "as many genes as a layer has numbers": {"n_genes": 20},
    "nothing shared": {"shared": 0, "own": 2},
    "all shared": {"shared": 3, "own": 0},
    "one layer": {"shared": 1, "own": 0},
    "entmax": {"mask": "entmax"},
}


def assert_same(got: TabNet, expected: TabNet) -> None:
    """Hold what two networks answer against each other."""
    n_genes = expected.initial.scale.size
    inputs = feed(random_counts(5, 7, n_genes))
    one, other = (run(session(tabnet_graph(net)), inputs, n_genes) for net in (got, expected))
    for name in ("logits", "embedding", "attention", "attention_weighted"):
        largest = max(1.0, np.abs(other[name]).max())
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=2e-4 * largest, err_msg=name)


# ── files as they are ────────────────────────────────────────────────────────────────────────────


def test_checkpoint_and_export_give_one_graph() -> None:
    of_checkpoint, of_export = read_checkpoint(TINY / "tiny.ckpt"), read_onnx(TINY / "tiny.onnx")
    assert tabnet_graph(of_checkpoint.net) == tabnet_graph(of_export)
    assert len(of_checkpoint.genes) == 24
    assert of_checkpoint.classes[::9] == ["CD14+ Monocyte", "Dendritic"]
    assert of_export.temperature == 1.5 and of_export.gamma == 1.3


def test_names_in_an_export_do_not_matter(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(renamed((TINY / "tiny.onnx").read_bytes()))
    assert tabnet_graph(read_onnx(other)) == tabnet_graph(read_onnx(TINY / "tiny.onnx"))


def test_a_checkpoint_becomes_a_bundle(tmp_path: Path) -> None:
    made = cw.convert.sims(TINY / "tiny.ckpt", tmp_path / "out", values="log1p_10k", organism="Homo sapiens")
    bundle = Bundle.load(made)
    manifest = bundle.manifest
    assert (manifest.name, manifest.family, manifest.organism) == ("tiny", "SIMS", "Homo sapiens")
    assert (manifest.values, manifest.trained_on, manifest.input) == ("counts", "log1p_10k", "sparse")
    assert manifest.inputs == ["genes", "counts", "total"] and manifest.outputs == list(OUTPUTS)
    assert manifest.gene_id_type == "symbol"
    assert manifest.source["sha256"] == hashlib.sha256((TINY / "tiny.ckpt").read_bytes()).hexdigest()
    assert "SIMS" in manifest.citation


def test_a_checkpoint_with_its_training_cells_gets_a_map_and_a_reference(tmp_path: Path) -> None:
    cells = cw.datasets.pbmc_heldout()
    made = cw.convert.sims(
        TINY / "tiny.ckpt", tmp_path / "out", values="log1p_10k", reference=cells, labels="bulk_labels"
    )
    bundle = Bundle.load(made)
    reference = bundle.reference()
    assert bundle.umap_path is not None and reference is not None and reference.truth is not None
    assert len(reference.xy) == cells.n_obs


@pytest.mark.parametrize(("values", "host"), [("counts", "counts"), ("as_is", "as_is")])
def test_values_that_are_not_normalised(tmp_path: Path, values: str, host: str) -> None:
    manifest = Bundle.load(cw.convert.sims(TINY / "tiny.ckpt", tmp_path, values=values)).manifest
    assert (manifest.values, manifest.trained_on) == (host, values)
    assert manifest.inputs == ["genes", "counts"]


@pytest.mark.parametrize("values", [None, "log1p"])
def test_what_it_was_trained_on_must_be_said(tmp_path: Path, values: Any) -> None:
    with pytest.raises(ConvertError, match=r"'counts' \(raw counts\), 'log1p_10k' .* or 'as_is'"):
        cw.convert.sims(TINY / "tiny.ckpt", tmp_path, values=values)


# ── the published code's answers ─────────────────────────────────────────────────────────────────


def assert_golden(model: cw.Model, adata: ad.AnnData, answers: dict[str, np.ndarray]) -> None:
    got = model.predict(adata)
    odds = np.exp(got["logits"] - got["logits"].max(axis=1, keepdims=True))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    expected = np.exp(answers["torch_logits"] - answers["torch_logits"].max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    order = np.argsort(-got["logits"], axis=1)[:, :3]
    np.testing.assert_array_equal(order, answers["torch_topk_indices"])
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(got["logits"], answers["torch_logits"], atol=1e-3)
    np.testing.assert_allclose(got["embedding"], answers["torch64_encoding"], atol=1e-3)
    np.testing.assert_allclose(got["attention"].toarray(), answers["torch64_attention"], atol=1e-4)
    if "torch_explain" in answers:
        np.testing.assert_allclose(got["attention_weighted"].toarray(), answers["torch_explain"], atol=1e-4)


def test_cells_get_the_published_codes_answers(tmp_path: Path) -> None:
    adata, arrays = distilled_cells()
    names = {"genes": arrays["model_genes"].tolist(), "label_encoder": label_encoder(arrays["classes"].tolist())}
    written = checkpoint(tmp_path / "a.ckpt", golden().net, **names)
    assert_golden(cw.load_model(cw.convert.sims(written, tmp_path / "out", values="log1p_10k")), adata, arrays)


@pytest.mark.skipif(not FULL.is_dir(), reason="the full fixtures are not here")
def test_all_golden_cells_get_the_published_codes_answers(tmp_path: Path) -> None:
    with np.load(FULL / "golden_public.npz") as file:
        arrays = dict(file)
    made = cw.convert.sims(FULL / "sims-pbmc68k-small.ckpt", tmp_path, values="log1p_10k")
    assert_golden(cw.load_model(made), adata_of(FULL / "golden_public.npz"), arrays)


# ── any network ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NETWORKS)
def test_checkpoints_of_any_network(name: str, tmp_path: Path) -> None:
    net = random_net(1, **NETWORKS[name])
    written = checkpoint(tmp_path / "a.ckpt", net, shared=NETWORKS[name].get("shared", 2))
    made = cw.load_model(cw.convert.sims(written, tmp_path / "out", values="log1p_10k"))
    counts = random_counts(1, 6, net.initial.scale.size)
    adata = ad.AnnData(sp.csr_matrix(counts))
    adata.var_names = made.genes
    got, expected = made.predict(adata), reference(net, log1p_10k(counts))
    np.testing.assert_allclose(got["logits"], expected["logits"], atol=1e-3 * np.abs(expected["logits"]).max())
    for attention in ("attention", "attention_weighted"):
        largest = max(1.0, expected[attention].max())
        np.testing.assert_allclose(got[attention].toarray(), expected[attention], atol=2e-4 * largest)


@pytest.mark.parametrize("dialect", ["matmul", "gemm", "folded", "grouped"])
@pytest.mark.parametrize("name", NETWORKS)
def test_exports_of_any_network(name: str, dialect: str, tmp_path: Path) -> None:
    net = random_net(2, **NETWORKS[name])
    path = tmp_path / "a.onnx"
    path.write_bytes(renamed(Export(net, dialect).write()))
    assert_same(read_onnx(path), net)


def test_a_gene_without_scale_is_seen_by_its_shift(tmp_path: Path) -> None:
    net = random_net(3, steps=2)
    scale = net.initial.scale.copy()
    scale[[0, 5, 69]] = 0
    net = replace(net, initial=replace(net.initial, scale=scale))
    got = read_checkpoint(checkpoint(tmp_path / "a.ckpt", net)).net
    counts = random_counts(3, 5)
    outputs = run(session(tabnet_graph(got)), feed(counts), 70)
    np.testing.assert_allclose(outputs["logits"], reference(net, log1p_10k(counts))["logits"], atol=1e-3)


# ── what cannot be converted ─────────────────────────────────────────────────────────────────────

SMALL = random_net(0, 6, steps=2)


def without(name: str) -> dict[str, Any]:
    return {"state": {key: value for key, value in state_of(SMALL).items() if not key.startswith(name)}}


def altered(name: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    state = state_of(SMALL)
    return {"state": state | {name: change(state[name])}}


def nan(array: np.ndarray) -> np.ndarray:
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array).astype(array.dtype)


ATTENTION = "network.tabnet.encoder.att_transformers.1"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no genes": ({"genes": []}, r"names no genes.*genes=\["),
    "genes that are no list": ({"genes": "GENE1"}, "names no genes"),
    "no label encoder": ({"label_encoder": 3}, r"no label encoder.*classes=\["),
    "too few genes": ({"genes": ["A", "B"]}, "names 2 genes, its weights are of 6"),
    "repeated genes": ({"genes": ["A", "B", "A", "D", "E", "F"]}, "names the gene 'A' 2 times"),
    "a gene of two lines": ({"genes": ["A\nB", "B", "C", "D", "E", "F"]}, r"a gene of the name 'A\\nB'"),
    "too few classes": ({"label_encoder": label_encoder(["a"])}, "names 1 classes, its weights tell 5 apart"),
    "repeated classes": ({"label_encoder": label_encoder(["a", "b", "a", "c", "d"])}, "names the class 'a' 2 times"),
    "another number of steps": ({"n_steps": 3}, "says n_steps 3, but has the weights of 2"),
    "no steps": (without("network.tabnet.encoder.att"), "has the weights of 0"),
    "a missing weight": (without(f"{ATTENTION}.bn.bn.bias"), rf"lacks {ATTENTION}\.bn\.bn\.bias"),
    "no last layer": (without("network.tabnet.final_mapping"), r"lacks network\.tabnet\.final_mapping\.weight"),
    "no first layer": (without("network.tabnet.encoder.initial_splitter"), "lacks .*initial_splitter.*shared"),
    "unknown weights": (
        {"state": state_of(SMALL) | {"decoder.weight": np.zeros(3, np.float32)}},
        "1 weights that SIMS does not know, 'decoder.weight' the first",
    ),
    "NaN": (altered(f"{ATTENTION}.fc.weight", nan), rf"{ATTENTION}\.fc\.weight holds NaN"),
    "a weight of another shape": (
        altered(f"{ATTENTION}.fc.weight", lambda array: array[:, :2]),
        r"attention of step 2 are \(6, 2\), the rest of the model needs \(6, 4\)",
    ),
    "a norm of another shape": (altered(f"{ATTENTION}.bn.bn.bias", lambda array: array[:2]), "do not fit each other"),
    "no temperature above 0": (altered("temperature", np.zeros_like), "temperature is 0.0, it must be above 0"),
    "groups of genes": ({"grouped_features": [[0, 1], [2]]}, "groups of genes"),
    "categories": ({"cat_idxs": [1]}, "embeds categories"),
    "another mask": ({"mask_type": "softmax"}, "mask_type 'softmax' is not known"),
    "no gamma": ({"gamma": "x"}, "says gamma x"),
    "endless gamma": ({"gamma": float("inf")}, "says gamma inf"),
    "a last layer without axes": (
        altered("network.tabnet.final_mapping.weight", lambda array: np.array(array[0, 0])),
        r"is of shape \(\), not any x any",
    ),
    "attention without axes": (
        altered(f"{ATTENTION}.fc.weight", lambda array: array[0]),
        r"is of shape \(4,\), not any x any",
    ),
    "several temperatures": (altered("temperature", lambda array: np.repeat(array, 2)), r"temperature is \(2,\)"),
    "weights without a name": ({"state": {7: np.zeros(1, np.float32)}}, "whose names are no text"),
    "groups that are none": ({"grouped_features": 3, "gamma": "x"}, "says gamma x"),
    "a gene that takes for ever": ({"genes": [Raw(FOLDED)]}, "names a gene by a tuple"),
    "a class that takes for ever": ({"label_encoder": label_encoder([Raw(FOLDED)])}, "names a class by a tuple"),
    "steps that take for ever": ({"n_steps": Raw(FOLDED)}, "says n_steps a tuple"),
    "a mask that takes for ever": ({"mask_type": Raw(FOLDED)}, "mask_type 'a tuple'"),
    "gamma that takes for ever": ({"gamma": Raw(FOLDED)}, "says gamma a tuple"),
}


@pytest.mark.parametrize("name", BAD)
def test_checkpoints_that_cannot_be_converted_are_told_why(name: str, tmp_path: Path) -> None:
    settings, match = BAD[name]
    written = checkpoint(tmp_path / "a.ckpt", SMALL, **settings)
    with pytest.raises(ConvertError, match=match):
        cw.convert.sims(written, tmp_path / "out", values="counts")
    assert not (tmp_path / "out").exists()


def test_names_may_be_given_where_a_checkpoint_has_none(tmp_path: Path) -> None:
    written = checkpoint(tmp_path / "a.ckpt", SMALL, genes=[], label_encoder=0)
    genes, classes = [f"ENSG0000000000{number}" for number in range(6)], list("abcde")
    bundle = Bundle.load(cw.convert.sims(written, tmp_path / "out", values="counts", genes=genes, classes=classes))
    assert bundle.genes == genes and bundle.classes == classes and bundle.manifest.gene_id_type == "Ensembl id"


def test_single_groups_are_no_groups(tmp_path: Path) -> None:
    assert read_checkpoint(checkpoint(tmp_path / "a.ckpt", SMALL, grouped_features=[[0], [3]])).genes


def test_files_that_are_no_models(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "none.ckpt"):
        with pytest.raises(ConvertError, match="neither a checkpoint nor a sims-web folder"):
            cw.convert.sims(source, tmp_path / "out", values="counts")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"hello", "cannot be read"),
        (tabnet_graph(SMALL), "does not scale cells to a length of 1"),
    ],
)
def test_exports_of_other_networks_are_told_why(data: bytes, match: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with pytest.raises(ConvertError, match=match):
        read_onnx(path)


def test_what_is_read_is_held_against_the_export(tmp_path: Path) -> None:
    """An export that does something else between the layers has the same weights and other labels."""
    net = random_net(5, 8, steps=2)

    class Other(Export):
        def _transformed(self, x: str, layers: Any) -> str:
            return self.graph.op("Relu", super()._transformed(x, layers))

    path = tmp_path / "a.onnx"
    path.write_bytes(Other(net).write())
    with pytest.raises(ConvertError, match="what was read gives other labels"):
        read_onnx(path)


# ── sims-web folders ─────────────────────────────────────────────────────────────────────────────


def web_folder(folder: Path) -> Path:
    """A folder of one model, with a map by each generation of parametric UMAP and with training cells."""
    model = read_checkpoint(TINY / "tiny.ckpt")
    folder.mkdir()
    (folder / "a.onnx").write_bytes(
        renamed((TINY / "tiny.onnx").read_bytes(), keep=("logits", "encoding", "attention"))
    )
    (folder / "a.genes").write_text("\n".join(model.genes))
    (folder / "a.classes").write_text("\n".join(model.classes))
    (folder / "a.json").write_text(json.dumps({"id": "a", "title": "A title", "doi": "10.1/x"}))
    rng = np.random.default_rng(0)
    xy, codes = rng.normal(size=(12, 2)).astype("<f4"), rng.integers(0, 10, 12)
    np.column_stack([xy, codes]).astype("<f4").tofile(folder / "a-mappings.bin")
    np.save(folder / "a-encodings.npy", rng.normal(size=(12, 8)).astype(np.float32))
    layers = [(rng.normal(size=(8, 2)).astype(np.float32), np.zeros(2, np.float32))]
    umap = renamed(mlp_graph(layers))
    (folder / "a-pumap.onnx").write_bytes(umap)
    return folder


@pytest.mark.parametrize("given", ["", "a", "a.onnx"])
def test_a_folder_becomes_the_bundle_of_its_checkpoint(tmp_path: Path, given: str) -> None:
    folder = web_folder(tmp_path / "web")
    made = Bundle.load(cw.convert.sims(folder / given, tmp_path / "out", values="log1p_10k"))
    of_checkpoint = Bundle.load(cw.convert.sims(TINY / "tiny.ckpt", tmp_path / "other", values="log1p_10k"))
    assert made.model_path.read_bytes() == of_checkpoint.model_path.read_bytes()
    assert (made.genes, made.classes) == (of_checkpoint.genes, of_checkpoint.classes)
    assert (made.manifest.name, made.manifest.title, made.manifest.citation) == (
        "a",
        "A title",
        "https://doi.org/10.1/x",
    )
    training = made.reference()
    assert training is not None and training.embedding is not None
    assert training.xy.shape == (12, 2) and training.embedding.shape == (12, 8)


def test_the_folders_map_comes_along(tmp_path: Path) -> None:
    folder = web_folder(tmp_path / "web")
    made = cw.load_model(cw.convert.sims(folder, tmp_path / "out", values="log1p_10k"))
    umap = session((made.bundle.folder / "umap.onnx").read_bytes())
    assert [node.name for node in (*umap.get_inputs(), *umap.get_outputs())] == ["embedding", "xy"]
    adata = ad.AnnData(sp.csr_matrix(random_counts(0, 5, 24)))
    adata.var_names = made.genes
    got = made.predict(adata)
    as_it_was = session((folder / "a-pumap.onnx").read_bytes())
    expected = as_it_was.run(None, {as_it_was.get_inputs()[0].name: got["embedding"]})[0]
    np.testing.assert_allclose(got["xy"], expected, atol=1e-5)


@pytest.mark.skipif(not FULL.is_dir(), reason="the full fixtures are not here")
def test_the_published_folder_becomes_the_bundle_of_its_checkpoint(tmp_path: Path) -> None:
    made = Bundle.load(cw.convert.sims(FULL / "sims-pbmc68k-small", tmp_path / "web", values="log1p_10k"))
    path = cw.convert.sims(FULL / "sims-pbmc68k-small.ckpt", tmp_path / "ckpt", values="log1p_10k")
    assert made.model_path.read_bytes() == Bundle.load(path).model_path.read_bytes()
    training = made.reference()
    assert training is not None and training.embedding is not None and training.truth is not None
    assert len(training.xy) == len(training.embedding) == 576
    umap = session((made.folder / "umap.onnx").read_bytes())
    mapped = umap.run(["xy"], {"embedding": training.embedding})[0]
    np.testing.assert_allclose(mapped, training.xy, atol=1e-4)


def test_training_cells_may_be_given(tmp_path: Path) -> None:
    folder = web_folder(tmp_path / "web")
    adata = ad.AnnData(sp.csr_matrix(random_counts(0, 9, 24)))
    adata.var_names = (folder / "a.genes").read_text().split("\n")
    adata.obs["celltype"] = ["Dendritic", "unheard of", "CD34+"] * 3
    made = cw.convert.sims(folder, tmp_path / "out", values="log1p_10k", reference=adata, labels="celltype")
    training = Bundle.load(made).reference()
    assert training is not None and training.embedding is not None and training.truth is not None
    assert training.embedding.shape == (9, 8)
    assert training.truth.tolist() == [9, -1, 2] * 3
