"""Writing a loaded bundle again: with other files or other entries in its manifest, in place or somewhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwidget.bundle import MANIFEST, Bundle
from cellwidget.bundle.save import file_entry, write_manifest
from cellwidget.bundle.verify import OPTIONAL
from cellwidget.registry import is_shared

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_own_folder(folder: Path) -> None:
    """Refuse a folder that is not the user's to change.

    Raises
    ------
    ValueError
        If it belongs to a packaged or a downloaded model; the message names the remedy.
    """
    if not is_shared(folder):
        return
    raise ValueError(
        f"{folder} belongs to a model that comes with the package or from the web, which all notebooks share. "
        f"Make a copy first: model.save('my-model'), and use that."
    )


def rewrite(
    bundle: Bundle, folder: str | Path, *, files: Mapping[str, bytes | None] | None = None, **changes: Any
) -> Path:
    """Write a bundle to a folder: its own, or another one.

    New files are put in place whole, and the manifest last.

    Parameters
    ----------
    bundle
        What to write.
    folder
        Where to. A bundle that is there is replaced.
    files
        Contents by name that are new; None for a file that is to go.
    **changes
        Entries of the manifest that are new.

    Raises
    ------
    ValueError
        If the folder is not the user's to change.
    BundleError
        If what was written cannot be loaded.
    """
    folder = Path(folder)
    check_own_folder(folder)
    if not (bundle.folder / MANIFEST).is_file():
        raise ValueError(
            f"{bundle.folder} was made for sims-web and is left as it is. "
            f"Make a bundle of it first, with cw.convert.sims, and use that."
        )
    folder.mkdir(parents=True, exist_ok=True)
    files = files or {}
    entries = dict(json.loads((bundle.folder / MANIFEST).read_text("utf-8"))["files"])
    if folder.resolve() != bundle.folder.resolve():
        for name in set(entries).difference(files):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / name, folder / name)
    for name, content in files.items():
        if content is None:
            entries.pop(name, None)
        else:
            _put(folder / name, content)
            entries[name] = file_entry(content)
    for name in set(OPTIONAL).difference(entries):
        (folder / name).unlink(missing_ok=True)  # that the bundle has no more, or another one had
    write_manifest(folder, replace(bundle.manifest, **changes), entries)
    Bundle.load(folder)
    return folder


def _put(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
