"""Geneformers become bundles that rank genes as the published code does, and give what their weights say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy import sparse

import cellwidget as cw
from cellwidget.bundle import Bundle
from cellwidget.convert.errors import ConvertError
from cellwidget.engines.kernel import KernelEngine
from cellwidget.engines.sizes import most_cells
from cellwidget.genes import InputError

from .geneformer_cases import (
    HEADS,
    LAYERS,
    NEMO_FILES,
    PLACES,
    WIDTH,
    bert_state,
    bert_states,
    case,
    classified,
    gelu,
    gelu_tanh,
    hugging_face,
    megatron_last,
    megatron_state,
    nemo,
    token_dictionary,
    tokens_of,
    unpadded,
)

REPOSITORY = Path(__file__).parents[2]
FULL = Path(os.environ.get("CELLWIDGET_FIXTURES", REPOSITORY.parent / "shared/fixtures")) / "geneformer"
SPECIAL = {"V1": 2, "V2": 4}
CASE = case()
N_CELLS = len(CASE.arrays["n_counts"])


def without_specials(layout: str, hidden: np.ndarray) -> np.ndarray:
    return hidden[1:-1] if layout == "V2" else hidden


def embeddings(layout: str, state: dict[str, np.ndarray], length: int, pooling: str, layer: int) -> np.ndarray:
    hidden = [bert_states(state, tokens)[LAYERS + layer] for tokens in CASE.tokens(layout, length)]
    if pooling == "cls":
        return np.stack([cell[0] for cell in hidden])
    return np.stack([without_specials(layout, cell).mean(axis=0) for cell in hidden])


def predicted(folder: Path, adata: ad.AnnData, **more: Any) -> dict[str, Any]:
    return cw.load_model(folder).predict(adata, **more)


# ── what cells become ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("length", [None, 100])
@pytest.mark.parametrize("layout", ["V1", "V2"])
def test_genes_are_ranked_as_by_the_published_code(tmp_path: Path, layout: str, length: int | None) -> None:
    folder = hugging_face(tmp_path / "in", CASE, layout)
    out = cw.convert.geneformer(folder, tmp_path / "out", length=length)
    tokens = tokens_of(out, CASE.adata(), total="n_counts")
    assert tokens.dtype == np.int32
    assert unpadded(tokens, 0) == CASE.tokens(layout, length or PLACES)
    # which total counts are divided by cannot change the order
    np.testing.assert_array_equal(tokens_of(out, CASE.adata()), tokens)


@pytest.mark.parametrize("length", [None, 100])
def test_bionemo_puts_a_token_first(tmp_path: Path, length: int | None) -> None:
    out = cw.convert.geneformer(nemo(tmp_path / "a.nemo", CASE), tmp_path / "out", length=length)
    assert unpadded(tokens_of(out, CASE.adata()), 2) == CASE.tokens("BioNeMo", length or PLACES)


def test_equal_values_stay_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    equal = dict.fromkeys(CASE.genes, 2.0)
    folder = hugging_face(tmp_path / "in", CASE, files={"gene_median_dictionary.pkl": equal})
    out = cw.convert.geneformer(folder, tmp_path / "out", length=50)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(CASE.genes))
    counts = rng.integers(1, 4, (6, len(order))).astype(np.float32)
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs_names = [str(row) for row in range(6)]
    adata.var_names = np.array(CASE.genes)[order]
    expected = 2 + order[np.argsort(-counts, axis=1, kind="stable")[:, :50]]
    np.testing.assert_array_equal(tokens_of(out, adata), expected)


# ── what networks give ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("as_bin", [False, True])
@pytest.mark.parametrize(
    ("layout", "pooling", "layer"),
    [("V1", "mean", -1), ("V1", "mean", 0), ("V2", "cls", -1), ("V2", "cls", 0), ("V2", "mean", -1), ("V2", "mean", 0)],
)
def test_embeddings(tmp_path: Path, layout: str, pooling: str, layer: int, as_bin: bool) -> None:
    state = bert_state(len(CASE.genes) + SPECIAL[layout])
    folder = hugging_face(tmp_path / "in", CASE, layout, state=state, as_bin=as_bin)
    out = cw.convert.geneformer(folder, tmp_path / "out", pooling=pooling, layer=layer, length=120)
    got = predicted(out, CASE.adata())
    assert [*got] == ["embedding"]
    np.testing.assert_allclose(
        got["embedding"], embeddings(layout, state, 120, pooling, layer), atol=1e-5, err_msg=f"{layout} {pooling}"
    )


@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
def test_other_activations(tmp_path: Path, activation: str) -> None:
    state = bert_state(len(CASE.genes) + 2)
    folder = hugging_face(tmp_path / "in", CASE, state=state, hidden_act=activation)
    got = predicted(cw.convert.geneformer(folder, tmp_path / "out"), CASE.adata())["embedding"]
    inner = gelu if activation == "gelu" else gelu_tanh
    expected = [bert_states(state, tokens, inner=inner)[-2].mean(axis=0) for tokens in CASE.tokens("V1")]
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(("layout", "pooling"), [("V1", "mean"), ("V2", "cls")])
def test_what_is_taken_where_nothing_is_said(tmp_path: Path, layout: str, pooling: str) -> None:
    state = bert_state(len(CASE.genes) + SPECIAL[layout])
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE, layout, state=state), tmp_path / "out")
    got = predicted(out, CASE.adata())["embedding"]
    np.testing.assert_allclose(got, embeddings(layout, state, PLACES, pooling, -1), atol=1e-5)
    manifest = Bundle.load(out).manifest
    assert (manifest.family, manifest.gene_id_type, manifest.trained_on) == ("Geneformer", "Ensembl id", "counts")
    assert manifest.inputs == ["genes", "counts", "total"] and manifest.classes == []
    assert (manifest.source["layout"], manifest.source["layer"]) == (f"Hugging Face, {layout}", "-1")
    assert manifest.source["pooling"] == pooling and len(manifest.source["sha256"]) == 64


@pytest.mark.parametrize("layer", [None, -1])
@pytest.mark.parametrize("layout", ["V1", "V2"])
def test_classifiers_give_labels(tmp_path: Path, layout: str, layer: int | None) -> None:
    state = bert_state(len(CASE.genes) + SPECIAL[layout], classes=3)
    said = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a", "1": "b", "2": "c"}}
    folder = hugging_face(tmp_path / "in", CASE, layout, state=state, **said)
    out = cw.convert.geneformer(folder, tmp_path / "out", layer=layer)
    got = predicted(out, CASE.adata(), outputs=["logits", "embedding"])
    last = [bert_states(state, tokens)[-1] for tokens in CASE.tokens(layout)]
    np.testing.assert_allclose(got["logits"], [classified(state, cell) for cell in last], atol=1e-5)
    pooling = "cls" if layout == "V2" else "mean"
    np.testing.assert_allclose(got["embedding"], embeddings(layout, state, PLACES, pooling, layer or 0), atol=1e-5)
    assert cw.load_model(out).classes == ["a", "b", "c"]


@pytest.mark.parametrize(("settings", "tanh"), [("", True), ("bias_activation_fusion: false\n", False)])
def test_bionemo(tmp_path: Path, settings: str, tanh: bool) -> None:
    state = megatron_state(-(-(len(CASE.genes) + 5) // 128) * 128)
    archive = nemo(tmp_path / "a.nemo", CASE, state=state, settings=settings)
    expected = [megatron_last(state, tokens, tanh=tanh)[1:].mean(axis=0) for tokens in CASE.tokens("BioNeMo")]
    for source in (archive, archive.with_suffix("")):
        out = cw.convert.geneformer(source, tmp_path / f"out of {source.name}")
        np.testing.assert_allclose(predicted(out, CASE.adata())["embedding"], expected, atol=1e-5)
    assert Bundle.load(out).inputs == {"genes", "counts"}


@pytest.mark.parametrize("layout", ["V1", "V2", "BioNeMo"])
def test_a_cell_gets_the_same_in_any_batch(tmp_path: Path, layout: str) -> None:
    source = nemo(tmp_path / "in.nemo", CASE) if layout == "BioNeMo" else hugging_face(tmp_path / "in", CASE, layout)
    bundle = Bundle.load(cw.convert.geneformer(source, tmp_path / "out"))
    # cells of 64 different lengths
    rng = np.random.default_rng(1)
    kept = rng.uniform(0.1, 1, (64, 1)) > rng.random((1, CASE.adata().n_vars))
    counts = CASE.adata().X.toarray()[rng.integers(0, N_CELLS, 64)] * kept
    counts[0, :] = 0
    counts[0, np.flatnonzero(CASE.arrays["ensembl"] != "")[0]] = 1
    adata = ad.AnnData(sparse.csr_matrix(counts))
    adata.obs_names, adata.var_names = [str(row) for row in range(64)], CASE.adata().var_names
    cells = cw.load_model(bundle.folder).open(adata)
    batch, failed = cells.read(0, 64)
    cells.close()
    assert failed == {} and len({*(batch.genes >= 0).sum(axis=1)}) > 30
    engine = KernelEngine(bundle)
    whole = engine.run(batch).outputs["embedding"]
    for size in (1, 7):
        parts = [engine.run(batch.cut(slice(at, at + size))).outputs["embedding"] for at in range(0, 64, size)]
        np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-6)
    assert np.isfinite(whole).all()


def test_memory_bounds_the_batch(tmp_path: Path) -> None:
    bundle = Bundle.load(cw.convert.geneformer(hugging_face(tmp_path / "in", CASE), tmp_path / "out"))
    memory = bundle.manifest.memory
    assert memory["tokens"] == PLACES and memory["per_pair"] == 8 * HEADS
    cell = PLACES * (memory["per_token"] + PLACES * memory["per_pair"])
    assert memory["per_token"] > 4 * WIDTH
    assert most_cells(10 * cell, bundle) == 10 and most_cells(1, bundle) == 1


# ── genes by other names ─────────────────────────────────────────────────────────────────────────


def test_symbols_are_mapped_and_it_is_said(tmp_path: Path) -> None:
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE), tmp_path / "out")
    np.testing.assert_array_equal(tokens_of(out, CASE.adata("symbols")), tokens_of(out, CASE.adata()))
    facts = cw.load_model(out).check(CASE.adata("symbols")).facts
    assert facts["genes_matched"] > 600 and facts["id_type"] == "Ensembl id"
    assert any("have other names than the model's Ensembl ids, such as" in note for note in facts["notes"])
    assert not any("other names" in note for note in cw.load_model(out).check(CASE.adata()).facts["notes"])


def test_ids_are_taken_before_symbols(tmp_path: Path) -> None:
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE), tmp_path / "out")
    adata = CASE.adata("symbols")
    adata.var["id"] = CASE.adata().var_names
    assert cw.load_model(out).check(adata).facts["ids_in"] == "var['id']"


def test_versions_of_ids_do_not_matter(tmp_path: Path) -> None:
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE, "V2"), tmp_path / "out")
    adata = CASE.adata()
    adata.var_names = [f"{name.lower()}.7" for name in adata.var_names]
    np.testing.assert_array_equal(tokens_of(out, adata), tokens_of(out, CASE.adata()))


def test_symbols_of_another_organism_do_not_match(tmp_path: Path) -> None:
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE), tmp_path / "out")
    adata = CASE.adata("symbols")
    adata.var_names = [name.capitalize() for name in adata.var_names]
    with pytest.raises(InputError, match=r"model expects Ensembl ids such as .*ENSG"):
        cw.load_model(out).check(adata)


def test_without_symbols_there_is_no_overlap(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "in", CASE, files={"gene_name_id_dict.json": None})
    out = cw.convert.geneformer(folder, tmp_path / "out")
    with pytest.raises(InputError, match=r"None of the model's 729 genes .*Put Ensembl ids"):
        cw.load_model(out).check(CASE.adata("symbols"))


def test_a_cell_without_counts_fails_alone(tmp_path: Path) -> None:
    out = cw.convert.geneformer(hugging_face(tmp_path / "in", CASE), tmp_path / "out")
    adata = CASE.adata()
    counts = adata.X.toarray()
    counts[2] = 0
    adata.X = sparse.csr_matrix(counts)
    with pytest.warns(UserWarning, match="1 cells have no result: the cell has no counts"):
        got = predicted(out, adata)["embedding"]
    assert np.isnan(got[2]).all()
    others = [0, 1, 3, 4]
    np.testing.assert_allclose(got[others], predicted(out, CASE.adata())["embedding"][others], atol=1e-6)


# ── where dictionaries are ───────────────────────────────────────────────────────────────────────


def test_dictionaries_are_found_beside_the_model_by_their_size(tmp_path: Path) -> None:
    none = {"token_dictionary.pkl": None, "gene_median_dictionary.pkl": None, "gene_name_id_dict.json": None}
    folder = hugging_face(tmp_path / "Geneformer-V1", CASE, files=none)
    beside = tmp_path / "geneformer"
    beside.mkdir()
    for ending, genes in (("_gc30M", CASE.genes), ("_gc104M", CASE.genes[:100])):
        (beside / f"token_dictionary{ending}.json").write_text(json.dumps(token_dictionary(genes)))
        medians = {gene: CASE.medians[gene] for gene in genes}
        (beside / f"gene_median_dictionary{ending}.json").write_text(json.dumps(medians))
    out = cw.convert.geneformer(folder, tmp_path / "out")
    assert unpadded(tokens_of(out, CASE.adata()), 0) == CASE.tokens("V1")
    for given in ({"dictionaries": beside}, {"tokens": token_dictionary(CASE.genes), "medians": CASE.medians}):
        again = cw.convert.geneformer(folder, tmp_path / "again", **given)
        assert (again / "model.onnx").read_bytes() == (out / "model.onnx").read_bytes()


# ── what cannot be converted ─────────────────────────────────────────────────────────────────────

STATE = bert_state(len(CASE.genes) + 2)
QUERY = "bert.encoder.layer.1.attention.self.query.weight"


def altered(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    state = dict(STATE)
    change(state)
    return {"state": state}


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another family": ({"model_type": "esm"}, {}, r"model_type 'esm'; Geneformer is a 'bert'"),
    "labels of genes": (
        {"architectures": ["BertForTokenClassification"]},
        {},
        r"of a BertForTokenClassification\. What makes embeddings or labels of cells",
    ),
    "no medians": ({"files": {"gene_median_dictionary.pkl": None}}, {}, r"no gene_median_dictionary.*medians="),
    "a gene without median": (
        {"files": {"gene_median_dictionary.pkl": {CASE.genes[0]: 1.0}}},
        {},
        "728 of its 729 genes",
    ),
    "a median of 0": (
        {"files": {"gene_median_dictionary.pkl": CASE.medians | {CASE.genes[3]: 0.0}}},
        {},
        f"1 of its 729 genes have none above 0, '{CASE.genes[3]}'",
    ),
    "no dictionaries": ({"files": {"token_dictionary.pkl": None}}, {}, r"no token_dictionary.*dictionaries="),
    "another vocabulary": (
        {"files": {"token_dictionary.pkl": token_dictionary(CASE.genes[:9])}},
        {},
        r"weights, which are of 731 tokens: there is token_dictionary\.pkl of 11 tokens",
    ),
    "another vocabulary, given": ({}, {"tokens": {"<pad>": 0}}, r"names 1 tokens, the weights are of 731"),
    "tokens that are no numbers": (
        {"files": {"token_dictionary.pkl": token_dictionary(CASE.genes) | {CASE.genes[2]: "x"}}},
        {},
        f"gives '{CASE.genes[2]}' no whole number",
    ),
    "tokens twice": (
        {"files": {"token_dictionary.pkl": token_dictionary(CASE.genes) | {CASE.genes[2]: 7}}},
        {},
        "does not number tokens from 0 on",
    ),
    "a missing weight": (altered(lambda state: state.pop(QUERY)), {}, f"model.safetensors lacks {QUERY}"),
    "an unknown weight": (
        altered(lambda state: state.update({"bert.encoder.layer.3.x": STATE[QUERY]})),
        {},
        "1 weights that Geneformer does not know, 'bert.encoder.layer.3.x'",
    ),
    "a weight of another shape": (
        altered(lambda state: state.update({QUERY: STATE[QUERY][:3].copy()})),
        {},
        rf"{QUERY} of model.safetensors is of shape \(3, 16\), not 16 x 16",
    ),
    "a weight that is no number": (
        altered(lambda state: state.update({QUERY: STATE[QUERY] * np.float32(np.nan)})),
        {},
        "holds NaN",
    ),
    "cls where there is none": ({}, {"pooling": "cls"}, "has no such token"),
    "an unknown pooling": ({}, {"pooling": "max"}, "give 'mean' or 'cls'"),
    "an unknown layer": ({}, {"layer": 1}, "give 0 for the last, or -1"),
    "too long": ({}, {"length": 5000}, "has 400 places"),
    "labels of what gives none": ({}, {"classes": ["a"]}, "gives no labels"),
    "another activation": ({"hidden_act": "silu"}, {}, "hidden_act 'silu'"),
    "no heads": ({"num_attention_heads": None}, {}, "does not say num_attention_heads"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_converted(tmp_path: Path, name: str) -> None:
    made, given, told = BAD[name]
    with pytest.raises(ConvertError, match=told):
        cw.convert.geneformer(hugging_face(tmp_path / "in", CASE, **made), tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_a_classifier_needs_names_of_its_classes(tmp_path: Path) -> None:
    state = bert_state(len(CASE.genes) + 2, classes=3)
    folder = hugging_face(tmp_path / "in", CASE, state=state, architectures=["BertForSequenceClassification"])
    with pytest.raises(ConvertError, match=r"tells 3 classes apart, 0 are named.*classes=\["):
        cw.convert.geneformer(folder, tmp_path / "out")
    out = cw.convert.geneformer(folder, tmp_path / "out", classes=["a", "b", "c"])
    assert cw.load_model(out).classes == ["a", "b", "c"]


@pytest.mark.parametrize("what", ["nothing", "a folder of sims-web", "a file", "BioNeMo 2"])
def test_folders_of_other_families(tmp_path: Path, what: str) -> None:
    source = {"a folder of sims-web": REPOSITORY / "tests/data/sims/folder"}.get(what, tmp_path / "in")
    if what == "a file":
        source.write_text("?")
    if what == "BioNeMo 2":
        (source / "weights").mkdir(parents=True)
    with pytest.raises(ConvertError, match=r"is no Geneformer: it has no config\.json") as error:
        cw.convert.geneformer(source, tmp_path / "out")
    assert ("without Megatron" in str(error.value)) == (what == "BioNeMo 2")


def test_folders_without_weights(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "in", CASE)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConvertError, match=r"no weights: neither model\.safetensors nor pytorch_model\.bin"):
        cw.convert.geneformer(folder, tmp_path / "out")


def test_weights_that_are_no_file_of_weights(tmp_path: Path) -> None:
    folder = hugging_face(tmp_path / "in", CASE)
    (folder / "model.safetensors").write_bytes(b"?" * 999)
    with pytest.raises(ConvertError, match=r"model\.safetensors cannot be read as safetensors"):
        cw.convert.geneformer(folder, tmp_path / "out")


def test_weights_in_bfloat16(tmp_path: Path) -> None:
    state = bert_state(len(CASE.genes) + 2)
    folder = hugging_face(tmp_path / "in", CASE)
    (folder / "model.safetensors").write_bytes(as_bfloat16(state))
    cut = {name: (array.view(np.uint32) >> 16 << 16).view(np.float32) for name, array in state.items()}
    got = predicted(cw.convert.geneformer(folder, tmp_path / "out"), CASE.adata())["embedding"]
    np.testing.assert_allclose(got, embeddings("V1", cut, PLACES, "mean", -1), atol=1e-5)


def as_bfloat16(state: dict[str, np.ndarray]) -> bytes:
    """A file of safetensors, written by hand: a length, a header, numbers."""
    header, data = {}, b""
    for name, array in state.items():
        half = (array.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": [len(data), len(data) + len(half)]}
        data += half
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + data


BAD_NEMO: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no archive": (lambda path: path.write_bytes(b"?" * 2000), "cannot be read as an archive"),
    "not there": (lambda path: path.unlink(), "There is no file"),
}


@pytest.mark.parametrize("name", BAD_NEMO)
def test_archives_that_cannot_be_converted(tmp_path: Path, name: str) -> None:
    change, told = BAD_NEMO[name]
    path = nemo(tmp_path / "a.nemo", CASE)
    change(path)
    with pytest.raises(ConvertError, match=told):
        cw.convert.geneformer(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"layer": -1}, "those of the last layer"),
        ({"medians": {}}, "dictionaries of its own"),
        ({"length": 2}, "places"),
    ],
)
def test_what_bionemos_cannot_be_asked_for(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConvertError, match=told):
        cw.convert.geneformer(nemo(tmp_path / "a.nemo", CASE), tmp_path / "out", **given)


@pytest.mark.parametrize("missing", ["model_config.yaml", "model_weights.ckpt", *NEMO_FILES])
def test_archives_that_lack_a_file(tmp_path: Path, missing: str) -> None:
    folder = nemo(tmp_path / "a.nemo", CASE).with_suffix("")
    (folder / missing).unlink()
    told = "it has no config.json" if missing == "model_config.yaml" else "archive of NeMo has no"
    with pytest.raises(ConvertError, match=told):
        cw.convert.geneformer(folder, tmp_path / "out")


# ── the published code's answers ─────────────────────────────────────────────────────────────────


def golden(file: str) -> tuple[dict[str, Any], ad.AnnData]:
    with np.load(FULL / file) as arrays:
        found: dict[str, Any] = dict(arrays)
    parts = (found["counts_data"], found["counts_indices"], found["counts_indptr"])
    adata = ad.AnnData(sparse.csr_matrix(parts, shape=found["counts_shape"]))
    adata.obs_names = [f"c{row}" for row in range(adata.n_obs)]
    adata.var_names = [name or f"none{at}" for at, name in enumerate(found["gene_ensembl"].tolist())]
    adata.obs["n_counts"] = found["n_counts"]
    found["tokens"] = np.split(found["tokens_flat"], found["tokens_offsets"][1:-1])
    return found, adata


NEMO_DICTIONARIES = ["bionemo_geneformer.vocab", "bionemo_medians.json"]
needs_fixtures = pytest.mark.skipif(not FULL.is_dir(), reason="the full fixtures are not here")


@needs_fixtures
@pytest.mark.parametrize("layer", [-1, 0])
@pytest.mark.parametrize(("source", "ending"), [("tiny-v1", "json"), ("tiny-v1-bin", "pkl")])
def test_all_golden_cells_v1(tmp_path: Path, source: str, ending: str, layer: int) -> None:
    arrays, adata = golden("golden_public.npz")
    tokens, medians = (FULL / f"dictionaries/{name}_dictionary.{ending}" for name in ("token", "gene_median"))
    out = cw.convert.geneformer(FULL / source, tmp_path / "out", layer=layer, tokens=tokens, medians=medians)
    for cell, expected in zip(unpadded(tokens_of(out, adata, "n_counts"), 0), arrays["tokens"], strict=True):
        np.testing.assert_array_equal(cell, expected)
    expected = arrays["emb_layer_0" if layer == 0 else "emb_layer_minus1"]
    np.testing.assert_allclose(predicted(out, adata, total="n_counts")["embedding"], expected, atol=1e-5, rtol=1e-5)


@needs_fixtures
@pytest.mark.parametrize("layer", [-1, 0])
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_all_golden_cells_v2(tmp_path: Path, pooling: str, layer: int) -> None:
    arrays, adata = golden("v2-format/golden_v2_public.npz")
    folder = FULL / "v2-format"
    out = cw.convert.geneformer(
        folder / "tiny-v2",
        tmp_path / "out",
        pooling=pooling,
        layer=layer,
        dictionaries=FULL / "dictionaries",
        tokens=folder / "token_dictionary_synthetic_v2.json",
        mapping=dict(json.loads((folder / "collapsed_pairs.json").read_text())),
    )
    for cell, expected in zip(unpadded(tokens_of(out, adata, "n_counts"), 0), arrays["tokens"], strict=True):
        np.testing.assert_array_equal(cell, expected)
    expected = arrays[f"emb_{pooling}_layer_{'0' if layer == 0 else 'minus1'}"]
    np.testing.assert_allclose(predicted(out, adata, total="n_counts")["embedding"], expected, atol=1e-5, rtol=1e-5)


@needs_fixtures
@pytest.mark.parametrize("length", [1024, 2048])
def test_all_golden_cells_as_bionemo_reads_them(tmp_path: Path, length: int) -> None:
    _, adata = golden("golden_public.npz")
    with np.load(FULL / "golden_bionemo_tokens_public.npz") as file:
        expected = file[f"tokens_{length}"]
    read = [json.loads((FULL / "dictionaries" / name).read_text()) for name in NEMO_DICTIONARIES]
    rows = -(-len(read[0]["vocab"]) // 128) * 128
    folder = nemo(tmp_path / "a.nemo", CASE, state=megatron_state(rows, places=2048), dictionaries=read).with_suffix("")
    got = tokens_of(cw.convert.geneformer(folder, tmp_path / "out", length=length), adata)
    np.testing.assert_array_equal(got, expected[:, : got.shape[1]])
    assert (expected[:, got.shape[1] :] == 2).all() and len(expected) == len(got)


@needs_fixtures
def test_numpy_here_is_as_the_published_code() -> None:
    arrays, _ = golden("golden_public.npz")
    state = load_file(FULL / "tiny-v1/model.safetensors")
    states = bert_states(state, arrays["tokens"][int(arrays["detail_cell"])].tolist(), heads=4)
    np.testing.assert_allclose(states, arrays["detail_hidden_states"], atol=1e-5)
