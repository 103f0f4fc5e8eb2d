"""Which layout a run gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.layout.base import Layout
from cellwidget.layout.basis import ExistingBasis
from cellwidget.layout.umap import UmapLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

    from cellwidget.batch import ResultBatch
    from cellwidget.bundle import Bundle
    from cellwidget.messages import LayoutInfo
    from cellwidget.results import Results


class ModelLayout(Layout):
    """Places that the model's own map gives with each batch.

    Parameters
    ----------
    name
        The model's, for the caption.
    reference
        Number of training cells on the same map.
    """

    is_new = True

    def __init__(self, name: str, reference: int) -> None:
        self.info: LayoutInfo = {"source": "model", "name": name, "reference": reference}

    def first(self, n_obs: int) -> list[range]:
        """Ask for nothing."""
        return []

    def begin(self, results: Results) -> None:
        """Do nothing: places come with the results."""

    def add(self, result: ResultBatch) -> None:
        """Do nothing: places came with the results."""

    def finish(self, wanted: Callable[[], bool]) -> None:
        """Do nothing: all cells that are done have places."""

    def end(self) -> None:
        """Do nothing: nothing works in the background."""


def choose_layout(adata: AnnData, bundle: Bundle, basis: str | None = None, *, key: str = "cellwidget") -> Layout:
    """Choose where points go: the basis asked for, else the model's map, else one fitted to its embedding.

    Parameters
    ----------
    adata
        The dataset, for its ``obsm``.
    bundle
        The model.
    basis
        A key of ``obsm``, with or without ``X_``.
    key
        What results are written under, for the caption of a fitted map.

    Raises
    ------
    InputError
        If the basis is not there or cannot be drawn.
    """
    if basis is not None:
        return ExistingBasis(adata, basis)
    if bundle.umap_path is not None:
        reference = bundle.reference()
        return ModelLayout(bundle.manifest.name, 0 if reference is None else len(reference.xy))
    return UmapLayout(f"X_{key}_umap", space="embedding" if "embedding" in bundle.outputs else "logits")
