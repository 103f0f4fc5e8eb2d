"""Labels without a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellwidget.cells import check_anndata
from cellwidget.engines import InKernel
from cellwidget.engines.kernel import KernelEngine
from cellwidget.model import load_model
from cellwidget.results import Results, check_keys, check_threshold, nearness_of, write
from cellwidget.results.write import check_writable
from cellwidget.run import Run

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from cellwidget.model import Model

GLANCE = 0.1
"""Seconds between two looks at the progress."""


def annotate(
    adata: AnnData,
    model: str | Path | Model = "pbmc",
    *,
    layer: str | None = None,
    key_added: str = "cellwidget",
    total: str | None = None,
    threshold: float = 0.0,
    overwrite: bool = False,
    batch_size: int | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> None:
    """Run a model over all cells and write what it gives into the AnnData: all of it or, on any error, nothing.

    Parameters
    ----------
    adata
        The cells. Counts are looked for in ``X``, ``layers["counts"]`` and ``raw``.
    model
        What `load_model` takes, or a loaded `Model`.
    layer
        Where the counts are, if it should not be looked for.
    key_added
        Results go to ``obs["{key}_label"]``, ``obs["{key}_score"]``, ``obsm["X_{key}"]``, ``uns["{key}"]`` and, for a
        model with a map of its own, ``obsm["X_{key}_umap"]``; for one that knows its training cells
        ``obs["{key}_distance"]`` and ``obs["{key}_unlike_training"]``.
    total
        An obs column with each cell's total counts, for models that normalise by it; by default the sum over all genes.
    threshold
        Cells whose score is below it are labelled "unassigned" (another name where the model has such a class).
    overwrite
        Whether keys that are not this package's may be overwritten.
    batch_size
        Cells at once; by default the fastest of some that are tried.
    threads
        Threads of the computation; by default all cores.
    progress
        Whether to show a progress bar.

    Raises
    ------
    ValueError
        If the AnnData is a view, the threshold is not from 0 to 1, or results would overwrite a key that is not ours:
        before the run.
    InputError
        If the cells cannot be read for this model; the message says what would help.
    RunError
        If the run fails.
    """
    check_anndata(adata)
    check_writable(adata)
    check_keys(adata, key_added, overwrite)
    threshold = check_threshold(threshold)
    loaded = load_model(model, progress=progress)
    bundle = loaded.bundle
    engine = KernelEngine(bundle, threads=threads)
    cells = loaded.open(adata, layer=layer, total=total)
    results = Results(
        cells.n_obs,
        bundle.classes,
        keep=("embedding",),
        nearness=nearness_of(bundle),
        temperature=loaded.temperature,
        threshold=threshold,
    )
    try:
        run = Run(cells, InKernel(engine, batch_size=batch_size), results)
        _run_to_the_end(run, bundle.manifest.title if progress else None)
    finally:
        cells.close()
    info = loaded.written_info(cells.report, results, layer=layer, total=total, threshold=threshold or None)
    write(
        adata,
        results,
        cells.obs_names,
        key=key_added,
        info=info,
        layout=True,
        colors=bundle.colors,
        overwrite=overwrite,
    )


def _run_to_the_end(run: Run, title: str | None) -> None:
    """Wait for a run with a progress bar of this title, or none; an interrupt stops it."""
    from tqdm.auto import tqdm

    run.start()
    with tqdm(total=len(run.results), desc=title, unit=" cells", disable=title is None) as bar:
        try:
            while not _over(run):
                _show(bar, run)
        except BaseException:
            run.stop()
            raise
        finally:
            _show(bar, run)


def _over(run: Run) -> bool:
    try:
        run.wait(GLANCE)
    except TimeoutError:
        return False
    return True


def _show(bar: Any, run: Run) -> None:
    done, failed, _ = run.results.counts
    bar.update(done + failed - bar.n)
    if failed:
        bar.set_postfix_str(f"{failed:,} failed")
