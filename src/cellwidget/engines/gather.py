"""Results of batches, put together to whole outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellwidget.batch import ResultBatch


ATTENTION = ("attention", "attention_weighted")


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
        self._carried: list[dict[str, NDArray[Any]]] = []

    def add(self, result: ResultBatch) -> None:
        """Take in the results of a batch."""
        self.failed |= result.failed
        outputs = dict(result.outputs)
        genes = outputs.pop("attention_genes", None)
        weights = {name: outputs.pop(name) for name in ATTENTION if name in outputs}
        if genes is not None and weights:
            used = np.any([values != 0 for values in weights.values()], axis=0)  # padding carries no weight
            at, place = np.nonzero(used)
            columns = {name: values[at, place] for name, values in weights.items()}
            self._carried.append(columns | {"rows": result.rows[at], "genes": genes[at, place]})
        for name, values in outputs.items():
            if name not in self._dense:
                self._dense[name] = np.full((self._shape[0], values.shape[1]), np.nan, dtype=np.float32)
            self._dense[name][result.rows] = values

    def whole(self, name: str) -> Any:
        """Give an output of all cells: float32 [cells, d], NaN where a cell failed; attention as CSR."""
        if name not in ATTENTION:
            return self._dense.get(name, np.full((self._shape[0], 0), np.nan, dtype=np.float32))
        from scipy import sparse

        weights, rows, genes = (self._column(which) for which in (name, "rows", "genes"))
        # what stands several times, a gene that several steps look at, is added up
        return sparse.csr_array(sparse.coo_array((weights.astype(np.float32), (rows, genes)), shape=self._shape))

    def _column(self, name: str) -> NDArray[Any]:
        return np.concatenate([np.empty(0, np.int64), *(part[name] for part in self._carried)])
