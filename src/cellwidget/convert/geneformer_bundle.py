"""From a Geneformer to a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cellwidget.bundle import Manifest, aliases_file, save_bundle, sha256_of
from cellwidget.convert import bert, megatron
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.geneformer_graph import POOLINGS, Network, geneformer_graph
from cellwidget.convert.naming import short
from cellwidget.convert.ranks import Ranking
from cellwidget.convert.vocabulary import Vocabulary, nemo_vocabulary, vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cellwidget.convert.vocabulary import Given

CITATION = "Theodoris et al., Transfer learning enables predictions in network biology, Nature (2023)."


@dataclass(frozen=True)
class _Source:
    """What was read: the network, its vocabulary, and what is said of them."""

    net: Network
    words: Vocabulary
    classes: list[str]
    layout: str
    weights: Path
    ranking: Ranking


def geneformer(
    source: str | Path,
    out: str | Path,
    *,
    pooling: str | None = None,
    layer: int | None = None,
    length: int | None = None,
    dictionaries: str | Path | None = None,
    tokens: Given = None,
    medians: Given = None,
    symbols: Given = None,
    mapping: Given = None,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    title: str | None = None,
    organism: str = "Homo sapiens",
    licence: str = "",
    citation: str = "",
) -> Path:
    """Convert a Geneformer: a folder from Hugging Face (V1, V2, fine-tuned classifiers), or a ``.nemo`` of BioNeMo.

    Nothing of the source is run, and torch is not needed. The bundle takes raw counts, and ranks genes itself.

    Parameters
    ----------
    source
        The folder with ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``; or the ``.nemo``, or the
        folder that it was unpacked to.
    out
        Where to: a folder, made if it is not there.
    pooling
        What a cell's embedding is: "mean" over its genes, or "cls", the first token. None takes what the published
        code does: "cls" for V2, "mean" for the others.
    layer
        After which layer: 0 is the last, -1 the one before. None takes what is recommended: 0 for classifiers and
        BioNeMo, -1 for the others.
    length
        Tokens of a cell at most, special ones included; None for as many as the network has places.
    dictionaries
        The folder of Geneformer's dictionaries, as pickles or as JSON, where it is neither the model's nor the
        ``geneformer`` beside it.
    tokens, medians, symbols, mapping
        One of them, or its file: tokens by gene, medians by gene, gene ids by symbol, and gene ids that are counted as
        others. Symbols let data be matched that has no Ensembl ids.
    classes
        Labels in the order of the classifier's outputs; None for those of its ``config.json``.
    name, title
        For registries, for people; else from the folder's name.
    organism, licence, citation
        For the manifest.

    Returns
    -------
    Path
        The bundle's folder, for `load_model`.

    Raises
    ------
    ConvertError
        If the model cannot be converted; the message names what is wrong and the remedy.
    """
    folder = Path(source).expanduser()
    if pooling not in (None, *POOLINGS) or layer not in (None, 0, -1):
        raise ConvertError(f"pooling={pooling!r}, layer={layer!r}: give 'mean' or 'cls', and 0 or -1.")
    if _is_nemo(folder):
        with megatron.unpacked(folder) as files:
            read = _bionemo(folder, files, length)
    else:
        given = {"tokens": tokens, "medians": medians, "symbols": symbols, "mapping": mapping}
        read = _hugging_face(folder, dictionaries, given, length)
    net, labels = read.net, _labels(read, classes)
    pooling = pooling or ("cls" if read.ranking.last is not None else "mean")
    if pooling == "cls" and read.ranking.first is None:
        raise ConvertError("pooling='cls': this Geneformer has no such token. Leave it out, or give 'mean'.")
    layer = layer if layer is not None else 0 if net.head is not None or net.final is not None else -1
    if net.final is not None and layer != 0:
        raise ConvertError("layer=-1: BioNeMo's embeddings are those of the last layer. Leave it out.")
    manifest = Manifest(
        name=short(name or folder.stem) or "geneformer",
        title=title or folder.stem,
        family="Geneformer",
        version="1",
        gene_id_type="Ensembl id",
        classes=labels,
        inputs=["genes", "counts", *(["total"] if read.ranking.over_all else [])],
        outputs=[*(["logits"] if labels else []), "embedding"],
        organism=organism,
        licence=licence,
        citation=citation or CITATION,
        source={
            "layout": read.layout,
            "weights": read.weights.name,
            "sha256": sha256_of(read.weights),
            "pooling": pooling,
            "layer": str(layer),
        },
        trained_on="counts",
        memory=_memory(net, read.ranking),
    )
    graph = geneformer_graph(net, read.ranking, pooling=pooling, layer=layer)
    return save_bundle(out, manifest, read.words.genes, {"model.onnx": graph, **aliases_file(read.words.aliases())})


def _is_nemo(path: Path) -> bool:
    return path.suffix == ".nemo" or (path / megatron.CONFIG).is_file()


def _bionemo(source: Path, files: Path, length: int | None) -> _Source:
    net = megatron.read_megatron(files)
    words = nemo_vocabulary(files, len(net.words))
    ranking = _ranking(net, words, length, pad="[PAD]", first="[CLS]", over_all=False)
    weights = source if source.is_file() else source / megatron.WEIGHTS
    return _Source(net, words, [], "BioNeMo", weights, ranking)


def _hugging_face(
    folder: Path, dictionaries: str | Path | None, given: dict[str, Given], length: int | None
) -> _Source:
    if not (folder / bert.CONFIG).is_file():
        what = "BioNeMo 2's, whose weights need Megatron to be read" if (folder / "weights").is_dir() else "not one"
        raise ConvertError(
            f"{folder} is no folder of a Geneformer: it has no {bert.CONFIG} and is no .nemo ({what}). Give the folder "
            f"with {bert.CONFIG} and {bert.FILES[0]} or {bert.FILES[1]}."
        )
    net, classes = bert.read_bert(folder)
    beside = folder.resolve().parent / "geneformer"
    places = [folder, folder / "geneformer", beside, beside / "gene_dictionaries_30m"]
    if dictionaries is not None:
        places = [Path(dictionaries).expanduser()]
    words = vocabulary([place for place in places if place.is_dir()], len(net.words), **given)
    newer = words.special("<cls>") is not None and words.special("<eos>") is not None
    ranking = _ranking(net, words, length, pad="<pad>", first="<cls>" if newer else None, last="<eos>")
    return _Source(net, words, classes, f"Hugging Face, V{1 + newer}", bert.weights_in(folder), ranking)


def _ranking(
    net: Network,
    words: Vocabulary,
    length: int | None,
    *,
    pad: str,
    first: str | None,
    last: str | None = None,
    over_all: bool = True,
) -> Ranking:
    padding = words.special(pad)
    if padding is None:
        raise ConvertError(f"The token dictionary has no {pad}, with which cells are padded. Give the model's own.")
    if length is not None and not 3 <= length <= len(net.positions):
        raise ConvertError(f"length={length}: the network has {len(net.positions):,} places; give 3 or more of them.")
    ids, medians = words.arrays()
    start = words.special(first) if first is not None else None
    end = words.special(last) if first is not None and last is not None else None
    return Ranking(ids, medians, padding, length or len(net.positions), start, end, over_all)


def _labels(read: _Source, classes: Sequence[str] | None) -> list[str]:
    """Name the classes of a classifier."""
    if read.net.head is None:
        if classes is not None:
            raise ConvertError("classes=…: this Geneformer gives no labels; only a fine-tuned classifier does.")
        return []
    labels, number = list(read.classes if classes is None else classes), len(read.net.head.classifier.bias)
    if len(labels) != number or len({*labels}) != number:
        raise ConvertError(
            f"The classifier tells {number:,} classes apart, {len({*labels}):,} are named in {bert.CONFIG} (id2label) "
            f"or classes=. Give them in their order: classes=[...]."
        )
    return labels


def _memory(net: Network, ranking: Ranking) -> dict[str, int]:
    """Estimate what a cell takes while it is computed: attention holds two numbers per head and pair of tokens."""
    widest = max(len(layer.up.bias) for layer in net.encoder.layers)
    return {
        "tokens": min(ranking.length, len(net.positions)),
        "per_token": 4 * (8 * net.width + 4 * widest),
        "per_pair": 4 * 2 * net.encoder.heads,
    }
