"""Real servers, started as a user starts them, with none of the user's settings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 120
"""Seconds that a server may take to answer on a busy machine."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes
    ----------
    url
        Where it answers, without a slash at the end.
    token
        What it asks for; empty where it asks for nothing.
    root
        The folder that it serves: notebooks go there.
    log
        The file that holds what it and its kernels said.
    """

    url: str
    token: str
    root: Path
    log: Path


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Server]:
    """Run JupyterLab; its files lie in `folder`."""
    _settle(folder)
    token, port = secrets.token_hex(16), _free_port()
    command = [
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        f"--ServerApp.root_dir={_root(folder)}",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with _running(command, folder, f"http://127.0.0.1:{port}", token) as server:
        yield server


@contextmanager
def voila(folder: Path, *flags: str) -> Iterator[Server]:
    """Run Voilà; its files lie in `folder`."""
    port = _free_port()
    command = ["voila", str(_root(folder)), "--no-browser", f"--port={port}", "--show_tracebacks=True", *flags]
    with _running(command, folder, f"http://127.0.0.1:{port}", "") as server:
        yield server


@contextmanager
def _running(command: list[str], folder: Path, url: str, token: str) -> Iterator[Server]:
    log = folder / "server.log"
    with log.open("wb") as out:
        process = _start(command, folder, out)
        try:
            _wait_for(process, url, token, log)
            yield Server(url, token, _root(folder), log)
        finally:
            _end(process)


def _start(command: list[str], folder: Path, out: IO[bytes]) -> subprocess.Popen[bytes]:
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    env = {**os.environ, **{name: str(folder / place) for name, place in own.items()}}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=_root(folder),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
    )


def _settle(folder: Path) -> None:
    """Answer beforehand what JupyterLab asks people at its first start."""
    notification = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notification.parent.mkdir(parents=True)
    notification.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def _root(folder: Path) -> Path:
    root = folder / "notebooks"
    root.mkdir(exist_ok=True)
    return root


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], url: str, token: str, log: Path) -> None:
    request = urllib.request.Request(f"{url}/api/status" if token else url, headers={"Authorization": f"token {token}"})
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the server at {url} did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and its kernels, which are in process groups of their own."""
    try:
        all_of_it = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        all_of_it = []
    for one in reversed(all_of_it):
        with suppress(psutil.NoSuchProcess):
            one.terminate()
    _, alive = psutil.wait_procs(all_of_it, timeout=10)
    for one in alive:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
