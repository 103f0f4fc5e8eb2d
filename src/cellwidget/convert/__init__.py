"""From weights to bundles, and what belongs to them. Needs the extra `convert` where weights are converted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwidget.convert.errors import ConvertError
    from cellwidget.convert.geneformer_bundle import geneformer
    from cellwidget.convert.pumap import parametric_umap
    from cellwidget.convert.reference_map import add_reference as reference
    from cellwidget.convert.to_bundle import sims

__all__ = ["ConvertError", "geneformer", "parametric_umap", "reference", "sims"]

_HOMES = {
    "ConvertError": ("errors", "ConvertError"),
    "geneformer": ("geneformer_bundle", "geneformer"),
    "parametric_umap": ("pumap", "parametric_umap"),
    "reference": ("reference_map", "add_reference"),
    "sims": ("to_bundle", "sims"),
}
EXTRA = ("onnx", "safetensors")
"""What the extra installs."""


def __getattr__(name: str) -> Any:
    """Import what is used when it is used."""
    if name in _HOMES:
        module, function = _HOMES[name]
        try:
            return getattr(import_module(f".{module}", __name__), function)
        except ModuleNotFoundError as error:
            if error.name not in EXTRA:
                raise
            raise ModuleNotFoundError(
                f"cellwidget.convert.{name} needs the package {error.name!r}: pip install cellwidget[convert]",
                name=error.name,
            ) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
