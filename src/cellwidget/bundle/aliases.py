"""Other names of a model's genes, by which data may have them: one per line, a tab, and the gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwidget.bundle.errors import AGAIN, BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ALIASES = "aliases.tsv"


def aliases_file(aliases: Mapping[str, str]) -> dict[str, bytes]:
    """Make the file of genes by their other names, by its own; nothing where there are none."""
    lines = [f"{name}\t{gene}\n" for name, gene in aliases.items()]
    return {ALIASES: "".join(lines).encode()} if lines else {}


def read_aliases(path: Path, genes: Sequence[str]) -> dict[str, int]:
    """Read the file, if there is one: positions in `genes` by other names.

    Raises
    ------
    BundleError
        If it is no such file, or names a gene that the model does not have.
    """
    if not path.is_file():
        return {}
    places = {gene: place for place, gene in enumerate(genes)}
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} is not UTF-8. {AGAIN}") from error
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name, _, gene = line.partition("\t")
        if not name or gene not in places:
            raise BundleError(f"Line {number:,} of {path} does not give a name, a tab and a gene of the model. {AGAIN}")
        found.setdefault(name, places[gene])
    return found
