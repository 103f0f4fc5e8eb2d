"""What the model is worth: on cells held out of training, and on cells of another donor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

REPOSITORY = Path(__file__).parents[2]

# Labels of the PBMC3k tutorial, and the labels of the model that are right for them. The model knows one monocyte.
PBMC3K = {
    "B cells": ("CD19+ B",),
    "CD14+ Monocytes": ("CD14+ Monocyte",),
    "CD4 T cells": ("CD4+/CD25 T Reg", "CD4+/CD45RA+/CD25- Naive T", "CD4+/CD45RO+ Memory"),
    "CD8 T cells": ("CD8+ Cytotoxic T", "CD8+/CD45RA+ Naive Cytotoxic"),
    "Dendritic cells": ("Dendritic",),
    "FCGR3A+ Monocytes": ("CD14+ Monocyte",),
    "NK cells": ("CD56+ NK",),
}
"""Megakaryocytes have no counterpart; none is among the 100 cells."""

# The same cells, told apart no finer than blood cells' lineages.
LINEAGES = {
    "B cells": ("CD19+ B",),
    "myeloid cells": ("CD14+ Monocyte", "Dendritic"),
    "progenitors": ("CD34+",),
    "T and NK cells": (
        "CD4+/CD25 T Reg",
        "CD4+/CD45RA+/CD25- Naive T",
        "CD4+/CD45RO+ Memory",
        "CD56+ NK",
        "CD8+ Cytotoxic T",
        "CD8+/CD45RA+ Naive Cytotoxic",
    ),
}


def pbmc3k() -> AnnData:
    """Read 100 cells of PBMC3k with the labels of scanpy's tutorial, from the fixtures."""
    from anndata import read_h5ad

    folder = Path(os.environ.get("CELLWIDGET_FIXTURES", REPOSITORY.parent / "shared" / "fixtures"))
    path = folder / "cells" / "pbmc3k-100-counts.h5ad"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: set CELLWIDGET_FIXTURES to the folder with the fixtures.")
    return read_h5ad(path)


def figures(truth: Sequence[str], predicted: Sequence[str], right: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Count agreements.

    Parameters
    ----------
    truth, predicted
        Labels per cell.
    right
        Per true label the predicted ones that agree with it.

    Returns
    -------
    dict
        `cells`, `accuracy`, `accuracy_by_lineage` (the same, told apart only by `LINEAGES`), and `confusion`: true
        label, then predicted label, to number of cells.
    """
    table = pd.crosstab(np.asarray(truth), np.asarray(predicted))
    lineage = {label: name for name, labels in LINEAGES.items() for label in labels}
    pairs = list(zip(truth, predicted, strict=True))
    return {
        "cells": len(pairs),
        "accuracy": round(float(np.mean([label in right[true] for true, label in pairs])), 4),
        "accuracy_by_lineage": round(
            float(np.mean([lineage[label] in {lineage[one] for one in right[true]} for true, label in pairs])), 4
        ),
        "confusion": {
            str(true): {str(label): int(count) for label, count in row.items() if count}
            for true, row in table.iterrows()
        },
    }
