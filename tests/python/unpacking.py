"""Cells unpacked as a page does it, by the plain reading of `js/src/protocol.ts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.batch import SparseBatch

if TYPE_CHECKING:
    from cellwidget.engines.packing import Packed


def unpacked(packed: Packed, order: np.ndarray) -> SparseBatch:
    """Undo what `Packer.pack` did."""
    whole = packed.header["counts"] == "nibbles"
    indptr, gaps, far, counts, *rest = packed.buffers
    large = iter(rest.pop(0).tolist() if whole else [])
    long = iter(far.tolist())
    genes = np.empty(len(gaps), np.uint32)
    for begin, end in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True):
        rank = -1
        for at in range(begin, end):
            rank += 1 + (next(long) if gaps[at] == 255 else int(gaps[at]))
            genes[at] = order[rank]
    if whole:
        halves = np.stack([counts & 15, counts >> 4], axis=1).ravel()[: len(gaps)]
        counts = np.array([next(large) if half == 15 else half + 1 for half in halves.tolist()], np.uint16)
    assert next(large, None) is None and next(long, None) is None
    extras = dict(zip(packed.header["extras"], rest, strict=True))
    return SparseBatch(packed.rows, indptr, genes, counts, **extras)
