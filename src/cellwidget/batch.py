"""Batch, SparseBatch and ResultBatch: what cells, engines and results speak."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Batch:
    """Some cells, lined up with a model's genes and padded to the longest of them.

    Parameters
    ----------
    rows
        Positions of the cells in the dataset, int64 [cells].
    genes
        Positions in the model's gene list, each at most once a cell, in the order of the dataset's columns;
        -1 pads. int32 [cells, n], n >= 1.
    counts
        The raw counts there, all above zero; 0 pads. float32 [cells, n].
    total
        Each cell's counts over all genes of the dataset (or over the obs column that the caller named),
        float32 [cells]; None for a model that does not ask.
    uniform
        Random numbers in [0, 1) from each cell's own seed, float64 [cells, k]; None for a model that does not ask.
    batch
        Batch codes for models with a batch input, int64 [cells]; None for a model that does not ask.
    """

    rows: NDArray[np.int64]
    genes: NDArray[np.int32]
    counts: NDArray[np.float32]
    total: NDArray[np.float32] | None = None
    uniform: NDArray[np.float64] | None = None
    batch: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, cells: slice) -> Batch:
        """Give some of its cells (at least one), no wider than they need."""
        genes = self.genes[cells]
        width = max(1, int((genes >= 0).sum(axis=1).max()))
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        part = {name: None if value is None else value[cells] for name, value in values.items()}
        return Batch(**part | {"genes": genes[:, :width], "counts": self.counts[cells, :width]})


@dataclass(frozen=True, slots=True)
class SparseBatch:
    """Some cells, lined up with a model's genes, in compressed rows of the narrowest exact types.

    Parameters
    ----------
    rows
        Positions of the cells in the dataset, int64 [cells].
    indptr
        Where each cell begins and ends in `genes` and `counts`, uint32 [cells + 1].
    genes
        Positions in the model's gene list, in the order of the dataset's columns; uint16 or uint32.
    counts
        The raw counts there; uint8, uint16 or float32.
    total, uniform, batch
        As in `Batch`.
    """

    rows: NDArray[np.int64]
    indptr: NDArray[np.uint32]
    genes: NDArray[np.unsignedinteger]
    counts: NDArray[np.generic]
    total: NDArray[np.float32] | None = None
    uniform: NDArray[np.float64] | None = None
    batch: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """What an engine made of a batch.

    Parameters
    ----------
    rows
        Positions of the cells in the dataset, int64 [cells].
    outputs
        Arrays whose first axis is `rows`, by output name: ``logits``, ``embedding``, ``attention``,
        ``attention_genes`` of the model, ``xy`` of its UMAP.
    failed
        Cells without a result, and why: position in the dataset to a reason in words.
    attention
        Where the engine has added up attention over the cells of each best label, in place of that of each cell: lists
        of one length, ``attention_codes`` of labels, ``attention_genes``, and weights by output name.
    """

    rows: NDArray[np.int64]
    outputs: dict[str, NDArray[np.generic]]
    failed: dict[int, str] = field(default_factory=dict)
    attention: dict[str, NDArray[np.generic]] | None = None
