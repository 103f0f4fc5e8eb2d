"""Which matrix of an AnnData the counts come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.cells.rows import Rows, canonical, concatenate
from cellwidget.cells.source import Source, open_matrix
from cellwidget.cells.values import AsIs, Encoding, RawCounts, first_bad, recognise
from cellwidget.genes import GeneMatch, InputError, match_genes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

SAMPLE_CELLS = 1000
SAMPLE_BLOCKS = 40
"""Blocks of cells a file is sampled in: single rows all over it would be slow to read."""

COUNTS_LAYER = "counts"
REMEDY = (
    "Models start from raw counts: keep them before normalising, as adata.layers['counts'] = adata.X.copy(), "
    "or name the matrix that holds them with layer=…"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A matrix that might hold counts, and the genes of its columns."""

    name: str
    matrix: Any
    var: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Sample:
    """Some cells spread over a matrix: their positions, their rows, and a checksum of each by its position."""

    positions: NDArray[np.int64]
    rows: Rows
    marks: dict[int, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """The matrix that is read, and what is known of it."""

    name: str
    source: Source
    sample: Sample
    encoding: Encoding
    match: GeneMatch
    notes: list[str]


def choose(
    adata: AnnData,
    genes: Sequence[str],
    *,
    id_type: str | None,
    layer: str | None,
    values: str,
    min_matched: float | None,
    keep_bytes: int,
    aliases: Mapping[str, int] | None = None,
) -> Choice:
    """Choose the matrix: `layer`, else X, else layers["counts"], else raw; one with exact counts before one to invert.

    Raises
    ------
    InputError
        No matrix holds counts, or none with enough of the model's genes.
    """
    usable: list[Choice] = []
    refused: list[str] = []
    too_few: InputError | None = None
    for candidate in _candidates(adata, layer, values):
        if candidate.matrix is None:
            refused.append(f"{candidate.name} is None")
            continue
        try:
            match = match_genes(
                genes,
                candidate.var,
                id_type=id_type,
                min_matched=min_matched,
                matrix=candidate.name,
                aliases=aliases,
            )
        except InputError as error:
            too_few = too_few or error
            continue
        source = open_matrix(candidate.matrix, candidate.name, keep_bytes)
        sample = take_sample(source)
        encoding = recognise(sample.rows, _log_base(adata))
        notes = [f"{reason[0].upper()}{reason[1:]}: {candidate.name} is read instead." for reason in refused]
        if values == "as_is":
            notes += _mismatch(candidate.name, encoding)
            encoding = _as_is(encoding)
        if isinstance(encoding, str):
            refused.append(f"{candidate.name} {encoding}{_where(adata, candidate, sample)}")
            source.close()
            continue
        usable.append(Choice(candidate.name, source, sample, encoding, match, notes))
        if encoding.exact:
            break
    if not usable:
        remedy = "Name the matrix that holds what the model takes with layer=…" if values == "as_is" else REMEDY
        wanted = "values" if values == "as_is" else "raw counts"
        raise too_few or InputError(f"No {wanted} found: {'; '.join(refused)}. {remedy}.")
    usable.sort(key=lambda choice: not choice.encoding.exact)
    for choice in usable[1:]:
        choice.source.close()
    return usable[0]


def take_sample(source: Source) -> Sample:
    """Read some cells spread over a matrix."""
    n_obs = source.shape[0]
    if n_obs <= SAMPLE_CELLS:
        size, blocks = n_obs, 1
    else:
        blocks = SAMPLE_BLOCKS if source.in_file else SAMPLE_CELLS
        size = SAMPLE_CELLS // blocks
    starts = np.unique(np.linspace(0, n_obs - size, blocks).astype(np.int64))
    rows = concatenate([source.rows(int(start), int(start) + size) for start in starts])
    positions = (starts[:, None] + np.arange(size)).ravel()
    marks = {int(position): rows.mark(row) for row, position in enumerate(positions)}
    return Sample(positions, canonical(rows, source.shape[1]), marks)


def _candidates(adata: AnnData, layer: str | None, values: str) -> Iterator[Candidate]:
    if layer is not None:
        yield _named(adata, layer)
        return
    yield Candidate("X", adata.X, adata.var)
    if values == "as_is":
        return
    if COUNTS_LAYER in adata.layers:
        yield Candidate(f"layers[{COUNTS_LAYER!r}]", adata.layers[COUNTS_LAYER], adata.var)
    if adata.raw is not None:
        yield Candidate("raw.X", adata.raw.X, adata.raw.var)


def _named(adata: AnnData, layer: str) -> Candidate:
    if layer in adata.layers:
        return Candidate(f"layers[{layer!r}]", adata.layers[layer], adata.var)
    if layer == "X":
        return Candidate("X", adata.X, adata.var)
    if layer == "raw" and adata.raw is not None:
        return Candidate("raw.X", adata.raw.X, adata.raw.var)
    layers = [name for name in adata.layers if name is not None]  # anndata 0.13 lists X among them, as None
    there = [repr(name) for name in ("X", *layers, *(["raw"] if adata.raw is not None else []))]
    raise InputError(f"layer={layer!r} is not in this AnnData. Choose one of {', '.join(there)}.")


def _as_is(found: Encoding | str) -> AsIs:
    """Take any finite values: those that are not fail their cells. Tell what there seems to be."""
    what = f"the matrix {found}" if isinstance(found, str) else found.words.removesuffix(", inverted")
    return AsIs(f"taken as they are: {what}")


def _mismatch(name: str, found: Encoding | str) -> list[str]:
    """Say what is likely wrong with taking values as they are: few networks are trained on raw counts."""
    if not isinstance(found, RawCounts):
        return []
    return [
        f"{name} holds raw counts; the model takes values as they are. If it was trained on log1p of counts per "
        f"10,000, load or convert it with values='log1p_10k'; with values='counts' if on counts."
    ]


def _where(adata: AnnData, candidate: Candidate, sample: Sample) -> str:
    bad = first_bad(sample.rows)
    if bad is None:
        return ""
    cell, gene = adata.obs_names[sample.positions[bad[0]]], candidate.var.index[bad[1]]
    return f" (cell {cell!r}, gene {gene!r})"


def _log_base(adata: AnnData) -> float:
    """Read what scanpy notes; e where it is no base, since values are traced back to counts all the same."""
    entry = adata.uns.get("log1p")
    base = entry.get("base") if isinstance(entry, Mapping) else None
    try:
        number = float(base) if base is not None else math.e
    except (TypeError, ValueError):
        return math.e
    return number if 1 < number < math.inf else math.e
