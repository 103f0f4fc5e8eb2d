"""The cells that the packaged model is trained on and tested on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

HELD_OUT = 0.2
SOURCE = (
    "scanpy.datasets.pbmc68k_reduced (Zheng et al., Nat. Commun. 8, 14049, 2017; 10x Genomics); "
    "integer counts recovered from the normalised values; cells held out when cellwidget's model pbmc was trained"
)
LICENCE = "CC BY 4.0"
PER_10K = 1e4


@dataclass(frozen=True, slots=True)
class Cells:
    """Labelled cells.

    Parameters
    ----------
    counts
        int32 [cells, genes].
    labels
        As the authors of the dataset gave them.
    names, genes
        Of rows and columns.
    """

    counts: NDArray[np.int32]
    labels: NDArray[np.str_]
    names: list[str]
    genes: list[str]

    def rows(self, which: NDArray[np.intp]) -> Cells:
        """Pick some of the cells."""
        return Cells(self.counts[which], self.labels[which], [self.names[row] for row in which], self.genes)


def pbmc68k() -> Cells:
    """Give the 700 cells that come inside scanpy, as integer counts.

    Their ``raw`` is log1p of counts per 10,000, and `n_counts` is what they were divided by.
    """
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file is older than the reader likes
        adata = sc.datasets.pbmc68k_reduced()
    per_10k = np.expm1(adata.raw.X.toarray().astype(np.float64))
    counts = np.rint(per_10k * adata.obs["n_counts"].to_numpy(np.float64)[:, None] / PER_10K)
    labels = adata.obs["bulk_labels"].astype(str).to_numpy(np.str_)
    return Cells(counts.astype(np.int32), labels, list(adata.obs_names), list(adata.raw.var_names))


def split(labels: NDArray[np.str_], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw training and held-out cells, of every label its share and at least one.

    Returns
    -------
    tuple
        Rows to train on and rows held out, each in ascending order.
    """
    rng = np.random.default_rng(seed)
    held: list[int] = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        held.extend(rng.permutation(rows)[: max(1, round(HELD_OUT * len(rows)))].tolist())
    held_out = np.sort(np.array(held, dtype=np.intp))
    return np.setdiff1d(np.arange(len(labels), dtype=np.intp), held_out), held_out


def anndata(cells: Cells) -> AnnData:
    """Make an AnnData of counts in CSR, with what is known of where they come from."""
    import anndata as ad
    import pandas as pd
    import scipy.sparse as sp

    counts = sp.csr_matrix(cells.counts)
    obs = pd.DataFrame(
        {
            "bulk_labels": pd.Categorical(cells.labels),
            "n_counts": np.asarray(counts.sum(axis=1)).ravel(),
            "n_genes": counts.getnnz(axis=1),
        },
        index=cells.names,
    )
    return ad.AnnData(counts, obs=obs, var=pd.DataFrame(index=cells.genes), uns={"source": SOURCE, "licence": LICENCE})
