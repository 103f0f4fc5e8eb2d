"""Chromium for benchmarks: how it is started, and pages for it that need no notebook."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def build_pages() -> None:
    """Build the pages of `js/dev`."""
    subprocess.run(["npm", "run", "--silent", "pages"], cwd=ROOT / "js", check=True, stdout=subprocess.DEVNULL)


@contextmanager
def bare_page(browser: Browser, folder: str, files: Mapping[str, bytes]) -> Iterator[Page]:
    """Open the page of the bare loop with the files that it reads."""
    for file, content in files.items():
        (Path(folder) / file).write_bytes(content)
    for file in ("bare.html", "bare.js"):
        shutil.copy(ROOT / "js/dist" / file, folder)
    with _served(folder) as url:
        page = browser.new_page()
        page.goto(f"{url}/bare.html")
        yield page
        page.close()


@contextmanager
def _served(folder: str) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
