"""Bundles: what is on disk of a model, loaded only when every byte is what its manifest says."""

from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.manifest import INPUTS, MANIFEST, OUTPUTS, SCHEMA, VALUES, Manifest
from cellwidget.bundle.reference import Reference
from cellwidget.bundle.save import save_bundle
from cellwidget.bundle.verify import REQUIRED

__all__ = [
    "AGAIN",
    "INPUTS",
    "MANIFEST",
    "OUTPUTS",
    "REQUIRED",
    "SCHEMA",
    "VALUES",
    "Bundle",
    "BundleError",
    "Manifest",
    "Reference",
    "save_bundle",
]
