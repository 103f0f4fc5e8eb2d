"""A map that umap-learn fits to some cells, on which the others are placed as they come."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.layout.base import Layout
from cellwidget.layout.fit import Fit, FitFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cellwidget.batch import ResultBatch
    from cellwidget.messages import LayoutInfo
    from cellwidget.results import Results

log = logging.getLogger("cellwidget")

LANDMARKS = 2_000
BLOCK = 16
"""Landmarks are read in small blocks all over the dataset, each a batch: obs is often sorted, single cells are dear."""
NEAREST = 5
ROWS_AT_ONCE = 2_048
GLANCE = 0.1


class UmapLayout(Layout):
    """Fits landmarks, a seeded random sample of the cells that is run first; the others go among the nearest of them.

    Parameters
    ----------
    name
        For the caption.
    space
        The output in which cells are near each other: "embedding" or "logits".
    landmarks
        How many, at most.
    seed
        Chooses them, and makes the fit come out the same again.
    threads
        Threads of the fit; None for half of the cores.
    """

    is_new = True

    def __init__(
        self,
        name: str = "UMAP",
        *,
        space: str = "embedding",
        landmarks: int = LANDMARKS,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.info: LayoutInfo = {"source": "umap", "name": name, "reference": 0}
        self._space = space
        self._most = landmarks
        self._seed = seed
        self._threads = threads or max(1, (os.cpu_count() or 1) // 2)
        self._chosen: NDArray[np.int64] | None = None
        self._results: Results | None = None
        self._fit: Fit | None = None
        self._fitting: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._map: LandmarkMap | None = None
        self._problem: str | None = None

    def first(self, n_obs: int) -> list[range]:
        """Ask for the landmarks; for none where all cells are landmarks."""
        if n_obs <= self._most:
            return []
        blocks = n_obs // BLOCK
        chosen = np.random.default_rng(self._seed).choice(blocks, size=max(1, self._most // BLOCK), replace=False)
        ranges = [range(block * BLOCK, (block + 1) * BLOCK) for block in np.sort(chosen).tolist()]
        self._chosen = np.concatenate([np.array(part) for part in ranges])
        return ranges

    def begin(self, results: Results) -> None:
        """Go on with what is there."""
        self._results = results
        self._problem = None
        self._start_if_ready()

    def add(self, result: ResultBatch) -> None:
        """Place new cells if there is a map, or see whether there is one by now."""
        if self._map is not None:
            self._place(result.rows)
        elif self._fit is None:
            self._start_if_ready()
        elif self._fit.wait(0):
            self._take_map()

    def finish(self, wanted: Callable[[], bool]) -> str | None:
        """Wait for the map and place all cells."""
        if self._map is None and self._fit is None and self._problem is None:
            self._start(self._landmarks())
        while self._fit is not None and wanted():
            if self._fit.wait(GLANCE):
                self._take_map()
        return self._problem

    def end(self) -> None:
        """Kill the fit; it starts again if the run goes on."""
        if self._fit is not None:
            self._fit.kill()
            self._fit = None

    def _start_if_ready(self) -> None:
        """Start the fit once all landmarks were run."""
        if self._chosen is None or self._results is None or self._map is not None or self._problem is not None:
            return
        states = self._results.read("state", self._chosen)
        if states.all():
            self._start(self._landmarks())

    def _landmarks(self) -> NDArray[np.int64]:
        """Landmarks that came out of the model."""
        assert self._results is not None
        done = self._results.unplaced()
        return done if self._chosen is None else np.intersect1d(done, self._chosen)

    def _start(self, rows: NDArray[np.int64]) -> None:
        vectors = self._vectors(rows)
        if not len(vectors):
            self._problem = "no cell came out of the model that a map could be fitted to"
            return
        self._fitting = rows
        self._fit = Fit(vectors, seed=self._seed, threads=self._threads)

    def _take_map(self) -> None:
        assert self._fit is not None and self._results is not None
        fit, self._fit = self._fit, None
        try:
            places = fit.places()
        except (FitFailed, ValueError, OSError) as error:
            log.warning("the layout could not be fitted: %s", error)
            self._problem = f"The layout could not be fitted, labels are kept: {error}"
            return
        self._map = LandmarkMap(self._vectors(self._fitting), places)
        self._results.place(self._fitting, places)
        self._place(self._results.unplaced())

    def _place(self, rows: NDArray[np.int64]) -> None:
        assert self._map is not None and self._results is not None
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            self._results.place(part, self._map.places(self._vectors(part)))

    def _vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        kept = self._results.kept(self._space) if self._results is not None else None
        return np.empty((0, 0), dtype=np.float32) if kept is None else kept[rows]


class LandmarkMap:
    """Places cells among their nearest landmarks, the nearer the more.

    A cell's place depends on its own vector and the landmarks alone.

    Parameters
    ----------
    vectors
        The landmarks', float32 [landmarks, d].
    xy
        Their places, float32 [landmarks, 2].
    """

    def __init__(self, vectors: NDArray[np.float32], xy: NDArray[np.float32]) -> None:
        # distances are differences of large numbers unless the common part is taken away
        self._centre = vectors.mean(axis=0)
        self._vectors = vectors - self._centre
        self._squares = np.einsum("ij,ij->i", self._vectors, self._vectors)
        self._xy = xy
        self._nearest = min(NEAREST, len(vectors))

    def places(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Place cells, float32 [cells, 2]."""
        centred = vectors - self._centre
        order = self._squares - 2.0 * (centred @ self._vectors.T)  # squared distances, less what is equal in a row
        if self._nearest < len(self._xy):
            near = np.argpartition(order, self._nearest - 1, axis=1)[:, : self._nearest]
        else:
            near = np.broadcast_to(np.arange(self._nearest), (len(vectors), self._nearest))
        gaps = centred[:, None, :] - self._vectors[near]
        squared = np.einsum("ijk,ijk->ij", gaps, gaps)
        least = squared.min(axis=1, keepdims=True)
        # relative to the nearest, so that sparse and dense regions are alike; a cell on a landmark takes its place
        weights = np.exp(-(squared - least) / np.maximum(least, 1e-12))
        weights /= weights.sum(axis=1, keepdims=True)
        places: NDArray[np.float32] = np.einsum("ij,ijk->ik", weights, self._xy[near]).astype(np.float32)
        return places
