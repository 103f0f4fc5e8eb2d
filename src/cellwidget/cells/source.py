"""Matrices that can be read by rows: dense or CSR, in memory or in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cellwidget.cells.rows import Rows
from cellwidget.genes import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MatrixChanged(RuntimeError):
    """The matrix was altered, or its file closed, while it was being read."""


CACHED_BYTES = 4 * 2**20
"""Chunks of a CSR matrix in memory stay in the processor's cache while they are worked on: a third faster."""
BLOCK_BYTES = 32 * 2**20


class Source(Protocol):
    """A matrix that gives its rows.

    `in_file` says that single rows are dear; `shared` says that others can alter the values under us; rows are best
    read in multiples of `granule` and some `chunk_bytes` at a time.
    """

    shape: tuple[int, int]
    row_bytes: float
    granule: int
    chunk_bytes: int
    in_file: bool
    shared: bool

    def rows(self, start: int, stop: int) -> Rows:
        """Copy some consecutive rows."""

    def holds(self, rows: Rows, start: int) -> bool:
        """Whether the matrix still has these values from row `start` on; files are taken at their word."""

    def empty_rows(self) -> int | None:
        """Count rows without an entry; None where only reading everything would tell."""

    def close(self) -> None:
        """Let go of what was made for reading."""


class CsrSource:
    """A CSR matrix as its three arrays, each in memory or a dataset of an open file."""

    granule = 1

    def __init__(self, shape: tuple[int, int], indptr: Any, columns: Any, values: Any, *, shared: bool = True) -> None:
        self.shape = shape
        self.in_file = not isinstance(values, np.ndarray)
        self.chunk_bytes = BLOCK_BYTES if self.in_file else CACHED_BYTES
        self.shared = shared
        # the arrays and not the matrix object are held: `X.data = …` gives the object new values
        self._indptr: NDArray[np.int64] = np.array(indptr[:], dtype=np.int64)
        self._columns = columns
        self._values = values
        entry = values.dtype.itemsize + columns.dtype.itemsize
        self.row_bytes = entry * max(1.0, float(self._indptr[-1]) / max(1, shape[0]))

    def rows(self, start: int, stop: int) -> Rows:
        """Copy the entries between two rows."""
        low, high = int(self._indptr[start]), int(self._indptr[stop])
        return Rows(
            self._indptr[start : stop + 1] - low,
            _copied(self._columns, low, high),
            _copied(self._values, low, high),
        )

    def holds(self, rows: Rows, start: int) -> bool:
        """Compare all entries of the rows."""
        if self.in_file or not self.shared:
            return True
        low = int(self._indptr[start])
        part = slice(low, low + len(rows.values))
        return _same(self._values[part], rows.values) and _same(self._columns[part], rows.columns)

    def empty_rows(self) -> int | None:
        """Count rows that begin where they end."""
        return int(np.count_nonzero(np.diff(self._indptr) == 0))

    def close(self) -> None:
        """Let go of the arrays."""
        self._columns = self._values = np.empty(0)


class DenseSource:
    """A dense matrix, in memory in any order or a dataset of an open file."""

    shared = True
    chunk_bytes = BLOCK_BYTES

    def __init__(self, matrix: Any) -> None:
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.in_file = not isinstance(matrix, np.ndarray)
        self.row_bytes = float(self.shape[1] * matrix.dtype.itemsize)
        chunks = getattr(matrix, "chunks", None)
        self.granule = int(chunks[0]) if chunks else 1
        self._matrix = matrix

    def rows(self, start: int, stop: int) -> Rows:
        """Copy a block and keep what is not zero."""
        block = np.ascontiguousarray(_copied(self._matrix, start, stop))
        flat = block.ravel()
        filled = flat != 0
        entries = np.flatnonzero(filled)
        indptr = np.zeros(len(block) + 1, dtype=np.int64)
        np.cumsum(np.count_nonzero(filled.reshape(block.shape), axis=1), out=indptr[1:])
        columns = (entries % block.shape[1]).astype(np.int32)
        return Rows(indptr, columns, flat[entries])

    def holds(self, rows: Rows, start: int) -> bool:
        """Compare the values that were not zero."""
        if self.in_file:
            return True
        numbers = np.repeat(np.arange(start, start + len(rows)), np.diff(rows.indptr))
        return _same(self._matrix[numbers, rows.columns], rows.values)

    def empty_rows(self) -> int | None:
        """Leave it open: a dense matrix tells only when all of it is read."""
        return None

    def close(self) -> None:
        """Let go of the matrix."""
        self._matrix = np.empty((0, 0))


def open_matrix(matrix: Any, name: str, keep_bytes: int) -> Source:
    """Make a matrix of an AnnData readable by rows.

    Parameters
    ----------
    matrix
        A numpy array, a scipy sparse matrix, or anndata's stand-in for one in a file.
    name
        What the user calls it, for messages.
    keep_bytes
        A CSC matrix in memory below this size is turned in memory, else over a temporary file.

    Raises
    ------
    InputError
        It is of a kind or dtype that cannot be read.
    """
    from scipy import sparse

    _check_dtype(matrix, name)
    if isinstance(matrix, np.ndarray):
        return DenseSource(np.asarray(matrix))
    if sparse.issparse(matrix):
        return _open_sparse(matrix, keep_bytes)
    layout = getattr(matrix, "format", None)
    if layout in ("csr", "csc"):
        group = matrix.group
        parts = group["indptr"], group["indices"], group["data"]
        if layout == "csr":
            return CsrSource(matrix.shape, *parts)
        return _transposed(matrix.shape, *parts)
    if type(matrix).__module__.startswith(("h5py", "zarr")):
        return DenseSource(matrix)
    kind = f"{type(matrix).__module__}.{type(matrix).__name__}"
    raise InputError(
        f"{name} is a {kind}, which cannot be read yet. Make it a numpy array or a scipy CSR matrix first, "
        f"for example by adata.to_memory() or .compute()."
    )


def _open_sparse(matrix: Any, keep_bytes: int) -> Source:
    if matrix.format == "csc":
        size = matrix.nnz * (matrix.dtype.itemsize + matrix.indices.dtype.itemsize)
        if size > keep_bytes:
            return _transposed(matrix.shape, matrix.indptr, matrix.indices, matrix.data)
    shared = matrix.format == "csr"
    matrix = matrix.tocsr()
    return CsrSource(matrix.shape, matrix.indptr, matrix.indices, matrix.data, shared=shared)


def _transposed(shape: tuple[int, int], indptr: Any, indices: Any, data: Any) -> Source:
    from cellwidget.cells.transpose import TransposedSource

    return TransposedSource(shape, indptr, indices, data)


def _check_dtype(matrix: Any, name: str) -> None:
    dtype = getattr(matrix, "dtype", None)
    if dtype is None or np.dtype(dtype).kind in "biuf":
        return
    raise InputError(
        f"{name} has dtype {dtype}, but counts must be numbers. "
        f"Convert it first, for example adata.X = adata.X.astype('float32')."
    )


def _copied(array: Any, low: int, high: int) -> NDArray[Any]:
    if isinstance(array, np.ndarray):
        return array[low:high].copy()
    try:
        return np.asarray(array[low:high])
    except (OSError, ValueError, RuntimeError) as error:
        raise MatrixChanged(
            f"The file that holds the cells cannot be read any more ({error}). Was it closed or moved? "
            f"Open it and run again."
        ) from error


def _same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    # as bytes, since NaN is not equal to itself
    return left.dtype == right.dtype and np.array_equal(_bits(left), _bits(right))


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    size = array.dtype.itemsize
    return array.view(f"u{size}") if size in (1, 2, 4, 8) else array.view(np.uint8)
