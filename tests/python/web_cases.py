"""A host on this machine that serves models as well, or as badly, as a test wants."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT, LATER = "a" * 40, "b" * 40


@dataclass
class Host:
    """What is served, how, and what was asked for.

    Parameters
    ----------
    files
        Contents by path, "/" at the beginning.
    cuts
        Answers that end after so many bytes, by path: one is used up by each answer.
    statuses, redirects, types
        Other answers by path: a status, an address, a content type.
    marks
        Which of "ETag" and "Last-Modified" it tells.
    ranges
        Whether it gives parts of files.
    conditions
        Whether it heeds If-None-Match and If-Modified-Since; If-Range always, with ranges.
    chunked
        Whether it keeps to itself how long a file is.
    token
        What must be shown; None for nothing.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    marks: tuple[str, ...] = ("ETag",)
    ranges: bool = True
    conditions: bool = True
    chunked: bool = False
    token: str | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def add_folder(self, path: str, folder: Path) -> str:
        """Serve the files of a folder; gives its address."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.files[f"{path}/{file.relative_to(folder).as_posix()}"] = file.read_bytes()
        return f"{self.address}{path}"

    def add_repository(self, repository: str, commit: str, folder: Path, revision: str = "main") -> None:
        """Serve a folder as a hub does."""
        self.files[f"/api/models/{repository}/revision/{revision}"] = json.dumps({"sha": commit}).encode()
        self.add_folder(f"/{repository}/resolve/{commit}", folder)

    def paths(self) -> list[str]:
        """Give what was asked for since the last time."""
        paths = [path for path, _ in self.asked]
        self.asked.clear()
        return paths

    def marks_of(self, content: bytes) -> dict[str, str]:
        digest = hashlib.sha256(content).hexdigest()
        values = {
            "ETag": f'"{digest[:8]}"',
            "Last-Modified": f"Mon, 01 Jan 2024 00:{int(digest[:2], 16) % 60:02}:{int(digest[2:4], 16) % 60:02} GMT",
        }
        return {name: values[name] for name in self.marks}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        host: Host = self.server.host
        host.asked.append((self.path, dict(self.headers)))
        if host.token is not None and self.headers.get("Authorization") != f"Bearer {host.token}":
            return self._say(401)
        if self.path in host.redirects:
            return self._say(302, {"Location": host.redirects[self.path]})
        if self.path in host.statuses:
            return self._say(host.statuses[self.path])
        content = host.files.get(self.path)
        return self._say(404) if content is None else self._send(host, content)

    def _send(self, host: Host, content: bytes) -> None:
        marks = host.marks_of(content)
        told = {**marks, "Content-Type": host.types.get(self.path, "application/octet-stream")}
        if host.conditions and (
            self.headers.get("If-None-Match", "no") == marks.get("ETag")
            or self.headers.get("If-Modified-Since", "no") == marks.get("Last-Modified")
        ):
            return self._say(304, marks)
        start, whole, asked = 0, len(content), self.headers.get("Range")
        if host.ranges and asked and self.headers.get("If-Range", "") in ("", *marks.values()):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= whole:
                return self._say(416)
            told["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        left = host.cuts.get(self.path)
        cut = bool(left)
        sent = content[start : start + left.pop(0)] if left else content[start:]
        if host.chunked:
            told["Transfer-Encoding"] = "chunked"
            sent = b"%x\r\n%b\r\n" % (len(sent), sent) + (b"" if cut else b"0\r\n\r\n")
        else:
            told["Content-Length"] = str(whole - start)
        self._say(206 if start else 200, told, sent)

    def _say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(ConnectionError):  # who asked has seen enough
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Host]:
    """Serve on this machine while a test runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.host = host = Host(address=f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
