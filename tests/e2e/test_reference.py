"""Training cells on the map, and cells unlike them, in a real JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server

FOREIGN = """
import anndata as ad, numpy as np, cellwidget as cw
own = cw.datasets.pbmc_heldout()
foreign = own.copy()
foreign.X = own.X[:, np.random.default_rng(0).permutation(own.n_vars)]
adata = ad.concat({"own": own, "foreign": foreign}, label="where", index_unique="-")
w = cw.CellWidget(adata)
w
"""
PARTS = ("own", "foreign")
PIXELS = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let hash = 0;
  for (const value of data) hash = (Math.imul(hash, 31) + value) | 0;
  return hash;
}"""


def opened(page: Page, jupyterlab: Server) -> tuple[Lab, Shown]:
    lab = Lab(page, jupyterlab, notebook(jupyterlab.root, "reference.ipynb", FOREIGN))
    lab.run_all()
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_points()
    return lab, widget


def test_cells_unlike_training_are_one_click_away(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab, widget = opened(page, jupyterlab)
    flagged = int(lab.ask("print(w.predictions['unlike_training'].sum())"))
    lab.ask("unlike = w.predictions['unlike_training'].to_numpy()")
    own, foreign = (
        float(lab.ask(f"print(unlike[(adata.obs['where'] == '{part}').to_numpy()].mean())")) for part in PARTS
    )
    assert foreign > 2 * own
    unlike = widget.root.locator(".unlike")
    widget.until(lambda: widget.numbers(".unlike") == [flagged], "the legend counts what Python counts")
    unlike.get_by_role("button", name="Select the").click()
    lab.until("print(len(w.selection))", str(flagged))
    assert lab.ask("print((w.selection.mask == w.predictions['unlike_training']).all())") == "True"
    shot(page, "lab-unlike")

    widget.press("Only cells unlike anything in training")
    widget.until(lambda: widget.in_table == flagged, "the table has no other cells")
    widget.root.locator(".tbar").get_by_role("button", name="Show all again").click()
    widget.until(lambda: widget.in_table == 284, "the table has all cells again")
    problems.check()


def test_training_cells_alone_are_another_picture(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab, widget = opened(page, jupyterlab)
    pictures = {}
    for name in ("Both", "Training", "Yours"):
        widget.root.get_by_role("radio", name=name).click()
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)
        pictures[name] = widget.plot.locator("canvas").evaluate(PIXELS)
        assert widget.colored() > 100
        shot(page, f"lab-{name.lower()}")
    assert len(set(pictures.values())) == 3
    widget.root.get_by_role("radio", name="Training").click()
    widget.until(lambda: widget.numbers(".foot") == [558], "the legend counts training cells")
    assert widget.in_legend == 558
    assert widget.in_table == int(lab.ask("print(adata.n_obs)"))
    problems.check()
