"""What can be converted of Geneformer: folders from Hugging Face, and archives of BioNeMo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellwidget.convert import bert, megatron
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.geneformer_graph import Network
from cellwidget.convert.ranks import Ranking
from cellwidget.convert.vocabulary import Vocabulary, nemo_vocabulary, vocabulary

if TYPE_CHECKING:
    from pathlib import Path

    from cellwidget.convert.vocabulary import Given


@dataclass(frozen=True)
class Source:
    """What was read: the network, its vocabulary, how cells become its tokens, and where all that is from."""

    net: Network
    words: Vocabulary
    ranking: Ranking
    classes: list[str]
    layout: str
    weights: Path


def read_geneformer(path: Path, dictionaries: Path | None, given: dict[str, Given], length: int | None) -> Source:
    """Read a model.

    Parameters
    ----------
    path
        A folder from Hugging Face, a ``.nemo``, or the folder that one was unpacked to.
    dictionaries
        Where the dictionaries of a folder are; None to look around it.
    given
        Dictionaries or their files that are not to be looked for.
    length
        Tokens of a cell at most; None for as many as there are places.

    Raises
    ------
    ConvertError
        If it is no such model, or a part is missing, unknown or does not fit.
    """
    if path.suffix != ".nemo" and not (path / megatron.CONFIG).is_file():
        return _hugging_face(path, dictionaries, given, length)
    if dictionaries is not None or any(value is not None for value in given.values()):
        raise ConvertError("A .nemo has dictionaries of its own: leave out dictionaries= and the four of them.")
    with megatron.unpacked(path) as files:
        return _bionemo(path, files, length)


def _bionemo(source: Path, files: Path, length: int | None) -> Source:
    net = megatron.read_megatron(files)
    words = nemo_vocabulary(files, len(net.words))
    ranking = _ranking(net, words, length, pad="[PAD]", first="[CLS]", over_all=False)
    weights = source if source.is_file() else source / megatron.WEIGHTS
    return Source(net, words, ranking, [], "BioNeMo", weights)


def _hugging_face(folder: Path, dictionaries: Path | None, given: dict[str, Given], length: int | None) -> Source:
    if not (folder / bert.CONFIG).is_file():
        newer = " Folders of BioNeMo 2 cannot be read without Megatron." if (folder / "weights").is_dir() else ""
        raise ConvertError(
            f"{folder} is no Geneformer: it has no {bert.CONFIG}, and is no .nemo.{newer} Give the folder with "
            f"{bert.CONFIG} and {bert.FILES[0]} or {bert.FILES[1]}, or the .nemo of BioNeMo 1."
        )
    net, classes = bert.read_bert(folder)
    beside = folder.resolve().parent / "geneformer"
    places = [folder, folder / "geneformer", beside, beside / "gene_dictionaries_30m"]
    if dictionaries is not None:
        places = [dictionaries]
    words = vocabulary([place for place in places if place.is_dir()], len(net.words), **given)
    framed = words.special("<cls>") is not None and words.special("<eos>") is not None
    ranking = _ranking(net, words, length, pad="<pad>", first="<cls>" if framed else None, last="<eos>")
    return Source(net, words, ranking, classes, f"Hugging Face, V{1 + framed}", bert.weights_in(folder))


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
