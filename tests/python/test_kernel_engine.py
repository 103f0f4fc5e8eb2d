"""The kernel engine: what it gives, what it refuses, and that a cell's result is its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cellwidget.batch import Batch
from cellwidget.bundle import BundleError
from cellwidget.engines import BatchSizes, Careful, EngineFailed
from cellwidget.engines.gather import Gathered
from cellwidget.engines.kernel import KernelEngine

from .engine_cases import GENES, FakeEngine, cells_of, dataset
from .tiny_graphs import CLASSES, reference, write_model, write_umap


@dataclass
class Bundle:
    """As much of a bundle as an engine looks at."""

    model_path: Path
    umap_path: Path | None = None
    genes: list[str] = field(default_factory=lambda: GENES)
    classes: list[str] = field(default_factory=lambda: CLASSES)
    outputs: tuple[str, ...] = ("logits", "embedding", "attention", "attention_genes")
    naming: None = None
    manifest: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(memory={}))

    @property
    def folder(self) -> Path:
        return self.model_path.parent


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_model(tmp_path / "model.onnx", len(GENES))
    write_umap(tmp_path / "umap.onnx")
    return Bundle(tmp_path / "model.onnx", tmp_path / "umap.onnx")


def engine_of(bundle: Bundle, **more: object) -> KernelEngine:
    return KernelEngine(bundle, threads=1, **more)  # type: ignore[arg-type]


def a_batch(n: int = 64) -> Batch:
    return cells_of(dataset(n)).read(0, n)[0]


def test_outputs_are_those_of_the_reference(bundle: Bundle) -> None:
    result = engine_of(bundle).run(a_batch())
    expected = reference(dataset(64).X.toarray())
    assert {*result.outputs} == {"logits", "embedding", "xy"} and result.failed == {}
    for name, values in expected.items():
        np.testing.assert_allclose(result.outputs[name], values, atol=1e-4 * np.abs(values).max())


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_cells_result_does_not_depend_on_its_batch(bundle: Bundle, size: int) -> None:
    engine, cells = engine_of(bundle), cells_of(dataset(64))
    whole = engine.run(cells.read(0, 64)[0])
    parts = [engine.run(cells.read(start, min(start + size, 64))[0]) for start in range(0, 64, size)]
    for name, values in whole.outputs.items():
        got = np.concatenate([part.outputs[name] for part in parts])
        np.testing.assert_allclose(got, values, rtol=0, atol=1e-6 * np.abs(values).max())


def test_attention_comes_when_asked_for(bundle: Bundle) -> None:
    batch = a_batch(5)
    outputs = engine_of(bundle, outputs=["attention"]).run(batch).outputs
    np.testing.assert_array_equal(outputs["attention"], batch.counts)
    assert outputs.keys() == {"attention"}


def test_attention_is_not_computed_for_nobody(bundle: Bundle) -> None:
    write_model(bundle.model_path, len(GENES), attention_fails=True)
    engine = engine_of(bundle)
    assert len(engine.run(a_batch(5)).rows) == 5
    with pytest.raises(Exception, match="out of data bounds"):
        engine_of(bundle, outputs=["attention"]).run(a_batch(5))


def test_places_do_not_need_the_embedding_to_be_asked_for(bundle: Bundle) -> None:
    assert engine_of(bundle, outputs=["xy"]).run(a_batch(5)).outputs.keys() == {"xy"}


def test_a_bundle_without_a_map_gives_no_places(bundle: Bundle) -> None:
    bundle.umap_path = None
    assert engine_of(bundle).run(a_batch(5)).outputs.keys() == {"logits", "embedding"}


def test_an_input_that_batches_lack_is_named(bundle: Bundle) -> None:
    write_model(bundle.model_path, len(GENES), total=True)
    with pytest.raises(ValueError, match="'total'"):
        engine_of(bundle).run(a_batch(5))


def test_graphs_that_do_not_fit_the_manifest_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    bundle.classes = ["only", "two"]
    with pytest.raises(BundleError, match="tells 3 classes apart, 2 are named"):
        engine_of(bundle).load()
    bundle.classes, bundle.outputs = CLASSES, ("logits", "tokens")  # of what is not asked for the name is looked at
    with pytest.raises(BundleError, match="lacks the output 'tokens'"):
        engine_of(bundle).load()


def test_a_map_of_other_embeddings_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    write_umap(tmp_path / "umap.onnx", width=9)
    with pytest.raises(BundleError, match=r"umap.onnx .* takes embeddings of 9 numbers, the model gives 4"):
        engine_of(bundle).load()


def test_files_that_are_no_models_are_refused(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded"):
        engine_of(bundle).load()
    write_umap(bundle.model_path)
    with pytest.raises(BundleError, match=r"model\.onnx .* lacks the output 'logits'"):
        engine_of(bundle).load()


def test_a_real_failure_of_one_cell_fails_it_alone(bundle: Bundle) -> None:
    batch = a_batch(20)
    batch.genes[13, 0] = 99_999  # no such gene: onnxruntime refuses the whole batch
    result = Careful(engine_of(bundle)).run(batch)
    assert [*result.failed] == [13] and "model failed" in result.failed[13]
    assert result.rows.tolist() == [row for row in range(20) if row != 13]
    expected = reference(dataset(20).X.toarray())["logits"][result.rows]
    np.testing.assert_allclose(result.outputs["logits"], expected, atol=1e-4 * np.abs(expected).max())


def test_threads_must_be_some(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="threads"):
        KernelEngine(bundle, threads=0)  # type: ignore[arg-type]


def test_large_models_get_small_batches(bundle: Bundle) -> None:
    bundle.genes = ["g"] * 50_000
    assert engine_of(bundle).largest_batch < 256
    bundle.genes = ["g"] * 10_000_000
    assert engine_of(bundle).largest_batch >= 1


# ── careful running ──────────────────────────────────────────────────────────────────────────────


def test_nothing_is_run_twice_when_nothing_fails() -> None:
    engine = FakeEngine()
    Careful(engine).run(a_batch(50))
    assert engine.sizes == [50]


def test_bad_cells_cost_few_runs() -> None:
    def check(batch: Batch) -> None:
        if 9 in batch.rows:
            raise RuntimeError("no")

    engine = FakeEngine(check)
    careful = Careful(engine)
    careful.run(Batch(np.array([100]), np.zeros((1, 1), np.int32), np.ones((1, 1), np.float32)))
    result = careful.run(a_batch(64))
    assert [*result.failed] == [9] and len(engine.sizes) <= 1 + 2 * 6 + 2


def test_an_engine_that_never_worked_is_to_blame_itself() -> None:
    def check(_: Batch) -> None:
        raise RuntimeError("x" * 1_000 + "\nmore")

    with pytest.raises(EngineFailed) as caught:
        Careful(FakeEngine(check)).run(a_batch(8))
    assert len(str(caught.value)) <= 200 and "\n" not in str(caught.value)


def test_attention_of_halves_is_as_wide_as_the_widest() -> None:
    gathered = Gathered(3, 10)
    from cellwidget.batch import ResultBatch

    for rows, weights, genes in (([2, 0], [[0.5, 0], [0.2, 0.8]], [[3, 0], [1, 9]]), ([1], [[1.0]], [[0]])):
        outputs = {"attention": np.array(weights, np.float32), "attention_genes": np.array(genes, np.int32)}
        gathered.add(ResultBatch(np.array(rows), outputs))
    dense = np.zeros((3, 10), np.float32)
    dense[0, [1, 9]], dense[1, 0], dense[2, 3] = [0.2, 0.8], 1.0, 0.5
    np.testing.assert_array_equal(gathered.whole("attention").toarray(), dense)


# ── batch sizes ──────────────────────────────────────────────────────────────────────────────────


def measure(sizes: BatchSizes, seconds_per_cell: dict[int, float]) -> int:
    while not sizes.settled:
        sizes.measured(sizes.size, sizes.size * seconds_per_cell[sizes.size])
    return sizes.size


def test_the_fastest_size_is_kept() -> None:
    assert measure(BatchSizes(4_096), {16: 4e-5, 64: 2e-5, 256: 1e-5, 1024: 2e-5}) == 256
    assert measure(BatchSizes(4_096), {16: 4e-5, 64: 2e-5, 256: 1e-5, 1024: 5e-6}) == 1024
    assert measure(BatchSizes(4_096), {16: 1e-3, 64: 1e-3, 256: 1e-6, 1024: 1e-6}) == 16, "no gain, no growth"
    assert measure(BatchSizes(4_096), dict.fromkeys((16, 64, 256, 1024), 4e-6)) == 1024, "each batch has its own costs"


def test_memory_and_patience_bound_the_size() -> None:
    assert measure(BatchSizes(100), {16: 4e-5, 64: 2e-5, 100: 1e-5}) == 100
    assert measure(BatchSizes(4_096), {16: 1e-2, 64: 8e-3, 256: 5e-3}) == 64, "256 would take over a second"


def test_batches_of_another_size_are_not_measured() -> None:
    sizes = BatchSizes(4_096)
    for _ in range(10):
        sizes.measured(3, 1e-9)
    assert sizes.size == 16 and not sizes.settled


def test_short_batches_are_read_several_at_once() -> None:
    sizes = BatchSizes(4_096)
    assert sizes.portion == 16, "while measuring, one by one"
    measure(sizes, {16: 1e-4, 64: 1e-4})
    assert sizes.size == 16 and sizes.portion % 16 == 0 and 64 <= sizes.portion <= 1_024
    slow = BatchSizes(4_096)
    measure(slow, {16: 0.1})
    assert slow.portion == slow.size == 16


def test_a_fixed_size_stays_unless_memory_runs_out() -> None:
    sizes = BatchSizes(10, fixed=500)
    assert sizes.settled and sizes.size == 500
    sizes.out_of_memory(300)
    assert sizes.size == 150
    with pytest.raises(ValueError, match="batch_size"):
        BatchSizes(10, fixed=0)
