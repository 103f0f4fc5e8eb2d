"""Bundles: what is on disk of a model, loaded only when every byte is what its manifest says."""

from cellwidget.bundle.aliases import aliases_file
from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.foreign import Naming
from cellwidget.bundle.load import check_values, load_bundle
from cellwidget.bundle.manifest import INPUTS, MANIFEST, OUTPUTS, SCHEMA, VALUES, Manifest, read_manifest
from cellwidget.bundle.reference import Reference
from cellwidget.bundle.save import save_bundle
from cellwidget.bundle.simsweb import find_sims_web
from cellwidget.bundle.verify import REQUIRED, files_of, inside, sha256_of

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
    "Naming",
    "Reference",
    "aliases_file",
    "check_values",
    "files_of",
    "find_sims_web",
    "inside",
    "load_bundle",
    "read_manifest",
    "save_bundle",
    "sha256_of",
]
