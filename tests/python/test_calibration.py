"""Calibration: a temperature that was put in is found, labels stay, and scores become as right as they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cellwidget as cw
from cellwidget.bundle import Bundle, BundleError
from cellwidget.calibration import calibrate, class_codes, fit_temperature
from cellwidget.cells import InputError
from cellwidget.rebundle import rewrite
from cellwidget.results.scores import softmax

from .engine_cases import GENES, dataset
from .tiny_graphs import CLASSES, write_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def held() -> ad.AnnData:
    return cw.datasets.pbmc_heldout()


@pytest.fixture
def distorted(tmp_path: Path) -> cw.Model:
    """The packaged model, made four times as sure of itself."""
    folder = cw.load_model("pbmc").save(tmp_path / "pbmc")
    return cw.load_model(rewrite(Bundle.load(folder), folder, temperature=0.25))


def drawn(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with the probabilities that these mean."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, classes))
    codes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, codes


@settings(max_examples=15)
@given(st.floats(0.2, 5.0), st.integers(2, 12), st.integers(0, 1000))
def test_the_temperature_that_logits_were_multiplied_with_is_found(temperature: float, classes: int, seed: int) -> None:
    logits, codes = drawn(4_000, classes, seed)
    assert fit_temperature(logits * temperature, codes) == pytest.approx(temperature, rel=0.12)


@settings(max_examples=15)
@given(st.floats(0.2, 5.0), st.integers(0, 1000))
def test_a_distorted_model_is_mended_on_cells_that_were_not_fitted(temperature: float, seed: int) -> None:
    logits, codes = drawn(2_000, 5, seed)
    names = [f"class {code}" for code in range(5)]
    labelled = class_codes(pd.Series([names[code] for code in codes]), names)
    found = calibrate((logits * temperature).astype(np.float32), labelled)
    assert found.after.accuracy == found.before.accuracy
    assert found.after.nll <= found.before.nll + 0.01  # a fold's temperature is not quite the others'
    assert found.after.ece < 0.05
    assert found.cells == 2_000 and not found.unknown and not found.notes


def test_reliability_is_what_it_is_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.92, 0.08], [0.35, 0.65], [0.3, 0.7]])
    logits, codes = np.tile(np.log(probabilities), (10, 1)), np.tile([0, 1, 1, 1], 10)
    found = calibrate(logits, class_codes(pd.Series(np.array(["a", "b"])[codes]), ["a", "b"]))
    before = found.before
    assert before.accuracy == 0.75
    assert before.ece == pytest.approx((abs(1 - 0.95 + 0 - 0.92) + abs(2 - 0.65 - 0.7)) / 4)
    assert before.nll == pytest.approx(-np.log([0.95, 0.08, 0.65, 0.7]).mean())
    assert before.brier == pytest.approx(2 * np.square([0.05, 0.92, 0.35, 0.3]).mean())
    table = found.table[found.table["when"] == "before"].set_index("bin")
    assert table.loc[0.93, ["confidence", "accuracy", "cells"]].tolist() == pytest.approx([0.935, 0.5, 20])
    assert table.loc[0.7, "cells"] == 20 and table["cells"].sum() == 40  # 0.7 belongs to the bin that it ends
    assert np.isnan(table.loc[0.2, "confidence"])


def test_a_model_is_calibrated_and_labels_stay(distorted: cw.Model, held: ad.AnnData) -> None:
    before = distorted.predict(held, ["logits", "probs"])
    found = distorted.calibrate(held, "bulk_labels")
    after = distorted.predict(held, ["logits", "probs"])
    assert found.cells == held.n_obs
    assert distorted.temperature == found.temperature > 0.5
    assert found.after.ece < found.before.ece / 2 and found.after.nll < found.before.nll
    assert found.before.accuracy == found.after.accuracy == pytest.approx(0.859, abs=1e-3)
    np.testing.assert_array_equal(before["probs"].argmax(axis=1), after["probs"].argmax(axis=1))
    np.testing.assert_allclose(after["logits"], before["logits"] * 0.25 / found.temperature, rtol=1e-5)
    np.testing.assert_allclose(after["probs"], softmax(after["logits"]), atol=1e-6)
    np.testing.assert_allclose(after["probs"].sum(axis=1), 1, atol=1e-5)
    for words in (f"temperature {found.temperature:.3g}, from 142 cells", "ECE", "before", "after"):
        assert words in repr(found)


def test_calibrating_again_finds_the_same(distorted: cw.Model, held: ad.AnnData) -> None:
    first, second = (distorted.calibrate(held, "bulk_labels") for _ in range(2))
    assert second.temperature == first.temperature and second.after == first.after
    assert second.before.nll == pytest.approx(first.after.nll, rel=0.05)


def test_annotate_uses_the_temperature_and_records_it(distorted: cw.Model, held: ad.AnnData) -> None:
    plain, mended = held.copy(), held.copy()
    cw.annotate(plain, distorted, progress=False)
    found = distorted.calibrate(held, "bulk_labels")
    cw.annotate(mended, distorted, progress=False)
    assert (plain.obs["cellwidget_label"] == mended.obs["cellwidget_label"]).all()
    probs = distorted.predict(held, "probs")["probs"]
    np.testing.assert_allclose(mended.obs["cellwidget_score"], probs.max(axis=1), atol=1e-6)
    assert plain.obs["cellwidget_score"].mean() > mended.obs["cellwidget_score"].mean()
    assert mended.uns["cellwidget"]["temperature"] == found.temperature
    assert plain.uns["cellwidget"]["temperature"] == 0.25


def test_a_widget_shows_calibrated_scores(distorted: cw.Model, held: ad.AnnData) -> None:
    distorted.calibrate(held, "bulk_labels")
    widget = cw.CellWidget(held.copy(), distorted, engine="kernel")
    widget.wait(60)
    probs = distorted.predict(held, "probs")["probs"]
    np.testing.assert_allclose(widget.predictions["score"], probs.max(axis=1), atol=1e-5)
    shown = widget.inspect(3)["labels"]
    assert shown[0]["score"] == pytest.approx(float(probs[3].max()), abs=1e-5)
    widget.close()


def test_the_input_report_tells_of_it(
    distorted: cw.Model, held: ad.AnnData, capsys: pytest.CaptureFixture[str]
) -> None:
    distorted.check(held)
    assert "calibrated, with a temperature of 0.25" in capsys.readouterr().out
    assert "calibrated" not in str(cw.load_model("pbmc").check(held))


def test_a_saved_model_keeps_its_temperature_and_the_packaged_one_its_bytes(tmp_path: Path, held: ad.AnnData) -> None:
    model = cw.load_model("pbmc")
    found = model.calibrate(held, "bulk_labels")
    again = cw.load_model(model.save(tmp_path / "mine"))
    assert again.temperature == found.temperature
    assert cw.load_model("pbmc").temperature == 1.0
    reference, original = again.bundle.reference(), model.bundle.reference()
    assert reference is not None and original is not None
    np.testing.assert_array_equal(reference.xy, original.xy)
    with pytest.raises(FileExistsError, match=r"not empty.*overwrite=True"):
        model.save(tmp_path / "mine")
    assert model.save(tmp_path / "mine", overwrite=True) == tmp_path / "mine"
    with pytest.raises(ValueError, match=r"comes with the package.*Make a copy"):
        model.save(model.bundle.folder, overwrite=True)


def test_what_a_replaced_bundle_had_more_is_gone(tmp_path: Path) -> None:
    write_bundle(tmp_path / "tiny", GENES)
    plain = cw.load_model(write_bundle(tmp_path / "plain", GENES, umap=False))
    again = cw.load_model(plain.save(tmp_path / "tiny", overwrite=True))
    assert again.bundle.umap_path is None and not (tmp_path / "tiny" / "umap.onnx").exists()


@pytest.mark.parametrize("temperature", [0, -1.0, "1", True, None, float("inf"), float("nan")])
def test_a_temperature_that_is_none_is_refused(tmp_path: Path, temperature: object) -> None:
    folder = write_bundle(tmp_path / "tiny", GENES)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"temperature": temperature}))
    with pytest.raises(BundleError, match="temperature must be a number above 0"):
        Bundle.load(folder)


def test_a_manifest_without_a_temperature_means_one(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "tiny", GENES)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["temperature"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert cw.load_model(folder).temperature == 1.0


def test_unknown_and_missing_labels_and_failed_cells_are_left_out_and_told(tmp_path: Path) -> None:
    model, adata = cw.load_model(write_bundle(tmp_path / "tiny", GENES)), dataset(200)
    labels = np.array(CLASSES, dtype=object)[model.predict(adata, ["logits"])["logits"].argmax(axis=1)]
    labels[::3] = CLASSES[0]
    labels[:10], labels[10:14] = "Doublet", None
    adata.obs["known"] = pd.Categorical(labels)
    counts = adata.X.toarray()
    counts[20] = 0
    adata.X = sp.csr_matrix(counts)
    found = model.calibrate(adata, "known")
    assert found.cells == 200 - 10 - 4 - 1
    assert found.unknown == {"Doublet": 10}
    assert found.notes == [
        "4 cells without a label were left out.",
        "1 labelled cells without a result were left out.",
    ]
    assert "'Doublet' (10), labels that the model does not have" in str(found)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["Doublet"] * 60, "None of the cells.*'Doublet' \\(60\\)"),
        ([CLASSES[0], CLASSES[1]] * 10 + ["x"] * 40, "Only 20 cells.*needs 30"),
        ([CLASSES[0]] * 60, "two classes at least"),
    ],
)
def test_labels_that_do_not_do_are_refused(tmp_path: Path, labels: list[str], message: str) -> None:
    model, adata = cw.load_model(write_bundle(tmp_path / "tiny", GENES)), dataset(60)
    adata.obs["known"] = labels
    with pytest.raises(InputError, match=message):
        model.calibrate(adata, "known")
    assert model.temperature == 1.0


def test_a_column_that_is_not_there_and_a_model_without_labels_are_refused(tmp_path: Path) -> None:
    adata = dataset(40)
    adata.obs["batch"] = 1
    model = cw.load_model(write_bundle(tmp_path / "tiny", GENES))
    with pytest.raises(InputError, match=r"'nope' is not in adata\.obs, which holds 'batch'"):
        model.calibrate(adata, "nope")
    embeds = write_bundle(tmp_path / "embeds", GENES, classes=[], colors=[], outputs=["embedding"])
    with pytest.raises(ValueError, match="gives no labels"):
        cw.load_model(embeds).calibrate(adata, "batch")


def test_labels_that_no_temperature_fits_are_refused() -> None:
    codes = np.arange(90) % 3
    labelled = class_codes(pd.Series(np.array(CLASSES)[codes]), CLASSES)
    with pytest.raises(InputError, match="All of these cells are labelled rightly"):
        calibrate(np.eye(3)[codes] * 5, labelled)
    with pytest.raises(InputError, match="nothing to do with"):
        calibrate(np.eye(3)[(codes + 1) % 3] * 5, labelled)
