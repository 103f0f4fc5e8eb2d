"""The reference map of the packaged model: where its training cells lie, and what it makes of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from pbmc import data

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from cellwidget.model import Model


def reference(model: Model, train: data.Cells, xy: NDArray[np.float32]) -> bytes:
    """Give the bytes of ``reference.npz``: places, labels as they were given, and embeddings by the model itself.

    Parameters
    ----------
    model
        The exported model: what runs on people's cells has to give the same numbers.
    train
        The cells that it was trained on.
    xy
        Their places, float32 [cells, 2].
    """
    embedding = model.predict(data.anndata(train), ["embedding"], threads=1)["embedding"]
    label = np.array([model.classes.index(name) for name in train.labels], dtype=np.uint16)
    return npz(xy=xy, label=label, embedding=embedding)


def npz(**arrays: NDArray[Any]) -> bytes:
    """Bytes of a compressed .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
