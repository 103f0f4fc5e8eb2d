"""The same cells through the kernel, WebAssembly and WebGPU: the same labels, and outputs that are as good as equal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from playwright.sync_api import Error
from scipy import sparse
from scipy.special import softmax

import cellwidget as cw
from cellwidget.batch import Batch
from cellwidget.bundle import Bundle, load_bundle
from cellwidget.convert.graph import Graph
from cellwidget.engines.kernel import KernelEngine
from cellwidget.model import Model
from cellwidget.registry import resolve
from tests.python import geneformer_cases

from .conftest import REPOSITORY
from .engines import PAGE, Chained, Engines, Network, Tokens, policed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, BrowserContext

Outputs = dict[str, "NDArray[Any]"]

CELLS = REPOSITORY / "tests" / "data" / "cells" / "pbmc3k-30.h5ad"
SIMS = REPOSITORY / "tests" / "data" / "sims"
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", REPOSITORY.parent / "shared/fixtures"))
FULL, FULL_GENEFORMER = FIXTURES / "sims", FIXTURES / "geneformer"
FOLDERS = {
    "cut down": (SIMS / "folder", SIMS / "pbmc68k-small.npz", SIMS / "folder.npz", "", "torch_umap"),
    "whole": (FULL, FULL / "golden_public.npz", FULL / "golden_public.npz", "onnx_", "onnx_umap"),
}
SIZES = [1, 7, 64]
TOLERANCE = 1e-4
GENES, DRAWS, BATCHES = 300, 4, 3


@pytest.fixture(scope="module")
def adapter(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """A Chromium with WebGPU on a software adapter."""
    chromium = launch("--enable-unsafe-webgpu")
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def built() -> None:
    """The page, made anew."""
    subprocess.run(["npm", "run", "pages"], cwd=REPOSITORY / "js", check=True, capture_output=True)


@pytest.fixture
def asked(adapter: Browser) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A profile, and the addresses that its pages ask for."""
    context = adapter.new_context()
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    yield context, addresses
    context.close()


@pytest.fixture
def engines(asked: tuple[BrowserContext, list[str]], built: None) -> Iterator[Engines]:
    """A page that runs models, and asks nobody for anything."""
    context, addresses = asked
    yield Engines(context.new_page())
    own = {PAGE.as_uri(), PAGE.with_suffix(".js").as_uri()}
    assert [each for each in addresses if each not in own and not each.startswith("blob:")] == []


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(resolve("pbmc"))


@pytest.fixture(scope="module")
def pbmc(bundle: Bundle) -> Network:
    assert bundle.umap_path is not None
    graphs = bundle.model_path.read_bytes(), bundle.umap_path.read_bytes()
    return Network(*graphs, ["genes", "counts"], ["logits", "embedding", "xy"])


@pytest.fixture(scope="module")
def cells() -> Batch:
    """Real ones, and more of them mixed from those."""
    opened = cw.load_model("pbmc").open(ad.read_h5ad(CELLS))
    batch, failed = opened.read(0, 30)
    opened.close()
    assert failed == {}
    longest = batch.genes.shape[1]
    rows = [batch.cut(slice(at, at + 1)) for at in range(len(batch))]
    rng = np.random.default_rng(0)
    genes, counts = np.full((100, longest), -1, np.int32), np.zeros((100, longest), np.float32)
    for at in range(100):
        one = rows[at % len(rows)]
        kept = np.flatnonzero((one.genes[0] >= 0) & ((at < len(rows)) | (rng.random(one.genes.shape[1]) < 0.7)))
        genes[at, : len(kept)], counts[at, : len(kept)] = one.genes[0, kept], one.counts[0, kept]
    return Batch(np.arange(100), genes, counts)


def spread(graph: Graph) -> str:
    """Counts over all genes, float32 [cells, GENES]."""
    genes = graph.input("genes", np.int32, ["cells", "n"])
    counts = graph.input("counts", np.float32, ["cells", "n"])
    shape = graph.op(
        "Concat", graph.op("Slice", graph.op("Shape", genes), graph.ints(0), graph.ints(1)), graph.ints(GENES), axis=0
    )
    places = graph.op("Max", graph.cast(genes, np.int64), graph.constant(0, np.int64))
    zeros = graph.op("Expand", graph.constant(0.0), shape)
    return graph.op("ScatterElements", zeros, places, counts, axis=1, reduction="add")


def network(*, extras: bool) -> Network:
    """A network of random weights in float32; with all inputs that a model may have, or with two."""
    rng = np.random.default_rng(1)
    graph = Graph()
    dense = spread(graph)
    inputs = ["genes", "counts"]
    if extras:
        inputs += ["total", "uniform", "batch"]
        total = graph.op("Unsqueeze", graph.input("total", np.float32, ["cells"]), graph.ints(1))
        dense = graph.op("Div", dense, total)
        drawn = graph.cast(graph.input("uniform", np.float64, ["cells", DRAWS]), np.float32)
        shift = graph.op(
            "Gather",
            graph.constant(rng.random((BATCHES, DRAWS))),
            graph.input("batch", np.int64, ["cells"]),
            axis=0,
        )
        dense = graph.op("Concat", dense, drawn, shift, axis=1)
    width = GENES + 2 * DRAWS if extras else GENES
    hidden = graph.op(
        "MatMul",
        graph.op("Log", graph.op("Add", dense, graph.constant(1.0))),
        graph.constant(rng.normal(0, 0.2, (width, 24))),
    )
    embedding = graph.op("Tanh", hidden)
    graph.output("embedding", embedding, np.float32, ["cells", 24])
    graph.output(
        "logits", graph.op("MatMul", embedding, graph.constant(rng.normal(size=(24, 5)))), np.float32, ["cells", 5]
    )
    layout = Graph()
    place = layout.op(
        "MatMul", layout.input("embedding", np.float32, ["cells", 24]), layout.constant(rng.normal(size=(24, 2)))
    )
    layout.output("xy", place, np.float32, ["cells", 2])
    return Network(graph.serialize("model"), layout.serialize("umap"), inputs, ["logits", "embedding", "xy"])


def random_cells(n: int, seed: int = 0, *, extras: bool = False) -> Batch:
    """Cells of one to eighty genes, and some without any."""
    rng = np.random.default_rng(seed)
    genes, counts = np.full((n, 80), -1, np.int32), np.zeros((n, 80), np.float32)
    for cell, length in enumerate(rng.integers(0, 81, n)):
        genes[cell, :length] = rng.permutation(GENES)[:length]
        counts[cell, :length] = rng.integers(1, 300, length)
    if not extras:
        return Batch(np.arange(n), genes, counts)
    total = np.maximum(counts.sum(axis=1), 1).astype(np.float32)
    return Batch(np.arange(n), genes, counts, total, rng.random((n, DRAWS)), rng.integers(0, BATCHES, n))


def in_python(network: Network, batch: Batch) -> Outputs:
    """What onnxruntime in Python says."""
    model, umap = (
        ort.InferenceSession(each, providers=["CPUExecutionProvider"]) for each in (network.model, network.umap)
    )
    logits, embedding = model.run(["logits", "embedding"], {name: getattr(batch, name) for name in network.inputs})
    (xy,) = umap.run(["xy"], {"embedding": embedding})
    return {"logits": logits, "embedding": embedding, "xy": xy}


def check_same(expected: Outputs, given: Outputs) -> None:
    assert given.keys() == {"logits", "embedding", "xy"}
    for name, values in given.items():
        assert values.shape == expected[name].shape
        assert np.abs(values - expected[name]).max() <= TOLERANCE * np.abs(expected[name]).max(), name
    assert (given["logits"].argmax(axis=1) == expected["logits"].argmax(axis=1)).all()


def test_the_packaged_model_is_the_same_on_a_page(
    engines: Engines, pbmc: Network, bundle: Bundle, cells: Batch
) -> None:
    expected = KernelEngine(bundle).run(cells).outputs
    worker, _ = engines.start("wasm", pbmc)
    for size in SIZES:
        check_same(expected, engines.run(worker, cells, size))


def read_all(bundle: Bundle, adata: ad.AnnData) -> Batch:
    opened = Model(bundle).open(adata)
    batch, failed = opened.read(0, adata.n_obs)
    opened.close()
    assert failed == {}
    return batch


def sims_cells(path: Path, bundle: Bundle) -> Batch:
    """Raw counts of an archive's cells, as a network trained on log1p of them takes them."""
    with np.load(path) as arrays:
        indptr, genes = arrays["counts_indptr"], arrays["sample_genes"]
        parts = arrays["counts_data"].astype(np.float32), arrays["counts_indices"], indptr
    counts = sparse.csr_matrix(parts, (len(indptr) - 1, len(genes)))
    adata = ad.AnnData(counts, pd.DataFrame(index=[str(row) for row in range(len(indptr) - 1)]))
    adata.var_names = genes
    return read_all(bundle, adata)


def dense_attention(given: Outputs, shape: tuple[int, ...]) -> NDArray[Any]:
    dense = np.zeros(shape)
    np.add.at(dense, (np.arange(len(dense))[:, None], given["attention_genes"].astype(int)), given["attention"])
    return dense


@pytest.mark.parametrize("case", FOLDERS)
def test_a_sims_web_folder_gives_on_a_page_what_its_graph_gives(engines: Engines, case: str) -> None:
    folder, cells, expected, prefix, xy = FOLDERS[case]
    if not folder.is_dir():
        pytest.skip("the full fixtures are not here")
    bundle = load_bundle(folder, "log1p_10k")
    with np.load(expected) as arrays:
        names = {"logits": f"{prefix}logits", "embedding": f"{prefix}encoding", "xy": xy}
        wanted = {ours: arrays[its] for ours, its in names.items()}
        attention = arrays[f"{prefix}attention"]
    batch = sims_cells(cells, bundle)
    worker, _ = engines.start("wasm", Chained(bundle, [*wanted]))
    for size in SIZES:
        check_same(wanted, engines.run(worker, batch, size))
    worker, _ = engines.start("wasm", Chained(bundle, ["attention", "attention_genes"]))
    given = engines.run(worker, batch, len(batch))
    np.testing.assert_allclose(dense_attention(given, attention.shape), attention, atol=TOLERANCE)


CONVERTED = {
    "a folder, cut down": (SIMS / "folder", *FOLDERS["cut down"][1:4]),
    "a checkpoint": (FULL / "sims-pbmc68k-small.ckpt", *FOLDERS["whole"][1:3], "torch_"),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_a_converted_network_gives_on_a_page_what_the_published_one_gives(
    engines: Engines, tmp_path: Path, case: str
) -> None:
    source, cells, expected, prefix = CONVERTED[case]
    if not source.exists():
        pytest.skip("the full fixtures are not here")
    cw.convert.sims(source, tmp_path / "out", values="log1p_10k")
    bundle = load_bundle(tmp_path / "out")
    with np.load(expected) as arrays:
        logits, embedding, attention, best = (
            arrays[f"{prefix}{name}"] for name in ("logits", "encoding", "attention", "topk_indices")
        )
    worker, _ = engines.start("wasm", Chained(bundle, ["logits", "embedding", "attention", "attention_genes"]))
    batch = sims_cells(cells, bundle)
    given = engines.run(worker, batch, len(batch))
    np.testing.assert_array_equal(np.argsort(-given["logits"], axis=1)[:, :3], best)
    np.testing.assert_allclose(given["logits"], logits, atol=1e-3)
    np.testing.assert_allclose(given["embedding"], embedding, atol=1e-3)
    np.testing.assert_allclose(softmax(given["logits"], axis=1), softmax(logits, axis=1), atol=1e-4)
    np.testing.assert_allclose(dense_attention(given, attention.shape), attention, atol=1e-4)


@pytest.mark.parametrize(("layout", "pooling"), [("V1", "mean"), ("V2", "cls"), ("V2", "mean"), ("BioNeMo", "mean")])
def test_a_geneformer_reads_and_gives_on_a_page_what_numpy_does(
    engines: Engines, tmp_path: Path, layout: str, pooling: str
) -> None:
    case = geneformer_cases.case()
    if layout == "BioNeMo":
        source = geneformer_cases.nemo(tmp_path / "in.nemo", case)
    else:
        source = geneformer_cases.hugging_face(tmp_path / "in", case, layout)
    bundle = load_bundle(cw.convert.geneformer(source, tmp_path / "out", pooling=pooling, layer=0))
    batch = read_all(bundle, case.adata())
    expected = KernelEngine(bundle).run(batch).outputs["embedding"]
    worker, _ = engines.start("wasm", Chained(bundle, ["embedding"]))
    for size in SIZES:
        given = engines.run(worker, batch, size)["embedding"]
        np.testing.assert_allclose(given, expected, atol=TOLERANCE)
    worker, _ = engines.start("wasm", Tokens(bundle))
    tokens = engines.run(worker, batch, len(batch))["tokens"].astype(int)
    pad = 2 if layout == "BioNeMo" else 0
    assert geneformer_cases.unpadded(tokens, pad) == case.tokens(layout)


@pytest.mark.skipif(not FULL_GENEFORMER.is_dir(), reason="the full fixtures are not here")
def test_a_geneformer_gives_on_a_page_what_the_published_code_gives(engines: Engines, tmp_path: Path) -> None:
    with np.load(FULL_GENEFORMER / "golden_public.npz") as file:
        arrays = dict(file)
    parts = arrays["counts_data"], arrays["counts_indices"], arrays["counts_indptr"]
    adata = ad.AnnData(sparse.csr_matrix(parts, shape=arrays["counts_shape"]))
    adata.obs_names = [str(row) for row in range(adata.n_obs)]
    adata.var_names = [name or f"none{at}" for at, name in enumerate(arrays["gene_ensembl"].tolist())]
    dictionaries = FULL_GENEFORMER / "dictionaries"
    bundle = load_bundle(
        cw.convert.geneformer(FULL_GENEFORMER / "tiny-v1", tmp_path / "out", dictionaries=dictionaries)
    )
    batch = read_all(bundle, adata)
    worker, _ = engines.start("wasm", Chained(bundle, ["embedding"]))
    for size in (1, 7):
        given = engines.run(worker, batch, size)["embedding"]
        np.testing.assert_allclose(given, arrays["emb_layer_minus1"], atol=TOLERANCE)
    worker, _ = engines.start("wasm", Tokens(bundle))
    tokens = engines.run(worker, batch, len(batch))["tokens"].astype(int)
    cells = np.split(arrays["tokens_flat"], arrays["tokens_offsets"][1:-1])
    assert geneformer_cases.unpadded(tokens, 0) == [cell.tolist() for cell in cells]


@pytest.mark.parametrize("provider", ["wasm", "webgpu"])
def test_a_network_in_float32_is_the_same_on_either(engines: Engines, provider: str) -> None:
    net, batch = network(extras=False), random_cells(64)
    worker, _ = engines.start(provider, net)
    for size in SIZES:
        check_same(in_python(net, batch), engines.run(worker, batch, size))


def test_totals_draws_and_batches_arrive(engines: Engines) -> None:
    net, batch = network(extras=True), random_cells(64, extras=True)
    worker, _ = engines.start("wasm", net)
    for size in SIZES:
        check_same(in_python(net, batch), engines.run(worker, batch, size))


@pytest.mark.parametrize("provider", ["wasm", "webgpu"])
def test_nothing_is_left_of_the_batch_before(engines: Engines, provider: str) -> None:
    net = network(extras=False)
    long, short = random_cells(16, seed=1), random_cells(16, seed=2)
    short = Batch(short.rows, short.genes[:, :9].copy(), short.counts[:, :9].copy())
    fresh, _ = engines.start(provider, net)
    alone = engines.run(fresh, short, 16)
    used, _ = engines.start(provider, net)
    engines.run(used, long, 16)
    for name, values in engines.run(used, short, 16).items():
        assert np.array_equal(values, alone[name])


def test_a_pool_gives_the_same_with_and_without_a_graphics_adapter(engines: Engines) -> None:
    net, batch = network(extras=False), random_cells(150, seed=3)
    for gpu in ("never", "any"):
        pool = engines.load(net, workers=2, gpu=gpu, webgpu=True)
        for _ in range(3):
            check_same(in_python(net, batch), engines.pooled(pool, batch, 7))
        assert engines.state(pool)["workers"] >= 1


def test_the_build_for_webgpu_cannot_compute_in_float64(engines: Engines, pbmc: Network) -> None:
    """Why the packaged model runs on the CPU alone; once this fails, one build will do for both."""
    with pytest.raises(Error, match=r"model: .* Cast "):
        engines.start("webgpu", pbmc)


def test_the_page_is_told_by_name_what_the_runtime_lacks(engines: Engines) -> None:
    graph = Graph()
    whole = graph.op("CumSum", graph.cast(spread(graph), np.uint32), graph.constant(1, np.int64))
    graph.output("logits", graph.cast(whole, np.float32), np.float32, ["cells", GENES])
    net = Network(graph.serialize("model"), None, ["genes", "counts"], ["logits"])
    with pytest.raises(Error, match="implementation for CumSum"):
        engines.load(net, workers=1, gpu="never")


POLICIES = {
    "no workers": ("worker-src 'none'", None),
    "no workers, and no scripts made on the page": (
        "worker-src 'none'; script-src file: 'wasm-unsafe-eval'",
        "This page forbids running models|Its security policy allows neither",
    ),
    "no WebAssembly": ("script-src file: blob:", "Its WebAssembly cannot be used on this page"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_page_under_a_policy_runs_models_or_says_why_not(
    asked: tuple[BrowserContext, list[str]], built: None, tmp_path: Path, name: str
) -> None:
    policy, refused = POLICIES[name]
    net, batch = network(extras=False), random_cells(40)
    engines = Engines(asked[0].new_page(), policed(tmp_path, policy))
    if refused is not None:
        with pytest.raises(Error, match=refused):
            engines.load(net, workers=2, gpu="never")
        return
    pool = engines.load(net, workers=2, gpu="never")
    assert engines.state(pool) == {"workers": 0, "backend": "wasm"}
    check_same(in_python(net, batch), engines.pooled(pool, batch, 16))
