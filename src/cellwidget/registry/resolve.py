"""From what a user calls a model to where it is."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from cellwidget.bundle import find_sims_web
from cellwidget.registry.remote import fetch
from cellwidget.registry.shelf import cache_folder

DEFAULT = "pbmc"


def packaged() -> list[str]:
    """Names of the models that come with this package."""
    return sorted(path.name for path in _models().iterdir() if (path / "manifest.json").is_file())


def is_shared(folder: Path) -> bool:
    """Whether a folder belongs to a model that comes with this package, or to one in the cache."""
    return any(folder.resolve().is_relative_to(shared.resolve()) for shared in (_models(), cache_folder()))


def resolve(model: str | Path = DEFAULT, *, progress: bool = True) -> Path:
    """Find a model; one on the web is downloaded, or found in the cache.

    Parameters
    ----------
    model
        Name of a packaged model; path of a bundle (a folder, or a zip of one) or of a sims-web folder, which the id of
        a model may follow; ``hf://owner/name[@revision][/folder]``; or the http(s) address of a
        bundle's folder or zip, or of a sims-web model.
    progress
        Whether to show a bar while it downloads.

    Returns
    -------
    Path
        What `load_bundle` takes.

    Raises
    ------
    ValueError
        If there is none; the message names those that come with the package.
    DownloadError
        If it cannot be downloaded.
    """
    if isinstance(model, str) and model in packaged():
        return _models() / model
    if isinstance(model, str) and (scheme := re.match("([A-Za-z][A-Za-z0-9+.-]+)://", model.strip())):
        if scheme[1].lower() not in ("http", "https", "hf"):
            raise ValueError(
                f"There is no model {model[:200]!r}: models come from https://, http:// and hf:// addresses alone. "
                f"Download it, and give its path."
            )
        return fetch(model.strip(), progress=progress)
    path = _existing(model)
    if path is not None:
        return path
    raise ValueError(
        f"There is no model {str(model)[:200]!r}: neither a packaged one ({', '.join(packaged())}) nor a folder or zip "
        f"of that name. Give a name of these, the path of a bundle, or an address: https://… or hf://owner/name."
    )


def _existing(model: str | Path) -> Path | None:
    if not isinstance(model, str | Path) or not str(model):
        return None  # an empty one would be the current folder
    try:
        path = Path(model).expanduser()
        return path if path.exists() or find_sims_web(path) is not None else None
    except (OSError, ValueError, RuntimeError):  # too long, a null character, a home that is not known
        return None


def _models() -> Path:
    return Path(str(files("cellwidget") / "models"))
