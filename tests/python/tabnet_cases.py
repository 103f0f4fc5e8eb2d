"""TabNet in plain float64 numpy, and a trained network with what the published code gives for its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from cellwidget.convert.tabnet import OUTPUTS, Affine, Glu, Step, TabNet

DISTILLED = Path(__file__).parents[1] / "data/sims/pbmc68k-small.npz"
ATTENTION = ("attention", "attention_weighted")


@dataclass(frozen=True)
class Golden:
    """A trained network, cells of another lab, and its answers by the published code.

    Parameters
    ----------
    counts
        [cells, genes of the model].
    total
        Of all genes of the data, [cells].
    answers
        By the names that the fixture gives them.
    """

    net: TabNet
    counts: np.ndarray
    total: np.ndarray
    answers: dict[str, np.ndarray]


def golden() -> Golden:
    with np.load(DISTILLED) as file:
        arrays = dict(file)
    cells, genes = len(arrays["counts_indptr"]) - 1, list(arrays["model_genes"])
    sample = np.zeros((cells, len(arrays["sample_genes"])), dtype=np.float32)
    rows = np.repeat(np.arange(cells), np.diff(arrays["counts_indptr"]))
    sample[rows, arrays["counts_indices"]] = arrays["counts_data"]
    counts = np.zeros((cells, len(genes)), dtype=np.float32)
    for column, gene in enumerate(arrays["sample_genes"]):
        if gene in genes:
            counts[:, genes.index(gene)] = sample[:, column]
    return Golden(_net(arrays), counts, sample.sum(axis=1), arrays)


def _net(arrays: dict[str, np.ndarray]) -> TabNet:
    def affine(name: str) -> Affine:
        its = [arrays[f"encoder.{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        return Affine.of(*its)

    def layers(name: str) -> list[Glu]:
        shared = [
            Glu(arrays[f"encoder.shared.{place}.weight"], affine(f"{name}.shared.glu_layers.{place}.bn.bn"))
            for place in range(2)
        ]
        own = [f"{name}.specifics.glu_layers.{place}" for place in range(2)]
        return shared + [Glu(arrays[f"encoder.{layer}.fc.weight"], affine(f"{layer}.bn.bn")) for layer in own]

    def attention(step: int) -> Glu:
        name = f"att_transformers.{step}"
        return Glu(arrays[f"encoder.{name}.fc.weight"], affine(f"{name}.bn.bn"))

    return TabNet(
        n_d=8,
        n_a=8,
        gamma=1.3,
        initial=affine("initial_bn"),
        splitter=layers("initial_splitter"),
        steps=[Step(attention(step), layers(f"feat_transformers.{step}")) for step in range(3)],
        final=arrays["encoder.final_mapping.weight"],
        temperature=float(arrays["temperature"]),
    )


# ── any network, any cells ──────────────────────────────────────────────────────────────────────


def random_net(
    seed: int,
    n_genes: int = 70,
    *,
    steps: int = 3,
    attention: float = 1.0,
    n_d: int = 6,
    n_a: int = 4,
    n_classes: int = 5,
    shared: int = 2,
    own: int = 2,
    mask: str = "sparsemax",
) -> TabNet:
    """Weights such that masks hold few genes where `attention` is large, and all of them where it is small."""
    rng = np.random.default_rng(seed)
    width = n_d + n_a

    def affine(width: int, scale: float = 1.0) -> Affine:
        drawn = rng.uniform(0.5, 1.5, width), rng.normal(0, 0.1, width)
        return Affine(*((scale * values).astype(np.float32) for values in drawn))

    def glu(inputs: int, outputs: int, scale: float = 1.0) -> Glu:
        return Glu(rng.normal(0, 1 / inputs**0.5, (outputs, inputs)).astype(np.float32), affine(outputs, scale))

    common = [glu(width if place else n_genes, 2 * width) for place in range(shared)]

    def layers(scale: float) -> list[Glu]:
        again = [replace(layer, norm=affine(2 * width)) for layer in common]
        made = again + [glu(width if again or place else n_genes, 2 * width) for place in range(own)]
        return [replace(made[0], norm=affine(2 * width, scale)), *made[1:]]

    return TabNet(
        n_d=n_d,
        n_a=n_a,
        gamma=float(rng.uniform(1, 2)),
        initial=affine(n_genes),
        splitter=layers(10),
        steps=[Step(glu(n_a, n_genes, attention), layers(100)) for _ in range(steps)],
        final=rng.normal(size=(n_classes, n_d)).astype(np.float32),
        temperature=float(rng.uniform(0.5, 2)),
        mask=mask,
    )


def random_counts(seed: int, cells: int, n_genes: int = 70) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.gamma(0.3, 3.0, (cells, n_genes))).astype(np.float32)
    counts[:, -1] += 1  # the gene whose place the padding's -1 would also name
    return counts


# ── the reference ────────────────────────────────────────────────────────────────────────────────


def reference(net: TabNet, x: np.ndarray) -> dict[str, np.ndarray]:
    """What a network makes of normalised values [cells, genes], in float64: attention is dense here."""
    x = x.astype(np.float64)
    x = _affine(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), net.initial)
    looking = _transform(x, net.splitter)[:, net.n_d :]
    prior = np.ones_like(x)
    embedding, attention, weighted = np.zeros((len(x), net.n_d)), np.zeros_like(x), np.zeros_like(x)
    for step in net.steps:
        scores = _affine(looking @ step.attention.weight.T.astype(np.float64), step.attention.norm)
        mask = (entmax if net.mask == "entmax" else sparsemax)(scores * prior)
        prior *= net.gamma - mask
        out = _transform(mask * x, step.layers)
        decision = np.maximum(out[:, : net.n_d], 0)
        embedding += decision
        looking = out[:, net.n_d :]
        attention += mask
        weighted += mask * decision.sum(axis=1, keepdims=True)
    logits = embedding @ net.final.T.astype(np.float64) / net.temperature
    return {"logits": logits, "embedding": embedding, "attention": attention, "attention_weighted": weighted}


def sparsemax(z: np.ndarray) -> np.ndarray:
    """Project rows onto the simplex: bisect for the threshold, which is not how the graph finds it."""
    low, high = z.max(axis=1, keepdims=True) - 1, z.max(axis=1, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        above = np.maximum(z - middle, 0).sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(z - (low + high) / 2, 0)


def entmax(z: np.ndarray) -> np.ndarray:
    """Project rows onto the simplex with 1.5-entmax, by bisection too."""
    low, high = z.max(axis=1, keepdims=True) - 2, z.max(axis=1, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        above = (np.maximum((z - middle) / 2, 0) ** 2).sum(axis=1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum((z - (low + high) / 2) / 2, 0) ** 2


def _affine(x: np.ndarray, norm: Affine) -> np.ndarray:
    return x * norm.scale.astype(np.float64) + norm.shift


def _transform(x: np.ndarray, layers: list[Glu]) -> np.ndarray:
    for place, layer in enumerate(layers):
        h = _affine(x @ layer.weight.T.astype(np.float64), layer.norm)
        half = h.shape[1] // 2
        y = h[:, :half] / (1 + np.exp(-h[:, half:]))
        x = y if place == 0 else (x + y) * np.sqrt(0.5)
    return x


def log1p_10k(counts: np.ndarray, total: np.ndarray | None = None) -> np.ndarray:
    counts = counts.astype(np.float64)
    total = counts.sum(axis=1) if total is None else total
    return np.log1p(counts * 1e4 / np.maximum(total, 1e-12)[:, None])


# ── running graphs ───────────────────────────────────────────────────────────────────────────────


def session(graph: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def feed(counts: np.ndarray, *, wider: int = 0, **more: Any) -> dict[str, np.ndarray]:
    """Dense counts as a batch carries them, padded to the fullest cell and some more."""
    used = counts > 0
    n = max(1, int(used.sum(axis=1).max(initial=0))) + wider
    genes, values = np.full((len(counts), n), -1, np.int32), np.zeros((len(counts), n), np.float32)
    for row, cell in enumerate(counts):
        at = np.flatnonzero(cell)
        genes[row, : len(at)], values[row, : len(at)] = at, cell[at]
    return {"genes": genes, "counts": values, **more}


def run(graph: ort.InferenceSession, inputs: dict[str, np.ndarray], n_genes: int) -> dict[str, np.ndarray]:
    """Run a graph; attention comes dense, after a look at how it came."""
    outputs = dict(zip(OUTPUTS, graph.run(list(OUTPUTS), inputs), strict=True))
    genes = outputs.pop("attention_genes")
    assert genes.dtype == np.int32
    assert (genes[outputs["attention"] == 0] == 0).all(), "what carries nothing is padded with 0"
    for name in ATTENTION:
        weights = outputs[name]
        assert weights.dtype == np.float32 and weights.shape == genes.shape
        outputs[name] = np.zeros((len(weights), n_genes), np.float32)
        np.add.at(outputs[name], (np.arange(len(weights))[:, None], genes), weights)
    return outputs | {"width": np.array(genes.shape[1])}
