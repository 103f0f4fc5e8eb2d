"""What it costs that a run gathers attention: the same cells through `KernelEngine` and `Results`, with it and without.

One thread, batches prepared in advance, the sides in turn, and the best of some rounds counts.

    python benchmarks/attention.py [--networks pbmc wide] [--cells N] [--rounds 5]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cases import bundle_of, prepared, resampled

import cellwidget as cw
from cellwidget.engines.kernel import ATTENTION_OUTPUTS, STREAMED_OUTPUTS, KernelEngine
from cellwidget.results import AttentionSums, Results

if TYPE_CHECKING:
    from cellwidget.batch import Batch

SIZE = 64
CELLS = {"pbmc": 20_000, "wide": 3_000}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--cells", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    for name in args.networks:
        with tempfile.TemporaryDirectory() as folder:
            _compare(name, cw.load_model(bundle_of(name, Path(folder))), args.cells or CELLS[name], args.rounds)


def _compare(name: str, model: cw.Model, n: int, rounds: int) -> None:
    cells = model.open(resampled(name, n))
    cells.start()
    batches = prepared(cells, n, SIZE)
    engines = {
        "without": KernelEngine(model.bundle, threads=1),
        "with": KernelEngine(model.bundle, threads=1, outputs=STREAMED_OUTPUTS + ATTENTION_OUTPUTS),
    }
    best = dict.fromkeys(engines, 0.0)
    filing = float("inf")
    for _ in range(rounds):
        for side, engine in engines.items():
            rate, seconds = _run(model, engine, batches, n)
            best[side] = max(best[side], rate)
            filing = min(filing, seconds) if side == "with" else filing
    cost = 1e6 / best["with"] - 1e6 / best["without"]
    print(f"{name}: {n:,} cells, {len(model.genes):,} genes, batches of {SIZE}")
    print(f"  without {best['without']:,.0f} cells/s, with {best['with']:,.0f} ({cost:+.0f} us a cell)")
    print(f"  of that, adding up: {1e6 * filing / n:.1f} us a cell")


def _run(model: cw.Model, engine: KernelEngine, batches: list[Batch], n: int) -> tuple[float, float]:
    """Cells per second, and the seconds that adding up took."""
    sums = AttentionSums.fitting(n, len(model.classes), len(model.genes), model.bundle.outputs)
    results = Results(n, model.classes, keep=("embedding",))
    added = 0.0
    start = time.perf_counter()
    for batch in batches:
        result = engine.run(batch)
        results.record(result)
        begin = time.perf_counter()
        if sums is not None:
            sums.add(result.rows, results.label[result.rows], result.outputs)
        added += time.perf_counter() - begin
    return n / (time.perf_counter() - start), added


if __name__ == "__main__":
    main()
