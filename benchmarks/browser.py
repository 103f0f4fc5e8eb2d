"""A whole run on a page, in a real JupyterLab, against a bare onnxruntime-web loop and against the kernel engine.

The same cells, the same graphs (cut down to what is streamed), the same WebAssembly. The bare loop runs in one worker
over batches that lie in memory, at the batch size that suits it best; a whole run begins with `w.run()` in a page that
holds runtime and model, and ends when the kernel has every result.

    python benchmarks/browser.py [--networks pbmc wide] [--cells N] [--rounds 2]
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from cases import ROOT, bundle_of, resampled
from chromium import bare_page, build_pages, launch
from playwright.sync_api import sync_playwright

import cellwidget as cw
from cellwidget.engines.equipment import Equipped
from cellwidget.engines.kernel import STREAMED_OUTPUTS

sys.path.insert(0, str(ROOT))

from tests.e2e import servers
from tests.e2e.hosts import Lab, notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

BARE_CELLS = 2_000


@dataclass(frozen=True)
class Network:
    """What is measured on it: how many cells, batch sizes that the bare loop may choose from, the shares to reach."""

    cells: int
    sizes: tuple[int, ...]
    one: float
    two: float


NETWORKS = {
    "pbmc": Network(100_000, (4, 16, 64, 256), 0.0, 0.0),
    "wide": Network(20_000, (1, 4, 16, 64), 0.9, 1.5),
}

CELL = """
import json, sys
sys.path[:0] = {paths!r}
import cellwidget as cw
from cases import resampled
adata = resampled({name!r}, {cells})
model = cw.load_model({bundle!r})
"""
SHOW = "w = cw.CellWidget(adata, model, engine={engine!r}, threads={threads}, autorun=False, height=480)\nw"
RUN = """
w.run()
w.wait()
state = w._job.run.state()
print(json.dumps([state["status"], state["done"], state["elapsed"]]))
"""


def main() -> None:
    """Measure, print, and end with an error where a share is not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--cells", type=int, help="instead of each network's own number")
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    build_pages()
    reached = [_compare(name, args) for name in args.networks]
    sys.exit(0 if all(reached) else 1)


def _compare(name: str, args: argparse.Namespace) -> bool:
    network = NETWORKS[name]
    cells = args.cells or network.cells
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bundle = bundle_of(name, Path(folder))
        browser = launch(playwright)
        bare = max(_bare(browser, name, bundle, network.sizes) for _ in range(args.rounds))
        with servers.jupyterlab(Path(folder) / "lab") as server:
            sides = {"one worker": ("browser", 1), "two workers": ("browser", 2), "kernel": ("kernel", 1)}
            told = {
                side: _run(browser, server, name, bundle, cells, engine, threads, args.rounds)
                for side, (engine, threads) in sides.items()
            }
        browser.close()
    print(f"{name}: {cells:,} cells")
    print(f"  {'bare, one worker':<18} {bare:>9,.0f} cells/s")
    for side, (rate, peak) in told.items():
        print(f"  {side:<18} {rate:>9,.0f} cells/s  {rate / bare:5.2f} of bare   tab {peak:,.0f} MB")
    print(f"  to reach: {network.one} with one worker, {network.two} with two")
    return told["one worker"][0] >= network.one * bare and told["two workers"][0] > network.two * bare


def _bare(browser: Browser, name: str, bundle: Path, sizes: tuple[int, ...]) -> float:
    model = cw.load_model(bundle)
    contents = Equipped(model.bundle, STREAMED_OUTPUTS).contents
    opened = model.open(resampled(name, BARE_CELLS))
    batch, _ = opened.read_sparse(0, BARE_CELLS)
    files = {
        "wasm": gzip.decompress(contents["wasm"]),
        "model.onnx": contents["model"],
        "umap.onnx": contents.get("umap", b""),
        "indptr": batch.indptr.tobytes(),
        "genes": batch.genes.astype(np.int32).tobytes(),
        "counts": batch.counts.astype(np.float32).tobytes(),
    }
    with tempfile.TemporaryDirectory() as folder, bare_page(browser, folder, files) as page:
        rates: dict[str, float] = page.evaluate("(sizes) => bare(sizes)", list(sizes))
    return max(rates.values())


def _run(
    browser: Browser,
    server: servers.Server,
    name: str,
    bundle: Path,
    cells: int,
    engine: str,
    threads: int,
    rounds: int,
) -> tuple[float, float]:
    """Cells/s of the best round, and the tab's peak memory in MB. The first round loads, and does not count."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    prepare = CELL.format(paths=[str(ROOT / "benchmarks")], name=name, cells=cells, bundle=str(bundle))
    lab = Lab(page, server, notebook(server.root, "bench.ipynb", prepare, SHOW.format(engine=engine, threads=threads)))
    lab.run_all()
    assert not lab.errors(), lab.errors()
    page.locator(".cw .tbar .b").wait_for()
    rates = []
    with _peak() as peak:
        for _ in range(rounds + 1):
            told = json.loads(lab.ask(RUN))
            assert told[0] == "done", told
            rates.append(told[1] / told[2])
    page.close()
    return max(rates[1:]), peak[0]


@contextmanager
def _peak() -> Iterator[list[float]]:
    """Watch the largest renderer: the tab that shows the widget."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            for process in psutil.process_iter(["cmdline"]):
                if "--type=renderer" in (process.info["cmdline"] or []):
                    most[0] = max(most[0], _resident(process))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


if __name__ == "__main__":
    main()
