"""What a model looked at, summed per class while the run goes on: each cell once, whatever comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cellwidget as cw
from cellwidget.batch import ResultBatch
from cellwidget.engines.browser import BrowserEngine
from cellwidget.engines.packing import Packer
from cellwidget.results import AttentionSums, Results, attention
from cellwidget.run import Run

from .engine_cases import GENES, cells_of, dataset, fake_outputs
from .test_browser_engine import Page, spread, until
from .tiny_graphs import CLASSES, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

N_GENES = 5
BOTH = ("attention_weighted", "attention")


def outputs_of(rng: np.random.Generator, n: int, k: int) -> dict[str, np.ndarray]:
    """Attention with repeated genes and padding."""
    masks = rng.random((n, k)).astype(np.float32) * (rng.random((n, k)) < 0.7)
    genes = (rng.integers(0, N_GENES, (n, k)) * (masks > 0)).astype(np.int32)
    return {
        "attention": masks,
        "attention_weighted": 2 * masks * rng.random((n, 1), np.float32),
        "attention_genes": genes,
    }


def dense(outputs: dict[str, np.ndarray], name: str) -> np.ndarray:
    out = np.zeros((len(outputs[name]), N_GENES))
    for row, (weights, genes) in enumerate(zip(outputs[name], outputs["attention_genes"], strict=True)):
        for weight, gene in zip(weights, genes, strict=True):
            out[row, gene] += weight
    return out


@given(st.lists(st.lists(st.integers(0, 19), min_size=1, max_size=8, unique=True), max_size=12), st.integers(0, 99))
def test_sums_are_those_of_each_cell_once(batches: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, outputs = rng.integers(0, 3, 20), outputs_of(rng, 20, 4)
    sums = AttentionSums(20, 3, N_GENES, BOTH)
    for rows in batches:
        sums.add(np.array(rows), labels[rows], {name: values[rows] for name, values in outputs.items()})
    seen = np.isin(np.arange(20), [row for rows in batches for row in rows])
    for name in BOTH:
        whole = dense(outputs, name)
        for code in range(3):
            got = sums.of(name, code)
            assert got.cells == int((seen & (labels == code)).sum())
            np.testing.assert_allclose(got.weights, whole[seen & (labels == code)].sum(axis=0), atol=1e-6)


def test_what_is_no_gene_of_the_model_is_left_out() -> None:
    sums = AttentionSums(1, 2, N_GENES, ["attention"])
    outputs = {"attention": np.ones((1, 4), np.float32), "attention_genes": np.array([[-1, 1, 5, 2**31 - 1]], np.int32)}
    sums.add(np.array([0]), np.array([0]), outputs)
    assert sums.of("attention", 0).weights.tolist() == [0, 1, 0, 0, 0]
    assert not sums.of("attention", 1).weights.any()


def test_there_are_sums_only_where_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "MOST_SUMS", 20)
    outputs = ["logits", "attention", "attention_genes"]
    assert AttentionSums.fitting(9, 4, 5, outputs) is not None
    assert AttentionSums.fitting(9, 5, 5, outputs) is None
    assert AttentionSums.fitting(9, 0, 5, outputs) is None
    assert AttentionSums.fitting(9, 4, 5, ["logits"]) is None


def test_a_run_gathers_what_predict_gives(tmp_path: Path) -> None:
    adata, model = dataset(150), cw.load_model(write_bundle(tmp_path / "bundle", GENES))
    w = cw.CellWidget(adata, model)
    w.wait(60)
    whole = model.predict(adata, ["logits", "attention"])
    labels, sums = whole["logits"].argmax(axis=1), w._job._results.attention
    assert sums is not None
    for code in range(len(CLASSES)):
        of_class = whole["attention"][labels == code].sum(axis=0)
        np.testing.assert_allclose(sums.of("attention", code).weights, of_class, rtol=1e-6)
    w.close()


class LookingPage(Page):
    """A page whose model says what it looks at: the counts themselves, which it adds up per label."""

    def finish(self, bad: dict[int, str] | None = None) -> None:
        lease, batch = self.held.pop(0)
        counts = spread(batch)
        outputs = fake_outputs(counts)
        labels = outputs["logits"].argmax(axis=1)
        sums = np.array([counts[labels == code].sum(axis=0) for code in range(len(CLASSES))])
        codes, genes = np.nonzero(sums)
        lists = {"attention": sums[codes, genes].astype(np.float32), "attention_codes": codes.astype(np.uint16)}
        lists["attention_genes"] = genes.astype(np.int32)
        self.engine.take(self.name, lease, outputs | {name: values[:, None] for name, values in lists.items()}, [])


class Looking:
    """What graphs with attention give."""

    outputs = ("logits", "embedding", "xy", "attention", "attention_genes")

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}


def test_pages_bring_attention_summed_and_a_lease_that_comes_twice_counts_once() -> None:
    adata = dataset(120)
    cells = cells_of(adata)
    engine = BrowserEngine(Looking(), len(CLASSES), Packer(cells.order))  # type: ignore[arg-type]
    sums = AttentionSums(cells.n_obs, len(CLASSES), len(GENES), ["attention"])
    run = Run(cells, engine, Results(cells.n_obs, CLASSES, attention=sums))
    run.start()
    page = LookingPage(engine, room=16)
    page.pull()
    until(page.fetch)
    # this one's answer is recorded, and then its cells are run again as if they had been lost
    rows = page.held[0][1].rows
    page.finish()
    until(lambda: run.results.counts[0] == len(rows))
    counts = adata.X.toarray()
    again = fake_outputs(counts[rows]) | {
        "attention": counts[rows].astype(np.float32),
        "attention_genes": np.tile(np.arange(len(GENES), dtype=np.int32), (len(rows), 1)),
    }
    run.results.record(ResultBatch(rows, again))
    page.serve(run)
    labels = fake_outputs(counts)["logits"].argmax(axis=1)
    for code in range(len(CLASSES)):
        got = sums.of("attention", code)
        assert got.cells == int((labels == code).sum())
        np.testing.assert_array_equal(got.weights, counts[labels == code].sum(axis=0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attention_genes": np.zeros((3, 1), np.int32)}, "not of one length"),
        ({"attention_genes": np.zeros((2, 1), np.float32)}, "attention_genes is of type float32"),
        ({"attention_codes": np.zeros((2, 1), np.float32)}, "attention_codes is of type float32"),
        ({"attention": np.zeros((2, 1), np.int32)}, "of type int32"),
        ({"attention": np.full((2, 1), np.nan, np.float32)}, "no numbers"),
        ({"attention_codes": np.full((2, 1), 7, np.uint16)}, "attention of label 7"),
        ({"embedding": np.zeros((2, 30_000), np.float32)}, "expected was"),
        ({"attention_more": np.zeros((2, 1), np.float32)}, "asked for was"),
    ],
)
def test_attention_that_cannot_be_is_refused(change: dict[str, np.ndarray], words: str) -> None:
    engine = BrowserEngine(Looking(), len(CLASSES), Packer(np.arange(len(GENES))))  # type: ignore[arg-type]
    outputs = fake_outputs(np.ones((2, len(GENES)), np.float32))
    outputs |= {"attention": np.zeros((2, 1), np.float32), "attention_codes": np.zeros((2, 1), np.uint16)}
    outputs["attention_genes"] = np.zeros((2, 1), np.uint16)
    with pytest.raises(ValueError, match=words):
        engine._result(np.arange(2), outputs | change, [])


def test_sums_are_taken_whole_or_not_at_all() -> None:
    sums = AttentionSums(6, 2, N_GENES, ["attention"])
    lists = {"attention_codes": [0, 1, 1], "attention_genes": [3, 3, N_GENES], "attention": [1.5, 2.0, 9.0]}
    told = {name: np.array(values) for name, values in lists.items()}
    sums.add_sums(np.array([0, 2]), np.array([0, 1]), told)
    sums.add_sums(np.array([2, 4]), np.array([1, 1]), told)
    assert [sums.of("attention", code).cells for code in (0, 1)] == [1, 1], "row 2 was there"
    assert [sums.of("attention", code).weights.tolist() for code in (0, 1)] == [[0, 0, 0, 1.5, 0], [0, 0, 0, 2.0, 0]]
