"""The hosts themselves, with a stock widget: where this fails, other failures here say nothing about ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Problems, shot
from .hosts import Lab, notebook, open_voila

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server

SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(value=3, max=10)\nslider"


def test_lab_runs_and_reloads_a_notebook(page: Page, jupyterlab: Server, problems: Problems) -> None:
    lab = Lab(page, jupyterlab, notebook(jupyterlab.root, "slider.ipynb", SLIDER, "slider.value = 4"))
    lab.run_all()
    assert lab.errors() == []
    handle = page.locator(".jupyter-widgets .noUi-handle")
    handle.press("ArrowRight")
    assert lab.ask("print(slider.value)") == "5"
    lab.theme(dark=True)
    shot(page, "host-lab")
    lab.theme(dark=False)
    lab.reload()
    assert lab.ask("print(slider.value)") == "5"
    problems.check()


def test_lab_tells_what_cells_raised(page: Page, jupyterlab: Server) -> None:
    lab = Lab(page, jupyterlab, notebook(jupyterlab.root, "raises.ipynb", "1 / 0"))
    lab.run_all()
    assert lab.errors() == ["ZeroDivisionError: division by zero"]


def test_voila_shows_a_notebook(page: Page, voila: Server, problems: Problems) -> None:
    open_voila(page, voila, notebook(voila.root, "slider.ipynb", SLIDER, "slider.value = 4"))
    page.wait_for_selector(".jupyter-widgets .noUi-handle")
    assert page.locator(".widget-readout").inner_text() == "4"
    shot(page, "host-voila")
    problems.check()


def test_problems_are_seen(page: Page, jupyterlab: Server, problems: Problems) -> None:
    page.goto(f"{jupyterlab.url}/static/none?token={jupyterlab.token}")
    with page.expect_event("requestfailed"):
        page.evaluate("() => { console.error('one'); fetch('https://example.org/x').catch(() => 0); }")
    with page.expect_event("pageerror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('two') }, 0); }")
    assert problems.errors == ["one", "two"]
    assert [url.split("?")[0] for url in problems.failed] == [f"404 {jupyterlab.url}/static/none"]
    assert problems.outside == ["https://example.org/x"]
