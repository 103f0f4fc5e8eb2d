"""The small graphs around a foreign one, and which graphs some outputs take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import cellwidget as cw
from cellwidget.batch import Batch
from cellwidget.bundle import load_bundle
from cellwidget.engines import equipment
from cellwidget.engines.chain import chain_of
from cellwidget.engines.equipment import Equipped
from cellwidget.engines.kernel import KernelEngine
from cellwidget.graphs.foreign import back, front
from cellwidget.graphs.onnx import DOUBLE, FLOAT, Value, signature

from .sims_cases import FOLDER, NAME

if TYPE_CHECKING:
    from collections.abc import Callable

GENES = 7
STREAMED = ("logits", "embedding", "xy")


def session(graph: bytes) -> Callable[..., list[np.ndarray]]:
    runs = ort.InferenceSession(graph)
    return lambda **feed: runs.run(None, feed)


FRONT, NORMALISING = session(front(GENES, normalise=False)), session(front(GENES, normalise=True))
BACK = {dtype: session(back(dtype)) for dtype in (np.float32, np.float64)}


def padded(dense: np.ndarray) -> dict[str, np.ndarray]:
    """Rows as batches hold them, in no order of genes."""
    rows = [np.flatnonzero(row)[::-1] for row in dense]
    width = max(1, *(len(row) for row in rows))
    genes, counts = np.full((len(dense), width), -1, np.int32), np.zeros((len(dense), width), np.float32)
    for at, row in enumerate(rows):
        genes[at, : len(row)], counts[at, : len(row)] = row, dense[at, row]
    return {"genes": genes, "counts": counts}


@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.just(GENES)), elements=st.floats(-9, 9, width=32)))
def test_values_come_out_where_their_genes_are(dense: np.ndarray) -> None:
    np.testing.assert_array_equal(FRONT(**padded(dense))[0], dense)


@given(
    arrays(np.int32, st.tuples(st.integers(1, 5), st.just(GENES)), elements=st.integers(0, 70_000)),
    st.integers(0, 100_000),
)
def test_counts_become_log1p_of_counts_per_10_000_of_the_total(counts: np.ndarray, elsewhere: int) -> None:
    total = counts.sum(axis=1) + elsewhere
    wanted = np.log1p(counts * 10_000.0 / np.maximum(total, 1e-12)[:, None])
    (made,) = NORMALISING(**padded(counts), total=total.astype(np.float32))
    np.testing.assert_allclose(made, wanted, rtol=1e-6, atol=0)


@given(
    st.sampled_from([np.float32, np.float64]).flatmap(
        lambda dtype: arrays(
            dtype, st.tuples(st.integers(1, 5), st.just(GENES)), elements=st.sampled_from([0.0, 0.0, 0.25, 1.5, 3.0])
        )
    )
)
def test_no_weight_of_dense_attention_is_lost(dense: np.ndarray) -> None:
    weights, genes = BACK[dense.dtype.type](attention_dense=dense)
    assert weights.dtype == np.float32 and genes.dtype == np.int32
    assert weights.shape == genes.shape == (len(dense), max(1, int((dense > 0).sum(axis=1).max())))
    again = np.zeros_like(dense)
    np.add.at(again, (np.arange(len(dense))[:, None], genes), weights)
    np.testing.assert_array_equal(again, dense)
    assert (np.diff(weights, axis=1) <= 0).all() and (genes[weights == 0] == 0).all()


@pytest.mark.parametrize(
    "graph", [front(3, normalise=True), front(3, normalise=False), back(np.float32), back(np.float64)]
)
def test_what_is_written_by_hand_is_onnx(graph: bytes) -> None:
    onnx.checker.check_model(onnx.load_from_string(graph), full_check=True)


def test_files_say_what_they_take_and_give() -> None:
    stated = signature(front(3, normalise=False))
    assert [value.name for value in stated.inputs] == ["genes", "counts"]
    assert stated.outputs == [Value("dense", FLOAT, (None, 3))]
    stated = signature((FOLDER / f"{NAME}.onnx").read_bytes())
    assert stated.inputs == [Value("input", FLOAT, (None, 40))]
    assert {value.name: value.kind for value in stated.outputs}["attention"] == DOUBLE
    for bad in (b"", b"hello", b"\x00" * 40, b"\x08" + b"\xff" * 1_000_000):
        with pytest.raises(ValueError, match="not an ONNX file"):
            signature(bad)


def test_only_graphs_that_are_needed_run_and_only_as_much_of_them() -> None:
    bundle = load_bundle(FOLDER)
    whole = (FOLDER / f"{NAME}.onnx").read_bytes()
    names = {
        ("logits",): ["front", "model"],
        ("xy",): ["front", "model", "umap"],
        ("attention", "attention_genes"): ["front", "model", "back"],
        (*bundle.outputs, "xy"): ["front", "model", "back", "umap"],
    }
    for wanted, stages in names.items():
        chain = chain_of(bundle, wanted)
        assert [stage.name for stage in chain] == stages
        assert set(KernelEngine(bundle, outputs=wanted).run(two_cells()).outputs) == set(wanted)
    _, model, _ = chain_of(bundle, STREAMED)
    assert [value.name for value in signature(model.graph).outputs] == ["logits", "encoding"] and len(
        model.graph
    ) < len(whole)
    assert model.outputs == {"logits": "logits", "embedding": "encoding"}


def test_a_bundle_of_ours_is_a_chain_too() -> None:
    model, umap = chain_of(cw.load_model("pbmc").bundle, STREAMED)
    assert model.inputs == {"genes": "genes", "counts": "counts"} and umap.inputs == {"embedding": "embedding"}


def two_cells() -> Batch:
    genes = np.array([[3, 1, -1], [39, -1, -1]], np.int32)
    return Batch(np.arange(2), genes, np.array([[1, 2, 0], [4, 0, 0]], np.float32))


def test_memory_is_reckoned_by_dense_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equipment, "_runtime", lambda name: name.encode())
    bundle = load_bundle(FOLDER)
    bundle.genes = bundle.genes * 1203  # as many as the published model's
    assert 8 <= Equipped(bundle, STREAMED).describe()["largest_batch"] <= 32
    assert 16 <= KernelEngine(bundle).largest_batch <= 64


def test_a_page_is_told_what_each_graph_calls_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equipment, "_runtime", lambda name: name.encode())
    told = Equipped(load_bundle(FOLDER, "log1p_10k"), STREAMED).describe()
    assert told["stages"] == [
        {
            "asset": "front",
            "inputs": {"genes": "genes", "counts": "counts", "total": "total"},
            "outputs": {"dense": "dense"},
        },
        {"asset": "model", "inputs": {"dense": "input"}, "outputs": {"logits": "logits", "embedding": "encoding"}},
        {"asset": "umap", "inputs": {"embedding": "input"}, "outputs": {"xy": "output"}},
    ]
    assert set(told["assets"]) == {"wasm", "front", "model", "umap"}  # without WebGPU's, since it computes in float64
