"""Writing a bundle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.manifest import MANIFEST, SCHEMA, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def save_bundle(folder: str | Path, manifest: Manifest, genes: Sequence[str], files: Mapping[str, bytes]) -> Path:
    """Write a bundle.

    Parameters
    ----------
    folder
        Where to; made if it is not there. Files of ours that are there are replaced.
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
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    entries = {"schema": SCHEMA, **asdict(manifest)}
    entries["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in contents.items()
    }
    (folder / MANIFEST).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")
    Bundle.load(folder)
    return folder
