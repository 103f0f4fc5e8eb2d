"""The main job in a real JupyterLab: an example opened, run, and used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server

STREAMING_CELLS = 100_000


def test_the_first_look(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, "01-first-look.ipynb")
    lab.run_all()
    assert lab.errors() == []
    widget = Shown(page).wait()
    widget.wait_state("done")
    total = int(lab.ask("print(adata.n_obs)"))
    widget.wait_cells(total)
    widget.wait_points()
    first = lab.ask("print(*adata.obs_names[:3])").split()
    assert widget.cells[:3] == first

    widget.lasso(0.02, 0.1, 0.98, 0.98)
    chip = widget.root.locator(".chip.sel")
    chip.wait_for()
    chosen = widget.numbers(".chip.sel")[0]
    assert 0 < chosen <= total
    lab.until("print(len(w.selection))", str(chosen))
    shot(page, "lab-lasso")

    lab.ask("w.selection = adata.obs_names[:2]")
    chip.filter(has_text="2 selected").wait_for()
    widget.root.locator(".lg").first.click()
    widget.root.locator(".chip").filter(has_text="only").wait_for()
    widget.until(lambda: widget.in_table == widget.numbers(".rows .n")[0], "the table follows the legend")
    problems.check()


def test_looks(page: Page, jupyterlab: Server, problems: Problems) -> None:
    """Pictures to look at: light, dark and narrow."""
    lab = Lab(page, jupyterlab, "01-first-look.ipynb")
    lab.run_all()
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_points()
    widget.root.scroll_into_view_if_needed()
    shot(page, "lab-light")
    lab.theme(dark=True)
    widget.wait_points()
    widget.root.scroll_into_view_if_needed()
    shot(page, "lab-dark")
    lab.theme(dark=False)
    page.set_viewport_size({"width": 820, "height": 1000})
    widget.root.locator('[role="tab"]').first.wait_for()
    widget.root.scroll_into_view_if_needed()
    shot(page, "lab-narrow")
    problems.check()


def test_a_run_is_paused_stopped_and_resumed(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, "02-streaming.ipynb")
    lab.run_cell(1)
    lab.wait_idle()
    lab.run_cell(2)
    widget = Shown(page).wait()
    widget.wait_state("running")
    widget.press("Pause")
    widget.wait_state("paused")
    assert lab.ask("print(w.status)") == "paused"
    widget.press("Resume")
    widget.wait_state("running")
    widget.press("Stop")
    widget.wait_state("stopped")
    done = int(lab.ask("w.wait(); print(w.predictions['label'].notna().sum())"))
    assert 0 < done < STREAMING_CELLS
    widget.until(lambda: widget.done == done, "what was done is kept, and shown")
    assert lab.ask("print('streaming_label' in adata.obs)") == "False"
    widget.wait_points()
    shot(page, "lab-stopped")

    lab.ask("w.resume()")
    lab.run_cell(4)
    widget.wait_state("done")
    widget.wait_cells(STREAMING_CELLS)
    assert lab.ask("print(adata.obs['streaming_label'].notna().sum())") == str(STREAMING_CELLS)
    problems.check()


def test_a_reload_in_mid_run_loses_nothing(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, "02-streaming.ipynb")
    lab.run_cell(1)
    lab.wait_idle()
    lab.run_cell(2)
    Shown(page).wait().wait_state("running")
    lab.ask("w.pause()")
    lab.reload()
    widget = Shown(page).wait()
    widget.wait_state("paused")
    widget.until(lambda: widget.in_legend == widget.done > 0, "all that is done is there again")
    lab.ask("w.resume()")
    widget.wait_state("running", "done")
    lab.reload()
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_cells(STREAMING_CELLS)
    widget.wait_points()
    problems.check()


def test_two_views_agree_and_another_cell_runs_meanwhile(page: Page, jupyterlab: Server, problems: Problems) -> None:
    name = notebook(
        jupyterlab.root,
        "views.ipynb",
        "import cellwidget as cw\nadata = cw.datasets.pbmc_heldout()\nw = cw.CellWidget(adata)\nw",
        "w",
        "import time\ntime.sleep(3)",
    )
    lab = Lab(page, jupyterlab, name)
    lab.run_cell(0)
    one = Shown(page).wait()
    one.wait_state("done")
    lab.run_cell(1)
    two = Shown(page, 1).wait()
    two.wait_points()
    two.until(lambda: two.in_legend == one.in_legend > 0, "both count the same")
    two.root.locator(".lg").first.click()
    one.root.locator(".chip").filter(has_text="only").wait_for()
    lab.run_cell(2)
    one.lasso(0.02, 0.1, 0.98, 0.98)
    two.root.locator(".chip.sel").wait_for()

    lab.run_cell(0)
    again = Shown(page)
    again.root.locator(".chip.sel").wait_for(state="detached")
    again.wait().wait_state("done")
    again.wait_points()
    problems.check()


def test_a_page_that_comes_late(page: Page, jupyterlab: Server, problems: Problems) -> None:
    """The widget is shown for the first time when its run is long over."""
    name = notebook(
        jupyterlab.root,
        "late.ipynb",
        "import cellwidget as cw\nadata = cw.datasets.pbmc_heldout()\nw = cw.CellWidget(adata)\nw.wait()",
        "w",
    )
    lab = Lab(page, jupyterlab, name)
    lab.run_all()
    assert lab.errors() == []
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_cells(int(lab.ask("print(adata.n_obs)")))
    widget.wait_points()
    problems.check()


def test_a_bad_message_from_the_page_is_answered_and_the_run_goes_on(page: Page, jupyterlab: Server) -> None:
    lab = Lab(page, jupyterlab, "01-first-look.ipynb")
    lab.run_all()
    widget = Shown(page).wait()
    widget.wait_state("done")
    bad = "[None, [], {'type': 'inspect', 'page': 'x', 'id': 1, 'row': -4}, {'type': 'select', 'page': 'x', 'id': 2}]"
    assert lab.ask(f"[w._receive(message, []) for message in {bad}]; print(w.status)") == "done"
    widget.root.locator('[role="grid"] .tr').first.click()
    assert widget.in_table > 0
