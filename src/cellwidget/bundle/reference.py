"""The cells that a model was trained on, on its map."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.bundle.errors import AGAIN, BundleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Reference:
    """The model's training cells on its map.

    Parameters
    ----------
    xy
        Their places, float32 [cells, 2].
    label
        Codes of their labels, as the model predicts them, uint16 [cells].
    embedding
        Where they lie for the model, float32 [cells, d]; None where not kept.
    truth
        Codes of the labels that they were trained with, int32 [cells], -1 for unknown; None where not kept.
    """

    xy: NDArray[np.float32]
    label: NDArray[np.uint16]
    embedding: NDArray[np.float32] | None = None
    truth: NDArray[np.int32] | None = None


def read_reference(path: Path, n_classes: int) -> Reference:
    """Read ``reference.npz``.

    Raises
    ------
    BundleError
        If it does not hold places and labels of the same number of cells.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            xy, label = arrays["xy"].astype(np.float32), arrays["label"].astype(np.uint16)
            embedding = arrays["embedding"].astype(np.float32) if "embedding" in arrays else None
            truth = arrays["truth"].astype(np.int32) if "truth" in arrays else None
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path} cannot be read ({error}). {AGAIN}") from error
    if xy.ndim != 2 or xy.shape[1] != 2 or label.shape != xy.shape[:1] or not np.isfinite(xy).all():
        raise BundleError(
            f"{path} must hold finite xy [cells, 2] and label [cells], not {xy.shape}, {label.shape}. {AGAIN}"
        )
    if label.size and label.max() >= max(1, n_classes):
        raise BundleError(f"{path} has the label {label.max()}, the model has {n_classes} classes. {AGAIN}")
    if embedding is not None and not _is_embedding(embedding, len(xy)):
        raise BundleError(f"{path} must hold finite embedding [{len(xy)} cells, d], not {embedding.shape}. {AGAIN}")
    if truth is not None and not _is_truth(truth, len(xy), n_classes):
        raise BundleError(f"{path} must hold truth [{len(xy)} cells] of {n_classes} classes at most. {AGAIN}")
    return Reference(xy, label, embedding, truth)


def _is_embedding(values: NDArray[np.float32], cells: int) -> bool:
    return values.ndim == 2 and len(values) == cells and values.shape[1] > 0 and bool(np.isfinite(values).all())


def _is_truth(codes: NDArray[np.int32], cells: int, n_classes: int) -> bool:
    return codes.shape == (cells,) and bool(((codes >= -1) & (codes < max(1, n_classes))).all())
