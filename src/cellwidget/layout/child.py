"""What the process of a fit does: vectors come in on stdin and places go out on stdout, as .npy."""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.layout.fit import to_npy

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 15
FEWEST = 12
"""Of fewer cells there is no neighbourhood to speak of: they are drawn by their principal components."""


def fit_places(vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Fit a UMAP of two dimensions, float32 [cells, 2]; the same seed and vectors give the same places."""
    if len(vectors) < FEWEST:
        return _principal(vectors)
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = umap.UMAP(n_neighbors=min(NEIGHBOURS, len(vectors) - 1), random_state=seed, n_jobs=1)
        places: NDArray[np.float32] = fitted.fit_transform(vectors).astype(np.float32)
    return places


def _principal(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2), dtype=np.float32)
    most = min(2, len(sizes))
    places[:, :most] = (left * sizes)[:, :most]
    return places


def main() -> None:
    """Fit what comes in, with the seed that is the one argument."""
    vectors = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print must not get between
    with answer:
        answer.write(to_npy(fit_places(vectors, int(sys.argv[1]))))
