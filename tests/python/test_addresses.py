"""Addresses as people write them: what they mean, and that none leads where it must not."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cellwidget.bundle import BundleError, inside
from cellwidget.registry import DownloadError
from cellwidget.registry.address import HubAddress, WebAddress


@pytest.mark.parametrize(
    ("written", "base", "query"),
    [
        ("https://host/m", "https://host/m", ""),
        (" https://host/m/ ", "https://host/m", ""),
        ("https://host/m/manifest.json", "https://host/m", ""),
        ("https://host:8080/a b+c.onnx", "https://host:8080/a%20b+c", ""),
        ("https://host/m.zip?a=1&b=2#top", "https://host/m.zip", "a=1&b=2"),
        ("https://host/%C3%A4/\u00e4", "https://host/%C3%A4/%C3%A4", ""),
        ("http://host", "http://host", ""),
    ],
)
def test_web_addresses(written: str, base: str, query: str) -> None:
    address = WebAddress.parse(written)
    assert (address.base, address.query) == (base, query)
    assert WebAddress.parse(base).base == base


def test_a_query_goes_with_every_file() -> None:
    address = WebAddress.parse("https://host/m?key=1")
    assert address.file("a/b c.onnx") == "https://host/m/a/b%20c.onnx?key=1"
    assert address.beside(".genes") == "https://host/m.genes?key=1"


@pytest.mark.parametrize(
    "written", ["https://", "https:///x", "https://ann:secret@host/x", "ftp://host/x", "https://host:x/", "http://[::1"]
)
def test_what_is_no_web_address_is_refused(written: str) -> None:
    with pytest.raises(DownloadError, match="is no address of a model"):
        WebAddress.parse(written)


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("hf://ann/tiny", ("ann/tiny", "main", "")),
        ("hf://ann/tiny/", ("ann/tiny", "main", "")),
        ("hf://ann/tiny.v2@v1.0", ("ann/tiny.v2", "v1.0", "")),
        ("hf://ann/tiny@refs%2Fpr%2F1/a/b", ("ann/tiny", "refs/pr/1", "a/b")),
    ],
)
def test_hub_addresses(written: str, parts: tuple[str, str, str]) -> None:
    address = HubAddress.parse(written)
    assert (address.repository, address.revision, address.subfolder) == parts


@pytest.mark.parametrize(
    "written",
    [
        "hf://tiny",
        "hf://ann/tiny@",
        "hf://ann/tiny@a@b",
        "hf://ann/tiny/../other",
        "hf://ann/tiny//a",
        "hf://ann/../x",
        "hf://ann/tiny@..",
        "hf://a b/c",
        "hf://ann/tiny/a\\b",
    ],
)
def test_what_is_no_hub_address_is_refused(written: str) -> None:
    with pytest.raises(DownloadError, match="is no address of a model"):
        HubAddress.parse(written)


@given(st.text(max_size=60))
@example("a/../../b")
@example("a/./b")
@example("..")
@example("a\x00b")
def test_names_stay_inside(name: str) -> None:
    try:
        address = WebAddress("https://host/m").file(name)
    except BundleError:
        return
    path = unquote(urlsplit(address).path)
    assert path == f"/m/{name}" and ".." not in PurePosixPath(path).parts
    assert inside(name) == name and "\\" not in name and "\n" not in name


@given(st.text(max_size=60))
@example("..%2f..%2fetc")
@example("%2e%2e")
@example("a%00b")
@example("a?b")
def test_a_sims_web_name_is_one_file_name(written: str) -> None:
    try:
        name = WebAddress.parse(f"https://host/models/{written}").name
    except DownloadError:
        return
    assert len(PurePosixPath(name).parts) == 1 and not name.startswith(".") and name.isprintable()


@given(st.from_regex(r"hf://[\w.-]{1,9}/[\w.-]{1,9}(@[^\n]{1,12})?(/[^\n]{1,12})?", fullmatch=True))
def test_hub_addresses_ask_that_hub_alone(written: str) -> None:
    try:
        address = HubAddress.parse(written)
    except DownloadError:
        return
    asked = address.question, address.at("a" * 40).file("manifest.json")
    for url in asked:
        assert urlsplit(url).netloc == "huggingface.co"
        assert ".." not in PurePosixPath(unquote(urlsplit(url).path)).parts
        assert not urlsplit(url).query and not urlsplit(url).fragment
