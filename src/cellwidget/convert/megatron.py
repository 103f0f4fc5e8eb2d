"""BioNeMo's Geneformer: the archive (``.nemo``) that NeMo 1 wrote of Megatron's BERT, which normalises first."""

from __future__ import annotations

import re
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.geneformer_graph import Network
from cellwidget.convert.transformer import Dense, Encoder, Layer
from cellwidget.convert.weights import Weights, dense_of, norm_of, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
WANTED = re.compile(r"model_config\.yaml|model_weights\.ckpt|.*\.vocab|.*medians\.json")
MODEL = "model."
LANGUAGE = f"{MODEL}language_model."
UNUSED = re.compile(r".*\._extra_state|model\.lm_head\..*|model\.language_model\.pooler\..*")
"""What a state dict holds that no embedding depends on: what guesses masked genes."""
SETTING = re.compile(r"([a-z_0-9]+):\s*([^#]*?)\s*(?:#.*)?")
EPS = 1e-12


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give the folder of an archive's files that are needed, under their own names; of a folder itself.

    Raises
    ------
    ConvertError
        If it is no archive.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise ConvertError(f"There is no file {path}.")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    name = PurePosixPath(member.name).name
                    source = archive.extractfile(member) if member.isfile() and WANTED.fullmatch(name) else None
                    if source is not None:
                        with (folder / name).open("wb") as file:
                            while block := source.read(2**24):
                                file.write(block)
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise ConvertError(f"{path} cannot be read as an archive of NeMo ({error}). Get the file again.") from error
        yield folder


def read_megatron(folder: Path) -> Network:
    """Read the unpacked files of an archive.

    Raises
    ------
    ConvertError
        If a part is missing or unknown.
    """
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ConvertError(f"The archive of NeMo has no {name}. Give a .nemo of BioNeMo's Geneformer.")
    settings = _settings(folder / CONFIG)
    with read_weights(folder / WEIGHTS) as weights:
        net = _network(weights, settings)
        weights.check_all_taken(UNUSED, "BioNeMo's Geneformer")
    return net


def _settings(path: Path) -> dict[str, str]:
    """Read what stands at the top of the file, one setting per line: all that is needed of YAML."""
    lines = path.read_text("utf-8", errors="replace").splitlines()
    return {found[1]: found[2].strip("'\"") for line in lines if (found := SETTING.fullmatch(line))}


def _number(settings: dict[str, str], name: str) -> int:
    try:
        number = int(settings[name])
    except (KeyError, ValueError) as error:
        raise ConvertError(f"{CONFIG} does not say {name}. Give the file that came with the weights.") from error
    if number < 1:
        raise ConvertError(f"{CONFIG} says {name} {number}.")
    return number


def _network(weights: Weights, settings: dict[str, str]) -> Network:
    heads, n_layers = _number(settings, "num_attention_heads"), _number(settings, "num_layers")
    activation = settings.get("activation", "gelu")
    if activation not in ("relu", "gelu"):
        raise ConvertError(f"{CONFIG} says activation {activation[:40]!r}, which is not known.")
    if activation == "gelu" and settings.get("bias_activation_fusion", "true").lower() != "false":
        activation = "gelu_tanh"  # which Megatron takes where it adds the bias in the same step
    eps = float(settings.get("layernorm_epsilon") or EPS)
    words = weights.take(f"{LANGUAGE}embedding.word_embeddings.weight", (None, None))
    width = words.shape[1]
    if width % heads:
        raise ConvertError(f"{CONFIG} says {heads} num_attention_heads, which do not divide a width of {width}.")
    layers = [_layer(weights, f"{LANGUAGE}encoder.layers.{number}", width, heads, eps) for number in range(n_layers)]
    return Network(
        words=words,
        positions=weights.take(f"{LANGUAGE}embedding.position_embeddings.weight", (None, width)),
        encoder=Encoder(layers, heads, activation, norm_first=True),
        final=norm_of(weights, f"{LANGUAGE}encoder.final_layernorm", width, eps),
    )


def _layer(weights: Weights, name: str, width: int, heads: int, eps: float) -> Layer:
    packed = dense_of(weights, f"{name}.self_attention.query_key_value", 3 * width, width)
    # rows are ordered by head, then query, key and value
    weight = packed.weight.reshape(heads, 3, -1, width).swapaxes(0, 1).reshape(3, width, width)
    bias = packed.bias.reshape(heads, 3, -1).swapaxes(0, 1).reshape(3, width)
    query, key, value = (Dense(*each) for each in zip(weight, bias, strict=True))
    up = dense_of(weights, f"{name}.mlp.dense_h_to_4h", None, width)
    return Layer(
        query=query,
        key=key,
        value=value,
        out=dense_of(weights, f"{name}.self_attention.dense", width, width),
        attention_norm=norm_of(weights, f"{name}.input_layernorm", width, eps),
        up=up,
        down=dense_of(weights, f"{name}.mlp.dense_4h_to_h", width, len(up.bias)),
        output_norm=norm_of(weights, f"{name}.post_attention_layernorm", width, eps),
    )
