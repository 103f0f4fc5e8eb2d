"""The link to the pages: what they are sent, in which order, and that none can stall or break it."""

from __future__ import annotations

import base64
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cellwidget.batch import SparseBatch
from cellwidget.channel import Channel, pages, sender
from cellwidget.engines.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cellwidget.engines.packing import Packed

N_OBS = 1_000


COLUMNS = ("state", "xy", "label", "score", "second", "second_score", "obs:n")


class FakeFeed:
    """A run of `N_OBS` cells whose label is the row number modulo 7."""

    port: Any = None
    streamed = COLUMNS[:-1]

    def __init__(self, run: str = "r1", n: int = N_OBS) -> None:
        self.run, self.n = run, n
        self.log: list[int] = []
        self.status = "running"
        self.chosen = b"\0" * ((n + 7) // 8)
        self.unready: set[str] = set()

    def schema(self) -> dict[str, Any]:
        return {"run": self.run, "n": self.n, "columns": [{"id": column} for column in COLUMNS]}

    def state(self) -> dict[str, Any]:
        base = {
            "run": self.run,
            "status": self.status,
            "engine": "kernel",
            "phase": "",
            "done": len(self.log),
            "failed": 0,
        }
        return base | {"placed": 0, "log": len(self.log), "notes": [], "problem": None}

    def since(self, position: int, limit: int) -> tuple[np.ndarray, int]:
        rows = self.log[position : position + limit]
        return np.unique(np.array(rows, dtype=np.uint32)), position + len(rows)

    def read(self, column: str, rows: np.ndarray) -> np.ndarray:
        assert column in COLUMNS, "nobody was told of this one"
        return (rows % 7).astype("u1") if column in ("state", "label", "second") else rows.astype("f4")

    def length(self, column: str) -> int | None:
        return {"obs:n": self.n, "cell": self.n}.get(column)

    def ready(self, column: str) -> bool:
        return column not in self.unready

    def piece(self, column: str, start: int, stop: int) -> tuple[str, list[bytes]]:
        if column == "cell":
            texts = [f"cell-{row}".encode() for row in range(start, stop)]
            return "u4", [np.cumsum([0, *map(len, texts)]).astype("u4").tobytes(), b"".join(texts)]
        return "f4", [np.arange(start, stop, dtype="f4").tobytes()]

    def selection(self) -> tuple[bytes, int]:
        return self.chosen, int(np.unpackbits(np.frombuffer(self.chosen, "u1")).sum())


class FakePort:
    """Lends one batch of two cells to whoever asks."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.lent = False

    def equipment(self, name: str) -> dict[str, Any]:
        return {"assets": {}}

    def asset(self, name: str) -> bytes | None:
        return b"\x01" * 100 if name == "wasm" else None

    def pull(self, name: str, demand: Any) -> None:
        self.told.append(("pull", name, demand["room"]))

    def lend(self, name: str) -> tuple[int, Packed] | None:
        if self.lent or not self.told:
            return None
        self.lent = True
        rows, indptr = np.arange(2), np.array([0, 1, 3], np.uint32)
        genes, counts = np.array([1, 2, 3], np.uint16), np.array([5, 1, 7], np.uint8)
        cells = SparseBatch(rows, indptr, genes, counts, total=np.array([5, 8], np.float32))
        return 2, Packer(np.arange(4, dtype=np.int32)).pack(cells)

    def take(self, name: str, lease: int, outputs: Any, failed: Any) -> None:
        if lease != 2:
            raise ValueError("not lent")
        self.told.append(("take", name, {key: values.tolist() for key, values in outputs.items()}, failed))

    def gave_up(self, name: str, title: str, detail: str) -> None:
        self.told.append(("gave up", name, title, detail))

    def left(self, name: str) -> None:
        self.told.append(("left", name))


class FakePage:
    """A page that keeps what it is sent, and acknowledges if told to."""

    def __init__(self, channel: Channel, name: str = "p", *, acks: bool = True, transport: str = "binary") -> None:
        self.channel, self.name, self.acks, self.transport = channel, name, acks, transport
        self.got: list[tuple[dict[str, Any], list[bytes]]] = []
        self.labels: dict[int, int] = {}
        self.position = 0

    def say(self, buffers: list[bytes] | None = None, **message: Any) -> None:
        self.channel.receive({"page": self.name, **message}, buffers or [])

    def hello(self, run: str | None = None, position: int = 0) -> None:
        self.say(type="hello", protocol=1, transport=self.transport, run=run, position=position)

    def take(self, header: dict[str, Any], buffers: list[bytes]) -> None:
        self.got.append((header, buffers))
        if header["type"] == "schema":
            self.position = 0
        if header["type"] == "rows":
            assert header["from"] <= self.position, "a gap"
            self.position = header["to_position"]
            rows = np.frombuffer(buffers[0], "u4")
            at = [column["id"] for column in header["columns"]].index("label")
            self.labels |= dict(zip(rows.tolist(), np.frombuffer(buffers[at + 1], "u1").tolist(), strict=True))
        if self.acks and "seq" in header:
            threading.Thread(target=self.say, kwargs={"type": "ack", "seq": header["seq"]}).start()

    def kinds(self) -> list[str]:
        return [header["type"] for header, _ in self.got]


class Desk:
    """Answers what pages ask."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.selected: list[tuple[bytes, str]] = []
        self.asked: list[tuple[Any, Any]] = []
        self.forgotten: list[tuple[str, int | None]] = []

    def order(self, name: str) -> None:
        if name == "resume":
            raise RuntimeError("nothing to resume")
        self.orders.append(name)

    def select(self, bits: bytes, page: str) -> None:
        self.selected.append((bits, page))

    def inspect(self, row: int) -> Any:
        return {"row": row}

    def explain_to(self, question: Any, answer: Any) -> None:
        if question["of"] == "selection":
            raise ValueError("nothing is selected")
        self.asked.append((question, answer))

    def forget(self, page: str, question: int | None) -> None:
        self.forgotten.append((page, question))


class Net:
    """A channel, its pages, and what was published."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.pages: list[FakePage] = []
        self.published: list[Any] = []
        self.fail = False
        self.channel = Channel(self._send, self.desk, self.published.append)

    def _send(self, header: dict[str, Any], buffers: Any) -> None:
        if self.fail:
            raise OSError("the socket is gone")
        raw = [bytes(buffer) for buffer in buffers or []]
        for page in self.pages:
            if header["to"] in (None, page.name):
                page.take(header, raw)

    def page(self, name: str = "p", **how: Any) -> FakePage:
        self.pages.append(FakePage(self.channel, name, **how))
        return self.pages[-1]


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    monkeypatch.setattr(sender, "MESSAGE_GAP", 0.0)
    monkeypatch.setattr(sender, "FRAME_GAP", 0.0)
    net = Net()
    yield net
    net.channel.close()


def until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        threading.Event().wait(0.005)


def test_a_page_before_during_and_after_the_run_holds_the_same(net: Net) -> None:
    feed, rng = FakeFeed(), np.random.default_rng(0)
    early, order = net.page("early"), rng.permutation(N_OBS).tolist()
    early.hello()
    net.channel.show(feed)
    early.hello()
    for start in range(0, N_OBS, 50):
        if start == 500:
            middle = net.page("middle")
            middle.hello()
        feed.log += order[start : start + 50]
        net.channel.changed()
    feed.status = "done"
    late = net.page("late")
    late.hello()
    for page in (early, middle, late):
        until(lambda page=page: len(page.labels) == N_OBS, f"{page.name} is complete")
        assert page.labels == {row: row % 7 for row in range(N_OBS)}
        assert page.kinds()[0] == "schema"


def test_a_hello_with_a_position_gets_only_what_changed_since(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    feed.log = list(range(100))
    net.channel.show(feed)
    page.position = 60
    page.take = lambda header, buffers: page.got.append((header, buffers))  # type: ignore[method-assign]
    page.hello(run="r1", position=60)
    until(lambda: "rows" in page.kinds(), "rows")
    header, buffers = next(item for item in page.got if item[0]["type"] == "rows")
    assert (header["from"], header["to_position"]) == (60, 100)
    assert np.frombuffer(buffers[0], "u4").tolist() == list(range(60, 100))


def test_a_page_that_does_not_read_gets_one_window_and_then_the_rest(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "WINDOW", 2_000)
    monkeypatch.setattr(sender, "FRAME_ROWS", 50)
    feed, slow, quick = FakeFeed(), net.page("slow", acks=False), net.page("quick")
    feed.log = list(range(N_OBS))
    net.channel.show(feed)
    slow.hello()
    quick.hello()
    until(lambda: len(quick.labels) == N_OBS, "the other page is served meanwhile")
    frames = [header["seq"] for header, _ in slow.got if header["type"] == "rows"]
    assert 1 <= len(frames) <= 3
    assert len(slow.labels) < N_OBS
    slow.acks = True
    slow.say(type="ack", seq=frames[-1])
    until(lambda: len(slow.labels) == N_OBS, "the rest comes with credit")


def test_columns_come_in_pieces_that_fit_together(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "TEXT_ROWS", 64)
    monkeypatch.setattr(sender, "PIECE", 1_024)
    net.channel.show(FakeFeed())
    page = net.page()
    page.hello()
    page.say(type="want", column="obs:n", start=0)
    page.say(type="want", column="cell", start=900)

    def pieces(column: str) -> list[tuple[dict[str, Any], list[bytes]]]:
        return [item for item in page.got if item[0].get("column") == column]

    until(lambda: sum(header["count"] for header, _ in pieces("obs:n")) == N_OBS, "obs:n")
    until(lambda: sum(header["count"] for header, _ in pieces("cell")) == 100, "cell from 900 on")
    values = np.concatenate([np.frombuffer(buffers[0], "f4") for _, buffers in pieces("obs:n")])
    assert values.tolist() == list(range(N_OBS))
    assert pieces("cell")[0][0]["start"] == 900
    assert len(pieces("obs:n")) > 1


def test_long_texts_come_in_smaller_pieces(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PIECE", 1_000)
    monkeypatch.setattr(sender, "MOST", 4_000)
    net.channel.show(FakeFeed())
    page = net.page()
    page.hello()
    page.say(type="want", column="cell", start=0)

    def pieces() -> list[tuple[dict[str, Any], list[bytes]]]:
        return [item for item in page.got if item[0].get("column") == "cell"]

    until(lambda: sum(header["count"] for header, _ in pieces()) == N_OBS, "all names")
    assert all(sum(map(len, buffers)) <= 4_000 for _, buffers in pieces())
    starts = [header["start"] for header, _ in pieces()]
    assert starts == [0, *np.cumsum([header["count"] for header, _ in pieces()])[:-1]]


def test_a_new_run_starts_every_page_again(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    feed.log = list(range(10))
    net.channel.show(feed)
    page.hello()
    until(lambda: len(page.labels) == 10, "the first run")
    again = FakeFeed("r2", n=20)
    again.log = [3]
    net.channel.show(again)
    until(lambda: page.got[-1][0].get("run") == "r2", "rows of the second run")
    assert [header["schema"]["run"] for header, _ in page.got if header["type"] == "schema"] == ["r1", "r2"]


def test_commands_selections_and_look_ups(net: Net) -> None:
    net.channel.show(FakeFeed())
    one, two = net.page("one"), net.page("two")
    one.hello()
    two.hello()
    one.say(type="command", id=1, name="pause")
    one.say(type="command", id=2, name="resume")
    one.say(type="inspect", id=3, row=5)
    bits = np.packbits(np.arange(N_OBS) < 3, bitorder="little").tobytes()
    one.say(buffers=[bits], type="select", id=4, count=3)
    until(lambda: len([kind for kind in one.kinds() if kind in ("reply", "error")]) == 4, "answers")
    answers = {header["id"]: header for header, _ in one.got if header["type"] in ("reply", "error")}
    assert net.desk.orders == ["pause"]
    assert answers[1]["value"] is None
    assert answers[2]["message"] == "nothing to resume"
    assert answers[3]["value"] == {"row": 5}
    assert net.desk.selected == [(bits, "one")]


def test_a_selection_reaches_the_other_pages_and_later_ones(net: Net) -> None:
    feed, one, two = FakeFeed(), net.page("one"), net.page("two")
    net.channel.show(feed)
    one.hello()
    two.hello()
    until(lambda: "schema" in one.kinds() and "schema" in two.kinds(), "both are here")
    feed.chosen = np.packbits(np.arange(N_OBS) == 9, bitorder="little").tobytes()
    net.channel.selected("one")
    until(lambda: "selection" in two.kinds(), "the other page hears")
    late = net.page("late")
    late.hello()
    until(lambda: "selection" in late.kinds(), "a later page hears")
    header, buffers = next(item for item in late.got if item[0]["type"] == "selection")
    assert (header["count"], header["page"], buffers[0]) == (1, "one", feed.chosen)
    assert "selection" not in one.kinds(), "its own does not come back"


def test_base64_where_binary_is_slow(net: Net) -> None:
    feed, page = FakeFeed(), net.page(transport="base64")
    feed.log = [5]
    net.channel.show(feed)
    page.take = lambda header, buffers: page.got.append((header, buffers))  # type: ignore[method-assign]
    page.hello()
    until(lambda: "rows" in page.kinds(), "rows")
    header, buffers = next(item for item in page.got if item[0]["type"] == "rows")
    assert buffers == []
    assert np.frombuffer(base64.b64decode(header["b64"][0]), "u4").tolist() == [5]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "want", "column": "obs:secret", "start": 0}, "there is no column 'obs:secret'"),
        ({"type": "want", "column": "obs:n", "start": N_OBS + 1}, "the column has 1000 rows"),
        ({"type": "inspect", "id": 1, "row": N_OBS}, "there are 1000 cells"),
        ({"type": "nonsense"}, "unknown message type"),
    ],
)
def test_a_bad_message_is_answered_and_the_run_goes_on(net: Net, message: dict[str, Any], words: str) -> None:
    feed, page = FakeFeed(), net.page()
    net.channel.show(feed)
    page.hello()
    page.say(**message)
    assert words in next(header["message"] for header, _ in page.got if header["type"] == "error")
    feed.log += [1, 2]
    net.channel.changed()
    until(lambda: len(page.labels) == 2, "rows go on")


def test_a_stranger_is_asked_to_introduce_himself(net: Net) -> None:
    net.channel.show(FakeFeed())
    page = net.page()
    page.say(type="ack", seq=1)
    assert page.got[0][0]["message"] == "say hello first"


def test_a_socket_that_fails_once_is_not_the_end(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    net.channel.show(feed)
    net.fail = True
    page.hello()
    feed.log += [1]
    net.channel.changed()
    until(lambda: net.published != [], "the thread lives")
    net.fail = False
    page.hello()
    until(lambda: len(page.labels) == 1, "all is sent again")


def test_pages_that_went_away_are_forgotten(net: Net) -> None:
    net.channel.show(FakeFeed())
    for number in range(pages.MAX_PAGES + 5):
        net.page(f"p{number}").hello()
    assert len(net.channel._pages.all()) == pages.MAX_PAGES
    net.pages[-1].say(type="bye")
    assert len(net.channel._pages.all()) == pages.MAX_PAGES - 1


def test_closing_lets_go(net: Net) -> None:
    net.channel.show(FakeFeed())
    thread = net.channel._sender._thread
    assert thread is not None
    net.channel.close()
    thread.join(5)
    assert not thread.is_alive()
    assert net.channel._sender.feed is None
    net.page().hello()


def test_what_is_sent_has_the_shape_of_the_shared_cases(net: Net) -> None:
    """`js/src/session/parse.test.ts` parses these same cases, so both sides agree on every field."""
    path = Path(__file__).parents[1] / "data" / "messages" / "from_kernel.json"
    cases = {case["message"]["type"]: case for case in json.loads(path.read_text()) if case["valid"]}
    feed, page = FakeFeed(), net.page()
    feed.port = FakePort()
    feed.log = [1, 3]
    net.channel.show(feed)
    net.channel.selected(None)
    page.hello()
    page.say(type="want", column="cell", start=0)
    page.say(type="command", id=1, name="pause")
    page.say(type="command", id=2, name="resume")
    page.say(type="explain", id=3, of="class", code=1, row=None, method="attention")
    net.desk.asked[0][1].progress(0.5)
    page.say(type="pull", run="r1", room=2, leases=[], seen=0, workers=1, backend=None)
    feed.chosen = b"\x03" + feed.chosen[1:]
    net.channel.selected(None)
    until(lambda: set(page.kinds()) == set(cases), f"every kind in {sorted(cases)}")
    for header, buffers in page.got:
        case = cases[header["type"]]
        assert header.keys() == case["message"].keys()
        assert bool(buffers) == bool(case.get("buffers"))


def test_a_page_that_computes_is_equipped_lent_cells_and_heard(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    port = feed.port = FakePort()
    net.channel.show(feed)
    page.hello()
    page.say(type="equip", id=1)
    page.say(type="pull", run="r1", room=64, leases=[], seen=0, workers=2, backend="wasm")
    until(lambda: "cells" in page.kinds(), "cells")
    (header, buffers) = next(got for got in page.got if got[0]["type"] == "cells")
    assert (header["lease"], header["n"], header["counts"], header["extras"]) == (2, 2, "nibbles", ["total"])
    kinds = ("u4", "u1", "u4", "u1", "u2", "f4")
    values = [np.frombuffer(raw, kind).tolist() for raw, kind in zip(buffers, kinds, strict=True)]
    assert values == [[0, 1, 3], [1, 2, 0], [], [4, 6], [], [5.0, 8.0]]
    outputs = [{"name": "logits", "width": 2, "dtype": "f4"}]
    told = {"type": "results", "run": "r1", "lease": 2, "outputs": outputs, "failed": [[1, "x"]]}
    raw = np.array([1, 2], np.float32).tobytes()
    page.say([memoryview(raw)], id=2, **told)
    page.say(id=3, b64=[base64.b64encode(raw).decode()], **told)
    page.say(type="gave_up", id=4, run="r1", title="No", detail="SIMD")
    page.say(type="results", id=5, run="another", lease=9, outputs=[], failed=[])
    page.say(type="bye")
    taken = ("take", "p", {"logits": [[1.0, 2.0]]}, [[1, "x"]])
    assert port.told == [("pull", "p", 64), taken, taken, ("gave up", "p", "No", "SIMD"), ("left", "p")]
    replies = [header["id"] for header, _ in page.got if header["type"] == "reply"]
    assert replies == [1, 2, 3, 4, 5], "what comes too late is acknowledged too"


@pytest.mark.parametrize(
    ("change", "raw", "words"),
    [
        ({"lease": 7}, b"\0" * 8, "not lent"),
        ({}, b"\0" * 7, "no rows of 2"),
        ({"outputs": [{"name": "logits", "width": 0, "dtype": "f4"}]}, b"\0" * 8, "no rows of 0"),
        ({"outputs": []}, b"\0" * 8, "bring 1"),
        ({"b64": ["?"]}, b"", "base64"),
        ({"b64": [7]}, b"", "base64"),
    ],
)
def test_results_that_are_none_are_refused(net: Net, change: dict[str, Any], raw: bytes, words: str) -> None:
    feed, page = FakeFeed(), net.page()
    feed.port = FakePort()
    net.channel.show(feed)
    page.hello()
    message = {"run": "r1", "lease": 2, "outputs": [{"name": "logits", "width": 2, "dtype": "f4"}], "failed": []}
    page.say([memoryview(raw)], type="results", id=1, **(message | change))
    (error,) = [header for header, _ in page.got if header["type"] == "error"]
    assert error["id"] == 1 and words in error["message"]


def test_results_are_numbers_of_the_kind_that_they_say(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    port = feed.port = FakePort()
    net.channel.show(feed)
    page.hello()
    values = {"attention": np.array([[0.5, 0]], "f4"), "attention_genes": np.array([[65_535, 0]], "u2")}
    values["other"] = np.array([[-7, 2**31 - 1]], "i4")
    outputs = [
        {"name": name, "width": 2, "dtype": f"{each.dtype.kind}{each.itemsize}"} for name, each in values.items()
    ]
    raw = [memoryview(each.tobytes()) for each in values.values()]
    page.say(raw, type="results", id=1, run="r1", lease=2, outputs=outputs, failed=[])
    ((_, _, taken, _),) = port.told
    assert taken == {name: each.tolist() for name, each in values.items()}


def test_messages_that_come_as_one_are_taken_one_by_one(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    port = feed.port = FakePort()
    net.channel.show(feed)
    page.hello()
    results = {"type": "results", "id": 1, "run": "r1", "lease": 2, "failed": []}
    first = results | {"outputs": [{"name": "logits", "width": 1, "dtype": "f4"}], "buffers": 1}
    second = results | {"id": 2, "outputs": [{"name": "xy", "width": 2, "dtype": "f4"}], "buffers": 1}
    bad = {"type": "ack", "seq": -1, "buffers": 0}
    pull = {"type": "pull", "run": "r1", "room": 9, "leases": [], "seen": 0, "workers": 1, "backend": "wasm"}
    raw = [np.array([5], np.float32).tobytes(), np.array([1, 2], np.float32).tobytes()]
    page.say(raw, type="many", messages=[first, bad, second, pull | {"buffers": 0}])
    assert port.told == [
        ("take", "p", {"logits": [[5.0]]}, []),
        ("take", "p", {"xy": [[1.0, 2.0]]}, []),
        ("pull", "p", 9),
    ]
    for messages in (None, [3], [{"type": "bye"}], [{"type": "bye", "buffers": 1}], [{"type": "bye", "buffers": True}]):
        before = page.kinds().count("error")
        page.say(type="many", messages=messages)
        assert page.kinds().count("error") == before + 1
    page.say(type="many", messages=[{"type": "many", "messages": [], "buffers": 0}])
    assert page.kinds()[-1] == "error", "no more than one level"


def test_a_model_that_is_not_run_on_pages_says_so(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    net.channel.show(feed)
    page.hello()
    page.say(type="equip", id=1)
    assert "not run on pages" in next(header["message"] for header, _ in page.got if header["type"] == "error")


def test_why_is_answered_later_with_progress_and_can_be_given_up(net: Net) -> None:
    page = net.page()
    net.channel.show(FakeFeed())
    page.hello()
    ask = {"type": "explain", "of": "class", "code": 1, "row": None, "method": "attention"}
    page.say(id=7, **ask)
    assert not {"reply", "error"}.intersection(page.kinds())
    ((question, answer),) = net.desk.asked
    assert question["code"] == 1
    answer.progress(0.5)
    answer.reply({"groups": []})
    told = [header for header, _ in page.got if header["type"] in ("progress", "reply")]
    assert [(header["type"], header["id"]) for header in told] == [("progress", 7), ("reply", 7)]
    assert told[0]["share"] == 0.5 and told[1]["value"] == {"groups": []}
    page.say(type="cancel", id=7)
    page.say(id=8, **ask | {"of": "selection"})
    (error,) = [header for header, _ in page.got if header["type"] == "error"]
    assert (error["id"], error["message"]) == (8, "nothing is selected")
    page.say(type="bye")
    assert net.desk.forgotten == [("p", 7), ("p", None)]


def test_a_column_that_is_not_ready_waits_and_holds_up_no_other(net: Net) -> None:
    feed, page = FakeFeed(), net.page()
    feed.unready.add("obs:n")
    net.channel.show(feed)
    page.hello()
    page.say(type="want", column="obs:n", start=0)
    page.say(type="want", column="cell", start=0)

    def columns() -> set[str]:
        return {header["column"] for header, _ in page.got if header["type"] == "column"}

    until(lambda: columns() == {"cell"}, "the other column")
    feed.unready.clear()
    net.channel.changed()
    until(lambda: columns() == {"cell", "obs:n"}, "the column")
