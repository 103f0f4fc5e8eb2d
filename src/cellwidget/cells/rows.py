"""Some rows of a matrix, sparse: what sources give and what is decoded and aligned."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows in compressed form, as they are stored.

    Parameters
    ----------
    indptr
        Where each row begins and ends in the other two, int64 [rows + 1], from 0.
    columns
        Column numbers, of any integer type.
    values
        Values there, of any number type; zeros may be among them.
    """

    indptr: NDArray[np.int64]
    columns: NDArray[Any]
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def of_entries(self, entries: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tell the rows of some entries."""
        return np.searchsorted(self.indptr, entries, side="right") - 1

    def sums(self) -> NDArray[np.float64]:
        """Add up each row's values."""
        return reduce_rows(np.add, self.values, self.indptr)

    def mark(self, row: int) -> int:
        """Sum up one row as it is stored in 32 bits."""
        part = slice(self.indptr[row], self.indptr[row + 1])
        return zlib.crc32(self.columns[part].tobytes(), zlib.crc32(self.values[part].tobytes()))


def reduce_rows(how: np.ufunc, values: NDArray[Any], indptr: NDArray[np.int64]) -> NDArray[np.float64]:
    """Reduce each row's values to one float64; rows without any give 0."""
    out = np.zeros(len(indptr) - 1)
    filled = indptr[1:] > indptr[:-1]
    if filled.any():
        # `reduceat` over the starts of the filled rows alone: those follow each other without gaps
        out[filled] = how.reduceat(values, indptr[:-1][filled], dtype=np.float64)
    return out


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Rows one after the other."""
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    return Rows(
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate([part.columns for part in parts], dtype=parts[0].columns.dtype),
        np.concatenate([part.values for part in parts], dtype=parts[0].values.dtype),  # else another byte order
    )


def canonical(rows: Rows, n_columns: int) -> Rows:
    """Sort each row by column and add up columns that come twice, where a row is stored otherwise."""
    ascends = rows.columns[1:] > rows.columns[:-1]
    begins = rows.indptr[1:-1]
    ascends[begins[(begins > 0) & (begins < len(rows.columns))] - 1] = True
    if ascends.all():
        return rows
    from scipy.sparse import csr_array

    matrix = csr_array((rows.values, rows.columns, rows.indptr), shape=(len(rows), n_columns), copy=True)
    matrix.sum_duplicates()
    return Rows(matrix.indptr.astype(np.int64), matrix.indices, matrix.data)


def without(rows: Rows, drop: NDArray[np.bool_]) -> Rows:
    """Leave entries out."""
    if not drop.any():
        return rows
    keep = ~drop
    return Rows(kept_indptr(rows.indptr, keep), rows.columns[keep], rows.values[keep])


def kept_indptr(indptr: NDArray[np.int64], keep: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where rows begin once only the entries in `keep` are left."""
    before = np.zeros(len(keep) + 1, dtype=np.int64)
    np.cumsum(keep, out=before[1:])
    return before[indptr]
