"""The SIMS graph against the published code's answers, and against plain float64 numpy on networks of any weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwidget.convert import tabnet
from cellwidget.convert.graph import Graph
from cellwidget.convert.simplex import NEVER, Blocks, projected
from cellwidget.convert.tabnet import OUTPUTS, Affine, Glu, mlp_graph, tabnet_graph

from .tabnet_cases import (
    Golden,
    entmax,
    feed,
    golden,
    log1p_10k,
    random_counts,
    random_net,
    reference,
    run,
    session,
    sparsemax,
)


@pytest.fixture(scope="module")
def published() -> Golden:
    return golden()


def assert_near(got: dict[str, np.ndarray], expected: dict[str, np.ndarray], atol: float = 2e-4) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=0, atol=atol * max(1.0, np.abs(values).max()), err_msg=name)


# ── the published code ───────────────────────────────────────────────────────────────────────────


def test_the_reference_agrees_with_the_published_code(published: Golden) -> None:
    got = reference(published.net, log1p_10k(published.counts, published.total))
    answers = published.answers
    np.testing.assert_allclose(got["logits"], answers["torch64_logits"], atol=2e-4)
    np.testing.assert_allclose(got["embedding"], answers["torch64_encoding"], atol=2e-4)
    np.testing.assert_allclose(got["attention"], answers["torch64_attention"], atol=2e-5)


def test_the_graph_agrees_with_the_published_code(published: Golden) -> None:
    graph = session(tabnet_graph(published.net, normalise="total"))
    got = run(graph, feed(published.counts, total=published.total), published.counts.shape[1])
    answers = published.answers
    np.testing.assert_allclose(got["logits"], answers["torch64_logits"], atol=2e-4)
    np.testing.assert_allclose(got["embedding"], answers["torch64_encoding"], atol=1e-4)
    np.testing.assert_allclose(got["attention"], answers["torch64_attention"], atol=2e-5)
    np.testing.assert_array_equal(np.argsort(-got["logits"], axis=1)[:, :3], answers["torch_topk_indices"])


def test_values_may_come_normalised(published: Golden) -> None:
    values = log1p_10k(published.counts, published.total).astype(np.float32)
    got = run(session(tabnet_graph(published.net, normalise="none")), feed(values), values.shape[1])
    np.testing.assert_allclose(got["logits"], published.answers["torch64_logits"], atol=2e-4)


def test_normalising_by_the_own_genes_needs_no_total(published: Golden) -> None:
    graph = session(tabnet_graph(published.net, normalise="own"))
    assert {node.name for node in graph.get_inputs()} == {"genes", "counts"}
    got = run(graph, feed(published.counts), published.counts.shape[1])
    assert_near(got, reference(published.net, log1p_10k(published.counts)))


def test_other_ways_of_normalising_are_refused(published: Golden) -> None:
    with pytest.raises(ValueError, match=r"'own', 'total' or 'none', not 'mean'"):
        tabnet_graph(published.net, normalise="mean")


# ── any network, any cells ───────────────────────────────────────────────────────────────────────


@given(
    seed=st.integers(0, 10_000),
    steps=st.integers(1, 4),
    attention=st.sampled_from([0.01, 0.3, 1.0, 10.0]),
    wider=st.integers(0, 5),
    mask=st.sampled_from(["sparsemax", "entmax"]),
)
@settings(max_examples=40, deadline=None)
def test_graphs_agree_with_the_reference(seed: int, steps: int, attention: float, wider: int, mask: str) -> None:
    net, counts = random_net(seed, steps=steps, attention=attention, mask=mask), random_counts(seed, 9)
    got = run(session(tabnet_graph(net)), feed(counts, wider=wider), 70)
    expected = reference(net, log1p_10k(counts))
    assert_near(got, expected, 1e-3)
    assert int(got["width"]) <= steps * 70, "no gene twice in a step"


@pytest.mark.parametrize(("attention", "least", "most"), [(1e-6, 70, 70), (0.3, 4, 40), (100.0, 1, 3)])
def test_masks_are_exact_from_one_gene_to_all(attention: float, least: int, most: int) -> None:
    net, counts = random_net(1, steps=1, attention=attention), random_counts(1, 20)
    got = run(session(tabnet_graph(net)), feed(counts), 70)
    support = (got["attention"] > 0).sum(axis=1)
    assert least <= support.min() and support.max() <= most
    np.testing.assert_allclose(got["attention"].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(got["attention"], reference(net, log1p_10k(counts))["attention"], atol=1e-5)


@pytest.mark.parametrize("mask", ["sparsemax", "entmax"])
@pytest.mark.parametrize("n_genes", [70, 9_001])
@pytest.mark.parametrize("size", [1, 7, 64])
def test_masks_are_exact_for_supports_of_all_widths(n_genes: int, mask: str, size: int) -> None:
    """From one gene to all of them, also when they meet in a batch."""
    rng = np.random.default_rng(6)
    z = rng.normal(size=(64, n_genes)) * np.geomspace(1e-7, 100, 64)[:, None]
    expected = (entmax if mask == "entmax" else sparsemax)(z.astype(np.float32).astype(np.float64))
    support = (expected > 0).sum(axis=1)
    assert support.max() == n_genes and support.min() <= 2 and len(set(support.tolist())) > 10
    graph, blocks = Graph(), Blocks.of(n_genes)
    weights, genes = projected(graph, graph.input("z", np.float32, ["cells", blocks.width]), blocks, tabnet.MASKS[mask])
    graph.output("weights", weights, np.float32, ["cells", "k"])
    graph.output("genes", genes, np.int64, ["cells", "k"])
    runner = session(graph.serialize("projection"))
    order = rng.permutation(64)
    for start in range(0, 64, size):
        rows = order[start : start + size]
        weights, genes = runner.run(None, {"z": blocks.fill(z[rows], with_=NEVER)})
        got = np.zeros((len(rows), blocks.width))
        np.add.at(got, (np.arange(len(rows))[:, None], genes), weights)
        np.testing.assert_allclose(got[:, :n_genes], expected[rows], rtol=1e-5, atol=2e-7)
        assert not got[:, n_genes:].any()


@pytest.mark.parametrize("attention", [1e-6, 0.05, 1.0])
@pytest.mark.parametrize("n_genes", [1, 5, 16, 64, 3_000, 9_001])
def test_masks_are_exact_whatever_the_number_of_genes(n_genes: int, attention: float) -> None:
    net, counts = random_net(3, n_genes, attention=attention), random_counts(3, 5, n_genes)
    got = run(session(tabnet_graph(net)), feed(counts), n_genes)
    assert_near(got, reference(net, log1p_10k(counts)), 1e-3)
    np.testing.assert_allclose(got["attention"].sum(axis=1), 3, atol=1e-4)


@pytest.mark.parametrize("attention", [0.001, 0.3])
def test_both_ways_to_the_first_layer_agree(monkeypatch: pytest.MonkeyPatch, attention: float) -> None:
    """The widest mask of a batch decides by which of them all its cells are computed."""
    net, counts = random_net(4, 900, attention=attention), random_counts(4, 12, 900)
    monkeypatch.setattr(tabnet, "FEW", 0)
    dense = run(session(tabnet_graph(net)), feed(counts), 900)
    monkeypatch.setattr(tabnet, "FEW", 900)
    by_rows = run(session(tabnet_graph(net)), feed(counts), 900)
    for name in ("logits", "embedding", "attention"):
        np.testing.assert_allclose(by_rows[name], dense[name], rtol=0, atol=2e-5 * np.abs(dense[name]).max())


@pytest.mark.parametrize("sparse", [1, 10**6])
def test_both_ways_to_the_splitter_agree(monkeypatch: pytest.MonkeyPatch, sparse: int) -> None:
    """The fullest cell of a batch decides, where genes are many."""
    net, counts = random_net(4, 9_000), random_counts(4, 6, 9_000)
    monkeypatch.setattr(tabnet, "SPARSE", sparse)
    assert_near(run(session(tabnet_graph(net)), feed(counts), 9_000), reference(net, log1p_10k(counts)), 1e-3)


def test_genes_that_tie_share() -> None:
    net = random_net(2, steps=1)
    even = Glu(np.zeros_like(net.steps[0].attention.weight), Affine(np.ones(70, np.float32), np.zeros(70, np.float32)))
    tied = replace(net, steps=[replace(net.steps[0], attention=even)])
    got = run(session(tabnet_graph(tied)), feed(random_counts(2, 3)), 70)
    np.testing.assert_allclose(got["attention"], 1 / 70, rtol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_cell_does_not_depend_on_its_batch(published: Golden, size: int) -> None:
    graph = session(tabnet_graph(published.net, normalise="own"))
    counts = np.tile(published.counts, (4, 1))
    whole = run(graph, feed(counts, wider=3), counts.shape[1])
    for start in range(0, len(counts), size):
        part = run(graph, feed(counts[start : start + size]), counts.shape[1])
        for name in ("logits", "embedding", "attention"):
            expected = whole[name][start : start + size]
            np.testing.assert_allclose(part[name], expected, rtol=0, atol=2e-6 * np.abs(whole[name]).max())


def test_order_of_genes_and_padding_change_nothing(published: Golden) -> None:
    graph = session(tabnet_graph(published.net, normalise="own"))
    inputs = feed(published.counts, wider=11)
    order = np.random.default_rng(0).permutation(inputs["genes"].shape[1])
    shuffled = {name: np.ascontiguousarray(values[:, order]) for name, values in inputs.items()}
    n_genes = published.counts.shape[1]
    one, other = run(graph, inputs, n_genes), run(graph, shuffled, n_genes)
    for name in ("logits", "embedding", "attention"):
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-6 * np.abs(one[name]).max())


def test_a_cell_of_nothing_gives_numbers_all_the_same(published: Golden) -> None:
    n_genes = published.counts.shape[1]
    got = run(session(tabnet_graph(published.net)), feed(np.zeros((2, n_genes), np.float32)), n_genes)
    assert_near(got, reference(published.net, np.zeros((2, n_genes))))


def test_only_what_is_asked_for_can_be_had(published: Golden) -> None:
    graph = session(tabnet_graph(published.net))
    assert [node.name for node in graph.get_outputs()] == list(OUTPUTS)
    assert graph.run(["logits"], feed(published.counts))[0].shape == (16, 10)


def test_graphs_are_of_the_versions_that_runtimes_read(published: Golden) -> None:
    model = onnx.load_from_string(tabnet_graph(published.net))
    assert [entry.version for entry in model.opset_import] == [18] and model.ir_version == 10


def test_batch_norms_fold() -> None:
    rng = np.random.default_rng(0)
    weight, bias, mean, variance = rng.uniform(0.1, 2, (4, 5)).astype(np.float32)
    x = rng.normal(size=(3, 5))
    folded = Affine.of(weight, bias, mean, variance)
    expected = (x - mean) / np.sqrt(variance + 1e-5) * weight + bias
    np.testing.assert_allclose(x * folded.scale + folded.shift, expected, atol=1e-5)


def test_maps_are_dense_layers_with_relu_between() -> None:
    rng = np.random.default_rng(0)
    layers = [
        (rng.normal(size=(n, m)).astype(np.float32), rng.normal(size=m).astype(np.float32))
        for n, m in ((4, 9), (9, 9), (9, 2))
    ]
    x = expected = rng.normal(size=(6, 4)).astype(np.float32)
    for weight, bias in layers[:-1]:
        expected = np.maximum(expected @ weight + bias, 0)
    expected = expected @ layers[-1][0] + layers[-1][1]
    np.testing.assert_allclose(session(mlp_graph(layers)).run(["xy"], {"embedding": x})[0], expected, atol=1e-4)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20))
def test_the_references_own_sparsemax_projects_onto_the_simplex(row: list[float]) -> None:
    p = sparsemax(np.array([row]))[0]
    assert p.min() >= 0 and abs(p.sum() - 1) < 1e-9
    used = p > 1e-12
    offset = np.array(row)[used] - p[used]
    np.testing.assert_allclose(offset, offset[0], atol=1e-9)
    assert (np.array(row)[~used] <= offset[0] + 1e-9).all()
