"""Where the files of one model are kept between sessions: whole versions, and the next one while it is gathered."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from cellwidget.bundle import sha256_of
from cellwidget.registry.download import Mark, Wanted, download

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cellwidget.registry.progress import Progress
    from cellwidget.registry.web import Site

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


class Gathering:
    """The next version of a model, file by file; what an interrupted one has gathered is not downloaded again.

    Parameters
    ----------
    shelf
        Where to; locked.
    site
        How to ask.
    progress
        Hears how far it is.
    """

    def __init__(self, shelf: Shelf, site: Site, progress: Progress) -> None:
        self._shelf = shelf
        self._site = site
        self._progress = progress
        self._current = shelf.current() or Version(shelf.folder / "none")
        folder = shelf.folder / "next"
        self._next = shelf.read("next.json") or Version(folder)
        self._parts = shelf.folder / "parts"
        for made in (folder, self._parts):
            made.mkdir(parents=True, exist_ok=True)
        self._taken: dict[str, Version] = {}

    def take(self, wanted: Wanted) -> Path:
        """Get a file, from the host unless it is there and has not changed.

        Returns
        -------
        Path
            Where it is until the gathering ends.
        """
        there = self._there(wanted)
        if there is None or wanted.sha256 is None:
            part = self._parts / f"{hashlib.sha256(wanted.name.encode()).hexdigest()[:16]}.part"
            known = None if there is None else there.files[wanted.name].mark
            mark = download(self._site, wanted, part, self._progress, known)
            if there is None or mark is not None:
                there = self._put(wanted.name, part, mark or Mark())
        self._taken[wanted.name] = there
        return there.folder / wanted.name

    def take_all(self, wanted: Sequence[Wanted]) -> None:
        """Get files of known sizes; how large they are together is told at once."""
        for one in wanted:
            if self._there(one) is None:
                self._progress.expect(one.name, one.size)
        for one in wanted:
            self.take(one)

    def _there(self, wanted: Wanted) -> Version | None:
        """Find the version that has a file as it was when it came, and as it should be if that is known."""
        for version in (self._next, self._current):
            if version.intact(wanted.name) and wanted.sha256 in (None, version.files[wanted.name].sha256):
                return version
        return None

    def finish(self, entry: str = "") -> Path:
        """Make of all files that were taken a version: the one that is there if nothing changed.

        Parameters
        ----------
        entry
            What to load in its folder.
        """
        current, shelf = self._current, self._shelf
        if set(self._taken) != set(current.files) or any(there is not current for there in self._taken.values()):
            current = self._assembled(entry)
            shelf.write("current.json", current)
        shutil.rmtree(shelf.folder / "next", ignore_errors=True)
        shutil.rmtree(self._parts, ignore_errors=True)
        (shelf.folder / "next.json").unlink(missing_ok=True)
        return current.folder / current.entry

    def _put(self, name: str, part: Path, mark: Mark) -> Version:
        kept, current = Kept(sha256_of(part), mark), self._current
        if current.intact(name) and current.files[name].sha256 == kept.sha256:  # the same with another mark
            current.files[name] = kept
            self._shelf.write("current.json", current)
            part.unlink()
            return current
        target = self._next.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        self._next.files[name] = kept
        self._shelf.write("next.json", self._next)
        return self._next

    def _assembled(self, entry: str) -> Version:
        gathered = self._next
        for name, there in self._taken.items():
            if there is not gathered:
                (gathered.folder / name).parent.mkdir(parents=True, exist_ok=True)
                _link(there.folder / name, gathered.folder / name)
        for name in gathered.files.keys() - self._taken.keys():  # of an older gathering
            (gathered.folder / name).unlink(missing_ok=True)
        numbers = [int(path.name) for path in self._shelf.folder.iterdir() if path.name.isdecimal()]
        folder = self._shelf.folder / str(max(numbers, default=0) + 1)
        gathered.folder.replace(folder)
        return Version(folder, {name: there.files[name] for name, there in self._taken.items()}, entry)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


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
