"""The engine on pages, from the kernel's side: every cell comes back once, whatever pages do."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cellwidget.engines import InKernel, browser
from cellwidget.engines.browser import BrowserEngine
from cellwidget.engines.packing import Packer
from cellwidget.results import Results
from cellwidget.run import Run, RunError

from .engine_cases import CLASSES, GENES, FakeEngine, cells_of, dataset, fake_outputs
from .unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

    from cellwidget.batch import SparseBatch

LONG = 30.0


class Equipment:
    """What the fake graphs give."""

    outputs = ("logits", "embedding", "xy")

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def describe(self) -> dict[str, Any]:
        return {}


class Page:
    """Runs what it is lent, by the same fake network as the kernel's."""

    def __init__(self, engine: BrowserEngine, name: str = "p", room: int = 32) -> None:
        self.engine, self.name, self.room = engine, name, room
        self.seen = 0
        self.held: list[tuple[int, SparseBatch]] = []

    def pull(self, **more: Any) -> None:
        leases = [lease for lease, _ in self.held]
        demand = {"room": self.room, "leases": leases, "seen": self.seen, "workers": 2, "backend": "wasm"}
        self.engine.pull(self.name, demand | more)  # type: ignore[arg-type]

    def fetch(self) -> bool:
        lent = self.engine.lend(self.name)
        if lent is not None:
            self.seen = lent.lease
            order = np.frombuffer(self.engine.asset("order") or b"", np.uint32)
            self.held.append((lent.lease, unpacked(lent.cells, order)))
        return lent is not None

    def finish(self, bad: dict[int, str] | None = None) -> None:
        lease, batch = self.held.pop(0)
        bad = bad or {}
        outputs = {name: np.delete(values, list(bad), axis=0) for name, values in fake_outputs(spread(batch)).items()}
        self.engine.take(self.name, lease, outputs, list(bad.items()))

    def serve(self, run: Run, until: Callable[[], bool] | None = None) -> None:
        """Work until the run is over, or as long as told."""
        end = time.monotonic() + LONG
        over = until or (lambda: run.status in ("done", "stopped", "failed"))
        while not over():
            assert time.monotonic() < end, f"the run never got there: {run.state()}"
            self.pull()
            while self.fetch():
                pass
            if self.held:
                self.finish()
            else:
                time.sleep(0.002)


def spread(batch: SparseBatch) -> np.ndarray:
    out = np.zeros((len(batch), len(GENES)), np.float32)
    numbers = np.repeat(np.arange(len(batch)), np.diff(batch.indptr.astype(np.int64)))
    out[numbers, batch.genes] = batch.counts
    return out


def made(adata: AnnData) -> tuple[Run, BrowserEngine]:
    cells = cells_of(adata)
    engine = BrowserEngine(Equipment(), len(CLASSES), Packer(cells.order))  # type: ignore[arg-type]
    return Run(cells, engine, Results(cells.n_obs, CLASSES, keep=("embedding",))), engine


def started(n: int) -> tuple[AnnData, Run, BrowserEngine]:
    adata = dataset(n)
    run, engine = made(adata)
    run.start()
    return adata, run, engine


def holding(engine: BrowserEngine, room: int = 32) -> Page:
    """A page that holds its first lease."""
    page = Page(engine, room=room)
    page.pull()
    until(page.fetch)
    return page


def expected(adata: AnnData) -> np.ndarray:
    return fake_outputs(adata.X.toarray().astype(np.float32))["embedding"]


def check_all_right(run: Run, adata: AnnData) -> None:
    assert run.results.counts[0] == adata.n_obs
    kept = run.results.kept("embedding")
    assert kept is not None
    np.testing.assert_array_equal(kept, expected(adata))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "PATIENCE", 0.02)


def test_a_page_runs_every_cell() -> None:
    adata, run, engine = started(300)
    Page(engine).serve(run)
    check_all_right(run, adata)
    assert run.state()["engine"] == "browser" and run.state()["backend"] == "wasm" and run.state()["workers"] == 2


def test_without_a_page_it_waits_and_says_so() -> None:
    adata, run, engine = started(20)
    with pytest.raises(TimeoutError):
        run.wait(0.1)
    assert run.state()["status"] == "waiting"
    page = Page(engine)
    page.pull()
    assert run.state()["status"] == "running"
    page.serve(run)
    check_all_right(run, adata)


def test_where_results_are_large_fewer_cells_are_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    adata, run, engine = started(400)
    monkeypatch.setattr(browser, "LENT_BYTES", 1_000)  # a cell's results have 36
    page = holding(engine, room=browser.FIRST_CELLS)
    assert len(page.held[0][1]) == browser.FIRST_CELLS, "nobody knows yet"
    page.finish()
    sizes: list[int] = []
    while run.status == "running":
        page.pull()
        while page.fetch():
            sizes.append(len(page.held[-1][1]))
        if page.held:
            page.finish()
    check_all_right(run, adata)
    assert max(sizes) <= 1_000 // 36


def test_two_pages_share_the_work() -> None:
    adata, run, engine = started(400)
    pages = [Page(engine, name, room=16) for name in "ab"]
    threads = [threading.Thread(target=page.serve, args=(run,)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    check_all_right(run, adata)
    assert all(page.seen for page in pages)


def test_what_a_page_took_with_it_goes_to_the_next() -> None:
    adata, run, engine = started(100)
    first, second = Page(engine, "first"), Page(engine, "second")
    first.serve(run, until=lambda: len(first.held) == 0 and run.results.counts[0] > 0)
    first.pull()
    until(lambda: bool(first.fetch()) or bool(first.held))
    engine.left("first")
    second.serve(run)
    check_all_right(run, adata)


def test_a_silent_page_is_given_up_when_another_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    adata, run, engine = started(60)
    silent, second = Page(engine, "silent", room=40), Page(engine, "second")
    silent.pull()
    until(lambda: silent.fetch() or bool(silent.held))
    monkeypatch.setattr(browser, "SILENT", 0.05)
    second.serve(run)
    check_all_right(run, adata)
    done = run.results.counts
    silent.finish()  # too late, and no harm
    assert run.results.counts == done


def test_cells_that_got_lost_on_the_way_are_lent_again() -> None:
    adata, run, engine = started(80)
    page = holding(engine, room=16)
    page.held.clear()  # the message with them was lost, and a later one came
    page.serve(run)
    check_all_right(run, adata)


def test_results_sent_twice_count_once() -> None:
    adata, run, engine = started(64)
    page = holding(engine)
    again = page.held[0]
    page.finish()
    page.held.insert(0, again)
    page.finish()
    page.serve(run)
    check_all_right(run, adata)
    assert run.results.position == 64, "each row once in the change log"


def test_stop_and_resume_run_nothing_twice() -> None:
    adata, run, engine = started(200)
    page = Page(engine)
    page.serve(run, until=lambda: run.results.counts[0] >= 50)
    run.stop()
    run.wait(LONG)
    done = run.results.counts[0]
    page.held.clear()
    run.resume()
    page.serve(run)
    check_all_right(run, adata)
    assert run.results.position == 200 and done >= 50


def test_pause_lends_nothing_and_keeps_what_comes() -> None:
    adata, run, engine = started(200)
    page = Page(engine)
    page.pull()
    until(lambda: page.fetch() or bool(page.held))
    run.pause()
    lent = sum(len(batch) for _, batch in page.held)
    while page.fetch():
        lent = sum(len(batch) for _, batch in page.held)
    while page.held:
        page.finish()
    until(lambda: run.results.counts[0] == lent)
    page.pull()
    time.sleep(0.1)
    assert not page.fetch()
    run.resume()
    page.serve(run)
    check_all_right(run, adata)


@pytest.mark.parametrize("first", ["kernel", "browser"])
def test_the_engine_can_be_switched_on_the_way(first: str) -> None:
    adata = dataset(300)
    run, engine = made(adata)
    fake = FakeEngine()
    kernel = InKernel(fake, batch_size=10)
    if first == "kernel":
        run.use(kernel)
        fake.before = lambda _: run.use(engine) if sum(fake.sizes) == 100 else None
        run.start()
        Page(engine).serve(run)
        assert sum(fake.sizes) == 100
    else:
        run.start()
        Page(engine).serve(run, until=lambda: run.results.counts[0] >= 100)
        run.use(kernel)
        run.wait(LONG)
        assert sum(fake.sizes) < 300
    check_all_right(run, adata)
    assert run.results.position == 300, "no cell was run twice"


def test_a_page_that_gives_up_fails_the_run_which_can_go_on_elsewhere() -> None:
    adata, run, engine = started(100)
    page = Page(engine)
    page.serve(run, until=lambda: run.results.counts[0] >= 32)
    engine.gave_up("p", "No SIMD here", "this browser lacks it")
    with pytest.raises(RunError, match=r"No SIMD here: this browser lacks it.*kernel"):
        run.wait(LONG)
    assert run.results.counts[0] >= 32
    run.use(InKernel(FakeEngine()))
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)


def test_another_page_goes_on_when_one_gives_up() -> None:
    adata, run, engine = started(100)
    able = Page(engine, "able")
    able.pull()
    engine.gave_up("unable", "No SIMD here", "this browser lacks it")
    able.serve(run)
    check_all_right(run, adata)


def test_cells_that_fail_on_the_page_have_their_reason() -> None:
    _, run, engine = started(40)
    page = holding(engine, room=64)
    row = int(page.held[0][1].rows[3])
    page.finish(bad={3: "the model failed: " + "x" * 1_000})
    page.serve(run)
    assert run.results.counts[:2] == (39, 1)
    reason = run.results.reason(row)
    assert reason is not None and reason.startswith("the model failed") and len(reason) <= browser.LONGEST_REASON


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda outputs: outputs.pop("xy"), "asked for was"),
        (lambda outputs: outputs.update(logits=outputs["logits"][:, :2]), "logits is"),
        (lambda outputs: outputs.update(embedding=outputs["embedding"][1:]), "embedding is"),
        (lambda outputs: outputs.update(xy=np.zeros((len(outputs["xy"]), 3), np.float32)), "xy is"),
    ],
)
def test_results_of_another_shape_are_refused_and_run_again(spoil: Callable[[Any], Any], words: str) -> None:
    adata, run, engine = started(40)
    page = holding(engine, room=64)
    lease, batch = page.held.pop(0)
    outputs = fake_outputs(spread(batch))
    spoil(outputs)
    with pytest.raises(ValueError, match=words):
        engine.take("p", lease, outputs, [])
    page.serve(run)
    check_all_right(run, adata)


def test_what_is_no_number_fails_its_cell() -> None:
    _, run, engine = started(10)
    page = holding(engine, room=64)
    lease, batch = page.held.pop(0)
    outputs = fake_outputs(spread(batch))
    outputs["embedding"][2, 0] = np.nan
    engine.take("p", lease, outputs, [])
    run.wait(LONG)
    assert run.results.counts[:2] == (9, 1)


def test_a_lease_whose_cells_all_fail_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    _, run, engine = started(40)
    page = holding(engine, room=64)
    lease, batch = page.held.pop(0)
    engine.take("p", lease, {}, [(at, "the model failed") for at in range(len(batch))])
    with pytest.raises(RunError, match="all 40 cells failed"):
        run.wait(LONG)


def test_a_page_whose_results_are_never_right_is_given_up() -> None:
    _, run, engine = started(40)
    page = Page(engine, room=64)
    for _ in range(browser.MOST_REFUSED):
        page.pull()
        until(page.fetch)
        lease, _ = page.held.pop(0)
        with pytest.raises(ValueError, match="asked for was"):
            engine.take("p", lease, {}, [])
    with pytest.raises(RunError, match="cannot be used"):
        run.wait(LONG)


def test_what_was_acknowledged_is_kept_when_the_run_is_stopped_at_once() -> None:
    _, run, engine = started(100)
    page = holding(engine)
    cells = len(page.held[0][1])
    with engine._changed:  # the run's thread sees both at once
        page.finish()
        run.stop()
    run.wait(LONG)
    assert run.results.counts[0] == cells


def test_a_pause_without_its_page_lets_the_thread_sleep() -> None:
    adata, run, engine = started(100)
    holding(engine)
    run.pause()
    engine.left("p")
    until(lambda: not engine._lost)
    turns = 0
    record = engine._record

    def count(task: Any) -> None:
        nonlocal turns
        turns += 1
        record(task)

    engine._record = count  # type: ignore[method-assign]
    time.sleep(0.3)
    assert turns < 100
    run.resume()
    Page(engine, "other").serve(run)
    check_all_right(run, adata)


def test_a_page_that_loads_is_waited_for_when_another_gives_up() -> None:
    adata, run, engine = started(40)
    engine.equipment("loading")
    engine.gave_up("unable", "No SIMD here", "this browser lacks it")
    with pytest.raises(TimeoutError):
        run.wait(0.2)
    Page(engine, "loading").serve(run)
    check_all_right(run, adata)


def test_a_greedy_page_gets_no_more_than_it_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "MOST_ROOM", 50)
    adata, run, engine = started(300)
    page = Page(engine, room=2**53)
    page.pull()
    until(page.fetch)
    time.sleep(0.1)
    while page.fetch():
        pass
    assert sum(len(batch) for _, batch in page.held) <= 50
    page.serve(run)
    check_all_right(run, adata)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end, "never"
        time.sleep(0.002)
