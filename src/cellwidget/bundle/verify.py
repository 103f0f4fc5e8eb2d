"""Whether the files of a bundle are what its manifest says, byte by byte."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cellwidget.bundle.aliases import ALIASES
from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.manifest import MANIFEST, MOST_TEXT

if TYPE_CHECKING:
    from pathlib import Path

REQUIRED = ("model.onnx", "genes.txt")
OPTIONAL = ("umap.onnx", "reference.npz", ALIASES)


def sha256_of(path: Path) -> str:
    """Sum up a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(files: object, written: Path) -> dict[str, tuple[int, str]]:
    """Check a manifest's list of files.

    Parameters
    ----------
    files
        The list as it was read.
    written
        Where it was read.

    Returns
    -------
    dict
        Size and sha256 of each file.

    Raises
    ------
    BundleError
        If it lacks one, or names one outside of the bundle.
    """
    if not isinstance(files, dict):
        raise BundleError(f"{written} does not say which files belong to it. {AGAIN}")
    for name in REQUIRED:
        if name not in files:
            raise BundleError(f"{written} does not name {name}. {AGAIN}")
    return {inside(name): _entry(name, entry, written) for name, entry in files.items()}


def _entry(name: str, entry: object, written: Path) -> tuple[int, str]:
    size, sha256 = (entry.get("size"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not isinstance(sha256, str):
        raise BundleError(f"{written} does not say size and sha256 of {name[:80]}. {AGAIN}")
    return size, sha256


def verify_files(folder: Path, files: object) -> None:
    """Hold a folder against the manifest's list of files.

    Raises
    ------
    BundleError
        If one is missing, altered, cut off or outside, or is there unnamed.
    """
    root, named = folder.resolve(), files_of(files, folder / MANIFEST)
    for name, (size, sha256) in named.items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path} is missing. {AGAIN}")
        if not path.resolve().is_relative_to(root):
            raise BundleError(f"{path} leads out of the bundle. {AGAIN}")
        if path.stat().st_size != size:
            raise BundleError(f"{path} is not as long as the manifest says: it was cut off or altered. {AGAIN}")
        if sha256_of(path) != sha256:
            raise BundleError(f"{path} is not what the manifest says (another sha256): it was altered. {AGAIN}")
    for name in OPTIONAL:
        if name not in named and (folder / name).exists():
            raise BundleError(f"{folder / name} is there, but the manifest does not name it. {AGAIN}")


def inside(name: str) -> str:
    """Refuse names that could lead out of the folder."""
    parts = PurePosixPath(name).parts
    odd = "\\" in name or ":" in name or not name.isprintable() or len(name) > MOST_TEXT
    if not parts or name.startswith("/") or ".." in parts or odd:
        raise BundleError(f"The bundle names a file outside of itself: {name[:80]!r}. Do not use it.")
    return name
