"""A notebook as a real Voilà app: its page exists only after the notebook ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget import datasets

from .conftest import Problems, shot
from .hosts import open_voila
from .shown import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .servers import Server


def test_every_cell_is_there(page: Page, voila: Server, problems: Problems) -> None:
    open_voila(page, voila, "01-first-look.ipynb")
    widget = Shown(page).wait()
    widget.wait_state("done")
    widget.wait_cells(datasets.pbmc_heldout().n_obs)
    widget.wait_points()
    widget.root.locator(".lg").first.click()
    widget.root.locator(".chip").filter(has_text="only").wait_for()
    shot(page, "voila")
    problems.check()
