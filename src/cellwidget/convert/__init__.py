"""From weights to bundles, and what belongs to them. Needs the extra `convert` where weights are converted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwidget.convert.reference_map import add_reference as reference

__all__ = ["reference"]

_HOMES = {"reference": ("reference_map", "add_reference")}


def __getattr__(name: str) -> Any:
    """Import what is used when it is used."""
    if name in _HOMES:
        module, function = _HOMES[name]
        return getattr(import_module(f".{module}", __name__), function)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
