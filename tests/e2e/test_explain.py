"""Why, in a real JupyterLab: a cell is clicked, its genes are there, and a gene colours the map."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server


def test_a_cells_genes_colour_the_map(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, "01-first-look.ipynb")
    lab.run_all()
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_points()
    widget.root.locator(".lgenes").first.wait_for()

    name = widget.cells[0]
    widget.root.get_by_text(name, exact=True).first.click()
    genes = widget.root.locator(".why .bullet")
    genes.nth(5).wait_for()
    heaviest = genes.first.locator("span,button").first.inner_text()
    asked = json.loads(lab.ask(f"import json; print(json.dumps(w.explain({name!r}, n=1)['gene'].tolist()))"))
    assert asked == [heaviest]
    shot(page, "lab-why")

    gene = widget.root.locator(".why button.gene").first
    colored = gene.inner_text()
    gene.click()
    widget.until(lambda: widget.root.get_by_role("combobox").input_value() == colored, "the map is coloured by it")
    widget.root.get_by_text("not detected", exact=True).wait_for()
    shown = widget.numbers(".side .lg .n")[0]
    zeros = lab.ask(f"import numpy as np; print(int((np.asarray(adata[:, {colored!r}].X.todense()) == 0).sum()))")
    assert shown == int(zeros)
    widget.wait_points()
    shot(page, "lab-gene")

    widget.root.get_by_role("button", name="by removal").click()
    widget.until(lambda: "Removing genes" not in widget.root.locator(".why").inner_text(), "it is explained by removal")
    genes.nth(5).wait_for()
    removed = json.loads(lab.ask(f"print(json.dumps(w.explain({name!r}, method='occlusion', n=1)['gene'].tolist()))"))
    assert genes.first.locator("span,button").first.inner_text() == removed[0]

    field = widget.root.get_by_role("combobox")
    field.click()
    page.keyboard.type(asked[0])
    page.keyboard.press("Enter")
    widget.until(lambda: field.input_value() == asked[0], "a gene is found by typing")
    problems.check()


READ = """
import cellwidget as cw
adata = cw.datasets.pbmc_heldout()
"""
SHOW = "w = cw.CellWidget(adata, engine='browser')\nw"
SAME = """
import numpy as np
kernel = cw.CellWidget(adata.copy(), engine="kernel")
kernel.wait()
print(len(w._job.run.results.attention.weightings))
for method in ("attention_weighted", "attention"):
    one, other = (each.explain(method=method, n=5).set_index(["group", "gene"]) for each in (w, kernel))
    far = (one["weight"] - other["weight"].reindex(one.index)).abs().max() / other["weight"].max()
    print(bool(far < 1e-4), bool((one["cells"] == other["cells"].reindex(one.index)).all()))
"""


def test_a_page_that_computes_gathers_what_the_kernel_does(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, notebook(jupyterlab.root, "why-browser.ipynb", READ, SHOW))
    lab.run_all()
    widget = Shown(page).wait()
    widget.wait_state("done")
    assert lab.ask(SAME).split() == ["2", "True", "True", "True", "True"]
    problems.check()
