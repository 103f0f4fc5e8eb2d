"""What `make` finds on a machine: a browser, a Node, a Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


class Machine:
    """A PATH with the shell's own tools and what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in ("bash", "env", "id", "mkdir", "touch"):
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def has(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def run(self, script: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        kept = {"HOME": os.environ.get("HOME", "/"), "PATH": str(self.bin)}
        command = [str(SCRIPTS / script), *args]
        return subprocess.run(
            command, cwd=self.bin.parent, env=kept | env, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_chromium_that_is_named_is_taken(machine: Machine) -> None:
    machine.has("chromium", "exit 0")
    named = machine.has("my-chromium", "exit 0")
    assert machine.run("find-chromium", CHROMIUM=str(named)).stdout == f"{named}\n"


def test_a_named_chromium_that_does_not_start_is_said(machine: Machine) -> None:
    machine.has("chromium", "exit 0")
    done = machine.run("find-chromium", CHROMIUM="/nowhere/chromium")
    assert done.returncode == 1
    assert done.stderr == "CHROMIUM=/nowhere/chromium does not start\n"


def test_a_chromium_that_does_not_start_is_passed_over(machine: Machine) -> None:
    machine.has("chromium", "exit 1")
    found = machine.has("google-chrome", "exit 0")
    assert machine.run("find-chromium").stdout == f"{found}\n"


def test_debians_chromium_is_installed_where_apt_and_root_are(machine: Machine) -> None:
    machine.has("id", "echo 0")
    made = machine.bin / "chromium"
    machine.has("chromium.new", "exit 0")
    machine.has(
        "apt-get", f'test "$1" = install || exit 0; PATH={os.environ["PATH"]} mv "{made}.new" "{made}"; echo noise'
    )
    done = machine.run("find-chromium")
    assert done.stdout == f"{made}\n", done.stderr


def test_playwrights_chromium_is_the_last_resort(machine: Machine) -> None:
    machine.has("python", 'test "$1" = -m && echo downloading || echo /playwright/chromium')
    assert machine.run("find-chromium").stdout == "/playwright/chromium\n"


@pytest.mark.parametrize("version", ["v20.0.0", "v26.1.0"])
def test_a_node_that_is_new_enough_is_used(machine: Machine, version: str) -> None:
    machine.has("node", f"echo {version}")
    machine.has("npm", "exit 0")
    machine.has("python", "echo python was asked; exit 1")
    done = machine.run("find-node")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("version", [None, "v18.20.1"])
def test_a_node_is_brought_where_none_is_new_enough(machine: Machine, version: str | None) -> None:
    if version is not None:
        machine.has("node", f"echo {version}")
        machine.has("npm", "exit 0")
    machine.has("python", "echo 'pip was asked' >&2; exit 7")
    done = machine.run("find-node")
    assert (done.returncode, done.stderr) == (7, "pip was asked\n")


def test_a_python_that_is_too_old_is_passed_over(machine: Machine) -> None:
    machine.has("python3.11", "exit 1")
    machine.has("python3", 'test "$1" = -m && echo "made $3" || exit 0')
    assert machine.run("make-venv", "there").stdout == "made there\n"


def test_no_python_is_said(machine: Machine) -> None:
    done = machine.run("make-venv", "there")
    assert done.returncode == 1
    assert done.stderr == "cellwidget needs Python 3.11 or newer with venv: none found (set PYTHON to name one)\n"
