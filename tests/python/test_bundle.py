"""Bundles on disk: what was saved is what is loaded, and nothing else is."""

from __future__ import annotations

import gc
import json
import shutil
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwidget.bundle import Bundle, BundleError, aliases_file, save_bundle

from .bundle_cases import GENES, MANIFEST, change, zipped


def reference_file(cells: int = 4, labels: int = 4) -> bytes:
    file = BytesIO()
    np.savez(file, xy=np.arange(2 * cells, dtype=np.float32).reshape(cells, 2), label=np.zeros(labels, np.uint16))
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"model.onnx": b"a graph", "umap.onnx": b"another", "reference.npz": reference_file()}
    return save_bundle(tmp_path / "tiny", MANIFEST, GENES, files)


def test_what_was_saved_is_loaded(folder: Path) -> None:
    bundle = Bundle.load(folder)
    assert bundle.manifest == MANIFEST
    assert (bundle.genes, bundle.classes, bundle.colors) == (GENES, ["B", "T"], ["#6e87ca", "#c7780d"])
    assert (bundle.inputs, bundle.outputs) == (frozenset({"genes", "counts"}), ("logits", "embedding"))
    assert bundle.model_path.read_bytes() == b"a graph"
    assert bundle.umap_path is not None and bundle.umap_path.read_bytes() == b"another"
    reference = bundle.reference()
    assert reference is not None and reference.xy.shape == (4, 2) and reference.label.tolist() == [0, 0, 0, 0]
    assert len(bundle.sha256) == 64


def test_what_is_optional_may_be_left_out(tmp_path: Path) -> None:
    plain = replace(MANIFEST, colors=[], classes=[], outputs=["embedding"])
    bundle = Bundle.load(save_bundle(tmp_path, plain, GENES, {"model.onnx": b"a graph"}))
    assert bundle.umap_path is None and bundle.reference() is None and bundle.colors is None and bundle.classes == []


def test_another_manifest_has_another_sha256(folder: Path) -> None:
    before = Bundle.load(folder).sha256
    change(folder, title="Another")
    assert Bundle.load(folder).sha256 != before


@pytest.mark.parametrize("inside", ["", "tiny/", "a/b/"])
def test_a_zip_is_as_good_as_a_folder(folder: Path, tmp_path: Path, inside: str) -> None:
    bundle = Bundle.load(zipped(folder, tmp_path / "tiny.zip", inside=inside))
    assert bundle.genes == GENES and bundle.model_path.read_bytes() == b"a graph"
    unpacked = bundle.folder
    del bundle
    gc.collect()
    assert not unpacked.exists(), "what was unpacked goes with the bundle"


# ── files that are not what the manifest says ───────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["model.onnx", "genes.txt", "umap.onnx", "reference.npz"])
def test_an_altered_file_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name} .*sha256.*Get the bundle again"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["model.onnx", "genes.txt", "umap.onnx", "reference.npz"])
def test_a_truncated_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(BundleError, match=rf"{name} is not as long"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["model.onnx", "genes.txt", "umap.onnx", "manifest.json"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=name):
        Bundle.load(folder)


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is no bundle.*folder that holds one"):
        Bundle.load(tmp_path)
    (tmp_path / "notes.zip").write_bytes(b"no zip")
    with pytest.raises(BundleError, match=r"notes\.zip cannot be unpacked"):
        Bundle.load(tmp_path / "notes.zip")


def test_a_graph_that_nothing_vouches_for_is_refused(folder: Path) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change(folder, files={name: entry for name, entry in files.items() if name != "umap.onnx"})
    with pytest.raises(BundleError, match=r"umap\.onnx is there, but the manifest does not name it"):
        Bundle.load(folder)


# ── files that lead elsewhere ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../secret", "..\\secret", "c:secret", ""])
def test_names_that_lead_out_are_refused(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_bytes(b"x")
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change(folder, files=files | {name: {"size": 1, "sha256": "0"}})
    with pytest.raises(BundleError, match="outside of itself"):
        Bundle.load(folder)


def test_links_that_lead_out_are_refused(folder: Path) -> None:
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")
    with pytest.raises(BundleError, match="leads out of the bundle"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "tiny/../../evil.txt", "..\\evil.txt"])
def test_zips_that_write_elsewhere_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    path = zipped(folder, tmp_path / "tiny.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "evil")
    with pytest.raises(BundleError, match="outside of itself"):
        Bundle.load(path)
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_truncated_zip_is_refused(folder: Path, tmp_path: Path) -> None:
    path = zipped(folder, tmp_path / "tiny.zip")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BundleError, match=r"tiny\.zip cannot be unpacked"):
        Bundle.load(path)


def test_a_zip_of_two_bundles_is_refused(folder: Path, tmp_path: Path) -> None:
    path = zipped(folder, tmp_path / "two.zip", inside="one/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(folder / "manifest.json", "two/manifest.json")
    with pytest.raises(BundleError, match=r"holds 2 files manifest\.json"):
        Bundle.load(path)


def test_a_refused_zip_leaves_nothing_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (folder / "model.onnx").write_bytes(b"altered")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        Bundle.load(zipped(folder, tmp_path / "tiny.zip"))
    assert not list((tmp_path / "scratch").iterdir())


# ── manifests that say what cannot be ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ({"schema": 2}, r"schema '2'.*Update cellwidget"),
        ({"schema": None}, "schema"),
        ({"classes": ["B", "B"]}, "classes are repeated"),
        ({"classes": [], "colors": []}, "no classes are named"),
        ({"classes": "BT"}, "classes must be a list"),
        ({"classes": ["B", 3]}, "classes must be a list"),
        ({"classes": ["B", "x" * 3_000]}, "classes must be a list"),
        ({"title": ["T"]}, "title must be a text"),
        ({"title": "x" * 3_000}, "title must be a text of at most"),
        ({"name": None}, "'name'"),
        ({"surprise": 1}, "'surprise'"),
        ({"colors": ["#6e87ca"]}, "colors must be one"),
        ({"colors": ["#6e87ca", "red;}body{"]}, "colors must be one"),
        ({"colors": ["#6e87ca", "#c7780d\n"]}, "colors must be one"),
        ({"inputs": ["genes", "counts", "age"]}, "inputs has an unknown 'age'"),
        ({"outputs": ["logits", "mood"]}, "outputs has an unknown 'mood'"),
        ({"outputs": []}, "gives no output"),
        ({"outputs": ["embedding"]}, "classes are named, but the model gives no logits"),
        ({"title": "half a \ud83d"}, "title must be a text"),
        ({"classes": ["B", "half a \udc00"]}, "classes must be a list"),
        ({"uniform": 4}, "uniform must be"),
        ({"uniform": "4"}, "uniform must be"),
        ({"values": "log1p_10k"}, "cannot be used by this version"),
        ({"training": 7}, "training and source must be objects"),
        ({"memory": {"tokens": 9}}, "memory must say tokens, per_token, per_pair"),
        ({"memory": {"tokens": 9, "per_token": 1, "per_pair": 0}}, "whole numbers above 0"),
        ({"files": None}, "which files"),
        ({"files": {"genes.txt": {}}}, r"does not name model\.onnx"),
        ({"files": {"genes.txt": 1, "model.onnx": 1}}, "does not say size and sha256 of genes"),
    ],
)
def test_manifests_that_say_what_cannot_be_are_refused(folder: Path, entries: dict[str, Any], match: str) -> None:
    change(folder, **entries)
    with pytest.raises(BundleError, match=match):
        Bundle.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\x00"])
def test_manifests_that_are_no_object_are_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Bundle.load(folder)


@pytest.mark.parametrize(
    ("genes", "match"), [(["A", "B", "A"], "names 'A' twice"), ([], "one gene per line"), (["A", "", "B"], "one gene")]
)
def test_gene_lists_are_checked(tmp_path: Path, genes: list[str], match: str) -> None:
    with pytest.raises(BundleError, match=match):
        save_bundle(tmp_path, MANIFEST, genes, {"model.onnx": b"a graph"})


def test_gene_lists_are_text(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not UTF-8"):
        save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "genes.txt": b"\xff\xfe"})


def with_aliases(folder: Path, content: bytes) -> Path:
    return save_bundle(folder, MANIFEST, GENES, {"model.onnx": b"", "aliases.tsv": content})


def test_genes_may_have_other_names(tmp_path: Path) -> None:
    made = with_aliases(tmp_path, aliases_file({"CD3": "CD3E", "CD20": "MS4A1", "T3E": "CD3E"})["aliases.tsv"])
    assert Bundle.load(made).aliases == {"CD3": 0, "CD20": 1, "T3E": 0}
    assert aliases_file({}) == {}


@pytest.mark.parametrize("content", [b"CD3\tCD4\n", b"CD3\n", b"\tCD3E\n", b"\xff\tCD3E\n"])
def test_other_names_are_checked(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BundleError, match=r"aliases\.tsv (does not give a name, a tab and a gene|is not UTF-8)"):
        with_aliases(tmp_path, content)


def reference_of(**arrays: Any) -> bytes:
    file = BytesIO()
    whole = {"xy": np.zeros((4, 2), np.float32), "label": np.array([0, 1, 1, 0], np.uint16)}
    np.savez(file, **(whole | arrays))
    return file.getvalue()


def test_a_reference_may_hold_embeddings_and_the_labels_of_the_training(tmp_path: Path) -> None:
    embedding, truth = np.arange(12, dtype=np.float64).reshape(4, 3), np.array([1, -1, 0, 1])
    content = reference_of(embedding=embedding, truth=truth)
    folder = save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "reference.npz": content})
    reference = Bundle.load(folder).reference()
    assert reference is not None and reference.embedding is not None and reference.truth is not None
    assert reference.embedding.dtype == np.float32 and reference.embedding.tolist() == embedding.tolist()
    assert reference.truth.tolist() == [1, -1, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"embedding": np.zeros((3, 8), np.float32)},
        {"embedding": np.zeros((4, 0), np.float32)},
        {"embedding": np.zeros(4, np.float32)},
        {"embedding": np.full((4, 8), np.nan, np.float32)},
        {"embedding": np.array([["a"] * 8] * 4)},
        {"embedding": np.zeros((4, 8), dtype=[("a", "f4"), ("b", "f4")])},
        {"truth": np.zeros(3, np.int32)},
        {"truth": np.array([0, 1, 2, 0])},
        {"truth": np.array([0, 1, -2, 0])},
        {"truth": np.array(["a", "b", "c", "d"])},
    ],
    ids=str,
)
def test_a_reference_of_what_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, np.ndarray]) -> None:
    files = {"model.onnx": b"a graph", "reference.npz": reference_of(**wrong)}
    folder = save_bundle(tmp_path, MANIFEST, GENES, files)
    with pytest.raises(BundleError, match=r"reference\.npz"):
        Bundle.load(folder).reference()


@pytest.mark.parametrize("content", [reference_file(labels=3), b"no archive", b""])
def test_a_reference_that_fits_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "reference.npz": content})
    with pytest.raises(BundleError, match=r"reference\.npz"):
        Bundle.load(folder).reference()


def test_a_reference_of_other_labels_is_refused(tmp_path: Path) -> None:
    file = BytesIO()
    np.savez(file, xy=np.zeros((2, 2), np.float32), label=np.array([0, 2], np.uint16))
    folder = save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "reference.npz": file.getvalue()})
    with pytest.raises(BundleError, match="has the label 2, the model has 2 classes"):
        Bundle.load(folder).reference()


def test_a_reference_is_not_unpickled(tmp_path: Path) -> None:
    file = BytesIO()
    np.savez(file, xy=np.array([{"a": 1}], dtype=object), label=np.zeros(1, np.uint16))
    folder = save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "reference.npz": file.getvalue()})
    with pytest.raises(BundleError, match=r"reference\.npz cannot be read"):
        Bundle.load(folder).reference()


def test_a_bundle_that_is_there_is_replaced_whole(tmp_path: Path) -> None:
    """Who converts a model a second time may have given the first a map."""
    save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"a graph", "umap.onnx": b"a map"})
    bundle = Bundle.load(save_bundle(tmp_path, MANIFEST, GENES, {"model.onnx": b"another"}))
    assert bundle.umap_path is None and bundle.model_path.read_bytes() == b"another"
