"""One gene in all cells: what people colour by."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from cellwidget.cells.align import Chunk

log = logging.getLogger("cellwidget")

SCALE = 10_000.0
HELD_BYTES = 64 * 2**20
"""Of genes that were asked for; two are held in any case, for people go back and forth."""
AT_ONCE = 2
"""Genes that are computed at the same time; a page may ask for any number."""
STEP = 65_536
"""Cells that are looked at at once."""


def expressed(chunk: Chunk, position: int, *, as_is: bool) -> NDArray[np.float32]:
    """Give one gene in the cells of a chunk, float32 [cells].

    Parameters
    ----------
    chunk
        The cells.
    position
        Of the gene, in the model's list.
    as_is
        Whether to give values as they are; else log1p of counts per 10,000 of all genes of the matrix.

    Returns
    -------
    numpy.ndarray
        0 where the gene is not expressed, NaN for cells that cannot be used.
    """
    values = np.zeros(len(chunk), dtype=np.float64)
    entries = np.flatnonzero(chunk.genes == position)
    values[np.searchsorted(chunk.indptr, entries, side="right") - 1] = chunk.counts[entries]
    if not as_is:
        values = np.log1p(values * SCALE / np.maximum(chunk.totals, 1.0))
    values[[row for row in chunk.failed if row < len(values)]] = np.nan
    return values.astype(np.float32)


class Expressed(Protocol):
    """The part of `Cells` that is needed here."""

    n_obs: int
    matched: NDArray[np.int32]

    def expression(self, position: int, start: int, stop: int) -> NDArray[np.float32]:
        """Give one gene in some cells."""


class GeneColumns:
    """Columns of single genes, each computed in a thread of its own when it is first asked for, and held for a while.

    Parameters
    ----------
    cells
        Where counts are.
    genes
        The model's genes; those that the data have can be asked for.
    on_ready
        Called when a gene is there.
    on_trouble
        Called with why a gene cannot be read; it is NaN in all cells then.
    """

    def __init__(
        self,
        cells: Expressed,
        genes: Sequence[str],
        on_ready: Callable[[], None] = lambda: None,
        on_trouble: Callable[[str], None] = log.warning,
    ) -> None:
        self._cells = cells
        self._places = {genes[place]: int(place) for place in cells.matched.tolist()}
        self._on_ready = on_ready
        self._on_trouble = on_trouble
        self._columns: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._under_way: set[str] = set()
        self._lock = threading.Lock()
        self._most = max(2, HELD_BYTES // max(1, 4 * cells.n_obs))

    @property
    def names(self) -> list[str]:
        """Genes that can be asked for, in the order of the model's list."""
        return list(self._places)

    def __contains__(self, gene: str) -> bool:
        return gene in self._places

    def ready(self, gene: str) -> bool:
        """Whether a gene is there; else it will be, should somebody ask again whenever one is ready."""
        with self._lock:
            if gene in self._columns:
                return True
            if gene not in self._under_way and len(self._under_way) < AT_ONCE:
                self._under_way.add(gene)
                threading.Thread(target=self._compute, args=(gene,), name="cellwidget-gene", daemon=True).start()
            return False

    def read(self, gene: str, start: int, stop: int) -> NDArray[np.float32]:
        """Give a gene in some cells, float32: at once where it is ready."""
        with self._lock:
            values = self._columns.get(gene)
            if values is not None:
                self._columns.move_to_end(gene)
        return (self._whole(gene) if values is None else values)[start:stop]

    def _compute(self, gene: str) -> None:
        values = self._whole(gene)
        with self._lock:
            self._columns[gene] = values
            self._under_way.discard(gene)
            while len(self._columns) > self._most:
                self._columns.popitem(last=False)
        self._on_ready()

    def _whole(self, gene: str) -> NDArray[np.float32]:
        place, n = self._places[gene], self._cells.n_obs
        out = np.full(n, np.nan, dtype=np.float32)
        try:
            for start in range(0, n, STEP):
                stop = min(n, start + STEP)
                out[start:stop] = self._cells.expression(place, start, stop)
        except Exception as error:  # noqa: BLE001  (whatever it is, whoever asked must hear it)
            self._on_trouble(f"{gene} cannot be shown in all cells: {error}")
        return out
