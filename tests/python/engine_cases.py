"""Engines, cells and datasets for the tests of running: small, and as bad as they are told to be."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from cellwidget.batch import Batch, ResultBatch
from cellwidget.cells import open_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwidget.cells import Cells

GENES = [f"g{number}" for number in range(12)]
CLASSES = ["B", "NK", "T"]


def dataset(n: int = 200, seed: int = 0) -> ad.AnnData:
    """Counts of 12 genes, at least one in every cell, in CSR."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, (n, len(GENES))).astype(np.float32)
    counts[:, 0] += 1
    obs = pd.DataFrame(index=[f"c{row}" for row in range(n)])
    return ad.AnnData(sp.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=GENES))


def cells_of(adata: ad.AnnData) -> Cells:
    return open_cells(adata, GENES)


class FakeEngine:
    """Labels a cell by its counts alone; does before each batch what it is told to.

    Parameters
    ----------
    before
        Called with each batch; may raise or wait.
    """

    largest_batch = 64

    def __init__(self, before: Callable[[Batch], None] | None = None) -> None:
        self.before = before
        self.sizes: list[int] = []
        self.loaded = 0

    def load(self) -> None:
        self.loaded += 1

    def run(self, batch: Batch) -> ResultBatch:
        self.sizes.append(len(batch))
        if self.before is not None:
            self.before(batch)
        return ResultBatch(batch.rows, fake_outputs(dense(batch)))


def dense(batch: Batch) -> np.ndarray:
    out = np.zeros((len(batch), len(GENES)), dtype=np.float32)
    at, place = np.nonzero(batch.genes >= 0)
    out[at, batch.genes[at, place]] = batch.counts[at, place]
    return out


def fake_outputs(counts: np.ndarray) -> dict[str, np.ndarray]:
    return {"logits": counts[:, :3].copy(), "embedding": counts[:, :4].copy(), "xy": counts[:, 4:6].copy()}


class Gate:
    """Lets an engine through batch by batch."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def __call__(self, _: Batch) -> None:
        self.arrived.release()
        assert self.may_go.acquire(timeout=60)

    def await_batch(self) -> None:
        assert self.arrived.acquire(timeout=60)

    def let(self, batches: int = 1) -> None:
        self.may_go.release(batches)

    def open(self) -> None:
        self.may_go.release(1_000_000)
