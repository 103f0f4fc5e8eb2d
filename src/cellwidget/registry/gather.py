"""Getting the next version of a model into the cache, file by file."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from cellwidget.bundle import sha256_of
from cellwidget.registry.download import Mark, Wanted, download
from cellwidget.registry.shelf import Kept, Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cellwidget.registry.progress import Progress
    from cellwidget.registry.shelf import Shelf
    from cellwidget.registry.web import Site


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
        return self._get(wanted, self._there(wanted))

    def take_all(self, wanted: Sequence[Wanted]) -> None:
        """Get files of known sizes; how large they are together is told at once."""
        pairs = [(one, self._there(one)) for one in wanted]
        for one, there in pairs:
            if there is None:
                self._progress.expect(one.name, one.size)
        for one, there in pairs:
            self._get(one, there)

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

    def _there(self, wanted: Wanted) -> Version | None:
        """Find the version that has a file as it was when it came, and as it should be if that is known."""
        for version in (self._next, self._current):
            if version.intact(wanted.name) and wanted.sha256 in (None, version.files[wanted.name].sha256):
                return version
        return None

    def _get(self, wanted: Wanted, there: Version | None) -> Path:
        if there is None or wanted.sha256 is None:
            part = self._parts / f"{hashlib.sha256(wanted.name.encode()).hexdigest()[:16]}.part"
            known = None if there is None else there.files[wanted.name].mark
            mark = download(self._site, wanted, part, self._progress, known)
            if there is None or mark is not None:
                there = self._put(wanted.name, part, mark or Mark())
        self._taken[wanted.name] = there
        return there.folder / wanted.name

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
        """Make of what was gathered, and of what has not changed, a version that no other process knows yet."""
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
