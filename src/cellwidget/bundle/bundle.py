"""A bundle on disk: manifest, graphs, genes; loaded only when every byte is what the manifest says."""

from __future__ import annotations

import hashlib
import shutil
import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cellwidget.bundle.aliases import ALIASES, read_aliases
from cellwidget.bundle.archive import unpack
from cellwidget.bundle.errors import AGAIN, BundleError
from cellwidget.bundle.foreign import Naming, named
from cellwidget.bundle.manifest import MANIFEST, Manifest, checked_manifest, read_manifest
from cellwidget.bundle.names import read_names
from cellwidget.bundle.reference import Reference, read_reference
from cellwidget.bundle.verify import verify_files

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bundle:
    """A bundle that was verified: make one with `Bundle.load`.

    Parameters
    ----------
    folder
        Where its files are.
    manifest
        What it says of itself.
    genes
        The model's genes, in the order of its inputs.
    sha256
        Of the manifest, which names the sha256 of everything else.
    naming
        What a graph with one dense input calls things; None for one that follows the contract.
    aliases
        Other names of the genes, by which data may have them, and their positions in `genes`.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        genes: list[str],
        sha256: str,
        naming: Naming | None = None,
        aliases: Mapping[str, int] | None = None,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.genes = genes
        self.sha256 = sha256
        self.naming = naming
        self.aliases = aliases or {}

    @classmethod
    def load(cls, path: str | Path) -> Bundle:
        """Load a folder, or a zip of one.

        Parameters
        ----------
        path
            The folder or the zip. A zip is unpacked to a temporary folder that lives as long as the bundle.

        Raises
        ------
        BundleError
            If a file is missing, altered or cut off, lies outside, or says what cannot be.
        """
        path = Path(path)
        if path.is_file():
            folder = unpack(path)
            try:
                bundle = cls._load_folder(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            weakref.finalize(bundle, shutil.rmtree, folder, ignore_errors=True)
            return bundle
        return cls._load_folder(path)

    @classmethod
    def _load_folder(cls, folder: Path) -> Bundle:
        written = folder / MANIFEST
        if not written.is_file():
            raise BundleError(
                f"{folder} is no bundle: it has no {MANIFEST}. Give the folder that holds one, or its zip."
            )
        raw, entries = read_manifest(written)
        verify_files(folder, entries.pop("files", None))
        manifest = checked_manifest(entries, written)
        genes = read_names(folder / "genes.txt")
        naming = None
        if manifest.input == "dense":
            naming = named(folder / "model.onnx", len(genes), len(manifest.classes), "genes.txt", MANIFEST)
            if missing := {*manifest.outputs}.difference([*naming.outputs, "attention_genes"]):
                raise BundleError(f"{folder / 'model.onnx'} gives no {min(missing)!r}, as {MANIFEST} says. {AGAIN}")
        aliases = read_aliases(folder / ALIASES, genes)
        return cls(folder, manifest, genes, hashlib.sha256(raw).hexdigest(), naming, aliases)

    @property
    def classes(self) -> list[str]:
        """Labels in the order of the logits; empty for a model that gives an embedding alone."""
        return self.manifest.classes

    @property
    def colors(self) -> list[str] | None:
        """One ``#rrggbb`` per class, or None."""
        return self.manifest.colors or None

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the graph's inputs."""
        return frozenset(self.manifest.inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the graph's outputs."""
        return tuple(self.manifest.outputs)

    @property
    def model_path(self) -> Path:
        """The graph from genes and counts to outputs."""
        return self.folder / "model.onnx"

    @property
    def umap_path(self) -> Path | None:
        """The graph from embedding to places, if there is one."""
        path = self.folder / "umap.onnx"
        return path if path.is_file() else None

    def reference(self) -> Reference | None:
        """Read the training cells' map, if there is one.

        Raises
        ------
        BundleError
            If it does not hold places and labels of the same number of cells.
        """
        return self._reference

    @cached_property
    def _reference(self) -> Reference | None:
        path = self.folder / "reference.npz"
        return read_reference(path, len(self.classes)) if path.is_file() else None
