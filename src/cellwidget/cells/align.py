"""Rows of a dataset as a model's genes: matched columns only, duplicates summed, in the narrowest exact types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.cells.rows import Rows, canonical, kept_indptr, without

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellwidget.cells.values import Encoding

NO_COUNTS = "the cell has no counts"
NO_GENE = "none of the model's genes is expressed"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive cells, lined up with the model's genes.

    Parameters
    ----------
    first
        Position of the first cell in the dataset.
    indptr
        Where each cell begins and ends in `genes` and `counts`, int64 [cells + 1].
    genes
        Positions in the model's gene list, in the order of the dataset's columns, uint16 or int32.
    counts
        Counts there, uint8, uint16 or float32.
    totals
        Each cell's counts over all genes of the dataset, float32 [cells].
    failed
        Cells that cannot be used, from the chunk's first on, and why.
    """

    first: int
    indptr: NDArray[np.int64]
    genes: NDArray[Any]
    counts: NDArray[Any]
    totals: NDArray[np.float32]
    failed: dict[int, str]

    def __len__(self) -> int:
        return len(self.indptr) - 1


class Aligner:
    """Turns rows as they are stored into chunks.

    Parameters
    ----------
    positions
        For each column its position in the model's gene list, -1 for none.
    n_genes
        Length of that list.
    encoding
        How counts are stored.

    Attributes
    ----------
    order
        Positions in the model's gene list, in the order in which they stand in a cell, int32 [genes matched].
    """

    def __init__(self, positions: NDArray[np.int32], n_genes: int, encoding: Encoding) -> None:
        self._encoding = encoding
        self._n_columns = len(positions)
        dtype = np.uint16 if n_genes < np.iinfo(np.uint16).max else np.int32
        self._genes = positions.astype(dtype)  # -1 becomes 65,535, which no gene has
        self._unmatched = self._genes.dtype.type(np.int32(-1).astype(dtype))
        self._first_column = _first_columns(positions)
        self.order: NDArray[np.int32] = positions[(positions >= 0) & (self._first_column == np.arange(len(positions)))]
        self._summed = np.bincount(self._first_column, minlength=len(positions))[self._first_column] > 1

    def __call__(self, stored: Rows, first: int) -> Chunk:
        """Decode and align the rows of the cells from `first` on."""
        rows, failed = self._encoding.decode(canonical(stored, self._n_columns))
        totals = rows.sums().astype(np.float32)
        empty = np.diff(rows.indptr) == 0
        rows = self._matched(rows)
        for row in np.flatnonzero(np.diff(rows.indptr) == 0).tolist():
            failed.setdefault(row, NO_COUNTS if empty[row] else NO_GENE)
        return Chunk(first, rows.indptr, self._genes[rows.columns], narrowed(rows.values), totals, failed)

    def _matched(self, rows: Rows) -> Rows:
        rows = without(rows, self._genes[rows.columns] == self._unmatched)
        summed = self._summed[rows.columns]
        return self._with_sums(rows, summed) if summed.any() else rows

    def _with_sums(self, rows: Rows, summed: NDArray[np.bool_]) -> Rows:
        # each group of duplicates takes the place of its first column, whether that one has counts here or not
        numbers = np.repeat(np.arange(len(rows), dtype=np.int64), np.diff(rows.indptr))
        keys = numbers * self._n_columns + self._first_column[rows.columns]
        groups, group = np.unique(keys[summed], return_inverse=True)
        sums = np.bincount(group, weights=rows.values[summed])
        single = ~summed
        keys = keys[single]
        places = np.searchsorted(keys, groups)
        keys = np.insert(keys, places, groups)
        values = np.insert(rows.values[single].astype(np.float64), places, sums)
        indptr = np.searchsorted(keys, np.arange(len(rows) + 1, dtype=np.int64) * self._n_columns)
        # sums of counts are above zero; of values taken as they are, some may cancel out
        kept = values != 0
        return Rows(kept_indptr(indptr, kept), (keys % self._n_columns)[kept], values[kept])


def narrowed(values: NDArray[Any]) -> NDArray[Any]:
    """Put numbers into 8 or 16 bits where they are whole and fit, else into float32."""
    if not len(values):
        return values.astype(np.uint8)
    low, high = values.min(), values.max()
    for dtype in (np.uint8, np.uint16):
        if low >= 0 and high <= np.iinfo(dtype).max:
            narrow = values.astype(dtype)
            if np.array_equal(narrow, values):
                return narrow
    return values.astype(np.float32)


def _first_columns(positions: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each column the first one with the same gene; itself where unmatched."""
    columns = np.arange(len(positions))
    matched = np.flatnonzero(positions >= 0)
    _, first, group = np.unique(positions[matched], return_index=True, return_inverse=True)
    columns[matched] = matched[first][group]
    return columns
