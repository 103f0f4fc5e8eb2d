"""An embedding that the AnnData has already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.genes import InputError
from cellwidget.layout.base import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from numpy.typing import NDArray

    from cellwidget.batch import ResultBatch
    from cellwidget.messages import LayoutInfo
    from cellwidget.results import Results

DIMENSIONS = 2


class ExistingBasis(Layout):
    """Places from ``obsm``, known before the run.

    Parameters
    ----------
    adata
        Has the basis.
    basis
        A key of ``obsm``, or one without its ``X_``. Of more than two columns the first two are drawn.

    Raises
    ------
    InputError
        If there is no such basis, or it does not hold two finite numbers a cell.
    """

    is_new = False

    def __init__(self, adata: AnnData, basis: str) -> None:
        key = _key(adata, basis)
        self.xy = _places(adata.obsm[key], key)
        self.info: LayoutInfo = {"source": "obsm", "name": key, "reference": 0}

    def first(self, n_obs: int) -> list[range]:
        """Ask for nothing."""
        return []

    def begin(self, results: Results) -> None:
        """Place all cells."""
        rows = np.flatnonzero(np.isnan(results.read("xy", np.arange(len(results)))[:, 0]))
        if len(rows):
            results.place(rows, self.xy[rows])

    def add(self, result: ResultBatch) -> None:
        """Do nothing: all cells have places."""

    def finish(self, wanted: Callable[[], bool]) -> None:
        """Do nothing: all cells have places."""

    def end(self) -> None:
        """Do nothing: nothing works in the background."""


def _key(adata: AnnData, basis: str) -> str:
    for key in (basis, f"X_{basis}"):
        if key in adata.obsm:
            return key
    there = ", ".join(map(repr, adata.obsm)) or "nothing"
    raise InputError(f"basis={basis!r} is not in adata.obsm, which holds {there}.")


def _places(values: Any, key: str) -> NDArray[np.float32]:
    from scipy import sparse

    if sparse.issparse(values):
        raise InputError(f"obsm[{key!r}] is sparse; a basis is an array of two numbers a cell.")
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"obsm[{key!r}] does not hold numbers: {error}.") from error
    if array.ndim != DIMENSIONS or array.shape[1] < DIMENSIONS:
        raise InputError(f"obsm[{key!r}] has shape {array.shape}; a basis has at least two columns.")
    places = np.ascontiguousarray(array[:, :DIMENSIONS])
    bad = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(bad):
        raise InputError(
            f"obsm[{key!r}] is NaN or infinite for {len(bad):,} cells, the first at position {bad[0]}. "
            f"Leave these cells out, or choose another basis."
        )
    return places
