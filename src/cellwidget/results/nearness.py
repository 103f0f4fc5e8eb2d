"""How far cells are from the model's training cells, in the space of its embedding."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from cellwidget.bundle import BundleError
from cellwidget.bundle.sample import stratified

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cellwidget.bundle import Bundle, Reference

    Floats = NDArray[np.floating]
    Search = Callable[[Floats, int], Floats]

NEIGHBORS = 5
"""Training cells that a distance is the mean over: more smooth out one stray cell, but classes of six cells exist.

Measured on the packaged model: of the cells held out, 58 % of those beyond the limit are labelled rightly, and 94 % of
the others; with 10 neighbours it is 59 % and 90 %.
"""
EXCEEDED_BY = 0.01
"""Share of the training cells that are themselves farther from the others than the limit."""
LIMIT_SAMPLE = 2_000
"""Training cells that the limit is measured on: their 99th percentile is sure enough."""
MOST_SEARCHED = 10_000
"""Training cells that are searched, at most, some of every label.

In 8 dimensions 6 µs for a cell like them and 30 for one far away; among 50,000 it is three times that.
"""
TREE_DIMENSIONS = 16
"""In more dimensions a k-d tree looks at nearly all cells, one by one."""
CANDIDATES = 4 * NEIGHBORS
BLOCK_BYTES = 64 * 2**20

_known: WeakKeyDictionary[Bundle, Nearness | None] = WeakKeyDictionary()


def nearness_of(bundle: Bundle) -> Nearness | None:
    """Give what measures distances to a bundle's training cells; None where it does not hold their embeddings."""
    if bundle not in _known:
        _known[bundle] = _of(bundle.reference())
    return _known[bundle]


def _of(reference: Reference | None) -> Nearness | None:
    if reference is None or reference.embedding is None or len(reference.embedding) <= NEIGHBORS:
        return None
    return Nearness(reference.embedding[stratified(reference.label, MOST_SEARCHED, seed=0)])


class Nearness:
    """Measures mean Euclidean distances to the nearest training cells. A cell's depends on that cell alone.

    Parameters
    ----------
    embedding
        Of the training cells, finite float32 [cells, d], more than `NEIGHBORS` of them.
    """

    def __init__(self, embedding: NDArray[np.float32]) -> None:
        self.width = embedding.shape[1]
        self._nearest = (_in_tree if self.width <= TREE_DIMENSIONS else _by_blocks)(embedding)
        picked = np.random.default_rng(0).permutation(len(embedding))[:LIMIT_SAMPLE]
        self._sample = embedding[np.sort(picked)]

    def distances(self, embedding: Floats) -> NDArray[np.float32]:
        """Measure cells.

        Parameters
        ----------
        embedding
            Float [cells, d].

        Returns
        -------
        NDArray[np.float32]
            One per cell; NaN where its embedding is not finite.

        Raises
        ------
        BundleError
            If embeddings are not as wide as those of the training cells.
        """
        if embedding.shape[1:] != (self.width,):
            raise BundleError(
                f"reference.npz holds embeddings of {self.width} numbers, the model gives {embedding.shape[1]}. "
                f"Make the reference map again with cellwidget.convert.reference."
            )
        result = np.full(len(embedding), np.nan, dtype=np.float32)
        usable = np.isfinite(embedding).all(axis=1)
        if usable.any():
            result[usable] = self._nearest(embedding[usable], NEIGHBORS).mean(axis=1)
        return result

    @cached_property
    def limit(self) -> float:
        """Cells beyond it are unlike anything in training: one training cell of a hundred is, from all the others.

        Measured when it is first asked for: among many training cells in many dimensions that takes a second.
        """
        others = self._nearest(self._sample, NEIGHBORS + 1)[:, 1:]  # the very nearest is itself
        limit = np.quantile(others.mean(axis=1), 1 - EXCEEDED_BY)
        return float(np.float32(limit))  # as distances are: pages and Python count the same cells


def _in_tree(embedding: NDArray[np.float32]) -> Search:
    """Search with a k-d tree: without Python's lock."""
    from scipy.spatial import cKDTree

    tree = cKDTree(embedding, leafsize=64)

    def nearest(cells: Floats, k: int) -> Floats:
        found: NDArray[np.float64] = tree.query(cells, k=k)[0]
        return found

    return nearest


def _by_blocks(embedding: NDArray[np.float32]) -> Search:
    """Search with matrix products, which find candidates; these are then measured exactly."""
    center = embedding.mean(axis=0)
    known = embedding - center  # so that what cancels in the products is small
    squares = np.einsum("ij,ij->i", known, known)
    rows = max(1, BLOCK_BYTES // (4 * len(known)))

    def block(cells: Floats, k: int) -> Floats:
        wanted = min(CANDIDATES, len(known))
        rough = squares - 2 * (cells @ known.T)
        close = np.argpartition(rough, wanted - 1, axis=1)[:, :wanted]
        exact = np.linalg.norm(known[close] - cells[:, None, :], axis=2)
        return np.sort(exact, axis=1)[:, :k]

    def nearest(cells: Floats, k: int) -> Floats:
        moved = cells.astype(np.float32) - center
        return np.concatenate([block(moved[at : at + rows], k) for at in range(0, len(moved), rows)])

    return nearest
