"""Models: loading, the input report, and outputs of all cells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.sparse as sp

import cellwidget as cw
from cellwidget.bundle import BundleError
from cellwidget.cells import InputError

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, reference, write_bundle

if TYPE_CHECKING:
    from pathlib import Path


def test_a_model_is_loaded_from_a_folder_or_a_zip_and_once(tmp_path: Path, model: cw.Model) -> None:
    assert model.genes == GENES and model.classes == CLASSES
    assert repr(model) == "Model('tiny': 12 genes, 3 classes)"
    assert cw.load_model(model) is model
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "bundle")
    assert cw.load_model(archive).bundle.sha256 == model.bundle.sha256


def test_a_model_that_is_not_there_or_damaged_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model 'nowhere'"):
        cw.load_model("nowhere")
    folder = write_bundle(tmp_path / "bundle", GENES)
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(30)
        file.write(b"?")
    with pytest.raises(BundleError, match=r"model\.onnx.*altered"):
        cw.load_model(folder)


def test_check_prints_and_returns_what_was_found(model: cw.Model, capsys: pytest.CaptureFixture[str]) -> None:
    adata = dataset(50)
    counts = adata.X.toarray()
    counts[3] = 0
    adata.X = sp.csr_matrix(counts)
    report = model.check(adata)
    printed = capsys.readouterr().out
    assert printed.strip() == str(report).strip()
    for words in ("Tiny", "50, 1 of them empty", "X (raw counts)", "12 of the model's 12 (100 %)", "var_names"):
        assert words in printed
    assert report.facts["genes_matched"] == 12 and repr(report) == "<Report: 12 of 12 genes>"


def test_check_tells_what_is_wrong(model: cw.Model) -> None:
    adata = dataset(20)
    adata.var_names = [f"other{number}" for number in range(12)]
    with pytest.raises(InputError, match="None of the model's 12 genes"):
        model.check(adata)
    with pytest.raises(InputError, match="layer='nope'"):
        model.check(dataset(20), layer="nope")


def test_predict_gives_all_outputs_in_the_order_of_the_cells(model: cw.Model) -> None:
    adata = dataset(300)
    outputs = model.predict(adata)
    counts = adata.X.toarray()
    assert {*outputs} == {"logits", "probs", "embedding", "attention", "xy"}
    for name, values in reference(counts).items():
        assert outputs[name].dtype == np.float32
        np.testing.assert_allclose(outputs[name], values, atol=1e-4 * np.abs(values).max())
    assert isinstance(outputs["attention"], sp.csr_array)
    np.testing.assert_array_equal(outputs["attention"].toarray(), counts)
    assert adata.obs.shape[1] == 0 and not adata.uns and not adata.obsm


def test_predict_gives_what_is_asked_for_and_names_what_there_is(model: cw.Model) -> None:
    assert model.predict(dataset(9), ["xy"]).keys() == {"xy"}
    assert model.predict(dataset(9), "logits").keys() == {"logits"}
    with pytest.raises(ValueError, match=r"no output 'umap', only .*'xy'"):
        model.predict(dataset(9), ["umap"])


def test_cells_that_fail_are_missing_in_every_output_and_told_of(model: cw.Model) -> None:
    adata = dataset(30)
    adata.X = adata.X.toarray()
    adata.X[4] = 0
    with pytest.warns(UserWarning, match="1 cells have no result: the cell has no counts"):
        outputs = model.predict(adata)
    assert np.flatnonzero(np.isnan(outputs["logits"]).any(axis=1)).tolist() == [4]
    assert outputs["attention"][[4]].nnz == 0 and outputs["attention"].shape == (30, 12)


def test_the_package_and_its_models_are_imported_without_anything_heavy() -> None:
    heavy = ("onnxruntime", "anndata", "pandas", "scipy", "umap", "tqdm", "ipywidgets", "onnx", "sklearn", "numba")
    code = f"""
import sys, cellwidget
import cellwidget.run, cellwidget.layout, cellwidget.results, cellwidget.engines.kernel, cellwidget.model
import cellwidget.annotate
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
