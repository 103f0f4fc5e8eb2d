"""One widget's work put together: a model, the cells as it reads them, a run and what it fills."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from cellwidget.cells import GeneColumns, check_anndata
from cellwidget.columns import Columns
from cellwidget.engines import InKernel
from cellwidget.engines.browser import BrowserEngine
from cellwidget.engines.equipment import Equipped, has_runtime
from cellwidget.engines.kernel import ATTENTION_OUTPUTS, STREAMED_OUTPUTS, KernelEngine, cores
from cellwidget.engines.packing import Packer
from cellwidget.explain import Explainer
from cellwidget.feed import RunFeed
from cellwidget.layout import choose_layout
from cellwidget.messages import DONE
from cellwidget.model import load_model
from cellwidget.results import AttentionSums, Results, Truth, check_keys, nearness_of, write
from cellwidget.results.scores import softmax
from cellwidget.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData

    from cellwidget.messages import CellDetail, EngineName, LabelScore, ModelInfo
    from cellwidget.model import Model
    from cellwidget.selection import Selection

ENGINES = ("auto", "kernel", "browser")
TOP_LABELS, TOP_OBS = 5, 12
AT_ONCE = 32
NO_RUNTIME = (
    "The page's runtime was not built into this installation, so engine='browser' cannot be used. "
    "Install a wheel of cellwidget, or run `make build` in the checkout."
)
LOG1P, AS_STORED = "log1p of counts per 10,000 of all genes", "as stored"
VIEW_NOTE = (
    "This AnnData is a view of another, so results will not be written into it. "
    "Use adata = adata.copy() before running, or w.write(…) afterwards."
)


class Job:
    """A model at work on an AnnData.

    Parameters
    ----------
    adata, model, engine, layer, basis, color, key, total, overwrite, threads, truth
        As `CellWidget` takes them.
    on_change
        Called from the run's threads when rows or the state changed.

    Raises
    ------
    ValueError
        If something asked for is not there; the message names it and the remedy.
    """

    def __init__(
        self,
        adata: AnnData,
        model: str | Path | Model,
        *,
        engine: str,
        layer: str | None,
        basis: str | None,
        color: str | None,
        key: str,
        total: str | None,
        overwrite: bool,
        threads: int | None,
        truth: str | None,
        on_change: Callable[[], None],
    ) -> None:
        if engine not in ENGINES:
            raise ValueError(f"There is no engine {engine!r} here: choose one of {', '.join(map(repr, ENGINES))}.")
        check_anndata(adata)
        check_keys(adata, key, overwrite)
        self._adata: AnnData | None = adata
        self._model = load_model(model)
        self._layer, self._total = layer, total
        self._basis = basis
        self._key = key
        self._overwrite = overwrite
        self._threads = threads
        self._chosen, self._where = _choose(engine)
        self._on_change = on_change
        self._threshold = 0.0
        self._columns = Columns(adata.obs, adata.obs_names, adata.uns)
        self._truth = None if truth is None else Truth(self._columns, truth, self._model.classes)
        self._color = self._color_id(color)
        self._prepare()

    def _prepare(self) -> None:
        """Make everything that belongs to one run."""
        adata, bundle = self._held(), self._model.bundle
        self.cells = self._model.open(adata, layer=self._layer, total=self._total)
        self._layout = choose_layout(adata, bundle, self._basis, key=self._key)
        outputs: tuple[str, ...] = (
            STREAMED_OUTPUTS if self._layout.info["source"] == "model" else ("logits", "embedding")
        )
        sizes = self.cells.n_obs, len(bundle.classes), len(bundle.genes)
        attention = AttentionSums.fitting(*sizes, bundle.outputs)
        if attention is not None:
            outputs += ATTENTION_OUTPUTS
        threads = self._threads or max(1, cores() - 1)  # the page that shows the run needs one too
        self._engine = KernelEngine(bundle, threads=threads, outputs=outputs)
        self._kernel = InKernel(self._engine, threads=threads)
        equipped = Equipped(bundle, outputs, self._threads)
        self._browser = BrowserEngine(equipped, len(bundle.classes), Packer(self.cells.order), self._on_change)
        keep = ("embedding",) if "embedding" in bundle.outputs else ("logits",)
        self._results = Results(
            self.cells.n_obs,
            bundle.classes,
            keep=keep,
            attention=attention,
            nearness=nearness_of(bundle),
            temperature=self._model.temperature,
            threshold=self._threshold,
        )
        self.explainer = Explainer(bundle, self.cells, self._results, threads)
        self.run = Run(
            self.cells,
            self._browser if self._where == "browser" else self._kernel,
            self._results,
            self._layout,
            on_change=self._on_change,
            on_done=self._write_back,
        )
        self.run.chosen = self._chosen
        self._genes = GeneColumns(self.cells, bundle.genes, self._on_change, self.run.note)
        if self._layout.info["source"] == "obsm":
            self._layout.begin(self._results)  # these places are known before anything runs
        if adata.is_view:
            self.run.note(VIEW_NOTE)

    # ── the run ──────────────────────────────────────────────────────────────────────────────────

    @property
    def names(self) -> pd.Index[str]:
        """obs_names of the start."""
        return self.cells.obs_names

    @property
    def on_page(self) -> bool:
        """Whether the model runs on pages."""
        return self._where == "browser"

    def start(self) -> bool:
        """Start, or go on; after the end, or where the data changed under the run, run again from the data as is.

        Returns
        -------
        bool
            Whether it is a new run.
        """
        again = self.run.status == "done" or not self.cells.readable
        if again:
            adata = self._held()
            if not self.cells.unchanged(adata):
                raise ValueError("The AnnData has other cells than at the start. Make a new CellWidget of it.")
            self.cells.close()
            self._prepare()
        self.run.start()
        return again

    def resume(self) -> None:
        """Go on after a pause, a stop or a failure."""
        self._held()
        self.run.resume()

    def use(self, engine: EngineName) -> None:
        """Run on in the kernel or on pages, from where the run is; one that stopped or failed goes on too."""
        if engine == "browser" and not has_runtime():
            raise ValueError(NO_RUNTIME)
        self._where, self._chosen = engine, ""
        self.run.chosen = ""
        self.run.use(self._browser if engine == "browser" else self._kernel)
        if self.run.status in ("stopped", "failed"):
            self.resume()

    def feed(self, selection: Callable[[], Selection]) -> RunFeed:
        """Describe the run for pages."""
        bundle = self._model.bundle
        manifest = bundle.manifest
        model: ModelInfo = {
            "name": manifest.name,
            "title": manifest.title,
            "family": manifest.family,
            "version": manifest.version,
            "genes": len(bundle.genes),
            "classes": bundle.classes,
            "explains": self.explainer.methods,
        }
        return RunFeed(
            self.run,
            self._results,
            self._columns,
            model=model,
            report=self.cells.report,
            layout=self._layout.info,
            reference=bundle.reference() if self._layout.info["source"] == "model" else None,
            key=self._key,
            color=self._color,
            label_colors=bundle.colors,
            selection=selection,
            truth=self._truth,
            genes=self._genes,
            gene_values=AS_STORED if self.cells.as_is else LOG1P,
            port=self._browser if has_runtime() else None,
            engines=("kernel", "browser") if has_runtime() else ("kernel",),
        )

    def close(self) -> None:
        """Stop, and let go of the AnnData."""
        self.run.stop()
        self.cells.close()
        self._adata = None

    # ── results ──────────────────────────────────────────────────────────────────────────────────

    def predictions(self) -> pd.DataFrame:
        """One row per cell."""
        return self._results.predictions(self.names)

    def set_threshold(self, value: float) -> None:
        """Let cells with a lower score be unassigned, from now on and in runs to come."""
        self._threshold = self._results.threshold = value
        self._on_change()

    def confusion(self) -> pd.DataFrame:
        """Known labels against those that the model gave."""
        return self._known().confusion(self._results)

    def metrics(self) -> pd.DataFrame:
        """How well the model finds each known label."""
        return self._known().metrics(self._results)

    def probabilities(self, selection: Selection) -> pd.DataFrame:
        """Run the model on some cells, for the probability of every class; NaN for cells that it cannot be run on."""
        import pandas as pd

        self._held()
        rows, classes = selection.rows, self._model.classes
        if not classes:
            raise ValueError("This model gives no labels, so there are no probabilities of them.")
        values = np.full((len(rows), len(classes)), np.nan, dtype=np.float32)
        for start in range(0, len(rows), AT_ONCE):
            batch, _ = self.cells.read_rows(rows[start : start + AT_ONCE])
            if len(batch):
                logits = self._engine.run(batch).outputs["logits"].astype(np.float32, copy=False)
                values[np.searchsorted(rows, batch.rows)] = softmax(logits, self._results.temperature)
        return pd.DataFrame(values, index=selection.obs_names, columns=classes)

    def write(self, adata: AnnData, *, overwrite: bool) -> str:
        """Put the results into an AnnData, aligned by name; returns the main key written."""
        threshold = self._threshold or None
        read_as = {"layer": self._layer, "total": self._total, "basis": self._basis, "threshold": threshold}
        info = self._model.written_info(self.cells.report, self._results, **read_as)
        return write(
            adata,
            self._results,
            self.names,
            key=self._key,
            info=info,
            layout=self._layout.is_new,
            colors=self._model.bundle.colors,
            overwrite=overwrite,
        )

    def _write_back(self) -> str | None:
        adata = self._adata
        if adata is None or adata.is_view:
            return None
        if not self.cells.unchanged(adata):
            raise ValueError(
                "its cells changed during the run. The results are in w.predictions; "
                "w.write(adata) puts them in by name."
            )
        return self.write(adata, overwrite=self._overwrite)

    def inspect(self, row: int) -> CellDetail:
        """Look one cell up: its labels and its obs."""
        detail: CellDetail = {
            "row": row,
            "name": str(self.names[row]),
            "labels": [],
            "obs": [
                {"name": spec["name"], "value": self._columns.text(spec["id"], row)}
                for spec in self._columns.specs[1 : 1 + TOP_OBS]
            ],
            "failure": self._results.reason(row),
        }
        if self._results.state[row] == DONE:
            batch, _ = self.cells.read(row, row + 1)
            outputs = self._engine.run(batch).outputs
            if "logits" in outputs:
                detail["labels"] = _best_labels(outputs["logits"][0], self._results.temperature)
        return detail

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _held(self) -> AnnData:
        if self._adata is None:
            raise RuntimeError("This widget was closed. Make a new CellWidget.")
        return self._adata

    def _known(self) -> Truth:
        if self._truth is None:
            raise ValueError(
                "No labels are known to compare with: name their obs column, as in CellWidget(adata, truth='celltype')."
            )
        return self._truth

    def _color_id(self, color: str | None) -> str:
        """Find the column to colour by at first."""
        results = ("label", "score") if self._model.classes else ()
        if color is None:
            categories = [spec["id"] for spec in self._columns.specs if spec["kind"] == "category"]
            return next(iter((*results, *categories)), "state")
        if color in results:
            return color
        if f"obs:{color}" in self._columns:
            return f"obs:{color}"
        raise ValueError(f"color={color!r} is neither 'label' nor 'score' nor a column of obs.")


def _choose(engine: str) -> tuple[str, EngineName]:
    """Decide where the model runs: why, in a sentence for people, and where."""
    if engine == "kernel":
        return "", "kernel"
    if engine == "auto" and find_spec("onnxruntime") is not None:
        return "Chosen since it needs nothing from the page and goes on without one.", "kernel"
    if not has_runtime():
        raise ValueError(NO_RUNTIME)
    return ("Chosen since this kernel has no onnxruntime." if engine == "auto" else ""), "browser"


def _best_labels(logits: np.ndarray, temperature: float) -> list[LabelScore]:
    scores = softmax(logits[None, :], temperature)[0]
    return [
        {"code": int(code), "score": float(scores[code])} for code in np.argsort(-scores, kind="stable")[:TOP_LABELS]
    ]
