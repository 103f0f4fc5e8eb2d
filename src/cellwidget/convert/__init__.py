"""From weights to bundles, and what belongs to them. Needs the extra `convert` where weights are converted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwidget.convert.errors import ConvertError
    from cellwidget.convert.pumap import parametric_umap
    from cellwidget.convert.reference_map import add_reference as reference
    from cellwidget.convert.to_bundle import sims

__all__ = ["ConvertError", "parametric_umap", "reference", "sims"]

_HOMES = {
    "ConvertError": ("errors", "ConvertError"),
    "parametric_umap": ("pumap", "parametric_umap"),
    "reference": ("reference_map", "add_reference"),
    "sims": ("to_bundle", "sims"),
}


def __getattr__(name: str) -> Any:
    """Import what is used when it is used."""
    if name in _HOMES:
        module, function = _HOMES[name]
        return getattr(import_module(f".{module}", __name__), function)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
