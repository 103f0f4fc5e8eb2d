"""Occlusion: what the probability of a cell's label loses when a gene is taken out of the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwidget.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Probabilities = Callable[[Batch], NDArray[np.floating]]
    Lost = tuple[NDArray[np.int32], NDArray[np.float64]]

EDITS = 256
"""Edited cells of one batch, at most."""


def occluded(batch: Batch, probabilities: Probabilities, *, edits: int = EDITS) -> Iterator[tuple[float, Lost]]:
    """Take each expressed gene out of each cell, one at a time.

    The edited cell is the one that would have been measured without the gene: it drops from the row, and `total` falls
    by its count (to no less than what is left in the row, should `total` come from elsewhere). All else of a cell
    stays, its random numbers too. The label is that of the whole cell. A cell of a single gene is not edited.

    Parameters
    ----------
    batch
        The cells.
    probabilities
        Runs a batch: float [cells, classes].
    edits
        Edited cells to run at once.

    Yields
    ------
    tuple
        The share of the work that is done, 0 to 1; and genes int32 [m] with the probability that each one's removal
        took away, float64 [m], negative where the label became likelier. Several genes of one cell at a time.
    """
    whole = probabilities(batch)
    for at, label in enumerate(whole.argmax(axis=1).tolist()):
        n = int((batch.genes[at] >= 0).sum())
        if n < 2:
            continue
        for begin in range(0, n, edits):
            out = np.arange(begin, min(n, begin + edits))
            without = probabilities(_edited(batch, at, n, out))[:, label]
            lost = np.nan_to_num(whole[at, label] - without.astype(np.float64))
            yield (at + (begin + len(out)) / n) / len(batch), (batch.genes[at, out], lost)


def _edited(batch: Batch, at: int, n: int, out: NDArray[np.int64]) -> Batch:
    """Copy a cell of `n` genes once for each place in `out`, each time without that one."""
    places = np.arange(n - 1)[None, :] + (np.arange(n - 1)[None, :] >= out[:, None])
    counts = batch.counts[at, places]
    total = None
    if batch.total is not None:
        total = np.maximum(batch.total[at] - batch.counts[at, out], counts.sum(axis=1)).astype(np.float32)
    same = np.full(len(out), at)
    return Batch(
        batch.rows[same],
        batch.genes[at, places],
        counts,
        total,
        None if batch.uniform is None else batch.uniform[same],
        None if batch.batch is None else batch.batch[same],
    )
