"""A whole run through `cw.annotate` against a bare onnxruntime loop over batches prepared in advance.

The same cells, the same graphs (cut down to what is streamed), one intra-op thread a side; each measurement in a
process of its own, the sides in turn, and the best of some rounds counts, since other programs only ever make a run
slower. The bare loop gets the batch size that suits it best.

    python benchmarks/kernel.py [--networks pbmc wide] [--cells N] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases import bundle_of, prepared, resampled

import cellwidget as cw
from cellwidget.graphs.prune import pruned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from cellwidget.batch import Batch

SIDES = ("bare", "annotate")


@dataclass(frozen=True)
class Network:
    """What is measured on it: how many cells, batch sizes that the bare loop may choose from, the share to reach."""

    cells: int
    sizes: tuple[int, ...]
    floor: float


NETWORKS = {
    "pbmc": Network(100_000, (64, 256, 1024), 0.6),
    "wide": Network(50_000, (16, 64, 256), 0.9),
}


def main() -> None:
    """Measure, print, and end with an error where a share is not reached."""
    args = _arguments()
    if args.side:
        print(json.dumps(_measure(args.side, args.networks[0], args.cells, Path(args.bundle))))
        return
    reached = [_compare(name, args) for name in args.networks]
    sys.exit(0 if all(reached) else 1)


def _compare(name: str, args: argparse.Namespace) -> bool:
    network = NETWORKS[name]
    cells = args.cells or network.cells
    with tempfile.TemporaryDirectory() as folder:
        bundle = bundle_of(name, Path(folder))
        rounds = [{side: _in_process(side, name, cells, bundle) for side in SIDES} for _ in range(args.rounds)]
    best = {side: max((each[side] for each in rounds), key=lambda told: told["rate"]) for side in SIDES}
    share = best["annotate"]["rate"] / best["bare"]["rate"]
    print(f"{name}: {cells:,} cells")
    for side, told in best.items():
        print(f"  {side:<9} {told['rate']:>9,.0f} cells/s  peak {told['peak']:,.0f} MB (before: {told['before']:,.0f})")
    print(f"  share     {share:.2f} (at least {network.floor})")
    return share >= network.floor


def _in_process(side: str, name: str, cells: int, bundle: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, "--networks", name, "--cells", str(cells)]
    done = subprocess.run([*command, "--bundle", str(bundle)], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def _measure(side: str, name: str, cells: int, bundle: Path) -> dict[str, float]:
    model = cw.load_model(bundle)
    adata = resampled(name, cells)
    cw.annotate(adata[:64].copy(), model, threads=1, progress=False)  # imports, and the first of everything
    before = _peak()
    rate = _bare(model, adata, NETWORKS[name].sizes) if side == "bare" else _annotate(model, adata)
    return {"rate": rate, "peak": _peak(), "before": before}


def _annotate(model: cw.Model, adata: AnnData) -> float:
    start = time.perf_counter()
    cw.annotate(adata, model, threads=1, progress=False)
    return adata.n_obs / (time.perf_counter() - start)


def _bare(model: cw.Model, adata: AnnData, sizes: Sequence[int]) -> float:
    sessions = _sessions(model)
    cells = model.open(adata)
    cells.start()
    some = min(adata.n_obs, max(2_000, adata.n_obs // 10))
    size = max(sizes, key=lambda size: _rate(sessions, prepared(cells, some, size)))
    return _rate(sessions, prepared(cells, adata.n_obs, size))


def _rate(sessions: list[Any], batches: list[Batch]) -> float:
    model, *umap = sessions
    start = time.perf_counter()
    for batch in batches:
        _, embedding = model.run(["logits", "embedding"], {"genes": batch.genes, "counts": batch.counts})
        for session in umap:
            session.run(None, {session.get_inputs()[0].name: embedding})
    return sum(map(len, batches)) / (time.perf_counter() - start)


def _sessions(model: cw.Model) -> list[Any]:
    """Load the graphs as the engine does: without the attention that nobody asks for."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    graphs = [pruned(model.bundle.model_path.read_bytes(), ["logits", "embedding"])]
    if model.bundle.umap_path is not None:
        graphs.append(model.bundle.umap_path.read_bytes())
    return [ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"]) for graph in graphs]


def _peak() -> float:
    """Most memory that this process held so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--cells", type=int, help="instead of each network's own number")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
