"""Matching a dataset's genes to a model's genes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ENSEMBL = re.compile(r"(ENS[A-Z]*\d{6,})(?:\.\d+)?", re.IGNORECASE)
UNMATCHED = -1

NEEDED_SHARE = 0.1
NEEDED_MOST = 200
"""A tenth of the model's genes must be in the data, yet never more than 200: targeted panels measure some hundred
genes and have to pass for models of 20,000 and more, while a model of 650 genes says nothing from 20 of them. Chance
matches between foreign id types stay far below either."""

FEW_SHARE = 0.5


class InputError(ValueError):
    """Data that cannot be used as they are; the message names the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class GeneMatch:
    """Where a dataset's columns lie in a model's gene list.

    Parameters
    ----------
    positions
        For each column of the dataset, its position in the model's gene list, -1 for none. int32 [genes of the data].
    matched
        Number of the model's genes that the data have.
    id_type
        What the model's list holds: "symbol" or "Ensembl id".
    ids_in
        Where the data have them: "var_names" or a var column.
    duplicates
        Number of columns that are summed into an earlier one.
    notes
        What the user should know about the match, in sentences.
    """

    positions: NDArray[np.int32]
    matched: int
    id_type: str
    ids_in: str
    duplicates: int
    notes: list[str]


def id_type_of(genes: Sequence[str]) -> str:
    """Tell "Ensembl id" from "symbol" by what most names look like."""
    ensembl = sum(ENSEMBL.match(gene) is not None for gene in genes)
    return "Ensembl id" if 2 * ensembl > len(genes) else "symbol"


def fold(name: str) -> str:
    """Make names equal that mean the same gene: case is dropped, and the version of an Ensembl id.

    A dot in a symbol stays, since AC004556.1 and AC004556.3 are different genes.
    """
    name = name.strip()
    if name[:3].upper() == "ENS":
        name = ENSEMBL.sub(r"\1", name, count=1)
    return name.upper()


class Found(NamedTuple):
    """Where names stand in a model's gene list, -1 for none; what was found only by folding, only by other names."""

    positions: NDArray[np.int32]
    folded: int
    by_other: list[tuple[str, int]]

    def matched(self, *, by_other: bool = True) -> int:
        """Count the genes that were found, with those that were by other names or without."""
        places = {*self.positions.tolist()}.difference([UNMATCHED])
        return len(places if by_other else places.difference(place for _, place in self.by_other))


class GeneIndex:
    """A model's genes, to be looked up by name: exactly first, then by what `fold` makes equal, then by other names.

    Other names are taken exactly, but for the case and version of an Ensembl id: Cd3e is no gene of a human model.
    """

    def __init__(self, genes: Sequence[str], aliases: Mapping[str, int] | None = None) -> None:
        self.size = len(genes)
        self._exact: dict[str, int] = {}
        self._folded: dict[str, int] = {}
        for position, gene in enumerate(genes):
            self._exact.setdefault(gene, position)
            self._folded.setdefault(fold(gene), position)
        self._others = {**(aliases or {})}
        for alias, position in (aliases or {}).items():
            if ENSEMBL.match(alias):
                self._others.setdefault(fold(alias), position)

    def positions(self, names: Iterable[object]) -> Found:
        """Look names up."""
        found: list[int] = []
        folded = 0
        by_other: list[tuple[str, int]] = []
        for name in names:
            position = UNMATCHED
            if isinstance(name, str):
                position = self._exact.get(name, UNMATCHED)
                if position == UNMATCHED:
                    position = self._folded.get(fold(name), UNMATCHED)
                    folded += position != UNMATCHED
                if position == UNMATCHED:
                    position = self._others.get(fold(name) if ENSEMBL.match(name) else name, UNMATCHED)
                    if position != UNMATCHED:
                        by_other.append((name, position))
            found.append(position)
        return Found(np.array(found, dtype=np.int32), folded, by_other)


def match_genes(
    genes: Sequence[str],
    var: pd.DataFrame,
    *,
    id_type: str | None = None,
    min_matched: float | None = None,
    matrix: str = "X",
    aliases: Mapping[str, int] | None = None,
) -> GeneMatch:
    """Match the rows of `var` to a model's genes, by its index or whichever of its text columns matches best.

    Parameters
    ----------
    genes
        The model's genes.
    var
        One row per column of the dataset.
    id_type
        What the model's list holds, in the model's own words; looked at where None.
    min_matched
        Share of the model's genes that must be there; where None a tenth of them, at most 200.
    matrix
        What `var` belongs to, for the message.
    aliases
        Other names of the model's genes, and their positions.

    Raises
    ------
    InputError
        Too few of the model's genes are in the data.
    """
    index = GeneIndex(genes, aliases)
    words = _id_type_words(id_type) if id_type else id_type_of(genes)
    needed = _needed(index.size, min_matched)
    looked = {place: index.positions(names) for place, names in _places(var)}
    # names of the model's own kind before others, if they are enough; the first of equal ones
    place = max(looked, key=lambda each: (looked[each].matched(by_other=False) >= needed, looked[each].matched()))
    found = looked[place]
    matched = found.matched()
    if matched < needed:
        raise InputError(_too_few(genes, var, matched, needed, words, [*looked], matrix))
    columns = int(np.count_nonzero(found.positions >= 0))
    return GeneMatch(
        positions=found.positions,
        matched=matched,
        id_type=words,
        ids_in=place,
        duplicates=columns - matched,
        notes=[*_notes(matched, index.size, found.folded, columns, words), *_by_other(genes, found, words)],
    )


def _id_type_words(id_type: str) -> str:
    return "Ensembl id" if id_type.lower().startswith("ens") else "symbol"


def _places(var: pd.DataFrame) -> Iterator[tuple[str, Iterable[object]]]:
    yield "var_names", var.index.to_numpy(dtype=object)
    for number, column in enumerate(var.columns):
        series = var.iloc[:, number]
        if series.dtype.kind == "O":  # text and categories, pandas' own string type included
            yield f"var[{column!r}]", series.to_numpy(dtype=object)


def _needed(model_genes: int, min_matched: float | None) -> int:
    if min_matched is not None:
        return max(1, math.ceil(min_matched * model_genes))
    return max(1, min(NEEDED_MOST, math.ceil(NEEDED_SHARE * model_genes)))


def _too_few(
    genes: Sequence[str],
    var: pd.DataFrame,
    matched: int,
    needed: int,
    words: str,
    looked: list[str],
    matrix: str,
) -> str:
    found = "None" if matched == 0 else f"Only {matched:,}"
    others = f" ({', '.join(looked[1:])} did not match better)" if len(looked) > 1 else ""
    return (
        f"{found} of the model's {len(genes):,} genes {'is' if matched < 2 else 'are'} in {matrix}; "
        f"at least {needed:,} {'is' if needed == 1 else 'are'} needed. "
        f"The model expects {words}s such as {_examples(genes)}; var_names holds {_examples(list(var.index))}{others}. "
        f"Put {words}s of the model's organism into adata.var_names or a column of adata.var, or choose another model."
    )


def _by_other(genes: Sequence[str], found: Found, words: str) -> list[str]:
    """Say which genes were found by a table that came with the model."""
    if not found.by_other:
        return []
    name, position = found.by_other[0]
    return [
        f"{len(found.by_other):,} columns have other names than the model's {words}s, such as {name!r} for "
        f"{genes[position]!r}; they were matched by the model's own table."
    ]


def _examples(names: Sequence[object]) -> str:
    step = max(1, len(names) // 3)
    return ", ".join(repr(str(name)) for name in names[::step][:3]) or "nothing"


def _notes(matched: int, model_genes: int, folded: int, columns: int, words: str) -> list[str]:
    notes = []
    if matched < FEW_SHARE * model_genes:
        notes.append(
            f"Only {100 * matched / model_genes:.0f} % of the model's genes are in the data: labels may be unreliable."
        )
    if words == "symbol" and 2 * folded > columns:
        notes.append("Most gene symbols match only when case is ignored: is the model made for this organism?")
    return notes
