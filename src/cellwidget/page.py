"""What shows in a notebook: the built page, and messages that find their way."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import anywidget


class Page(anywidget.AnyWidget):
    """An anywidget of the built page."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(_esm=_front_end(), **traits)

    def open(self) -> None:
        """Open the comm."""
        super().open()
        self._let_pages_choose()

    def _send(self, msg: Any, buffers: Any = None) -> None:
        super()._send(msg, buffers)
        self._let_pages_choose()

    def _let_pages_choose(self) -> None:
        """Let what pages say go to the loop that they address.

        ipykernel 7.4 sends it to the loop that sent last instead. A run's thread is no loop, so it would end up at the
        main one and wait for the cell that runs.
        """
        if self.comm is not None:
            self.comm.__dict__.pop("_reply_subshell_id", None)


def _front_end() -> str:
    """Read the built page: as text, since anywidget keeps a widget that has a path alive for ever, its AnnData too."""
    built = files("cellwidget") / "static" / "widget.js"
    if not built.is_file():
        raise FileNotFoundError(
            "cellwidget's front end is not built: run `make build` in the checkout, or install a wheel"
        )
    return built.read_text("utf-8")
