"""A whole run on a page, in a real JupyterLab, against a bare onnxruntime-web loop and against the kernel engine.

The same cells, the same graphs (cut down to what is streamed), the same WebAssembly. The bare loop runs in one worker
over batches that lie in memory, at the batch size that suits it best; a whole run begins with `w.run()` in a page that
holds runtime and model, and ends when the kernel has every result.

    python benchmarks/browser.py [--networks pbmc wide] [--cells N] [--rounds 2]
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from playwright.sync_api import sync_playwright

import cellwidget as cw
from cellwidget.engines.equipment import Equipped
from cellwidget.engines.kernel import STREAMED_OUTPUTS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.kernel import _bundle, _resampled  # noqa: E402
from tests.e2e import servers  # noqa: E402
from tests.e2e.hosts import Lab, notebook  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
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
from benchmarks.kernel import _resampled
adata = _resampled({name!r}, {cells})
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
    subprocess.run(["npm", "run", "--silent", "pages"], cwd=ROOT / "js", check=True, stdout=subprocess.DEVNULL)
    reached = [_compare(name, args) for name in args.networks]
    sys.exit(0 if all(reached) else 1)


def _compare(name: str, args: argparse.Namespace) -> bool:
    network, path = NETWORKS[name], os.environ.get("CHROMIUM") or shutil.which("chromium")
    cells = args.cells or network.cells
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        bundle = _bundle(name, Path(folder))
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
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
    opened = model.open(_resampled(name, BARE_CELLS))
    batch, _ = opened.read_sparse(0, BARE_CELLS)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "wasm": gzip.decompress(contents["wasm"]),
            "model.onnx": contents["model"],
            "umap.onnx": contents.get("umap", b""),
            "indptr": batch.indptr.tobytes(),
            "genes": batch.genes.astype(np.int32).tobytes(),
            "counts": batch.counts.astype(np.float32).tobytes(),
        }
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        for file in ("bare.html", "bare.js"):
            shutil.copy(ROOT / "js/dist" / file, folder)
        with _served(folder) as url:
            page = browser.new_page()
            page.goto(f"{url}/bare.html")
            rates: dict[str, float] = page.evaluate("(sizes) => bare(sizes)", list(sizes))
            page.close()
    return max(rates.values())


@contextmanager
def _served(folder: str) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


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
    prepare = CELL.format(paths=[str(ROOT), str(ROOT / "benchmarks")], name=name, cells=cells, bundle=str(bundle))
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
