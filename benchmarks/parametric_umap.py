"""Maps that `convert.parametric_umap` learns, against umap-learn itself and the maps that sims-web publishes.

On the published embeddings of training cells. Trustworthiness (of the 15 nearest cells on the map, how near they are in
the embedding) is exact and over all cells: ranks are counted, not sorted. Cells held out are a fifth that a map did not
learn from; their trustworthiness is among themselves. The published maps learnt from all cells.

    python benchmarks/parametric_umap.py [--models allen pre-postnatal] [--held-out 0.2] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import numba
import numpy as np
from cases import FIXTURES
from scipy.spatial import cKDTree

from cellwidget.convert.map_net import places
from cellwidget.convert.pumap import MIN_DIST, NEIGHBOURS, lay_out, learn_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating]

MODELS = {
    "allen": "allen-celltypes+human-cortex+various-cortical-areas",
    "pre-postnatal": "pre-postnatal-cortex+all+rna",
}
NEAREST = 15


def main() -> None:
    """Measure, print, and end with an error where a published map is more trustworthy than ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--held-out", type=float, default=0.2, help="share of the cells; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if not (FIXTURES / "sims-web").is_dir():
        sys.exit(f"The published embeddings are not in {FIXTURES}: set CELLWIDGET_FIXTURES.")
    reached = [_compare(name, args.held_out, args.seed) for name in args.models]
    sys.exit(0 if all(reached) else 1)


def _compare(name: str, share: float, seed: int) -> bool:
    embedding, published = _published(MODELS[name])
    print(f"{name}: {len(embedding):,} cells x {embedding.shape[1]}", flush=True)
    theirs = _say("published map", embedding, published)
    start = _now()
    xy, near = lay_out(embedding, neighbours=NEIGHBOURS, min_dist=MIN_DIST, seed=seed)
    laid = _now()
    _say("umap-learn", embedding, xy, laid - start)
    copied = places(learn_map(embedding, xy, seed=seed), embedding)
    _say("  imitated", embedding, copied, laid - start + _now() - laid)
    begun = _now()
    refined = places(learn_map(embedding, xy, near, seed=seed), embedding)
    ours = _say("  and refined: ours", embedding, refined, laid - start + _now() - begun)
    if share:
        shuffled = np.random.default_rng(seed).permutation(len(embedding))
        out, rest = np.split(shuffled, [int(share * len(shuffled))])
        print(f"  of {len(out):,} cells held out", flush=True)
        _say("  published map", embedding[out], published[out])
        _say("  ours", embedding[out], places(learn_map(embedding[rest], seed=seed), embedding[out]))
    return ours >= theirs


def _say(what: str, embedding: Floats, xy: Floats, seconds: float | None = None) -> float:
    found = trustworthiness(embedding, xy)
    took = "" if seconds is None else f"  {seconds:5.0f} s of processor time"
    print(f"  {what:<22} {found:.5f}{took}", flush=True)
    return found


def _now() -> float:
    return time.process_time()


def _published(model: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    folder = FIXTURES / "sims-web"
    mapped = np.fromfile(folder / f"{model}-mappings.bin", "<f4").reshape(-1, 3)
    return np.load(folder / f"{model}-encodings.npy").astype(np.float32), mapped[:, :2]


def trustworthiness(embedding: Floats, xy: Floats, nearest: int = NEAREST) -> float:
    """Give what ``sklearn.manifold.trustworthiness`` does, without a matrix of all pairs of cells."""
    xy = np.asarray(xy, dtype=np.float64)
    n = len(xy)
    near = cKDTree(xy).query(xy, nearest + 1)[1]
    near = np.array([[other for other in row if other != cell][:nearest] for cell, row in enumerate(near)])
    penalties = _penalties(np.asarray(embedding, dtype=np.float64), near)
    return float(1 - 2 / (n * nearest * (2 * n - 3 * nearest - 1)) * penalties.sum())


@numba.njit(parallel=True)
def _penalties(x: Floats, near: NDArray[np.int64]) -> Floats:
    """By how much the ranks that cells' neighbours on the map have in the embedding exceed their number."""
    n, nearest = near.shape
    penalties = np.zeros(n)
    for cell in numba.prange(n):
        limits = np.empty(nearest)
        for place in range(nearest):
            limits[place] = np.square(x[cell] - x[near[cell, place]]).sum()
        limits.sort()
        nearer = np.zeros(nearest)  # cells that lie between one limit and the next
        for other in range(n):
            squared = 0.0
            for axis in range(x.shape[1]):
                squared += (x[cell, axis] - x[other, axis]) ** 2
            if other != cell and squared < limits[-1]:
                nearer[np.searchsorted(limits, squared, side="right")] += 1
        penalties[cell] = np.maximum(np.cumsum(nearer) + 1 - nearest, 0).sum()
    return penalties


if __name__ == "__main__":
    main()
