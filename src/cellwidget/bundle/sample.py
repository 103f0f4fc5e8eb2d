"""Some of many training cells, with rare labels among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_OF_A_LABEL = 50
"""Cells of each label that a sample keeps, where there are so many: a rare type is a part of the training too."""


def stratified(codes: NDArray[np.integer], most: int, seed: int) -> NDArray[np.int64]:
    """Draw cells, of every label its share and some of each.

    Parameters
    ----------
    codes
        A label per cell, -1 for none.
    most
        Cells to draw, at most.
    seed
        Of the draw.

    Returns
    -------
    NDArray[np.int64]
        Rows in ascending order; all of them where they are no more than `most`.
    """
    if len(codes) <= most:
        return np.arange(len(codes))
    kinds, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    least = np.minimum(counts, min(LEAST_OF_A_LABEL, most // len(kinds)))
    share = (most - least.sum()) / max(1, (counts - least).sum())
    wanted = least + np.floor((counts - least) * share).astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(codes))
    picked = [order[which[order] == kind][: wanted[kind]] for kind in range(len(kinds))]
    return np.sort(np.concatenate(picked)).astype(np.int64)
