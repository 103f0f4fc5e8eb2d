"""Whether the files of a bundle are what its manifest says, byte by byte."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.manifest import MANIFEST, MOST_TEXT

if TYPE_CHECKING:
    from pathlib import Path

REQUIRED = ("model.onnx", "genes.txt")
OPTIONAL = ("umap.onnx", "reference.npz")


def sha256_of(path: Path) -> str:
    """Sum up a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_files(folder: Path, files: object) -> None:
    """Hold a folder against the manifest's list of files.

    Raises
    ------
    BundleError
        If one is missing, altered, cut off or outside, or is there unnamed.
    """
    if not isinstance(files, dict):
        raise BundleError(f"{folder / MANIFEST} does not say which files belong to it. {AGAIN}")
    for name in REQUIRED:
        if name not in files:
            raise BundleError(f"{folder / MANIFEST} does not name {name}. {AGAIN}")
    root = folder.resolve()
    for name, entry in files.items():
        path = folder / inside(name)
        if not path.is_file():
            raise BundleError(f"{path} is missing. {AGAIN}")
        if not path.resolve().is_relative_to(root):
            raise BundleError(f"{path} leads out of the bundle. {AGAIN}")
        if not isinstance(entry, dict) or path.stat().st_size != entry.get("size"):
            raise BundleError(f"{path} is not as long as the manifest says: it was cut off or altered. {AGAIN}")
        if sha256_of(path) != entry.get("sha256"):
            raise BundleError(f"{path} is not what the manifest says (another sha256): it was altered. {AGAIN}")
    for name in OPTIONAL:
        if name not in files and (folder / name).exists():
            raise BundleError(f"{folder / name} is there, but the manifest does not name it. {AGAIN}")


def inside(name: str) -> str:
    """Refuse names that could lead out of the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or len(name) > MOST_TEXT:
        raise BundleError(f"The bundle names a file outside of itself: {name[:80]!r}. Do not use it.")
    return name
