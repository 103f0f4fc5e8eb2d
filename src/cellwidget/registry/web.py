"""Asking a host for a file: redirects that are safe, a token that stays with its host, errors that say what to do."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cellwidget.registry.errors import AbsentError, DeniedError, DownloadError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

PATIENCE = 20.0
"""Seconds without a byte after which a host counts as gone."""
PARTIAL, NOT_MODIFIED, BEYOND_THE_END = 206, 304, 416
MOST_TEXT_BYTES = 16 * 2**20


class Answer(Protocol):
    """A host's answer, whose body is read piece by piece."""

    status: int
    headers: Message

    def read(self, size: int, /) -> bytes:
        """Read so many bytes, fewer at the end."""

    def read1(self, size: int, /) -> bytes:
        """Read what is there, so many bytes at most; none at the end."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Site:
    """How files of one model are asked for.

    Parameters
    ----------
    origin
        Scheme and host that the token is meant for; it goes nowhere else, redirects included.
    token
        What shows that the user may read the files.
    denied
        The remedy when they may not.
    """

    origin: str = ""
    token: str | None = field(default=None, repr=False)
    denied: str = "Download it in a browser, and give the path of the file or folder."

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a file.

        Parameters
        ----------
        url
            Where it is: http or https.
        headers
            Of the request. Those that ask for a part, or on a condition, can have the answers 304 and 416, too.

        Raises
        ------
        DownloadError
            If the answer is no file.
        """
        request = Request(url, headers={"User-Agent": "cellwidget", "Accept-Encoding": "identity", **(headers or {})})
        self._authorise(request)
        try:
            answer: Any = build_opener(_Redirects(self)).open(request, timeout=PATIENCE)
        except HTTPError as error:
            if error.code in (NOT_MODIFIED, BEYOND_THE_END):
                return error  # type: ignore[return-value]  # it is an answer as well
            error.close()
            raise self._refused(url, error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(url, error) from error
        if answer.status not in (200, PARTIAL):
            answer.close()
            raise self._refused(url, answer.status)
        if answer.headers.get_content_type() == "text/html":
            answer.close()
            raise AbsentError(f"{shown(url)} is a web page, not a model's file. Look whether the address is right.")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            answer.close()
            raise DownloadError(f"{shown(url)} comes compressed, which was not asked for. {self.denied}")
        return answer  # type: ignore[no-any-return]

    def text(self, url: str) -> bytes:
        """Read a small file whole.

        Raises
        ------
        DownloadError
            If there is none, or it is large.
        """
        with self.open(url) as answer:
            try:
                content = answer.read(MOST_TEXT_BYTES + 1)
            except (OSError, HTTPException) as error:
                raise unreachable(url, error) from error
        if len(content) > MOST_TEXT_BYTES:
            raise DownloadError(f"{shown(url)} is larger than such a file can be. Look whether the address is right.")
        return content

    def _authorise(self, request: Request) -> None:
        # unredirected: urllib copies the others to wherever a host sends it
        if self.token is not None and origin_of(request.full_url) == self.origin:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")

    def _refused(self, url: str, status: int) -> DownloadError:
        match status:
            case 404 | 410:
                return AbsentError(f"There is no {shown(url)} ({status}). Look whether the address is right.")
            case 401 | 403:
                return DeniedError(f"{shown(url)} may not be read ({status}). {self.denied}")
            case 429 | 500 | 502 | 503 | 504:
                return UnreachableError(f"{shown(url)} cannot be had at the moment ({status})", "Try again later.")
            case _:
                return DownloadError(f"{shown(url)} was answered with status {status}. {self.denied}")


class _Redirects(HTTPRedirectHandler):
    def __init__(self, site: Site) -> None:
        self._site = site

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        schemes = req.type, urlsplit(newurl).scheme
        if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
            raise DownloadError(
                f"{shown(req.full_url)} leads to {shown(newurl)}, which is not safe: {schemes[0]} may not become "
                f"{schemes[1]}. Give an address that leads nowhere else."
            )
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None:
            self._site._authorise(request)
        return request


def origin_of(url: str) -> str:
    """Give scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def shown(url: str) -> str:
    """Give an address as messages show it: a query may hold secrets."""
    return urlsplit(url)._replace(query="", fragment="").geturl()[:500]


def is_offline() -> bool:
    """Tell whether the user wants no request to be made."""
    return any(
        os.environ.get(name, "").lower() in ("1", "true", "yes", "on")
        for name in ("CELLWIDGET_OFFLINE", "HF_HUB_OFFLINE")
    )


def never_loaded(what: str) -> DownloadError:
    """Say that nothing may be asked for a model that is not in the cache."""
    return DownloadError(
        f"{what} is not in the cache, and CELLWIDGET_OFFLINE or HF_HUB_OFFLINE says to make no request. Unset it once "
        f"to download the model."
    )


def unreachable(url: str, error: Exception) -> UnreachableError:
    """Say that a host did not answer."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        remedy = (
            "Its certificate is not trusted here: install your system's or network's, and name it in SSL_CERT_FILE."
        )
    else:
        remedy = "Look whether the network is there (a proxy is named by HTTPS_PROXY), and load it again."
    return UnreachableError(f"{shown(url)} cannot be reached ({str(reason)[:200]})", remedy)
