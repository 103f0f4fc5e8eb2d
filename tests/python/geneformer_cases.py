"""Geneformers as people have them, of random weights, and what they give: with numpy, in float64."""

from __future__ import annotations

import json
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import onnxruntime as ort
from safetensors.numpy import save_file
from scipy import sparse, special

from cellwidget.bundle import Bundle
from cellwidget.graphs.prune import pruned
from cellwidget.model import Model

from .torch_cases import save

DATA = Path(__file__).parents[1] / "data/geneformer/ranks.npz"
SPECIAL = {"V1": ["<pad>", "<mask>"], "V2": ["<pad>", "<mask>", "<cls>", "<eos>"]}
NEMO_SPECIAL = ["[CLS]", "[MASK]", "[PAD]", "[SEP]", "[UKW]"]
NEMO_FILES = ["0a1b_geneformer.vocab", "2c3d_medians.json"]
WIDTH, HEADS, HIDDEN, LAYERS, PLACES = 16, 2, 24, 3, 400

State = dict[str, np.ndarray]


@dataclass
class Case:
    """Cells, genes with their medians, and each cell's genes by rank."""

    arrays: dict[str, np.ndarray]
    genes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.genes = self.arrays["genes"].tolist()

    @property
    def medians(self) -> dict[str, float]:
        return dict(zip(self.genes, self.arrays["medians"].tolist(), strict=True))

    @property
    def symbols(self) -> dict[str, str]:
        names = zip(self.arrays["symbols"].tolist(), self.arrays["ensembl"].tolist(), strict=True)
        return {symbol: gene for symbol, gene in names if gene}

    @property
    def mapping(self) -> dict[str, str]:
        return {gene: gene for gene in self.genes} | dict(self.arrays["pairs"].tolist())

    def adata(self, names: str = "ensembl") -> ad.AnnData:
        """The cells, with genes by Ensembl id or by symbol."""
        arrays = self.arrays
        parts = arrays["counts_data"].astype(np.float32), arrays["counts_indices"], arrays["counts_indptr"]
        adata = ad.AnnData(sparse.csr_matrix(parts, (len(arrays["n_counts"]), len(arrays["symbols"]))))
        adata.obs_names = [f"c{row}" for row in range(adata.n_obs)]
        adata.var_names = [name or f"none{at}" for at, name in enumerate(arrays[names].tolist())]
        adata.obs["n_counts"] = arrays["n_counts"]
        return adata

    def tokens(self, layout: str, length: int = PLACES) -> list[list[int]]:
        """What the published code makes of the cells."""
        ranks, offsets = (self.arrays[f"ranks{'_v2' * (layout == 'V2')}{end}"] for end in ("", "_offsets"))
        cells = [ranks[begin:end].tolist() for begin, end in pairwise(offsets)]
        if layout == "V1":
            return [[2 + gene for gene in cell][:length] for cell in cells]
        if layout == "V2":
            return [[2, *[4 + gene for gene in cell][: length - 2], 3] for cell in cells]
        return [[0, *[5 + gene for gene in cell]][:length] for cell in cells]


def case() -> Case:
    with np.load(DATA) as file:
        return Case(dict(file))


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def token_dictionary(genes: list[str], layout: str = "V1") -> dict[str, int]:
    return {name: number for number, name in enumerate([*SPECIAL[layout], *genes])}


def config(n_tokens: int, **more: Any) -> dict[str, Any]:
    return {
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        "hidden_act": "relu",
        "hidden_size": WIDTH,
        "layer_norm_eps": 1e-12,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "position_embedding_type": "absolute",
        "vocab_size": n_tokens,
        **more,
    }


def bert_state(n_tokens: int, *, classes: int = 0, seed: int = 0) -> State:
    """The weights of a BERT, by its names."""
    random = _Random(seed)
    state = random.table("bert.embeddings.word_embeddings", n_tokens)
    state |= random.table("bert.embeddings.position_embeddings", PLACES)
    state |= random.table("bert.embeddings.token_type_embeddings", 2)
    state |= random.norm("bert.embeddings.LayerNorm")
    for number in range(LAYERS):
        name = f"bert.encoder.layer.{number}"
        for part in ("query", "key", "value"):
            state |= random.dense(f"{name}.attention.self.{part}", WIDTH, WIDTH)
        state |= random.dense(f"{name}.attention.output.dense", WIDTH, WIDTH)
        state |= random.norm(f"{name}.attention.output.LayerNorm")
        state |= random.dense(f"{name}.intermediate.dense", HIDDEN, WIDTH)
        state |= random.dense(f"{name}.output.dense", WIDTH, HIDDEN)
        state |= random.norm(f"{name}.output.LayerNorm")
    if classes:
        state |= random.dense("bert.pooler.dense", WIDTH, WIDTH)
        state |= random.dense("classifier", classes, WIDTH)
    else:
        state["cls.predictions.bias"] = np.zeros(n_tokens, np.float32)
    return state


def hugging_face(
    folder: Path,
    case: Case,
    layout: str = "V1",
    *,
    state: State | None = None,
    as_bin: bool = False,
    files: dict[str, Any] | None = None,
    **more: Any,
) -> Path:
    """Write a folder; `files` are dictionaries in place of the case's, None for one that is to be missing."""
    folder.mkdir()
    tokens = token_dictionary(case.genes, layout)
    state = bert_state(len(tokens)) if state is None else state
    (folder / "config.json").write_text(json.dumps(config(len(tokens), **more)))
    if as_bin:
        places = {"bert.embeddings.position_ids": np.arange(PLACES, dtype=np.int64)[None]}
        save(folder / "pytorch_model.bin", state | places)
    else:
        save_file(state, folder / "model.safetensors")
    dictionaries: dict[str, Any] = {
        "token_dictionary.pkl": tokens,
        "gene_median_dictionary.pkl": {gene: np.float64(value) for gene, value in case.medians.items()},
        "gene_name_id_dict.json": case.symbols,
    }
    if layout == "V2":
        dictionaries["ensembl_mapping_dict.json"] = case.mapping
    for name, content in (dictionaries | (files or {})).items():
        if content is not None:
            (folder / name).write_bytes(pickle.dumps(content) if name[-3:] == "pkl" else json.dumps(content).encode())
    return folder


def megatron_state(n_rows: int, *, places: int = PLACES, seed: int = 0) -> State:
    """The weights of BioNeMo's, by NeMo's names."""
    random = _Random(seed)
    state = random.table("model.language_model.embedding.word_embeddings", n_rows)
    state |= random.table("model.language_model.embedding.position_embeddings", places)
    for number in range(LAYERS):
        name = f"model.language_model.encoder.layers.{number}"
        state |= random.norm(f"{name}.input_layernorm")
        state |= random.dense(f"{name}.self_attention.query_key_value", 3 * WIDTH, WIDTH)
        state |= random.dense(f"{name}.self_attention.dense", WIDTH, WIDTH)
        state |= random.norm(f"{name}.post_attention_layernorm")
        state |= random.dense(f"{name}.mlp.dense_h_to_4h", HIDDEN, WIDTH)
        state |= random.dense(f"{name}.mlp.dense_4h_to_h", WIDTH, HIDDEN)
    state |= random.norm("model.language_model.encoder.final_layernorm")
    return state | random.dense("model.lm_head.dense", WIDTH, WIDTH)


def nemo(
    path: Path, case: Case, *, state: State | None = None, settings: str = "", dictionaries: list[Any] | None = None
) -> Path:
    """Write an archive of BioNeMo; `dictionaries` are the vocabulary and the medians in place of the case's."""
    folder = path.with_suffix("")
    folder.mkdir()
    names = [*NEMO_SPECIAL, *case.genes]
    rows = -(-len(names) // 128) * 128
    vocab = {"vocab": {name: number for number, name in enumerate(names)}, "gene_to_ens": case.symbols}
    for name, content in zip(NEMO_FILES, dictionaries or [vocab, case.medians], strict=True):
        (folder / name).write_text(json.dumps(content))
    lines = f"num_layers: {LAYERS}\nnum_attention_heads: {HEADS}  # few\nactivation: gelu\ndata:\n  num_layers: 99\n"
    (folder / "model_config.yaml").write_text(lines + settings)
    save(folder / "model_weights.ckpt", megatron_state(rows) if state is None else state)
    with tarfile.open(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, f"./{file.name}")
    return path


class _Random:
    """Weights that make large enough differences."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def _numbers(self, *shape: int, scale: float = 0.4) -> np.ndarray:
        return (scale * self._rng.standard_normal(shape)).astype(np.float32)

    def table(self, name: str, rows: int) -> State:
        return {f"{name}.weight": self._numbers(rows, WIDTH, scale=1.0)}

    def dense(self, name: str, outputs: int, inputs: int) -> State:
        return {f"{name}.weight": self._numbers(outputs, inputs), f"{name}.bias": self._numbers(outputs)}

    def norm(self, name: str) -> State:
        return {f"{name}.weight": 1 + self._numbers(WIDTH, scale=0.2), f"{name}.bias": self._numbers(WIDTH)}


# ── what they give ───────────────────────────────────────────────────────────────────────────────


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def bert_states(
    state: State, tokens: list[int], heads: int = HEADS, inner: Callable[[np.ndarray], np.ndarray] = relu
) -> list[np.ndarray]:
    """What each layer of a BERT gives for a cell, [places, width], the embedding first."""
    at = _Named({name: array.astype(np.float64) for name, array in state.items()}, 1e-12)
    embedding = "bert.embeddings"
    x = at[f"{embedding}.word_embeddings.weight"][tokens] + at[f"{embedding}.position_embeddings.weight"][: len(tokens)]
    states = [at.norm(f"{embedding}.LayerNorm", x + at[f"{embedding}.token_type_embeddings.weight"][0])]
    while (name := f"bert.encoder.layer.{len(states) - 1}") + ".output.dense.weight" in state:
        x = states[-1]
        parts = [at.dense(f"{name}.attention.self.{part}", x) for part in ("query", "key", "value")]
        looked = at.dense(f"{name}.attention.output.dense", attention(*parts, heads))
        x = at.norm(f"{name}.attention.output.LayerNorm", x + looked)
        up = inner(at.dense(f"{name}.intermediate.dense", x))
        states.append(at.norm(f"{name}.output.LayerNorm", x + at.dense(f"{name}.output.dense", up)))
    return states


def classified(state: State, hidden: np.ndarray) -> np.ndarray:
    """Logits of a cell, of what the last layer gives."""
    at = _Named(state, 0)
    return at.dense("classifier", np.tanh(at.dense("bert.pooler.dense", hidden[0])))


def megatron_last(state: State, tokens: list[int], *, tanh: bool = True) -> np.ndarray:
    """What BioNeMo's gives for a cell after its last layer, [places, width]."""
    at = _Named({name: array.astype(np.float64) for name, array in state.items()}, 1e-12)
    top = "model.language_model"
    words, places = (at[f"{top}.embedding.{kind}_embeddings.weight"] for kind in ("word", "position"))
    x = words[tokens] + places[: len(tokens)]
    for number in range(LAYERS):
        name = f"{top}.encoder.layers.{number}"
        packed = at.dense(f"{name}.self_attention.query_key_value", at.norm(f"{name}.input_layernorm", x))
        parts = packed.reshape(len(tokens), HEADS, 3, -1)
        query, key, value = (parts[:, :, which].reshape(len(tokens), WIDTH) for which in range(3))
        x = x + at.dense(f"{name}.self_attention.dense", attention(query, key, value, HEADS))
        up = at.dense(f"{name}.mlp.dense_h_to_4h", at.norm(f"{name}.post_attention_layernorm", x))
        x = x + at.dense(f"{name}.mlp.dense_4h_to_h", gelu_tanh(up) if tanh else gelu(up))
    return at.norm(f"{top}.encoder.final_layernorm", x)


def gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(x * special.ndtr(x))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(query: np.ndarray, key: np.ndarray, value: np.ndarray, heads: int) -> np.ndarray:
    q, k, v = (each.reshape(len(each), heads, -1).swapaxes(0, 1) for each in (query, key, value))
    shares = special.softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), axis=-1)
    return (shares @ v).swapaxes(0, 1).reshape(query.shape)


class _Named(dict[str, np.ndarray]):
    """Weights by name, as layers."""

    def __init__(self, state: State, eps: float) -> None:
        super().__init__(state)
        self._eps = eps

    def dense(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self[f"{name}.weight"].T + self[f"{name}.bias"]

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._eps)
        return scaled * self[f"{name}.weight"] + self[f"{name}.bias"]


def tokens_of(folder: Path, adata: ad.AnnData, total: str | None = None) -> np.ndarray:
    """What a bundle's network reads of all cells, padded."""
    model = Model(Bundle.load(folder))
    cells = model.open(adata, total=total)
    batch, failed = cells.read(0, adata.n_obs)
    cells.close()
    assert failed == {}
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(pruned(model.bundle.model_path.read_bytes(), {"tokens"}), options)
    feed = {node.name: getattr(batch, node.name) for node in session.get_inputs()}
    return np.asarray(session.run(["tokens"], feed)[0])


def unpadded(tokens: np.ndarray, pad: int) -> list[list[int]]:
    """Each cell's tokens; padding may only stand at their end."""
    cells = [row[: np.count_nonzero(row != pad)].tolist() for row in tokens]
    assert not any(pad in cell for cell in cells) and max(map(len, cells)) == tokens.shape[1]
    return cells
