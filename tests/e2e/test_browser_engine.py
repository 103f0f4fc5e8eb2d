"""A model that runs on the page: the same labels, no inference in the kernel, no request to anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook, open_voila
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server

CELLS = 6_000

READ = f"""
import anndata as ad, numpy as np, pandas as pd, time
import cellwidget as cw
source = cw.datasets.pbmc_heldout()
drawn = np.random.default_rng(0).integers(0, source.n_obs, {CELLS})
obs = pd.DataFrame(index=[f"cell {{number}}" for number in range({CELLS})])
adata = ad.AnnData(source.X[drawn], obs=obs, var=source.var)
"""

EXPECT = """
expected = adata.copy()
cw.annotate(expected, cw.load_model("pbmc"), progress=False)
def refuse(*_):
    raise AssertionError("inference in the kernel")
from cellwidget.engines.kernel import KernelEngine
KernelEngine.run = refuse
from cellwidget.engines.browser import BrowserEngine
hand_over = BrowserEngine._hand_over
def count(self, name, batch):
    global lent
    lent += len(batch)
    hand_over(self, name, batch)
BrowserEngine._hand_over = count
"""

SHOW = "w = cw.CellWidget(adata, engine='browser')\nw"

SAME = """
same = (adata.obs["cellwidget_label"].astype(str) == expected.obs["cellwidget_label"].astype(str)).all()
far = max(
    np.abs(adata.obsm[key] - expected.obsm[key]).max() / np.abs(expected.obsm[key]).max()
    for key in ("X_cellwidget", "X_cellwidget_umap")
)
print(bool(same), bool(far < 1e-4), w._job.run.results.position)
"""

LONG_TASKS = """() => {
  window.longest = 0;
  window.watching ??= new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  });
  window.watching.observe({ type: "longtask" });
}"""


def opened(page: Page, server: Server, name: str, *cells: str) -> Lab:
    lab = Lab(page, server, notebook(server.root, name, *cells))
    lab.run_cell(0)
    lab.wait_idle()
    assert lab.errors() == []
    return lab


def under_way(page: Page, server: Server, name: str, *cells: str) -> tuple[Lab, Shown]:
    """A notebook whose second cell shows a widget, with some of its cells done."""
    lab = opened(page, server, name, *cells)
    lab.run_cell(1)
    widget = Shown(page).wait()
    widget.wait_state("running")
    widget.until(lambda: widget.done > 0, "cells are done")
    return lab, widget


def test_the_same_labels_without_inference_in_the_kernel(page: Page, jupyterlab: Server, problems: Problems) -> None:
    show = SHOW.replace("'browser'", "'browser', autorun=False")
    lab = opened(page, jupyterlab, "browser.ipynb", READ + EXPECT, show, "w.wait(100)")
    lab.run_cell(1)
    widget = Shown(page).wait()
    widget.wait_state("ready")
    lab.wait_idle()
    longest = []
    for _ in range(3):  # other programs on this machine only ever make a task longer
        page.evaluate(LONG_TASKS)
        lab.ask("lent = 0; w.run()")
        widget.wait_state("running")
        lab.ask("w.wait(100)")
        longest.append(page.evaluate("() => window.longest"))
        assert lab.ask("print(lent)") == str(CELLS), "every cell was lent once"
    assert min(longest) < 100, f"tasks of {longest} ms on the main thread"
    assert "Browser" in widget.root.locator(".run").inner_text()
    lab.run_cell(2)
    widget.wait_state("done")
    lab.wait_idle()
    assert lab.errors() == [], "a kernel with subshells hears the page while a cell waits"
    widget.wait_cells(CELLS)
    widget.wait_points()
    assert lab.ask(SAME) == f"True True {CELLS}", "each cell once"
    shot(page, "browser-done")
    problems.check()


def test_a_stop_takes_effect_while_the_kernel_is_busy(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab, widget = under_way(page, jupyterlab, "browser-stop.ipynb", READ, SHOW, "time.sleep(6)", "time.sleep(0)")
    lab.run_cell(2)
    widget.press("Stop")
    widget.wait_state("stopped")
    lab.wait_idle()
    done = widget.done
    assert 0 < done < CELLS
    assert int(lab.ask("print(w.predictions['label'].notna().sum())")) == done
    widget.press("Resume")
    widget.wait_state("done")
    assert lab.ask("print(w._job.run.results.position)") == str(CELLS), "no cell was run twice"
    problems.check()


def test_the_engine_is_switched_on_the_way(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab, widget = under_way(page, jupyterlab, "browser-switch.ipynb", READ, SHOW)
    shot(page, "browser-running")
    widget.press("Pause")
    widget.wait_state("paused")
    widget.choose_engine("Kernel")
    widget.press("Resume")
    widget.wait_state("done")
    assert lab.ask("print(w._job.run.state()['engine'], w._job.run.results.position)") == f"kernel {CELLS}"
    problems.check()


def test_a_reload_in_mid_run_computes_nothing_twice(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab, widget = under_way(page, jupyterlab, "browser-reload.ipynb", READ, SHOW)
    lab.reload()
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_cells(CELLS)
    assert lab.ask("print(w._job.run.results.position)") == str(CELLS)
    problems.check()


def test_a_runtime_that_is_cut_off_is_told_of_and_the_kernel_goes_on(page: Page, jupyterlab: Server) -> None:
    cut = """
import gzip
from cellwidget.engines import equipment
whole = gzip.decompress(equipment._runtime(equipment.RUNTIME))
equipment._runtime = lambda name: gzip.compress(whole[:1_000_000])
"""
    lab = opened(page, jupyterlab, "browser-cut.ipynb", READ + cut, SHOW)
    lab.run_cell(1)
    widget = Shown(page).wait()
    widget.wait_state("failed")
    shot(page, "browser-failed")
    widget.press("Run in the kernel")
    widget.wait_state("done")
    widget.wait_cells(CELLS)


def test_voila_runs_it_once_the_page_is_there(page: Page, voila: Server, problems: Problems) -> None:
    """There the page comes after the cells, so waiting for it in one would be for ever: it says so."""
    name = notebook(
        voila.root,
        "browser-voila.ipynb",
        READ + SHOW.removesuffix("\nw"),
        "try:\n    w.wait()\nexcept RuntimeError as error:\n    print('told:', error)",
        "w",
    )
    open_voila(page, voila, name)
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_cells(CELLS)
    page.get_by_text("told:").filter(has_text="engine='kernel'").wait_for()
    shot(page, "browser-voila")
    problems.check()
