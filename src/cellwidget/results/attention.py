"""What a model looked at, summed per class while the run goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WEIGHTINGS = ("attention_weighted", "attention")
"""Weights that a model may give its genes, the better one first: masks times what their step decided, masks alone."""
MOST_SUMS = 2**23
"""Classes times genes up to which sums are kept: 64 MB per weighting. A model of 1,000 classes and 60,000 genes has
seven times that; what its classes look at is asked of a sample of their cells instead."""


class Sums(NamedTuple):
    """What one class looked at: weights float64 [genes], summed over so many cells."""

    weights: NDArray[np.float64]
    cells: int


class AttentionSums:
    """Sums of attention per class of the best label. All methods may be called from any thread.

    A cell counts once, however often its result comes: a cell's result depends on that cell alone.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_classes, n_genes
        Of the model.
    weightings
        Those that the model gives, of `WEIGHTINGS`.
    """

    def __init__(self, n_obs: int, n_classes: int, n_genes: int, weightings: Sequence[str]) -> None:
        self._n_genes = n_genes
        self._counted = np.zeros(n_obs, dtype=bool)
        self._cells = np.zeros(n_classes, dtype=np.int64)
        self._sums = {name: np.zeros(n_classes * n_genes) for name in weightings}
        self._lock = threading.Lock()

    @classmethod
    def fitting(cls, n_obs: int, n_classes: int, n_genes: int, outputs: Sequence[str]) -> AttentionSums | None:
        """Make sums for a model's outputs; None where it gives no attention, no labels, or has too many of either."""
        weightings = [name for name in WEIGHTINGS if name in outputs]
        if not weightings or not n_classes or n_classes * n_genes > MOST_SUMS:
            return None
        return cls(n_obs, n_classes, n_genes, weightings)

    @property
    def weightings(self) -> tuple[str, ...]:
        """Those that are summed."""
        return tuple(self._sums)

    def add(
        self, rows: NDArray[np.integer], labels: NDArray[np.integer], outputs: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """Take in what a model looked at in some cells.

        Parameters
        ----------
        rows
            Positions of the cells in the dataset, [cells], each once.
        labels
            Codes of their best labels, [cells].
        outputs
            ``attention_genes`` int32 [cells, k], and the weightings, float32 [cells, k]. A gene may stand several times
            in a row: its weights add up. What has no weight, or is no gene of the model, is left out.
        """
        genes = outputs.get("attention_genes")
        if genes is None:
            return
        with self._lock:
            fresh = ~self._counted[rows]
            if not fresh.any():
                return
            self._counted[rows[fresh]] = True
            self._cells += np.bincount(labels[fresh], minlength=len(self._cells))
            places = genes[fresh].astype(np.int64)
            known = (places >= 0) & (places < self._n_genes)
            places += labels[fresh].astype(np.int64)[:, None] * self._n_genes
            for name, sums in self._sums.items():
                weights = outputs[name][fresh]
                carried = known & (weights != 0)
                np.add.at(sums, places[carried], weights[carried].astype(np.float64))

    def of(self, weighting: str, code: int) -> Sums:
        """Give what a class looked at so far, as a copy."""
        with self._lock:
            begin = code * self._n_genes
            return Sums(self._sums[weighting][begin : begin + self._n_genes].copy(), int(self._cells[code]))
