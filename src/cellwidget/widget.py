"""The widget: what a notebook calls and shows. The work is done in the rooms below."""

from __future__ import annotations

import logging
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets as t

from cellwidget.channel import Channel
from cellwidget.hearing import Hearing
from cellwidget.page import Page
from cellwidget.results import check_threshold
from cellwidget.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from anndata import AnnData

    from cellwidget.channel import Answer
    from cellwidget.messages import CellDetail, Command, Explain, RunState
    from cellwidget.model import Model

log = logging.getLogger("cellwidget")

_STATUSES = ("idle", "waiting", "running", "paused", "done", "stopped", "failed")

_latest: weakref.WeakValueDictionary[tuple[int, str], CellWidget] = weakref.WeakValueDictionary()
"""The widget that last ran on an AnnData (by identity) and key: running again stops the older run."""


class CellWidget(Page):
    """Run a model on cells and explore labels and points as they stream in.

    Parameters
    ----------
    adata
        The cells. Counts are looked for in ``X``, ``layers["counts"]`` and ``raw``.
    model
        What `load_model` takes (a name, a path, ``hf://…``, ``https://…``), or a loaded `Model`.
    engine
        ``"kernel"`` runs the model in the kernel, ``"browser"`` on the page that shows the widget; ``"auto"`` chooses,
        and the page says why. It can be switched while the run goes on.
    layer
        Where the counts are, if it should not be looked for.
    basis
        An existing embedding of ``obsm`` to draw in (``"umap"`` finds ``X_umap`` too); by default the model's own map,
        or one that umap-learn fits to the model's embedding.
    color
        What to colour by at first: ``"label"``, ``"score"`` or an obs column.
    key_added
        Results are written to ``obs["{key}_label"]``, ``obs["{key}_score"]``, ``obsm["X_{key}"]``,
        ``obsm["X_{key}_umap"]`` and ``uns["{key}"]`` when the run completes: all of them or none.
    truth
        An obs column of labels that are known: the page compares, and `confusion` and `metrics` tell in figures.
    threshold
        Cells whose score is below it are unassigned; the legend moves it too.
    total
        An obs column with each cell's total counts, for models that normalise by it; by default the sum over all genes.
    overwrite
        Whether keys that are not this package's may be overwritten.
    threads
        Threads of the computation, or workers on the page; by default all cores but one, which is left to what people
        do meanwhile.
    autorun
        Whether to start at once.
    height
        Height in CSS pixels; by default 640, or 480 in a narrow cell.

    Raises
    ------
    InputError
        If the cells cannot be read for this model; the message says what would help.
    ValueError
        If results would overwrite a key that is not ours.
    """

    status = t.Enum(_STATUSES, "idle", help="Where the run stands.").tag(sync=True)
    progress = t.Float(0.0, help="Cells done or failed, of all: 0 to 1.").tag(sync=True)
    height = t.Int(None, allow_none=True, min=200, help="Height in CSS pixels.").tag(sync=True)
    threshold = t.CFloat(0.0, help="Cells whose score is below are unassigned: a number from 0 to 1.").tag(sync=True)
    selection = t.Any(help="The selected cells; set it to rows, obs_names or a mask.")

    def __init__(
        self,
        adata: AnnData,
        model: str | Path | Model = "pbmc",
        *,
        engine: str = "auto",
        layer: str | None = None,
        basis: str | None = None,
        color: str | None = None,
        key_added: str = "cellwidget",
        truth: str | None = None,
        threshold: float = 0.0,
        total: str | None = None,
        overwrite: bool = False,
        threads: int | None = None,
        autorun: bool = True,
        height: int | None = None,
    ) -> None:
        from cellwidget.explain import Questions
        from cellwidget.job import Job

        threshold = check_threshold(threshold)
        self._lock = threading.RLock()
        self._channel: Channel | None = None
        self._hearing = Hearing()
        self._questions = Questions()
        self._job = Job(
            adata,
            model,
            engine=engine,
            layer=layer,
            basis=basis,
            color=color,
            key=key_added,
            total=total,
            overwrite=overwrite,
            threads=threads,
            truth=truth,
            on_change=self._changed,
        )
        self._names: pd.Index[str] = self._job.names
        self._origin: str | None = None
        self._place = (id(adata), key_added)
        nothing = Selection.of(None, self._names)
        super().__init__(height=height, selection=nothing, threshold=threshold)
        self._channel = Channel(self.send, self, self._publish)
        self.on_msg(lambda _, content, buffers: self._receive(content, buffers))
        self._show()
        if autorun:
            self.run()

    # ── the run ──────────────────────────────────────────────────────────────────────────────────

    def run(self) -> None:
        """Start, go on after a stop or a failure, or run again after the end."""
        _replace(self._place, self)
        with self._lock:
            if self._job.start():
                self._show()

    def pause(self) -> None:
        """Pause after the batch that is under way."""
        self._job.run.pause()

    def resume(self) -> None:
        """Go on after a pause, a stop or a failure; nothing happens while it goes on and after the end."""
        if self._job.run.status != "done":
            _replace(self._place, self)
            self._job.resume()

    def stop(self) -> None:
        """Stop after the batch that is under way; what is done is kept."""
        self._job.run.stop()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run ends.

        Parameters
        ----------
        timeout
            Seconds; None waits for as long as it takes.

        Raises
        ------
        TimeoutError
            If it is still going after ``timeout`` seconds; it goes on.
        RuntimeError
            If the run failed, or runs on a page that cannot be heard before this cell ends; the message says why and
            what to do.
        """
        if self._job.on_page:
            self._hearing.wait(self._job.run, timeout)
        else:
            self._job.run.wait(timeout)

    # ── results ──────────────────────────────────────────────────────────────────────────────────

    @property
    def predictions(self) -> pd.DataFrame:
        """Labels, scores and places so far, one row per cell in the order of the dataset; NaN where not yet run."""
        return self._job.predictions()

    @property
    def confusion(self) -> pd.DataFrame:
        """Cells counted by known label (rows; see `truth`) and by label of the model (columns; the last: unassigned).

        Raises
        ------
        ValueError
            If no known labels were named.
        """
        return self._job.confusion()

    @property
    def metrics(self) -> pd.DataFrame:
        """Precision, recall, f1, support and predicted cells per class, against the known labels (see `truth`).

        Names that the model does not know stand at the end, with their support alone: their cells count in no figure.
        ``metrics.attrs`` holds the accuracy, the macro_f1 over classes with support, and the share that is assigned;
        unassigned cells count as missed.

        Raises
        ------
        ValueError
            If no known labels were named.
        """
        return self._job.metrics()

    def probabilities(self, cells: Any = None) -> pd.DataFrame:
        """Probabilities of every class, for some cells: the model is run on them again, here.

        Parameters
        ----------
        cells
            Rows, obs_names or a mask; None for the selection.

        Returns
        -------
        pandas.DataFrame
            float32, one row per cell in the order of the dataset, one column per class; NaN for cells that fail.

        Raises
        ------
        ValueError
            If there are no such cells, or the model gives no labels.
        """
        chosen = self.selection if cells is None else Selection.of(cells, self._names)
        return self._job.probabilities(chosen)

    def explain(self, of: object = None, method: str = "auto", n: int = 20) -> pd.DataFrame:
        """Tell the genes that labels rest on, while the model runs and after.

        Parameters
        ----------
        of
            None for each class that cells were given so far; the name of a class; a cell, by its obs_name or row; or
            several, as `selection` takes them (``w.selection`` itself, obs_names, rows or a mask).
        method
            ``"attention_weighted"``: each decision step's mask over the genes, times what the step decided, as SIMS's
            own ``explain`` weights them. ``"attention"``: the plain sum of the masks; each step's adds up to 1.
            ``"occlusion"``: what the probability of the cell's own label loses when the gene's counts are taken out of
            the cell and of its total; for any model with labels, and slow: one run per expressed gene. ``"auto"`` is
            the first of these that the model has.
        n
            Genes of each group.

        Returns
        -------
        pandas.DataFrame
            Heaviest first, with ``group``, ``gene`` and

            - ``weight``: mean per cell, in the method's units; occlusion's is negative where the label becomes likelier
              without the gene;
            - ``share``: of the weight of all genes, 0 to 1, whatever its sign;
            - ``expressed``: share of the cells that express the gene; one that is not expressed counts by its absence;
            - ``cells`` and ``of_cells``: how many cells this is from, of how many. Attention of a class is summed over
              all of its cells while the run goes on, and `expressed` is from 2,000 of them at most; other large groups
              are explained from 2,000 cells by attention and from 100 by occlusion, the same ones each time.

        Raises
        ------
        ValueError
            If there is no such class or cell, no cell was labelled yet, or the model cannot be asked so.
        """
        from cellwidget.explain import frame

        return frame(self._job.explainer, of, method, n)

    def write(self, adata: AnnData, *, overwrite: bool = False) -> None:
        """Put the results into an AnnData, aligned by obs_names.

        Parameters
        ----------
        adata
            Where to; it may hold a part of the cells, or others too.
        overwrite
            Whether keys that are not this package's may be overwritten.
        """
        self._job.write(adata, overwrite=overwrite)

    def close(self) -> None:
        """Stop the run, let go of the AnnData and take the widget off the page."""
        if self._channel is not None:
            self._questions.close()
            self._job.close()
            self._channel.close()
        super().close()

    # ── what pages ask (see `channel.Handler`) ───────────────────────────────────────────────────

    def order(self, name: Command) -> None:
        """Carry out a command of a page."""
        match name:
            case "kernel" | "browser":
                with self._lock:
                    self._job.use(name)
            case _:
                {"run": self.run, "pause": self.pause, "resume": self.resume, "stop": self.stop}[name]()

    def select(self, bits: bytes, page: str) -> None:
        """Take a page's selection."""
        with self._lock:
            self._origin = page
            try:
                self.selection = Selection.from_bits(bits, self._names)
            except Exception:
                log.exception("an observer of the selection raised")
            finally:
                self._origin = None

    def set_threshold(self, value: float) -> None:
        """Take a page's threshold."""
        with self._lock:
            try:
                self.threshold = value
            except Exception:
                log.exception("an observer of the threshold raised")

    def inspect(self, row: int) -> CellDetail:
        """Tell more about one cell."""
        return self._job.inspect(row)

    def explain_to(self, question: Explain, answer: Answer) -> None:
        """Answer a page's question for the genes behind labels, when the answer is found."""
        from cellwidget.explain import explanation

        explainer, rows = self._job.explainer, self.selection.rows
        work = partial(explanation, explainer, question, rows)
        self._questions.ask(question["page"], question["id"], work, answer)

    def forget(self, page: str, question: int | None) -> None:
        """Drop a page's question."""
        self._questions.cancel(page, question)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    @t.validate("selection")
    def _check_selection(self, proposal: Any) -> Selection:
        return Selection.of(proposal["value"], self._names)

    @t.validate("threshold")
    def _check_threshold(self, proposal: Any) -> float:
        return check_threshold(proposal["value"])

    @t.observe("threshold")
    def _tell_threshold(self, change: Any) -> None:
        self._job.set_threshold(change["new"])

    @t.observe("selection")
    def _tell_selection(self, _: Any) -> None:
        if self._channel is not None:
            self._channel.selected(self._origin)

    def _show(self) -> None:
        if self._channel is not None:
            self._channel.show(self._job.feed(lambda: self.selection))

    def _receive(self, content: object, buffers: list[memoryview]) -> None:
        self._hearing.heard()
        if self._channel is not None:
            self._channel.receive(content, buffers)

    def _changed(self) -> None:
        if self._channel is not None:
            self._channel.changed()

    def _publish(self, state: RunState) -> None:
        """Bring the traits in line with the run; on the channel's thread alone."""
        progress = (state["done"] + state["failed"]) / max(1, state["total"])
        for name, value in (("progress", progress), ("status", state["status"])):
            if getattr(self, name) == value:
                continue
            try:
                self.set_trait(name, value)
            except Exception:
                log.exception("an observer of %s raised", name)


def _replace(key: tuple[int, str], widget: CellWidget) -> None:
    older = _latest.get(key)
    if older is not None and older is not widget:
        older.stop()
    _latest[key] = widget
