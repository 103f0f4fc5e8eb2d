"""Waiting for a page: as long as it makes sense, and no longer."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from cellwidget import hearing
from cellwidget.hearing import CannotArrive, Hearing


class Run:
    """Is over when told so."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def wait(self, timeout: float | None = None) -> None:
        if not self.over.wait(timeout):
            raise TimeoutError


def kernel(monkeypatch: pytest.MonkeyPatch, *, subshells: bool) -> None:
    shell = SimpleNamespace(kernel=SimpleNamespace(_supports_kernel_subshells=subshells))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)


def on_another_thread(what: Any) -> None:
    thread = threading.Thread(target=what)
    thread.start()
    thread.join()


def test_a_page_that_is_heard_beside_the_cell_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=True)
    ears, run = Hearing(), Run()
    on_another_thread(ears.heard)
    threading.Timer(0.3, run.over.set).start()
    ears.wait(run, None)
    assert run.over.is_set()


def test_a_page_that_is_heard_between_cells_alone_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=True)
    ears = Hearing()
    ears.heard()
    with pytest.raises(CannotArrive, match="engine='kernel'"):
        ears.wait(Run(), None)


def test_a_kernel_without_subshells_cannot_hear_any(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=False)
    with pytest.raises(CannotArrive, match="between cells"):
        Hearing().wait(Run(), None)


def test_voila_shows_no_page_while_cells_run(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=True)
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0.5.13")
    with pytest.raises(CannotArrive, match="between cells"):
        Hearing().wait(Run(), None)


def test_what_is_over_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=False)
    run = Run()
    run.over.set()
    Hearing().wait(run, None)


def test_without_any_page_it_says_to_show_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=True)
    monkeypatch.setattr(hearing, "PATIENCE", 0.05)
    with pytest.raises(CannotArrive, match="Show it first"):
        Hearing().wait(Run(), None)


def test_the_time_out_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=True)
    ears, begin = Hearing(), time.monotonic()
    on_another_thread(ears.heard)
    with pytest.raises(TimeoutError, match=r"0\.3 s"):
        ears.wait(Run(), 0.3)
    assert time.monotonic() - begin >= 0.3


def test_other_threads_wait_for_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, subshells=False)
    ears, run, errors = Hearing(), Run(), []

    def wait() -> None:
        try:
            ears.wait(run, None)
        except CannotArrive as error:
            errors.append(error)

    threading.Timer(0.3, run.over.set).start()
    on_another_thread(wait)
    assert not errors
