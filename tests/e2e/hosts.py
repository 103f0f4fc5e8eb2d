"""What a person does in JupyterLab and Voilà, done to their real pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from .servers import Server

PATIENCE_MS = 120_000
"""Milliseconds that a page or a cell may take on a busy machine."""

_PANEL = "window.jupyterapp.shell.currentWidget"

_SHOWN = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const splash = document.getElementById("jupyterlab-splash");
  return !splash && panel?.content?.widgets?.length > 0 && panel.sessionContext?.session?.kernel?.status;
}"""

_IDLE = f"""() => {{
  const panel = {_PANEL};
  const busy = panel.content.widgets.some((cell) => cell.model.executionState === "running");
  return !busy && panel.sessionContext.session?.kernel?.status === "idle";
}}"""

_ASK = f"""async (code) => {{
  let said = "";
  const kernel = {_PANEL}.sessionContext.session.kernel;
  const future = kernel.requestExecute({{ code, store_history: false, stop_on_error: false }});
  future.onIOPub = ({{ header, content }}) => {{
    if (header.msg_type === "stream") said += content.text;
    if (header.msg_type === "error") said += content.traceback.join("\\n");
  }};
  const reply = await future.done;
  return [reply.content.status, said];
}}"""


class Lab:
    """A notebook that is open in JupyterLab.

    Parameters
    ----------
    page
        An empty page; it is brought to JupyterLab.
    server
        A running JupyterLab.
    name
        The notebook's file name in the server's folder.
    """

    def __init__(self, page: Page, server: Server, name: str) -> None:
        self.page = page
        # A workspace of its own: no page finds another's tabs open.
        workspace = f"{server.url}/lab/workspaces/test-{id(page):x}"
        page.goto(f"{workspace}/tree/{name}?token={server.token}&reset")
        self.wait_shown()
        self.wait_idle()

    def wait_shown(self) -> None:
        """Wait until the notebook is there, linked with its kernel, and nothing lies over it."""
        self.page.wait_for_function(_SHOWN, timeout=PATIENCE_MS)

    def reload(self) -> None:
        """Load the page again, as F5 does; the kernel goes on."""
        self.save()
        self.page.reload()
        self.wait_shown()

    def save(self) -> None:
        """Save the notebook, so that leaving the page asks nothing."""
        self.command("docmanager:save")

    def command(self, name: str, **args: Any) -> None:
        """Carry out one of JupyterLab's commands, and wait for its end."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, args])

    def run_all(self) -> None:
        """Run all cells, and wait for the last one's end."""
        self.command("notebook:run-all-cells")
        self.wait_idle()

    def run_cell(self, index: int) -> None:
        """Start running a cell, and do not wait for it."""
        self.page.evaluate(f"(index) => {{ {_PANEL}.content.activeCellIndex = index; }}", index)
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")

    def scroll_to(self, index: int) -> None:
        """Bring a cell to the top of the view: JupyterLab hides those that are far from it."""
        self.page.evaluate(f"(index) => {_PANEL}.content.scrollToItem(index, 'start')", index)

    def wait_idle(self) -> None:
        """Wait until no cell runs."""
        self.page.wait_for_function(_IDLE, timeout=PATIENCE_MS)

    def errors(self) -> list[str]:
        """Return the errors that cells ended with."""
        outputs = self.page.evaluate(
            f"() => {_PANEL}.content.model.sharedModel.cells.flatMap((cell) => cell.toJSON().outputs ?? [])"
        )
        return [f"{output['ename']}: {output['evalue']}" for output in outputs if output["output_type"] == "error"]

    def ask(self, code: str) -> str:
        """Run code in the notebook's kernel, beside its cells.

        Returns
        -------
        str
            What it printed, without white space at either end.

        Raises
        ------
        AssertionError
            If it raised; with the traceback.
        """
        status, said = self.page.evaluate(_ASK, code)
        assert status == "ok", said
        return str(said).strip()

    def until(self, code: str, said: str) -> None:
        """Ask again and again until the kernel says what is expected."""
        for _ in range(100):
            last = self.ask(code)
            if last == said:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{code!r} says {last!r}, never {said!r}")

    def theme(self, dark: bool) -> None:
        """Change between JupyterLab's light and dark themes."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f'body[data-jp-theme-name="{name}"]', state="attached")
        self.wait_shown()


def open_voila(page: Page, server: Server, name: str) -> None:
    """Open a notebook as an app, and wait until its cells ran."""
    page.goto(f"{server.url}/voila/render/{name}", timeout=PATIENCE_MS)
    page.wait_for_selector(".jp-Cell", state="attached", timeout=PATIENCE_MS)


def notebook(folder: Path, name: str, *cells: str) -> str:
    """Write a notebook of code cells; return its name."""
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    )
    (folder / name).write_text(json.dumps(made))
    return name
