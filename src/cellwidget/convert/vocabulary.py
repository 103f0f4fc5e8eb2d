"""Geneformer's dictionaries: tokens, medians, and what genes are called elsewhere; pickles are read, never run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import mapping
from cellwidget.convert.pickles import read_pickle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Given = str | Path | Mapping[str, Any] | None

STEMS = {
    "tokens": "token_dictionary",
    "medians": "gene_median_dictionary",
    "symbols": "gene_name_id_dict",
    "mapping": "ensembl_mapping_dict",
}
"""How the files of the dictionaries begin; what follows tells the generation: ``_gc30M``, ``_gc104M``."""
PICKLES = (".pkl", ".pickle")
ENDINGS = (".json", *PICKLES)
NEMO = ("*.vocab", "*medians.json")
SPECIAL = ("<", "[")


@dataclass(frozen=True)
class Vocabulary:
    """What a network's tokens are.

    Parameters
    ----------
    tokens
        Number of each token, of genes and special ones, 0 to n - 1.
    medians
        What each gene's counts per 10,000 usually are.
    symbols
        Gene names, each with its gene's id.
    mapping
        Ids that are counted as others.
    """

    tokens: dict[str, int]
    medians: dict[str, float]
    symbols: dict[str, str] = field(default_factory=dict)
    mapping: dict[str, str] = field(default_factory=dict)

    @property
    def genes(self) -> list[str]:
        """Genes that have tokens, in the order of these; without those that are counted as others."""
        names = sorted(self.tokens, key=self.tokens.__getitem__)
        return [name for name in names if not name.startswith(SPECIAL) and self.mapping.get(name, name) == name]

    def special(self, name: str) -> int | None:
        """Give the number of a special token, if there is one."""
        return self.tokens.get(name)

    def aliases(self) -> dict[str, str]:
        """Tell other names of the genes, by which cells may have them."""
        genes = {*self.genes}
        others = {name: gene for name, gene in self.mapping.items() if name != gene}
        others |= {name: self.mapping.get(gene, gene) for name, gene in self.symbols.items()}
        return {name: gene for name, gene in others.items() if gene in genes and name not in genes}

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Give token and median of each of the genes."""
        genes = self.genes
        return (
            np.array([self.tokens[gene] for gene in genes], np.int32),
            np.array([self.medians[gene] for gene in genes], np.float64),
        )


def vocabulary(
    places: Sequence[Path],
    n_tokens: int,
    *,
    tokens: Given = None,
    medians: Given = None,
    symbols: Given = None,
    mapping: Given = None,
) -> Vocabulary:
    """Find the dictionaries of a network.

    Parameters
    ----------
    places
        Folders to look in, one after the other.
    n_tokens
        How many tokens the network knows.
    tokens, medians, symbols, mapping
        The dictionaries or their files, where they are not to be looked for.

    Raises
    ------
    ConvertError
        If one is missing, damaged, or does not fit the network.
    """
    found = _found(places, n_tokens) if tokens is None else _beside(places, "")
    given = {"tokens": tokens, "medians": medians, "symbols": symbols, "mapping": mapping}
    files: dict[str, Any] = {**found, **{name: value for name, value in given.items() if value is not None}}
    if "medians" not in files:
        raise ConvertError(
            f"There is no {STEMS['medians']}*{ENDINGS[1]} or {ENDINGS[0]} in {_listed(places)}: without medians genes "
            f"cannot be ranked. Give the folder of Geneformer's dictionaries with dictionaries=, or the file with "
            f"medians=."
        )
    read = {name: _dictionary(value) for name, value in files.items()}
    return checked(Vocabulary(**{name: read.get(name, {}) for name in STEMS}), n_tokens)


def nemo_vocabulary(folder: Path, n_tokens: int) -> Vocabulary:
    """Read the two dictionaries of an unpacked archive of NeMo.

    Raises
    ------
    ConvertError
        If one is missing, damaged, or does not fit the network.
    """
    files = [next(iter(sorted(folder.glob(pattern))), None) for pattern in NEMO]
    if files[0] is None or files[1] is None:
        missing = "vocabulary (*.vocab)" if files[0] is None else "medians (*medians.json)"
        raise ConvertError(f"The archive of NeMo has no {missing}. Give a .nemo of BioNeMo's Geneformer.")
    both = _dictionary(files[0])
    tokens, symbols = both.get("vocab"), both.get("gene_to_ens", {})
    if not isinstance(tokens, dict) or not isinstance(symbols, dict):
        raise ConvertError(f"{files[0].name} has no 'vocab'. Give a .nemo of BioNeMo's Geneformer.")
    padded = -(-len(tokens) // 128) * 128  # rows of the weights are multiples of 128
    return checked(Vocabulary(tokens, _dictionary(files[1]), symbols), n_tokens, padded)


def checked(found: Vocabulary, n_tokens: int, rows: int | None = None) -> Vocabulary:
    """Refuse dictionaries that do not fit each other or the weights; numbers become Python's.

    Raises
    ------
    ConvertError
        The message names the entry and the remedy.
    """
    tokens = found.tokens
    if bad := [name for name, number in tokens.items() if not isinstance(name, str) or not _is_whole(number)]:
        raise ConvertError(f"The token dictionary gives {str(bad[0])[:60]!r} no whole number. Give the model's own.")
    if n_tokens != (rows or len(tokens)):
        raise ConvertError(
            f"The vocabulary does not fit the weights: the token dictionary names {len(tokens):,} tokens, the weights "
            f"are of {n_tokens:,}. Give the model's own dictionaries with dictionaries= or tokens=."
        )
    tokens = {name: int(number) for name, number in tokens.items()}
    if sorted(tokens.values()) != list(range(len(tokens))):
        raise ConvertError("The token dictionary does not number tokens from 0 on, each once. Give the model's own.")
    symbols, renamed = (_texts(each) for each in (found.symbols, found.mapping))
    genes = Vocabulary(tokens, {}, {}, renamed).genes
    if not genes:
        raise ConvertError("The token dictionary names no gene. Give the model's own.")
    lacking = [gene for gene in genes if not _is_median(found.medians.get(gene))]
    if lacking:
        raise ConvertError(
            f"The medians do not fit the vocabulary: {len(lacking):,} of its {len(genes):,} genes have none above 0, "
            f"{lacking[0]!r} the first. Give the model's own with medians=."
        )
    medians = {gene: float(found.medians[gene]) for gene in genes}
    return Vocabulary(tokens, medians, symbols, renamed)


def _found(places: Sequence[Path], n_tokens: int) -> dict[str, Path]:
    """Look for a token dictionary that fits, and for what lies beside it."""
    sizes: list[str] = []
    for place in places:
        for suffix, path in _files(place, "tokens").items():
            size = len(_dictionary(path))
            if size == n_tokens:
                return _beside([place], suffix)
            sizes.append(f"{path.name} of {size:,} tokens")
    if sizes:
        raise ConvertError(
            f"The vocabulary does not fit the weights, which are of {n_tokens:,} tokens: there is {', '.join(sizes)}. "
            f"Give the folder of the model's own dictionaries with dictionaries=."
        )
    raise ConvertError(
        f"There is no {STEMS['tokens']}*{ENDINGS[1]} or {ENDINGS[0]} in {_listed(places)}: it is no Geneformer, or its "
        f"dictionaries are elsewhere. Give their folder with dictionaries=."
    )


def _beside(places: Sequence[Path], suffix: str) -> dict[str, Path]:
    """Find the dictionaries of one generation, or the only ones that there are."""
    found: dict[str, Path] = {}
    for place in places:
        for name in STEMS:
            files = _files(place, name)
            path = files.get(suffix) or (next(iter(files.values())) if len(files) == 1 else None)
            if path is not None:
                found.setdefault(name, path)
    return found


def _files(place: Path, name: str) -> dict[str, Path]:
    """Files of a dictionary by what follows its stem; JSON where it is there as both."""
    stem = STEMS[name]
    paths = [path for ending in reversed(ENDINGS) for path in sorted(place.glob(f"{stem}*{ending}"))]
    return {path.stem.removeprefix(stem): path for path in paths}


def _dictionary(given: Any) -> dict[Any, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    path = Path(given).expanduser()
    if not path.is_file():
        raise ConvertError(f"There is no file {path}.")
    try:
        data = path.read_bytes()
        read = mapping(read_pickle(data)) if path.suffix in PICKLES else json.loads(data)
    except ConvertError as error:
        raise ConvertError(f"{path} cannot be read. {error}") from error
    except ValueError as error:
        raise ConvertError(f"{path} is not JSON ({error}). Get the file again.") from error
    if not isinstance(read, Mapping):
        raise ConvertError(f"{path} holds no dictionary. Give one of Geneformer's.")
    return dict(read)


def _listed(places: Sequence[Path]) -> str:
    return " or ".join(map(str, places)) or "any folder"


def _is_whole(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _is_median(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < math.inf


def _texts(entries: Mapping[Any, Any]) -> dict[str, str]:
    """Leave out what can be no name: published dictionaries have NaN here and there."""
    return {key: value for key, value in entries.items() if _is_name(key) and _is_name(value)}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()
