"""What pages are given to run a model themselves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort
import pytest

import cellwidget as cw
from cellwidget.bundle import Bundle, BundleError
from cellwidget.convert.graph import Graph
from cellwidget.engines import equipment
from cellwidget.engines.equipment import Equipped
from cellwidget.engines.kernel import STREAMED_OUTPUTS
from cellwidget.graphs.doubles import computes_in_double

from .engine_cases import GENES
from .tiny_graphs import write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equipment, "_runtime", lambda name: name.encode())


def test_the_graph_is_cut_down_to_what_is_streamed_and_gives_the_same() -> None:
    bundle = cw.load_model("pbmc").bundle
    equipped = Equipped(bundle, STREAMED_OUTPUTS)
    told = equipped.describe()
    assert told["outputs"] == ["logits", "embedding", "xy"]
    model, umap = told["stages"]
    assert model["asset"] == "model" and model["inputs"] == {"genes": "genes", "counts": "counts"}
    assert umap == {"asset": "umap", "inputs": {"embedding": "embedding"}, "outputs": {"xy": "xy"}}
    for name, content in equipped.contents.items():
        asset = told["assets"][name]
        assert asset == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    feed = {"genes": np.array([[3, 5, -1]], np.int32), "counts": np.array([[1, 2, 0]], np.float32)}
    cut, whole = (ort.InferenceSession(model) for model in (equipped.contents["model"], bundle.model_path.read_bytes()))
    assert {output.name for output in cut.get_outputs()} == {"logits", "embedding"}
    for name in ("logits", "embedding"):
        np.testing.assert_array_equal(cut.run([name], feed)[0], whole.run([name], feed)[0])


def test_without_places_the_map_stays_here() -> None:
    equipped = Equipped(cw.load_model("pbmc").bundle, ("logits", "embedding"), workers=3)
    assert "umap" not in equipped.contents
    told = equipped.describe()
    assert [stage["asset"] for stage in told["stages"]] == ["model"] and told["workers"] == 3


def test_weights_beside_the_graph_are_refused(tmp_path: Path) -> None:
    bundle = cw.load_model("pbmc").bundle
    for path in bundle.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx.data").write_bytes(b"0")
    with pytest.raises(BundleError, match=r"model\.onnx\.data.*kernel engine"):
        _ = Equipped(Bundle.load(tmp_path), STREAMED_OUTPUTS).contents


def test_the_runtime_for_webgpu_goes_along_where_no_float64_is_computed(tmp_path: Path) -> None:
    assert "webgpu" not in Equipped(cw.load_model("pbmc").bundle, STREAMED_OUTPUTS).describe()["assets"]
    single = cw.load_model(write_bundle(tmp_path / "bundle", GENES)).bundle
    assert Equipped(single, STREAMED_OUTPUTS).contents["webgpu"] == b"onnxruntime-webgpu.wasm.gz"


def test_float64_is_found_wherever_it_comes_in() -> None:
    def written(fill: Callable[[Graph], str]) -> bytes:
        graph = Graph()
        graph.output("y", fill(graph), np.float32, ["cells"])
        return graph.serialize("case")

    def x(graph: Graph) -> str:
        return graph.input("x", np.float32, ["cells"])

    def branch(graph: Graph) -> str:
        value, yes = x(graph), graph.constant(True, np.bool_)
        return graph.either(
            yes, lambda: graph.cast(graph.cast(value, np.float64), np.float32), lambda: graph.op("Abs", value)
        )

    assert not computes_in_double(written(lambda graph: graph.op("Log", x(graph))))
    assert not computes_in_double(written(lambda graph: graph.op("Gather", x(graph), graph.ints(11))))
    assert computes_in_double(written(lambda graph: graph.cast(graph.cast(x(graph), np.float64), np.float32)))
    assert computes_in_double(written(lambda graph: graph.cast(graph.constant(1.0, np.float64), np.float32)))
    assert computes_in_double(written(lambda graph: graph.cast(graph.input("z", np.float64, ["cells"]), np.float32)))
    assert computes_in_double(written(branch))
