"""The training cells of a sims-web folder: places and predicted labels, true labels, embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.bundle.errors import BundleError
from cellwidget.bundle.reference import Reference

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

REMEDY = "Get the file again, or remove it to go without."


def read_map(folder: Path, name: str, n_classes: int, width: int | None) -> Reference | None:
    """Read ``-mappings.bin``, and ``-labels.bin`` and ``-encodings.npy`` where they are there.

    Parameters
    ----------
    folder, name
        Where, and of which model.
    n_classes
        How many labels there are.
    width
        Numbers of an embedding, as far as known.

    Returns
    -------
    Reference or None
        None without mappings.

    Raises
    ------
    BundleError
        If a file does not hold what it should, or not of the same cells.
    """
    mappings, labels, encodings = (
        folder / f"{name}{part}" for part in ("-mappings.bin", "-labels.bin", "-encodings.npy")
    )
    if not mappings.is_file():
        return None
    xy, predicted = _mappings(mappings, n_classes)
    truth = _truth(labels, predicted, mappings, n_classes) if labels.is_file() else None
    embedding = _embedding(encodings, len(xy), mappings, width) if encodings.is_file() else None
    return Reference(xy, predicted, embedding, truth)


def _mappings(path: Path, n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    flat = _numbers(path, "<f4", 3, "x, y and a class")
    codes = flat[:, 2]
    if not np.isfinite(flat).all():
        raise BundleError(f"{path} holds places that are no finite numbers. {REMEDY}")
    if len(codes) and (codes.min() < 0 or codes.max() >= n_classes or not np.array_equal(codes, np.rint(codes))):
        bad = codes[(codes < 0) | (codes >= n_classes) | (codes != np.rint(codes))][0]
        raise BundleError(f"{path} holds the class {bad:g}, the model has {n_classes}, from 0 on. {REMEDY}")
    return flat[:, :2].astype(np.float32), codes.astype(np.uint16)


def _truth(path: Path, predicted: NDArray[np.uint16], mappings: Path, n_classes: int) -> NDArray[np.int32]:
    both = _numbers(path, "<i4", 2, "a true and a predicted class")
    if len(both) != len(predicted):
        raise BundleError(f"{path} is of {len(both):,} cells, {mappings.name} of {len(predicted):,}. {REMEDY}")
    truth = both[:, 0]
    if len(truth) and (truth.min() < -1 or truth.max() >= n_classes):
        bad = truth[(truth < -1) | (truth >= n_classes)][0]
        raise BundleError(f"{path} holds the class {bad}, the model has {n_classes}, from 0 on. {REMEDY}")
    if not np.array_equal(both[:, 1], predicted):
        raise BundleError(f"{path} and {mappings.name} predict other classes: they are of two models. {REMEDY}")
    return truth.astype(np.int32)


def _embedding(path: Path, cells: int, mappings: Path, width: int | None) -> NDArray[np.float32]:
    try:
        embedding = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise BundleError(f"{path} cannot be read ({error}). {REMEDY}") from error
    if not isinstance(embedding, np.ndarray) or embedding.ndim != 2 or embedding.dtype.kind != "f":
        raise BundleError(f"{path} must hold numbers [cells, d]. {REMEDY}")
    if len(embedding) != cells:
        raise BundleError(f"{path} is of {len(embedding):,} cells, {mappings.name} of {cells:,}. {REMEDY}")
    if width not in (None, embedding.shape[1]):
        raise BundleError(f"{path} holds {embedding.shape[1]} numbers a cell, the model gives {width}. {REMEDY}")
    if not np.isfinite(embedding).all():
        raise BundleError(f"{path} holds numbers that are not finite. {REMEDY}")
    return embedding.astype(np.float32)


def _numbers(path: Path, dtype: str, columns: int, what: str) -> NDArray[Any]:
    size, row = path.stat().st_size, columns * np.dtype(dtype).itemsize
    if size % row:
        raise BundleError(f"{path} has {size:,} bytes, no multiple of {row} ({what} for each cell). {REMEDY}")
    return np.fromfile(path, dtype=dtype).reshape(-1, columns)
