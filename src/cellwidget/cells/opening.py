"""Opening the cells of an AnnData: which matrix, which genes, and what goes with each cell."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from cellwidget.cells.align import Aligner
from cellwidget.cells.choose import choose
from cellwidget.cells.extras import CellUniform, Extras, codes_from, totals_from
from cellwidget.cells.reader import Cells
from cellwidget.cells.report import input_report
from cellwidget.genes import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData

    from cellwidget.cells.choose import Choice

KEEP_BYTES = 2 * 2**30


def check_anndata(what: object) -> None:
    """Refuse what is no AnnData.

    Raises
    ------
    InputError
        With the remedy.
    """
    from anndata import AnnData

    if isinstance(what, AnnData):
        return
    remedy = " Read the file first, with anndata.read_h5ad." if isinstance(what, str | PathLike) else ""
    raise InputError(f"Expected an AnnData, got {type(what).__name__}.{remedy}")


def open_cells(
    adata: AnnData,
    genes: Sequence[str],
    *,
    id_type: str | None = None,
    layer: str | None = None,
    needs_total: bool = False,
    total: str | None = None,
    uniform: int = 0,
    seed: int = 0,
    batch: str | None = None,
    values: str = "counts",
    trained_on: str = "",
    min_matched: float | None = None,
    keep_bytes: int = KEEP_BYTES,
    aliases: Mapping[str, int] | None = None,
) -> Cells:
    """Look at an AnnData and make its cells readable as a model takes them.

    Parameters
    ----------
    adata
        In memory or backed; X in CSR, CSC or dense.
    genes
        The model's genes.
    id_type
        What these are, "symbol" or "Ensembl id", for messages; looked at where None.
    layer
        The one matrix to read: a layer, "X" or "raw". None looks for counts in X, layers["counts"] and raw.
    needs_total
        Whether batches carry each cell's total count.
    total
        The obs column that holds totals; None sums over all genes of the matrix.
    uniform
        Random numbers that batches carry per cell.
    seed
        Seed of these numbers.
    batch
        The obs column of batch codes that batches carry.
    values
        "counts" or "log1p_10k" for models that start from raw counts (the latter normalise inside), "as_is" for
        models that take X, or the matrix that `layer` names, as it is.
    trained_on
        Which values the network was trained on, for the report.
    min_matched
        Share of the model's genes that must be in the data; None for a tenth of them, at most 200.
    keep_bytes
        Largest size of the compact copy. Above it cells are read from the matrix as they are asked for.
    aliases
        Other names of the model's genes, and their positions.

    Raises
    ------
    InputError
        The data cannot be used; the message says what to do.
    """
    check_anndata(adata)
    if adata.n_obs == 0 or adata.n_vars == 0:
        raise InputError(f"The AnnData is empty: {adata.n_obs} cells x {adata.n_vars} genes.")
    totals = totals_from(adata.obs, total) if total is not None else None  # one mistyped is told of in any case
    extras = Extras(
        counted_totals=needs_total and total is None,
        totals=totals if needs_total else None,
        uniform=CellUniform(seed, adata.obs_names, uniform) if uniform else None,
        codes=codes_from(adata.obs, batch) if batch is not None else None,
    )
    choice = choose(
        adata,
        genes,
        id_type=id_type,
        layer=layer,
        values=values,
        min_matched=min_matched,
        keep_bytes=keep_bytes,
        aliases=aliases,
    )
    aligner = Aligner(choice.match.positions, len(genes), choice.encoding)
    sample = aligner(choice.sample.rows, 0)
    copy_bytes = (sample.genes.nbytes + sample.counts.nbytes) / len(sample) * adata.n_obs
    keep = copy_bytes <= keep_bytes
    words = _total_words(choice, extras, total)
    report = input_report(choice, sample, n_model=len(genes), total=words, trained_on=trained_on)
    if not keep:
        report["notes"].append("The cells are too many to be copied: leave the matrix as it is until the run ends.")
    return Cells(choice, aligner, adata.obs_names, extras, report, keep=keep)


def _total_words(choice: Choice, extras: Extras, total: str | None) -> str | None:
    if extras.totals is not None:
        return f"obs[{total!r}]"
    return f"all {choice.source.shape[1]:,} genes of {choice.name}" if extras.counted_totals else None
