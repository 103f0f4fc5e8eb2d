"""Small real data that comes with the package: no network, no other package."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData


def pbmc_heldout() -> AnnData:
    """Blood cells that the packaged model `pbmc` was not trained on.

    A stratified fifth of the 700 cells of ``scanpy.datasets.pbmc68k_reduced`` (Zheng et al., Nat. Commun. 8, 14049,
    2017; 10x Genomics, CC BY 4.0), with the integer counts recovered from its normalised values.

    Returns
    -------
    AnnData
        ``X`` int32 counts in CSR, [cells, 765 genes]; ``obs["bulk_labels"]`` as the authors gave them; where the cells
        come from in ``uns["source"]``.
    """
    from anndata import read_h5ad

    with as_file(files("cellwidget") / "data" / "pbmc_heldout.h5ad") as path:
        return read_h5ad(path)
