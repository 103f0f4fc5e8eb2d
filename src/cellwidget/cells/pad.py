"""Cells of some chunks as one padded batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cellwidget.cells.align import Chunk

PAD_GENE = -1
PAD_COUNT = 0


def padded(parts: Sequence[tuple[Chunk, NDArray[np.int64]]]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Pad cells to the longest of them.

    Parameters
    ----------
    parts
        Chunks, each with the cells wanted from it, counted from its first.

    Returns
    -------
    tuple
        Genes int32 [cells, n] padded with -1 and counts float32 [cells, n] padded with 0, n >= 1.
    """
    lengths = [np.diff(chunk.indptr)[cells] for chunk, cells in parts]
    width = max([1, *(int(part.max()) for part in lengths if len(part))])
    shape = sum(len(part) for part in lengths), width
    genes, counts = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.float32)
    begin = 0
    for (chunk, cells), part in zip(parts, lengths, strict=True):
        out = slice(begin, begin + len(cells))
        begin += len(cells)
        starts = chunk.indptr[cells]
        beyond = np.arange(width) >= part[:, None]
        _fill(genes[out], chunk.genes, starts, beyond, PAD_GENE)
        _fill(counts[out], chunk.counts, starts, beyond, PAD_COUNT)
    return genes, counts


def _fill(
    out: NDArray[Any], flat: NDArray[Any], starts: NDArray[np.int64], beyond: NDArray[np.bool_], pad: int
) -> None:
    """Copy `width` entries of each cell, and overwrite those that are the next cell's.

    A window for each start of a cell is gathered in one go: at 1,500 genes a cell this takes a third of the time of
    an assignment by mask.
    """
    rows, width = out.shape
    if not rows:
        return
    low, high = int(starts[0]), int(starts[-1]) + width
    part = flat[low:high]
    if len(part) < high - low:
        part = np.concatenate([part, np.zeros(high - low - len(part), dtype=flat.dtype)])
    windows = np.lib.stride_tricks.sliding_window_view(part, width)
    out[...] = windows[starts - low]
    out[beyond] = pad
