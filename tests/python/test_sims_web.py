"""Folders made for sims-web load as they are, and give what their graph gives."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import helper

import cellwidget as cw
from cellwidget.bundle import Bundle, BundleError, Manifest, load_bundle, save_bundle
from cellwidget.convert.graph import Graph

from .sims_cases import DATA, FOLDER, FULL, NAME, adata_of, cells, copied, expected, normalised

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check_outputs(given: dict[str, np.ndarray], wanted: dict[str, np.ndarray], xy: str = "torch_umap") -> None:
    np.testing.assert_allclose(given["logits"], wanted["logits"], atol=1e-4)
    np.testing.assert_allclose(given["embedding"], wanted["encoding"], atol=1e-4)
    np.testing.assert_allclose(given["attention"].toarray(), wanted["attention"], atol=1e-5)
    np.testing.assert_allclose(given["xy"], wanted[xy], atol=1e-4)


def test_it_says_what_its_files_say() -> None:
    bundle = load_bundle(FOLDER)
    manifest = bundle.manifest
    assert (manifest.name, manifest.title, manifest.family) == (NAME, "Few genes", "SIMS")
    assert (manifest.values, manifest.trained_on, manifest.input) == ("as_is", "", "dense")
    assert len(bundle.genes) == 40 and bundle.classes[:2] == ["CD14+ Monocyte", "CD19+ B"]
    assert bundle.inputs == {"genes", "counts"}
    assert bundle.outputs == ("logits", "embedding", "attention", "attention_genes")
    assert set(manifest.source) == {path.name for path in FOLDER.iterdir()}
    assert all(len(sha256) == 64 for sha256 in manifest.source.values())


def test_what_no_page_could_read_is_replaced(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / f"{NAME}.json").write_text('{"title": "half a \\ud83d"}')
    assert load_bundle(folder).manifest.title == "half a ?"


def test_its_training_cells_are_there_with_both_labels() -> None:
    reference = load_bundle(FOLDER).reference()
    labels = np.fromfile(FOLDER / f"{NAME}-labels.bin", "<i4").reshape(-1, 2)
    assert reference is not None and reference.xy.shape == (60, 2)
    np.testing.assert_array_equal(reference.truth, labels[:, 0])
    np.testing.assert_array_equal(reference.label, labels[:, 1])
    np.testing.assert_array_equal(reference.embedding, np.load(FOLDER / f"{NAME}-encodings.npy"))


@pytest.mark.parametrize("way", [FOLDER, FOLDER / NAME, FOLDER / f"{NAME}.onnx", str(FOLDER), f"{FOLDER}/{NAME}"])
def test_a_path_may_be_the_folder_the_id_or_the_graph(way: str | Path) -> None:
    assert cw.load_model(way).bundle.manifest.name == NAME


def test_of_several_models_one_must_be_named(tmp_path: Path) -> None:
    copied(copied(tmp_path), "other+one.two")
    with pytest.raises(BundleError, match=r"holds 2 models: few-genes, other\+one\.two\. Name one, as '.*few-genes'"):
        cw.load_model(tmp_path)
    assert cw.load_model(tmp_path / "other+one.two").bundle.manifest.name == "other+one.two"
    with pytest.raises(ValueError, match="There is no model"):
        cw.load_model(tmp_path / "third")


@pytest.mark.parametrize("values", ["log1p_10k", "as_is", None])
def test_outputs_are_those_of_the_graph(values: str | None) -> None:
    adata = cells() if values == "log1p_10k" else normalised(cells())
    check_outputs(cw.load_model(FOLDER, values=values).predict(adata), expected())


def test_counts_are_handed_on_as_they_are() -> None:
    adata = cells()
    given = cw.load_model(FOLDER, values="counts").predict(adata, "logits")["logits"]
    same = cw.load_model(FOLDER).predict(adata, "logits")["logits"]  # which says that these are raw counts
    np.testing.assert_array_equal(given, same)


def test_a_cells_result_does_not_depend_on_its_batch() -> None:
    model, adata = cw.load_model(FOLDER, values="log1p_10k"), cells()
    whole = model.predict(adata)
    for row in (0, 5, 15):
        alone = model.predict(adata[row : row + 1].copy())
        np.testing.assert_allclose(alone["logits"][0], whole["logits"][row], atol=1e-5)
        np.testing.assert_allclose(alone["attention"].toarray()[0], whole["attention"].toarray()[row], atol=1e-6)


def test_a_map_of_the_older_generation_serves_too(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / f"{NAME}-pumap.onnx").write_bytes((DATA / "keras-pumap.onnx").read_bytes())
    check_outputs(cw.load_model(folder, values="log1p_10k").predict(cells()), expected(), "keras_umap")


def test_what_is_beside_the_graph_may_be_missing(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for part in (".json", "-pumap.onnx", "-mappings.bin", "-labels.bin", "-encodings.npy"):
        (folder / f"{NAME}{part}").unlink()
    model = cw.load_model(folder, values="log1p_10k")
    assert model.bundle.reference() is None and model.bundle.manifest.title == NAME
    given = model.predict(cells())
    assert "xy" not in given
    np.testing.assert_allclose(given["logits"], expected()["logits"], atol=1e-4)


def rewritten(path: Path, change: Callable[[onnx.GraphProto], None]) -> None:
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)


def renamed(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)


@pytest.mark.parametrize("seed", range(3))
def test_outputs_of_any_name_and_order_are_found_by_what_they_are(tmp_path: Path, seed: int) -> None:
    folder = copied(tmp_path)

    def change(graph: onnx.GraphProto) -> None:
        names = ["input", *(value.name for value in graph.output)]
        renamed(graph, {name: f"t{at}" for at, name in enumerate(names)})
        outputs = list(graph.output)
        del graph.output[:]
        graph.output.extend(outputs[at] for at in np.random.default_rng(seed).permutation(len(outputs)))

    rewritten(folder / f"{NAME}.onnx", change)
    check_outputs(cw.load_model(folder, values="log1p_10k").predict(cells()), expected())


def test_an_output_that_could_be_two_things_is_asked_about(tmp_path: Path) -> None:
    folder = copied(tmp_path)

    def change(graph: onnx.GraphProto) -> None:
        renamed(graph, {"encoding": "one"})
        graph.node.append(helper.make_node("Identity", ["one"], ["two"]))
        graph.output.append(helper.make_tensor_value_info("two", onnx.TensorProto.FLOAT, ["cells", 8]))

    rewritten(folder / f"{NAME}.onnx", change)
    with pytest.raises(BundleError, match=r"'one', 'two' may be the embedding\. Name the one that is 'embedding'"):
        load_bundle(folder)


def narrower_umap() -> bytes:
    graph = Graph()
    x = graph.input("x", np.float32, ["cells", 5])
    graph.output("y", graph.op("MatMul", x, graph.constant(np.ones((5, 2)))), np.float32, ["cells", 2])
    return graph.serialize("umap")


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def ints(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()


def lines(part: str) -> list[str]:
    return (FOLDER / f"{NAME}{part}").read_text().splitlines()


BAD: dict[str, tuple[str, bytes | None, str]] = {
    "no genes": (".genes", None, r"few-genes\.genes is missing"),
    "no classes": (".classes", None, r"few-genes\.classes is missing"),
    "fewer genes": (".genes", "\n".join(lines(".genes")[:39]).encode(), r"takes 40 genes, few-genes\.genes names 39"),
    "a gene twice": (".genes", "\n".join([*lines(".genes")[:39], "CD3D", "CD3D"]).encode(), "names 'CD3D' twice"),
    "a class twice": (".classes", b"B\nT\nB", "names 'B' twice"),
    "more classes": (".classes", "\n".join([*lines(".classes"), "X"]).encode(), r"'logits' is \[cells, 10\].*names 11"),
    "no text": (".classes", b"\xff\xfe", "is not UTF-8"),
    "no graph": (".onnx", b"hello", r"few-genes\.onnx cannot be read"),
    "a graph cut off": (".onnx", (FOLDER / f"{NAME}.onnx").read_bytes()[:-2000], r"few-genes\.onnx cannot be read"),
    "a map of other embeddings": ("-pumap.onnx", narrower_umap(), "takes embeddings of 5 numbers, the model gives 8"),
    "a map that is none": ("-pumap.onnx", b"hello", r"few-genes-pumap\.onnx cannot be read"),
    "no JSON": (".json", b"{", r"few-genes\.json is not JSON"),
    "no object": (".json", b"[]", "must hold an object"),
    "mappings cut off": ("-mappings.bin", floats(1, 2), "has 8 bytes, no multiple of 12"),
    "places that are none": ("-mappings.bin", floats(1, np.nan, 0), "no finite numbers"),
    "a class out of range": ("-mappings.bin", floats(1, 2, 10), "holds the class 10, the model has 10"),
    "a class of a half": ("-mappings.bin", floats(1, 2, 0.5), r"holds the class 0\.5"),
    "labels cut off": ("-labels.bin", ints(1), "has 4 bytes, no multiple of 8"),
    "labels of others": ("-labels.bin", ints(1, 1), r"is of 1 cells, few-genes-mappings\.bin of 60"),
    "labels that disagree": ("-labels.bin", ints(*[0] * 120), "predict other classes"),
    "embeddings of others": ("-encodings.npy", None, ""),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_are_missing_or_disagree_are_named(tmp_path: Path, case: str) -> None:
    folder = copied(tmp_path)
    part, content, message = BAD[case]
    path = folder / f"{NAME}{part}"
    if case == "embeddings of others":
        np.save(path, np.ones((60, 7), np.float32))
        message = "holds 7 numbers a cell, the model gives 8"
    elif content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_true_labels_out_of_range_are_named(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    labels = np.fromfile(folder / f"{NAME}-labels.bin", "<i4").reshape(-1, 2)
    labels[3, 0] = -2
    labels.tofile(folder / f"{NAME}-labels.bin")
    with pytest.raises(BundleError, match="holds the class -2"):
        load_bundle(folder)


def test_what_it_was_trained_on_is_told_and_stays(tmp_path: Path) -> None:
    model = cw.load_model(FOLDER, values="log1p_10k")
    assert model.bundle.manifest.trained_on == "log1p_10k" and model.bundle.inputs == {"genes", "counts", "total"}
    assert cw.load_model(model) is model and cw.load_model(model, values="log1p_10k") is model
    with pytest.raises(BundleError, match=r"'log1p_10k'.*not for values='counts'"):
        cw.load_model(model, values="counts")
    with pytest.raises(BundleError, match="values='tpm' is none of 'counts', 'log1p_10k', 'as_is'"):
        cw.load_model(FOLDER, values="tpm")
    assert load_bundle(FOLDER).sha256 != model.bundle.sha256


def test_a_converted_bundle_says_itself_what_it_takes() -> None:
    with pytest.raises(BundleError, match="PBMC was made for"):
        cw.load_model("pbmc", values="as_is")


def test_the_report_tells_what_is_odd_before_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    report = cw.load_model(FOLDER).check(cells())
    told = capsys.readouterr().out
    assert "Nobody said which values this network was trained on" in told and "cw.convert.sims" in told
    assert any("X holds raw counts; the model takes values as they are" in note for note in report.facts["notes"])
    report = cw.load_model(FOLDER, values="log1p_10k").check(normalised(cells()))
    assert re.search(r"trained on +log1p of counts per 10,000\n", capsys.readouterr().out)
    assert report.facts["values"] == "log1p of counts per 10,000, inverted"


def test_annotate_writes_labels_places_and_what_they_come_from() -> None:
    adata, wanted = cells(), expected()
    cw.annotate(adata, cw.load_model(FOLDER, values="log1p_10k"), progress=False)
    codes = wanted["topk_indices"][:, 0]
    assert adata.obs["cellwidget_label"].tolist() == [lines(".classes")[code] for code in codes]
    np.testing.assert_allclose(adata.obsm["X_cellwidget_umap"], wanted["torch_umap"], atol=1e-4)
    assert adata.uns["cellwidget"]["trained_on"] == "log1p_10k"


def test_a_widget_runs_it_explains_it_and_knows_its_training_cells() -> None:
    model, wanted = cw.load_model(FOLDER, values="log1p_10k"), expected()
    widget = cw.CellWidget(cells(), model=model, engine="kernel", autorun=False)
    widget.run()
    widget.wait(60)
    codes = wanted["topk_indices"][:, 0]
    predicted = widget.predictions
    assert predicted["label"].tolist() == [model.classes[code] for code in codes]
    assert np.isfinite(predicted["distance"]).all()
    explained = widget.explain()
    for code in np.unique(codes):
        of_class = explained[explained["group"] == model.classes[code]].set_index("gene")["weight"]
        summed = wanted["attention"][codes == code].mean(axis=0)
        assert of_class.index[0] == model.genes[summed.argmax()]
        np.testing.assert_allclose(of_class.iloc[0], summed.max(), atol=1e-4)
    widget.close()


def test_a_dense_graph_may_be_a_bundle_of_its_own(tmp_path: Path) -> None:
    bundle = load_bundle(FOLDER)
    graph = (FOLDER / f"{NAME}.onnx").read_bytes()
    manifest = Manifest(
        **{name: getattr(bundle.manifest, name) for name in ("name", "title", "family", "classes", "outputs")},
        version="1",
        gene_id_type="symbol",
        inputs=["genes", "counts", "total"],
        values="log1p_10k",
        input="dense",
    )
    folder = save_bundle(tmp_path, manifest, bundle.genes, {"model.onnx": graph})
    given = cw.load_model(folder).predict(cells())
    np.testing.assert_allclose(given["logits"], expected()["logits"], atol=1e-4)
    entries = json.loads((folder / "manifest.json").read_text())
    entries["inputs"].remove("total")
    (folder / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(BundleError, match="of values 'log1p_10k' takes genes, counts, total"):
        Bundle.load(folder)
    entries["inputs"].append("total")
    entries["outputs"] = ["logits", "attention_weighted"]
    (folder / "manifest.json").write_text(json.dumps(entries))
    with pytest.raises(BundleError, match="gives no 'attention_weighted'"):
        Bundle.load(folder)


def test_it_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"made for sims-web.*cw\.convert\.sims"):
        cw.load_model(copied(tmp_path)).save(tmp_path / "out")


@pytest.mark.skipif(not FULL.is_dir(), reason="the full fixtures are not here")
def test_the_published_networks_results_come_out() -> None:
    with np.load(FULL / "golden_public.npz") as golden:
        wanted = {name: golden[name] for name in golden}
    given = cw.load_model(FULL, values="log1p_10k").predict(adata_of(FULL / "golden_public.npz"))
    order = np.argsort(-given["logits"], axis=1)[:, :3]
    shares = np.exp(given["logits"] - given["logits"].max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(order, wanted["torch_topk_indices"])
    np.testing.assert_allclose(shares, wanted["torch_probs_all"], atol=1e-4)
    np.testing.assert_allclose(given["xy"], wanted["onnx_umap"], atol=1e-3)
    for source in ("onnx", "torch"):
        np.testing.assert_allclose(given["logits"], wanted[f"{source}_logits"], atol=1e-3)
        np.testing.assert_allclose(given["embedding"], wanted[f"{source}_encoding"], atol=1e-3)
        np.testing.assert_allclose(given["attention"].toarray(), wanted[f"{source}_attention"], atol=1e-4)
