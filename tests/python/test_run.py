"""Runs: the states they go through, what goes wrong in them, and that every cell is accounted for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cellwidget.batch import Batch, ResultBatch
from cellwidget.engines import InKernel
from cellwidget.messages import DONE, FAILED
from cellwidget.results import Results
from cellwidget.run import Run, RunError

from .engine_cases import CLASSES, FakeEngine, Gate, cells_of, dataset, dense, fake_outputs

if TYPE_CHECKING:
    from anndata import AnnData

LONG = 60.0


def made(adata: AnnData, engine: Any, **more: Any) -> Run:
    cells = cells_of(adata)
    driver = InKernel(engine, batch_size=more.pop("batch_size", None))
    return Run(cells, driver, Results(cells.n_obs, CLASSES), **more)


def labels(counts: np.ndarray) -> np.ndarray:
    return fake_outputs(counts)["logits"].argmax(1)


def check_all_right(run: Run, adata: AnnData) -> None:
    assert run.results.counts == (adata.n_obs, 0, adata.n_obs)
    np.testing.assert_array_equal(run.results.label, labels(adata.X.toarray()))


def fails_for(*bad: int) -> Any:
    def check(batch: Batch) -> None:
        if hit := sorted({*bad} & {*batch.rows.tolist()}):
            raise RuntimeError(f"cannot digest cell {hit[0]}")

    return check


def test_a_run_labels_and_places_every_cell() -> None:
    adata = dataset(300)
    run = made(adata, FakeEngine())
    assert run.state()["status"] == "idle"
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    state = run.state()
    assert (state["status"], state["phase"], state["total"], state["done"]) == ("done", "", 300, 300)
    assert state["log"] == 300 and state["problem"] is None and state["left"] is None
    assert state["elapsed"] > 0


def test_it_starts_with_few_cells_and_grows() -> None:
    engine = FakeEngine()
    engine.largest_batch = 1_000
    run = made(dataset(400), engine, batch_size=None)
    run.start()
    run.wait(LONG)
    assert engine.sizes[0] == 16 and sum(engine.sizes) == 400


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_results_do_not_depend_on_the_batch_size(size: int) -> None:
    adata, engine = dataset(130), FakeEngine()
    run = made(adata, engine, batch_size=size)
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    assert max(engine.sizes) == min(size, 130)


def test_pause_takes_effect_within_a_batch_and_resume_goes_on() -> None:
    adata, gate = dataset(100), Gate()
    run = made(adata, FakeEngine(gate), batch_size=10)
    run.start()
    gate.await_batch()
    run.pause()
    assert run.status == "paused"
    gate.let(1)
    with pytest.raises(TimeoutError, match="paused"):
        run.wait(0.2)
    assert run.results.counts[0] == 10
    run.resume()
    gate.open()
    run.wait(LONG)
    check_all_right(run, adata)


def test_stop_keeps_what_is_done_and_start_goes_on_from_there() -> None:
    adata, gate = dataset(100), Gate()
    engine = FakeEngine(gate)
    run = made(adata, engine, batch_size=10)
    run.start()
    gate.let(2)
    for _ in range(3):
        gate.await_batch()
    run.stop()
    gate.open()
    run.wait(LONG)
    assert run.status == "stopped" and run.results.counts[0] == 30
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    assert sum(engine.sizes) == 100, "no cell was run twice"


def test_stop_takes_effect_within_a_batch_of_those_that_were_read_at_once() -> None:
    adata = dataset(5_000)
    engine = FakeEngine()
    run = made(adata, engine)
    engine.before = lambda batch: run.stop() if len(engine.sizes) == 40 else None
    run.start()
    run.wait(LONG)
    assert len(engine.sizes) == 40 and run.results.counts[0] == sum(engine.sizes)
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    assert sum(engine.sizes) == 5_000


def test_stop_while_paused_and_resume_before_it_has_stopped() -> None:
    adata, gate = dataset(60), Gate()
    run = made(adata, FakeEngine(gate), batch_size=10)
    run.start()
    gate.await_batch()
    run.pause()
    run.stop()
    assert run.status == "stopped"
    run.resume()  # the first batch is still under way
    gate.open()
    run.wait(LONG)
    check_all_right(run, adata)


def test_stop_does_not_wait_for_cells_that_are_still_read() -> None:
    cells, reading = cells_of(dataset(50)), threading.Event()

    class Slow:
        n_obs = 50

        def start(self) -> None: ...

        def read(self, start: int, stop: int) -> Any:
            reading.wait(LONG)
            return cells.read(start, stop)

    run = Run(Slow(), InKernel(FakeEngine()), Results(50, CLASSES))  # type: ignore[arg-type]
    run.start()
    run.stop()
    run.wait(LONG)
    assert run.status == "stopped" and run.results.counts == (0, 0, 0)
    reading.set()
    run.start()
    run.wait(LONG)
    assert run.results.counts[0] == 50


def test_what_means_nothing_in_a_state_changes_nothing() -> None:
    run = made(dataset(20), FakeEngine())
    run.pause()
    run.stop()
    assert run.status == "idle"
    with pytest.raises(RunError, match="not started"):
        run.wait()
    run.start()
    run.start()
    run.wait(LONG)
    for act in (run.pause, run.stop, run.resume, run.start):
        act()
        assert run.status == "done"


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


def test_one_bad_cell_fails_alone() -> None:
    run = made(dataset(100), FakeEngine(fails_for(37)), batch_size=32)
    run.start()
    run.wait(LONG)
    assert run.results.counts[:2] == (99, 1) and run.results.state[37] == FAILED
    assert run.results.reason(37) == "the model failed: cannot digest cell 37"
    assert run.state()["failures"] == [{"reason": "the model failed: cannot digest cell 37", "cells": 1}]


def test_the_very_first_cell_may_be_the_bad_one() -> None:
    run = made(dataset(40), FakeEngine(fails_for(0, 1)), batch_size=8)
    run.start()
    run.wait(LONG)
    assert run.results.counts[:2] == (38, 2)


def test_an_engine_that_raises_once_loses_nothing() -> None:
    adata, raised = dataset(100), []

    def once(batch: Batch) -> None:
        if 50 in batch.rows and not raised:
            raised.append(True)
            raise RuntimeError("a hiccup")

    run = made(adata, FakeEngine(once), batch_size=20)
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)


@pytest.mark.parametrize("after", [0, 30])
def test_an_engine_that_breaks_fails_the_run_which_can_go_on(after: int) -> None:
    adata, broken = dataset(100), threading.Event()

    def breaks(batch: Batch) -> None:
        if batch.rows[0] >= after:
            broken.set()
        if broken.is_set():
            raise RuntimeError("no more")

    engine = FakeEngine(breaks)
    run = made(adata, engine, batch_size=10)
    run.start()
    with pytest.raises(RunError, match=r"does not run: no more\. What is done is kept"):
        run.wait(LONG)
    state = run.state()
    assert state["status"] == "failed" and state["problem"] is not None
    assert run.results.counts == (after, 0, after), "cells that an engine cannot run are not to blame"
    engine.before = None
    run.resume()
    run.wait(LONG)
    check_all_right(run, adata)
    assert run.state()["problem"] is None


def test_running_out_of_memory_makes_smaller_batches() -> None:
    def small(batch: Batch) -> None:
        if len(batch) > 12:
            raise MemoryError

    adata, engine = dataset(2_000), FakeEngine(small)  # more than is read ahead
    run = made(adata, engine, batch_size=64)
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    assert max(engine.sizes[-5:]) <= 12


def test_outputs_that_are_not_numbers_fail_their_cells() -> None:
    class Dizzy(FakeEngine):
        def run(self, batch: Batch) -> ResultBatch:
            result = super().run(batch)
            for name, row in (("logits", 3), ("embedding", 5), ("xy", 8)):
                result.outputs[name][batch.rows == row] = np.nan
            return result

    run = made(dataset(30), Dizzy())
    run.start()
    run.wait(LONG)
    assert np.flatnonzero(run.results.state == FAILED).tolist() == [3, 5, 8]
    assert run.results.failures == {"the model's output is not a number": 3}


def test_an_engine_that_leaves_cells_out_is_found_out() -> None:
    class Forgetful(FakeEngine):
        def run(self, batch: Batch) -> ResultBatch:
            keep = batch.rows != 4
            return ResultBatch(batch.rows[keep], fake_outputs(dense(batch)[keep]))

    run = made(dataset(20), Forgetful())
    run.start()
    run.wait(LONG)
    assert run.results.counts[:2] == (19, 1) and run.results.state[4] == FAILED


def test_cells_that_cannot_be_read_have_their_reason() -> None:
    adata = dataset(60)
    adata.X = adata.X.toarray()
    adata.X[7] = 0
    run = made(adata, FakeEngine(), batch_size=1)
    run.start()
    run.wait(LONG)
    assert run.results.counts[:2] == (59, 1)
    assert run.results.reason(7) == "the cell has no counts"


def test_when_every_cell_fails_the_run_says_so() -> None:
    run, done = made(dataset(5), FakeEngine(), on_done=lambda: pytest.fail("nothing to write")), []
    run._cells.read = lambda start, stop: (  # type: ignore[method-assign]
        Batch(np.empty(0, np.int64), np.empty((0, 1), np.int32), np.empty((0, 1), np.float32)),
        dict.fromkeys(range(start, stop), "the cell has no counts"),
    )
    run.start()
    with pytest.raises(RunError, match="all 5 cells failed"):
        run.wait(LONG)
    assert not done and run.results.counts == (0, 5, 0)


@pytest.mark.parametrize(
    ("where", "words"), [("load", "The run failed: OSError: gone"), ("record", "The run failed: ValueError")]
)
def test_errors_elsewhere_fail_the_run_in_words(where: str, words: str) -> None:
    class Odd(FakeEngine):
        def load(self) -> None:
            if where == "load":
                raise OSError("gone")

        def run(self, batch: Batch) -> ResultBatch:
            return ResultBatch(batch.rows, {"logits": np.zeros((len(batch), 99), np.float32)})

    run = made(dataset(10), Odd())
    run.start()
    with pytest.raises(RunError, match=words):
        run.wait(LONG)


def test_observers_that_raise_are_logged_and_harm_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def raises() -> None:
        raise RuntimeError("an observer's own trouble")

    adata = dataset(40)
    run = made(adata, FakeEngine(), on_change=raises)
    run.start()
    run.wait(LONG)
    check_all_right(run, adata)
    assert "an observer of the run raised" in caplog.text


def test_the_end_is_written_and_told_of() -> None:
    states: list[str] = []
    run = made(dataset(10), FakeEngine(), on_done=lambda: states.append(run.status) or "cw_label")
    run.start()
    run.wait(LONG)
    assert states == ["running"] and run.state()["written"] == "cw_label"


def test_a_writer_that_raises_becomes_a_note() -> None:
    def refuses() -> str:
        raise ValueError("obs_names changed during the run")

    adata = dataset(10)
    run = made(adata, FakeEngine(), on_done=refuses)
    run.start()
    run.wait(LONG)
    assert run.state()["notes"] == ["Nothing was written to the AnnData: obs_names changed during the run"]
    assert run.state()["written"] is None
    check_all_right(run, adata)


def test_wait_for_too_short_a_time_leaves_the_run_going() -> None:
    gate = Gate()
    run = made(dataset(20), FakeEngine(gate))
    run.start()
    with pytest.raises(TimeoutError, match="goes on"):
        run.wait(0.05)
    assert run.status == "running"
    gate.open()
    run.wait(LONG)
    assert run.status == "done"


# ── the AnnData changes under it ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["log1p", "filter_cells", "replace X"])
def test_results_are_those_of_the_start_whatever_is_done_to_the_anndata(what: str) -> None:
    adata, gate = dataset(500), Gate()
    start = adata.copy()
    run = made(adata, FakeEngine(gate), batch_size=10)
    run.start()
    gate.await_batch()
    run._cells._thread.join()  # type: ignore[union-attr]  # reading is ahead of inference
    if what == "log1p":
        np.log1p(adata.X.data, out=adata.X.data)  # as scanpy.pp.log1p does
    elif what == "filter_cells":
        adata._inplace_subset_obs(np.asarray(adata.X.sum(axis=1)).ravel() >= 12)  # as scanpy.pp.filter_cells does
        assert adata.n_obs < 500
    else:
        adata.X = adata.X * 0
    gate.open()
    run.wait(LONG)
    check_all_right(run, start)


def test_values_altered_before_they_are_read_fail_the_run_clearly() -> None:
    adata, gate = dataset(2_000), Gate()
    run = made(adata, FakeEngine(gate), batch_size=10)
    run._cells.start = lambda: None  # type: ignore[method-assign]  # read as it comes
    run.start()
    gate.await_batch()
    adata.X.data *= 3
    gate.open()
    with pytest.raises(RunError, match="changed while"):
        run.wait(LONG)
    done = run.results.state == DONE
    assert 0 < done.sum() < 2_000
    np.testing.assert_array_equal(run.results.label[done], labels(dataset(2_000).X.toarray())[done])


# ── any sequence of orders ───────────────────────────────────────────────────────────────────────


class Orders(RuleBasedStateMachine):
    """Whatever is ordered in whatever order, cells are run once, and none is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.adata, self.gate = dataset(90), Gate()
        self.engine = FakeEngine(self.gate)
        self.run = made(self.adata, self.engine, batch_size=7)

    @rule()
    def start(self) -> None:
        self.run.start()

    @rule()
    def pause(self) -> None:
        self.run.pause()

    @rule()
    def resume(self) -> None:
        self.run.resume()

    @rule()
    def stop(self) -> None:
        self.run.stop()

    @rule(batches=st.integers(1, 4))
    def let(self, batches: int) -> None:
        self.gate.let(batches)

    @precondition(lambda self: self.run.status == "running")
    @rule()
    def await_batch(self) -> None:
        self.gate.let(1)
        self.gate.await_batch()

    @invariant()
    def counts_agree(self) -> None:
        state = self.run.state()
        assert state["done"] + state["failed"] <= state["total"] == 90
        assert state["problem"] is None

    def teardown(self) -> None:
        self.gate.open()
        self.run.start()
        self.run.wait(LONG)
        check_all_right(self.run, self.adata)
        assert sum(self.engine.sizes) == 90
        assert self.engine.loaded >= 1


TestOrders = Orders.TestCase
TestOrders.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
