"""Cells packed for their way to a page: about one and a half bytes for each gene that a cell has.

Within a cell genes ascend in the order of the dataset's columns, so the gaps between them are small; and most counts
are. `js/src/session/unpack.ts` is the counterpart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellwidget.batch import SparseBatch

FAR = 255
"""Stands for a gap that is this long or longer, and follows in full."""
LARGE = 15
"""Stands, in half a byte, for a count that is larger than this and follows in full; smaller ones are one less."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Some cells as they cross.

    Parameters
    ----------
    rows
        Positions of the cells in the dataset, int64 [cells].
    header
        What the message says of the buffers, as `js/src/protocol.ts` describes it.
    buffers
        Its buffers.
    """

    rows: NDArray[np.int64]
    header: dict[str, Any]
    buffers: list[NDArray[Any]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers."""
        return sum(buffer.nbytes for buffer in self.buffers)


class Packer:
    """Packs cells of one dataset.

    Parameters
    ----------
    order
        Positions in the model's gene list, in the order in which they stand in a cell, int32 [genes that the dataset
        has].
    """

    def __init__(self, order: NDArray[np.int32]) -> None:
        self._order = order
        dtype = np.uint16 if len(order) <= np.iinfo(np.uint16).max else np.uint32
        self._ranks = np.zeros(int(order.max(initial=0)) + 1, dtype)
        self._ranks[order] = np.arange(len(order), dtype=dtype)

    @property
    def order(self) -> bytes:
        """What pages need to unpack cells: the order, as u4."""
        return self._order.astype("<u4").tobytes()

    def pack(self, cells: SparseBatch) -> Packed:
        """Pack some cells."""
        whole = cells.counts.dtype.kind == "u"
        extras = {"total": cells.total, "uniform": cells.uniform, "batch": cells.batch}
        there = {name: values for name, values in extras.items() if values is not None}
        header = {"n": len(cells), "counts": "nibbles" if whole else "f4", "extras": list(there)}
        buffers = [cells.indptr, *_gaps(self._ranks[cells.genes], cells.indptr)]
        buffers += _nibbles(cells.counts) if whole else [cells.counts.astype(np.float32, copy=False)]
        buffers += [values.astype(np.uint32) if name == "batch" else values for name, values in there.items()]
        return Packed(cells.rows, header, buffers)


def _gaps(ranks: NDArray[Any], indptr: NDArray[np.uint32]) -> list[NDArray[Any]]:
    """Tell how many genes lie between each and the one before, u1; and the long ones, u4."""
    gaps = ranks.copy()
    gaps[1:] -= ranks[:-1]
    gaps[1:] -= 1
    starts = indptr[:-1][indptr[:-1] < indptr[1:]]
    gaps[starts] = ranks[starts]
    far = gaps >= FAR
    long = gaps[far].astype(np.uint32)
    gaps[far] = FAR
    return [gaps.astype(np.uint8), long]


def _nibbles(counts: NDArray[Any]) -> list[NDArray[Any]]:
    """Put counts less one two in a byte, the first in the lower half; and the large ones, u2."""
    less = counts - counts.dtype.type(1)
    large = less >= LARGE
    whole = counts[large].astype(np.uint16)
    less[large] = LARGE
    halves = less.astype(np.uint8)
    if len(halves) % 2:
        halves = np.append(halves, np.uint8(0))
    return [halves[::2] | (halves[1::2] << 4), whole]
