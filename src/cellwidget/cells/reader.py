"""Cells: an AnnData read ahead into a compact, gene-aligned copy."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.batch import Batch, SparseBatch
from cellwidget.cells.expression import expressed
from cellwidget.cells.extras import BAD_TOTAL
from cellwidget.cells.pad import joined, padded
from cellwidget.cells.source import MatrixChanged
from cellwidget.cells.values import AsIs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from cellwidget.cells.align import Aligner, Chunk
    from cellwidget.cells.choose import Choice
    from cellwidget.cells.extras import Extras
    from cellwidget.cells.pad import Part
    from cellwidget.cells.source import Source
    from cellwidget.messages import InputReport

    Beside = tuple[NDArray[np.int64], NDArray[np.float32] | None, NDArray[np.float64] | None, NDArray[np.int64] | None]

FIRST_CHUNK = 256
LARGEST_CHUNK = 4096
"""Chunks grow from few cells, so that the first batch is there at once, to what is read efficiently."""

HELD_CHUNKS = 3


class Cells:
    """The cells of a dataset as batches, made by `open_cells`.

    The matrix is read chunk by chunk into a compact copy: ahead of the reader from `start` on, else when asked for.
    The matrix object of the opening is read, so that an AnnData may get another; values that change under the reader
    raise `MatrixChanged`. All methods may be called from any thread.

    `matched` are the positions in the model's gene list that the data have, ascending; `as_is` says that values are no
    counts, but taken as they are.
    """

    def __init__(
        self,
        choice: Choice,
        aligner: Aligner,
        obs_names: pd.Index,
        extras: Extras,
        report: InputReport,
        *,
        keep: bool,
    ) -> None:
        self.obs_names = obs_names
        self.n_obs = len(obs_names)
        self.report = report
        self._source: Source | None = choice.source
        self._aligner = aligner
        self._extras = extras
        self._keep = keep
        self._name = choice.name
        self.matched = np.sort(aligner.order)
        self.as_is = isinstance(choice.encoding, AsIs)
        self._bounds = _chunk_bounds(choice.source)
        self._marks = _marks(choice, self._bounds)
        self._chunks: dict[int, Chunk] = {}
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._reading = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def order(self) -> NDArray[np.int32]:
        """Positions in the model's gene list, in the order in which they stand in a cell, int32 [genes matched]."""
        return self._aligner.order

    def start(self) -> None:
        """Begin to read ahead, in a thread of its own; nothing happens where cells are read as they come."""
        with self._changed:
            if self._thread is not None or self._closed or not self._keep:
                return
            self._thread = threading.Thread(target=self._read_ahead, name="cellwidget-cells", daemon=True)
        self._thread.start()

    def read(self, start: int, stop: int) -> tuple[Batch, dict[int, str]]:
        """Give cells `start` to `stop`, waiting until they are there.

        Returns
        -------
        tuple
            The good cells as a batch, and the others with the reason each.

        Raises
        ------
        MatrixChanged
            The matrix was altered before these cells were read.
        IndexError
            The dataset has no such cells.
        """
        parts, failed = self._parts(start, stop)
        return self._padded(parts), failed

    def read_rows(self, rows: NDArray[np.int64]) -> tuple[Batch, dict[int, str]]:
        """Give some cells, ascending and each once, as `read` does."""
        parts, failed = self._parts_of(rows)
        return self._padded(parts), failed

    def read_sparse(self, start: int, stop: int) -> tuple[SparseBatch, dict[int, str]]:
        """Give cells `start` to `stop` as `read` does, in compressed rows."""
        parts, failed = self._parts(start, stop)
        indptr, genes, counts = joined(parts)
        rows, total, uniform, batch = self._beside(parts)
        return SparseBatch(rows, indptr, genes, counts, total, uniform, batch), failed

    def expression(self, position: int, start: int, stop: int) -> NDArray[np.float32]:
        """Give one gene of the model in cells `start` to `stop`, float32.

        It is log1p of counts per 10,000 of all genes of the matrix, or the value itself where values are taken as they
        are; NaN for cells that cannot be used.
        """
        parts = [expressed(self._chunk(number), position, as_is=self.as_is) for number in self._numbers(start, stop)]
        whole = np.concatenate([np.empty(0, np.float32), *parts])
        first = int(self._bounds[self._numbers(start, stop)[0]]) if parts else start
        return whole[start - first : stop - first]

    def unchanged(self, adata: AnnData) -> bool:
        """Whether the AnnData still has the cells of the start, in their order."""
        return self.obs_names is adata.obs_names or self.obs_names.equals(adata.obs_names)

    @property
    def copied(self) -> bool:
        """Whether cells come to lie in memory; else single ones all over the matrix are dear."""
        return self._keep

    @property
    def readable(self) -> bool:
        """Whether reading may go on: False once it failed, and after `close`."""
        with self._changed:
            return self._error is None

    def close(self) -> None:
        """Stop reading and let go of the matrix and the copy; waiting readers are told."""
        with self._changed:
            self._closed = True
            self._error = self._error or RuntimeError("These cells are closed.")
            self._chunks.clear()
            self._changed.notify_all()
        with self._reading:
            self._release()

    def _numbers(self, start: int, stop: int) -> list[int]:
        """Tell the chunks of cells `start` to `stop`."""
        if start == stop:
            return []
        first, last = np.searchsorted(self._bounds, [start, stop - 1], side="right") - 1
        return list(range(int(first), int(last) + 1))

    def _parts(self, start: int, stop: int) -> tuple[list[Part], dict[int, str]]:
        if not 0 <= start <= stop <= self.n_obs:
            raise IndexError(f"cells {start} to {stop} of {self.n_obs}")
        return self._parts_of(np.arange(start, stop))

    def _parts_of(self, rows: NDArray[np.int64]) -> tuple[list[Part], dict[int, str]]:
        """Find some cells, ascending: the good ones by chunk, and the others with the reason each."""
        if len(rows) and not 0 <= rows[0] <= rows[-1] < self.n_obs:
            raise IndexError(f"cells {rows[0]} to {rows[-1]} of {self.n_obs}")
        failed: dict[int, str] = {}
        parts: list[Part] = []
        numbers = np.searchsorted(self._bounds, rows, side="right") - 1
        for number in np.unique(numbers).tolist():
            chunk, wanted = self._chunk(number), rows[numbers == number]
            good, bad = self._sorted_out(chunk, wanted)
            failed |= bad
            parts.append((chunk, good - chunk.first))
        return parts, failed

    def _sorted_out(self, chunk: Chunk, wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], dict[int, str]]:
        failed: dict[int, str] = {}
        if chunk.failed:
            bad = np.fromiter(chunk.failed, dtype=np.int64)
            asked = bad[np.isin(chunk.first + bad, wanted)].tolist()
            failed = {chunk.first + row: chunk.failed[row] for row in asked}
        if self._extras.totals is not None:
            for row in wanted[np.isnan(self._extras.totals[wanted])].tolist():
                failed.setdefault(row, BAD_TOTAL)
        if not failed:
            return wanted, failed
        return wanted[~np.isin(wanted, list(failed))], failed

    def _padded(self, parts: list[Part]) -> Batch:
        genes, counts = padded(parts)
        rows, total, uniform, batch = self._beside(parts)
        return Batch(rows, genes, counts, total, uniform, batch)

    def _beside(self, parts: Sequence[Part]) -> Beside:
        """Give what batches carry beside genes and counts: rows, totals, random numbers, codes."""
        rows = np.concatenate([np.empty(0, np.int64), *(chunk.first + cells for chunk, cells in parts)])
        extras = self._extras
        totals = None
        if extras.counted_totals:
            totals = np.concatenate([np.empty(0, np.float32), *(chunk.totals[cells] for chunk, cells in parts)])
        elif extras.totals is not None:
            totals = extras.totals[rows]
        uniform = extras.uniform(rows) if extras.uniform is not None else None
        return rows, totals, uniform, extras.codes[rows] if extras.codes is not None else None

    def _chunk(self, number: int) -> Chunk:
        with self._changed:
            while True:
                chunk = self._chunks.get(number)
                if chunk is not None:
                    return chunk
                if self._error is not None:
                    raise self._error
                if self._thread is None:
                    break
                self._changed.wait()
        return self._load(number)

    def _read_ahead(self) -> None:
        try:
            for number in range(len(self._bounds) - 1):
                if self._closed:
                    return
                self._load(number)
        except Exception as error:  # noqa: BLE001  (whatever it is, those who wait for cells must hear it)
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()
        with self._reading:
            self._release()

    def _load(self, number: int) -> Chunk:
        with self._reading:
            chunk = self._chunks.get(number)
            if chunk is None:
                chunk = self._aligned(number)
                with self._changed:
                    self._hold(number, chunk)
                    self._changed.notify_all()
        return chunk

    def _hold(self, number: int, chunk: Chunk) -> None:
        if self._closed:
            return
        self._chunks[number] = chunk
        if not self._keep and len(self._chunks) > HELD_CHUNKS:
            del self._chunks[next(iter(self._chunks))]

    def _aligned(self, number: int) -> Chunk:
        source = self._source
        if source is None:
            raise RuntimeError("These cells are closed.")
        start, stop = int(self._bounds[number]), int(self._bounds[number + 1])
        stored = source.rows(start, stop)
        chunk = self._aligner(stored, start)
        marks = self._marks.get(number, {})
        # the first sees what was altered before the rows were copied, the second what is being altered now
        if any(stored.mark(row - start) != mark for row, mark in marks.items()) or not source.holds(stored, start):
            raise MatrixChanged(
                f"{self._name} was changed while cells {start:,} to {stop:,} were being read. "
                f"Cells read before keep their results; run again to label all cells from the matrix as it is now."
            )
        return chunk

    def _release(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()


def _chunk_bounds(source: Source) -> NDArray[np.int64]:
    most = int(max(1, min(LARGEST_CHUNK, source.chunk_bytes // max(1.0, source.row_bytes))))
    if source.granule <= 4 * most:  # half a stored block costs as much to read as all of it; huge ones are not held
        most = max(source.granule, most // source.granule * source.granule)
    bounds, size = [0], min(FIRST_CHUNK, most)
    while bounds[-1] < source.shape[0]:
        bounds.append(min(bounds[-1] + size, source.shape[0]))
        size = min(2 * size, most)
    return np.array(bounds, dtype=np.int64)


def _marks(choice: Choice, bounds: NDArray[np.int64]) -> dict[int, dict[int, int]]:
    """Checksums of rows by chunk: of the sample, and of each chunk's ends where a single row is cheap to read."""
    source = choice.source
    if not source.shared:
        return {}
    marks = dict(choice.sample.marks)
    if not source.in_file:
        for row in {*bounds[:-1].tolist(), *(bounds[1:] - 1).tolist()} - marks.keys():
            marks[row] = source.rows(row, row + 1).mark(0)
    by_chunk: dict[int, dict[int, int]] = {}
    for row, mark in marks.items():
        number = int(np.searchsorted(bounds, row, side="right")) - 1
        by_chunk.setdefault(number, {})[row] = mark
    return by_chunk
