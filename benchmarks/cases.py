"""What is measured on: two networks, and as many real cells as asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import cellwidget as cw

if TYPE_CHECKING:
    from anndata import AnnData

    from cellwidget.batch import Batch
    from cellwidget.cells import Cells

ROOT = Path(__file__).parents[1]
FIXTURES = Path(os.environ.get("CELLWIDGET_FIXTURES", ROOT.parent / "shared/fixtures"))


def bundle_of(name: str, folder: Path) -> Path:
    """Give the packaged model, or write the "wide" network into a folder."""
    if name == "pbmc":
        return cw.load_model("pbmc").bundle.folder
    from networks import write_wide_network

    return Path(write_wide_network(folder / "wide"))


def resampled(name: str, n: int) -> AnnData:
    """Draw real cells for a network, with replacement."""
    import anndata as ad
    import pandas as pd

    source = cw.datasets.pbmc_heldout() if name == "pbmc" else ad.read_h5ad(_wide_cells())
    drawn = np.random.default_rng(0).integers(0, source.n_obs, n)
    obs = pd.DataFrame(index=[f"cell {number}" for number in range(n)])
    return ad.AnnData(source.X[drawn], obs=obs, var=source.var)


def prepared(cells: Cells, n: int, size: int) -> list[Batch]:
    """Read the first n cells in batches of one size."""
    return [cells.read(start, min(start + size, n))[0] for start in range(0, n, size)]


def _wide_cells() -> Path:
    full = FIXTURES / "cells/pbmc3k-100-counts.h5ad"
    return full if full.is_file() else ROOT / "tests/data/cells/pbmc3k-30.h5ad"
