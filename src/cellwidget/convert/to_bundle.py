"""From a model of SIMS to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cellwidget.bundle import VALUES, Manifest, save_bundle, sha256_of
from cellwidget.convert.errors import ConvertError
from cellwidget.convert.naming import short
from cellwidget.convert.pumap import parametric_umap
from cellwidget.convert.reference_map import add_reference
from cellwidget.convert.sims_checkpoint import read_checkpoint
from cellwidget.convert.sims_folder import read_folder
from cellwidget.convert.sims_source import Sims, checked
from cellwidget.convert.tabnet import OUTPUTS, tabnet_graph
from cellwidget.genes import id_type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

NORMALISE = {"counts": "none", "log1p_10k": "total", "as_is": "none"}
CITATION = "Gonzalez-Ferrer et al., SIMS, Cell Genomics (2024)."


def sims(
    source: str | Path,
    out: str | Path,
    *,
    values: str | None = None,
    name: str | None = None,
    title: str | None = None,
    organism: str = "",
    gene_id_type: str | None = None,
    licence: str = "",
    citation: str = "",
    genes: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    reference: AnnData | None = None,
    labels: str | None = None,
) -> Path:
    """Convert a SIMS model: a Lightning checkpoint, or what was made of one for the sims-web application.

    Nothing of the source is run, and torch is not needed.

    Parameters
    ----------
    source
        A ``.ckpt`` of scsims 3 or 4; or a sims-web folder, the path of one of its models without an ending, or of its
        ``.onnx``. The folder's parametric UMAP and map of training cells come along.
    out
        Where to: a folder, made if it is not there.
    values
        What the network was trained on, which no file tells: "counts", raw ones; "log1p_10k", log1p of counts scaled to
        10,000 a cell over all its genes; "as_is", anything else, for which cells must hold the same.
    name, title
        For registries, for people; else from the file's name, the folder's ``.json``.
    organism, licence, citation
        For the manifest.
    gene_id_type
        "symbol" or "Ensembl id"; None tells by how the genes look.
    genes, classes
        Names in their order, for a checkpoint that has none.
    reference, labels
        The training cells, and the obs column with their labels: what `convert.reference` takes. A model that comes
        without a map gets one, by `convert.parametric_umap`.

    Returns
    -------
    Path
        The bundle's folder, for `load_model`.

    Raises
    ------
    ConvertError
        If the model cannot be converted; the message names what is wrong and the remedy.
    """
    if values not in VALUES:
        raise ConvertError(
            f"values={values!r}: say what the network was trained on, which its files do not tell: 'counts' (raw "
            f"counts), 'log1p_10k' (log1p of counts scaled to 10,000 a cell) or 'as_is' (anything else)."
        )
    model = checked(_read(Path(source).expanduser(), genes, classes))
    normalise = NORMALISE[values]
    manifest = Manifest(
        name=short(name or model.name) or "sims",
        title=title or model.title,
        family="SIMS",
        version="1",
        gene_id_type=gene_id_type or id_type_of(model.genes),
        classes=model.classes,
        inputs=["genes", "counts", *(["total"] if normalise == "total" else [])],
        outputs=list(OUTPUTS),
        organism=organism,
        licence=licence,
        citation=citation or model.citation or CITATION,
        source=model.source,
        training=model.training,
        values="as_is" if values == "as_is" else "counts",
        trained_on=values,
    )
    files = {"model.onnx": tabnet_graph(model.net, normalise=normalise), **model.files}
    made = save_bundle(out, manifest, model.genes, files)
    if reference is None:
        return made
    if "umap.onnx" in files:
        return add_reference(made, reference, labels=labels)
    return parametric_umap(made, reference, labels=labels)


def _read(source: Path, genes: Sequence[str] | None, classes: Sequence[str] | None) -> Sims:
    exported = read_folder(source)
    if exported is not None:
        return exported
    if not source.is_file():
        raise ConvertError(
            f"{source} is neither a checkpoint nor a sims-web folder, which has ID.onnx, ID.genes and ID.classes."
        )
    model = read_checkpoint(source, genes, classes)
    model.source["sha256"] = sha256_of(source)
    return model
