"""Loading a model from wherever a path leads."""

from __future__ import annotations

from pathlib import Path

from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.errors import BundleError
from cellwidget.bundle.manifest import VALUES
from cellwidget.bundle.simsweb import find_sims_web, load_sims_web


def load_bundle(path: str | Path, values: str | None = None) -> Bundle:
    """Load a bundle, or a folder made for sims-web as one.

    Parameters
    ----------
    path
        A bundle's folder or zip; a folder with one sims-web model, the folder and a model's id, or its ``.onnx``.
    values
        Which values the network was trained on, where nothing but the caller can tell.

    Raises
    ------
    BundleError
        If files are missing, altered or disagree, or if `values` is not what the bundle says itself.
    """
    found = find_sims_web(Path(path))
    if found is not None:
        return load_sims_web(*found, values)
    bundle = Bundle.load(path)
    check_values(bundle, values)
    return bundle


def check_values(bundle: Bundle, values: str | None) -> None:
    """Refuse values other than those that a loaded bundle says itself."""
    if values is None or values == trained_on(bundle):
        return
    if values not in VALUES:
        raise BundleError(f"values={values!r} is none of {', '.join(map(repr, VALUES))}.")
    raise BundleError(
        f"{bundle.manifest.title} was made for {trained_on(bundle)!r}, as it says itself: not for values={values!r}. "
        f"Leave values out, or convert or load the original again with values={values!r}."
    )


def trained_on(bundle: Bundle) -> str:
    """Which values a network was trained on, as far as anybody said; else those that it is handed."""
    return bundle.manifest.trained_on or bundle.manifest.values
