"""A bundle to write, alter and zip."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from cellwidget.bundle import Manifest

if TYPE_CHECKING:
    from pathlib import Path

GENES = ["CD3E", "MS4A1", "NKG7"]
MANIFEST = Manifest(
    name="tiny",
    title="Tiny <b>model</b>",
    family="SIMS",
    version="1",
    gene_id_type="symbol",
    classes=["B", "T"],
    inputs=["genes", "counts"],
    outputs=["logits", "embedding"],
    colors=["#6e87ca", "#c7780d"],
    training={"accuracy": 0.5},
)


def zipped(folder: Path, target: Path, *, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{inside}{path.name}")
    return target


def change(folder: Path, **entries: Any) -> None:
    """Write other entries into the manifest; None takes one out."""
    path = folder / "manifest.json"
    written = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({name: value for name, value in written.items() if value is not None}))
