"""What a bundle says of itself."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cellwidget.bundle.errors import AGAIN, BundleError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
MANIFEST = "manifest.json"
VALUES = ("counts", "log1p_10k", "as_is")
OUTPUTS = ("logits", "embedding", "attention", "attention_weighted", "attention_genes")
INPUTS = ("genes", "counts", "total", "uniform", "batch")
MEMORY = ("tokens", "per_token", "per_pair")
MOST_TEXT = 2_000
MOST_MANIFEST_BYTES = 16 * 2**20

_HEX = re.compile(r"#[0-9a-f]{6}")
_TEXTS = (
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
    "trained_on",
)


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
        Names of what the model takes and gives.
    uniform
        Random numbers that the graph takes per cell; 0 for none.
    values
        What the model is handed: "counts", raw ones; "log1p_10k", raw ones that a dense graph is given normalised;
        "as_is", any finite values as the matrix holds them.
    input
        "sparse": the genes and counts that a cell has; "dense": all of the model's genes, for foreign graphs.
    trained_on
        Which values the network was trained on, of the same three, as far as somebody said so; else empty.
    training
        Data, method and figures, as they were measured.
    memory
        For models whose memory grows with a cell's own genes: "tokens", how many of them count at most, and the bytes
        that each takes, "per_token" and "per_pair" (of tokens). Empty for others.
    temperature
        What logits are divided by before they become scores; 1 unless the model was calibrated (`Model.calibrate`).
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
    trained_on: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    temperature: float = 1.0


def read_manifest(written: Path) -> tuple[bytes, dict[str, Any]]:
    """Read the file: its bytes, and its entries without the schema.

    Raises
    ------
    BundleError
        If it cannot be read by this version.
    """
    if written.stat().st_size > MOST_MANIFEST_BYTES:
        raise BundleError(f"{written} is larger than a manifest can be. {AGAIN}")
    raw = written.read_bytes()
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
    return raw, entries


def checked_manifest(entries: dict[str, Any], written: Path) -> Manifest:
    """Make a manifest of its entries.

    Raises
    ------
    BundleError
        If they are not those of a bundle, or contradict each other.
    """

    def refuse(what: str) -> BundleError:
        return BundleError(f"{written}: {what}. {AGAIN}")

    try:
        manifest = Manifest(**entries)
    except TypeError as error:
        raise refuse(str(error).replace("Manifest.__init__() ", "")) from error
    if wrong := _wrong(manifest):
        raise refuse(wrong)
    return manifest


def _wrong(manifest: Manifest) -> str | None:
    return _wrong_kind(manifest) or _wrong_classes(manifest) or _wrong_contract(manifest)


def _wrong_kind(manifest: Manifest) -> str | None:
    for name in _TEXTS:
        if not _is_text(getattr(manifest, name)):
            return f"{name} must be a text of at most {MOST_TEXT:,} characters"
    for name in ("classes", "inputs", "outputs", "colors"):
        value = getattr(manifest, name)
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            return f"{name} must be a list of texts"
    if not isinstance(manifest.training, dict) or not isinstance(manifest.source, dict):
        return "training and source must be objects"
    if manifest.memory and not _is_memory(manifest.memory):
        return f"memory must say {', '.join(MEMORY)} in whole numbers above 0"
    if not _is_temperature(manifest.temperature):
        return "temperature must be a number above 0"
    return None


def _wrong_classes(manifest: Manifest) -> str | None:
    if len(set(manifest.classes)) != len(manifest.classes):
        return "classes are repeated"
    if manifest.colors and (
        len(manifest.colors) != len(manifest.classes) or not all(_HEX.fullmatch(color) for color in manifest.colors)
    ):
        return "colors must be one #rrggbb per class"
    if "logits" in manifest.outputs and not manifest.classes:
        return "the model gives logits, but no classes are named"
    return None


def _wrong_contract(manifest: Manifest) -> str | None:
    for name, known in (("inputs", INPUTS), ("outputs", OUTPUTS)):
        if unknown := set(getattr(manifest, name)).difference(known):
            return f"{name} has an unknown {min(unknown)!r}"
    if not manifest.outputs:
        return "the model gives no output"
    if manifest.classes and "logits" not in manifest.outputs:
        return "classes are named, but the model gives no logits"
    sparse_and_normalised = manifest.input == "sparse" and manifest.values == "log1p_10k"
    if manifest.values not in VALUES or manifest.input not in ("sparse", "dense") or sparse_and_normalised:
        return f"values {manifest.values!r} and input {manifest.input!r} cannot be used by this version"
    if manifest.input == "dense" and set(manifest.inputs) != set(dense_inputs(manifest.values)):
        return f"a dense graph of values {manifest.values!r} takes {', '.join(dense_inputs(manifest.values))}"
    if manifest.trained_on not in ("", *VALUES):
        return f"trained_on {manifest.trained_on!r} is none of {', '.join(VALUES)}"
    if not isinstance(manifest.uniform, int) or (manifest.uniform > 0) != ("uniform" in manifest.inputs):
        return "uniform must be how many random numbers the graph's input of that name takes, or 0"
    return None


def _is_memory(value: object) -> bool:
    if not isinstance(value, dict) or {*value} != {*MEMORY}:
        return False
    return all(isinstance(each, int) and not isinstance(each, bool) and each > 0 for each in value.values())


def _is_temperature(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def dense_inputs(values: str) -> list[str]:
    """Tell what cells must carry for a dense graph."""
    return ["genes", "counts", *(["total"] if values == "log1p_10k" else [])]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT and readable(value) == value


def readable(text: str) -> str:
    """Replace half surrogate pairs, which JSON may hold and no message to a page can."""
    return text.encode("utf-8", "replace").decode()
