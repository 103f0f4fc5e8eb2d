"""Run single-cell models on an AnnData inside a notebook, and watch labels and points stream in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .annotate import annotate
    from .model import Model, load_model
    from .selection import Selection
    from .widget import CellWidget

__all__ = ["CellWidget", "Model", "Selection", "__version__", "annotate", "convert", "datasets", "load_model"]

_HOMES = {
    "CellWidget": "widget",
    "Model": "model",
    "Selection": "selection",
    "annotate": "annotate",
    "load_model": "model",
}


def __getattr__(name: str) -> Any:
    """Import what is used when it is used: the import of this package takes milliseconds."""
    from importlib import import_module, metadata

    if name == "__version__":
        return metadata.version("cellwidget")
    if name in ("convert", "datasets"):
        return import_module(f".{name}", __name__)
    if name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value  # the import of `annotate` has just put the module there
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
