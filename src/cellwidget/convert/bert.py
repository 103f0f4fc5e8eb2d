"""Geneformer's folders from Hugging Face: config.json and the weights of a BERT."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.geneformer_graph import Head, Network
from cellwidget.convert.transformer import Encoder, Layer
from cellwidget.convert.weights import Weights, dense_of, norm_of, read_weights

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "config.json"
FILES = ("model.safetensors", "pytorch_model.bin")
ACTIVATION = {"relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}
PRETRAINED, CLASSIFIER = ("BertForMaskedLM", "BertModel"), "BertForSequenceClassification"
UNUSED = re.compile(r"(bert\.)?embeddings\.position_ids|cls\.predictions\..*|(bert\.)?pooler\.dense\.(weight|bias)")
"""What a state dict holds that no embedding depends on: a counter, and what guesses masked genes."""


def weights_in(folder: Path) -> Path:
    """Find the file of weights.

    Raises
    ------
    ConvertError
        If there is none.
    """
    for name in FILES:
        if (folder / name).is_file():
            return folder / name
    raise ConvertError(f"{folder} has no weights: neither {' nor '.join(FILES)}. Give the whole folder of the model.")


def read_bert(folder: Path) -> tuple[Network, list[str]]:
    """Read a folder of a model.

    Returns
    -------
    tuple
        The network, and its classes as far as it is a classifier.

    Raises
    ------
    ConvertError
        If it is of another family, or a part is missing or unknown.
    """
    config = _config(folder / CONFIG)
    with read_weights(weights_in(folder)) as weights:
        net = _network(weights, config, classifies=CLASSIFIER in _architectures(config))
        weights.check_all_taken(UNUSED, "Geneformer")
    return net, _classes(config) if net.head is not None else []


def _config(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ConvertError(f"{path} is not JSON ({error}). Get the file again.") from error
    config: dict[str, Any] = read if isinstance(read, dict) else {}
    kind = config.get("model_type")
    if kind != "bert":
        raise ConvertError(f"{path} is of a model_type {str(kind)[:40]!r}; Geneformer is a 'bert'. Give its folder.")
    there = _architectures(config)
    if there and not {*there}.intersection((*PRETRAINED, CLASSIFIER)):
        raise ConvertError(
            f"{path} is of a {there[0][:60]}. What makes embeddings or labels of cells can be converted: "
            f"{', '.join((*PRETRAINED, CLASSIFIER))}."
        )
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise ConvertError(f"{path} is of a BERT with relative positions or of a decoder, which Geneformer is not.")
    if config.get("hidden_act") not in ACTIVATION:
        raise ConvertError(f"{path} says hidden_act {str(config.get('hidden_act'))[:40]!r}, which is not known.")
    for name in ("num_hidden_layers", "num_attention_heads", "hidden_size"):
        if not isinstance(config.get(name), int) or config[name] < 1:
            raise ConvertError(f"{path} does not say {name}. Give the config.json that came with the weights.")
    if config["hidden_size"] % config["num_attention_heads"]:
        raise ConvertError(f"{path} says a hidden_size that its num_attention_heads do not divide.")
    return config


def _architectures(config: dict[str, Any]) -> list[str]:
    found = config.get("architectures")
    return [str(name) for name in found] if isinstance(found, list) else []


def _classes(config: dict[str, Any]) -> list[str]:
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise ConvertError(
            f"The classifier's problem_type is {str(config['problem_type'])[:40]!r}: it does not give each cell one "
            f"label, and cannot be converted."
        )
    named = config.get("id2label")
    if not isinstance(named, dict):
        return []
    return [str(named[key]) for key in sorted(named, key=lambda key: int(key) if str(key).isdigit() else -1)]


def _network(weights: Weights, config: dict[str, Any], *, classifies: bool) -> Network:
    prefix = "bert." if any(name.startswith("bert.") for name in weights.names) else ""
    width, eps = config["hidden_size"], float(config.get("layer_norm_eps", 1e-12))
    embeddings = f"{prefix}embeddings"
    words = weights.take(f"{embeddings}.word_embeddings.weight", (None, width))
    positions = weights.take(f"{embeddings}.position_embeddings.weight", (None, width))
    kinds = weights.take(f"{embeddings}.token_type_embeddings.weight", (None, width))
    layers = [
        _layer(weights, f"{prefix}encoder.layer.{number}", width, eps) for number in range(config["num_hidden_layers"])
    ]
    head = None
    if classifies:
        pooler = dense_of(weights, f"{prefix}pooler.dense", width, width)
        head = Head(pooler, dense_of(weights, "classifier", None, width))
    return Network(
        words=words,
        positions=(positions.astype(np.float64) + kinds[0]).astype(np.float32),
        encoder=Encoder(layers, config["num_attention_heads"], ACTIVATION[config["hidden_act"]]),
        norm=norm_of(weights, f"{embeddings}.LayerNorm", width, eps),
        head=head,
    )


def _layer(weights: Weights, name: str, width: int, eps: float) -> Layer:
    query, key, value = (
        dense_of(weights, f"{name}.attention.self.{part}", width, width) for part in ("query", "key", "value")
    )
    up = dense_of(weights, f"{name}.intermediate.dense", None, width)
    return Layer(
        query=query,
        key=key,
        value=value,
        out=dense_of(weights, f"{name}.attention.output.dense", width, width),
        attention_norm=norm_of(weights, f"{name}.attention.output.LayerNorm", width, eps),
        up=up,
        down=dense_of(weights, f"{name}.output.dense", width, len(up.bias)),
        output_norm=norm_of(weights, f"{name}.output.LayerNorm", width, eps),
    )
