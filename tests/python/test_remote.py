"""Models from the web: downloaded once, whole or not at all, and there when the network is not."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import threading
import zipfile
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import cellwidget as cw
from cellwidget.bundle import Bundle, save_bundle
from cellwidget.registry import DownloadError, remote, resolve
from cellwidget.registry import download as downloading
from cellwidget.registry.web import Site, _Redirects

from .bundle_cases import GENES, MANIFEST, change, zipped
from .web_cases import COMMIT, LATER, Host, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPH = bytes(range(256)) * 400
SIMS = ("x.genes", "x.classes", "x.json", "x.onnx", "x-pumap.onnx", "x-mappings.bin", "x-labels.bin", "x-encodings.npy")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "CELLWIDGET_OFFLINE", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLWIDGET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def host() -> Iterator[Host]:
    with serving() as host:
        yield host


@pytest.fixture
def hub(host: Host, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("HF_ENDPOINT", host.address)
    host.add_repository("ann/tiny", COMMIT, folder)
    return host


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_bundle(tmp_path / "tiny", MANIFEST, GENES, {"model.onnx": GRAPH, "umap.onnx": b"another"})


@pytest.fixture
def sims(host: Host) -> str:
    for name in SIMS:
        host.files[f"/models/{name}"] = f"the {name}".encode()
    return f"{host.address}/models/x"


def load(address: str) -> Path:
    return resolve(address, progress=False)


def graph_of(address: str) -> bytes:
    bundle = Bundle.load(load(address))  # one of a zip lives as long as this
    return bundle.model_path.read_bytes()


def gone(host: Host) -> None:
    """Let every later request fail as if there were no network."""
    host.statuses |= dict.fromkeys([*host.files, *host.redirects], 503)


# ── bundles ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ["", "/", "/manifest.json"])
def test_a_bundle_is_loaded_from_its_folder(host: Host, folder: Path, ending: str) -> None:
    model = cw.load_model(host.add_folder("/models/tiny", folder) + ending, progress=False)
    assert model.bundle.sha256 == Bundle.load(folder).sha256


def test_only_named_files_are_asked_for_and_once(host: Host, folder: Path) -> None:
    (folder / "secret.txt").write_text("not of the bundle")
    address = host.add_folder("/tiny", folder)
    first = load(address)
    assert sorted(host.paths()) == [f"/tiny/{n}" for n in ("genes.txt", "manifest.json", "model.onnx", "umap.onnx")]
    assert load(address) == first
    assert host.paths() == ["/tiny/manifest.json"]
    assert not list(first.glob("secret*"))


def test_a_new_version_takes_only_what_changed_and_leaves_the_old_one_alone(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    first = load(address)
    host.paths()
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": b"a better graph", "umap.onnx": b"another"})
    host.add_folder("/tiny", folder)
    assert graph_of(address) == b"a better graph"
    assert host.paths() == ["/tiny/manifest.json", "/tiny/model.onnx"]
    assert Bundle.load(first).model_path.read_bytes() == GRAPH


def test_the_copy_serves_when_the_network_is_gone(host: Host, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    address = host.add_folder("/tiny", folder)
    first = load(address)
    gone(host)
    assert load(address) == first
    assert "cannot be had at the moment (503)" in caplog.text and "copy of an earlier load" in caplog.text


def test_the_copy_serves_when_the_host_is_gone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with serving() as host:
        first = load(address := host.add_folder("/tiny", folder))
    assert load(address) == first
    assert "cannot be reached" in caplog.text


def test_no_request_is_made_offline(
    host: Host, folder: Path, sims: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there = [load(address) for address in (host.add_folder("/tiny", folder), sims)]
    host.paths()
    monkeypatch.setenv("CELLWIDGET_OFFLINE", "1")
    assert [load(f"{host.address}/tiny"), load(sims)] == there
    with pytest.raises(DownloadError, match=r"/other is not in the cache, and CELLWIDGET_OFFLINE"):
        load(f"{host.address}/other")
    assert host.paths() == [] and caplog.text == ""


def test_nothing_cached_and_no_network_is_said() -> None:
    with serving() as host:
        pass
    with pytest.raises(DownloadError, match=r"/tiny/manifest\.json cannot be reached .*Look whether the network"):
        load(f"{host.address}/tiny")


def test_what_was_damaged_in_the_cache_is_downloaded_again(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    model = Bundle.load(load(address)).model_path
    model.write_bytes(GRAPH[:-1] + b"?")
    host.paths()
    assert graph_of(address) == GRAPH
    assert host.paths() == ["/tiny/manifest.json", "/tiny/model.onnx"]


def test_a_wrong_hash_is_refused_and_not_kept(host: Host, folder: Path, cache: Path) -> None:
    address = host.add_folder("/tiny", folder)
    host.files["/tiny/model.onnx"] = GRAPH[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"model\.onnx is not what its manifest says \(another sha256\)"):
        load(address)
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size == len(GRAPH)]


@pytest.mark.parametrize("content", [GRAPH[:-1], GRAPH + b"?"])
def test_a_wrong_length_is_refused(host: Host, folder: Path, content: bytes) -> None:
    address = host.add_folder("/tiny", folder)
    host.files["/tiny/model.onnx"] = content
    with pytest.raises(DownloadError, match=r"model\.onnx is not as long as its manifest says: 102,400 bytes"):
        load(address)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "c:\\x", "a\nb"])
def test_a_manifest_that_leads_out_of_the_folder_is_refused(host: Host, folder: Path, name: str) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change(folder, files=files | {name: {"sha256": "0" * 64, "size": 1}})
    address = host.add_folder("/tiny", folder)
    with pytest.raises(DownloadError, match=r"is no bundle: .*outside of itself"):
        load(address)
    assert host.paths() == ["/tiny/manifest.json"]


def test_a_manifest_of_more_than_a_model_is_refused(host: Host, folder: Path) -> None:
    files = json.loads((folder / "manifest.json").read_text())["files"]
    change(folder, files=files | {"x": {"sha256": "0" * 64, "size": 2**40}})
    with pytest.raises(DownloadError, match="larger than a model can be"):
        load(host.add_folder("/tiny", folder))


@pytest.mark.parametrize("chunked", [True, False])
def test_a_manifest_without_end_is_not_downloaded(
    host: Host, monkeypatch: pytest.MonkeyPatch, cache: Path, chunked: bool
) -> None:
    monkeypatch.setattr(remote, "MOST_MANIFEST_BYTES", 1_000)
    host.files["/tiny/manifest.json"], host.chunked = b"{" * 3_000_000, chunked
    with pytest.raises(DownloadError, match=r"manifest\.json is larger than such a file can be"):
        load(f"{host.address}/tiny")
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 1_000]


def test_what_is_no_model_is_said(host: Host) -> None:
    host.files["/page/manifest.json"] = b"<html>"
    host.types["/page/manifest.json"] = "text/html; charset=utf-8"
    for path in ("/nothing", "/page"):
        with pytest.raises(
            DownloadError, match=rf"no model at http.*{path}: neither manifest\.json .* nor .*\.classes"
        ):
            load(host.address + path)
    host.files["/odd/manifest.json"] = b"[]"
    with pytest.raises(DownloadError, match="/odd is no bundle"):
        load(f"{host.address}/odd")


def test_a_denied_file_is_said(host: Host) -> None:
    host.token = "of somebody else"
    with pytest.raises(DownloadError, match=r"may not be read \(401\).*Download it in a browser"):
        load(f"{host.address}/tiny")


def test_a_downloaded_model_is_not_altered_in_place(host: Host, folder: Path, tmp_path: Path) -> None:
    model = cw.load_model(host.add_folder("/tiny", folder), progress=False)
    with pytest.raises(ValueError, match=r"from the web, which all notebooks share.*Make a copy"):
        model.save(model.bundle.folder, overwrite=True)
    assert cw.load_model(model.save(tmp_path / "mine")).genes == GENES


# ── cut off, and gone on with ────────────────────────────────────────────────────────────────────


def ranges_of(host: Host, path: str) -> list[str | None]:
    return [headers.get("Range") for asked, headers in host.asked if asked == path]


def test_a_cut_off_file_goes_on_by_itself(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    host.cuts["/tiny/model.onnx"] = [5_000, 7_000]
    assert graph_of(address) == GRAPH
    assert ranges_of(host, "/tiny/model.onnx") == [None, "bytes=5000-", "bytes=12000-"]


def test_a_host_that_does_not_tell_lengths(host: Host, folder: Path, sims: str) -> None:
    host.chunked = True
    address = host.add_folder("/tiny", folder)
    host.cuts = {"/tiny/model.onnx": [5_000], "/models/x.genes": [3]}
    assert graph_of(address) == GRAPH
    assert (load(sims).parent / "x.genes").read_bytes() == b"the x.genes"


def cut_off(host: Host, folder: Path) -> str:
    """Leave a part of the graph in the cache."""
    address = host.add_folder("/tiny", folder)
    host.cuts["/tiny/model.onnx"] = [50_000, 0]
    with pytest.raises(DownloadError, match=r"cut off after [0-9,]+ of 102,400 bytes\. Load it again"):
        load(address)
    host.asked.clear()
    return address


@pytest.mark.parametrize("mark", ["ETag", "Last-Modified"])
def test_a_cut_off_download_goes_on_at_the_next_load(host: Host, folder: Path, mark: str) -> None:
    host.marks = (mark,)
    address = cut_off(host, folder)
    assert graph_of(address) == GRAPH
    assert ranges_of(host, "/tiny/model.onnx") == ["bytes=50000-"]
    assert "/tiny/genes.txt" not in host.paths(), "what came whole is not asked for again"


def test_a_host_without_ranges_begins_again(host: Host, folder: Path) -> None:
    host.ranges = False
    assert graph_of(cut_off(host, folder)) == GRAPH


def test_a_part_of_an_older_file_is_not_gone_on_with(host: Host, folder: Path) -> None:
    address = cut_off(host, folder)
    newer = bytes(reversed(GRAPH))
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": newer, "umap.onnx": b"another"})
    host.add_folder("/tiny", folder)
    assert graph_of(address) == newer


def test_a_mixed_file_is_found_out_and_loaded_afresh(host: Host, folder: Path) -> None:
    host.marks = ()  # nothing tells that the file has changed
    address = cut_off(host, folder)
    newer = bytes(reversed(GRAPH))
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": newer, "umap.onnx": b"another"})
    host.add_folder("/tiny", folder)
    assert graph_of(address) == newer
    assert ranges_of(host, "/tiny/model.onnx") == ["bytes=50000-", None]


def test_a_newer_version_that_is_cut_off_leaves_the_old_one(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    first = load(address)
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": GRAPH + b"more", "umap.onnx": b"another"})
    host.add_folder("/tiny", folder)
    host.cuts["/tiny/model.onnx"] = [50_000, 0]
    assert load(address) == first
    assert graph_of(address) == GRAPH + b"more"


# ── zips and sims-web ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", ["", "?download=1"])
def test_a_zip_is_asked_for_again_only_if_it_changed(host: Host, folder: Path, tmp_path: Path, query: str) -> None:
    zipped(folder, tmp_path / "a.zip", inside="a/")
    host.files[f"/a.zip{query}"] = (tmp_path / "a.zip").read_bytes()
    address = f"{host.address}/a.zip{query}"
    first = load(address)
    assert graph_of(address) == GRAPH
    assert load(address) == first
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": b"a better graph", "umap.onnx": b"another"})
    host.files[f"/a.zip{query}"] = zipped(folder, tmp_path / "a.zip").read_bytes()
    assert graph_of(address) == b"a better graph"


def test_a_damaged_zip_is_downloaded_again(host: Host, folder: Path, tmp_path: Path) -> None:
    host.files["/a.zip"] = zipped(folder, tmp_path / "a.zip").read_bytes()
    load(f"{host.address}/a.zip").write_bytes(b"damaged")
    assert zipfile.is_zipfile(load(f"{host.address}/a.zip"))


def test_a_sims_web_model_is_a_folder_and_a_name(host: Host, sims: str) -> None:
    for name in SIMS[-2:]:
        del host.files[f"/models/{name}"]
    prefix = load(sims)
    assert prefix.name == "x"
    assert sorted(path.name for path in prefix.parent.iterdir()) == sorted(SIMS[:-2])
    assert (prefix.parent / "x.onnx").read_text() == "the x.onnx"
    assert load(f"{sims}.onnx") == prefix


def test_a_sims_web_model_runs(host: Host) -> None:
    weights = numpy_helper.from_array(np.eye(3, 2, dtype=np.float32), "w")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["cells", d]) for n, d in (("input", 3), ("logits", 2))]
    nodes = [helper.make_node("MatMul", ["input", "w"], ["logits"])]
    graph = helper.make_model(
        helper.make_graph(nodes, "a", ends[:1], ends[1:], [weights]),
        opset_imports=[helper.make_opsetid("", 12)],
        ir_version=8,
    )
    host.files |= {
        "/m/x.onnx": graph.SerializeToString(),
        "/m/x.genes": "\n".join(GENES).encode(),
        "/m/x.classes": b"B\nT",
    }
    model = cw.load_model(f"{host.address}/m/x", values="counts", progress=False)
    assert (model.genes, model.classes) == (GENES, ["B", "T"])


@pytest.mark.parametrize("conditions", [True, False])
def test_a_sims_web_model_is_checked_at_each_load(host: Host, sims: str, conditions: bool) -> None:
    host.conditions = conditions
    first = load(sims)
    assert load(sims) == first
    host.files["/models/x.classes"] = b"others"
    second = load(sims)
    assert (second.parent / "x.classes").read_bytes() == b"others"
    assert (second.parent / "x.onnx").read_bytes() == b"the x.onnx"
    assert (first.parent / "x.classes").read_bytes() == b"the x.classes"


def test_an_optional_file_that_went_away_is_gone_from_the_next_version(host: Host, sims: str) -> None:
    first = load(sims)
    del host.files["/models/x-pumap.onnx"]
    second = load(sims)
    assert (first.parent / "x-pumap.onnx").exists() and not (second.parent / "x-pumap.onnx").exists()


def test_a_host_that_tells_no_marks_is_asked_again_for_everything(host: Host, sims: str) -> None:
    host.marks = ()
    first = load(sims)
    assert load(sims) == first, "the same bytes are the same version"


def test_a_name_with_odd_characters_is_found(host: Host, sims: str) -> None:
    for name in SIMS:
        host.files[f"/models/{name.replace('x', 'a+b%20c', 1)}"] = host.files[f"/models/{name}"]
    assert load(f"{host.address}/models/a+b c").name == "a+b c"
    with pytest.raises(DownloadError, match="name"):
        load(f"{host.address}/models/..%2fx")


def test_a_sims_web_model_that_lacks_a_file_is_refused(host: Host, sims: str) -> None:
    del host.files["/models/x.onnx"]
    with pytest.raises(DownloadError, match=r"There is no .*/models/x\.onnx \(404\)"):
        load(sims)


# ── redirects ────────────────────────────────────────────────────────────────────────────────────


def test_redirects_are_followed(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    host.redirects["/tiny/model.onnx"] = "/elsewhere"
    host.files["/elsewhere"] = GRAPH
    assert graph_of(address) == GRAPH


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_to_other_schemes_are_refused(host: Host, target: str) -> None:
    host.redirects["/a.zip"] = target
    with pytest.raises(DownloadError, match=r"a\.zip"):
        load(f"{host.address}/a.zip")


def test_redirects_from_https_to_http_are_refused() -> None:
    redirects = _Redirects(Site("https://host", "a token"))
    asked = Request("https://host/m")
    with pytest.raises(DownloadError, match="https may not become http"):
        redirects.redirect_request(asked, None, 302, "", Message(), "http://host/m")
    followed = [
        redirects.redirect_request(asked, None, 302, "", Message(), f"https://{to}") for to in ("host/n", "h/n")
    ]
    assert [request.has_header("Authorization") for request in followed if request] == [True, False]


def test_redirects_in_a_circle_end(host: Host) -> None:
    host.redirects["/a.zip"] = "/a.zip"
    with pytest.raises(DownloadError, match=r"a\.zip was answered with status 302"):
        load(f"{host.address}/a.zip")


# ── Hugging Face ─────────────────────────────────────────────────────────────────────────────────


def test_a_hub_is_asked_for_the_commit_alone_once_it_is_there(hub: Host) -> None:
    first = load("hf://ann/tiny")
    assert Bundle.load(first).model_path.read_bytes() == GRAPH
    assert {path.split("/")[1] for path in hub.paths()} == {"api", "ann"}
    assert load("hf://ann/tiny") == first
    assert hub.paths() == ["/api/models/ann/tiny/revision/main"]


def test_a_commit_is_not_asked_for_again(hub: Host) -> None:
    first = load(f"hf://ann/tiny@{COMMIT}")
    hub.paths()
    assert load(f"hf://ann/tiny@{COMMIT}") == first
    assert hub.paths() == []


def test_a_revision_and_a_folder(hub: Host, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    shutil.copytree(folder, tmp_path / "repository" / "a" / "b")
    hub.add_repository("ann/many", LATER, tmp_path / "repository", revision="refs%2Fpr%2F1")
    assert graph_of("hf://ann/many@refs%2Fpr%2F1/a/b") == GRAPH


def test_a_sims_web_model_of_a_hub(hub: Host) -> None:
    for name in SIMS:
        hub.files[f"/ann/tiny/resolve/{COMMIT}/models/{name}"] = b"a file"
    assert load("hf://ann/tiny/models/x").name == "x"


def test_a_branch_that_moved_is_downloaded_and_the_commit_before_is_kept(hub: Host, folder: Path) -> None:
    load("hf://ann/tiny")
    save_bundle(folder, MANIFEST, GENES, {"model.onnx": b"a better graph", "umap.onnx": b"another"})
    hub.add_repository("ann/tiny", LATER, folder)
    assert graph_of("hf://ann/tiny") == b"a better graph"
    hub.paths()
    assert graph_of(f"hf://ann/tiny@{COMMIT}") == GRAPH
    assert hub.paths() == []


def test_a_branch_serves_when_the_hub_is_gone(hub: Host, caplog: pytest.LogCaptureFixture) -> None:
    first = load("hf://ann/tiny")
    gone(hub)
    assert load("hf://ann/tiny") == first
    assert "commit aaaaaaaaaa of an earlier load" in caplog.text


def test_a_branch_serves_offline(hub: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("hf://ann/tiny")
    hub.paths()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load("hf://ann/tiny") == first
    with pytest.raises(DownloadError, match=r"ann/tiny at v2 is not in the cache.*HF_HUB_OFFLINE"):
        load("hf://ann/tiny@v2")
    assert hub.paths() == []


def test_the_token_goes_to_the_hub_alone(hub: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as patch, serving() as store:
        patch.setenv("HF_TOKEN", "hf_secret")
        hub.token = "hf_secret"
        here = f"/ann/tiny/resolve/{COMMIT}"
        store.files["/blob"] = GRAPH
        hub.redirects[f"{here}/model.onnx"] = f"{store.address}/blob"
        hub.redirects[f"{here}/genes.txt"] = "/cached/genes.txt"
        hub.files["/cached/genes.txt"] = hub.files[f"{here}/genes.txt"]
        assert graph_of("hf://ann/tiny") == GRAPH
        assert [path for path, _ in store.asked] == ["/blob"]
        assert all("Authorization" not in headers for _, headers in store.asked)
        assert all(headers["Authorization"] == "Bearer hf_secret" for _, headers in hub.asked)
        store.add_folder("/plain", Path(load("hf://ann/tiny")))
        load(f"{store.address}/plain")
        assert all("Authorization" not in headers for _, headers in store.asked)


def test_a_private_repository_asks_for_a_token(hub: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.token = "hf_secret"
    with pytest.raises(DownloadError, match=r"\(401\).*ann/tiny is not there, is private.*set HF_TOKEN"):
        load("hf://ann/tiny")
    monkeypatch.setenv("HF_TOKEN", "hf_se\ncret")
    with pytest.raises(DownloadError, match="HF_TOKEN holds characters") as told:
        load("hf://ann/tiny")
    assert "cret" not in str(told.value)


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"no", b'{"sha": "../../../x"}', b'{"sha": 3}'])
def test_a_hub_that_names_no_commit_is_refused(hub: Host, answer: bytes) -> None:
    hub.files["/api/models/ann/tiny/revision/main"] = answer
    with pytest.raises(DownloadError, match="did not name a commit"):
        load("hf://ann/tiny")


# ── side by side, and a full disk ────────────────────────────────────────────────────────────────


def test_processes_that_load_at_once_share_one_download(host: Host, folder: Path) -> None:
    address = host.add_folder("/tiny", folder)
    code = f"from cellwidget.registry import resolve; print(resolve({address!r}, progress=False))"
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(found) == 1
    assert Bundle.load(found.pop()).model_path.read_bytes() == GRAPH
    assert host.paths().count("/tiny/model.onnx") == 1


def test_threads_that_load_at_once_share_one_download(host: Host, folder: Path) -> None:
    address, found = host.add_folder("/tiny", folder), []
    threads = [threading.Thread(target=lambda: found.append(load(address))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert host.paths().count("/tiny/model.onnx") == 1


def test_a_full_disk_is_said(host: Host, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = host.add_folder("/tiny", folder)
    usage = shutil.disk_usage(folder)._replace(free=100_000)
    with monkeypatch.context() as patch:
        patch.setattr(downloading.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(DownloadError, match=r"cache at .* is full .*102,400 bytes are needed.*CELLWIDGET_CACHE"):
            load(address)
    assert graph_of(address) == GRAPH


def test_a_cache_that_cannot_be_written_is_said(host: Host, folder: Path, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot be written .*another folder in CELLWIDGET_CACHE"):
        load(host.add_folder("/tiny", folder))


# ── the bar ──────────────────────────────────────────────────────────────────────────────────────


def test_the_bar_shows_while_something_is_downloaded(
    host: Host, folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    address = host.add_folder("/tiny", folder)
    resolve(address)
    shown = capsys.readouterr().err
    assert "tiny" in shown and "100%" in shown
    shutil.rmtree(folder)
    host.files = {f"/other{path.removeprefix('/tiny')}": content for path, content in host.files.items()}
    load(f"{host.address}/other")
    assert capsys.readouterr().err == ""
