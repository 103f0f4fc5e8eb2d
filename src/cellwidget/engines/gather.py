"""Results of batches, put together to whole outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellwidget.batch import ResultBatch


class Gathered:
    """Outputs of all cells, batch by batch.

    Parameters
    ----------
    n_obs
        Number of cells.
    n_genes
        Number of the model's genes, the columns of attention.
    """

    def __init__(self, n_obs: int, n_genes: int) -> None:
        self.failed: dict[int, str] = {}
        self._shape = n_obs, n_genes
        self._dense: dict[str, NDArray[np.float32]] = {}
        self._attention: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []

    def add(self, result: ResultBatch) -> None:
        """Take in the results of a batch."""
        self.failed |= result.failed
        outputs = dict(result.outputs)
        weights, genes = outputs.pop("attention", None), outputs.pop("attention_genes", None)
        if weights is not None and genes is not None:
            at, place = np.nonzero(weights)  # padding carries no weight
            self._attention.append((weights[at, place], result.rows[at], genes[at, place]))
        for name, values in outputs.items():
            if name not in self._dense:
                self._dense[name] = np.full((self._shape[0], values.shape[1]), np.nan, dtype=np.float32)
            self._dense[name][result.rows] = values

    def whole(self, name: str) -> Any:
        """Give an output of all cells: float32 [cells, d], NaN where a cell failed; "attention" as CSR."""
        if name != "attention":
            return self._dense.get(name, np.full((self._shape[0], 0), np.nan, dtype=np.float32))
        from scipy import sparse

        empty = np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64)
        weights, rows, genes = (np.concatenate(parts) for parts in zip(empty, *self._attention, strict=True))
        return sparse.csr_array((weights, (rows, genes)), shape=self._shape)
