"""From what a user calls a model to where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellwidget.registry import DEFAULT, packaged, resolve


def test_packaged_models_are_found_by_name() -> None:
    assert DEFAULT in packaged()
    assert resolve() == resolve(DEFAULT)
    assert (resolve(DEFAULT) / "manifest.json").is_file()


def test_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"")
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path / "model.zip")) == tmp_path / "model.zip"


def test_a_home_folder_may_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    assert resolve("~/mine") == tmp_path / "mine"


@pytest.mark.parametrize("name", ["nowhere", "", "~nobody-of-this-name/model", "a\x00b", "x" * 5_000])
def test_what_is_not_there_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"There is no model .*pbmc.*folder or zip"):
        resolve(name)


def test_a_packaged_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / DEFAULT).mkdir()
    assert resolve(DEFAULT) != tmp_path / DEFAULT
    assert resolve(Path(DEFAULT)) == Path(DEFAULT), "a Path is never a name"


@pytest.mark.parametrize("model", [None, 3, {"name": "pbmc"}])
def test_what_is_neither_a_name_nor_a_path_is_refused(model: object) -> None:
    with pytest.raises(ValueError, match="There is no model"):
        resolve(model)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["s3://bucket/model", "file:///model", "ftp://host/model"])
def test_other_addresses_than_those_of_the_web_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="https://, http:// and hf:// addresses alone"):
        resolve(address)
