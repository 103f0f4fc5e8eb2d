"""One file from a host: goes on where an earlier try was cut off, and is kept only if it is what was promised."""

from __future__ import annotations

import errno
import json
import re
import shutil
from dataclasses import asdict, dataclass
from http.client import HTTPException
from typing import IO, TYPE_CHECKING

from cellwidget.bundle import sha256_of
from cellwidget.registry.errors import DownloadError, UnreachableError
from cellwidget.registry.web import BEYOND_THE_END, NOT_MODIFIED, PARTIAL, shown

if TYPE_CHECKING:
    from pathlib import Path

    from cellwidget.registry.progress import Progress
    from cellwidget.registry.web import Answer, Site

PIECE = 2**20
TRIES = 5
"""Times that a download goes on by itself after it was cut off, as long as each brings something."""
MOST_BYTES = 64 * 2**30

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to download.

    Parameters
    ----------
    name
        What to call it: a path inside the model's folder.
    url
        Where it is.
    size, sha256
        What it must be; None if nobody says.
    most
        Bytes that such a file can have.
    """

    name: str
    url: str
    size: int | None = None
    sha256: str | None = None
    most: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Mark:
    """What a host says that changes with a file: its ETag and the time of its last change."""

    etag: str = ""
    modified: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Mark:
        """Read it from an answer."""
        return cls(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))

    @property
    def strong(self) -> str:
        """What promises the same bytes: a weak ETag does not."""
        return self.etag if self.etag.startswith('"') else self.modified

    def unless_changed(self) -> dict[str, str]:
        """Give the headers that ask for a file only if it is another one by now."""
        told = {"If-None-Match": self.etag, "If-Modified-Since": "" if self.etag else self.modified}
        return {name: value for name, value in told.items() if value}


def download(site: Site, wanted: Wanted, part: Path, progress: Progress, known: Mark | None = None) -> Mark | None:
    """Download a file.

    Parameters
    ----------
    site
        How to ask.
    wanted
        What.
    part
        Where to. What an earlier try left there is gone on with, if it belongs to the same file.
    progress
        Hears how far it is.
    known
        Of the file as it is already there: it is not downloaded again if it has not changed.

    Returns
    -------
    Mark or None
        Of the file that is now at ``part``; None if the known one has not changed.

    Raises
    ------
    DownloadError
        If there is none, it is not what was promised (then nothing is kept), or it was cut off (then ``part`` is kept).
    """
    for _ in range(TRIES):
        before = _size(part)
        try:
            mark, resumed = _try(site, wanted, part, progress, known)
        except UnreachableError:
            if _size(part) <= before:
                raise
            continue
        except _AgainError:
            _drop(part)
            continue
        if mark is None or (wrong := _wrong(wanted, part)) is None:
            return mark
        _drop(part)
        if not resumed:  # else its beginning may be of an older file
            raise DownloadError(f"{shown(wanted.url)} {wrong}. Nothing of it was kept; tell those who publish it.")
    raise _cut_off(wanted, f"{_size(part):,} bytes, once more")


class _AgainError(Exception):
    """What is there of a file cannot be gone on with."""


def _try(site: Site, wanted: Wanted, part: Path, progress: Progress, known: Mark | None) -> tuple[Mark | None, bool]:
    """Ask once; gives what `download` does, and whether an earlier try's beginning is in the file."""
    start, mark = _left(wanted, part)
    with site.open(wanted.url, _conditions(start, mark, known)) as answer:
        now = Mark.of(answer)
        if answer.status == NOT_MODIFIED or (known is not None and known.strong and now == known):
            return None, False
        if not _goes_on(answer, start, mark, now):
            start = 0
        length = answer.headers.get("Content-Length", "")
        total = start + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        _check_length(wanted, total, part)
        _check_room(part, (total or 0) - start)
        progress.expect(wanted.name, wanted.size or total)
        with part.open("ab" if start else "wb") as file:
            if not start:
                _note_path(part).write_text(json.dumps({"url": wanted.url, **asdict(now)}), "utf-8")
            there = _copy(answer, file, wanted, start, progress)
    expected = wanted.size if total is None else total
    if expected is not None and there < expected:
        raise _cut_off(wanted, f"{there:,} of {expected:,} bytes")
    return now, start > 0


def _conditions(start: int, mark: Mark, known: Mark | None) -> dict[str, str]:
    if not start:
        return known.unless_changed() if known else {}
    return {"Range": f"bytes={start}-"} | ({"If-Range": mark.strong} if mark.strong else {})


def _goes_on(answer: Answer, start: int, mark: Mark, now: Mark) -> bool:
    """Tell whether an answer goes on where the part ends, and is not the whole file.

    Raises
    ------
    _AgainError
        If it is neither.
    """
    if answer.status == BEYOND_THE_END:
        raise _AgainError
    if answer.status != PARTIAL:
        return False
    first = re.match(r"bytes ([0-9]{1,18})-", answer.headers.get("Content-Range", ""))
    if first is None or not start or int(first[1]) != start or (mark.etag and now.etag and now.etag != mark.etag):
        raise _AgainError
    return True


def _copy(answer: Answer, file: IO[bytes], wanted: Wanted, there: int, progress: Progress) -> int:
    most = wanted.most if wanted.size is None else wanted.size
    progress.at(wanted.name, there)
    while True:
        try:
            piece = answer.read1(PIECE)  # not `read`, which loses what came before an error
        except (OSError, HTTPException) as error:
            raise _cut_off(wanted, f"{there:,} bytes") from error
        if not piece:
            return there
        there += len(piece)
        file.write(piece)
        progress.at(wanted.name, there)
        if there > most:
            return there


def _left(wanted: Wanted, part: Path) -> tuple[int, Mark]:
    """Tell how much an earlier try left of this file, and what the host said of it."""
    try:
        note = json.loads(_note_path(part).read_text("utf-8"))
        if note.pop("url") == wanted.url and (start := _size(part)):
            mark = Mark(**note)
            if mark.strong or wanted.sha256:
                return start, mark
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass  # none, or none of ours
    return 0, Mark()


def _wrong(wanted: Wanted, part: Path) -> str | None:
    size = _size(part)
    if size > wanted.most:
        return "is larger than such a file can be"
    if wanted.size is not None and size != wanted.size:
        return f"is not as long as its manifest says: {wanted.size:,} bytes, not {size:,}"
    if wanted.sha256 is not None and sha256_of(part) != wanted.sha256:
        return "is not what its manifest says (another sha256)"
    return None


def _check_length(wanted: Wanted, total: int | None, part: Path) -> None:
    if total is None or total == wanted.size or (wanted.size is None and total <= wanted.most):
        return
    _drop(part)
    if wanted.size is None:
        raise DownloadError(f"{shown(wanted.url)} is larger than such a file can be ({total:,} bytes). Do not use it.")
    raise DownloadError(
        f"{shown(wanted.url)} is not as long as its manifest says: {wanted.size:,} bytes, not {total:,}. "
        f"Nothing of it was kept; tell those who publish it."
    )


def _check_room(part: Path, needed: int) -> None:
    if needed > (free := shutil.disk_usage(part.parent).free):
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed, {free:,} are free")


def _cut_off(wanted: Wanted, where: str) -> UnreachableError:
    return UnreachableError(
        f"{shown(wanted.url)} was cut off after {where}", "Load it again: it goes on there if the host can."
    )


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _drop(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def cannot_write(folder: Path, error: OSError) -> DownloadError:
    """Say that the cache cannot be written, and what to do."""
    what = "is full" if error.errno in _FULL else "cannot be written"
    return DownloadError(
        f"The cache at {folder} {what} ({error.strerror or error}). Make room there, or name another folder in "
        f"CELLWIDGET_CACHE."
    )
