"""A model: a bundle that can be asked what it makes of an AnnData."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwidget.bundle import check_values, load_bundle
from cellwidget.cells import open_cells
from cellwidget.engines import BatchSizes, Careful
from cellwidget.engines.gather import ATTENTION, Gathered
from cellwidget.engines.kernel import KernelEngine
from cellwidget.genes import InputError
from cellwidget.rebundle import rewrite
from cellwidget.registry import resolve
from cellwidget.report import Report
from cellwidget.results.scores import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from cellwidget.bundle import Bundle
    from cellwidget.calibration import Calibration
    from cellwidget.cells import Cells
    from cellwidget.messages import InputReport
    from cellwidget.results import Results

MOST_PREDICTED = 256
"""Cells of one batch of `Model.predict`, at most; a run measures instead."""

SLOW = "This is a network as it was published. cw.convert.sims makes one of it that gives the same many times faster."

NOT_SAID = (
    "Nobody said which values this network was trained on, so it takes them as they are: "
    "load it with values='counts', 'log1p_10k' or 'as_is'."
)

GIVEN_BY = {"probs": "logits"}
"""What is made of another output."""


def load_model(model: str | Path | Model = "pbmc", values: str | None = None, *, progress: bool = True) -> Model:
    """Load a model.

    Parameters
    ----------
    model
        Name of a packaged model; path of a bundle's folder or zip; a folder made for sims-web, which the id of one of
        its models may follow (``"folder/ID"``), or the ``.onnx`` in it; the address of one of these: ``https://…``, or
        ``hf://owner/name[@revision][/folder]``; or a loaded model, which is given back. What was downloaded is kept
        in the user's cache (or the folder that CELLWIDGET_CACHE names), and serves offline.
    values
        Which values a sims-web model was trained on, since its folder does not say: "counts", "log1p_10k" (counts per
        10,000 of the cell, through log1p) or "as_is" (what the matrix holds, whatever was done to it, which is what
        None means). Bundles say it themselves.
    progress
        Whether to show a bar while it downloads.

    Raises
    ------
    ValueError
        If there is no such model.
    DownloadError
        If it cannot be downloaded; the message names what and the remedy. What was cut off goes on next time.
    BundleError
        If it is damaged, files of it disagree, or `values` is not what a bundle says itself; the message names the
        file and the remedy.
    """
    if isinstance(model, Model):
        check_values(model.bundle, values)
        return model
    return Model(load_bundle(resolve(model, progress=progress), values))


class Model:
    """A model that was loaded and verified.

    Parameters
    ----------
    bundle
        What is on disk.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._temperature = float(bundle.manifest.temperature)

    @property
    def genes(self) -> list[str]:
        """The genes it looks at."""
        return self.bundle.genes

    @property
    def classes(self) -> list[str]:
        """The labels it tells apart; empty for a model that gives an embedding alone."""
        return self.bundle.classes

    @property
    def temperature(self) -> float:
        """What logits are divided by before they become scores: 1, or what `calibrate` found."""
        return self._temperature

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
        cells = open_cells(
            adata,
            self.genes,
            id_type=manifest.gene_id_type,
            layer=layer,
            needs_total="total" in inputs,
            total=total,
            uniform=manifest.uniform if "uniform" in inputs else 0,
            seed=seed,
            values=manifest.values,
            trained_on=manifest.trained_on,
            aliases=self.bundle.aliases,
        )
        if manifest.input == "dense":
            cells.report["notes"] += [SLOW] if manifest.trained_on else [NOT_SAID, SLOW]
        if self.temperature != 1.0:
            cells.report["notes"].append(f"Scores are calibrated, with a temperature of {self.temperature:.3g}.")
        return cells

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
            Which ones: "logits", "embedding", "attention", "attention_weighted" as far as the model has them, "probs"
            (over all classes) where it has logits, and "xy" where it has a map. None for all.
        threads
            Threads of the computation; None for all cores.

        Returns
        -------
        dict
            Output by name, rows as in ``adata.obs_names``: float32 [cells, d], NaN for cells that failed; the
            attentions as `scipy.sparse.csr_array` [cells, genes of the model]. Logits are divided by the temperature.

        Raises
        ------
        ValueError
            If the model has no such output.
        """
        names = self._outputs(outputs)
        gathered = self._gather(adata, names, layer=layer, total=total, seed=seed, threads=threads)
        if gathered.failed:
            reasons = ", ".join(sorted(set(gathered.failed.values())))
            warnings.warn(f"{len(gathered.failed):,} cells have no result: {reasons}", stacklevel=2)
        return {name: self._whole(gathered, name) for name in names}

    def calibrate(
        self,
        adata: AnnData,
        truth: str,
        *,
        layer: str | None = None,
        total: str | None = None,
        bins: int = 10,
        seed: int = 0,
        threads: int | None = None,
    ) -> Calibration:
        """Fit the temperature that makes scores as often right as they say, and use it from now on.

        `predict`, `annotate` and widgets that are made of this model divide logits by it; labels never change. The
        bundle stays as it is: `save` keeps the temperature.

        Parameters
        ----------
        adata
            Cells with known labels, best such that the model was not trained on.
        truth
            The obs column with the labels, matched to the model's classes by name; others are left out, and told.
        layer, total, seed, threads
            As in `predict`; `seed` also splits the cells.
        bins
            Number of bins of the score, for the reliability.

        Returns
        -------
        Calibration
            The temperature, and the reliability before and after, measured on cells that the temperature was not
            fitted to.

        Raises
        ------
        InputError
            If there is no such column, or too few of its labels are classes of the model.
        ValueError
            If the model gives no labels.
        """
        from cellwidget.calibration import calibrate, class_codes

        if "logits" not in self.bundle.outputs:
            raise ValueError(f"The model {self.bundle.manifest.name!r} gives no labels that could be calibrated.")
        if truth not in adata.obs:
            there = ", ".join(map(repr, adata.obs.columns[:20])) or "nothing"
            raise InputError(f"truth={truth!r} is not in adata.obs, which holds {there}.")
        labelled = class_codes(adata.obs[truth], self.classes)
        gathered = self._gather(adata, ["logits"], layer=layer, total=total, seed=seed, threads=threads)
        logits = gathered.whole("logits")
        found = calibrate(logits, labelled, temperature=self.temperature, bins=bins, seed=seed)
        self._temperature = found.temperature
        return found

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write this model as a bundle, with the temperature that it was calibrated to.

        Parameters
        ----------
        folder
            Where to.
        overwrite
            Whether a bundle that is there may be replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        FileExistsError
            If something is there already.
        ValueError
            If the folder is that of a packaged model.
        """
        folder = Path(folder).expanduser()
        if not overwrite and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileExistsError(f"{folder} is not empty. Choose another folder, or pass overwrite=True.")
        return rewrite(self.bundle, folder, temperature=self.temperature)

    def written_info(self, report: InputReport, results: Results, **parameters: Any) -> dict[str, Any]:
        """Say what results come from, for ``uns``: the model, what it found in the data, how it was run and went."""
        from importlib.metadata import version

        manifest = self.bundle.manifest
        done, failed, _ = results.counts
        told = {
            name: report[name]
            for name in ("matrix", "values", "trained_on", "genes_matched", "genes_model", "ids_in", "total")
        }
        return {
            "model": manifest.name,
            "model_version": manifest.version,
            "sha256": self.bundle.sha256,
            "cellwidget_version": version("cellwidget"),
            **told,
            "parameters": {name: value for name, value in parameters.items() if value is not None},
            "temperature": results.temperature,
            "cells_done": done,
            "cells_failed": failed,
        }

    def _gather(
        self,
        adata: AnnData,
        names: Sequence[str],
        *,
        layer: str | None,
        total: str | None,
        seed: int,
        threads: int | None,
    ) -> Gathered:
        """Run all cells for some outputs, as the graphs give them."""
        wanted = [GIVEN_BY.get(name, name) for name in names]
        if not set(ATTENTION).isdisjoint(wanted):
            wanted.append("attention_genes")
        engine = KernelEngine(self.bundle, threads=threads, outputs=wanted)
        engine.load()
        cells = self.open(adata, layer=layer, total=total, seed=seed)
        gathered = Gathered(cells.n_obs, len(self.genes))
        try:
            cells.start()
            _run_all(cells, engine, gathered)
        finally:
            cells.close()
        return gathered

    def _whole(self, gathered: Gathered, name: str) -> Any:
        """Give an output of all cells with the temperature applied."""
        values = gathered.whole(GIVEN_BY.get(name, name))
        match name:
            case "logits":
                return values / np.float32(self.temperature)
            case "probs":
                return softmax(values, self.temperature)
        return values

    def _outputs(self, asked: Sequence[str] | None) -> list[str]:
        there = [name for name in self.bundle.outputs if name != "attention_genes"]
        if "logits" in there:
            there.append("probs")
        if self.bundle.umap_path is not None and "xy" not in there:
            there.append("xy")
        names = there if asked is None else [asked] if isinstance(asked, str) else list(asked)
        if unknown := [name for name in names if name not in there]:
            raise ValueError(f"the model {self.bundle.manifest.name!r} has no output {unknown[0]!r}, only {there}")
        return names


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
