"""In a real JupyterLab: from executing a cell to the first point on the screen, and what an open page costs a run.

Run with ``python benchmarks/first_point.py``. Prints

- seconds to the first point, cold (the first widget of a kernel that has only imported cellwidget and read the
  data) and warm (the ones after it);
- the longest task of the page's main thread while 100,000 cells stream in;
- cells/s of that run against `cw.annotate` on the same cells in the same kernel, one thread a side where the machine
  has two cores.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from chromium import launch
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.e2e import servers
from tests.e2e.hosts import Lab, notebook
from tests.e2e.shown import COLORED

if TYPE_CHECKING:
    from playwright.sync_api import Page

TIMES = 3

READ = "import cellwidget as cw\nadata = cw.datasets.pbmc_heldout()"
SHOW = "w = cw.CellWidget(adata)\nw"

FIRST_POINT = f"""async (index) => {{
  const colored = {COLORED};
  const panel = window.jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = index;
  for (const old of document.querySelectorAll("[data-lm-suppress-shortcuts]")) old.dataset.old = "1";
  const shows = (host) => {{
    const canvas = host.shadowRoot?.querySelector(".plot canvas");
    return canvas?.width > 0 && colored(canvas) > 20;
  }};
  const begin = performance.now();
  window.jupyterapp.commands.execute("notebook:run-cell");
  while (performance.now() - begin < 60_000) {{
    await new Promise(requestAnimationFrame);
    if ([...document.querySelectorAll("[data-lm-suppress-shortcuts]:not([data-old])")].some(shows)) break;
  }}
  return performance.now() - begin;
}}"""

ANNOTATE = """
import time
begin = time.perf_counter()
cw.annotate(adata, key_added="bare", progress=False, threads=1)
print(adata.n_obs / (time.perf_counter() - begin))
"""

WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: "longtask" });
}"""

TAKE_LONGEST = "() => { const longest = window.longest; window.longest = 0; return longest; }"


def first_points(page: Page, lab: Lab) -> list[float]:
    """Seconds until the first point, time after time."""
    lab.run_cell(0)
    lab.wait_idle()
    seconds = []
    for _ in range(1 + TIMES):
        seconds.append(page.evaluate(FIRST_POINT, 1) / 1000)
        lab.wait_idle()
        lab.ask("w.wait()")
    return seconds


def streamed(page: Page, lab: Lab) -> tuple[float, float, list[float], list[float]]:
    """Longest tasks of the page's main thread, ms, and cells/s of `TIMES` runs with the page and as many without.

    The first task is of JupyterLab showing the cell's output, our module and first picture included; the second of all
    that follows.
    """
    lab.run_cell(1)
    lab.wait_idle()
    page.evaluate(WATCH)
    lab.run_cell(2)
    page.locator(".cw .tbar .b").wait_for()
    lab.wait_idle()
    showing = float(page.evaluate(TAKE_LONGEST))
    shown, bare, longest = [], [], 0.0
    for _ in range(TIMES):
        lab.ask("w.wait()")
        longest = max(longest, float(page.evaluate(TAKE_LONGEST)))
        page.locator('.cw .st[data-phase="done"]').wait_for(state="attached")
        shown.append(float(lab.ask("print(w.progress * adata.n_obs / w._job.run.state()['elapsed'])")))
        bare.append(float(lab.ask(ANNOTATE)))
        page.evaluate(TAKE_LONGEST)
        lab.ask("w.run()")
    return showing, longest, shown, bare


def main() -> None:
    """Measure and print."""
    examples = Path(__file__).parents[1] / "examples"
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.jupyterlab(Path(folder)) as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        cold, *warm = first_points(page, Lab(page, server, notebook(server.root, "first.ipynb", READ, SHOW)))
        shutil.copy(examples / "02-streaming.ipynb", server.root)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        showing, longest, shown, bare = streamed(page, Lab(page, server, "02-streaming.ipynb"))
        browser.close()
    measured = {
        "first point, cold (s)": round(cold, 2),
        "first point, warm (s)": [round(one, 2) for one in warm],
        "first point, warm, median (s)": round(statistics.median(warm), 2),
        "longest main-thread task as the output is shown (ms)": round(showing),
        "longest main-thread task while 100,000 cells stream (ms)": round(longest),
        "with the page (cells/s)": [round(one) for one in shown],
        "annotate (cells/s)": [round(one) for one in bare],
        "share, medians": round(statistics.median(shown) / statistics.median(bare), 2),
    }
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
