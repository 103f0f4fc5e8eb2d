"""How fast a run is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.run import progress
from cellwidget.run.progress import Progress

if TYPE_CHECKING:
    import pytest


def test_the_rate_leaves_out_loading_and_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    watch = Progress()
    watch.go()
    now += 30  # the model is loaded
    watch.add(64)
    assert watch.rate is None
    for _ in range(4):
        now += 0.5
        watch.add(50)
    assert watch.rate == 100
    assert watch.left(1_000) == 10
    watch.halt()
    now += 60
    watch.go()
    watch.add(50)
    now += 0.5
    watch.add(50)
    assert watch.rate == 100
    assert watch.elapsed == 32.5
