"""Folders made for the sims-web application: ID.onnx, ID.genes, ID.classes and what lies beside them, as they are."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from cellwidget.bundle.bundle import Bundle
from cellwidget.bundle.errors import BundleError
from cellwidget.bundle.foreign import Naming, named
from cellwidget.bundle.manifest import MANIFEST, MOST_TEXT, VALUES, Manifest, dense_inputs, readable
from cellwidget.bundle.names import read_names
from cellwidget.bundle.simsmap import read_map
from cellwidget.bundle.verify import sha256_of
from cellwidget.graphs.onnx import signature

if TYPE_CHECKING:
    from pathlib import Path

    from cellwidget.bundle.reference import Reference

NEEDED = (".onnx", ".genes", ".classes")
UMAP = "-pumap.onnx"
BESIDE = (".json", UMAP, "-mappings.bin", "-labels.bin", "-encodings.npy")
OTHER = "Get the folder's files again."


class SimsWeb(Bundle):
    """A model of such a folder: made by `load_sims_web`."""

    def __init__(
        self, folder: Path, manifest: Manifest, genes: list[str], naming: Naming, training: Reference | None
    ) -> None:
        told = json.dumps(asdict(manifest), sort_keys=True).encode()
        super().__init__(folder, manifest, genes, hashlib.sha256(told).hexdigest(), naming)
        self._training = training

    @property
    def model_path(self) -> Path:
        """The graph from all genes to outputs."""
        return self.folder / f"{self.manifest.name}.onnx"

    @property
    def umap_path(self) -> Path | None:
        """The graph from embedding to places, if there is one that can be used."""
        path = self.folder / f"{self.manifest.name}{UMAP}"
        return path if "embedding" in self.manifest.outputs and path.is_file() else None

    def reference(self) -> Reference | None:
        """Give the training cells' map, if there is one."""
        return self._training


def models_in(folder: Path) -> list[str]:
    """Ids of a folder's models; none of a bundle, and of a folder that holds something else."""
    if (folder / MANIFEST).is_file():
        return []
    found = Counter(
        path.name.removesuffix(part)
        for part in NEEDED
        for path in folder.glob(f"*{part}")
        if not path.name.endswith(UMAP)
    )
    return sorted(name for name, parts in found.items() if parts > 1)  # one alone may be anything


def find_sims_web(path: Path) -> tuple[Path, str] | None:
    """Tell the folder and the id that a path means: the folder, the folder and the id, or the ``.onnx``.

    Raises
    ------
    BundleError
        If the folder holds several models.
    """
    if path.is_dir():
        models = models_in(path)
        if len(models) > 1:
            raise BundleError(
                f"{path} holds {len(models)} models: {', '.join(models)}. Name one, as {str(path / models[0])!r}."
            )
        return (path, models[0]) if models else None
    name = path.name.removesuffix(".onnx")
    return (path.parent, name) if path.parent.is_dir() and name in models_in(path.parent) else None


def load_sims_web(folder: Path, name: str, values: str | None = None) -> Bundle:
    """Load a model of such a folder.

    Parameters
    ----------
    folder, name
        As `find_sims_web` tells them.
    values
        What the network was trained on: "counts", "log1p_10k" or "as_is". The folder does not say; None takes values
        as they are.

    Raises
    ------
    BundleError
        If a file is missing, or files disagree; the message names them.
    """
    if values not in (None, *VALUES):
        raise BundleError(f"values={values!r} is none of {', '.join(map(repr, VALUES))}.")
    files = {part: folder / f"{name}{part}" for part in (*NEEDED, *BESIDE)}
    if missing := [path for part, path in files.items() if part in NEEDED and not path.is_file()]:
        raise BundleError(f"{missing[0]} is missing. {OTHER}")
    genes, classes = read_names(files[".genes"], "gene"), read_names(files[".classes"], "class")
    naming = named(files[".onnx"], len(genes), len(classes), files[".genes"].name, files[".classes"].name)
    if files[UMAP].is_file():
        _check_umap(files[UMAP], naming)
    manifest = Manifest(
        name=name,
        title=name,
        family="SIMS",
        version="",
        gene_id_type="",
        classes=classes,
        inputs=dense_inputs(values or "as_is"),
        outputs=_outputs(naming),
        values=values or "as_is",
        input="dense",
        trained_on=values or "",
        source={path.name: sha256_of(path) for path in files.values() if path.is_file()},
    )
    told = _description(files[".json"])
    training = read_map(folder, name, len(classes), naming.embedding_width)
    return SimsWeb(folder, replace(manifest, **told), genes, naming, training)


def _outputs(naming: Naming) -> list[str]:
    return [*naming.outputs, *(["attention_genes"] if "attention" in naming.outputs else [])]


def _check_umap(path: Path, naming: Naming) -> None:
    """Hold the map against the model: both generations have one input and one output, of whatever names."""
    try:
        stated = signature(path.read_bytes())
    except ValueError as error:
        raise BundleError(f"{path} cannot be read ({error}). Get the file again, or go without it.") from error
    if len(stated.inputs) != 1 or len(stated.outputs) != 1:
        raise BundleError(f"{path} must take the embedding alone and give places alone. Get it again, or remove it.")
    takes, gives = (value.shape[-1] if value.shape else None for value in (stated.inputs[0], stated.outputs[0]))
    if None not in (takes, naming.embedding_width) and takes != naming.embedding_width:
        raise BundleError(
            f"{path} takes embeddings of {takes} numbers, the model gives {naming.embedding_width}. "
            f"Get both files again, or remove this one."
        )
    if gives not in (None, 2):
        raise BundleError(f"{path} gives places in {gives} dimensions, not 2. Get it again, or remove it.")


def _description(path: Path) -> dict[str, Any]:
    """Read what the folder says of the model to people."""
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise BundleError(f"{path} is not JSON ({error}). Get the file again, or remove it.") from error
    if not isinstance(entries, dict):
        raise BundleError(f"{path} must hold an object. Get the file again, or remove it.")
    texts = {
        key: readable(str(entries[key]))[:MOST_TEXT]
        for key in ("title", "submitter", "abstract", "doi")
        if entries.get(key)
    }
    told: dict[str, Any] = {"title": texts.pop("title")} if "title" in texts else {}
    if "doi" in texts:
        told["citation"] = f"https://doi.org/{texts.pop('doi')}"
    return told | {"training": texts}
