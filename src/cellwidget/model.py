"""A model: a bundle that can be asked what it makes of an AnnData."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwidget.bundle import Bundle
from cellwidget.cells import open_cells
from cellwidget.engines import BatchSizes, Careful
from cellwidget.engines.gather import ATTENTION, Gathered
from cellwidget.engines.kernel import KernelEngine
from cellwidget.registry import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from cellwidget.cells import Cells
    from cellwidget.messages import InputReport

MOST_PREDICTED = 256
"""Cells of one batch of `Model.predict`, at most; a run measures instead."""


def load_model(model: str | Path | Model = "pbmc") -> Model:
    """Load a model.

    Parameters
    ----------
    model
        Name of a packaged model, path of a bundle's folder or zip, or a loaded model, which is given back.

    Raises
    ------
    ValueError
        If there is no such model.
    BundleError
        If it is damaged; the message names the file and the remedy.
    """
    return model if isinstance(model, Model) else Model(Bundle.load(resolve(model)))


class Model:
    """A model that was loaded and verified.

    Parameters
    ----------
    bundle
        What is on disk.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @property
    def genes(self) -> list[str]:
        """The genes it looks at."""
        return self.bundle.genes

    @property
    def classes(self) -> list[str]:
        """The labels it tells apart; empty for a model that gives an embedding alone."""
        return self.bundle.classes

    def __repr__(self) -> str:
        return f"Model({self.bundle.manifest.name!r}: {len(self.genes):,} genes, {len(self.classes)} classes)"

    def open(self, adata: AnnData, *, layer: str | None = None, total: str | None = None, seed: int = 0) -> Cells:
        """Look at an AnnData, and make its cells readable as this model takes them.

        Parameters
        ----------
        adata
            The cells.
        layer
            The one matrix to read: a layer, "X" or "raw". None looks for counts.
        total
            The obs column with each cell's total, for models that normalise by it; None sums over all genes.
        seed
            Seed of the random numbers of models that draw some.

        Raises
        ------
        InputError
            If the cells cannot be read for this model; the message says what would help.
        """
        manifest, inputs = self.bundle.manifest, self.bundle.inputs
        return open_cells(
            adata,
            self.genes,
            id_type=manifest.gene_id_type,
            layer=layer,
            needs_total="total" in inputs,
            total=total,
            uniform=manifest.uniform if "uniform" in inputs else 0,
            seed=seed,
            values=manifest.values,
        )

    def check(self, adata: AnnData, layer: str | None = None, *, total: str | None = None) -> Report:
        """Tell what this model finds in an AnnData: prints the input report, and returns it.

        Parameters
        ----------
        adata, layer, total
            As in `open`.

        Raises
        ------
        InputError
            If the cells cannot be read for this model; the message says what would help.
        """
        cells = self.open(adata, layer=layer, total=total)
        cells.close()
        report = Report(self.bundle.manifest.title, cells.report)
        print(report)
        return report

    def predict(
        self,
        adata: AnnData,
        outputs: Sequence[str] | None = None,
        *,
        layer: str | None = None,
        total: str | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> dict[str, Any]:
        """Run the model over all cells and give its outputs whole; nothing is written to the AnnData.

        Parameters
        ----------
        adata, layer, total, seed
            As in `open`.
        outputs
            Which ones: "logits", "embedding", "attention", "attention_weighted" as far as the model has them, and "xy"
            where it has a map.
            None for all.
        threads
            Threads of the computation; None for all cores.

        Returns
        -------
        dict
            Output by name, rows as in ``adata.obs_names``: float32 [cells, d], NaN for cells that failed; the
            attentions as `scipy.sparse.csr_array` [cells, genes of the model].

        Raises
        ------
        ValueError
            If the model has no such output.
        """
        names = self._outputs(outputs)
        wanted = names if set(ATTENTION).isdisjoint(names) else [*names, "attention_genes"]
        engine = KernelEngine(self.bundle, threads=threads, outputs=wanted)
        engine.load()
        cells = self.open(adata, layer=layer, total=total, seed=seed)
        gathered = Gathered(cells.n_obs, len(self.genes))
        try:
            cells.start()
            _run_all(cells, engine, gathered)
        finally:
            cells.close()
        if gathered.failed:
            reasons = ", ".join(sorted(set(gathered.failed.values())))
            warnings.warn(f"{len(gathered.failed):,} cells have no result: {reasons}", stacklevel=2)
        return {name: gathered.whole(name) for name in names}

    def written_info(self, report: InputReport, counts: tuple[int, int, int], **parameters: Any) -> dict[str, Any]:
        """Say what results come from, for ``uns``: the model, what it found in the data, how it was run and went.

        `counts` are those of the results: cells done, failed and placed.
        """
        from importlib.metadata import version

        manifest = self.bundle.manifest
        told = {name: report[name] for name in ("matrix", "values", "genes_matched", "genes_model", "ids_in", "total")}
        return {
            "model": manifest.name,
            "model_version": manifest.version,
            "sha256": self.bundle.sha256,
            "cellwidget_version": version("cellwidget"),
            **told,
            "parameters": {name: value for name, value in parameters.items() if value is not None},
            "cells_done": counts[0],
            "cells_failed": counts[1],
        }

    def _outputs(self, asked: Sequence[str] | None) -> list[str]:
        there = [name for name in self.bundle.outputs if name != "attention_genes"]
        if self.bundle.umap_path is not None and "xy" not in there:
            there.append("xy")
        names = there if asked is None else [asked] if isinstance(asked, str) else list(asked)
        if unknown := [name for name in names if name not in there]:
            raise ValueError(f"the model {self.bundle.manifest.name!r} has no output {unknown[0]!r}, only {there}")
        return names


class Report:
    """What a model found in the data; prints as a table.

    Parameters
    ----------
    title
        The model's.
    facts
        What was found.
    """

    def __init__(self, title: str, facts: InputReport) -> None:
        self.title = title
        self.facts = facts

    def __str__(self) -> str:
        facts = self.facts
        share = 100 * facts["genes_matched"] / max(1, facts["genes_model"])
        lines = [
            ("cells", f"{facts['cells']:,}, {facts['empty_cells']:,} of them empty"),
            ("read from", f"{facts['matrix']} ({facts['values']})"),
            ("genes", f"{facts['genes_matched']:,} of the model's {facts['genes_model']:,} ({share:.0f} %)"),
            ("matched by", f"{facts['id_type']}, in {facts['ids_in']} ({facts['genes_data']:,} genes)"),
        ]
        if facts["duplicates_summed"]:
            lines.append(("duplicates", f"{facts['duplicates_summed']:,} columns summed into others"))
        if facts["total"] is not None:
            lines.append(("totals over", facts["total"]))
        lines += [("note", note) for note in facts["notes"]]
        width = max(len(name) for name, _ in lines)
        return "\n".join([self.title, *(f"  {name:<{width}}  {text}" for name, text in lines)])

    def __repr__(self) -> str:
        # short, since `check` as the last line of a notebook's cell has printed it all already
        return f"<Report: {self.facts['genes_matched']:,} of {self.facts['genes_model']:,} genes>"


def _run_all(cells: Cells, engine: KernelEngine, gathered: Gathered) -> None:
    careful, sizes = Careful(engine), BatchSizes(engine.largest_batch, min(MOST_PREDICTED, engine.largest_batch))
    start = 0
    while start < cells.n_obs:
        stop = min(start + sizes.size, cells.n_obs)
        batch, failed = cells.read(start, stop)
        gathered.failed |= failed
        if len(batch):
            gathered.add(careful.run(batch))
        if careful.too_large is not None:
            sizes.out_of_memory(careful.too_large)
        start = stop
