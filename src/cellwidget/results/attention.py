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

DENSE = 8
"""How many sums may be passed over for each weight that is added: passing is that much faster."""


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
            weights = [outputs[name][fresh] for name in self._sums]
            genes = genes[fresh]
            carried = np.logical_or.reduce([each != 0 for each in weights]) & (genes >= 0) & (genes < self._n_genes)
            at, place = np.nonzero(carried)
            places = labels[fresh][at].astype(np.int64) * self._n_genes + genes[at, place]
            for sums, each in zip(self._sums.values(), weights, strict=True):
                _add_at(sums, places, each[at, place])

    def add_sums(
        self, rows: NDArray[np.integer], labels: NDArray[np.integer], sums: Mapping[str, NDArray[np.generic]]
    ) -> None:
        """Take in what was added up over some cells already; nothing of it where one of them has counted before.

        Parameters
        ----------
        rows, labels
            As in `add`.
        sums
            ``attention_codes`` of labels, ``attention_genes``, and the weightings: lists of one length.
        """
        codes, genes = (sums[name].astype(np.int64) for name in ("attention_codes", "attention_genes"))
        with self._lock:
            if self._counted[rows].any():
                return
            self._counted[rows] = True
            self._cells += np.bincount(labels, minlength=len(self._cells))
            known = (genes >= 0) & (genes < self._n_genes) & (codes >= 0) & (codes < len(self._cells))
            places = codes[known] * self._n_genes + genes[known]
            for name, values in self._sums.items():
                _add_at(values, places, sums[name][known])

    def of(self, weighting: str, code: int) -> Sums:
        """Give what a class looked at so far, as a copy."""
        with self._lock:
            begin = code * self._n_genes
            return Sums(self._sums[weighting][begin : begin + self._n_genes].copy(), int(self._cells[code]))


def _add_at(sums: NDArray[np.float64], places: NDArray[np.int64], weights: NDArray[np.generic]) -> None:
    """Add weights at their places, some of which come several times; many are counted together, a few one by one."""
    if DENSE * len(places) > len(sums):
        sums += np.bincount(places, weights, minlength=len(sums))
    else:
        np.add.at(sums, places, weights.astype(np.float64))
