"""A CSC matrix by rows, over a temporary file, in bounded memory.

Reading rows of a CSC matrix costs a pass over all of it each time. Here one pass deals its entries out to buckets of
consecutive rows on disk; a bucket fits into memory and is sorted when it is read. All writing is sequential.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.cells.rows import Rows, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK_ENTRIES = 2**21
BUCKET_ENTRIES = 2**22


class TransposedSource:
    """Rows of a CSC matrix given as its three arrays, in memory or datasets of an open file."""

    granule = 1
    chunk_bytes = 2**23
    in_file = True
    shared = False

    def __init__(
        self,
        shape: tuple[int, int],
        indptr: Any,
        indices: Any,
        data: Any,
        *,
        block_entries: int = BLOCK_ENTRIES,
        bucket_entries: int = BUCKET_ENTRIES,
    ) -> None:
        self.shape = shape
        self._entry = np.dtype([("row", "<i4"), ("column", "<i4"), ("value", data.dtype)])
        starts = np.array(indptr[:], dtype=np.int64)
        lengths = _row_lengths(shape[0], indices, block_entries)
        self.row_bytes = self._entry.itemsize * max(1.0, float(starts[-1]) / max(1, shape[0]))
        self._empty = int(np.count_nonzero(lengths == 0))
        self._bounds = _bucket_bounds(lengths, bucket_entries)
        self._folder = tempfile.TemporaryDirectory(prefix="cellwidget-")
        self._finalizer = weakref.finalize(self, self._folder.cleanup)
        self._lock = threading.Lock()
        self._held: tuple[int, Rows] | None = None
        for block in _entries(starts, indices, data, self._entry, block_entries):
            self._deal(block)

    def _deal(self, block: NDArray[Any]) -> None:
        buckets = np.searchsorted(self._bounds, block["row"], side="right") - 1
        order = _stable_order(buckets, len(self._bounds))
        cuts = np.concatenate([[0], np.cumsum(np.bincount(buckets))])
        for bucket in np.flatnonzero(np.diff(cuts)).tolist():
            with self._path(bucket).open("ab") as file:
                block[order[cuts[bucket] : cuts[bucket + 1]]].tofile(file)

    def _path(self, bucket: int) -> Path:
        return Path(self._folder.name) / f"rows-{bucket}"

    def rows(self, start: int, stop: int) -> Rows:
        """Cut the rows out of their buckets."""
        first = int(np.searchsorted(self._bounds, start, side="right")) - 1
        parts: list[Rows] = []
        while first < len(self._bounds) - 1 and (not parts or self._bounds[first] < stop):
            begin, end = int(self._bounds[first]), int(self._bounds[first + 1])
            parts.append(_cut(self._bucket(first), max(start, begin) - begin, min(stop, end) - begin))
            first += 1
        return concatenate(parts)

    def _bucket(self, bucket: int) -> Rows:
        with self._lock:
            if self._held is None or self._held[0] != bucket:
                self._held = None  # before the next is read: one bucket in memory, not two
                self._held = bucket, self._load(bucket)
            return self._held[1]

    def _load(self, bucket: int) -> Rows:
        begin, end = int(self._bounds[bucket]), int(self._bounds[bucket + 1])
        path = self._path(bucket)
        entries = np.fromfile(path, self._entry) if path.exists() else np.empty(0, self._entry)
        rows = entries["row"] - begin
        order = _stable_order(rows, end - begin)  # columns come in order already
        lengths = np.bincount(rows, minlength=end - begin)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Rows(indptr, entries["column"][order], entries["value"][order])

    def holds(self, rows: Rows, start: int) -> bool:
        """Say yes: nobody else knows the temporary file."""
        return True

    def empty_rows(self) -> int | None:
        """Count rows without an entry."""
        return self._empty

    def close(self) -> None:
        """Remove the temporary file."""
        self._held = None
        self._finalizer()


def _row_lengths(n_rows: int, indices: Any, block: int) -> NDArray[np.int64]:
    lengths = np.zeros(n_rows, dtype=np.int64)
    for low in range(0, indices.shape[0], block):
        lengths += np.bincount(np.asarray(indices[low : low + block]), minlength=n_rows)
    return lengths


def _bucket_bounds(lengths: NDArray[np.int64], bucket: int) -> NDArray[np.int64]:
    """First rows of buckets of about as many entries each, and the end."""
    numbers = np.cumsum(lengths) // bucket
    first = np.flatnonzero(np.diff(numbers)) + 1
    return np.concatenate([[0], first, [len(lengths)]])


def _entries(
    starts: NDArray[np.int64], indices: Any, data: Any, entry: np.dtype[Any], block: int
) -> Iterator[NDArray[Any]]:
    total = int(starts[-1])
    for low in range(0, total, block):
        high = min(total, low + block)
        out = np.empty(high - low, dtype=entry)
        out["row"] = indices[low:high]
        first, last = np.searchsorted(starts, [low, high - 1], side="right") - 1
        edges = np.clip(starts[first : last + 2], low, high)
        out["column"] = np.repeat(np.arange(first, last + 1), edges[1:] - edges[:-1])
        out["value"] = data[low:high]
        yield out


def _stable_order(numbers: NDArray[Any], bound: int) -> NDArray[np.int64]:
    if bound <= np.iinfo(np.uint16).max:
        numbers = numbers.astype(np.uint16)  # numpy sorts 16 bits by radix, several times faster
    return np.argsort(numbers, kind="stable")


def _cut(rows: Rows, start: int, stop: int) -> Rows:
    low, high = rows.indptr[start], rows.indptr[stop]
    return Rows(rows.indptr[start : stop + 1] - low, rows.columns[low:high], rows.values[low:high])
