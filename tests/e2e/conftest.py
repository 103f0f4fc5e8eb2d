"""One JupyterLab, one Voilà and one Chromium for all tests; a page of its own for each."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, Route, sync_playwright

from . import servers
from .servers import Server

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "test-output"

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_HARMLESS = re.compile(
    r"Unsatisfied version|shared singleton"  # Voilà's own
    r"|Failed to load resource"  # told, with its address, by `Problems.failed`
    r"|WebGL: CONTEXT_LOST"
)

_NOT_OURS = re.compile(
    r"/api/(kernels|sessions|terminals)\b"  # a kernel that was shut down under JupyterLab's poll
    r"|/lab/api/workspaces/"  # a workspace's first time
    r"|/favicon\.ico"
)

_VOILAS_STYLE = re.compile(r"/fontawesome-free@")
"""The style sheets that Voilà's own page asks of the outside."""


@dataclass
class Problems:
    """What went wrong in a page.

    Attributes
    ----------
    errors
        What was written to the console as an error, and exceptions that nobody caught.
    failed
        Requests to our servers that were answered with an error.
    outside
        Addresses other than ours that were asked for; no such request leaves.
    """

    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Fail where there is any."""
        assert not (self.errors or self.failed or self.outside), self

    def watch(self, page: Page) -> None:
        """Collect from a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._response)
        page.route(lambda url: urlsplit(url).hostname not in (None, "", "127.0.0.1"), self._outside)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _HARMLESS.search(message.text):
            self.errors.append(message.text)

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not _NOT_OURS.search(response.url):
            self.failed.append(f"{response.status} {response.url}")

    def _outside(self, route: Route, request: Request) -> None:
        voila = urlsplit(request.frame.url).path.startswith("/voila/")
        if not (voila and _VOILAS_STYLE.search(request.url)):
            self.outside.append(request.url)
        route.abort()


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that serves the examples."""
    with servers.jupyterlab(tmp_path_factory.mktemp("jupyterlab")) as server:
        _bring_examples(server)
        yield server


@pytest.fixture(scope="session")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Voilà that serves the examples."""
    with servers.voila(tmp_path_factory.mktemp("voila")) as server:
        _bring_examples(server)
        yield server


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Starts the machine's Chromium ($CHROMIUM, else on PATH), else Playwright's own, with some more flags."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser for all tests."""
    chromium = launch()
    yield chromium
    chromium.close()


@pytest.fixture
def problems() -> Problems:
    """What went wrong in the test's page; `problems.check()` fails where anything did."""
    return Problems()


@pytest.fixture
def page(browser: Browser, problems: Problems, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with a profile of its own. Where the test fails, its picture is kept in test-output/."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    problems.watch(page)
    before = request.session.testsfailed
    yield page
    if request.session.testsfailed > before:
        shot(page, f"failed-{request.node.name}")
    context.close()


def shot(page: Page, name: str) -> Path:
    """Keep a picture of a page in test-output/."""
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}.png"
    page.screenshot(path=path)
    return path


def _bring_examples(server: Server) -> None:
    for example in (REPOSITORY / "examples").glob("*.ipynb"):
        shutil.copy(example, server.root)
