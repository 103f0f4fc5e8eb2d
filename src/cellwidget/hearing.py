"""Whether a kernel hears its pages while a cell runs."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol

GLANCE = 0.1
PATIENCE = 10.0
"""Seconds in which a page that can be heard says something."""
DEAF = (
    "The model runs in the browser, and what it finds cannot arrive before this cell ends: this kernel hears pages "
    "only between cells. Call wait() in no cell; look at .status and .predictions in a later one, or use "
    "engine='kernel'."
)
NOBODY = (
    "The model runs in the browser, and no page that shows the widget was heard of. Show it first, and call wait() in "
    "a later cell, or use engine='kernel'."
)


class CannotArrive(RuntimeError):
    """Waiting would be for ever."""


class Waits(Protocol):
    """The part of a run that is waited for."""

    def wait(self, timeout: float | None = None) -> None:
        """Block until it is over; raises TimeoutError after `timeout` seconds."""


class Hearing:
    """Knows on which thread pages are heard.

    A kernel with subshells hears them on threads of their own, others on the main thread, which belongs to the cell
    that waits.
    """

    def __init__(self) -> None:
        self._on_main: bool | None = None

    def heard(self) -> None:
        """Note that a page was heard, on this thread."""
        self._on_main = threading.current_thread() is threading.main_thread()

    def wait(self, run: Waits, timeout: float | None) -> None:
        """Wait for a run on pages.

        Raises
        ------
        CannotArrive
            If its results cannot arrive while this thread waits.
        TimeoutError
            If it is still going after `timeout` seconds.
        """
        begin = time.monotonic()
        while not self._over(run, begin, timeout):
            if threading.current_thread() is not threading.main_thread():
                continue
            if self._on_main:
                raise CannotArrive(DEAF)
            if self._on_main is None and not _has_subshells():
                raise CannotArrive(DEAF)
            if self._on_main is None and time.monotonic() - begin > PATIENCE:
                raise CannotArrive(NOBODY)

    def _over(self, run: Waits, begin: float, timeout: float | None) -> bool:
        left = float("inf") if timeout is None else begin + timeout - time.monotonic()
        try:
            run.wait(max(0.0, min(GLANCE, left)))
        except TimeoutError:
            if left <= GLANCE:
                raise TimeoutError(f"The run is still going after {timeout:g} s; it goes on.") from None
            return False
        return True


def _has_subshells() -> bool:
    """Whether this is a kernel that can hear pages beside a cell; true for no kernel at all, which has no cells."""
    if os.environ.get("SERVER_SOFTWARE", "").startswith("voila/"):
        return False  # its pages come after the cells
    try:
        from IPython import get_ipython
    except ImportError:
        return True
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is None or bool(getattr(kernel, "_supports_kernel_subshells", False))
