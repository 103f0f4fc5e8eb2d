"""The widget on a page, as a person sees and uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .hosts import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

COLORED = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let colored = 0;
  for (let i = 0; i < data.length; i += 4) {
    const least = Math.min(data[i], data[i + 1], data[i + 2]);
    const most = Math.max(data[i], data[i + 1], data[i + 2]);
    if (data[i + 3] > 100 && most - least > 40) colored++;
  }
  return colored;
}"""


class Shown:
    """One view of a widget.

    Parameters
    ----------
    page
        The page.
    place
        Which of the widgets on it.
    """

    def __init__(self, page: Page, place: int = 0) -> None:
        self.page = page
        self.root: Locator = page.locator(".cw").nth(place)
        self.plot = self.root.locator(".plot")

    def wait(self) -> Shown:
        """Wait until it is there, and knows its cells."""
        self.root.locator(".tbar .b").wait_for(timeout=PATIENCE_MS)
        return self

    @property
    def state(self) -> str:
        """The state in the run bar: done, running, …"""
        return self.root.locator(".st").get_attribute("data-phase") or ""

    def wait_state(self, *states: str) -> None:
        """Wait until the run bar says one of these."""
        wanted = ", ".join(f'.st[data-phase="{state}"]' for state in states)
        self.root.locator(wanted).wait_for(state="attached", timeout=PATIENCE_MS)

    def numbers(self, selector: str) -> list[int]:
        """Read the whole numbers of an element."""
        text = self.root.locator(selector).first.inner_text()
        return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]

    @property
    def done(self) -> int:
        """Cells done, as the run bar says."""
        return self.numbers(".run .words")[0]

    @property
    def in_table(self) -> int:
        """Cells in the table, as its bar says."""
        return self.numbers(".tbar")[0]

    @property
    def in_legend(self) -> int:
        """Sum over all labels of the legend; only those on the screen are there."""
        rows = self.root.locator(".rows .n").all_inner_texts()
        return sum(int(row.replace(",", "")) for row in rows if row)

    @property
    def cells(self) -> list[str]:
        """Names of the cells that the table shows."""
        return self.root.locator('[role="grid"] .tr .mono').all_inner_texts()

    def colored(self) -> int:
        """Pixels of the map that have a colour."""
        return int(self.plot.locator("canvas").evaluate(COLORED))

    def wait_points(self, at_least: int = 100) -> None:
        """Wait until the map shows coloured points."""
        self.until(lambda: self.colored() >= at_least, f"{at_least} coloured pixels on the map")

    def wait_cells(self, count: int) -> None:
        """Wait until run bar, table and legend all say that this many cells are done and shown."""
        self.until(
            lambda: self.done == self.in_table == self.in_legend == count,
            f"{count} cells in run bar ({self.done}), table ({self.in_table}) and legend ({self.in_legend})",
        )

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Look again and again until something holds: numbers follow the cells within a moment."""
        for _ in range(200):
            if holds():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"never: {what}")

    def lasso(self, left: float, top: float, right: float, bottom: float) -> None:
        """Draw round a part of the map with Shift held; in parts of its size."""
        self.plot.scroll_into_view_if_needed()
        box = self.plot.bounding_box()
        assert box is not None
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        mouse, keyboard = self.page.mouse, self.page.keyboard
        keyboard.down("Shift")
        for place, (x, y) in enumerate(corners):
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
            if place == 0:
                mouse.down()
        mouse.up()
        keyboard.up("Shift")

    def press(self, label: str) -> None:
        """Click a button by its name."""
        self.root.get_by_role("button", name=label, exact=True).click()

    def choose_engine(self, name: str) -> None:
        """Choose where the model runs, in the run bar's menu."""
        self.root.locator(".engine button").first.click()
        self.root.get_by_role("menuitemradio", name=re.compile(f"^{name}")).click()
