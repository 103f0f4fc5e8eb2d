"""Writing a bundle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.manifest import MANIFEST, SCHEMA, Manifest
from cellwidget.bundle.verify import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def save_bundle(folder: str | Path, manifest: Manifest, genes: Sequence[str], files: Mapping[str, bytes]) -> Path:
    """Write a bundle.

    Parameters
    ----------
    folder
        Where to; made if it is not there. A bundle that is there is replaced.
    manifest
        What the bundle says of itself; sizes and hashes are added.
    genes
        One name per row of the model's input.
    files
        Contents by name: ``model.onnx`` at least; ``umap.onnx``, ``reference.npz``.

    Raises
    ------
    BundleError
        If what was written cannot be loaded.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"genes.txt": ("\n".join(genes) + "\n").encode(), **files}
    for name in set(OPTIONAL).difference(contents):
        (folder / name).unlink(missing_ok=True)  # of a bundle that was there
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_manifest(folder, manifest, {name: file_entry(content) for name, content in contents.items()})
    Bundle.load(folder)
    return folder


def write_manifest(folder: Path, manifest: Manifest, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what a bundle says of itself and, by name, of its files."""
    entries = {"schema": SCHEMA, **asdict(manifest), "files": files}
    (folder / MANIFEST).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")


def file_entry(content: bytes) -> dict[str, Any]:
    """Tell the manifest of a file."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
