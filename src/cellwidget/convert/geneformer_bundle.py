"""From a Geneformer to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellwidget.bundle import Manifest, aliases_file, save_bundle, sha256_of
from cellwidget.convert import bert
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.geneformer_graph import POOLINGS, Network, geneformer_graph
from cellwidget.convert.geneformer_source import Source, read_geneformer
from cellwidget.convert.naming import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cellwidget.convert.ranks import Ranking
    from cellwidget.convert.vocabulary import Given

CITATION = "Theodoris et al., Transfer learning enables predictions in network biology, Nature (2023)."


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
    given = {"tokens": tokens, "medians": medians, "symbols": symbols, "mapping": mapping}
    beside = Path(dictionaries).expanduser() if dictionaries is not None else None
    read = read_geneformer(folder, beside, given, length)
    labels = _labels(read, classes)
    pooling, layer = _pooling(read, pooling), _layer(read, layer)
    called = folder.stem if folder.is_file() else folder.resolve().name
    manifest = Manifest(
        name=short(name or called) or "geneformer",
        title=title or called,
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
        memory=_memory(read.net, read.ranking),
    )
    graph = geneformer_graph(read.net, read.ranking, pooling=pooling, layer=layer)
    return save_bundle(out, manifest, read.words.genes, {"model.onnx": graph, **aliases_file(read.words.aliases())})


def _pooling(read: Source, asked: str | None) -> str:
    """Choose what an embedding is."""
    pooling = asked or ("cls" if read.ranking.last is not None else "mean")
    if pooling not in POOLINGS:
        raise ConvertError(f"pooling={pooling!r}: give {' or '.join(map(repr, POOLINGS))}.")
    if pooling == "cls" and read.ranking.first is None:
        raise ConvertError("pooling='cls': this Geneformer has no such token. Leave it out, or give 'mean'.")
    return pooling


def _layer(read: Source, asked: int | None) -> int:
    """Choose after which layer."""
    if asked not in (None, 0, -1):
        raise ConvertError(f"layer={asked!r}: give 0 for the last, or -1 for the one before.")
    if read.net.final is not None and asked == -1:
        raise ConvertError("layer=-1: BioNeMo's embeddings are those of the last layer. Leave it out.")
    recommended = 0 if read.net.head is not None or read.net.final is not None else -1
    return recommended if asked is None else asked


def _labels(read: Source, classes: Sequence[str] | None) -> list[str]:
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
