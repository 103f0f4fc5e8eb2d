"""How sure the model is, and how often right, in a real JupyterLab: the threshold dragged, disagreements clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server

MADE = """
import cellwidget as cw
adata = cw.datasets.pbmc_heldout()
cw.annotate(adata, key_added="first", progress=False)
# known labels: those of the model, but for some of the first cells
adata.obs["celltype"] = adata.obs["first_label"].astype(str)
adata.obs.loc[adata.obs_names[:40], "celltype"] = adata.obs["celltype"].iloc[0]
w = cw.CellWidget(adata, truth="celltype")
w
"""
BELOW = "import numpy as np; print(int((w.predictions['score'].to_numpy() < np.float32(w.threshold)).sum()))"
UNASSIGNED = "print(int((w.predictions['label'] == 'unassigned').sum()))"


def test_the_threshold_and_disagreements(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, notebook(jupyterlab.root, "confidence.ipynb", MADE))
    lab.run_all()
    assert lab.errors() == []
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_points()

    slider = widget.root.locator(".slide")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 1, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], middle, steps=12)
    page.mouse.up()
    lab.until("print(round(w.threshold, 2))", "0.9")
    below = lab.ask(BELOW)
    assert int(below) > 0 and lab.ask(UNASSIGNED) == below
    widget.until(lambda: widget.numbers(".list > .lg .n") == [int(below)], "the legend counts the unassigned cells")

    lab.ask("w.threshold = 0")
    widget.root.locator(".list > .lg").wait_for(state="detached")
    wrong = int(lab.ask("print(int((w.predictions['label'].astype(str) != adata.obs['celltype']).sum()))"))
    assert wrong > 0
    widget.root.get_by_role("tab", name="Truth").click()
    widget.until(lambda: widget.numbers(".disagreements .btn") == [wrong], "the panel counts the disagreements")
    widget.root.locator(".disagreements .btn").click()
    lab.until("print(len(w.selection))", str(wrong))
    assert (
        lab.ask("print((w.predictions['label'].astype(str) != adata.obs['celltype'])[w.selection.mask].all())")
        == "True"
    )
    assert float(lab.ask("print(w.metrics.attrs['accuracy'])")) < 1
    shot(page, "lab-truth")
    problems.check()


def test_the_example_of_how_sure_and_why(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, "03-how-sure-and-why.ipynb")
    lab.run_all()
    assert lab.errors() == []
    lab.scroll_to(1)
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_points()
    wrong = lab.ask("print(int((~right).sum()))")
    widget.root.get_by_role("tab", name="Truth").click()
    widget.until(lambda: widget.numbers(".disagreements .btn") == [int(wrong)], "page and notebook count alike")
    widget.root.get_by_role("button", name="Only cells unlike anything in training").click()
    far = int(lab.ask("print(int(far.sum()))"))
    widget.until(lambda: widget.in_table == far > 0, "the table follows the filter")
    problems.check()
