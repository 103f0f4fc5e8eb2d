"""Where the files of one model are kept between sessions, in whole versions."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from cellwidget.bundle import sha256_of
from cellwidget.registry.download import Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("cellwidget")


def cache_folder() -> Path:
    """Where downloaded models are kept: CELLWIDGET_CACHE, or the user's cache folder."""
    named = os.environ.get("CELLWIDGET_CACHE")
    return Path(named).expanduser() if named else user_cache_path("cellwidget", appauthor=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is there: its sha256 when it came, and what the host said of it."""

    sha256: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Version:
    """A model as it was published at one time.

    Parameters
    ----------
    folder
        Where its files are.
    files
        What they were when they came, by name.
    entry
        What to load in the folder: "" for the folder itself.
    """

    folder: Path
    files: dict[str, Kept] = field(default_factory=dict)
    entry: str = ""

    def intact(self, name: str) -> bool:
        """Tell whether a file is still what it was when it came."""
        kept, path = self.files.get(name), self.folder / name
        try:
            return kept is not None and path.is_file() and sha256_of(path) == kept.sha256
        except OSError:
            return False


class Shelf:
    """The place of one address in the cache. Versions are never changed: other processes may be reading them.

    Parameters
    ----------
    address
        What is kept here.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        words = re.sub("[^A-Za-z0-9]+", "-", address.partition("?")[0])[-48:].strip("-")
        self.folder = cache_folder() / f"{words}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes, and threads, from gathering the same."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("%s is being downloaded by another process: waiting for it.", self.address)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def current(self) -> Version | None:
        """Give the version that was gathered last."""
        return self.read("current.json")

    def whole(self) -> Path | None:
        """Give what to load of the version that was gathered last, if every byte is as it came."""
        version = self.current()
        if version is None or not version.files or not all(map(version.intact, version.files)):
            return None
        return version.folder / version.entry

    def recall(self, name: str) -> str | None:
        """Give what was said last under a name."""
        found = (_read_json(self.folder / "said.json") or {}).get(name)
        return found if isinstance(found, str) else None

    def remember(self, name: str, said: str) -> None:
        """Keep what was said under a name."""
        if self.recall(name) != said:
            with self.locked():
                _write_json(self.folder / "said.json", (_read_json(self.folder / "said.json") or {}) | {name: said})

    def read(self, name: str) -> Version | None:
        """Read what is written of a version."""
        entries = _read_json(self.folder / name)
        try:
            if entries is None:
                return None
            files = {file: Kept(kept["sha256"], Mark(**kept["mark"])) for file, kept in entries["files"].items()}
            return Version(self.folder / entries["folder"], files, entries["entry"])
        except (TypeError, KeyError, AttributeError):
            return None  # of another version of this package

    def write(self, name: str, version: Version) -> None:
        """Write down what a version is."""
        entries = asdict(version) | {"folder": version.folder.name}
        _write_json(self.folder / name, entries)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write_json(path: Path, entries: dict[str, Any]) -> None:
    """Write all of it or nothing."""
    written = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    written.write_text(json.dumps(entries, indent=1), "utf-8")
    written.replace(path)
