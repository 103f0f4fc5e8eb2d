"""The command line: `cellwidget convert sims model.ckpt out --values log1p_10k`."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VALUES = {
    "counts": "raw counts",
    "log1p_10k": "log1p of counts scaled to 10,000 a cell over all its genes",
    "as_is": "anything else: cells must hold the same",
}
DICTIONARIES = {
    "tokens": "tokens by gene",
    "medians": "medians by gene",
    "symbols": "gene ids by symbol",
    "mapping": "gene ids that are counted as others",
}
GENEFORMER = "Make a bundle of a Geneformer. Nothing of the model's files is run, and torch is not needed."
SIMS = "Make a bundle of a SIMS model. Nothing of the model's files is run, and torch is not needed."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments
        Words after the program's name; None for those that it was called with.

    Returns
    -------
    int
        The exit status: 0, or 1 if what was asked for cannot be, which is said in one line.
    """
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except (ValueError, OSError, ImportError) as error:
        print(f"cellwidget: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cellwidget", description="Single-cell models for notebooks.")
    parser.add_argument("--version", action="version", version=f"cellwidget {version('cellwidget')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    convert = commands.add_parser("convert", help="make a bundle of a model", description="Make a bundle of a model.")
    families = convert.add_subparsers(metavar="FAMILY", required=True)
    _add_sims(families.add_parser("sims", help="a checkpoint of SIMS, or a sims-web folder", description=SIMS))
    what = "a folder of Geneformer from Hugging Face, or a .nemo of BioNeMo"
    _add_geneformer(families.add_parser("geneformer", help=what, description=GENEFORMER))
    return parser


def _add_sims(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", help="a .ckpt of scsims 3 or 4; a sims-web folder, FOLDER/ID in it, or its .onnx")
    add("out", help="the bundle's folder, made if it is not there")
    what = "; ".join(f"{name}: {meaning}" for name, meaning in VALUES.items())
    add("--values", choices=list(VALUES), required=True, help=f"what the network was trained on. {what}")
    _add_about(parser, organism="")
    add("--gene-id-type", choices=["symbol", "Ensembl id"], help="default: told by how the genes look")
    add("--reference", metavar="H5AD", help="the training cells: they become the map that new cells land on")
    add("--labels", metavar="COLUMN", help="the obs column of the training cells' labels")
    parser.set_defaults(run=_sims)


def _add_geneformer(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", help="the folder with config.json and weights; the .nemo, or the folder that it was unpacked to")
    add("out", help="the bundle's folder, made if it is not there")
    add("--pooling", choices=["mean", "cls"], help="a cell's embedding: over its genes, or of the first token")
    add("--layer", type=int, choices=[-1, 0], help="after which layer: 0 the last, -1 the one before")
    add("--length", type=int, metavar="N", help="tokens of a cell at most (default: as many as the network can take)")
    add("--dictionaries", metavar="FOLDER", help="of Geneformer's dictionaries, if they are not the model's neighbours")
    for name, what in DICTIONARIES.items():
        add(f"--{name}", metavar="FILE", help=f"{what}, a pickle or JSON")
    add("--classes", nargs="+", metavar="LABEL", help="labels of a classifier whose config.json does not name them")
    _add_about(parser, organism="Homo sapiens")
    parser.set_defaults(run=_geneformer)


def _add_about(parser: argparse.ArgumentParser, *, organism: str) -> None:
    add = parser.add_argument
    add("--name", help="a short name (default: the file's)")
    add("--title", help="a title for people")
    add("--organism", default=organism, help='such as "Homo sapiens"')
    add("--licence", default="", help="of the weights")
    add("--citation", default="", help="whom to cite")


def _sims(parsed: argparse.Namespace) -> None:
    from cellwidget.convert import sims

    settings = _settings(parsed)
    if parsed.reference is not None:
        from anndata import read_h5ad

        settings["reference"] = read_h5ad(parsed.reference)
    _tell(sims(parsed.source, parsed.out, **settings))


def _geneformer(parsed: argparse.Namespace) -> None:
    from cellwidget.convert import geneformer

    _tell(geneformer(parsed.source, parsed.out, **_settings(parsed)))


def _settings(parsed: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(parsed).items() if name not in ("source", "out", "run")}


def _tell(made: Path) -> None:
    """Say what was made."""
    from cellwidget.bundle import Bundle

    bundle = Bundle.load(made)
    size = sum(path.stat().st_size for path in bundle.folder.iterdir())
    print(f"{bundle.folder}: {bundle.manifest.title}")
    print(
        f"{len(bundle.genes):,} genes ({bundle.manifest.gene_id_type}), {len(bundle.classes):,} classes, {size:,} bytes"
    )
