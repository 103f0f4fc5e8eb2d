"""A bundle on disk: manifest, graphs, genes; loaded only when every byte is what the manifest says."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import weakref
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SCHEMA = 1
MANIFEST = "manifest.json"
REQUIRED = ("model.onnx", "genes.txt")
OUTPUTS = ("logits", "embedding", "attention", "attention_genes")
INPUTS = ("genes", "counts", "total", "uniform", "batch")
MOST_TEXT = 2_000
MOST_MANIFEST_BYTES = 16 * 2**20
MOST_UNPACKED_BYTES = 64 * 2**30
AGAIN = "Get the bundle again, or convert it again with this version of cellwidget."

_HEX = re.compile(r"#[0-9a-f]{6}")


class BundleError(ValueError):
    """A bundle is not what it should be; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Parameters
    ----------
    name
        Short, for registries and ``uns``.
    title
        For people.
    family
        "SIMS", "Geneformer".
    gene_id_type
        "symbol" or "Ensembl id".
    classes
        Labels in the order of the logits; empty for a model that gives an embedding alone.
    colors
        One ``#rrggbb`` per class, or empty.
    inputs, outputs
        Names of the graph's.
    uniform
        Random numbers that the graph takes per cell; 0 for none.
    values
        What the graph takes: "counts".
    input
        "sparse": the genes and counts that a cell has.
    training
        Data, method and figures, as they were measured.
    """

    name: str
    title: str
    family: str
    version: str
    gene_id_type: str
    classes: list[str]
    inputs: list[str]
    outputs: list[str]
    colors: list[str] = field(default_factory=list)
    organism: str = ""
    licence: str = ""
    citation: str = ""
    source: dict[str, str] = field(default_factory=dict)
    uniform: int = 0
    values: str = "counts"
    input: str = "sparse"
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """The model's training cells on its map: xy float32 [cells, 2] and label codes, uint16 [cells]."""

    xy: NDArray[np.float32]
    label: NDArray[np.uint16]


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
    """

    def __init__(self, folder: Path, manifest: Manifest, genes: list[str], sha256: str) -> None:
        self.folder = folder
        self.manifest = manifest
        self.genes = genes
        self.sha256 = sha256

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
            folder = _unpack(path)
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
        if written.stat().st_size > MOST_MANIFEST_BYTES:
            raise BundleError(f"{written} is larger than a manifest can be. {AGAIN}")
        raw = written.read_bytes()
        entries = _entries(raw, written)
        _verify_files(folder, entries.pop("files", None))
        manifest = _manifest(entries, written)
        genes = _read_genes(folder / "genes.txt")
        return cls(folder, manifest, genes, hashlib.sha256(raw).hexdigest())

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
        path = self.folder / "reference.npz"
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                xy, label = arrays["xy"].astype(np.float32), arrays["label"].astype(np.uint16)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise BundleError(f"{path} cannot be read ({error}). {AGAIN}") from error
        if xy.ndim != 2 or xy.shape[1] != 2 or label.shape != xy.shape[:1] or not np.isfinite(xy).all():
            raise BundleError(
                f"{path} must hold finite xy [cells, 2] and label [cells], not {xy.shape}, {label.shape}. {AGAIN}"
            )
        if label.size and label.max() >= max(1, len(self.classes)):
            raise BundleError(f"{path} has the label {label.max()}, the model has {len(self.classes)} classes. {AGAIN}")
        return Reference(xy, label)


def save_bundle(folder: str | Path, manifest: Manifest, genes: Sequence[str], files: Mapping[str, bytes]) -> Path:
    """Write a bundle.

    Parameters
    ----------
    folder
        Where to; made if it is not there. Files of ours that are there are replaced.
    manifest
        What the bundle says of itself; sizes and hashes are added.
    genes
        One name per row of the model's input.
    files
        Contents by name: ``model.onnx`` at least; ``umap.onnx``, ``reference.npz``.

    Raises
    ------
    BundleError
        If what was written cannot be loaded.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"genes.txt": ("\n".join(genes) + "\n").encode(), **files}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    entries = {"schema": SCHEMA, **asdict(manifest)}
    entries["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in contents.items()
    }
    (folder / MANIFEST).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")
    Bundle.load(folder)
    return folder


def _entries(raw: bytes, written: Path) -> dict[str, Any]:
    try:
        entries = json.loads(raw)
    except ValueError as error:
        raise BundleError(f"{written} is not JSON ({error}). {AGAIN}") from error
    if not isinstance(entries, dict):
        raise BundleError(f"{written} must hold an object. {AGAIN}")
    schema = entries.pop("schema", None)
    if schema != SCHEMA:
        raise BundleError(
            f"{written} is of schema {str(schema)[:40]!r}, this version of cellwidget reads {SCHEMA}. "
            f"Update cellwidget, or convert the model again."
        )
    return entries


def _verify_files(folder: Path, files: object) -> None:
    if not isinstance(files, dict):
        raise BundleError(f"{folder / MANIFEST} does not say which files belong to it. {AGAIN}")
    for name in REQUIRED:
        if name not in files:
            raise BundleError(f"{folder / MANIFEST} does not name {name}. {AGAIN}")
    root = folder.resolve()
    for name, entry in files.items():
        path = folder / _inside(name)
        if not path.is_file():
            raise BundleError(f"{path} is missing. {AGAIN}")
        if not path.resolve().is_relative_to(root):
            raise BundleError(f"{path} leads out of the bundle. {AGAIN}")
        if not isinstance(entry, dict) or path.stat().st_size != entry.get("size"):
            raise BundleError(f"{path} is not as long as the manifest says: it was cut off or altered. {AGAIN}")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != entry.get("sha256"):
            raise BundleError(f"{path} is not what the manifest says (another sha256): it was altered. {AGAIN}")
    for name in ("umap.onnx", "reference.npz"):
        if name not in files and (folder / name).exists():
            raise BundleError(f"{folder / name} is there, but the manifest does not name it. {AGAIN}")


def _inside(name: str) -> str:
    """Refuse names that could lead out of the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or len(name) > MOST_TEXT:
        raise BundleError(f"The bundle names a file outside of itself: {name[:80]!r}. Do not use it.")
    return name


def _manifest(entries: dict[str, Any], written: Path) -> Manifest:
    def refuse(what: str) -> BundleError:
        return BundleError(f"{written}: {what}. {AGAIN}")

    try:
        manifest = Manifest(**entries)
    except TypeError as error:
        raise refuse(str(error).replace("Manifest.__init__() ", "")) from error
    for name in (
        "name",
        "title",
        "family",
        "version",
        "gene_id_type",
        "organism",
        "licence",
        "citation",
        "values",
        "input",
    ):
        if not _is_text(getattr(manifest, name)):
            raise refuse(f"{name} must be a text of at most {MOST_TEXT:,} characters")
    for name in ("classes", "inputs", "outputs", "colors"):
        value = getattr(manifest, name)
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            raise refuse(f"{name} must be a list of texts")
    if len(set(manifest.classes)) != len(manifest.classes):
        raise refuse("classes are repeated")
    if manifest.colors and (
        len(manifest.colors) != len(manifest.classes) or not all(_HEX.fullmatch(color) for color in manifest.colors)
    ):
        raise refuse("colors must be one #rrggbb per class")
    for name, known in (("inputs", INPUTS), ("outputs", OUTPUTS)):
        if unknown := set(getattr(manifest, name)).difference(known):
            raise refuse(f"{name} has an unknown {min(unknown)!r}")
    if not manifest.outputs:
        raise refuse("the model gives no output")
    if "logits" in manifest.outputs and not manifest.classes:
        raise refuse("the model gives logits, but no classes are named")
    if manifest.values != "counts" or manifest.input != "sparse":
        raise refuse(f"values {manifest.values!r} and input {manifest.input!r} cannot be used by this version")
    if not isinstance(manifest.uniform, int) or (manifest.uniform > 0) != ("uniform" in manifest.inputs):
        raise refuse("uniform must be how many random numbers the graph's input of that name takes, or 0")
    if not isinstance(manifest.training, dict) or not isinstance(manifest.source, dict):
        raise refuse("training and source must be objects")
    return manifest


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _read_genes(path: Path) -> list[str]:
    try:
        genes = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8. {AGAIN}") from error
    if not genes or not all(genes):
        raise BundleError(f"{path} must hold one gene per line. {AGAIN}")
    if len(set(genes)) != len(genes):
        twice = next(gene for gene in genes if genes.count(gene) > 1)
        raise BundleError(f"{path} names {twice[:80]!r} twice. {AGAIN}")
    return genes


def _unpack(path: Path) -> Path:
    """Unpack a zip that holds a bundle, at its top or in one folder, to a temporary folder."""
    target = Path(tempfile.mkdtemp(prefix="cellwidget-"))
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
                raise BundleError(f"{path} unpacks to more than a model can be. Do not use it.")
            manifests = [info.filename for info in infos if PurePosixPath(info.filename).name == MANIFEST]
            if len(manifests) != 1:
                raise BundleError(
                    f"{path} holds {len(manifests)} files {MANIFEST}, a bundle has one. Zip the bundle's folder."
                )
            top = PurePosixPath(manifests[0]).parent
            for info in infos:
                inner = PurePosixPath(_inside(info.filename))
                if inner.is_relative_to(top):
                    _unpack_one(archive, info, target / inner.relative_to(top))
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise BundleError(f"{path} cannot be unpacked ({error}): it is cut off, or no zip. {AGAIN}") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return target


def _unpack_one(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
