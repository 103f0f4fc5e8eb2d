"""Addresses of models on the web: http(s) ones, and hf:// ones of Hugging Face."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from cellwidget.bundle import MANIFEST, BundleError, inside
from cellwidget.registry.errors import DownloadError
from cellwidget.registry.web import shown

_HUB = re.compile(r"hf://([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*?)(?:@([^/@]+))?((?:/[^/]+)*)/?", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")
_PLAIN = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A file or a folder of a host.

    Parameters
    ----------
    base
        Its address, without a slash at the end.
    query
        What every request of a file repeats.
    """

    base: str
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one as people write it: a bundle's folder or manifest, a zip, a sims-web model or its ``.onnx``.

        Raises
        ------
        DownloadError
            If it names no file or folder of a host.
        """
        try:
            parts = urlsplit(text.strip())
            host = parts.hostname if parts.port != 0 else None
        except ValueError:
            host = None
        if not host or parts.username is not None or parts.scheme not in ("http", "https"):
            raise DownloadError(
                f"{text[:200]!r} is no address of a model: give one like https://host/folder, without a user name."
            )
        path = quote(parts.path, safe=_PLAIN).rstrip("/")
        for ending in (f"/{MANIFEST}", ".onnx"):
            path = path.removesuffix(ending)
        return cls(parts._replace(path=path, query="", fragment="").geturl(), quote(parts.query, safe=_PLAIN + "?"))

    def file(self, name: str) -> str:
        """Give the address of a file in the folder."""
        return self.beside("/" + quote(inside(name)))

    def beside(self, ending: str) -> str:
        """Give the address of a file whose name begins as the folder's does."""
        return f"{self.base}{ending}{'?' if self.query else ''}{self.query}"

    @property
    def title(self) -> str:
        """What to call it for people."""
        return unquote(self.base.rpartition("/")[2])[:200]

    @property
    def name(self) -> str:
        """The last part of its path, as a file may be called.

        Raises
        ------
        DownloadError
            If no file may be called so.
        """
        name = unquote(urlsplit(self.base).path.rpartition("/")[2])
        if not name or "/" in name or name.startswith(".") or len(name.encode("utf-8", "replace")) > 200:
            raise DownloadError(f"{shown(self.base)} does not name a model. Give the address of one.")
        try:
            return inside(name)
        except BundleError as error:
            raise DownloadError(f"{shown(self.base)} cannot be the name of a file. Give another address.") from error

    @property
    def is_zip(self) -> bool:
        """Whether it is that of a zip."""
        return self.base.lower().endswith(".zip")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository of Hugging Face, or a folder in it.

    Parameters
    ----------
    repository
        "owner/name".
    revision
        A branch, a tag or a commit.
    subfolder
        The folder in it, or "".
    endpoint
        The hub's address.
    """

    repository: str
    revision: str
    subfolder: str
    endpoint: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``hf://owner/name[@revision][/subfolder]``; a slash in a revision is written %2F.

        Raises
        ------
        DownloadError
            If it is none.
        """
        found = _HUB.fullmatch(text.strip())
        try:
            if found is None:
                raise BundleError
            subfolder = found[4].strip("/")
            if subfolder:
                inside(subfolder)
            revision = inside(unquote(found[3] or "main"))
        except BundleError as error:
            raise DownloadError(
                f"{text[:200]!r} is no address of a model: give one like hf://owner/name, hf://owner/name@revision or "
                f"hf://owner/name/folder."
            ) from error
        endpoint = WebAddress.parse(os.environ.get("HF_ENDPOINT") or "https://huggingface.co").base
        return cls(f"{found[1]}/{found[2]}", revision, subfolder, endpoint)

    @property
    def is_fixed(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return _COMMIT.fullmatch(self.revision) is not None

    @property
    def question(self) -> str:
        """Where the hub says which commit the revision is."""
        return f"{self.endpoint}/api/models/{self.repository}/revision/{quote(self.revision, safe='')}"

    def at(self, commit: str) -> WebAddress:
        """Give the address of the files of one commit."""
        folder = quote(f"/{self.subfolder}") if self.subfolder else ""
        return WebAddress.parse(f"{self.endpoint}/{self.repository}/resolve/{commit}{folder}")
